"""`rl.lab.fast`: equal outputs from a copy, and the original as it was."""

import copy
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
import torch.nn.utils.prune
from hypothesis import given
from hypothesis import strategies as st
from torch._inductor.cpp_builder import get_cpp_compiler

import resnet_lib as rl
from resnet_lib.lab import fast
from resnet_lib.nn.vision import torchvision
from tests.helpers.models import EDITS, edited, equal, logits, state_of, varied, vary_batch_norms
from tests.helpers.strategies import blocks, networks

ROOT = Path(__file__).parent.parent
TINY = rl.network("resnet18", depths=(1, 2), widths=(8, 16), stem_width=8, classes=5)
PREACT = rl.network("cifar_preact110", depths=(1, 2), widths=(16, 24))
BLOCK = rl.BlockSpec("bottleneck", 16, 4, 32, stride=2)
DESCRIBED = networks() | blocks()


def batch_norms(model):
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)]


# ---- equal outputs ----


@given(DESCRIBED, st.sampled_from(("contiguous", "channels_last")), st.integers(0, 3))
def test_same_outputs(described, memory_format, seed):
    spec, size = described
    torch.manual_seed(seed)
    model = varied(spec, dtype=torch.float64)
    images = torch.randn(2, spec.in_channels, *size, dtype=torch.float64)
    before = images.clone()
    expected = logits(model, images)
    copied = fast(model, memory_format=memory_format, compiled=False)
    out = logits(copied, images)
    torch.testing.assert_close(out, expected, rtol=1e-11, atol=1e-12 * float(expected.abs().max()))
    assert torch.equal(images, before)
    assert copied.spec == spec


@given(DESCRIBED)
def test_every_batch_norm_behind_a_convolution_is_folded(described):
    spec, _ = described
    left = batch_norms(fast(rl.build(spec), compiled=False).network)
    if not spec.preactivation:
        assert left == []
    elif isinstance(spec, rl.BlockSpec):
        assert left == ["bn1"]
    else:
        block_first = [f"{stage.name}.{i}.bn1" for stage in spec.stages for i in range(stage.depth)]
        assert left == [*block_first, "bn"]


def test_the_steps_can_be_left_out():
    model = varied(TINY)
    plain = fast(model, fold=False, memory_format="contiguous", compiled=False)
    assert equal(dict(plain.network.state_dict()), dict(model.state_dict()))
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(logits(plain, images), logits(model, images))
    assert plain.network.layer2[0].conv1.weight.is_contiguous()
    last = fast(model, fold=False, compiled=False)
    assert last.network.layer2[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert not last.network.layer2[0].conv1.weight.is_contiguous()
    assert batch_norms(last.network) == batch_norms(model)
    torch.testing.assert_close(logits(last, images), logits(model, images))


@pytest.mark.parametrize("spec", [TINY, BLOCK, PREACT])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
def test_dtype(spec, dtype):
    model = varied(spec)
    copied = fast(model, dtype=dtype, compiled=False)
    assert {tensor.dtype for tensor in copied.state_dict().values() if tensor.is_floating_point()} == {dtype}
    images = torch.randn(2, spec.in_channels, 17, 15)
    out, expected = logits(copied, images), logits(model, images)
    assert out.dtype == torch.float32
    tolerance = 20 * torch.finfo(dtype).eps if dtype != torch.float64 else 1e-5
    assert (out - expected).abs().max() <= tolerance * expected.abs().max()
    assert logits(copied, images.bfloat16()).dtype == torch.bfloat16  # the images' dtype, not the arithmetic's


def test_torchvision_by_way_of_its_weights():
    theirs = vary_batch_norms(torchvision.models.resnet18()).eval()
    ours = rl.build("resnet18")
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 65, 64)
    expected = logits(theirs, images)
    assert (logits(fast(ours, compiled=False), images) - expected).abs().max() < 1e-4


# ---- the original ----


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("spec", [TINY, PREACT])
def test_the_original_is_left_as_it_was(training, spec):
    model = vary_batch_norms(rl.build(spec))
    model(torch.randn(2, 3, 32, 32)).sum().backward()
    model.train(training)
    model.conv1.register_forward_hook(lambda *_: None)
    before = state_of(model)
    copied = fast(model, dtype=torch.bfloat16, compiled=False)
    images = torch.zeros(1, 3, 32, 32)
    copied(images)
    assert equal(before, state_of(model))
    assert all(parameter.requires_grad for parameter in model.parameters())
    ours = {tensor.data_ptr() for tensor in model.state_dict().values()}
    assert ours.isdisjoint(tensor.data_ptr() for tensor in copied.state_dict().values())


def test_the_copy_is_for_inference():
    copied = fast(varied(TINY), compiled=False)
    assert not any(module.training for module in copied.modules())
    assert not any(parameter.requires_grad for parameter in copied.parameters())
    assert not copied(torch.randn(1, 3, 32, 32, requires_grad=True)).requires_grad
    whole = torch.nn.Sequential(copied, torch.nn.Linear(5, 2)).train()  # frozen features under a head that learns
    assert whole[1].training and not any(module.training for module in copied.modules())
    assert copied.train() is copied.train(False) is copied.eval() is copied


def test_a_compiled_copy_keeps_its_weights(monkeypatch):
    """Of other weights it would notice some and not others, since those that it was compiled with are constants."""
    monkeypatch.setattr(torch, "compile", lambda function: function)
    copied, other = (fast(varied(TINY)) for _ in range(2))
    copied.load_state_dict(other.state_dict())  # not compiled yet
    out = copied(images := torch.randn(1, 3, 32, 32))
    for change in (lambda: copied.load_state_dict(other.state_dict()), copied.double):
        with pytest.raises(ValueError, match="a compiled copy keeps its weights as they are: change the original"):
            change()
    assert torch.equal(copied(images), out)
    assert copy.deepcopy(copied).double()(images.double()).dtype == torch.float64


@pytest.mark.parametrize("name", [name for name in EDITS if name not in ("a parametrisation", "pruned")])
def test_a_network_that_was_changed_by_hand(name):
    """Only pairs of a convolution and a BatchNorm that are still what they were are folded."""
    model = vary_batch_norms(edited(name)).eval()
    images = torch.randn(2, 1 if name == "channels" else 3, 40, 40)
    copied = fast(model, compiled=False)
    torch.testing.assert_close(copied(images), logits(model, images), rtol=1e-4, atol=1e-5)
    assert len(batch_norms(copied.network)) < len(batch_norms(model))
    torch.testing.assert_close(fast(copied.network, compiled=False)(images), copied(images))  # nothing left to fold


def test_blocks_that_were_changed_by_hand():
    model, images = varied(TINY), torch.randn(2, 3, 40, 40)
    block = model.layer2[0]
    block.downsample = torch.nn.AvgPool2d(2, ceil_mode=True)  # not its two operations any more
    block.conv2 = torch.nn.ConvTranspose2d(16, 8, 3, padding=1)
    block.residual = lambda x: block.bn2(block.bn1(block.conv1(x)).relu())[:, :8]
    model.layer1[0].bn1 = torch.nn.BatchNorm2d(8, track_running_stats=False)
    model.layer1[0].conv2.register_forward_hook(lambda module, images, out: out + 1)
    model.layer2[1] = torch.nn.Sequential(torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.BatchNorm2d(16))
    expected = logits(model.eval(), images)
    torch.testing.assert_close(fast(model, compiled=False)(images), expected, rtol=1e-4, atol=1e-5)


def test_weights_that_are_computed_from_others():
    model = rl.build(TINY)
    torch.nn.utils.parametrizations.weight_norm(model.conv1)
    with pytest.raises(ValueError, match=r"model must have plain weights; .*remove_parametrizations makes them so"):
        fast(model)
    model = rl.build(TINY)
    torch.nn.utils.prune.l1_unstructured(model.conv1, "weight", amount=0.5)
    with pytest.raises(ValueError, match="model cannot be copied: "):
        fast(model)


def test_a_network_in_bfloat16_is_folded_before_it_is_rounded():
    model = varied(TINY).to(torch.bfloat16)
    exact, images = copy.deepcopy(model).float(), torch.randn(2, 3, 32, 32)
    copied = fast(model, compiled=False)
    assert {tensor.dtype for tensor in copied.parameters()} == {torch.bfloat16}
    ours = dict(copied.network.named_parameters())
    for name, weight in fast(exact, compiled=False).network.named_parameters():
        assert torch.equal(ours[name], weight.to(torch.bfloat16)), name
    assert copied(images).dtype == torch.float32


def test_copies_of_the_copy():
    copied = fast(varied(TINY), compiled=False)
    images = torch.randn(1, 3, 32, 32)
    for again in (copy.deepcopy(copied), pickle.loads(pickle.dumps(copied))):
        assert torch.equal(logits(again, images), logits(copied, images))
        assert again.spec == TINY


# ---- bad input ----


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        ("resnet18", {}, TypeError, "model must be a network or block as rl.build makes it, not str"),
        (torch.nn.Conv2d(3, 8, 3), {}, TypeError, "model must be .* not Conv2d"),
        (rl.build(BLOCK), {"dtype": torch.int8}, ValueError, "dtype must be one of 'fp32', .*: torch.int8"),
        (rl.build(BLOCK), {"dtype": "int8"}, ValueError, "dtype must be one of .*: 'int8'"),
        (rl.build(BLOCK), {"fold": 1}, TypeError, "fold must be True or False: 1"),
        (rl.build(BLOCK), {"memory_format": None}, ValueError, "memory_format must be one of 'contiguous', .*: None"),
        (rl.build(BLOCK), {"compiled": "yes"}, TypeError, "compiled must be True or False: 'yes'"),
    ],
)
def test_bad_input(model, options, error, message):
    with pytest.raises(error, match=message):
        fast(model, **options)


def test_images_that_will_not_do():
    copied = fast(varied(TINY), compiled=False)
    with pytest.raises(TypeError, match=r"x must hold floating-point numbers, not torch\.uint8"):
        copied(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="channels"):
        copied(torch.zeros(1, 4, 32, 32))


# ---- compiled ----


def compiler_works():
    try:
        return bool(get_cpp_compiler())
    except RuntimeError:
        return False


COMPILED = """
import torch
import torch._inductor.config as config
from torch.profiler import profile
import resnet_lib as rl
from resnet_lib.lab import fast
from tests.helpers.models import logits, varied

torch.manual_seed(0)
model = varied(rl.network("cifar_resnet20", depths=(1,), widths=(16,)))
copied = fast(model, compiled=True)
for shape in [(1, 3, 32, 32), (3, 3, 47, 33)]:
    images = torch.randn(shape)
    error = float((copied(images) - logits(model, images)).abs().max())
    assert error <= 1e-4, (shape, error)
assert not config.freezing
try:
    copied(torch.randn(1, 4, 32, 32))
except RuntimeError as error:
    assert "compiled" not in str(error) and "channels" in str(error), error
with profile() as events:
    copied(images)
called = {event.key for event in events.key_averages()}
assert not {"aten::relu_", "aten::relu", "aten::clamp_min_", "aten::convolution"} & called, called
print("equal")
"""


@pytest.mark.skipif(not (compiler_works() and torch.backends.mkldnn.is_available()), reason="needs a C++ compiler")
def test_compiled():
    """In a Python of its own, since compiling leaves much behind. Needs a C++ compiler."""
    # Without worker processes, and without what pays only where much is compiled: headers, trials of the compiler.
    quick = {"COMPILE_THREADS": "1", "CPP_CACHE_PRECOMPILE_HEADERS": "0", "VEC_ISA_OK": "1"}
    environment = os.environ | {f"TORCHINDUCTOR_{key}": value for key, value in quick.items()}
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == "equal\n", done.stderr


def failing(function, error=RuntimeError):
    """What torch.compile gives where there is no C++ compiler, or no room for its files: the first call raises."""

    def run(images):
        raise error("no working C++ compiler found")

    return run


@pytest.mark.parametrize("error", [RuntimeError, PermissionError])
def test_without_a_compiler(monkeypatch, error):
    monkeypatch.setattr(torch, "compile", partial(failing, error=error))
    model = varied(TINY)
    images = torch.randn(1, 3, 32, 32)
    copied = fast(model)
    with pytest.raises(RuntimeError, match="channels"):
        copied(torch.randn(1, 4, 32, 32))  # not the compiler's fault: its turn comes again
    with pytest.warns(RuntimeWarning, match=r"not compiled, .*: no working C\+\+ compiler found") as caught:
        out = copied(images)
    assert [warning.filename for warning in caught] == [__file__]
    torch.testing.assert_close(out, logits(model, images))
    assert torch.equal(copied(images), out)  # and no second warning
    copied.load_state_dict(copied.state_dict())  # nothing was compiled that would keep the old ones
    with pytest.raises(RuntimeError, match=r"compiled=True asks for what does not work here: no working C\+\+"):
        fast(model, compiled=True)(images)
