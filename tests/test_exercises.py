"""Exercises: each solution passes, each diagnosis has an answer that triggers it, and no answer ends in a traceback."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy
import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

import resnet_lib as rl
from resnet_lib.book.ask import exercises
from resnet_lib.book.ask.exercise import Counting, Description, Function, Mistake, Number, Table
from resnet_lib.zoo import names
from tools.notebooks import chapters

EXERCISES = exercises()
every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)

C = sympy.Symbol("c", integer=True, positive=True)
NONSENSE = [
    "44",
    "",
    "resnet50",
    True,
    -3,
    -0.5,
    math.nan,
    math.inf,
    10**400,
    10**5000,
    -(10**5000),
    [10**5000],
    [[[10**400, 1], [1, 1]], [[0, 0], [0, 0]]],
    [[10**400, 1, 1], [1, 1, 1]],
    [[[[10**400] * 3] * 3] * 2] * 2,
    "x" * 10000,
    3 + 4j,
    [],
    [1, 2],
    [[1], [2, 3]],
    (None,),
    {},
    {"a": 1},
    object(),
    object,
    rl,
    len,
    lambda: 3,
    rl.Convention(says="nothing", unit="MACs"),
    "fvcore",
    lambda *_: None,
    lambda *_: "many",
    lambda *_: 1 / 0,
    lambda *_: 10**5000,
    lambda *_: torch.zeros(2) @ torch.zeros(3),  # a message of several lines
    lambda *_: next(iter(())),  # none at all
    lambda *_: torch.zeros(2, 3),
    torch.zeros(2, 3),
    torch.zeros(()),
    torch.zeros(0),
    torch.zeros(4, 5, 6, 7),
    torch.zeros(3, device="meta"),
    numpy.zeros((2, 2)),
    numpy.float64("nan"),
    sympy.Symbol("x"),
    sympy.zoo,
    rl.network("resnet18"),
    rl.network("wrn28_10"),
    rl.BlockSpec("basic", 3),
    rl.BlockSpec("bottleneck", 8, 3, 5),
    rl.BlockSpec("basic", C),
    rl.NetworkSpec(block="bottleneck", depths=(1, 1), widths=(C, 2 * C)),
    rl.network("resnet50", depths=(C, C, C, C)),
    rl.price(rl.network("resnet18")),
    torch.nn.Conv2d(1, 1, 1),
]


def reads_well(sentence: str) -> bool:
    return bool(re.match(r"[A-Z`\d]", sentence)) and sentence.rstrip()[-1] in ".?" and "\n" not in sentence


@every_exercise
def test_the_solution_is_right(exercise: Any) -> None:
    verdict = rl.check(exercise.name, exercise.solution)
    assert verdict.right is True
    assert repr(verdict).startswith(f"{exercise.title}: Right.")
    assert not exercise.because or reads_well(exercise.because)


@every_exercise
def test_each_diagnosis_has_an_answer_that_triggers_it(exercise: Any) -> None:
    assert exercise.mistakes
    for mistake in exercise.mistakes:
        verdict = rl.check(exercise.name, mistake.example)
        assert (verdict.right, verdict.sentence) == (False, mistake.says)
        assert reads_well(mistake.says), mistake.says


@every_exercise
def test_a_diagnosis_does_not_give_the_answer_away(exercise: Any) -> None:
    if not isinstance(exercise, Number):
        return
    for said in (*(mistake.says for mistake in exercise.mistakes), exercise.otherwise, exercise.wants):
        digits = re.findall(r"\d+(?:\.\d+)?", said.replace(",", ""))
        assert not any(len(d) > 1 and exercise.same(float(d), exercise.solution) for d in digits), said


@every_exercise
def test_no_answer_yet(exercise: Any) -> None:
    for nothing in (None, ...):
        verdict = rl.check(exercise.name, nothing)
        assert verdict.right is None
        assert exercise.wants in verdict.sentence and reads_well(verdict.sentence)
        assert exercise.wants in verdict._repr_html_().replace("<code>", "`").replace("</code>", "`")
    assert rl.check(exercise.name).right is None


@every_exercise
def test_nonsense_gets_a_sentence(exercise: Any) -> None:
    for answer in NONSENSE:
        if isinstance(exercise, Number) and isinstance(answer, int | float) and answer == exercise.solution:
            continue
        verdict = rl.check(exercise.name, answer)
        assert not verdict.right
        assert reads_well(verdict.sentence), verdict.sentence
        assert "0x" not in verdict.sentence
        assert "<" not in re.sub(r"<.*?>", "", verdict._repr_html_())


@every_exercise
@given(answer=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_whatever_is_answered(exercise: Any, answer: Any) -> None:
    verdict = rl.check(exercise.name, answer)
    assert verdict.right in (None, False) or exercise.same(exercise.read(answer), exercise.read(exercise.solution))


@every_exercise
def test_a_right_answer_reached_another_way(exercise: Any) -> None:
    """A number as any library gives it, a table as a tensor, a built module, a function written otherwise."""
    solution = exercise.solution
    if isinstance(exercise, Number):
        others = [float(solution), numpy.float64(solution), torch.tensor(solution, dtype=torch.float64)]
        others += [sympy.nsimplify(solution), Fraction(solution), torch.tensor([solution], dtype=torch.float64)]
    elif isinstance(exercise, Table):
        others = [numpy.array(solution), torch.tensor(solution), tuple(map(tuple, solution)) if solution[0] else 0]
    elif isinstance(exercise, Function):
        others = [lambda *arguments: numpy.float64(solution(*arguments)), lambda *a: torch.tensor(float(solution(*a)))]
    elif isinstance(exercise, Counting):  # for a batch, under another word, with a rule that counts nothing, rounded
        others = [replace(solution, image={}, batch=solution.image), replace(solution, says="x", unit="FLOPs")]
        others += [replace(solution, image={**solution.image, "add": {"outputs": 0}}), replace(solution, decimals=2)]
    else:
        assert isinstance(exercise, Description)
        others = [rl.build(solution, device="meta")]
    for other in others:
        assert rl.check(exercise.name, other).right is True, other


@every_exercise
def test_no_named_network_is_right_by_accident(exercise: Any) -> None:
    if isinstance(exercise, Description) and isinstance(exercise.solution, rl.NetworkSpec):
        right = [name for name in names() if rl.check(exercise.name, rl.network(name)).right]
        assert all(rl.price(rl.network(name)).params == rl.price(exercise.solution).params for name in right)


@pytest.mark.parametrize("name", ("", "6.1", "bottleneck.9", 0.1, None, "resnet50"))
def test_an_exercise_that_the_book_does_not_have(name: Any) -> None:
    with pytest.raises(ValueError, match=re.escape("exercise must be one of basic.1, ") + ".*" + re.escape(repr(name))):
        rl.check(name, 3)


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_they_are_named_after_their_chapter_and_numbered_in_it(path: Path) -> None:
    """So a chapter that is inserted moves nobody's answers, which the page remembers under these names."""
    own = [name for name in EXERCISES if name.startswith(f"{path.stem}.")]
    assert own == [f"{path.stem}.{i + 1}" for i in range(len(own))]
    assert 2 <= len(own) <= 3
    assert [EXERCISES[name].title for name in own] == [f"Exercise {i + 1}" for i in range(len(own))]


def test_every_exercise_belongs_to_a_chapter() -> None:
    assert {name.partition(".")[0] for name in EXERCISES} == {path.stem for path in chapters()}


def test_a_wrong_solution_would_be_found() -> None:
    """The tests above bite: an exercise whose mistake coincides with its solution fails them."""
    exercise = Number(name="x", wants="a number", solution=3, mistakes=(Mistake(3, "No."),), otherwise="No.")
    assert exercise.check(3).right is True
    assert exercise.check(exercise.mistakes[0].example).sentence != "No."
