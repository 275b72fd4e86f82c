"""Exercises of "The basic block"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Description, Exercise, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec
from resnet_lib.zoo import network

WAIST = BlockSpec("basic", 128, width=64)  # 3.1
RESNET18 = network("resnet18")


def _weights(block: BlockSpec) -> int:
    """Return the weights of a block's convolutions."""
    return price(block).by("kind")["conv"].params


def _channels(*names: str) -> int:
    """Return the channels of ResNet-18's BatchNorms with these names. Each has one scale per channel."""
    rows = (row for row in price(RESNET18).rows if row.kind == "batch_norm" and row.name.endswith(names))
    return sum(row.output_shape[1] for row in rows)


LAST = _channels(".bn2")
HALF = _weights(BlockSpec("basic", 64)) // 2


def _carries_64(block: BlockSpec) -> bool:
    return (block.in_channels, block.out_channels, block.stride) == (64, 64, 1)


def _is_half(block: BlockSpec) -> bool:
    """Return whether it is a residual basic block from 64 channels to 64 with half of the weights, in whatever way."""
    return (block.block, block.shortcut) == ("basic", "identity") and _carries_64(block) and _weights(block) == HALF


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="basic.1",
        wants="a whole number, the parameters of the block",
        solution=price(WAIST).params,
        mistakes=(
            Mistake(_weights(WAIST), "These are the weights of the convolutions. The BatchNorms have parameters, too."),
            Mistake(
                _weights(WAIST) + 4 * 128,
                "In your count both BatchNorms have 128 channels. How many does the first one have?",
            ),
            Mistake(
                _weights(WAIST) + 4 * 64,
                "In your count both BatchNorms have 64 channels. How many does the second one have?",
            ),
            Mistake(
                _weights(WAIST) + 64 + 128, "A BatchNorm learns two numbers for each channel: a scale and a shift."
            ),
            Mistake(
                price(WAIST).params + 64 + 128,
                "You gave biases to the convolutions. They have none: the BatchNorm after each would subtract them.",
            ),
            Mistake(
                price(WAIST).params + 2 * (64 + 128),
                "Running means and variances are measured, not learned, so they are not parameters.",
            ),
            Mistake(
                price(BlockSpec("basic", 128)).params,
                "That is the block with 128 channels between its convolutions. This one has 64 there.",
            ),
            Mistake(
                price(BlockSpec("basic", 64)).params,
                "That is the block with 64 channels everywhere. This one takes 128 and returns 128.",
            ),
            Mistake(_weights(WAIST) // 2, "That is one convolution. The other one takes the 64 channels back to 128."),
            Mistake(
                _weights(WAIST) // 9,
                "That would be two 1×1 convolutions. A 3×3 has nine weights for each pair of channels.",
            ),
        ),
        otherwise="Count two convolutions of 9 · (channels in) · (channels out) weights, and after each a BatchNorm"
        " with two parameters for each of its channels.",
        because="The first BatchNorm has the 64 channels between the convolutions, the second the 128 of the output.",
    ),
    Number(
        name="basic.2",
        wants="a whole number, the parameters that the option sets to zero",
        solution=LAST,
        mistakes=(
            Mistake(8, "That is the number of BatchNorms it changes. Each has one scale per channel."),
            Mistake(LAST // 2, "You counted one block per stage. How many does ResNet-18 have in each?"),
            Mistake(
                2 * LAST,
                "You counted shifts, which start at zero in any case, or first BatchNorms, which keep their scales.",
            ),
            Mistake(
                LAST + _channels("downsample.1"),
                "A BatchNorm on a shortcut keeps its scales: with zeros there, nothing would pass the shortcut.",
            ),
            Mistake(
                _channels("bn1", "bn2", "downsample.1"),
                "You counted every BatchNorm. The option changes only the last one of each branch.",
            ),
            Mistake(512, "That is the last block alone. Each of the other seven has a last BatchNorm, too."),
        ),
        otherwise="In each of the eight blocks it is one BatchNorm, with one scale for each channel of the stage.",
        because=f"They are {LAST:,} of {price(RESNET18).params:,} parameters, and they make all eight blocks silent.",
    ),
    Description(
        name="basic.3",
        wants="a BlockSpec",
        solution=BlockSpec("basic", 64, width=32),
        right=_is_half,
        mistakes=(
            Mistake(BlockSpec("basic", 64), "That is the block whose weights you are asked to halve."),
            Mistake(
                BlockSpec("bottleneck", 64),
                "That is a bottleneck block. The block should have two 3×3 convolutions.",
                lambda block: block.block != "basic",
            ),
            Mistake(
                BlockSpec("basic", 64, stride=2),
                "A stride makes the maps smaller and saves no weights. The next block would not fit.",
                lambda block: block.stride != 1,
            ),
            Mistake(
                BlockSpec("basic", 32),
                "It would not fit between its neighbours: it should take 64 channels and return 64.",
                lambda block: not _carries_64(block),
            ),
            Mistake(
                BlockSpec("basic", 64, width=32, shortcut="none"),
                "A residual block needs its shortcut.",
                lambda block: block.shortcut == "none",
            ),
            Mistake(
                BlockSpec("basic", 64, width=16),
                "That is less than half. Your change takes weights from both convolutions.",
                lambda block: (
                    block.shortcut == "identity" and isinstance(_weights(block), int) and _weights(block) < HALF
                ),
            ),
        ),
        otherwise="It should take 64 channels, return 64, and have an identity shortcut. What else can you change?"
        " `rl.price(block).by('kind')['conv'].params` counts the weights.",
        because="There are several such blocks. Counting their weights does not tell which would learn best.",
    ),
)
