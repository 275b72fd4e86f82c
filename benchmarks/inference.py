"""ResNet-50's logits for 224 × 224 images on this machine's processor: this library's network against torchvision's.

Compared, at batch 1 and 8, without gradients and with equal weights:

- torchvision's network as it comes, in fp32 and in bf16;
- ours as it comes, then with `rl.lab.fast`'s steps one after the other: BatchNorm folded into the convolutions, the
  channels-last layout, torch.compile; and the last two in bf16.

Every contender is first checked against the logits of torchvision's network in fp32: in fp32 they lie within 1e-4,
in bf16 within twice what torchvision's own network in bf16 differs by, or nothing is measured. The largest difference
stands beside the name. Compiling, up to half a minute a contender, is not counted.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

import resnet_lib as rl
from benchmarks.timing import Result, call_time, side_by_side
from resnet_lib.lab._fast import fast
from resnet_lib.nn.vision import torchvision


def run(rounds: int = 11) -> list[Result]:
    """Results against torchvision's eager network in fp32, for batch 1 and 8."""
    torch.manual_seed(0)
    theirs = torchvision.models.resnet50()
    _settle(theirs)
    ours = rl.build("resnet50").eval()
    ours.load_state_dict(theirs.state_dict())
    return [result for batch in (1, 8) for result in _compare(theirs, ours, batch, rounds)]


def _compare(theirs: nn.Module, ours: nn.Module, batch: int, rounds: int) -> list[Result]:
    bf16 = torch.bfloat16
    contenders = {  # compiled afresh for each batch size: the second size would be compiled for any size
        "torchvision, fp32": theirs,
        "rl.build, fp32": ours,
        "+ folded": fast(ours, memory_format="contiguous", compiled=False),
        "+ channels-last": fast(ours, compiled=False),
        "+ compiled: rl.lab.fast": fast(ours, compiled=True),
        "torchvision, bf16": _Bf16(theirs),
        "rl.lab.fast, bf16, not compiled": fast(ours, dtype=bf16, compiled=False),
        "rl.lab.fast, bf16": fast(ours, dtype=bf16, compiled=True),
    }
    images = torch.randn(batch, 3, 224, 224)

    def logits(model: nn.Module) -> Tensor:
        with torch.no_grad():
            out: Tensor = model(images)
            return out

    expected = logits(theirs)
    errors = {name: float((logits(model) - expected).abs().max()) for name, model in contenders.items()}
    for name, error in errors.items():
        allowed = 2 * errors["torchvision, bf16"] if "bf16" in name else 1e-4
        if not error <= allowed:
            raise AssertionError(f"{name}: logits differ by {error}, more than {allowed}")
    timers = {
        f"{name} (within {errors[name]:.0e})": call_time(lambda model=model: logits(model), calls=1)
        for name, model in contenders.items()
    }
    title = f"ResNet-50, batch {batch}, {torch.get_num_threads()} threads (goal: rl.lab.fast at most 0.56×)"
    return side_by_side(title, timers, rounds)


class _Bf16(nn.Module):
    """The model in bf16, as torch's `.to` makes it, between images and logits in fp32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).to(torch.bfloat16)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x.to(torch.bfloat16)).to(x.dtype)


def _settle(model: nn.Module) -> None:
    """Give an untrained network running statistics that fit its weights, so that its logits have a sensible size."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain average
    with torch.no_grad():
        model(torch.randn(8, 3, 224, 224))
    model.eval()
