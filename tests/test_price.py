"""What a network costs: the papers' figures, exact counts, sums, and the formulas for symbols.

Counts are for 224 × 224 pixels (CIFAR 32 × 32) and 1000 (10) classes; M stands for MACs.
"""

import pickle
import re
import subprocess
import sys
from math import floor, prod

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

import resnet_lib as rl
import resnet_lib.nn.vision  # without it timm cannot import torchvision beside a CPU-only torch
from tests.helpers.strategies import networks

QUANTITIES = ("params", "macs", "flops", "activations", "bytes")


def basic(*channels, **fields):
    return rl.BlockSpec("basic", *channels, **fields)


def bottleneck(*channels, **fields):
    return rl.BlockSpec("bottleneck", *channels, **fields)


def price(name, image=None, **overrides):
    """The bill of a network of the zoo."""
    return rl.price(rl.network(name, **overrides), image)


def weights(spec):
    """The numbers in a block's or network's convolutions."""
    return rl.price(spec).by("kind")["conv"].params


def totals(bill):
    return {quantity: getattr(bill, quantity) for quantity in QUANTITIES}


def select(bill, test):
    """The rows that pass, as (params, MACs)."""
    rows = [row for row in bill.rows if test(row)]
    return sum(row.params for row in rows), sum(row.macs for row in rows)


def kernel(row):
    """A convolution's kernel side, from its shapes and MACs; 0 for anything else. Only for groups = 1."""
    return round((row.macs / row.elements / row.input_shape[1]) ** 0.5) if row.kind == "conv" else 0


def percent(part, whole):
    return round(100 * part / whole, 1)


# --- the textbook's figures: blocks ---------------------------------------------------------------------------------


def test_weights_of_the_two_blocks():
    """He et al. 2015, figure 5, and the popular comparison at 256 channels (1/17) that no ResNet makes."""

    def one_by_one(block):
        return [row.params for row in rl.price(block).rows if row.kind == "conv"]

    two_3x3, reduce_process_expand = basic(256), bottleneck(256, 64)
    assert one_by_one(two_3x3) == [589_824, 589_824]
    assert one_by_one(reduce_process_expand) == [16_384, 36_864, 16_384]
    assert weights(two_3x3) == 1_179_648
    assert weights(reduce_process_expand) == 69_632
    assert round(1_179_648 / 69_632, 2) == 16.94

    assert weights(basic(64)) == 73_728
    assert weights(bottleneck(64, 64, 256)) == 73_728  # layer1.0: 64 → 256 with its projection: exactly a basic block


def test_conv4_x_of_resnet50():
    block = rl.network("resnet50").stages[2].others
    assert (block.in_channels, *(conv.out_channels for conv in block.convolutions)) == (1024, 256, 256, 1024)


def test_inner_width_at_which_a_bottleneck_costs_as_much_as_two_3x3():
    """2Cw + 9w² < 18C² while w < 1.307 C."""
    assert weights(bottleneck(1000, 1307)) < weights(basic(1000)) < weights(bottleneck(1000, 1308))


def test_elements_moved_per_pixel():
    """Reads and writes of the convolutions and the addition, which reads two maps: MACs are not time."""

    def per_pixel(block):
        bill = rl.price(block, image=(5, 7))
        rows = [row for row in bill.rows if row.kind in ("conv", "add")]
        moved = sum(row.bytes // 4 - row.params for row in rows)
        return moved / 35, round(bill.macs / moved, 1)

    assert per_pixel(basic(64)) == (448, 164.6)
    assert per_pixel(bottleneck(256)) == (1_536, 45.3)


# --- the textbook's figures: networks -------------------------------------------------------------------------------

EXACT = {
    "resnet18": (11_689_512, 1_814_073_344, 2_484_712),
    "resnet34": (21_797_672, 3_663_761_408, 3_739_112),
    "resnet50": (25_557_032, 4_089_184_256, 11_114_984),
    "resnet101": (44_549_160, 7_801_405_440, 16_232_936),
    "resnet152": (60_192_808, 11_513_626_624, 22_555_112),
    "resnext50_32x4d": (25_028_904, 4_230_479_872, 14_401_512),
    "wide_resnet50_2": (68_883_240, 11_398_021_120, 14_401_512),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_counts(name):
    bill = price(name)
    assert (bill.params, bill.macs, bill.activations) == EXACT[name]


@pytest.mark.parametrize(
    ("name", "stride_in_1x1"),
    [("resnet50", 3_857_973_248), ("resnet101", 7_570_194_432), ("resnet152", 11_282_415_616)],
)
def test_where_the_stride_sits(name, stride_in_1x1):
    """v1 (the paper's) and v1.5 (torchvision's): equal parameters, and the same difference for all three depths."""
    v1, v15 = price(name, stride_on="1x1"), price(name, stride_on="3x3")
    assert v1.macs == stride_in_1x1
    assert v15.macs - v1.macs == 231_211_008
    assert v15.params == v1.params


@pytest.mark.parametrize(
    ("name", "option_a", "option_b", "option_c"),
    [("resnet34", 21_623_848, 21_797_672, 22_716_840), ("resnet50", 22_780_456, 25_557_032, 40_128_552)],
)
def test_shortcut_options(name, option_a, option_b, option_c):
    assert [price(name, shortcut=option).params for option in "ABC"] == [option_a, option_b, option_c]


def test_cifar_networks():
    assert price("cifar_resnet20").params == 269_722
    assert price("cifar_resnet20", shortcut="B").params == 272_474
    assert price("cifar_resnet56").params == 853_018


@pytest.mark.parametrize(
    ("plain", "residual"),
    [("plain18", "resnet18"), ("plain34", "resnet34")]
    + [(f"cifar_plain{n}", f"cifar_resnet{n}") for n in (20, 32, 44, 56, 110)],
)
def test_a_plain_network_counts_like_option_a(plain, residual):
    """An identity shortcut has neither parameters nor MACs; its additions are FLOPs and bytes."""
    without, with_shortcuts = price(plain), price(residual, shortcut="A")
    for quantity in ("params", "macs", "activations"):
        assert getattr(without, quantity) == getattr(with_shortcuts, quantity)
    assert with_shortcuts.flops - without.flops == with_shortcuts.by("kind")["add"].flops > 0


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("resnet50", [215_808, 1_219_584, 7_098_368, 14_964_736]),
        ("resnet34", [221_952, 1_116_416, 6_822_400, 13_114_368]),
    ],
)
def test_parameters_of_the_stages(name, stages):
    by_stage = price(name).by("stage")
    assert [by_stage[f"layer{i}"].params for i in (1, 2, 3, 4)] == stages
    assert list(by_stage) == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]


def test_resnet50_out_of_basic_blocks():
    """The counterfactual behind "1/17": two 3×3 at the bottleneck's interface of 256 … 2048 channels."""
    bill = price("resnet50", block="basic", widths=(256, 512, 1024, 2048))
    assert bill.params == 341_832_488
    assert round(bill.macs / 1e9, 1) == 55.5


def test_resnet50_is_not_cheaper_than_resnet34():
    r34, r50, r50_v1 = price("resnet34"), price("resnet50"), price("resnet50", stride_on="1x1")
    assert percent(r50.macs - r34.macs, r34.macs) == 11.6
    assert percent(r50_v1.macs - r34.macs, r34.macs) == 5.3
    assert percent(r50.params - r34.params, r34.params) == 17.2
    assert round(r50.activations / r34.activations, 2) == 2.97


def test_where_resnet50_has_more_parameters_than_resnet34():
    def parts(bill):
        projections, _ = select(bill, lambda row: "downsample" in row.name and row.kind == "conv")
        by_kind = bill.by("kind")
        return {
            "projections": projections,
            "classifier": by_kind["linear"].params,
            "batch_norm": by_kind["batch_norm"].params,
            "body": by_kind["conv"].params - projections,
        }

    r34, r50 = price("resnet34"), price("resnet50")
    more = {part: params - parts(r34)[part] for part, params in parts(r50).items()}
    assert more == {"projections": 2_596_864, "classifier": 1_536_000, "batch_norm": 36_096, "body": -409_600}
    assert sum(more.values()) == r50.params - r34.params == 3_759_360


def test_1x1_convolutions_are_not_negligible():
    bill = price("resnet50")
    _, main = select(bill, lambda row: kernel(row) == 1 and "downsample" not in row.name)
    _, every = select(bill, lambda row: kernel(row) == 1)
    assert percent(main, bill.macs) == 43.0
    assert percent(every, bill.macs) == 51.8


def test_3x3_convolutions_of_resnet50_are_half_of_resnet34s():
    """Half by number; a little more by weights and MACs, because fewer of them stand where channels double."""
    r34, r50 = price("resnet34"), price("resnet50")
    assert [sum(kernel(row) == 3 for row in bill.rows) for bill in (r50, r34)] == [16, 32]
    params, macs = select(r50, lambda row: kernel(row) == 3)
    assert (params, macs) == (11_317_248, 1_849_688_064)
    params34, macs34 = select(r34, lambda row: kernel(row) == 3)
    assert (percent(params, params34), percent(macs, macs34)) == (53.7, 52.5)


def test_projections():
    """Their share of the parameters (with their BatchNorm) and of the MACs."""

    def shares(name):
        bill = price(name)
        params, macs = select(bill, lambda row: "downsample" in row.name)
        return percent(params, bill.params), percent(macs, bill.macs)

    assert shares("resnet18")[0] == 1.5
    assert shares("resnet50") == (10.9, 8.8)


def test_elements_of_resnet50_by_kind():
    """The terms in which the counting tools differ (B, R, P, G, C and W of the chapter on tools)."""
    rows = price("resnet50").rows

    def written(kind):
        return sum(row.elements for row in rows if row.kind == kind)

    def read(kind):
        return sum(prod(row.input_shape) for row in rows if row.kind == kind)

    assert (written("batch_norm"), written("relu"), written("add")) == (11_113_984, 9_608_704, 5_519_360)
    assert (read("max_pool"), read("avg_pool"), written("avg_pool")) == (802_816, 100_352, 2_048)
    assert sum(row.params for row in rows if row.kind == "batch_norm") == 53_120


# --- figures published elsewhere ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "printed"),
    [
        # Their basic blocks have option A here, which costs no MACs; with projections ResNet-34 has 3.664, printed 3.7.
        ("resnet18", {"shortcut": "A"}, 1.8),
        ("resnet34", {"shortcut": "A"}, 3.6),
        ("resnet50", {"stride_on": "1x1"}, 3.8),
        ("resnet101", {"stride_on": "1x1"}, 7.6),
        ("resnet152", {"stride_on": "1x1"}, 11.3),
    ],
)
def test_table_1_of_he_et_al(name, fields, printed):
    """He et al. 2015, table 1, in 10⁹ "FLOPs (multiply-adds)": rounded, but for ResNet-50, whose 3.858 is truncated."""
    billions = price(name, **fields).macs / 1e9
    assert printed == (floor(10 * billions) / 10 if name == "resnet50" else round(billions, 1))


def as_printed(number, printed):
    """`number`, rounded to as many digits after the point as `printed` has: "0.27M" has two, in millions."""
    digits = len(printed.rstrip("M").partition(".")[2])
    return f"{number / 1e6:.{digits}f}M"


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        # He et al. 2015, table 6
        ("cifar_resnet20", "0.27M"),
        ("cifar_resnet32", "0.46M"),
        ("cifar_resnet44", "0.66M"),
        ("cifar_resnet56", "0.85M"),
        ("cifar_resnet110", "1.7M"),
        ("cifar_resnet1202", "19.4M"),
        # Zagoruyko and Komodakis 2016, table 4
        ("cifar_preact110", "1.7M"),
        ("cifar_preact164", "1.7M"),
        ("wrn28_10", "36.5M"),
    ],
)
def test_parameters_that_the_papers_print(name, printed):
    assert as_printed(price(name).params, printed) == printed


def test_parameters_of_the_preactivation_resnet1001():
    """The papers print 10.2M: convolutions and classifier, 10,178,490. BatchNorm's 149,216 make it 10.3M."""
    bill = price("cifar_preact1001")
    assert bill.params == 10_327_706
    assert as_printed(bill.params - bill.by("kind")["batch_norm"].params, "10.2M") == "10.2M"


@pytest.mark.parametrize(
    ("timms", "name", "fields"),
    [
        ("resnet26", "resnet50", {"depths": (2, 2, 2, 2)}),
        ("resnet200", "resnet50", {"depths": (3, 24, 36, 3)}),
        ("resnext101_32x4d", "resnext101_32x8d", {"width_per_group": 4}),
        ("resnext101_32x16d", "resnext101_32x8d", {"width_per_group": 16}),
        ("resnetv2_18", "resnet18", {"preactivation": True}),
        ("resnetv2_50", "resnet50", {"preactivation": True}),
        ("resnetv2_152", "resnet152", {"preactivation": True}),
    ],
)
def test_timm_builds_as_many_parameters(timms, name, fields):
    """Networks that torchvision does not have: other depths and widths, and pre-activation."""
    import timm

    with torch.device("meta"):
        model = timm.create_model(timms)
    assert price(name, **fields).params == sum(parameter.numel() for parameter in model.parameters())


# --- sums -----------------------------------------------------------------------------------------------------------


KEYS = {
    "stage": lambda row: row.stage,
    "block": lambda row: row.block,
    "kind": lambda row: row.kind,
    "kernel": lambda row: f"{row.kernel}x{row.kernel}" if row.kind == "conv" else row.kind,
}


@given(networks(), st.sampled_from([*KEYS]))
def test_subtotals_add_up(net_and_image, what):
    bill, key = rl.price(*net_and_image), KEYS[what]
    parts = bill.by(what)
    for quantity in QUANTITIES:
        assert sum(getattr(part, quantity) for part in parts.values()) == getattr(bill, quantity)
    assert sorted(row for part in parts.values() for row in part.rows) == sorted(bill.rows)
    assert list(parts) == list(dict.fromkeys(map(key, bill.rows)))  # keys in order of execution
    assert all(key(row) == word for word, part in parts.items() for row in part.rows)


@given(networks())
def test_rows_add_up(net_and_image):
    bill = rl.price(*net_and_image)
    for quantity in QUANTITIES:
        assert sum(getattr(row, quantity) for row in bill.rows) == getattr(bill, quantity)
    assert len({row.name for row in bill.rows}) == len(bill.rows)
    for row in bill.rows:
        assert row.block == (row.stage if row.stage in ("stem", "head") else ".".join(row.name.split(".")[:2]))
        assert row.block.split(".")[0] == row.stage


@given(networks(), st.integers(2, 7))
def test_a_batch_multiplies_everything_but_the_parameters(net_and_image, batch):
    one, many = rl.price(*net_and_image), rl.price(*net_and_image, batch=batch)
    assert many.params == one.params
    for quantity in ("macs", "flops", "activations"):
        assert getattr(many, quantity) == batch * getattr(one, quantity)
    assert many.bytes - 4 * many.params == batch * (one.bytes - 4 * one.params)  # parameters are read once


@given(networks())
def test_a_side_is_a_square(net_and_image):
    net, (side, _) = net_and_image
    assert rl.price(net, side) == rl.price(net, (side, side)) == rl.price(net, [side, side])


@given(networks())
def test_height_and_width_may_be_exchanged(net_and_image):
    """Every rule is the same in both directions, but the shapes tell them apart."""
    net, (height, width) = net_and_image
    upright, lying = rl.price(net, (height, width)), rl.price(net, (width, height))
    assert totals(upright) == totals(lying)
    for a, b in zip(upright.rows, lying.rows, strict=True):
        assert a.output_shape[2:] == b.output_shape[2:][::-1]


def test_defaults():
    assert price("resnet18") == price("resnet18", image=(224, 224))
    assert price("cifar_resnet20") == price("cifar_resnet20", image=(32, 32))
    assert price("resnet18", stem="cifar") == price("resnet18", stem="cifar", image=(32, 32))
    assert rl.price(basic(64)) == rl.price(basic(64), image=(56, 56))


def test_rows_are_in_order_of_execution_and_carry_shapes():
    rows = rl.price(rl.network("resnet50"), image=(224, 160), batch=2).rows
    assert " ".join(row.name for row in rows[:7]) == "conv1 bn1 relu maxpool layer1.0.conv1 layer1.0.bn1 layer1.0.relu1"
    assert [row.name for row in rows[-2:]] == ["avgpool", "fc"]
    by_name = {row.name: row for row in rows}
    assert by_name["conv1"].input_shape == (2, 3, 224, 160)
    assert by_name["maxpool"].output_shape == (2, 64, 56, 40)
    assert by_name["layer2.0.conv2"].input_shape == (2, 128, 56, 40)
    assert by_name["layer2.0.downsample.0"].input_shape == (2, 256, 56, 40)
    assert by_name["layer2.0.downsample.0"].output_shape == by_name["layer2.0.add"].input_shape == (2, 512, 28, 20)
    assert by_name["fc"].output_shape == (2, 1000)


def test_flops_and_bytes_of_each_kind():
    """The convention of `Row`, on a map small enough to do by hand."""
    rows = {row.name: row for row in rl.price(basic(2, 2, 4, stride=2), image=4).rows}
    assert {name: row.elements for name, row in rows.items()} == {
        **{"conv1": 8, "bn1": 8, "relu1": 8, "conv2": 16, "bn2": 16},
        **{"downsample.0": 16, "downsample.1": 16, "add": 16, "relu2": 16},
    }
    flops = {name: row.flops for name, row in rows.items()}
    assert flops == {
        **{"conv1": 2 * 8 * 18, "bn1": 16, "relu1": 8, "conv2": 2 * 16 * 18, "bn2": 32},
        **{"downsample.0": 2 * 16 * 2, "downsample.1": 32, "add": 16, "relu2": 16},
    }
    moved = {name: row.bytes // 4 for name, row in rows.items()}
    assert moved == {
        **{"conv1": 32 + 36 + 8, "bn1": 8 + 4 + 8, "relu1": 16, "conv2": 8 + 36 * 2 + 16, "bn2": 40},
        **{"downsample.0": 32 + 8 + 16, "downsample.1": 16 + 8 + 16, "add": 3 * 16, "relu2": 32},
    }
    stem_and_head = {row.name: row for row in price("resnet18", image=64).rows}
    assert stem_and_head["maxpool"].flops == 8 * 64 * 16 * 16
    assert stem_and_head["avgpool"].flops == 512 * 2 * 2
    assert stem_and_head["fc"].flops == 2 * 512 * 1000


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "error", "value", "allowed"),
    [
        (31, ValueError, "31", "at least 32 pixels a side, this network's total stride"),
        ((224, 31), ValueError, "(224, 31)", "at least 32 pixels a side, this network's total stride"),
        ((31, 224), ValueError, "(31, 224)", "at least 32 pixels a side, this network's total stride"),
        (0, ValueError, "0", "at least 1"),
        ((224, -1), ValueError, "-1", "at least 1"),
        (224.0, TypeError, "224.0", "whole number"),
        ((224, 224.5), TypeError, "224.5", "whole number"),
        (True, TypeError, "True", "whole number"),
        ((224, False), TypeError, "False", "whole number"),
        ("224", TypeError, "'224'", "a side or (height, width)"),
        ("hw", TypeError, "'hw'", "a side or (height, width)"),
        (("224", "224"), TypeError, "'224'", "whole number"),
        ((3, 224, 224), TypeError, "(3, 224, 224)", "a side or (height, width)"),
        ((), TypeError, "()", "a side or (height, width)"),
        ((224, None), TypeError, "None", "whole number"),
    ],
)
def test_bad_images(image, error, value, allowed):
    with pytest.raises(error, match=r"^image\b") as caught:
        rl.price(rl.network("resnet50"), image=image)
    assert re.search(rf"(?<!\w){re.escape(value)}(?!\w)", str(caught.value))
    assert allowed in str(caught.value)


@pytest.mark.parametrize(
    ("batch", "error", "allowed"),
    [
        (0, ValueError, "at least 1"),
        (-1, ValueError, "at least 1"),
        (1.0, TypeError, "whole number"),
        (True, TypeError, "whole number"),
        ("1", TypeError, "whole number"),
        (None, TypeError, "whole number"),
    ],
)
def test_bad_batches(batch, error, allowed):
    with pytest.raises(error, match=r"^batch\b") as caught:
        rl.price(rl.network("resnet50"), batch=batch)
    assert repr(batch) in str(caught.value)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(("name", "smallest"), [("resnet50", 32), ("cifar_resnet20", 4), ("wrn28_10", 4)])
def test_the_smallest_image(name, smallest):
    net = rl.network(name)
    assert rl.price(net, image=smallest).rows[-3].output_shape[2:] == (1, 1)
    with pytest.raises(ValueError, match=f"at least {smallest} pixels a side, .* total stride: {smallest - 1}$"):
        rl.price(net, image=smallest - 1)


def test_other_bad_arguments():
    with pytest.raises(TypeError, match=r"spec must be a NetworkSpec, a BlockSpec or a name, .*: 50"):
        rl.price(50)
    with pytest.raises(ValueError, match=r"name must be one of resnet18, .*: 'resnet-50'"):
        rl.price("resnet-50")
    with pytest.raises(ValueError, match="what must be one of 'stage', 'block', 'kind', 'kernel': 'layer'"):
        price("resnet18").by("layer")


# --- symbols: the same code yields the textbook's formulas ----------------------------------------------------------

C, H, W, D = sympy.symbols("c h w d", integer=True, positive=True)


def formulas(bill, *symbols):
    """The totals as a function of these symbols' values, computed by Python alone."""
    values = sympy.lambdify(symbols, list(totals(bill).values()), modules="math")
    return lambda *numbers: dict(zip(QUANTITIES, values(*numbers), strict=True))


def test_the_formulas_of_the_textbook():
    """basic(c) = 18c², bottleneck(4c → c → 4c) = 17c²; at equal interface width 288c²."""
    assert weights(basic(C)) == 18 * C**2
    assert sympy.expand(weights(bottleneck(4 * C, C))) == 17 * C**2
    assert sympy.expand(weights(bottleneck(4 * C))) == 17 * C**2  # the width follows: 4c // 4 is c
    assert sympy.expand(weights(basic(4 * C))) == 288 * C**2
    assert sympy.expand(rl.price(basic(C), image=(H, W)).macs - 18 * C**2 * H * W) == 0


BLOCKS_ON_SYMBOLS = {
    (block, stride): formulas(rl.price(rl.BlockSpec(block, 4 * C, C, 4 * C, stride=stride), image=(H, W)), C, H, W)
    for block in ("basic", "bottleneck")
    for stride in (1, 2)
}


@pytest.mark.parametrize(("block", "stride"), BLOCKS_ON_SYMBOLS)
@given(c=st.integers(1, 300), h=st.integers(1, 300), w=st.integers(1, 300))
def test_a_block_on_symbols(block, stride, c, h, w):
    """Any width and size, odd ones too: a stride of 2 leaves the larger half."""
    numbers = rl.price(rl.BlockSpec(block, 4 * c, c, 4 * c, stride=stride), image=(h, w))
    assert BLOCKS_ON_SYMBOLS[block, stride](c, h, w) == totals(numbers)


def network_of_width(name, c, image):
    """A network of the zoo with the first stage (and the stem) `c` wide."""
    widths = tuple(c * 2**i for i in range(len(rl.network(name).widths)))
    return price(name, image, widths=widths, stem_width=c)


NETWORKS_ON_SYMBOLS = {
    name: formulas(network_of_width(name, C, (H, W)), C, H, W) for name in ("resnet18", "resnet50", "cifar_preact164")
}


@pytest.mark.parametrize("name", NETWORKS_ON_SYMBOLS)
@given(c=st.integers(1, 200), h=st.integers(32, 300), w=st.integers(32, 300))
def test_a_network_on_symbols(name, c, h, w):
    assert NETWORKS_ON_SYMBOLS[name](c, h, w) == totals(network_of_width(name, c, (h, w)))


def test_a_stage_on_a_symbol_for_its_depth():
    stage = price("resnet50", depths=(3, D, 6, 3)).by("stage")["layer2"]
    assert {sympy.Poly(formula, D).degree() for formula in totals(stage).values()} == {1}
    for depth in (1, 2, 4, 23):
        numbers = price("resnet50", depths=(3, depth, 6, 3)).by("stage")["layer2"]
        assert formulas(stage, D)(depth) == totals(numbers)
    one_block_more = sympy.diff(stage.params, D)
    assert one_block_more == rl.price(bottleneck(512)).params


@pytest.mark.parametrize("show", [lambda bill: bill.rows, lambda bill: bill.by("block")], ids=["rows", "blocks"])
def test_rows_of_a_depth_that_is_a_symbol(show):
    bill = price("resnet50", depths=(3, D, 6, 3))
    with pytest.raises(ValueError, match="only for a depth that is a number: d - 1 blocks"):
        show(bill)


def test_formulas_need_no_torch():
    script = """
import sys, sympy, resnet_lib as rl
c, d = sympy.symbols("c d", integer=True, positive=True)
assert rl.price(rl.BlockSpec("basic", c)).by("kind")["conv"].params == 18 * c**2
assert rl.price(rl.network("resnet50", depths=(3, d, 6, 3), widths=(c, 2 * c, 4 * c, 8 * c)), image=c).macs.has(d)
print("torch" in sys.modules, "numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# --- what a bill shows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", rl.names())
def test_a_name_is_enough(name):
    assert rl.price(name, 64, batch=2) == rl.price(rl.network(name), 64, batch=2)


def test_a_bill_shows_what_torch_counts():
    model = rl.build("resnet50", device="meta")
    children = {"stem": ("conv1", "bn1"), "head": ("fc",)} | {f"layer{i}": (f"layer{i}",) for i in range(1, 5)}
    counted = {
        stage: sum(p.numel() for name in names for p in model.get_submodule(name).parameters())
        for stage, names in children.items()
    }
    table = rl.price("resnet50").table()
    assert {stage: params for stage, params, *_ in table.rows} == counted
    assert table.total == ("total", sum(counted.values()), 4_089_184_256, 11_114_984)


def test_what_is_shown_adds_up():
    """A bill by stage, block, kind and kernel, its rows, and a stage by its equal blocks."""
    bill = rl.price("resnet152", batch=3)
    for each in (bill, bill.rows, *map(bill.by, KEYS), bill.by("stage")["layer3"]):
        table = each.table()
        first = next(i for i, value in enumerate(table.total) if isinstance(value, int))
        columns = list(zip(*table.rows, strict=True))
        assert [sum(column) for column in columns[first:]] == list(table.total[first:])
    assert bill.table().caption == "3 images of 224 × 224"
    assert [row[0] for row in bill.by("stage")["layer3"].table().rows] == ["layer3.0", "layer3.1 to 35"]
    assert bill.by("block")["layer3.7"].table().rows[0][:3] == ("layer3.7.conv1", "conv", "256 × 14 × 14")
    assert bill.by("kind")["conv"].table().caption == ""  # has no single input


def test_shares():
    bill = rl.price("resnet50")
    stages = bill.by("stage")
    assert stages.shares("params").rows[-1] == ("head", 2_049_000 / 25_557_032)
    *_, total = [line[1:] for line in stages.shares().cells()[1:]]
    assert total == ("100.0 %",) * 3
    assert bill.by("kind")["relu"].by("stage").shares().rows[0] == ("stem", None, None, None)  # a share of nothing
    with pytest.raises(ValueError, match=r"fields must be one of 'params', .*: 'price'"):
        stages.shares("price")


def test_everything_that_is_shown_is_short():
    """15,306 characters were a bill's once."""
    bill = rl.price("resnet152", batch=64)
    things = (bill, bill.rows, bill.rows[40], bill.parts[3], *map(bill.by, KEYS))
    for thing in things:
        assert len(repr(thing)) < 2_000, type(thing)
    assert repr(bill.rows).count("\n") == 21
    assert "… 497 more" in repr(bill.rows)


def test_a_shown_tuple_and_dict_stay_what_they_were():
    bill = rl.price("resnet18")
    assert bill.rows == tuple(bill.rows)
    assert isinstance(bill.rows[2:4], tuple)
    assert bill.by("stage") == dict(bill.by("stage"))
    assert hash(bill) == hash(rl.price("resnet18"))
    assert pickle.loads(pickle.dumps(bill.by("stage"))).table() == bill.table()


def test_symbols_are_shown():
    table = rl.price(basic(C)).table()
    assert table.cells()[-1] == ("total", "", "", "18·c² + 4·c", "56448·c²", "6272·c")
    deep = rl.price(rl.network("resnet18", depths=(D, 2, 2, 2)))
    assert [row[0] for row in deep.by("stage")["layer1"].table().rows] == ["layer1.0", "layer1.1 to d - 1"]


def test_the_branch_of_a_row():
    rows = rl.price("resnet50").rows
    assert [row.name for row in rows if row.on_shortcut] == [row.name for row in rows if "downsample" in row.name]
