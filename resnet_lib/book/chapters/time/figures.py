"""The figures of what a machine really does, from recorded rows."""

from __future__ import annotations

from math import log10
from typing import Any

from resnet_lib.book.explore import Figure, formatted
from resnet_lib.book.plot import SYMBOLS, axis, figure, label, line, told, words
from resnet_lib.colours import CONTEXT, OF_BLOCK
from resnet_lib.cost import price
from resnet_lib.cost.roofline import intensity
from resnet_lib.records import timings
from resnet_lib.zoo import network

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}  # of a number
HEIGHT, MARGINS, LINE = 460, 48, 17  # pixels: of the figure, above and below the plot, of a label


def measured_roofline(record: dict[str, Any], batch: int | None = None) -> Figure:
    """A machine's measured ceilings, and under them each network that was measured at inference.

    `record` is one of `records.machines()`, `batch` one that it holds (by default the largest). To the right the MACs
    that a network does for a byte (`rl.intensity`: nothing fused, nothing kept in a cache), upwards those that it
    achieved in a second; both axes are logarithmic. The ceilings are a large copy's bytes per second times the
    intensity, and a large matrix product's MACs per second. Where caches save bytes, a network may be above the
    slanted one. Percentages are shares of the matrix product's.

    Raises ValueError for a batch without rows.
    """
    rows = [row for row in record["rows"] if row["mode"] == "inference"]
    batch = max((row["batch"] for row in rows), default=1) if batch is None else batch
    rows = [row for row in rows if row["batch"] == batch]
    measured = timings(record, "inference", batch)
    top, copied = record["limits"]["macs_per_second"], record["limits"]["bytes_per_second"]
    ridge = top / copied
    points = []
    for row, timing in zip(rows, measured, strict=True):
        net = network(row["network"])
        x = intensity(price(net, row["image"], batch), BYTES[row["dtype"]])
        points.append((row["network"], net.block, x, timing.macs / timing.seconds))
    points.sort(key=lambda point: -point[-1])

    left = min(ridge, *(x for *_, x, _ in points)) / 3
    right = 2 * max(ridge, *(x for *_, x, _ in points))
    low, high = min(y for *_, y in points) / 3, 1.6 * max(top, *(y for *_, y in points))
    gap = LINE * log10(high / low) / (HEIGHT - MARGINS)
    data = [
        line([max(left, low / copied), ridge], [max(left * copied, low), top], CONTEXT, 2),
        line([ridge, right], [top, top], CONTEXT, 2),
        words(f"copy: {copied / 1e9:,.1f} GB/s", ridge, 10 ** (log10(top) + 0.6 * gap), CONTEXT)
        | {"textposition": "middle left"},
    ]
    labels = [(f"matrix product: {top / 1e9:,.0f}", CONTEXT, right, top)]
    for name, block, x, y in points:
        data.append(_mark(block, x, y, formatted(f"{name}: {{:,.1f}} GMAC/s", y / 1e9)))
        labels.append((formatted(f"{name}: {{:.0%}}", y / top), OF_BLOCK[block], x, y))
    labels.sort(key=lambda label: -label[-1])
    heights = _apart([log10(y) for *_, y in labels], gap, log10(low) + gap)
    annotations = []
    for (text, colour, x, y), height in zip(labels, heights, strict=True):  # in a column, a thin line to each
        data.append(line([x, right], [y, 10**height], CONTEXT, 0.6))
        annotations.append(label(text, 1, height, xref="paper", xshift=3, font={"color": colour}))
    layout = {
        "height": HEIGHT,
        "margin": {"l": 4, "r": 160, "t": 8, "b": 40, "pad": 0},
        "xaxis": axis(type="log", title={"text": "MACs per byte"}, range=[log10(left), log10(right)], showgrid=True)
        | _ticks(left, right),
        "yaxis": axis(type="log", title={"text": "GMAC/s"}, range=[log10(low), log10(high)], showgrid=True)
        | _ticks(low, high, 1e9)
        | {"automargin": True},
        "annotations": annotations,
    }
    name, *_, y = points[0]
    numbers = {
        "a matrix product": f"{top / 1e9:,.1f} GMAC/s",
        "a copy": f"{copied / 1e9:,.1f} GB/s",
        "the ceilings meet at": f"{ridge:,.1f} MACs per byte",
        "nearest to the peak": formatted(f"{name}, {{:.0%}}", y / top),
    }
    return figure(data, layout, numbers)


def _mark(block: str, x: float, y: float, says: str) -> Figure:
    marker = {"color": OF_BLOCK[block], "size": 9, "symbol": SYMBOLS[block]}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [y], "marker": marker} | told(says)


def _ticks(low: float, high: float, unit: float = 1.0) -> Figure:
    """1, 2, 5, 10, … as far as they lie within the axis."""
    values = [digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5)]
    values = [value for value in values if low <= value * unit <= high]
    return {"tickvals": [value * unit for value in values], "ticktext": [f"{value:,.4g}" for value in values]}


def _apart(heights: list[float], gap: float, lowest: float) -> list[float]:
    """Return the heights, in falling order, moved as little as needed to be a gap apart and not below the lowest."""
    placed: list[float] = []
    for height in heights:  # downwards, each below the one before
        placed.append(min(height, placed[-1] - gap) if placed else height)
    for i in range(len(placed) - 1, -1, -1):  # and up again, from the lowest that is allowed
        floor = placed[i + 1] + gap if i + 1 < len(placed) else lowest
        placed[i] = max(placed[i], floor)
    return placed
