"""How the book is found, shared and cited: what a page says of itself, its preview, its references and its anchors.

- Each page has a description and what others show of it. With an address (`html: baseurl` in _config.yml, or where
  the forge of tools/address.py would publish its pages) it also has a canonical address and a preview, and the book has
  a sitemap. Without one nothing is invented.
- References have a heading, links to arXiv and back to the text. An exercise has an anchor.
- `index.html` leads to the first page, `404.html` says what is missing, and the footer names the licences.
"""

from __future__ import annotations

import itertools
import re
import shutil
import struct
import zlib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from residual_search import in_order, sentences  # type: ignore[import-not-found]
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms import SphinxTransform
from sphinxcontrib.bibtex.nodes import bibliography as Bibliography

from resnet_lib.colours import ACCENT, BASIC, BOTTLENECK, CONTEXT, LIGHT_BASIC, LIGHT_BOTTLENECK, PAGE
from tools import address

ROOT = Path(__file__).parents[2]
SUBTITLE = "an interactive book about ResNet's blocks"
PAGES = re.compile(r"https://(git(?:hub|lab))\.com/([^/]+)/([^/]+)")
EXERCISE = re.compile(r"Exercise (\d+)\.")
LINK = re.compile(r"arXiv:(\d{4}\.\d{4,5})|https?://\S*[^\s.,;:)\]]")
LICENCE = """<p class="rl-licence">Text and figures: <a rel="license" href="https://creativecommons.org/licenses/by/4.0/">\
CC BY 4.0</a>. Code: <a href="{mit}">MIT</a>.</p>"""
MISSING = """<section><h1>This page is not in the book</h1><p>It may have another name now.
<a href="{home}">Start here</a>, <a href="{search}">search</a>, or choose a chapter from the list beside this page.</p>
</section>"""
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{tags}<meta http-equiv="refresh" content="0; url={home}">
</head>
<body><p><a href="{home}">{title}</a></p></body>
</html>
"""


# ---- Its address -----------------------------------------------------------------------------------------------------


def published(source: str | None) -> str:
    """Return the address at which a forge publishes the pages of a repository, or "" if it is not known."""
    match = PAGES.fullmatch(source or "")
    if not match:
        return ""
    forge, owner, name = match.groups()
    host = f"{owner.lower()}.{forge}.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def find_address(app: Sphinx, config: Config) -> None:
    """Tell Sphinx the book's address, which then writes the canonical address of each page."""
    config.html_baseurl = config.html_baseurl or published(address.written(Path(app.srcdir)))


# ---- What a page says of itself ------------------------------------------------------------------------------------


def description(doctree: nodes.document) -> str:
    """Return the first sentences of a page, as many as make about two lines."""
    text = ""
    for sentence in (line for section in doctree.findall(nodes.section) for line in sentences(section)):
        if len(text) + len(sentence) > 200:
            break
        text = f"{text} {sentence}".lstrip()
        if len(text) > 110:
            break
    return text


def tags(title: str, text: str, book: str, url: str = "", preview: str = "") -> str:
    """Return the tags by which search engines and previews know a page; `url` and `preview` only if there are any."""
    meta = {"name": {"description": text, "twitter:card": "summary_large_image" if preview else "summary"}}
    meta["property"] = {
        "og:type": "website",
        "og:site_name": book,
        "og:title": title,
        "og:description": text,
        "og:url": url,
        "og:image": preview,
        "og:image:alt": preview and "The two blocks: the basic block in blue, the bottleneck in orange",
    }
    lines = [
        f'<meta {kind}="{key}" content="{escape(value)}">'
        for kind, of_kind in meta.items()
        for key, value in of_kind.items()
        if value
    ]
    lines += [
        f'<meta name="theme-color" content="{PAGE[theme]["page"]}" media="(prefers-color-scheme: {theme})">'
        for theme in ("light", "dark")
    ]
    return "\n".join(lines) + "\n"


def introduce(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give a page its title, its tags and the licences in its footer."""
    config, book, base = app.config, app.config.html_title, app.config.html_baseurl
    context["theme_extra_footer"] = LICENCE.format(mit=context["pathto"]("LICENSE.txt", 1))
    if page == "404" and base:  # a server shows it at any depth
        context["metatags"] = f'<base href="{escape(urlsplit(base).path)}">\n{context.get("metatags", "")}'
    if doctree is None:
        return
    title = app.env.titles[page].astext()
    if page == config.root_doc:
        title = book
        context["title"], context["docstitle"] = book, SUBTITLE
        context["theme_logo"] = {**context.get("theme_logo", {}), "text": book}  # the theme would take docstitle
    preview = f"{base}_static/previews/{Path(page).name}.png" if base else ""
    url = f"{base}{app.builder.get_target_uri(page)}" if base else ""
    context["metatags"] = context.get("metatags", "") + tags(title, description(doctree), book, url, preview)


def name_the_book(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """The first page's heading names the book, in a line above its own words, unless it does so itself."""
    book = app.config.html_title
    title = next(doctree.findall(nodes.title))
    if page == app.config.root_doc and book not in title.astext():
        title.insert(0, nodes.inline("", f"{book} ", classes=["rl-book-name"]))


# ---- References and exercises --------------------------------------------------------------------------------------


class Anchors(SphinxTransform):
    """References become a section of their own at the end of their page, and an exercise an anchor."""

    default_priority = 870  # contents are gathered at 880

    def apply(self, **options: Any) -> None:
        for found in list(self.document.findall(Bibliography)):
            page = self.document.next_node(nodes.section)
            around = found.parent
            if page is None or (isinstance(around, nodes.section) and around[0].astext() == "References"):
                continue
            section = nodes.section("", nodes.title("", "References"), ids=["references"], names=["references"])
            around.remove(found)
            section += found
            page += section
        for paragraph in self.document.findall(nodes.paragraph):
            first = next((child for child in paragraph.children if child.astext()), None)
            if isinstance(first, nodes.strong) and (number := EXERCISE.fullmatch(first.astext())):
                anchor = f"exercise-{number[1]}"
                paragraph["ids"].append(anchor)
                link = f'<a class="headerlink" href="#{anchor}" title="Link to this exercise">#</a>'
                paragraph += nodes.raw("", link, format="html")


def link_references(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make links of arXiv numbers and addresses in references, and show the ways back to the text."""
    for citation in doctree.findall(nodes.citation):
        paragraph = citation.next_node(nodes.paragraph)
        for text in [text for text in paragraph.findall(nodes.Text) if not isinstance(text.parent, nodes.reference)]:
            if parts := list(_linked(str(text))):
                text.parent.replace(text, parts)
        backs = citation["backrefs"]
        for i, back in enumerate(backs, start=1):
            name = "Back to the text" if len(backs) == 1 else f"Back to the text, place {i} of {len(backs)}"
            link = f' <a class="rl-back" href="#{back}" role="doc-backlink" aria-label="{name}" title="{name}">↩</a>'
            paragraph += nodes.raw("", link, format="html")


def _linked(text: str) -> Iterator[nodes.Node]:
    done = 0
    for found in LINK.finditer(text):
        yield nodes.Text(text[done : found.start()])
        target = f"https://arxiv.org/abs/{found[1]}" if found[1] else found[0]
        yield nodes.reference("", found[0], refuri=target, internal=False)
        done = found.end()
    if done:
        yield nodes.Text(text[done:])


# ---- Previews ------------------------------------------------------------------------------------------------------

SIZE = WIDTH, HEIGHT = 1200, 630  # what previews show whole


def png(rows: list[bytearray], palette: list[str]) -> bytes:
    """Return a PNG file of rows of indices into a palette of colours such as "#0072B2"."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    colours = b"".join(bytes.fromhex(colour[1:]) for colour in palette)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    parts = chunk(b"IHDR", head), chunk(b"PLTE", colours), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def preview(page: str, number: int, pages: int) -> bytes:
    """Return a page's preview: a basic block and a bottleneck, width for channels, and how far into the book it is.

    A page about one of the blocks has the other one pale.
    """
    blue = LIGHT_BASIC if page in ("bottleneck", "one_by_one") else BASIC
    orange = LIGHT_BOTTLENECK if page == "basic" else BOTTLENECK
    palette = ["#FFFFFF", blue, orange, CONTEXT, ACCENT, PAGE["light"]["line"]]
    rows = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def span(y: int, centre: float, width: float, colour: int) -> None:
        left, right = round(centre - width / 2), round(centre + width / 2)
        rows[y][left:right] = bytes([colour]) * (right - left)

    def bar(x: float, y: int, width: float, height: int, colour: int) -> None:
        for row in range(y, y + height):
            span(row, x, width, colour)

    def block(centre: int, widths: list[int], colour: int) -> None:
        step = 360 // (len(widths) - 1)
        for i, (a, b) in enumerate(itertools.pairwise(widths)):
            top = 90 + i * step
            for y in range(top + 8, top + step - 8):
                span(y, centre, a + (b - a) * (y - top) / step, colour)
        side = centre + max(widths) / 2 + 50  # the shortcut
        for y in (78, 452):
            bar((centre + side) / 2, y, side - centre, 8, 3)
        bar(side, 78, 8, 382, 3)

    block(270, [130, 130, 130], 1)
    block(790, [420, 105, 105, 420], 2)
    for i in range(pages):
        bar(WIDTH / 2 + (i - (pages - 1) / 2) * 56, 540, 32, 32, 4 if i == number else 5)
    return png(rows, palette)


# ---- Pages and files besides the chapters --------------------------------------------------------------------------


def missing_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    uri = app.builder.get_target_uri
    body = MISSING.format(home=uri(app.config.root_doc), search=uri("search"))
    yield "404", {"title": "Not found", "body": body}, "page.html"


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Write the entry page and the licences, and, if there is an address, previews and a sitemap."""
    if exception or app.builder.format != "html":
        return
    out, base, home, book = Path(app.outdir), app.config.html_baseurl, app.config.root_doc, app.config.html_title
    names = in_order(app)
    uri = app.builder.get_target_uri
    text = description(app.env.get_doctree(home))
    url, shown = (f"{base}{uri(home)}", f"{base}_static/previews/{Path(home).name}.png") if base else ("", "")
    canonical = f'<link rel="canonical" href="{escape(url)}">\n' if url else ""
    (out / "index.html").write_text(
        INDEX.format(title=escape(book), home=uri(home), tags=tags(book, text, book, url, shown) + canonical),
        encoding="utf-8",
    )
    shutil.copyfile(ROOT / "LICENSE", out / "LICENSE.txt")
    if base:
        folder = out / "_static" / "previews"
        folder.mkdir(parents=True, exist_ok=True)
        for i, name in enumerate(names):
            (folder / f"{Path(name).name}.png").write_bytes(preview(Path(name).name, i, len(names)))
        places = "".join(f"<url><loc>{escape(base + uri(name))}</loc></url>\n" for name in names)
        sitemap = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}</urlset>\n'
        (out / "sitemap.xml").write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{sitemap}', encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_css_file("found.css", priority=900)
    app.add_transform(Anchors)
    app.connect("config-inited", find_address)
    app.connect("doctree-resolved", link_references)
    app.connect("doctree-resolved", name_the_book, priority=900)  # the search has a page's own title
    app.connect("html-page-context", introduce)
    app.connect("html-collect-pages", missing_page)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
