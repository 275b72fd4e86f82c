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
    """Whether ResNet-50 with one field changed has an identity in the first block of conv2_x."""
    resnet50 = network("resnet50")
    changed = [f.name for f in fields(NetworkSpec) if getattr(net, f.name) != getattr(resnet50, f.name)]
    return len(changed) == 1 and net.block == "bottleneck" and net.stages[0].first.shortcut == "identity"


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="shortcut.1",
        wants="a whole number, the parameters on that shortcut",
        solution=_WEIGHTS + _BATCH_NORM,
        mistakes=(
            Mistake(_WEIGHTS, "You left out BatchNorm: two numbers for each channel that it normalises."),
            Mistake(
                _WEIGHTS + 512,
                "Beside the weights you have one number for each channel. The convolution has no bias, and BatchNorm"
                " has more than one.",
            ),
            Mistake(_WEIGHTS + 512 + _BATCH_NORM, "A convolution in front of a BatchNorm has no bias."),
            Mistake(
                _WEIGHTS + 2 * _BATCH_NORM,
                "The running mean and variance of BatchNorm are not parameters: training does not change them by"
                " gradient.",
            ),
            Mistake(9 * _WEIGHTS + _BATCH_NORM, "You gave it a 3×3. Which window does a projection have?"),
            Mistake(9 * _WEIGHTS, "You gave it a 3×3 and no BatchNorm. Which window does a projection have?"),
            Mistake(
                _WEIGHTS // 4 + _BATCH_NORM,
                "The stride says how often a weight is used, not how many there are.",
            ),
            Mistake(
                4 * _WEIGHTS + _BATCH_NORM,
                "The stride says how often a weight is used, not how many there are.",
            ),
            Mistake(0, "So it would be with option A. This shortcut learns."),
        ),
        otherwise="One weight for each pair of an incoming and an outgoing channel, then what BatchNorm has.",
        because="The stride does not enter: it decides how often the weights are used, not how many there are.",
    ),
    Table(
        name="shortcut.2",
        wants="a nested list of shape (2, 2, 2), or a tensor: channels, rows, columns",
        solution=[_EVERY_OTHER, _NOTHING],
        mistakes=(
            Mistake([_NOTHING, _EVERY_OTHER], "Those are the right channels in the other order: the zeros come last."),
            Mistake([_EVERY_OTHER, _EVERY_OTHER], "Option A does not copy a channel to get more of them."),
            Mistake(
                [[[4.25, 4.75], [4, 3.5]], _NOTHING],
                "You averaged. That uses every pixel, and a later kind of projection does so. Option A does not.",
            ),
            Mistake([[[8, 7], [9, 5]], _NOTHING], "You took the largest of each square. Option A does not compare."),
            Mistake([[[8, 6], [6, 5]], _NOTHING], "You keep every other pixel, but started at the second one."),
            Mistake([[[5, 1], [3, 8]], _NOTHING], "You cut a corner out of the map. A stride steps through all of it."),
            Mistake([_NOTHING, _NOTHING], "Only the new channel is zero. The old one is passed on."),
        ),
        otherwise="Two steps: take every other pixel in both directions, then append a channel of zeros.",
        because="Twelve of the sixteen numbers never reach the addition, and the second channel has no shortcut.",
    ),
    Description(
        name="shortcut.3",
        wants="a description, such as `rl.network('resnet50', classes=10)`",
        solution=network("resnet50", stem_width=256),
        right=_one_field,
        mistakes=(
            Mistake(network("resnet50"), "This is ResNet-50 itself: its first block goes from 64 channels to 256."),
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
                "Option C puts projections everywhere, where the shape stays too.",
                lambda net: net.shortcut == "C",
            ),
            Mistake(
                network("resnet34"),
                "An identity, but its blocks are basic ones. Keep the bottlenecks.",
                lambda net: net.block == "basic",
            ),
            Mistake(
                network("resnet50", widths=(256, 512, 1024, 2048)),
                "The fields in `widths` are inner widths; a bottleneck returns four times as many channels.",
                lambda net: net.stem_width == 64 and net.widths[0] == 256,
            ),
            Mistake(
                network("resnet50", stem_width=256, classes=10),
                "The first shortcut is an identity, but more than one field has changed.",
                lambda net: net.stages[0].first.shortcut == "identity",
            ),
        ),
        otherwise="The first block still changes the number of channels. What comes in, and what goes out?",
        because="An identity needs as many channels in as out. Either the stem returns more, or the stage fewer.",
    ),
)
