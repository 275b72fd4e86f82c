"""Code on demand: in the book a cell's code is folded to one line, and its result stays shown.

- The line says in a few words what the code does, as far as its first comment or the names in it tell.
- A cell that a reader fills in keeps its code, and a cell with a tag that hides its output keeps what the tag says.
- The switch "Show all code" (resnet_lib/book/web/code.js) is remembered. `EARLY` opens the code while the page is read,
  so that nothing moves after the first paint.

The notebooks do not change: in Jupyter and on Colab all code is there.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

FILLED_IN = "rl.check("
# How the code works, and what comes out: the first pattern that is found in the code names each.
HOW = {
    r"^def (\w+)": "defines {}",
    r"\bFlopCounterMode\b": "counts with torch",
    r"\bbackward\(|\bgrad\b": "follows gradients",
    r"\bsympy\b|\.subs\(": "solves with SymPy",
    r"\btorchvision\.models\b": "asks torchvision",
    r"\bgetsource\b": "looks up the source",
    r"\brl\.build\(": "builds modules",
}
RESULT = {
    r"\brl\.explore\(": "makes the explorer",
    r"\brl\.draw\(": "makes the drawing",
    r"\brl\.compare\(": "compares bills",
    r"\brl\.table\(": "makes the table",
    r"\bprint\(": "prints",
}
# Runs before the page has a body. Storage may be denied, and then the code stays folded.
EARLY = """try {
  if (localStorage.getItem("residual-block:code") === "shown") {
    const open = () => {
      for (const code of document.querySelectorAll("details.rl-code:not([open])")) code.open = true;
    };
    const watch = new MutationObserver(open);
    watch.observe(document, { childList: true, subtree: true });
    addEventListener("DOMContentLoaded", () => { open(); watch.disconnect(); });
  }
} catch {}"""


def summary(code: str) -> str:
    """Return the line that a cell's code is folded to, such as "Code: makes the table, 12 lines"."""
    lines = code.strip().splitlines()
    if lines and lines[0].startswith("#"):
        said = [lines[0].strip("# .")]
    else:
        said = [found for found in (_first(HOW, code), _first(RESULT, code)) if found]
    count = f"{len(lines)} line{'s' * (len(lines) != 1)}"
    return f"Code: {', '.join([*said, count])}"


def _first(phrases: dict[str, str], code: str) -> str | None:
    for pattern, phrase in phrases.items():
        if found := re.search(pattern, code, re.MULTILINE):
            return phrase.format(*found.groups())
    return None


class FoldCode(SphinxPostTransform):
    """Mark the cells to fold, as the tag "hide-input" would; MyST-NB then folds them."""

    default_priority = 198  # MyST-NB's own HideInputCells is 199
    formats = ("html",)

    def run(self, **options: Any) -> None:
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code" or not cell.children:
                continue
            source = cell.children[0]
            if source.get("nb_element") != "cell_code_source" or cell.get("hide_mode", "input") != "input":
                continue
            code = source.astext()
            if FILLED_IN not in code:
                cell["hide_mode"] = "input"
                cell["prompt_show"] = cell["prompt_hide"] = summary(code)


def visit_folded(self: Any, node: nodes.Element) -> None:
    """Write a folded cell: its line is also its name, which MyST-NB's "Toggle hidden content" is not."""
    code = node["prompt_show"] == node["prompt_hide"]
    classes = " ".join(["admonition", "hide", *node["classes"], *["rl-code"] * code])
    self.body.append(f'<details class="{classes}">\n<summary>\n')
    prompts = {"": node["prompt_show"]} if code else {"collapsed": node["prompt_show"], "expanded": node["prompt_hide"]}
    for state, prompt in prompts.items():
        self.body.append(f'<p class="{state} admonition-title">{escape(prompt)}</p>\n')
    self.body.append("</summary>\n")


def depart_folded(self: Any, node: nodes.Element) -> None:
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("myst_nb")
    app.add_node(HideCodeCellNode, override=True, html=(visit_folded, depart_folded))
    app.add_post_transform(FoldCode)
    app.add_js_file(None, body=EARLY, priority=100)
    app.add_css_file("code.css", priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
