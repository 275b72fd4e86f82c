"""The theme's part of a page: light or dark before anything is seen, one style sheet, and a header that lines up.

- `data-theme` is "light" or "dark" from the head on, never "auto", for which the theme has no colours: no page is white
  first and dark then. By the mode that the reader has chosen, not by the theme stored beside it, since the system may
  have changed meanwhile. Without scripts a page is light (`default_mode` in `_config.yml`).
- Paper is white: while a page is printed it is light.
- All style sheets of a page become one, minified; the files that it names stand beside it, by names that change with
  what is in them. The style sheets that only some pages have (PARTIAL) stay on their own. Rules for what neither a page
  nor a script names, which are most of Bootstrap's and the theme's, are dropped (PurgeCSS).
- Nothing stays in `_static` that no page names, and the theme's script leaves to ours what ours does.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from residual_book import esbuild, packaged  # type: ignore[import-not-found]
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

TEMPLATES = Path(__file__).parent.parent / "_templates"
# The mode is "light", "dark" or "auto", as the theme's switch stores it. A browser may deny its storage.
THEME_SCRIPT = """{
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme: dark)"), paper = matchMedia("print");
  let mode = "auto";
  try { mode = localStorage.getItem("mode") || mode; } catch {}
  root.dataset.mode = mode;
  root.dataset.theme = mode === "light" || mode === "dark" ? mode : dark.matches ? "dark" : "light";
  let before;
  const print = (now) => {
    if (now && !before) { before = root.dataset.theme; root.dataset.theme = "light"; }
    else if (!now && before) { root.dataset.theme = before; before = undefined; }
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  paper.addEventListener("change", () => print(paper.matches));
  addEventListener("DOMContentLoaded", () => print(paper.matches));
}"""
PARTIAL = {"math.css"}
LINK = re.compile(r"[ \t]*<link(?=[^>]* rel=\"stylesheet\")[^>]* href=\"([^\"]*/)?_static/([^\"?]+)[^>]*>\n?")
# Files that a style sheet names, and how they reach the page: fonts on their own, small images inside the sheet.
LOADERS = ["--loader:.woff2=file", "--loader:.svg=dataurl", "--loader:.png=dataurl", "--asset-names=[name]-[hash]"]
# What the theme measures one after the other, when a page has loaded and after each change in it. Each measurement lays
# the page out again, which takes tens of milliseconds in all.
STOPS, NOTHING = '"pre, .nboutput > .output_area, .cell_output > .output, .jp-RenderedHTMLCommon"', '":not(*)"'
UNUSED = ("vendor/fontawesome", "fonts", "images", "locales", "plus.png", "minus.png", "file.png")


def add_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    context["rl_theme_script"] = THEME_SCRIPT


def merge_styles(app: Sphinx, exception: Exception | None) -> None:
    """Put one style sheet in the place of all that a page names, the files that it needs beside it."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    pages = {page: page.read_text(encoding="utf-8") for page in Path(app.outdir).rglob("*.html")}
    pages = {page: html for page, html in pages.items() if static not in page.parents}
    orders = {tuple(sheet for _, sheet in LINK.findall(html) if sheet not in PARTIAL) for html in pages.values()}
    orders.discard(())
    if len(orders) != 1:
        raise ExtensionError(f"pages differ in their style sheets: {sorted(orders)}")
    sheets = orders.pop()
    bundle(static, sheets, "styles")
    own = [static / sheet for sheet in sheets[sheets.index("book.css") :]]  # whatever they name is used
    purge(static / "styles.css", [*pages, *static.rglob("*.js"), *own])
    for name in PARTIAL:
        if (static / name).exists():
            bundle(static, (name,), Path(name).stem)
    versions = {name: digest(static / name) for name in ("styles.css", *PARTIAL) if (static / name).exists()}
    for page, html in pages.items():
        first = True

        def once(link: re.Match[str]) -> str:
            nonlocal first
            name = link[2] if link[2] in PARTIAL else "styles.css"
            if name == "styles.css":
                if not first:
                    return ""
                first = False
            return f'  <link rel="stylesheet" href="{link[1] or ""}_static/{name}?v={versions[name]}" />\n'

        page.write_text(LINK.sub(once, html), encoding="utf-8")
    for name in (*sheets, *UNUSED):
        path = static / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def leave_stops_to_us(app: Sphinx, exception: Exception | None) -> None:
    """Keep the theme from making stops for the Tab key of what scrolls, since scrolling.js does."""
    if exception or app.builder.format != "html":
        return
    script = Path(app.outdir) / "_static" / "scripts" / "pydata-sphinx-theme.js"
    text = script.read_text(encoding="utf-8")
    if STOPS not in text:
        raise ExtensionError(f"{script.name} no longer looks for {STOPS}")
    script.write_text(text.replace(STOPS, NOTHING), encoding="utf-8")


def bundle(static: Path, sheets: tuple[str, ...], name: str) -> None:
    """Make these style sheets one, in their order."""
    entry = "".join(f'@import "./{sheet}";\n' for sheet in sheets)
    out = static / f"{name}.css"
    options = ["--bundle", "--minify", "--loader=css", *LOADERS, "--log-level=error", "--charset=utf8"]
    esbuild(*options, "--allow-overwrite", f"--outfile={out}", text=entry, folder=static)


def purge(sheet: Path, content: list[Path]) -> None:
    """Drop the rules for elements, classes and attributes whose names these files do not hold."""
    packaged("purgecss", "--css", sheet, "--content", *content, "--keyframes", "--output", sheet)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", lambda app, config: config.templates_path.append(str(TEMPLATES)))
    app.connect("html-page-context", add_script)
    app.connect("build-finished", leave_stops_to_us)
    app.connect("build-finished", merge_styles, priority=900)  # after fonts and icons are there
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
