"""A page in another window or theme for a while, and what is looked for there."""

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

# Words that leave their drawing, or lie over others or over a shape: their ink, for a font's own boxes are taller.
CLASHES = """() => {
  const brush = document.createElement("canvas").getContext("2d");
  const ink = (text) => {
    const parts = [...text.childNodes].map((part) => {
      const style = getComputedStyle(part.nodeType === Node.TEXT_NODE ? text : part);
      brush.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      return brush.measureText(part.textContent);
    });
    const up = Math.max(...parts.map((part) => part.actualBoundingBoxAscent));
    const down = Math.max(...parts.map((part) => part.actualBoundingBoxDescent));
    const { x, width } = text.getBBox();
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
}"""


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
