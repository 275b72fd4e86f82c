"""The figures of "The shortcut". What a shortcut costs is its projection, with the BatchNorm after it."""

from __future__ import annotations

from resnet_lib.book.explore import Figure, formatted, pick
from resnet_lib.book.plot import UNITS, axis, bar, figure, label, told
from resnet_lib.colours import BASIC, BOTTLENECK, CONTEXT
from resnet_lib.cost import price
from resnet_lib.zoo import network

LIGHT_CONTEXT = "rgba(138,143,152,0.35)"  # the grey of shortcuts, for those that only option C adds
WINDOWS = {"1×1": (1, 0), "2×2 average": (2, 0), "3×3": (3, 1)}  # pixels along a side of the window, and padding
SIDE = 16  # pixels of the map in `what_it_reads`


def cost_of_shortcuts(conv3_x: int = 4, conv4_x: int = 6, unit: str = "parameters") -> Figure:
    """Show what each stage costs, with basic blocks and with bottlenecks. The branches are in colour, and they are all
    that option A has. Grey is what the projections of option B add. Pale grey is what option C adds to that.

    `conv3_x` and `conv4_x` are the numbers of blocks in these stages; the other stages have three each. `unit` is
    "parameters", "MACs" or "activations", for a 224 × 224 image and 1000 classes.
    """
    field, size, symbol = UNITS[unit]
    bars, labels, numbers = [], [], {}
    blocks = (("basic blocks", "resnet34", BASIC, 9.5), ("bottlenecks", "resnet50", BOTTLENECK, 4))
    for name, net, colour, top in blocks:
        options = [price(network(net, depths=(3, conv3_x, conv4_x, 3), shortcut=option)) for option in "ABC"]
        labels.append(label(f"<b>{name}</b>", x=0, y=top + 0.3))
        for i in range(1, 5):
            a, b, c = (getattr(bill.by("stage")[f"layer{i}"], field) for bill in options)
            y = top - i + 0.2
            parts = (("branches", a, colour), ("added by B", b - a, CONTEXT), ("added by C", c - b, LIGHT_CONTEXT))
            for what, cost, shade in parts:
                says = f"conv{i + 1}_x, {what}: {{:,.2f}} {symbol} {unit}"
                bars.append(bar(cost / size, y, shade, says=formatted(says, cost / size)))
            words = f"conv{i + 1}_x: {{:,.2f}} {symbol}, with B {{:,.2f}} {symbol}, with C {{:,.2f}} {symbol}"
            labels.append(label(formatted(words, a / size, b / size, c / size), x=0, y=y + 0.42))
        for option, bill in zip("BC", options[1:], strict=True):
            own = getattr(bill, field) - getattr(options[0], field)
            numbers[f"{option}'s shortcuts, {name}"] = formatted(
                f"{{:,.2f}} {symbol}, {{:.1%}}", own / size, own / getattr(bill, field)
            )
    layout = {
        "height": 520,
        "barmode": "stack",
        "xaxis": axis(title={"text": f"{symbol} {unit}"}, rangemode="tozero", showgrid=True),
        "yaxis": axis(visible=False, range=[-0.15, 10.2]),
        "annotations": labels,
    }
    return figure([one | {"width": 0.42} for one in bars], layout, numbers)


def what_it_reads(blocks: int = 1, window: str = "1×1") -> Figure:
    """Show which pixels of a map are read by strided blocks. Circles are pixels, and those that are read are filled.

    `blocks` (1 to 3) is the number of strided blocks in a row. `window` is what steps by two pixels in each of them:
    the "1×1" of a projection (option A reads the same pixels), a "2×2 average", or the "3×3" of a branch. The area of a
    dot is the number of paths from its pixel to the output, relative to the most that a pixel has.
    """
    ways = [_ways(*WINDOWS[window], n) for n in (1, 2, 3)]
    pixels = [(x, y) for y in range(SIDE) for x in range(SIDE)]
    sizes = [[round(13 * (w[x] * w[y]) ** 0.5 / max(w), 1) for x, y in pixels] for w in ways]
    counts = [pick(blocks - 1, [w[x] * w[y] for w in ways]) for x, y in pixels]
    read = pick(blocks - 1, [sum(size > 0 for size in each) for each in sizes])
    place = {"x": [x for x, _ in pixels], "y": [SIDE - 1 - y for _, y in pixels], "type": "scatter", "mode": "markers"}
    colour = BASIC if window == "3×3" else CONTEXT
    dots = {"size": [pick(blocks - 1, each) for each in zip(*sizes, strict=True)], "color": colour, "opacity": 1}
    circles = {"size": 6, "color": "rgba(0,0,0,0)", "line": {"color": CONTEXT, "width": 1}}
    square = {"range": [-0.7, SIDE - 0.3], "visible": False, "constrain": "domain"}
    layout = {
        "height": 330,
        "margin": {"l": 4, "r": 4, "t": 4, "b": 4},
        "xaxis": axis(**square),
        "yaxis": axis(scaleanchor="x", **square),
    }
    data = [
        place | {"marker": circles, "hoverinfo": "skip"},
        place
        | {"marker": dots | {"line": {"width": 0}}, "customdata": counts}
        | told("%{customdata:d} paths to the output"),
    ]
    side = SIDE // 2**blocks
    numbers = {
        "the map becomes": formatted("{:d} × {:d} pixels", side, side),
        "pixels that are read": formatted("{:d} of {:d}", read, SIDE**2),
        "that is": formatted("{:.0%}", read / SIDE**2),
        "most paths from one pixel": formatted("{:d}", pick(blocks - 1, [max(w) ** 2 for w in ways])),
    }
    return figure(data, layout, numbers)


def _ways(kernel: int, padding: int, blocks: int) -> list[int]:
    """Count, along one side, the paths of each pixel to the output through `blocks` windows at stride 2."""
    ways = [1] * (SIDE // 2**blocks)
    for _ in range(blocks):
        before = [0] * (2 * len(ways))
        for i, way in enumerate(ways):
            for pixel in range(2 * i - padding, 2 * i - padding + kernel):
                if 0 <= pixel < len(before):
                    before[pixel] += way
        ways = before
    return ways
