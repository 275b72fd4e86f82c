"""The English of docstrings, messages, comments and pages for developers, as far as a machine can judge it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from token import tok_name as token_name
from tokenize import generate_tokens

import nbformat
import pytest

from tests.conftest import ROOT
from tests.test_workshop import repository_files
from tools.notebooks import chapters

# A habit to lose (CONTRIBUTING.md), and what to write instead.
HABITS = {
    r"\b[Ll]eft out:": "By default …",
    r"\b(?:is|are) none\b": "is not a Bill, …",
    r"\bis no (?:[A-Z]\w+|[a-z]+ion|record|checkpoint|identity|detail)\b": "is not a …",
    r"\b[Ss]o many\b": "the number, by its name",
    r"\b[Ww]ho(?:ever|soever)\b": "a network that …",
    r"\b(?:[Dd]ear|[Dd]earer|[Ii]n vain|[Ii]n small)\b": "costs more, wasted, in miniature",
    r"\b[Pp]uts? out\b": "returns, outputs",
    r"\b[Hh]and(?:s|ed|ing)? on\b": "passes on",
    r"\b[Pp]ictures\b": "images",
    r"\b[Ll]earnt\b": "learned",
    r"\bstands? (?:behind|before|after|above|below|in|on|at|under|where)\b": "is, comes, appears",
    r"\b[Tt]ake away\b": "Takeaway",
    r"\bhow many \w+ has\b": "how many … does … have",
}
HABIT = re.compile("|".join(f"(?:{habit})" for habit in HABITS))
# More of them, in what readers of the book read.
PROSE = {
    r"\b[Tt]he (?:one|two|three|[\d,]+) [13]×[13](?= (?:are|have|take|do|move|make)\b)": "the 1×1s",
    r"\b[Bb]y (?:four|sixteen)\b(?! \w)": "to a quarter, by a factor of 4",
    r"\b[Aa]s such\b": "by itself",
    r"\bmakes? [\d.]+ % errors?\b": "its error is 7.93 %",
    r"\b\d+%": "12 %, with a space",
    r"\bpictures?\b": "image",
    r"(?<!\w)how many \w+ has\b": "how many … does … have",
    r"\b(?:bring|brings) (?:it|its \w+|them) back\b": "restore",
    r"\bone feels?\b|\bmelts?\b": "shrinks",
    r"\b[A-Za-z]+!(?![=\[])": "no exclamation mark",
    r"\bplain(?:20|56|110)\b(?![\"\'`])": "plain-20",
}
DOCSTRINGS = (r"\b(?:is|are) none\b", r"\b[Tt]ake away\b", r"\b[Ss]o many\b")  # "there is none" is English
READ = re.compile("|".join(f"(?:{habit})" for habit in {**HABITS, **PROSE} if habit not in DOCSTRINGS))
QUOTED = re.compile(r'`[^`]*`|"[^"]*"|“[^”]*”|\]\([^)]*\)|\$[^$]*\$')  # a paper's words, code, addresses, formulas


def read() -> list[str]:
    """The files whose English is held to the rules, as paths below the repository."""
    paths = [str(path.relative_to(ROOT)) for path in repository_files()]
    ours = re.compile(r"resnet_lib/.*\.(?:py|md)|tools/.*\.py|book/_ext/.*\.py|[A-Z]+\.md|Makefile|_config\.yml")
    return [path for path in paths if ours.fullmatch(path) and path != "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", read())
def test_no_habit_to_lose(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert [f"{path}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if HABIT.search(line)] == []


def texts(path: Path) -> Iterator[str]:
    """What a reader reads on a page of the book: its text, and the strings and comments of its code."""
    if path.suffix == ".md":
        yield from path.read_text(encoding="utf-8").split("\n\n")
        return
    for cell in nbformat.read(path, as_version=4).cells:
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        yield figure.get("caption", "")
        if cell.cell_type == "markdown":
            yield from cell.source.split("\n\n")
        elif "remove-cell" not in cell.metadata.get("tags", ()):
            tokens = list(generate_tokens(StringIO(cell.source).readline))
            # The parts of an f-string are tokens of their own from Python 3.12 on.
            yield from (token.string for token in tokens if token_name[token.type] in SAID)


SAID = ("STRING", "FSTRING_MIDDLE", "COMMENT")


@pytest.mark.parametrize("path", [*chapters(), *sorted((ROOT / "book").glob("*.md"))], ids=lambda path: path.name)
def test_no_habit_to_lose_in_the_book(path: Path) -> None:
    found = {text: READ.findall(QUOTED.sub(" ", text)) for text in texts(path)}
    assert {text: habits for text, habits in found.items() if habits} == {}


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("The largest (left out: all)", True),
        ("Raises TypeError if `bill` is none.", True),
        ("if bill is None:", False),
        ("TypeError if `bill` is no Bill", True),
        ("there is no batch", False),
        ("the BatchNorm stands behind it", True),
        ("`standard` is understood", False),
        ("100 pictures that it hands on", True),
        ("a picture", False),
    ],
)
def test_a_habit_is_found(text: str, bad: bool) -> None:
    assert bool(HABIT.search(text)) == bad
