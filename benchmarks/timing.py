"""Timing side by side, and the table of results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import groupby
from statistics import median, quantiles
from typing import NamedTuple

Seconds = float


class Result(NamedTuple):
    """What one contender took, and how many times as long as the first contender of its benchmark that is."""

    benchmark: str
    contender: str
    median: Seconds
    quartiles: tuple[Seconds, Seconds]
    ratio: float


def side_by_side(benchmark: str, contenders: Mapping[str, Callable[[], Seconds]], rounds: int) -> list[Result]:
    """Measure every contender once a round, so that a busy moment hits all alike, and compare their medians."""
    times: dict[str, list[Seconds]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            times[name].append(measure())
    base = median(next(iter(times.values())))
    results = []
    for name, seconds in times.items():
        lower, middle, upper = quantiles(seconds, n=4, method="inclusive")
        results.append(Result(benchmark, name, middle, (lower, upper), middle / base))
    return results


def call_time(function: Callable[[], object], calls: int, warm_up: int = 2) -> Callable[[], Seconds]:
    """A measurement: the mean time of a call over so many calls. The warm-up calls are made here and not measured."""
    for _ in range(warm_up):
        function()

    def measure() -> Seconds:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - start) / calls

    return measure


def table(results: list[Result]) -> str:
    """One line a contender: median, quartiles, ratio to the first of its benchmark."""
    width = max(len(result.contender) for result in results)
    lines = [f"{'':{width}}{'median':>15}{'quartiles':>25}{'ratio':>10}"]
    for benchmark, group in groupby(results, key=lambda result: result.benchmark):
        lines += ["", benchmark]
        for _, contender, middle, (lower, upper), ratio in group:
            spread = f"{lower * 1e3:.3f} … {upper * 1e3:.3f}"
            lines.append(f"  {contender:<{width}}{middle * 1e3:>10.3f} ms{spread:>25}{ratio:>9.1f}×")
    return "\n".join(lines)
