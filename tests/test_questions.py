"""Predictions and quizzes as Python objects. tests/test_ask.py drives them in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import resnet_lib as rl


def test_a_prediction_in_words() -> None:
    number = rl.predict("n", "How many?", truth=1234.56, unit="G MACs", digits=1, because="So `it` is.")
    assert repr(number) == "How many?\n    Answer: 1,234.6 G MACs. So `it` is."
    choice = rl.predict("c", "Which?", truth="b", choices=["a", "b"], because="Since.")
    assert repr(choice) == "Which?\n    ( ) a: Since.\n    (x) b: Since."
    assert "<code>it</code>" in number._repr_html_()
    own = rl.predict("c", "Which?", truth="b", choices={"a": "No.", "b": ""}, because="Since.")
    assert repr(own) == "Which?\n    ( ) a: No. Since.\n    (x) b: Since."


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: rl.predict("n", "?", truth="c", choices=["a", "b"]), ValueError, "truth must be one of the choices"),
        (
            lambda: rl.predict("n", "?", truth="12"),
            TypeError,
            "truth must be a number where there are no",
        ),
        (lambda: rl.predict("n", "?", truth=True), TypeError, "truth must be a number"),
        (
            lambda: rl.predict("n", "?", truth="a", choices=["a", "b"], replies={1: "No."}),
            TypeError,
            "replies are for numbers; choices may hold the reply to each: {1: 'No.'}",
        ),
        (lambda: rl.quiz("q", "?", {"a": "", "b": ""}, right="c"), ValueError, "right must be one of the choices"),
    ],
)
def test_bad_questions(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_text_is_never_markup() -> None:
    html = rl.quiz("q", "</script><b>?", {"<i>": "</script>", "b": "&"}, right="b")._repr_html_()
    assert html.count("</script>") == html.count("<script") == 2  # the runtime and the call
    assert "<b>?" not in html and "<i>" not in html.partition("<script>")[0]
