"""The workshop: the book builds from nothing, its pages keep to themselves, and nothing is done twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.conftest import ROOT, make
from tests.helpers.browser import serving
from tools import pins
from tools.notebooks import chapters

PAGES = [str(path.relative_to(ROOT).with_suffix(".html")) for path in chapters()]


# ---- The pages, in a browser -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_page_takes_the_theme_that_its_reader_has_chosen(page: Callable[..., Page], theme: str) -> None:
    assert page(PAGES[0], theme=theme).locator("html").get_attribute("data-theme") == theme


def test_search_finds_a_page(page: Callable[..., Page]) -> None:
    opened = page("search.html?q=bottleneck")
    opened.locator("#search-results li").first.wait_for()


def test_only_pages_with_an_explorer_load_plotly_and_only_those_with_an_equation_mathjax(book: Path) -> None:
    for path in PAGES:
        html = (book / path).read_text(encoding="utf-8")
        assert ("vendor/plotly-basic.min.js" in html) == ("data-rl-explorer" in html), path
        assert ("tex-chtml.js" in html) == ('class="math ' in html), path


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


# An explorer's script names Plotly's own host for the case that it finds itself outside the book.
ALLOWED_IN_SCRIPTS = re.compile(r"https://cdn\.plot\.ly/|http://www\.w3\.org/")
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

    expected = {
        "a.wasm": "application/wasm",
        "a.mjs": "text/javascript",
        "a.js": "text/javascript",
        "a.css": "text/css",
    }
    for name in expected:
        (tmp_path / name).write_bytes(b"")
    with serving(tmp_path) as address:
        for name, kind in expected.items():
            with urllib.request.urlopen(f"{address}/{name}") as answer:
                assert answer.headers.get_content_type() == kind


# ---- Pins ------------------------------------------------------------------------------------------------------------


def test_requirements_pin_this_environment() -> None:
    """All that pyproject.toml names, and all that these bring, at the versions installed here."""
    written = dict(re.findall(r"^([\w.-]+)==([\w.+-]+)$", pins.REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    named = set().union(*pins.direct().values())
    assert named <= set(written)
    installed = dict(pins.pin(name).split("==") for name in pins.closure(named))
    # Another Python or another system may bring a few more or a few less; a version that differs is a mistake.
    assert {name: written[name] for name in installed if name in written} == {
        name: version for name, version in installed.items() if name in written
    }


def test_pins_install_on_the_oldest_python_we_promise() -> None:
    from importlib.metadata import distribution

    from packaging.specifiers import SpecifierSet

    for name in pins.closure(set().union(*pins.direct().values())):
        needs = distribution(name).metadata.get("Requires-Python")
        assert needs is None or SpecifierSet(needs).contains("3.11.0"), f"{name} needs Python {needs}"


def test_the_package_asks_for_lower_bounds_only() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for line in (*project["dependencies"], *project["optional-dependencies"]["torch"]):
        assert re.fullmatch(r"[\w-]+>=[\d.]+", line), line


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
