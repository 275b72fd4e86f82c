"""The box on the page that a question, an exercise or a verdict is shown in."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from resnet_lib.book.web import live, style


def markup(text: str) -> str:
    """Return plain text as HTML, `code` in backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def box(name: str, body: str, page: dict[str, Any] | None = None) -> str:
    """Return the HTML of a question, with the script that brings it to life if there is something to ask.

    `page` is what the script in web/questions.js needs to know.
    """
    alive = live("ask", _json(page)) if page else style("ask")
    return f'<div class="rl-question" data-rl-question="{html.escape(name)}">{body}{alive}</div>'


def _json(page: dict[str, Any]) -> str:
    return json.dumps(page, ensure_ascii=False).replace("</", "<\\/")
