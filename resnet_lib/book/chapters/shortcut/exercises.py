"""Exercises of "The shortcut"."""

from __future__ import annotations

from dataclasses import fields

from resnet_lib.book.ask.exercise import Description, Exercise, Mistake, Number, Table
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import network

_ROWS = [row for row in price(BlockSpec("basic", 256, out_channels=512, stride=2)).rows if row.on_shortcut]
_WEIGHTS, _BATCH_NORM = (row.params for row in _ROWS)

_NOTHING = [[0, 0], [0, 0]]
_EVERY_OTHER = [[5, 4], [9, 2]]


def _one_field(net: NetworkSpec) -> bool:
    """Whether `net` is ResNet-50 with one field changed, and has an identity in the first block of conv2_x."""
    resnet50 = network("resnet50")
    changed = [f.name for f in fields(NetworkSpec) if getattr(net, f.name) != getattr(resnet50, f.name)]
    return len(changed) == 1 and net.block == "bottleneck" and net.stages[0].first.shortcut == "identity"


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="shortcut.1",
        wants="a whole number, the parameters on that shortcut",
        solution=_WEIGHTS + _BATCH_NORM,
        mistakes=(
            Mistake(_WEIGHTS, "You left out the BatchNorm. It has two parameters for each channel that it normalises."),
            Mistake(
                _WEIGHTS + 512,
                "Besides the weights you counted one number for each channel. The convolution has no bias, and a"
                " BatchNorm has more than one number for each channel.",
            ),
            Mistake(
                _WEIGHTS + 512 + _BATCH_NORM, "You counted a bias. A convolution that a BatchNorm follows has none."
            ),
            Mistake(
                _WEIGHTS + 2 * _BATCH_NORM,
                "You counted the running mean and variance of the BatchNorm. They are not parameters, because no"
                " optimiser changes them.",
            ),
            Mistake(9 * _WEIGHTS + _BATCH_NORM, "You counted a 3×3. Which window does a projection have?"),
            Mistake(9 * _WEIGHTS, "You counted a 3×3, and no BatchNorm. Which window does a projection have?"),
            Mistake(
                _WEIGHTS // 4 + _BATCH_NORM,
                "You divided the weights by four. The stride says how often a weight is used, not how many there are.",
            ),
            Mistake(
                4 * _WEIGHTS + _BATCH_NORM,
                "You multiplied the weights by four. The stride says how often a weight is used, not how many there"
                " are.",
            ),
            Mistake(0, "That is right for option A. With option B this shortcut is a projection."),
        ),
        otherwise="Count one weight for each pair of an input and an output channel. Then add what the BatchNorm has.",
        because="The stride does not matter: it decides how often the weights are used, not how many there are.",
    ),
    Table(
        name="shortcut.2",
        wants="a nested list of shape (2, 2, 2), or a tensor: channels, rows, columns",
        solution=[_EVERY_OTHER, _NOTHING],
        mistakes=(
            Mistake(
                [_NOTHING, _EVERY_OTHER],
                "Both channels are right, but they are in the wrong order: the zeros come last.",
            ),
            Mistake([_EVERY_OTHER, _EVERY_OTHER], "You copied the first channel. Option A adds a channel of zeros."),
            Mistake(
                [[[4.25, 4.75], [4, 3.5]], _NOTHING],
                "You averaged each 2 × 2 square. A later kind of projection does that; option A picks single pixels.",
            ),
            Mistake(
                [[[8, 7], [9, 5]], _NOTHING],
                "You took the largest of each square, as a max pool does. Option A does not compare.",
            ),
            Mistake(
                [[[8, 6], [6, 5]], _NOTHING], "You took every second pixel, but began with the second row and column."
            ),
            Mistake(
                [[[5, 1], [3, 8]], _NOTHING], "You cut a corner out of the map. A stride steps through the whole map."
            ),
            Mistake(
                [_NOTHING, _NOTHING], "Only the new channel is zero. Of the old one, every second pixel is passed on."
            ),
        ),
        otherwise="There are two steps: take every second pixel in both directions, then append a channel of zeros.",
        because="Twelve of the sixteen numbers never reach the addition, and the second channel gets only zeros.",
    ),
    Description(
        name="shortcut.3",
        wants="a description, such as `rl.network('resnet50', classes=10)`",
        solution=network("resnet50", stem_width=256),
        right=_one_field,
        mistakes=(
            Mistake(network("resnet50"), "This is ResNet-50 itself: its first block takes 64 channels to 256."),
            Mistake(
                network("resnet50", shortcut="A"),
                "No projection is left, but the first block pads its input with zeros: that is not an identity.",
                lambda net: net.stages[0].first.shortcut == "pad",
            ),
            Mistake(
                network("resnet50", shortcut="none"),
                "Now there are no shortcuts at all: a plain network.",
                lambda net: net.shortcut == "none",
            ),
            Mistake(
                network("resnet50", shortcut="C"),
                "Option C puts a projection on every shortcut, even where the shape does not change.",
                lambda net: net.shortcut == "C",
            ),
            Mistake(
                network("resnet34"),
                "The first shortcut is an identity, but the blocks are basic blocks. Keep the bottlenecks.",
                lambda net: net.block == "basic",
            ),
            Mistake(
                network("resnet50", widths=(256, 512, 1024, 2048)),
                "The numbers in `widths` are inner widths. A bottleneck returns four times as many channels.",
                lambda net: net.stem_width == 64 and net.widths[0] == 256,
            ),
            Mistake(
                network("resnet50", stem_width=256, classes=10),
                "The first shortcut is an identity, but more than one field has changed.",
                lambda net: net.stages[0].first.shortcut == "identity",
            ),
        ),
        otherwise="The first block still changes the number of channels. How many does it read, and how many does it"
        " return?",
        because="An identity needs as many input as output channels. Either the stem returns more, or the stage returns"
        " fewer.",
    ),
)
