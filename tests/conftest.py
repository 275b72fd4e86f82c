"""Fixtures that several test files use: the built book, a browser, and pages that report what goes wrong on them."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route, sync_playwright

from tests.helpers.browser import launch, serving
from tests.helpers.fonts import FAMILIES, environment
from tests.helpers.layout import address
from tools.notebooks import chapters

ROOT = Path(__file__).parent.parent
CHAPTERS = chapters()
NAMES = [path.stem for path in CHAPTERS]

# Before torch is imported: on small convolutions, and beside other processes, its threads mostly wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A suite that was started in the background ignores Ctrl-C, and so would the programs that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


# How many examples a property is tried with, others in each run. `make test ARGS=--hypothesis-profile=thorough` tries
# fifteen times as many.
settings.register_profile("quick", max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=300)
settings.load_profile("quick")


# The files that take longest, the longest first: a worker takes a file at a time (`--dist loadfile`), in this order.
SLOW = ["test_layout.py", "test_pages.py", "test_firefox.py", "test_training.py", "test_ask.py", "test_jupyter.py"]
SLOW += ["test_found.py", "test_checkpoint.py", "test_scene.py", "test_conventions_on_cpu.py", "test_conventions.py"]
SLOW += ["test_experiments.py", "test_measure.py", "test_fast.py", "test_nn.py", "test_code.py", "test_type.py"]
SLOW += ["test_words.py", ".ipynb"]


# Thousands of tests and torch stay to the end: the collector of garbage need not look through them again and again.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow files come first, so that no worker begins one when the others are done."""

    def rank(item: pytest.Item) -> int:
        return next((i for i, slow in enumerate(SLOW) if item.path.name.endswith(slow)), len(SLOW))

    items.sort(key=rank)  # stable


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """`make` as a reader would call it, also when it is a make that runs these tests."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="session")
def book() -> Path:
    """The folder of the built book, built first if it is missing or older than its sources."""
    run = make("book")
    assert run.returncode == 0, run.stdout + run.stderr
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    """The address of the built book, without a final slash."""
    with serving(book) as address:
        yield address


@pytest.fixture(scope="session")
def image_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of scikit-learn's digits 0, 1 and 2 as coloured PNG files: train/zero/0.png and so on."""
    from PIL import Image
    from sklearn.datasets import load_digits

    folder, bunch = tmp_path_factory.mktemp("images"), load_digits()
    for digit, name in enumerate(("zero", "one", "two")):
        for i, image in enumerate(bunch.images[bunch.target == digit][:16]):
            place = folder / ("test" if i >= 12 else "train") / name
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray((15 * image).astype("uint8")).convert("RGB").save(place / f"{i}.png")
    return folder


@pytest.fixture(scope="session")
def browser_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Browser]]:
    """The browser that shows text in a family of tests/helpers/fonts.py, started when it is first asked for."""
    with sync_playwright() as playwright, ExitStack() as stack:

        @cache
        def start(family: str) -> Browser:
            return stack.enter_context(launch(playwright, environment(family, tmp_path_factory.mktemp("fonts"))))

        yield start


@pytest.fixture(scope="session")
def browser(browser_in: Callable[[str], Browser]) -> Browser:
    """A browser; its font is a wide one, in which a page needs most room."""
    return browser_in(FAMILIES[0])


@pytest.fixture(scope="session", params=FAMILIES)
def either_browser(browser_in: Callable[[str], Browser], request: pytest.FixtureRequest) -> Browser:
    """A browser with a wide font and one with a narrow font, for what depends on the room that text takes."""
    return browser_in(request.param)


@contextmanager
def opening(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens pages of the book: `open_page("book/bottleneck.html", width=390, theme="dark")`.

    Requests to another host are refused. They, errors and warnings in the console and uncaught exceptions fail the
    test when it ends. By `fonts=False` the page's own fonts do not arrive. Further arguments go to Playwright's
    `new_context`.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(
        path: str,
        *,
        width: int = 1280,
        height: int = 800,
        theme: str = "light",
        fonts: bool = True,
        **options: object,
    ) -> Page:
        def local_only(route: Route) -> None:
            url = route.request.url
            if url.startswith(site + "/"):
                route.continue_()
            else:
                problems.append(f"{path} asks another host: {url}")
                route.abort()

        def console(message: ConsoleMessage) -> None:
            withheld = not fonts and message.text.startswith(("Failed to decode downloaded font", "OTS parsing error"))
            if message.type in ("error", "warning") and not withheld:
                problems.append(f"{path}, console: {message.text} ({message.location.get('url')})")

        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        context.route("**/*", local_only)
        if not fonts:
            context.route("**/*.woff2", lambda route: route.fulfill(status=204))
        opened = context.new_page()
        opened.on("console", console)
        opened.on("pageerror", lambda error: problems.append(f"{path}, uncaught: {error}"))
        opened.goto(f"{site}/{path}", wait_until="load")
        opened.wait_for_function("async () => { await window.ResidualBlock?.ready; return true }")
        return opened

    yield open_page
    for context in contexts:
        context.close()
    if problems:
        pytest.fail("\n".join(problems))


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """See `opening`."""
    with opening(browser, site) as open_page:
        yield open_page


@pytest.fixture(scope="module", params=CHAPTERS, ids=NAMES)
def chapter(request: pytest.FixtureRequest) -> Path:
    """Each chapter in turn, for all tests that ask for it."""
    return Path(request.param)


@pytest.fixture(scope="module")
def opened_in(browser_in: Callable[[str], Browser], site: str, chapter: Path) -> Iterator[Callable[..., Page]]:
    """The chapter's page beside a system's fonts, opened once: its tests leave the explorers in any state."""
    with ExitStack() as stack:

        @cache
        def show(family: str, **options: object) -> Page:
            open_page = stack.enter_context(opening(browser_in(family), site))
            shown = open_page(address(chapter), permissions=["clipboard-read", "clipboard-write"], **options)
            shown.evaluate("document.fonts.ready")
            return shown

        yield show


@pytest.fixture
def opened(opened_in: Callable[..., Page]) -> Page:
    """The chapter's page in the fonts that it ships."""
    return opened_in(FAMILIES[0])


@pytest.fixture(params=FAMILIES)
def unfonted(opened_in: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    """The chapter's page whose own fonts do not arrive, in a wide font of the system and in a narrow one."""
    return opened_in(request.param, fonts=False)
