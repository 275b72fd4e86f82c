"""The bill and the module come from one description; here torch itself counts the module, layer by layer."""

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from resnet_lib.nn.vision import torchvision
from tests.helpers.strategies import blocks, networks

TORCHVISION = rl.names()[:10]
OTHERS = ("plain18", "cifar_resnet20", "cifar_plain20", "cifar_preact110", "cifar_preact164", "wrn28_10")
RESNET = torchvision.models.resnet
WEIGHTS = [
    weights
    for enum in vars(RESNET).values()
    if isinstance(enum, type) and issubclass(enum, RESNET.WeightsEnum) and enum is not RESNET.WeightsEnum
    for weights in enum
]


def measure(model, input_shape):
    """[(path, input shape, output shape, own parameters, FLOPs)] as torch executes the layers; and its total FLOPs."""
    seen = []

    def record(path):
        def hook(module, inputs, output):
            params = sum(p.numel() for p in module.parameters(recurse=False))
            seen.append((path, tuple(inputs[0].shape), tuple(output.shape), params))

        return hook

    for path, module in model.named_modules():
        if not list(module.children()) and not isinstance(module, torch.nn.Identity | rl.nn.ZeroPadding):
            module.register_forward_hook(record(path))
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(torch.empty(input_shape, device="meta"))
    flops = {path: sum(counts.values()) for path, counts in counter.get_flop_counts().items()}
    root = type(model).__name__
    return [(path, *rest, flops.get(f"{root}.{path}", 0)) for path, *rest in seen], counter.get_total_flops()


def assert_equal_layer_by_layer(spec, image, batch):
    bill = rl.price(spec, image, batch=batch)
    model = rl.build(spec, device="meta").eval()
    layers, total_flops = measure(model, (batch, spec.in_channels, *image))

    rows = [row for row in bill.rows if row.kind != "add"]
    expected = [(row.name, row.input_shape, row.output_shape, row.params, 2 * row.macs) for row in rows]
    for layer, row in zip(layers, expected, strict=True):
        assert layer == row
    assert total_flops == 2 * bill.macs
    assert sum(p.numel() for p in model.parameters()) == bill.params
    assert sum(prod(shape) for _, _, shape, _, flops in layers if flops) == bill.activations
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    for kernel, part in bill.by("kind")["conv"].by("kernel").items():
        ours = [conv for conv in convolutions if "x".join(map(str, conv.kernel_size)) == kernel]
        assert (len(part.rows), part.params) == (len(ours), sum(conv.weight.numel() for conv in ours))
    return bill


@given(networks(), st.integers(1, 3))
def test_any_network_layer_by_layer(network_and_image, batch):
    spec, image = network_and_image
    bill = assert_equal_layer_by_layer(spec, image, batch)
    additions = [row for row in bill.rows if row.kind == "add"]  # the one kind without a module
    assert len(additions) == (0 if spec.shortcut == "none" else sum(spec.depths))


@given(blocks(), st.integers(1, 3))
def test_any_block_layer_by_layer(block_and_size, batch):
    assert_equal_layer_by_layer(*block_and_size, batch)


@pytest.mark.parametrize("name", TORCHVISION + OTHERS)
def test_named_networks_layer_by_layer(name):
    spec = rl.network(name)
    assert_equal_layer_by_layer(spec, (97, 161) if spec.stem == "imagenet" else (33, 45), batch=2)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_metadata_of_torchvision_weights(weights):
    """`_ops` are 10⁹ MACs at the weights' own crop (torchvision, test/common_extended_utils.py: get_ops)."""
    name = type(weights).__name__.removesuffix("_Weights").lower()
    bill = rl.price(rl.network(name), weights.transforms().crop_size[0])
    assert bill.params == weights.meta["num_params"]
    assert round(bill.macs / 1e9, 3) == weights.meta["_ops"]


def test_every_weights_entry_is_compared():
    assert len(WEIGHTS) == 17
    assert {type(weights).__name__.removesuffix("_Weights").lower() for weights in WEIGHTS} == set(TORCHVISION)
