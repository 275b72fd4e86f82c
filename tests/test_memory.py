"""Bytes, compared with the tensors that torch keeps on a CPU: equal to the last byte."""

import re
import weakref
from dataclasses import asdict, replace
from math import prod

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode

import resnet_lib as rl
from resnet_lib.cost.memory import checkpoint_bytes, memory, peak_inference
from tests.helpers.models import OPTIMIZERS, PRECISIONS, SMALL, autocast, made, small
from tests.helpers.strategies import blocks, networks

SHARES = ("parameters", "weight_copies", "buffers", "gradients", "optimizer", "activations")


def nbytes(tensors):
    return sum(tensor.nbytes for tensor in tensors)


def storage_of(tensor):
    """What names the piece of memory behind a living tensor."""
    return tensor.untyped_storage()._cdata


def storages(tensors):
    """{piece of memory: bytes} behind these tensors, each piece once."""
    return {storage_of(tensor): tensor.untyped_storage().nbytes() for tensor in tensors}


def saved_for_backward(model, images, precision, *, and_output=False):
    """Bytes that autograd keeps from a forward pass, beside the model's own parameters and buffers."""
    kept = []

    def keep(tensor):
        kept.append(tensor)
        return tensor

    with saved_tensors_hooks(keep, lambda tensor: tensor), autocast(precision):
        output = model(images)
    if and_output:
        kept.append(output)
    own = storages([*model.parameters(), *model.buffers()])
    return sum(size for piece, size in storages(kept).items() if piece not in own)


class Alive(TorchDispatchMode):
    """The most bytes that living tensors have held at once: images included, parameters and their copies not."""

    def __init__(self, model, images):
        super().__init__()
        self.parameters = storages(model.parameters())
        self.living = {}
        self.now = self.peak = 0
        for tensor in (*model.parameters(), *model.buffers()):
            self.see(tensor, counts=False)
        self.see(images)

    def see(self, tensor, counts=True):
        storage, key = tensor.untyped_storage(), storage_of(tensor)
        if key not in self.living:
            size = counts * storage.nbytes()
            self.living[key] = weakref.ref(storage, lambda _: self.free(key, size))
            self.now += size

    def free(self, key, size):
        del self.living[key]
        self.now -= size

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        result = operator(*args, **(kwargs or {}))
        is_copy = operator == torch.ops.aten._to_copy.default and storage_of(args[0]) in self.parameters  # autocast's
        for tensor in result if isinstance(result, tuple) else (result,):
            self.see(tensor, counts=not is_copy)
        self.peak = max(self.peak, self.now)
        return result


def alive_at_inference(model, images, precision):
    model.eval()
    with torch.no_grad(), autocast(precision), Alive(model, images) as alive:
        model(images)
    return alive.peak


def assert_equal_to_torch(spec, image, batch, precision):
    bill = rl.price(spec, image, batch)
    expected = memory(bill, None, precision)
    model, images = made(spec, image, batch, precision)
    assert expected.activations + expected.weight_copies == saved_for_backward(model, images, precision)
    multiplied = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    assert expected.weight_copies == (2 * multiplied if precision == "mixed" else 0)
    assert expected.parameters == expected.gradients == nbytes(model.parameters())
    assert expected.buffers == nbytes(model.buffers())
    assert checkpoint_bytes(bill, precision) == nbytes(model.state_dict().values())
    assert peak_inference(bill, precision) == alive_at_inference(model, images, precision)
    return bill


@given(networks(), st.integers(2, 3))
def test_any_network(network_and_image, batch):
    """A batch of one is not for training: BatchNorm refuses a single number per channel."""
    spec, image = network_and_image
    image = tuple(min(side, spec.total_stride + 5) for side in image)
    bill = assert_equal_to_torch(spec, image, batch, "fp32")
    for what in ("stage", "block"):
        parts = [asdict(memory(part, "adam")) for part in bill.by(what).values()]
        assert {share: sum(part[share] for part in parts) for share in SHARES} == asdict(memory(bill, "adam"))


@given(blocks().filter(lambda block: prod(block[1]) > 1))
def test_any_block(block_and_size):
    """A block's output is counted (the next layer keeps it), its input is its maker's."""
    spec, size = block_and_size
    model, x = made(spec, size, 2, "fp32")
    mine = saved_for_backward(model, x.requires_grad_(), "fp32", and_output=True) - x.nbytes
    bill = rl.price(spec, size, batch=2)
    assert memory(bill).activations == mine
    if not (spec.shortcut == "pad" and x.shape == model(x).shape):  # there a bill cannot tell a copy from the identity
        assert peak_inference(bill) == alive_at_inference(model, x.detach(), "fp32")


@pytest.mark.parametrize("fields", SMALL, ids=lambda fields: "-".join(map(str, fields.values())))
@pytest.mark.parametrize("precision", PRECISIONS)
def test_every_kind_of_network(fields, precision):
    assert_equal_to_torch(small(fields), (17, 22), 2, precision)


@pytest.mark.parametrize("name", ("resnet18", "resnet50", "cifar_preact110"))
def test_named_networks(name):
    spec = rl.network(name)
    assert_equal_to_torch(spec, (spec.total_stride + 1, spec.total_stride), 2, "fp32")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_a_step(optimizer, precision):
    """Gradients and the optimizer's tensors, as they are after one step."""
    spec = small(SMALL[0])
    model, images = made(spec, (33, 33), 2, precision)
    torch_optimizer = OPTIMIZERS[optimizer](model.parameters())
    with autocast(precision):
        loss = model(images).sum()
    loss.backward()
    torch_optimizer.step()
    expected = memory(rl.price(spec, (33, 33), 2), optimizer, precision)
    state = [value for values in torch_optimizer.state.values() for value in values.values()]
    assert expected.optimizer == nbytes(state)
    assert expected.gradients == nbytes(p.grad for p in model.parameters())


def test_resnet50():
    """A picture of 224 × 224, in float32."""
    bill = rl.price(rl.network("resnet50"))
    kept = memory(bill)
    assert kept.parameters == kept.gradients == kept.optimizer == 4 * 25_557_032
    assert kept.total == sum(asdict(kept).values())
    assert checkpoint_bytes(bill) == 4 * (25_557_032 + 53_120) + 53 * 8
    assert memory(bill, "adam").optimizer == 8 * 25_557_032 + 4 * (53 + 2 * 53 + 2)
    assert memory(bill, None).optimizer == 0
    assert replace(kept, activations=0) == replace(memory(rl.price(rl.network("resnet50"), batch=32)), activations=0)


def test_activations_of_known_networks():
    """ResNet-50 keeps 2.67 times as much as ResNet-34, for 1.12 times its MACs."""
    bills = {name: rl.price(rl.network(name)) for name in ("resnet18", "resnet34", "resnet50")}
    kept = {name: memory(bill).activations for name, bill in bills.items()}
    assert kept == {"resnet18": 22_218_240, "resnet34": 32_283_136, "resnet50": 86_121_984}
    assert round(kept["resnet50"] / kept["resnet34"], 2) == 2.67


def test_symbols():
    c, n = sympy.symbols("c n", integer=True, positive=True)
    bill = rl.price(rl.BlockSpec("basic", c), 8, batch=n)
    assert sympy.expand(memory(bill).activations) == 4 * (4 * 64 * n * c + 4 * c)
    assert sympy.expand(checkpoint_bytes(bill)) == 4 * (18 * c**2 + 8 * c) + 16
    with pytest.raises(TypeError, match="bill must hold numbers"):
        peak_inference(bill)


FUNCTIONS = (memory, checkpoint_bytes, peak_inference)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_errors(function):
    bill = rl.price(rl.network("resnet18"))
    for wrong, shown in {"resnet18": "'resnet18'", None: "None", rl.network("resnet18"): "a NetworkSpec"}.items():
        with pytest.raises(TypeError, match=rf"bill must be a Bill, such as .*: {shown}$"):
            function(wrong)
    for wrong in ("fp16", None, 32):
        message = f"precision must be one of 'fp32', 'bf16', 'mixed': {wrong!r}"
        with pytest.raises(ValueError, match=re.escape(message)):
            function(bill, precision=wrong)


@pytest.mark.parametrize("optimizer", ("lion", "SGD", 0))
def test_unknown_optimizer(optimizer):
    with pytest.raises(ValueError, match=re.escape(f"optimizer must be one of 'sgd', 'adam', None: {optimizer!r}")):
        memory(rl.price(rl.network("resnet18")), optimizer)


@pytest.mark.parametrize("function", (memory, peak_inference))
@pytest.mark.parametrize("spec", (rl.network("resnet18"), rl.BlockSpec("bottleneck", 64)), ids=("network", "block"))
def test_a_bill_by_kind_has_lost_its_neighbours(function, spec):
    for bill in rl.price(spec).by("kind").values():
        with pytest.raises(ValueError, match="bill must be whole, or by 'stage' or 'block'"):
            function(bill)


def test_what_is_shown_adds_up():
    found = memory(rl.price("resnet50", batch=32), "adam", "mixed")
    table = found.table()
    assert sum(row[1] for row in table.rows) == table.total[1] == found.total
    assert {row[0]: row[1] for row in table.rows}["weight copies"] == found.weight_copies
    assert sum(row[3] for row in table.rows) == pytest.approx(1)
    c = sympy.Symbol("c", integer=True, positive=True)
    assert list(memory(rl.price(rl.BlockSpec("basic", c))).table().forms) == ["", "bytes"]
