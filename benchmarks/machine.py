"""How near ResNets come to what this machine can do: their multiply-adds against as many in a large matrix product.

One forward pass at inference (float32, 224 × 224 pixels, batches of 1 and 8, torch's threads as they are) beside the
time of as many multiply-adds in a product of 2048 × 2048 matrices, in turns. The product's ratio is the network's share
of the machine's peak: 0.67× means that it needs the time in which the machine could do half as much again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch

import resnet_lib as rl
from benchmarks.timing import Result, call_time, side_by_side

NETWORKS = ("resnet18", "resnet34", "resnet50")
SIDE = 2048


def run(rounds: int = 7) -> list[Result]:
    """Results against a network; that of a matrix product with its multiply-adds is the share of the peak."""
    matrix = torch.rand(SIDE, SIDE)
    product = call_time(partial(torch.mm, matrix, matrix, out=torch.empty_like(matrix)), calls=2)
    results = []
    for name in NETWORKS:
        model = rl.build(name).eval()
        for batch in (1, 8):
            bill = rl.price(model.spec, batch=batch)
            title = f"{name}, batch {batch}: {bill.macs / 1e9:.1f} G MACs"
            contenders = {
                "rl.build, inference": call_time(partial(_infer, model, torch.rand(bill.rows[0].input_shape)), calls=1),
                "as many MACs in a matrix product (ratio: share of the peak)": _scaled(product, bill.macs / SIDE**3),
            }
            results += side_by_side(title, contenders, rounds)
    return results


def _infer(model: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(images)
    return logits


def _scaled(measure: Callable[[], float], factor: float) -> Callable[[], float]:
    return lambda: factor * measure()
