"""Words that the glossary explains, in the page: pointed at, reached with the Tab key, tapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Locator, Page, expect

from tests.conftest import CHAPTERS
from tests.helpers.layout import AXE_SCRIPT, address

Open = Callable[..., Page]
BOOK = "book/bottleneck.html"
AXE = "async () => (await axe.run('.rl-meaning')).violations.map(({ id }) => id)"


def meaning(page: Page) -> Locator:
    return page.get_by_role("tooltip")


def words(page: Page) -> list[Locator]:
    return page.locator("a.rl-word").all()


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_each_link_to_the_glossary_is_a_word_with_its_meaning(book: Path, chapter: Path) -> None:
    soup = BeautifulSoup((book / address(chapter)).read_text(encoding="utf-8"), "html.parser")
    glossary = BeautifulSoup((book / "book" / "glossary.html").read_text(encoding="utf-8"), "html.parser")
    text = "\n".join(cell.source for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "markdown")
    links = re.findall(r"\[([^]]+)\]\(glossary\.md#([\w-]+)\)", text)
    found = [(word.get_text().replace("’", "'"), word["href"]) for word in soup.select("a.rl-word")]
    assert links and found == [(" ".join(word.split()), f"glossary.html#{anchor}") for word, anchor in links]
    for _, anchor in links:
        term = glossary.find("dt", id=anchor)
        said = soup.find(id=f"word-{anchor}").get_text()
        assert said == f"{term.find(string=True).strip()}: {term.find_next('dd').get_text().strip()}"


def test_terms_are_in_two_languages(book: Path) -> None:
    glossary = BeautifulSoup((book / "book" / "glossary.html").read_text(encoding="utf-8"), "html.parser")
    assert glossary.find("dt", id="shortcut").find(lang="zh-Hans").get_text() == "快捷连接"
    assert glossary.find("dt", id="bottleneck-block").find(lang="zh-Hans").get_text() == "瓶颈块"


def test_pointing_shows_the_meaning(page: Open) -> None:
    opened = page(BOOK)
    first, second, *_ = words(opened)
    expect(meaning(opened)).to_be_hidden()
    first.hover()
    expect(meaning(opened)).to_be_visible()
    assert meaning(opened).inner_text().startswith("interface: The number of channels")
    meaning(opened).hover()  # it stays while the pointer is on it
    expect(meaning(opened)).to_be_visible()
    second.hover()
    expect(meaning(opened)).to_contain_text("BatchNorm: ")
    opened.mouse.move(1, 1)
    expect(meaning(opened)).to_be_hidden()


def test_keys_show_and_hide_the_meaning(page: Open) -> None:
    opened = page(BOOK)
    first = words(opened)[0]
    first.focus()
    expect(meaning(opened)).to_be_visible()
    assert first.evaluate("(word) => document.getElementById(word.getAttribute('aria-describedby')).innerText")
    opened.keyboard.press("Escape")
    expect(meaning(opened)).to_be_hidden()
    first.press("Enter")
    opened.wait_for_url("**/glossary.html#interface")
    box = opened.locator("dt#interface").bounding_box()
    assert box and 0 <= box["y"] <= 800


def test_a_tap_shows_the_meaning_and_a_second_one_leads_to_the_glossary(page: Open) -> None:
    opened = page(BOOK, width=390, height=844, has_touch=True, is_mobile=True)
    first = words(opened)[0]
    first.tap()
    expect(meaning(opened)).to_be_visible()
    assert opened.url.endswith(BOOK)
    opened.get_by_role("heading", level=1).tap()
    expect(meaning(opened)).to_be_hidden()
    first.tap()
    expect(meaning(opened)).to_be_visible()
    first.tap()
    opened.wait_for_url("**/glossary.html#interface")


@pytest.mark.parametrize("name", ["about", "glossary"])
def test_the_pages_about_the_book_hold_on_a_phone(page: Open, name: str) -> None:
    opened = page(f"book/{name}.html", width=320, theme="dark", fonts=False)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 320
    opened.add_script_tag(path=AXE_SCRIPT)
    assert opened.evaluate(AXE.replace(".rl-meaning", ".bd-article")) == []


@pytest.mark.parametrize(("width", "theme"), [(320, "dark"), (1440, "light")])
def test_a_meaning_is_in_the_window_and_can_be_read(page: Open, width: int, theme: str) -> None:
    opened = page(BOOK, width=width, theme=theme)
    for word in words(opened):
        word.focus()
        box, line = meaning(opened).bounding_box(), word.bounding_box()
        assert box and line and box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= line["y"] + line["height"] - 1 or box["y"] + box["height"] <= line["y"] + 1
        assert box["y"] >= 0 and box["y"] + box["height"] <= 800
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    opened.add_script_tag(path=AXE_SCRIPT)
    assert opened.evaluate(AXE) == []
