"""Questions that the page asks: a prediction before the answer, a quiz after it.

They need no kernel and no server: the page remembers what a reader has answered, in the reader's own browser.
"""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from resnet_lib.book.ask.box import box, markup

NEAR = 0.01  # a guess within this share of a number with a reply of its own gets that reply


@dataclass(frozen=True)
class Question(ABC):
    """A prediction or a quiz, made by `predict` or `quiz`. Jupyter and the page show it.

        >>> rl.predict("deep", "How many layers does ResNet-50 have?", truth=50).answer
        '50'

    Start here (chapter 0).
    """

    name: str
    question: str

    @property
    @abstractmethod
    def page(self) -> dict[str, Any]:
        """What the page's script needs to know."""

    @property
    @abstractmethod
    def folded(self) -> str:
        """The answer for a page without scripts, as HTML."""

    def _repr_html_(self) -> str:
        title = "Quiz" if self.page["kind"] == "quiz" else "Predict"
        asked = f'<p class="rl-ask"><b>{title}</b> {markup(self.question)}</p>'
        answer = f'<details class="rl-folded"><summary>The answer</summary>{self.folded}</details>'
        return box(self.name, asked + answer, self.page)


@dataclass(frozen=True, repr=False)
class Estimate(Question):
    """A prediction of a number."""

    kind: ClassVar[str] = "number"
    truth: float
    unit: str
    digits: int
    because: str
    replies: dict[float, str]

    @property
    def answer(self) -> str:
        """The number as the page writes it."""
        return f"{self.truth:,.{self.digits}f} {self.unit}".strip()

    def __repr__(self) -> str:
        return f"{self.question}\n    Answer: {self.answer}. {self.because}".rstrip()

    @property
    def page(self) -> dict[str, Any]:
        about = {"kind": self.kind, "name": self.name, "replies": {"": markup(self.because)}, "answer": self.answer}
        known = [[float(number), markup(reply)] for number, reply in self.replies.items()]
        return about | {"truth": float(self.truth), "unit": self.unit, "answers": known, "within": NEAR}

    @property
    def folded(self) -> str:
        return f"<p>{html.escape(self.answer)}. {markup(self.because)}</p>"


@dataclass(frozen=True, repr=False)
class Choice(Question):
    """Several answers to choose from, each with its reply: a prediction ("choice"), or a "quiz" after the answer."""

    kind: str
    answer: str
    replies: dict[str, str]

    def __repr__(self) -> str:
        marks = (("(x)" if choice == self.answer else "( )", choice, reply) for choice, reply in self.replies.items())
        return "\n".join([self.question, *(f"    {mark} {choice}: {reply}" for mark, choice, reply in marks)])

    @property
    def page(self) -> dict[str, Any]:
        replies = {choice: markup(reply) for choice, reply in self.replies.items()}
        return {"kind": self.kind, "name": self.name, "replies": replies, "answer": self.answer}

    @property
    def folded(self) -> str:
        return "".join(
            f"<p>{'✓' if choice == self.answer else '✗'} <b>{markup(choice)}</b> {markup(reply)}</p>"
            for choice, reply in self.replies.items()
        )


def predict(
    name: str,
    question: str,
    truth: float | str,
    *,
    choices: list[str] | dict[str, str] | None = None,
    unit: str = "",
    digits: int = 0,
    because: str = "",
    replies: dict[float, str] | None = None,
) -> Question:
    """Ask for a number, or for one of several `choices`, before the chapter gives the answer.

    When the reader has committed to a guess, the page shows the guess beside the truth, and remembers it. The page
    reads numbers as readers write them, such as 55,5 or 1.2e6 or 44 layers. It refuses a number below zero unless the
    truth is below zero.

    - `name` is the question's own in the whole book.
    - `question` is the text that asks; code may appear in backticks.
    - `truth` is the number, or one of the choices.
    - `choices` are the answers to choose from, or hold the reply to each. By default the reader types a number.
    - `unit` and `digits` say how the number is written: its unit, and its digits after the point.
    - `because` explains the truth, after the reply to the reader's own guess.
    - `replies` hold what is said to a guess within 1 % of a number: one that a sound but incomplete argument gives.

        >>> rl.predict("deep", "How many layers does ResNet-50 have?", truth=50, because="Its name counts them.")
        How many layers does ResNet-50 have?
            Answer: 50. Its name counts them.

    Raises ValueError if the truth is not among the choices.
    Raises TypeError if there are no choices and the truth is not a number.
    Raises TypeError if there are both choices and replies to numbers.
    Start here (chapter 0).
    """
    if choices is not None:
        if truth not in choices:
            raise ValueError(f"truth must be one of the choices, {', '.join(map(repr, choices))}: {truth!r}")
        if replies:
            raise TypeError(f"replies are for numbers; choices may hold the reply to each: {replies!r}")
        said = choices if isinstance(choices, dict) else dict.fromkeys(choices, "")
        return Choice(name, question, "choice", str(truth), {c: f"{said[c]} {because}".strip() for c in said})
    if isinstance(truth, str | bool):
        raise TypeError(f"truth must be a number where there are no choices: {truth!r}")
    return Estimate(name, question, truth, unit, digits, because, replies or {})


def quiz(name: str, question: str, choices: dict[str, str], right: str) -> Question:
    """Ask a question with several choices, each of which has a reply of its own.

    `name` is the question's own in the whole book. `choices` holds the reply to each choice, and `right` is the one
    that is right.

        >>> rl.quiz("odd", "Which is wider?", {"basic": "No.", "bottleneck": "Yes: 256 channels."}, right="bottleneck")
        Which is wider?
            ( ) basic: No.
            (x) bottleneck: Yes: 256 channels.

    Raises ValueError if `right` is not among the choices.
    Start here (chapter 0).
    """
    if right not in choices:
        raise ValueError(f"right must be one of the choices, {', '.join(map(repr, choices))}: {right!r}")
    return Choice(name, question, "quiz", right, dict(choices))
