"""Small networks for tests, settings of them, and what a call could leave behind in one."""

import contextlib
import os
from itertools import product
from typing import Any

import torch
import torch.nn.utils.prune
from torch import nn

import resnet_lib as rl

PRECISIONS = ("fp32", "bf16", "mixed")
OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: torch.optim.Adam(parameters),
}
# Every kind of block, shortcut and stem, small: (fields of NetworkSpec)
SMALL = [
    {"block": block, "preactivation": preactivation, "stem": stem, "shortcut": shortcut}
    for block, preactivation, stem, shortcut in product(
        ("basic", "bottleneck"), (False, True), ("imagenet", "cifar"), ("A", "B", "C", "none")
    )
]


def small(fields):
    return rl.NetworkSpec(depths=(1, 2, 1), widths=(4, 6, 8), stem_width=4, groups=2, classes=5, **fields)


def made(spec, image, batch, precision):
    """(model, images) as `precision` says."""
    to = {"dtype": torch.bfloat16 if precision == "bf16" else torch.float32}
    return rl.build(spec, **to), torch.ones(batch, spec.in_channels, *image, **to)


def autocast(precision):
    return torch.autocast("cpu", torch.bfloat16) if precision == "mixed" else contextlib.nullcontext()


def vary_batch_norms(model):
    """Make every BatchNorm do something in evaluation mode too, and little enough for nothing to blow up."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.weight.data.uniform_(0.1, 0.5)
            module.bias.data.uniform_(-0.2, 0.2)
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return model


def varied(spec, **options):
    return vary_batch_norms(rl.build(spec, **options)).eval()


def logits(model, images):
    with torch.no_grad():
        return model(images)


def state_of(model: torch.nn.Module) -> dict[str, Any]:
    """All that a call could leave behind."""
    modules = dict(model.named_modules())
    return {
        "training": {name: module.training for name, module in modules.items()},
        "hooks": {
            name: [len(value) for key, value in vars(module).items() if "hooks" in key]
            for name, module in modules.items()
        },
        "attributes": {name: sorted(vars(module)) for name, module in modules.items()},
        "state": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "gradients": {name: tensor.grad.clone() for name, tensor in model.named_parameters()},
        "settings": {name: (t.dtype, t.device, t.stride()) for name, t in model.state_dict().items()},
        "random": torch.get_rng_state(),
        "threads": torch.get_num_threads(),
        "environment": dict(os.environ),
    }


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else bool(a == b)


# Changes that people make to a network by hand, each with what `nn.changed.change` says of it.
EDITS = {
    "no pooling": (lambda net: setattr(net, "maxpool", nn.Identity()), "maxpool is Identity instead of MaxPool2d"),
    "pooling's stride": (lambda net: setattr(net.maxpool, "stride", 1), "maxpool has stride=1 instead of 2"),
    "conv's stride": (lambda net: setattr(net.conv1, "stride", (1, 1)), r"conv1 has stride=(1, 1) instead of (2, 2)"),
    "padding": (lambda net: setattr(net.conv1, "padding", (0, 0)), r"conv1 has padding=(0, 0) instead of (3, 3)"),
    "dilation": (
        lambda net: setattr(net.layer2[0].downsample[0], "dilation", (2, 2)),
        "layer2.0.downsample.0 has dilation=(2, 2) instead of (1, 1); dilation is not a field of a description",
    ),
    "groups": (
        lambda net: setattr(net.layer1[0], "conv1", nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False)),
        "layer1.0.conv1 has groups=2 instead of 1",
    ),
    "a bias": (
        lambda net: setattr(net, "conv1", nn.Conv2d(3, 8, 7, 2, 3)),
        "conv1.bias is not in the description",
    ),
    "channels": (
        lambda net: setattr(net, "conv1", nn.Conv2d(1, 8, 7, 2, 3, bias=False)),
        "conv1 has in_channels=1 instead of 3",
    ),
    "classes": (
        lambda net: setattr(net, "fc", nn.Linear(16, 3)),
        "fc has out_features=3 instead of 5",
    ),
    "activation": (lambda net: setattr(net.layer1[0], "relu1", nn.SiLU()), "layer1.0.relu1 is SiLU instead of ReLU"),
    "epsilon": (lambda net: setattr(net.bn1, "eps", 0.1), "bn1 has eps=0.1 instead of 1e-05"),
    "momentum": (lambda net: setattr(net.bn1, "momentum", 0.5), "bn1 has momentum=0.5 instead of 0.1"),
    "another norm": (
        lambda net: setattr(net, "bn1", nn.GroupNorm(2, 8)),
        "bn1 is GroupNorm instead of BatchNorm2d",
    ),
    "a wrapped module": (
        lambda net: setattr(net, "conv1", nn.Sequential(net.conv1, nn.Dropout(0.1))),
        "conv1 is Sequential instead of Conv2d",
    ),
    "a hook": (
        lambda net: net.layer1.register_forward_hook(lambda module, images, out: out * 2),
        "layer1 has a forward hook, which may change what it computes",
    ),
    "a hook before": (
        lambda net: net.fc.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 2,)),
        "fc has a forward hook, which may change what it computes",
    ),
    "a parametrisation": (
        lambda net: nn.utils.parametrizations.weight_norm(net.conv1),
        "conv1 is torch.nn.utils.parametrize.ParametrizedConv2d instead of Conv2d",
    ),
    "a forward of its own": (
        lambda net: setattr(net.layer1, "forward", lambda x: x),
        "layer1 has a forward of its own",
    ),
    "a layer less": (lambda net: net.layer2.__delitem__(1), "layer2.2 is missing"),
    "a layer more": (lambda net: net.layer2.append(nn.Identity()), "layer2.3 is not in the description"),
    "another order": (
        lambda net: net.layer2._modules.update({"1": net.layer2._modules.pop("1")}),
        "layer2 has its modules in another order",
    ),
    "no shortcut": (
        lambda net: setattr(net.layer1[0], "downsample", None),
        "layer1.0.downsample is missing",
    ),
    "a layer used twice": (
        lambda net: setattr(net.layer1[0], "conv2", net.layer1[0].conv1),
        "layer1.0.conv2 is layer1.0.conv1",
    ),
    "weights used twice": (
        lambda net: setattr(net.layer1[0].conv2, "weight", net.layer1[0].conv1.weight),
        "layer1.0.conv2.weight is layer1.0.conv1.weight",
    ),
    "pruned": (
        lambda net: nn.utils.prune.l1_unstructured(net.conv1, "weight", amount=0.5),
        "conv1 has a forward hook, which may change what it computes",
    ),
}  # fmt: skip


def edited(name):
    """A small network with that change."""
    model = rl.build(rl.network("resnet18", depths=(1, 3), widths=(8, 16), stem_width=8, classes=5))
    EDITS[name][0](model)
    return model
