"""The figure of "Start here"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted
from resnet_lib.book.plot import UNITS, axis, bar, figure, label
from resnet_lib.colours import BASIC, BOTTLENECK, LIGHT_BASIC
from resnet_lib.cost import price
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import network


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
    bars = [bar(cost, 2 - i, colour) for i, (cost, colour) in enumerate(zip(costs, colours, strict=True))]
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
    return figure(bars, layout, numbers)


def _title(net: NetworkSpec, cost: Any, symbol: str) -> Any:
    first, last = net.stages[0].first.out_channels, net.stages[-1].first.out_channels
    words = f"<b>{net.block}</b>, {{:,d}} … {{:,d}} channels, {{:,d}} layers: <b>{{:,.2f}} {symbol}</b>"
    return formatted(words, first, last, net.layers, cost)
