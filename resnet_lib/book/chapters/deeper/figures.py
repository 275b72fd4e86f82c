"""The figures of "Deeper got worse". Their numbers are measured in the chapter, or are recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from resnet_lib.book.explore import Figure
from resnet_lib.book.plot import axis, figure, label, line, told
from resnet_lib.colours import BASIC, CONTEXT

# The axis for each measure of a block's output, and how the numbers beside the plot are written.
MEASURES: dict[str, tuple[Figure, str]] = {
    "signal": ({"title": {"text": "RMS of the output"}, "range": [0, 5.7], "dtick": 1}, "{:.2f}"),
    "gradient": (
        {
            "title": {"text": "norm of the gradient, last block = 1"},
            "type": "log",
            "range": [-0.5, 8.3],
            "tickvals": [1, 1e2, 1e4, 1e6, 1e8],
            "ticktext": ["1", "100", "10 k", "1 M", "100 M"],
        },
        "{:,.0f} ×",
    ),
    "twins": (
        {
            "title": {"text": "distance between twins' outputs"},
            "type": "log",
            "range": [-3.2, 0.4],
            "tickvals": [1e-3, 1e-2, 1e-1, 1],
            "ticktext": ["0.1 %", "1 %", "10 %", "100 %"],
        },
        "{:.1%}",
    ),
    "agreement": (
        {"title": {"text": "cosine of twins' gradients"}, "range": [-0.3, 1.08], "tickvals": [0, 0.5, 1]},
        "{:.2f}",
    ),
}
SERIES = {"plain": (CONTEXT, "square", "■ plain"), "resnet": (BASIC, "circle", "● residual")}

Rows = Mapping[str, list[float]]  # measure → its value at the output of each block


def profile(rows: Mapping[tuple[str, int], Rows], layers: int, measure: str) -> Figure:
    """Draw a measure along the blocks of a plain and a residual network with `layers` layers. Thin lines: other depths.

    `rows[kind, layers]`, with `kind` "plain" or "resnet", holds one value a block (two layers) for each measure.
    """
    scale, written = MEASURES[measure]
    data, numbers = [], {}
    for kind, depth in rows:
        if depth != layers:
            colour, _, _ = SERIES[kind]
            data.append(_course(rows[kind, depth][measure], colour, 1) | {"opacity": 0.45})
    for kind, (colour, symbol, name) in SERIES.items():
        values = rows[kind, layers][measure]
        marks = {"mode": "lines+markers", "marker": {"color": colour, "symbol": symbol, "size": 5}}
        says = f"{name[2:]}, after %{{x}} layers: {measure} {written.replace('{', '%{y')}"
        data.append(_course(values, colour, 2.5, says) | marks)
        for i, place in ((0, "first"), (-1, "last")):
            numbers[f"{name[2:]}, {place} block"] = written.format(_plain_zero(values[i]))
    names = [
        label(f"<b>{name}</b>", x, 1, xref="paper", yref="paper", yanchor="bottom", font={"color": colour})
        for x, (colour, _, name) in zip((0.02, 0.25), SERIES.values(), strict=True)
    ]
    layout = {
        "height": 380,
        # The widest measure's ticks fit on the left, so the plot stays in place.
        "margin": {"l": 46, "r": 12, "t": 28, "b": 40},
        "xaxis": axis(title={"text": "layers passed"}, range=[0, 112], tickvals=[0, 20, 32, 56, 110]),
        "yaxis": axis(automargin=True, showgrid=True, **scale),
        "annotations": names,
    }
    return figure(data, layout, numbers)


ERRORS = {"while learning": "running_errors", "on new images": "test_errors"}  # and the field of a recorded row


def trained(rows: Sequence[Mapping[str, Any]], error: str, epochs: int) -> Figure:
    """Draw the error of plain and residual networks by their depth, after `epochs` epochs: each run, and the medians.

    `rows` are those of `resnet_lib.records.experiment("degradation")`.
    """
    data: list[Figure] = []
    names: list[Figure] = []
    numbers = {}
    for colour, symbol, name in SERIES.values():
        _, kind = name.split()
        runs: dict[int, list[float]] = {}
        for row in rows:
            if row["case"].startswith(kind):
                runs.setdefault(row["layers"], []).append(round(100 * row[ERRORS[error]][epochs - 1], 2))
        medians = {layers: median(errors) for layers, errors in runs.items()}
        places = [(layers, value) for layers, errors in runs.items() for value in errors]
        marker = {"color": colour, "symbol": f"{symbol}-open", "size": 7}
        dots: Figure = {"x": [at for at, _ in places], "y": [value for _, value in places], "marker": marker}
        says, value = f"{kind}, %{{x}} layers, ", ": %{y:.1f} %"
        data.append(line(list(medians), list(medians.values()), colour, 2.5, says=f"{says}the median{value}"))
        data.append({"type": "scatter", "mode": "markers"} | dots | told(f"{says}a run{value}"))
        x, words = 0.25 * len(names) + 0.02, {"xref": "paper", "yref": "paper", "yanchor": "bottom"}
        names.append(label(f"<b>{name}</b>", x, 1, font={"color": colour}, **words))
        for layers in (min(medians), max(medians)):
            numbers[f"{kind}, {layers} layers"] = f"{medians[layers]:.1f} %"
    layout = {
        "height": 360,
        "margin": {"l": 4, "r": 12, "t": 28, "b": 40},
        "xaxis": axis(title={"text": "layers"}, range=[0, 115], tickvals=sorted(medians)),
        "yaxis": axis(
            automargin=True, showgrid=True, title={"text": "error, %"}, range=[-2, 100], tickvals=[0, 25, 50, 75, 100]
        ),
        "annotations": names,
    }
    return figure(data, layout, numbers)


def _course(values: list[float], colour: str, width: float, says: str | None = None) -> dict[str, Any]:
    """Return a line with a point at each block. The first block ends with the network's third layer."""
    return line([3 + 2 * i for i in range(len(values))], values, colour, width, says=says)


def _plain_zero(value: float) -> float:
    """Return `value` without the minus sign that rounding would leave before a zero."""
    return value if abs(value) >= 0.005 else abs(value)
