"""The English of docstrings, messages, comments and pages for developers, as far as a machine can judge it."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tests.test_workshop import repository_files

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
# Rooms that have not been gone over yet.


def read() -> list[str]:
    """The files whose English is held to the rules, as paths below the repository."""
    paths = [str(path.relative_to(ROOT)) for path in repository_files()]
    ours = re.compile(r"resnet_lib/.*\.(?:py|md)|tools/.*\.py|book/_ext/.*\.py|[A-Z]+\.md|Makefile|_config\.yml")
    return [path for path in paths if ours.fullmatch(path) and path != "CONTRIBUTING.md"]


@pytest.mark.parametrize("path", read())
def test_no_habit_to_lose(path: str) -> None:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert [f"{path}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if HABIT.search(line)] == []


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
