"""What an exercise is: how an answer is read, when it is right, and which mistakes are recognised."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any

from resnet_lib.book.ask.box import box, markup
from resnet_lib.cost.bill import Bill
from resnet_lib.cost.conventions import Convention, report
from resnet_lib.spec import BlockSpec, NetworkSpec

NOT_A_NUMBER = "Give one number, such as 1024 or 0.5."
NOT_WHOLE = "This is a count, so it is a whole number."
NEGATIVE = "This number cannot be negative."
NEEDS_A_KERNEL = "It is checked where Python runs: open this chapter in Jupyter or on Colab."
CHAPTERS = "resnet_lib.book.chapters"


class Unreadable(Exception):
    """An answer that is not of the kind asked for. The message tells the reader what to give."""


class Unanswered(Exception):
    """A place for an answer that is still empty."""


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer: an `example` of it, what it `says` to the reader, and the answers that it `fits`."""

    example: Any
    says: str
    fits: Callable[[Any], bool] | None = None  # None: those that are the same as the example


@dataclass(frozen=True, kw_only=True)
class Exercise(ABC):
    """An exercise of the book, whose question is in its chapter. The subclasses are the kinds of answers.

        >>> rl.book.ask.exercises()["bottleneck.1"].title
        'Exercise 1'

    Start here (chapter 0).
    """

    name: str  # its chapter's notebook and its number there: "bottleneck.1"
    wants: str  # what to give: "a whole number: learnable numbers of the block"
    solution: Any
    mistakes: tuple[Mistake, ...]
    otherwise: str  # to a wrong answer that no mistake explains
    because: str = ""  # to a right one

    @abstractmethod
    def read(self, answer: Any) -> Any:
        """The answer in a comparable form. Raises Unreadable for one of another kind, Unanswered for a stub."""

    @abstractmethod
    def same(self, value: Any, wanted: Any) -> bool:
        """Whether two answers, both read, are the same."""

    @property
    def title(self) -> str:
        """What it is called in its chapter: "Exercise 1"."""
        return f"Exercise {self.name.rpartition('.')[2]}"

    def page(self) -> dict[str, Any] | None:
        """What the page needs to check an answer without a kernel; None where only Python can."""
        return None

    def check(self, answer: Any) -> Verdict:
        """What to say to this answer. Never raises."""
        try:
            if answer is None or answer is ...:
                raise Unanswered
            value = self.read(answer)
        except Unanswered:
            return Verdict(self, None, f"No answer yet. Wanted: {self.wants}.")
        except Unreadable as reason:
            return Verdict(self, False, str(reason))
        if self.same(value, self.read(self.solution)):
            return Verdict(self, True, self.because)
        for mistake in self.mistakes:
            if mistake.fits(value) if mistake.fits else self.same(value, self.read(mistake.example)):
                return Verdict(self, False, mistake.says)
        return Verdict(self, False, self.otherwise)


@dataclass(frozen=True)
class Verdict:
    """The reply to an answer, made by `check`. `right` is None if there was no answer yet.

        >>> rl.check("bottleneck.1").right is None
        True

    Start here (chapter 0).
    """

    exercise: Exercise
    right: bool | None
    sentence: str

    def __repr__(self) -> str:
        start = {True: "Right. ", False: "Not yet. ", None: ""}[self.right]
        return f"{self.exercise.title}: {start}{self.sentence}".strip()

    def _repr_html_(self) -> str:
        """The reply to an answer, or, without one, a box in which a number is checked without a kernel."""
        exercise = self.exercise
        if self.right is not None:
            said = f"<b>{'✓ Right.' if self.right else '✗ Not yet.'}</b> {markup(self.sentence)}"
            return box(exercise.name, f"<p>{exercise.title}: {said}</p>")
        page = exercise.page()
        where = "" if page else f" {NEEDS_A_KERNEL}"
        return box(exercise.name, f'<p class="rl-wants">Your answer, {markup(exercise.wants)}.{where}</p>', page)


@dataclass(frozen=True, kw_only=True)
class Number(Exercise):
    """One number. A whole solution is compared exactly, another one `within` that share of it."""

    solution: float
    within: float = 0.005

    @property
    def whole(self) -> bool:
        """Whether the answer is a count."""
        return isinstance(self.solution, int)

    def read(self, answer: Any) -> float:
        value = _number(answer)
        if value < 0:
            raise Unreadable(NEGATIVE)
        if self.whole and value != round(value):
            raise Unreadable(NOT_WHOLE)
        return value

    def same(self, value: float, wanted: float) -> bool:
        return value == wanted if self.whole else abs(value - wanted) <= self.within * abs(wanted)

    def page(self) -> dict[str, Any]:
        answers = [(self.solution, self.because), *((mistake.example, mistake.says) for mistake in self.mistakes)]
        return {
            "kind": "exercise",
            "name": self.name,
            "title": self.title,
            "wants": self.wants,
            "answers": [[value, markup(says)] for value, says in answers],  # the first is right
            "within": 0 if self.whole else self.within,
            "whole": self.whole,
            "otherwise": markup(self.otherwise),
            "unreadable": {"number": NOT_A_NUMBER, "whole": NOT_WHOLE, "negative": NEGATIVE},
        }


@dataclass(frozen=True, kw_only=True)
class Function(Exercise):
    """A Python function. It is right if it returns the solution's numbers at the `samples`, however it gets them."""

    solution: Callable[..., Any]
    samples: tuple[tuple[Any, ...], ...]

    def read(self, answer: Any) -> tuple[float, ...]:
        if not callable(answer):
            raise Unreadable(f"Give the function itself, such as lambda c: 18 * c**2, not {_short(answer)}.")
        return tuple(self._call(answer, sample) for sample in self.samples)

    def _call(self, answer: Callable[..., Any], sample: tuple[Any, ...]) -> float:
        where = f"At ({', '.join(map(repr, sample))})"
        try:
            value = answer(*sample)
        except Exception as error:  # whatever the reader's function may raise
            raise Unreadable(f"{where} your function stopped with {_first_line(error)}.") from None
        if value is None and sample is self.samples[0]:
            raise Unanswered  # its body has not been written yet
        try:
            return _number(value)
        except Unreadable:
            raise Unreadable(f"{where} your function should return a number, not {_short(value)}.") from None

    def same(self, value: tuple[float, ...], wanted: tuple[float, ...]) -> bool:
        return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(value, wanted, strict=True))


@dataclass(frozen=True, kw_only=True)
class Description(Exercise):
    """A BlockSpec or a NetworkSpec, whichever the solution is. It is right if `right` says so, however it was made."""

    solution: BlockSpec | NetworkSpec
    right: Callable[[Any], bool]

    def read(self, answer: Any) -> Any:
        if isinstance(answer, str):
            raise Unreadable(f"Give the description, not its name: rl.network({answer!r}) would make it.")
        answer = getattr(answer, "spec", answer)  # a built module knows its description
        kind = type(self.solution)
        if not isinstance(answer, kind):
            raise Unreadable(f"Give a description, an rl.{kind.__name__}, not {_short(answer)}.")
        return answer

    def same(self, value: Any, wanted: Any) -> bool:
        return value == wanted or (wanted == self.solution and self.right(value))


@dataclass(frozen=True, kw_only=True)
class Counting(Exercise):
    """A Convention. It is right if it counts the solution's numbers for the bills of `samples`, however written."""

    solution: Convention
    samples: tuple[Bill, ...]

    def read(self, answer: Any) -> tuple[int, ...]:
        if isinstance(answer, str):
            raise Unreadable(f"Write the convention down, as an rl.Convention: {_short(answer)} is a tool's name.")
        if not isinstance(answer, Convention):
            raise Unreadable(f"Give a convention, an rl.Convention, not {_short(answer)}.")
        exact = replace(answer, decimals=None, activations={})
        return tuple(int(report(bill, exact)) for bill in self.samples)  # type: ignore[arg-type]

    def same(self, value: Any, wanted: Any) -> bool:
        return bool(value == wanted)


@dataclass(frozen=True, kw_only=True)
class Table(Exercise):
    """Numbers in rows and columns (or more axes): nested lists, a NumPy array or a tensor, of the solution's shape."""

    solution: Sequence[Any]

    def read(self, answer: Any) -> Any:
        shape = _shape(self.solution)
        try:
            values = answer.tolist() if hasattr(answer, "tolist") else answer
            found, numbers = _shape(values), _floats(values)
        except Exception:  # ragged lists, words in them, tensors without values, and whatever else there is
            raise Unreadable(f"Give numbers of shape {shape}, in lists or a tensor, not {_short(answer)}.") from None
        if found != shape:
            raise Unreadable(f"The shape should be {shape}, and yours is {found}.")
        return numbers

    def same(self, value: Any, wanted: Any) -> bool:
        if isinstance(wanted, float):
            return math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-6)
        return all(map(self.same, value, wanted))


@cache
def exercises() -> dict[str, Exercise]:
    """Return every exercise of the book by its name, chapter by chapter.

        >>> "bottleneck.1" in rl.book.ask.exercises()
        True

    Start here (chapter 0).
    """
    folders = [folder.name for folder in iter_modules(import_module(CHAPTERS).__path__)]
    modules = [f"{CHAPTERS}.{folder}.exercises" for folder in folders]
    found = [import_module(module).EXERCISES for module in modules if find_spec(module)]
    return {exercise.name: exercise for chapter in found for exercise in chapter}


def check(exercise: str, answer: Any = None) -> Verdict:
    """Check an answer: say whether it is right, and if not, what was probably forgotten.

    `exercise` is the chapter's notebook and the exercise's number there, such as "bottleneck.1". Any answer gets a
    sentence and none raises an error. Without an answer the sentence says what is wanted.

        >>> rl.check("bottleneck.1", 278_528)
        Exercise 1: Not yet. You left out BatchNorm: two learnable numbers for each channel that it normalises.
        >>> rl.check("bottleneck.1", 280_064).right
        True

    Raises ValueError if the book has no such exercise.
    Start here (chapter 0).
    """
    known = exercises()
    if not isinstance(exercise, str) or exercise not in known:
        raise ValueError(f"exercise must be one of {', '.join(known)}, in quotes: {exercise!r}")
    return known[exercise].check(answer)


def _number(answer: Any) -> float:
    """A finite number, from whatever holds exactly one."""
    if isinstance(answer, bool):
        raise Unreadable(f"{answer} is a truth value. {NOT_A_NUMBER}")
    if isinstance(answer, str):
        raise Unreadable(f"Give the number itself, without quotes: not {_short(answer)}.")
    if getattr(answer, "shape", ()) not in ((), (1,)):
        raise Unreadable(f"{NOT_A_NUMBER} Yours has the shape {tuple(answer.shape)}.")
    try:
        value = answer if isinstance(answer, int) else float(answer)
        finite = math.isfinite(value)
    except Exception:  # lists, dicts, descriptions, and whatever else there is
        raise Unreadable(f"{NOT_A_NUMBER} Yours is {_short(answer)}.") from None
    if not finite:
        raise Unreadable(f"{NOT_A_NUMBER} Yours is {value}.")
    return value


def _shape(values: Any) -> tuple[int, ...]:
    """The lengths of nested lists along each axis; TypeError or ValueError where they have none."""
    if isinstance(values, (int, float)) and not isinstance(values, bool):
        return ()
    if not isinstance(values, (list, tuple)) or not values:
        raise TypeError
    shapes = {_shape(value) for value in values}
    if len(shapes) > 1:
        raise ValueError
    return (len(values), *shapes.pop())


def _floats(values: Any) -> Any:
    return [_floats(value) for value in values] if isinstance(values, (list, tuple)) else float(values)


def _short(answer: Any) -> str:
    """What the answer is, in a few words."""
    if isinstance(answer, (int, float, str)):
        try:
            words = repr(answer)
        except ValueError:  # Python writes no numbers of more than 4,300 digits
            return "a number of thousands of digits"
        return words if len(words) <= 40 else words[:37] + "..."
    return f"a {type(answer).__name__}"


def _first_line(error: Exception) -> str:
    """The name of an error and the first line of what it says."""
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])
