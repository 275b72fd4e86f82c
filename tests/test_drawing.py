"""A drawing says what the description, the bill and the module say: its shapes are measured, its words read."""

import json
import re
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter
from playwright.sync_api import Browser

import resnet_lib as rl
from resnet_lib import colours, drawing
from tests.helpers.layout import CLASHES
from tests.helpers.strategies import blocks, networks

ROOT = Path(rl.__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"
ROUNDING = 0.11  # a length is the difference of two numbers rounded to a tenth
THINNEST, FLATTEST = 1.5, 0.4  # units that even one channel, one pixel has

BASIC = rl.BlockSpec("basic", 64)
BOTTLENECK = rl.BlockSpec("bottleneck", 256)
STRIDED = rl.BlockSpec("bottleneck", 256, 128, 512, stride=2)
GROUPED = rl.BlockSpec("bottleneck", 512, 512, 1024, stride=2, groups=64)
PADDED = rl.BlockSpec("basic", 64, out_channels=128, stride=2, shortcut="pad")
PLAIN = rl.BlockSpec("basic", 128, shortcut="none")
BEFORE = rl.BlockSpec("bottleneck", 256, 128, 512, stride=2, preactivation=True)
RESNET50 = rl.network("resnet50")
WIDE = rl.BlockSpec("basic", 2048, 2048, 4096, stride=2, groups=32)
BLOCKS = (BASIC, BOTTLENECK, STRIDED, GROUPED, PADDED, PLAIN, BEFORE, WIDE)

C = sympy.Symbol("c", integer=True, positive=True)

some_blocks = st.lists(blocks(), min_size=1, max_size=3)
some_networks = st.lists(networks(), min_size=1, max_size=3)

# --- reading a drawing ------------------------------------------------------------------------------------------------


def parse(svg):
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return root


def words(element):
    return " ".join("".join(element.itertext()).split())


def lines(svg):
    """Its text, a line each, in the order of the file."""
    return [words(text) for text in parse(svg).iter(f"{SVG}text")]


def tokens(texts):
    return [token for line in texts for token in line.rstrip(",").split(", ")]


def visible(svg):
    """The drawing without its alternative text."""
    return re.sub(' aria-label="[^"]*"', "", svg)


def paths(svg, name):
    return [path for path in parse(svg).iter(f"{SVG}path") if path.get("class") == name]


def bars(svg):
    """(x of the centre, width, height) of each map of a block."""
    rects = [[float(rect.get(key)) for key in ("x", "width", "height")] for rect in parse(svg).iter(f"{SVG}rect")]
    return [(x + width / 2, width, height) for x, width, height in rects]


def outlines(path):
    """The closed outlines of a path, each as (y, left, right) from the top down."""
    shapes = []
    for outline in path.get("d").removesuffix("Z").split("Z"):
        points = [tuple(map(float, point.split(","))) for point in outline.removeprefix("M").split("L")]
        right, left = points[: len(points) // 2], points[len(points) // 2 :][::-1]
        assert [y for _, y in right] == [y for _, y in left]
        shapes.append([(y, x0, x1) for (x0, y), (x1, _) in zip(left, right, strict=True)])
    return shapes


def stages(svg):
    """The outlines of each stage of blocks, and those of stem and head."""
    coloured, grey = list(parse(svg))[:2]
    context = [outlines(path) for path in grey if path.get("class") != "rl-arc"]
    return [outlines(path) for path in coloured], [outline for stage in context for outline in stage]


# --- what the bill says -----------------------------------------------------------------------------------------------


def maps(rows):
    """(channels, height, width) of what enters, and of what the convolutions of the main branch leave."""
    main = [row for row in rows if row.kind == "conv" and "downsample" not in row.name]
    return [shape[1:] for shape in (rows[0].input_shape, *(row.output_shape for row in main))]


def assert_one_scale(drawn, numbers, least):
    """Every length is its number times one and the same scale, the largest's."""
    largest, length = max(zip(numbers, drawn, strict=True))
    for number, actual in zip(numbers, drawn, strict=True):
        assert actual == pytest.approx(max(least, number * length / largest), abs=ROUNDING * (1 + number / largest))


@given(some_blocks)
def test_block_widths_are_channels_and_heights_are_sides(specs_and_sizes):
    specs = [spec for spec, _ in specs_and_sizes]
    size = specs_and_sizes[0][1]
    svgs = rl.draw(*specs, image=size).svgs
    expected = [maps(rl.price(spec, size).rows) for spec in specs]
    drawn = [bars(svg) for svg in svgs]
    assert [len(block) for block in drawn] == [len(block) for block in expected]
    together, numbers = list(chain(*drawn)), list(chain(*expected))
    assert_one_scale([width for _, width, _ in together], [channels for channels, _, _ in numbers], THINNEST)
    assert_one_scale([height for _, _, height in together], [height for _, height, _ in numbers], FLATTEST)
    assert len({round(centre) for centre, _, _ in together}) == 1
    for svg, block in zip(svgs, drawn, strict=True):
        convolutions = [p for p in parse(svg).iter(f"{SVG}path") if p.get("fill-opacity")]
        for path, (above, below) in zip(convolutions, pairwise(block), strict=True):
            (shape,) = outlines(path)
            ends = [right - left for _, left, right in shape]
            assert ends == pytest.approx([above[1], below[1]], abs=ROUNDING)


@given(some_networks)
def test_network_widths_are_channels_and_heights_are_sides(specs_and_images):
    specs = [spec for spec, _ in specs_and_images]
    image = tuple(max(image[side] for _, image in specs_and_images) for side in (0, 1))
    widths, heights, channels, sides = [], [], [], []
    for spec, svg in zip(specs, rl.draw(*specs, image=image).svgs, strict=True):
        bill = rl.price(spec, image)
        coloured, grey = stages(svg)
        assert [len(stage) for stage in coloured] == list(spec.depths)
        rows = [part.rows for name, part in bill.by("block").items() if name not in ("stem", "head")]
        for shape, block in zip(chain(*coloured), map(maps, rows), strict=True):
            levels = [right - left for _, left, right in shape]
            if len(levels) == 2:  # a bar
                assert len({m[0] for m in block}) == 1 or len(set(levels)) == 1
                levels = [levels[0]] * 2 * len(block)
            assert levels[::2] == levels[1::2]
            widths += levels[::2]
            channels += [m[0] for m in block]
            heights.append(shape[-1][0] - shape[0][0])
            sides.append(block[-1][1])
        steps = [row for row in bill.rows if row.kind in ("max_pool", "avg_pool") or row.stage == "stem"]
        steps = [row for row in steps if row.kind in ("conv", "max_pool", "avg_pool")]
        for shape, row in zip(grey, steps, strict=True):
            widths += [shape[0][2] - shape[0][1], shape[-1][2] - shape[-1][1]]
            channels += [row.input_shape[1], row.output_shape[1]]
            heights.append(shape[-1][0] - shape[0][0])
            sides.append(row.output_shape[2])
    assert_one_scale(widths, channels, THINNEST)
    assert_one_scale(heights, sides, FLATTEST)


@given(networks())
def test_blocks_of_a_network_follow_one_another(network_and_image):
    """From the top down, none over another, all within the picture."""
    svg = rl.draw(network_and_image[0], image=network_and_image[1]).svgs[0]
    coloured, grey = stages(svg)
    shapes = sorted([*chain(*coloured), *grey])
    for above, below in pairwise(shapes):
        assert above[-1][0] <= below[0][0] + ROUNDING
    width, height = map(float, parse(svg).get("viewBox").split()[2:])
    assert shapes[0][0][0] >= 0 and shapes[-1][-1][0] <= height
    assert all(left >= 0 and right <= width for shape in shapes for _, left, right in shape)


# --- what the description says ----------------------------------------------------------------------------------------

SAID = {"batch_norm": "BN", "relu": "ReLU"}


def said(op):
    """An operation's words."""
    if op.kind != "conv":
        return [SAID[op.kind]]
    words = [f"{op.kernel}×{op.kernel}", f"stride {op.stride}", f"{op.groups} groups"]
    return [word for word, shown in zip(words, (True, op.stride > 1, op.groups > 1), strict=True) if shown]


def story(spec, size):
    """Every word of a block's drawing after its title, from the operations in order of execution."""
    sizes = maps(rl.price(spec, size).rows)
    named = [f"{channels:,}" for channels, _, _ in sizes]
    for i, (_, height, width) in enumerate(sizes):
        if i == 0 or sizes[i - 1][1:] != (height, width):
            named[i] = f"{height} × {width} {named[i]}"
    told, beside, after = [named.pop(0)], [], []
    kinds = [op.kind for op in spec.operations]
    for i, op in enumerate(spec.operations):
        if op.branch == "shortcut":
            beside += said(op)
        elif op.kind == "add":
            pass
        elif "add" in kinds[:i]:
            after += said(op)
        else:
            last = op.kind == "conv" if spec.preactivation else kinds[i + 1 : i + 2] in (["conv"], ["add"], [])
            last = last or (not spec.preactivation and spec.operations[i + 1 : i + 2][0].branch == "shortcut")
            told += said(op) + ([named.pop(0)] if last else [])
    assert not named
    if spec.shortcut == "pad":
        beside = [*([f"stride {spec.stride}"] if spec.stride > 1 else []), "zero", "channels"]
    elif spec.shortcut == "identity":
        beside = ["identity"]
    return told + beside + after


@given(blocks())
def test_a_block_names_each_operation_once_and_in_order(block_and_size):
    spec, size = block_and_size
    title, *rest = lines(rl.draw(spec, image=size).svgs[0])
    assert title.startswith(f"{spec.block} block")
    assert ("preactivation" in title, "plain" in title) == (spec.preactivation, spec.shortcut == "none")
    assert tokens(rest) == story(spec, size)


@given(blocks())
def test_arc_and_addition_exist_where_a_shortcut_does(block_and_size):
    svg = rl.draw(block_and_size[0]).svgs[0]
    additions = [op for op in block_and_size[0].operations if op.kind == "add"]
    assert len(paths(svg, "rl-arc")) == len(paths(svg, "rl-add")) == len(additions)


@pytest.mark.parametrize(("shortcut", "activated"), [("identity", False), ("projection", True)])
def test_with_preactivation_a_projection_reads_the_activated_input(shortcut, activated):
    svg = rl.draw(rl.BlockSpec("basic", 64, shortcut=shortcut, preactivation=True)).svgs[0]
    start = float(re.match(r"M[\d.]+,([\d.]+)A", paths(svg, "rl-arc")[0].get("d"))[1])
    first = next(parse(svg).iter(f"{SVG}rect"))
    assert (start > float(first.get("y")) + float(first.get("height"))) is activated


@given(networks())
def test_arcs_of_a_network_are_its_shortcuts(network_and_image):
    spec, image = network_and_image
    svg = rl.draw(spec, image=image).svgs[0]
    blocks = [block for stage in spec.stages for block in stage.blocks]
    expected = Counter(block.shortcut for block in blocks if block.shortcut != "none")
    styles = {(None, None): "identity", ("1.5 1", None): "pad", (None, "2"): "projection"}
    drawn = {}
    for path in paths(svg, "rl-arc"):
        kind = styles[path.get("stroke-dasharray"), path.get("stroke-width")]
        drawn[kind] = path.get("d").count("M")
    assert drawn == dict(expected)
    said = {"identity": "identity", "pad": "zero-padded (dashed)", "projection": "projected (bold)"}
    note = lines(svg)[1]
    assert all(f"{n} {said[kind]}" in note for kind, n in expected.items())
    assert ("plain" in note) == (not expected)


@given(networks())
def test_the_words_beside_a_network(network_and_image):
    spec, image = network_and_image
    bill = rl.price(spec, image)
    texts = lines(rl.draw(spec, image=image).svgs[0])
    assert texts[0] == f"{spec.layers:,} layers, {spec.block} blocks"
    for i, (stage, depth) in enumerate(zip(spec.stages, spec.depths, strict=True), start=2):
        channels, height, width = maps(bill.by("block")[f"{stage.name}.0"].rows)[-1]
        at = texts.index(f"conv{i}_x {height} × {width}")
        assert texts[at + 1] == f"{depth} block{'s' * (depth > 1)}, {channels:,} channels"
        inner = stage.others.width
        assert (texts[at + 2] == f"inner width {inner:,}") == (inner != channels)
    last = bill.rows[-1]
    assert texts[-2:] == ["head average", f"{last.input_shape[1]:,} → {last.output_shape[1]:,} classes"]


# --- change the description, and both change: the drawing and the module ---------------------------------------------


@pytest.mark.parametrize("spec", BLOCKS, ids=str)
def test_a_drawing_and_the_torch_module_agree(spec):
    module = rl.build(spec, device="meta")
    convolutions = [(name, m) for name, m in module.named_modules() if isinstance(m, torch.nn.Conv2d)]
    label = {
        name: [
            f"{m.kernel_size[0]}×{m.kernel_size[1]}",
            *([f"stride {m.stride[0]}"] if m.stride != (1, 1) else []),
            *([f"{m.groups} groups"] if m.groups != 1 else []),
        ]
        for name, m in convolutions
    }
    main = [(name, m) for name, m in convolutions if "downsample" not in name]
    texts = tokens(lines(rl.draw(spec).svgs[0])[1:])
    bare = [token for token in texts if token not in ("BN", "ReLU", "identity", "zero", "channels")]
    bare = [token.split()[-1] if " × " in token else token for token in bare]
    expected = [f"{main[0][1].in_channels:,}"]
    for name, m in main:
        expected += [*label[name], f"{m.out_channels:,}"]
    if spec.shortcut == "pad":
        expected.append(f"stride {module.downsample.stride}")
    assert bare == expected + label.get("downsample.0", [])
    norms = sum(isinstance(m, torch.nn.BatchNorm2d) for m in module.modules())
    assert texts.count("BN") == norms


CHANGES = [
    (STRIDED, "block", "basic"),
    (STRIDED, "in_channels", 128),
    (STRIDED, "width", 64),
    (STRIDED, "out_channels", 256),
    (STRIDED, "stride", 1),
    (STRIDED, "groups", 2),
    (STRIDED, "shortcut", "pad"),
    (STRIDED, "shortcut", "none"),
    (STRIDED, "stride_on", "1x1"),
    (STRIDED, "preactivation", True),
    *(
        (RESNET50, field, value)
        for field, value in {
            "block": "basic",
            "depths": (3, 4, 5, 3),
            "widths": (64, 128, 320, 512),
            "stem": "cifar",
            "stem_width": 32,
            "shortcut": "C",
            "stride_on": "1x1",
            "preactivation": True,
            "groups": 2,
            "width_per_group": 128,
            "in_channels": 1,
            "classes": 10,
        }.items()
    ),
    (RESNET50, "shortcut", "A"),
    (RESNET50, "shortcut", "none"),
]


@pytest.mark.parametrize(("spec", "field", "value"), CHANGES)
def test_each_field_is_seen_and_told(spec, field, value):
    stride_on = {"stride_on": None} if value == "basic" else {}
    other = replace(spec, **({field: value} | stride_on))
    before, after = rl.draw(spec, image=64).svgs[0], rl.draw(other, image=64).svgs[0]
    assert visible(before) != visible(after)
    assert parse(before).get("aria-label") != parse(after).get("aria-label")


def test_every_field_has_its_change():
    for spec in (STRIDED, RESNET50):
        assert {field for changed, field, _ in CHANGES if changed is spec} == set(spec.__dataclass_fields__)


def test_the_image_is_seen():
    assert lines(rl.draw(BASIC, image=(28, 14)).svgs[0])[1] == "28 × 14 64"
    assert lines(rl.draw(BASIC).svgs[0])[1] == "56 × 56 64"
    assert "conv5_x 4 × 3" in lines(rl.draw("resnet18", image=(128, 96)).svgs[0])


@given(blocks(), blocks())
def test_different_blocks_are_drawn_differently(one, other):
    specs = one[0], other[0]
    same = specs[0].operations == specs[1].operations and specs[0].shortcut == specs[1].shortcut
    svgs = rl.draw(*specs).svgs
    assert (visible(svgs[0]) == visible(svgs[1])) == same


# --- alternative text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (BASIC, "Basic block: 64 channels in, 56 × 56; 3×3 to 64; 3×3 to 64; the shortcut is the identity."),
        (
            BOTTLENECK,
            "Bottleneck block: 256 channels in, 56 × 56; 1×1 to 64; 3×3 to 64; 1×1 to 256; "
            "the shortcut is the identity.",
        ),
        (
            GROUPED,
            "Bottleneck block: 512 channels in, 56 × 56; 1×1 to 512; 3×3, stride 2, 64 groups to 512; 1×1 to 1,024; "
            "the shortcut is a projection, 1×1, stride 2, BN.",
        ),
        (
            PADDED,
            "Basic block: 64 channels in, 56 × 56; 3×3, stride 2 to 128; 3×3 to 128; "
            "the shortcut adds zero channels at stride 2.",
        ),
        (PLAIN, "Basic block: 128 channels in, 56 × 56; 3×3 to 128; 3×3 to 128; no shortcut."),
        (
            BEFORE,
            "Bottleneck block: 256 channels in, 56 × 56; BN and ReLU before each convolution; 1×1 to 128; "
            "3×3, stride 2 to 128; 1×1 to 512; the shortcut is a projection, 1×1, stride 2.",
        ),
        (
            rl.network("resnet18"),
            "18 layers, basic blocks, shortcuts: 5 identity, 3 projected (bold); stem 7×7, stride 2, "
            "max-pooling 3×3, stride 2, 3 → 64 channels, 56 × 56; conv2_x 56 × 56, 2 blocks, 64 channels; "
            "conv3_x 28 × 28, 2 blocks, 128 channels; conv4_x 14 × 14, 2 blocks, 256 channels; "
            "conv5_x 7 × 7, 2 blocks, 512 channels; head average, 512 → 1,000 classes.",
        ),
    ],
    ids=lambda value: str(value).split(":")[0].partition("\n")[0],
)
def test_alternative_text(spec, sentence):
    root = parse(rl.draw(spec).svgs[0])
    assert (root.get("role"), root.get("aria-label")) == ("img", sentence)


# --- the output -------------------------------------------------------------------------------------------------------


def test_what_a_notebook_gets():
    drawn = rl.draw(BASIC, BOTTLENECK)
    assert isinstance(drawn, drawing.Drawing) and drawn.specs == (BASIC, BOTTLENECK)
    bundle = drawn._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == f"{BASIC}\n\n{BOTTLENECK}" == str(drawn)
    page = bundle["text/html"]
    assert all(svg in page for svg in drawn.svgs)
    assert f"<pre>{drawn}</pre>" in page
    assert " id=" not in page and "url(" not in page and "<script" not in page
    ElementTree.fromstring(page)


@pytest.mark.parametrize("spec", [RESNET50, BOTTLENECK], ids=["network", "block"])
def test_a_description_is_shown_by_its_drawing(spec):
    """In a notebook; a terminal and an error have one line."""
    bundle, _ = DisplayFormatter().format(spec)
    assert bundle == {"text/html": rl.draw(spec)._repr_mimebundle_()["text/html"], "text/plain": str(spec)}
    assert repr(spec).startswith(f"{type(spec).__name__}(block='bottleneck', ") and "\n" not in repr(spec)


@pytest.mark.parametrize(
    "spec",
    [
        rl.network("resnet18", depths=(C, 1, 1, 1)),
        rl.BlockSpec("basic", C),
        rl.network("resnet18", depths=(10**6, 1, 1, 1)),
        rl.BlockSpec("basic", 10**400),
        rl.NetworkSpec(block="basic", depths=[1] * 9, widths=[8] * 9),  # its default image is too small for it
    ],
    ids=["depth", "channels", "a million blocks", "401 digits", "nine stages"],
)
def test_what_cannot_be_drawn_is_shown_as_text(spec):
    assert spec._repr_mimebundle_() == {"text/plain": str(spec)}


def test_words_are_escaped():
    """A description holds no such characters today; the writer does not depend on it."""
    label = "<\"&'>"
    svg = drawing._svg(drawing._picture(1, label, "basic", [], [], [drawing._tag("text", label, drawing._bold(label))]))
    assert parse(svg).get("aria-label") == label
    assert [text.text for text in parse(svg).iter(f"{SVG}text")] == [label]


def test_names_stand_for_their_networks():
    assert rl.draw("resnet34", rl.network("resnet50")) == rl.draw(rl.network("resnet34"), "resnet50")


def test_one_scale_is_shared():
    alone, beside = bars(rl.draw(BASIC).svgs[0]), bars(rl.draw(BASIC, BOTTLENECK).svgs[0])
    assert alone[0][1] == pytest.approx(4 * beside[0][1], abs=0.5)


@given(blocks())
def test_a_block_is_small(block_and_size):
    (svg,) = rl.draw(block_and_size[0], image=block_and_size[1]).svgs
    assert len(svg.encode()) < 4_000
    assert not re.search(r"\d\.\d\d", svg)


@pytest.mark.parametrize("name", rl.names())
def test_a_network_is_small_and_not_too_tall(name):
    (svg,) = rl.draw(name).svgs
    assert len(svg.encode()) < (80_000 if name.endswith(("1001", "1202")) else 25_000)
    width, height = map(float, parse(svg).get("viewBox").split()[2:])
    assert width == 340 and height < 725
    assert not re.search(r"\d\.\d\d", svg)


DRAW = """
import json, sys
import resnet_lib as rl
pages = [rl.draw(spec)._repr_mimebundle_()["text/html"] for spec in (rl.BlockSpec("bottleneck", 256), "resnet50")]
print(json.dumps([pages, sorted({"torch", "plotly"} & set(sys.modules))]))
"""


def test_output_is_deterministic_and_needs_neither_torch_nor_plotly():
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", DRAW],
                cwd=ROOT,
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for seed in "01"
    ]
    assert runs[0] == runs[1]
    assert runs[0] == [[rl.draw(spec)._repr_mimebundle_()["text/html"] for spec in (BOTTLENECK, "resnet50")], []]


def test_dark_colours_are_those_of_the_book():
    for block, colour in colours.OF_BLOCK.items():
        assert f".rl-{block}{{fill:{colours.THEMES['dark'][colour][0]}}}" in drawing.STYLE


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "image", "error", "message"),
    [
        ((), None, ValueError, "specs must hold at least one block or network"),
        (("resnet35",), None, ValueError, "name must be one of resnet18, .*: 'resnet35'"),
        ((BASIC, None), None, TypeError, r"specs\[1\] must be a NetworkSpec, a BlockSpec or a name.*: None"),
        ((3,), None, TypeError, r"specs\[0\] must be .*: 3"),
        (([BASIC],), None, TypeError, r"specs\[0\] must be "),
        ((BASIC, "resnet18"), None, ValueError, "all blocks or all networks.*: BlockSpec, NetworkSpec"),
        ((rl.BlockSpec("basic", C),), None, TypeError, "in_channels must be a number in what is drawn.*: c"),
        ((rl.network("resnet18", depths=(2, 2, C, 2)),), None, TypeError, r"depths must be a number.*: \(2, 2, c, 2\)"),
        ((BASIC,), C, TypeError, "image must be a number in what is drawn.*: c"),
        ((BASIC,), (56, C), TypeError, "image must be a number in what is drawn"),
        (("resnet18",), 31, ValueError, "image must measure at least 32 pixels a side.*: 31"),
        ((BASIC,), 0, ValueError, "image must be at least 1: 0"),
        ((BASIC,), {28, 56}, TypeError, "image must be a side or"),
        ((rl.BlockSpec("basic", 10**400),), None, ValueError, "specs and image must have numbers that fit a float"),
        (("resnet18",), 10**400, ValueError, "specs and image must have numbers that fit a float"),
        (
            (rl.network("resnet18", depths=(1, 10**400, 1, 1)),),
            None,
            ValueError,
            r"specs\[0\] must have at most 10,000",
        ),
        ((BASIC,), "large", TypeError, "image must be a side"),
    ],
    ids=repr,
)
def test_bad_input(specs, image, error, message):
    with pytest.raises(error, match=message):
        rl.draw(*specs, image=image)


# --- on a page --------------------------------------------------------------------------------------------------------


@contextmanager
def shown(browser, drawn, width=1280, theme="light", content=736):
    """A page that holds the drawing and nothing else."""
    inside = drawn._repr_mimebundle_()["text/html"]
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        body = f'<body style="margin:0 auto;max-width:{content}px">{inside}</body>'
        page.set_content(f'<!doctype html><html data-theme="{theme}">{body}')
        yield page


@pytest.mark.parametrize(
    "specs",
    [(spec,) for spec in (*BLOCKS, replace(GROUPED, preactivation=True), replace(WIDE, preactivation=True))]
    + [(BASIC, WIDE)]
    + [(name,) for name in ("resnet18", "resnet152", "resnext101_64x4d", "cifar_resnet110", "cifar_preact164")],
    ids=lambda specs: str(specs[-1]),
)
def test_no_words_are_cut_off_or_overlap(either_browser: Browser, specs):
    with shown(either_browser, rl.draw(*specs)) as page:
        assert page.evaluate(CLASHES) == []


def test_no_words_of_any_drawing_are_cut_off_or_overlap(either_browser: Browser):
    with either_browser.new_context() as context:
        page = context.new_page()

        @settings(max_examples=25)
        @given(st.lists(blocks() | networks(), min_size=2, max_size=6))
        def nothing_clashes(some):
            bundles = [rl.draw(spec, image=size)._repr_mimebundle_() for spec, size in some]
            page.set_content("".join(bundle["text/html"] for bundle in bundles))
            assert page.evaluate(CLASHES) == []

        nothing_clashes()


@pytest.mark.parametrize(("width", "side_by_side"), [(1280, True), (390, False), (320, False)])
def test_two_drawings_on_a_screen(either_browser: Browser, width, side_by_side):
    with shown(either_browser, rl.draw("resnet34", "resnet50"), width) as page:
        left, right = (svg.bounding_box() for svg in page.locator("svg").all())
        assert (left["y"] == right["y"]) is side_by_side
        assert left["width"] == right["width"]  # one scale on the screen, too
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert not page.locator("pre").is_visible()


@pytest.mark.parametrize(("theme", "colour"), [("light", "rgb(213, 94, 0)"), ("dark", "rgb(240, 137, 74)")])
def test_the_theme_is_followed(browser: Browser, theme, colour):
    with shown(browser, rl.draw(BOTTLENECK), theme=theme) as page:
        assert page.locator("rect").first.evaluate("(bar) => getComputedStyle(bar).fill") == colour
