"""The figures of "The bottleneck block". `weights` are those of convolutions, without BatchNorm."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted, largest
from resnet_lib.book.plot import area, axis, costs, dot, figure, handle, label, line, stacked, words
from resnet_lib.colours import ACCENT, BASIC, BOTTLENECK, CONTEXT
from resnet_lib.spec import BlockSpec

BREAK_EVEN = (163**0.5 - 1) / 9  # w/C where 2Cw + 9w² = 18C²: the bottleneck costs as much as two 3×3


def two_ways(channels: int = 256, width: int = 64, size: int = 56, unit: str = "weights") -> Figure:
    """Two ways to carry C channels, by convolution: two 3×3 at C, or a bottleneck C → w → C; and a basic block at w.

    `channels` is C, `width` is w, `size` the side of the feature map in pixels; `unit` "weights" or "MACs".
    """
    field = {"weights": "params", "MACs": "macs"}[unit]
    blocks = BlockSpec("basic", channels), BlockSpec("bottleneck", channels, width), BlockSpec("basic", width)
    wide, hourglass, narrow = (costs(block, size, field) for block in blocks)
    bars = [
        *stacked(blocks[0], wide, y=1, axis=""),
        *stacked(blocks[1], hourglass, y=0, axis=""),
        *stacked(blocks[1], hourglass, y=1, axis="2"),
        *stacked(blocks[2], narrow, y=0, axis="2"),
    ]
    path = "<b>bottleneck</b> {:,d} → {:,d} → {:,d}"
    top, bottom = [0.56, 1], [0, 0.4]
    rows = {"visible": False, "range": [-0.45, 1.75]}
    layout = {
        "height": 420,
        "barmode": "stack",
        "uniformtext": {"minsize": 9, "mode": "hide"},
        "xaxis": axis(anchor="y", rangemode="tozero", showgrid=True),
        "xaxis2": axis(anchor="y2", rangemode="tozero", showgrid=True, title={"text": unit}),
        "yaxis": axis(domain=top, **rows),
        "yaxis2": axis(domain=bottom, **rows),
        "annotations": [
            label(formatted("<b>two 3×3</b> at {:,d} channels", channels), 0, 1.36),
            label(formatted(path, channels, width, channels), 0, 0.36),
            label(formatted(f"the same {path}, magnified", channels, width, channels), 0, 1.36, "2"),
            label(formatted("<b>basic block</b> at {:,d} channels", width), 0, 0.36, "2"),
        ],
    }
    totals = sum(wide), sum(hourglass), sum(narrow)
    numbers = {
        "two 3×3 at C": formatted("{:,d}", totals[0]),
        "bottleneck C → w → C": formatted("{:,d}", totals[1]),
        "basic block at w": formatted("{:,d}", totals[2]),
        "equal interface: two 3×3 cost": formatted("{:.2f} ×", totals[0] / totals[1]),
        "equal cost: bottleneck to basic": formatted("{:.2f} : 18", 18 * totals[1] / totals[2]),
    }
    handles = [handle("channels", "bar 1 0"), handle("width", f"bar {len(bars) - 1} 0")]
    return figure(bars, layout, numbers, handles)


def hourglass(channels: int = 256, width: int = 64) -> Figure:
    """Channels drawn as widths: two 3×3 stay wide all the way; a bottleneck goes wide → narrow → wide.

    `channels` is C, `width` is w.
    """
    wide, narrow = BlockSpec("basic", channels), BlockSpec("bottleneck", channels, width)
    widest = largest(channels, width)
    margin = 0.36 * widest  # room for the labels on the left of a shape
    left, right = -0.04 * widest - 0.625 * channels, margin + 0.5 * widest
    data, annotations = [], []
    for block, centre, colour, reach in ((wide, left, BASIC, channels), (narrow, right, BOTTLENECK, widest)):
        maps = [block.in_channels, *(conv.out_channels for conv in block.convolutions)]
        step = 3 / len(block.convolutions)
        weights = costs(block, 1, "params")
        for i, conv in enumerate(block.convolutions):
            above, below = maps[i] / 2, maps[i + 1] / 2
            outline = [centre - above, centre + above, centre + below, centre - below]
            says = formatted(f"{conv.kernel}×{conv.kernel}: {{:,d}} weights", weights[i])
            data.append(area(outline, [-i * step, -i * step, -(i + 1) * step, -(i + 1) * step], colour, says))
            convolution = formatted(f"{conv.kernel}×{conv.kernel}<br>{{:,d}}", weights[i])
            annotations.append(label(convolution, centre, -(i + 0.5) * step, xanchor="center"))
        for i, size in enumerate(maps):
            if block is narrow and i == 1:
                waist = f"line {len(data)}"
            says = formatted("{:,d} channels", size)
            data.append(line([centre - size / 2, centre + size / 2], [-i * step] * 2, colour, 5, says=says))
            name = formatted("{:,d}", size)
            annotations.append(label(name, centre - size / 2, -i * step, xanchor="right", xshift=-5))
        # The shortcut: an arc around the widest place, from the top map to the bottom one.
        steps = [i / 20 for i in range(21)]
        arc = [centre + 0.5 * channels + (0.625 * reach - 0.5 * channels) * 4 * t * (1 - t) for t in steps]
        data.append(line(arc, [-3 * t for t in steps], CONTEXT, 1.5))
        annotations.append(label("⊕", centre + channels / 2, -3, xanchor="left", xshift=3))
        name = {"basic": "<b>two 3×3</b>", "bottleneck": "<b>bottleneck</b>"}[block.block]
        annotations.append(label(name, centre, 0.28, xanchor="center"))
    layout = {
        "height": 380,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "xaxis": axis(visible=False, range=[left - 0.5 * channels - margin, right + 0.66 * widest]),
        "yaxis": axis(visible=False, range=[-3.15, 0.45]),
        "annotations": annotations,
    }
    full, inner = costs(wide, 1, "params")[0], costs(narrow, 1, "params")[1]
    numbers = {
        "channels the 3×3 works on": formatted("{:,d} of {:,d}", width, channels),
        "weights of one 3×3 at C": formatted("{:,d}", full),
        "weights of the 3×3 at w": formatted("{:,d}", inner),
        "that is, smaller by (C/w)²": formatted("{:,.1f} ×", full / inner),
    }
    return figure(data, layout, numbers, [handle("width", waist, 1)], ghost=False)  # it rescales itself


def where_it_pays(channels: int = 256, width: int = 64) -> Figure:
    """Weights over the channels C carried: two 3×3 at C, and bottlenecks of several inner widths w.

    `channels` is C, `width` is w. Both axes are logarithmic.
    """
    carried = [round(16 * 2 ** (i / 2)) for i in range(15)]

    def weights(c: Any, w: Any) -> Any:
        return sum(costs(BlockSpec("bottleneck", c, w), 1, "params"))

    def two_3x3(c: Any) -> Any:
        return sum(costs(BlockSpec("basic", c), 1, "params"))

    says = "{} at C = %{{x:,d}}: %{{y:,d}} weights".format
    data = []
    for w in (16, 64, 256, 1024):
        curve = [weights(c, w) for c in carried]
        data.append(line(carried, curve, BOTTLENECK, 1, "dot", says(f"bottleneck with w = {w:,}")))
        data.append(words(f"w = {w:,}", carried[-1], curve[-1], CONTEXT))
    own = [weights(c, width) for c in carried]
    even = width / BREAK_EVEN
    handles = [
        handle("channels", f"point {len(data) + 3} 0", "middle"),
        handle("width", f"point {len(data) + 4} 0", "middle", "y"),
    ]
    data += [
        line(carried, [two_3x3(c) for c in carried], BASIC, 3, says=says("two 3×3")),
        line(carried, own, BOTTLENECK, 3, says=says("your bottleneck")),
        line([channels, channels], [two_3x3(channels), weights(channels, width)], ACCENT, 2),
        dot(channels, two_3x3(channels), BASIC, says=formatted("two 3×3: {:,d}", two_3x3(channels))),
        dot(
            channels,
            weights(channels, width),
            BOTTLENECK,
            says=formatted("bottleneck: {:,d}", weights(channels, width)),
        ),
        dot(
            even,
            two_3x3(channels) * (even / channels) ** 2,
            ACCENT,
            symbol="diamond",
            says=formatted("break-even: both cost the same at C = {:,.1f}", even),
        ),
        words("<b>two 3×3</b>", carried[-1], two_3x3(carried[-1]), BASIC),
    ]
    layout = {
        "height": 400,
        "xaxis": axis(
            type="log",
            title={"text": "C, channels carried"},
            tickvals=[16, 64, 256, 1024],
            range=[1.05, 4.0],
            showgrid=True,
        ),
        "yaxis": axis(
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
        "two 3×3 at C": formatted("{:,d}", two_3x3(channels)),
        "bottleneck C → w → C": formatted("{:,d}", weights(channels, width)),
        "bottleneck's share": formatted("{:.1%}", weights(channels, width) / two_3x3(channels)),
        "this w pays from C =": formatted("{:,.1f}", even),
        "w / C (pays below 1.307)": formatted("{:.3f}", width / channels),
    }
    return figure(data, layout, numbers, handles)
