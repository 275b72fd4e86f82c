"""What a network is: the descriptions, their drawings, and the errors for what cannot be built."""

import dataclasses
import re

import numpy as np
import pytest
import torch

import resnet_lib as rl
from resnet_lib.nn import ZeroPadding
from resnet_lib.nn.vision import torchvision

NAMES = (
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
    *("plain18", "plain34"),
    *(f"cifar_resnet{n}" for n in (20, 32, 44, 56, 110, 1202)),
    *(f"cifar_plain{n}" for n in (20, 32, 44, 56, 110)),
    *(f"cifar_preact{n}" for n in (110, 164, 1001)),
    "wrn28_10",
)


def basic(*channels, **fields):
    return rl.BlockSpec("basic", *channels, **fields)


def bottleneck(*channels, **fields):
    return rl.BlockSpec("bottleneck", *channels, **fields)


def network(**fields):
    """A small valid network with some fields replaced."""
    return rl.NetworkSpec(**{"block": "basic", "depths": (1, 1), "widths": (64, 128)} | fields)


# --- bad input: the message names the argument, the value and what is allowed ---------------------------------------

NOT_POSITIVE = [(0, ValueError, "at least 1"), (-3, ValueError, "at least 1")]
NOT_WHOLE = [
    (1.5, TypeError, "whole number"),
    (64.0, TypeError, "whole number"),
    (True, TypeError, "whole number"),
    (np.True_, TypeError, "whole number"),
    (np.float32(64), TypeError, "whole number"),
    (float("nan"), TypeError, "whole number"),
    ("64", TypeError, "whole number"),
    (np.array(64.0), TypeError, "whole number"),
    (np.array([64]), TypeError, "whole number"),
    (torch.tensor([64]), TypeError, "whole number"),
    (torch.tensor(64.0), TypeError, "whole number"),
    (torch.tensor(True), TypeError, "whole number"),
    (np.array("64"), TypeError, "whole number"),
]
NOT_A_COUNT = NOT_POSITIVE + NOT_WHOLE
NONE = (None, TypeError, "whole number")

COUNTS = [
    *((network, name) for name in ("stem_width", "groups", "width_per_group", "in_channels", "classes")),
    *((bottleneck, name) for name in ("in_channels", "width", "out_channels", "stride", "groups")),
]


@pytest.mark.parametrize(("value", "error", "allowed"), NOT_A_COUNT)
@pytest.mark.parametrize(("make", "name"), COUNTS)
def test_a_count_is_a_positive_whole_number(make, name, value, error, allowed):
    fields = {"in_channels": 64} | {name: value} if make is bottleneck else {name: value}
    with pytest.raises(error) as caught:
        make(**fields)
    says(caught, name, repr(value), allowed)


@pytest.mark.parametrize(("value", "error", "allowed"), [*NOT_A_COUNT, NONE])
@pytest.mark.parametrize("name", ["depths", "widths"])
def test_each_stage_is_a_positive_whole_number(name, value, error, allowed):
    with pytest.raises(error) as caught:
        network(**{name: (64, value)})
    says(caught, f"{name}[1]", repr(value), allowed)


@pytest.mark.parametrize(
    ("make", "error", "argument", "value", "allowed"),
    [
        # a stage too many, too few, none, or no sequence
        (lambda: network(depths=(3, 4, 6)), ValueError, "depths", "(3, 4, 6), (64, 128)", "equally long"),
        (lambda: network(widths=(64,)), ValueError, "widths", "(1, 1), (64,)", "equally long"),
        (lambda: network(depths=()), ValueError, "depths", "()", "at least one"),
        (lambda: network(widths=[]), ValueError, "widths", "[]", "at least one"),
        (lambda: network(depths=3), TypeError, "depths", "3", "sequence of whole numbers"),
        (lambda: network(depths="34"), TypeError, "depths", "'34'", "sequence of whole numbers"),
        (lambda: network(depths={1, 2}), TypeError, "depths", "{1, 2}", "sequence of whole numbers"),
        (lambda: network(depths={1: 3, 2: 4}), TypeError, "depths", "{1: 3, 2: 4}", "sequence of whole numbers"),
        (lambda: network(widths=frozenset([64])), TypeError, "widths", "frozenset({64})", "sequence of whole numbers"),
        (lambda: network(widths=b"@`"), TypeError, "widths", "b'@`'", "sequence of whole numbers"),
        (lambda: network(widths=np.array(64)), TypeError, "widths", "array(64)", "sequence of whole numbers"),
        (lambda: network(depths=np.ones((2, 2), int)), TypeError, "depths[0]", "array([1, 1])", "whole number"),
        (lambda: network(widths=None), TypeError, "widths", "None", "sequence of whole numbers"),
        # a word that is not among the choices
        (lambda: network(block="dense"), ValueError, "block", "'dense'", "'basic', 'bottleneck'"),
        (lambda: network(block=None), ValueError, "block", "None", "'basic', 'bottleneck'"),
        (lambda: network(stem="mnist"), ValueError, "stem", "'mnist'", "'imagenet', 'cifar'"),
        (lambda: network(shortcut="b"), ValueError, "shortcut", "'b'", "'A', 'B', 'C', 'none'"),
        (lambda: network(shortcut=None), ValueError, "shortcut", "None", "'A', 'B', 'C', 'none'"),
        (lambda: network(shortcut=["B"]), ValueError, "shortcut", "['B']", "'A', 'B', 'C', 'none'"),
        (lambda: network(block="bottleneck", stride_on="3"), ValueError, "stride_on", "'3'", "'3x3', '1x1'"),
        (lambda: network(preactivation=1), TypeError, "preactivation", "1", "True or False"),
        (lambda: basic(64, preactivation="yes"), TypeError, "preactivation", "'yes'", "True or False"),
        (lambda: rl.BlockSpec("dense", 64), ValueError, "block", "'dense'", "'basic', 'bottleneck'"),
        (lambda: basic(64, shortcut="B"), ValueError, "shortcut", "'B'", "'identity', 'pad', 'projection', 'none'"),
        (lambda: bottleneck(64, stride_on=3), ValueError, "stride_on", "3", "'3x3', '1x1'"),
        # a choice that a basic block does not have
        (lambda: network(stride_on="3x3"), ValueError, "stride_on", "'3x3'", "for the bottleneck"),
        (lambda: basic(64, stride_on="1x1"), ValueError, "stride_on", "'1x1'", "for the bottleneck"),
        # groups that do not divide
        (lambda: bottleneck(256, groups=3), ValueError, "groups", "groups=3, width=64", "must divide"),
        (lambda: basic(64, 63, groups=3), ValueError, "groups", "groups=3, in_channels=64", "must divide"),
        (lambda: basic(63, 63, 64, groups=3), ValueError, "groups", "groups=3, out_channels=64", "must divide"),
        (lambda: network(groups=3), ValueError, "groups", "groups=3, in_channels=64", "must divide"),
        # shortcuts that cannot carry the shape
        (
            lambda: basic(64, 64, 128, shortcut="identity"),
            *(ValueError, "shortcut", "'identity'", "equal shapes at both ends, not 64 → 128 channels at stride 1"),
        ),
        (
            lambda: basic(64, stride=2, shortcut="identity"),
            *(ValueError, "shortcut", "'identity'", "equal shapes at both ends, not 64 → 64 channels at stride 2"),
        ),
        (
            lambda: basic(128, 64, 64, shortcut="pad"),
            *(ValueError, "shortcut", "'pad'", "only add channels, not 128 → 64 channels"),
        ),
        (
            lambda: network(widths=(32, 64), shortcut="A"),
            *(ValueError, "shortcut", "'pad'", "only add channels, not 64 → 32 channels"),
        ),
        # nothing left between the two ends of a block
        (lambda: network(widths=(1, 64), width_per_group=32), ValueError, "widths[0]", "1 · 32 // 64", "at least 1"),
        (lambda: bottleneck(3), ValueError, "width", "3", "4 does not divide out_channels"),
        # the zoo
        (lambda: rl.network("resnet51"), ValueError, "name", "'resnet51'", ", ".join(NAMES)),
        (lambda: rl.network(50), ValueError, "name", "50", ", ".join(NAMES)),
        (lambda: rl.network(["resnet50"]), ValueError, "name", "['resnet50']", "resnet18"),
        (lambda: rl.network("resnet50", depth=3), ValueError, "depth", "depth=3", "allowed are block, depths, widths"),
        (lambda: rl.network("resnet18", stride_on="1x1"), ValueError, "stride_on", "'1x1'", "for the bottleneck"),
    ],
)
def test_bad_input_is_named_with_what_is_allowed(make, error, argument, value, allowed):
    with pytest.raises(error) as caught:
        make()
    says(caught, argument, value, allowed)


def says(caught, argument, value, allowed):
    """The message names the argument (as a word of its own), the value and what is allowed."""
    message = str(caught.value)
    assert re.search(rf"(?<!\w){re.escape(argument)}(?!\w)", message), message
    assert re.search(rf"(?<!\w){re.escape(value)}(?!\w)", message), message
    assert allowed in message, message


# --- frozen, hashable, equal by value ------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", [rl.network("resnet50"), bottleneck(256)], ids=["network", "block"])
def test_a_description_cannot_change(spec):
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.groups = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.colour = "red"


def test_equal_descriptions_are_equal_and_hash_alike():
    assert rl.network("resnet50") == rl.network("resnet50", depths=[3, 4, 6, 3])
    assert (
        len({rl.network("resnet50"), rl.network("resnet50", widths=[64, 128, 256, 512]), rl.network("resnet34")}) == 2
    )
    assert len({basic(64), basic(64, 64, 64, shortcut="identity"), basic(32)}) == 2


def test_a_description_used_is_the_same_description():
    """What is computed on demand does not enter the comparison."""
    used = rl.network("resnet18")
    rl.price(used), str(used)
    assert used == rl.network("resnet18")
    assert hash(used) == hash(rl.network("resnet18"))


WHOLE = {
    "numpy": np.int64,
    "numpy's small": np.uint16,
    "0-d array": np.array,
    "torch": torch.tensor,
}


@pytest.mark.parametrize("whole", WHOLE.values(), ids=WHOLE)
def test_whole_numbers_of_numpy_and_torch_are_plain_integers(whole):
    depths, widths = ([whole(n) for n in numbers] for numbers in ((3, 4, 6, 3), (64, 128, 256, 512)))
    ours = rl.network("resnet50", depths=depths, widths=widths, groups=whole(1))
    assert ours == rl.network("resnet50")
    assert {type(n) for n in (*ours.depths, *ours.widths, ours.groups)} == {int}
    assert str(ours) == str(rl.network("resnet50"))
    block = bottleneck(whole(256), whole(64), stride=whole(1))
    assert block == bottleneck(256) and hash(block) == hash(bottleneck(256))
    assert type(block.width) is int
    size = {"image": whole(64), "batch": whole(2)}
    assert rl.price(ours, **size) == rl.price(rl.network("resnet50"), image=64, batch=2)
    assert rl.price(ours, image=(whole(64), whole(96))) == rl.price(ours, image=(64, 96))


def test_sequences_of_numpy_and_torch_are_sequences():
    ours = rl.network("resnet50", depths=np.array([3, 4, 6, 3]), widths=torch.tensor([64, 128, 256, 512]))
    assert ours == rl.network("resnet50")
    assert rl.network("resnet50", depths=range(3, 7)).depths == (3, 4, 5, 6)
    assert rl.price(ours, image=np.array([64, 96])) == rl.price(ours, image=torch.Size([64, 96]))


def test_truth_values_of_numpy_and_torch_are_plain():
    for truth in (np.True_, np.array(True), torch.tensor(True)):
        assert network(preactivation=truth).preactivation is True
        assert basic(64, preactivation=truth).preactivation is True


@pytest.mark.parametrize("image", [{224, 320}, {224: 320}, b"ab", bytearray(b"ab"), "ab", "224", frozenset([1, 2])])
def test_an_image_is_a_side_or_two_in_order(image):
    with pytest.raises(TypeError, match=r"^image must be a side or \(height, width\) in pixels: "):
        rl.price(rl.network("resnet18"), image=image)


def test_numbers_of_any_length_are_exact():
    """401 digits: two 3×3 and two BatchNorms; two 3×3 at stride 4 widen the receptive field by 16 a block."""
    n = 10**400
    assert rl.price(basic(n), image=1).params == 18 * n**2 + 4 * n
    assert rl.receptive_field(rl.network("resnet34", depths=(n, 4, 6, 3))) == 899 + 16 * (n - 3)


# --- what is left out ----------------------------------------------------------------------------------------------


def test_a_block_fills_in_what_is_left_out():
    assert basic(64) == basic(64, 64, 64, stride=1, groups=1, shortcut="identity", stride_on=None)
    assert bottleneck(256) == bottleneck(256, 64, 256, shortcut="identity", stride_on="3x3")
    assert bottleneck(64, out_channels=256) == bottleneck(64, 64, 256, shortcut="projection")
    assert basic(64, stride=2).shortcut == "projection"


def test_a_network_fills_in_what_is_left_out():
    plain_fields = rl.NetworkSpec(block="bottleneck", depths=(3, 4, 6, 3))
    assert plain_fields == rl.network("resnet50")
    assert (plain_fields.widths, plain_fields.stem, plain_fields.stem_width) == ((64, 128, 256, 512), "imagenet", 64)
    assert (plain_fields.shortcut, plain_fields.stride_on, plain_fields.preactivation) == ("B", "3x3", False)
    assert (plain_fields.in_channels, plain_fields.classes) == (3, 1000)
    assert rl.network("resnet34").stride_on is None


def test_any_field_can_be_overridden():
    overrides = {
        "block": "basic",
        "depths": (1, 2),
        "widths": (32, 96),
        "stem": "cifar",
        "stem_width": 24,
        "shortcut": "C",
        "stride_on": None,
        "preactivation": True,
        "groups": 2,
        "width_per_group": 32,
        "in_channels": 4,
        "classes": 7,
    }
    assert set(overrides) == {field.name for field in dataclasses.fields(rl.NetworkSpec)}
    assert dataclasses.asdict(rl.network("resnet50", **overrides)) == overrides


def test_a_field_that_the_name_does_not_fix_follows_the_overrides():
    assert rl.network("resnet50", block="basic").stride_on is None
    assert rl.network("resnet34", block="bottleneck") == rl.network("resnet50")


def test_the_width_of_the_stem_is_the_named_networks():
    """The CIFAR ResNet-18 that people make from torchvision's is 64 wide; He et al. 2015, section 4.2: 16."""
    small = torchvision.models.resnet18(num_classes=10)
    small.conv1, small.maxpool = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False), torch.nn.Identity()
    ours = rl.network("resnet18", stem="cifar", classes=10)
    assert rl.price(ours).params == sum(p.numel() for p in small.parameters()) == 11_173_962
    assert rl.network("resnet18", stem="cifar", stem_width=16).stem_width == 16
    assert rl.network("cifar_plain20", stem="imagenet").stem_width == 16
    assert rl.network("resnet50", widths=(16, 32, 64, 128)).stem_width == 64  # independent of `widths`
    stems = {name: rl.network(name).stem_width for name in NAMES}
    assert stems == {name: 16 if name.startswith(("cifar", "wrn")) else 64 for name in NAMES}
    alone = rl.NetworkSpec(block="basic", depths=(1,), widths=(16,), stem="cifar")
    assert alone.stem_width == 16


# --- the zoo -------------------------------------------------------------------------------------------------------


def test_the_zoo_holds_exactly_the_networks_of_the_design():
    assert sorted(rl.names()) == sorted(NAMES)


def convolutions_and_linear_layers(spec):
    """Weighted layers of the main branch as the papers count them: projections do not count."""
    rows = rl.price(spec).rows
    return sum(row.kind in ("conv", "linear") and "downsample" not in row.name for row in rows)


@pytest.mark.parametrize("name", [name for name in NAMES if re.fullmatch(r"(cifar_)?(resnet|plain|preact)\d+", name)])
def test_count_to_fifty(name):
    """The number in a name counts the convolutions and the linear layer: 6n + 2, 9n + 2, or 1 + 3 · 16 + 1 = 50."""
    layers = int(re.search(r"\d+$", name)[0])
    net = rl.network(name)
    assert convolutions_and_linear_layers(net) == net.layers == layers


def test_other_names_say_their_depth_too():
    assert convolutions_and_linear_layers(rl.network("resnext50_32x4d")) == 50
    assert convolutions_and_linear_layers(rl.network("wide_resnet101_2")) == 101
    # Zagoruyko and Komodakis 2016 count 6n + 4 convolutions, the three projections among them, and not the classifier.
    assert sum(row.kind == "conv" for row in rl.price(rl.network("wrn28_10")).rows) == 28


@pytest.mark.parametrize(
    ("name", "inner_widths"),
    [
        ("resnet50", (64, 128, 256, 512)),
        ("resnext50_32x4d", (128, 256, 512, 1024)),
        ("resnext101_32x8d", (256, 512, 1024, 2048)),
        ("wide_resnet50_2", (128, 256, 512, 1024)),
        ("wrn28_10", (160, 320, 640)),
    ],
)
def test_inner_widths_of_the_wide_and_the_grouped(name, inner_widths):
    assert tuple(stage.others.width for stage in rl.network(name).stages) == inner_widths


# --- stages, blocks and operations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shortcut", "first_of_stage", "other"),
    [
        ("A", "pad", "identity"),
        ("B", "projection", "identity"),
        ("C", "projection", "projection"),
        ("none", "none", "none"),
    ],
)
def test_shortcut_options(shortcut, first_of_stage, other):
    """He et al. 2015, section 4.1: (A) zero-padding, (B) projections where the shape changes, (C) everywhere."""
    stages = rl.network("resnet34", shortcut=shortcut).stages
    assert [stage.first.shortcut for stage in stages] == [other] + 3 * [first_of_stage]  # conv2_x keeps 64 channels
    assert {stage.others.shortcut for stage in stages} == {other}


@pytest.mark.parametrize(("stride_on", "strides"), [("1x1", (2, 1, 1)), ("3x3", (1, 2, 1)), (None, (1, 2, 1))])
def test_a_bottleneck_strides_once_where_it_is_told_to(stride_on, strides):
    for stage in rl.network("resnet50", stride_on=stride_on).stages[1:]:
        assert tuple(conv.stride for conv in stage.first.convolutions) == strides
        assert tuple(conv.stride for conv in stage.others.convolutions) == (1, 1, 1)


def test_the_preactivation_networks_are_those_of_their_authors():
    """He et al. 2016 and KaimingHe/resnet-1k-layers, resnet-pre-act.lua: projections, stride on the first 1×1."""
    first = rl.network("cifar_preact1001").stages[1].first
    assert first == bottleneck(64, 32, 128, stride=2, shortcut="projection", stride_on="1x1", preactivation=True)
    assert rl.network("cifar_preact110") == rl.network("cifar_resnet110", preactivation=True)


def test_the_order_of_operations():
    """He et al. 2015, figure 2 and 2016, figure 1; the last ReLU comes after the addition."""
    assert names_of(basic(64)) == "conv1 bn1 relu1 conv2 bn2 add relu2"
    assert names_of(bottleneck(256)) == "conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 add relu3"
    assert names_of(basic(64, shortcut="none")) == "conv1 bn1 relu1 conv2 bn2 relu2"
    assert names_of(basic(64, 128, 128)) == "conv1 bn1 relu1 conv2 bn2 downsample.0 downsample.1 add relu2"
    assert names_of(basic(64, preactivation=True)) == "bn1 relu1 conv1 bn2 relu2 conv2 add"
    assert names_of(basic(64, 128, 128, preactivation=True)) == "bn1 relu1 conv1 bn2 relu2 conv2 downsample.0 add"


def names_of(block):
    return " ".join(operation.name for operation in block.operations)


@pytest.mark.parametrize("name", ["resnet50", "cifar_preact110"])
def test_the_parts_are_the_whole_network_in_order(name):
    """The modules of the built network, one operation after another; additions have none."""
    net = rl.network(name)
    model = rl.build(net, device="meta")
    walk = []
    for part in net.parts:
        for i in range(part.count):
            prefix = "" if part.first is None else f"{part.stage}.{part.first + i}."
            walk += [f"{prefix}{op.name}" for op in part.operations if op.kind != "add"]
    shortcuts = (torch.nn.Identity, ZeroPadding)
    leaves = [name for name, m in model.named_modules() if not [*m.children()] and not isinstance(m, shortcuts)]
    assert sorted(walk) == sorted(leaves)
    assert walk == [row.name for row in rl.price(net).rows if row.kind != "add"]
    assert [part.stage for part in net.parts[:3]] == ["stem", "layer1", "layer1"]
    assert [len(stage.blocks) for stage in net.stages] == list(net.depths)


def test_a_block_alone_is_one_part():
    (part,) = bottleneck(256).parts
    assert (part.stage, part.first, part.count, part.operations) == ("", None, 1, bottleneck(256).operations)


def test_total_stride():
    assert rl.network("resnet50").total_stride == 32
    assert rl.network("cifar_resnet20").total_stride == 4


# --- drawings ------------------------------------------------------------------------------------------------------


def test_a_network_reads_like_a_drawing():
    drawing = """\
stem    3 ─ 7×7/2 ─ 64 ─ max 3×3/2
layer1  64 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ projection
        256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity   × 2
layer2  256 ─ 1×1 ─ 128 ─ 3×3/2 ─ 128 ─ 1×1 ─ 512  ⊕ projection
        512 ─ 1×1 ─ 128 ─ 3×3 ─ 128 ─ 1×1 ─ 512  ⊕ identity   × 3
layer3  512 ─ 1×1 ─ 256 ─ 3×3/2 ─ 256 ─ 1×1 ─ 1024  ⊕ projection
        1024 ─ 1×1 ─ 256 ─ 3×3 ─ 256 ─ 1×1 ─ 1024  ⊕ identity   × 5
layer4  1024 ─ 1×1 ─ 512 ─ 3×3/2 ─ 512 ─ 1×1 ─ 2048  ⊕ projection
        2048 ─ 1×1 ─ 512 ─ 3×3 ─ 512 ─ 1×1 ─ 2048  ⊕ identity   × 2
head    2048 ─ average ─ 1000"""
    assert str(rl.network("resnet50")) == drawing


def test_a_block_reads_like_a_drawing():
    assert str(basic(64, shortcut="none")) == "64 ─ 3×3 ─ 64 ─ 3×3 ─ 64"
    assert str(bottleneck(512, groups=32)) == "512 ─ 1×1 ─ 128 ─ 3×3 (32 groups) ─ 128 ─ 1×1 ─ 512  ⊕ identity"
    assert str(basic(64, 128, 128, stride=2, shortcut="pad")) == "64 ─ 3×3/2 ─ 128 ─ 3×3 ─ 128  ⊕ pad"
