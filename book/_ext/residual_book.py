"""What this book asks of Sphinx beyond its configuration: its style sheet, MathJax and Plotly, all served with it.

- `book.css` is on each page, and so is `window.RL_BOOK = true`, by which an explorer knows that the page brings
  Plotly and that it need not fetch it.
- Plotly is on the pages that hold an explorer (`data-rl-explorer` in a cell's HTML), and on no other.
- MathJax is on the pages that hold an equation, and on no other: `mathjax_path` in `_config.yml` names the copy made
  here.
- `scrolling.js` is on each page: what scrolls sideways on a small screen does so with the keyboard, too.
- A "%" or "×" stays on the line of its number.

The files of others come from `node_modules` (`make book` calls npm) and are never committed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ASSETS = Path(__file__).parent.parent / "_assets"
EXPLORER = "data-rl-explorer"
EQUATION = 'class="math '
PLOTLY = "vendor/plotly-basic.min.js"
NUMBER_SPACE = re.compile(r"(?<=\d)\s(?=[%×])|(?<=\d\s×)\s(?=\d)")

# From node_modules to the built book's _static. MathJax looks for its fonts and extensions beside itself, on demand.
VENDOR = {
    "plotly.js-basic-dist-min/plotly-basic.min.js": PLOTLY,
    "mathjax/es5/tex-chtml.js": "vendor/mathjax/tex-chtml.js",
    "mathjax/es5/input/tex/extensions": "vendor/mathjax/input/tex/extensions",
    "mathjax/es5/output/chtml/fonts/woff-v2": "vendor/mathjax/output/chtml/fonts/woff-v2",
}


def copy_front_end(app: Sphinx) -> None:
    """Copy our assets and those of others into `_static`, before the pages that name them are written.

    They are not in a `_static` folder of the sources, because Jupyter Book would then put each on every page.
    """
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copies = {ASSETS: static} | {Path(app.srcdir, "node_modules", of): static / to for of, to in VENDOR.items()}
    for source, target in copies.items():
        if not source.exists():
            raise ExtensionError(f"{source} is missing: `make book` fetches it with npm")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def choose_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give a page Plotly if it has an explorer, and leave it MathJax only if it has an equation itself.

    Sphinx would also put MathJax on a page whose sub-pages have equations, such as the first.
    """
    body = context.get("body", "")
    if EXPLORER in body:
        app.add_js_file(PLOTLY, loading_method="defer")  # fetched beside the text, run once that is parsed
    if EQUATION not in body:
        scripts = context["script_files"]
        scripts[:] = [script for script in scripts if "mathjax" not in f"{script.filename} {script.attributes}".lower()]


def keep_with_number(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """No line of the text begins with the "%" of a number above it, or with half of 8 × 8."""
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.literal | nodes.FixedTextElement | nodes.math):
            text.parent.replace(text, nodes.Text(NUMBER_SPACE.sub("\N{NO-BREAK SPACE}", text)))


def drop_second_icon_set(app: Sphinx, exception: Exception | None) -> None:
    """Take Font Awesome's script off the pages: the theme loads its fonts too, which draw the same icons."""
    script = re.compile(r"[ \t]*<script src=\"[^\"]*/fontawesome/[^\"]*\"></script>\n?")
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        if script.search(html):
            page.write_text(script.sub("", html), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("book.css", priority=900)  # after the theme's
    app.add_js_file(None, body="window.RL_BOOK = true", priority=100)
    app.add_js_file("scrolling.js", loading_method="defer")
    app.connect("builder-inited", copy_front_end)
    app.connect("doctree-resolved", keep_with_number)
    app.connect("html-page-context", choose_scripts, priority=900)  # after Sphinx has added MathJax
    app.connect("build-finished", drop_second_icon_set)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
