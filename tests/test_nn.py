"""The built modules, next to torchvision's and timm's and to the papers' formulas written out by hand."""

import copy
import pickle
import subprocess
import sys
from unittest.mock import patch

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given

import resnet_lib as rl
from resnet_lib import nn
from resnet_lib.nn.arguments import DTYPES
from resnet_lib.nn.vision import torchvision
from tests.helpers.models import vary_batch_norms
from tests.helpers.strategies import blocks, networks

TORCHVISION = rl.names()[:10]
CLASSES = {
    ("basic", False): nn.BasicBlock,
    ("bottleneck", False): nn.BottleneckBlock,
    ("basic", True): nn.PreactBasicBlock,
    ("bottleneck", True): nn.PreactBottleneckBlock,
}


def shapes(model):
    return [(key, tuple(tensor.shape)) for key, tensor in model.state_dict().items()]


def assert_equal_states(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key in ours:
        assert torch.equal(ours[key], theirs[key]), key


# ---- torchvision ----


@pytest.mark.parametrize("name", TORCHVISION)
def test_same_keys_order_and_shapes_as_torchvision(name):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    assert shapes(rl.build(name, device="meta")) == shapes(theirs)


@pytest.mark.parametrize("name", TORCHVISION)
def test_same_outputs_as_torchvision(name):
    """Two at full size; of the eight others one block a stage, since deeper ones repeat equal blocks."""
    depths = {} if name in ("resnet18", "resnet50") else {"depths": (1, 1, 1, 1)}
    torch.manual_seed(0)
    with torch.device("meta"):  # spares torchvision's initialisation
        theirs = of_torchvision(name, **depths)
    theirs.to_empty(device="cpu").fc.reset_parameters()
    nn.initialize(vary_batch_norms(theirs))
    ours = rl.build(name, device="meta", **depths).to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 33, 49)
    with torch.no_grad():
        expected = theirs.eval()(images)
        assert expected.isfinite().all() and expected.std() > 0
        assert torch.equal(ours.eval()(images), expected)
        assert torch.equal(ours.train()(images), theirs.train()(images))
    assert_equal_states(ours.state_dict(), theirs.state_dict())  # the running statistics have moved alike
    assert ours.bn1.num_batches_tracked == 1
    with torch.no_grad():
        for tensor in theirs.state_dict().values():
            tensor.zero_()
    theirs.load_state_dict(ours.state_dict(), strict=True)  # and the other way round
    assert_equal_states(ours.state_dict(), theirs.state_dict())


def of_torchvision(name, depths=None):
    """torchvision's network of that name, with other depths for its own arguments of block, groups and width."""
    if depths is None:
        return getattr(torchvision.models, name)()
    with patch.object(torchvision.models.resnet, "_resnet", lambda block, layers, *_, **options: (block, options)):
        block, options = getattr(torchvision.models, name)()
    return torchvision.models.ResNet(block, list(depths), **options)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_same_seed_same_weights_and_gradients_as_torchvision(name):
    torch.manual_seed(3)
    theirs = getattr(torchvision.models, name)()
    after = torch.get_rng_state()
    torch.manual_seed(3)
    ours = rl.build(name)
    assert torch.equal(torch.get_rng_state(), after)
    assert_equal_states(ours.state_dict(), theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    for model in (ours, theirs):
        model(images).square().sum().backward()
    for (key, mine), its in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine.grad, its.grad), key


def test_zero_init_last_as_torchvision():
    torch.manual_seed(3)
    theirs = torchvision.models.resnet50(zero_init_residual=True)
    torch.manual_seed(3)
    assert_equal_states(rl.build("resnet50", zero_init_last=True).state_dict(), theirs.state_dict())


def test_torchvision_imports_afterwards_and_twice():
    code = (
        "from resnet_lib.nn.vision import torchvision as ours\n"
        "import torchvision, torchvision.transforms, sys\n"
        "del sys.modules['resnet_lib.nn.vision']\n"
        "from resnet_lib.nn.vision import torchvision as again\n"
        "assert ours is torchvision is again\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_torchvision_missing(monkeypatch):
    monkeypatch.delitem(sys.modules, "resnet_lib.nn.vision")
    monkeypatch.setitem(sys.modules, "torchvision", None)  # Python's own way of saying: not there
    with pytest.raises(ImportError, match="pip install torchvision"):
        import resnet_lib.nn.vision  # noqa: F401


# ---- timm ----


def test_same_as_timm_resnet26():
    timm = pytest.importorskip("timm")
    theirs = vary_batch_norms(timm.create_model("resnet26"))
    ours = rl.build(rl.network("resnet50", depths=(2, 2, 2, 2)), device="meta").to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict(), strict=True)
    images = torch.randn(2, 3, 33, 49)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images))


def test_same_as_timm_preactivation():
    """timm's resnetv2_50 is a ResNet-50 with preactivation under other names; its last layer is a 1×1 convolution."""
    timm = pytest.importorskip("timm")
    theirs = vary_batch_norms(timm.create_model("resnetv2_50"))
    ours = rl.build(rl.network("resnet50", preactivation=True))

    def our_key(key):
        key = key.replace("stem.conv", "conv1").replace("head.fc", "fc").replace("downsample.conv", "downsample.0")
        key = key.replace(".norm", ".bn").replace("norm.", "bn.").replace(".blocks", "")
        if key.startswith("stages."):
            _, stage, rest = key.split(".", 2)
            key = f"layer{int(stage) + 1}.{rest}"
        return key

    state = {our_key(key): tensor for key, tensor in theirs.state_dict().items()}
    ours.load_state_dict(state | {"fc.weight": state["fc.weight"].flatten(1)}, strict=True)
    assert rl.price(ours.spec).params == sum(p.numel() for p in theirs.parameters())
    images = torch.randn(2, 3, 33, 49)
    with torch.no_grad():
        expected = theirs.eval()(images)
        torch.testing.assert_close(ours.eval()(images), expected)
        torch.testing.assert_close(ours.train()(images), theirs.train()(images))


# ---- the blocks, against the papers' formulas ----


def by_hand(block, x):
    """The block's output from its weights, its geometry told once more."""
    spec, state = block.spec, block.state_dict()

    def norm(x, name):
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (state[f"{name}.{key}"][:, None, None] for key in keys)
        return (x - mean) / (var + 1e-5).sqrt() * weight + bias

    def conv(x, name, stride=1, padding=0, groups=1):
        return F.conv2d(x, state[f"{name}.weight"], stride=stride, padding=padding, groups=groups)

    s, g = spec.stride, spec.groups
    if spec.block == "basic":
        geometry = [(s, 1, g), (1, 1, g)]
    else:
        geometry = [(s, 0, 1), (1, 1, g), (1, 0, 1)] if spec.stride_on == "1x1" else [(1, 0, 1), (s, 1, g), (1, 0, 1)]

    out, entry = x, x
    for i, numbers in enumerate(geometry, start=1):
        if spec.preactivation:
            out = norm(out, f"bn{i}").relu()
            if i == 1 and spec.shortcut == "projection":
                entry = out
            out = conv(out, f"conv{i}", *numbers)
        else:
            out = norm(conv(out, f"conv{i}", *numbers), f"bn{i}")
            out = out if i == len(geometry) else out.relu()
    if spec.shortcut == "identity":
        out = out + x
    elif spec.shortcut == "pad":
        padded = torch.zeros_like(out)
        padded[:, : spec.in_channels] = x[:, :, ::s, ::s]
        out = out + padded
    elif spec.shortcut == "projection":
        shortcut = conv(entry, "downsample.0", s)
        out = out + (shortcut if spec.preactivation else norm(shortcut, "downsample.1"))
    return out if spec.preactivation else out.relu()


@given(blocks())
def test_any_block_computes_the_formula(block_and_size):
    spec, (height, width) = block_and_size
    torch.manual_seed(0)
    block = vary_batch_norms(rl.build(spec, dtype=torch.float64)).eval()
    assert type(block) is CLASSES[spec.block, spec.preactivation]
    x = torch.randn(2, spec.in_channels, height, width, dtype=torch.float64)
    before = x.clone()
    with torch.no_grad():
        torch.testing.assert_close(block(x), by_hand(block, x))
    assert torch.equal(x, before)  # nothing happens in place to the input


@given(blocks())
def test_zero_init_last_leaves_the_shortcut(block_and_size):
    spec, (height, width) = block_and_size
    if spec.shortcut == "none":
        with pytest.raises(ValueError, match=r"zero_init_last.*shortcut='none'"):
            rl.build(spec, zero_init_last=True)
        return
    block = rl.build(spec, zero_init_last=True).eval()
    x = torch.rand(2, spec.in_channels, height, width)  # ≥ 0, as after a ReLU
    with torch.no_grad():
        out = block(x)
        if spec.shortcut == "identity":
            assert torch.equal(out, x)
        elif spec.shortcut == "pad":
            assert torch.equal(out[:, : spec.in_channels], x[:, :, :: spec.stride, :: spec.stride])
            assert not out[:, spec.in_channels :].any()
        elif spec.preactivation:
            assert torch.equal(out, block.downsample(block.relu1(block.bn1(x))))
        else:
            assert torch.equal(out, block.downsample(x).relu())


@pytest.mark.parametrize("preactivation", [False, True])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_zero_init_last_can_still_learn(block, preactivation):
    model = rl.build(rl.BlockSpec(block, 8, preactivation=preactivation), zero_init_last=True)
    model(torch.randn(2, 8, 6, 6)).square().sum().backward()
    n = len(model.spec.convolutions)
    last = model.get_submodule(f"conv{n}" if preactivation else f"bn{n}")
    assert not last.weight.any() and last.weight.grad.any()


@pytest.mark.parametrize(("name", "kind"), [("cifar_resnet20", nn.ZeroPadding), ("plain18", type(None))])
def test_shortcuts_without_parameters(name, kind):
    model = rl.build(name, device="meta")
    assert not any("downsample" in key for key in model.state_dict())
    assert type(model.layer2[0].downsample) is kind


def test_option_c_projects_everywhere():
    model = rl.build(rl.network("resnet34", shortcut="C"), device="meta")
    assert sum(key.endswith("downsample.0.weight") for key in model.state_dict()) == 16


# ---- the networks ----


@pytest.mark.parametrize(
    ("name", "params"),
    # He et al. 2015, table 6 (0.27M, 0.85M); Zagoruyko and Komodakis 2016, table 4 (36.5M)
    [("cifar_resnet20", 269_722), ("cifar_plain20", 269_722), ("cifar_resnet56", 853_018), ("wrn28_10", 36_479_194)],
)
def test_parameters_of_cifar_networks(name, params):
    assert sum(p.numel() for p in rl.build(name, device="meta").parameters()) == params


@given(networks())
def test_any_network_trains_one_step(network_and_image):
    """No ReLU and no addition overwrites what a gradient needs, and every parameter gets one."""
    spec, (height, width) = network_and_image
    model = rl.build(spec)
    images = torch.randn(3, spec.in_channels, height, width)
    logits = model(images)
    assert logits.shape == (3, spec.classes)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_gradients_of_each_block_are_right():
    for block, preactivation in CLASSES:
        for shortcut in ("pad", "projection", "none"):
            spec = rl.BlockSpec(block, 2, 2, 4, stride=2, shortcut=shortcut, preactivation=preactivation)
            model = rl.build(spec, dtype=torch.float64)
            x = torch.randn(2, 2, 5, 4, dtype=torch.float64, requires_grad=True)
            assert torch.autograd.gradcheck(model, x, fast_mode=True)


def test_initialisation():
    torch.manual_seed(0)
    for model in (rl.build("resnet18"), rl.build(rl.BlockSpec("bottleneck", 512, stride=2))):
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                std = (2 / (module.kernel_size[0] ** 2 * module.out_channels)) ** 0.5
                assert module.weight.std().item() == pytest.approx(std, rel=0.03)
                assert abs(module.weight.mean().item()) < 0.05 * std
            elif isinstance(module, torch.nn.BatchNorm2d):
                assert (module.weight == 1).all() and (module.bias == 0).all()


def test_modules_share_nothing():
    model = rl.build("resnet50", device="meta")
    paths = [path for path, _ in model.named_modules(remove_duplicate=False)]
    assert len(paths) == len(list(model.modules()))
    assert {row.name for row in rl.price(model.spec).rows if row.kind != "add"} <= set(paths)


# ---- build's options ----


@pytest.mark.parametrize(("word", "dtype"), DTYPES.items())
@pytest.mark.parametrize("name", ["cifar_resnet20", "cifar_preact164"])
def test_dtype(name, word, dtype):
    model = rl.build(name, dtype=word)
    assert {p.dtype for p in rl.build(name, dtype=dtype, device="meta").parameters()} == {dtype}
    assert {p.dtype for p in model.parameters()} == {dtype}
    logits = model(torch.randn(2, 3, 16, 16, dtype=dtype))
    assert logits.dtype == dtype and logits.isfinite().all()


def test_meta_device_and_memory_format():
    model = rl.build("resnet18", device="meta")
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    assert model(torch.empty(2, 3, 224, 224, device="meta")).shape == (2, 1000)

    torch.manual_seed(1)
    rows = rl.build("cifar_resnet20").eval()
    torch.manual_seed(1)
    last = rl.build("cifar_resnet20", memory_format=torch.channels_last).eval()
    assert last.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert not last.layer1[0].conv1.weight.is_contiguous()
    x = torch.randn(2, 3, 33, 31)
    with torch.no_grad():
        features = last.layer3(last.layer2(last.layer1(last.conv1(x.to(memory_format=torch.channels_last)))))
        assert features.is_contiguous(memory_format=torch.channels_last)  # kept through option A's padding
        torch.testing.assert_close(last(x), rows(x))


def test_global_state_is_untouched():
    def state():
        return torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(), torch.get_rng_state()

    *before, rng = state()
    rl.build("resnet50", device="meta", dtype=torch.float16, memory_format=torch.channels_last)
    *after, rng_after = state()
    assert after == before
    assert torch.equal(rng, rng_after)  # nothing drawn where there is nothing to fill
    with torch.device("meta"):
        assert rl.build("cifar_resnet20").conv1.weight.is_meta  # torch's current defaults are followed
    rl.build(rl.BlockSpec("basic", 8), dtype=torch.float64, zero_init_last=True)
    assert state()[:-1] == tuple(before)


def test_repr_is_a_drawing():
    assert repr(rl.build("resnet50", device="meta")) == f"ResNet\n{rl.network('resnet50')}"
    block = rl.BlockSpec("bottleneck", 256, 64)
    assert repr(rl.build(block)) == "BottleneckBlock  256 ─ 1×1 ─ 64 ─ 3×3 ─ 64 ─ 1×1 ─ 256  ⊕ identity"
    assert repr(nn.PreactBasicBlock(rl.BlockSpec("basic", 8, preactivation=True))).startswith("PreactBasicBlock  8 ─")


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (("resnet51",), {}, ValueError, "name must be one of resnet18, .*'resnet51'"),
        ((50,), {}, TypeError, "spec must be a NetworkSpec, a BlockSpec or a name.*: 50"),
        ((None,), {}, TypeError, "spec must be .*: None"),
        (("resnet18",), {"dtype": torch.int8}, ValueError, "dtype must be one of 'fp32', .* torch.float32, .*int8"),
        (("resnet18",), {"dtype": "float32"}, ValueError, "dtype must be one of .*: 'float32'"),
        (("resnet18",), {"device": "nowhere"}, ValueError, "device must be .*'meta': 'nowhere'"),
        (("resnet18",), {"device": 1.5}, TypeError, "device must be .*: 1.5"),
        (("resnet18",), {"memory_format": torch.channels_last_3d}, ValueError, "memory_format must be one of .*_3d"),
        (("resnet18",), {"memory_format": "nhwc"}, ValueError, "memory_format must be .*: 'nhwc'"),
        (("resnet18",), {"zero_init_last": 1}, TypeError, "zero_init_last must be True or False: 1"),
        (("resnet18",), {"clases": 10}, ValueError, "clases is not a field of a network; allowed are .*clases=10"),
        ((rl.network("resnet18"),), {"classes": 10}, TypeError, "classes must be given where spec is a name"),
        (("plain18",), {"zero_init_last": True}, ValueError, "zero_init_last needs a shortcut: .*'none'"),
        *(
            ((rl.BlockSpec("basic", channels),), {}, ValueError, "spec must have at most .* weights .*; conv1 has more")
            for channels in (10**10, 10**400)
        ),
    ],
)
def test_bad_input(arguments, options, error, message):
    with pytest.raises(error, match=message):
        rl.build(*arguments, **options)


def test_symbols_have_a_price_but_no_weights():
    c = pytest.importorskip("sympy").Symbol("c", positive=True, integer=True)
    with pytest.raises(TypeError, match="in_channels must be a number in a network to be built, not a symbol: c"):
        rl.build(rl.BlockSpec("basic", c, c, c))
    with pytest.raises(TypeError, match=r"widths must be a number .*: \(c, 2\*c\)"):
        rl.build(rl.network("resnet18", depths=(1, 1), widths=(c, 2 * c)))


def test_a_class_refuses_what_it_does_not_draw():
    with pytest.raises(ValueError, match="spec must have block='basic' and preactivation=False for a BasicBlock"):
        nn.BasicBlock(rl.BlockSpec("bottleneck", 64))
    with pytest.raises(TypeError, match="spec must be a BlockSpec"):
        nn.BasicBlock(64)
    with pytest.raises(TypeError, match="spec must be a NetworkSpec"):
        nn.ResNet("resnet50")


# ---- every kind of network in the zoo ----

SMALLER = {"imagenet": {"depths": (2, 1, 1, 1)}, "cifar": {"depths": (2, 1, 1)}}
NARROW = {"widths": (16, 32, 64, 128), "stem_width": 16, "classes": 10}
KINDS = {  # one of each: block, preactivation, shortcut, stem, place of the stride, groups, width
    "resnet18": NARROW,
    "resnet50": NARROW,
    "resnet50, as in the paper": NARROW | {"stride_on": "1x1", "shortcut": "C"},
    "resnext50_32x4d": {"groups": 4, "width_per_group": 32} | NARROW,
    "wide_resnet50_2": NARROW,
    "plain18": NARROW,
    "cifar_resnet20": {},
    "cifar_plain20": {},
    "cifar_preact110": {},
    "cifar_preact164": {},
    "wrn28_10": {"widths": (32, 64, 128)},
}
EXPORTED = ("resnet18", "resnext50_32x4d", "cifar_preact110", "cifar_preact164")  # a second each


def of_kind(name):
    name_in_the_zoo = name.partition(",")[0]
    spec = rl.network(name_in_the_zoo, **SMALLER[rl.network(name_in_the_zoo).stem], **KINDS[name])
    torch.manual_seed(0)
    return vary_batch_norms(rl.build(spec)).eval()


def test_the_kinds_are_all_of_the_zoo():
    def kind(spec):
        pre, wide = spec.preactivation, spec.width_per_group > 64
        return spec.block, pre, spec.shortcut, spec.stem, spec.stride_on, spec.groups > 1, wide

    assert {kind(rl.network(name)) for name in rl.names()} <= {kind(of_kind(name).spec) for name in KINDS}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_can_be_saved_copied_and_pickled(name, tmp_path):
    model = of_kind(name)
    images = torch.randn(2, 3, 33, 47)
    rl.save(model, tmp_path / "a")
    with torch.no_grad():
        expected = model(images)
        assert expected.isfinite().all() and expected.std() > 0
        for again in (rl.load(tmp_path / "a"), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert again.spec == model.spec and type(again) is type(model)
            assert torch.equal(again.eval()(images), expected)


@pytest.mark.parametrize("name", EXPORTED)
def test_every_kind_of_block_can_be_exported_for_any_batch(name):
    model = of_kind(name)
    batch = torch.export.Dim("batch", min=1, max=64)
    exported = torch.export.export(model, (torch.randn(2, 3, 32, 32),), dynamic_shapes=({0: batch},)).module()
    with torch.no_grad():
        for count in (1, 5):
            images = torch.randn(count, 3, 32, 32)
            torch.testing.assert_close(exported(images), model(images))
