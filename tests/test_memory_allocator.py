"""Bytes, compared with what others count: torch's CPU allocator, as its profiler records it, and torch's MemTracker.

tests/test_memory.py asks the tensors, with a mode of its own; here every allocation and every release counts, a
tensor's or not. Equal to the last byte again: the profiler records what the allocator was asked for, not rounded.

Left out is one thing: what a convolution takes for its algorithm and gives back before it ends (weights and maps in
oneDNN's order, or a map unfolded into columns), likewise BatchNorm's factor and summand per channel. So totals are read
after operators, never inside these two. It can be most of the memory: 9.4 MB of weights in order beside 0.6 MB of
activations, for ResNet-18 and two images of 65 × 33.
"""

import contextlib
import gc

import pytest
import torch
from torch._subclasses import FakeTensorMode
from torch.distributed._tools.mem_tracker import MemTracker
from torch.profiler import ProfilerActivity, profile

import resnet_lib as rl
from resnet_lib.cost.memory import memory, peak_inference
from tests.helpers.models import OPTIMIZERS, PRECISIONS, SMALL, autocast, made, small

WORKSPACE = ("aten::conv2d", "aten::batch_norm")  # take some while they run
NETWORKS = (  # name, image (odd and not square among them), batch
    ("resnet18", (65, 33), 2),
    ("resnet34", (97, 64), 2),
    ("resnet50", (224, 224), 2),
    ("resnext50_32x4d", (65, 66), 3),
    ("cifar_resnet20", (32, 32), 2),
    ("cifar_preact110", (33, 31), 2),
)


@contextlib.contextmanager
def allocator():
    """The totals that the CPU's allocator reaches after each operator, from 0 at the beginning; filled at the end."""
    totals = [0]
    gc.disable()  # what earlier tests have left behind is not to be released meanwhile
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            yield totals
    finally:
        gc.enable()
    now = 0
    for event in sorted(profiled.events(), key=lambda event: event.time_range.end):
        now += event.self_cpu_memory_usage  # without its children's: they have ended before
        if not is_within_workspace(event):
            totals.append(now)


def is_within_workspace(event):
    parent = event.cpu_parent
    return parent is not None and (parent.name in WORKSPACE or is_within_workspace(parent))


def assert_equal_to_allocator(spec, image, batch, precision):
    bill = rl.price(spec, image, batch)
    model, images = made(spec, image, batch, precision)
    with allocator() as totals, autocast(precision):
        logits = model(images)
    kept = memory(bill, None, precision)
    copied = precision == "mixed"  # of the image too, so its bytes are new
    expected = kept.activations + kept.weight_copies - (0 if copied else images.nbytes)
    assert totals[-1] == expected + logits.nbytes
    if not copied:  # autocast's copies of weights come one after the other: no peak of activations
        with allocator() as totals, torch.no_grad():
            model.eval()(images)
        assert max(totals) + images.nbytes == peak_inference(bill, precision)
        assert totals[-1] == 0


@pytest.mark.parametrize(("name", "image", "batch"), NETWORKS)
def test_networks(name, image, batch):
    assert_equal_to_allocator(rl.network(name), image, batch, "fp32")


IDS = {"ids": lambda fields: "-".join(map(str, fields.values()))}


@pytest.mark.parametrize("fields", SMALL, **IDS)
def test_every_kind_of_network(fields):
    assert_equal_to_allocator(small(fields), (17, 22), 2, "fp32")


@pytest.mark.parametrize("fields", SMALL[::5], **IDS)  # each kind of block, shortcut and stem among them
@pytest.mark.parametrize("precision", ("bf16", "mixed"))
def test_less_precision(fields, precision):
    assert_equal_to_allocator(small(fields), (17, 22), 2, precision)


def test_peak_in_the_zeros_of_option_a():
    """Beside a last convolution, not a BatchNorm, they can be the most; in none of the networks above they are."""
    fields = {"block": "bottleneck", "preactivation": True, "stem": "cifar", "shortcut": "A"}
    spec = rl.NetworkSpec(depths=(1,), widths=(4,), stem_width=4, **fields)
    assert_equal_to_allocator(spec, (17, 22), 2, "fp32")
    plane = 4 * 2 * 17 * 22
    assert peak_inference(rl.price(spec, (17, 22), 2)) == plane * (3 + 4 + 16 + 16)  # image, entry, output, zeros


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_after_a_step(optimizer, precision):
    """What a first step leaves behind: gradients and the optimizer's tensors."""
    spec = rl.network("cifar_resnet20")
    model, images = made(spec, (33, 31), 2, precision)
    torch_optimizer = OPTIMIZERS[optimizer](model.parameters())
    with allocator() as totals:
        with autocast(precision):
            loss = model(images).sum()
        loss.backward()
        torch_optimizer.step()
        del loss
    expected = memory(rl.price(spec, (33, 31), 2), optimizer, precision)
    assert totals[-1] == expected.gradients + expected.optimizer


def test_mem_tracker():
    """PyTorch's estimator, by what the bytes hold, for more images than would fit here: its tensors hold none."""
    spec, batch = rl.network("resnet50", depths=(1, 1, 1, 1)), 256
    bill = rl.price(spec, batch=batch)
    model = rl.build(spec, device="meta")
    with FakeTensorMode(allow_non_fake_inputs=True):
        model = model.to_empty(device="cpu")
        images = torch.empty(batch, 3, 224, 224)

        tracker = MemTracker()
        tracker.track_external(model, images)
        with tracker, torch.no_grad():
            model.eval()(images)
        own = memory(bill, None)
        assert tracked(tracker, "peak")["Total"] == own.parameters + own.buffers + peak_inference(bill)

        tracker = MemTracker()
        optimizer = OPTIMIZERS["adam"](model.train().parameters())
        tracker.track_external(model, optimizer, images)
        with tracker:
            logits = model(images)
            forward = tracked(tracker, "current")
            logits.sum().backward()
            optimizer.step()
            step = tracked(tracker, "current")
    expected = memory(bill, "adam")
    assert forward["Activation"] == expected.activations - images.nbytes + logits.nbytes
    for share, holds in {
        "parameters": "Parameter",
        "buffers": "Buffer",
        "gradients": "Gradient",
        "optimizer": "Optstate",
    }.items():
        assert step[holds] == getattr(expected, share), share


def tracked(tracker, when):
    """{what it holds: bytes} on the one device."""
    (shares,) = tracker.get_tracker_snapshot(when).values()
    return {getattr(share, "value", share): size for share, size in shares.items()}
