"""Predictions, quizzes and exercise boxes: the Python objects, and the built pages in a real browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

import resnet_lib as rl
from resnet_lib.exercises.exercise import NEGATIVE, NOT_A_NUMBER, NOT_WHOLE, Number
from tests.conftest import ROOT, opening
from tests.made import questions, verdicts
from tools.notebooks import chapters

Open = Callable[..., Page]
CHAPTERS = chapters()
NAMES = [path.stem for path in CHAPTERS]


def address(chapter: Path) -> str:
    return f"{chapter.relative_to(ROOT).with_suffix('')}.html"


def place(page: Page, name: str) -> Locator:
    """The question on the page; of an exercise the reader's box, not the solution's verdict."""
    return page.locator(f'[data-rl-question="{name}"][data-rl-live]')


def plain(text: str) -> str:
    return text.replace("`", "")


def reply(question: Locator) -> str:
    return question.locator(".rl-reply").inner_text()


# ---- Python ----------------------------------------------------------------------------------------------------------


def test_a_prediction_in_words() -> None:
    number = rl.predict("n", "How many?", truth=1234.56, unit="G MACs", digits=1, because="So `it` is.")
    assert repr(number) == "How many?\n    Answer: 1,234.6 G MACs. So `it` is."
    choice = rl.predict("c", "Which?", truth="b", choices=["a", "b"], because="Since.")
    assert repr(choice) == "Which?\n    ( ) a: Since.\n    (x) b: Since."
    assert "<code>it</code>" in number._repr_html_()


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
        (lambda: rl.quiz("q", "?", {"a": "", "b": ""}, right="c"), ValueError, "right must be one of the choices"),
    ],
)
def test_bad_questions(make: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        make()


def test_text_is_never_markup() -> None:
    html = rl.quiz("q", "</script><b>?", {"<i>": "</script>", "b": "&"}, right="b")._repr_html_()
    assert html.count("</script>") == 1
    assert "<b>?" not in html and "<i>" not in html.partition("<script>")[0]


def test_every_question_has_a_name_of_its_own() -> None:
    names = [question.name for chapter in CHAPTERS for question in questions(chapter)]
    assert len(names) == len(set(names))


# ---- The pages -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=CHAPTERS, ids=NAMES)
def chapter(request: pytest.FixtureRequest) -> Path:
    """Each chapter in turn, for all tests that ask for it."""
    return Path(request.param)


@pytest.fixture(scope="module")
def opened(browser: Browser, site: str, chapter: Path) -> Iterator[Page]:
    """The chapter's page, opened once: its tests leave the questions answered."""
    with opening(browser, site) as open_page:
        yield open_page(address(chapter))


def numbers_asked(chapter: Path) -> list[Number]:
    """The exercises that the page checks."""
    asked = [verdict.exercise for verdict in verdicts(chapter) if verdict.right is None]
    return [exercise for exercise in asked if isinstance(exercise, Number)]


def fill(question: Locator, text: str) -> None:
    field = question.get_by_role("textbox")
    field.fill(text)
    field.press("Enter")


def choose(question: Locator, choice: str) -> None:
    question.get_by_role("button", name=plain(choice), exact=True).click()


def test_predictions_are_compared_with_the_truth(opened: Page, chapter: Path) -> None:
    for question in questions(chapter):
        here = place(opened, question.name)
        if question.kind == "number":
            assert question.truth is not None
            assert here.get_by_role("textbox", name=question.question).count() == 1
            fill(here, "many")
            assert "number" in reply(here)
            fill(here, f"{2.0 * question.truth or 1.0:,}")
            assert question.answer in reply(here)
            assert "too high" in reply(here) and ("2 times" in reply(here) or not question.truth)
            mine, computed = (bar.bounding_box() for bar in here.locator(".rl-bars i").all())
            assert mine and computed and mine["width"] == pytest.approx(2 * computed["width"], rel=0.05, abs=2.5)
        elif question.kind == "choice":
            choose(here, next(choice for choice in question.replies if choice != question.answer))
            assert "You guessed otherwise" in reply(here) and plain(question.answer) in plain(reply(here))
            choose(here, question.answer)
            assert "You guessed it" in reply(here)
        if question.kind != "quiz":
            here.get_by_role("button", name="Guess again").click()
            assert reply(here) == ""
            assert opened.evaluate("(key) => localStorage.getItem(key)", f"residual-block:{question.name}") is None


def test_a_quiz_answers_each_choice(opened: Page, chapter: Path) -> None:
    for question in questions(chapter):
        if question.kind != "quiz":
            continue
        here = place(opened, question.name)
        for choice, said in question.replies.items():
            button = here.get_by_role("button", name=plain(choice), exact=True)
            button.focus()
            opened.keyboard.press("Enter")
            assert plain(said) in plain(reply(here))
            assert ("✓ Right." in reply(here)) == (choice == question.answer)
            assert button.get_attribute("aria-pressed") == "true"
            assert here.locator("[aria-pressed=true]").count() == 1
        assert here.get_by_role("group", name=question.question[:40]).count() == 1


def test_the_page_checks_a_number_as_python_does(opened: Page, chapter: Path) -> None:
    for exercise in numbers_asked(chapter):
        here = place(opened, exercise.name)
        assert here.get_by_role("textbox", name=f"Exercise {exercise.name}").count() == 1
        others = [0, 987654321, exercise.solution + 1, exercise.solution * 1.004, exercise.solution * 1.006, -1, 2.5]
        for value in (exercise.solution, *(mistake.example for mistake in exercise.mistakes), *others):
            fill(here, f"{value:,}" if isinstance(value, int) else repr(value))
            expected = exercise.check(value)
            start = "✓ Right." if expected.right else "✗ Not yet."
            assert reply(here) == plain(f"{start} {expected.sentence}".strip()), value
        for junk, said in (("", NOT_A_NUMBER), ("many", NOT_A_NUMBER), ("nan", NOT_A_NUMBER), ("−2", NEGATIVE)):
            fill(here, junk)
            assert said in reply(here)
        if exercise.whole:
            fill(here, "0.5")
            assert NOT_WHOLE in reply(here)
        here.get_by_role("textbox").fill(f"{exercise.solution:,}".replace(",", " "))
        here.get_by_role("button", name="Check").click()
        assert "✓ Right." in reply(here)


def test_answers_are_remembered(opened: Page, chapter: Path) -> None:
    for question in questions(chapter):
        here = place(opened, question.name)
        if question.kind == "number":
            fill(here, "3")
        else:
            choose(here, list(question.replies)[-1])
    for exercise in numbers_asked(chapter):
        fill(place(opened, exercise.name), "3")
    names = [asked.name for asked in (*questions(chapter), *numbers_asked(chapter))]
    before = {name: reply(place(opened, name)) for name in names}
    assert all(before.values())
    opened.reload(wait_until="load")
    assert {name: reply(place(opened, name)) for name in names} == before


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "Exactly right."),
        (0.95, "Close: your guess is 5 % too low."),
        (1.4, "Your guess is 40 % too high."),
        (0.1, "Your guess is 10 times too low."),
        (0.0, "Your guess is too low."),
        (-1.0, "Your guess is too low."),
    ],
)
def test_a_guess_is_measured(page: Open, share: float, said: str) -> None:
    question = next(q for chapter in CHAPTERS for q in questions(chapter) if q.truth is not None)
    here = place(page(address(CHAPTERS[0])), question.name)
    assert question.truth
    here.get_by_role("textbox").fill(repr(share * question.truth))
    here.get_by_role("button", name="That is my guess").click()
    assert said in reply(here)


def test_what_a_browser_remembers_wrongly_is_forgotten(page: Open) -> None:
    chapter = max(CHAPTERS, key=lambda chapter: len(questions(chapter)))
    opened, asked = page(address(chapter)), questions(chapter)
    damages = itertools.cycle(("{", '"<img src=x onerror=alert(1)>"', "[]", "null", "7"))
    for _ in range(2):
        for question, damage in zip(asked, damages, strict=False):
            opened.evaluate("([k, v]) => localStorage.setItem(k, v)", [f"residual-block:{question.name}", damage])
        opened.reload(wait_until="load")
        for question in asked:
            here = place(opened, question.name)
            assert question.answer not in reply(here) and here.locator("img").count() == 0


def test_without_scripts_the_answer_is_folded(browser: Browser, site: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        for chapter in CHAPTERS:
            opened.goto(f"{site}/{address(chapter)}")
            for question in questions(chapter):
                here = opened.locator(f'[data-rl-question="{question.name}"]')
                answer = here.get_by_text(plain(question.answer), exact=False).last
                assert not answer.is_visible()
                here.locator("summary").click()
                assert answer.is_visible()
