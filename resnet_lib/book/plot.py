"""The parts that the book's figures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resnet_lib.book.explore import Figure, formatted
from resnet_lib.colours import BASIC, BOTTLENECK, LIGHT_BOTTLENECK
from resnet_lib.cost import Bill, price
from resnet_lib.spec import BlockSpec

UNITS = {  # field of the bill, its unit in a figure, and that unit's symbol
    "MACs": ("macs", 1e9, "G"),
    "parameters": ("params", 1e6, "M"),
    "activations": ("activations", 1e6, "M"),
}

SYMBOLS = {"basic": "circle", "bottleneck": "diamond"}  # of a network's mark: never by colour alone


def costs(block: BlockSpec, size: int, field: str) -> list[int]:
    """The cost of each convolution of a block."""
    bill: Bill = price(block, image=size)
    return [getattr(row, field) for row in bill.rows if row.kind == "conv"]


def figure(
    data: list[Figure],
    layout: Figure,
    numbers: dict[str, Any],
    handles: Sequence[Figure] = (),
    ghost: bool = True,
) -> Figure:
    """A figure function's result: the book's plain look, with `layout` on top.

    `handles` are what the reader can drag (see `handle`). `ghost` says whether the page may draw the figure as it was
    before behind it: not where the figure changes its own scale.
    """
    base = {
        "margin": {"l": 4, "r": 12, "t": 8, "b": 40, "pad": 0},
        "showlegend": False,
        "dragmode": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "meta": {"handles": list(handles), "ghost": ghost},
    }
    return {"data": data, "layout": base | layout, "numbers": numbers}


def handle(control: str, mark: str, where: str | int = "end", along: str = "x") -> Figure:
    """Something that sets a control when it is dragged: the end of a bar, a point.

    `mark` is its kind, its trace and its number there: "bar 2 0", "point 5 0", "line 3". `where` is a side of it
    ("start", "middle", "end", "top"), or of a line the number of a point. `along` is the direction in which it moves.
    """
    return {"control": control, "mark": mark, "where": where, "along": along}


def axis(**options: Any) -> Figure:
    """An axis without grid or zero line, that cannot be dragged; `options` on top."""
    return {"fixedrange": True, "showgrid": False, "zeroline": False} | options


def label(words: Any, x: Any, y: Any, axis: str = "", **options: Any) -> Figure:
    """Words at a place of the plot."""
    place = {"x": x, "y": y, "xref": f"x{axis}", "yref": f"y{axis}", "xanchor": "left", "yanchor": "middle"}
    return {"text": words, "showarrow": False, **place} | options


def bar(cost: Any, y: float, colour: str, axis: str = "", says: Any = None) -> Figure:
    """A horizontal bar from 0 to `cost`. `says` is what the reader is told of it."""
    place = {"x": [cost], "y": [y], "xaxis": f"x{axis}", "yaxis": f"y{axis}", "orientation": "h", "width": 0.5}
    return {"type": "bar", "marker": {"color": colour}} | place | told(says)


def told(says: Any) -> Figure:
    """What the page, and Plotly, tell of an item under the pointer.

    `says` holds for one item. A template, such as "%{x:,d} layers: %{y:.1%}", holds for each item of a trace: the page
    knows those of Plotly that name a list of the trace and a format of `formatted`.
    """
    if isinstance(says, str) and "%{" in says:
        return {"hovertemplate": f"{says}<extra></extra>"}
    return {"hoverinfo": "skip"} if says is None else {"hovertext": [says], "hoverinfo": "text"}


def stacked(block: BlockSpec, costs: list[Any], y: float, axis: str) -> list[Figure]:
    """One bar, a segment for each convolution; a bottleneck's 1×1 paler than its 3×3."""
    colours = {("basic", 3): BASIC, ("bottleneck", 3): BOTTLENECK, ("bottleneck", 1): LIGHT_BOTTLENECK}
    bars = []
    for conv, cost in zip(block.convolutions, costs, strict=True):
        words = formatted(f"{conv.kernel}×{conv.kernel}: {{:,d}}", cost)
        bars.append(bar(cost, y, colours[block.block, conv.kernel], axis, words) | inside(words))
    return bars


def inside(words: Any) -> Figure:
    """Words in the middle of a bar, hidden if they do not fit (`uniformtext` in the layout says how small)."""
    return {"text": [words], "textposition": "inside", "insidetextanchor": "middle", "textangle": 0}


def line(x: list[Any], y: list[Any], colour: str, width: float, dash: str = "solid", says: Any = None) -> Figure:
    """A line through these points. `says` is what the reader is told of the first one, or a template for each."""
    line = {"color": colour, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": line} | told(says)


def area(x: list[Any], y: list[Any], colour: str, says: Any = None) -> Figure:
    """The outline through these points, filled. `says` is what the reader is told inside it."""
    told_inside = {} if says is None else {"name": says, "hoverinfo": "text"}
    return line(x, y, colour, 0) | {"fill": "toself", "opacity": 0.35} | told_inside


def words(words: str, x: Any, y: Any, colour: str) -> Figure:
    """Words to the right of a point, in their own colour."""
    place = {"x": [x], "y": [y], "textposition": "middle right", "textfont": {"color": colour}}
    return {"type": "scatter", "mode": "text", "text": [f" {words}"], "hoverinfo": "skip"} | place


def dot(x: Any, y: Any, colour: str, symbol: str = "circle", says: Any = None) -> Figure:
    """One marked point. `says` is what the reader is told of it."""
    marker = {"color": colour, "size": 11, "symbol": symbol}
    return {"type": "scatter", "mode": "markers", "x": [x], "y": [y], "marker": marker} | told(says)
