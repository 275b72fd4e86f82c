"""The repository's address: set once, the same everywhere, and nothing invented in its place."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement

from book._ext import residual_book
from tests.conftest import ROOT, make
from tests.test_workshop import project, repository_files
from tools.address import INSTALLS, SAYS, canonical, cloned, first_cell, main, written
from tools.notebooks import chapters

ADDRESS = "https://github.com/somebody/some.book"


@pytest.mark.parametrize(
    "given",
    [
        ADDRESS,
        f"{ADDRESS}.git",
        f"{ADDRESS}/",
        f" {ADDRESS}\n",
        "https://codeberg.org/a/b",
        "https://git.example.org/a/b",
    ],
)
def test_an_address_has_one_form(given: str) -> None:
    found = canonical(given)
    assert found and found in given and not found.endswith((".git", "/"))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://github.com/a/b",
        "git@github.com:a/b.git",
        "https://github.com/a",
        "https://github.com/a/b/tree/main",
        "https://user:password@github.com/a/b",
        "https://localhost/a/b",
        "https://github.com/a/b'); import os; ('",
        'https://github.com/a/b" --index-url "c',
        "/srv/git/book",
    ],
)
def test_what_is_not_an_address(given: str) -> None:
    assert canonical(given) is None
    assert main([given]) == 1


def test_one_command_sets_the_address_everywhere_and_takes_it_away(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "tools/address.py", *(f"book/{path.name}" for path in chapters())):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    assert make("address", "URL=none", folder=tmp_path).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert written(tmp_path) is None
    assert "No address is set" in make("address", folder=tmp_path).stdout

    assert make("address", f"URL={ADDRESS}.git", folder=tmp_path).returncode == 0
    assert written(tmp_path) == ADDRESS
    assert make("address", folder=tmp_path).stdout == f"{ADDRESS}\n"
    for path in (tmp_path / "book").iterdir():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        first, *others = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert first == first_cell(ADDRESS) and not any(ADDRESS in other for other in others)

    assert make("address", "URL=http://no", folder=tmp_path).returncode != 0
    assert written(tmp_path) == ADDRESS
    assert make("address", "URL=none", folder=tmp_path).returncode == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        (f"{ADDRESS}.git", ADDRESS),
        ("https://gitlab.com/a/b", "https://gitlab.com/a/b"),
        ("https://codeberg.org/a/b.git", "https://codeberg.org/a/b"),
        ("https://git.inner.example/a/b.git", None),
        ("https://github.com.example/a/b.git", None),
        ("git@github.com:a/b.git", None),
        ("/srv/git/book", None),
        (None, None),
    ],
)
def test_a_clone_knows_a_public_address_only(tmp_path: Path, remote: str | None, address: str | None) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    if remote:
        subprocess.run(["git", "remote", "add", "origin", remote], cwd=tmp_path, check=True)
    assert cloned(tmp_path) == address


def test_a_folder_without_git_has_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cloned(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cloned(ROOT) is None


# ---- This repository -------------------------------------------------------------------------------------------------


def test_every_chapter_begins_with_the_same_cell() -> None:
    address = written()
    assert address is None or canonical(address) == address
    for path in chapters():
        first = next(cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if "outputs" in cell)
        assert "".join(first["source"]) == first_cell(address), "run: make address URL=…"
        assert first["metadata"]["tags"] == ["remove-cell"] and first["outputs"] == []


# An address is ours where something is installed or cloned from it, or where it bears the book's name.
OURS = re.compile(
    r"git\+\w+://[^\s\"'`\\)]+|git clone [^\n\"'`]*[:/][^\s\"'`]*"
    r"|\b[\w-]+\.(?:com|org|io|net|dev)[/:][^\s\"'`\\)]*(?:residual[-_]?block|resnet[-_]lib)[^\s\"'`\\)]*"
    r"|[\w-]*residual-?block[\w-]*\.(?:com|org|io|net|dev)\b"
    r"|colab\.research\.google\.com/(?:github|drive)\S*",
    re.IGNORECASE,
)


def foreign(text: str, address: str | None) -> list[str]:
    """The addresses in a text that pass for ours and are not."""
    ours = re.compile(rf"{re.escape(address)}(?![\w-])" if address else "(?!)")
    return [found for found in OURS.findall(text) if not ours.search(found)]


def test_no_file_names_another_address() -> None:
    for path in repository_files():
        if path.suffix in (".png", ".svg", ".woff2") or path in (Path(__file__), ROOT / "tools" / "address.py"):
            continue
        assert not foreign(path.read_text(encoding="utf-8"), written()), path


@pytest.mark.parametrize(
    "text",
    [
        'pip install "git+https://github.com/a/b"',
        "git clone https://github.com/a/b",
        "git clone --depth 1 git@github.com:a/b.git",
        "https://github.com/inside-the-residual-block/inside-the-residual-block",
        "https://somebody.github.io/residual-block/",
        "https://residualblock.org",
        "https://colab.research.google.com/github/a/b/blob/main/book/basic.ipynb",
    ],
)
def test_another_address_would_be_found(text: str) -> None:
    assert foreign(text, None) and foreign(text, ADDRESS)
    assert not foreign(f"git+{ADDRESS}", ADDRESS)


# ---- The buttons of the built book -----------------------------------------------------------------------------------


def options(folder: Path, address: str | None, remote: str | None) -> dict[str, Any]:
    """The theme's options after the extension has seen a repository with these addresses."""
    urls = f'[project.urls]\nSource = "{address}"\n' if address else ""
    (folder / "pyproject.toml").write_text(f'[project]\nname = "b"\nversion = "1"\n{urls}', encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "remote", "add", "origin", remote or "/srv/git/book"], cwd=folder, check=True)
    config = SimpleNamespace(html_theme_options={"repository_url": "another's", "repository_branch": "main"})
    residual_book.add_buttons(SimpleNamespace(srcdir=folder), config)  # type: ignore[arg-type]
    return config.html_theme_options


@pytest.mark.parametrize(
    ("address", "remote", "link", "colab"),
    [
        (None, None, "", False),
        (None, ADDRESS, ADDRESS, False),  # the chapters on GitHub would install nothing
        (ADDRESS, None, ADDRESS, True),
        (ADDRESS, "https://github.com/a/fork", ADDRESS, True),
        ("https://gitlab.com/a/b", None, "https://gitlab.com/a/b", False),
        ("https://codeberg.org/a/b", None, "", False),  # the theme knows no such icon
    ],
)
def test_there_are_buttons_as_far_as_there_is_an_address(
    tmp_path: Path, address: str | None, remote: str | None, link: str, colab: bool
) -> None:
    made = options(tmp_path, address, remote)
    assert made["repository_url"] == link
    assert made["use_repository_button"] is made["use_issues_button"] is bool(link)
    assert made["launch_buttons"] == ({"colab_url": "https://colab.research.google.com"} if colab else {})
    assert made["repository_branch"] == "main"


BUTTONS = re.compile(r'href="(https://[^"]*(?:github|gitlab|colab)[^"]*)"[^>]*class="[^"]*\bbtn\b', re.DOTALL)


def test_the_pages_have_the_buttons_that_the_address_allows(book: Path) -> None:
    address = written() or cloned()
    for path in chapters():
        links = BUTTONS.findall((book / "book" / f"{path.stem}.html").read_text(encoding="utf-8"))
        assert bool(links) == bool(address)
        assert all(
            address and address.removeprefix("https://") in link.replace("/github/", "github.com/") for link in links
        )


# ---- The first cell, where it runs -----------------------------------------------------------------------------------

# A shell without what the environment's .pth files add, which is how an editable installation is found.
SHELL = f"""
import sys, types
sys.path[:] = [entry for entry in sys.path if entry] + [{sysconfig.get_path("purelib")!r}]
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="NoColor")
shell.register_magic_function(lambda line: print("pip", line), magic_name="pip")
if "colab" in sys.argv:
    sys.modules["google"], sys.modules["google.colab"] = types.ModuleType("google"), types.ModuleType("google.colab")
if "present" in sys.argv:
    sys.path.append({str(ROOT)!r})
print("went on" if shell.run_cell(sys.stdin.read()).success else "stopped")
"""


def run(cell: str, folder: Path, *where: str) -> list[str]:
    """The lines that a cell prints where the library is missing, or `present`; on `colab`, or not."""
    command = [sys.executable, "-S", "-c", SHELL, *where]
    environment = {"IPYTHONDIR": str(folder), "HOME": str(folder)}
    finished = subprocess.run(command, cwd=folder, input=cell, env=environment, capture_output=True, text=True)
    assert finished.returncode == 0 and finished.stderr == "", finished.stderr
    return finished.stdout.splitlines()


@pytest.mark.parametrize("where", [(), ("colab",)], ids=["anywhere", "colab"])
def test_without_an_address_a_missing_library_is_one_sentence(tmp_path: Path, where: tuple[str, ...]) -> None:
    said, end = run(SAYS, tmp_path, *where)
    assert end == "stopped"
    assert "resnet_lib" in said and said.endswith('run: pip install ".[explore,torch]"')


def test_with_an_address_a_missing_library_is_installed_on_colab_only(tmp_path: Path) -> None:
    cell = first_cell(ADDRESS)
    said, end = run(cell, tmp_path)
    assert end == "stopped"
    assert said.endswith(f'%pip install "inside-the-residual-block[explore,torch] @ git+{ADDRESS}"')
    installed = f'pip install -q "inside-the-residual-block[explore] @ git+{ADDRESS}"'
    assert run(cell, tmp_path, "colab") == [installed, "went on"]


@pytest.mark.parametrize("cell", [SAYS, INSTALLS], ids=["no address", "an address"])
@pytest.mark.parametrize("where", [("present",), ("present", "colab")], ids=["anywhere", "colab"])
def test_a_library_that_is_there_is_left_alone(tmp_path: Path, cell: str, where: tuple[str, ...]) -> None:
    assert run(cell, tmp_path, *where) == ["went on"]


def test_what_the_cells_install_is_this_package_with_extras_that_it_has() -> None:
    for asked in re.findall(r'install (?:-q )?"(inside[^"]*)"', first_cell(ADDRESS)):
        requirement = Requirement(asked)
        assert requirement.name == project()["name"] and requirement.url == f"git+{ADDRESS}"
        assert not requirement.specifier, "Colab's own versions stay"
        assert requirement.extras <= set(project()["optional-dependencies"])
    assert "torch" not in first_cell(ADDRESS).splitlines()[-1], "Colab's own torch stays"
