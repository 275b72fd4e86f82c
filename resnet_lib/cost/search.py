"""The other way round: not what a network costs, but which networks a budget buys. Standard library only.

Every total of a bill (`macs`, `params`, `activations`, `bytes`) and the number of layers grow by the same amount with
each further block of a stage:

    total(depths) = total(1, …, 1) + Σ over the stages s of (depth_s − 1) · block_s

So one bill prices a whole family of depths, the depths a stage can still afford are one integer division, and a
search over millions of networks is exact: it returns what pricing each of them would have returned.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import inf, isfinite
from typing import Any

from resnet_lib import _check
from resnet_lib.cost.bill import price
from resnet_lib.cost.time_model import TimeModel
from resnet_lib.spec import BLOCKS, NetworkSpec
from resnet_lib.zoo import network

BUDGETS = ("macs", "params", "activations", "bytes")
TOTALS = (*BUDGETS, "layers")
CRITERIA = (*TOTALS, *(f"-{total}" for total in TOTALS))

Depths = tuple[int, ...]
Totals = tuple[int, ...]  # in the order of TOTALS
Signs = tuple[tuple[int, int], ...]  # (index in TOTALS, +1 for the most or −1 for the least of it)
Criterion = str | Sequence[str] | Callable[["Candidate"], Any]


@dataclass(frozen=True)
class Candidate:
    """A network that a budget buys, with the totals of its bill (`rl.price(candidate.spec)`, at the same image).

    `family` is the network with one block a stage, `depths` what it takes to make it `spec`. `bytes` are moved in
    float32. It has the totals' names of a Bill, so what reads only totals (a time model's `predict`) reads this too.
    """

    family: NetworkSpec
    depths: Depths
    macs: int
    params: int
    activations: int
    bytes: int
    layers: int

    @cached_property
    def spec(self) -> NetworkSpec:
        """The description of this network."""
        return replace(self.family, depths=self.depths)

    def __str__(self) -> str:
        shape = f"{self.family.block} {'-'.join(map(str, self.depths))}, {'-'.join(map(str, self.family.widths))} wide"
        costs = f"{self.macs:,} MACs, {self.params:,} parameters, {self.activations:,} activations"
        return f"{shape}: {self.layers} layers, {costs}"


def design(
    base: NetworkSpec | str,
    *,
    depths: range | Sequence[int | Iterable[int]] = range(1, 37),
    width: int | Iterable[int] | None = None,
    image: Any = None,
    batch: int = 1,
    macs: float | None = None,
    params: float | None = None,
    activations: float | None = None,
    bytes: float | None = None,
    seconds: float | None = None,
    model: TimeModel | None = None,
    where: Callable[[Candidate], bool] | None = None,
    best: Criterion = "layers",
    limit: int | None = 10,
    **choices: Any,
) -> tuple[Candidate, ...]:
    """The networks of a family that fit the budgets, best first.

        design("resnet50", block=("basic", "bottleneck"), width=range(48, 97, 8), macs=4.1e9, params=26e6)

    The family: `base` (a network or a name of the zoo) with

    - `depths`: a range for every stage, or one entry a stage, a number or several: `(3, 4, range(1, 37), 3)`;
    - `width`: the first stage's width, one or several; the other stages keep `base`'s proportions. `widths` gives
      all of them, as one tuple or several;
    - any other field of NetworkSpec, with one value or several: `block=("basic", "bottleneck")`, `groups=(1, 32)`.
      `stride_on` is for the bottlenecks among them.

    Widths that do not go with the other fields (groups that do not divide them, say) are left out, and so are
    combinations of fields that no network can have.

    The budgets are upper bounds, at least one is needed: `macs`, `params`, `activations` (numbers), `bytes` (moved in
    float32), for a picture of `image` pixels and a `batch` as in `price`; and `seconds`, as `model` (see
    `fit_time`) predicts them. `where` is a further condition on a Candidate, such as `lambda c: c.depths[0] == 3`.

    `best` is "macs", "params", "activations", "bytes" or "layers" for the most of it, "-macs" … for the least,
    several of these for the first that tells two networks apart, or a function of a Candidate whose larger value is
    the better. What it cannot tell apart stands in the order of the family: fields as given, then widths, then
    depths. `limit` is the number of networks wanted; None: all that fit. None fits: an empty tuple.

    Raises ValueError or TypeError that names the argument, its value and what is allowed.
    """
    given = {"macs": macs, "params": params, "activations": activations, "bytes": bytes}
    budgets = {name: _budget(name, value) for name, value in given.items() if value is not None}
    if not budgets and seconds is None:
        raise ValueError(f"a budget must be given, at least one of {', '.join(BUDGETS)}, seconds: all are None")
    within_time = _within(seconds, model)
    limit = None if limit is None else _check.positive_int("limit", limit)
    base = _network(base)
    ranges = _depths(depths, stages=len(base.depths))
    conditions = [condition for condition in (within_time, where) if condition is not None]
    search = _Search(budgets, _criterion(best), conditions, limit)
    for family in _families(base, width, choices):
        search.add(_Costs.of(family, image, batch), ranges)
    return search.result()


def twin(
    net: NetworkSpec | str, block: str = "basic", *, budget: str = "macs", image: Any = None, batch: int = 1
) -> Candidate:
    """The deepest network of the other block for the same money: equal widths and fields, at most `net`'s `budget`.

    Its depths are those of `net` times one factor for all stages, each rounded up or down and at least 1. Of these
    networks the twin has the most layers; among equals it comes closest to the budget, then to the proportions of
    `net` (the least Σ (depth − its share of the blocks)²), then it is the one with the fewest blocks in front.
    `budget` is "macs", "params", "activations" or "bytes", for a picture of `image` pixels.

    Raises ValueError where not even one block a stage is within the budget, and for unknown words.
    """
    net = _network(net)
    _check.one_of("block", block, BLOCKS)
    _check.one_of("budget", budget, BUDGETS)
    bound = getattr(price(net, image, batch), budget)
    costs = _Costs.of(_change(net, block=block), image, batch)
    which = TOTALS.index(budget)
    room = bound - costs.ones[which]
    if room < 0:
        raise ValueError(
            f"budget={budget!r} of this network, {bound:,}, must buy at least one {block} block a stage, "
            f"which takes {costs.ones[which]:,}"
        )
    shares = net.depths
    largest = min(
        Fraction(room // step[which] + 2, share) for step, share in zip(costs.steps, shares, strict=True)
    )  # no factor above it: even rounded down, this stage alone would cost more than there is
    factors = {Fraction(m, share) for share in shares for m in range(int(largest * share) + 1)}
    # Between two neighbours of `factors`, every stage rounds down to the same number, and up to one more.
    candidates = {
        depths
        for factor in factors
        for depths in product(*({max(1, int(factor * n)), int(factor * n) + 1} for n in shares))
    }

    def rank(depths: Depths) -> tuple[Any, ...]:
        totals = costs.totals(depths)
        blocks = sum(depths)
        off = sum((d * sum(shares) - n * blocks) ** 2 for d, n in zip(depths, shares, strict=True))
        return totals[TOTALS.index("layers")], totals[which], -off, tuple(-d for d in depths)

    deepest = max((depths for depths in candidates if costs.totals(depths)[which] <= bound), key=rank)
    return Candidate(costs.family, deepest, *costs.totals(deepest))


@dataclass(frozen=True)
class _Costs:
    """The totals of a family in the order of TOTALS: of one block a stage, and of one more block in each stage."""

    family: NetworkSpec
    ones: Totals
    steps: tuple[Totals, ...]

    @classmethod
    def of(cls, family: NetworkSpec, image: Any, batch: int) -> _Costs:
        one = replace(family, depths=(1,) * len(family.depths))
        bill = price(one, image, batch)
        ones = (*(getattr(bill, total) for total in BUDGETS), one.layers)
        if any(map(_check.is_symbol, ones)):
            raise TypeError(f"base must be a network of numbers, without symbols: {family!r}")
        others = tuple(
            (*(sum(getattr(row, total) for row in part.rows) for total in BUDGETS), len(stage.others.convolutions))
            for part, stage in zip(bill.parts[2::2], one.stages, strict=False)  # the stem, then first and others
        )
        return cls(one, ones, others)

    def totals(self, depths: Depths) -> Totals:
        totals = self.ones
        for depth, step in zip(depths, self.steps, strict=True):
            totals = _add(totals, depth - 1, step)
        return totals


def _add(totals: Totals, blocks: int, step: Totals) -> Totals:
    return tuple([total + blocks * each for total, each in zip(totals, step, strict=True)])


class _Search:
    """The best `limit` networks so far, in a heap. The larger the (score, −family, −depths), the better."""

    def __init__(
        self,
        budgets: Mapping[str, int],
        best: Signs | Callable[[Candidate], Any],
        conditions: Sequence[Callable[[Candidate], bool]],
        limit: int | None,
    ) -> None:
        self.budgets = [(TOTALS.index(name), budget) for name, budget in budgets.items()]
        self.best = best
        self.conditions = conditions
        self.limit = inf if limit is None else limit
        self.heap: list[tuple[Any, int, Depths, Totals]] = []
        self.families: list[NetworkSpec] = []

    def add(self, costs: _Costs, ranges: Sequence[Depths]) -> None:
        """Search a further family."""
        self.families.append(costs.family)
        i = len(self.families) - 1
        least = costs.totals(tuple(choices[0] for choices in ranges))
        if any(least[q] > budget for q, budget in self.budgets):
            return
        if callable(self.best):
            for depths, totals in self._affordable(ranges, costs.steps, least):
                self._offer(self.best(Candidate(costs.family, depths, *totals)), i, depths, totals)
            return
        # Each block counts in every total, so along the last stage the first total of the criterion decides alone:
        # from the good end on, the first network that is too bad ends the walk.
        (main, sign), *_ = self.best
        step, direction = costs.steps[-1], -sign
        first = ranges[-1][0]
        for head, spent in self._affordable(ranges[:-1], costs.steps, least, direction):
            for depth in ranges[-1][: self._reach(ranges[-1], step, spent)][::direction]:
                score = sign * (spent[main] + (depth - first) * step[main])
                if len(self.heap) >= self.limit and score < self.heap[0][0][0]:
                    break
                totals = _add(spent, depth - first, step)
                self._offer(tuple([sign * totals[q] for q, sign in self.best]), i, (*head, depth), totals)

    def _reach(self, choices: Depths, step: Totals, totals: Totals) -> int:
        """How many of the ascending choices the budgets pay for, where `totals` hold the first already."""
        blocks = min([(budget - totals[q]) // step[q] for q, budget in self.budgets], default=choices[-1])
        return bisect_right(choices, choices[0] + blocks)

    def _affordable(
        self, ranges: Sequence[Depths], steps: Sequence[Totals], totals: Totals, direction: int = 1
    ) -> Iterator[tuple[Depths, Totals]]:
        """Every choice of depths that the budgets pay for, with its totals; `totals` are those of the least."""
        if not ranges:
            yield (), totals
            return
        choices, step = ranges[0], steps[0]
        for depth in choices[: self._reach(choices, step, totals)][::direction]:
            spent = _add(totals, depth - choices[0], step)
            for rest, total in self._affordable(ranges[1:], steps[1:], spent, direction):
                yield (depth, *rest), total

    def _offer(self, score: Any, i: int, depths: Depths, totals: Totals) -> None:
        entry = (score, -i, tuple([-depth for depth in depths]), totals)
        full = len(self.heap) >= self.limit
        if full and entry < self.heap[0]:
            return
        if self.conditions:
            candidate = Candidate(self.families[i], depths, *totals)
            if not all(condition(candidate) for condition in self.conditions):
                return
        if full:
            heapq.heapreplace(self.heap, entry)
        else:
            heapq.heappush(self.heap, entry)

    def result(self) -> tuple[Candidate, ...]:
        """Best first."""
        return tuple(
            Candidate(self.families[-i], tuple(-depth for depth in depths), *totals)
            for _, i, depths, totals in sorted(self.heap, reverse=True)
        )


# --- the arguments --------------------------------------------------------------------------------------------------


def _budget(name: str, value: Any) -> int:
    """An upper bound as a whole number; a fraction of a MAC buys nothing."""
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
        raise TypeError(f"{name} must be a number, an upper bound such as 4.1e9: {value!r}")
    if not isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a finite upper bound above 0: {value!r}")
    return int(value)


def _within(seconds: Any, model: TimeModel | None) -> Callable[[Candidate], bool] | None:
    """The condition that the predicted time keeps within `seconds`."""
    if seconds is None and model is None:
        return None
    if seconds is None or model is None:
        raise ValueError(f"seconds and model must be given together, or neither: {seconds!r}, {model!r}")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | Fraction):
        raise TypeError(f"seconds must be a number above 0: {seconds!r}")
    if not isfinite(seconds) or seconds <= 0:
        raise ValueError(f"seconds must be a finite number above 0: {seconds!r}")
    return lambda candidate: model.predict(candidate) <= seconds


def _criterion(best: Any) -> Signs | Callable[[Candidate], Any]:
    if callable(best):
        return best  # type: ignore[no-any-return]
    words = (best,) if isinstance(best, str) or not isinstance(best, Iterable) else tuple(best)
    if not words or any(word not in CRITERIA for word in words):
        allowed = f"{', '.join(map(repr, CRITERIA))}, several of these, or a function of a Candidate"
        raise ValueError(f"best must be one of {allowed}: {best!r}")
    return tuple((TOTALS.index(word.removeprefix("-")), -1 if word.startswith("-") else 1) for word in words)


def _network(net: Any) -> NetworkSpec:
    return net if isinstance(net, NetworkSpec) else network(net)


def _depths(depths: Any, stages: int) -> list[Depths]:
    """For each stage its choices, ascending."""
    if isinstance(depths, str) or not isinstance(depths, Iterable):
        raise TypeError(f"depths must be a range for every stage, or one entry a stage: {depths!r}")
    entries = [depths] * stages if isinstance(depths, range) else list(depths)
    if len(entries) != stages:
        raise ValueError(f"depths must be a range for every stage, or one entry for each of {stages}: {depths!r}")
    ranges = []
    for i, entry in enumerate(entries):
        choices = entry if isinstance(entry, Iterable) and not isinstance(entry, str) else (entry,)
        ranges.append(tuple(sorted(set(_check.positive_ints(f"depths[{i}]", choices)))))
    return ranges


def _change(net: NetworkSpec, **changes: Any) -> NetworkSpec:
    """`net` with fields replaced; what only a bottleneck has comes and goes with the bottleneck."""
    if changes.get("block", net.block) == "basic":
        changes["stride_on"] = None
    return replace(net, **changes)


def _families(base: NetworkSpec, width: Any, choices: dict[str, Any]) -> Iterable[NetworkSpec]:
    """The networks that differ in more than their depths, in order."""
    allowed = [field.name for field in fields(NetworkSpec) if field.name != "depths"]
    for name, value in choices.items():
        if name not in allowed:
            raise ValueError(f"{name} is not a field of a network; allowed are {', '.join(allowed)}: {name}={value!r}")
    choices = {name: _several(name, value) for name, value in choices.items() if name != "widths"} | {
        "widths": _widths(base, width, choices.get("widths"))
    }
    families: dict[NetworkSpec, None] = {}  # each once, in order
    refused: dict[tuple[str, str], Exception] = {}  # what no network has, and the first reason
    used: set[tuple[str, str]] = set()
    for values in product(*choices.values()):
        changes = dict(zip(choices, values, strict=True))
        keys = [(name, repr(value)) for name, value in changes.items()]
        try:
            families[_change(base, **changes)] = None
            used.update(keys)
        except (TypeError, ValueError) as error:
            for key in keys:
                refused.setdefault(key, error)
    if not families:
        raise ValueError(f"no network is in this family: {next(iter(refused.values()))}")
    for (name, value), reason in refused.items():
        if name != "widths" and (name, value) not in used:
            raise ValueError(f"{name}={value} is in no network of this family: {reason}")
    return families


def _several(name: str, value: Any) -> tuple[Any, ...]:
    """One value or several, as several."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return (value,)
    values = tuple(value)
    if not values:
        raise ValueError(f"{name} must hold at least one value: {value!r}")
    return values


def _widths(base: NetworkSpec, width: Any, widths: Any) -> tuple[Depths, ...]:
    if widths is not None:
        if width is not None:
            raise ValueError(f"width or widths may be given, not both: width={width!r}, widths={widths!r}")
        several = _several("widths", widths)
        if not isinstance(several[0], Iterable):
            several = (several,)
        tuples = tuple(_check.positive_ints("widths", each) for each in several)
        for each in tuples:
            if len(each) != len(base.widths):
                raise ValueError(f"widths must have one number for each of {len(base.widths)} stages: {each!r}")
        return tuples
    if width is None:
        return (base.widths,)
    scaled = []
    for first in _check.positive_ints("width", _several("width", width)):
        if any(first * each % base.widths[0] for each in base.widths):
            raise ValueError(f"width must keep the proportions {base.widths!r} in whole numbers: {first!r}")
        scaled.append(tuple(first * each // base.widths[0] for each in base.widths))
    return tuple(scaled)
