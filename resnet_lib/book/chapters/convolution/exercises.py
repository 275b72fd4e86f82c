"""Exercises of "The bill of one convolution"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Exercise, Function, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec
from resnet_lib.zoo import network

# 2.1: the convolution that enters conv4_x of ResNet-34, for an image of 225 × 225.
_STRIDED = price(BlockSpec("basic", 128, out_channels=256, stride=2), image=29).rows[0]
_WEIGHTS = _STRIDED.params
_PLACES = _STRIDED.macs // _WEIGHTS


def _numbers(kernel: int, channels_in: int, channels_out: int, groups: int) -> int:
    """2.2: learnable numbers of a convolution and of the BatchNorm after it."""
    return kernel**2 * channels_in // groups * channels_out + 2 * channels_out


# 2.3: weights of the first convolution, and of three 3×3 in its place.
_FIRST = price(network("resnet18")).rows[0].params
_THREE = 9 * (3 * 64 + 64 * 64 + 64 * 64)


def _three_at(*sides: int) -> float:
    """MACs of the three 3×3 over those of the first convolution, if their outputs have these sides."""
    weights = (9 * 3 * 64, 9 * 64 * 64, 9 * 64 * 64)
    return sum(w * s**2 for w, s in zip(weights, sides, strict=True)) / (_FIRST * 112**2)


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="convolution.1",
        wants="a whole number of MACs",
        solution=_STRIDED.macs,
        mistakes=(
            Mistake(
                _WEIGHTS * 29**2, "You counted the places of the map that enters. A MAC is done for each that leaves."
            ),
            Mistake(_WEIGHTS * 14**2, "You rounded the half of 29 down. Put 29 into the formula of the output's side."),
            Mistake(
                _WEIGHTS * 29**2 // 4,
                "A quarter of 29 × 29 is not a whole number. Put 29 into the formula of the output's side.",
            ),
            Mistake(2 * _STRIDED.macs, "Those are FLOPs: two for each MAC."),
            Mistake(_STRIDED.macs // 128, "You left out the channels that enter: each output sums over all of them."),
            Mistake(_STRIDED.macs // 256, "You left out the channels that leave: each of them is computed."),
            Mistake(_STRIDED.macs // 9, "You left out the window: it has nine places."),
            Mistake(_STRIDED.macs // 3, "A 3×3 window has nine places, not three."),
            Mistake(_WEIGHTS, "Those are the weights. How often is each of them used?"),
            Mistake(_PLACES, "Those are the places of the output. What is done at each of them?"),
        ),
        otherwise="First the side of the map that leaves, then the weights: each is used once at every place of it.",
        because="The padding rounds the half of 29 up.",
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
            Mistake(lambda k, a, b, g: k**2 * a // g * b, "You left out BatchNorm: two numbers for each channel."),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 3 * b,
                "One number too many for each channel: in front of a BatchNorm a convolution needs no bias.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + b,
                "That is a bias for each channel. This convolution has no bias, and its BatchNorm has two for each.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 4 * b,
                "A BatchNorm keeps four numbers for each channel, but only two of them are learned.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a // g * b + 2 * a,
                "The BatchNorm comes after the convolution: it has the channels that leave.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * a * b + 2 * b,
                "Right for one group. With more, each output reads only the channels of its own group.",
            ),
            Mistake(
                lambda k, a, b, g: k**2 * (a // g) * (b // g) + 2 * b,
                "Those are the weights of one group, and the BatchNorm's. How many groups are there?",
            ),
            Mistake(lambda k, a, b, g: k * a // g * b + 2 * b, "A k × k window has k² places, not k."),
        ),
        otherwise="An output channel has k² weights for each channel that it reads, and two numbers in the BatchNorm.",
        because="And the image's size was never asked for.",
    ),
    Number(
        name="convolution.3",
        wants="a number: MACs of the three 3×3 over those of the 7×7, to two decimals",
        solution=_three_at(112, 112, 112),
        mistakes=(
            Mistake(
                27 / 49, "That holds between equal channels. How many enter the first of the three, and the others?"
            ),
            Mistake(_FIRST / _THREE, "Upside down: the three over the one."),
            Mistake(_three_at(112, 56, 28), "Only the first has stride 2; the others keep the map."),
            Mistake(_three_at(224, 224, 112), "The stride sits on the other end: the first of the three has it."),
            Mistake(
                _three_at(224, 224, 224), "The first of the three has stride 2, so all three leave maps of 112 × 112."
            ),
            Mistake(9 * (3 * 64 + 64 * 64) / _FIRST, "Those are two of them. There are three."),
            Mistake(9 * 3 * 64 / _FIRST, "That is the first of the three alone."),
            Mistake(9 * 64 * 64 * 3 / _FIRST, "The first of the three reads 3 channels, not 64."),
            Mistake(2 * _THREE / _FIRST, "Twice too many: count MACs on both sides, or FLOPs on both."),
        ),
        otherwise="All four leave maps of 112 × 112. Work out each one's weights: the channels that enter differ.",
        because="Two of the three read 64 channels, where the 7×7 reads only three.",
    ),
)
