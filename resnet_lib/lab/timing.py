"""Seconds, measured: the clock, the spread of repeated runs, and the settings that every measurement takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import quantiles
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch.utils.benchmark import Timer

from resnet_lib import _check

FEWEST_RUNS = 3  # quartiles of fewer say nothing


class Spread(NamedTuple):
    """Median and quartiles of a number of `runs`."""

    median: float
    lower: float
    upper: float
    runs: int


def spread(values: Iterable[float]) -> Spread:
    """Return median and quartiles of at least one value."""
    values = list(values)
    lower, median, upper = quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return Spread(median, lower, upper, len(values))


def runs(function: Callable[[], object], device: torch.device, seconds: float) -> list[float]:
    """Return the seconds of call after call until they add up to `seconds` (at least three calls).

    On a CPU torch.utils.benchmark's Timer takes the times: of single calls, or of blocks of ten, hundred, …, where a
    call is so short (under about 10 ms) that reading the clock could show. On a GPU two CUDA events enclose each call.
    The first calls, which find the right algorithm and fill the allocator's pool, are not counted.
    """
    for call in range(3):
        start = perf_counter()
        function()
        synchronize(device)
        took = perf_counter() - start
        if device.type != "cuda" and (call or took < seconds / FEWEST_RUNS):
            break  # cuDNN settles later; and a long first call may have compiled something
    seconds = max(seconds, (FEWEST_RUNS - 0.5) * took)
    if device.type != "cuda":
        timer = Timer("function()", globals={"function": function}, num_threads=torch.get_num_threads())
        times = list(timer.blocked_autorange(min_run_time=seconds).times)
        while len(times) < FEWEST_RUNS:
            times += timer.blocked_autorange(min_run_time=0).times
        return times
    times = []
    while len(times) < FEWEST_RUNS or sum(times) < seconds:
        start = stamp(device)
        function()
        end = stamp(device)
        synchronize(device)
        times.append(between(start, end))
    return times


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all its work; a CPU works at once."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def stamp(device: torch.device) -> Any:
    """Return this moment on the device's own clock: a CUDA event in the GPU's queue, or the CPU's seconds."""
    if device.type != "cuda":
        return perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record(torch.cuda.current_stream(device))
    return event


def between(start: Any, end: Any) -> float:
    """Return the seconds from one `stamp` to another; those of a GPU need `synchronize` first."""
    seconds: float = end - start if isinstance(start, float) else start.elapsed_time(end) / 1000
    return seconds


@contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Run torch's operators on `count` threads (None: unchanged), then restore the previous number."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(before if count is None else count)
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)


# --- arguments ------------------------------------------------------------------------------------------------------


def as_device(value: Any) -> torch.device:
    """Return a CPU, or a GPU that CUDA finds here, with its index."""
    gpus = torch.cuda.device_count()
    allowed = "'cpu'" + (" or 'cuda'" if gpus else ", since torch finds no CUDA device here")
    try:
        device = torch.device(value)
    except (RuntimeError, TypeError):
        raise ValueError(f"device must be {allowed}: {value!r}") from None
    if device.type == "cuda" and (device.index or 0) < gpus:
        return torch.device("cuda", torch.cuda.current_device() if device.index is None else device.index)
    if device.type != "cpu":
        raise ValueError(f"device must be {allowed}: {value!r}")
    return device


def as_threads(value: Any) -> int | None:
    """Return a number of threads, at least one, or None."""
    return None if value is None else _check.positive_int("threads", value)
