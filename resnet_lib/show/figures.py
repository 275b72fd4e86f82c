"""The book's figures, each a pure function from control values to a Plotly figure and the numbers beside it.

They only price descriptions, so the same function draws with numbers in Python and with formulas in the page.
`weights` are those of convolutions, without BatchNorm. Colours keep their meaning from the first page to the last.
"""

from __future__ import annotations

from typing import Any

from resnet_lib.cost import Bill, price
from resnet_lib.show.unknown import largest, text
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import network

BASIC = "#0072B2"  # Okabe and Ito's blue
BOTTLENECK = "#D55E00"  # and their vermillion
LIGHT_BASIC = "#9CCAE6"  # a paler kin of each, for what stands beside the thing meant
LIGHT_BOTTLENECK = "#F3B78F"
CONTEXT = "#8A8F98"  # the shortcut, and whatever is only for comparison
ACCENT = "#AA3377"  # the reader's own choice

BREAK_EVEN = (163**0.5 - 1) / 9  # w/C where 2Cw + 9w² = 18C²: the bottleneck costs as much as two 3×3

Figure = dict[str, Any]


def whole_story(conv3_x: int = 4, conv4_x: int = 6, width: int = 64, unit: str = "MACs") -> Figure:
    """Three networks with equally many blocks: basic blocks, bottlenecks, and basic blocks as wide as the bottlenecks.

    `conv3_x` and `conv4_x` are the blocks of stages 2 and 3 (stages 1 and 4 have three each), `width` the first
    stage's, doubled from stage to stage. Costs are for a 224 × 224 image and 1000 classes.
    """
    depths = (3, conv3_x, conv4_x, 3)
    widths = tuple(width * 2**i for i in range(4))
    shared: dict[str, Any] = {"depths": depths, "stem_width": width}
    networks = [
        network("resnet34", widths=widths, **shared),
        network("resnet50", widths=widths, **shared),
        network("resnet34", widths=tuple(4 * w for w in widths), **shared),
    ]
    field, size, symbol = {
        "MACs": ("macs", 1e9, "G"),
        "parameters": ("params", 1e6, "M"),
        "activations": ("activations", 1e6, "M"),
    }[unit]
    costs = [getattr(price(net), field) / size for net in networks]
    colours = (BASIC, BOTTLENECK, LIGHT_BASIC)
    bars = [_bar(cost, 2 - i, colour) for i, (cost, colour) in enumerate(zip(costs, colours, strict=True))]
    labels = [
        _label(_title(net, cost, symbol), x=0, y=2 - i + 0.38)
        for i, (net, cost) in enumerate(zip(networks, costs, strict=True))
    ]
    layout = {
        "height": 290,
        "xaxis": _axis(title={"text": f"{symbol} {unit}"}, rangemode="tozero", showgrid=True),
        "yaxis": _axis(visible=False, range=[-0.45, 2.75]),
        "annotations": labels,
    }
    numbers = {
        "layers: basic, bottleneck": text("{:,d}, {:,d}", networks[0].layers, networks[1].layers),
        "bottleneck over basic": text("{:.2f} ×", costs[1] / costs[0]),
        "as wide, but basic, over bottleneck": text("{:.1f} ×", costs[2] / costs[1]),
    }
    return _figure(bars, layout, numbers)


def _title(net: NetworkSpec, cost: Any, symbol: str) -> Any:
    first, last = net.stages[0].first.out_channels, net.stages[-1].first.out_channels
    words = f"<b>{net.block}</b>, {{:,d}} … {{:,d}} channels, {{:,d}} layers: <b>{{:,.2f}} {symbol}</b>"
    return text(words, first, last, net.layers, cost)


def two_ways(channels: int = 256, width: int = 64, size: int = 56, unit: str = "weights") -> Figure:
    """Two ways to carry C channels, by convolution: two 3×3 at C, or a bottleneck C → w → C; and a basic block at w.

    `channels` is C, `width` is w, `size` the side of the feature map in pixels; `unit` "weights" or "MACs".
    """
    field = {"weights": "params", "MACs": "macs"}[unit]
    blocks = BlockSpec("basic", channels), BlockSpec("bottleneck", channels, width), BlockSpec("basic", width)
    wide, hourglass, narrow = (_costs(block, size, field) for block in blocks)
    bars = [
        *_stacked(blocks[0], wide, y=1, axis=""),
        *_stacked(blocks[1], hourglass, y=0, axis=""),
        *_stacked(blocks[1], hourglass, y=1, axis="2"),
        *_stacked(blocks[2], narrow, y=0, axis="2"),
    ]
    path = "<b>bottleneck</b> {:,d} → {:,d} → {:,d}"
    top, bottom = [0.56, 1], [0, 0.4]
    rows = {"visible": False, "range": [-0.45, 1.75]}
    layout = {
        "height": 420,
        "barmode": "stack",
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "xaxis": _axis(anchor="y", rangemode="tozero", showgrid=True),
        "xaxis2": _axis(anchor="y2", rangemode="tozero", showgrid=True, title={"text": unit}),
        "yaxis": _axis(domain=top, **rows),
        "yaxis2": _axis(domain=bottom, **rows),
        "annotations": [
            _label(text("<b>two 3×3</b> at {:,d} channels", channels), 0, 1.36),
            _label(text(path, channels, width, channels), 0, 0.36),
            _label(text(f"the same {path}, magnified", channels, width, channels), 0, 1.36, "2"),
            _label(text("<b>basic block</b> at {:,d} channels", width), 0, 0.36, "2"),
        ],
    }
    totals = sum(wide), sum(hourglass), sum(narrow)
    numbers = {
        "two 3×3 at C": text("{:,d}", totals[0]),
        "bottleneck C → w → C": text("{:,d}", totals[1]),
        "basic block at w": text("{:,d}", totals[2]),
        "equal interface: two 3×3 cost": text("{:.2f} ×", totals[0] / totals[1]),
        "equal cost: bottleneck to basic": text("{:.2f} : 18", 18 * totals[1] / totals[2]),
    }
    return _figure(bars, layout, numbers)


def hourglass(channels: int = 256, width: int = 64) -> Figure:
    """Channels drawn as widths: two 3×3 stay wide all the way; a bottleneck goes wide → narrow → wide.

    `channels` is C, `width` is w.
    """
    wide, narrow = BlockSpec("basic", channels), BlockSpec("bottleneck", channels, width)
    widest = largest(channels, width)
    margin = 0.16 * widest  # room for the labels on the left of a shape
    left, right = -0.04 * widest - 0.625 * channels, margin + 0.5 * widest
    data, annotations = [], []
    for block, centre, colour, reach in ((wide, left, BASIC, channels), (narrow, right, BOTTLENECK, widest)):
        maps = [block.in_channels, *(conv.out_channels for conv in block.convolutions)]
        step = 3 / len(block.convolutions)
        weights = _costs(block, 1, "params")
        for i, conv in enumerate(block.convolutions):
            above, below = maps[i] / 2, maps[i + 1] / 2
            outline = [centre - above, centre + above, centre + below, centre - below]
            data.append(_area(outline, [-i * step, -i * step, -(i + 1) * step, -(i + 1) * step], colour))
            label = text(f"{conv.kernel}×{conv.kernel}<br>{{:,d}}", weights[i])
            annotations.append(_label(label, centre, -(i + 0.5) * step, xanchor="center"))
        for i, size in enumerate(maps):
            data.append(_line([centre - size / 2, centre + size / 2], [-i * step] * 2, colour, 5))
            name = text("{:,d}", size)
            annotations.append(_label(name, centre - size / 2, -i * step, xanchor="right", xshift=-5))
        # The shortcut: an arc around the widest place, from the top map to the bottom one.
        steps = [i / 20 for i in range(21)]
        arc = [centre + 0.5 * channels + (0.625 * reach - 0.5 * channels) * 4 * t * (1 - t) for t in steps]
        data.append(_line(arc, [-3 * t for t in steps], CONTEXT, 1.5))
        annotations.append(_label("⊕", centre + channels / 2, -3, xanchor="left", xshift=3))
        name = {"basic": "<b>two 3×3</b>", "bottleneck": "<b>bottleneck</b>"}[block.block]
        annotations.append(_label(name, centre, 0.28, xanchor="center"))
    layout = {
        "height": 380,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "xaxis": _axis(visible=False, range=[left - 0.5 * channels - margin, right + 0.66 * widest]),
        "yaxis": _axis(visible=False, range=[-3.15, 0.45]),
        "annotations": annotations,
    }
    full, inner = _costs(wide, 1, "params")[0], _costs(narrow, 1, "params")[1]
    numbers = {
        "channels the 3×3 works on": text("{:,d} of {:,d}", width, channels),
        "weights of one 3×3 at C": text("{:,d}", full),
        "weights of the 3×3 at w": text("{:,d}", inner),
        "that is, smaller by (C/w)²": text("{:,.1f} ×", full / inner),
    }
    return _figure(data, layout, numbers)


def where_it_pays(channels: int = 256, width: int = 64) -> Figure:
    """Weights over the channels C carried: two 3×3 at C, and bottlenecks of several inner widths w.

    `channels` is C, `width` is w. Both axes are logarithmic.
    """
    carried = [round(16 * 2 ** (i / 2)) for i in range(15)]

    def weights(c: Any, w: Any) -> Any:
        return sum(_costs(BlockSpec("bottleneck", c, w), 1, "params"))

    def two_3x3(c: Any) -> Any:
        return sum(_costs(BlockSpec("basic", c), 1, "params"))

    data = []
    for w in (16, 64, 256, 1024):
        curve = [weights(c, w) for c in carried]
        data.append(_line(carried, curve, BOTTLENECK, 1, dash="dot"))
        data.append(_words(f"w = {w:,}", carried[-1], curve[-1], CONTEXT))
    own = [weights(c, width) for c in carried]
    even = width / BREAK_EVEN
    data += [
        _line(carried, [two_3x3(c) for c in carried], BASIC, 3),
        _line(carried, own, BOTTLENECK, 3),
        _line([channels, channels], [two_3x3(channels), weights(channels, width)], ACCENT, 2),
        _dot(channels, two_3x3(channels), BASIC),
        _dot(channels, weights(channels, width), BOTTLENECK),
        _dot(even, two_3x3(channels) * (even / channels) ** 2, ACCENT, symbol="diamond"),
        _words("<b>two 3×3</b>", carried[-1], two_3x3(carried[-1]), BASIC),
    ]
    layout = {
        "height": 400,
        "xaxis": _axis(
            type="log",
            title={"text": "C, channels carried"},
            tickvals=[16, 64, 256, 1024],
            range=[1.15, 4.0],
            showgrid=True,
        ),
        "yaxis": _axis(
            type="log",
            title={"text": "weights"},
            tickvals=[1e3, 1e4, 1e5, 1e6, 1e7],
            ticktext=["1 k", "10 k", "100 k", "1 M", "10 M"],
            range=[2.6, 8.1],
            showgrid=True,
            automargin=True,
        ),
    }
    numbers = {
        "two 3×3 at C": text("{:,d}", two_3x3(channels)),
        "bottleneck C → w → C": text("{:,d}", weights(channels, width)),
        "bottleneck's share": text("{:.1%}", weights(channels, width) / two_3x3(channels)),
        "this w pays from C =": text("{:,.1f}", even),
        "w / C (pays below 1.307)": text("{:.3f}", width / channels),
    }
    return _figure(data, layout, numbers)


# The parts of a figure


def _costs(block: BlockSpec, size: int, field: str) -> list[int]:
    """The cost of each convolution of a block."""
    bill: Bill = price(block, image=size)
    return [getattr(row, field) for row in bill.rows if row.kind == "conv"]


def _figure(data: list[Figure], layout: Figure, numbers: dict[str, Any]) -> Figure:
    base = {
        "margin": {"l": 4, "r": 12, "t": 8, "b": 40, "pad": 0},
        "showlegend": False,
        "dragmode": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    return {"data": data, "layout": base | layout, "numbers": numbers}


def _axis(**options: Any) -> Figure:
    return {"fixedrange": True, "showgrid": False, "zeroline": False} | options


def _label(words: Any, x: Any, y: Any, axis: str = "", **options: Any) -> Figure:
    place = {"x": x, "y": y, "xref": f"x{axis}", "yref": f"y{axis}", "xanchor": "left", "yanchor": "middle"}
    return {"text": words, "showarrow": False, **place} | options


def _bar(cost: Any, y: float, colour: str, axis: str = "") -> Figure:
    line = {"width": 1, "color": "rgba(255,255,255,0.8)"}
    place = {"x": [cost], "y": [y], "xaxis": f"x{axis}", "yaxis": f"y{axis}", "orientation": "h", "width": 0.5}
    return {"type": "bar", "marker": {"color": colour, "line": line}, "hoverinfo": "skip"} | place


def _stacked(block: BlockSpec, costs: list[Any], y: float, axis: str) -> list[Figure]:
    """One bar, a segment for each convolution; a bottleneck's 1×1 paler than its 3×3."""
    colours = {("basic", 3): BASIC, ("bottleneck", 3): BOTTLENECK, ("bottleneck", 1): LIGHT_BOTTLENECK}
    return [
        _bar(cost, y, colours[block.block, conv.kernel], axis)
        | {
            "text": [text(f"{conv.kernel}×{conv.kernel}: {{:,d}}", cost)],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
        }
        for conv, cost in zip(block.convolutions, costs, strict=True)
    ]


def _line(x: list[Any], y: list[Any], colour: str, width: float, dash: str = "solid") -> Figure:
    line = {"color": colour, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line, "hoverinfo": "skip"}


def _area(x: list[Any], y: list[Any], colour: str) -> Figure:
    return _line(x, y, colour, 0) | {"fill": "toself", "opacity": 0.35}


def _words(words: str, x: Any, y: Any, colour: str) -> Figure:
    place = {"x": [x], "y": [y], "textposition": "middle right", "textfont": {"color": colour}}
    return {"type": "scatter", "mode": "text", "text": [f" {words}"], "hoverinfo": "skip"} | place


def _dot(x: Any, y: Any, colour: str, symbol: str = "circle") -> Figure:
    marker = {"color": colour, "size": 11, "symbol": symbol}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [y], "marker": marker, "hoverinfo": "skip"}
