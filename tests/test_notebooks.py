"""The chapters as files. That each printed number is still what its cell prints, nbval tests: `make test` runs it."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.conftest import ROOT
from tools.notebooks import chapters, normalise

CHAPTERS = chapters()
NAMES = [path.stem for path in CHAPTERS]


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_every_notebook_is_in_the_book() -> None:
    assert sorted(CHAPTERS) == sorted((ROOT / "book").glob("*.ipynb"))


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_every_cell_has_run_once_in_order(path: Path) -> None:
    """nbval compares nothing for a cell without an execution count."""
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_only_measurements_are_exempt_from_comparison(path: Path) -> None:
    for cell in code_cells(path):
        tags = set(cell.metadata.get("tags", []))
        assert ("measurement" in tags) == ("nbval-ignore-output" in tags), cell.source
        assert not tags & {"nbval-skip", "nbval-raises-exception", "raises-exception"}, cell.source
        assert not re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)", cell.source), cell.source


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_code_fits_the_column(path: Path) -> None:
    """A page shows 84 columns before a cell scrolls sideways; code that is folded away may be wider."""
    for cell in code_cells(path):
        if not set(cell.metadata.get("tags", [])) & {"hide-cell", "hide-input", "remove-cell", "remove-input"}:
            assert all(len(line) <= 84 for line in cell.source.splitlines()), cell.source


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_outputs_are_stored_normalised(path: Path) -> None:
    notebook = read(path)
    assert normalise(copy.deepcopy(notebook)) == notebook, "run: make notebooks"
    assert path.read_text(encoding="utf-8").endswith("}\n")


def nbval(path: Path) -> subprocess.CompletedProcess[str]:
    """nbval on one notebook, in a process of its own."""
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*command, "-c", os.devnull, "--rootdir", str(path.parent), str(path)],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
    )


def change_one_digit(notebook: Any) -> str:
    """Change a digit of the first compared output that has one; returns the output as it then reads."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or "measurement" in cell.metadata.get("tags", []):
            continue
        for output in cell.outputs:
            holder, key = (output, "text") if output.output_type == "stream" else (output.get("data", {}), "text/plain")
            if found := re.search(r"\d", holder.get(key, "")):
                digit = str((int(found[0]) + 1) % 10)
                holder[key] = holder[key][: found.start()] + digit + holder[key][found.end() :]
                return str(holder[key])
    raise AssertionError("no digit in any output")


def test_a_single_wrong_digit_fails(tmp_path: Path) -> None:
    """The comparison bites: an unchanged copy passes, and the same copy with one other digit does not."""
    notebook = read(CHAPTERS[0])
    first = nbformat.v4.new_code_cell("import resnet_lib as rl", execution_count=1)
    rest = [cell for cell in notebook.cells if not re.search(r"rl\.(explore|draw|quiz)\(", cell.source)]
    notebook.cells = [first, *rest]  # without what takes long
    path = tmp_path / "chapter.ipynb"
    nbformat.write(notebook, path)
    unchanged = nbval(path)
    assert unchanged.returncode == 0, unchanged.stdout

    change_one_digit(notebook)
    nbformat.write(notebook, path)
    changed = nbval(path)
    assert changed.returncode == 1, changed.stdout
    assert re.search(r"\b1 failed", changed.stdout), changed.stdout
