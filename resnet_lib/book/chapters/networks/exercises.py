"""Exercises of "From 18 to 152"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from resnet_lib import _check
from resnet_lib.book.ask.exercise import Description, Exercise, Function, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import network

Depths = tuple[int, ...]
EACH = {"basic": 2, "bottleneck": 3}  # layers of a block

RESNET_50 = network("resnet50")
RESNET_152 = price(network("resnet152")).macs
RESNET_200 = price(network("resnet152", depths=(3, 24, 36, 3))).macs
PAPERS_200 = price(network("resnet152", depths=(3, 24, 36, 3), stride_on="1x1")).macs
BASIC = price(BlockSpec("basic", 64), image=56).macs  # of one more block, in any stage
BOTTLENECK = price(BlockSpec("bottleneck", 256), image=56).macs

BUDGET = 2 * 10**9  # MACs
DEEPEST = network("resnet50", depths=(1, 1, 1, 3))


def _layers(block: str, depths: Depths) -> int:
    return EACH[block] * sum(depths) + 2


def _projections(block: str, depths: Depths) -> int:
    """Count the stages that open with one: all but a first stage of basic blocks, which keeps the stem's shape."""
    return len(depths) - (block == "basic")


def _verdict(net: NetworkSpec) -> str:
    """Say in a word what an answer to exercise 3 is."""
    if net.block == "basic":
        return "basic"
    if len(net.depths) != 4 or replace(RESNET_50, depths=net.depths) != net:
        return "other fields"
    if any(map(_check.is_symbol, net.depths)):
        return "symbols"
    if price(net).macs > BUDGET:
        return "over budget"
    return "short" if net.layers < DEEPEST.layers else "right"


def _is(verdict: str) -> Callable[[NetworkSpec], bool]:
    return lambda net: _verdict(net) == verdict


EXERCISES: tuple[Exercise, ...] = (
    Function(
        name="networks.1",
        wants="a function of the kind of block and the numbers of blocks, which returns the number of layers",
        solution=_layers,
        samples=(
            ("basic", (2, 2, 2, 2)),
            ("basic", (3, 4, 6, 3)),
            ("bottleneck", (3, 4, 6, 3)),
            ("bottleneck", (3, 8, 36, 3)),
            ("basic", (9, 9, 9)),
            ("bottleneck", (2, 5)),
        ),
        mistakes=(
            Mistake(
                lambda block, depths: EACH[block] * sum(depths),
                "You left out two layers, which are outside the blocks.",
            ),
            Mistake(
                lambda block, depths: EACH[block] * sum(depths) + 1,
                "You are always one short: one layer comes before the blocks, and one after them.",
            ),
            Mistake(
                lambda block, depths: 2 * sum(depths) + 2,
                "This is right for basic blocks. A bottleneck has one layer more.",
            ),
            Mistake(
                lambda block, depths: 3 * sum(depths) + 2,
                "This is right for bottlenecks. A basic block has one layer fewer.",
            ),
            Mistake(
                lambda block, depths: _layers(block, depths) + _projections(block, depths),
                "You counted the projections. They have weights, but they are on the shortcut, not on the main path.",
            ),
            Mistake(
                lambda block, depths: EACH[block] * len(depths) + 2,
                "You counted stages. A stage can have several blocks.",
            ),
            Mistake(lambda block, depths: sum(depths) + 2, "You counted blocks. Each of them has two or three layers."),
        ),
        otherwise="Try it on ResNet-18, where you can count: eight blocks of two layers, and the layers around them.",
        because="Only the sum of the numbers of blocks matters, since projections do not count.",
    ),
    Number(
        name="networks.2",
        wants="a number with one decimal: the MACs of ResNet-200 in G",
        solution=RESNET_200 / 1e9,
        within=0.0034,  # one decimal is enough
        mistakes=(
            Mistake(
                (RESNET_152 + 48 * BOTTLENECK) / 1e9,
                "You paid 0.218 G for each of 48 layers. It is the price of a whole block of three layers.",
            ),
            Mistake(
                (RESNET_152 + 16 * BASIC) / 1e9, "You added the price of 16 basic blocks. ResNet-200 has bottlenecks."
            ),
            Mistake(
                RESNET_152 / 1e9 * 200 / 152,
                "You scaled ResNet-152 with the number of layers. But the stem, the classifier and the first block of"
                " each stage, which costs more than the others, do not come again.",
            ),
            Mistake(
                16 * BOTTLENECK / 1e9,
                "That is what ResNet-200 costs more than ResNet-152. Add what ResNet-152 costs.",
            ),
            Mistake(
                PAPERS_200 / 1e9,
                "You started from 11.28 G, with the paper's stride. Here the stride is in the 3×3.",
            ),
            Mistake(2 * RESNET_200 / 1e9, "Those are FLOPs: two for each MAC."),
            Mistake(float(RESNET_200), "Give the number in G, that is, in units of 10⁹ MACs."),
        ),
        otherwise="Start from ResNet-152's MACs and add 16 times the price of one more bottleneck.",
        because="The stage does not matter: one more block costs the same MACs in each of them.",
    ),
    Description(
        name="networks.3",
        wants="the description of a network, such as rl.network('resnet50', depths=(3, 4, 6, 3))",
        solution=DEEPEST,
        right=_is("right"),
        mistakes=(
            Mistake(network("resnet18"), "Those are basic blocks. ResNet-50 has bottlenecks.", _is("basic")),
            Mistake(
                network("resnet50", depths=(1, 1, 1, 4), stride_on="1x1"),
                "Only the four numbers of blocks are yours to choose. Everything else stays as in ResNet-50.",
                _is("other fields"),
            ),
            Mistake(RESNET_50, "That costs more than 2 G MACs.", _is("over budget")),
            Mistake(
                network("resnet50", depths=(1, 1, 1, 1)),
                "It fits the budget, and so would a deeper network.",
                _is("short"),
            ),
        ),
        otherwise="Start with one block in each stage, price it, and see how many blocks the rest of the budget buys.",
        because="Wherever you put the blocks beyond the first four, the MACs are the same. Only their number matters.",
    ),
)
