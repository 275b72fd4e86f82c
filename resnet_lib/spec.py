"""What a network is: a small frozen description, and the operations that follow from it.

Everything else in the library (the torch module, the bill, the drawing, the formula in the reader's browser)
is derived from the operations listed here, so none of them can disagree. Standard library only.

Channel counts may also be SymPy symbols, declared `integer=True, positive=True`: the same code then yields formulas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal, NamedTuple, get_args

from resnet_lib import _check

Block = Literal["basic", "bottleneck"]
Stem = Literal["imagenet", "cifar"]
Shortcut = Literal["A", "B", "C", "none"]
BlockShortcut = Literal["identity", "pad", "projection", "none"]
StrideOn = Literal["3x3", "1x1"]
Kind = Literal["conv", "batch_norm", "relu", "max_pool", "avg_pool", "add", "linear"]
Branch = Literal["main", "shortcut"]

BLOCKS: tuple[Block, ...] = get_args(Block)
STEMS: tuple[Stem, ...] = get_args(Stem)
SHORTCUTS: tuple[Shortcut, ...] = get_args(Shortcut)
BLOCK_SHORTCUTS: tuple[BlockShortcut, ...] = get_args(BlockShortcut)
STRIDE_ON: tuple[StrideOn, ...] = get_args(StrideOn)
KINDS: tuple[Kind, ...] = get_args(Kind)
EXPANSION = {"basic": 1, "bottleneck": 4}  # a stage's output channels over its `width` (He et al. 2015, table 1)

DERIVED: Any = None  # a field's default that __post_init__ replaces, since it follows from the other fields


class Operation(NamedTuple):
    """One operation of a network, before the image size is known.

    `kernel`, `stride` and `padding` are in pixels and hold for both directions. An operation reads what the one
    before it wrote; one on the `shortcut` branch starts again from the block's input. Convolutions have no bias,
    the linear layer has one. Average pooling takes the whole map.
    """

    name: str
    kind: Kind
    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    groups: int = 1
    branch: Branch = "main"


def _conv(
    name: str,
    kernel: int,
    in_channels: int,
    out_channels: int,
    stride: int = 1,
    groups: int = 1,
    branch: Branch = "main",
) -> Operation:
    return Operation(name, "conv", in_channels, out_channels, kernel, stride, kernel // 2, groups, branch)


def _batch_norm(name: str, channels: int, branch: Branch = "main") -> Operation:
    return Operation(name, "batch_norm", channels, channels, branch=branch)


def _relu(name: str, channels: int) -> Operation:
    return Operation(name, "relu", channels, channels)


@dataclass(frozen=True)
class BlockSpec:
    """One residual block: `in_channels` → `width` → `out_channels`.

    basic       3×3 in → width, 3×3 width → out                      (He et al. 2015, figure 5 left)
    bottleneck  1×1 in → width, 3×3 width → width, 1×1 width → out   (figure 5 right)

    `stride` sits on the basic block's first 3×3; a bottleneck has it on its 3×3 (`stride_on="3x3"`, torchvision's
    choice, called v1.5) or on its first 1×1 (`"1x1"`, the paper's). `groups` divides the 3×3 convolutions.
    `shortcut` is "identity", "pad" (subsample and append zero channels: option A), "projection" (a strided 1×1
    convolution, with BatchNorm unless `preactivation`: options B and C) or "none" (a plain block).
    With `preactivation` BatchNorm and ReLU come before each convolution (He et al. 2016, arXiv 1603.05027), and a
    projection reads the activated input; otherwise they come after, and the last ReLU follows the addition.

    Left out, `out_channels` equals `in_channels`, `width` equals `out_channels` (a bottleneck: a quarter of it), and
    the shortcut is the identity, or a projection where the shape changes.

    Raises ValueError or TypeError for a count below 1, fractional or boolean, for groups that do not divide, for
    `stride_on` with a basic block, and for a shortcut that cannot carry the shape.
    """

    block: Block
    in_channels: int
    width: int = DERIVED
    out_channels: int = DERIVED
    stride: int = 1
    groups: int = 1
    shortcut: BlockShortcut = DERIVED
    stride_on: StrideOn | None = None
    preactivation: bool = False

    def __post_init__(self) -> None:
        def put(**values: Any) -> None:
            for name, value in values.items():
                object.__setattr__(self, name, value)

        _check.one_of("block", self.block, BLOCKS)
        put(in_channels=_check.positive_int("in_channels", self.in_channels))
        out_channels = self.in_channels if self.out_channels is None else self.out_channels
        put(out_channels=_check.positive_int("out_channels", out_channels))
        put(
            width=_check.positive_int("width", self._default_width if self.width is None else self.width),
            stride=_check.positive_int("stride", self.stride),
            groups=_check.positive_int("groups", self.groups),
            stride_on=_stride_on(self.block, self.stride_on),
            preactivation=_check.boolean("preactivation", self.preactivation),
        )
        if self.shortcut is None:
            put(shortcut="projection" if self._changes_shape else "identity")
        _check.one_of("shortcut", self.shortcut, BLOCK_SHORTCUTS)
        if self.shortcut == "identity" and self._changes_shape:
            raise ValueError(f"shortcut='identity' needs equal shapes at both ends, not {self._shape}")
        if self.shortcut == "pad" and not self._is_symbolic and self.in_channels > self.out_channels:
            raise ValueError(f"shortcut='pad' (option A) can only add channels, not {self._shape}")
        _check.divides(self.groups, "width", self.width)
        if self.block == "basic":
            _check.divides(self.groups, "in_channels", self.in_channels)
            _check.divides(self.groups, "out_channels", self.out_channels)

    @property
    def _default_width(self) -> int:
        expansion = EXPANSION[self.block]
        if not self._is_symbolic and self.out_channels % expansion:
            raise ValueError(f"width must be given where 4 does not divide out_channels: {self.out_channels!r}")
        return self.out_channels // expansion

    @property
    def _is_symbolic(self) -> bool:
        return _check.is_symbol(self.in_channels) or _check.is_symbol(self.out_channels)

    @property
    def _changes_shape(self) -> bool:
        return self.stride != 1 or self.in_channels != self.out_channels

    @property
    def _shape(self) -> str:
        return f"{self.in_channels} → {self.out_channels} channels at stride {self.stride}"

    @cached_property
    def convolutions(self) -> tuple[Operation, ...]:
        """The two or three convolutions of the main branch, in order."""
        if self.block == "basic":
            return (
                _conv("conv1", 3, self.in_channels, self.width, self.stride, self.groups),
                _conv("conv2", 3, self.width, self.out_channels, 1, self.groups),
            )
        stride_1x1, stride_3x3 = (self.stride, 1) if self.stride_on == "1x1" else (1, self.stride)
        return (
            _conv("conv1", 1, self.in_channels, self.width, stride_1x1),
            _conv("conv2", 3, self.width, self.width, stride_3x3, self.groups),
            _conv("conv3", 1, self.width, self.out_channels),
        )

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation in order of execution. The names are the module's, and torchvision's."""
        convolutions = self.convolutions
        operations = []
        for i, conv in enumerate(convolutions, start=1):
            if self.preactivation:
                channels = conv.in_channels
                operations += [_batch_norm(f"bn{i}", channels), _relu(f"relu{i}", channels), conv]
            else:
                channels = conv.out_channels
                operations += [conv, _batch_norm(f"bn{i}", channels)]
                if i < len(convolutions):
                    operations.append(_relu(f"relu{i}", channels))
        if self.shortcut == "projection":
            ends = self.in_channels, self.out_channels
            operations.append(_conv("downsample.0", 1, *ends, self.stride, branch="shortcut"))
            if not self.preactivation:
                operations.append(_batch_norm("downsample.1", self.out_channels, branch="shortcut"))
        if self.shortcut != "none":
            operations.append(Operation("add", "add", self.out_channels, self.out_channels))
        if not self.preactivation:
            operations.append(_relu(f"relu{len(convolutions)}", self.out_channels))
        return tuple(operations)

    @property
    def parts(self) -> tuple[PartSpec, ...]:
        """The block as the only part, so that a walk over parts takes blocks and networks alike."""
        return (PartSpec("", None, 1, self.operations),)

    def __str__(self) -> str:
        line = str(self.in_channels)
        for conv in self.convolutions:
            stride = f"/{conv.stride}" if conv.stride != 1 else ""
            groups = f" ({conv.groups} groups)" if conv.groups != 1 else ""
            line += f" ─ {conv.kernel}×{conv.kernel}{stride}{groups} ─ {conv.out_channels}"
        if self.shortcut != "none":
            line += f"  ⊕ {self.shortcut}"
        return f"{line}, preactivation" if self.preactivation else line


class StageSpec(NamedTuple):
    """`depth` blocks that share a width: the `first` sets stride and channels, the `others` keep them."""

    name: str
    depth: int
    first: BlockSpec
    others: BlockSpec

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Every block in order, for a depth that is a number."""
        return (self.first, *[self.others] * (self.depth - 1))


@dataclass(frozen=True)
class PartSpec:
    """`count` equal blocks in a row (or the stem, or the head), with the operations of one of them."""

    stage: str  # "stem", "layer1", …, "head"; "" for a block that is described alone
    first: int | None  # index of the first of these blocks in its stage; None: not a block of a stage
    count: int  # 0 for the other blocks of a stage that has one
    operations: tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A residual network (or its plain counterpart), told in twelve fields.

    block            "basic" | "bottleneck"
    depths           blocks per stage; (3, 4, 6, 3) for ResNet-34 and ResNet-50
    widths           the paper's 64, 128, 256, 512; a stage's output has 1 × (basic) or 4 × (bottleneck) as many
                     channels
    stem             "imagenet": 7×7 at stride 2, 3×3 max-pooling at stride 2 | "cifar": one 3×3
    stem_width       the stem's output channels, independent of `widths`; left out: 64, with the CIFAR stem 16
    shortcut         "A": zero-padding where the shape changes | "B": projection there | "C": projection everywhere |
                     "none": a plain network  (He et al. 2015, section 4.1 and table 3)
    stride_on        "3x3": torchvision's, called v1.5 | "1x1": the paper's; bottleneck only; left out: "3x3"
    preactivation    BatchNorm and ReLU before each convolution (He et al. 2016); the stem is then a bare convolution
                     (and pooling), and a last BatchNorm and ReLU come before the average
    groups, width_per_group   as in torchvision: a block's inner width is width · width_per_group // 64 · groups
    in_channels      channels of the image
    classes          outputs of the linear layer

    Stage 1 keeps the stem's resolution, every later stage halves it. `widths` and `depths` are equally long.
    Raises ValueError or TypeError that names the argument, its value and what is allowed.
    """

    block: Block
    depths: tuple[int, ...]
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stem: Stem = "imagenet"
    stem_width: int = DERIVED
    shortcut: Shortcut = "B"
    stride_on: StrideOn | None = None
    preactivation: bool = False
    groups: int = 1
    width_per_group: int = 64
    in_channels: int = 3
    classes: int = 1000

    def __post_init__(self) -> None:
        _check.one_of("block", self.block, BLOCKS)
        _check.one_of("stem", self.stem, STEMS)
        _check.one_of("shortcut", self.shortcut, SHORTCUTS)
        object.__setattr__(self, "preactivation", _check.boolean("preactivation", self.preactivation))
        object.__setattr__(self, "stride_on", _stride_on(self.block, self.stride_on))
        if self.stem_width is None:
            object.__setattr__(self, "stem_width", 64 if self.stem == "imagenet" else 16)
        for name in ("depths", "widths"):
            object.__setattr__(self, name, _check.positive_ints(name, getattr(self, name)))
        for name in ("stem_width", "groups", "width_per_group", "in_channels", "classes"):
            object.__setattr__(self, name, _check.positive_int(name, getattr(self, name)))
        if len(self.depths) != len(self.widths):
            raise ValueError(
                f"depths and widths must be equally long, one number per stage: {self.depths!r}, {self.widths!r}"
            )
        for i, width in enumerate(self.widths):
            inner = self._inner_width(width)
            if not _check.is_symbol(inner) and inner < 1:
                product = f"{width!r} · {self.width_per_group!r} // 64"
                raise ValueError(f"widths[{i}] · width_per_group // 64 must be at least 1: {product}")
        self.stages  # noqa: B018  # builds every block once, so that a block's error is raised here

    def _inner_width(self, width: int) -> int:
        # torchvision/models/resnet.py: int(planes * (base_width / 64.0)) * groups
        return width * self.width_per_group // 64 * self.groups

    @property
    def total_stride(self) -> int:
        """Pixels of the image for one pixel of the last map: 32 for four stages behind the ImageNet stem."""
        return (4 if self.stem == "imagenet" else 1) << (len(self.depths) - 1)

    @property
    def layers(self) -> int:
        """Convolutions of the main branches and the linear layer: the number in the name.

        Except in `wrn28_10`, whose authors count projections, too.
        """
        return sum(stage.depth * len(stage.first.convolutions) for stage in self.stages) + 2

    @cached_property
    def stem_operations(self) -> tuple[Operation, ...]:
        """From the image to the first block."""
        channels = self.stem_width
        kernel, stride = (7, 2) if self.stem == "imagenet" else (3, 1)
        operations = [_conv("conv1", kernel, self.in_channels, channels, stride)]
        if not self.preactivation:
            operations += [_batch_norm("bn1", channels), _relu("relu", channels)]
        if self.stem == "imagenet":
            operations.append(Operation("maxpool", "max_pool", channels, channels, kernel=3, stride=2, padding=1))
        return tuple(operations)

    @cached_property
    def stages(self) -> tuple[StageSpec, ...]:
        """The stages `layer1`, `layer2`, … (the paper's conv2_x, conv3_x, …)."""
        # No good names, since layer1 has many layers; but torchvision's weights have them in their keys.
        stages = []
        in_channels = self.stem_width
        for i, (depth, width) in enumerate(zip(self.depths, self.widths, strict=True)):
            out_channels = width * EXPANSION[self.block]
            first = self._block(in_channels, width, out_channels, stride=1 if i == 0 else 2)
            others = self._block(out_channels, width, out_channels, stride=1)
            stages.append(StageSpec(f"layer{i + 1}", depth, first, others))
            in_channels = out_channels
        return tuple(stages)

    def _block(self, in_channels: int, width: int, out_channels: int, stride: int) -> BlockSpec:
        keeps_shape = stride == 1 and in_channels == out_channels
        where_the_shape_changes: dict[Shortcut, BlockShortcut] = {
            "A": "pad",
            "B": "projection",
            "C": "projection",
            "none": "none",
        }
        everywhere = self.shortcut in ("C", "none")
        return BlockSpec(
            block=self.block,
            in_channels=in_channels,
            width=self._inner_width(width),
            out_channels=out_channels,
            stride=stride,
            groups=self.groups,
            shortcut="identity" if keeps_shape and not everywhere else where_the_shape_changes[self.shortcut],
            stride_on=self.stride_on,
            preactivation=self.preactivation,
        )

    @cached_property
    def parts(self) -> tuple[PartSpec, ...]:
        """The whole network in order of execution: stem, each stage's first block and its others, head."""
        stages = (
            PartSpec(stage.name, first, count, block.operations)
            for stage in self.stages
            for first, count, block in ((0, 1, stage.first), (1, stage.depth - 1, stage.others))
        )
        return (
            PartSpec("stem", None, 1, self.stem_operations),
            *stages,
            PartSpec("head", None, 1, self.head_operations),
        )

    @cached_property
    def head_operations(self) -> tuple[Operation, ...]:
        """From the last block to the logits."""
        channels = self.stages[-1].first.out_channels
        last_activation = (_batch_norm("bn", channels), _relu("relu", channels)) if self.preactivation else ()
        return (
            *last_activation,
            Operation("avgpool", "avg_pool", channels, channels),
            Operation("fc", "linear", channels, self.classes),
        )

    def __str__(self) -> str:
        stem = self.stem_operations[0]
        kernel = f"{stem.kernel}×{stem.kernel}" + (f"/{stem.stride}" if stem.stride != 1 else "")
        pool = " ─ max 3×3/2" if self.stem == "imagenet" else ""
        lines = [("stem", f"{self.in_channels} ─ {kernel} ─ {self.stem_width}{pool}")]
        for stage in self.stages:
            lines.append((stage.name, str(stage.first)))
            if stage.depth != 1:
                lines.append(("", f"{stage.others}   × {stage.depth - 1}"))
        lines.append(("head", f"{self.stages[-1].first.out_channels} ─ average ─ {self.classes}"))
        return "\n".join(f"{name:<8}{drawing}" for name, drawing in lines)


FIELDS = tuple(field.name for field in fields(NetworkSpec))


def check_fields(given: dict[str, Any], allowed: Iterable[str] = FIELDS) -> None:
    """Refuse what is not a field of a network, or not among the `allowed` ones."""
    allowed = tuple(allowed)
    for name, value in given.items():
        if name not in allowed:
            raise ValueError(f"{name} is not a field of a network; allowed are {', '.join(allowed)}: {name}={value!r}")


def _stride_on(block: Block, stride_on: StrideOn | None) -> StrideOn | None:
    if block == "basic":
        if stride_on is not None:
            raise ValueError(
                f"stride_on is for the bottleneck block; a basic block strides on its first 3×3: {stride_on!r}"
            )
        return None
    return _check.one_of("stride_on", "3x3" if stride_on is None else stride_on, STRIDE_ON)
