"""Exercises of "The bottleneck block"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Mistake, Number
from resnet_lib.cost import price
from resnet_lib.spec import BlockSpec

_BLOCK = price(BlockSpec("bottleneck", 512, width=128)).by("kind")
_WEIGHTS, _NORMS = _BLOCK["conv"].params, _BLOCK["batch_norm"].params
_REDUCE, _MIDDLE, _EXPAND = (row.params for row in _BLOCK["conv"].rows)

_BUDGET = price(BlockSpec("basic", 64)).by("kind")["conv"].params

_CONV4 = price(BlockSpec("bottleneck", 1024, width=256)).by("kind")
_MORE = _CONV4["conv"].params + _CONV4["batch_norm"].params

EXERCISES = (
    Number(
        name="bottleneck.1",
        wants="a whole number, all learnable numbers of the block",
        solution=_WEIGHTS + _NORMS,
        mistakes=(
            Mistake(_WEIGHTS, "You left out BatchNorm: two learnable numbers for each channel that it normalises."),
            Mistake(
                _WEIGHTS + _NORMS // 2, "BatchNorm has a scale and a shift, and the last one has all 512 channels."
            ),
            Mistake(_WEIGHTS + 2 * _NORMS, "A running mean and variance are kept, not learned."),
            Mistake(_WEIGHTS + _NORMS + _NORMS // 2, "These convolutions have no bias: BatchNorm would take it away."),
            Mistake(_REDUCE + _MIDDLE + _NORMS, "A bottleneck has three convolutions: the expansion is missing."),
            Mistake(_REDUCE + _EXPAND + 128**2 + _NORMS, "The convolution in the middle looks at more than one pixel."),
        ),
        otherwise="Three convolutions: 512 → 128, 128 → 128, 128 → 512. Then what each BatchNorm adds.",
    ),
    Number(
        name="bottleneck.2",
        wants="a whole number of channels",
        solution=(_BUDGET - 9 * 32**2) // (2 * 32),
        mistakes=(
            Mistake(_BUDGET // (2 * 32), "The 3×3 has to be paid for, too."),
            Mistake((_BUDGET - 9 * 32**2) // 32, "Every channel is paid for twice: on the way in and on the way out."),
            Mistake((_BUDGET - 9 * 64**2) // (2 * 32), "The 3×3 works at the inner width, not at 64 channels."),
            Mistake((_BUDGET - 32**2) // (2 * 32), "A 3×3 has nine weights for each pair of channels."),
            Mistake(4 * 32, "Four times the inner width is ResNet's habit. The budget allows far more."),
        ),
        otherwise="Take the 3×3 at 32 channels off the budget. The rest pays two 1×1 convolutions between C and 32.",
    ),
    Number(
        name="bottleneck.3",
        wants="a whole number, the learnable numbers of one of those blocks",
        solution=_MORE,
        mistakes=(
            Mistake(_CONV4["conv"].params, "You left out BatchNorm: two learnable numbers for each channel."),
            Mistake(17 * _MORE, "That is what all 17 blocks have together."),
            Mistake(17 * 1024**2, "In 17c² the c is the inner width; 1024 is the interface."),
            Mistake(_CONV4["conv"].params + 2 * 3 * 256, "The last BatchNorm comes after the expansion."),
            Mistake(_MORE + 1024 * 1024, "These blocks keep their shape, so their shortcut is the identity."),
        ),
        otherwise="Such a block goes 1024 → 256 → 256 → 1024, and its shortcut is the identity.",
    ),
)
