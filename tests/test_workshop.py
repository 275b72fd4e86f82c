"""The workshop: the book builds from nothing, its pages keep to themselves, and nothing is done twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from playwright.sync_api import Page

import resnet_lib as rl
from book._ext import residual_book
from tests.conftest import ROOT, make
from tests.helpers.browser import serving
from tools.notebooks import chapters

PAGES = [str(path.relative_to(ROOT).with_suffix(".html")) for path in chapters()]


# ---- The pages, in a browser -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_takes_the_theme_that_its_reader_has_chosen(page: Callable[..., Page], theme: str) -> None:
    assert page(PAGES[0], theme=theme).locator("html").get_attribute("data-theme") == theme


def test_two_explorers_of_one_function_have_names_of_their_own() -> None:
    """Each name is in an explorer's element and in its script; what else is there stays."""

    def f(x: int = 1) -> dict[str, Any]:
        return {"data": [{"y": [x]}]}

    def g(x: int = 1) -> dict[str, Any]:
        return {"data": [{"y": [x if x else 1]}]}  # not live: it has no script

    htmls = [rl.explore(function, x=(1, 3))._repr_mimebundle_()["text/html"] for function in (f, g, f, f, g)]
    pattern = r'data-rl-explorer="([\w-]+)"|explorer\(\{"id":"([\w-]+)"'
    told = residual_book.tell_apart("".join(htmls))
    assert ["".join(names) for names in re.findall(pattern, told)] == ["f", "f", "g", "f-2", "f-2", "f-3", "f-3", "g-2"]
    assert re.sub(r'(?<=["fg])-[23](?=")', "", told) == "".join(htmls)
    assert residual_book.tell_apart(htmls[0]) == htmls[0]


# ---- The pages, as files ---------------------------------------------------------------------------------------------


LOADING_TAGS = {"audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "track", "video"}


class Resources(HTMLParser):
    """What a page loads, and what its scripts and styles say."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.code: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        attributes = {key: value or "" for key, value in attrs}
        if tag in LOADING_TAGS and attributes.get("rel") not in ("canonical", "next", "prev"):
            self.loaded += [attributes[key] for key in ("data", "href", "poster", "src", "srcset") if key in attributes]
        self.code.append(attributes.get("style", ""))

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style"):
            self.code.append(data)


ALLOWED_IN_SCRIPTS = re.compile(r"http://www\.w3\.org/")  # names of languages
OUTSIDE = re.compile(r"(?:https?:)?//[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.IGNORECASE)


def test_every_page_is_free_of_outside_resources(book: Path) -> None:
    pages = [path for path in book.rglob("*.html") if "_static" not in path.parts]
    assert len(pages) > len(PAGES)
    for path in pages:
        html = path.read_text(encoding="utf-8")
        resources = Resources(html)
        outside = [url for url in resources.loaded if OUTSIDE.match(url)]
        outside += [found for code in resources.code for found in OUTSIDE.findall(ALLOWED_IN_SCRIPTS.sub("", code))]
        assert not outside, f"{path.relative_to(book)}: {outside}"
        assert not re.search(r"fonts\.g|unpkg|jsdelivr|cdnjs", html), path


def test_no_style_sheet_asks_another_host(book: Path) -> None:
    for path in book.rglob("*.css"):
        css = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", css), path


def test_the_served_book_has_the_types_that_browsers_insist_on(tmp_path: Path) -> None:
    import urllib.request

    script = {"text/javascript", "application/javascript"}  # Python 3.11 says the old name, 3.12 the new one
    expected = {"a.wasm": {"application/wasm"}, "a.mjs": script, "a.js": script, "a.css": {"text/css"}}
    for name in expected:
        (tmp_path / name).write_bytes(b"")
    with serving(tmp_path) as address:
        for name, kinds in expected.items():
            with urllib.request.urlopen(f"{address}/{name}") as answer:
                assert answer.headers.get_content_type() in kinds


# ---- Pins ------------------------------------------------------------------------------------------------------------


PINS = re.compile(r"^([\w.-]+)==(\S+)$", re.MULTILINE)


def pins() -> dict[str, str]:
    """The version that requirements.txt holds of each distribution."""
    found = PINS.findall((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    return {canonicalize_name(name): version for name, version in found}


def project() -> dict[str, Any]:
    """What pyproject.toml says about the distribution."""
    said: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return said


def test_requirements_pin_what_is_named_and_what_is_installed() -> None:
    written = pins()
    named = {
        canonicalize_name(Requirement(line).name)
        for each in project()["optional-dependencies"].values()
        for line in each
    }
    assert named <= set(written)
    installed: dict[str, str] = {}
    for each in distributions():  # the first of a name counts: setuptools puts its own copies at the path's end
        installed.setdefault(canonicalize_name(each.name), each.version.partition("+")[0])
    # Another Python or another system may bring a few more or a few less; a version that differs is a mistake.
    shared = set(written) & set(installed)
    assert len(shared) > len(named)
    assert {name: Version(written[name]) for name in shared} == {name: Version(installed[name]) for name in shared}


def test_pins_install_on_the_oldest_python_we_promise() -> None:
    for name in pins():
        with suppress(PackageNotFoundError):  # another system's
            needs = distribution(name).metadata.get("Requires-Python")
            assert needs is None or SpecifierSet(needs).contains("3.11.0"), f"{name} needs Python {needs}"


def test_make_pins_writes_what_the_file_holds(tmp_path: Path) -> None:
    """The recipe, on a pip that says what ours does, and with CUDA's libraries and a CPU build of torch among it."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    fake = tmp_path / ".venv" / "bin" / "python"
    fake.parent.mkdir(parents=True)
    fake.write_text("#!/bin/sh\nprintf 'anyio==1.0\\nnvidia-cublas==13.0\\ntorch==2.13.0+cpu\\ntriton==3.7\\n'\n")
    fake.chmod(0o755)
    for stamp in (".ready", ".ready-book", ".ready-all"):
        (tmp_path / ".venv" / stamp).touch()
    run = make("pins", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    header, _, rest = (tmp_path / "requirements.txt").read_text(encoding="utf-8").partition("\n\n")
    assert (ROOT / "requirements.txt").read_text(encoding="utf-8").startswith(f"{header}\n\n")
    assert rest == "anyio==1.0\ntorch==2.13.0\n"


def test_the_package_asks_for_nothing_and_its_extras_for_lower_bounds_only() -> None:
    assert project()["dependencies"] == []
    for extra in ("cli", "explore", "torch", "train"):
        for line in project()["optional-dependencies"][extra]:
            assert re.fullmatch(r"[\w-]+>=[\d.]+", line), line


def test_a_wheel_holds_every_file_of_the_library(tmp_path: Path) -> None:
    """Scripts, styles, records, maps and py.typed too; its name and extras are those that pyproject.toml gives."""
    for path in repository_files():
        inside = path.relative_to(ROOT)
        if inside.parts[0] == "resnet_lib" or inside.name in ("pyproject.toml", "README.md", "LICENSE"):
            (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / inside)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    run = subprocess.run([*command, "-w", "out", "."], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("resnet_lib/")}
        (about,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(about).decode()
    ours = {str(path.relative_to(ROOT)) for path in repository_files() if path.is_relative_to(ROOT / "resnet_lib")}
    assert held == ours and "resnet_lib/py.typed" in held
    assert set(re.findall(r"^Provides-Extra: (.*)$", metadata, re.M)) == set(project()["optional-dependencies"])
    assert all("extra ==" in line for line in re.findall(r"^Requires-Dist: .*$", metadata, re.M))


def test_the_version_is_the_same_everywhere() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (cited["version"], cited["title"], cited["license"]) == (rl.__version__, config()["title"], "MIT")
    assert [author["name"] for author in cited["authors"]] == [author["name"] for author in project()["authors"]]
    newest = re.search(r"^## (\S+?),? ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest and newest[1] == rl.__version__


def config() -> dict[str, Any]:
    """What _config.yml says."""
    said: dict[str, Any] = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return said


def test_lock_file_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry and "resolved" not in entry for entry in packages.values())


def repository_files() -> list[Path]:
    """What is, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nothing is committed here")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_registry_or_somebodys_machine() -> None:
    registry = re.compile(r"(?:\bpypi|pythonhosted|npmjs|yarnpkg|download\.pytorch)\.(?:org|com)")
    machine = re.compile(r"[\"' =](?:/home/|/root/|/Users/|/work/|[A-Z]:\\\\Users)\w")
    for path in repository_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        assert not registry.search(text), path
        assert not machine.search(text), path


# ---- make ------------------------------------------------------------------------------------------------------------


def test_help_lists_every_command() -> None:
    lines = make("help").stdout.splitlines()
    assert {line.split()[1] for line in lines} == {
        "help",
        "serve",
        "book",
        "test",
        "lab",
        "notebooks",
        "bench",
        "address",
        "pins",
        "clean",
    }


@pytest.mark.usefixtures("book")
def test_nothing_is_done_twice() -> None:
    run = make("--question", "_build/.ready")
    assert run.returncode == 0, make("--dry-run", "book").stdout


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A copy of what an installation starts from, with nothing installed."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_without_a_fitting_python_make_says_so_in_one_line(bare: Path) -> None:
    old = bare / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for python in (str(old), "no-such-python"):
        run = make(".venv/.ready-book", f"PYTHON={python}", folder=bare)
        said = [line for line in run.stderr.splitlines() if not line.startswith("make")]
        assert run.returncode != 0
        assert len(said) == 1 and "Python 3.11 or newer" in said[0] and python in said[0]
        assert not (bare / ".venv").exists()


def test_an_interrupted_installation_leaves_no_stamp(bare: Path) -> None:
    """A Python that passes the check and makes an environment in which pip fails."""
    fake = bare / "fake-python"
    fake.write_text(
        "#!/bin/sh\n"
        'if [ "$2" = venv ]; then mkdir -p .venv/bin; printf "#!/bin/sh\\nexit 1\\n" > .venv/bin/python; '
        "chmod +x .venv/bin/python; fi\n"
    )
    fake.chmod(0o755)
    run = make(".venv/.ready-book", f"PYTHON={fake}", folder=bare)
    assert run.returncode != 0
    assert sorted(os.listdir(bare / ".venv")) == [".ready", "bin"]
