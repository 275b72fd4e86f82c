"""The book in Firefox, in one page and with the mouse and the keyboard of a reader: it holds there, too, and works.

Not seen here is what a browser does not decide: tests/test_pages.py and its neighbours try every control in Chromium.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from resnet_lib import colours
from resnet_lib.book.explore import Explorer
from resnet_lib.book.explore.controls import Choice, Slider
from tests.conftest import CHAPTERS
from tests.helpers.firefox import HELP, Firefox, firefox, installed
from tests.helpers.fonts import FAMILIES, environment
from tests.helpers.layout import AXE, AXE_SCRIPT, CLASHES, CLASHES_IN_PLOTS, WCAG, address
from tests.helpers.made import explorers, grid, questions
from tests.helpers.scenes import DRAW, WIDTHS, bundled, drawn_by_node

pytestmark = pytest.mark.skipif(installed() is None, reason=HELP)

OTHERS = (
    "index.html",
    "book/about.html",
    "book/answers.html",
    "book/glossary.html",
    "search.html?q=stride",
    "404.html",
)
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def page(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """The one page of these tests."""
    path = installed()
    assert path
    with firefox(path, site, environment(FAMILIES[0], tmp_path_factory.mktemp("fonts"))) as started:
        yield started


@pytest.fixture(scope="module")
def shown(page: Firefox, chapter: Path) -> Firefox:
    """The chapter, opened once by a permalink to its last explorer: its tests leave the explorers in any state."""
    last = explorers(chapter)[-1]
    page.open(f"{address(chapter)}#{last.id}?{urlencode(at_ends(last))}")
    return page


@pytest.fixture
def opened(shown: Firefox) -> Iterator[Firefox]:
    """The chapter, where nothing goes wrong in the console or the network during a test."""
    yield shown
    assert shown.problems() == []


# ---- Every page --------------------------------------------------------------------------------------------------


def test_a_permalink_opens_a_chapter_at_its_explorer_and_nothing_goes_wrong(opened: Firefox, chapter: Path) -> None:
    assert opened.problems() == []
    explorer = explorers(chapter)[-1]
    expect_numbers(opened, explorer, at_ends(explorer))
    opened.until(
        """(selector) => {
            const { top, bottom } = document.querySelector(selector).getBoundingClientRect();
            return Math.abs(top + bottom - innerHeight) < 120 || (top < 120 && bottom > innerHeight - 120);
        }""",
        place(explorer),
    )


def test_a_chapter_holds_at_each_width_and_in_both_themes(opened: Firefox) -> None:
    opened.evaluate("() => document.querySelectorAll('.rl-reset').forEach((button) => button.click())")
    assert amiss(opened) == []
    hidden = "() => document.querySelector('.skip-link').getBoundingClientRect().bottom"
    assert opened.evaluate(hidden) <= -1  # or a row of its pixels may be seen


def test_a_chapter_is_accessible(opened: Firefox) -> None:
    assert violations(opened) == []


@pytest.mark.parametrize("path", OTHERS)
def test_the_other_pages_hold_and_are_accessible(page: Firefox, path: str) -> None:
    page.open(path)
    assert amiss(page) == []
    assert violations(page) == []
    assert page.problems() == []


def test_pages_hold_beside_a_narrow_font(site: str, tmp_path: Path) -> None:
    """All of them; the other tests have a wide font beside the page's own."""
    path = installed()
    assert path
    with firefox(path, site, environment(FAMILIES[-1], tmp_path)) as page:
        for name in (*map(address, CHAPTERS), *OTHERS):
            page.open(name)
            found = amiss(page, ((320, "light"), (390, "dark"), (1280, "light")))
            assert (name, found, page.problems()) == (name, [], [])


LOOKS = ((320, "light"), (390, "dark"), (1280, "dark"), (1280, "light"))


def amiss(page: Firefox, looks: tuple[tuple[int, str], ...] = LOOKS) -> list[str]:
    """What scrolls sideways, and the words that are cut or lie over others, wide and on phones, light and dark."""
    found = []
    for width, theme in looks:
        page.theme(theme)
        page.resize(width)
        seen = [*page.evaluate(CLASHES), *page.evaluate(CLASHES_IN_PLOTS)]
        if sideways := page.evaluate(SIDEWAYS):
            seen.append(f"scrolls sideways by {sideways} pixels")
        found += [f"{width}, {theme}: {each}" for each in seen]
    return found


def violations(page: Firefox) -> list[str]:
    """What axe finds against WCAG, also in what is folded: tests/test_layout.py looks at phones in the dark."""
    page.ask("move", x=0, y=0)
    page.evaluate("() => document.querySelectorAll('details').forEach((details) => { details.open = true })")
    page.ask("script", path=str(AXE_SCRIPT))
    found: list[str] = page.evaluate(AXE, WCAG)
    return found


# ---- Explorers ---------------------------------------------------------------------------------------------------


def place(explorer: Explorer) -> str:
    return f'[data-rl-explorer="{explorer.id}"]'


def at_ends(explorer: Explorer) -> dict[str, Any]:
    return explorer.complete({control.name: control.values[-1] for control in explorer.controls})


def expect_numbers(page: Firefox, explorer: Explorer, values: dict[str, Any]) -> None:
    """The numbers beside the plot become Python's, within a few frames."""
    expected = [list(item) for item in explorer.figure(**explorer.complete(values))["numbers"].items()]
    cells = '[...document.querySelectorAll(place + " .rl-numbers > div:not([hidden])")]'
    shown = f"{cells}.map((cell) => [...cell.children].map((part) => part.textContent))"
    same = f"([place, expected]) => JSON.stringify(expected) === JSON.stringify({shown})"
    try:
        page.until(same, [place(explorer), expected])
    except RuntimeError:
        assert page.evaluate(f"(place) => {shown}", place(explorer)) == expected, explorer.code(values)


def value_of(page: Firefox, selector: str) -> float:
    value: float = page.evaluate("(selector) => Number(document.querySelector(selector).value)", selector)
    return value


def with_a_slider(chapter: Path) -> list[tuple[Explorer, Slider]]:
    found = [(explorer, control) for explorer in explorers(chapter) for control in explorer.controls]
    return [(explorer, control) for explorer, control in found if isinstance(control, Slider)]


def test_keys_and_mouse_move_a_slider(opened: Firefox, chapter: Path) -> None:
    for explorer, slider in with_a_slider(chapter)[:1]:  # a chapter may have choices alone
        handle = f'{place(explorer)} [data-control="{slider.name}"]'
        opened.click(f"{place(explorer)} .rl-reset")
        opened.press(handle, "End")
        expect_numbers(opened, explorer, {slider.name: slider.stop})
        opened.press(handle, "ArrowLeft")
        expect_numbers(opened, explorer, {slider.name: slider.stop - slider.step})
        opened.press(handle, "Home")
        expect_numbers(opened, explorer, {slider.name: slider.start})
        opened.click(handle, across=0.75)
        opened.evaluate("() => new Promise(requestAnimationFrame)")
        value = value_of(opened, handle)
        assert abs((value - slider.start) / (slider.stop - slider.start) - 0.75) < 0.1 or len(slider.values) < 10
        expect_numbers(opened, explorer, {slider.name: slider.values[slider.values.index(value)]})


def test_a_choice_and_a_preset(opened: Firefox, chapter: Path) -> None:
    explorer = next((one for one in explorers(chapter) if any(isinstance(c, Choice) for c in one.controls)), None)
    explorer = explorer or explorers(chapter)[0]  # a chapter may have sliders alone
    opened.click(f"{place(explorer)} .rl-reset")
    for choice in explorer.controls:
        if isinstance(choice, Choice):
            option = next(option for option in choice.options if option != choice.value)
            opened.click(f'{place(explorer)} label:has([data-control="{choice.name}"][data-option="{option}"])')
            expect_numbers(opened, explorer, {choice.name: option})
            break
    opened.click(f"{place(explorer)} .rl-presets > :nth-child(2)")
    expect_numbers(opened, explorer, list(explorer.presets.values())[1])


def test_what_a_slider_sets_can_be_dragged_in_the_figure(opened: Firefox, chapter: Path) -> None:
    for explorer in explorers(chapter):
        for i, handle in enumerate(explorer.figure()["layout"]["meta"]["handles"]):
            slider = f'{place(explorer)} [data-control="{handle["control"]}"]'
            opened.click(f"{place(explorer)} .rl-reset")
            seen = {value_of(opened, slider)}
            for away in (-40, 40):
                grip = f"{place(explorer)} :nth-child({i + 1} of .rl-grip)"
                opened.drag(grip, (0, away) if handle["along"] == "y" else (away, 0))
                value = value_of(opened, slider)
                control = next(control for control in explorer.controls if control.name == handle["control"])
                expect_numbers(opened, explorer, {control.name: control.values[control.values.index(value)]})
                seen.add(value)
                opened.click(f"{place(explorer)} .rl-reset")
            assert len(seen) > 1, (explorer.id, handle)


# The middles of what an explorer draws for its data, and what its bubble says.
MARKS = """(place) => {
  document.querySelector(`${place} .rl-plot`).scrollIntoView({ block: "center", behavior: "instant" });
  return [...document.querySelectorAll(`${place} .rl-plot .rl-svg :is(rect, path, circle)`)]
    .map((mark) => mark.getBoundingClientRect()).map(({ x, y, width, height }) => [x + width / 2, y + height / 2])
    .filter(([x, y]) => x > 0 && x < innerWidth && y > 60 && y < innerHeight);  // below the page's header
}"""
BUBBLE = """(place) => {
  const bubble = document.querySelector(`${place} .rl-value`);
  return bubble.hidden ? "" : bubble.textContent;
}"""


def told(explorer: Explorer) -> re.Pattern[str]:
    """What the figure says of any of its marks: words, a template with any numbers in it, a name and a number."""
    data = explorer.figure()["data"]
    said = [re.escape(words) for trace in data for words in trace.get("hovertext", ()) if words]
    templates = [trace["hovertemplate"].removesuffix("<extra></extra>") for trace in data if "hovertemplate" in trace]
    said += [".+".join(map(re.escape, re.split(r"%{.*?}", template))) for template in templates]
    said += [f"{re.escape(trace['name'])}(: .+)?" for trace in data if trace.get("name")]
    return re.compile("|".join(said))


def test_a_mark_answers_to_the_pointer(opened: Firefox, chapter: Path) -> None:
    for explorer in explorers(chapter):
        opened.click(f"{place(explorer)} .rl-reset")
        for x, y in opened.evaluate(MARKS, place(explorer)):
            opened.ask("move", x=x, y=y)
            if said := opened.evaluate(BUBBLE, place(explorer)):
                assert told(explorer).fullmatch(said), (explorer.id, said)
                break
        else:
            pytest.fail(f"{explorer.id} says nothing")


# What the page's scripts are called with: to write it again in Python takes seconds, and tests/test_notebooks.py does.
CALLS = """() => Object.fromEntries([...document.querySelectorAll("[data-rl-explorer]")].map((root) => [
  root.dataset.rlExplorer,
  root.querySelector(":scope > script").text.replace("ResidualBlock.explorer(", "").replace(/\\);\\s*$/, ""),
]))"""


def test_node_and_firefox_draw_the_same_bytes(opened: Firefox, chapter: Path, tmp_path: Path) -> None:
    calls = opened.evaluate(CALLS)
    settings = [(explorer, list(grid(explorer))) for explorer in explorers(chapter)]
    asked = [(explorer, values[:: 1 + len(values) // 4]) for explorer, values in settings]
    wanted, drawn = drawn_by_node(asked, call=lambda explorer: calls[explorer.id])
    assert len(drawn) >= 4 * len(WIDTHS)
    opened.ask("script", path=str(bundled(tmp_path)))
    assert opened.evaluate(DRAW, wanted) == drawn


# ---- The book ----------------------------------------------------------------------------------------------------


def test_an_answer_is_remembered(page: Firefox) -> None:
    chapter, quiz = next((chapter, one) for chapter in CHAPTERS for one in questions(chapter) if one.kind == "quiz")
    here = f'[data-rl-question="{quiz.name}"][data-rl-live]'
    page.open(address(chapter))
    answer = """([here, words]) => {
        const buttons = [...document.querySelectorAll(`${here} button`)];
        buttons.find((button) => button.lastChild.textContent === words).id = "the-answer";
    }"""
    page.evaluate(answer, [here, quiz.answer.replace("`", "")])
    page.click("#the-answer")
    reply = "(here) => document.querySelector(`${here} .rl-reply`).innerText"
    page.until(reply, here)
    said = page.evaluate(reply, here)
    assert "✓" in said
    page.ask("reload")
    page.until(reply, here)
    assert page.evaluate(reply, here) == said
    page.ask("go", address="book/answers.html")
    page.until("(words) => document.querySelector('[data-rl-answers]').innerText.includes(words)", quiz.question[:40])
    assert amiss(page) == [] and page.problems() == []


def test_the_search_finds_1x1(page: Firefox) -> None:
    page.open("search.html")
    page.press("main [type=search]")
    page.ask("type", text="1x1")
    page.until("() => /\\d+ sections in \\d chapters/.test(document.querySelector('main [role=status]').innerText)")
    titles = page.evaluate(
        "() => [...document.querySelectorAll('.rl-search-results h2')].map((node) => node.innerText)"
    )
    assert "The 1×1 convolution" in titles
    assert amiss(page) == [] and page.problems() == []


def test_the_theme_switch_is_remembered(page: Firefox) -> None:
    page.open(address(CHAPTERS[0]))
    look = """() => {
        const style = (part) => getComputedStyle(document.querySelector(part));
        return [document.documentElement.dataset.theme, style("body").backgroundColor,
            style(".rl-plot text").fill, style(".rl-plot .rl-svg rect").fill];
    }"""
    seen = [page.evaluate(look)]
    for _ in range(3):
        page.click(".theme-switch-button")
        seen.append(page.evaluate(look))
    light, dark = seen[0], next(each for each in seen if each[0] == "dark")
    assert {each[0] for each in seen} == {"light", "dark"} and all(a != b for a, b in zip(light, dark, strict=True))
    page.evaluate("() => { localStorage.setItem('mode', 'dark') }")
    page.ask("reload")
    assert page.evaluate(look) == dark
    assert page.problems() == []


def test_paper_is_white(page: Firefox) -> None:
    """Printed from the dark theme a page has the light theme's colours, in its text and in its figures."""
    page.open(address(CHAPTERS[0]))
    page.evaluate("() => { localStorage.setItem('mode', 'dark') }")
    page.ask("reload")
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    pdf = base64.b64decode(page.ask("print", pages="1-2"))
    drawn = b"\n".join(
        zlib.decompress(part) for part in re.findall(rb"FlateDecode.*?stream\r?\n(.*?)endstream", pdf, re.S)
    )
    used = {tuple(map(float, colour.split())) for colour in re.findall(rb"([\d.]+ [\d.]+ [\d.]+) rg", drawn)}
    for theme, there in (("light", True), ("dark", False)):
        for name in ("ink", "quiet"):
            channels = [int(colours.PAGE[theme][name][i : i + 2], 16) / 255 for i in (1, 3, 5)]
            assert any(each == pytest.approx(channels, abs=1e-3) for each in used) == there, (theme, name)
