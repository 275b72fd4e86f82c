"""The page's figures as node makes them, and the scripts with which a browser makes the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

from resnet_lib.book.explore import Explorer

ROOT = Path(__file__).parents[2]
WEB = ROOT / "resnet_lib" / "book" / "web"
NODE = ROOT / ".venv" / "bin" / "node"
WIDTHS = (254, 340, 560, 790)  # the first in a window of 320 pixels, a scroll bar among them

Scene = dict[str, Any]
Scenes = list[tuple[Explorer, dict[str, Any], list[Scene]]]


def scenes_of(
    asked: list[tuple[Explorer, list[dict[str, Any]]]],
    call: Callable[[Explorer], str] = attrgetter("call"),
    marks: bool = True,
) -> Scenes:
    """The scenes of explorers at settings, in all WIDTHS, as node makes them from the page's calls: marks, or SVG."""
    wanted = [
        {"call": call(explorer), "settings": settings, "widths": WIDTHS, "marks": marks} for explorer, settings in asked
    ]
    node = subprocess.run([NODE, WEB / "node.js"], input=json.dumps(wanted), capture_output=True, text=True)
    assert node.returncode == 0, node.stderr
    made = json.loads(node.stdout)
    return [
        (explorer, values, [scene | {"figure": one["figure"]} for scene in one["scenes"]])
        for (explorer, settings), drawn in zip(asked, made, strict=True)
        for values, one in zip(settings, drawn, strict=True)
    ]


def drawn_by_node(
    asked: list[tuple[Explorer, list[dict[str, Any]]]], call: Callable[[Explorer], str] = attrgetter("call")
) -> tuple[str, list[str]]:
    """What `DRAW` takes for explorers at settings, and the SVGs that node draws of it."""
    wanted, drawn = [], []
    for explorer, _, scenes in scenes_of(asked, call, marks=False):
        attributes = {"class": "rl-svg", "role": "img", "aria-label": explorer.description}
        for width, scene in zip(WIDTHS, scenes, strict=True):
            wanted.append([scene["figure"], width, attributes])
            drawn.append(scene["svg"])
    return json.dumps(wanted), drawn


# With `bundled` in a page: the SVGs of [figure, width, the root's attributes], given in a list as JSON.
DRAW = """(wanted) => JSON.parse(wanted)
  .map(([figure, width, attributes]) => web.svg(web.scene(figure, width), attributes))"""


def bundled(folder: Path) -> Path:
    """A script, written into that folder, which gives a page the functions of `DRAW`."""
    entry, bundle = folder / "entry.js", folder / "bundle.js"
    entry.write_text(f'export {{ scene }} from "{WEB}/scene.js"; export {{ svg }} from "{WEB}/svg.js";')
    command = [ROOT / "node_modules" / ".bin" / "esbuild", entry, "--bundle", "--format=iife", "--global-name=web"]
    subprocess.run([*command, f"--outfile={bundle}", "--log-level=error"], check=True)
    return bundle
