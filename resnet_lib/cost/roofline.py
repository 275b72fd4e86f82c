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
from resnet_lib._table import Shown, Table, scale
from resnet_lib.cost.bill import FLOAT32_BYTES, Bill, Row


def _bytes(row_or_bill: Row | Bill, bytes_per_element: int) -> float:
    return row_or_bill.bytes * bytes_per_element / FLOAT32_BYTES


def intensity(row_or_bill: Row | Bill, bytes_per_element: int = FLOAT32_BYTES) -> float:
    """Return the MACs per byte moved, of one operation or of all in a bill. It is 0 where nothing is multiplied.

    >>> bill = rl.price("resnet50")
    >>> round(rl.intensity(bill), 1), round(rl.intensity(bill.rows[0]), 1)
    (9.6, 30.6)

    Raises TypeError if `row_or_bill` is neither a Bill nor one of its rows.
    Raises ValueError or TypeError for an element below one byte.

    Chapter 9.
    """
    _check.instance("row_or_bill", row_or_bill, (Bill, Row), "a Bill, such as rl.price('resnet50'), or one of its rows")
    bytes_per_element = _check.positive_int("bytes_per_element", bytes_per_element)
    with _check.fits_a_float("row_or_bill"):
        return row_or_bill.macs / _bytes(row_or_bill, bytes_per_element)


class RowTime(NamedTuple):
    """A row of the bill with its least time, and its `bound`, "compute" or "memory", which takes that long."""

    name: str
    stage: str
    block: str
    kind: str
    seconds: float
    bound: str


@dataclass(frozen=True, repr=False)
class Roofline(Shown):
    """The least time a machine needs for a bill whose operations run one after the other. Made by `roofline`.

    The table has a row for each stage: its time, its share of the whole time, and the two parts of this share, in
    operations bound by compute and in operations bound by memory.
    """

    rows: tuple[RowTime, ...]

    @cached_property
    def seconds(self) -> float:
        """All rows together."""
        return fsum(row.seconds for row in self.rows)

    def by(self, what: str) -> dict[str, float]:
        """Shares of the time, which add up to 1, by "bound" (compute, memory), "stage", "block" or "kind".

        The keys are in order of first execution. Raises ValueError for any other word.
        """
        _check.one_of("what", what, ("bound", "stage", "block", "kind"))
        return shares(self.rows, what, self.seconds, ("compute", "memory") if what == "bound" else ())

    def table(self) -> Table:
        stages = shares(self.rows, "stage", self.seconds)
        bounds = self.by("bound")
        columns = {
            "stage": "",
            "time": scale([self.seconds], "s"),
            "share": "percent",
            **dict.fromkeys(bounds, "percent"),
        }
        rows = []
        for stage, share in stages.items():
            of_stage = shares((row for row in self.rows if row.stage == stage), "bound", self.seconds, bounds)
            rows.append((stage, share * self.seconds, share, *of_stage.values()))
        return Table(columns, rows, ("total", self.seconds, 1.0, *bounds.values()), "The least time")


def shares(rows: Iterable[Any], what: str, seconds: float, keys: Iterable[str] = ()) -> dict[str, float]:
    """The share of `seconds` that the rows of each `what` take: `keys` first, then in order of first execution."""
    found = dict.fromkeys(keys, 0.0)
    for row in rows:
        key = getattr(row, what)
        found[key] = found.get(key, 0.0) + row.seconds / seconds
    return found


def roofline(
    bill: Bill, macs_per_second: float, bytes_per_second: float, bytes_per_element: int = FLOAT32_BYTES
) -> Roofline:
    """Compute the least time of each row, max(MACs / peak, bytes / bandwidth), on a machine with these two speeds.

    The FLOP/s of a data sheet are twice its MAC/s. A row whose two times are equal is bound by compute. Kernel
    launches, caches and fusion are not modelled, nor are FLOPs other than those of MACs: such rows wait for memory
    anyway.

    >>> rl.roofline(rl.price("resnet50"), macs_per_second=17.8e12, bytes_per_second=936e9)
    The least time
    <BLANKLINE>
    stage        time    share  compute  memory
    -------------------------------------------
    stem     24.64 µs    4.7 %    1.3 %   3.4 %
    layer1  146.87 µs   27.8 %    3.7 %  24.1 %
    layer2  128.09 µs   24.3 %   10.9 %  13.3 %
    layer3  132.96 µs   25.2 %   15.6 %   9.6 %
    layer4   86.14 µs   16.3 %    1.1 %  15.2 %
    head      9.21 µs    1.7 %    0.0 %   1.7 %
    -------------------------------------------
    total   527.92 µs  100.0 %   32.6 %  67.4 %

    Raises ValueError or TypeError for a speed that is not finite or not above 0, and for an element below one byte.
    Raises TypeError if `bill` is not a Bill.

    Chapter 9.
    """
    _check.instance("bill", bill, Bill, "a Bill, such as rl.price('resnet50')")
    macs_per_second = _check.positive_number("macs_per_second", macs_per_second)
    bytes_per_second = _check.positive_number("bytes_per_second", bytes_per_second)
    bytes_per_element = _check.positive_int("bytes_per_element", bytes_per_element)
    rows = []
    with _check.fits_a_float("bill"):
        for row in bill.rows:
            compute, memory = row.macs / macs_per_second, _bytes(row, bytes_per_element) / bytes_per_second
            bound = "compute" if compute >= memory else "memory"
            rows.append(RowTime(row.name, row.stage, row.block, row.kind, max(compute, memory), bound))
    return Roofline(tuple(rows))
