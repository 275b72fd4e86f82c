"""What is measured: a module that is ready to run, and images for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.cost.bill import DEFAULT_IMAGE, FEATURE_MAP, Bill, price
from resnet_lib.lab.timing import as_device
from resnet_lib.nn import ResidualBlock, ResNet, build
from resnet_lib.nn.arguments import as_dtype, as_memory_format
from resnet_lib.nn.changed import change
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names
from resnet_lib.zoo import network as named

Network = nn.Module | NetworkSpec | BlockSpec | str
Mode = Literal["inference", "training"]


class Settings(NamedTuple):
    """Those of a module's parameters and images."""

    dtype: torch.dtype
    memory_format: torch.memory_format
    device: torch.device


FROM_A_NAME = Settings(torch.float32, torch.contiguous_format, torch.device("cpu"))


@dataclass(frozen=True)
class Subject:
    """A module ready to run, its images (N, C, H, W), and its bill if it computes what a description says."""

    name: str
    model: nn.Module
    images: Tensor
    settings: Settings
    bill: Bill | None

    def forward(self) -> None:
        with torch.inference_mode():
            self.model(self.images)


@contextmanager
def prepared(
    network: Network, image: Any, batch: int, mode: Mode = "inference", *, dtype: Any, memory_format: Any, device: Any
) -> Iterator[Subject]:
    """Give the network as a subject, in that mode; torch's random state and the module's training flags come back."""
    spec = description(network)
    bill = None if spec is None else price(spec, image, batch)
    if mode == "training":
        _refuse_step(network, bill, batch)
    own = _settings(network) if isinstance(network, nn.Module) else FROM_A_NAME
    settings = Settings(
        own.dtype if dtype is None else as_dtype(dtype),
        own.memory_format if memory_format is None else as_memory_format(memory_format),
        as_device(own.device if device is None else device),
    )
    with _apart(settings.device):
        if isinstance(network, nn.Module):
            model = _copied(network, settings) if mode == "training" or settings != own else network
            shape = _image_shape(network, image, batch) if bill is None else bill.rows[0].input_shape
        else:
            assert spec is not None and bill is not None
            model, shape = build(spec, **settings._asdict()), bill.rows[0].input_shape
        images = torch.randn(shape, dtype=settings.dtype, device=settings.device)
        images = images.contiguous(memory_format=settings.memory_format)
        with _in_mode(model, mode):
            yield Subject(_title(network, spec), model, images, settings, bill)


def description(network: Network) -> NetworkSpec | BlockSpec | None:
    """Return the description of a name or of a module that still computes what its description says.

    Raises ValueError for an unknown name, TypeError for an object that is not a network.
    """
    if isinstance(network, str):
        return named(network)
    if isinstance(network, NetworkSpec | BlockSpec):
        return network
    if isinstance(network, ResNet | ResidualBlock):
        return network.spec if change(network) is None else None
    _check.instance("network", network, nn.Module, "a name, a description or a torch module")
    return None


@contextmanager
def _apart(device: torch.device) -> Iterator[None]:
    """Neither change torch's random state nor depend on the modes that the caller is in."""
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        torch.autocast(device.type, enabled=False),
        torch.inference_mode(False),
    ):
        yield


def _image_shape(model: nn.Module, image: Any, batch: int) -> tuple[int, ...]:
    """Return that of the images for a module whose bill nobody knows, by its first convolution."""
    if image is None:
        spec = getattr(model, "spec", None)
        image = FEATURE_MAP if isinstance(spec, BlockSpec) else DEFAULT_IMAGE[getattr(spec, "stem", "imagenet")]
    channels = next((module.in_channels for module in model.modules() if isinstance(module, nn.Conv2d)), 3)
    return (_check.positive_int("batch", batch), channels, *_check.image_size(image))


def _refuse_step(network: Network, bill: Bill | None, batch: int) -> None:
    if isinstance(network, nn.Module) and not any(p.requires_grad for p in network.parameters()):
        raise ValueError("mode must be 'inference' for a module without parameters that learn: 'training'")
    if isinstance(network, BlockSpec | ResidualBlock):
        raise ValueError("mode must be 'inference' for a single block, which has no logits: 'training'")
    norms = [row for row in bill.rows if row.kind == "batch_norm"] if bill is not None else []
    if any(row.elements == row.output_shape[1] for row in norms):
        raise ValueError(f"batch must be above 1 to train on so small an image, for BatchNorm's sake: {batch!r}")


def _title(network: Network, spec: NetworkSpec | BlockSpec | None) -> str:
    """Return the name in the zoo, or else the module's class."""
    if isinstance(network, str):
        return network
    if spec is None and not isinstance(network, ResNet | ResidualBlock):
        spec = getattr(network, "spec", None)  # a copy for inference, say
    return next((name for name in names() if named(name) == spec), type(network).__name__)


def _settings(model: nn.Module) -> Settings:
    """Return those that the module has."""
    numbers = [tensor for tensor in chain(model.parameters(), model.buffers()) if tensor.is_floating_point()]
    if not numbers:
        return FROM_A_NAME
    maps = [tensor for tensor in numbers if tensor.dim() == 4 and not tensor.is_contiguous()]
    last = any(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in maps)
    return Settings(numbers[0].dtype, torch.channels_last if last else torch.contiguous_format, numbers[0].device)


def _copied(model: nn.Module, settings: Settings) -> nn.Module:
    try:
        return deepcopy(model).to(**settings._asdict())
    except Exception as error:  # whatever a module's own parts raise when they are copied
        raise ValueError(f"network cannot be copied, as these settings need: {error}") from error


@contextmanager
def _in_mode(model: nn.Module, mode: Mode) -> Iterator[None]:
    before = {module: module.training for module in model.modules()}
    try:
        model.train(mode == "training")
        yield
    finally:
        for module, flag in before.items():
            module.training = flag
