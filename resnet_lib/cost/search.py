"""The other way round: not what a network costs, but which networks a budget buys. Standard library only.

Every total of a bill (`macs`, `params`, `activations`, `bytes`) and the number of layers grow by the same amount with
each further block of a stage:

    total(depths) = total(1, …, 1) + Σ over the stages s of (depth_s − 1) · block_s

So one bill prices a whole family of depths, the depths a stage can still afford are one integer division, and a
search over millions of networks is exact: it returns what pricing each of them would have returned.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from heapq import nlargest
from itertools import product
from math import inf
from typing import Any

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import HEADINGS, price
from resnet_lib.cost.time_model import TimeModel
from resnet_lib.spec import BLOCKS, FIELDS, NetworkSpec, check_fields
from resnet_lib.zoo import network

BUDGETS = ("macs", "params", "activations", "bytes")
TOTALS = (*BUDGETS, "layers")
CRITERIA = (*TOTALS, *(f"-{total}" for total in TOTALS))

Depths = tuple[int, ...]
Totals = tuple[int, ...]  # in the order of TOTALS
Network = tuple[NetworkSpec, Depths, Totals]  # what becomes a Candidate, if it is among the best
Criterion = str | Sequence[str] | Callable[["Candidate"], Any]


@dataclass(frozen=True, repr=False)
class Candidate:
    """A network that a budget buys, with the totals of its bill (`rl.price(candidate.spec)`, at the same image).

    `family` is the network with one block a stage; `depths` make it `spec`. `bytes` are moved in float32. The totals
    have the names of a Bill's, so a function that reads only totals (a time model's `predict`) reads a Candidate too.

    >>> twin("resnet50")
    basic 3-4-7-3, 64-128-256-512 wide: 36 layers, 3,894,972,416 MACs, 22,978,344 parameters, 3,839,464 activations
    >>> twin("resnet50").spec == network("resnet34", depths=(3, 4, 7, 3))
    True

    Chapter 13.
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

    def __repr__(self) -> str:
        shape = f"{self.family.block} {'-'.join(map(str, self.depths))}, {'-'.join(map(str, self.family.widths))} wide"
        costs = f"{self.macs:,} MACs, {self.params:,} parameters, {self.activations:,} activations"
        return f"{shape}: {self.layers} layers, {costs}"


class Candidates(Shown, tuple[Candidate, ...]):
    """The networks that `design` found: a tuple of candidates, best first, that shows itself as a table."""

    def table(self) -> Table:
        """Return a row for each network: its depths, the other fields in which they differ, and its totals."""
        given = {name: [getattr(candidate.family, name) for candidate in self] for name in FIELDS if name != "depths"}
        # A basic block has no `stride_on`, which says nothing beside a bottleneck that has one.
        differing = [name for name, values in given.items() if len(set(values) - {None}) > 1]
        shared = [f"{', '.join(map(str, self[0].family.widths))} wide"] if self and "widths" not in differing else []
        shared += [f"{self[0].family.block} blocks"] if self and "block" not in differing else []
        columns = ("depths", *differing, "layers", *(HEADINGS[total] for total in BUDGETS))
        rows = [
            (c.depths, *(getattr(c.family, name) for name in differing), c.layers, *(getattr(c, n) for n in BUDGETS))
            for c in self
        ]
        return Table(columns, rows, caption=", ".join(reversed(shared)) if self else "No network is within the budgets")


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
) -> Candidates:
    """Return the networks of a family that fit the budgets, best first.

    The family is `base` (a network or its name) with other depths, widths and fields:

    - `depths` is a range for every stage, or one entry a stage, a number or several: `(3, 4, range(1, 37), 3)`.
    - `width` is the first stage's width, one or several. The other stages keep `base`'s proportions.
    - `choices` are other fields of NetworkSpec, each with one value or several: `block=("basic", "bottleneck")`,
      `groups=(1, 32)`. `stride_on` is for the bottlenecks among them. `widths` gives the widths of all stages, as one
      tuple or several. Combinations that no network can have are skipped.

    The budgets are upper bounds. At least one is needed:

    - `macs`, `params`, `activations` and `bytes` (moved in float32) are those of `price` for `image` and `batch`.
    - `seconds` is the time that `model` predicts (see `fit_time`).
    - `where` is a further condition on a Candidate, such as `lambda c: c.depths[0] == 3`.

    The order and the number of the answers:

    - `best` is "macs", "params", "activations", "bytes" or "layers" for the most of it, "-macs" … for the least.
      Several of these are asked one after another. A function of a Candidate says itself what is larger, thus better.
    - Equally good networks keep the order of the family: fields as given, then widths, then depths.
    - `limit` is the number of networks wanted. None returns every network that fits.

    >>> design("resnet50", depths=(3, 4, range(1, 37), 3), macs=4.2e9, limit=2)
    bottleneck blocks, 64, 128, 256, 512 wide
    <BLANKLINE>
    depths      layers           MACs  parameters  activations        bytes
    -----------------------------------------------------------------------
    3, 4, 6, 3      50  4,089,184,256  25,557,032   11,114,984  425,783,360
    3, 4, 5, 3      47  3,870,818,304  24,439,848   10,813,928  411,680,832

    Raises ValueError if there is no budget, and for a field or a word that does not exist.
    Raises ValueError or TypeError that names the argument, its value and what is allowed.

    Chapter 13.
    """
    given = {"macs": macs, "params": params, "activations": activations, "bytes": bytes}
    budgets = {name: _budget(name, value) for name, value in given.items() if value is not None}
    if not budgets and seconds is None:
        raise ValueError(f"a budget must be given, at least one of {', '.join(BUDGETS)}, seconds: all are None")
    within_time = _within(seconds, model)
    limit = None if limit is None else _check.whole_number("limit", limit, at_least=1)
    base = _network("base", base)
    ranges = _depths(depths, stages=len(base.depths))
    if where is not None and not callable(where):
        raise TypeError(f"where must be a function of a Candidate: {where!r}")
    conditions = [condition for condition in (within_time, where) if condition is not None]
    score = _criterion(best)
    networks = (
        (costs.family, depths, totals)
        for costs in [_Costs.of(family, image, batch) for family in _families(base, width, choices)]
        for depths, totals in _affordable(costs, ranges, budgets)
        if all(condition(Candidate(costs.family, depths, *totals)) for condition in conditions)
    )
    # Both keep the order of the family among equals.
    best_first = sorted(networks, key=score, reverse=True) if limit is None else nlargest(limit, networks, key=score)
    return Candidates(Candidate(family, depths, *totals) for family, depths, totals in best_first)


def twin(
    net: NetworkSpec | str, block: str = "basic", *, budget: str = "macs", image: Any = None, batch: int = 1
) -> Candidate:
    """Return the deepest network of another block that costs no more of the `budget` than `net`.

    Widths and other fields are `net`'s. The twin's depths are those of `net` times one factor for all stages, each
    rounded up or down and at least 1. Of these networks the twin has the most layers. Among equals it is closest to
    the budget, then to the proportions of `net` (the least Σ (depth − its share of the blocks)²), then it has the
    fewest blocks in its first stages.
    `budget` is "macs", "params", "activations" or "bytes", as `price` counts them for `image` and `batch`.

    Raises ValueError if not even one block a stage is within the budget.
    Raises ValueError for a word that does not exist.
    Raises TypeError if `net` is neither a NetworkSpec nor a name.

    >>> twin("resnet50").depths, twin("resnet50", budget="activations").depths
    ((3, 4, 7, 3), (11, 14, 23, 12))

    Chapter 13.
    """
    net = _network("net", net)
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
    # These are all: a depth rounded down, ⌊factor · n⌋, changes only at the factors m / n. So a factor between two
    # neighbours of `factors` rounds every stage down to what the lower neighbour does, and up to one more.
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
        _check.no_symbols("a search", one, image=image, batch=batch)
        bill = price(one, image, batch)
        ones = (*(getattr(bill, total) for total in BUDGETS), one.layers)
        others = tuple(
            (*(sum(getattr(row, total) for row in part.rows) for total in BUDGETS), len(stage.others.convolutions))
            for part, stage in zip([part for part in bill.parts if part.first == 1], one.stages, strict=True)
        )
        return cls(one, ones, others)

    def totals(self, depths: Depths) -> Totals:
        totals = self.ones
        for depth, step in zip(depths, self.steps, strict=True):
            totals = _add(totals, depth - 1, step)
        return totals


def _add(totals: Totals, blocks: int, step: Totals) -> Totals:
    return tuple([total + blocks * each for total, each in zip(totals, step, strict=True)])


def _affordable(costs: _Costs, ranges: Sequence[Depths], budgets: Mapping[str, int]) -> Iterator[tuple[Depths, Totals]]:
    """Yield every choice of depths within the budgets, in order, with its totals."""
    bounds = [(TOTALS.index(name), budget) for name, budget in budgets.items()]

    def choose(stage: int, chosen: Depths, totals: Totals) -> Iterator[tuple[Depths, Totals]]:
        """Choose the depths from `stage` on; `totals` hold the least of each."""
        choices, step = ranges[stage], costs.steps[stage]
        blocks = min([(budget - totals[q]) // step[q] for q, budget in bounds], default=choices[-1])
        for depth in choices[: bisect_right(choices, choices[0] + blocks)]:
            spent = _add(totals, depth - choices[0], step)
            if stage + 1 == len(ranges):
                yield (*chosen, depth), spent
            else:
                yield from choose(stage + 1, (*chosen, depth), spent)

    return choose(0, (), costs.totals(tuple(choices[0] for choices in ranges)))


# --- the arguments --------------------------------------------------------------------------------------------------


def _budget(name: str, value: Any) -> int:
    """An upper bound as a whole number; a fraction of a MAC buys nothing."""
    bound = _check.real(name, value, "a number, an upper bound such as 4.1e9")
    if bound <= 0 or bound != bound or bound == inf:
        raise ValueError(f"{name} must be a finite upper bound above 0: {value!r}")
    return int(bound)


def _within(seconds: Any, model: TimeModel | None) -> Callable[[Candidate], bool] | None:
    """The condition that the predicted time keeps within `seconds`."""
    if seconds is None and model is None:
        return None
    if seconds is None or model is None:
        raise ValueError(f"seconds and model must be given together, or neither: {seconds!r}, {model!r}")
    _check.instance("model", model, TimeModel, "a TimeModel, such as rl.fit_time(timings)")
    seconds = _check.positive_number("seconds", seconds)
    return lambda candidate: model.predict(candidate) <= seconds


def _criterion(best: Any) -> Callable[[Network], Any]:
    """What is larger the better a network is."""
    if callable(best):
        return lambda network: best(Candidate(network[0], network[1], *network[2]))
    words = (best,) if isinstance(best, str) or not _check.is_sequence(best) else tuple(best)
    if not words or any(word not in CRITERIA for word in words):
        allowed = f"{', '.join(map(repr, CRITERIA))}, several of these, or a function of a Candidate"
        raise ValueError(f"best must be one of {allowed}: {best!r}")
    signs = [(TOTALS.index(word.removeprefix("-")), -1 if word.startswith("-") else 1) for word in words]
    return lambda network: [sign * network[2][q] for q, sign in signs]


def _network(name: str, net: Any) -> NetworkSpec:
    net = network(net) if isinstance(net, str) else net
    _check.instance(name, net, NetworkSpec, "a NetworkSpec or a name, such as 'resnet50'")
    return net  # type: ignore[no-any-return]


def _depths(depths: Any, stages: int) -> list[Depths]:
    """For each stage its choices, ascending."""
    if not _check.is_sequence(depths):
        raise TypeError(f"depths must be a range for every stage, or one entry a stage: {depths!r}")
    entries = [depths] * stages if isinstance(depths, range) else list(depths)
    if len(entries) != stages:
        raise ValueError(f"depths must be a range for every stage, or one entry for each of {stages}: {depths!r}")
    ranges: list[Depths] = []
    for i, entry in enumerate(entries):
        if not _check.is_sequence(entry):
            ranges.append((_check.whole_number(f"depths[{i}]", entry, at_least=1),))
            continue
        choices = {_check.whole_number(f"depths[{i}][{j}]", choice, at_least=1) for j, choice in enumerate(entry)}
        if not choices:
            raise ValueError(f"depths[{i}] must hold at least one number: {entry!r}")
        ranges.append(tuple(sorted(choices)))
    return ranges


def _change(net: NetworkSpec, **changes: Any) -> NetworkSpec:
    """`net` with fields replaced; what only a bottleneck has comes and goes with the bottleneck."""
    if changes.get("block", net.block) == "basic":
        changes["stride_on"] = None
    return replace(net, **changes)


def _families(base: NetworkSpec, width: Any, choices: dict[str, Any]) -> Iterable[NetworkSpec]:
    """The networks that differ in more than their depths, in order."""
    check_fields(choices, (name for name in FIELDS if name != "depths"))
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
    if isinstance(value, Set | Mapping | bytes):
        raise TypeError(f"{name} must be one value, or several in an order: {value!r}")
    if not _check.is_sequence(value):
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
