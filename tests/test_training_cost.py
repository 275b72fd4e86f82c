"""What a training step costs in MACs, counted by torch itself and by the shapes that reach its operators."""

import pytest
import sympy
import torch
from hypothesis import given, settings
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from resnet_lib.cost.training import Training, training_macs
from tests.helpers.strategies import networks

STEP = {"resnet18": 5_324_206_080, "resnet34": 10_873_270_272, "resnet50": 12_149_538_816}


class CountMacs(TorchDispatchMode):
    """MACs by the shapes of the tensors: an output element (or its gradient) takes one per weight of its channel."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch
        self.forward = self.weights = self.inputs = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        aten = torch.ops.aten
        output = operator(*args, **(kwargs or {}))
        if operator == aten.convolution.default:
            self.forward += output.numel() * args[1][0].numel()
        elif operator == aten.convolution_backward.default:
            of_input, of_weight, _ = args[-1]
            macs = args[0].numel() * args[2][0].numel()
            self.inputs += of_input * macs
            self.weights += of_weight * macs
        elif operator == aten.addmm.default:
            self.forward += output.numel() * args[1].shape[1]
        elif operator == aten.mm.default:  # the linear layer: (N, classes) · (classes, C), then (classes, N) · (N, C)
            macs = output.numel() * args[0].shape[1]
            if len(output) == self.batch:
                self.inputs += macs
            else:
                self.weights += macs
        return output


def step(spec, image, batch):
    """Runs forward and backward on shapes alone: (our own count, torch's FLOPs)."""
    model = rl.build(spec, device="meta")
    images = torch.empty(batch, spec.in_channels, *image, device="meta")
    with FlopCounterMode(display=False) as flops, CountMacs(batch) as macs:
        model(images).sum().backward()
    return Training(macs.forward, macs.weights, macs.inputs), flops.get_total_flops()


@pytest.mark.parametrize(("name", "macs"), STEP.items())
def test_known_networks(name, macs):
    """3M without the stem's input gradient; torch's own counter agrees."""
    spec = rl.network(name)
    bill = rl.price(spec)
    step_cost = training_macs(bill)
    assert step_cost.macs == macs == 3 * bill.macs - bill.rows[0].macs
    assert step_cost == Training(bill.macs, bill.macs, bill.macs - bill.rows[0].macs)
    assert step(spec, (224, 224), 2) == (training_macs(rl.price(spec, batch=2)), 4 * macs)


@settings(max_examples=25)
@given(networks())
def test_any_network(network_and_image):
    """Against shapes, and against torch's counter with its error, to the last MAC."""
    spec, image = network_and_image
    batch = 13  # more than the classes, so that the linear layer's two products can be told apart
    bill = rl.price(spec, image, batch)
    cost, flops = step(spec, image, batch)
    assert training_macs(bill) == cost
    grouped = (".conv1", ".conv2") if spec.block == "basic" else (".conv2",)
    grouped_macs = sum(row.macs for row in bill.rows if row.name.startswith("layer") and row.name.endswith(grouped))
    assert flops == 2 * (cost.macs + (spec.groups - 1) * grouped_macs)

    for what in ("stage", "block", "kind"):
        assert sum(training_macs(part).macs for part in bill.by(what).values()) == training_macs(bill).macs


def test_a_block_and_symbols():
    """A block's input is a feature map; on symbols the same sum is the textbook's formula."""
    c, h, w = sympy.symbols("c h w", integer=True, positive=True)
    bill = rl.price(rl.BlockSpec("basic", c), (h, w))
    assert sympy.expand(training_macs(bill).macs) == 54 * c**2 * h * w
    assert training_macs(rl.price(rl.BlockSpec("basic", 64))).macs == 3 * 73_728 * 56**2


def test_what_is_shown_is_the_sum():
    step = training_macs(rl.price("resnet50", batch=2))
    table = step.table()
    assert sum(row[1] for row in table.rows) == table.total[1] == step.macs
    assert [line[2] for line in table.cells()[1:]] == ["× 1.000", "× 1.000", "× 0.971", "× 2.971"]
    n = sympy.Symbol("n", integer=True, positive=True)
    assert "n" in repr(training_macs(rl.price(rl.BlockSpec("basic", n))))


@pytest.mark.parametrize(
    ("wrong", "shown"), [("resnet50", "'resnet50'"), (None, "None"), (rl.network("resnet18"), "a NetworkSpec")]
)
def test_no_bill(wrong, shown):
    with pytest.raises(TypeError, match=rf"bill must be a Bill, such as .*: {shown}$"):
        training_macs(wrong)
