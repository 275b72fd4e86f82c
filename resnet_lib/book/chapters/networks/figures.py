"""The figures of "From 18 to 152"."""

from __future__ import annotations

from functools import cache
from math import log10
from typing import Any

from resnet_lib.book.explore import Figure, formatted, smallest
from resnet_lib.book.plot import SYMBOLS, UNITS, axis, bar, figure, label, told
from resnet_lib.colours import ACCENT, BASIC, BOTTLENECK, OF_BLOCK
from resnet_lib.cost import Bill, price
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import network

# Each named network's label on the map, and its side for both choices of the vertical axis. Two networks that nearly
# coincide share a label, and the second has none.
LABELS = {
    "resnet18": ("ResNet-18", "middle left", "middle left"),
    "resnet34": ("ResNet-34", "middle left", "middle right"),
    "resnet50": ("ResNet-50", "middle right", "middle left"),
    "resnext50_32x4d": ("ResNeXt-50", "", "middle left"),
    "resnet101": ("ResNet-101", "middle right", "top center"),
    "wide_resnet50_2": ("WRN-50-2", "middle left", "middle right"),
    "resnet152": ("ResNet-152", "middle right", "middle left"),
    "resnext101_64x4d": ("", "", ""),
    "resnext101_32x8d": ("ResNeXt-101", "middle right", "middle right"),
    "wide_resnet101_2": ("WRN-101-2", "middle left", "middle right"),
}
NAMES = {
    "resnext101_32x8d": "ResNeXt-101 32×8d",
    "resnext101_64x4d": "ResNeXt-101 64×4d",
}  # the full names of networks whose LABELS are short
SHARED = {"parameters": {"resnet50": "ResNet-50, ResNeXt-50"}}


def stage_by_stage(unit: str = "MACs", against: str = "ResNet-50") -> Figure:
    """The cost of each stage of ResNet-34 and of a network of bottlenecks, and how many blocks the stage has.

    `unit` is "MACs", "parameters" or "activations". `against` names the network of bottlenecks.
    """
    field, size, symbol = UNITS[unit]
    nets = network("resnet34"), network(against.lower().replace("-", ""))
    bills = [price(net) for net in nets]
    stages = [bill.by("stage") for bill in bills]
    rows = [getattr(costs[name], field) / size for name in stages[0] for costs in stages]
    longest = max(rows)
    bars, labels = [], []
    for i, name in enumerate(stages[0]):
        middle = 1.35 * (len(stages[0]) - 1 - i)
        labels.append(label(_stage_title(name, nets), 0, middle + 0.56))
        for net, costs, y in zip(nets, stages, (middle + 0.18, middle - 0.2), strict=True):
            cost = getattr(costs[name], field) / size
            says = f"{net.layers} layers: {cost:,.2f} {symbol} {unit}"
            bars.append(bar(cost, y, OF_BLOCK[net.block], says=says) | {"width": 0.34})
            labels.append(label(f"{cost:,.2f}", cost, y, xshift=4, font={"color": OF_BLOCK[net.block]}))
    layout = {
        "height": 470,
        "xaxis": axis(title={"text": f"{symbol} {unit}"}, range=[0, 1.16 * longest], showgrid=True),
        "yaxis": axis(visible=False, range=[-0.55, 7.55]),
        "annotations": labels,
    }
    totals = [getattr(bill, field) for bill in bills]
    shares = [getattr(costs["layer3"], field) / total for costs, total in zip(stages, totals, strict=True)]
    numbers = {
        "blue, ResNet-34": f"{totals[0] / size:,.2f} {symbol}",
        "orange, bottlenecks": f"{totals[1] / size:,.2f} {symbol}",
        "orange over blue": f"{totals[1] / totals[0]:.2f} ×",
        "conv4_x's share, blue": formatted("{:.1%}", shares[0]),
        "conv4_x's share, orange": formatted("{:.1%}", shares[1]),
    }
    return figure(bars, layout, numbers)


def _stage_title(name: str, nets: tuple[NetworkSpec, ...]) -> str:
    """Return the paper's name of a stage, with its number of blocks in each network."""
    if not name.startswith("layer"):
        return {"stem": "<b>conv1</b>, the stem", "head": "<b>classifier</b>"}[name]
    i = int(name.removeprefix("layer")) - 1
    counts = list(dict.fromkeys(str(net.depths[i]) for net in nets))
    return f"<b>conv{i + 2}_x</b>, {' and '.join(counts)} blocks"


def your_own(
    block: str = "bottleneck",
    conv3_x: int = 4,
    conv4_x: int = 6,
    width: int = 64,
    upright: str = "parameters",
) -> Figure:
    """A map of the named ImageNet networks by their costs, with a network of your own. Both axes are logarithmic.

    `block` is "basic", "bottleneck" or "wide bottleneck", whose 3×3 has twice the channels. `conv3_x` and `conv4_x` are
    the numbers of blocks in stages 2 and 3. Stages 1 and 4 have three blocks each, or as many as stage 2 if it has
    fewer. `width` is the number of channels of the stem and of stage 1, and it doubles from stage to stage. `upright`
    says what the vertical axis shows.
    """
    ends = smallest(3, conv3_x)
    own = NetworkSpec(
        block="basic" if block == "basic" else "bottleneck",
        depths=(ends, conv3_x, conv4_x, ends),
        widths=tuple(width * 2**i for i in range(4)),
        stem_width=width,
        width_per_group=128 if block.startswith("wide") else 64,
    )
    field, size, symbol = UNITS[upright]
    bill = price(own)
    here = bill.macs / 1e9, getattr(bill, field) / size
    low, high, ticks = {
        "parameters": (1.5, 1200, [2, 5, 10, 20, 50, 100, 200, 500]),
        "activations": (0.8, 90, [1, 2, 5, 10, 20, 50]),
    }[upright]
    data = [
        *(_named(name, upright) for name in LABELS),
        _ring(*here, upright),
    ]
    marks = (("● basic", BASIC), ("◆ bottleneck", BOTTLENECK), ("◯ yours", ACCENT))
    corner: dict[str, Any] = {"xref": "paper", "yref": "paper"}
    layout = {
        "height": 440,
        "margin": {"l": 31, "r": 12, "t": 8, "b": 40},  # on the left the widest ticks: the plot stays in place
        "xaxis": axis(
            type="log",
            title={"text": "G MACs"},
            tickvals=[0.3, 1, 3, 10, 30, 100],
            range=[_log10(0.25), _log10(230)],
            showgrid=True,
        ),
        "yaxis": axis(
            type="log",
            title={"text": f"{symbol} {upright}"},
            tickvals=ticks,
            range=[_log10(low), _log10(high)],
            showgrid=True,
            automargin=True,
        ),
        "annotations": [
            label(words, 0.02, 0.97 - 0.055 * i, font={"color": colour}, **corner)
            for i, (words, colour) in enumerate(marks)
        ],
    }
    numbers = {
        "layers": formatted("{:,d}", own.layers),
        "parameters": formatted("{:,.2f} M", bill.params / 1e6),
        "MACs": formatted("{:,.2f} G", bill.macs / 1e9),
        "activations": formatted("{:,.2f} M", bill.activations / 1e6),
        "MACs over ResNet-50's": formatted("{:,.2f} ×", bill.macs / _bill("resnet50").macs),
    }
    return figure(data, layout, numbers)


@cache
def _bill(name: str) -> Bill:
    return price(network(name))


def _named(name: str, upright: str) -> Figure:
    """Return the mark of a named network on the map, with its label."""
    field, size, _ = UNITS[upright]
    words, *sides = LABELS[name]
    side = sides[list(UNITS)[1:].index(upright)]
    words = SHARED.get(upright, {}).get(name, words)
    bill, block = _bill(name), network(name).block
    marker = {"color": OF_BLOCK[block], "size": 8, "symbol": SYMBOLS[block]}
    place = {"x": [bill.macs / 1e9], "y": [getattr(bill, field) / size]}
    written = (
        {"mode": "markers+text", "text": [f"\u2002{words}\u2002"], "textposition": side}
        if side
        else {"mode": "markers"}
    )
    options = {"marker": marker, "textfont": {"color": OF_BLOCK[block]}, "cliponaxis": False}
    return {"type": "scatter"} | place | written | options | _told(NAMES.get(name, LABELS[name][0]), upright)


def _ring(x: Any, y: Any, upright: str) -> Figure:
    """Return the mark of the reader's own network: a ring, so that a named network inside it still shows."""
    marker = {"color": ACCENT, "size": 18, "symbol": "circle-open", "line": {"width": 3, "color": ACCENT}}
    place = {"x": [x], "y": [y], "cliponaxis": False}
    return {"type": "scatter", "mode": "markers", "marker": marker} | place | _told("yours", upright)


def _told(name: str, upright: str) -> Figure:
    """Return the words that name both costs of a network on the map."""
    return told(f"{name}: %{{x:,.2f}} G MACs, %{{y:,.2f}} {UNITS[upright][2]} {upright}")


def _log10(value: float) -> float:
    return round(log10(value), 4)
