"""What every chapter promises: live explorers, code in small pieces, and no number that nobody computed."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

import resnet_lib as rl
from tests.conftest import ROOT
from tests.explorers import explorers
from tools.notebooks import chapters

CHAPTERS = chapters()
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
LINES = 25  # of code at a time


def cells(path: Path, kind: str) -> list[Any]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def refuse_dead_explorers(path: Path) -> None:
    """Raise if an explorer of this chapter would be dead in the published page."""
    found = explorers(path)
    assert found, f"{path.name} has no explorer"
    for explorer in found:
        assert explorer.obstacle is None, f"{path.name}, {explorer.id}: {explorer.obstacle}"


@every_chapter
def test_every_explorer_is_live_without_a_kernel(path: Path) -> None:
    refuse_dead_explorers(path)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("y = 1 if channels > 128 else 2", "a branch or comparison needs the value of channels"),
        ("import torch; y = torch.zeros(channels, device='meta').numel()", "needs the value of channels"),
    ],
)
def test_a_chapter_with_a_dead_explorer_is_refused(tmp_path: Path, body: str, why: str) -> None:
    source = (
        f"import resnet_lib as rl\n\ndef f(channels=64):\n    {body}\n"
        "    return {'data': [{'type': 'bar', 'y': [y]}]}\n\nrl.explore(f, channels=(64, 256, 64))"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    with pytest.raises(AssertionError, match=re.escape(why)):
        refuse_dead_explorers(tmp_path / "chapter.ipynb")


@every_chapter
def test_code_comes_in_readable_pieces(path: Path) -> None:
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= LINES, cell.source


@every_chapter
def test_every_name_of_the_library_in_the_prose_exists(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for name in re.findall(r"\brl\.(\w+)", cell.source):
            assert hasattr(rl, name), f"rl.{name}"


@every_chapter
def test_the_colab_cell_installs_from_this_books_repository(path: Path) -> None:
    url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    first = cells(path, "code")[0]
    assert f"git+{url}" in first.source
    assert "remove-cell" in first.metadata["tags"]
    assert not re.search(r"==|>=|torch", first.source), "Colab's own versions stay"


# A number in running text that says more than a small count: 1,179,648, 16.94, 427, 12.5 %.
NUMBER = re.compile(
    r"(?<![\w.,/^])\d{1,3}(?:,\d{3})+(?![\d])|(?<![\w.,/^:])\d+\.\d+(?![\w.])|(?<![\w.,/^:])\d{3,}(?![\w,.]*\d)"
)
# Names, not measurements.
NAMES = re.compile(r"ResNet-\d+|-\d+\b|`[^`]*`|\]\([^)]*\)|https?://\S+|Python 3\.\d+|```.*?```", re.S)


def known_numbers(path: Path) -> set[str]:
    """Numbers that the chapter computes or starts from: in its code and outputs, and in its explorers' figures."""
    text = "\n".join(cell.source for cell in cells(path, "code"))
    text += "\n".join(
        str(output.get("text") or output["data"].get("text/plain"))
        for cell in cells(path, "code")
        for output in cell.outputs
    )
    for explorer in explorers(path):
        for preset in ({}, *explorer.presets.values()):
            text += f"\n{explorer.figure(**preset)}"
    return set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", "")))


def computed(number: str, known: set[str]) -> bool:
    """Is `number` one of the known ones, as it stands or rounded, or in units of a million or a billion?"""
    plain = number.replace(",", "")
    if plain in known:
        return True
    places = len(plain.partition(".")[2])
    return any(f"{float(other) / unit:.{places}f}" == plain for other in known for unit in (1, 1e6, 1e9))


@every_chapter
def test_every_number_in_the_prose_is_computed_in_the_chapter_or_cited(path: Path) -> None:
    known = known_numbers(path)
    for cell in cells(path, "markdown"):
        for paragraph in re.split(r"\n\s*\n", cell.source):
            if "{cite" in paragraph:
                continue
            for number in NUMBER.findall(NAMES.sub(" ", paragraph.replace("{,}", ","))):
                assert computed(number, known), f"{number} in: {paragraph}"


def test_a_number_that_nobody_computed_is_found() -> None:
    known = known_numbers(CHAPTERS[-1])
    assert NUMBER.findall("It has 1,179,648 weights, 16.94 times as many, on 224 pixels.") == [
        "1,179,648",
        "16.94",
        "224",
    ]
    assert computed("1,179,648", known) and computed("16.94", known)
    assert not computed("1,179,649", known) and not computed("16.95", known)


def test_the_readme_tells_the_truth() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.S)
    namespace: dict[str, Any] = {}
    with redirect_stdout(StringIO()):
        exec(code, namespace)
    bill = namespace["bill"]
    assert str((bill.params, bill.macs, bill.activations)) in code
    net = namespace["net"]
    assert f"to the last digit: {rl.report(bill, 'fvcore')}" in code
    assert f"{rl.receptive_field(net)} pixels" in code
    for path in re.findall(r"\]\(([^)]+)\)|^(\w+)/", readme, re.M):
        assert (ROOT / "".join(path)).exists()
    for command in re.findall(r"(?:^|`)make (\w+)", readme, re.M):
        assert f"\n{command}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
