"""Words that the glossary explains: in a chapter a plain link to it, in the book their definition in place.

- A chapter writes `[top-1](glossary.md#top-1)` where it uses a word for the first time, which Jupyter shows as it is.
  In the book the definition appears when a reader points at the word, taps it or reaches it with the Tab key
  (resnet_lib/book/web/words.js). Without scripts it is a link.
- Where a chapter explains the word itself it writes `*[stage](glossary.md#stage)*`, and the definition is also a note
  in the margin, for the eye alone.
- The definitions are those of book/glossary.md and of no other file: a list whose terms are "word · 词".
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

from book._ext.residual_cited import rewrite

GLOSSARY = "book/glossary"
LINK = re.compile(r"(\*?)\[([^][]+)\]\(glossary\.md#([\w-]+)\)(\*?)")
CHINESE = " · "
TAGS = {nodes.literal: "code", nodes.emphasis: "em", nodes.strong: "b"}
log = logging.getLogger(__name__)


def slug(word: str) -> str:
    """Return the anchor of a word: "top-1" of "top-1", "average-pool" of "average pool"."""
    return re.sub(r"\W+", "-", word.lower())


def with_roles(text: str) -> str:
    """Return a chapter's text with Sphinx's roles in the place of its links to the glossary."""
    return LINK.sub(lambda link: f"{{{'defined' if link[1] and link[4] else 'word'}}}`{link[2]} <{link[3]}>`", text)


def link(app: Sphinx, page: str, source: list[str]) -> None:
    """Make words of a page's links to the glossary."""
    rewrite(app, page, source, lambda texts: [*map(with_roles, texts)])


class Word(ReferenceRole):
    """A word of the text: `` {word}`feature maps <feature-map>` ``."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        word = nodes.inline(self.rawtext, self.title, classes=["rl-word"])
        word["word"], word["noted"] = self.target, self.name == "defined"
        self.set_source_info(word)
        return [word], []


def anchor(app: Sphinx, doctree: nodes.document) -> None:
    """Give each term of the glossary an anchor, and its Chinese name its language."""
    if app.env.docname != GLOSSARY:
        return
    for term in doctree.findall(nodes.term):
        name, _, chinese = term.astext().partition(CHINESE)
        term["ids"].append(slug(name))
        term["word"] = name
        if chinese:
            other = f' <span class="rl-chinese" lang="zh-Hans">{escape(chinese)}</span>'
            term.children = []
            term += [nodes.Text(name), nodes.raw("", other, format="html")]


def definitions(app: Sphinx) -> dict[str, tuple[str, str]]:
    """Return each word of the glossary by its anchor, with its definition as HTML."""
    found = {}
    for item in app.env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        term, definition = item.children[0], item.children[-1]
        found[term["ids"][0]] = term["word"], "".join(map(html, definition.children[0].children))
    return found


def html(node: nodes.Node) -> str:
    """Return the HTML of a piece of a definition."""
    if isinstance(node, nodes.Text):
        return escape(str(node))
    inside, tag = "".join(map(html, node.children)), TAGS.get(type(node))
    return f"<{tag}>{inside}</{tag}>" if tag else inside


def explain(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make links of a page's words, and put their definitions into the page."""
    words = [node for node in doctree.findall(nodes.inline) if "word" in node]
    if not words or app.builder.format != "html":
        return
    known, used = definitions(app), {}
    for node in words:
        name = node["word"]
        if name not in known:
            log.warning("the glossary does not define %r", name, location=node)
            continue
        word, meaning = used[name] = known[name]
        address = f"{app.builder.get_relative_uri(page, GLOSSARY)}#{name}"
        parts: list[nodes.Node] = [
            nodes.reference("", node.astext(), refuri=address, internal=True, classes=["rl-word"])
        ]
        if node["noted"]:
            beside = f"<b>{escape(word[0].upper() + word[1:])}.</b> {meaning}"
            parts.insert(0, nodes.raw("", f'<span class="rl-cited" aria-hidden="true">{beside}</span>', format="html"))
        node.replace_self(parts)
    meanings = (f'<p id="word-{name}"><b>{escape(word)}</b>: {said}</p>' for name, (word, said) in used.items())
    doctree += nodes.raw("", f'<div class="rl-words" hidden>{"".join(meanings)}</div>', format="html")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_role("word", Word())
    app.add_role("defined", Word())
    app.add_css_file("words.css", priority=900)
    app.connect("source-read", link)
    app.connect("doctree-read", anchor)
    app.connect("doctree-resolved", explain, priority=900)  # what is read of the text is without definitions
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
