"""A network as a torch module, made from its NetworkSpec."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.nn.arguments import as_dtype, as_memory_format, usable_device
from resnet_lib.nn.blocks import ResidualBlock, module, residual_block
from resnet_lib.nn.published import published
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import network


class ResNet(nn.Module):
    """A residual network: images (N, in_channels, H, W) → logits (N, classes).

    Its modules have the names of `spec`'s operations, which are torchvision's: so have its weights. The parameters have
    `device` and `dtype`. The weights are torch's defaults; `build` and `initialize` set the paper's. (He et al. 2015,
    arXiv 1512.03385, table 1 and section 4.2.)

    Raises TypeError if `spec` is not a NetworkSpec or holds symbols.

    >>> model = ResNet(network("cifar_resnet20"))
    >>> model(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 10])

    Chapter 7.
    """

    conv1: nn.Conv2d
    bn1: nn.BatchNorm2d  # without preactivation
    relu: nn.ReLU
    maxpool: nn.MaxPool2d  # with the ImageNet stem
    bn: nn.BatchNorm2d  # with preactivation
    avgpool: nn.AdaptiveAvgPool2d
    fc: nn.Linear  # and between stem and head the stages layer1, layer2, …

    def __init__(self, spec: NetworkSpec, *, device: Any = None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        _check.instance("spec", spec, NetworkSpec, "a NetworkSpec, such as rl.network('resnet50')")
        _check.no_symbols("a network to be built", spec)
        self.spec = spec
        to = {"device": device, "dtype": dtype}
        for op in spec.stem_operations:
            self.add_module(op.name, module(op, **to))
        for stage in spec.stages:
            self.add_module(stage.name, nn.Sequential(*(residual_block(block, **to) for block in stage.blocks)))
        for op in spec.head_operations:
            self.add_module(op.name, module(op, **to))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # (N, stem_width, H/2, W/2) with the ImageNet stem, (N, stem_width, H, W) with CIFAR's
        if not self.spec.preactivation:
            x = self.bn1(x)
            x = self.relu(x)
        if self.spec.stem == "imagenet":
            x = self.maxpool(x)  # (N, stem_width, H/4, W/4)

        for stage in self.spec.stages:
            x = self.get_submodule(stage.name)(x)  # each but the first halves height and width

        if self.spec.preactivation:
            x = self.bn(x)
            x = self.relu(x)
        x = self.avgpool(x)  # (N, C, 1, 1)
        x = torch.flatten(x, 1)  # (N, C)
        x = self.fc(x)  # (N, classes)
        return x

    def __repr__(self) -> str:
        return f"{type(self).__name__}\n{self.spec}"


def initialize(model: nn.Module) -> None:
    """Draw every convolution's weights as in He et al. 2015b, "Delving deep into rectifiers", arXiv 1502.01852.

    They are normal with variance 2 / (k² · out_channels), equation 14. BatchNorm (1 and 0) and the linear layer keep
    torch's defaults, as in torchvision's ResNets: equal seeds give equal weights.

    >>> layer = nn.Conv2d(64, 64, 3)
    >>> initialize(layer)
    >>> abs(layer.weight.var() * 9 * 64 / 2 - 1) < 0.1
    tensor(True)

    Chapter 1.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def made(spec: NetworkSpec | BlockSpec, **to: Any) -> ResNet | ResidualBlock:
    """Return the module that `spec` describes, with torch's default weights; `to` may hold `device` and `dtype`."""
    return ResNet(spec, **to) if isinstance(spec, NetworkSpec) else residual_block(spec, **to)


def filled(spec: NetworkSpec | BlockSpec, state: dict[str, Tensor]) -> ResNet | ResidualBlock:
    """Return the module that `spec` describes, made around the tensors of `state`: nothing is drawn, nothing copied.

    Raises RuntimeError if they do not fit.
    """
    model = made(spec, device="meta")
    model.load_state_dict(state, strict=True, assign=True)
    return model


def build(
    spec: NetworkSpec | BlockSpec | str,
    *,
    weights: str | None = None,
    device: Any = None,
    dtype: torch.dtype | str | None = None,
    memory_format: torch.memory_format | str | None = None,
    zero_init_last: bool = False,
    **overrides: Any,
) -> ResNet | ResidualBlock:
    """Return the torch module of a network or of a single block, in training mode.

    A network maps images (N, in_channels, H, W) to logits (N, classes), a block feature maps (N, in_channels, H, W)
    to (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉). By default the weights are new: see `initialize`.

    - `spec`: a description, or a name of the zoo, for which `overrides` may replace fields as in `rl.network`.
    - `weights`: "IMAGENET1K_V1", "IMAGENET1K_V2" or "DEFAULT" (the best) takes the weights that torchvision has
      published for this network, and downloads them on first use. With another number of `classes` the published
      network gets a new classifier `fc`.
    - `device`: that of the parameters; "meta" allocates nothing.
    - `dtype`: "fp32", "bf16", "fp16", "fp64" or torch's own.
    - `memory_format`: "contiguous", "channels_last" or torch's own.
    - `zero_init_last`: lets each block start as its shortcut (see `ResidualBlock.zero_init_last`).

    By default, device and dtype are torch's current defaults, which `build` does not change.

    Raises ValueError for an unknown name or field, or a device, dtype or memory format that cannot be used here.
    Raises ValueError for `zero_init_last` without shortcuts or together with `weights`.
    Raises ValueError if torchvision publishes no such `weights` for this network or their file is damaged.
    Raises TypeError if `spec` is not a description or a name, or holds symbols, and for `overrides` of a description.
    Raises OSError if the weights cannot be downloaded or kept.

    >>> model = build("resnet50", classes=10, device="meta")
    >>> model.fc
    Linear(in_features=2048, out_features=10, bias=True)
    >>> build(BlockSpec("basic", 64, 128, 128, stride=2))
    BasicBlock  64 ─ 3×3/2 ─ 128 ─ 3×3 ─ 128  ⊕ projection

    Chapter 3.
    """
    if isinstance(spec, str):
        spec = network(spec, **overrides)
    elif overrides:
        allowed = "where spec is a name; dataclasses.replace gives a description other fields"
        raise TypeError(f"{next(iter(overrides))} must be given {allowed}: {spec!r}")
    such_as = "a NetworkSpec, a BlockSpec or a name, such as 'resnet50'"
    _check.instance("spec", spec, (NetworkSpec, BlockSpec), such_as)
    dtype = None if dtype is None else as_dtype(dtype)
    memory_format = None if memory_format is None else as_memory_format(memory_format)
    device_or_default = usable_device(device)
    zero_init_last = _check.boolean("zero_init_last", zero_init_last)
    if weights is not None and zero_init_last:
        raise ValueError(f"zero_init_last is for new weights, not for published ones: weights={weights!r}")
    if weights is not None and device_or_default.type == "meta":
        raise ValueError(f"device must have memory for weights={weights!r}, which 'meta' has not")

    if weights is not None:
        model = _with_published(spec, weights).to(device=device_or_default, dtype=dtype or torch.get_default_dtype())
    else:
        model = made(spec, device=device, dtype=dtype)
        initialize(model)
    if zero_init_last:
        for block in model.modules():
            if isinstance(block, ResidualBlock):
                block.zero_init_last()
    if memory_format is not None:
        model.to(memory_format=memory_format)  # type: ignore[call-overload]
    return model


def _with_published(spec: NetworkSpec | BlockSpec, weights: str) -> ResNet | ResidualBlock:
    theirs, state = published(spec, weights)
    try:
        model = filled(theirs, state)
    except (RuntimeError, TypeError) as error:  # TypeError: the file holds something else than a state_dict
        raise ValueError(f"weights={weights!r} do not fit the network: {error}") from error
    if not isinstance(spec, NetworkSpec) or spec == theirs:
        return model
    classifier = module(replace(theirs, classes=spec.classes).head_operations[-1], device="cpu", dtype=torch.float32)
    new = {f"fc.{name}": tensor for name, tensor in classifier.state_dict().items()}
    return filled(spec, model.state_dict() | new)
