"""The bill of a network: every operation with its parameters, multiply-adds and activations.

The convention of this module (others are tables of their own):

- a MAC is one multiply-add, a FLOP one floating-point operation; a MAC is two FLOPs;
- MACs are those of convolutions and the linear layer, the "multiply-adds" of He et al. 2015, table 1;
- parameters are all learnable numbers, BatchNorm's two per channel included, its running statistics not;
- activations are the output elements of convolutions and the linear layer, as in fvcore's `activation_count`.

No SymPy is imported, but widths, image sides and depths may be SymPy symbols: the same sums are then formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from resnet_lib import _check
from resnet_lib._table import Shown, Table, written
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation
from resnet_lib.zoo import described

FLOAT32_BYTES = 4
FEATURE_MAP = (56, 56)  # conv2_x at 224 × 224 pixels
DEFAULT_IMAGE = {"imagenet": (224, 224), "cifar": (32, 32)}

HEADINGS = {  # of the columns that show these attributes
    "params": "parameters",
    "macs": "MACs",
    "flops": "FLOPs",
    "activations": "activations",
    "bytes": "bytes",
}
SHOWN = ("params", "macs", "activations")

Shape = tuple[int, ...]


class Row(NamedTuple):
    """One operation of a network and its cost, for the whole batch.

    `name` is the module's path in the built network ("layer1.0.conv1"); an addition is not a module and is called
    "layer1.0.add". `block` is the first two parts of the path. `branch` is "main" or "shortcut". `kernel` is the side
    of the window, 1 for what has none.
    Shapes are (batch, channels, height, width), for the linear layer (batch, features).
    `flops` counts 2 a MAC, 2 an element of BatchNorm (evaluation mode: scale and shift), 1 an element of ReLU and of
    the addition, k² − 1 comparisons an output of a max-pool, and one addition or division an input of the average.

    >>> rl.price("resnet50").rows[0]
    Row(conv1: conv 3 × 224 × 224 → 64 × 112 × 112, 9,408 parameters, 118,013,952 MACs)

    Chapter 2.
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
    branch: str = "main"
    kernel: int = 1

    @property
    def elements(self) -> int:
        """Numbers in the output."""
        return prod(self.output_shape)

    @property
    def bytes(self) -> int:
        """Bytes read and written once each in float32: inputs (two of them for an addition), parameters, output."""
        inputs = 2 if self.kind == "add" else 1
        return FLOAT32_BYTES * (inputs * prod(self.input_shape) + self.params + self.elements)

    @property
    def on_shortcut(self) -> bool:
        """True for a projection and its BatchNorm, which torchvision's modules call `downsample`."""
        return self.branch == "shortcut"

    @property
    def activations(self) -> int:
        """`elements` of a convolution or linear layer, 0 for any other kind."""
        return self.elements if self.kind in ("conv", "linear") else 0

    def __repr__(self) -> str:
        counts = f"{written(self.params)} parameters, {written(self.macs)} MACs"
        return (
            f"Row({self.name}: {self.kind} {_sides(self.input_shape[1:])} → {_sides(self.output_shape[1:])}, {counts})"
        )


class Rows(Shown, tuple[Row, ...]):
    """Rows in order of execution: a tuple that shows itself as a table."""

    def table(self) -> Table:
        columns = {"operation": "", "kind": "", "output": "", **dict.fromkeys(map(HEADINGS.__getitem__, SHOWN), "")}
        rows = [(row.name, row.kind, _sides(row.output_shape[1:]), *_amounts(row)) for row in self]
        total = ("total", None, None, *(sum(getattr(row, field) for row in self) for field in SHOWN))
        return Table(columns, rows, total)


def _sides(shape: Iterable[int]) -> str:
    return " × ".join(map(written, shape))


def _amounts(bill: Bill | Row) -> list[int]:
    return [getattr(bill, field) for field in SHOWN]


@dataclass(frozen=True, repr=False)
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

    @property
    def name(self) -> str:
        """The path of these blocks: "layer1.0", or "layer1.1 to 5" for several."""
        if self.first is None:
            return self.stage
        several = _check.is_symbol(self.count) or self.count != 1
        return f"{self.stage}.{self.first}" + (f" to {self.first + self.count - 1}" if several else "")

    def __repr__(self) -> str:
        return f"Part({self.name}: {len(self.rows)} operations × {self.count})"


class Bills(Shown, dict[str, "Bill"]):
    """Sub-totals of the bill `whole` by name: a dict that shows itself as a table."""

    def __init__(self, bills: Mapping[str, Bill], what: str, whole: Bill) -> None:
        super().__init__(bills)
        self.what = what
        self.whole = whole

    def table(self) -> Table:
        columns = (self.what, *map(HEADINGS.__getitem__, SHOWN))
        rows = [(name, *_amounts(bill)) for name, bill in self.items()]
        return Table(columns, rows, ("total", *_amounts(self.whole)), self.whole.subject)

    def shares(self, *fields: str) -> Table:
        """The shares of the total: by default of parameters, MACs and activations, or of the `fields` named.

        >>> rl.price("resnet50").by("kind").shares("params", "macs")
        Shares, 1 image of 224 × 224
        <BLANKLINE>
        kind        parameters     MACs
        -------------------------------
        conv            91.8 %   99.9 %
        batch_norm       0.2 %    0.0 %
        relu             0.0 %    0.0 %
        max_pool         0.0 %    0.0 %
        add              0.0 %    0.0 %
        avg_pool         0.0 %    0.0 %
        linear           8.0 %    0.1 %
        -------------------------------
        total          100.0 %  100.0 %

        Raises ValueError for a field that a bill does not have.
        """
        fields = tuple(_check.one_of("fields", field, HEADINGS) for field in fields or SHOWN)

        def line(bill: Bill) -> list[float | None]:
            wholes = (getattr(self.whole, field) for field in fields)
            return [
                getattr(bill, field) / whole if whole else None for field, whole in zip(fields, wholes, strict=True)
            ]

        columns = {self.what: "", **{HEADINGS[field]: "percent" for field in fields}}
        rows = [(name, *line(bill)) for name, bill in self.items()]
        return Table(
            columns, rows, ("total", *line(self.whole)), ", ".join(filter(None, ("Shares", self.whole.subject)))
        )


@dataclass(frozen=True, repr=False)
class Bill(Shown):
    """What a network costs at one image size and batch. Made by `price`; parts of it by `by`.

    It shows itself as a table: a network stage by stage, a stage by its blocks, a block by its operations.
    Two bills are equal if all their operations are.

    >>> bill = rl.price("resnet50")
    >>> bill
    1 image of 224 × 224
    <BLANKLINE>
    stage   parameters           MACs  activations
    ----------------------------------------------
    stem         9,536    118,013,952      802,816
    layer1     215,808    667,942,912    4,415,488
    layer2   1,219,584  1,027,604,480    3,110,912
    layer3   7,098,368  1,464,336,384    2,157,568
    layer4  14,964,736    809,238,528      627,200
    head     2,049,000      2,048,000        1,000
    ----------------------------------------------
    total   25,557,032  4,089,184,256   11,114,984
    >>> bill.params, bill.by("stage")["head"].macs
    (25557032, 2048000)

    Chapter 2.
    """

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
    def rows(self) -> Rows:
        """One row per operation, in order of execution."""
        return Rows(row for part in self.parts for i in part.indices() for row in part.at(i))

    def by(self, what: str) -> Bills:
        """Sub-totals by one of these words:

        - "stage": stem, layer1, …, head
        - "block": stem, layer1.0, …, head
        - "kind": conv, batch_norm, relu, …
        - "kernel": 7x7, 1x1, 3x3 for convolutions; for all others their kind

        The values are bills, and they add up to this one. The keys are in order of first execution.
        The dict shows itself as a table, and its `shares()` in percent.

        >>> rl.price("resnet50").by("kind")["conv"].by("kernel")
        kernel  parameters           MACs  activations
        ----------------------------------------------
        7x7          9,408    118,013,952      802,816
        1x1     12,128,256  2,119,434,240    8,931,328
        3x3     11,317,248  1,849,688,064    1,379,840
        ----------------------------------------------
        total   23,454,912  4,087,136,256   11,113,984

        Raises ValueError for any other word.
        """
        _check.one_of("what", what, tuple(_PIECES))
        groups: dict[str, list[Part]] = {}
        for part in self.parts:
            for key, piece in _PIECES[what](part):
                groups.setdefault(key, []).append(piece)
        return Bills({key: Bill(tuple(pieces)) for key, pieces in groups.items()}, what, self)

    def table(self) -> Table:
        """A row for each stage; of a single stage one for equal blocks; of a single block one for each operation."""
        stages = self.by("stage")
        if len(stages) != 1:
            return stages.table()
        parts = [part for part in self.parts if part.count != 0]
        if len(parts) == 1 and parts[0].count == 1:
            return replace(self.rows.table(), caption=self.subject)
        columns = ("blocks", *map(HEADINGS.__getitem__, SHOWN))
        rows = [(part.name, *_amounts(Bill((part,)))) for part in parts]
        return Table(columns, rows, ("total", *_amounts(self)), self.subject)

    @property
    def subject(self) -> str:
        """What enters: "1 image of 224 × 224", "1 input of 64 × 56 × 56"; "" for a bill by kind or kernel."""
        rows = self.parts[0].rows if self.parts else ()
        if len({row.kind for row in rows}) < 2:
            return ""
        batch, *sides = rows[0].input_shape
        what, sides = ("image", sides[1:]) if rows[0].stage == "stem" else ("input", sides)
        return f"{batch} {what}{'s' if batch != 1 else ''} of {_sides(sides)}"


def _by_stage(part: Part) -> Iterable[tuple[str, Part]]:
    yield part.stage, part


def _by_block(part: Part) -> Iterable[tuple[str, Part]]:
    for i in part.indices():
        yield (part.stage if i is None else f"{part.stage}.{i}"), replace(part, first=i, count=1)


def _by_row(key: Callable[[Row], str]) -> Callable[[Part], Iterable[tuple[str, Part]]]:
    def pieces(part: Part) -> Iterable[tuple[str, Part]]:
        for value in dict.fromkeys(map(key, part.rows)):
            yield value, replace(part, rows=tuple(row for row in part.rows if key(row) == value))

    return pieces


_PIECES: dict[str, Callable[[Part], Iterable[tuple[str, Part]]]] = {
    "stage": _by_stage,
    "block": _by_block,
    "kind": _by_row(lambda row: row.kind),
    "kernel": _by_row(lambda row: f"{row.kernel}x{row.kernel}" if row.kind == "conv" else row.kind),
}


def price(spec: NetworkSpec | BlockSpec | str, image: Any = None, batch: int = 1) -> Bill:
    """Price a network, described or named, or a single block.

    `image` is a side or (height, width) in pixels. For a network it is the image, by default 224 × 224, or 32 × 32
    with the CIFAR stem. For a block it is the feature map that enters, by default 56 × 56, as in conv2_x of an ImageNet
    network. `batch` multiplies MACs, FLOPs and activations, never parameters.

    >>> rl.price("resnet50", image=256).macs
    5340348416
    >>> rl.price(rl.BlockSpec("basic", 64))
    1 input of 64 × 56 × 56
    <BLANKLINE>
    operation  kind        output        parameters         MACs  activations
    -------------------------------------------------------------------------
    conv1      conv        64 × 56 × 56      36,864  115,605,504      200,704
    bn1        batch_norm  64 × 56 × 56         128            0            0
    relu1      relu        64 × 56 × 56           0            0            0
    conv2      conv        64 × 56 × 56      36,864  115,605,504      200,704
    bn2        batch_norm  64 × 56 × 56         128            0            0
    add        add         64 × 56 × 56           0            0            0
    relu2      relu        64 × 56 × 56           0            0            0
    -------------------------------------------------------------------------
    total                                    73,984  231,211,008      401,408

    Raises ValueError for an image smaller than the network's total stride.
    Raises ValueError for a batch below 1 and for an unknown name.
    Raises TypeError for a side or a batch that is not a whole number.
    Raises TypeError if `spec` is neither a description nor a name.

    Chapter 2.
    """
    batch = _check.positive_int("batch", batch)
    spec = described(spec)
    if isinstance(spec, BlockSpec):
        size = _check.image_size(FEATURE_MAP if image is None else image)
    else:
        size = _check.image_size(DEFAULT_IMAGE[spec.stem] if image is None else image, at_least=spec.total_stride)
    parts = []
    for part in spec.parts:
        block = part.stage if part.first is None else ""  # the names of blocks follow from their indices
        rows, size = price_operations(part.operations, size, batch, part.stage, block)
        parts.append(Part(part.stage, part.first, part.count, rows))
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
        cost = _RULES[op.kind](op, prod(input_shape), prod(output_shape))
        rows.append(Row(op.name, stage, block, op.kind, input_shape, output_shape, *cost, op.branch, op.kernel))
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
