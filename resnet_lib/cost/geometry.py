"""Where a network looks: the size of each map, the stride of its pixels, and the receptive field behind each of them.

A window of k pixels that are s apart reaches (k − 1) · s further than one of them does, and strides multiply (Araujo,
Norris and Sim 2019, "Computing receptive fields of convolutional neural networks", Distill). Every window here is odd
and centred, so the two branches of a block look at the same centre, and an addition sees what the larger sees. Fields
count padding too: they may be larger than the image. Depths may be SymPy symbols.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from resnet_lib.cost.bill import Size, price
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation


class Place(NamedTuple):
    """A row of the bill, seen from the image (of a single block: from the map that enters it).

    name             the row's
    size             (height, width) of the output; of the linear layer's (1, 1)
    stride           pixels of the image from one pixel of the output to the next
    receptive_field  pixels of the image along a side that one pixel of the output depends on

    The average is a window as large as the (longer side of the) map, which steps by its own size: its field always
    covers the image, its stride is that of images laid side by side. The linear layer keeps both.
    """

    name: str
    size: Size
    stride: int
    receptive_field: int


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


def _parts(spec: NetworkSpec | BlockSpec) -> list[tuple[tuple[Operation, ...], int]]:
    """The operations of each part of the bill, and how many such parts stand in a row."""
    if isinstance(spec, BlockSpec):
        return [(spec.operations, 1)]
    if not isinstance(spec, NetworkSpec):
        raise TypeError(f"spec must be a NetworkSpec or a BlockSpec, such as rl.network('resnet50'): {spec!r}")
    stages = [part for s in spec.stages for part in ((s.first.operations, 1), (s.others.operations, s.depth - 1))]
    return [(spec.stem_operations, 1), *stages, (spec.head_operations, 1)]


def receptive_field(spec: NetworkSpec | BlockSpec) -> int:
    """Pixels along a side of the image that a pixel of the last map, before the average, depends on.

    ResNet-34: 899; ResNet-50: 427, with the paper's strides (`stride_on="1x1"`) 483. Of a single block: pixels of the
    map that enters. Width and image size do not matter; a depth may be a symbol. Raises TypeError if `spec` is no
    description.
    """
    view = _View()
    for operations, times in _parts(spec):
        view = view.then(_views(operations)[-1], times)  # the average is a window of 1 in the description
    return view.field


def geometry(spec: NetworkSpec | BlockSpec, image: Any = None) -> tuple[Place, ...]:
    """A `Place` for every row of `price(spec, image)`, in its order and under its names.

    `image` as in `price`; raises what `price` raises.
    """
    places = []
    entry = _View()
    for part, (operations, _) in zip(price(spec, image).parts, _parts(spec), strict=True):
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
    return tuple(places)
