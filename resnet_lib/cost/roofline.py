"""A bound on the time: no operation is faster than its MACs, nor than its bytes (the roofline).

MACs are not time, because a MAC needs its numbers brought. How many MACs a byte pays for (the *intensity*) decides
which of the two a machine waits for: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual
performance model for multicore architectures".

Bytes are those of `Row.bytes`: every operation reads its inputs and parameters and writes its output once, nothing is
fused or kept in a cache. A bill counts them in float32; `bytes_per_element` is 2 for bfloat16 and float16.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import fsum
from typing import Any, NamedTuple

from resnet_lib import _check
from resnet_lib.cost.bill import FLOAT32_BYTES, Bill, Row


def _bytes(row_or_bill: Row | Bill, bytes_per_element: int) -> float:
    return row_or_bill.bytes * bytes_per_element / FLOAT32_BYTES


def intensity(row_or_bill: Row | Bill, bytes_per_element: int = FLOAT32_BYTES) -> float:
    """MACs per byte moved, of one operation or of all in a bill: 0 where nothing is multiplied.

    Raises TypeError for anything else than a row or a bill, ValueError or TypeError for an element below one byte.
    """
    if not isinstance(row_or_bill, Row | Bill):
        raise TypeError(f"row_or_bill must be a Bill, such as rl.price(...), or one of its rows: {row_or_bill!r}")
    bytes_per_element = _check.positive_int("bytes_per_element", bytes_per_element)
    return row_or_bill.macs / _bytes(row_or_bill, bytes_per_element)


class RowTime(NamedTuple):
    """A row of the bill with its least time, and what takes that long: `bound` is "compute" or "memory"."""

    name: str
    stage: str
    block: str
    kind: str
    seconds: float
    bound: str


@dataclass(frozen=True)
class Roofline:
    """The least time a machine needs for a bill whose operations run one after the other. Made by `roofline`."""

    rows: tuple[RowTime, ...]

    @cached_property
    def seconds(self) -> float:
        """All rows together."""
        return fsum(row.seconds for row in self.rows)

    def by(self, what: str) -> dict[str, float]:
        """Shares of the time, which add up to 1, by "bound" (compute, memory), "stage", "block" or "kind".

        The keys stand in order of first execution. Raises ValueError for any other word.
        """
        _check.one_of("what", what, ("bound", "stage", "block", "kind"))
        return shares(self.rows, what, self.seconds, ("compute", "memory") if what == "bound" else ())


def shares(rows: Iterable[Any], what: str, seconds: float, keys: Iterable[str] = ()) -> dict[str, float]:
    """What part of `seconds` falls to the rows of each `what`: `keys` first, then in order of first execution."""
    found = dict.fromkeys(keys, 0.0)
    for row in rows:
        key = getattr(row, what)
        found[key] = found.get(key, 0.0) + row.seconds / seconds
    return found


def roofline(
    bill: Bill, macs_per_second: float, bytes_per_second: float, bytes_per_element: int = FLOAT32_BYTES
) -> Roofline:
    """Each row's least time, max(MACs / peak, bytes / bandwidth), on a machine with these two speeds.

    A data sheet's FLOP/s are twice its MAC/s. A row whose two times are equal is bound by compute. Kernel launches,
    caches and fusion are left out, and so are FLOPs that are no MACs: those rows wait for memory anyway.
    Raises ValueError or TypeError for speeds that are not finite and above 0, and for an element below one byte.
    """
    if not isinstance(bill, Bill):
        raise TypeError(f"bill must be a Bill, such as rl.price(rl.network('resnet50')): {bill!r}")
    macs_per_second = _check.positive_number("macs_per_second", macs_per_second)
    bytes_per_second = _check.positive_number("bytes_per_second", bytes_per_second)
    bytes_per_element = _check.positive_int("bytes_per_element", bytes_per_element)
    rows = []
    for row in bill.rows:
        compute, memory = row.macs / macs_per_second, _bytes(row, bytes_per_element) / bytes_per_second
        bound = "compute" if compute >= memory else "memory"
        rows.append(RowTime(row.name, row.stage, row.block, row.kind, max(compute, memory), bound))
    return Roofline(tuple(rows))
