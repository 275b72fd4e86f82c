"""Exercises of "The basic block"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Description, Exercise, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec
from resnet_lib.zoo import network

WAIST = BlockSpec("basic", 128, width=64)  # 3.1
RESNET18 = network("resnet18")


def _weights(block: BlockSpec) -> int:
    """Weights of a block's convolutions."""
    return price(block).by("kind")["conv"].params


def _channels(*names: str) -> int:
    """Channels of ResNet-18's BatchNorms with these names, as many as each has scales."""
    rows = (row for row in price(RESNET18).rows if row.kind == "batch_norm" and row.name.endswith(names))
    return sum(row.output_shape[1] for row in rows)


LAST = _channels(".bn2")
HALF = _weights(BlockSpec("basic", 64)) // 2


def _carries_64(block: BlockSpec) -> bool:
    return (block.in_channels, block.out_channels, block.stride) == (64, 64, 1)


def _is_half(block: BlockSpec) -> bool:
    """Whether it is a residual basic block at 64 channels with half of the weights, however that was reached."""
    kind = block.block, block.shortcut, block.preactivation
    return kind == ("basic", "identity", False) and _carries_64(block) and _weights(block) == HALF


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="basic.1",
        wants="a whole number, the learnable numbers of the block",
        solution=price(WAIST).params,
        mistakes=(
            Mistake(_weights(WAIST), "These are the convolutions' weights. Each BatchNorm learns something too."),
            Mistake(_weights(WAIST) + 4 * 128, "Both BatchNorms have 128 channels in your count. Which has the first?"),
            Mistake(_weights(WAIST) + 4 * 64, "Both BatchNorms have 64 channels in your count. Which has the second?"),
            Mistake(_weights(WAIST) + 64 + 128, "A BatchNorm learns two numbers for each channel: scale and shift."),
            Mistake(
                price(WAIST).params + 64 + 128,
                "You gave the convolutions biases. Before a BatchNorm they have none: it would subtract them.",
            ),
            Mistake(
                price(WAIST).params + 2 * (64 + 128),
                "The running mean and variance are measured, not learned: they do not count.",
            ),
            Mistake(price(BlockSpec("basic", 128)).params, "That block is 128 channels wide in the middle, too."),
            Mistake(price(BlockSpec("basic", 64)).params, "That block has 64 channels at its ends, too."),
            Mistake(_weights(WAIST) // 2, "That is one convolution. The second one takes 64 channels back to 128."),
            Mistake(_weights(WAIST) // 9, "That would be two 1×1 convolutions. A 3×3 window has more positions."),
        ),
        otherwise="Two convolutions of 9 · (channels in) · (channels out) weights, and after each a BatchNorm with the"
        " channels of its output.",
        because="The first BatchNorm has the 64 channels of the middle, the second the 128 of the end.",
    ),
    Number(
        name="basic.2",
        wants="a whole number, the parameters that this sets to zero",
        solution=LAST,
        mistakes=(
            Mistake(8, "That is the number of BatchNorms. Each has a scale for every one of its channels."),
            Mistake(LAST // 2, "That is one block for each stage. How many blocks does ResNet-18 have there?"),
            Mistake(2 * LAST, "You counted shifts, which always start at zero, or the first BatchNorms of the blocks."),
            Mistake(
                LAST + _channels("downsample.1"),
                "A BatchNorm on a shortcut stays as it is: with it at zero, nothing would pass.",
            ),
            Mistake(_channels("bn1", "bn2", "downsample.1"), "Not every BatchNorm: only the last one of each branch."),
            Mistake(512, "That is the last block. The others have their own last BatchNorm."),
        ),
        otherwise="One BatchNorm in each of eight blocks, with one scale for each channel of its stage.",
        because=f"They are {LAST:,} of {price(RESNET18).params:,} parameters, and they keep all eight branches silent.",
    ),
    Description(
        name="basic.3",
        wants="a BlockSpec",
        solution=BlockSpec("basic", 64, width=32),
        right=_is_half,
        mistakes=(
            Mistake(BlockSpec("basic", 64), "That is the block to be halved."),
            Mistake(
                BlockSpec("bottleneck", 64),
                "That is a bottleneck. The block should have two 3×3 convolutions.",
                lambda block: block.block != "basic",
            ),
            Mistake(
                BlockSpec("basic", 64, stride=2),
                "A stride makes the map smaller, not the weights fewer, and the shortcut then needs help.",
                lambda block: block.stride != 1,
            ),
            Mistake(
                BlockSpec("basic", 32),
                "Other blocks could not be stacked with it: it should take 64 channels and give 64 back.",
                lambda block: not _carries_64(block),
            ),
            Mistake(
                BlockSpec("basic", 64, width=32, shortcut="none"),
                "The weights are right, but a residual block needs its shortcut.",
                lambda block: block.shortcut == "none",
            ),
            Mistake(
                BlockSpec("basic", 64, width=16),
                "Too cheap: that is less than half. Both convolutions touch the middle.",
                lambda block: (
                    block.shortcut == "identity" and isinstance(_weights(block), int) and _weights(block) < HALF
                ),
            ),
        ),
        otherwise="64 channels in, 64 out, an identity shortcut. `rl.price(block).by('kind')['conv'].params` counts the"
        " weights; what else than the ends can be changed?",
        because="A narrower middle and groups both do it, and Python cannot tell which of them would learn better.",
    ),
)
