"""Questions that the page asks: a prediction before the answer, a quiz after it, an exercise's box.

They need no kernel and no server: the page remembers what a reader has answered, in the reader's own browser.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from resnet_lib.exercises.exercise import NEGATIVE, NOT_A_NUMBER, NOT_WHOLE, Exercise, Number, Verdict
from resnet_lib.show.explorer import asset


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
        replies = {choice: _markup(reply) for choice, reply in self.replies.items()}
        page: dict[str, Any] = {"kind": self.kind, "name": self.name, "replies": replies, "answer": self.answer}
        if self.kind == "number":
            page |= {"truth": self.truth, "unit": self.unit}
        title = {"quiz": "Quiz"}.get(self.kind, "Predict")
        body = f'<p class="rl-ask"><b>{title}</b> {_markup(self.question)}</p>'
        return _box(self.name, body + self._folded, page)

    @property
    def _folded(self) -> str:
        """The answer for a page without scripts."""
        if self.kind == "number":
            said = f"<p>{html.escape(self.answer)}. {_markup(self.replies[''])}</p>"
        else:
            said = "".join(
                f"<p>{'✓' if choice == self.answer else '✗'} <b>{_markup(choice)}</b> {_markup(reply)}</p>"
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


def verdict_html(verdict: Verdict) -> str:
    """What was said to an answer; where there was none, a box in which a number is checked without a kernel."""
    exercise = verdict.exercise
    if verdict.right is not None:
        said = f"<b>{'✓ Right.' if verdict.right else '✗ Not yet.'}</b> {_markup(verdict.sentence)}"
        return _box(exercise.name, f"<p>Exercise {exercise.name}: {said}</p>")
    page = _checked_in_the_page(exercise)
    where = "" if page else f" {NEEDS_A_KERNEL}"
    return _box(exercise.name, f'<p class="rl-wants">Your answer, {_markup(exercise.wants)}.{where}</p>', page)


NEEDS_A_KERNEL = "It is checked where Python runs: open this chapter in Jupyter or on Colab."


def _checked_in_the_page(exercise: Exercise) -> dict[str, Any] | None:
    """What the page needs to check a number as `Number.check` does; None for another kind of answer."""
    if not isinstance(exercise, Number):
        return None
    answers = [(exercise.solution, exercise.because), *((m.example, m.says) for m in exercise.mistakes)]
    within = 0 if exercise.whole else exercise.within
    return {
        "kind": "exercise",
        "name": exercise.name,
        "answers": [[value, _markup(says)] for value, says in answers],  # the first is right
        "within": within,
        "whole": exercise.whole,
        "otherwise": _markup(exercise.otherwise),
        "unreadable": {"number": NOT_A_NUMBER, "whole": NOT_WHOLE, "negative": NEGATIVE},
    }


def _markup(text: str) -> str:
    """Plain text as HTML, `code` in backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _box(name: str, body: str, page: dict[str, Any] | None = None) -> str:
    """The HTML of a question, with the script that brings it to life if there is something to ask."""
    style = f"<style>{asset('questions.css')}</style>"
    script = f"<script>{asset('questions.js')}ResidualBlock.ask({_json(page)});</script>" if page else ""
    return f'<div class="rl-question" data-rl-question="{html.escape(name)}">{body}{style}{script}</div>'


def _json(page: dict[str, Any]) -> str:
    return json.dumps(page, ensure_ascii=False).replace("</", "<\\/")
