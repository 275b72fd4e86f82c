"""Formulas, set by KaTeX while the book is built: a page has them as HTML, with MathML for screen readers.

One call of node sets all formulas of the book. A mistake in one ends the build with its TeX. KaTeX's style sheet and
its fonts, cut down to the characters that the formulas show, are on the pages that hold an equation, and on no other.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from book._ext.residual_fonts import NODE, subset

KATEX = NODE / "katex" / "dist"
EQUATION = 'class="math '
STYLE = "math.css"
# "×" typed as itself is drawn well, so KaTeX need not know it as a symbol; all else that it doubts is an error.
SCRIPT = """const katex = require(process.argv[1]);
const strict = (code) => code === "unknownSymbol" ? "ignore" : "error";
const set = ([tex, displayMode]) => {
  try { return [katex.renderToString(tex, { displayMode, strict, throwOnError: true })]; }
  catch (error) { return [null, `${error.message}: ${tex}`]; }
};
process.stdout.write(JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8")).map(set)));"""
FACE = re.compile(r"@font-face\{[^}]*?url\(fonts/([\w-]+)\.woff2\) format\(\"woff2\"\)[^}]*\}")
TAG = re.compile(r"<[^>]*>")

Formula = tuple[str, bool]  # its TeX, and whether it has a line of its own


def typeset(formulas: list[Formula]) -> dict[Formula, str]:
    """Return the HTML of each formula. Raises ExtensionError if KaTeX refuses one."""
    command = ["node", "-e", SCRIPT, str(KATEX / "katex.js")]  # residual_book.py says where node is
    try:
        run = subprocess.run(command, input=json.dumps(formulas), capture_output=True, encoding="utf-8", check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise ExtensionError(f"KaTeX did not run, `make book` fetches it with npm: {error}") from None
    answers = json.loads(run.stdout)
    if mistakes := [answer[1] for answer in answers if answer[0] is None]:
        raise ExtensionError("\n".join(mistakes))
    return {formula: answer[0] for formula, answer in zip(formulas, answers, strict=True)}


def formula(node: nodes.math | nodes.math_block) -> Formula:
    """Return what KaTeX is given for a node: lines of a display are aligned, numbers are Sphinx's."""
    tex = node.astext().strip()
    if isinstance(node, nodes.math):
        return tex, False
    if node.get("nowrap"):
        return re.sub(r"\\(begin|end)\{(align|alignat|equation|gather)\}", r"\\\1{\2*}", tex), True
    parts = [part for part in tex.split("\n\n") if part.strip()]
    if len(parts) > 1:
        return r"\begin{aligned}" + r" \\ ".join(parts) + r"\end{aligned}", True
    return (rf"\begin{{split}}{tex}\end{{split}}" if r"\\" in tex and r"\begin" not in tex else tex), True


def set_all(app: Sphinx, env: BuildEnvironment) -> None:
    """Set the formulas of all pages, once: the pages' writer finds them in `app.env`."""
    found: dict[Formula, None] = {}
    for page in sorted(env.found_docs):
        doctree = env.get_doctree(page)
        found |= {formula(node): None for kind in (nodes.math, nodes.math_block) for node in doctree.findall(kind)}
    env.rl_formulas = typeset(list(found))  # type: ignore[attr-defined]


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    html = self.builder.env.rl_formulas[formula(node)]  # type: ignore[attr-defined]
    self.body.append(f'<span class="math notranslate nohighlight">{html}</span>')
    raise nodes.SkipNode


def visit_display(self: HTML5Translator, node: nodes.math_block) -> None:
    html = self.builder.env.rl_formulas[formula(node)]  # type: ignore[attr-defined]
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    self.body.append(html)
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def link_style(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Give a page KaTeX's style sheet if it has an equation."""
    if EQUATION in context.get("body", ""):
        app.add_css_file(STYLE, priority=800)


def write_style(app: Sphinx, exception: Exception | None) -> None:
    """Write KaTeX's style sheet with those of its fonts in which some formula has a character."""
    if exception or app.builder.format != "html":
        return
    shown = {html[html.index('<span class="katex-html"') :] for html in app.env.rl_formulas.values()}  # type: ignore[attr-defined]
    signs = {sign for html in shown for sign in TAG.sub("", html)} | set("&<>")
    static = Path(app.outdir) / "_static"

    def face(rule: re.Match[str]) -> str:
        name = f"{rule[1]}.woff2"
        if not subset(KATEX / "fonts" / name, signs, static / "fonts" / name):
            return ""
        return re.sub(r"src:[^;}]*", f'src:url(fonts/{name}) format("woff2")', rule[0])

    style = FACE.sub(face, (KATEX / "katex.min.css").read_text(encoding="utf-8"))
    (static / STYLE).write_text(style, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.connect("env-updated", set_all)
    app.connect("html-page-context", link_style, priority=950)  # after residual_book has the page's body
    app.connect("build-finished", write_style, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
