"""A model of the time, fitted to measurements: seconds for each MAC, and seconds for each activation.

The model has the roofline's two terms (`resnet_lib.cost.roofline`) but adds them up. Activations as a measure of a
GPU's time: Radosavovic et al. 2020, arXiv 2003.13678, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum
from typing import NamedTuple, Protocol

from resnet_lib import _check
from resnet_lib._table import Shown, Table, written


class Timing(NamedTuple):
    """A network's counts (forward, `price`'s) and the seconds that were measured for them."""

    network: str
    macs: int
    activations: int
    seconds: float


class Counts(Protocol):
    """Anything that has MACs and activations."""

    @property
    def macs(self) -> int: ...

    @property
    def activations(self) -> int: ...


@dataclass(frozen=True, repr=False)
class TimeModel(Shown):
    """time = seconds_per_mac · MACs + seconds_per_activation · activations. Made by `fit_time`.

    Without the second term, `seconds_per_activation` is 0. A negative one is a sign that activations explain nothing
    (see `macs_do_as_well`), not that they save time.
    """

    seconds_per_mac: float
    seconds_per_activation: float
    timings: tuple[Timing, ...] = field(default=(), repr=False)

    def predict(self, counts: Counts) -> float:
        """Predict the seconds of this bill (or row, timing, candidate of `design`), its batch included."""
        with _check.fits_a_float("counts"):
            return self.seconds_per_mac * counts.macs + self.seconds_per_activation * counts.activations

    @cached_property
    def errors(self) -> Errors:
        """Relative errors on the timings that it was fitted to; `leave_one_out` has those on others."""
        return Errors(tuple((timing.network, _error(self, timing)) for timing in self.timings))

    @cached_property
    def macs_do_as_well(self) -> bool:
        """Whether MACs alone predict networks they were not fitted to with no larger mean error than two terms do."""
        two_terms, macs_alone = leave_one_out(self.timings)
        return macs_alone.mean <= two_terms.mean

    def table(self) -> Table:
        per_mac, per_activation = 1e9 * self.seconds_per_mac, 1e6 * self.seconds_per_activation
        rows = [("10⁹ MACs", per_mac), ("10⁶ activations", per_activation)]
        errors = f", mean error {written(self.errors.mean, 'percent')}" if self.timings else ""
        fitted = f"Fitted to {len(self.timings)} timings{errors}" if self.timings else ""
        return Table({"": "", "time": "m 4 s"}, rows if per_activation else rows[:1], caption=fitted)

    def __str__(self) -> str:
        a, b = 1e12 * self.seconds_per_mac, 1e9 * self.seconds_per_activation
        activations = f" {'−' if b < 0 else '+'} {abs(b):.3g} ms per M activations" if b else ""
        return f"{a:.3g} ms per GMAC{activations}"


@dataclass(frozen=True, repr=False)
class Errors(Shown):
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

    def table(self) -> Table:
        sizes = ", ".join(f"{name} {written(getattr(self, name), 'percent')}" for name in SIZES)
        return Table({"network": "", "error": "signed percent"}, self.relative, caption=f"Errors: {sizes}")


SIZES = ("median", "mean", "worst")


@dataclass(frozen=True, repr=False)
class LeaveOneOut(Shown):
    """Errors of the two models, each on networks that it was not fitted to."""

    two_terms: Errors
    macs_alone: Errors

    def __iter__(self) -> Iterator[Errors]:
        return iter((self.two_terms, self.macs_alone))

    def table(self) -> Table:
        models = {"MACs and activations": self.two_terms, "MACs alone": self.macs_alone}
        rows = [(name, *(getattr(errors, size) for size in SIZES)) for name, errors in models.items()]
        columns = {"model": "", **dict.fromkeys(SIZES, "percent")}
        return Table(columns, rows, caption="Errors on networks that the model was not fitted to")


def _error(model: TimeModel, timing: Timing) -> float:
    return model.predict(timing) / timing.seconds - 1


def fit_time(timings: Iterable[Timing], activations: bool = True) -> TimeModel:
    """Fit the model with the least sum of squared relative errors. With `activations=False` it has MACs alone.

    The errors are relative because the times differ tenfold and more. An error of 10 % should weigh as much in
    ResNet-18 as in the largest network, which would otherwise decide alone. There is no intercept: no network, no time.

    >>> from resnet_lib.cost.time_model import Timing
    >>> bills = {name: rl.price(name) for name in ("resnet18", "resnet34", "resnet50")}
    >>> measured = {"resnet18": 0.018, "resnet34": 0.034, "resnet50": 0.051}
    >>> model = rl.fit_time(Timing(name, b.macs, b.activations, measured[name]) for name, b in bills.items())
    >>> model
    Fitted to 3 timings, mean error 0.1 %
    <BLANKLINE>
                          time
    --------------------------
    10⁹ MACs         7.3532 ms
    10⁶ activations  1.8821 ms
    >>> round(model.predict(rl.price("resnet101")), 3)
    0.088

    Raises ValueError for too few timings, and for counts or seconds that are not above 0.
    Raises ValueError if all timings have the same activations per MAC, which leaves the two terms undecided.

    Chapter 9.
    """
    _check.boolean("activations", activations)
    timings = _checked(timings, at_least=2 if activations else 1)
    # Seconds / seconds: with x = MACs / s and y = activations / s, find a and b that make a·x + b·y closest to 1.
    x = [timing.macs / timing.seconds for timing in timings]
    if not activations:
        return TimeModel(fsum(x) / _dot(x, x), 0.0, timings)
    y = [timing.activations / timing.seconds for timing in timings]
    xx, xy, yy = _dot(x, x), _dot(x, y), _dot(y, y)
    determinant = xx * yy - xy * xy
    if determinant <= 1e-9 * xx * yy:
        names = ", ".join(timing.network for timing in timings)
        raise ValueError(f"timings must differ in activations per MAC: {names}")
    a = (fsum(x) * yy - fsum(y) * xy) / determinant
    b = (fsum(y) * xx - fsum(x) * xy) / determinant
    return TimeModel(a, b, timings)


def leave_one_out(timings: Iterable[Timing]) -> LeaveOneOut:
    """Fit without each timing in turn, and predict it: the errors of both models on networks they have not seen.

    >>> from resnet_lib.cost.time_model import Timing
    >>> bills = {name: rl.price(name) for name in ("resnet18", "resnet34", "resnet50")}
    >>> measured = {"resnet18": 0.018, "resnet34": 0.034, "resnet50": 0.051}
    >>> rl.leave_one_out(Timing(name, b.macs, b.activations, measured[name]) for name, b in bills.items())
    Errors on networks that the model was not fitted to
    <BLANKLINE>
    model                 median    mean   worst
    --------------------------------------------
    MACs and activations   0.2 %   0.3 %   0.5 %
    MACs alone            17.6 %  15.2 %  23.2 %

    Raises ValueError for fewer than three timings, and as `fit_time` does.

    Chapter 9.
    """
    timings = _checked(timings, at_least=3)

    def errors(activations: bool) -> Errors:
        models = (fit_time(timings[:i] + timings[i + 1 :], activations) for i in range(len(timings)))
        return Errors(tuple((r.network, _error(model, r)) for r, model in zip(timings, models, strict=True)))

    return LeaveOneOut(two_terms=errors(True), macs_alone=errors(False))


def _checked(timings: Iterable[Timing], at_least: int) -> tuple[Timing, ...]:
    timings = tuple(timings)
    if len(timings) < at_least:
        raise ValueError(f"timings must be at least {at_least}: {len(timings)}")
    for i, timing in enumerate(timings):
        for name in ("macs", "activations", "seconds"):
            _check.positive_number(f"timings[{i}].{name}", getattr(timing, name))
    return timings


def _dot(x: Sequence[float], y: Sequence[float]) -> float:
    return fsum(a * b for a, b in zip(x, y, strict=True))
