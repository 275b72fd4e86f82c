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

HALF = (112, 112)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_on_cpu(name):
    """Whole, the one that is quoted most at the published size and the others at half of it; then a part of them."""
    model, image = on_cpu(torchvision_model(name)), PUBLISHED if name == "resnet50" else HALF
    assert_equal(ON_CPU, model, rl.price(rl.network(name), image), torch.zeros(1, 3, *image))
    spec, model = rl.network(name, depths=(2, 2, 2, 2)), with_two_blocks_a_stage(model)
    image = SIZES[TORCHVISION.index(name) % len(SIZES)]
    assert_equal(ON_CPU, model, rl.price(spec, image), torch.zeros(1, 3, *image))
