"""The search, what a page says of itself to others, its references and anchors, its licences, and trusted notebooks."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from PIL import Image
from playwright.sync_api import Page

from resnet_lib.colours import BASIC, BOTTLENECK, LIGHT_BOTTLENECK
from tests.conftest import CHAPTERS, NAMES, ROOT, make
from tests.helpers.layout import address
from tests.helpers.made import questions

sys.path.append(str(ROOT / "book" / "_ext"))
residual_found: Any = importlib.import_module("residual_found")
residual_search: Any = importlib.import_module("residual_search")
Open = Callable[..., Page]
BOOK = "Inside the Residual Block"


# ---- Search ------------------------------------------------------------------------------------------------------


def searched(opened: Page, query: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The chapters that are shown, each with its sections: address, title and sentences."""
    opened.get_by_role("main").get_by_role("searchbox").fill(query)
    groups: list[Any] = opened.evaluate(
        """() => [...document.querySelectorAll(".rl-search-results > section")].map((group) => [
            group.querySelector("h2").textContent,
            [...group.querySelectorAll("li")].map((item) => [item.querySelector("a").getAttribute("href"),
                item.querySelector("a").textContent, item.querySelector("p").textContent])])"""
    )
    return [(chapter, [(href, title, text) for href, title, text in found]) for chapter, found in groups]


WANTED = {  # the section that a reader wants among the first three
    "1×1": "book/one_by_one.html",
    "1x1": "book/one_by_one.html",
    "3×3": "book/one_by_one.html#a-33-is-nine-of-them",
    "skip connection": "book/shortcut.html",
    "identity mapping": "book/shortcut.html#three-answers",
    "pointwise": "book/one_by_one.html",
    "degradation": "book/deeper.html#the-error-is-in-the-training",
    "receptive field": "book/networks.html#deeper-does-not-see-more",
    "batch normalization": "book/deeper.html#batchnorm-and-relu-make-it-explode",
    "resnet50": "book/bottleneck.html#why-does-resnet-50-cost-more",
    "FLOPs": "book/glossary.html",
    "vanishing gradients": "book/deeper.html#do-the-gradients-vanish",
    "option A": "book/shortcut.html#three-answers",
    "zero padding": "book/shortcut.html#three-answers",
    "depthwise": "book/convolution.html#groups-save-macs-but-hardly-any-bytes",
}


@pytest.fixture(scope="module")
def index(book: Path) -> Any:
    text = (book / "_static" / "search-index.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.RL_SEARCH=").removesuffix(";\n"))


def test_ten_readers_find_what_they_want(page: Open) -> None:
    opened = page("search.html")
    for query, wanted in WANTED.items():
        found = searched(opened, query)
        best = [href for _, sections in found[:3] for href, _, _ in sections[:3]]
        assert wanted in best, (query, best)
        chapters = [chapter for chapter, _ in found]
        assert len(chapters) == len(set(chapters)), query


def test_the_book_spells_1x1_as_its_readers_do(page: Open) -> None:
    opened = page("search.html")
    for spellings in (("1×1", "1x1", "1 x 1", "1X1"), ("3×3", "3x3", "3 × 3"), ("shortcut", "shortcuts", "Shortcut")):
        first, *others = (searched(opened, query) for query in spellings)
        assert first and all(other == first for other in others), spellings


def test_each_result_is_a_place_in_the_book(page: Open, index: Any, book: Path) -> None:
    """Every section of every page has an anchor there, under its title, and one click leads to it."""
    for one in index["pages"]:
        soup = BeautifulSoup((book / one["url"]).read_text(encoding="utf-8"), "html.parser")
        for anchor, title, _ in one["sections"]:
            place = soup.find(id=anchor) if anchor else soup.find("article")
            assert place, anchor
            heading = place.find(re.compile("h[1-4]")).get_text()
            assert "".join(title.split()) in "".join(heading.split())
    others = [f"book/{name}.html" for name in ("about", "answers", "glossary")]
    assert [one["url"] for one in index["pages"]] == [*map(address, CHAPTERS), *others]
    opened = page("search.html?q=receptive+field")
    opened.get_by_role("link", name="Deeper does not see more").click()
    opened.wait_for_url("**/networks.html#deeper-does-not-see-more")


def test_the_index_holds_sentences_and_no_answers(index: Any) -> None:
    """No answer to a prediction, a quiz or an exercise, no explanation of one, no code, no TeX, no navigation."""
    text = " ".join(" ".join(lines) for one in index["pages"] for _, _, lines in one["sections"])
    for chapter in CHAPTERS:
        for question in questions(chapter):
            for reply in (question.answer, *getattr(question, "replies", {}).values()):
                assert len(reply) < 25 or reply not in text, reply
        solutions = [
            part
            for cell in nbformat.read(chapter, as_version=4).cells
            if cell.cell_type == "markdown" and cell.source.startswith("<details>")
            for part in re.split(r"(?<=[.]) ", " ".join(cell.source.split("</summary>")[1].split()))
        ]
        assert len(solutions) > 3 and not [part for part in solutions if len(part) > 25 and part in text]
    assert not re.search(r"[\\{}]|\$|</|import resnet_lib|Show the code|\.ipynb|Contents", text)
    assert len(text) > 50_000


def test_a_query_that_finds_nothing_says_so(page: Open) -> None:
    opened = page("search.html?q=<img src=x onerror=alert(1)>")
    status = opened.get_by_role("main").get_by_role("status")
    assert "Nothing in the book" in status.inner_text() and opened.locator("main img").count() == 0
    for query in ("", "   ", "×", "%", "…", "(", "\\"):
        assert searched(opened, query) == []
    searched(opened, "stride")
    assert re.fullmatch(r"\d+ sections in \d chapters", status.inner_text())
    assert opened.url.endswith("?q=stride")


def test_the_search_works_from_a_folder(browser: Any, book: Path) -> None:
    with browser.new_context() as context:
        opened = context.new_page()
        opened.goto((book / "search.html").as_uri() + "?q=skip+connection")
        assert opened.locator(".rl-search-results h2").first.inner_text() == "The shortcut"
        opened.locator(".rl-search-results a").first.click()
        opened.wait_for_url("**/book/shortcut.html")


def test_sphinx_writes_no_index_of_its_own(book: Path) -> None:
    assert not (book / "searchindex.js").exists()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_magnifier_is_beside_the_words(page: Open, width: int) -> None:
    opened = page(PAGE, width=width)
    opened.keyboard.press("Control+k")
    field = opened.locator(".search-button__search-container input")
    field.wait_for()
    icon = opened.locator(".search-button__search-container form > :is(i, svg)").bounding_box()
    text = field.evaluate("(f) => f.getBoundingClientRect().left + parseFloat(getComputedStyle(f).paddingLeft)")
    assert icon and icon["width"] > 5 and icon["x"] + icon["width"] <= text
    field.fill("1x1")
    field.press("Enter")
    opened.wait_for_url("**/search.html?q=1x1")
    assert opened.get_by_role("main").get_by_role("searchbox").input_value() == "1x1"
    assert opened.evaluate("document.documentElement.scrollWidth") == width


PAGE = address(CHAPTERS[-1])


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        ("18c^2", "18c²"),
        (r"2Cw + 9w^2 \le 73{,}728", "2Cw + 9w² ≤ 73,728"),
        (r"W_s", "Ws"),
        (r"\frac{9}{2g}", "9/2g"),
        (r"\sum_{i=1}^{n} x_i", "…"),
        (r"\unknown", "…"),
    ],
)
def test_a_formula_is_read_or_left_open(tex: str, text: str) -> None:
    assert residual_search.readable(tex) == text


# ---- What a page says of itself ------------------------------------------------------------------------------------


def head(path: Path) -> tuple[str, dict[str, str]]:
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    assert soup.title and soup.title.string
    meta = {
        str(tag.get("name") or tag.get("property")): str(tag["content"])
        for tag in soup("meta")
        if "content" in tag.attrs
    }
    return soup.title.string, meta


def test_pages_introduce_themselves(book: Path) -> None:
    """Each in its own words, from its text; and there is no address that nobody gave."""
    seen = set()
    for chapter in CHAPTERS:
        title, meta = head(book / address(chapter))
        assert BOOK in title and meta["og:site_name"] == BOOK and meta["twitter:card"] == "summary"
        assert 60 <= len(meta["description"]) <= 200 and meta["description"] == meta["og:description"]
        assert not re.search(r"[\\$<]", meta["description"])
        seen.add((title, meta["description"], meta["og:title"]))
        html = (book / address(chapter)).read_text(encoding="utf-8")
        assert 'rel="canonical"' not in html and "og:image" not in html
        assert html.count('name="theme-color"') == 2
    assert len(seen) == len(CHAPTERS)
    assert not (book / "sitemap.xml").exists()


def test_the_first_page_bears_the_book_s_name(page: Open, book: Path) -> None:
    title, meta = head(book / address(CHAPTERS[0]))
    assert title.startswith(BOOK) and meta["og:title"] == BOOK
    opened = page(address(CHAPTERS[0]))
    assert BOOK in opened.locator("h1:visible").inner_text()
    assert " ".join(opened.locator(".navbar-brand").inner_text().split()) == BOOK


def test_the_entry_has_a_title_and_a_link(page: Open, book: Path) -> None:
    title, meta = head(book / "index.html")
    assert title == BOOK and meta["description"]
    assert f'<a href="{address(CHAPTERS[0])}">' in (book / "index.html").read_text(encoding="utf-8")
    opened = page("index.html")
    opened.wait_for_url(f"**/{address(CHAPTERS[0])}")


def test_a_missing_page_leads_back(page: Open) -> None:
    opened = page("404.html")
    assert "not in the book" in opened.locator("h1:visible").inner_text()
    opened.get_by_role("main").get_by_role("link", name="Start here").click()
    opened.wait_for_url(f"**/{address(CHAPTERS[0])}")


@pytest.mark.parametrize(
    ("source", "pages"),
    [
        ("https://github.com/Some/Book", "https://some.github.io/Book/"),
        ("https://github.com/some/some.github.io", "https://some.github.io/"),
        ("https://gitlab.com/a/b", "https://a.gitlab.io/b/"),
        ("https://codeberg.org/a/b", ""),
        (None, ""),
    ],
)
def test_where_a_forge_publishes(source: str | None, pages: str) -> None:
    assert residual_found.published(source) == pages


@pytest.fixture(scope="module")
def addressed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of two small pages, with an address, made with our extensions."""
    folder = tmp_path_factory.mktemp("addressed")
    (folder / "index.md").write_text(
        '# Start here\n\nA first sentence with "quotes" & more, long enough. See {cite:p}`k`, {cite:t}`k`.\n\n'
        "```{toctree}\nbasic\n```\n\n## Takeaway\n\n```{bibliography}\n```\n"
    )
    (folder / "basic.md").write_text(
        "# The basic block\n\nIt has two convolutions [[B, 2016](https://arxiv.org/abs/1512.03385)].\n\n"
        ":::{margin}\n**Block.** A few layers.\n:::\n\nSo says B [[2016](https://arxiv.org/abs/1512.03385)].\n\n"
        "## Exercises\n\n**Exercise 1.** How many? See [here](https://arxiv.org/abs/1512.03386).\n"
    )
    (folder / "r.bib").write_text(
        "@misc{k, author={Ada B}, title={T}, year={2016}, note={arXiv:1512.03385 and https://example.org/a.}}\n"
    )
    (folder / "conf.py").write_text(
        f"import sys\nsys.path += [{str(ROOT)!r}, {str(ROOT / 'book' / '_ext')!r}]\nhtml_title = {BOOK!r}\n"
        "extensions = ['myst_nb', 'sphinx_book_theme', 'sphinxcontrib.bibtex', 'residual_found', 'residual_search',"
        "'residual_cited']\n"
        "html_theme = 'sphinx_book_theme'\nbibtex_bibfiles = ['r.bib']\nhtml_baseurl = 'https://example.org/book/'\n"
        "bibtex_reference_style = 'author_year'\n"
        "suppress_warnings = ['bibtex.duplicate_citation']\nmyst_enable_extensions = ['colon_fence']\n"
    )
    out = folder / "_out"
    run = subprocess.run([sys.executable, "-m", "sphinx", "-q", str(folder), str(out)], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return out


def test_with_an_address_pages_are_canonical_and_have_pictures(addressed: Path) -> None:
    base = "https://example.org/book/"
    for name in ("index", "basic"):
        soup = BeautifulSoup((addressed / f"{name}.html").read_text(encoding="utf-8"), "html.parser")
        if name == "basic":
            assert [link["href"] for link in soup("link", rel="canonical")] == [f"{base}{name}.html"]
            _, meta = head(addressed / f"{name}.html")
            assert meta["og:url"] == f"{base}{name}.html" and meta["og:image"] == f"{base}_static/previews/{name}.png"
            assert meta["twitter:card"] == "summary_large_image"
        with Image.open(addressed / "_static" / "previews" / f"{name}.png") as image:
            assert image.size == (1200, 630) and image.format == "PNG"
    tree = ElementTree.parse(addressed / "sitemap.xml")
    places = [place.text for place in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == [f"{base}index.html", f"{base}basic.html"]
    assert '<base href="/book/">' in (addressed / "404.html").read_text(encoding="utf-8")


def test_pictures_differ_and_show_the_blocks_in_their_colours() -> None:
    made = [residual_found.preview(name, i, len(NAMES)) for i, name in enumerate(NAMES)]
    assert len(set(made)) == len(NAMES) and max(map(len, made)) < 20_000
    for name, data in zip(NAMES, made, strict=True):
        image = Image.open(io.BytesIO(data)).convert("RGB")
        colours = {f"#{r:02X}{g:02X}{b:02X}" for _, (r, g, b) in image.getcolors(99)}  # type: ignore[misc,union-attr]
        assert (BASIC in colours) == (name not in ("bottleneck", "one_by_one"))
        assert (BOTTLENECK in colours) == (name != "basic") == (LIGHT_BOTTLENECK not in colours)


# ---- References, exercises, licences ---------------------------------------------------------------------------------


def test_references_have_a_heading_links_and_ways_back(opened: Page) -> None:
    assert opened.locator("section#references > h2").count() == 1
    assert opened.locator(".bd-toc-nav a[href='#references']").count() == 1
    entries = opened.locator("section#references .citation")
    assert entries.count() > 0
    for entry in entries.all():
        for number in re.findall(r"arXiv:(\d{4}\.\d+)", entry.inner_text()):
            assert entry.locator(f"a[href='https://arxiv.org/abs/{number}']").inner_text() == f"arXiv:{number}"
        backs = entry.locator("a.rl-back")
        assert backs.count() > 0 and not re.search(
            r"https?://",
            entry.locator("p").evaluate(
                "(p) => [...p.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).join('')"
            ),
        )
        for back in backs.all():
            assert back.is_visible() and back.get_attribute("aria-label")
            assert opened.locator(f"[id='{(back.get_attribute('href') or '')[1:]}']").count() == 1


def test_a_citation_leads_to_its_entry_and_back(page: Open) -> None:
    opened = page(PAGE)
    cited = opened.locator("article a[role=doc-biblioref], article a[href^='#id']").first
    cited.click()
    entry = opened.locator(".citation:target")
    assert entry.evaluate("(node) => getComputedStyle(node).outlineStyle") == "solid"
    entry.locator("a.rl-back").first.click()
    assert opened.evaluate("!document.querySelector('.citation:target') && location.hash.length > 1")


def test_a_link_to_a_paper_becomes_a_citation_with_a_note(addressed: Path) -> None:
    """The first of a section has the note, which is for the eye alone; another link stays a link."""
    soup = BeautifulSoup((addressed / "basic.html").read_text(encoding="utf-8"), "html.parser")
    first, second = soup("span", class_="bibtex-citation")
    (entry,) = soup.select("section#references .citation")
    assert [cited.a["href"] for cited in (first, second)] == 2 * [f"#{entry['id']}"]
    assert (first.get_text(), second.get_text()) == ("[B, 2016]", "B [2016]")
    (note,) = soup(class_="rl-cited")
    assert note.find_next_sibling() is first and note["aria-hidden"] == "true"
    assert note.get_text("|") == "B, 2016|T|arXiv:1512.03385 and https://example.org/a."
    assert soup.find("a", href="https://arxiv.org/abs/1512.03386").get_text() == "here"
    assert soup.select_one("aside.margin").get_text(" ", strip=True) == "Block. A few layers."


def test_each_exercise_has_an_anchor(opened: Page, chapter: Path) -> None:
    text = "\n".join(cell.source for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "markdown")
    numbers = re.findall(r"^\*\*Exercise (\d+)\.\*\*", text, re.MULTILINE)
    assert numbers
    for number in numbers:
        place = opened.locator(f"p#exercise-{number}")
        assert place.inner_text().startswith(f"Exercise {number}.")
        link = place.locator("a.headerlink")
        link.focus()
        assert link.evaluate("(link) => document.activeElement === link && getComputedStyle(link).opacity") == "1"


def test_addresses_in_references_are_found() -> None:
    made = list(residual_found._linked("See arXiv:1512.03385; https://a.org/b(c). End"))
    links = [(node.astext(), node["refuri"]) for node in made if isinstance(node, nodes.reference)]
    assert links[0] == ("arXiv:1512.03385", "https://arxiv.org/abs/1512.03385") and len(links) == 2
    assert "".join(node.astext() for node in made) == "See arXiv:1512.03385; https://a.org/b(c). End"
    assert list(residual_found._linked("nothing here")) == []


def test_every_page_names_the_licences(opened: Page, book: Path) -> None:
    line = opened.locator("footer .rl-licence")
    assert line.inner_text() == "Text and figures: CC BY 4.0. Code: MIT."
    assert line.locator("a").first.get_attribute("href") == "https://creativecommons.org/licenses/by/4.0/"
    text = (book / "LICENSE.txt").read_text(encoding="utf-8")
    assert text == (ROOT / "LICENSE").read_text(encoding="utf-8")
    for licence in ("CC BY 4.0", "MIT"):
        assert licence in text and licence in (ROOT / "README.md").read_text(encoding="utf-8")


# ---- Jupyter ---------------------------------------------------------------------------------------------------


def test_make_lab_trusts_the_chapters_first(tmp_path: Path) -> None:
    """The command that make runs, with a home of its own; then Jupyter holds each chapter for trusted."""
    from nbformat.sign import NotebookNotary

    command = make("--dry-run", "lab").stdout.splitlines()[-1]
    trust, separator, lab = command.rpartition(" && ")
    assert separator and "jupyter lab" in lab and "trust" in trust
    environment = os.environ | {"JUPYTER_DATA_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    subprocess.run(trust, shell=True, cwd=ROOT, env=environment, check=True, capture_output=True)
    notary = NotebookNotary(data_dir=str(tmp_path))
    assert all(notary.check_signature(nbformat.read(chapter, as_version=4)) for chapter in CHAPTERS)
    notary.store.close()


def test_the_notebook_that_one_downloads_says_how_to_get_the_library(book: Path, chapter: Path) -> None:
    html = (book / address(chapter)).read_text(encoding="utf-8")
    found = re.search(r'href="\.\./(_sources/[^"]*\.ipynb)"', html)
    assert found
    notebook = nbformat.read(book / found[1], as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert "pip install" in first.source and "resnet_lib" in first.source
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p and "
            f"{str(ROOT)!r} != p]; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
            + first.source.replace("%pip", "pass #"),
        ],
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert run.returncode and "needs the book's library" in run.stderr
