"""The bill of a network: every operation with its parameters, multiply-adds and activations.

The convention of this module (others are tables of their own):

- a MAC is one multiply-add, a FLOP one floating-point operation; a MAC is two FLOPs;
- MACs are those of convolutions and the linear layer, the "multiply-adds" of He et al. 2015, table 1;
- parameters are all learnable numbers, BatchNorm's two per channel included, its running statistics not;
- activations are the output elements of convolutions and the linear layer, as in fvcore's `activation_count`.

No SymPy is imported, but widths, image sides and depths may be SymPy symbols: the same sums are then formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation

FLOAT32_BYTES = 4
FEATURE_MAP = (56, 56)  # conv2_x at 224 × 224 pixels
DEFAULT_IMAGE = {"imagenet": (224, 224), "cifar": (32, 32)}

Shape = tuple[int, ...]


class Row(NamedTuple):
    """One operation of a network and its cost, for the whole batch.

    `name` is the module's path in the built network ("layer1.0.conv1"; an addition has none there: "layer1.0.add"),
    `block` its first two parts. Shapes are (batch, channels, height, width), for the linear layer (batch, features).
    `flops` counts 2 a MAC; BatchNorm 2 an element (evaluation mode: scale and shift); ReLU and the addition 1 an
    element; a max-pool its comparisons, k² − 1 an output; the average one addition or division an input.
    """

    name: str
    stage: str
    block: str
    kind: str
    input_shape: Shape
    output_shape: Shape
    params: int
    macs: int
    flops: int

    @property
    def elements(self) -> int:
        """Numbers in the output."""
        return _product(self.output_shape)

    @property
    def bytes(self) -> int:
        """Bytes read and written once each in float32: inputs (two of them for an addition), parameters, output."""
        inputs = 2 if self.kind == "add" else 1
        return FLOAT32_BYTES * (inputs * _product(self.input_shape) + self.params + self.elements)

    @property
    def on_shortcut(self) -> bool:
        """True for a projection and its BatchNorm, which torchvision's modules call `downsample`."""
        return "downsample" in self.name

    @property
    def activations(self) -> int:
        """`elements` of a convolution or linear layer, 0 for any other kind."""
        return self.elements if self.kind in ("conv", "linear") else 0


@dataclass(frozen=True)
class Part:
    """Equal blocks in a row (or the stem, or the head), priced once. Row names are relative to the block."""

    stage: str
    first: int | None  # index of the first of these blocks in its stage; None: not a block
    count: int
    rows: tuple[Row, ...]

    def at(self, i: int | None) -> tuple[Row, ...]:
        """The rows with the names they have in block `i` of the stage."""
        if i is None:
            return self.rows
        prefix = f"{self.stage}.{i}"
        return tuple(row._replace(name=f"{prefix}.{row.name}", block=prefix) for row in self.rows)

    def indices(self) -> Iterable[int | None]:
        """Indices of these blocks in their stage."""
        if self.first is None:
            return (None,)
        if _check.is_symbol(self.count):
            raise ValueError(f"rows and blocks can be listed only for a depth that is a number: {self.count} blocks")
        return range(self.first, self.first + self.count)


@dataclass(frozen=True)
class Bill:
    """What a network costs at one image size and batch. Made by `price`; parts of it by `by`."""

    parts: tuple[Part, ...]

    def _total(self, field: str) -> int:
        return sum(part.count * sum(getattr(row, field) for row in part.rows) for part in self.parts)

    @cached_property
    def params(self) -> int:
        """Learnable numbers."""
        return self._total("params")

    @cached_property
    def macs(self) -> int:
        """Multiply-adds of convolutions and the linear layer."""
        return self._total("macs")

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of every row (see `Row`)."""
        return self._total("flops")

    @cached_property
    def activations(self) -> int:
        """Output elements of convolutions and the linear layer."""
        return self._total("activations")

    @cached_property
    def bytes(self) -> int:
        """Bytes that the rows read and write in float32."""
        return self._total("bytes")

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """One row per operation, in order of execution."""
        return tuple(row for part in self.parts for i in part.indices() for row in part.at(i))

    def by(self, what: str) -> dict[str, Bill]:
        """Sub-totals by "stage" (stem, layer1, …, head), "block" (layer1.0, …) or "kind" (conv, batch_norm, …).

        The values are bills, they add up to this one, and the keys stand in order of first execution.
        Raises ValueError for any other word.
        """
        _check.one_of("what", what, ("stage", "block", "kind"))
        groups: dict[str, list[Part]] = {}
        for part in self.parts:
            for key, piece in _PIECES[what](part):
                groups.setdefault(key, []).append(piece)
        return {key: Bill(tuple(pieces)) for key, pieces in groups.items()}


def _by_stage(part: Part) -> Iterable[tuple[str, Part]]:
    yield part.stage, part


def _by_block(part: Part) -> Iterable[tuple[str, Part]]:
    for i in part.indices():
        yield (part.stage if i is None else f"{part.stage}.{i}"), replace(part, first=i, count=1)


def _by_kind(part: Part) -> Iterable[tuple[str, Part]]:
    for kind in dict.fromkeys(row.kind for row in part.rows):
        yield kind, replace(part, rows=tuple(row for row in part.rows if row.kind == kind))


_PIECES: dict[str, Callable[[Part], Iterable[tuple[str, Part]]]] = {
    "stage": _by_stage,
    "block": _by_block,
    "kind": _by_kind,
}


def price(spec: NetworkSpec | BlockSpec, image: Any = None, batch: int = 1) -> Bill:
    """The bill of a network, or of a single block.

    `image` is a side or (height, width) in pixels: of the picture for a network (left out: 224 × 224, with the CIFAR
    stem 32 × 32), of the feature map that enters for a block (left out: 56 × 56, conv2_x of an ImageNet network).
    `batch` multiplies MACs, FLOPs and activations, never parameters.

    Raises ValueError for an image smaller than the network's total stride and for a batch below 1, TypeError for
    fractions, and where `spec` is no description.
    """
    batch = _check.positive_int("batch", batch)
    if isinstance(spec, BlockSpec):
        size = _check.image_size(FEATURE_MAP if image is None else image)
        rows, _ = price_operations(spec.operations, size, batch)
        return Bill((Part("", None, 1, rows),))
    if not isinstance(spec, NetworkSpec):
        raise TypeError(f"spec must be a NetworkSpec or a BlockSpec, such as rl.network('resnet50'): {spec!r}")
    size = _check.image_size(DEFAULT_IMAGE[spec.stem] if image is None else image, at_least=spec.total_stride)

    rows, size = price_operations(spec.stem_operations, size, batch, stage="stem", block="stem")
    parts = [Part("stem", None, 1, rows)]
    for stage in spec.stages:
        rows, size = price_operations(stage.first.operations, size, batch, stage.name)
        parts.append(Part(stage.name, 0, 1, rows))
        rows, size = price_operations(stage.others.operations, size, batch, stage.name)
        parts.append(Part(stage.name, 1, stage.depth - 1, rows))
    rows, _ = price_operations(spec.head_operations, size, batch, stage="head", block="head")
    parts.append(Part("head", None, 1, rows))
    return Bill(tuple(parts))


Size = tuple[int, int]


def price_operations(
    operations: Iterable[Operation], entry: Size, batch: int = 1, stage: str = "", block: str = ""
) -> tuple[tuple[Row, ...], Size]:
    """The rows of these operations on a map of size `entry`, and the size of the map they leave."""
    rows = []
    sizes = {"main": entry, "shortcut": entry}
    for op in operations:
        before = sizes[op.branch]
        after = sizes[op.branch] = _output_size(op, before)
        linear = op.kind == "linear"
        input_shape = (batch, op.in_channels) if linear else (batch, op.in_channels, *before)
        output_shape = (batch, op.out_channels) if linear else (batch, op.out_channels, *after)
        cost = _RULES[op.kind](op, _product(input_shape), _product(output_shape))
        rows.append(Row(op.name, stage, block, op.kind, input_shape, output_shape, *cost))
    return tuple(rows), sizes["main"]


def _output_size(op: Operation, size: Size) -> Size:
    if op.kind in ("avg_pool", "linear"):
        return (1, 1)
    if op.kernel == op.stride == 1:
        return size
    height, width = size
    return (
        (height + 2 * op.padding - op.kernel) // op.stride + 1,
        (width + 2 * op.padding - op.kernel) // op.stride + 1,
    )


Cost = tuple[int, int, int]  # parameters, MACs, FLOPs


def _conv(op: Operation, inputs: int, outputs: int) -> Cost:
    per_output = op.in_channels // op.groups * op.kernel**2
    macs = outputs * per_output
    return op.out_channels * per_output, macs, 2 * macs


def _linear(op: Operation, inputs: int, outputs: int) -> Cost:
    macs = outputs * op.in_channels
    return (op.in_channels + 1) * op.out_channels, macs, 2 * macs


def _batch_norm(op: Operation, inputs: int, outputs: int) -> Cost:
    return 2 * op.out_channels, 0, 2 * outputs


def _one_per_output(op: Operation, inputs: int, outputs: int) -> Cost:
    return 0, 0, outputs


def _max_pool(op: Operation, inputs: int, outputs: int) -> Cost:
    return 0, 0, (op.kernel**2 - 1) * outputs


def _avg_pool(op: Operation, inputs: int, outputs: int) -> Cost:
    return 0, 0, inputs


_RULES: dict[str, Callable[[Operation, int, int], Cost]] = {
    "conv": _conv,
    "linear": _linear,
    "batch_norm": _batch_norm,
    "relu": _one_per_output,
    "add": _one_per_output,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
}


def _product(numbers: Iterable[int]) -> int:
    product = 1
    for number in numbers:
        product = product * number
    return product
