"""A page in another window or theme for a while, and what is looked for there, in any browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page

# The window is as wide as was asked for, and each figure as wide as its place.
LAID_OUT = """(width) => innerWidth === width && [...document.querySelectorAll(".rl-plot")].every((plot) =>
  !plot.clientWidth || plot.querySelector("svg").viewBox.baseVal.width === Math.floor(plot.clientWidth))"""

# Two frames, in which explorers draw and observers hear of new sizes; the theme's slow changes then end at once.
SETTLE = """async () => {
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (const animation of document.getAnimations()) animation.finish();
}"""

# The box of a text in its own coordinates, by its letters' widths: Firefox's own boxes are some pixels wider.
EXTENT = """(text) => {
  const letters = Array.from({ length: text.getNumberOfChars() }, (_, i) => text.getExtentOfChar(i));
  const x = Math.min(...letters.map((letter) => letter.x)), y = Math.min(...letters.map((letter) => letter.y));
  const right = Math.max(...letters.map((letter) => letter.x + letter.width));
  const bottom = Math.max(...letters.map((letter) => letter.y + letter.height));
  return new DOMRect(x, y, right - x, bottom - y);
}"""

# Words that leave their drawing, or lie over others or over a shape: their ink, for a font's own boxes are taller.
CLASHES = """() => {
  const extent = EXTENT;
  const brush = document.createElement("canvas").getContext("2d");
  const ink = (text) => {
    const parts = [...text.childNodes].map((part) => {
      const style = getComputedStyle(part.nodeType === Node.TEXT_NODE ? text : part);
      brush.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      return brush.measureText(part.textContent);
    });
    const up = Math.max(...parts.map((part) => part.actualBoundingBoxAscent));
    const down = Math.max(...parts.map((part) => part.actualBoundingBoxDescent));
    const { x, width } = extent(text);
    return { x, width, y: text.y.baseVal[0].value - up, height: up + down };
  };
  const apart = (a, b) => a.x + a.width <= b.x || a.y + a.height <= b.y;
  const points = (a) => [0, 0.25, 0.5, 0.75, 1].flatMap((t) => [0, 0.5, 1].map((s) =>
    new DOMPoint(a.x + t * a.width, a.y + s * a.height)));
  return [...document.querySelectorAll(".rl-draw svg")].flatMap((svg) => {
    const room = svg.viewBox.baseVal, found = [];
    const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, ink(text)]);
    const shapes = [...svg.querySelectorAll("[class=rl-basic] *, [class=rl-bottleneck] *")];
    texts.forEach(([words, a], i) => {
      if (a.x < 0 || a.y < 0 || a.x + a.width > room.width || a.y + a.height > room.height) found.push("cut: " + words);
      for (const [other, b] of texts.slice(0, i)) {
        if (!apart(a, b) && !apart(b, a)) found.push(words + " over " + other);
      }
      if (shapes.some((shape) => points(a).some((at) => shape.isPointInFill(at)))) found.push(words + " over a shape");
    });
    return found;
  });
}""".replace("EXTENT", EXTENT)

# Words that leave their figure or lie over one another there, as the browser has drawn them.
CLASHES_IN_PLOTS = """() => [...document.querySelectorAll(".rl-plot > svg")].flatMap((svg) => {
  const extent = EXTENT;
  const onScreen = (text) => {  // which may be turned
    const quad = DOMQuad.fromRect(extent(text)), at = text.getScreenCTM();
    const points = [quad.p1, quad.p2, quad.p3, quad.p4].map((point) => point.matrixTransform(at));
    return DOMQuad.fromQuad({ p1: points[0], p2: points[1], p3: points[2], p4: points[3] }).getBounds();
  };
  const frame = svg.getBoundingClientRect(), found = [];
  const labels = [...svg.querySelectorAll("text")].map((label) => [label.textContent, onScreen(label)]);
  labels.forEach(([words, a], i) => {
    if (a.left < frame.left - 2 || a.right > frame.right + 2) found.push("cut: " + words);
    for (const [other, b] of labels.slice(0, i)) {  // a font's boxes are taller than its letters
      const shared = [a.right - b.left - 1, b.right - a.left - 1, a.bottom - b.top - 8, b.bottom - a.top - 8];
      if (Math.min(...shared) > 0) found.push(words + " over " + other);
    }
  });
  return found;
})""".replace("EXTENT", EXTENT)

# What axe finds in the text, its outputs and its explorers. Its rules about citations are about Sphinx's roles.
AXE = """async (only) => (await axe.run(
  { include: ".bd-article", exclude: ".citation-list" }, { runOnly: only, resultTypes: ["violations"] },
)).violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`))"""
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]  # levels A and AA
AXE_SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"


def address(chapter: Path) -> str:
    """The chapter's page, as the book's server knows it."""
    return f"{chapter.parent.name}/{chapter.stem}.html"


def root(page: Page, name: str) -> Locator:
    """An explorer, drawn."""
    found = page.locator(f'[data-rl-explorer="{name}"]')
    found.locator(".rl-plot > .rl-svg > *").first.wait_for(state="attached")
    return found


def resize(page: Page, width: int, height: int = 800) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function(LAID_OUT, arg=width)
    page.evaluate(SETTLE)


@contextmanager
def window(page: Page, width: int) -> Iterator[None]:
    """The page in a window of that many pixels, and afterwards, whatever happened, in one of the usual size."""
    usual = page.viewport_size
    assert usual
    try:
        resize(page, width)
        yield
    finally:
        resize(page, **usual)


@contextmanager
def themed(page: Page, theme: str) -> Iterator[None]:
    """The page in that theme, and afterwards, whatever happened, in the one that it had."""
    choose = "(theme) => { document.documentElement.dataset.theme = theme }"
    usual = page.evaluate("document.documentElement.dataset.theme")
    try:
        page.evaluate(choose, theme)
        page.evaluate(SETTLE)
        yield
    finally:
        page.evaluate(choose, usual)
        page.evaluate(SETTLE)
