"""Where a network looks: the textbook's figures, cases done by hand, and autograd on built networks.

A pixel of a map depends on those pixels of the image where its gradient is not zero. In `observed` nothing can vanish
or cancel: positive weights and images, so no ReLU is ever shut; float64; and averages in place of max-pooling, whose
gradient shows only the window's largest pixel though the output depends on all of them.
"""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import resnet_lib as rl
from resnet_lib.cost.geometry import Place, geometry, receptive_field
from tests.helpers.strategies import blocks, networks

D = sympy.Symbol("d", integer=True, positive=True)

# --- the textbook's figures ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "pixels"),
    [
        ("resnet18", {}, 435),
        ("resnet34", {}, 899),
        ("plain34", {}, 899),
        ("resnet50", {}, 427),
        ("resnet50", {"stride_on": "1x1"}, 483),
        ("resnet50", {"shortcut": "C"}, 427),
        ("resnet50", {"preactivation": True}, 427),
        ("resnext50_32x4d", {}, 427),
        ("wide_resnet50_2", {}, 427),
        ("resnet101", {}, 971),
        ("resnet152", {}, 1451),
        ("cifar_resnet20", {}, 81),
    ],
)
def test_receptive_fields(name, fields, pixels):
    """Deeper does not see more: ResNet-50 less than half of ResNet-34, for half its 3×3 convolutions are 1×1."""
    assert receptive_field(rl.network(name, **fields)) == pixels


def test_by_hand():
    """The first operations of ResNet-50: 7; 7 + 2·2 = 11; the 3×3 at stride 4: 11 + 2·4 = 19."""
    places = {place.name: place for place in geometry(rl.network("resnet50"), image=(224, 161))}
    assert places["conv1"] == Place("conv1", (112, 81), 2, 7)
    assert places["maxpool"] == Place("maxpool", (56, 41), 4, 11)
    assert places["layer1.0.conv1"] == Place("layer1.0.conv1", (56, 41), 4, 11)
    assert places["layer1.0.conv2"] == Place("layer1.0.conv2", (56, 41), 4, 19)
    assert places["layer1.0.downsample.0"] == Place("layer1.0.downsample.0", (56, 41), 4, 11)
    assert places["layer1.0.add"] == Place("layer1.0.add", (56, 41), 4, 19)
    assert places["layer1.2.relu3"] == Place("layer1.2.relu3", (56, 41), 4, 35)
    assert places["layer2.0.conv1"] == Place("layer2.0.conv1", (56, 41), 4, 35)
    assert places["layer2.0.conv2"] == Place("layer2.0.conv2", (28, 21), 8, 43)
    assert places["layer2.0.downsample.1"] == Place("layer2.0.downsample.1", (28, 21), 8, 35)


def test_where_the_stride_sits():
    """In the 1×1 the 3×3 behind it reaches twice as far: layer2, 3 and 4 gain 8, 16 and 32 pixels."""
    fields = {}
    for stride_on in ("3x3", "1x1"):
        places = {place.name: place for place in geometry(rl.network("resnet50", stride_on=stride_on))}
        assert places["layer2.0.conv1"].stride == (4 if stride_on == "3x3" else 8)
        fields[stride_on] = [places[f"layer{i}.0.conv2"].receptive_field for i in (1, 2, 3, 4)]
        assert [places[f"layer{i}.0.conv2"].stride for i in (1, 2, 3, 4)] == [4, 8, 16, 32]
    assert [b - a for a, b in zip(fields["3x3"], fields["1x1"], strict=True)] == [0, 8, 8 + 16, 8 + 16 + 32]


def test_the_average_sees_the_whole_image():
    """A window of 7 pixels, 32 apart, on top of 427; the longer side counts where the map is not square."""
    average, linear = geometry(rl.network("resnet50"))[-2:]
    assert average == Place("avgpool", (1, 1), 7 * 32, 427 + 6 * 32)
    assert linear == average._replace(name="fc")
    assert geometry(rl.network("resnet50"), (64, 320))[-1] == Place("fc", (1, 1), 10 * 32, 427 + 9 * 32)


def test_single_blocks():
    assert receptive_field(rl.BlockSpec("basic", 64)) == 5
    assert receptive_field(rl.BlockSpec("basic", 64, stride=2)) == 7
    assert receptive_field(rl.BlockSpec("bottleneck", 64)) == 3
    assert receptive_field(rl.BlockSpec("bottleneck", 64, stride=2)) == 3
    assert receptive_field(rl.BlockSpec("bottleneck", 64, stride=2, stride_on="1x1")) == 5


def test_a_depth_that_is_a_symbol():
    """Each further block of conv4_x adds 2 · 16 pixels (a bottleneck), or twice as many (a basic block)."""
    for name, growth in (("resnet50", 32), ("resnet34", 64)):
        field = receptive_field(rl.network(name, depths=(3, 4, D, 3)))
        assert sympy.diff(field, D) == growth
        assert field.subs(D, 6) == receptive_field(rl.network(name))


# --- properties ------------------------------------------------------------------------------------------------------


@given(networks() | blocks())
def test_one_place_for_each_row(spec_and_image):
    spec, image = spec_and_image
    rows, places = rl.price(spec, image).rows, geometry(spec, image)
    assert [place.name for place in places] == [row.name for row in rows]
    assert [place.size for place in places] == [row.output_shape[2:] or (1, 1) for row in rows]


@given(networks())
def test_what_follows_from_the_description(spec_and_image):
    spec, image = spec_and_image
    places = geometry(spec, image)
    *_, last, average, linear = places
    assert last.receptive_field == receptive_field(spec)
    assert last.stride == spec.total_stride
    assert last.size == tuple(-(-side // spec.total_stride) for side in image)
    assert average[1:] == linear[1:]
    assert average.receptive_field >= max(image)
    main = [place for place in places if "downsample" not in place.name]
    for before, after in pairwise(main):
        assert after.receptive_field >= before.receptive_field
        assert after.stride % before.stride == 0


@given(networks(), st.booleans())
def test_what_does_not_matter(spec_and_image, preactivation):
    """Neither width, nor groups, nor what a shortcut is (or that there is none), nor where BatchNorm stands."""
    spec, _ = spec_and_image
    narrow = dict(widths=(1,) * len(spec.widths), stem_width=1, groups=1, width_per_group=64)
    assert receptive_field(spec) == receptive_field(
        replace(spec, **narrow, shortcut="none", preactivation=preactivation, in_channels=1, classes=1)
    )


# --- autograd --------------------------------------------------------------------------------------------------------


def observed(spec, image, positions):
    """{row: (height, width)} of the image on which the pixel at `positions[row]` of that row's output depends."""
    model = rl.build(spec, dtype=torch.float64).eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    if isinstance(pool := getattr(model, "maxpool", None), nn.MaxPool2d):
        model.maxpool = nn.AvgPool2d(pool.kernel_size, pool.stride, pool.padding)

    outputs = {}
    for name in positions:  # cloned, because an in-place ReLU or addition may follow
        module = model.get_submodule(name.removesuffix(".add"))  # an addition has no module; a ReLU sees no further
        module.register_forward_hook(lambda _, __, output, name=name: outputs.update({name: output.clone()}))
    pixels = torch.ones(1, spec.in_channels, *image, dtype=torch.float64, requires_grad=True)
    model(pixels)

    extents = {}
    for name, (i, j) in positions.items():
        (gradient,) = torch.autograd.grad(outputs[name][0, :, i, j].sum(), pixels, retain_graph=True)
        seen = (gradient[0] != 0).any(0)
        extents[name] = (extent(seen.any(1)), extent(seen.any(0)))
    return extents


def extent(seen):
    """From the first True to the last, both included."""
    indices = seen.nonzero()
    return int(indices[-1] - indices[0]) + 1


def assert_autograd_agrees(spec, image, names):
    """At the pixel on the image's centre: what it sees is its field, but no more than the image.

    The image's sides are even multiples of the total stride, plus one, so that each map has a pixel right there.
    """
    places = [place for place in geometry(spec, image) if place.name in names]
    centres = {place.name: tuple(side // 2 // place.stride for side in image) for place in places}
    extents = observed(spec, image, centres)
    for place in places:
        assert extents[place.name] == tuple(min(place.receptive_field, side) for side in image), place


def centred(spec, at_least):
    """A side of 2 · m · stride + 1 pixels, its middle one at m · stride."""
    return 2 * spec.total_stride * -(-at_least // (2 * spec.total_stride)) + 1


def thin(name, **fields):
    """A network of the zoo, one channel wide: width does not matter to what it sees."""
    widths = (1,) * len(rl.network(name).widths)
    return rl.network(name, widths=widths, stem_width=1, in_channels=1, classes=1, **fields)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("resnet18", {}),
        ("resnet34", {}),
        ("resnet34", {"shortcut": "A"}),
        ("resnet50", {}),
        ("resnet50", {"stride_on": "1x1"}),
        ("resnet50", {"shortcut": "C", "preactivation": True}),
        ("cifar_resnet20", {}),
    ],
)
def test_autograd_on_named_networks(name, fields):
    """The end of each stage, on an image that holds the whole field in its height, and cuts it off in its width."""
    spec = thin(name, **fields)
    height, width = centred(spec, receptive_field(spec) + 2), centred(spec, 2 * spec.total_stride)
    assert height > receptive_field(spec) > width
    ends = [f"{stage.name}.{stage.depth - 1}.add" for stage in spec.stages]
    assert_autograd_agrees(spec, (height, width), ends)


def test_autograd_on_resnet18_at_full_width():
    """435 pixels are more than the image has: the centre of the last map sees all of it, those before do not."""
    spec = rl.network("resnet18")
    names = ("layer1.1.add", "layer2.1.add", "layer4.1.add")
    fields = {place.name: place.receptive_field for place in geometry(spec, 129)}
    assert [fields[name] for name in names] == [43, 99, 435]
    centres = dict(zip(names, ((16, 16), (8, 8), (2, 2)), strict=True))
    assert list(observed(spec, (129, 129), centres).values()) == [(43, 43), (99, 99), (129, 129)]


@st.composite
def small_networks(draw):
    block = draw(st.sampled_from(("basic", "bottleneck")))
    stages = draw(st.integers(1, 3))
    groups = draw(st.sampled_from((1, 2)))
    return rl.NetworkSpec(
        block=block,
        depths=draw(st.lists(st.integers(1, 2), min_size=stages, max_size=stages)),
        widths=sorted(draw(st.lists(st.sampled_from((2, 4)), min_size=stages, max_size=stages))),
        stem=draw(st.sampled_from(("imagenet", "cifar"))),
        stem_width=2,
        shortcut=draw(st.sampled_from(("A", "B", "C", "none"))),
        stride_on=draw(st.sampled_from(("3x3", "1x1"))) if block == "bottleneck" else None,
        preactivation=draw(st.booleans()),
        groups=groups,
        in_channels=draw(st.integers(1, 2)),
        classes=1,
    )


@given(small_networks())
def test_autograd_on_any_network(spec):
    """Every convolution, those of the shortcuts among them, and every addition."""
    image = centred(spec, receptive_field(spec) + 2), centred(spec, 1)
    assert_autograd_agrees(spec, image, [row.name for row in rl.price(spec).rows if row.kind in ("conv", "add")])


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [receptive_field, geometry])
def test_bad_descriptions(function):
    with pytest.raises(TypeError, match=r"spec must be .* or a name, such as 'resnet50': 50"):
        function(50)
    with pytest.raises(ValueError, match=r"name must be one of resnet18, .*: 'resnet-50'"):
        function("resnet-50")


def test_a_name_is_enough():
    assert receptive_field("resnet34") == receptive_field(rl.network("resnet34")) == 899
    assert geometry("resnet18", 64) == geometry(rl.network("resnet18"), 64)


def test_places_show_themselves():
    places = geometry("resnet152")
    assert places == tuple(places)
    table = places.table()
    assert [row[0] for row in table.rows] == [row.name for row in rl.price("resnet152").rows]
    assert table.cells()[1] == ("conv1", "112 × 112", "2", "7")
    assert len(repr(places)) < 2_000
    assert "… 497 more" in repr(places)


def test_bad_images():
    with pytest.raises(ValueError, match=re.escape("image must measure at least 32 pixels a side")):
        geometry(rl.network("resnet50"), 31)
    with pytest.raises(TypeError, match=re.escape("image must be a whole number, at least 1: 64.5")):
        geometry(rl.network("resnet50"), 64.5)
