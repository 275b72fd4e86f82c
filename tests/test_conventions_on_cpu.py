"""The tools that need numbers, not only shapes: all ten of torchvision's networks, and their blocks at other sizes."""

import pytest
import torch

import resnet_lib as rl
from tests.helpers.counters import (
    ON_CPU,
    PUBLISHED,
    SIZES,
    TORCHVISION,
    assert_equal,
    on_cpu,
    torchvision_model,
    with_two_blocks_a_stage,
)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_on_cpu(name):
    model = on_cpu(torchvision_model(name))
    assert_equal(ON_CPU, model, rl.price(rl.network(name), PUBLISHED), torch.zeros(1, 3, *PUBLISHED))
    spec, model = rl.network(name, depths=(2, 2, 2, 2)), with_two_blocks_a_stage(model)
    for image in SIZES:
        assert_equal(ON_CPU, model, rl.price(spec, image), torch.zeros(1, 3, *image))
