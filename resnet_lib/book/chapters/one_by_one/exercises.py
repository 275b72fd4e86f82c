"""Exercises of "The 1×1 convolution"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resnet_lib.book.ask.exercise import Function, Mistake, Number, Table, Unreadable
from resnet_lib.cost import price
from resnet_lib.zoo import network


@dataclass(frozen=True, kw_only=True)
class Weights(Table):
    """The weights of a 1×1 convolution: out × in, or as torch keeps them, (out, in, 1, 1), or a layer that has them.

    A table of in × out is read as well, so that it can be recognised.
    """

    def read(self, answer: Any) -> Any:
        table = _without_window(getattr(answer, "weight", answer))
        try:
            return super().read(table)
        except Unreadable as reason:
            transposed = [list(column) for column in zip(*self.solution, strict=True)]
            in_by_out = Table(
                name=self.name, wants=self.wants, solution=transposed, mistakes=(), otherwise=self.otherwise
            )
            try:
                return in_by_out.read(table)
            except Unreadable:
                raise reason from None

    def same(self, value: Any, wanted: Any) -> bool:
        if isinstance(wanted, list) and len(value) != len(wanted):
            return False
        return super().same(value, wanted)


def _without_window(weight: Any) -> Any:
    """A table of the shape (out, in, 1, 1) as one of (out, in); anything else as it is."""
    try:
        values = weight.tolist() if hasattr(weight, "tolist") else weight
        if all(len(cell) == 1 and len(cell[0]) == 1 for row in values for cell in row):
            return [[cell[0][0] for cell in row] for row in values]
    except Exception:  # no such table
        pass
    return weight


_row = next(row for row in price(network("resnet50", stride_on="1x1")).rows if row.name == "layer3.0.conv1")

GREY, RED_MINUS_BLUE = [0.25, 0.5, 0.25], [1.0, 0.0, -1.0]

EXERCISES = (
    Weights(
        name="one_by_one.1",
        wants="the weights as nested lists, a row for each output channel",
        solution=[GREY, RED_MINUS_BLUE],
        mistakes=(
            Mistake(
                [[0.25, 1.0], [0.5, 0.0], [0.25, -1.0]],
                "Your rows belong to the inputs. A convolution keeps a row for each output channel: out × in.",
            ),
            Mistake([RED_MINUS_BLUE, GREY], "Your two outputs come in the other order."),
            Mistake([GREY, [-1.0, 0.0, 1.0]], "Your second output is blue minus red."),
            Mistake([GREY, [1.0, 0.0, 1.0]], "Your second output is red plus blue."),
            Mistake(
                [[1.0, 2.0, 1.0], RED_MINUS_BLUE], "The proportions are right, but your white would have a grey of 4."
            ),
            Mistake([[1 / 3] * 3, RED_MINUS_BLUE], "In your grey the three count alike. Green should count twice."),
        ),
        otherwise="Each row holds what one output takes from red, from green and from blue, in that order.",
        because="Two rows of three weights, used at every pixel: a 1×1 convolution from 3 channels to 2.",
    ),
    Number(
        name="one_by_one.2",
        wants="a whole number, the MACs of that convolution",
        solution=_row.macs,
        mistakes=(
            Mistake(4 * _row.macs, "You count it at every pixel of the map that comes in. It has stride 2."),
            Mistake(
                2 * _row.macs,
                "Twice too many: FLOPs, two for each MAC, or a stride that halves only one side of the map.",
            ),
            Mistake(9 * _row.macs, "That would be a window of nine pixels."),
            Mistake(36 * _row.macs, "That would be a 3×3 without a stride."),
            Mistake(_row.params, "Those are its weights. Each is used once for each pixel that comes out."),
            Mistake(
                _row.macs // 4, "The map of 28 × 28 is the one that comes in. The stride halves its sides only once."
            ),
        ),
        otherwise="Channels in, times channels out, times the pixels that come out.",
        because="A stride of 2 leaves a quarter of the pixels to compute, and three quarters unread.",
    ),
    Function(
        name="one_by_one.3",
        wants="a function of `w` and `groups` that returns C",
        solution=lambda w, groups: 9 * w / (2 * groups),
        samples=((64, 1), (128, 32), (96, 2), (512, 1)),
        mistakes=(
            Mistake(lambda w, groups: 4.5 * w, "Right without groups. With them, how many weights does the 3×3 have?"),
            Mistake(lambda w, groups: 9 * w / groups, "There are two 1×1 convolutions, one down and one up."),
            Mistake(lambda w, groups: 9 * w, "There are two 1×1 convolutions, one down and one up. And groups?"),
            Mistake(
                lambda w, groups: 4.5 * w * groups,
                "Groups make the 3×3 cheaper. So does it take more of C to match it, or less?",
            ),
            Mistake(lambda w, groups: 4.5 / groups, "That is C/w. What is C?"),
            Mistake(
                lambda w, groups: 18 * w / groups, "In the pair the 1×1 go from C to w and back: C·w weights each."
            ),
            Mistake(lambda w, groups: w / (2 * groups), "The window of the 3×3 has nine places."),
        ),
        otherwise="Write down the weights of the pair, those of the 3×3, set them equal, and divide by w.",
        because="With 32 groups C is less than a sixth of w: for any hourglass the 1×1 are nearly the whole bill.",
    ),
)
