"""Code on demand: folded to a line that says what it is, opened one by one or all at once, and never in a notebook."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.conftest import CHAPTERS
from tests.helpers.layout import address

Open = Callable[..., Page]
PAGE = address(next(path for path in CHAPTERS if path.stem == "basic"))
KEY = "residual-block:code"
SEEN = "() => [...document.querySelectorAll('details.rl-code')].map((code) => code.open)"
DENIED = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })"


def cells(chapter: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]


def is_folded(cell: nbformat.NotebookNode) -> bool:
    """Whether the page folds it: it is not a reader's own, and no tag removes or hides more than its code."""
    return not {"remove-cell", "remove-input", "hide-cell"} & {*cell.metadata.get("tags", [])} and (
        "rl.check(" not in cell.source
    )


def test_each_cell_is_a_line_above_its_result(opened: Page, chapter: Path) -> None:
    """As many as the notebook has, in its order, with the number of its lines; outputs and exercises stay shown."""
    folded = [cell for cell in cells(chapter) if is_folded(cell)]
    lines = opened.locator("details.rl-code > summary").all_inner_texts()
    assert len(lines) == len(folded) > 0
    for line, cell in zip(lines, folded, strict=True):
        count = len(cell.source.strip().splitlines())
        assert re.fullmatch(rf"Code: (?:\S.*, )?{count} lines?", line.strip()), line
        for name in re.findall(r"defines (\w+)", line):
            assert name in {node.name for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.FunctionDef)}
    assert not any(opened.evaluate(SEEN))
    assert opened.locator("details.rl-code .cell_output, details.rl-code figure").count() == 0
    to_fill = [cell for cell in cells(chapter) if "rl.check(" in cell.source and not cell.metadata.get("tags")]
    shown = opened.locator(".bd-article .cell_input pre:visible").all_inner_texts()
    assert [text.strip() for text in shown] == [cell.source.strip() for cell in to_fill]


def test_the_notebook_that_one_downloads_hides_nothing_more(book: Path, chapter: Path) -> None:
    """What the page folds has no tag for it in the notebook, or the one that its author gave it."""
    ours, theirs = (nbformat.read(path, as_version=4) for path in (chapter, book / "_sources" / "book" / chapter.name))
    assert [cell.metadata for cell in ours.cells] == [cell.metadata for cell in theirs.cells]


def test_the_switch_shows_all_and_is_remembered(page: Open) -> None:
    opened = page(PAGE)
    switch = opened.get_by_role("switch", name="Show all code")
    assert switch.get_attribute("aria-checked") == "false"
    switch.focus()
    opened.keyboard.press("Space")
    assert switch.get_attribute("aria-checked") == "true" and all(opened.evaluate(SEEN))
    assert opened.locator("details:not(.rl-code)[open]").count() == 0  # solutions stay folded
    opened.goto(opened.url.replace("basic", "shortcut"))
    assert opened.get_by_role("switch").get_attribute("aria-checked") == "true" and all(opened.evaluate(SEEN))
    opened.get_by_role("switch").press("Enter")
    assert not any(opened.evaluate(SEEN))
    opened.reload()
    assert not any(opened.evaluate(SEEN)) and opened.evaluate("(key) => localStorage.getItem(key)", KEY) is None


def test_it_is_open_before_book_js_has_come(page: Open) -> None:
    """The page does not move under its reader: no code is folded when the body has been read, without our script."""
    opened = page(PAGE)
    opened.evaluate("(key) => localStorage.setItem(key, 'shown')", KEY)
    opened.route("**/book.js*", lambda route: route.fulfill(body=""))
    opened.reload(wait_until="domcontentloaded")
    assert all(opened.evaluate(SEEN)) and opened.locator("details.rl-code").count() > 5


@pytest.mark.parametrize("width", [1280, 390])
def test_what_one_reads_stays_where_it_is(page: Open, width: int) -> None:
    opened = page(PAGE, width=width)
    place = opened.locator("section#exercises > h2")
    place.evaluate("(heading) => scrollTo({ top: heading.offsetTop - 200, behavior: 'instant' })")
    opened.evaluate("() => new Promise(requestAnimationFrame)")
    before = place.bounding_box()
    assert before and 0 < before["y"] < 800
    for shown in ("true", "false"):
        opened.get_by_role("switch").evaluate("(button) => button.click()")  # Playwright's own click scrolls first
        assert opened.get_by_role("switch").get_attribute("aria-checked") == shown
        opened.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        after = place.bounding_box()
        assert after and after["y"] == pytest.approx(before["y"], abs=1)


def test_a_browser_that_denies_storage_shows_code_all_the_same(browser: object, site: str) -> None:
    context = browser.new_context()  # type: ignore[attr-defined]
    try:
        context.add_init_script(DENIED)
        opened = context.new_page()
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(error.stack or error.message))
        opened.goto(f"{site}/{PAGE}", wait_until="load")
        opened.get_by_role("switch").click()
        assert all(opened.evaluate(SEEN))
        assert [problem for problem in problems if "rl-code" in problem or "residual-block:code" in problem] == []
    finally:
        context.close()


def test_without_scripts_each_cell_opens_by_itself(page: Open) -> None:
    opened = page(PAGE, java_script_enabled=False)
    assert opened.get_by_role("switch").count() == 0
    code = opened.locator("details.rl-code").first
    assert not code.locator("pre").is_visible()
    code.locator("summary").click()
    assert code.locator("pre").is_visible()


def test_print_shows_results_and_folds_code(page: Open) -> None:
    opened = page(PAGE)
    opened.emulate_media(media="print")
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not any(opened.evaluate(SEEN))
    results = opened.locator("div.cell:has(details.rl-code) > .cell_output")
    assert results.count() > 5 and all(result.is_visible() for result in results.all())


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_switch_has_room_in_the_header(page: Open, width: int) -> None:
    """It is large enough for a finger, and lies over nothing."""
    opened = page(PAGE, width=width)
    buttons = opened.locator(".bd-header-article :is(button, a.btn):visible")
    boxes = [box for box in (button.bounding_box() for button in buttons.all()) if box]
    switch = opened.get_by_role("switch").bounding_box()
    assert switch and min(switch["width"], switch["height"]) >= 24 and len(boxes) >= 4
    boxes.sort(key=lambda box: box["x"])
    for a, b in itertools.pairwise(boxes):
        assert a["x"] + a["width"] <= b["x"] + 0.5
    assert boxes[-1]["x"] + boxes[-1]["width"] <= width
    assert opened.evaluate("document.documentElement.scrollWidth") == width
