"""The figures of "The 1×1 convolution"."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from resnet_lib.book.explore import Figure, formatted
from resnet_lib.book.plot import axis, bar, dot, figure, inside, label, line, told, words
from resnet_lib.colours import ACCENT, BOTTLENECK, CONTEXT, LIGHT_BOTTLENECK
from resnet_lib.cost import price
from resnet_lib.cost.bill import FLOAT32_BYTES
from resnet_lib.spec import BlockSpec

# --- what a window of one pixel sees ---------------------------------------------------------------------------------

IMAGE = (
    "..........",
    ".OO.......",
    ".OO..k....",
    "....kkk...",
    "...kkkkk..",
    "...rrrrr..",
    "...rwwrr..",
    "...rwwrr..",
    "gggggggggg",
    "gggggggggg",
)
COLOURS: dict[str, tuple[float, ...]] = {  # red, green and blue, from 0 to 1
    ".": (0.5, 0.75, 1.0),
    "O": (1.0, 0.75, 0.0),
    "k": (0.25, 0.25, 0.25),
    "r": (0.75, 0.25, 0.25),
    "w": (1.0, 1.0, 0.75),
    "g": (0.25, 0.75, 0.25),
}
SIDE = len(IMAGE)
PLACES = [(column, row) for row in range(SIDE) for column in range(SIDE)]
SHUFFLED = random.Random(0).sample(range(SIDE**2), SIDE**2)  # the pixel that each place receives


def one_pixel(red: float = 0.25, green: float = 0.5, blue: float = 0.25, window: str = "1×1") -> Figure:
    """Show an image and one output channel of a convolution over it; below, the same with the image's pixels shuffled.

    `red`, `green` and `blue` are the weights of the three input channels; `window` is "1×1", or "3×3", which applies
    the same weights to the average over a pixel and its eight neighbours.
    """
    image = [COLOURS[IMAGE[row][column]] for column, row in PLACES]
    shuffled = [image[i] for i in SHUFFLED]

    def convolved(colours: Sequence[tuple[float, ...]]) -> list[Any]:
        seen = colours if window == "1×1" else [_average(colours, *place) for place in PLACES]
        return [red * r + green * g + blue * b for r, g, b in seen]

    output = convolved(shuffled)
    put_back = [output[SHUFFLED.index(i)] for i in range(SIDE**2)]
    maps = {
        "the image": [_rgb(colour) for colour in image],
        f"{window} over it": convolved(image),
        "its pixels, shuffled": [_rgb(colour) for colour in shuffled],
        f"{window} over those, put back": put_back,
    }
    data, annotations = [], []
    layout: Figure = {"height": 440, "barmode": "overlay", "margin": {"l": 4, "r": 4, "t": 4, "b": 4}}
    for i, (title, colours) in enumerate(maps.items()):
        name, (row, column) = str(i + 1 if i else ""), divmod(i, 2)
        across, down = [0.51 * column, 0.49 + 0.51 * column], [0.51 * (1 - row), 0.49 + 0.51 * (1 - row)]
        square: Figure = {"visible": False, "constrain": "domain"}
        layout[f"xaxis{name}"] = axis(range=[-0.6, SIDE - 0.4], domain=across, anchor=f"y{name}", **square)
        layout[f"yaxis{name}"] = axis(
            range=[SIDE - 0.4, -1.7],
            domain=down,
            anchor=f"x{name}",
            scaleanchor=f"x{name}",
            constraintoward=("bottom", "top")[row],
            **square,
        )
        data += [_map(colours, name), _frame(name)]
        annotations.append(label(title, (SIDE - 1) / 2, -1.1, name, xanchor="center"))
    named = {"sky blue": ".", "sun yellow": "O", "wall red": "r", "grass green": "g"}
    numbers = {
        f"{name} gives": formatted("{:.2f}", red * r + green * g + blue * b)
        for name, (r, g, b) in ((name, COLOURS[letter]) for name, letter in named.items())
    }
    return figure(data, layout | {"annotations": annotations}, numbers)


def _average(colours: Sequence[tuple[float, ...]], column: int, row: int) -> tuple[float, ...]:
    """Return the mean of a pixel's 3×3 window; there are zeros beyond the edge."""
    window = [
        colours[SIDE * y + x]
        for y in range(max(row - 1, 0), min(row + 2, SIDE))
        for x in range(max(column - 1, 0), min(column + 2, SIDE))
    ]
    return tuple(sum(channel) / 9 for channel in zip(*window, strict=True))


def _rgb(colour: tuple[float, ...]) -> str:
    return f"rgb({','.join(str(round(255 * value)) for value in colour)})"


def _map(colours: list[Any], name: str) -> Figure:
    """Draw a map, each pixel as a small bar: in its own colour, or from black at -1 over grey at 0 to white at 1."""
    says = "%{marker.color}" if isinstance(colours[0], str) else "%{marker.color:.2f}"
    scale = [[0, "#000000"], [0.5, CONTEXT], [1, "#FFFFFF"]]
    marker = {"color": colours, "colorscale": scale, "cmin": -1, "cmax": 1, "line": {"width": 0}}
    place = {"x": [x for x, _ in PLACES], "base": [y - 0.5 for _, y in PLACES], "y": [1] * len(PLACES), "width": 1}
    axes = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
    return {"type": "bar", "marker": marker} | place | axes | told(says)


def _frame(name: str) -> Figure:
    """Draw the outline of a map."""
    start, end = -0.5, SIDE - 0.5
    corners = [start, end, end, start, start], [start, start, end, end, start]
    return line(*corners, CONTEXT, 1) | {"xaxis": f"x{name}", "yaxis": f"y{name}"}


# --- what they cost: the two 1×1 convolutions of a bottleneck, and its 3×3 --------------------------------------------

UNITS = ("MACs", "numbers moved")
NAMED = (("ResNet-50", 4, 1), ("wide ResNet-50-2", 2, 1), ("ResNeXt-50", 2, 32))  # with their blocks' C/w and groups
LEAST, MOST = 0.125, 32  # C/w, as far as it is drawn: half of the MACs is at 9/64 with 32 groups


def who_pays(channels: int = 256, width: int = 64, groups: int = 1) -> Figure:
    """Show the share of a bottleneck's two 1×1s in its MACs, and in the numbers that its convolutions move.

    `channels` is C, `width` is w, `groups` divides the 3×3. All is counted at one position with stride 1, so there
    are as many MACs as weights. The numbers moved are inputs read and outputs written, without the weights.
    """
    macs, moved = (_pair_and_3x3(channels, width, groups, unit) for unit in UNITS)
    data, annotations = [], []
    for y, unit, (pair, single) in ((1, "MACs", macs), (0, "numbers moved", moved)):
        for name, cost, colour in (("two 1×1s", pair, LIGHT_BOTTLENECK), ("3×3", single, BOTTLENECK)):
            share = cost / (pair + single)
            written = formatted(f"{name}: {{:.1%}}", share)
            data.append(bar(share, y, colour, says=formatted(f"{name}: {{:,d}} {unit}", cost)) | inside(written))
        annotations.append(label(formatted(f"<b>{unit}</b> at one position: {{:,d}}", pair + single), 0, y + 0.41))
    data += _curves(groups)
    for unit, share, symbol in (("MACs", _share(macs), "circle"), ("numbers moved", _share(moved), "square")):
        says = formatted(f"your block, C / w = {{:.2f}}: {{:.1%}} of the {unit}", channels / width, share)
        data.append(_below(dot(channels / width, share, ACCENT, symbol=symbol, says=says)))
    layout = {
        "height": 430,
        "barmode": "stack",
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "xaxis": axis(visible=False, range=[0, 1]),
        "yaxis": axis(visible=False, range=[-0.35, 1.65], domain=[0.66, 1]),
        "xaxis2": axis(
            type="log",
            range=[-0.93, 1.53],
            tickvals=[0.125, 0.5, 2, 8, 32],
            ticktext=["1/8", "1/2", "2", "8", "32"],
            title={"text": "C / w, channels outside over channels inside"},
            anchor="y2",
        ),
        "yaxis2": axis(
            range=[0, 1.09],
            domain=[0, 0.57],
            tickvals=[0, 0.25, 0.5, 0.75, 1],
            tickformat=".0%",
            title={"text": "share of the two 1×1s"},
            anchor="x2",
            showgrid=True,
            automargin=True,
        ),
        "annotations": annotations,
    }
    numbers = {
        "C / w": formatted("{:.2f}", channels / width),
        "C / w for half of the MACs": formatted("{:.2f}", 9 / (2 * groups)),  # where 2Cw = 9w²/groups
        "1×1s: MACs per number moved": formatted("{:,.1f}", macs[0] / moved[0]),
        "3×3: MACs per number moved": formatted("{:,.1f}", macs[1] / moved[1]),
    }
    return figure(data, layout, numbers)


def _pair_and_3x3(channels: Any, width: Any, groups: int, unit: str) -> tuple[Any, Any]:
    """Return the cost of the two 1×1s at one position, and that of the 3×3."""
    block = BlockSpec("bottleneck", channels, width, groups=groups)
    rows = [row for row in price(block, image=1).rows if row.kind == "conv"]
    reduce, middle, expand = (row.macs if unit == "MACs" else row.bytes // FLOAT32_BYTES - row.params for row in rows)
    return reduce + expand, middle


def _share(costs: tuple[Any, Any]) -> Any:
    return costs[0] / sum(costs)


def _curves(groups: int) -> list[Figure]:
    """Draw the two shares over C/w with their names, the half, and the networks whose 3×3 has as many `groups`."""

    def share(ratio: float, unit: str) -> float:
        return float(_share(_pair_and_3x3(round(1024 * ratio), 1024, groups, unit)))

    ratios = [LEAST * 2 ** (i / 4) for i in range(33)]
    crossed = groups > 4  # the curve of the MACs then runs above the other
    names = (
        ("MACs", BOTTLENECK, 3, ({8: 8, 32: 0.85}[groups], "top left") if crossed else (1, "bottom right")),
        ("numbers moved", CONTEXT, 2, (1.4, "bottom right") if crossed else (8, "top left")),
    )
    traces = [line([LEAST, MOST], [0.5, 0.5], CONTEXT, 1, dash="dot")]
    for unit, colour, thickness, (at, place) in names:
        says = f"C / w = %{{x:.2f}}: %{{y:.1%}} of the {unit}"
        traces.append(line(ratios, [share(ratio, unit) for ratio in ratios], colour, thickness, says=says))
        traces.append(_name(f"<b>{unit}</b>", at, share(at, unit), colour, place))
    traces.append(dot(9 / (2 * groups), 0.5, BOTTLENECK, symbol="diamond", says="half of the MACs at C / w = %{x:.2f}"))
    for name, ratio, theirs in NAMED:
        if theirs == groups:
            traces.append(dot(ratio, share(ratio, "MACs"), CONTEXT, says=f"{name}: %{{y:.1%}} of the MACs"))
            traces.append(_name(name, ratio, share(ratio, "MACs"), CONTEXT, "top left" if crossed else "bottom right"))
    return [_below(trace) for trace in traces]


def _name(name: str, ratio: float, share: float, colour: str, place: str) -> Figure:
    """Write words at a small distance from a point of a curve."""
    aside, up = (0.94, 0.02) if place == "top left" else (1.06, -0.02)
    return words(name, aside * ratio, share + up, colour) | {"textposition": place}


def _below(trace: Figure) -> Figure:
    """Move a trace to the lower plot."""
    return trace | {"xaxis": "x2", "yaxis": "y2"}
