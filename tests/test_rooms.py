"""The rooms of the house and the arrows between them, from the syntax trees: no circle, no arrow back, one wall."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import resnet_lib as rl

PACKAGE = Path(rl.__file__).parent
# room: rooms that it may import. Each module directly below resnet_lib is a room, so is each folder.
LEAVES = {"_check", "_files", "_table", "_version", "colours"}
ARROWS = {
    "_check": set(),
    "_files": set(),
    "_table": {"_check"},
    "_version": set(),
    "colours": set(),
    "spec": LEAVES,
    "zoo": {"spec"} | LEAVES,
    "cost": {"spec", "zoo"} | LEAVES,
    "drawing": {"spec", "zoo", "cost"} | LEAVES,
    "nn": {"spec", "zoo"} | LEAVES,
    "records": {"spec", "zoo", "cost"} | LEAVES,
    "lab": {"spec", "zoo", "cost", "nn", "records"} | LEAVES,
    "book": {"spec", "zoo", "cost", "drawing", "nn", "records"} | LEAVES,
}
TOP = {"__init__", "__main__", "cli"}  # these may import every room
STDLIB = ("__init__", "_check", "_files", "_table", "_version", "colours", "spec", "zoo", "cost", "drawing", "records")
TORCH = {"torch", "torchvision", "accelerate", "safetensors", "sklearn", "tqdm", "PIL", "numpy"}


@cache
def modules(package: Path = PACKAGE) -> Mapping[str, ast.Module]:
    """Each module of the package by its dotted name below it ("cost.bill"; a folder's own is "cost.__init__")."""
    paths = sorted(package.rglob("*.py"))
    return {".".join(p.relative_to(package).with_suffix("").parts): ast.parse(p.read_text("utf-8")) for p in paths}


def imports(tree: ast.Module, known: set[str], late: bool = True) -> Iterator[str]:
    """The modules that a module names in its imports, ours as in `known`, others as "torch.nn".

    `late` says whether those inside functions count, which run only when the function does. Imports for the type
    checker alone count always: they too are something that a reader has to know.
    """
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not late and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from (_ours(alias.name, known) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            for alias in node.names:
                yield _ours(f"{node.module}.{alias.name}", known)


def _ours(name: str, known: set[str]) -> str:
    """The module behind `import name`, or behind `from a import b` with the name a.b."""
    if name != "resnet_lib" and not name.startswith("resnet_lib."):
        return name
    below = name.removeprefix("resnet_lib").removeprefix(".")
    for candidate in (below, f"{below}.__init__", below.rpartition(".")[0], f"{below.rpartition('.')[0]}.__init__"):
        if candidate in known:
            return f"resnet_lib/{candidate}"
    return "resnet_lib/__init__"


def ours(tree: ast.Module, known: set[str]) -> set[str]:
    return {name.partition("/")[2] for name in imports(tree, known) if name.startswith("resnet_lib/")}


def room(module: str) -> str:
    return module.partition(".")[0]


def faults(trees: Mapping[str, ast.Module]) -> list[str]:
    """What breaks the rules: arrows that no rule allows, and circles of modules."""
    known = set(trees)
    graph = {module: ours(tree, known) - {module} for module, tree in trees.items()}
    found = [
        f"{module} imports {other}"
        for module, others in graph.items()
        if room(module) not in TOP
        for other in sorted(others)
        if room(other) not in ARROWS[room(module)] | {room(module)}
    ]
    try:
        TopologicalSorter({m: others for m, others in graph.items() if room(m) not in TOP}).prepare()
    except CycleError as error:
        found.append(f"circle: {' → '.join(error.args[1])}")
    return found


def test_arrows_point_one_way() -> None:
    assert faults(modules()) == []


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("spec", "from resnet_lib.cost.bill import price", "spec imports cost.bill"),
        ("cost.bill", "def f():\n    from resnet_lib.book.ask import check", "cost.bill imports book.ask.__init__"),
        ("lab.data", "import resnet_lib.cli", "lab.data imports cli"),
        ("nn.blocks", "import resnet_lib", "nn.blocks imports __init__"),
        ("nn.blocks", "from resnet_lib.nn.network import ResNet", "circle: "),
        ("book.ask.box", "from resnet_lib.book.ask.exercise import Verdict", "circle: "),
    ],
)
def test_an_arrow_back_and_a_circle_are_found(module: str, line: str, fault: str) -> None:
    trees = {**modules()}
    trees[module] = ast.Module([*trees[module].body, *ast.parse(line).body], [])
    found = faults(trees)
    assert any(fault in each for each in found), found


def test_only_the_top_knows_the_book() -> None:
    trees = modules()
    knowing = {m for m, tree in trees.items() if any(room(o) == "book" for o in ours(tree, set(trees)))}
    assert {m for m in knowing if room(m) != "book"} <= {"__init__", "cli"}


@pytest.mark.parametrize("name", [name for name in modules() if room(name) in STDLIB])
def test_a_stdlib_room_names_no_package(name: str) -> None:
    """Not even in a function: it would fail in the browser when it is called."""
    trees = modules()
    packages = {other.partition(".")[0] for other in imports(trees[name], set(trees)) if "/" not in other}
    assert packages <= sys.stdlib_module_names


@pytest.mark.parametrize("name", [name for name in modules() if room(name) in ("lab", "nn")])
def test_only_the_book_knows_plotly_and_sympy(name: str) -> None:
    trees = modules()
    packages = {other.partition(".")[0] for other in imports(trees[name], set(trees)) if "/" not in other}
    assert not packages & {"plotly", "ipywidgets", "anywidget", "sympy"}


def test_no_public_function_is_hidden_by_a_module() -> None:
    """`import resnet_lib.lab._measure` must not replace the function `rl.lab.measure`."""
    for package in (rl, rl.lab, rl.nn, rl.cost, rl.records):
        folder = Path(package.__file__).parent
        below = {path.stem for path in folder.glob("*.py")} | {
            path.parent.name for path in folder.glob("*/__init__.py")
        }
        assert not below & set(package.__all__), package.__name__


def test_the_map_names_every_room() -> None:
    text = (PACKAGE / "README.md").read_text("utf-8")
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix in (".py", "") and not path.name.startswith("_")}
    assert all(f"{name}/" in text or f"{name}.py" in text for name in rooms), rooms
    assert len(text.splitlines()) <= 60


def test_a_module_of_the_page_is_read_at_a_glance() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in (PACKAGE / "book" / "web").glob("*.js")}
    assert len(lengths) > 30 and max(lengths.values()) <= 120, sorted(lengths.items(), key=lambda item: -item[1])[:5]
