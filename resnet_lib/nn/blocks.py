"""The residual blocks as torch modules. A BlockSpec fixes their geometry; this module defines what they compute."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, Operation

LARGEST = 2**59  # elements of a tensor, whose bytes torch counts in 64 bits


def module(op: Operation, **to: Any) -> nn.Module:
    """Return the torch module of one operation; `to` may hold its `device` and `dtype`."""
    channels = op.in_channels, op.out_channels
    if op.in_channels // op.groups * op.out_channels * op.kernel**2 > LARGEST:
        raise ValueError(f"spec must have at most 2**59 weights a layer to be built; {op.name} has more")
    match op.kind:
        case "conv":
            return nn.Conv2d(*channels, op.kernel, op.stride, op.padding, groups=op.groups, bias=False, **to)
        case "batch_norm":
            return nn.BatchNorm2d(op.out_channels, **to)
        case "relu":
            # In place is safe: each ReLU reads a BatchNorm's or an addition's fresh output, which nothing else needs.
            return nn.ReLU(inplace=True)
        case "max_pool":
            return nn.MaxPool2d(op.kernel, op.stride, op.padding)
        case "avg_pool":
            return nn.AdaptiveAvgPool2d(1)
        case "linear":
            return nn.Linear(*channels, **to)
    raise ValueError(f"op.kind must be that of an operation with a module: {op.kind!r}")


class ZeroPadding(nn.Module):
    """Option A, a shortcut without parameters: every `stride`-th pixel, then `channels` channels of zeros appended.

    (N, C, H, W) → (N, C + channels, ⌈H/stride⌉, ⌈W/stride⌉), as in facebookarchive/fb.resnet.torch, models/resnet.lua.

    >>> ZeroPadding(stride=2, channels=16)(torch.ones(1, 16, 8, 8)).shape
    torch.Size([1, 32, 4, 4])

    Chapter 4.
    """

    def __init__(self, stride: int, channels: int) -> None:
        super().__init__()
        self.stride = stride
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, 0, self.channels))


class ResidualBlock(nn.Module):
    """The base of the four blocks: y = relu(F(x) + shortcut(x)), where F is `residual`.

    The modules are made from `spec`, under the names of its operations and in their order, which are torchvision's.
    `downsample` is the shortcut: the identity, a ZeroPadding, a projection, or None in a plain block. Feature maps
    (N, in_channels, H, W) become (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉). The parameters have `device` and `dtype`.
    The weights are torch's defaults; `build` and `initialize` set the paper's.

    Raises TypeError if `spec` is not a BlockSpec or holds symbols.
    Raises ValueError if it describes another class's block.

    >>> block = BasicBlock(BlockSpec("basic", 64))
    >>> x = torch.rand(1, 64, 8, 8)
    >>> torch.equal(block.eval()(x), (x + block.residual(x)).relu())
    True

    Chapter 3.
    """

    block: ClassVar[str]
    preactivation: ClassVar[bool]
    downsample: nn.Module | None

    def __init__(self, spec: BlockSpec, *, device: Any = None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        _check.instance("spec", spec, BlockSpec, "a BlockSpec, such as rl.BlockSpec('basic', 64)")
        if (spec.block, spec.preactivation) != (self.block, self.preactivation):
            expected = f"block={self.block!r} and preactivation={self.preactivation}"
            raise ValueError(f"spec must have {expected} for a {type(self).__name__}: {spec!r}")
        _check.no_symbols("a network to be built", spec)
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

    def residual(self, x: Tensor) -> Tensor:
        """Return F(x), everything before the addition."""
        raise NotImplementedError

    def last_relu(self, x: Tensor) -> Tensor:
        """Apply the ReLU that follows the addition."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        out = self.residual(x)
        if self.downsample is not None:
            out += self.downsample(x)
        return self.last_relu(out)

    def zero_init_last(self) -> None:
        """Zero the last weights of the residual branch, so that training starts from the shortcut alone.

        These are the last BatchNorm's (Goyal et al. 2017, arXiv 1706.02677, section 5.1). A preactivation block has
        no BatchNorm after its last convolution; there the convolution's own weights are zeroed, which makes the
        branch zero just as well and still gives them a gradient (timm/models/resnetv2.py does the same).
        A ReLU follows the addition, so without preactivation the identity block is the identity for inputs ≥ 0.

        Raises ValueError for a plain block, whose output would be zero for good.
        """
        if self.spec.shortcut == "none":
            raise ValueError("zero_init_last needs a shortcut: with shortcut='none' the block's output would be zero")
        last = [op for op in self.spec.operations if op.branch == "main" and op.kind in ("conv", "batch_norm")][-1]
        nn.init.zeros_(self.get_parameter(f"{last.name}.weight"))

    def __repr__(self) -> str:
        return f"{type(self).__name__}  {self.spec}"


class BasicBlock(ResidualBlock):
    """Two 3×3 convolutions (He et al. 2015, arXiv 1512.03385, figure 5 left).

    >>> BasicBlock(BlockSpec("basic", 64))
    BasicBlock  64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity

    Chapter 3.
    """

    block = "basic"
    preactivation = False
    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d
    relu1: nn.ReLU
    conv2: nn.Conv2d
    bn2: nn.BatchNorm2d
    relu2: nn.ReLU

    def residual(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(x)  # (N, width, H/stride, W/stride)
        out = self.bn1(out)
        out = self.relu1(out)
        out = self.conv2(out)  # (N, out_channels, H/stride, W/stride)
        out = self.bn2(out)
        return out

    def last_relu(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu2(x)
        return out


# The paper strides on the first 1×1. As in torchvision (v1.5), the 3×3 strides unless spec.stride_on says "1x1".
class BottleneckBlock(ResidualBlock):
    """1×1 reduce, 3×3, 1×1 expand (He et al. 2015, arXiv 1512.03385, figure 5 right).

    >>> BottleneckBlock(BlockSpec("bottleneck", 256))
    BottleneckBlock  256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity

    Chapter 6.
    """

    block = "bottleneck"
    preactivation = False
    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d
    relu1: nn.ReLU
    conv2: nn.Conv2d
    bn2: nn.BatchNorm2d
    relu2: nn.ReLU
    conv3: nn.Conv2d
    bn3: nn.BatchNorm2d
    relu3: nn.ReLU

    def residual(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv1(x)  # (N, width, H, W)
        out = self.bn1(out)
        out = self.relu1(out)
        out = self.conv2(out)  # (N, width, H/stride, W/stride)
        out = self.bn2(out)
        out = self.relu2(out)
        out = self.conv3(out)  # (N, out_channels, H/stride, W/stride)
        out = self.bn3(out)
        return out

    def last_relu(self, x: Tensor) -> Tensor:
        out: Tensor = self.relu3(x)
        return out


class _PreactBlock(ResidualBlock):
    """BatchNorm and ReLU before each convolution, nothing after the addition: y = F(x) + shortcut(x)."""

    preactivation = True
    bn1: nn.BatchNorm2d
    relu1: nn.ReLU

    def convolve(self, out: Tensor) -> Tensor:
        """Return F(x) from the activated input `out`, whose name each result takes so that memory is freed early."""
        raise NotImplementedError

    def residual(self, x: Tensor) -> Tensor:
        return self.convolve(self.relu1(self.bn1(x)))

    def forward(self, x: Tensor) -> Tensor:
        if self.spec.shortcut == "projection":
            x = self.relu1(self.bn1(x))  # a projection, too, reads the activated input: (N, in_channels, H, W)
            out = self.convolve(x)
        else:
            out = self.residual(x)
        if self.downsample is not None:
            out += self.downsample(x)
        return out


class PreactBasicBlock(_PreactBlock):
    """Two 3×3 convolutions, BatchNorm and ReLU before each (He et al. 2016, arXiv 1603.05027, figure 1b).

    >>> PreactBasicBlock(BlockSpec("basic", 64, preactivation=True))
    PreactBasicBlock  64 ─ 3×3 ─ 64 ─ 3×3 ─ 64  ⊕ identity, preactivation

    Chapter 8.
    """

    block = "basic"
    conv1: nn.Conv2d
    bn2: nn.BatchNorm2d
    relu2: nn.ReLU
    conv2: nn.Conv2d

    def convolve(self, out: Tensor) -> Tensor:
        out = self.conv1(out)  # (N, width, H/stride, W/stride)
        out = self.bn2(out)
        out = self.relu2(out)
        out = self.conv2(out)  # (N, out_channels, H/stride, W/stride)
        return out


class PreactBottleneckBlock(_PreactBlock):
    """1×1, 3×3, 1×1, BatchNorm and ReLU before each (He et al. 2016, arXiv 1603.05027, section 4.1).

    >>> PreactBottleneckBlock(BlockSpec("bottleneck", 256, preactivation=True))
    PreactBottleneckBlock  256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity, preactivation

    Chapter 8.
    """

    block = "bottleneck"
    conv1: nn.Conv2d
    bn2: nn.BatchNorm2d
    relu2: nn.ReLU
    conv2: nn.Conv2d
    bn3: nn.BatchNorm2d
    relu3: nn.ReLU
    conv3: nn.Conv2d

    def convolve(self, out: Tensor) -> Tensor:
        out = self.conv1(out)  # (N, width, H, W)
        out = self.bn2(out)
        out = self.relu2(out)
        out = self.conv2(out)  # (N, width, H/stride, W/stride)
        out = self.bn3(out)
        out = self.relu3(out)
        out = self.conv3(out)  # (N, out_channels, H/stride, W/stride)
        return out


BLOCKS: dict[tuple[str, bool], type[ResidualBlock]] = {
    (block.block, block.preactivation): block
    for block in (BasicBlock, BottleneckBlock, PreactBasicBlock, PreactBottleneckBlock)
}


def residual_block(spec: BlockSpec, **to: Any) -> ResidualBlock:
    """Return the block that `spec` describes, of the class that draws it; `to` may hold `device` and `dtype`."""
    return BLOCKS[spec.block, spec.preactivation](spec, **to)
