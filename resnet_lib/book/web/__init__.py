"""The page's scripts and styles, as text: ES modules, which a notebook's output carries as one classic script.

The published book has a bundle of its own, made with esbuild from `page.js` (book/_ext/residual_book.py), and drops
what is marked `data-rl-runtime` from its pages. A notebook needs no build: `runtime` puts the modules one after the
other, each after those that it imports. So no two modules may have top-level names in common, and an import is a line
of its own, without renaming.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from resnet_lib.colours import palette

ENTRIES = {"explorer": "explorer.js", "ask": "questions.js"}  # what a call needs: the module that exports it
STYLES = {"explorer": "explorer.css", "ask": "questions.css"}

IMPORT = re.compile(r'^import (?:\{[^}]*\} from )?"\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=function|const|class|async)", re.MULTILINE)
COMMENT = re.compile(r"^\s*/\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
INDENT = re.compile(r"^\s+", re.MULTILINE)
RUNTIME = re.compile(r'<(script|style) data-rl-runtime="(\w+)">.*?</\1>', re.DOTALL)


def asset(name: str) -> str:
    """Return the text of a file of this folder, such as "explorer.css"."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def runtime(call: str) -> str:
    """Return the modules behind a call, "explorer" or "ask", as one classic script without comments."""
    texts: dict[str, str] = {}

    def add(name: str) -> None:
        if name in texts:
            return
        text = asset(name)
        for imported in IMPORT.findall(text):
            add(imported)
        texts[name] = INDENT.sub("", EXPORT.sub("", COMMENT.sub("", IMPORT.sub("", text))))

    add(ENTRIES[call])
    body = "".join(texts.values())
    return f"(function () {{\n{body}window.ResidualBlock = {{ ...window.ResidualBlock, {call} }};\n}})();"


def stylesheet(*calls: str) -> str:
    """Return the style of explorers, of questions, or of both, with the book's colours."""
    return palette() + "".join(asset(STYLES[call]) for call in calls)


def style(call: str) -> str:
    """Return the style of what a call makes, as an element."""
    return f'<style data-rl-runtime="{call}">{stylesheet(call)}</style>'


def script(call: str) -> str:
    """Return the runtime of a call as an element."""
    return f'<script data-rl-runtime="{call}">{runtime(call)}</script>'


def live(call: str, arguments: str) -> str:
    """Return the HTML that brings the element around it to life: style, runtime, and the call with its arguments."""
    return f"{style(call)}{script(call)}<script>ResidualBlock.{call}({arguments});</script>"


def renewed(html: str) -> str:
    """Return a stored output with the style and the runtime of today."""
    made = {"style": style, "script": script}
    return RUNTIME.sub(lambda found: made[found[1]](found[2]), html)
