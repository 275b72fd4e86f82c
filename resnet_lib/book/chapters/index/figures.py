"""The figure of "Start here"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted, largest
from resnet_lib.book.plot import UNITS, area, axis, bar, figure, handle, label, line
from resnet_lib.colours import BASIC, BOTTLENECK, CONTEXT, LIGHT_BASIC, LIGHT_BOTTLENECK
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import network

SIDE = 56  # pixels of the map that enters `two_blocks`
HIGH = {2: 1.0, 3: 2 / 3}  # of one of a block's convolutions, in a drawing that is two high


def two_blocks(channels: int = 256, width: int = 64) -> Figure:
    """The two blocks with the same ends, drawn as wide as their maps have channels, and what each of them costs.

    `channels` enter and leave both blocks, `width` is the bottleneck's waist. Costs are for one map of 56 × 56.
    """
    blocks = BlockSpec("basic", channels), BlockSpec("bottleneck", channels, width)
    data: list[Figure] = []
    notes, ends = [], {}
    for block, centre, colours in (
        (blocks[0], -310, {3: BASIC}),
        (blocks[1], 330, {1: LIGHT_BOTTLENECK, 3: BOTTLENECK}),
    ):
        maps = [block.in_channels, *(conv.out_channels for conv in block.convolutions)]
        high = HIGH[len(block.convolutions)]
        for i, conv in enumerate(block.convolutions):
            above, below = maps[i] / 2, maps[i + 1] / 2
            outline = [centre - above, centre + above, centre + below, centre - below]
            heights = [-i * high, -i * high, -(i + 1) * high, -(i + 1) * high]
            says = formatted(f"{conv.kernel}×{conv.kernel}: {{:,d}} → {{:,d}} channels", maps[i], maps[i + 1])
            data.append(area(outline, heights, colours[conv.kernel], says))
            notes.append(label(f"{conv.kernel}×{conv.kernel}", centre, -(i + 0.5) * high, xanchor="center"))
        for i, size in enumerate(maps):
            ends[block.block, i] = f"line {len(data)}"
            says = formatted("{:,d} channels", size)
            data.append(line([centre - size / 2, centre + size / 2], [-i * high] * 2, colours[3], 5, says=says))
            notes.append(label(formatted("{:,d}", size), centre - size / 2, -i * high, xanchor="right", xshift=-6))
        arc = [centre + channels / 2 + 80 * t * (1 - t) for t in (j / 20 for j in range(21))]
        data.append(line(arc, [-2 * j / 20 for j in range(21)], CONTEXT, 1.5))
        notes.append(label(f"<b>{block.block} block</b>", centre, 0.24, xanchor="center"))
    bills = [price(block, SIDE) for block in blocks]
    fields = {"weights": "params", "MACs": "macs", "activations": "activations"}
    numbers = {}
    for row, (name, field) in enumerate(fields.items()):
        a, b = (getattr(bill.by("kind")["conv"], field) for bill in bills)
        for cost, y, colour in ((a, 2.2 - row, BASIC), (b, 2.0 - row, BOTTLENECK)):
            says = formatted(f"{{:,d}} {name}", cost)
            data.append(bar(cost / largest(a, b), y, colour, "2", says) | {"width": 0.2})  # a share of the larger cost
        words = formatted(f"<b>{name}</b> {{:,d}} and {{:,d}}", a, b)
        notes.append(label(words, 0, 2.52 - row, "2"))
        numbers[f"bottleneck's {name}"] = formatted("{:.1%}", b / a)
    layout = {
        "height": 470,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "xaxis": axis(visible=False, range=[-640, 620]),
        "yaxis": axis(visible=False, range=[-2.1, 0.45], domain=[0.4, 1]),
        "xaxis2": axis(visible=False, range=[0, 1.02], anchor="y2"),
        "yaxis2": axis(visible=False, range=[-0.2, 2.75], domain=[0, 0.36], anchor="x2"),
        "annotations": notes,
    }
    handles = [handle("width", ends["bottleneck", 1], 1), handle("channels", ends["bottleneck", 0], 1)]
    return figure(data, layout, numbers, handles, ghost=False)


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
    field, size, symbol = UNITS[unit]
    costs = [getattr(price(net), field) / size for net in networks]
    colours = (BASIC, BOTTLENECK, LIGHT_BASIC)
    bars = [
        bar(cost, 2 - i, colour, says=formatted(f"{{:,.2f}} {symbol} {unit}", cost))
        for i, (cost, colour) in enumerate(zip(costs, colours, strict=True))
    ]
    labels = [
        label(_title(net, cost, symbol), x=0, y=2 - i + 0.38)
        for i, (net, cost) in enumerate(zip(networks, costs, strict=True))
    ]
    layout = {
        "height": 290,
        "xaxis": axis(title={"text": f"{symbol} {unit}"}, rangemode="tozero", showgrid=True),
        "yaxis": axis(visible=False, range=[-0.45, 2.75]),
        "annotations": labels,
    }
    numbers = {
        "layers: basic, bottleneck": formatted("{:,d}, {:,d}", networks[0].layers, networks[1].layers),
        "bottleneck over basic": formatted("{:.2f} ×", costs[1] / costs[0]),
        "as wide, but basic, over bottleneck": formatted("{:.1f} ×", costs[2] / costs[1]),
    }
    return figure(bars, layout, numbers, [handle("width", "bar 2 0")])


def _title(net: NetworkSpec, cost: Any, symbol: str) -> Any:
    first, last = net.stages[0].first.out_channels, net.stages[-1].first.out_channels
    words = f"<b>{net.block}</b>, {{:,d}} … {{:,d}} channels, {{:,d}} layers: <b>{{:,.2f}} {symbol}</b>"
    return formatted(words, first, last, net.layers, cost)
