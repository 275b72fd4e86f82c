"""Exercises of "Start here"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Mistake, Number
from resnet_lib.cost import price
from resnet_lib.zoo import network


def _layers(blocks: int) -> int:
    """Return the layers of ResNet-50 with `blocks` blocks in conv4_x."""
    return network("resnet50", depths=(3, 4, blocks, 3)).layers


EXERCISES = (
    Number(
        name="index.1",
        wants="a whole number, the layers of that network",
        solution=_layers(4),
        mistakes=(
            Mistake(4, "That is the number of blocks in conv4_x. How many layers does the network have then?"),
            Mistake(_layers(5), "With five blocks it still costs a little more than ResNet-34."),
            Mistake(_layers(3), "That is cheaper, but one block more would still fit."),
            Mistake(_layers(4) - 2, "Two layers are in no block: the first convolution and the classifier."),
        ),
        otherwise="Keep ResNet-34's MACs in mind and take blocks from conv4_x. Each takes three layers with it.",
    ),
    Number(
        name="index.2",
        wants="a whole number, the convolutions of ResNet-50",
        solution=len(price(network("resnet50")).by("kind")["conv"].rows),
        mistakes=(
            Mistake(48, "Those are in the main branches of the blocks. There are others elsewhere."),
            Mistake(49, "Those on the main path. What does a shortcut do where the number of channels changes?"),
            Mistake(50, "The name counts the classifier, which is not a convolution, and leaves out the shortcuts."),
            Mistake(52, "You have those of the blocks, shortcuts included. One comes before all blocks."),
            Mistake(54, "The classifier is not a convolution."),
        ),
        otherwise="Three in the main branch of each block, some on shortcuts, and one before the first block.",
        because="The name says fifty: it counts the classifier and leaves out the projections on the shortcuts.",
    ),
)
