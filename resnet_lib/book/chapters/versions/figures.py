"""The figures of "Versions and conventions"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure
from resnet_lib.book.plot import UNITS, axis, bar, figure, label
from resnet_lib.colours import BOTTLENECK, CONTEXT, LIGHT_BASIC, LIGHT_BOTTLENECK, OF_BLOCK
from resnet_lib.cost import Row, price
from resnet_lib.cost.conventions import CONVENTIONS, Convention, explain, report
from resnet_lib.cost.geometry import receptive_field
from resnet_lib.zoo import network

VERSIONS: dict[str, dict[str, Any]] = {
    "v1": {"stride_on": "1x1"},
    "v1.5": {},
    "v2": {"preactivation": True},
}
LIGHTER = {"basic": LIGHT_BASIC, "bottleneck": LIGHT_BOTTLENECK}
PLACES = {"conv1": "1×1, reduce", "conv2": "3×3", "conv3": "1×1, restore", "downsample.0": "1×1, projection"}

# The tools that print all digits, in the order of what they add to the multiply-adds.
TOOLS = ("flop_counter", "ptflops", "torchinfo", "fvcore", "deepspeed", "ptflops_pytorch", "thop", "fvcore_training")
PARTS = {"BatchNorm": ("batch_norm",), "ReLU": ("relu",), "pooling and bias": ("max_pool", "avg_pool", "linear")}


def _multiply_adds(unit: str) -> Convention:
    """Return the convention that counts the convolutions and the linear layer, and nothing else."""
    rule = {"macs": {"MACs": 1, "FLOPs": 2}[unit]}
    return Convention(says="multiply-adds", unit=unit, image={"conv": rule, "linear": rule})


def _only(kind: str) -> Convention:
    """Return the convention that counts the elements which operations of this kind write."""
    return Convention(says="elements", unit="MACs", image={kind: {"outputs": 1}})


def opening_block(version: str = "v1.5", stage: str = "conv3_x", unit: str = "MACs") -> Figure:
    """Show what each convolution costs in the block that opens a stage of ResNet-50, and all BatchNorms of this block.

    `version` is "v1" (the paper's stride), "v1.5" (torchvision's) or "v2" (pre-activation). `stage` is "conv3_x",
    "conv4_x" or "conv5_x". `unit` is "MACs", "parameters" or "activations", for one image of 224 × 224.
    """
    field, _, _ = UNITS[unit]
    nets = {name: network("resnet50", **options) for name, options in VERSIONS.items()}
    bills = {name: price(net) for name, net in nets.items()}
    block = f"layer{int(stage[4]) - 1}.0."
    rows = {name: [row for row in bill.rows if row.name.startswith(block)] for name, bill in bills.items()}
    own = rows[version]
    bars, labels = [], []
    convolutions = [(place, next(row for row in own if row.name == block + place)) for place in PLACES]
    for i, (place, row) in enumerate(convolutions):
        y, cost = 4 - i, getattr(row, field)
        colour = CONTEXT if row.on_shortcut else BOTTLENECK if place == "conv2" else LIGHT_BOTTLENECK
        says = f"{PLACES[place]}: {cost:,} {unit}"
        bars.append(bar(cost, y, colour, says=says))
        labels.append(label(f"<b>{PLACES[place]}</b>, {_sides(row)}: {cost:,}", 0, y + 0.42))
    norms = sum(getattr(row, field) for row in own if row.kind == "batch_norm")
    bars.append(bar(norms, 0, CONTEXT, says=f"BatchNorms: {norms:,} {unit}"))
    labels.append(label(f"<b>BatchNorms</b>: {norms:,}", 0, 0.42))
    longest = max(getattr(row, field) for each in rows.values() for row in each)
    layout = {
        "height": 400,
        "xaxis": axis(title={"text": unit}, range=[0, 1.02 * longest], showgrid=True),
        "yaxis": axis(visible=False, range=[-0.4, 4.8]),
        "annotations": labels,
    }
    whole, first = (getattr(bills[name], field) for name in (version, "v1"))
    numbers = {
        "this block": f"{sum(getattr(row, field) for row in own):,}",
        "all of ResNet-50": f"{whole:,}",
        "more than v1": f"{whole - first:,}".replace("-", "−"),
        "receptive field": f"{receptive_field(nets[version])} pixels",
    }
    return figure([one | {"width": 0.34} for one in bars], layout, numbers)


def _sides(row: Row) -> str:
    """Return the sides of the maps that a convolution reads and writes, in words."""
    before, after = row.input_shape[-1], row.output_shape[-1]
    return f"{before}² → {after}², stride 2" if before != after else f"{before}²"


def beside_multiply_adds(layers: int = 50, size: int = 224, unit: str = "million operations") -> Figure:
    """Show what each tool counts of a ResNet besides the multiply-adds of its convolutions and its linear layer.

    `layers` is 18, 34, 50, 101 or 152, and `size` the side of the image in pixels. `unit` is "million operations" or
    "per cent of the multiply-adds". A tool of FLOPs counts each multiply-add twice; its bar shows what it adds to that.
    """
    net = network(f"resnet{layers}")
    bill = price(net, image=size)
    one = bill.macs / 100 if unit.startswith("per cent") else 1e6
    colours = dict(zip(PARTS, (OF_BLOCK[net.block], LIGHTER[net.block], CONTEXT), strict=True))
    bars, labels = [], []
    for i, tool in enumerate(TOOLS):
        y, convention = len(TOOLS) - 1 - i, CONVENTIONS[tool]
        terms = explain(bill, convention, _multiply_adds(convention.unit)).terms
        for part, kinds in PARTS.items():
            amount = sum(term.amount for term in terms if term.kind in kinds)
            if amount:
                says = f"{part}: {amount:,} operations"
                bars.append(bar(amount / one, y, colours[part], says=says) | {"width": 0.34})
        labels.append(label(f"<b>{tool}</b>: {report(bill, tool):,} {convention.unit}", 0, y + 0.42))
    labels.append(label("From left to right: BatchNorm, ReLU, pooling and bias", 0, len(TOOLS) + 0.3))
    layout = {
        "height": 550,
        "barmode": "stack",
        "xaxis": axis(title={"text": unit}, rangemode="tozero", showgrid=True),
        "yaxis": axis(visible=False, range=[-0.4, len(TOOLS) + 0.6]),
        "annotations": labels,
    }
    numbers = {
        "multiply-adds": f"{bill.macs:,}",
        "written by BatchNorms": f"{report(bill, _only('batch_norm')):,}",
        "written by ReLUs": f"{report(bill, _only('relu')):,}",
    }
    return figure(bars, layout, numbers)
