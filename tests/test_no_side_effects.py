"""Pricing and measuring leave a model as it was: training flag, state, hooks, gradients, and torch's random numbers."""

from __future__ import annotations

import pytest
import torch

import resnet_lib as rl
from resnet_lib.cost.conventions import CONVENTIONS
from tests.helpers.models import equal, state_of

CALLS = {
    "price": lambda model, bill: (
        rl.price(model.spec, 65).rows,
        [bill.by(what) for what in ("stage", "block", "kind")],
    ),
    "report": lambda model, bill: [rl.report(bill, tool) for tool in CONVENTIONS],
    "explain": lambda model, bill: str(rl.explain(bill, "fvcore", "torchinfo")),
    "training": lambda model, bill: rl.training_macs(bill).macs,
    "memory": lambda model, bill: (
        rl.memory(bill, "adam", "mixed").total,
        rl.checkpoint_bytes(bill),
        rl.peak_inference(bill),
    ),
    "geometry": lambda model, bill: (rl.receptive_field(model.spec), rl.geometry(model.spec, 65)),
    "roofline": lambda model, bill: (rl.intensity(bill), rl.roofline(bill, 1e12, 1e11).seconds),
    "design": lambda model, bill: (rl.design(model.spec, depths=range(1, 3), macs=1e9), rl.twin(model.spec)),
    "measure": lambda model, bill: rl.lab.measure(model, 16, 2, seconds=1e-3),
    "measure a step": lambda model, bill: rl.lab.measure(model, 16, 2, mode="training", seconds=1e-3),
    "measure in bfloat16": lambda model, bill: rl.lab.measure(
        model, 16, 2, dtype="bf16", memory_format="channels_last", threads=2, seconds=1e-3
    ),
    "layers": lambda model, bill: rl.lab.layers(model, 16, 2, threads=2, seconds=1e-3),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("training", [True, False])
def test_a_call_leaves_the_model_as_it_was(name: str, training: bool) -> None:
    model = rl.build(rl.network("resnet18", depths=(1, 1), widths=(8, 16), stem_width=8, classes=5))
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    model.train(training)
    before = state_of(model)
    CALLS[name](model, rl.price(model.spec, 65))
    assert equal(before, state_of(model))


def test_the_comparison_would_notice() -> None:
    model = rl.build(rl.network("resnet18", depths=(1,), widths=(8,), stem_width=8))
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    before = state_of(model)
    handle = model.conv1.register_forward_hook(lambda *_: None)
    assert not equal(before, state_of(model))
    handle.remove()
    assert equal(before, state_of(model))
    torch.rand(1)
    assert not equal(before, state_of(model))
