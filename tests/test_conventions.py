"""What we say that a tool prints, and what the installed tool prints: equal, to the last digit."""

from collections import Counter
from itertools import permutations

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import resnet_lib as rl
from resnet_lib.cost.conventions import CONVENTIONS, explain, report
from resnet_lib.nn.vision import torchvision
from resnet_lib.spec import KINDS
from tests.helpers.counters import (
    ON_CPU,
    ON_META,
    PUBLISHED,
    SIZES,
    TORCHVISION,
    analysis,
    assert_equal,
    fvcore,
    on_cpu,
    ptflops,
    quiet,
    thop,
    torchvision_model,
    with_two_blocks_a_stage,
)
from tests.helpers.strategies import networks

# Printed elsewhere: compared with what they have printed.
NOT_INSTALLED = {"torchvision", "timm", "deepspeed", "pycls", "keras"}
OPERATIONS = [tool for tool, convention in CONVENTIONS.items() if convention.unit != "parameters"]


def test_every_tool_is_compared():
    assert {*ON_META, *ON_CPU, *NOT_INSTALLED} == set(CONVENTIONS)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_on_meta(name):
    images = torch.empty(1, 3, *PUBLISHED, device="meta")
    assert_equal(ON_META, torchvision_model(name), rl.price(rl.network(name), PUBLISHED), images)
    spec = rl.network(name, depths=(2, 2, 2, 2))
    for image in SIZES:
        model = with_two_blocks_a_stage(torchvision_model(name))
        assert_equal(ON_META, model, rl.price(spec, image), torch.empty(1, 3, *image, device="meta"))


def test_activations_with_fvcore():
    model = on_cpu(torchvision_model("resnet50"))
    with quiet():
        counted = analysis(fvcore.nn.ActivationCountAnalysis, model.eval(), torch.zeros(1, 3, 65, 33))
    assert counted == rl.price(rl.network("resnet50"), (65, 33)).activations


@pytest.mark.parametrize("name", ("cifar_resnet20", "cifar_plain20", "cifar_preact110", "cifar_preact164", "wrn28_10"))
def test_cifar_networks(name):
    spec = rl.network(name, depths=(2, 1, 2))
    for image, batch in (((16, 16), 1), ((9, 14), 3)):
        bill = rl.price(spec, image, batch=batch)
        shape = (batch, 3, *image)
        assert_equal(ON_META, rl.build(spec, device="meta"), bill, torch.empty(shape, device="meta"))
        assert_equal(ON_CPU, on_cpu(rl.build(spec, device="meta")), bill, torch.zeros(shape))


@settings(max_examples=10)
@given(networks(), st.integers(1, 3))
def test_any_network(network_and_image, batch):
    spec, image = network_and_image
    bill = rl.price(spec, image, batch=batch)
    shape = (batch, spec.in_channels, *image)
    assert_equal(ON_META, rl.build(spec, device="meta"), bill, torch.empty(shape, device="meta"))


@settings(max_examples=10)
@given(networks(), st.integers(2, 3))  # in training mode BatchNorm refuses a single value per channel
def test_any_network_with_fvcore(network_and_image, batch):
    spec, image = network_and_image
    bill = rl.price(spec, image, batch=batch)
    model = on_cpu(rl.build(spec, device="meta"))
    assert_equal(ON_CPU, model, bill, torch.zeros(batch, spec.in_channels, *image))


def test_torchvision_metadata():
    for name in TORCHVISION:
        for weights in torchvision.models.get_model_weights(name):
            bill = rl.price(rl.network(name), weights.transforms().crop_size[0], batch=2)
            assert report(bill, "torchvision") == weights.meta["_ops"]


TIMM_RESULTS = {  # timm, results/benchmark-infer-amp-nchw-pt240-cu124-rtx3090.csv: infer_gmacs, infer_macts
    ("resnet18", 224): (1.82, 2.48),
    ("resnet18", 288): (3.01, 4.11),
    ("resnet34", 224): (3.67, 3.74),
    ("resnet34", 288): (6.07, 6.18),
    ("resnet26", 224): (2.36, 7.35),
    ("resnet26", 288): (3.9, 12.15),
    ("resnet50", 224): (4.11, 11.11),
    ("resnet50", 288): (6.8, 18.37),
    ("resnet101", 224): (7.83, 16.23),
    ("resnet101", 288): (12.95, 26.83),
    ("resnet152", 224): (11.56, 22.56),
    ("resnet152", 288): (19.11, 37.28),
    ("resnext50_32x4d", 224): (4.26, 14.4),
    ("resnext50_32x4d", 288): (7.04, 23.81),
    ("resnext101_32x8d", 224): (16.48, 31.21),
    ("resnext101_64x4d", 224): (15.52, 31.21),
    ("resnext101_64x4d", 288): (25.66, 51.59),
    ("wide_resnet50_2", 224): (11.43, 14.4),
    ("wide_resnet50_2", 288): (18.89, 23.81),
    ("wide_resnet101_2", 224): (22.8, 21.23),
}


@pytest.mark.parametrize(("name", "side"), TIMM_RESULTS)
def test_timm_results(name, side):
    spec = rl.network("resnet50", depths=(2, 2, 2, 2)) if name == "resnet26" else rl.network(name)
    for batch in (1, 8):  # the tables are for one image
        assert report(rl.price(spec, side, batch=batch), "timm") == TIMM_RESULTS[name, side]


RESNET50 = {
    "flop_counter": 8_178_368_512,
    "torchvision": 4.089,
    "fvcore": 4_111_512_576,
    "fvcore_training": 4_144_854_528,
    "timm": (4.11, 11.11),
    "thop": 4_133_742_592,
    "torchinfo": 4_089_238_376,
    "ptflops": 4_089_185_256,
    "ptflops_pytorch": 4_132_436_968,
    "deepspeed": 8_211_108_352,
    "pycls": (4_089_185_256, 11_315_688),
    "keras": 25_636_712,
}


def test_resnet50():
    assert {tool: report(rl.price(rl.network("resnet50")), tool) for tool in CONVENTIONS} == RESNET50


def test_docstring_shows_resnet50():
    from resnet_lib.cost import conventions

    lines = [line.split() for line in conventions.__doc__.splitlines()]
    shown = {words[0]: words[-1] for words in lines if words and words[0] in CONVENTIONS}
    assert shown == {tool: f"{n[0] if isinstance(n, tuple) else n:,}" for tool, n in RESNET50.items()}


PYCLS = {  # pycls, dev/model_complexity.json of 2020-09-04: params, flops, acts
    "R-50-1x64d": ("resnet50", {}, 25_557_032, 4_089_185_256, 11_315_688),
    "R-101-1x64d": ("resnet101", {}, 44_549_160, 7_801_406_440, 16_433_640),
    "R-152-1x64d": ("resnet152", {}, 60_192_808, 11_513_627_624, 22_755_816),
    "X-50-32x4d": ("resnext50_32x4d", {}, 25_028_904, 4_230_480_872, 14_602_216),
    "X-101-32x4d": ("resnet101", dict(groups=32, width_per_group=4), 44_177_704, 7_969_997_800, 21_426_152),
    "X-152-32x4d": ("resnet152", dict(groups=32, width_per_group=4), 59_951_400, 11_709_514_728, 29_855_720),
    "R-56": ("cifar_resnet56", dict(shortcut="B"), 855_770, 125_747_850, 544_778),
    "R-110": ("cifar_resnet110", dict(shortcut="B"), 1_730_714, 253_149_834, 1_060_874),
    "V-56": ("cifar_plain56", {}, 853_018, 125_485_706, 532_490),
}


@pytest.mark.parametrize("config", PYCLS)
def test_pycls(config):
    name, fields, params, *printed = PYCLS[config]
    for batch in (1, 5):  # pycls counts one image
        bill = rl.price(rl.network(name, **fields), batch=batch)
        assert bill.params == params
        assert report(bill, "pycls") == tuple(printed)


@pytest.mark.parametrize(  # keras.io/api/applications, column Parameters
    ("name", "params"), [("resnet50", 25_636_712), ("resnet101", 44_707_176), ("resnet152", 60_419_944)]
)
def test_keras(name, params):
    for spec in (rl.network(name, stride_on="1x1"), rl.network(name)):  # Keras strides on the first 1×1
        assert report(rl.price(spec, batch=7), "keras") == params


def test_keras_with_torchs_own_layers():
    """The same number from a module with Keras's biases: torch counts parameters and running statistics."""
    model = rl.build("resnet50", device="meta")
    for conv in [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]:
        conv.bias = torch.nn.Parameter(torch.empty(conv.out_channels, device="meta"))
    statistics = [b for name, b in model.named_buffers() if "running" in name]
    counted = sum(tensor.numel() for tensor in (*model.parameters(), *statistics))
    assert report(rl.price("resnet50"), "keras") == counted


def test_a_convention_of_ones_own():
    """A bias in each convolution: what ptflops would count if the convolutions had one."""
    rules = {kind: {"macs": 1, "outputs": 1} for kind in ("conv", "linear")}
    mine = rl.Convention(says="mine", unit="MACs", batch=rules)
    spec = rl.network("cifar_resnet20", depths=(1, 1, 1))
    model = rl.build(spec, device="meta")
    for conv in [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]:
        conv.bias = torch.nn.Parameter(torch.empty(conv.out_channels, device="meta"))
    bill = rl.price(spec, 16, batch=2)
    with quiet():
        printed = ON_META["torchinfo"](model, torch.empty(2, 3, 16, 16, device="meta"))
    norms = sum(row.params for row in bill.rows if row.kind == "batch_norm")
    # torchinfo takes each of a convolution's numbers once a pixel, and each of the others' once an image
    assert report(bill, mine) == printed - 2 * norms
    explanation = explain(bill, mine, "ptflops")
    assert explanation.a == "mine"
    assert explanation.terms == (("conv", "+1 × output elements", bill.activations - 2 * spec.classes),)
    with pytest.raises(ValueError, match=r"quantity must be one of 'macs', .*: 'time'"):
        rl.Convention(says="x", unit="MACs", batch={"conv": {"time": 1}})
    with pytest.raises(ValueError, match=r"kind of operation must be one of 'conv', .*: 'pool'"):
        rl.Convention(says="x", unit="MACs", activations={"pool": {"outputs": 1}})
    for rules, message in (
        ({"conv": 1}, r"image\['conv'\] must be a dict, such as .*: 1"),
        ({"conv": {"macs": "2"}}, r"image\['conv'\]\['macs'\] must be a whole number, at least 0: '2'"),
        ({"conv": {"macs": 0.5}}, r"image\['conv'\]\['macs'\] must be a whole number, at least 0: 0.5"),
        ("conv", "image must be a dict, such as .*: 'conv'"),
    ):
        with pytest.raises(TypeError, match=message):
            rl.Convention(says="x", unit="MACs", image=rules)
    with pytest.raises(ValueError, match=r"batch\['relu'\]\['outputs'\] must be at least 0: -1"):
        rl.Convention(says="x", unit="MACs", batch={"relu": {"outputs": -1}})
    with pytest.raises(ValueError, match="unit must be one of 'MACs', 'FLOPs', 'parameters': 'GMACs'"):
        rl.Convention(says="x", unit="GMACs")


def test_all_tools_at_once():
    reports = report(rl.price("resnet50"))
    assert reports == RESNET50
    shown = {line.split()[0]: line for line in repr(reports).splitlines()[2:]}
    assert list(shown) == list(CONVENTIONS)
    assert shown["timm"].split()[1:] == ["4.11", "11.11", "GMACs", "10⁹", "MACs,", "10⁶", "activations"]
    assert len(repr(reports)) < 2_000


def test_calflops():
    """calflops 0.3.2 printed this: calculate_flops(model, input_shape=(batch, 3, 97, 129))."""
    spec = rl.network("resnet50")
    assert report(rl.price(spec, (97, 129)), "deepspeed") == 2_576_261_120
    assert report(rl.price(spec, (97, 129), batch=2), "deepspeed") == 5_152_522_240


def in_operations(bill, tool):
    """A tool's count in plain operations, taken from what it prints."""
    printed = report(bill, tool)
    if isinstance(printed, tuple):
        printed, _ = printed
    return round(printed * 10**9) if isinstance(printed, float) else printed


@pytest.mark.parametrize("batch", (1, 3))
@pytest.mark.parametrize("name", ("resnet18", "resnext50_32x4d", "cifar_resnet20", "cifar_preact164"))
def test_explanations_add_up(name, batch):
    bill = rl.price(rl.network(name), (65, 97), batch=batch)
    for a, b in permutations(OPERATIONS, 2):
        explanation = explain(bill, a, b)
        assert explanation.total == sum(amount for _, _, amount in explanation)
        assert explanation.total == in_operations(bill, a) - in_operations(bill, b), (a, b)
        assert all(amount for _, _, amount in explanation)
        assert max(Counter((kind, what) for kind, what, _ in explanation).values(), default=1) == 1
        assert {kind for kind, _, _ in explanation} <= {*KINDS, "rounding"}
        assert {(t.kind, -t.amount) for t in explanation} == {(t.kind, t.amount) for t in explain(bill, b, a)}


def test_a_tool_does_not_differ_from_itself():
    bill = rl.price(rl.network("resnet50"))
    for tool in CONVENTIONS:
        assert tuple(explain(bill, tool, tool)) == () or CONVENTIONS[tool].decimals is not None
        assert explain(bill, tool, tool).total == 0


def test_explanation_reads_well():
    bill = rl.price(rl.network("resnet50"))
    explanation = explain(bill, "thop", "torchinfo")
    assert str(explanation) == repr(explanation)
    assert str(explanation).splitlines() == [
        "thop − torchinfo",
        "",
        "operation   what is counted            amount",
        "---------------------------------------------",
        "batch_norm  +4 × output elements  +44,455,936",
        "batch_norm  −1 × parameters           −53,120",
        "avg_pool    +1 × input elements      +100,352",
        "avg_pool    +1 × output elements       +2,048",
        "linear      −1 × output elements       −1,000",
        "---------------------------------------------",
        "total                             +44,504,216",
    ]
    assert [term.what for term in explain(bill, "flop_counter", "ptflops")] == [
        "+1 × MACs",
        "+1 × MACs",
        "−1 × output elements",
    ]
    rounding = explain(bill, "torchvision", "ptflops").terms[-1]
    assert rounding == ("rounding", "torchvision to 3 decimals", 4_089_000_000 - 4_089_184_256)
    averaged = explain(rl.price(rl.network("resnet50"), batch=4), "torchvision", "fvcore").terms
    assert averaged[:2] == (
        ("conv", "−1 × MACs", -4 * 4_087_136_256),
        ("conv", "+1 × MACs of one image", 4_087_136_256),
    )


def test_formulas():
    c = sympy.Symbol("c", integer=True, positive=True)
    batch = sympy.Symbol("N", integer=True, positive=True)
    bill = rl.price(rl.BlockSpec("basic", c), 56, batch=batch)
    assert sympy.expand(report(bill, "fvcore") - 56**2 * batch * (18 * c**2 + 4 * c)) == 0
    assert sympy.expand(report(bill, "timm").operations * 10**9 - 56**2 * (18 * c**2 + 4 * c)) == 0
    assert sympy.expand(report(bill, "torchvision") * 10**9 - 56**2 * 18 * c**2) == 0
    for a, b in permutations(OPERATIONS, 2):
        difference = explain(bill, a, b)
        numbers = rl.price(rl.BlockSpec("basic", 64), 56, batch=2)
        rounding = sum(amount for kind, _, amount in explain(numbers, a, b) if kind == "rounding")
        assert sympy.sympify(difference.total).subs({c: 64, batch: 2}) == explain(numbers, a, b).total - rounding
        assert str(difference)


def test_depth_and_image_may_be_symbols():
    depth, side = sympy.symbols("d s", integer=True, positive=True)
    bill = rl.price(rl.network("resnet18", depths=(depth, 2, 2, 2)), 32 * side)
    numbers = rl.price(rl.network("resnet18", depths=(5, 2, 2, 2)), 96)
    for tool, convention in CONVENTIONS.items():
        if convention.decimals is None:
            formula = in_operations(bill, tool)
            assert formula.subs({depth: 5, side: 3}) == in_operations(numbers, tool), tool


def test_equal_blocks_are_counted_once():
    """Rows are never listed: a bill of 10¹² equal blocks costs no more than one of 10."""
    bill = rl.price(rl.network("resnet18", depths=(10**12, 1, 1, 1)))
    assert report(bill, "flop_counter") == 2 * bill.macs


def test_parts_of_a_bill():
    bill = rl.price(rl.network("resnet50"), batch=2)
    for what in ("stage", "kind", "block"):
        pieces = bill.by(what).values()
        assert sum(report(piece, "ptflops_pytorch") for piece in pieces) == report(bill, "ptflops_pytorch")


@pytest.mark.parametrize("name", CONVENTIONS)
def test_tables_use_known_words(name):
    convention = CONVENTIONS[name]
    assert convention.says and convention.source
    counted = {}
    for table in (convention.batch, convention.image):
        counted |= table
    quantity, times = {"MACs": ("macs", 1), "FLOPs": ("macs", 2), "parameters": ("params", 1)}[convention.unit]
    assert counted["conv"][quantity] == counted["linear"][quantity] == times
    assert "add" not in counted  # no tool counts the residual addition


def test_errors():
    bill = rl.price(rl.network("resnet18"))
    with pytest.raises(ValueError, match=r"tool must be one of 'flop_counter', .*'keras': 'nvidia'"):
        report(bill, "nvidia")
    with pytest.raises(ValueError, match=r"tool must be one of .*: 50"):
        report(bill, 50)
    with pytest.raises(ValueError, match="a and b must both count operations, or both parameters: parameters and MACs"):
        explain(bill, "keras", "fvcore")
    with pytest.raises(ValueError, match=r"a must be one of .*: 'x'"):
        explain(bill, "x", "fvcore")
    with pytest.raises(ValueError, match=r"b must be one of .*: 'x'"):
        explain(bill, "fvcore", "x")
    for wrong in (rl.network("resnet18"), "resnet18", None, bill.rows):
        with pytest.raises(TypeError, match="bill must be a Bill, such as"):
            report(wrong, "fvcore")
        with pytest.raises(TypeError, match="bill must be a Bill, such as"):
            explain(wrong, "fvcore", "thop")


# What the tools do to the model that they measure. Nothing of ours depends on it; if a test fails after an update, a
# tool has become better, and the docstring of `report` (and the book) wants a word less.

SMALL = rl.network("cifar_resnet20", depths=(1, 1, 1))


def test_thop_leaves_keys_in_the_state_dict():
    model = rl.build(SMALL)
    before = set(model.state_dict())
    with quiet():
        thop.profile(model, (torch.zeros(1, 3, 32, 32),), verbose=False)
    left = set(model.state_dict()) - before
    assert {key.rpartition(".")[2] for key in left} == {"total_ops", "total_params"}
    assert "layer1.total_ops" not in left  # a module with a rule is cleaned: Sequential is one,
    assert "layer1.0.total_ops" in left  # our blocks are none


@pytest.mark.parametrize("tool", ("ptflops", "ptflops_pytorch"))
def test_ptflops_leaves_evaluation_mode(tool):
    model = rl.build(SMALL, device="meta").train()
    with quiet():
        (ON_META | ON_CPU)[tool](model, torch.empty(1, 3, 32, 32, device="meta"))
    assert not model.training


def test_fvcore_in_training_mode_changes_the_statistics():
    model = rl.build(SMALL).train()
    before = model.bn1.running_mean.clone()
    with quiet():
        ON_CPU["fvcore_training"](model, torch.ones(1, 3, 32, 32))
    assert not torch.equal(model.bn1.running_mean, before)
    assert model.bn1.num_batches_tracked == 1


def test_ptflops_takes_a_batch_by_keyword_for_one_image():
    """`report` gives what it prints for a batch as a tensor; as keyword arguments the batch counts as one image."""
    model = rl.build(SMALL)
    images = torch.zeros(3, 3, 32, 32)
    with quiet():
        result, _ = ptflops.get_model_complexity_info(
            model, (3, 32, 32), as_strings=False, print_per_layer_stat=False, input_constructor=lambda _: {"x": images}
        )
    assert result == 3 * report(rl.price(SMALL), "ptflops_pytorch")
    assert result > report(rl.price(SMALL, batch=3), "ptflops_pytorch")
