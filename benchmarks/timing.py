"""Timing side by side, and the table of results."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from resnet_lib._table import Table
from resnet_lib.lab.timing import Spread, spread

Seconds = float


class Result(NamedTuple):
    """What one contender took, and how many times as long as the first contender of its benchmark in the same round.

    Medians over the rounds, each with the quartiles beside it.
    """

    benchmark: str
    contender: str
    time: Spread
    ratio: Spread


def side_by_side(benchmark: str, contenders: Mapping[str, Callable[[], Seconds]], rounds: int) -> list[Result]:
    """Measure every contender once a round, so that a busy moment hits all alike, and compare within the rounds."""
    times: dict[str, list[Seconds]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            times[name].append(measure())
    return compared(benchmark, times)


def compared(benchmark: str, times: Mapping[str, Sequence[Seconds]]) -> list[Result]:
    """Results of the contenders' times, one a round."""
    base = next(iter(times.values()))
    results = []
    for name, seconds in times.items():
        ratios = [own / first for own, first in zip(seconds, base, strict=True)]
        results.append(Result(benchmark, name, spread(seconds), spread(ratios)))
    return results


def call_time(function: Callable[[], object], calls: int, warmup: int = 2) -> Callable[[], Seconds]:
    """A measurement: the mean time of a call over so many calls. The warm-up calls are made here and not measured."""
    for _ in range(warmup):
        function()

    def measure() -> Seconds:
        start = time.perf_counter()
        for _ in range(calls):
            function()
        return (time.perf_counter() - start) / calls

    return measure


def table(results: list[Result]) -> str:
    """Return a table for each benchmark: median and quartiles of each time, and of its ratio to the first contender."""
    columns = {"": "", **dict.fromkeys(("median", "lower", "upper"), "m 3 s")}
    columns |= dict.fromkeys(("ratio", "lower ratio", "upper ratio"), "times 2")
    tables = []
    for benchmark, group in groupby(results, key=lambda result: result.benchmark):
        rows = [(contender, *took[:3], *ratio[:3]) for _, contender, took, ratio in group]
        tables.append(Table(columns, rows, caption=benchmark).text())
    return "\n\n".join(tables)
