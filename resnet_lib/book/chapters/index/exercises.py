"""Exercises of "Start here"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Mistake, Number
from resnet_lib.cost import price
from resnet_lib.zoo import network


def _layers(blocks: int) -> int:
    """Layers of ResNet-50 with so many blocks in conv4_x."""
    return network("resnet50", depths=(3, 4, blocks, 3)).layers


EXERCISES = (
    Number(
        name="index.1",
        wants="a whole number, the layers of that network",
        solution=_layers(4),
        mistakes=(
            Mistake(4, "That is the number of blocks in conv4_x. How many layers has the network then?"),
            Mistake(_layers(5), "With five blocks it still costs a little more than ResNet-34."),
            Mistake(_layers(3), "Cheaper it is, but one block more would still fit."),
            Mistake(_layers(4) - 2, "Two layers are in no block: the first convolution and the classifier."),
        ),
        otherwise="Keep ResNet-34's MACs in mind and take blocks from conv4_x. Each takes three layers with it.",
    ),
    Number(
        name="index.2",
        wants="a whole number, the convolutions of ResNet-50",
        solution=len(price(network("resnet50")).by("kind")["conv"].rows),
        mistakes=(
            Mistake(48, "So many are in the main branches of the blocks. Others stand elsewhere."),
            Mistake(49, "Those on the main path. What does a shortcut do where the number of channels changes?"),
            Mistake(50, "The name counts the classifier, which is no convolution, and leaves out the shortcuts."),
            Mistake(52, "You have those of the blocks, shortcuts included. One stands before all blocks."),
            Mistake(54, "The classifier is no convolution."),
        ),
        otherwise="Three in the main branch of each block, some on shortcuts, and one before the first block.",
        because="The name says fifty: it counts the classifier and leaves out the projections on the shortcuts.",
    ),
)
