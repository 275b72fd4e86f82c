"""Networks from a budget: held against pricing every network of a family, one by one."""

import re
from dataclasses import FrozenInstanceError, replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import resnet_lib as rl
from resnet_lib.cost.search import BUDGETS, CRITERIA, TOTALS, Candidate, design, twin
from resnet_lib.cost.time_model import fit_time
from resnet_lib.records import published
from tests.helpers.strategies import networks

SMALL = rl.network("cifar_resnet20")
C = sympy.Symbol("c", integer=True, positive=True)


def totals(spec, image=None, batch=1):
    """What `rl.price` says, in the order of TOTALS."""
    bill = rl.price(spec, image, batch)
    return (*(getattr(bill, budget) for budget in BUDGETS), spec.layers)


def found(candidates):
    return [(c.spec, (c.macs, c.params, c.activations, c.bytes, c.layers)) for c in candidates]


def every(families, ranges, image=None, batch=1):
    """Every network of the families, priced by itself."""
    specs = [replace(family, depths=depths) for family in families for depths in product(*ranges)]
    return [(spec, totals(spec, image, batch)) for spec in specs]


def best_first(priced, budgets, best):
    """Those within the budgets."""
    fit = [(spec, t) for spec, t in priced if all(t[TOTALS.index(name)] <= n for name, n in budgets.items())]

    def score(entry):
        return tuple((-1 if word[0] == "-" else 1) * entry[1][TOTALS.index(word.strip("-"))] for word in best)

    return sorted(fit, key=score, reverse=True)  # stable: ties stay in the order of the family


@st.composite
def searches(draw):
    """A family of a few dozen networks, and budgets somewhere between its smallest and its largest."""
    base, image = draw(networks())
    depths = st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True)
    ranges = [draw(depths) for _ in base.depths]
    smallest = totals(replace(base, depths=tuple(map(min, ranges))), image)
    largest = totals(replace(base, depths=tuple(map(max, ranges))), image)
    names = draw(st.lists(st.sampled_from(BUDGETS), min_size=1, max_size=3, unique=True))
    budgets = {}
    for name in names:
        q = TOTALS.index(name)
        budgets[name] = draw(st.integers(max(1, smallest[q] - 1), largest[q] + 1))
    best = draw(st.lists(st.sampled_from(CRITERIA), min_size=1, max_size=3, unique=True))
    return base, image, ranges, budgets, best, draw(st.none() | st.integers(1, 8))


@given(searches())
def test_equals_pricing_each_network(search):
    base, image, ranges, budgets, best, limit = search
    answer = design(base, depths=ranges, image=image, best=best, limit=limit, **budgets)
    assert found(answer) == best_first(every([base], map(sorted, ranges), image), budgets, best)[:limit]


@settings(max_examples=25)
@given(searches())
def test_a_function_as_criterion_equals_its_name(search):
    base, image, ranges, budgets, (word, *_), limit = search
    sign, total = (-1, word[1:]) if word[0] == "-" else (1, word)
    arguments = dict(depths=ranges, image=image, limit=limit, **budgets)
    by_function = design(base, best=lambda c: sign * getattr(c, total), **arguments)
    assert by_function == design(base, best=word, **arguments)


def test_several_families():
    """Blocks, widths, shortcuts and both strides: a basic block has its own, so it is listed once."""
    base = rl.network("cifar_preact164", depths=(1, 1, 1))
    families = [
        replace(base, block=block, shortcut=shortcut, stride_on=stride_on, widths=widths)
        for block, strides in (("basic", [None]), ("bottleneck", ["1x1", "3x3"]))
        for shortcut in ("C", "B")
        for stride_on in strides
        for widths in ((8, 16, 32), (16, 32, 64))
    ]
    priced = every(families, [range(1, 4)] * 3, batch=2)
    for best in [("layers",), ("-bytes", "params"), ("-activations",), ("macs", "-params")]:
        answer = design(
            "cifar_preact164",
            depths=range(1, 4),
            block=("basic", "bottleneck"),
            width=(8, 16),
            shortcut=("C", "B"),
            stride_on=("1x1", "3x3"),
            params=300_000,
            batch=2,
            best=best,
            limit=None,
        )
        assert len(answer) > 100
        assert found(answer) == best_first(priced, {"params": 300_000}, best)


def test_a_further_condition():
    """`where` sees what is not a budget, before the limit counts."""
    even = design(SMALL, macs=60e6, where=lambda c: c.depths[0] == c.depths[2], limit=5)
    every = design(SMALL, macs=60e6, limit=None)
    assert even == tuple(c for c in every if c.depths[0] == c.depths[2])[:5]
    assert len(even) == 5


def test_what_a_budget_buys():
    """ResNet-34 and ResNet-50 are among the deepest of their family for their own MACs."""
    for name in ("resnet34", "resnet50"):
        net = rl.network(name)
        bill = rl.price(net)
        answer = design(net, macs=bill.macs, params=bill.params, activations=bill.activations, limit=None)
        assert net.depths in [c.depths for c in answer]
        assert answer[0].layers == net.layers


def test_a_candidate():
    best = design("resnet50", depths=(3, 4, range(1, 37), 3), macs=8e9)[0]
    assert best.spec == rl.network("resnet101")
    assert (
        str(best)
        == repr(best)
        == (
            "bottleneck 3-4-23-3, 64-128-256-512 wide: 101 layers, 7,801,405,440 MACs, 44,549,160 parameters, "
            "16,232,936 activations"
        )
    )
    with pytest.raises(FrozenInstanceError):
        best.macs = 0


def test_candidates_show_themselves():
    """The columns are the fields in which they differ; the numbers are those of the bills."""
    answer = design("cifar_resnet20", block=("basic", "bottleneck"), groups=(1, 2), params=200_000, limit=30)
    assert isinstance(answer, tuple)
    table = answer.table()
    assert list(table.columns)[:4] == ["depths", "block", "groups", "layers"]
    first = answer[0]
    assert table.rows[0] == (
        first.depths,
        first.spec.block,
        first.spec.groups,
        *totals(first.spec)[-1:],
        *totals(first.spec)[:-1],
    )
    assert len(table.rows) == 30
    assert repr(answer).startswith("16, 32, 64 wide\n\n") and len(repr(answer).splitlines()) == 22
    assert answer._repr_html_().count("<tr>") == 19
    assert repr(design("resnet18", macs=1)).startswith("No network is within the budgets\n")


WHOLE = {"numpy": np.int64, "0-d array": np.array, "torch": torch.tensor}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_numbers_of_numpy_and_torch_are_numbers(whole):
    macs = rl.price(SMALL).macs
    expected = design(SMALL, depths=(range(1, 6), 3, (2, 4)), width=16, macs=macs, image=32, batch=1, limit=5)
    depths = (np.arange(1, 6), whole(3), [whole(2), whole(4)])
    numbers = {"width": whole(16), "macs": whole(macs), "image": whole(32), "batch": whole(1), "limit": whole(5)}
    assert design(SMALL, depths=depths, **numbers) == expected != ()


@pytest.mark.parametrize("bound", [np.float64(4.1e9), np.float32(2**32), np.array(4.1e9), torch.tensor(2.0**32)])
def test_bounds_of_numpy_and_torch_are_bounds(bound):
    assert design("resnet50", macs=bound) == design("resnet50", macs=float(bound)) != ()


def test_bounds_of_any_length_are_exact():
    huge = 10**400
    macs = rl.price(SMALL, image=huge).macs
    fixed = dict(depths=SMALL.depths, image=huge)
    assert [c.macs for c in design(SMALL, macs=macs, **fixed)] == [macs]
    assert design(SMALL, macs=macs - 1, **fixed) == ()
    assert len(design(SMALL, macs=Fraction(macs), limit=huge, **fixed)) == 1


def test_bounds_hold_with_equality_and_fractions_buy_nothing():
    net = rl.network("resnet18")
    macs = rl.price(net).macs
    fixed = dict(depths=(2, 2, 2, 2))
    assert design(net, macs=macs, **fixed) == design(net, macs=macs + 0.5, **fixed) != ()
    assert design(net, macs=macs - 1, **fixed) == ()


def test_ties_stand_in_the_order_of_the_family():
    """With the same stage sizes a 3×3 block costs the same MACs in each stage (He et al. 2015, table 1)."""
    answer = design("resnet34", macs=3.7e9, best="macs", limit=None)
    ties = [c.depths for c in answer if c.macs == answer[0].macs]
    assert len(ties) == 455  # 15 blocks: 4 for sure, 12 anywhere: (12 + 3 choose 3)
    assert ties == sorted(ties)
    again = design("resnet34", macs=3.7e9, best="macs", limit=20)
    assert again == answer[:20]
    few = design("resnet34", depths=[(6, 3, 4)] * 4, macs=3.7e9, limit=3)
    assert [c.depths for c in few] == [(3, 3, 4, 6), (3, 3, 6, 4), (3, 4, 3, 6)]


def test_widths_that_do_not_go_with_the_groups_are_left_out():
    answer = design("resnext50_32x4d", depths=(1, 1, 1, 1), width=range(8, 65, 8), macs=1e12, limit=None)
    assert {c.spec.widths[0] for c in answer} == {16, 24, 32, 40, 48, 56, 64}  # 8 · 4 // 64 = 0 channels a group


def test_one_value_or_several():
    one = design(SMALL, macs=1e8, widths=(24, 48, 96), groups=2)
    assert one == design(SMALL, macs=1e8, width=24, groups=[2])
    assert one == design(SMALL, macs=1e8, width=range(24, 25), groups=2)
    assert one == design(SMALL, macs=1e8, widths=[[24, 48, 96]], groups=2)


BAD = [
    ({}, "a budget must be given, at least one of macs, params, activations, bytes, seconds: all are None"),
    (dict(macs=-1), "macs must be a finite upper bound above 0: -1"),
    (dict(params=0), "params must be a finite upper bound above 0: 0"),
    (dict(macs=float("nan")), "macs must be a finite upper bound above 0: nan"),
    (dict(bytes="4G"), "bytes must be a number, an upper bound such as 4.1e9: '4G'"),
    (dict(activations=True), "activations must be a number, an upper bound such as 4.1e9: True"),
    (dict(macs=float("inf")), "macs must be a finite upper bound above 0: inf"),
    (dict(macs=np.array([1, 2])), "macs must be a number, an upper bound such as 4.1e9: array([1, 2])"),
    (dict(macs=np.True_), "macs must be a number, an upper bound such as 4.1e9: np.True_"),
    (dict(macs=1, where="deep"), "where must be a function of a Candidate: 'deep'"),
    (dict(macs=1, best={"layers"}), "or a function of a Candidate: {'layers'}"),
    (dict(macs=1, depths={3, 4, 5}), "depths must be a range for every stage, or one entry a stage: {3, 4, 5}"),
    (dict(macs=1, depths=b"abc"), "depths must be a range for every stage, or one entry a stage: b'abc'"),
    (dict(macs=1, depths=({3, 4}, 1, 1)), "depths[0] must be a whole number, at least 1: {3, 4}"),
    (dict(macs=1, depths=(C, 1, 1)), "depths[0] must be a whole number, at least 1: c"),
    (dict(macs=1, widths=(C, 2 * C, 4 * C)), "widths must be a number in a search, not a symbol: (c, 2*c, 4*c)"),
    (dict(macs=1, image=C), "image must be a number in a search, not a symbol: c"),
    (dict(macs=1, width={16, 32}), "width must be one value, or several in an order: {16, 32}"),
    (dict(macs=1, block={"basic": 1}), "block must be one value, or several in an order: {'basic': 1}"),
    (dict(macs=1, stem=b"cifar"), "stem must be one value, or several in an order: b'cifar'"),
    (dict(macs=1, image={224, 320}), "image must be a side or (height, width) in pixels: {"),
    (dict(macs=1, best="speed"), "best must be one of 'macs', 'params', 'activations', 'bytes', 'layers', '-macs'"),
    (dict(macs=1, best=()), "several of these, or a function of a Candidate: ()"),
    (dict(macs=1, best=3), "or a function of a Candidate: 3"),
    (dict(macs=1, limit=0), "limit must be at least 1: 0"),
    (dict(macs=1, depths=range(5, 5)), "depths[0] must hold at least one number: range(5, 5)"),
    (dict(macs=1, depths=range(0, 3)), "depths[0][0] must be at least 1: 0"),
    (dict(macs=1, depths=(3, 4)), "depths must be a range for every stage, or one entry for each of 3: (3, 4)"),
    (dict(macs=1, depths=7), "depths must be a range for every stage, or one entry a stage: 7"),
    (dict(macs=1, width=()), "width must hold at least one value: ()"),
    (dict(macs=1, width=0), "width[0] must be at least 1: 0"),
    (dict(macs=1, width=8, widths=(8, 8, 8)), "width or widths may be given, not both: width=8, widths=(8, 8, 8)"),
    (dict(macs=1, widths=(8, 8)), "widths must have one number for each of 3 stages: (8, 8)"),
    (dict(macs=1, groups=()), "groups must hold at least one value: ()"),
    (dict(macs=1, height=3), "height is not a field of a network; allowed are block, widths, stem"),
    (dict(macs=1, block="botle"), "no network is in this family: block must be one of 'basic', 'bottleneck': 'botle'"),
    (dict(macs=1, groups=(1, 3)), "groups=3 is in no network of this family: groups must divide in_channels: groups=3"),
    (dict(macs=1, groups=([1], 1)), "groups=[1] is in no network of this family: groups must be a whole number"),
    (dict(macs=1, image=2), "image must measure at least 4 pixels a side"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input(arguments, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        design(SMALL, **arguments)


def test_more_bad_input():
    with pytest.raises(ValueError, match="width must keep the proportions"):
        design(rl.network("resnet18", widths=(64, 96, 128, 160)), macs=1, width=33)
    with pytest.raises(ValueError, match="name must be one of resnet18"):
        design("resnet19", macs=1)
    for not_a_network in (None, 50, rl.BlockSpec("basic", 64)):
        with pytest.raises(TypeError, match="base must be a NetworkSpec or a name, such as 'resnet50': "):
            design(not_a_network, macs=1)
        with pytest.raises(TypeError, match="net must be a NetworkSpec or a name, such as 'resnet50': "):
            twin(not_a_network)


# --- the twin -------------------------------------------------------------------------------------------------------


def test_resnet50_in_basic_blocks():
    """ResNet-34 has room for one more block, and conv4_x is where the proportions 3 : 4 : 6 : 3 put it."""
    other = twin("resnet50")
    assert other.spec == rl.network("resnet34", depths=(3, 4, 7, 3))
    assert other.layers == 36
    assert other.macs == 3_894_972_416 <= rl.price(rl.network("resnet50")).macs < other.macs + 231_211_008


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "cifar_resnet56", "wrn28_10", "cifar_preact164"])
@pytest.mark.parametrize("budget", BUDGETS)
def test_a_network_is_its_own_twin(name, budget):
    net = rl.network(name)
    assert twin(net, net.block, budget=budget).spec == net


def every_twin(net, block, budget, image, up_to):
    """All that the definition allows, one factor after another."""
    bound = totals(net, image)[TOTALS.index(budget)]
    stride_on = None if block == "basic" else net.stride_on
    denominators = range(1, 2 * max(net.depths) + 1)
    factors = {(m, n) for n in denominators for m in range(up_to * n)}
    rounded = {
        depths
        for m, n in factors
        for depths in product(*({max(1, m * d // n), max(1, -(-m * d // n))} for d in net.depths))
    }
    specs = [replace(net, block=block, stride_on=stride_on, depths=depths) for depths in rounded]
    return [(spec, t) for spec in specs if (t := totals(spec, image))[TOTALS.index(budget)] <= bound]


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize(("depths", "groups"), [((1, 2, 3), 1), ((2, 1, 1), 1), ((2, 2, 3), 2)])
@pytest.mark.parametrize(
    ("block", "other", "times", "up_to"), [("basic", "bottleneck", 1, 8), ("bottleneck", "basic", 4, 3)]
)
def test_the_deepest_that_the_definition_allows(block, other, times, up_to, depths, groups, budget):
    net = replace(SMALL, block=other, depths=tuple(times * d for d in depths), groups=groups, shortcut="B")
    image = (36, 29)
    answer = twin(net, block, budget=budget, image=image)
    allowed = every_twin(net, block, budget, image, up_to)
    assert max(max(spec.depths) for spec, _ in allowed) < (up_to - 1) * max(net.depths)  # the factors went far enough
    which = TOTALS.index(budget)

    def rank(entry):
        spec, t = entry
        blocks, whole = sum(spec.depths), sum(net.depths)
        off = sum((d / blocks - n / whole) ** 2 for d, n in zip(spec.depths, net.depths, strict=True))
        return t[-1], t[which], -round(off, 9), tuple(-d for d in spec.depths)

    assert found([answer])[0] == max(allowed, key=rank)


def test_no_twin():
    thin = rl.NetworkSpec(block="basic", depths=(1, 1), widths=(8, 8), groups=8, stem="cifar")
    with pytest.raises(ValueError, match=r"budget='macs' of this network, [\d,]+, must buy at least one bottleneck"):
        twin(thin, "bottleneck")
    with pytest.raises(ValueError, match="block must be one of 'basic', 'bottleneck': 'plain'"):
        twin("resnet50", "plain")
    with pytest.raises(ValueError, match="budget must be one of 'macs', 'params', 'activations', 'bytes': 'layers'"):
        twin("resnet50", budget="layers")


def test_totals_have_the_names_of_a_bill():
    candidate, bill = twin("resnet101"), rl.price(twin("resnet101").spec)
    assert isinstance(candidate, Candidate)
    assert all(getattr(candidate, name) == getattr(bill, name) for name in BUDGETS)


def test_a_budget_of_predicted_time():
    """The networks within the time are those of the family whose prediction is, and the time may be the only budget."""
    model = fit_time(published("rtx3090"))
    everything = design(SMALL, params=1e9, limit=None)
    middle = sorted(model.predict(candidate) for candidate in everything)[len(everything) // 2]
    fast = design(SMALL, seconds=middle, model=model, limit=None)
    assert fast == tuple(candidate for candidate in everything if model.predict(candidate) <= middle)
    assert 0 < len(fast) < len(everything)
    both = design(SMALL, seconds=middle, model=model, where=lambda c: c.depths[0] == 1, limit=3)
    assert both == tuple(candidate for candidate in fast if candidate.depths[0] == 1)[:3]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"seconds": 0.01}, ValueError, ("seconds", "model", "together", "0.01")),
        ({"model": fit_time(published("rtx3090"))}, ValueError, ("seconds",)),
        ({"seconds": 0, "model": fit_time(published("rtx3090"))}, ValueError, ("seconds", "above 0", "0")),
        ({"seconds": 10**400, "model": fit_time(published("rtx3090"))}, ValueError, ("seconds must fit a float",)),
        ({"seconds": 0.1, "model": "rtx3090"}, TypeError, ("model must be a TimeModel", "'rtx3090'")),
        ({"seconds": True, "model": fit_time(published("rtx3090"))}, TypeError, ("seconds", "True")),
    ],
)
def test_a_time_needs_a_model_and_a_model_a_time(options, error, words):
    with pytest.raises(error) as caught:
        design(SMALL, **options)
    assert all(word in str(caught.value) for word in words)
