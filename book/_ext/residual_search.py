"""The book's search: an index of its sections, made of the sentences that a reader reads, in place of Sphinx's.

- `search-index.js` is a classic script, so that the search works from a folder, too. Only `search.html` loads it.
- A section has its title, its anchor and its sentences, with formulas in plain words. What answers a prediction, a quiz
  or an exercise is not in it, nor is code or a cell's output.
- `SYNONYMS` are words that readers bring with them, beside the book's own.

resnet_lib/book/web/search.js finds and shows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from residual_book import WEB, esbuild  # type: ignore[import-not-found]
from sphinx.application import Sphinx

# Each row is one thing under several names.
SYNONYMS = (
    ("1×1", "pointwise", "one by one", "1 by 1", "network in network"),
    ("3×3", "three by three", "3 by 3"),
    ("shortcut", "skip connection", "skip", "residual connection", "bypass", "highway"),
    ("identity", "identity mapping", "identity map", "identity function"),
    ("projection", "option B", "downsample", "linear projection"),
    ("option A", "zero padding", "zero-padded"),
    ("MAC", "multiply-add", "multiply-accumulate", "FLOP", "GFLOP", "GMAC"),
    ("BatchNorm", "batch norm", "batch normalisation", "batch normalization", "BN"),
    ("parameter", "param", "weight"),
    ("map", "feature map"),
    ("degradation", "degrade", "worse"),
    ("inner width", "waist", "bottleneck width"),
    ("group", "grouped convolution", "group convolution", "cardinality", "ResNeXt"),
    ("starts at zero", "zero init", "zero initialisation", "zero initialization"),
    ("receptive field", "field of view", "what it sees"),
    ("ReLU", "rectifier", "nonlinearity", "non-linearity", "activation function"),
    ("picture", "image", "photograph"),
    ("error", "accuracy"),
    ("gradient", "backpropagation", "backprop", "vanishing gradient"),
)
# A formula in plain words; one that needs more than these is shown as "…".
TEX = {
    r"\\(?:times|cdot)\b": "×",
    r"\\leq?\b": "≤",
    r"\\geq?\b": "≥",
    r"\\to\b|\\rightarrow\b": "→",
    r"\\gamma\b": "γ",
    r"\\beta\b": "β",
    r"\\sigma\b": "σ",
    r"\\mu\b": "μ",
    r"\\varepsilon\b|\\epsilon\b": "ε",
    r"\\sqrt\{([^{}]*)\}": r"√\1",
    r"\\(?:text|mathrm|operatorname)\{([^{}]*)\}": r"\1",
    r"\\t?frac\{([^{}]*)\}\{([^{}]*)\}": r"\1/\2",
    r"\{,\}": ",",
    r"\\[ ,;!]": " ",
    r"\^\{?2\}?": "²",
    r"\^\{?3\}?": "³",
    r"\^\{?n\}?": "ⁿ",
    r"\\(?=(?:max|min|log|exp)\b)": "",
    r"_\{?(\w+)\}?": r"\1",
}
SENTENCE = re.compile(r"(?<=[.?!])(?<!al\.)(?<!e\.g\.)(?<!i\.e\.)(?<!Exercise \d\.)[”\"’)]*\s+(?=[A-Z“\"(\d])")
SKIPPED = nodes.raw | nodes.math_block | nodes.literal_block | nodes.comment | nodes.image | nodes.table | nodes.target
BODY = """<section class="rl-search"><h1>Search</h1>
<div><form class="bd-search" action="search.html" role="search"><input class="form-control" type="search" name="q"
 aria-label="Search this book" placeholder="Search this book" autocomplete="off" spellcheck="false"></form></div>
<noscript><p>The search needs JavaScript. All chapters are in the list beside this page.</p></noscript>
<p class="rl-search-count" role="status"></p><div class="rl-search-results"></div></section>"""


def readable(tex: str) -> str:
    """Return a formula as plain text, or "…" if it needs more than a line of letters."""
    for pattern, plain_text in TEX.items():
        tex = re.sub(pattern, plain_text, tex)
    return "…" if re.search(r"[\\{}^]", tex) else tex


def plain(node: nodes.Node) -> str:
    """Return the text of a node as a reader sees it."""
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.math):
        return readable(node.astext())
    return "" if isinstance(node, SKIPPED) else "".join(plain(child) for child in node.children)


def texts(section: nodes.Element) -> Iterator[str]:
    """Yield the paragraphs, definitions and captions of a section, its sub-sections and folded solutions apart."""
    folded = 0
    for child in section.children:
        if isinstance(child, nodes.raw):
            folded += child.astext().count("<details") - child.astext().count("</details")
        elif folded or isinstance(child, nodes.section | nodes.title | SKIPPED):
            continue
        elif "nb_element" in child:
            yield from map(plain, child.findall(nodes.caption))
        elif isinstance(child, nodes.paragraph):
            yield plain(child)
        elif isinstance(child, nodes.definition_list_item):
            yield ": ".join(map(plain, child.children))
        else:
            yield from texts(child)


def sentences(section: nodes.Element) -> list[str]:
    """Return the sentences of a section."""
    return [part for text in texts(section) if (line := " ".join(text.split())) for part in SENTENCE.split(line)]


def entries(doctree: nodes.document) -> Iterator[tuple[str, str, list[str]]]:
    """Yield each section of a page: its anchor (the first has none), its title and its sentences."""
    for section in doctree.findall(nodes.section):
        first = section.parent is doctree
        yield "" if first else section["ids"][0], plain(section[0]), sentences(section)


def write_all(app: Sphinx, env: Any) -> Iterable[str]:
    """Have all pages written when one is: the index is made of what is written."""
    app.residual_sections = {}  # type: ignore[attr-defined]
    return cast(Iterable[str], env.found_docs)


def collect(app: Sphinx, doctree: nodes.document, page: str) -> None:
    app.residual_sections[page] = list(entries(doctree))  # type: ignore[attr-defined]


def write_index(app: Sphinx, exception: Exception | None) -> None:
    """Write the index of all pages in the book's order, and the search page's script."""
    if exception or app.builder.format != "html":
        return
    found: dict[str, Any] = app.residual_sections  # type: ignore[attr-defined]
    pages = [
        {"url": app.builder.get_target_uri(page), "title": app.env.titles[page].astext(), "sections": found[page]}
        for page in in_order(app)
    ]
    index = json.dumps({"synonyms": SYNONYMS, "pages": pages}, ensure_ascii=False, separators=(",", ":"))
    static = Path(app.outdir) / "_static"
    (static / "search-index.js").write_text(f"window.RL_SEARCH={index};\n", encoding="utf-8")
    options = ["--bundle", "--minify", "--format=iife", "--target=es2022", "--log-level=warning"]
    esbuild(WEB / "search.js", *options, f"--outfile={static / 'search.js'}")


def in_order(app: Sphinx) -> list[str]:
    """Return the book's pages in their order."""
    home = app.config.root_doc
    return [home, *app.env.toctree_includes.get(home, ())]


def drop_sphinx_index(app: Sphinx) -> None:
    """Make Sphinx write neither its own index nor its search page."""
    app.builder.search = False  # type: ignore[attr-defined]


def search_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "search", {"title": "Search", "body": BODY}, "page.html"


def add_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if page == "search":
        app.add_js_file("search-index.js", loading_method="defer")
        app.add_js_file("search.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", drop_sphinx_index)
    app.connect("html-collect-pages", search_page)
    app.connect("html-page-context", add_scripts)
    app.connect("env-updated", write_all)
    app.connect("doctree-resolved", collect)
    app.connect("build-finished", write_index)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}  # `collect` has one memory
