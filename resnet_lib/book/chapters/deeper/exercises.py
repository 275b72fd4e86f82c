"""Exercises of "Deeper got worse"."""

from __future__ import annotations

from typing import Any

from resnet_lib.book.ask.exercise import Mistake, Number, Table
from resnet_lib.cost import price
from resnet_lib.zoo import network

# He et al. 2015, table 2: ImageNet top-1 error in percent, 10-crop.
PLAIN = {18: 27.94, 34: 28.54}
RESIDUAL = {18: 27.88, 34: 25.03}
WORSE = PLAIN[34] - PLAIN[18]
BETTER = RESIDUAL[18] - RESIDUAL[34]

# The blocks that turn plain-20 into plain-56, six in each stage. Each has two convolutions with a BatchNorm.
SHALLOW, DEEP = network("cifar_plain20"), network("cifar_plain56")
BLOCKS = DEEP.depths[0] - SHALLOW.depths[0]
CHANNELS = 2 * BLOCKS * sum(DEEP.widths)  # summed over their convolutions
ADDED = price(DEEP).params - price(SHALLOW).params


def _window(centre: float, edge: float = 0) -> list[list[float]]:
    return [[centre if i == j == 1 else edge for j in range(3)] for i in range(3)]


def _weight(same: Any, other: Any) -> Any:
    """Return a convolution's weights from two channels to two: one window to the same channel, one to the other."""
    return [[same, other], [other, same]]


ONE, NOTHING = _window(1), _window(0)
DIAGONAL = [[float(i == j) for j in range(3)] for i in range(3)]

EXERCISES = (
    Number(
        name="deeper.1",
        wants="a number, percentage points",
        solution=round(WORSE + BETTER, 2),
        mistakes=(
            Mistake(round(BETTER, 2), "That is what depth gains with shortcuts. What does it do without them?"),
            Mistake(round(WORSE, 2), "That is what depth costs without shortcuts. What does it do with them?"),
            Mistake(
                round(BETTER - WORSE, 2),
                "Mind the signs: one pair gets better with depth, the other gets worse.",
            ),
            Mistake(
                round(PLAIN[34] - RESIDUAL[34], 2),
                "That compares the two networks of 34 layers. The networks of 18 layers already differ a little.",
            ),
            Mistake(
                round(PLAIN[18] - RESIDUAL[18], 2),
                "That is what shortcuts change at 18 layers. The question is what they change about going deeper.",
            ),
        ),
        otherwise="Take two differences from 18 to 34 layers, one without shortcuts and one with. Then compare them.",
        because="Without shortcuts depth costs 0.60 points, with them it gains 2.85.",
    ),
    Table(
        name="deeper.2",
        wants="weights of shape (2, 2, 3, 3): a 3×3 window for each output channel and each input channel",
        solution=_weight(ONE, NOTHING),
        mistakes=(
            Mistake(
                _weight(ONE, ONE),
                "Each output is the sum of both channels. What should a channel take from the other one?",
            ),
            Mistake(
                _weight(NOTHING, ONE),
                "The channels have changed places. The first index is the output channel; the second is the input.",
            ),
            Mistake(
                _weight(DIAGONAL, NOTHING),
                "The identity matrix is not the identity here: this adds a pixel and two of its diagonal neighbours.",
            ),
            Mistake(_weight(_window(1, 1), NOTHING), "This adds up nine pixels. Only one of them is the pixel itself."),
            Mistake(
                _weight(_window(1 / 9, 1 / 9), NOTHING),
                "This averages nine pixels: a blur. It keeps only what is the same all around.",
            ),
            Mistake(_weight(NOTHING, NOTHING), "This gives zero everywhere, whatever comes in."),
        ),
        otherwise="Multiply the window's weights by the nine pixels under it, and add up. What comes out should be the"
        " pixel in the middle.",
        because="The middle weight of each window from a channel to itself is 1, and all others are 0.",
    ),
    Number(
        name="deeper.3",
        wants="a whole number, parameters that are not zero",
        solution=2 * CHANNELS,
        mistakes=(
            Mistake(CHANNELS, "That is one kind. Convolutions and BatchNorms both have parameters that are not zero."),
            Mistake(ADDED, "That is how many parameters the added blocks have. Which of them are not zero?"),
            Mistake(
                3 * CHANNELS,  # = 2 * CHANNELS * 9 // 6
                "Either you counted BatchNorm's shifts, which are zero, or you counted the copied blocks, too.",
            ),
            Mistake(4 * CHANNELS, "Stored means and variances are not parameters, and a shift of zero is zero."),
            Mistake(
                2 * BLOCKS * 3, "A single 1 in each convolution passes only one channel on. Each channel needs its own."
            ),
            Mistake(CHANNELS // 2, "A block has two convolutions, and each has a BatchNorm of its own."),
            Mistake(2 * CHANNELS // BLOCKS, "That is one block in each stage. How many were added?"),
        ),
        otherwise="Go through one block: which weights of its convolutions are not zero, and which parameters of its"
        " BatchNorms?",
        because="In this construction all the others are exactly zero.",
    ),
)
