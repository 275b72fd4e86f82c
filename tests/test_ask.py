"""Predictions, quizzes and exercises in the page, what is remembered of them, and what the book shows of that."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Locator, Page

from book._ext.residual_answers import asked
from resnet_lib.book.ask.exercise import NEGATIVE, NOT_A_NUMBER, NOT_WHOLE, Number
from resnet_lib.book.ask.questions import Estimate, Question
from resnet_lib.book.web import IMPORT, asset, runtime
from tests.conftest import CHAPTERS, ROOT
from tests.helpers.layout import address, root, themed
from tests.helpers.made import explorers, questions, verdicts

Open = Callable[..., Page]
Engine = Callable[[str, Any], Any]
DENIED = "does not let this page remember"
ANSWERS = "book/answers.html"
ASKED = [(chapter, question) for chapter in CHAPTERS for question in questions(chapter)]
A_NUMBER = next((chapter, question) for chapter, question in ASKED if isinstance(question, Estimate))
A_QUIZ = next((chapter, question) for chapter, question in ASKED if question.kind == "quiz")


def place(page: Page, name: str) -> Locator:
    """The question on the page; of an exercise the reader's box, not the solution's verdict."""
    return page.locator(f'[data-rl-question="{name}"][data-rl-live]')


def truth(question: Question) -> float | None:
    """The number that a prediction asks for; None where there are choices."""
    return question.truth if isinstance(question, Estimate) else None


def plain(text: str) -> str:
    return text.replace("`", "")


def reply(question: Locator) -> str:
    return question.locator(".rl-reply").inner_text()


def numbers_asked(chapter: Path) -> list[Number]:
    """The exercises that the page checks."""
    asked = [verdict.exercise for verdict in verdicts(chapter) if verdict.right is None]
    return [exercise for exercise in asked if isinstance(exercise, Number)]


AN_EXERCISE = next((chapter, exercise) for chapter in CHAPTERS for exercise in numbers_asked(chapter))


def fill(question: Locator, text: str) -> None:
    field = question.get_by_role("textbox")
    field.fill(text)
    field.press("Enter")


def choose(question: Locator, choice: str) -> None:
    question.get_by_role("button", name=plain(choice), exact=True).click()


def again(question: Locator) -> None:
    question.locator(".rl-again").click()


def stored(page: Page, name: str) -> Any:
    text = page.evaluate("(key) => localStorage.getItem(key)", f"residual-block:{name}")
    return text and json.loads(text)


# ---- What is typed ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(browser: Browser) -> Iterator[Engine]:
    """Calls a function of numbers.js for each row of arguments, in the browser."""
    call = """async ([source, name, rows]) => {
      const module = await import("data:text/javascript;charset=utf-8," + encodeURIComponent(source));
      return rows.map((row) => module[name](...row)).map((value) => Object.is(value, NaN) ? "nan" : value);
    }"""
    with browser.new_context() as context:
        page = context.new_page()
        yield lambda name, rows: page.evaluate(
            call, [asset("format.js") + IMPORT.sub("", asset("numbers.js")), name, rows]
        )


READ: list[tuple[str, str, float]] = [
    # Points, commas, groups.
    ("55.5", "", 55.5),
    ("55,5", "", 55.5),
    ("0,98", "", 0.98),
    ("0,125", "", 0.125),  # no number begins with a group "0"
    (",5", "", 0.5),
    ("55,", "", 55),
    ("1,179", "", 1179),
    ("1,179,648", "", 1_179_648),
    ("1,179,648.5", "", 1_179_648.5),
    ("1 179 648", "", 1_179_648),
    ("\u202f1\u202f179\u00a0648 ", "", 1_179_648),
    ("1 179,5", "", 1179.5),
    ("1.179.648", "", 1_179_648),
    ("1.179,5", "", 1179.5),
    ("1.179", "", 1.179),
    ("1'179'648", "", 1_179_648),
    ("1_179_648", "", 1_179_648),
    # Signs and powers.
    ("-5", "", -5),
    ("−0,5", "", -0.5),
    ("~44", "", 44),
    ("1.2e6", "", 1_200_000),
    ("1,2E+6", "", 1_200_000),
    ("1.2 × 10⁶", "", 1_200_000),
    ("1.2*10^6", "", 1_200_000),
    ("3 × 10⁻²", "", 0.03),
    ("10^6", "", 1_000_000),
    # Units and magnitudes.
    ("44 layers", "layers", 44),
    ("44 layers.", "", 44),
    ("4×", "", 4),
    ("55.5 G", "G MACs", 55.5),
    ("55,5 G MACs", "G MACs", 55.5),
    ("55.5GMACs", "G MACs", 55.5),
    ("55.5 billion", "G MACs", 55.5),
    ("55500 M", "G MACs", 55.5),
    ("55.5 MACs", "G MACs", 55.5),
    ("55,500,000,000 MACs", "G MACs", 55.5),
    ("55.5 G", "MACs", 55_500_000_000),
    ("1.179648 M", "", 1_179_648),
    ("280 k", "a whole number, the parameters", 280_000),
    ("15.64 M", "M parameters", 15.64),
    ("15.64m parameters", "M parameters", 15.64),
    ("15.04 G", "a number, G MACs of ResNet-200", 15.04),
    ("44 maps", "", 44),  # no million
    ("25 %", "%", 25),
    ("25%", "%", 25),
    ("57 % more parameters", "% more parameters", 57),
    ("3.4 %", "a number, percentage points", 3.4),
    ("98 %", "MACs", 0.98),
    # No number, or more than one.
    *((text, "", math.nan) for text in ("", " ", "many", "nan", "Infinity", "-", ".", ",", "0x10", "1e", "12 a")),
    *((text, "", math.nan) for text in ("12 13", "44 to 50", "1/2", "3 x 105", "1,2,3", "1,234,5", "1 234 5", "<b>5")),
    ("1e999", "", math.inf),
]


def test_what_is_typed_is_read_as_it_is_meant(engine: Engine) -> None:
    found = engine("readNumber", [[text, unit] for text, unit, _ in READ])
    for (text, unit, wanted), value in zip(READ, found, strict=True):
        assert str(value) == "nan" if math.isnan(wanted) else value == wanted, (text, unit, value)


@settings(max_examples=20)
@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15), min_size=1))
def test_python_and_the_page_read_numbers_alike(engine: Engine, values: list[float]) -> None:
    """Whatever way Python writes a number, the page reads that number."""
    ways = [[repr(value) for value in values], [f"{value:,}" for value in values], [f"{value:_}" for value in values]]
    for way in ways:
        assert [*map(float, engine("readNumber", [[text] for text in way]))] == values, way


@settings(max_examples=20)
@given(texts=st.lists(st.text("0123456789.,'eEkMG%×x^- ab⁵", max_size=12), min_size=1))
def test_any_text_is_a_number_or_none(engine: Engine, texts: list[str]) -> None:
    for text, value in zip(texts, engine("readNumber", [[text] for text in texts]), strict=True):
        assert value == "nan" or isinstance(value, int | float), text
        assert value == "nan" or re.search(r"\d", text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (55.5, "55.5"),
        (0.98, "0.98"),
        (1234.567, "1,235"),
        (1_179_648, "1,179,648"),
        (-3, "−3"),
        (55_507_943_424, "5.55 × 10¹⁰"),
        (1e23, "1 × 10²³"),
        (5e-5, "5 × 10⁻⁵"),
        (1.76e300, "1.76 × 10³⁰⁰"),
    ],
)
def test_a_number_in_few_signs(engine: Engine, value: float, words: str) -> None:
    (said,) = engine("inWords", [[value]])
    assert said == words
    assert engine("readNumber", [[said]]) == [pytest.approx(value, rel=0.005)]


@given(value=st.floats(-1e300, 1e300))
def test_no_number_is_long(engine: Engine, value: float) -> None:
    (said,) = engine("inWords", [[value]])
    assert len(said) <= 14
    assert engine("readNumber", [[said]]) == [pytest.approx(value, rel=0.005, abs=0)]


@pytest.mark.parametrize(
    ("guess", "truth", "said"),
    [
        (55, 55, "Exactly right."),
        (52.25, 55, "Close: your guess is 5 % too low."),
        (77, 55, "Your guess is 40 % too high."),
        (5.5, 55, "Your guess is 10 times too low."),
        (0, 55, "Your guess is too low."),
        (1e30, 55, "Your guess is more than 10¹⁵ times too high."),
        (5e-324, 1e300, "Your guess is more than 10¹⁵ times too low."),
        (67_900, 55, "Your guess is 1,230 times too high."),
        (-1, -2, "Your guess is 2 times too high."),
        (1, -2, "Your guess is too high."),
        (1, 0, "Your guess is too high."),
        (0, 0, "Exactly right."),
    ],
)
def test_a_guess_is_measured(engine: Engine, guess: float, truth: float, said: str) -> None:
    assert engine("verdictOf", [[guess, truth]]) == [said]


# ---- On the page -----------------------------------------------------------------------------------------------------


def test_predictions_are_compared_with_the_truth(opened: Page, chapter: Path) -> None:
    for question in questions(chapter):
        here = place(opened, question.name)
        if isinstance(question, Estimate):
            assert here.get_by_role("textbox", name=question.question).count() == 1
            fill(here, "many")
            assert "number" in reply(here) and stored(opened, question.name) is None
            fill(here, f"{2.0 * question.truth or 1.0:,}")
            assert question.answer in reply(here)
            assert "too high" in reply(here) and ("2 times" in reply(here) or not question.truth)
            mine, computed = (bar.bounding_box() for bar in here.locator(".rl-bars i").all())
            assert mine and computed and mine["width"] == pytest.approx(2 * computed["width"], rel=0.05, abs=2.5)
            for number, said in question.replies.items():
                again(here)
                fill(here, f"{1.005 * number}")
                assert plain(said) in reply(here) and plain(question.because) in reply(here)
        elif question.kind == "choice":
            wrong = next(choice for choice in question.replies if choice != question.answer)
            choose(here, wrong)
            assert plain(question.replies[wrong]) in plain(reply(here))
            assert "You guessed otherwise" in reply(here) and plain(question.answer) in plain(reply(here))
            kept = stored(opened, question.name)
            right = here.get_by_role("button", name=plain(question.answer), exact=True)
            right.click(force=True)  # although it is disabled: a guess is made once
            assert "You guessed otherwise" in reply(here) and stored(opened, question.name) == kept
            again(here)
            choose(here, question.answer)
            assert "You guessed it" in reply(here)
        if question.kind != "quiz":
            here.get_by_role("button", name="Guess again").click()
            assert reply(here) == ""
            assert stored(opened, question.name) is None


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
        choose(here, question.answer)
        onward = here.get_by_role("link")
        assert reply(here).endswith(f"Next: {onward.inner_text()}")
        assert opened.locator(onward.get_attribute("href") or "").count() == 1


# What the page replies to each of these texts in its field.
REPLIES = """(question, texts) => texts.map((text) => {
  const field = question.querySelector("input");
  field.value = text;
  field.form.requestSubmit();
  return question.querySelector(".rl-reply").innerText;
})"""


def test_the_page_checks_a_number_as_python_does(opened: Page, chapter: Path) -> None:
    for exercise in numbers_asked(chapter):
        here = place(opened, exercise.name)
        assert here.get_by_role("textbox", name=exercise.title).count() == 1
        others = [0, 987654321, exercise.solution + 1, exercise.solution * 1.004, exercise.solution * 1.006, -1, 2.5]
        values = [exercise.solution, *(mistake.example for mistake in exercise.mistakes), *others]
        texts = [f"{value:,}" if isinstance(value, int) else repr(value) for value in values]
        for value, said in zip(values, here.evaluate(REPLIES, texts), strict=True):
            expected = exercise.check(value)
            start = "✓ Right." if expected.right else "✗ Not yet."
            assert said == plain(f"{start} {expected.sentence}".strip()), value
        junk = {"": NOT_A_NUMBER, "many": NOT_A_NUMBER, "nan": NOT_A_NUMBER, "−2": NEGATIVE}
        junk |= {"0.5": NOT_WHOLE} if exercise.whole else {}
        for (text, wanted), said in zip(junk.items(), here.evaluate(REPLIES, [*junk]), strict=True):
            assert wanted in said, text
        fill(here, "0")
        assert "✗ Not yet." in reply(here)
        here.get_by_role("textbox").fill(f"{exercise.solution:,}".replace(",", " "))
        here.get_by_role("button", name="Check").click()
        assert "✓ Right." in reply(here)


def test_answers_are_remembered(opened: Page, chapter: Path) -> None:
    opened.evaluate("() => { for (const button of document.querySelectorAll('.rl-again')) button.click() }")
    assert not opened.evaluate("Object.keys(localStorage).some((key) => key.startsWith('residual-block:'))")
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
    kept = {name: stored(opened, name) for name in names}
    assert all(before.values())
    for question in questions(chapter):
        entry = kept[question.name]
        assert entry["chapter"] == chapter.stem and entry["text"] == plain(question.question)
        assert entry["kind"] == question.kind and entry["truth"] == truth(question)
    opened.reload(wait_until="load")
    assert {name: reply(place(opened, name)) for name in names} == before
    assert {name: stored(opened, name) for name in names} == kept  # when it was answered, too


def test_an_exercise_starts_over_and_remembers_no_junk(page: Open) -> None:
    chapter, exercise = AN_EXERCISE
    opened = page(address(chapter))
    here = place(opened, exercise.name)
    for junk in ("", "many", "-1", "0.5"):
        fill(here, junk)
        assert "✗ Not yet." in reply(here) and stored(opened, exercise.name) is None
    fill(here, "1,5e1 layers")
    assert "Your answer was read as 15." in reply(here)
    assert (stored(opened, exercise.name)["value"], stored(opened, exercise.name)["answer"]) == (15, "")
    fill(here, "")
    assert stored(opened, exercise.name)["value"] == 15
    fill(here, str(exercise.solution))
    fill(here, str(exercise.solution + 1))
    assert "✗ Not yet." in reply(here)
    opened.reload(wait_until="load")
    assert "✓ Right." in reply(here) and here.get_by_role("textbox").input_value() == str(exercise.solution)
    here.get_by_role("button", name="Start over").click()
    assert reply(here) == "" and here.get_by_role("textbox").input_value() == ""
    assert stored(opened, exercise.name) is None


def test_a_right_answer_is_not_replaced_by_a_wrong_one(page: Open) -> None:
    chapter, quiz = A_QUIZ
    opened = page(address(chapter))
    here = place(opened, quiz.name)
    for choice in (quiz.answer, next(choice for choice in quiz.replies if choice != quiz.answer)):
        choose(here, choice)
    assert "✗ Not this one." in reply(here)
    assert here.locator("button.rl-right").inner_text().split("\n")[-1] == plain(quiz.answer)  # known by now
    assert stored(opened, quiz.name)["guess"] == quiz.answer
    opened.reload(wait_until="load")
    assert "✓ Right." in reply(here)
    here.get_by_role("button", name="Start over").click()
    assert here.locator(".rl-right").count() == 0 and stored(opened, quiz.name) is None


LOOK = """(button) => { const { borderTopStyle, fontWeight } = getComputedStyle(button);
  return [button.querySelector(".rl-sign").textContent, borderTopStyle, Number(fontWeight) > 500]; }"""


def test_right_wrong_and_chosen_look_different_without_colour(page: Open) -> None:
    chapter, quiz = A_QUIZ
    here = place(page(address(chapter), forced_colors="active"), quiz.name)
    wrong = next(choice for choice in quiz.replies if choice != quiz.answer)
    seen = {}
    for name, clicked, looked_at in (
        ("untouched", None, wrong),
        ("wrong, chosen", wrong, wrong),
        ("right, chosen", quiz.answer, quiz.answer),
        ("right", wrong, quiz.answer),
    ):
        if clicked:
            choose(here, clicked)
        seen[name] = here.get_by_role("button", name=plain(looked_at), exact=True).evaluate(LOOK)
    assert len({tuple(look) for look in seen.values()}) == 4, seen
    assert seen["right"][0] == seen["right, chosen"][0] == "✓" and seen["wrong, chosen"][0] == "✗"


@pytest.mark.parametrize("width", [320, 1280])
def test_extreme_guesses_keep_their_bars(page: Open, width: int) -> None:
    chapter, question = A_NUMBER
    opened = page(address(chapter), width=width)
    here = place(opened, question.name)
    for guess in ("1e300", "1e-300", "100000000000000000000000", "0"):
        fill(here, guess)
        assert question.answer in reply(here) and "0,000,000" not in reply(here)
        boxes = [bar.bounding_box() for bar in here.locator(".rl-bars i").all()]
        assert all(box and box["width"] >= 2.5 and box["height"] > 5 for box in boxes), boxes
        assert max(box["width"] for box in boxes if box) > 60
        assert here.locator(".rl-bars").evaluate("(node) => node.scrollWidth <= node.clientWidth")
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        again(here)


def test_a_guess_below_zero_is_refused(page: Open) -> None:
    chapter, question = A_NUMBER
    opened = page(address(chapter))
    here = place(opened, question.name)
    fill(here, "-5")
    assert reply(here) == NEGATIVE
    assert stored(opened, question.name) is None
    fill(here, f"{question.truth:.3f}".replace(".", ",") + "1")  # a decimal comma
    assert "Exactly right." in reply(here)


# ---- What is remembered ----------------------------------------------------------------------------------------------

DAMAGES = (
    "{",
    '"<img src=x onerror=alert(1)>"',
    "[]",
    "null",
    "7",
    '"5"',
    '{"kind": "number"}',
    "\x00",
    '{"guess": 3}',
)


def test_what_a_browser_remembers_wrongly_is_forgotten(page: Open) -> None:
    chapter = max(CHAPTERS, key=lambda chapter: len(questions(chapter)))
    opened, asked = page(address(chapter)), questions(chapter)
    damages = itertools.cycle(DAMAGES)
    opened.evaluate("localStorage.setItem('residual-block:somebody-else', 'on')")
    for _ in DAMAGES:
        for question in asked:
            opened.evaluate(
                "([k, v]) => localStorage.setItem(k, v)", [f"residual-block:{question.name}", next(damages)]
            )
        opened.reload(wait_until="load")
        for question in asked:
            here = place(opened, question.name)
            assert question.answer not in reply(here) and here.locator("img").count() == 0
            assert stored(opened, question.name) is None
    opened.goto(opened.url.replace(address(chapter), ANSWERS))
    assert "nothing here yet" in opened.locator("[data-rl-answers]").inner_text()
    assert opened.evaluate("localStorage.getItem('residual-block:somebody-else')") == "on"


def test_a_sound_entry_with_a_foreign_answer_is_forgotten(page: Open) -> None:
    """A choice that there is no longer, and another kind of question under the same name."""
    chapter, quiz = A_QUIZ
    opened = page(address(chapter))
    here = place(opened, quiz.name)
    choose(here, quiz.answer)
    entry = stored(opened, quiz.name)
    for change in (
        {"guess": "<img src=x onerror=alert(1)>"},
        {"guess": "__proto__"},
        {"kind": "exercise", "guess": "1"},
    ):
        opened.evaluate(
            "([k, v]) => localStorage.setItem(k, v)", [f"residual-block:{quiz.name}", json.dumps(entry | change)]
        )
        opened.reload(wait_until="load")
        assert reply(here) == "" and stored(opened, quiz.name) is None


DENY = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } })"""
FULL = """Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); }"""


@pytest.mark.parametrize("trouble", [DENY, FULL], ids=["denied", "full"])
def test_a_browser_that_denies_storage_gets_one_sentence(browser: Browser, site: str, trouble: str) -> None:
    """The theme's own scripts fail there (and say so); ours do not."""
    chapter = max(CHAPTERS, key=lambda chapter: len(numbers_asked(chapter)))
    with browser.new_context() as context:
        context.add_init_script(trouble)
        opened = context.new_page()
        failed: list[str] = []
        opened.on("pageerror", lambda error: failed.append(error.stack or ""))
        opened.goto(f"{site}/{address(chapter)}")
        assert DENIED not in opened.locator("article").inner_text()
        for exercise in numbers_asked(chapter):
            fill(place(opened, exercise.name), str(exercise.solution))
            assert "✓ Right." in reply(place(opened, exercise.name))
        assert opened.locator("article").inner_text().count(DENIED) == 1
        opened.goto(f"{site}/{ANSWERS}")
        said = opened.locator("[data-rl-answers]").inner_text()
        assert (DENIED if trouble == DENY else "nothing here yet") in said.replace("anything", "answers")
        assert [stack for stack in failed if "book.js" in stack] == []


def test_a_notebook_has_no_names_twice(engine: Engine) -> None:
    """The runtime of questions is one script: an engine parses it, and all that it calls is in it."""
    assert "import " not in runtime("ask")
    assert "explorer" not in re.findall(r"^(?:const|function) (\w+)", runtime("ask"), re.M)


def test_questions_know_a_dark_page_that_names_no_theme(page: Open) -> None:
    chapter, question = A_NUMBER
    opened = page(address(chapter))
    here = place(opened, question.name)
    assert here.get_attribute("data-rl-theme") == "light"
    opened.evaluate("""() => {
      document.body.replaceChildren(...document.querySelectorAll("[data-rl-question]"));
      document.body.style.background = "#383838";
      delete document.documentElement.dataset.theme;
    }""")
    opened.wait_for_function("(node) => node.dataset.rlTheme === 'dark'", arg=here.element_handle())
    assert here.evaluate("(node) => Number(getComputedStyle(node).color.match(/\\d+/)[0])") > 150


# ---- Progress and "Your answers" -------------------------------------------------------------------------------------


def everything(chapter: Path) -> dict[str, list[str]]:
    """What the book should know of a chapter's page."""
    made = questions(chapter)
    return {
        "predicted": [question.name for question in made if question.kind != "quiz"],
        "explored": [explorer.id for explorer in explorers(chapter)],
        "solved": [q.name for q in (*numbers_asked(chapter), *made) if q.name not in predictions(chapter)],
    }


def predictions(chapter: Path) -> list[str]:
    return [question.name for question in questions(chapter) if question.kind != "quiz"]


def test_the_book_knows_what_it_asks(page: Open, book: Path) -> None:
    pages = page(ANSWERS).evaluate("RL_PAGES")
    assert [entry["name"] for entry in pages] == [chapter.stem for chapter in CHAPTERS]
    for chapter, entry in zip(CHAPTERS, pages, strict=True):
        assert entry["title"] and "<" not in entry["title"]
        for sort, names in everything(chapter).items():
            assert sorted(entry[sort]) == sorted(names), (chapter.stem, sort)
        assert asked((book / address(chapter)).read_text(encoding="utf-8"))["solved"] == entry["solved"]


def mark(page: Page, chapter: Path) -> Locator:
    return page.locator(f'.bd-links a[href$="{chapter.stem}.html"] .rl-progress')


def test_the_sidebar_shows_what_is_done(page: Open) -> None:
    chapter, question = A_NUMBER
    _, exercise = AN_EXERCISE
    opened = page(address(chapter))
    assert opened.locator(".rl-progress").count() == 0
    counts = {sort: len(names) for sort, names in everything(chapter).items()}
    here = opened.locator('.bd-links a[href="#"] .rl-progress')
    if question in questions(chapter):
        fill(place(opened, question.name), "1")
    for junk in ("-1", str(exercise.solution + 1)):
        fill(place(opened, exercise.name), junk)
    assert f"1 of {counts['predicted']} prediction" in here.inner_text()
    assert f"0 of {counts['solved']} question" in here.inner_text()
    fill(place(opened, exercise.name), str(exercise.solution))
    assert f"1 of {counts['solved']} question" in here.inner_text()
    assert f"0 of {counts['explored']} figure" in here.inner_text()
    other = next(path for path in CHAPTERS if path != chapter)
    assert f"0 of {len(predictions(other))} prediction" in mark(opened, other).inner_text()
    again(place(opened, question.name))
    again(place(opened, exercise.name))
    assert opened.locator(".rl-progress").count() == 0


def test_an_explored_figure_is_remembered_once_and_shown(page: Open) -> None:
    chapter = CHAPTERS[-1]
    opened = page(address(chapter))
    ids = [explorer.id for explorer in explorers(chapter)]

    def explore(name: str) -> None:
        root(opened, name).locator(".rl-presets button").nth(1).click()

    explore(ids[0])
    entry = stored(opened, f"explored:{ids[0]}")
    assert re.fullmatch(r"Figure [\d.]+", entry["text"]) and entry["chapter"] == chapter.stem
    assert f"1 of {len(ids)} figure" in opened.locator('.bd-links a[href="#"] .rl-progress').inner_text()
    for name in ids:
        explore(name)
    assert f"{len(ids)} of {len(ids)} figure" in opened.locator('.bd-links a[href="#"] .rl-progress').inner_text()
    assert stored(opened, f"explored:{ids[0]}") == entry
    opened.goto(opened.url.rsplit("/", 1)[0] + "/answers.html")
    assert entry["text"] in opened.locator("[data-rl-answers]").inner_text()


def answer_all(page: Page, chapter: Path, share: float) -> None:
    for question in questions(chapter):
        if question.kind == "number":
            fill(place(page, question.name), f"{share * (truth(question) or 0):.6f}")
        else:
            choose(place(page, question.name), question.answer)
    for exercise in numbers_asked(chapter):
        fill(place(page, exercise.name), str(exercise.solution))


def test_your_answers_lists_resets_and_exports(page: Open) -> None:
    two = [chapter for chapter in CHAPTERS if any(map(truth, questions(chapter)))][:2]
    opened = page(ANSWERS, accept_downloads=True)
    listed = opened.locator("[data-rl-answers]")
    assert "nothing here yet" in listed.inner_text()
    for chapter in two:
        opened.goto(opened.url.rsplit("/", 1)[0] + f"/{chapter.stem}.html")
        answer_all(opened, chapter, 0.25)
        opened.evaluate("(key) => localStorage.setItem(key, 'on')", "residual-block:switch")
    opened.goto(opened.url.rsplit("/", 1)[0] + "/answers.html")
    assert listed.locator("section").count() == 2
    for chapter, section in zip(two, listed.locator("section").all(), strict=True):
        assert section.locator("tbody tr").count() == len(questions(chapter)) + len(numbers_asked(chapter))
        for question in questions(chapter):
            row = section.locator("tbody tr", has_text=plain(question.question)[:60])
            assert ("4 times too low" if truth(question) else "right" if question.kind == "choice" else "solved") in (
                row.inner_text()
            )
            assert plain(question.answer) in row.inner_text()
        assert section.get_by_role("link").first.get_attribute("href") == f"{chapter.stem}.html"
    with opened.expect_download() as saved:
        opened.get_by_role("button", name="Save as a file").click()
    file = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    assert saved.value.suggested_filename.endswith(".json")
    names = [q.name for chapter in two for q in (*questions(chapter), *numbers_asked(chapter))]
    assert sorted(answer["name"] for answer in file["answers"]) == sorted(names)

    rows = listed.locator("tbody tr").count()
    listed.get_by_role("button", name="Forget: ").first.click()
    assert listed.locator("tbody tr").count() == rows - 1
    listed.get_by_role("button", name="Forget this chapter").first.click()
    assert listed.locator("section").count() == 1
    opened.once("dialog", lambda dialog: dialog.dismiss())
    listed.get_by_role("button", name="Forget everything").click()
    assert listed.locator("section").count() == 1
    opened.once("dialog", lambda dialog: dialog.accept())
    listed.get_by_role("button", name="Forget everything").click()
    assert "nothing here yet" in listed.inner_text()
    assert opened.evaluate("Object.keys(localStorage)").count("residual-block:switch") == 1


def test_foreign_text_in_your_answers_is_only_text(page: Open) -> None:
    opened = page(ANSWERS)
    entry = {
        **{"kind": "quiz", "name": "x", "chapter": "<b>x", "text": "<img src=x onerror=alert(1)>", "guess": "</td>"},
        **{"value": None, "truth": None, "answer": "&", "unit": "", "right": False, "when": "2026"},
    }
    opened.evaluate("(text) => localStorage.setItem('residual-block:x', text)", json.dumps(entry))
    opened.reload(wait_until="load")
    listed = opened.locator("[data-rl-answers]")
    assert entry["text"] in listed.inner_text() and listed.locator("img").count() == 0


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_your_answers_fit_each_width(page: Open, width: int) -> None:
    chapter, _ = A_NUMBER
    opened = page(address(chapter), width=width)
    answer_all(opened, chapter, 1e20)
    opened.goto(opened.url.rsplit("/", 1)[0] + "/answers.html")
    assert opened.locator("[data-rl-answers] tbody tr").count()
    for theme in ("light", "dark"):
        with themed(opened, theme):
            assert opened.evaluate("document.documentElement.scrollWidth") == width
            assert opened.locator("[data-rl-answers]").evaluate("(node) => node.scrollWidth <= node.clientWidth")


# What axe finds in questions, in the sidebar and in the list of answers.
AXE = """async (where) => (await axe.run(where)).violations
  .filter(({ id }) => id !== "label-content-name-mismatch" || where !== ".bd-sidebar-primary")
  .map(({ id, nodes }) => id + ": " + nodes.map((node) => node.html).join(" | "))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_read_the_answers(page: Open, theme: str) -> None:
    chapter, _ = A_NUMBER
    opened = page(address(chapter), theme=theme)
    answer_all(opened, chapter, 2)
    for path, places in ((address(chapter), [".rl-question", ".bd-sidebar-primary"]), (ANSWERS, ["[data-rl-answers]"])):
        opened.goto(opened.url.rsplit("/", 2)[0] + f"/{path}")
        opened.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
        for where in places:
            assert opened.locator(where).count() and opened.evaluate(AXE, where) == []


def test_your_answers_says_without_scripts_why_it_is_empty(browser: Browser, site: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        opened = context.new_page()
        opened.goto(f"{site}/{ANSWERS}")
        assert opened.get_by_text("The list is empty because scripts are switched off").is_visible()


def test_your_answers_has_no_chapter_number(page: Open) -> None:
    opened = page(ANSWERS)
    names = [text.split(",")[0].strip() for text in opened.locator(".bd-links .toctree-l1 > a").all_inner_texts()]
    assert names[-3:] == ["About this book", "Your answers", "Glossary"]
    assert [name.split(".")[0] for name in names[1:-3]] == [str(i + 1) for i in range(len(CHAPTERS) - 1)]
