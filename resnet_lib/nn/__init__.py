"""What a network computes: torch modules made from the description. Importing it loads torch."""

from resnet_lib.nn.blocks import (
    BasicBlock,
    BottleneckBlock,
    PreactBasicBlock,
    PreactBottleneckBlock,
    ResidualBlock,
    ZeroPadding,
)
from resnet_lib.nn.files import load, save
from resnet_lib.nn.network import ResNet, build, initialize

__all__ = [
    "BasicBlock",
    "BottleneckBlock",
    "PreactBasicBlock",
    "PreactBottleneckBlock",
    "ResNet",
    "ResidualBlock",
    "ZeroPadding",
    "build",
    "initialize",
    "load",
    "save",
]
