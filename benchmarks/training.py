"""A step of training: this library's networks against torchvision's in the same loop.

Forward, cross-entropy, backward, and a step of SGD with momentum, in float32, from equal weights, on torch's threads as
they are: torchvision's network, ours, and ours by way of Accelerate, which `rl.lab.train` goes. All must arrive at
equal losses, or nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.functional import cross_entropy

import resnet_lib as rl
from benchmarks.timing import Result, call_time, side_by_side
from resnet_lib.nn.vision import torchvision

CASES = (("resnet18", 8, 128), ("resnet50", 4, 128))  # name, batch, pixels a side


def run(rounds: int = 15) -> list[Result]:
    """Results against torchvision's network; a step of each is a round."""
    return [result for case in CASES for result in _compare(*case, rounds)]


def _compare(name: str, batch: int, side: int, rounds: int) -> list[Result]:
    torch.manual_seed(0)
    theirs = getattr(torchvision.models, name)()
    images, labels = torch.randn(batch, 3, side, side), torch.randint(1000, (batch,))
    steps: dict[str, Callable[[], float]] = {"torchvision": _step(theirs, images, labels, None)}
    for words, accelerator in (("rl.build", None), ("rl.build, by Accelerate", Accelerator(cpu=True))):
        ours = rl.build(name)
        ours.load_state_dict(theirs.state_dict())
        steps[words] = _step(ours, images, labels, accelerator)
    losses = {words: [step() for _ in range(2)] for words, step in steps.items()}
    if len({tuple(own) for own in losses.values()}) != 1:
        raise AssertionError(f"the contenders learn differently: {losses}")
    title = f"a step of {name}, {batch} images of {side} × {side}, {torch.get_num_threads()} threads"
    return side_by_side(title, {words: call_time(step, calls=1, warmup=1) for words, step in steps.items()}, rounds)


def _step(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, accelerator: Accelerator | None
) -> Callable[[], float]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    if accelerator is not None:
        model, optimizer = accelerator.prepare(model, optimizer)

    def step() -> float:
        loss = cross_entropy(model(images), labels)
        optimizer.zero_grad()
        if accelerator is None:
            loss.backward()
        else:
            accelerator.backward(loss)
        optimizer.step()
        return loss.item()

    return step
