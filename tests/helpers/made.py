"""What the chapters make, as Python objects: the pages are compared with them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

import resnet_lib.book.ask
import resnet_lib.book.explore
import resnet_lib.drawing
from resnet_lib.book.ask import Question, Verdict
from resnet_lib.book.explore import Explorer
from resnet_lib.book.explore.controls import Slider
from resnet_lib.drawing import Drawing

MAKERS = (
    *((resnet_lib.book.ask, name) for name in ("check", "predict", "quiz")),
    (resnet_lib.book.explore, "explore"),
    (resnet_lib.drawing, "draw"),
)


@cache
def _made(chapter: Path) -> tuple[Any, ...]:
    """Run a chapter's code in this process and return what it makes, in order."""
    made: list[Any] = []

    def recording(maker: Any) -> Any:
        def record(*arguments: Any, **options: Any) -> Any:
            made.append(maker(*arguments, **options))
            return made[-1]

        return record

    code = [cell for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    # What nothing that is made depends on, and takes seconds: nbval runs it.
    cells = [cell.source for cell in code if "aside" not in cell.metadata.get("tags", ())]
    transform = TransformerManager().transform_cell  # %pip is no Python
    namespace: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}  # IPython's own
    with ExitStack() as stack, redirect_stdout(StringIO()):
        for module, name in MAKERS:
            stack.enter_context(patch.object(module, name, recording(getattr(module, name))))
        for cell in cells:
            exec(compile(transform(cell), f"{chapter.name}", "exec"), namespace)
    return tuple(made)


def explorers(chapter: Path) -> tuple[Explorer, ...]:
    return tuple(thing for thing in _made(chapter) if isinstance(thing, Explorer))


def drawings(chapter: Path) -> tuple[Drawing, ...]:
    return tuple(thing for thing in _made(chapter) if isinstance(thing, Drawing))


def questions(chapter: Path) -> tuple[Question, ...]:
    """Predictions and quizzes."""
    return tuple(thing for thing in _made(chapter) if isinstance(thing, Question))


def verdicts(chapter: Path) -> tuple[Verdict, ...]:
    """What `rl.check` said: in the reader's cells and in the solutions."""
    return tuple(thing for thing in _made(chapter) if isinstance(thing, Verdict))


MOST_SETTINGS = 100  # compared for one explorer


def grid(explorer: Explorer) -> Iterator[dict[str, Any]]:
    """Settings to compare at: each slider's ends and default, in all combinations with each choice; the presets.

    Where these are many, every so-manieth of them, and each end and each choice beside the others' defaults.
    """
    axes = []
    for control in explorer.controls:
        values = control.values
        inner = {control.value, values[len(values) // 3]} if isinstance(control, Slider) else values
        axes.append([*dict.fromkeys([values[0], *inner, values[-1]])])
    names = [control.name for control in explorer.controls]
    settings = [dict(zip(names, values, strict=True)) for values in itertools.product(*axes)]
    yield from settings[:: 1 + len(settings) // MOST_SETTINGS]
    if len(settings) > MOST_SETTINGS:
        for name, axis in zip(names, axes, strict=True):
            yield from (explorer.complete({name: value}) for value in axis)
    for preset in explorer.presets.values():
        yield explorer.complete(preset)
