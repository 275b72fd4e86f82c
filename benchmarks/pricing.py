"""How long it takes to learn what ResNet-50 costs: this library's arithmetic against tools that run the model.

Compared: the parameters and MACs of one 224 × 224 picture from

- `rl.price`: on a description already made; with all rows listed; and with the description made each time;
- torch's FlopCounterMode: one forward pass on the meta device, where tensors have shapes and no data;
- torchinfo.summary: likewise, silent, with an input tensor already made (its quickest honest setting).

The peers are handed torchvision's ResNet-50, built beforehand, and may skip gradients; building it is not counted.
All must give the same answer, each in its own convention (FlopCounterMode counts 2 FLOPs a MAC; torchinfo adds
BatchNorm's parameters and the classifier's outputs to the MACs), or nothing is measured.
"""

from __future__ import annotations

import torch
import torchinfo
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from benchmarks.timing import Result, call_time, side_by_side
from resnet_lib.nn.vision import torchvision


def run(rounds: int = 15) -> list[Result]:
    """Results against `rl.price` of a description already made."""
    net = rl.network("resnet50")
    with torch.device("meta"):
        model = torchvision.models.resnet50().eval()
        image = torch.empty(1, 3, 224, 224)
    batch_norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    torchinfo_adds = sum(p.numel() for module in batch_norms for p in module.parameters()) + model.fc.out_features

    def price() -> tuple[int, int]:
        bill = rl.price(net)
        return bill.params, bill.macs

    def price_with_rows() -> tuple[int, int]:
        bill = rl.price(net)
        return sum(row.params for row in bill.rows), sum(row.macs for row in bill.rows)

    def describe_and_price() -> tuple[int, int]:
        bill = rl.price(rl.network("resnet50"))
        return bill.params, bill.macs

    def flop_counter() -> tuple[int, int]:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(image)
        return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2

    def summary() -> tuple[int, int]:
        info = torchinfo.summary(model, input_data=image, device="meta", depth=1, verbose=0)
        return info.total_params, info.total_mult_adds - torchinfo_adds

    contenders = {
        "rl.price, totals": (price, 100),
        "rl.price, totals and every row": (price_with_rows, 100),
        "rl.network and rl.price": (describe_and_price, 50),
        "FlopCounterMode, meta device": (flop_counter, 1),
        "torchinfo.summary, meta device": (summary, 1),
    }
    answers = {name: function() for name, (function, _) in contenders.items()}
    if len(set(answers.values())) != 1:
        raise AssertionError(f"the contenders disagree on (parameters, MACs): {answers}")
    timers = {name: call_time(function, calls) for name, (function, calls) in contenders.items()}
    return side_by_side("ResNet-50's parameters and MACs (goal: each tool at least 200×)", timers, rounds)
