"""The figures of "The bottleneck block". `weights` are those of convolutions, without BatchNorm."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted, largest
from resnet_lib.book.plot import area, axis, costs, dot, figure, handle, label, line, stacked, words
from resnet_lib.colours import ACCENT, BASIC, BOTTLENECK, CONTEXT, LIGHT_BOTTLENECK
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec
from resnet_lib.zoo import network


def two_ways(channels: int = 256, width: int = 64, size: int = 56, unit: str = "weights") -> Figure:
    """Two ways to carry C channels: two 3×3s, or a bottleneck C → w → C; and a basic block with w channels.

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
            label(formatted("<b>two 3×3s</b> with {:,d} channels", channels), 0, 1.36),
            label(formatted(path, channels, width, channels), 0, 0.36),
            label(formatted(f"the same {path}, magnified", channels, width, channels), 0, 1.36, "2"),
            label(formatted("<b>basic block</b> with {:,d} channels", width), 0, 0.36, "2"),
        ],
    }
    totals = sum(wide), sum(hourglass), sum(narrow)
    numbers = {
        "two 3×3s with C channels": formatted("{:,d}", totals[0]),
        "bottleneck C → w → C": formatted("{:,d}", totals[1]),
        "basic block with w channels": formatted("{:,d}", totals[2]),
        "two 3×3s over bottleneck": formatted("{:.2f} ×", totals[0] / totals[1]),
        "bottleneck to basic block": formatted("{:.2f} : 18", 18 * totals[1] / totals[2]),
    }
    handles = [handle("channels", "bar 1 0"), handle("width", f"bar {len(bars) - 1} 0")]
    return figure(bars, layout, numbers, handles)


def hourglass(channels: int = 256, width: int = 64) -> Figure:
    """Channels drawn as widths: two 3×3s stay wide all the way; a bottleneck goes wide → narrow → wide.

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
        name = {"basic": "<b>two 3×3s</b>", "bottleneck": "<b>bottleneck</b>"}[block.block]
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
        "weights of one 3×3, C channels": formatted("{:,d}", full),
        "weights of the 3×3, w channels": formatted("{:,d}", inner),
        "which is (C/w)² times smaller": formatted("{:,.1f} ×", full / inner),
    }
    return figure(data, layout, numbers, [handle("width", waist, 1)], ghost=False)  # it rescales itself


UNIT = 64**2 * 56**2  # MACs: a 1×1 from 64 channels to 64, on a map of 56 × 56
TWINS = {  # layers of a network of bottlenecks: its blocks in the four stages
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


def ledger(layers: int = 50, stride: str = "in the 3×3") -> Figure:
    """What each block costs, in u, in a network of bottlenecks and in one of as many basic blocks, and the difference.

    `layers` is the depth of the network of bottlenecks; `stride` says where its blocks halve the map. Above, the
    blocks in order; below, how much more the bottlenecks have cost up to each block. u is 64² · 56² MACs.
    """
    depths = TWINS[layers]
    where = {"in the 3×3": "3x3", "in the first 1×1": "1x1"}[stride]
    networks = network("resnet34", depths=depths), network("resnet50", depths=depths, stride_on=where)
    bills = [price(net) for net in networks]
    spent = [
        [part.macs / UNIT for name, part in bill.by("block").items() if name.startswith("layer")] for bill in bills
    ]
    count = sum(depths)
    stages = [f"conv{i}_x" for i, depth in enumerate(depths, start=2) for _ in range(depth)]
    differences = [large - small for small, large in zip(*spent, strict=True)]
    so_far = [sum(differences[: i + 1]) for i in range(count)]
    data = [
        {
            "type": "bar",
            "x": [i + shift for i in range(1, count + 1)],
            "y": each,
            "width": 0.4,
            "marker": {"color": colour},
            "hovertext": [f"{stage}, {kind}: {cost:g} u" for stage, cost in zip(stages, each, strict=True)],
            "hoverinfo": "text",
        }
        for each, colour, shift, kind in zip(
            spent, (BASIC, BOTTLENECK), (-0.2, 0.2), ("basic block", "bottleneck"), strict=True
        )
    ]
    says = [
        f"{stage}: {now:+g} u here, {total:+g} u so far"
        for stage, now, total in zip(stages, differences, so_far, strict=True)
    ]
    data.append(
        line([*range(1, count + 1)], so_far, ACCENT, 2)
        | {"xaxis": "x2", "yaxis": "y2", "mode": "lines+markers", "marker": {"color": ACCENT, "size": 6}}
        | {"hovertext": says, "hoverinfo": "text"}
    )
    firsts = [1 + sum(depths[:i]) for i in range(4)]
    layout = {
        "height": 440,
        "barmode": "overlay",
        "xaxis": axis(range=[0.4, count + 0.6], anchor="y", tickvals=[], domain=[0, 1]),
        "xaxis2": axis(
            range=[0.4, count + 0.6],
            anchor="y2",
            tickvals=firsts,
            ticktext=["2", "3", "4", "5"],
            title={"text": "stages conv2_x to conv5_x"},
        ),
        "yaxis": axis(
            title={"text": "u, each"}, domain=[0.54, 1], range=[0, 31], tickvals=[0, 9, 18, 29], showgrid=True
        ),
        "yaxis2": axis(
            title={"text": "u, difference so far"},
            domain=[0, 0.4],
            range=[-32, 50],
            tickvals=[-30, -15, 0, 15, 30, 45],
            showgrid=True,
        ),
    }
    totals = [sum(each) for each in spent]
    numbers = {
        "basic blocks": f"{totals[0]:g} u, {networks[0].layers} layers",
        "bottlenecks": f"{totals[1]:g} u, {networks[1].layers} layers",
        "difference": f"{totals[1] - totals[0]:+g} u".replace("-", "−"),
        "bottlenecks over basic, whole network": formatted("{:.3f} ×", bills[1].macs / bills[0].macs),
    }
    return figure(data, layout, numbers, ghost=False)


GROUPED = {"no groups": None, "groups of 32": 32, "groups of 16": 16, "groups of 4": 4, "depthwise": 1}


def affordable(ratio: float = 4.0, groups: str = "no groups") -> Figure:
    """The interface C and the inner width w that the weights of one bottleneck afford, over their ratio C/w.

    `ratio` is C/w, and `groups` says how many channels a group of the 3×3 has. The weights are those of the bottleneck
    256 → 64 → 256. A block with m channels in a group has 2Cw + 9wm of them.
    """
    budget = sum(costs(BlockSpec("bottleneck", 256, 64), 1, "params"))
    size = GROUPED[groups]

    def inner(b: Any) -> Any:
        """Solve 2bw² + 9wm = budget for w; without groups m is w itself."""
        if size is None:
            return (budget / (2 * b + 9)) ** 0.5
        return ((81 * size**2 + 8 * b * budget) ** 0.5 - 9 * size) / (4 * b)

    ratios = [2 ** (i / 4) for i in range(-8, 17)]
    own = inner(ratio)
    curve = [inner(b) for b in ratios]
    says = "C/w = %{{x:.2f}}: {} %{{y:,.0f}} channels".format
    data = [
        line(ratios, [b * w for b, w in zip(ratios, curve, strict=True)], BOTTLENECK, 3, says=says("interface")),
        line(ratios, curve, LIGHT_BOTTLENECK, 3, "dash", says=says("inner width")),
        line([ratio, ratio], [own, ratio * own], ACCENT, 2),
        dot(ratio, ratio * own, BOTTLENECK, says=formatted("interface: {:,.0f} channels", ratio * own)),
        dot(ratio, own, LIGHT_BOTTLENECK, "diamond", says=formatted("inner width: {:,.0f} channels", own)),
        words("<b>interface</b>", ratios[-1], ratios[-1] * curve[-1], BOTTLENECK),
        words("inner width", ratios[-1], curve[-1], CONTEXT),
    ]
    layout = {
        "height": 380,
        "xaxis": axis(
            type="log",
            title={"text": "C / w"},
            tickvals=[0.25, 0.5, 1, 2, 4, 8, 16],
            ticktext=["1/4", "1/2", "1", "2", "4", "8", "16"],
            range=[-0.62, 1.62],
            showgrid=True,
        ),
        "yaxis": axis(
            type="log",
            title={"text": "channels"},
            tickvals=[16, 64, 256, 1024],
            range=[0.9, 3.6],
            showgrid=True,
            automargin=True,
        ),
    }
    group = own if size is None else size
    numbers = {
        "interface C": formatted("{:,.0f}", ratio * own),
        "inner width w": formatted("{:,.0f}", own),
        "the 3×3 takes": formatted("{:.0%}", 9 * own * group / budget),
        "numbers written per pixel": formatted("{:,.0f}", ratio * own + 2 * own),
    }
    return figure(data, layout, numbers, [handle("ratio", "point 3 0", "middle")])
