"""What there is to answer on each page, for the marks in the sidebar and for the page "Your answers".

When the pages have been written, this reads them and writes `_static/answers.js`, which sets `window.RL_PAGES`: the
name, the title and the questions and explorers of each page that has any, in the order of the book. The file is a
script rather than JSON, because a browser fetches no JSON from a disk.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ASKED = re.compile(r"ResidualBlock\.ask\((\{.*?\})\);</script>")
EXPLORED = re.compile(r'data-rl-explorer="([\w-]+)"')
PREDICTIONS = ("number", "choice")


def asked(html: str) -> dict[str, list[str]]:
    """Return the names of a page's predictions, explorers, and quizzes and exercises that the page can check."""
    questions = [json.loads(call.replace("<\\/", "</")) for call in ASKED.findall(html)]
    return {
        "predicted": [question["name"] for question in questions if question["kind"] in PREDICTIONS],
        "explored": EXPLORED.findall(html),
        "solved": [question["name"] for question in questions if question["kind"] not in PREDICTIONS],
    }


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write `_static/answers.js` for the pages that were built."""
    if exception or app.builder.format != "html":
        return
    pages = []
    for name in [app.config.root_doc, *app.env.toctree_includes.get(app.config.root_doc, [])]:
        html = Path(app.outdir, f"{name}.html").read_text(encoding="utf-8")
        found = asked(html)
        if any(found.values()):
            pages.append({"name": name.rpartition("/")[2], "title": app.env.titles[name].astext()} | found)
    script = f"window.RL_PAGES = {json.dumps(pages, ensure_ascii=False)};\n"
    Path(app.outdir, "_static", "answers.js").write_text(script, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("progress.css", priority=900)
    app.add_js_file("answers.js", loading_method="defer")  # book.js looks at it when the page is complete
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
