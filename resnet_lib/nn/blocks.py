"""The residual blocks as torch modules. Their geometry comes from a BlockSpec; here stands what they compute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, NetworkSpec, Operation

MODULES: dict[str, Callable[..., nn.Module]] = {
    "conv": lambda op, **to: nn.Conv2d(
        op.in_channels, op.out_channels, op.kernel, op.stride, op.padding, groups=op.groups, bias=False, **to
    ),
    "batch_norm": lambda op, **to: nn.BatchNorm2d(op.out_channels, **to),
    # In place is safe: each ReLU reads a BatchNorm's or an addition's fresh output, which nothing else needs.
    "relu": lambda op, **to: nn.ReLU(inplace=True),
    "max_pool": lambda op, **to: nn.MaxPool2d(op.kernel, op.stride, op.padding),
    "avg_pool": lambda op, **to: nn.AdaptiveAvgPool2d(1),
    "linear": lambda op, **to: nn.Linear(op.in_channels, op.out_channels, **to),
}


def module(op: Operation, **to: Any) -> nn.Module:
    """The torch module of one operation; `to` may hold its `device` and `dtype`."""
    return MODULES[op.kind](op, **to)


def refuse_symbols(spec: BlockSpec | NetworkSpec) -> None:
    """Raise TypeError for a description with SymPy symbols: it has a price, but no weights."""
    for field in fields(spec):
        value = getattr(spec, field.name)
        if any(map(_check.is_symbol, value if isinstance(value, tuple) else (value,))):
            raise TypeError(f"{field.name} must be a number in a network to be built, not a symbol: {value!r}")


class ZeroPadding(nn.Module):
    """Option A, a shortcut without parameters: every `stride`-th pixel, then `channels` channels of zeros appended.

    (N, C, H, W) → (N, C + channels, ⌈H/stride⌉, ⌈W/stride⌉), as in facebookarchive/fb.resnet.torch, models/resnet.lua.
    """

    def __init__(self, stride: int, channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.channels))


class ResidualBlock(nn.Module):
    """What the blocks share: modules made from `spec`, under its names, in its order (so are torchvision's keys).

    `downsample` is the shortcut: the identity, a ZeroPadding, a projection, or None in a plain block.
    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉). `device` and `dtype` are those of the
    parameters. The weights are torch's defaults; `build` and `initialise` set the paper's.

    Raises TypeError if `spec` is no BlockSpec or holds symbols, ValueError if it describes another class's block.
    """

    block: ClassVar[str]
    preactivation: ClassVar[bool]
    downsample: nn.Module | None

    if TYPE_CHECKING:  # conv1, bn1, …: each module stands under the name of its operation

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, spec: BlockSpec, *, device: Any = None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        if not isinstance(spec, BlockSpec):
            raise TypeError(f"spec must be a BlockSpec, such as rl.BlockSpec('basic', 64): {spec!r}")
        if (spec.block, spec.preactivation) != (self.block, self.preactivation):
            expected = f"block={self.block!r} and preactivation={self.preactivation}"
            raise ValueError(f"spec must have {expected} for a {type(self).__name__}: {spec!r}")
        refuse_symbols(spec)
        self.spec = spec
        to = {"device": device, "dtype": dtype}
        for op in spec.operations:
            if op.branch == "main" and op.kind != "add":
                self.add_module(op.name, module(op, **to))
        self.downsample = self._shortcut(to)

    def _shortcut(self, to: dict[str, Any]) -> nn.Module | None:
        spec = self.spec
        if spec.shortcut == "projection":
            return nn.Sequential(*(module(op, **to) for op in spec.operations if op.branch == "shortcut"))
        if spec.shortcut == "pad":
            return ZeroPadding(spec.stride, spec.out_channels - spec.in_channels)
        return nn.Identity() if spec.shortcut == "identity" else None

    def zero_init_last(self) -> None:
        """Zero the last weights of the residual branch, so that training starts from the shortcut alone.

        These are the last BatchNorm's (Goyal et al. 2017, arXiv 1706.02677, section 5.1). A preactivation block has
        no BatchNorm after its last convolution; there the convolution's own weights are zeroed, which makes the
        branch zero just as well and still gives them a gradient (timm/models/resnetv2.py does the same).
        After an addition comes a ReLU, so without preactivation the identity block is one for inputs ≥ 0.

        Raises ValueError for a plain block, whose output would be zero for good.
        """
        if self.spec.shortcut == "none":
            raise ValueError("zero_init_last needs a shortcut: with shortcut='none' the block's output would be zero")
        last = [op for op in self.spec.operations if op.branch == "main" and op.kind in ("conv", "batch_norm")][-1]
        nn.init.zeros_(self.get_parameter(f"{last.name}.weight"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}  {self.spec}"


class BasicBlock(ResidualBlock):
    """Two 3×3 convolutions (He et al. 2015, arXiv 1512.03385, figure 5 left)."""

    block = "basic"
    preactivation = False

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(x)
        out = self.bn1(out)
        out = self.relu1(out)

        out = self.conv2(out)
        out = self.bn2(out)

        if self.downsample is not None:
            shortcut = self.downsample(x)
            out += shortcut
        out = self.relu2(out)
        return out


class BottleneckBlock(ResidualBlock):
    """1×1 reduce, 3×3, 1×1 expand (He et al. 2015, arXiv 1512.03385, figure 5 right)."""

    block = "bottleneck"
    preactivation = False

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(x)
        out = self.bn1(out)
        out = self.relu1(out)

        out = self.conv2(out)
        out = self.bn2(out)
        out = self.relu2(out)

        out = self.conv3(out)
        out = self.bn3(out)

        if self.downsample is not None:
            shortcut = self.downsample(x)
            out += shortcut
        out = self.relu3(out)
        return out


class PreactBasicBlock(ResidualBlock):
    """Two 3×3 convolutions, BatchNorm and ReLU before each (He et al. 2016, arXiv 1603.05027, figure 1b)."""

    block = "basic"
    preactivation = True

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn1(x)
        out = self.relu1(out)
        entry = out if self.spec.shortcut == "projection" else x  # only a projection reads the activated input
        out = self.conv1(out)

        out = self.bn2(out)
        out = self.relu2(out)
        out = self.conv2(out)

        if self.downsample is not None:
            shortcut = self.downsample(entry)
            out += shortcut
        return out


class PreactBottleneckBlock(ResidualBlock):
    """1×1, 3×3, 1×1, BatchNorm and ReLU before each (He et al. 2016, arXiv 1603.05027, section 4.1)."""

    block = "bottleneck"
    preactivation = True

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.bn1(x)
        out = self.relu1(out)
        entry = out if self.spec.shortcut == "projection" else x  # only a projection reads the activated input
        out = self.conv1(out)

        out = self.bn2(out)
        out = self.relu2(out)
        out = self.conv2(out)

        out = self.bn3(out)
        out = self.relu3(out)
        out = self.conv3(out)

        if self.downsample is not None:
            shortcut = self.downsample(entry)
            out += shortcut
        return out


BLOCKS: dict[tuple[str, bool], type[ResidualBlock]] = {
    (block.block, block.preactivation): block
    for block in (BasicBlock, BottleneckBlock, PreactBasicBlock, PreactBottleneckBlock)
}


def residual_block(spec: BlockSpec, **to: Any) -> ResidualBlock:
    """The block that `spec` describes, of the class that draws it; `to` may hold `device` and `dtype`."""
    return BLOCKS[spec.block, spec.preactivation](spec, **to)
