"""The page before its text: light or dark from the head on, shipped fonts that have each character, formulas, icons."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser, Page
from sphinx.errors import ExtensionError

from book._ext import residual_fonts, residual_icons, residual_math
from tests.conftest import CHAPTERS
from tests.helpers.layout import address

BOTTLENECK = "book/bottleneck.html"


def shipped(book: Path) -> dict[str, set[str]]:
    """The characters that each shipped font has, by the name of its file without what changes with its content."""
    fonts = {path.name.rpartition("-")[0]: TTFont(path) for path in (book / "_static").glob("*.woff2")}
    return {name: {chr(code) for code in font.getBestCmap()} for name, font in fonts.items()}


# ---- Light and dark --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", [None, "light", "dark", "auto", "junk"])
@pytest.mark.parametrize("system", ["light", "dark"])
def test_theme_is_known_before_the_first_style_sheet(browser: Browser, site: str, system: str, stored: str) -> None:
    """By the chosen mode and the system: the theme of a former visit, stored beside the mode, is of no account."""
    with browser.new_context(color_scheme=system) as context:  # type: ignore[arg-type]
        store = f"localStorage.setItem('mode', '{stored}'); localStorage.setItem('theme', 'light')" if stored else ""
        record = """new MutationObserver((_, observer) => {
              if (!document.querySelector("link[rel=stylesheet]")) return;
              window.atFirst = document.documentElement.dataset.theme;
              observer.disconnect();
            }).observe(document, { childList: true, subtree: true });"""
        context.add_init_script(f"{store};{record}")
        page = context.new_page()
        page.goto(f"{site}/{BOTTLENECK}", wait_until="commit")
        page.wait_for_function("window.atFirst")
        expected = stored if stored in ("light", "dark") else system
        assert page.evaluate("window.atFirst") == expected
        page.wait_for_load_state("load")
        assert page.evaluate("document.documentElement.dataset.theme") == expected


def test_without_scripts_a_page_is_light_and_has_its_formulas(browser: Browser, site: str) -> None:
    with browser.new_context(color_scheme="dark", java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{site}/{BOTTLENECK}")
        assert page.locator("html").get_attribute("data-theme") == "light"
        assert page.locator(".katex").first.is_visible()


def test_a_browser_that_denies_its_storage_has_a_theme(browser: Browser, site: str) -> None:
    with browser.new_context(color_scheme="dark") as context:
        deny = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('denied') } })"
        context.add_init_script(deny)
        page = context.new_page()
        page.goto(f"{site}/{BOTTLENECK}", wait_until="domcontentloaded")
        assert page.locator("html").get_attribute("data-theme") == "dark"


def test_paper_is_white(page: Callable[..., Page]) -> None:
    """Printed from the dark theme a page is light, and dark again afterwards."""
    shown = page(BOTTLENECK, theme="dark")
    theme = "document.documentElement.dataset.theme"
    for media, expected in (("print", "light"), ("screen", "dark")):
        shown.emulate_media(media=media)  # type: ignore[arg-type]
        shown.wait_for_function(f"{theme} === '{expected}'")
    for event, expected in (("beforeprint", "light"), ("afterprint", "dark")):
        assert shown.evaluate(f"dispatchEvent(new Event('{event}')) && {theme}") == expected


# ---- Fonts -----------------------------------------------------------------------------------------------------------


def test_every_character_has_a_shipped_font(book: Path) -> None:
    """Each of the text in the serif, the sans serif or the signs; each of the code in a font of one width."""
    has = shipped(book)
    for path in (book / address(chapter) for chapter in CHAPTERS):
        text = re.sub(r"(?s)<math.*?</math>|<(script|style).*?</\1>", "", path.read_text(encoding="utf-8"))
        code = "".join(re.findall(r"(?s)<(?:pre|code)\b.*?</(?:pre|code)>", text))
        for part, fonts in ((text, ("rl-serif-normal", "rl-signs")), (text, ("rl-sans-normal", "rl-signs"))):
            signs = {sign for sign in html.unescape(re.sub(r"<[^>]*>", "", part)) if sign.isprintable()}
            assert signs - set().union(*(has[font] for font in fonts)) == set(), path.name
        signs = {sign for sign in html.unescape(re.sub(r"<[^>]*>", "", code)) if sign.isprintable()}
        assert signs - has["rl-mono-normal"] - has["rl-mono-signs"] == set(), path.name


USED = {
    ".bd-article section > p": "RL Serif",
    ".bd-article h1": "RL Sans",
    ".bd-article figcaption p": "RL Sans",
    ".bd-sidebar-primary nav a": "RL Sans",
    ".rl-explorer .rl-numbers dd": "RL Sans",
    ".rl-draw text": "RL Sans",
    ".bd-article .cell_input pre": "RL Mono",
    ".katex-html .mathnormal": "KaTeX_Math",
}


def test_the_shipped_families_are_used(page: Callable[..., Page]) -> None:
    opened = page(BOTTLENECK)
    opened.evaluate("() => { for (const folded of document.querySelectorAll('details')) folded.open = true }")
    opened.evaluate("document.fonts.ready")
    tools = opened.context.new_cdp_session(opened)
    tools.send("DOM.enable")
    tools.send("CSS.enable")
    document = tools.send("DOM.getDocument")["root"]["nodeId"]
    for selector, family in USED.items():
        node = tools.send("DOM.querySelector", {"nodeId": document, "selector": selector})
        fonts = tools.send("CSS.getPlatformFontsForNode", node)["fonts"]
        assert fonts and all(font["isCustomFont"] for font in fonts), (selector, fonts)
        assert family in {font["familyName"] for font in fonts}, selector


def test_fonts_bear_no_reserved_name_and_keep_their_licence(book: Path) -> None:
    for path in (book / "_static").glob("rl-*.woff2"):
        names = TTFont(path)["name"]
        assert "source" not in str(names.getDebugName(1)).lower()
        assert names.getDebugName(0)  # whose they are


def test_text_without_its_fonts_takes_the_same_room(site: str, browser: Browser) -> None:
    """A system's font is scaled: a paragraph is within 6 % as wide in it."""
    widths = []
    for blocked in (False, True):
        with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
            if blocked:
                context.route("**/*.woff2", lambda route: route.abort())
            page = context.new_page()
            page.goto(f"{site}/{BOTTLENECK}", wait_until="load")
            page.evaluate("document.fonts.ready")
            widths.append(
                page.evaluate(
                    """() => {
                        const range = document.createRange();
                        range.selectNodeContents(document.querySelector(".bd-article section > p"));
                        return [...range.getClientRects()].reduce((sum, box) => sum + box.width, 0);
                    }"""
                )
            )
    assert abs(widths[1] / widths[0] - 1) < 0.06


def test_a_subset_has_what_it_was_asked_for(tmp_path: Path) -> None:
    source = residual_fonts.FACES[2][2]
    kept = residual_fonts.subset(source, "ab⊕", tmp_path / "a.woff2", axes={"wght": residual_fonts.WEIGHTS}, family="X")
    font = TTFont(tmp_path / "a.woff2")
    assert kept == {"a", "b"} == {chr(code) for code in font.getBestCmap()}
    (axis,) = font["fvar"].axes
    assert (axis.minValue, axis.defaultValue, axis.maxValue) == (400, 400, 700)
    assert residual_fonts.subset(source, "⊕", tmp_path / "b.woff2") == set()
    assert not (tmp_path / "b.woff2").exists()


# ---- Formulas --------------------------------------------------------------------------------------------------------


def test_formulas_stand_in_the_page_and_their_style_only_where_they_are(book: Path) -> None:
    for path in (book / address(chapter) for chapter in CHAPTERS):
        text = path.read_text(encoding="utf-8")
        formulas = text.count('class="math notranslate')
        assert text.count('<math xmlns="http://www.w3.org/1998/Math/MathML"') == formulas
        assert ("math.css" in text) == (formulas > 0)
        assert "katex-error" not in text
        soup = BeautifulSoup(text, "html.parser")
        for element, parts in (("mfrac", 2), ("msub", 2), ("msup", 2), ("msubsup", 3), ("mover", 2), ("munder", 2)):
            for found in soup.find_all(element):
                assert len(found.find_all(recursive=False)) == parts


def test_a_formula_with_a_mistake_ends_the_build_with_its_tex() -> None:
    good, bad = (r"C \cdot w", False), (r"\frac{1}{2", True)
    assert "katex" in residual_math.typeset([good])[good]
    for tex in (bad, (r"\unknown x", False)):
        with pytest.raises(ExtensionError) as raised:
            residual_math.typeset([good, tex])
        assert tex[0] in str(raised.value) and good[0] not in str(raised.value)


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_left_end_of_a_display_is_in_reach(page: Callable[..., Page], width: int) -> None:
    """Also if it is wider than its place: it then scrolls inside itself, is named and can be focused."""
    opened = page("book/one_by_one.html", width=width + 100)
    opened.evaluate("""() => {
        const wide = document.querySelector(".katex-display").parentElement;
        const half = wide.querySelector(".katex-html");
        for (let i = 0; i < 60; i++) half.append(half.firstChild.cloneNode(true));
    }""")
    opened.set_viewport_size({"width": width, "height": 800})
    display = opened.locator("div.math:has(.katex-display)").first
    opened.wait_for_function("(node) => node.role === 'group'", arg=display.element_handle())
    assert display.get_attribute("aria-label") == "Equation"
    assert display.evaluate(
        "(n) => n.querySelector('.katex-base').getBoundingClientRect().left >= n.getBoundingClientRect().left - 1"
    )
    assert opened.evaluate("document.documentElement.scrollWidth") == width


# ---- Icons, style sheets ---------------------------------------------------------------------------------------------


def test_every_icon_of_a_page_has_its_glyph(page: Callable[..., Page], book: Path) -> None:
    opened = page(BOTTLENECK)
    shown = opened.evaluate(
        """() => [...document.querySelectorAll("i, span")].filter((n) => /\\bfa[bs]?\\b|\\bfa-/.test(n.className))
            .map((n) => [n.className, getComputedStyle(n, "::before").content.replaceAll('"', "")])"""
    )
    has = set().union(*(signs for name, signs in shipped(book).items() if name.startswith("fa-")))
    assert len(shown) > 8
    for name, sign in shown:
        assert sign in has, name


def test_icons_are_found_by_class_and_by_sign() -> None:
    assert residual_icons.CLASS.findall('<i class="fa-solid fa-arrow-up">') == ["solid", "arrow-up"]
    assert residual_icons.CODE.findall('content:"\\f107"} a:before{content:"\uf0eb"}') == [("f107", ""), ("", "\uf0eb")]


def test_a_page_has_one_style_sheet_and_asks_for_nothing_that_is_not_there(book: Path) -> None:
    for path in (page for page in book.rglob("*.html") if "_static" not in page.parts):
        text = path.read_text(encoding="utf-8")
        sheets = re.findall(r'<link rel="stylesheet" href="([^"?]*)', text)
        assert [Path(sheet).name for sheet in sheets] in ([], ["styles.css"], ["styles.css", "math.css"])
        for file in re.findall(r'(?:href|src)="([^"?#:]*_static/[^"?#]*)', text):
            assert (path.parent / file).is_file(), (path.name, file)
    for sheet in (book / "_static").glob("*.css"):
        for file in re.findall(r'url\("?\./([^")]+)', sheet.read_text(encoding="utf-8")):
            assert (sheet.parent / file).is_file(), file


# ---- Around the text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawer", ["primary", "secondary"])
def test_a_drawer_of_a_phone_closes_by_its_button(page: Callable[..., Page], drawer: str) -> None:
    opened = page(BOTTLENECK, width=390)
    side = opened.locator(f".bd-sidebar-{drawer}")
    opened.locator(f".{drawer}-toggle").click()
    close = side.get_by_role("button", name="Close")
    close.click()
    opened.wait_for_function(f"!document.getElementById('pst-{drawer}-sidebar-checkbox').checked")


def test_the_sidebar_does_not_scroll_for_nothing(page: Callable[..., Page]) -> None:
    opened = page(BOTTLENECK, width=1440, height=900)
    heights = "(node) => [node.scrollHeight, node.clientHeight]"
    whole, seen = opened.locator(".bd-sidebar-primary").evaluate(heights)
    assert whole == seen


def test_the_icons_of_the_header_stand_on_one_line(page: Callable[..., Page]) -> None:
    opened = page(BOTTLENECK, width=390)
    boxes = opened.evaluate(
        """() => [...document.querySelectorAll(".bd-header-article .btn :is(i, span)[class*=fa]")]
            .map((node) => node.getBoundingClientRect()).filter((box) => box.width)
            .map(({ y, height }) => [y + height / 2, height])"""
    )
    assert len(boxes) >= 4
    assert max(y for y, _ in boxes) - min(y for y, _ in boxes) <= 1
    assert len({round(height) for _, height in boxes}) == 1
