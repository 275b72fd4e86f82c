"""The tools that need numbers, not only shapes: all ten of torchvision's networks, run at each size."""

import pytest
import torch

import resnet_lib as rl
from tests.test_conventions import ON_CPU, SIZES, TORCHVISION, assert_equal, on_cpu, torchvision_model


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_on_cpu(name):
    model = on_cpu(torchvision_model(name))
    # In training mode fvcore differs in one rule, for BatchNorm, and takes longest: two sizes.
    without_training = {tool: count for tool, count in ON_CPU.items() if tool != "fvcore_training"}
    for image in SIZES:
        tools = ON_CPU if image in SIZES[:2] else without_training
        assert_equal(tools, model, rl.price(rl.network(name), image), torch.zeros(1, 3, *image))
