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
BASIC = price(BlockSpec("basic", 64), image=56).macs  # one more of them, in any stage
BOTTLENECK = price(BlockSpec("bottleneck", 256), image=56).macs

BUDGET = 2 * 10**9  # MACs
DEEPEST = network("resnet50", depths=(1, 1, 1, 3))


def _layers(block: str, depths: Depths) -> int:
    return EACH[block] * sum(depths) + 2


def _projections(block: str, depths: Depths) -> int:
    """Every stage of bottlenecks opens with one; the first stage of basic blocks keeps the stem's shape."""
    return len(depths) - (block == "basic")


def _verdict(net: NetworkSpec) -> str:
    """What there is to say about an answer to 7.3, in a word."""
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
        wants="a function of the block and the depths, which returns the number of layers",
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
            Mistake(lambda block, depths: EACH[block] * sum(depths), "Two layers are outside the blocks."),
            Mistake(
                lambda block, depths: EACH[block] * sum(depths) + 1,
                "One too few everywhere: one layer comes before the blocks, and one after them.",
            ),
            Mistake(
                lambda block, depths: 2 * sum(depths) + 2,
                "Right for basic blocks. A bottleneck has a layer more.",
            ),
            Mistake(
                lambda block, depths: 3 * sum(depths) + 2,
                "Right for bottlenecks. A basic block has a layer less.",
            ),
            Mistake(
                lambda block, depths: _layers(block, depths) + _projections(block, depths),
                "You count the projections. They have weights, but they are on the shortcut, not on the main path.",
            ),
            Mistake(
                lambda block, depths: EACH[block] * len(depths) + 2,
                "You count stages. Each holds several blocks.",
            ),
            Mistake(lambda block, depths: sum(depths) + 2, "You count blocks. Each holds two or three layers."),
        ),
        otherwise="Try it on ResNet-18, where you can count: eight blocks of two layers, and the layers around them.",
        because="Only the sum of the depths matters, and the projections do not.",
    ),
    Number(
        name="networks.2",
        wants="a number, G MACs of ResNet-200",
        solution=RESNET_200 / 1e9,
        within=0.002,
        mistakes=(
            Mistake(
                (RESNET_152 + 48 * BOTTLENECK) / 1e9,
                "You paid for each of the 48 layers. The price of 0.218 G is that of a whole block.",
            ),
            Mistake((RESNET_152 + 16 * BASIC) / 1e9, "That is the price of 16 basic blocks."),
            Mistake(
                RESNET_152 / 1e9 * 200 / 152,
                "You scaled with the number of layers. But stem and classifier are paid for already, and so are the"
                " first blocks of the stages, which cost more than the others.",
            ),
            Mistake(
                16 * BOTTLENECK / 1e9,
                "ResNet-200 costs that much more than ResNet-152. And ResNet-152 itself?",
            ),
            Mistake(
                PAPERS_200 / 1e9,
                "You started from the paper's 11.28 G, whose strides are elsewhere. Here the stride is on the 3×3.",
            ),
            Mistake(2 * RESNET_200 / 1e9, "Those are FLOPs: two for each MAC."),
            Mistake(float(RESNET_200), "Give it in G, that is, in units of 10⁹ MACs."),
        ),
        otherwise="Start from ResNet-152's MACs and add 16 times the price of one more bottleneck.",
        because="The stage did not matter: a block costs as many MACs in each.",
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
                "Only the depths are yours to choose, four of them; all else stays as in ResNet-50.",
                _is("other fields"),
            ),
            Mistake(RESNET_50, "That costs more than 2 G MACs.", _is("over budget")),
            Mistake(network("resnet50", depths=(1, 1, 1, 1)), "It fits, and so would a deeper one.", _is("short")),
        ),
        otherwise="Start with one block a stage, price it, and see how many more blocks the rest of the budget buys.",
        because="Wherever you put the blocks beyond the first four, the MACs are the same: only their number counts.",
    ),
)
