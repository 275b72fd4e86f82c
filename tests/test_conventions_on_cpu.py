"""The tools that need numbers, not only shapes: all ten of torchvision's networks, run at each size."""

import pytest
import torch

import resnet_lib as rl
from tests.helpers.counters import ON_CPU, SIZES, TORCHVISION, assert_equal, on_cpu, torchvision_model


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_on_cpu(name):
    model = on_cpu(torchvision_model(name))
    for image in SIZES:
        assert_equal(ON_CPU, model, rl.price(rl.network(name), image), torch.zeros(1, 3, *image))
