"""Exercises of "The bill of one convolution"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Exercise, Function, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec
from resnet_lib.zoo import network

# 2.1: the first convolution of conv4_x in ResNet-34, for an image of 225 × 225 pixels.
_STRIDED = price(BlockSpec("basic", 128, out_channels=256, stride=2), image=29).rows[0]
_WEIGHTS = _STRIDED.params
_POSITIONS = _STRIDED.macs // _WEIGHTS


def _numbers(kernel: int, channels_in: int, channels_out: int, groups: int) -> int:
    """Return the learned numbers of a convolution and of the BatchNorm after it (exercise 2.2)."""
    return kernel**2 * channels_in // groups * channels_out + 2 * channels_out


# 2.3: the weights of the first convolution, and of three 3×3s in its place.
_FIRST = price(network("resnet18")).rows[0].params
_THREE = 9 * (3 * 64 + 64 * 64 + 64 * 64)


def _three_at(*sides: int) -> float:
    """Return the MACs of the three 3×3s over those of the first convolution, if their outputs have these sides."""
    weights = (9 * 3 * 64, 9 * 64 * 64, 9 * 64 * 64)
    return sum(w * s**2 for w, s in zip(weights, sides, strict=True)) / (_FIRST * 112**2)


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="convolution.1",
        wants="a whole number of MACs",
        solution=_STRIDED.macs,
        mistakes=(
            Mistake(
                _WEIGHTS * 29**2,
                "You counted the positions of the input. Count those of the output: with stride 2 there are fewer.",
            ),
            Mistake(
                _WEIGHTS * 14**2, "You rounded half of 29 down. Put 29 into the formula for the side of the output."
            ),
            Mistake(
                _WEIGHTS * 29**2 // 4,
                "A quarter of 29 × 29 is not a whole number. Put 29 into the formula for the side of the output.",
            ),
            Mistake(2 * _STRIDED.macs, "You counted FLOPs, two for each MAC."),
            Mistake(
                _STRIDED.macs // 128,
                "You left out the input channels: each output number is a sum over all 128 of them.",
            ),
            Mistake(_STRIDED.macs // 256, "You left out the output channels: each of the 256 is computed."),
            Mistake(_STRIDED.macs // 9, "You left out the window: it has nine weights for each pair of channels."),
            Mistake(_STRIDED.macs // 3, "A 3×3 window has nine weights for each pair of channels, not three."),
            Mistake(_WEIGHTS, "You counted the weights. How often is each of them used?"),
            Mistake(_POSITIONS, "You counted the positions of the output. How many MACs are done at each of them?"),
        ),
        otherwise="First find the side of the output, then the weights: each of them is used once at every position.",
        because="With this padding, half of 29 is rounded up.",
    ),
    Function(
        name="convolution.2",
        wants="a function of kernel, channels_in, channels_out and groups that returns a whole number",
        solution=_numbers,
        samples=(
            (7, 3, 64, 1),
            (3, 512, 512, 1),
            (1, 256, 1024, 1),
            (3, 128, 128, 32),
            (3, 64, 128, 2),
            (3, 96, 96, 96),
        ),
        mistakes=(
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b,
                "You left out the BatchNorm: it has two numbers for each output channel.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 3 * b,
                "That is one number too many for each channel: a convolution followed by a BatchNorm needs no bias.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + b,
                "You added one number for each channel, as for a bias. The BatchNorm has two.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 4 * b,
                "A BatchNorm keeps four numbers for each channel, but only two of them are learned.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 2 * a,
                "The BatchNorm comes after the convolution, so it has two numbers for each output channel.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a * b + 2 * b,
                "That is right for one group. With more, each output channel reads only the channels of its own group.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * (a // g) * (b // g) + 2 * b,
                "You counted the weights of one group only. How many groups are there?",
            ),
            Mistake(
                lambda k, a, b, g: k * a // g * b + 2 * b,
                "A k × k window has k² weights for each pair of channels, not k.",
            ),
        ),
        otherwise="An output channel has k² weights for each channel that it reads, and two numbers in the BatchNorm.",
        because="The size of the image plays no part.",
    ),
    Number(
        name="convolution.3",
        wants="a number: the MACs of the three 3×3s over those of the 7×7, to two decimals",
        solution=_three_at(112, 112, 112),
        mistakes=(
            Mistake(
                27 / 49,
                "That holds for equally many channels. How many does the first of the three read, and the others?",
            ),
            Mistake(_FIRST / _THREE, "You divided the 7×7 by the three. Divide the three by the 7×7."),
            Mistake(
                _three_at(112, 56, 28),
                "You gave all three a stride of 2. Only the first has it; the others keep the size of the maps.",
            ),
            Mistake(_three_at(224, 224, 112), "You gave the stride to the last of the three. The first has it."),
            Mistake(
                _three_at(224, 224, 224),
                "You left out the stride of the first of the three. With it, the outputs of all three are 112 × 112.",
            ),
            Mistake(9 * (3 * 64 + 64 * 64) / _FIRST, "You counted two of them. There are three."),
            Mistake(9 * 3 * 64 / _FIRST, "You counted only the first of the three."),
            Mistake(9 * 64 * 64 * 3 / _FIRST, "The first of the three reads 3 channels, not 64."),
            Mistake(2 * _THREE / _FIRST, "That is twice the ratio: count MACs on both sides, or FLOPs on both."),
        ),
        otherwise="The outputs of all four are 112 × 112, so compare the weights. Mind the input channels of each.",
        because="Two of the three read 64 channels, where the 7×7 reads only three.",
    ),
)
