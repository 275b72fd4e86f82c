"""Blocks and networks as SVG, drawn from the description and its bill, so that a drawing agrees with both.

In every drawing width stands for channels, linearly, and height for the side of the feature map; what is drawn side by
side shares both scales. The shortcut is the grey arc. Standard library only.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise, takewhile
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, tostring

from resnet_lib import _check
from resnet_lib.colours import CONTEXT, OF_BLOCK
from resnet_lib.cost import Row, price
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation
from resnet_lib.zoo import described

MOST_BLOCKS = 10_000  # more would be a file that no page shows

STYLE = """
.rl-draw{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(18rem,100%),1fr));gap:2rem 1.5rem;margin:1rem 0}
.rl-draw svg{width:min(100%,25rem);height:auto}
.rl-draw g{font-family:inherit}
.rl-draw pre{display:none}
:is(html[data-theme=dark],body[data-jp-theme-light=false]) .rl-basic{fill:#56B4E9}
:is(html[data-theme=dark],body[data-jp-theme-light=false]) .rl-bottleneck{fill:#F0894A}
"""


@dataclass(frozen=True)
class Drawing:
    """What `draw` returns: `svgs[i]` is the drawing of `specs[i]`, the text of an SVG file."""

    specs: tuple[BlockSpec | NetworkSpec, ...]
    svgs: tuple[str, ...] = field(repr=False)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.specs))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        text = str(self)  # what remains where styles and SVG are taken out, as in GitHub's preview
        inside = f"<style>{STYLE}</style>{''.join(self.svgs)}<pre>{html.escape(text)}</pre>"
        return {"text/html": f'<div class="rl-draw">{inside}</div>', "text/plain": text}


def draw(*specs: BlockSpec | NetworkSpec | str, image: Any = None) -> Drawing:
    """Draw blocks, or networks, side by side on one scale.

    Width shows channels, and height the side of the feature map. `specs` are descriptions or names. `image` is
    `price`'s: a side or (height, width) in pixels, of the image for a network, of the feature map for a block.

    Raises ValueError for no specs, for blocks mixed with networks, and for an unknown name.
    Raises ValueError for an image that is too small, and for a network that is too large to be drawn.
    Raises TypeError for anything else than a description or a name.
    Raises TypeError for symbols, which have no width.

    >>> drawing = draw(BlockSpec("basic", 64), BlockSpec("bottleneck", 256))
    >>> print(drawing)
    64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity
    <BLANKLINE>
    256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity
    >>> drawing.svgs[0][:25], len(draw("resnet34", "resnet50").svgs)
    ('<svg xmlns="http://www.w3', 2)

    Chapter 0.
    """
    if not specs:
        raise ValueError("specs must hold at least one block or network, such as 'resnet50': ()")
    made = tuple(described(spec, f"specs[{i}]") for i, spec in enumerate(specs))
    if any(type(spec) is not type(made[0]) for spec in made):
        kinds = ", ".join(type(spec).__name__ for spec in made)
        raise ValueError(f"specs must be all blocks or all networks, to share a scale: {kinds}")
    for i, spec in enumerate(made):
        _check.no_symbols("what is drawn", spec, image=image)
        if isinstance(spec, NetworkSpec) and sum(spec.depths) > MOST_BLOCKS:
            raise ValueError(f"specs[{i}] must have at most {MOST_BLOCKS:,} blocks to be drawn: {spec.depths!r}")
    picture: Callable[..., Element] = _block if isinstance(made[0], BlockSpec) else _network
    with _check.fits_a_float("specs and image"):
        plans = [_plan(spec, image) for spec in made]
        scale = _block_scale(plans) if picture is _block else _network_scale(plans)
        svgs = [_svg(picture(spec, plan, scale)) for spec, plan in zip(made, plans, strict=True)]
    return Drawing(made, tuple(svgs))


def shown(spec: BlockSpec | NetworkSpec) -> dict[str, str]:
    """Return what a notebook shows of a description: its drawing, or its text if it cannot be drawn."""
    try:
        return draw(spec)._repr_mimebundle_()
    except (TypeError, ValueError):  # symbols; more blocks or stages than a drawing can have
        return {"text/plain": str(spec)}


# What is drawn: chains of feature maps, with their sizes from the bill


class FeatureMap(NamedTuple):
    """The channels and the sides of a feature map, in pixels."""

    channels: int
    height: int
    width: int

    @property
    def size(self) -> str:
        return f"{self.height} × {self.width}"


Chain = tuple[FeatureMap, ...]  # what enters, then what each convolution or pooling of the main branch returns
Plan = dict[str, list[Chain]]  # the chains of each stage: its blocks, or the steps of stem and head; a block's is ""


def _plan(spec: BlockSpec | NetworkSpec, image: Any) -> Plan:
    plan: Plan = {}
    for part in price(spec, image).parts:
        chain = _chain(part.rows)
        steps = list(pairwise(chain)) if part.stage in ("stem", "head") else [chain] * part.count
        plan.setdefault(part.stage, []).extend(steps)
    return plan


def _chain(rows: Sequence[Row]) -> Chain:
    main = [row for row in rows if not row.on_shortcut]
    left = [row.output_shape for row in main if row.kind in ("conv", "max_pool", "avg_pool")]
    return tuple(FeatureMap(*shape[1:]) for shape in (main[0].input_shape, *left))


class Scale(NamedTuple):
    """Units of a drawing for a channel, for a pixel of a side, and between the blocks of a network.

    The smallest feature map is still seen: 1.5 units wide, 0.4 high.
    """

    across: float
    down: float
    gap: float = 0

    def width(self, m: FeatureMap) -> float:
        return max(1.5, self.across * m.channels)

    def height(self, m: FeatureMap) -> float:
        return max(0.4, self.down * m.height)


# Marks on the page

PAGE = 340  # units across every drawing: as many as a phone has pixels
LEADING, MIDDLE = 15, 4  # from line to line; from the middle of a line down to its baseline
BESIDE, CLOSE = 8, 3  # from a shape to its words, and to its arc
NAMES = {"batch_norm": "BN", "relu": "ReLU"}

Piece = str | Element  # words, or words in a <tspan>
Line = Piece | tuple[Piece, ...]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _tag(name: str, *inside: Piece, **attributes: Any) -> Element:
    """An element; floats are rounded to a tenth, and an attribute's underscores are SVG's hyphens."""
    pairs = [(key.strip("_").replace("_", "-"), value) for key, value in attributes.items()]
    element = Element(name, {key: _number(value) if isinstance(value, float) else str(value) for key, value in pairs})
    for each in inside:
        if isinstance(each, Element):
            element.append(each)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + each
        else:
            element.text = (element.text or "") + each
    return element


def _svg(element: Element) -> str:
    return tostring(element, encoding="unicode").replace(" />", "/>")  # in text and attributes, > is escaped


def _bold(words: str) -> Element:
    return _tag("tspan", words, font_weight=600)


def _quiet(words: str) -> Element:
    return _tag("tspan", words, fill_opacity=0.7, font_size=11.5)


def _column(x: float, middle: float, *lines: Line, anchor: str = "start") -> list[Element]:
    """Lines of text around the height `middle`; `anchor` says which end of them is at `x`."""
    first = middle + MIDDLE - LEADING * (len(lines) - 1) / 2
    tops = [first + LEADING * i for i in range(len(lines))]
    return [
        _tag("text", *(line if isinstance(line, tuple) else (line,)), x=float(x), y=y, text_anchor=anchor)
        for line, y in zip(lines, tops, strict=True)
    ]


def _outline(x: float, y: float, height: float, widths: Sequence[float]) -> str:
    """A path around the axis `x`, as wide as `widths` say in equal steps from `y` down."""
    half = [(width / 2, y + height * i / (len(widths) - 1)) for i, width in enumerate(widths)]
    corners = [(x + w, y) for w, y in half] + [(x - w, y) for w, y in reversed(half)]
    return f"M{'L'.join(f'{_number(x)},{_number(y)}' for x, y in corners)}Z"


def _picture(
    height: float, label: str, block: str, shapes: list[Element], grey: list[Element], texts: list[Element]
) -> Element:
    return _tag(
        "svg",
        _tag("g", *shapes, class_=f"rl-{block}", fill=OF_BLOCK[block]),
        _tag("g", *grey, fill="none", stroke=CONTEXT),
        _tag("g", *texts, fill="currentColor", font_family="sans-serif", font_size=13),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {PAGE} {_number(height)}",
        role="img",
        aria_label=label,
    )


def _words(op: Operation) -> list[str]:
    """What an operation is called: ["3×3", "stride 2", "32 groups"], ["BN"], ["ReLU"]."""
    if op.kind in NAMES:
        return [NAMES[op.kind]]
    stride = [f"stride {op.stride}"] if op.stride != 1 else []
    groups = [f"{op.groups} groups"] if op.groups != 1 else []
    return [f"{op.kernel}×{op.kernel}", *stride, *groups]


# A block

AXIS, ARC = 178, 262  # x of the shapes and of the shortcut
WIDEST, TALLEST, STEP = 130, 16, 60  # units of the largest feature maps, and from one to the next
TITLE, TOP = 9, 34.0  # y of the title and of the first feature map
LEAVES, RETURNS = 36, 26  # the radii of the arc's two bends
SIGN, TO_SIGN, REACH = 6, 28, 10  # ⊕: its radius, how far below the last shape it is, and how far from it the arc ends


def _block_scale(plans: Sequence[Plan]) -> Scale:
    maps = [m for plan in plans for m in plan[""][0]]
    return Scale(WIDEST / max(m.channels for m in maps), TALLEST / max(m.height for m in maps))


def _block(spec: BlockSpec, plan: Plan, scale: Scale) -> Element:
    (chain,) = plan[""]
    widths = [scale.width(m) for m in chain]
    plain, order = ", plain" * (spec.shortcut == "none"), ", preactivation" * spec.preactivation
    shapes, texts = [], _column(AXIS, TITLE, _bold(f"{spec.block} block{plain}{order}"), anchor="middle")
    middles = []
    y = TOP
    for i, (m, width) in enumerate(zip(chain, widths, strict=True)):
        height = scale.height(m)
        middles.append(y + height / 2)
        shapes.append(_tag("rect", x=AXIS - width / 2, y=y, width=width, height=height))
        size = (_quiet(m.size), " ") if i == 0 or m[1:] != chain[i - 1][1:] else ()
        texts += _column(AXIS - width / 2 - BESIDE, middles[i], (*size, _bold(f"{m.channels:,}")), anchor="end")
        y += height
        if i < len(spec.convolutions):
            pair = widths[i : i + 2]
            shapes.append(_tag("path", d=_outline(AXIS, y, STEP, pair), fill_opacity=0.3))
            texts += _column(AXIS - max(pair) / 2 - BESIDE, y + STEP / 2, *_step(spec, i), anchor="end")
            y += STEP
    if spec.shortcut == "none":
        return _picture(y + 4, _block_label(spec, chain), spec.block, shapes, [], texts)
    x, start, end = AXIS + widths[0] / 2 + CLOSE, middles[0], y + TO_SIGN
    if spec.preactivation and spec.shortcut == "projection":  # which reads the activated input
        x, start = AXIS + (widths[0] + widths[1]) / 4 + CLOSE, (middles[0] + middles[1]) / 2
    texts += _column(ARC + 7, (start + end) / 2, *map(_quiet, _shortcut(spec)))
    after = [] if spec.preactivation else _column(AXIS, end + 31, _quiet("ReLU"), anchor="middle")
    grey = [_arc(x, start, end), *_addition(end)]
    return _picture(end + 28 + 14 * len(after), _block_label(spec, chain), spec.block, shapes, grey, texts + after)


def _arc(x: float, top: float, bottom: float) -> Element:
    """From the right of the input around to the addition, wide of every shape."""
    out = f"M{_number(x)},{_number(top)}A{_number(ARC - x)},{LEAVES} 0 0 1 {ARC},{_number(top + LEAVES)}"
    end = AXIS + REACH
    back = f"V{_number(bottom - RETURNS)}A{ARC - end},{RETURNS} 0 0 1 {end},{_number(bottom)}"
    return _tag("path", class_="rl-arc", d=out + back, stroke_width=1.5)


def _addition(y: float) -> list[Element]:
    """The sign ⊕ below the last feature map, and the lines that enter and leave it."""
    lines = f"M{AXIS},{_number(y - 24)}v15M{AXIS},{_number(y + 9)}v13"
    half = f"a{SIGN},{SIGN} 0 0 0"
    circle = f"M{AXIS - SIGN},{_number(y)}h{2 * SIGN}{half}-{2 * SIGN},0{half} {2 * SIGN},0"
    sign = f"{circle}M{AXIS},{_number(y - SIGN)}v{2 * SIGN}"
    return [_tag("path", d=lines), _tag("path", class_="rl-add", d=sign, stroke="currentColor", stroke_width=1.5)]


def _step(spec: BlockSpec, i: int) -> list[Line]:
    """The lines beside convolution `i`: itself, and the BN and ReLU before it (preactivation) or after."""
    main = [op for op in takewhile(lambda op: op.kind != "add", spec.operations) if op.branch == "main"]
    lines: list[Line] = []
    for is_conv, run in groupby(main[3 * i : 3 * i + 3], lambda op: op.kind == "conv"):
        words = [word for op in run for word in _words(op)]
        if is_conv and len(words) == 3:  # too long for one line
            lines += [f"{words[0]}, {words[1]},", words[2]]
        else:
            lines.append(", ".join(words) if is_conv else _quiet(", ".join(words)))
    return lines


def _shortcut(spec: BlockSpec) -> list[str]:
    """The shortcut in words, a line each."""
    if spec.shortcut == "projection":
        return [word for op in spec.operations if op.branch == "shortcut" for word in _words(op)]
    subsampled = [f"stride {spec.stride}"] if spec.stride != 1 else []
    return [*subsampled, "zero", "channels"] if spec.shortcut == "pad" else [spec.shortcut]


def _block_label(spec: BlockSpec, chain: Chain) -> str:
    """The alternative text."""
    order = ["BN and ReLU before each convolution"] if spec.preactivation else []
    steps = [f"{', '.join(_words(op))} to {op.out_channels:,}" for op in spec.convolutions]
    shortcut = {
        "identity": "the shortcut is the identity",
        "pad": f"the shortcut adds zero channels{f' at stride {spec.stride}' if spec.stride != 1 else ''}",
        "projection": f"the shortcut is a projection, {', '.join(_shortcut(spec))}",
        "none": "no shortcut",
    }
    parts = [f"{chain[0].channels:,} channels in, {chain[0].size}", *order, *steps, shortcut[spec.shortcut]]
    return f"{spec.block.capitalize()} block: {'; '.join(parts)}."


# A network

SPINE, MARGIN = 76, 172  # x of the blocks and of their labels
BROADEST, HIGHEST = 150, 34  # units of the feature map with the most channels, and of the first stage's at most
ALL_BLOCKS, ALL_GAPS = 430, 60  # units that the blocks of a network share, and the gaps between them, at most
FIRST, BETWEEN = 63.0, 14  # y of the stem, and from one stage to the next
ARCS: dict[str, dict[str, Any]] = {
    "identity": {},
    "pad": {"stroke_dasharray": "1.5 1"},
    "projection": {"stroke_width": 2},
}
LEGEND = {"identity": "{} identity", "pad": "{} zero-padded (dashed)", "projection": "{} projected (bold)"}


def _network_scale(plans: Sequence[Plan]) -> Scale:
    entry = max(plan["stem"][-1][-1].height for plan in plans)  # the side of the first stage
    chains = [[chain for stage in plan.values() for chain in stage] for plan in plans]
    channels = max(m.channels for plan in chains for chain in plan for m in chain)
    total = max(sum(chain[-1].height for chain in plan) for plan in chains)
    gap = min(3, ALL_GAPS / max(map(len, chains)))
    return Scale(BROADEST / channels, min(HIGHEST / entry, ALL_BLOCKS / total), gap)


def _network(spec: NetworkSpec, plan: Plan, scale: Scale) -> Element:
    shortcuts = {stage.name: [block.shortcut for block in stage.blocks] for stage in spec.stages}
    notes = _notes(spec, Counter(kind for stage in shortcuts.values() for kind in stage))
    texts = [_column(0, TITLE + LEADING * (len(notes) - 1) / 2, *notes)]
    shapes, grey = [], []
    arcs = dict.fromkeys([*ARCS, "none"], "")
    y = FIRST
    for (stage, chains), lines in zip(plan.items(), _labels(spec, plan), strict=True):
        heights = [scale.height(chain[-1]) for chain in chains]
        extent = sum(heights) + scale.gap * (len(heights) - 1)
        room = max(extent, 3 * LEADING)  # three lines, also where there are fewer: equal stages stand side by side
        texts.append(_column(MARGIN, y + room / 2, *lines))
        top = y + (room - extent) / 2
        outlines = ""
        kinds = shortcuts.get(stage, ["none"] * len(chains))
        for chain, height, kind in zip(chains, heights, kinds, strict=True):
            widths = [scale.width(m) for m in chain]
            outlines += _outline(SPINE, top, height, _with_flats(widths))
            arcs[kind] += _small_arc(SPINE + max(widths) / 2 + CLOSE, top, height)
            top += height + scale.gap
        if stage in shortcuts:
            shapes.append(_tag("path", d=outlines))
        else:
            grey.append(_tag("path", d=outlines, fill=CONTEXT, opacity=0.6))
        y += room + BETWEEN
    grey += [_tag("path", class_="rl-arc", d=arcs[kind], **style) for kind, style in ARCS.items() if arcs[kind]]
    # The alternative text is what is written beside the shapes.
    label = "; ".join(", ".join("".join(line.itertext()) for line in column) for column in texts)
    return _picture(y - 8, f"{label}.", spec.block, shapes, grey, [line for column in texts for line in column])


def _with_flats(widths: list[float]) -> list[float]:
    """Each feature map flat, then a slope to the next, as in the drawing of a block; a bar where all are as wide."""
    return [width for width in widths for _ in range(2)] if len(set(widths)) > 1 else widths[:2]


def _small_arc(x: float, y: float, height: float) -> str:
    return f"M{_number(x)},{_number(y)}q{_number(min(12, height))},{_number(height / 2)} 0,{_number(height)}"


def _notes(spec: NetworkSpec, shortcuts: Counter[str]) -> list[Line]:
    """The lines on top: what it is, its shortcuts, and what else its blocks have that no shape shows."""
    kinds = ", ".join(words.format(shortcuts[kind]) for kind, words in LEGEND.items() if shortcuts[kind])
    options = {
        f"{spec.groups} groups": spec.groups != 1,
        "preactivation": spec.preactivation,
        "stride on the first 1×1": spec.stride_on == "1x1",
    }
    more = ", ".join(words for words, applies in options.items() if applies)
    title = _bold(f"{spec.layers:,} layers, {spec.block} blocks")
    return [title, _quiet(f"shortcuts: {kinds}" if kinds else "plain: no shortcuts"), *([_quiet(more)] if more else [])]


def _labels(spec: NetworkSpec, plan: Plan) -> list[list[Line]]:
    """The lines beside each stage."""
    stem, *stages, head = plan.values()
    conv, *pools = [", ".join(_words(op)) for op in spec.stem_operations if op.kind in ("conv", "max_pool")]
    image, entry = stem[0][0], stem[-1][-1]
    labels: list[list[Line]] = [[(_bold("stem"), f" {conv}"), *(_quiet(f"max-pooling {pool}") for pool in pools)]]
    labels[0].append(_quiet(f"{image.channels:,} → {entry.channels:,} channels, {entry.size}"))
    for i, chains in enumerate(stages, start=2):
        inner, out = chains[-1][1], chains[-1][-1]
        blocks = f"{len(chains)} block{'s' if len(chains) > 1 else ''}"
        labels.append([(_bold(f"conv{i}_x"), f" {out.size}"), _quiet(f"{blocks}, {out.channels:,} channels")])
        if inner.channels != out.channels:
            labels[-1].append(_quiet(f"inner width {inner.channels:,}"))
    labels.append([(_bold("head"), " average"), _quiet(f"{head[-1][-1].channels:,} → {spec.classes:,} classes")])
    return labels
