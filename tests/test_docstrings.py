"""The examples in docstrings run and say what they show."""

from __future__ import annotations

import doctest
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

import resnet_lib as rl

PACKAGE = Path(rl.__file__).parent
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testmod(import_module(name), extraglobs={"rl": rl}, optionflags=options)
    assert result.attempted and not result.failed


CHAPTER = re.compile(r"(Chapter \d+|Chapters \d+(, \d+)* and \d+|Start here \(chapter 0\)|Workbench)\.")


def public() -> dict[str, object]:
    """Each public function and class by its name, as a reader finds it: rl.price, rl.lab.measure."""
    packages = {"rl": rl, **{f"rl.{name}": getattr(rl, name) for name in ("cost", "lab", "nn", "records")}}
    named = {f"{prefix}.{name}": getattr(each, name) for prefix, each in packages.items() for name in each.__all__}
    return {name: each for name, each in named.items() if inspect.isclass(each) or inspect.isfunction(each)}


def incomplete(names: dict[str, object]) -> list[str]:
    docstrings = {name: inspect.getdoc(each) or "" for name, each in names.items()}
    return [
        name
        for name, text in docstrings.items()
        if ">>> " not in text or not CHAPTER.fullmatch(text.rstrip().splitlines()[-1])
    ]


def test_public_names_have_an_example_and_their_chapter() -> None:
    assert incomplete(public()) == []


def test_a_docstring_without_them_is_found() -> None:
    def mute() -> None:
        """Do nothing.

        >>> 1 + 1
        2
        """

    assert incomplete({"mute": mute}) == ["mute"]
    assert incomplete({"price": rl.price}) == []
