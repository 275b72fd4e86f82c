"""How long it takes: a bound from the machine's two speeds (roofline), and a model fitted to published measurements.

Bytes are those of `Row.bytes`: every operation reads its inputs and parameters and writes its output once, nothing is
fused or kept in a cache. A bill counts them in float32; `bytes_per_element` is 2 for bfloat16 and float16.

MACs are not time, because a MAC needs its numbers brought. How many MACs a byte pays for (the *intensity*) decides
which of the two a machine waits for: Williams, Waterman and Patterson 2009, "Roofline: an insightful visual
performance model for multicore architectures". The fitted model has the same two terms, so many seconds a MAC and so
many an activation, but adds them up (activations as a measure of a GPU's time: Radosavovic et al. 2020, arXiv
2003.13678, section 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from math import fsum
from typing import Any, NamedTuple, Protocol

from resnet_lib import _check
from resnet_lib.cost.bill import FLOAT32_BYTES, Bill, Row, price
from resnet_lib.zoo import network


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


# --- the roofline: no operation is faster than its MACs, nor than its bytes ------------------------------------------


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


# --- measurements that others have published ------------------------------------------------------------------------


class Record(NamedTuple):
    """A network's counts (forward, `price`'s) and the seconds that were measured for them."""

    network: str
    macs: int
    activations: int
    seconds: float


@cache
def _benchmarks() -> dict[str, Any]:
    import json  # here, and not for everyone who imports the package
    from importlib.resources import files

    data: dict[str, Any] = json.loads((files("resnet_lib.cost") / "data" / "benchmarks.json").read_text("utf-8"))
    return data


def columns() -> dict[str, str]:
    """The columns that `records` knows, each with its device, precision, layout and batch size."""
    return {name: column["what"] for name, column in _benchmarks()["columns"].items()}


def records(column: str) -> tuple[Record, ...]:
    """Thirteen networks in one of timm's benchmark tables: seconds for an image of 224 × 224 pixels.

    The file (data/benchmarks.json) names each table and its commit. MACs and activations are our own bill's; those of
    the forward pass also in a column on training. Raises ValueError for an unknown column (listing the known ones).
    """
    _check.one_of("column", column, columns())
    speeds = _benchmarks()["columns"][column]["images_per_second"]
    return tuple(Record(name, bill.macs, bill.activations, 1 / speeds[name]) for name, bill in _bills().items())


@cache
def _bills() -> dict[str, Bill]:
    described = _benchmarks()["networks"].items()
    return {name: price(network(spec["zoo"], **spec["fields"])) for name, spec in described}


class Counts(Protocol):
    """Whatever knows its MACs and activations."""

    @property
    def macs(self) -> int: ...

    @property
    def activations(self) -> int: ...


# --- the two-term model ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimeModel:
    """time = seconds_per_mac · MACs + seconds_per_activation · activations. Made by `fit_time`.

    Without the second term, `seconds_per_activation` is 0. A negative one is a sign that activations explain nothing
    (see `macs_do_as_well`), not that they save time.
    """

    seconds_per_mac: float
    seconds_per_activation: float
    records: tuple[Record, ...] = field(default=(), repr=False)

    def predict(self, counts: Counts) -> float:
        """Seconds for what this bill (or row, record, candidate of `design`) holds, its batch included."""
        return self.seconds_per_mac * counts.macs + self.seconds_per_activation * counts.activations

    @cached_property
    def errors(self) -> Errors:
        """Relative errors on the records it was fitted to: for those on others see `leave_one_out`."""
        return Errors(tuple((record.network, _error(self, record)) for record in self.records))

    @cached_property
    def macs_do_as_well(self) -> bool:
        """Whether MACs alone predict networks they were not fitted to with no larger mean error than two terms do."""
        two_terms, macs_alone = leave_one_out(self.records)
        return macs_alone.mean <= two_terms.mean

    def __str__(self) -> str:
        a, b = 1e12 * self.seconds_per_mac, 1e9 * self.seconds_per_activation
        activations = f" {'−' if b < 0 else '+'} {abs(b):.3g} ms per M activations" if b else ""
        return f"{a:.3g} ms per GMAC{activations}"


class Errors(NamedTuple):
    """Relative errors, predicted / measured − 1, as (network, error); median, mean and worst of their sizes."""

    relative: tuple[tuple[str, float], ...]

    @property
    def _sizes(self) -> list[float]:
        return sorted(abs(error) for _, error in self.relative)

    @property
    def median(self) -> float:
        sizes = self._sizes
        return (sizes[len(sizes) // 2] + sizes[(len(sizes) - 1) // 2]) / 2

    @property
    def mean(self) -> float:
        return fsum(self._sizes) / len(self.relative)

    @property
    def worst(self) -> float:
        return self._sizes[-1]


class LeaveOneOut(NamedTuple):
    """Errors of the two models, each on networks it was not fitted to."""

    two_terms: Errors
    macs_alone: Errors


def _error(model: TimeModel, record: Record) -> float:
    return model.predict(record) / record.seconds - 1


def fit_time(records: Iterable[Record], activations: bool = True) -> TimeModel:
    """The model with the least sum of squared relative errors; `activations=False`: the one with MACs alone.

    Relative, because the times differ tenfold and more, and an error of 10 % should weigh as much in ResNet-18 as in
    the largest network, which otherwise decides alone. There is no intercept: no network, no time.

    Raises ValueError for too few records, for counts or seconds that are not above 0, and for records that all have
    the same activations per MAC, which leave the two terms undecided.
    """
    _check.boolean("activations", activations)
    records = _checked(records, at_least=2 if activations else 1)
    # Seconds / seconds: with x = MACs / s and y = activations / s, find a and b that make a·x + b·y closest to 1.
    x = [record.macs / record.seconds for record in records]
    if not activations:
        return TimeModel(fsum(x) / _dot(x, x), 0.0, records)
    y = [record.activations / record.seconds for record in records]
    xx, xy, yy = _dot(x, x), _dot(x, y), _dot(y, y)
    determinant = xx * yy - xy * xy
    if determinant <= 1e-9 * xx * yy:
        names = ", ".join(record.network for record in records)
        raise ValueError(f"records must differ in activations per MAC: {names}")
    a = (fsum(x) * yy - fsum(y) * xy) / determinant
    b = (fsum(y) * xx - fsum(x) * xy) / determinant
    return TimeModel(a, b, records)


def leave_one_out(records: Iterable[Record]) -> LeaveOneOut:
    """Fit without each record in turn, and predict it: both models' errors on networks they have not seen.

    Raises ValueError for fewer than three records, and as `fit_time` does.
    """
    records = _checked(records, at_least=3)

    def errors(activations: bool) -> Errors:
        models = (fit_time(records[:i] + records[i + 1 :], activations) for i in range(len(records)))
        return Errors(tuple((r.network, _error(model, r)) for r, model in zip(records, models, strict=True)))

    return LeaveOneOut(two_terms=errors(True), macs_alone=errors(False))


def _checked(records: Iterable[Record], at_least: int) -> tuple[Record, ...]:
    records = tuple(records)
    if len(records) < at_least:
        raise ValueError(f"records must be at least {at_least}: {len(records)}")
    for i, record in enumerate(records):
        for name in ("macs", "activations", "seconds"):
            _check.positive_number(f"records[{i}].{name}", getattr(record, name))
    return records


def _dot(x: Sequence[float], y: Sequence[float]) -> float:
    return fsum(a * b for a, b in zip(x, y, strict=True))
