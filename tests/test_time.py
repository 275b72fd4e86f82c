"""Intensity and roofline by hand; the two-term model on made-up times, and on those that timm has published."""

import re
from dataclasses import FrozenInstanceError, replace
from math import inf, isclose, nan

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

import resnet_lib as rl
from resnet_lib.cost.roofline import intensity, roofline
from resnet_lib.cost.time_model import TimeModel, Timing, fit_time, leave_one_out
from resnet_lib.records import columns, published
from tests.helpers.strategies import networks

SPEEDS = st.floats(1e6, 1e15)


# --- intensity -------------------------------------------------------------------------------------------------------


def test_intensity_by_hand():
    """A 1×1 convolution, 4 → 8 channels on 10 × 10 pixels: 3,200 MACs for 400 + 32 + 800 numbers."""
    rows = {row.name: row for row in rl.price(rl.BlockSpec("bottleneck", 4, 8, 4), image=10).rows}
    assert intensity(rows["conv1"]) == 3_200 / (4 * 1_232)
    assert intensity(rows["conv1"], bytes_per_element=2) == 3_200 / (2 * 1_232)
    assert intensity(rows["relu1"]) == 0


def test_intensity_of_the_two_blocks():
    """The paper's pair of figure 5, at 17 to 18 MACs: the bottleneck moves 3.1 times the bytes for them."""
    basic, bottleneck = rl.price(rl.BlockSpec("basic", 64)), rl.price(rl.BlockSpec("bottleneck", 256))
    assert (round(intensity(basic), 1), round(intensity(bottleneck), 1)) == (18.7, 5.6)
    assert round(bottleneck.bytes / basic.bytes, 1) == 3.1


def test_intensity_on_symbols():
    """Large maps: a 3×3 convolution pays 9c/2 MACs a number, so 9c/8 a byte, and a 1×1 a ninth of that."""
    c, h = sympy.symbols("c h", integer=True, positive=True)
    conv = rl.price(rl.BlockSpec("basic", c), image=h).rows[0]
    assert sympy.limit(intensity(conv), h, sympy.oo) == 9 * c / 8


@given(networks(), st.integers(1, 8))
def test_intensity_of_any_network(net_and_image, bytes_per_element):
    bill = rl.price(*net_and_image)
    assert intensity(bill, bytes_per_element) == approx(bill.macs / bill.bytes * 4 / bytes_per_element)
    each = [intensity(row) for row in bill.rows]
    assert min(each) < intensity(bill) < max(each)


# --- roofline --------------------------------------------------------------------------------------------------------


def test_roofline_by_hand():
    """3,200 MACs, 4,928 bytes: at 1 MAC and 1 byte a second memory binds, at 2 bytes compute; a tie is compute."""
    bill = rl.price(rl.BlockSpec("bottleneck", 4, 8, 4), image=10)

    def conv1(*speeds, **options):
        row = roofline(bill, *speeds, **options).rows[0]
        return row.name, row.seconds, row.bound

    assert conv1(1, 1) == ("conv1", 4_928, "memory")
    assert conv1(1, 2) == ("conv1", 3_200, "compute")
    assert conv1(3_200, 4_928) == ("conv1", 1, "compute")
    assert conv1(1, 1, bytes_per_element=2) == ("conv1", 3_200, "compute")


@given(networks(), SPEEDS, SPEEDS, st.sampled_from((1, 2, 4, 8)))
def test_roofline_identities(net_and_image, peak, bandwidth, bytes_per_element):
    bill = rl.price(*net_and_image)
    times = roofline(bill, peak, bandwidth, bytes_per_element)
    moved = bill.bytes * bytes_per_element / 4
    assert max(bill.macs / peak, moved / bandwidth) <= times.seconds * (1 + 1e-12)
    assert times.seconds <= (bill.macs / peak + moved / bandwidth) * (1 + 1e-12)
    for row, time in zip(bill.rows, times.rows, strict=True):
        assert (time.name, time.stage, time.block, time.kind) == (row.name, row.stage, row.block, row.kind)
        assert time.seconds >= row.macs / peak
        at_the_ridge = intensity(row, bytes_per_element) / (peak / bandwidth)
        assert isclose(at_the_ridge, 1) or time.bound == ("compute" if at_the_ridge > 1 else "memory")
    for what in ("bound", "stage", "block", "kind"):
        assert sum(times.by(what).values()) == approx(1)
    assert list(times.by("stage")) == list(bill.by("stage"))
    assert times.by("bound")["memory"] == approx(
        sum(row.seconds for row in times.rows if row.bound == "memory") / times.seconds
    )


@given(networks(), SPEEDS, SPEEDS)
def test_a_machine_twice_as_fast(net_and_image, peak, bandwidth):
    bill = rl.price(*net_and_image)
    once, twice = roofline(bill, peak, bandwidth), roofline(bill, 2 * peak, 2 * bandwidth)
    assert once.seconds == approx(2 * twice.seconds)
    assert [row.bound for row in once.rows] == [row.bound for row in twice.rows]


def test_a_machine_with_one_infinite_speed_waits_for_the_other():
    bill = rl.price(rl.network("resnet50"))
    all_memory, all_compute = roofline(bill, 1e30, 1e9), roofline(bill, 1e9, 1e30)
    assert all_memory.seconds == approx(bill.bytes / 1e9)
    assert all_memory.by("bound") == {"compute": 0, "memory": approx(1)}
    assert all_compute.seconds == approx(bill.macs / 1e9)
    assert all_compute.by("bound")["memory"] < 1e-15


def test_macs_are_not_time():
    """At 100 MACs a byte ResNet-50, with 1.12 times the MACs of ResNet-34, needs 2.26 times as long."""
    seconds, memory = {}, {}
    for name in ("resnet34", "resnet50"):
        times = roofline(rl.price(rl.network(name), batch=64), 100e12, 1e12, bytes_per_element=2)
        seconds[name], memory[name] = times.seconds, round(times.by("bound")["memory"], 2)
    assert round(seconds["resnet50"] / seconds["resnet34"], 2) == 2.26
    assert memory == {"resnet34": 0.55, "resnet50": 0.84}


def test_results_are_frozen():
    times = roofline(rl.price(rl.BlockSpec("basic", 4)), 1, 1)
    with pytest.raises(FrozenInstanceError):
        times.rows = ()
    with pytest.raises(FrozenInstanceError):
        TimeModel(1, 1).seconds_per_mac = 2


# --- the published measurements --------------------------------------------------------------------------------------

COLUMNS = ("rtx3090", "rtx4090", "rtx5090_compiled", "rtx3090_training", "i9_10940x", "i7_12700h")


def test_the_columns():
    assert tuple(columns()) == COLUMNS
    assert columns()["rtx3090"].startswith("RTX 3090, inference, mixed precision")
    assert {len(published(column)) for column in COLUMNS} == {13}
    images_per_second = {column: [round(1 / r.seconds, 1) for r in published(column)[:4]] for column in COLUMNS}
    assert [record.network for record in published("rtx3090")[:4]] == ["resnet18", "resnet34", "resnet26", "resnet50"]
    assert images_per_second == {
        "rtx3090": [9260.3, 5454.9, 5121.5, 3219.1],
        "rtx4090": [13726.3, 8315.6, 6826.5, 4302.8],
        "rtx5090_compiled": [35635.3, 20513.3, 20103.4, 12400.8],
        "rtx3090_training": [3481.8, 2036.5, 1962.0, 1218.0],
        "i9_10940x": [126.2, 80.6, 100.5, 67.2],
        "i7_12700h": [62.2, 37.0, 52.9, 30.5],
    }


def test_our_bills_are_of_the_networks_that_were_measured():
    """timm prints fvcore's totals, MACs + 2 · BatchNorm's elements + the average's input, and its activations."""
    from resnet_lib.records import _bills, _published

    for name, spec in _published()["networks"].items():
        bill = _bills()[name]
        per_element = sum(2 * row.elements for row in bill.rows if row.kind == "batch_norm")
        average = bill.by("kind")["avg_pool"].flops
        assert round((bill.macs + per_element + average) / 1e9, 2) == spec["timm_gmacs"], name
        assert round(bill.activations / 1e6, 2) == spec["timm_macts"], name


# --- the two-term model ----------------------------------------------------------------------------------------------

# Relative errors in percent on networks left out of the fit: (median, mean, worst) of two terms and of MACs alone.
LEFT_OUT = {
    "rtx3090": ((3.5, 4.6, 11.5), (21.9, 19.5, 47.2)),
    "rtx4090": ((1.5, 4.5, 14.1), (23.9, 24.8, 64.7)),
    "rtx5090_compiled": ((2.7, 3.2, 8.9), (20.2, 16.4, 38.0)),
    "rtx3090_training": ((3.5, 4.5, 13.3), (19.1, 18.7, 39.9)),
    "i9_10940x": ((10.7, 16.2, 32.5), (10.8, 15.4, 31.9)),
    "i7_12700h": ((8.5, 8.7, 18.7), (8.0, 7.7, 18.9)),
}
# ms per GMAC and per million activations, of an image
FITTED = {
    "rtx3090": (0.0284, 0.0182),
    "rtx4090": (0.0134, 0.0158),
    "rtx5090_compiled": (0.00856, 0.00415),
    "rtx3090_training": (0.0858, 0.0445),
    "i9_10940x": (3.14, -0.0221),
    "i7_12700h": (8.04, -0.162),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_errors_on_networks_left_out(column):
    for errors, expected in zip(leave_one_out(published(column)), LEFT_OUT[column], strict=True):
        assert [100 * errors.median, 100 * errors.mean, 100 * errors.worst] == approx(list(expected), abs=0.1)


@pytest.mark.parametrize("column", COLUMNS)
def test_fitted_terms(column):
    model = fit_time(published(column))
    fitted = 1e12 * model.seconds_per_mac, 1e9 * model.seconds_per_activation
    assert fitted == approx(FITTED[column], rel=5e-3)


@pytest.mark.parametrize("column", COLUMNS)
def test_two_terms_on_gpus_and_one_on_cpus(column):
    """On a CPU activations explain nothing (their term comes out below zero); on a GPU they cut errors to a third."""
    model = fit_time(published(column))
    on_a_cpu = column.startswith("i")
    assert model.macs_do_as_well is on_a_cpu
    assert (model.seconds_per_activation < 0) is on_a_cpu
    two_terms, macs_alone = leave_one_out(published(column))
    assert on_a_cpu or (two_terms.mean < macs_alone.mean / 3 and two_terms.worst < macs_alone.worst / 3)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("activations", [True, False])
def test_fit_is_least_squares_of_relative_errors(column, activations):
    """The same by NumPy; and a sum of squares that no other network's weight decides."""
    measured = published(column)
    model = fit_time(measured, activations=activations)
    terms = ("macs", "activations") if activations else ("macs",)
    matrix = [[getattr(record, term) / record.seconds for term in terms] for record in measured]
    expected = np.linalg.lstsq(np.array(matrix), np.ones(len(measured)), rcond=None)[0]
    assert [model.seconds_per_mac, model.seconds_per_activation][: len(terms)] == approx(list(expected))
    assert [error for _, error in model.errors.relative] == approx(list(matrix @ expected - 1))


@given(
    st.lists(
        st.tuples(st.integers(1, 10**12), st.integers(1, 50)), min_size=3, max_size=9, unique_by=lambda pair: pair[1]
    ),
    st.floats(1e-15, 1),
    st.floats(1e-2, 1e2),
)
def test_made_up_times_are_recovered(counts, a, ratio):
    """From records that differ in activations per MAC."""
    b = a * ratio
    made_up = [Timing("", macs, macs * each, a * macs + b * macs * each) for macs, each in counts]
    model = fit_time(made_up)
    assert (model.seconds_per_mac, model.seconds_per_activation) == approx((a, b), rel=1e-6)
    assert model.errors.worst < 1e-9
    assert leave_one_out(made_up).two_terms.worst < 1e-9
    assert not model.macs_do_as_well
    assert model.predict(made_up[0]) == approx(made_up[0].seconds)


def test_by_hand():
    """Three records of time = 2 · MACs + 3 · activations, and one term alone for two times of one unit."""
    made_up = [Timing("p", 1, 1, 5), Timing("q", 2, 1, 7), Timing("r", 1, 2, 8)]
    model = fit_time(made_up)
    assert (model.seconds_per_mac, model.seconds_per_activation) == approx((2, 3))
    alone = fit_time([Timing("p", 1, 1, 1), Timing("q", 1, 1, 2)], activations=False)
    assert alone.seconds_per_mac == approx((1 + 1 / 2) / (1 + 1 / 4))  # Σx / Σx² with x = MACs / s
    assert alone.errors.relative == (("p", approx(0.2)), ("q", approx(-0.4)))
    assert (alone.errors.median, alone.errors.mean, alone.errors.worst) == approx((0.3, 0.3, 0.4))
    left_out = leave_one_out([Timing("p", 1, 1, 1), Timing("q", 1, 2, 1), Timing("r", 1, 3, 2)])
    assert left_out.macs_alone.relative[2] == ("r", approx(-0.5))  # from p and q: 1 s a MAC
    assert left_out.two_terms.relative[2] == ("r", approx(-0.5))  # from p and q: activations take no time
    assert left_out.two_terms.relative[0] == ("p", approx(-1))  # from q and r: 1 = a + 2b, 2 = a + 3b


def test_macs_do_as_well_where_activations_take_no_time():
    made_up = [record._replace(seconds=3e-12 * record.macs) for record in published("rtx3090")]
    noisy = [r._replace(seconds=r.seconds * (1.1 if i % 2 else 0.9)) for i, r in enumerate(made_up)]
    assert fit_time(made_up).seconds_per_activation == approx(0, abs=1e-15)
    assert fit_time(noisy).macs_do_as_well


def test_prediction_of_a_batch_and_of_a_part():
    model = fit_time(published("rtx3090"))
    net = rl.network("resnet50")
    one, many = rl.price(net), rl.price(net, batch=8)
    assert model.predict(many) == approx(8 * model.predict(one))
    assert sum(model.predict(part) for part in one.by("stage").values()) == approx(model.predict(one))
    assert sum(map(model.predict, one.rows)) == approx(model.predict(one))
    assert 1 / model.predict(one) == approx(3135.6, abs=0.1)  # images a second; timm measured 3219


def test_what_a_model_prints():
    assert str(TimeModel(2.84e-14, 1.82e-11)) == "0.0284 ms per GMAC + 0.0182 ms per M activations"
    assert str(TimeModel(3.14e-12, -2.21e-11)) == "3.14 ms per GMAC − 0.0221 ms per M activations"
    assert str(TimeModel(3.09e-12, 0)) == "3.09 ms per GMAC"


# --- bad input -------------------------------------------------------------------------------------------------------

SMALL = rl.price(rl.BlockSpec("basic", 4))


@pytest.mark.parametrize("name", ["macs_per_second", "bytes_per_second"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1.0, ValueError), (inf, ValueError), (nan, ValueError), ("9", TypeError), (True, TypeError)],
)
def test_bad_speeds(name, value, error):
    with pytest.raises(error, match=rf"^{name} must be a (finite )?number above 0: {re.escape(repr(value))}$"):
        roofline(SMALL, **({"macs_per_second": 1, "bytes_per_second": 1} | {name: value}))


@pytest.mark.parametrize("price_it", [lambda n: intensity(SMALL, n), lambda n: roofline(SMALL, 1, 1, n)])
def test_bad_elements(price_it):
    with pytest.raises(ValueError, match=r"^bytes_per_element must be at least 1: 0$"):
        price_it(0)
    with pytest.raises(TypeError, match=r"^bytes_per_element must be a whole number, at least 1: 0\.5$"):
        price_it(0.5)


def test_bad_bills():
    with pytest.raises(TypeError, match=r"^row_or_bill must be a Bill, .* or one of its rows: 'resnet50'"):
        intensity("resnet50")
    with pytest.raises(TypeError, match=r"^bill must be a Bill, .*: 'resnet50'"):
        roofline("resnet50", 1, 1)
    with pytest.raises(ValueError, match=r"^what must be one of 'bound', 'stage', 'block', 'kind': 'layer'"):
        roofline(SMALL, 1, 1).by("layer")


def test_bad_columns():
    with pytest.raises(ValueError, match=r"^column must be one of 'rtx3090', .*'i7_12700h': 'h100'"):
        published("h100")


def test_bad_records():
    good = published("rtx3090")
    with pytest.raises(ValueError, match=r"^timings must be at least 2: 1"):
        fit_time(good[:1])
    with pytest.raises(ValueError, match=r"^timings must be at least 1: 0"):
        fit_time([], activations=False)
    with pytest.raises(ValueError, match=r"^timings must be at least 3: 2"):
        leave_one_out(good[:2])
    with pytest.raises(TypeError, match=r"^activations must be True or False: 1"):
        fit_time(good, activations=1)
    with pytest.raises(ValueError, match=r"^timings\[1\]\.seconds must be a finite number above 0: 0\.0"):
        fit_time([good[0], good[1]._replace(seconds=0.0)])
    with pytest.raises(TypeError, match=r"^timings\[0\]\.macs must be a number above 0: '1'"):
        fit_time([good[0]._replace(macs="1"), good[1]])
    with pytest.raises(ValueError, match=r"^timings must differ in activations per MAC: resnet18, resnet18"):
        fit_time([good[0], good[0]._replace(seconds=1.0)])
    assert replace(fit_time(good), timings=()).predict(good[0]) > 0


HUGE = 10**400  # Python's whole numbers have no end, its floats have
BIG_BILL = rl.price("resnet18", image=HUGE)
MODEL = TimeModel(1e-12, 1e-9)


@pytest.mark.parametrize(
    ("compute", "argument"),
    [
        (lambda: intensity(BIG_BILL), "row_or_bill"),
        (lambda: roofline(BIG_BILL, 1e12, 1e11), "bill"),
        (lambda: roofline(rl.price("resnet18"), HUGE, 1e11), "macs_per_second"),
        (lambda: rl.report(BIG_BILL, "timm"), "bill"),
        (lambda: fit_time([Timing("a", HUGE, 1, 1.0), Timing("b", 1, 2, 1.0)]), r"timings\[0\]\.macs"),
        (lambda: MODEL.predict(BIG_BILL), "counts"),
        (lambda: rl.design("resnet18", depths=(2, 2, 2, 2), image=HUGE, seconds=1, model=MODEL), "counts"),
    ],
)
def test_numbers_that_no_float_holds_are_refused_by_name(compute, argument):
    with pytest.raises(ValueError, match=rf"^{argument} must (have numbers that )?fit a float, up to 1\.8e\+308"):
        compute()


def test_whole_numbers_stay_exact_at_any_length():
    """The totals of ResNet-18 are polynomials in the side of the image, here 32 times a power of ten."""
    side = 32 * 10**400
    bill = rl.price("resnet18", image=side)
    assert bill.macs == (rl.price("resnet18", image=32).macs - 512_000) * 10**800 + 512_000
    assert rl.report(bill, "flop_counter") == 2 * bill.macs


def test_speeds_of_numpy_and_torch_are_numbers():
    bill = rl.price("resnet18")
    speeds = roofline(bill, np.float64(1e12), torch.tensor(2.0**36)), roofline(bill, np.array(10**12), np.int64(2**36))
    assert speeds[0] == speeds[1] == roofline(bill, 1e12, 2**36)


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_roofline_shows_each_stage():
    bill = rl.price("resnet152")
    times = roofline(bill, 17.8e12, 936e9)
    table = times.table()
    assert [row[0] for row in table.rows] == list(bill.by("stage"))
    for i, whole in enumerate((times.seconds, 1.0, *times.by("bound").values()), start=1):
        assert sum(row[i] for row in table.rows) == approx(whole)
        assert table.total[i] == approx(whole)
    for _, _, share, compute, memory in table.rows:
        assert share == approx(compute + memory)
    assert len(repr(times)) < 1_000


def test_models_and_errors_show_themselves():
    timings = [Timing("p", 10**9, 10**6, 0.01), Timing("q", 2 * 10**9, 10**7, 0.03), Timing("r", 10**9, 10**7, 0.02)]
    model = fit_time(timings)
    assert model.table().rows[0] == ("10⁹ MACs", 1e9 * model.seconds_per_mac)
    assert len(fit_time(timings, activations=False).table().rows) == 1
    assert model.table().caption == f"Fitted to 3 timings, mean error {model.errors.mean:.1%}".replace("%", " %")
    assert [network for network, _ in model.errors.table().rows] == ["p", "q", "r"]
    two_terms, macs_alone = left_out = leave_one_out(timings)
    assert left_out.table().rows[1][1:] == (macs_alone.median, macs_alone.mean, macs_alone.worst)
    assert repr(two_terms).startswith("Errors: median ")
    assert repr(TimeModel(1e-12, 0.0)).splitlines()[-1].split() == ["10⁹", "MACs", "1.0000", "ms"]
