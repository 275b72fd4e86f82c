"""How light and how quick a page is: the book of now beside the one before it drew its own figures, and a FigureWidget.

Each round opens the page in a fresh profile of a headless Chromium. Measured are

- the first paint that can be touched: from the start of the visit until the first explorer has its figure and its
  slider and a frame has been painted (the servers are on this machine: no network is waited for);
- slider to frame: from the slider's event to the frame after the figure has changed;
- the display's clock: the time between two frames while the slider moves in each, median and 95th percentile;
- the call: what the page computes in a frame while the slider moves, 95th percentile.

The book before is built from its commit, in a folder of its own. The FigureWidget is the same explorer in JupyterLab,
with its kernel; a first visit there would measure JupyterLab, and its frames wait for the kernel.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.timing import Result, Seconds, compared
from tests.helpers.browser import launch, serving
from tests.helpers.jupyterlab import jupyterlab, open_notebook
from tools.notebooks import chapters

ROOT = Path(__file__).parent.parent
BEFORE = "cff1381"  # the last commit whose pages draw with Plotly and typeset with MathJax
STEPS = 60
CELL = """import resnet_lib as rl
from resnet_lib.book.chapters.bottleneck.figures import two_ways

rl.explore(two_ways, channels=(64, 1024, 64), width=(16, 512, 16), size=(7, 56, 7), unit=['weights', 'MACs'])"""

# When the first explorer of the page could be touched, in milliseconds of the visit.
WATCH = """
const drawn = "[data-rl-explorer] .rl-plot > svg.rl-svg > *, [data-rl-explorer] .rl-plot .barlayer path, "
  + "[data-rl-explorer] .rl-plot .scatterlayer path";
const look = () => document.querySelector("[data-rl-explorer] input") && document.querySelector(drawn)
  ? requestAnimationFrame(() => setTimeout(() => { window.touchable = performance.now(); }))
  : requestAnimationFrame(look);
requestAnimationFrame(look);
const frame = requestAnimationFrame.bind(window);
window.busy = [];  // how long the callbacks of each frame took
let now = -1;
window.requestAnimationFrame = (callback) => frame((time) => {
  const start = performance.now();
  callback(time);
  const took = performance.now() - start;
  if (time === now) window.busy[window.busy.length - 1] += took;
  else window.busy.push(took);
  now = time;
});
"""
# Milliseconds from a slider's event to the frame after the figure has changed, step by step.
STEP = """async ([root, steps, keys]) => {
  const place = document.querySelector(root);
  const slider = place.querySelector("input[type=range], [role=slider]");
  const plot = place.querySelector(".rl-plot, .js-plotly-plot");
  const took = [];
  for (let i = 0; i < steps; i++) {
    const changed = new Promise((done) => {
      const observer = new MutationObserver(() => { observer.disconnect(); done(); });
      observer.observe(plot, { subtree: true, childList: true, attributes: true, characterData: true });
    });
    const start = performance.now(), up = Math.floor(i / 10) % 2 === 0;
    if (keys) slider.dispatchEvent(new KeyboardEvent("keydown", { key: up ? "Right" : "Left", bubbles: true }));
    else {
      slider[up ? "stepUp" : "stepDown"]();
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    await changed;
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    took.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 30));
  }
  return took;
}"""
# Milliseconds between frames while the slider moves in each, and what the page's own callbacks take in them.
CLOCK = """async ([root, steps]) => {
  const slider = document.querySelector(root).querySelector("input[type=range]");
  const times = [];
  window.busy = [];
  for (let i = 0; i <= steps; i++) {
    times.push(await new Promise((done) => requestAnimationFrame(done)));
    slider[Math.floor(i / 10) % 2 ? "stepDown" : "stepUp"]();
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return { frames: times.slice(1).map((time, i) => time - times[i]), busy: window.busy.slice(1) };
}"""
EXPLORER = '[data-rl-explorer="two-ways"]'


def run(rounds: int = 5) -> list[Result]:
    """Results against the page of now."""
    touch: dict[str, dict[str, list[Seconds]]] = {"index": {}, "bottleneck": {}}
    samples: dict[str, dict[str, list[Seconds]]] = {name: {} for name in ("step", "late", "frames", "slow", "busy")}
    weights: dict[str, dict[str, int]] = {"index": {}, "bottleneck": {}}
    with ExitStack() as stack:
        browser = launch(stack.enter_context(sync_playwright()), {})
        books = {"now": ROOT / "_build" / "html", f"before ({BEFORE})": stack.enter_context(built(BEFORE))}
        sites = {name: (book, stack.enter_context(serving(book))) for name, book in books.items()}
        lab = stack.enter_context(laboratory(browser))
        for _ in range(rounds):
            for name, (book, site) in sites.items():
                for page, weight in weights.items():
                    with visit(browser, f"{site}/book/{page}.html") as opened:
                        touch[page].setdefault(name, []).append(opened.evaluate("window.touchable") / 1000)
                        weight[name] = compressed(opened, book)
                        if page == "bottleneck":
                            steps = opened.evaluate(STEP, [EXPLORER, STEPS, False])
                            clock = opened.evaluate(CLOCK, [EXPLORER, 4 * STEPS])
                            add(samples, name, step=median(steps), late=late(steps))
                            add(samples, name, frames=median(clock["frames"]), slow=late(clock["frames"]))
                            add(samples, name, busy=late(clock["busy"]))
            steps = lab.evaluate(STEP, [".jp-OutputArea", STEPS, True])
            add(samples, "FigureWidget", step=median(steps), late=late(steps))
    titles = {
        "step": "Slider to frame, median of the steps",
        "late": "Slider to frame, 95th percentile",
        "frames": "Between frames while the slider moves, median (goal: 16.7 ms)",
        "slow": "Between frames while the slider moves, 95th percentile (goal: 20 ms)",
        "busy": "The call, 95th percentile (goal: 8 ms)",
    }
    return [
        *(result for page, times in touch.items() for result in compared(caption(page, weights[page]), times)),
        *(result for name, times in samples.items() for result in compared(titles[name], times)),
    ]


def caption(page: str, weight: dict[str, int]) -> str:
    sizes = ", ".join(f"{name} {size / 1000:.0f} kB" for name, size in weight.items())
    return f"{page}: first paint that can be touched (gzipped: {sizes})"


def add(samples: dict[str, dict[str, list[Seconds]]], contender: str, **milliseconds: float) -> None:
    for name, value in milliseconds.items():
        samples[name].setdefault(contender, []).append(value / 1000)


def late(times: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(times, n=20, method="inclusive")[-1]


@contextmanager
def visit(browser: Browser, address: str) -> Iterator[Page]:
    """A page in a fresh profile, when it is at rest."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(address, wait_until="load")
        page.wait_for_function("window.touchable")
        page.wait_for_load_state("networkidle")
        yield page


def compressed(page: Page, book: Path) -> int:
    """The bytes of all that a first visit fetches, as a server with gzip sends them. Fonts are compressed already."""
    fetched = page.evaluate("performance.getEntries().map((entry) => entry.name).filter((n) => n.startsWith('http'))")
    files = {book / urlsplit(url).path.lstrip("/") for url in fetched}
    return sum(len(f.read_bytes() if f.suffix == ".woff2" else gzip.compress(f.read_bytes())) for f in files)


@contextmanager
def built(commit: str) -> Iterator[Path]:
    """The book as it was, built in a folder of its own from its own library and front-end packages."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "book"
        quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(["git", "worktree", "add", "--detach", str(folder), commit], cwd=ROOT, **quiet)  # type: ignore[call-overload]
        try:
            path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            environment = os.environ | {"PATH": path, "PYTHONPATH": str(folder)}
            for command in (["npm", "ci"], ["jupyter-book", "build", ".", "--quiet"]):
                subprocess.run(command, cwd=folder, env=environment, **quiet)  # type: ignore[call-overload]
            yield folder / "_build" / "html"
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=ROOT, **quiet)  # type: ignore[call-overload]


@contextmanager
def laboratory(browser: Browser) -> Iterator[Page]:
    """A notebook with the explorer, its kernel running and its figure drawn."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as home:
        metadata = nbformat.read(chapters()[0], as_version=4).metadata
        notebook = nbformat.v4.new_notebook(metadata=metadata, cells=[nbformat.v4.new_code_cell(CELL)])
        nbformat.write(notebook, Path(folder) / "live.ipynb")
        with (
            jupyterlab(Path(folder), Path(home)) as address,
            browser.new_context(viewport={"width": 1440, "height": 900}) as context,
        ):
            page = context.new_page()
            page.set_default_timeout(60_000)
            open_notebook(page, address, "live", run=True)
            page.locator(".js-plotly-plot .barlayer .point").first.wait_for()
            yield page
