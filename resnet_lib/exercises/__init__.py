"""A reader's answer, checked with a diagnosis. Standard library only.

    rl.check("6.1", 278_528)     # Not yet. You left out BatchNorm: two numbers for each channel.

Each chapter's exercises stand in a module named like the chapter. An exercise knows the typical wrong answers and says
what was forgotten, without giving the answer away.
"""

from __future__ import annotations

from typing import Any

from resnet_lib.exercises import basic, bottleneck, convolution, deeper, index, networks, one_by_one, shortcut
from resnet_lib.exercises.exercise import Exercise, Verdict

__all__ = ["EXERCISES", "Exercise", "Verdict", "check"]

CHAPTERS = (index, deeper, convolution, basic, shortcut, one_by_one, bottleneck, networks)
EXERCISES: dict[str, Exercise] = {exercise.name: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}


def check(exercise: str, answer: Any = None) -> Verdict:
    """What the book says to `answer`: whether it is right, and if not, what was probably forgotten.

    `exercise` is its number in the book, such as "6.1". Any answer gets a sentence, and none raises an error; without
    one the sentence says what is wanted. A bool `right` tells the verdict to a program.

    Raises ValueError for an exercise that the book does not have.
    """
    if not isinstance(exercise, str) or exercise not in EXERCISES:
        raise ValueError(f"exercise must be one of {', '.join(EXERCISES)}, in quotes: {exercise!r}")
    return EXERCISES[exercise].check(answer)
