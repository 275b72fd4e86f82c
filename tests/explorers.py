"""The explorers of the chapters, as Python objects: what the pages are compared with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

import resnet_lib.show
from resnet_lib.show.controls import Slider
from resnet_lib.show.explorer import Explorer, explore


@cache
def explorers(chapter: Path) -> tuple[Explorer, ...]:
    """Run a chapter's code in this process and return the explorers that it makes, in order."""
    made: list[Explorer] = []

    def record(*arguments: Any, **options: Any) -> Explorer:
        made.append(explore(*arguments, **options))
        return made[-1]

    cells = [cell.source for cell in nbformat.read(chapter, as_version=4).cells if cell.cell_type == "code"]
    transform = TransformerManager().transform_cell  # %pip is no Python
    namespace: dict[str, Any] = {"__name__": "__main__"}
    with patch.object(resnet_lib.show, "explore", record), redirect_stdout(StringIO()):
        for cell in cells:
            exec(compile(transform(cell), f"{chapter.name}", "exec"), namespace)
    return tuple(made)


def grid(explorer: Explorer) -> Iterator[dict[str, Any]]:
    """Settings to compare at: each slider's ends and default, in all combinations with each choice; the presets."""
    axes = []
    for control in explorer.controls:
        values = control.values
        inner = {control.value, values[len(values) // 3]} if isinstance(control, Slider) else values
        axes.append([*dict.fromkeys([values[0], *inner, values[-1]])])
    names = [control.name for control in explorer.controls]
    for values in itertools.product(*axes):
        yield dict(zip(names, values, strict=True))
    for preset in explorer.presets.values():
        yield explorer.complete(preset)
