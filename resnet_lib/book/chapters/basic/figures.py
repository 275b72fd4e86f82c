"""The figures of "The basic block"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.explore import Figure, formatted, largest
from resnet_lib.book.plot import axis, bar, dot, figure, handle, label, line
from resnet_lib.colours import ACCENT, BASIC, CONTEXT
from resnet_lib.cost import price
from resnet_lib.cost.memory import memory
from resnet_lib.spec import BlockSpec

STAGES = {"conv2_x": (64, 56), "conv3_x": (128, 28), "conv4_x": (256, 14), "conv5_x": (512, 7)}  # of ResNet-18 and -34
REACH = 4  # the largest x of `bend`


def bend(x: float = 3, slope: float = -2, threshold: float = 1) -> Figure:
    """What a basic block makes of one number x, with its last ReLU after the addition and with the ReLU before it.

    The branch is F(x) = v · max(0, x − t). `slope` is v, the weight of the second convolution, and `threshold` is t,
    the x from which on the first ReLU is open. `x` comes from the shortcut. It has been through a ReLU, so it is not
    negative.
    """

    def branch(x: Any) -> Any:
        return slope * largest(0, x - threshold) + 0  # adding 0 removes the minus of a negative zero

    def after(x: Any) -> Any:
        return largest(0, x + branch(x))

    def before(x: Any) -> Any:
        return x + largest(0, branch(x))

    # Both curves are straight between these values of x: the bend, and where the falling line meets zero. For v of −1
    # or more the line does not fall to zero, and the value is outside the plot.
    zero = threshold + threshold / largest(-1 - slope, 0.05)
    corners = [0, threshold, zero, zero + REACH]
    endings = {
        "<b>ReLU after the addition</b>": (after, BASIC, "solid", 3.5),
        "ReLU before it": (before, ACCENT, "dash", 2.5),
    }
    data = [line([0, REACH], [0, REACH], CONTEXT, 9) | {"opacity": 0.35}]
    data.append(line([x, x], [x, after(x)], CONTEXT, 1.5, dash="dot"))
    data.append(line([0.1, 0.42], [5.3, 5.3], CONTEXT, 9) | {"opacity": 0.35})
    annotations = [label("the shortcut alone: y = x", 0.52, 5.3)]
    for i, (name, (ending, colour, dash, width)) in enumerate(endings.items()):
        says = f"{name.replace('<b>', '').replace('</b>', '')}: y = %{{y:.2f}} at x = %{{x:.2f}}"
        data.append(line(corners, [ending(corner) for corner in corners], colour, width, dash, says))
        data.append(line([0.1, 0.42], [6.9 - 0.8 * i] * 2, colour, width, dash))
        annotations.append(label(name, 0.52, 6.9 - 0.8 * i))
    data += [
        dot(x, before(x), ACCENT, symbol="diamond", says=formatted("ReLU before: {:.2f}", before(x))),
        dot(x, after(x), BASIC, says=formatted("ReLU after: {:.2f}", after(x))),
    ]
    layout = {
        "height": 380,
        "margin": {"l": 4, "r": 12, "t": 8, "b": 44, "pad": 0},
        "xaxis": axis(title={"text": "x, from the shortcut"}, range=[-0.1, REACH + 0.1], dtick=1),
        "yaxis": axis(
            title={"text": "y, the block's output", "standoff": 10}, range=[-0.25, 7.7], dtick=1, automargin=True
        ),
        "annotations": annotations,
    }
    numbers = {
        "x, from the shortcut": formatted("{:.2f}", x),
        "F(x), from the branch": formatted("{:.2f}", branch(x)),
        "ReLU after: max(0, x + F(x))": formatted("{:.2f}", after(x)),
        "ReLU before: x + max(0, F(x))": formatted("{:.2f}", before(x)),
    }
    return figure(data, layout, numbers, [handle("x", f"point {len(data) - 1} 0", "middle")])


def _costs(channels: Any, size: Any) -> dict[str, Any]:
    """Return a basic block's costs for one image: the weights are its convolutions', the numbers are float32."""
    bill = price(BlockSpec("basic", channels), image=size)
    return {
        "weights": bill.by("kind")["conv"].params,
        "MACs": bill.macs,
        "activations": bill.activations,
        "bytes kept": memory(bill).activations,
    }


def four_stages(channels: int = 64, size: int = 56, unit: str = "weights") -> Figure:
    """What a basic block costs in each of ResNet-18's four stages, and what a block of your own costs.

    Your block has `channels` channels, and the sides of its maps are `size` pixels long. `unit` is "weights", "MACs",
    "activations" or "bytes kept". The last are the bytes that training keeps for one image, in float32, from the
    forward pass until the backward pass.
    """
    rows = {**STAGES, "yours": (channels, size)}
    data, annotations = [], []
    for y, (name, (c, side)) in zip(range(len(rows) - 1, -1, -1), rows.items(), strict=True):
        cost = _costs(c, side)[unit]
        says = formatted(f"{{:,d}} {unit}", cost)
        data.append(bar(cost, y, ACCENT if name == "yours" else BASIC, says=says))
        words = formatted(f"<b>{name}</b>, {{:,d}} channels at {{:,d}} × {{:,d}}: {{:,d}}", c, side, side, cost)
        annotations.append(label(words, 0, y + 0.4))
    layout = {
        "height": 380,
        "xaxis": axis(title={"text": unit}, rangemode="tozero", showgrid=True, nticks=5, exponentformat="SI"),
        "yaxis": axis(visible=False, range=[-0.45, 4.75]),
        "annotations": annotations,
    }
    numbers = {f"your {name}": formatted("{:,d}", cost) for name, cost in _costs(channels, size).items()}
    return figure(data, layout, numbers, [handle("channels", f"bar {len(data) - 1} 0")])
