"""Exercises of "The 1×1 convolution"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from resnet_lib.book.ask.exercise import Function, Mistake, Number, Table, Unreadable
from resnet_lib.cost import price
from resnet_lib.zoo import network


@dataclass(frozen=True, kw_only=True)
class Weights(Table):
    """The weights of a 1×1 convolution: as out × in, as torch's (out, in, 1, 1), or in a layer that has them.

    A table of in × out is read as well, so that this mistake can be recognised.
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
    """Return a table of the shape (out, in, 1, 1) as one of (out, in), and anything else unchanged."""
    try:
        values = weight.tolist() if hasattr(weight, "tolist") else weight
        if all(len(cell) == 1 and len(cell[0]) == 1 for row in values for cell in row):
            return [[cell[0][0] for cell in row] for row in values]
    except Exception:  # It is not such a table.
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
                "Your rows belong to the input channels. A convolution keeps a row for each output channel: out × in.",
            ),
            Mistake([RED_MINUS_BLUE, GREY], "Your two output channels are in the other order: the grey comes first."),
            Mistake([GREY, [-1.0, 0.0, 1.0]], "Your second output is blue minus red."),
            Mistake([GREY, [1.0, 0.0, 1.0]], "Your second output is red plus blue."),
            Mistake(
                [[1.0, 2.0, 1.0], RED_MINUS_BLUE],
                "The proportions are right, but your weights add up to 4, so the grey of white would be 4.",
            ),
            Mistake(
                [[1 / 3] * 3, RED_MINUS_BLUE],
                "In your grey all three colours count alike. Green should count twice as much.",
            ),
        ),
        otherwise="Each row holds the weights of red, green and blue for one output channel, in that order.",
        because="These are two rows of three weights, used at every pixel: a 1×1 convolution from 3 channels to 2.",
    ),
    Number(
        name="one_by_one.2",
        wants="a whole number, the MACs of that convolution",
        solution=_row.macs,
        mistakes=(
            Mistake(
                4 * _row.macs,
                "You counted every position of the input. With stride 2 only a quarter of them is computed.",
            ),
            Mistake(
                2 * _row.macs,
                "That is twice too many. Did you count two FLOPs for each MAC, or halve only one side of the map?",
            ),
            Mistake(9 * _row.macs, "That is the price of a 3×3 with stride 2. This window has one position, not nine."),
            Mistake(36 * _row.macs, "That is the price of a 3×3 with stride 1. This is a 1×1, and it has stride 2."),
            Mistake(_row.params, "Those are its weights. Each of them is used once at every position of the output."),
            Mistake(_row.macs // 4, "That is for an output of 7 × 7. The stride halves the 28 of the input only once."),
        ),
        otherwise="Multiply the input channels, the output channels and the positions of the output.",
        because="With stride 2 a quarter of the positions is computed, and three quarters of the input are never read.",
    ),
    Function(
        name="one_by_one.3",
        wants="a function of `w` and `groups` that returns C",
        solution=lambda w, groups: 9 * w / (2 * groups),
        samples=((64, 1), (128, 32), (96, 2), (512, 1)),
        mistakes=(
            Mistake(
                lambda w, groups: 4.5 * w, "That is right without groups. How many weights does the 3×3 have with them?"
            ),
            Mistake(
                lambda w, groups: 9 * w / groups, "You counted one 1×1 convolution. There are two, one down and one up."
            ),
            Mistake(lambda w, groups: 9 * w, "You counted one 1×1 convolution, and no groups. There are two 1×1s."),
            Mistake(
                lambda w, groups: 4.5 * w * groups,
                "Groups make the 3×3 cheaper. Does it then take a larger C to match it, or a smaller one?",
            ),
            Mistake(lambda w, groups: 4.5 / groups, "That is C/w. The question asks for C itself."),
            Mistake(
                lambda w, groups: 18 * w / groups,
                "That is four times too many. The 1×1s go from C channels to w and back, with C·w weights each.",
            ),
            Mistake(
                lambda w, groups: w / (2 * groups),
                "The window of the 3×3 has nine positions, so it has nine weights for each pair of channels.",
            ),
        ),
        otherwise="Write down the weights of the two 1×1s and those of the 3×3, set them equal, and divide by w.",
        because="With 32 groups this C is about a seventh of w. In a block with C > w the 1×1s cost far more.",
    ),
)
