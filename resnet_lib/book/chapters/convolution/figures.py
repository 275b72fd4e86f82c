"""The figures of "The bill of one convolution"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted, largest, smallest
from resnet_lib.book.plot import axis, bar, dot, figure, label, line, told
from resnet_lib.colours import ACCENT, CONTEXT, OF_BLOCK
from resnet_lib.cost import Row, price
from resnet_lib.cost.bill import FLOAT32_BYTES, price_operations
from resnet_lib.spec import Operation
from resnet_lib.zoo import network

WINDOWS = {
    "1×1": (1, 1),
    "1×1/2": (1, 2),
    "3×3": (3, 1),
    "3×3/2": (3, 2),
    "7×7": (7, 1),
    "7×7/2": (7, 2),
}  # kernel and stride
EACH = "one for each channel"
MB = 1e6


def convolution(kernel: int, channels: tuple[Any, Any], side: Any, stride: int = 1, groups: Any = 1) -> Row:
    """Return the bill's row for one convolution on square maps, with `channels` for its input and its output."""
    op = Operation("conv", "conv", *channels, kernel, stride, kernel // 2, groups)
    (row,), _ = price_operations([op], (side, side))
    return row


def one_convolution(window: str = "3×3", channels_in: int = 512, channels_out: int = 512, side: int = 7) -> Figure:
    """Compare the four costs of one convolution with those of a ResNet's first, a 7×7/2 on an image of 224 × 224.

    `window` is the window, with its stride after the slash. `side` is the side of the input maps, in pixels. The scale
    is logarithmic: to the left of the line are smaller costs than the first convolution's, to the right larger ones.
    """
    kernel, stride = WINDOWS[window]
    first = convolution(7, (3, 64), 224, 2)
    row = convolution(kernel, (channels_in, channels_out), side, stride)
    costs, references = _costs(row), _costs(first)
    data = [line([1, 1], [-0.4, 3.78], CONTEXT, 1.5)]
    annotations = [label("the first convolution", 0, 3.98, xanchor="center")]
    for y, name in enumerate(reversed(costs)):
        ratio = costs[name] / references[name]
        says = formatted(f"{name}: {{:,.3f}} times the first", ratio)
        data += [line([1, ratio], [y, y], ACCENT, 8), dot(ratio, y, ACCENT, says=says)]
        annotations += _captions(name, costs[name], f"the first: {references[name]:,}", y + 0.1)
    layout = {
        "height": 360,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 26},
        "xaxis": axis(
            type="log",
            range=[-4.9, 4.9],
            tickvals=[1e-4, 1e-2, 1, 1e2, 1e4],
            ticktext=["÷ 10,000", "÷ 100", "equal", "× 100", "× 10,000"],
            ticks="outside",
        ),
        "yaxis": axis(visible=False, range=[-0.45, 4.2]),
        "annotations": annotations,
    }
    out = row.output_shape[2]
    numbers = {
        "output maps": formatted("{:,d} × {:,d}", out, out),
        "each weight is used": formatted("{:,d} ×", out * out),
        "share of the weights in the bytes": formatted("{:.1%}", FLOAT32_BYTES * row.params / row.bytes),
    }
    return figure(data, layout, numbers)


def grouped(groups: int | str = 32, channels: int = 128, side: int = 56) -> Figure:
    """Show how much of the four costs of a 3×3 convolution is left when its channels are divided into groups.

    Input and output have `channels` channels each, on maps whose sides are `side` pixels. The bars are shares of the
    same convolution with one group.
    """
    parts = channels if groups == EACH else int(groups)
    whole, row = (_costs(convolution(3, (channels, channels), side, groups=g)) for g in (1, parts))
    data, annotations = [], []
    for y, name in enumerate(reversed(row)):
        share = row[name] / whole[name]
        all_of_it = bar(1, y, CONTEXT, says=formatted(f"{name} with one group: {{:,d}}", whole[name]))
        part = bar(share, y, ACCENT, says=formatted(f"{name}: {{:,d}}, {{:.1%}} of one group's", row[name], share))
        data += [all_of_it | {"opacity": 0.25, "width": 0.36}, part | {"width": 0.36}]
        annotations += _captions(name, row[name], formatted("{:.1%}", share), y + 0.16)
    layout = {
        "height": 330,
        "barmode": "overlay",
        "margin": {"l": 8, "r": 20, "t": 8, "b": 40},
        "xaxis": axis(
            range=[0, 1],
            tickvals=[0, 0.25, 0.5, 0.75, 1],
            tickformat=".0%",
            title={"text": "of the costs with one group"},
        ),
        "yaxis": axis(visible=False, range=[-0.35, 3.6]),
        "annotations": annotations,
    }
    numbers = {
        "input channels that one output channel reads": formatted("{:,d} of {:,d}", channels // parts, channels),
        "MACs left": formatted("{:.1%}", row["MACs"] / whole["MACs"]),
        "bytes left": formatted("{:.1%}", row["bytes"] / whole["bytes"]),
    }
    return figure(data, layout, numbers)


def along(name: str = "resnet34", image: int = 224, batch: int = 1) -> Figure:
    """Draw every convolution of a network, from the first to the last: its MACs above, the bytes that it moves below.

    `image` is the side of the image in pixels, a multiple of 32. `batch` is the number of images computed at once. Grey
    bars are the first convolution and the projections.
    """
    net = network(name)
    bill = price(net, image=32 * (image // 32), batch=batch)  # a multiple of 32 can be halved five times
    rows = [row for row in bill.rows if row.kind == "conv"]
    order = list(range(1, len(rows) + 1))
    weights = [FLOAT32_BYTES * row.params / MB for row in rows]
    maps = [(row.bytes - FLOAT32_BYTES * row.params) / MB for row in rows]
    colour = OF_BLOCK[net.block]
    bars = {
        "type": "bar",
        "x": order,
        "y": [row.macs / batch / 1e6 for row in rows],
        "marker": {"color": [CONTEXT if r.stage == "stem" or r.on_shortcut else colour for r in rows]},
        "yaxis": "y",
    }
    says = "convolution %{{x}}: %{{y:{}}} {}".format
    below = {"yaxis": "y2", "mode": "lines+markers"}
    data = [
        bars | told(says(",.1f", "million MACs")),
        line(order, maps, CONTEXT, 1.5, says=says(",.2f", "MB of maps"))
        | below
        | {"marker": {"size": 5, "symbol": "square", "color": CONTEXT}},
        line(order, weights, colour, 1.5, says=says(",.2f", "MB of weights"))
        | below
        | {"marker": {"size": 5, "color": colour}},
        _beside("maps, read and written", 2 * maps[0]),
        _beside("weights, read", weights[0] / 6),
    ]
    stages = {stage.name: [i for i, row in enumerate(rows, 1) if row.stage == stage.name] for stage in net.stages}
    layout = {
        "height": 470,
        "bargap": 0.25,
        "margin": {"l": 4, "r": 8, "t": 8, "b": 26},
        "xaxis": axis(
            range=[0, len(rows) + 1],
            tickvals=[sum(where) / len(where) for where in stages.values()],
            ticktext=[f"conv{k}_x" for k in range(2, 2 + len(stages))],
            anchor="y2",
        ),
        "yaxis": axis(domain=[0.6, 0.94], rangemode="tozero", showgrid=True, automargin=True, nticks=4),
        "yaxis2": axis(
            domain=[0, 0.48],
            type="log",
            range=[-2.6, 3.3],
            tickvals=[0.01, 0.1, 1, 10, 100],
            ticktext=["0.01", "0.1", "1", "10", "100"],
            showgrid=True,
            automargin=True,
        ),
        "annotations": [
            label("<b>million MACs</b> for each image", 0, 1, xref="paper", yref="paper", yanchor="top"),
            label("<b>megabytes</b> moved", 0, 0.55, xref="paper", yref="paper", yanchor="top"),
        ],
    }
    heavy = sum(part.count * _weighs_more(row) for part in bill.parts for row in part.rows if row.kind == "conv")
    numbers = {
        "MACs for each image": formatted("{:,.2f} G", sum(row.macs for row in rows) / batch / 1e9),
        "weights, read": formatted("{:,.1f} MB", sum(weights)),
        "maps, read and written": formatted("{:,.1f} MB", sum(maps)),
        "weights outweigh maps in": formatted(f"{{:d}} of {len(rows)}", heavy),
    }
    return figure(data, layout, numbers)


def _costs(row: Row) -> dict[str, Any]:
    return {"weights": row.params, "MACs": row.macs, "activations": row.activations, "bytes": row.bytes}


def _captions(name: str, cost: Any, share: Any, y: float) -> list[Figure]:
    """Return the words above a bar: its name and amount at the left, and `share` at the right."""
    place = {"xref": "paper", "yanchor": "bottom"}
    return [
        label(formatted(f"<b>{name}</b> {{:,d}}", cost), 0, y, **place),
        label(share, 1, y, **place | {"xanchor": "right"}),
    ]


def _beside(words: str, y: Any) -> Figure:
    """Return a text trace with `words` above or below the first point of a curve."""
    place = {"x": [0.4], "y": [y], "yaxis": "y2", "textposition": "middle right"}
    return {"type": "scatter", "mode": "text", "text": [words], "hoverinfo": "skip", "cliponaxis": False} | place


def _weighs_more(row: Row) -> Any:
    """Return 1 if a convolution has more weights than numbers in its input and output, otherwise 0."""
    maps = row.bytes // FLOAT32_BYTES - row.params
    return largest(0, smallest(1, row.params - maps))
