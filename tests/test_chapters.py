"""What every chapter promises: live explorers, code in small pieces, and no number that nobody computed."""

from __future__ import annotations

import ast
import itertools
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import pytest

import resnet_lib as rl
from book._ext.residual_cited import papers, with_roles
from book._ext.residual_words import CHINESE, slug
from resnet_lib.book.ask import exercises
from tests.conftest import ROOT
from tests.helpers.made import drawings, explorers, questions, verdicts
from tools.notebooks import chapters

CHAPTERS = chapters()
PAGES = [ROOT / "book" / name for name in ("about.md", "answers.md", "glossary.md")]
EXERCISES = exercises()
# The words of the glossary by their anchors.
GLOSSARY = {
    slug(word): word
    for word in (
        line.partition(CHINESE)[0]
        for line, after in itertools.pairwise((ROOT / "book" / "glossary.md").read_text(encoding="utf-8").splitlines())
        if after.startswith(": ")
    )
}
PAPERS = papers(ROOT / "book" / "references.bib")
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


# ---- The rhythm of a chapter -----------------------------------------------------------------------------------------


def position(path: Path, pattern: str) -> int:
    """The first cell whose source holds `pattern`."""
    for i, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if re.search(pattern, cell.source, re.M):
            return i
    raise AssertionError(f"{path.name} has no cell with {pattern!r}")


@every_chapter
def test_a_question_opens_the_chapter_and_a_sentence_closes_it(path: Path) -> None:
    first, last = nbformat.read(path, as_version=4).cells[0], nbformat.read(path, as_version=4).cells[-1]
    title, *lines = [line for line in first.source.splitlines() if line]
    assert title.startswith("# ")
    opening = re.split(r"\n\s*\n", first.source)[1]
    assert "?" in opening or "?" in " ".join(lines[:3]), opening
    (sentence,) = re.findall(r"^> .*(?:\n> .*)*", last.source, re.M)
    assert last.source.startswith("## Takeaway") and sentence.endswith(".")


@every_chapter
def test_a_prediction_comes_before_the_answer(path: Path) -> None:
    assert [q for q in questions(path) if q.kind in ("number", "choice")], "no prediction"
    assert position(path, r"^rl\.predict\(") < position(path, r"^## Exercises")


def test_every_question_has_a_name_of_its_own() -> None:
    names = [question.name for chapter in CHAPTERS for question in questions(chapter)]
    assert len(names) == len(set(names))


@every_chapter
def test_a_quiz_closes_and_every_choice_has_a_reply(path: Path) -> None:
    quizzes = [question for question in questions(path) if question.kind == "quiz"]
    assert quizzes
    assert position(path, r"^rl\.quiz\(") < position(path, r"^## Takeaway")
    for quiz in quizzes:
        assert len(quiz.replies) >= 3 and all(quiz.replies.values())


@every_chapter
def test_each_explorer_has_presets_and_says_what_to_try(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4).cells
    for i, cell in enumerate(notebook):
        if cell.cell_type == "code" and "rl.explore(" in cell.source:
            assert notebook[i + 1].source.startswith("**Try this.**"), cell.source
    for explorer in explorers(path):
        assert explorer.presets and 2 <= len(explorer.controls) <= 5, explorer.id
        assert explorer.function.__doc__, explorer.id


@every_chapter
def test_each_exercise_is_asked_and_solved(path: Path) -> None:
    mine = [name for name in EXERCISES if name.partition(".")[0] == path.stem]
    assert mine
    for name in mine:
        said = [verdict.right for verdict in verdicts(path) if verdict.exercise.name == name]
        assert said[-1] is True and not said[0], f"{name}: asked without an answer, then solved"
        asked = position(path, rf"^\*\*{EXERCISES[name].title}\.\*\*")
        assert asked < position(path, rf"rl\.check\(\"{re.escape(name)}\"")
    solutions = [
        cell for cell in cells(path, "markdown") if "<details>\n<summary>Solution</summary>\n\n" in cell.source
    ]
    assert len(solutions) == len(mine)


@every_chapter
def test_drawings_are_of_descriptions_beside_them(path: Path) -> None:
    if path.stem in ("basic", "shortcut", "bottleneck", "networks"):
        assert drawings(path)


@every_chapter
def test_figures_have_captions_and_are_referred_to_by_names_that_exist(path: Path) -> None:
    names = []
    for cell in cells(path, "code"):
        figure = cell.metadata.get("mystnb", {}).get("figure")
        if figure:
            assert figure["caption"].endswith(".") and figure["name"].startswith("fig-")
            names.append(figure["name"])
        assert bool(figure) or not re.search(r"^rl\.(draw|explore)\(", cell.source, re.M), cell.source
    assert len(names) == len(set(names))
    everywhere = {
        cell.metadata["mystnb"]["figure"]["name"]
        for chapter in CHAPTERS
        for cell in cells(chapter, "code")
        if "mystnb" in cell.metadata
    }
    for cell in cells(path, "markdown"):
        assert set(re.findall(r"\{numref\}`([\w-]+)`", cell.source)) <= everywhere


@every_chapter
def test_links_to_other_chapters_lead_somewhere(path: Path) -> None:
    for cell in cells(path, "markdown"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", cell.source):
            assert (path.parent / target).resolve() in (*CHAPTERS, *PAGES), target


RARE = {"degradation", "depthwise", "einsum", "momentum", "pre-activation", "rank", "receptive-field", "recipe", "rms"}
RARE |= {"resnext", "squeeze", "stem", "ten-crop", "timm", "top-1", "vgg", "warm-up", "weight-decay", "wide-resnet"}


def words_explained(path: Path) -> list[str]:
    """The words of the glossary that a chapter links to, by their anchors, in its order."""
    return [
        anchor for cell in cells(path, "markdown") for anchor in re.findall(r"\(glossary\.md#([\w-]+)\)", cell.source)
    ]


@every_chapter
def test_a_word_is_explained_where_it_is_met_first(path: Path) -> None:
    """Once in a chapter, at most five of them with a definition in the margin; a rare word not used before its link."""
    anchors = words_explained(path)
    assert anchors and len(anchors) == len(set(anchors))
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert len(re.findall(r"\*\[[^]]+\]\(glossary\.md#[\w-]+\)\*", text)) <= 5
    for anchor in RARE & set(anchors):
        before = re.sub(r"\]\([^)]*\)|`[^`]*`", " ", text[: text.index(f"](glossary.md#{anchor})")])
        assert before.lower().count(GLOSSARY[anchor].lower()) <= 1, f"{anchor} is used before"


def test_each_word_of_the_glossary_is_explained_somewhere() -> None:
    assert set(GLOSSARY) - {"skip-connection"} == {word for path in CHAPTERS for word in words_explained(path)}


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = [word.lower() for word in GLOSSARY.values()]
    assert words == sorted(words) and all(slug(word) == anchor for anchor, word in GLOSSARY.items())


@every_chapter
def test_a_link_to_a_paper_of_the_bibliography_is_a_citation(path: Path) -> None:
    """Jupyter shows it as it is, and the book makes a reference of it: no link to a paper is left, and no role."""
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    assert "{cite:" not in text and "{bibliography}" not in text
    cited = with_roles(text, PAPERS)
    assert [paper.address for paper in PAPERS.values() if paper.address in cited] == []
    assert cited.count("{cite:") == text.count("https://arxiv.org/abs/") + text.count(
        PAPERS["wightman2019timm"].address
    )


def test_no_entry_of_the_bibliography_is_unused() -> None:
    text = "\n".join(cell.source for path in CHAPTERS for cell in cells(path, "markdown"))
    assert [key for key, paper in PAPERS.items() if paper.address not in text] == []


# ---- Numbers ---------------------------------------------------------------------------------------------------------

# A number in running text that says more than a small count: 1,179,648, 16.94, 427, 12.5 %.
NUMBER = re.compile(
    r"(?<![\w.,/^])\d{1,3}(?:,\d{3})+(?![\d])|(?<![\w.,/^:])\d+\.\d+(?![\w.])|(?<![\w.,/^:])\d{3,}(?![\w,.]*\d)"
)
# Names, not measurements.
NAMES = re.compile(r"ResNet-\d+|-\d+\b|`[^`]*`|\]\([^)]*\)|https?://\S+|Python 3\.\d+|```.*?```", re.S)


ASKS = re.compile(r"^rl\.(predict|quiz)\(", re.M)  # these hold text of their own


def typed(source: str) -> str:
    """The text in the strings of a prediction or a quiz, without what its f-strings compute."""
    return "\n\n".join(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def prose(path: Path) -> list[str]:
    """The paragraphs of a chapter, those of its predictions and quizzes among them."""
    texts = [cell.source for cell in cells(path, "markdown")]
    texts += [typed(cell.source) for cell in cells(path, "code") if ASKS.search(cell.source)]
    return [paragraph for text in texts for paragraph in re.split(r"\n\s*\n", text)]


def known_numbers(path: Path) -> set[str]:
    """Numbers that the chapter computes or starts from: in its code and outputs, and in its explorers' figures."""
    text = "\n".join(cell.source for cell in cells(path, "code") if not ASKS.search(cell.source))
    text += "\n".join(
        str(output.get("text") or output["data"].get("text/plain"))
        for cell in cells(path, "code")
        if not ASKS.search(cell.source)
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
    for paragraph in prose(path):
        if "{cite" in with_roles(paragraph, PAPERS):
            continue
        for number in NUMBER.findall(NAMES.sub(" ", paragraph.replace("{,}", ","))):
            assert computed(number, known), f"{number} in: {paragraph}"


def test_a_number_that_nobody_computed_is_found() -> None:
    known = known_numbers(next(path for path in CHAPTERS if path.stem == "bottleneck"))
    assert NUMBER.findall("It has 1,179,648 weights, 16.94 times as many, on 224 pixels.") == [
        "1,179,648",
        "16.94",
        "224",
    ]
    assert computed("1,179,648", known) and computed("16.94", known)
    assert not computed("1,179,649", known) and not computed("16.95", known)


def test_the_readme_tells_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code, lab = re.findall(r"```python\n(.*?)```", readme, re.S)
    namespace: dict[str, Any] = {}
    with redirect_stdout(StringIO()):
        exec(code, namespace)
    bill = namespace["bill"]
    assert str((bill.params, bill.macs, bill.activations)) in code
    net = namespace["net"]
    assert f"to the last digit: {rl.report(bill, 'fvcore')}" in code
    assert f"{rl.receptive_field(net)} pixels" in code
    ((answer, said),) = re.findall(r'rl.check\("bottleneck.1", ([\d_]+)\) .*"(.*) …"', code)
    assert rl.check("bottleneck.1", int(answer)).sentence.startswith(said)
    for path in re.findall(r"\]\(([^)]+)\)|^(\w+)/", readme, re.M):
        assert (ROOT / "".join(path)).exists()
    for command in re.findall(r"(?:^|`)make (\w+)", readme, re.M):
        assert f"\n{command}:" in (ROOT / "Makefile").read_text(encoding="utf-8")

    # The other piece in small: no download, and nothing compiled.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.compile", lambda function: function)
    small = lab.replace('"resnet50", weights="IMAGENET1K_V2"', '"cifar_resnet20"')
    assert small != lab
    exec(small, namespace)
    assert rl.load(tmp_path / "resnet50.safetensors").spec == rl.network("cifar_resnet20")
