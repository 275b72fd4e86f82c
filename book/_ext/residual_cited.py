"""Citations: in a chapter a plain link to the paper, in the book a reference with a note in the margin.

- A chapter writes `[[He et al., 2015](https://arxiv.org/abs/1512.03385)]`, or `He et al. [[2015](…)]` in a sentence.
  Jupyter and Colab show that as it is. Here it becomes a citation if the address is that of an entry of the
  bibliography, and the chapter gets the list of its references.
- Where there is room beside the text, a note says what a citation refers to, once in each section. It is for the eye
  alone, since the citation itself leads to the list.
- A chapter's own notes are the theme's: `:::{margin}`, some lines, `:::`. book/_assets/margin.css places both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from pybtex.backends.plaintext import Backend  # type: ignore[import-untyped]
from pybtex.database import parse_file  # type: ignore[import-untyped]
from pybtex.richtext import Text  # type: ignore[import-untyped]
from sphinx.application import Sphinx

LIST = "\n\n```{bibliography}\n:filter: docname in docnames\n```\n"
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
NO_ROOM = nodes.table | nodes.sidebar
MANY = 4  # authors: as many are named in a note


class Paper(NamedTuple):
    """An entry of the bibliography: whom a text cites, and what a note says."""

    address: str
    short: str
    year: str
    authors: str
    title: str
    where: str

    @property
    def cited(self) -> tuple[str, str]:
        """The two ways in which a chapter may cite it: as an aside, and as a part of the sentence."""
        return f"[[{self.short}, {self.year}]({self.address})]", f"{self.short} [[{self.year}]({self.address})]"


PLAIN = Backend()  # Text.render_as("text") looks for it among all installed packages, each time


def plain(latex: str) -> str:
    return str(Text.from_latex(latex).render(PLAIN))


@cache
def papers(path: Path) -> dict[str, Paper]:
    """Return the entries of a bibliography by their keys."""
    found = {}
    for key, entry in parse_file(str(path), bib_format="bibtex").entries.items():
        fields = {name: plain(text) for name, text in entry.fields.items()}
        names = [" ".join(map(plain, who.prelast_names + who.last_names)) for who in entry.persons["author"]]
        note = fields.get("note", "")
        arxiv = ARXIV.search(note)
        book = fields.get("booktitle", "")
        acronym = re.search(r"\((\w+)\)$", book)
        where = f"{acronym[1] if acronym else book} {fields['year']}" if book else note.partition(" proceedings of ")[2]
        found[key] = Paper(
            f"https://arxiv.org/abs/{arxiv[1]}" if arxiv else note,
            f"{names[0]} et al." if len(names) > 2 else " and ".join(names),
            fields["year"],
            ", ".join(names) if len(names) <= MANY else f"{names[0]} and {len(names) - 1} others",
            fields["title"],
            where or note.removeprefix("https://"),
        )
    return found


def with_roles(text: str, known: dict[str, Paper]) -> str:
    """Return a chapter's text with Sphinx's roles in the place of its links to papers."""
    for key, paper in known.items():
        for form, role in zip(reversed(paper.cited), "tp", strict=True):  # the longer one first
            text = text.replace(form, f"{{cite:{role}}}`{key}`")
    return text


def rewrite(app: Sphinx, page: str, source: list[str], change: Callable[[list[str]], list[str]]) -> None:
    """Change what a page's author wrote, before Sphinx reads it: the text of a page, or of a notebook's cells."""
    if Path(app.env.doc2path(page)).suffix != ".ipynb":
        source[:] = change(source)
        return
    notebook = json.loads(source[0])
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    for cell, text in zip(cells, change(["".join(cell["source"]) for cell in cells]), strict=True):
        cell["source"] = text
    source[0] = json.dumps(notebook)


def cite(app: Sphinx, page: str, source: list[str]) -> None:
    """Make citations of a chapter's links to papers, and list them at its end."""

    def cited(texts: list[str]) -> list[str]:
        after = [with_roles(text, bibliography(app)) for text in texts]
        return after if after == texts else [*after[:-1], after[-1] + LIST]

    rewrite(app, page, source, cited)


def bibliography(app: Sphinx) -> dict[str, Paper]:
    return papers(Path(app.srcdir) / app.config.bibtex_bibfiles[0])


def add_notes(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put a note at the first citation of a paper in each section of a page."""
    known, seen = bibliography(app), set()
    for citation in list(doctree.findall(nodes.inline)):
        around = ancestors(citation)
        if "bibtex-citation" not in citation["classes"] or any(isinstance(up, NO_ROOM) for up in around):
            continue
        sections = [up for up in around if isinstance(up, nodes.section)]
        for key in re.split(r"\s*,\s*", citation.rawsource):
            place = (sections[-2] if len(sections) > 1 else sections[-1], key)
            if place not in seen:
                seen.add(place)
                citation.parent.insert(citation.parent.index(citation), nodes.raw("", note(known[key]), format="html"))


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Return what a node is in, from the inside out."""
    found = []
    while node := node.parent:
        found.append(node)
    return found


def note(paper: Paper) -> str:
    """Return the HTML of a note: the authors, the year, the title, where it appeared."""
    lines = f"{paper.authors}, {paper.year}", f"<cite>{escape(paper.title)}</cite>", escape(paper.where)
    return f'<span class="rl-cited" aria-hidden="true">{"<br>".join(filter(None, lines))}</span>'


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinxcontrib.bibtex")
    app.add_css_file("margin.css", priority=900)
    app.connect("source-read", cite)
    app.connect("doctree-resolved", add_notes, priority=900)  # what is read of the text is without them
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
