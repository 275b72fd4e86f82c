"""Where a network looks: the size of each map, the stride of its pixels, and the receptive field behind each of them.

A window of k pixels that are s apart reaches (k − 1) · s further than one of them does, and strides multiply (Araujo,
Norris and Sim 2019, "Computing receptive fields of convolutional neural networks", Distill). Every window here is odd
and centred, so the two branches of a block look at the same centre, and an addition sees what the larger sees. Fields
count padding too: they may be larger than the image. Depths may be SymPy symbols.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import Size, price
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation
from resnet_lib.zoo import described


class Place(NamedTuple):
    """A row of the bill, seen from the image (of a single block: from the map that enters it).

    name             the name of the row
    size             (height, width) of the output; (1, 1) for the linear layer
    stride           pixels of the image from one pixel of the output to the next
    receptive_field  pixels of the image along a side that one pixel of the output depends on

    The average is a window as large as the (longer side of the) map, which steps by its own size: its field always
    covers the image, its stride is that of images laid side by side. The linear layer keeps both.
    """

    name: str
    size: Size
    stride: int
    receptive_field: int


class Places(Shown, tuple[Place, ...]):
    """Places in order of execution: a tuple that shows itself as a table."""

    def table(self) -> Table:
        columns = ("operation", "size", "stride", "receptive field")
        rows = [(p.name, " × ".join(map(str, p.size)), p.stride, p.receptive_field) for p in self]
        return Table(columns, rows, caption="Strides and receptive fields, in pixels of the input")


class _View(NamedTuple):
    """How a pixel sees what entered: its stride and its field, in pixels of the entry."""

    stride: int = 1
    field: int = 1

    def then(self, view: _View, times: int = 1) -> _View:
        """Followed by `view`; `times` in a row if it keeps the stride."""
        return _View(self.stride * view.stride, self.field + times * self.stride * (view.field - 1))


def _views(operations: Iterable[Operation]) -> list[_View]:
    """What each of these operations sees of the map that enters them."""
    views = []
    branches = {"main": _View(), "shortcut": _View()}
    for op in operations:
        view = branches[op.branch].then(_View(op.stride, op.kernel))
        if op.kind == "add":  # an identity or zero-padding has no operation: its view is that of the entry
            view = view._replace(field=max(view.field, branches["shortcut"].field))
        branches[op.branch] = view
        views.append(view)
    return views


def receptive_field(spec: NetworkSpec | BlockSpec | str) -> int:
    """Return how many pixels along a side of the image one pixel of the last map depends on, before the average.

    For a single block, they are pixels of the map that enters. Width and image size do not matter. A depth may be a
    symbol.

    >>> rl.receptive_field("resnet34"), rl.receptive_field("resnet50")
    (899, 427)
    >>> rl.receptive_field(rl.network("resnet50", stride_on="1x1"))
    483

    Raises ValueError for an unknown name.
    Raises TypeError if `spec` is neither a description nor a name.

    Chapter 7.
    """
    view = _View()
    for part in described(spec).parts:
        view = view.then(_views(part.operations)[-1], part.count)  # the average is a window of 1 in the description
    return view.field


def geometry(spec: NetworkSpec | BlockSpec | str, image: Any = None) -> Places:
    """Return a `Place` for every row of `price(spec, image)`, in its order and under its names.

    The result is a tuple that shows itself as a table.

    >>> rl.geometry(rl.BlockSpec("bottleneck", 256))[0]
    Place(name='conv1', size=(56, 56), stride=1, receptive_field=1)
    >>> rl.geometry("resnet50")[-3].receptive_field
    427

    Raises ValueError and TypeError as `price` does.

    Chapter 5.
    """
    spec = described(spec)
    places = []
    entry = _View()
    for part, operations in zip(price(spec, image).parts, (each.operations for each in spec.parts), strict=True):
        for i in part.indices():
            rows = part.at(i)
            views = _views(
                op._replace(kernel=(side := max(row.input_shape[2:])), stride=side) if op.kind == "avg_pool" else op
                for op, row in zip(operations, rows, strict=True)
            )
            for row, view in zip(rows, views, strict=True):
                height, width = row.output_shape[2:] or (1, 1)
                places.append(Place(row.name, (height, width), *entry.then(view)))
            entry = entry.then(views[-1])
    return Places(places)
