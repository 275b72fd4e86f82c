"""Questions that the page asks: a prediction before the answer, a quiz after it.

They need no kernel and no server: the page remembers what a reader has answered, in the reader's own browser.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from resnet_lib.book.ask.box import box, markup


@dataclass(frozen=True)
class Question:
    """A prediction or a quiz, made by `predict` or `quiz`. Shown by Jupyter and in the page."""

    kind: str  # "number" | "choice" | "quiz"
    name: str
    question: str
    answer: str  # what is right, in words
    replies: dict[str, str]  # to each choice; to a number under ""
    truth: float | None = None
    unit: str = ""

    def __repr__(self) -> str:
        lines = [self.question]
        if self.kind == "number":
            lines.append(f"    Answer: {self.answer}. {self.replies['']}".rstrip())
        for choice, reply in self.replies.items() if self.kind != "number" else ():
            lines.append(f"    {'(x)' if choice == self.answer else '( )'} {choice}: {reply}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        replies = {choice: markup(reply) for choice, reply in self.replies.items()}
        page: dict[str, Any] = {"kind": self.kind, "name": self.name, "replies": replies, "answer": self.answer}
        if self.kind == "number":
            page |= {"truth": self.truth, "unit": self.unit}
        title = {"quiz": "Quiz"}.get(self.kind, "Predict")
        body = f'<p class="rl-ask"><b>{title}</b> {markup(self.question)}</p>'
        return box(self.name, body + self._folded, page)

    @property
    def _folded(self) -> str:
        """The answer for a page without scripts."""
        if self.kind == "number":
            said = f"<p>{html.escape(self.answer)}. {markup(self.replies[''])}</p>"
        else:
            said = "".join(
                f"<p>{'✓' if choice == self.answer else '✗'} <b>{markup(choice)}</b> {markup(reply)}</p>"
                for choice, reply in self.replies.items()
            )
        return f'<details class="rl-folded"><summary>The answer</summary>{said}</details>'


def predict(
    name: str,
    question: str,
    truth: float | str,
    *,
    choices: list[str] | None = None,
    unit: str = "",
    digits: int = 0,
    because: str = "",
) -> Question:
    """Ask for a number, or for one of several `choices`, before the chapter gives the answer.

    `truth` is the number, in `unit`, printed with so many `digits` after the point; or one of the choices. When the
    reader has committed to a guess, the page shows both beside each other, with `because`, and remembers the guess.
    `name` is the question's own in the whole book.

    Raises ValueError if the truth is not among the choices, TypeError if it is no number where there are none.
    """
    if choices is not None:
        if truth not in choices:
            raise ValueError(f"truth must be one of the choices, {', '.join(map(repr, choices))}: {truth!r}")
        return Question("choice", name, question, str(truth), dict.fromkeys(choices, because))
    if isinstance(truth, str | bool):
        raise TypeError(f"truth must be a number where there are no choices: {truth!r}")
    answer = f"{truth:,.{digits}f} {unit}".strip()
    return Question("number", name, question, answer, {"": because}, float(truth), unit)


def quiz(name: str, question: str, choices: dict[str, str], right: str) -> Question:
    """Ask one question with several choices; `choices` holds what the page says to each, `right` the right one.

    Raises ValueError if `right` is not among the choices.
    """
    if right not in choices:
        raise ValueError(f"right must be one of the choices, {', '.join(map(repr, choices))}: {right!r}")
    return Question("quiz", name, question, right, dict(choices))
