"""Explorers in JupyterLab: with a kernel through ipywidgets, and in a trusted notebook that nobody has run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, Route

import resnet_lib as rl
from resnet_lib.book.chapters.bottleneck.figures import two_ways
from tests.conftest import ROOT
from tests.helpers.jupyterlab import jupyterlab, open_notebook

RANGES = "channels=(64, 1024, 64), width=(16, 512, 16), size=(7, 56, 7), unit=['weights', 'MACs']"
WRITTEN_OUT = f"""import resnet_lib as rl
from resnet_lib.book.chapters.bottleneck.figures import two_ways

rl.explore(two_ways, {RANGES})"""
# What a reader may well write: a branch on a slider, and an f-string.
EDITED = """
def edited(channels=256, width=64):
    cost = rl.price(rl.BlockSpec("bottleneck", channels, width)).by("kind")["conv"].params
    if channels > 512:
        cost = -cost
    title = f"{channels} channels"
    data = [{"type": "bar", "x": [title], "y": [cost]}]
    return {"data": data, "numbers": {"cost": f"{cost:,} weights"}}

rl.explore(edited, channels=(64, 1024, 64), width=(16, 512, 16))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a JupyterLab of its own, and its folder, which holds three notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    home = tmp_path_factory.mktemp("home")
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for name, cells in {"live": [WRITTEN_OUT], "edited": ["import resnet_lib as rl", EDITED], "stored": []}.items():
        notebook = nbformat.v4.new_notebook(metadata=metadata, cells=list(map(nbformat.v4.new_code_cell, cells)))
        if name == "stored":
            stored = nbformat.read(ROOT / "book" / "bottleneck.ipynb", as_version=4)
            notebook.cells = [cell for cell in stored.cells if "two_ways," in cell.source]
        nbformat.write(notebook, folder / f"{name}.ipynb")

    with jupyterlab(folder, home, trusted=[folder / "stored.ipynb"]) as address:
        yield address, folder


@pytest.fixture
def notebook(browser: Browser, lab: tuple[str, Path]) -> Iterator[Page]:
    """A browser's page that reaches JupyterLab and no other host."""
    address, _ = lab
    with browser.new_context(viewport={"width": 1400, "height": 1200}) as context:

        def route(route: Route) -> None:
            url = route.request.url
            if url.startswith(address):
                route.continue_()
            else:
                route.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.set_default_timeout(60_000)
        yield page
        context.unroute_all(behavior="ignoreErrors")  # JupyterLab never stops asking its server


def drawn(page: Page) -> list[list[float]]:
    """The lengths of the bars of the plot, as Plotly holds them."""
    return page.evaluate(
        """() => [...document.querySelector(".js-plotly-plot").data].map((t) =>
             Array.from(t.orientation === "h" ? t.x : t.y))"""
    )


def expected(**values: int | str) -> list[list[float]]:
    return [trace["x"] for trace in two_ways(**values)["data"]]  # type: ignore[arg-type]


# The contrast of each of Plotly's words to what is behind it: a bar, or the page; and that of the grid.
CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
    const below = document.body.dataset.jpThemeLight === "true" ? 255 : 17;  // JupyterLab's own pages
    const [x, y, z] = [r, g, b].map((v) => (a * v + (1 - a) * below) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const ratio = (...two) => {
    const [a, b] = two.map(light).sort((a, b) => b - a);
    return (a + 0.05) / (b + 0.05);
  };
  const page = getComputedStyle(document.querySelector(".jp-Notebook")).backgroundColor;
  const words = [...document.querySelectorAll(".js-plotly-plot text")].filter((text) => text.getClientRects().length);
  const lines = [...document.querySelectorAll(".js-plotly-plot .gridlayer path")];
  return {
    words: words.map((text) => {
      const bar = text.matches(".bartext-inside") ? text.parentElement.querySelector("path") : null;
      return ratio(getComputedStyle(text).fill, bar ? getComputedStyle(bar).fill : page);
    }),
    bars: [...document.querySelectorAll(".barlayer .point > path")].map((bar) => getComputedStyle(bar).fill),
    grid: lines.map((line) => ratio(getComputedStyle(line).stroke, page)),
  };
}"""


def test_with_a_kernel_the_explorer_is_live_through_ipywidgets(notebook: Page, lab: tuple[str, Path]) -> None:
    open_notebook(notebook, lab[0], "live", run=True)
    notebook.locator(".js-plotly-plot .barlayer .point").first.wait_for()
    assert drawn(notebook) == expected()

    notebook.get_by_role("slider").first.focus()
    for channels in (320, 384):
        notebook.keyboard.press("ArrowRight")
        notebook.get_by_text(f"two_ways(channels={channels}, width=64, size=56, unit='weights')").wait_for()
        assert drawn(notebook) == expected(channels=channels)
    notebook.get_by_role("button", name="MACs").click()
    notebook.get_by_text("two_ways(channels=384, width=64, size=56, unit='MACs')").wait_for()
    assert drawn(notebook) == expected(channels=384, unit="MACs")
    handle = notebook.get_by_role("slider").first
    box, track = handle.bounding_box(), notebook.locator(".noUi-target").first.bounding_box()
    assert box and track
    notebook.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    notebook.mouse.down()
    notebook.mouse.move(track["x"] + track["width"] + 20, box["y"], steps=5)
    notebook.mouse.up()
    notebook.get_by_text("two_ways(channels=1024, width=64, size=56, unit='MACs')").wait_for()
    assert drawn(notebook) == expected(channels=1024, unit="MACs")
    notebook.get_by_role("button", name="Reset").click()
    notebook.get_by_text("two_ways(channels=256, width=64, size=56, unit='weights')").wait_for()
    assert drawn(notebook) == expected()

    # A label is above its slider, whose track is long enough to aim at; all is readable in both of JupyterLab's themes.
    tracks = notebook.locator(".noUi-target").evaluate_all("(all) => all.map((one) => one.clientWidth)")
    assert len(tracks) == 3 and min(tracks) >= 150
    shown = {}
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        notebook.get_by_role("menuitem", name="Settings", exact=True).click()
        notebook.get_by_text("Theme", exact=True).hover()
        notebook.get_by_text(theme, exact=True).click()
        notebook.wait_for_function(f"document.body.dataset.jpThemeName === '{theme}'")
        shown[theme] = notebook.evaluate(CONTRASTS)
        assert len(shown[theme]["words"]) > 10 and min(shown[theme]["words"]) >= 4.5
        assert 1.2 < min(shown[theme]["grid"]) <= max(shown[theme]["grid"]) < 3  # seen, and not before the bars
    assert not set(shown["JupyterLab Dark"]["bars"]) & set(shown["JupyterLab Light"]["bars"])


def test_an_edited_function_with_if_and_an_f_string_is_live_too(notebook: Page, lab: tuple[str, Path]) -> None:
    open_notebook(notebook, lab[0], "edited", run=True)
    notebook.locator(".js-plotly-plot .barlayer .point").first.wait_for()
    notebook.get_by_text("Live only with a kernel: a branch or comparison needs the value of channels").wait_for()
    notebook.get_by_role("slider").first.focus()
    notebook.keyboard.press("End")
    cost = rl.price(rl.BlockSpec("bottleneck", 1024, 64)).by("kind")["conv"].params
    notebook.get_by_text(f"{-cost:,} weights").wait_for()
    assert drawn(notebook) == [[-cost]]


def test_a_trusted_notebook_is_live_before_any_cell_has_run(notebook: Page, lab: tuple[str, Path]) -> None:
    """The stored output brings its script, and draws by itself."""
    open_notebook(notebook, lab[0], "stored", run=False)
    notebook.locator(".rl-live .rl-svg rect").first.wait_for()
    shown = notebook.locator(".rl-live .rl-svg").text_content()
    assert shown and all(f"3×3: {length:,}" in shown for (length,) in expected()[:2])
    assert notebook.get_by_role("button", name="Copy link").count() == 0  # the address belongs to JupyterLab
    notebook.get_by_role("slider", name="C, channels carried").press("End")
    notebook.wait_for_function("document.querySelector('.rl-numbers dd').textContent === '75,497,472'")
    assert "#" not in notebook.url
