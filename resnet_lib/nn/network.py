"""A network as a torch module, made from its NetworkSpec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.nn.blocks import ResidualBlock, module, refuse_symbols, residual_block
from resnet_lib.nn.published import published
from resnet_lib.spec import BlockSpec, NetworkSpec, StageSpec
from resnet_lib.zoo import network

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
MEMORY_FORMATS = (torch.contiguous_format, torch.channels_last)


def _stage(stage: StageSpec, **to: Any) -> nn.Sequential:
    specs = [stage.first] + [stage.others] * (stage.depth - 1)
    return nn.Sequential(*(residual_block(spec, **to) for spec in specs))


class ResNet(nn.Module):
    """A residual network: images (N, in_channels, H, W) → logits (N, classes).

    Its modules have the names of `spec`'s operations, which are torchvision's: so are the keys of its weights.
    `device` and `dtype` are those of the parameters. The weights are torch's defaults; `build` and `initialise` set
    the paper's. (He et al. 2015, arXiv 1512.03385, table 1 and section 4.2.)

    Raises TypeError if `spec` is no NetworkSpec or holds symbols.
    """

    if TYPE_CHECKING:  # conv1, bn1, …: each module stands under the name of its operation

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, spec: NetworkSpec, *, device: Any = None, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        if not isinstance(spec, NetworkSpec):
            raise TypeError(f"spec must be a NetworkSpec, such as rl.network('resnet50'): {spec!r}")
        refuse_symbols(spec)
        self.spec = spec
        for op in spec.stem_operations:
            self.add_module(op.name, module(op, device=device, dtype=dtype))
        for stage in spec.stages:
            self.add_module(stage.name, _stage(stage, device=device, dtype=dtype))
        for op in spec.head_operations:
            self.add_module(op.name, module(op, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        if not self.spec.preactivation:
            x = self.bn1(x)
            x = self.relu(x)
        if self.spec.stem == "imagenet":
            x = self.maxpool(x)

        for stage in self.spec.stages:
            x = self.get_submodule(stage.name)(x)

        if self.spec.preactivation:
            x = self.bn(x)
            x = self.relu(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        x = self.fc(x)
        return x

    def __repr__(self) -> str:
        return f"{type(self).__name__}\n{self.spec}"


def initialise(model: nn.Module) -> None:
    """Draw every convolution's weights as in He et al. 2015b, "Delving deep into rectifiers", arXiv 1502.01852.

    Normal with variance 2 / (k² · out_channels), equation 14. BatchNorm (1 and 0) and the linear layer keep torch's
    defaults, as torchvision's ResNets do: from equal seeds the weights come out equal too.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


def usable_device(device: Any) -> torch.device:
    """`device`, or torch's current default, if torch finds it here."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:  # AssertionError: this torch has no CUDA
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"device must be one that torch finds here, such as 'cpu' or 'meta': {device!r}") from error


def filled(spec: NetworkSpec | BlockSpec, state: dict[str, Tensor]) -> ResNet | ResidualBlock:
    """The module that `spec` describes, made around the tensors of `state`: nothing is drawn, nothing copied.

    Raises RuntimeError if they do not fit.
    """
    model = ResNet(spec, device="meta") if isinstance(spec, NetworkSpec) else residual_block(spec, device="meta")
    model.load_state_dict(state, strict=True, assign=True)
    return model


def build(
    spec: NetworkSpec | BlockSpec | str,
    *,
    weights: str | None = None,
    device: Any = None,
    dtype: torch.dtype | None = None,
    memory_format: torch.memory_format | None = None,
    zero_init_last: bool = False,
) -> ResNet | ResidualBlock:
    """The torch module of a network (a description or a name of the zoo), or of a single block.

    A network maps images (N, in_channels, H, W) to logits (N, classes), a block feature maps (N, in_channels, H, W)
    to (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉). It is in training mode, as any new module, and initialised with
    `initialise`; `zero_init_last` lets each block start as its shortcut (see `ResidualBlock.zero_init_last`).
    `weights` ("IMAGENET1K_V1", "IMAGENET1K_V2", "DEFAULT": the best) takes those that torchvision has published for
    this network instead; torchvision downloads them on first use (see `published`).
    `device` ("meta" allocates nothing), `dtype` and `memory_format` are those of the parameters; left out: torch's
    current defaults, which `build` does not change.

    Raises ValueError for an unknown name, a device, dtype or memory format that will not do here, for
    `zero_init_last` without shortcuts or together with `weights`, for `weights` that there are not or that are
    damaged; TypeError for what is no description or one that holds symbols; OSError if the weights cannot be had.
    """
    if isinstance(spec, str):
        spec = network(spec)
    if not isinstance(spec, NetworkSpec | BlockSpec):
        raise TypeError(f"spec must be a NetworkSpec, a BlockSpec or a name, such as 'resnet50': {spec!r}")
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(map(str, DTYPES))}: {dtype!r}")
    if memory_format is not None and memory_format not in MEMORY_FORMATS:
        raise ValueError(f"memory_format must be one of {', '.join(map(str, MEMORY_FORMATS))}: {memory_format!r}")
    device_or_default = usable_device(device)
    _check.boolean("zero_init_last", zero_init_last)
    if weights is not None and zero_init_last:
        raise ValueError(f"zero_init_last is for new weights, not for published ones: weights={weights!r}")
    if weights is not None and device_or_default.type == "meta":
        raise ValueError(f"device must have memory for weights={weights!r}, which 'meta' has not")

    if weights is not None:
        model = _with_published(spec, weights).to(device=device_or_default, dtype=dtype or torch.get_default_dtype())
    else:
        to = {"device": device, "dtype": dtype}
        model = ResNet(spec, **to) if isinstance(spec, NetworkSpec) else residual_block(spec, **to)
        initialise(model)
    if zero_init_last:
        for block in model.modules():
            if isinstance(block, ResidualBlock):
                block.zero_init_last()
    if memory_format is not None:
        model.to(memory_format=memory_format)  # type: ignore[call-overload]
    return model


def _with_published(spec: NetworkSpec | BlockSpec, weights: str) -> ResNet | ResidualBlock:
    state = published(spec, weights)
    try:
        return filled(spec, state)
    except (RuntimeError, TypeError) as error:  # TypeError: the file holds something else than a state_dict
        raise ValueError(f"weights={weights!r} do not fit the network: {error}") from error
