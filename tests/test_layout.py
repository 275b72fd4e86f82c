"""Each chapter's page in a real browser, in two fonts: how it looks at any width, and whether all can reach it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import CHAPTERS
from tests.helpers.firefox import installed as firefox
from tests.helpers.fonts import FAMILIES
from tests.helpers.layout import (
    AXE,
    AXE_SCRIPT,
    CLASHES,
    CLASHES_IN_PLOTS,
    WCAG,
    address,
    resize,
    themed,
    window,
)

Open = Callable[..., Page]

# Notes beside the text that lie over one another or over anything else, or leave their column.
CLASHES_OF_NOTES = """() => {
  const box = (node) => [node, node.getBoundingClientRect()];
  const notes = [...document.querySelectorAll(".rl-cited, aside.margin")].map(box).filter(([, a]) => a.width);
  const others = [...document.querySelectorAll(`.bd-article :is(p, li, dd, h1, h2, h3, pre, table, summary, figure,
    .rl-explorer, .rl-question, .katex-display), .bd-sidebar-primary, .bd-sidebar-secondary`)].map(box);
  const edge = document.querySelector(".bd-article").getBoundingClientRect().right;
  return notes.flatMap(([note, a]) => [...notes, ...others]
    .filter(([, b]) => Math.min(a.right - b.left, b.right - a.left, a.bottom - b.top, b.bottom - a.top) > 1)
    .filter(([other]) => other.checkVisibility() && !note.contains(other) && !other.contains(note))
    .map(([other]) => `${note.textContent} over ${other.tagName} ${other.textContent.slice(0, 40)}`)
    .concat(a.right > edge ? `${note.textContent} leaves its column` : []));
}"""


# Sliders that are not at the lower end of their control, where they line up with their neighbours.
STEPS = """() => [...document.querySelectorAll(".rl-control:has([type=range])")].filter((control) => Math.abs(
  control.getBoundingClientRect().bottom - control.querySelector("input").getBoundingClientRect().bottom
) > 1).map((control) => control.textContent)"""


def test_the_tests_bring_two_families_of_fonts(browser_in: Callable[[str], Browser]) -> None:
    """Whatever fonts the machine has, the same words are by a tenth wider in one than in the other."""
    widths, used = [], []
    for family in FAMILIES:
        with browser_in(family).new_context() as context:
            page = context.new_page()
            page.set_content('<p style="float: left; font-family: Roboto, Arial, sans-serif">Deeper networks got worse')
            widths.append(page.evaluate("document.querySelector('p').getBoundingClientRect().width"))
            tools = context.new_cdp_session(page)
            tools.send("DOM.enable")
            tools.send("CSS.enable")
            root = tools.send("DOM.getDocument")["root"]["nodeId"]
            node = tools.send("DOM.querySelector", {"nodeId": root, "selector": "p"})
            used += [font["familyName"] for font in tools.send("CSS.getPlatformFontsForNode", node)["fonts"]]
    if len(FAMILIES) == 2:
        assert widths[0] > 1.1 * widths[1]
        assert [name.startswith(family) for name, family in zip(used, FAMILIES, strict=True)] == [True, True]


def holds(page: Page, widths: tuple[int, ...]) -> None:
    """Nothing scrolls sideways, no words leave their place or lie over others, nor do notes; sliders line up."""
    with window(page, widths[0]):
        for width in widths:
            resize(page, width)
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(CLASHES) == [], width
            assert page.evaluate(STEPS) == [], width
            assert page.evaluate(CLASHES_IN_PLOTS) == [], width
            assert page.evaluate(CLASHES_OF_NOTES) == [], width


def test_pages_hold_at_each_width(opened: Page) -> None:
    assert opened.evaluate("window.RL_BOOK") is True
    for reset in opened.locator("[data-rl-live] .rl-reset").all():
        reset.click()
    holds(opened, (320, 390, 768, 1280, 1400, 2560))


def test_pages_hold_without_their_fonts(unfonted: Page) -> None:
    holds(unfonted, (320, 390, 1280))


def test_a_failed_test_leaves_its_page_as_it_was(page: Open) -> None:
    opened = page(address(CHAPTERS[0]))
    with pytest.raises(ZeroDivisionError), window(opened, 320), themed(opened, "dark"):
        assert opened.evaluate("[innerWidth, document.documentElement.dataset.theme]") == [320, "dark"]
        1 / 0  # noqa: B018
    assert opened.evaluate("[innerWidth, document.documentElement.dataset.theme]") == [1280, "light"]


# What scrolls sideways and cannot be focused, or has no name.
NAMELESS = """() => [...document.querySelectorAll(".bd-article *")]
  .filter((node) => node.scrollWidth > node.clientWidth && node.clientWidth
    && /auto|scroll/.test(getComputedStyle(node).overflowX))
  .filter((node) => node.tabIndex || !node.role || !node.ariaLabel)
  .map((node) => `${node.tagName}.${node.className}: ${node.textContent.slice(0, 40)}`)"""


def violations(page: Page) -> list[str]:
    """What axe finds on the page against WCAG."""
    page.mouse.move(0, 0)  # under the pointer a link looks otherwise
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")  # what the header covers in part is too small a target
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE_SCRIPT)
    found: list[str] = page.evaluate(AXE, WCAG)
    return found


@pytest.mark.parametrize("theme", ["dark"] if firefox() else ["dark", "light"])
def test_page_is_accessible_on_a_narrow_phone(opened: Page, theme: str) -> None:
    """Also in what is folded. In the light, and wide, it is Firefox that looks at all that is here, where there is one.

    Targets are large enough for fingers, and what scrolls sideways can be focused, has a name and says that it scrolls.
    """
    with unfolded(opened), themed(opened, theme), window(opened, 320):
        assert violations(opened) == []
        assert opened.evaluate(NAMELESS) == []
        assert opened.evaluate(UNSEEN_ENDS) == []


def test_what_scrolls_has_a_name_on_a_large_screen(opened: Page) -> None:
    with unfolded(opened):
        assert opened.evaluate(NAMELESS) == []


def test_keys_reach_all_without_the_pages_fonts(unfonted: Page) -> None:
    with window(unfonted, 390), unfolded(unfonted):
        assert unfonted.evaluate(NAMELESS) == []
        assert unfonted.evaluate(UNSEEN_ENDS) == []


# What scrolls without saying so: no shade that goes at the end, or a table whose first column goes with the others or
# leaves them less than half of the room.
UNSEEN_ENDS = """() => [...document.querySelectorAll(".bd-article :is(pre, .math, .rl-table, [class*=scrollable])")]
  .filter((area) => area.clientWidth && area.scrollWidth > area.clientWidth)
  .filter((area) => {
    const style = getComputedStyle(area), first = area.querySelector("tbody tr > *"), before = area.scrollLeft;
    if (!/local.*scroll/.test(style.backgroundAttachment)) return true;
    area.scrollLeft = area.scrollWidth;
    const [outer, inner] = [area, first || area].map((node) => node.getBoundingClientRect());
    area.scrollLeft = before;
    return first && (Math.abs(inner.left - outer.left) > 1 || inner.width > outer.width / 2);
  })
  .map((area) => area.textContent.trim().slice(0, 60))"""


@contextmanager
def unfolded(page: Page) -> Iterator[None]:
    """All that is folded is open meanwhile."""
    page.evaluate(
        """async () => {
            window.folded = [...document.querySelectorAll("details:not([open])")];
            for (const details of window.folded) details.open = true;
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        }"""
    )
    try:
        yield
    finally:
        page.evaluate("() => { for (const details of window.folded) details.open = false }")


def test_what_scrolls_is_a_stop_only_while_it_scrolls(opened: Page) -> None:
    """The keyboard scrolls code that is wider than a phone; on a large screen Tab does not stop there."""
    stops = "document.querySelectorAll('.bd-article [role=group][tabindex=\"0\"][aria-label]').length"
    each_scrolls = """() => [...document.querySelectorAll('.bd-article [role=group][tabindex="0"][aria-label]')]
        .every((area) => area.matches(".rl-table") || area.scrollWidth > area.clientWidth)"""  # a table is always one
    with unfolded(opened), window(opened, 2560):
        opened.wait_for_function(each_scrolls)
        few = opened.evaluate(stops)
        assert opened.evaluate(CLASHES_OF_NOTES) == []  # code is wider than text
        widths = opened.locator(".rl-live").evaluate_all("(all) => all.map((one) => one.clientWidth)")
        assert all(900 < width < 1000 for width in widths)
        resize(opened, 320)
        opened.wait_for_function(each_scrolls)
        assert opened.evaluate(stops) > few
        code = opened.get_by_role("group", name="Code").first
        code.focus()
        opened.keyboard.press("ArrowRight")
        opened.wait_for_function("(node) => node.scrollLeft > 0", arg=code.element_handle())
        resize(opened, 2560)
        opened.wait_for_function(each_scrolls)
        assert opened.evaluate(stops) == few


def test_a_line_of_text_holds_at_most_75_characters(opened: Page) -> None:
    """On a large screen, averaged over the paragraphs of plain text: their characters over their lines' lengths."""
    with window(opened, 1920):
        characters_per_line = opened.evaluate(
            """() => {
                let characters = 0, length = 0, column = 0;
                for (const paragraph of document.querySelectorAll(".bd-article section > p")) {
                    if (paragraph.children.length) continue;
                    const range = document.createRange();
                    range.selectNodeContents(paragraph);
                    characters += paragraph.textContent.length;
                    for (const line of range.getClientRects()) length += line.width;
                    column = paragraph.getBoundingClientRect().width;
                }
                return characters / length * column;
            }"""
        )
    assert 60 < characters_per_line <= 75


def test_a_page_weighs_no_more_than_it_must(opened: Page, book: Path, chapter: Path) -> None:
    """All that a first visit fetches, compressed: a third are fonts, a quarter the theme's styles."""
    fetched = opened.evaluate("performance.getEntriesByType('resource').map((entry) => new URL(entry.name).pathname)")
    sizes = {name: len(gzip.compress((book / name.lstrip("/")).read_bytes())) for name in {address(chapter), *fetched}}
    assert any(name.endswith(".woff2") for name in sizes) and any(name.endswith("/book.js") for name in sizes)
    assert sum(sizes.values()) < 280_000, sorted((size, name) for name, size in sizes.items())
