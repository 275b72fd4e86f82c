"""The page's figures, in node: they are Python's, and what is drawn of them is whole, apart and to be seen."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from resnet_lib import colours
from resnet_lib.book.web import runtime
from tests.conftest import CHAPTERS
from tests.helpers.made import explorers, grid
from tests.helpers.scenes import DRAW, NODE, WIDTHS, Scene, Scenes, bundled, drawn_by_node, scenes_of
from tools import widths


@pytest.fixture(scope="module")
def scenes(chapter: Path) -> Scenes:
    return scenes_of([(explorer, list(grid(explorer))) for explorer in explorers(chapter)])


def contains(drawn: Any, expected: Any, where: str = "") -> None:
    """`drawn` is what is `expected`, numbers within rounding."""
    if isinstance(expected, dict):
        assert drawn.keys() == expected.keys(), where
        for key, value in expected.items():
            contains(drawn[key], value, f"{where}.{key}")
    elif isinstance(expected, list | tuple):
        assert len(drawn) == len(expected), where
        for i, value in enumerate(expected):
            contains(drawn[i], value, f"{where}[{i}]")
    elif isinstance(expected, float):
        assert math.isclose(drawn, expected, rel_tol=1e-12, abs_tol=1e-12), (where, drawn, expected)
    else:
        assert drawn == expected, (where, drawn, expected)


def test_every_figure_is_what_python_computes(scenes: Scenes) -> None:
    assert scenes
    for explorer, values, (scene, *_) in scenes:
        contains(scene["figure"], explorer.figure(**values), explorer.code(values))


def test_a_tie_is_rounded_as_python_rounds_it() -> None:
    """Their quotients are exact in binary: written as two divisions they fall short, and the last digit differs."""
    ties = {
        "two-blocks": {"channels": 256, "width": 368},
        "one-convolution": {"window": "7×7/2", "channels_in": 154, "channels_out": 896, "side": 84},
    }
    found = [explorer for chapter in CHAPTERS for explorer in explorers(chapter) if explorer.id in ties]
    assert len(found) == len(ties)
    for explorer, values, (scene, *_) in scenes_of([(explorer, [ties[explorer.id]]) for explorer in found]):
        contains(scene["figure"], explorer.figure(**values))


def words_of(scene: Scene) -> list[dict[str, Any]]:
    return [mark for mark in scene["marks"] if mark.get("words")]


def apart(a: dict[str, Any], b: dict[str, Any]) -> bool:
    across = a["x"] + a["width"] <= b["x"] + 0.5 or b["x"] + b["width"] <= a["x"] + 0.5
    return across or a["y"] + a["height"] <= b["y"] + 0.5 or b["y"] + b["height"] <= a["y"] + 0.5


def test_no_words_are_cut_or_lie_over_others(scenes: Scenes) -> None:
    """At every end of every control, in each width."""
    found = []
    for explorer, values, drawn in scenes:
        for width, scene in zip(WIDTHS, drawn, strict=True):
            words = words_of(scene)
            for i, one in enumerate(words):
                if one["x"] < -0.5 or one["x"] + one["width"] > width + 0.5 or one["y"] < -1:
                    found.append(f"cut, {width}: {one['words']} {explorer.code(values)}")
                if one["y"] + one["height"] > scene["height"] + 1:
                    found.append(f"below, {width}: {one['words']} {explorer.code(values)}")
                for other in words[:i]:
                    if not apart(one, other):
                        found.append(f"over, {width}: {one['words']} {other['words']} {explorer.code(values)}")
    assert not found, (len(found), found[:20])


def test_a_bar_that_is_there_is_seen(scenes: Scenes) -> None:
    for explorer, values, drawn in scenes:
        for scene in drawn:
            lengths = {mark["key"]: mark for mark in scene["marks"] if mark["key"].startswith("bar ")}
            for t, trace in enumerate(scene["figure"]["data"]):
                if trace.get("type") != "bar":
                    continue
                flat = trace.get("orientation") == "h"
                for i, value in enumerate(trace["x" if flat else "y"]):
                    long = lengths[f"bar {t} {i}"]["width" if flat else "height"]
                    assert long >= 1.5 if value > 0 else long == 0, (explorer.code(values), t, i)


def test_every_handle_is_there_to_drag(scenes: Scenes) -> None:
    for explorer, values, drawn in scenes:
        for scene in drawn:
            keys = {mark["key"] for mark in scene["marks"]}
            for handle in scene["figure"]["layout"]["meta"]["handles"]:
                assert handle["control"] in explorer.defaults
                assert handle["mark"] in keys, (explorer.code(values), handle)


# Traces that say nothing: how many, and what they are.
SILENT = {
    "two-blocks": (2, "the shortcuts"),
    "through-depth": (6, "other depths, thin, behind the one that is chosen"),
    "one-convolution": (5, "lines to the dots, which speak, and the line of what they are compared with"),
    "bend": (5, "the shortcut alone, which is y = x, the line at x, and samples of lines beside their names"),
    "what-it-reads": (1, "rings around the dots, which speak"),
    "one-pixel": (4, "frames"),
    "who-pays": (1, "the line at a half"),
    "hourglass": (2, "the shortcuts"),
    "affordable": (1, "the line between the two points, which speak"),
}


def trace_of(mark: dict[str, Any]) -> int:
    return int(mark["key"].split()[1])


def test_all_data_tell_their_values(chapter: Path) -> None:
    """To pointer, tap and arrow keys: bars, points, areas, and the points of lines."""
    for explorer in explorers(chapter):
        scene = scenes_of([(explorer, [explorer.defaults])])[0][2][-1]
        telling = {trace_of(mark) for mark in scene["marks"] if mark.get("says")}
        assert telling, explorer.id
        data = enumerate(scene["figure"]["data"])
        silent = [t for t, trace in data if trace.get("mode") != "text" and t not in telling]
        assert len(silent) == SILENT.get(explorer.id, (0, ""))[0], (explorer.id, silent)
        said = [mark["says"] for mark in scene["marks"] if mark.get("says")]
        assert not any("%{" in words or "undefined" in words or "NaN" in words for words in said), said


def test_no_point_lies_beyond_its_axes(scenes: Scenes) -> None:
    """Nor a bar: what the caption speaks of is there, whatever the settings."""
    for explorer, values, (scene, *_) in scenes:
        keys = {mark["key"] for mark in scene["marks"]}
        for t, trace in enumerate(scene["figure"]["data"]):
            if "markers" not in trace.get("mode", "") or isinstance(trace["marker"].get("size"), list):
                continue
            for i in range(len(trace["x"])):
                assert f"point {t} {i}" in keys, (explorer.code(values), t, i)
        for bar in (mark for mark in scene["marks"] if mark["key"].startswith("bar ")):
            assert any(inside(bar, box) for box in scene["clips"]), (explorer.code(values), bar)


def inside(mark: dict[str, Any], box: dict[str, Any]) -> bool:
    left, right = mark["x"] >= box["x"] - 1, mark["x"] + mark["width"] <= box["x"] + box["width"] + 1
    return left and right and mark["y"] >= box["y"] - 1 and mark["y"] + mark["height"] <= box["y"] + box["height"] + 1


def test_a_plot_stays_in_its_place(scenes: Scenes) -> None:
    """Whatever a control does, the plotting area does not move."""
    places: dict[tuple[str, int], set[str]] = {}
    for explorer, _, drawn in scenes:
        for width, scene in zip(WIDTHS, drawn, strict=True):
            boxes = [[round(box[side]) for side in ("x", "y", "width", "height")] for box in scene["clips"]]
            places.setdefault((explorer.id, width), set()).add(str(boxes))
    assert {where: found for where, found in places.items() if len(found) > 1} == {}


# What a figure may hold of Plotly's language: the page draws this, and a kernel's Plotly draws all of it.
TRACE = {
    "type",
    "x",
    "y",
    "xaxis",
    "yaxis",
    "hovertext",
    "hovertemplate",
    "hoverinfo",
    "customdata",
    "name",
    "opacity",
    "cliponaxis",
}
BAR = TRACE | {"orientation", "width", "base", "marker", "text", "textposition", "insidetextanchor", "textangle"}
SCATTER = TRACE | {"mode", "line", "marker", "fill", "text", "textposition", "textfont"}
MARKER = {"color", "colorscale", "cmin", "cmax", "showscale", "line", "size", "symbol", "opacity"}
AXIS = {
    *("type", "range", "rangemode", "title", "tickvals", "ticktext", "tickformat", "dtick", "nticks", "ticks"),
    *("visible", "showgrid", "zeroline", "fixedrange", "automargin", "exponentformat", "domain", "anchor"),
    *("scaleanchor", "constrain", "constraintoward"),
}
NOTE = {"text", "x", "y", "xref", "yref", "xanchor", "yanchor", "xshift", "yshift", "font", "showarrow"}
LAYOUT = {
    *("height", "margin", "barmode", "bargap", "uniformtext", "annotations", "meta"),
    *("showlegend", "dragmode", "paper_bgcolor", "plot_bgcolor"),
}


def test_figures_speak_the_part_of_plotlys_language_that_the_page_draws(chapter: Path) -> None:
    for explorer in explorers(chapter):
        figure = explorer.figure()
        for trace in figure["data"]:
            assert trace["type"] in ("bar", "scatter")
            assert trace.keys() <= (BAR if trace["type"] == "bar" else SCATTER), explorer.id
            assert trace.get("marker", {}).keys() <= MARKER
            assert trace.get("line", {}).keys() <= {"color", "width", "dash"}
        for key, value in figure["layout"].items():
            assert key in LAYOUT or value.keys() <= AXIS, (explorer.id, key)
        assert all(note.keys() <= NOTE for note in figure["layout"].get("annotations", []))


def test_node_and_a_browser_draw_the_same_bytes(chapter: Path, browser: Browser, tmp_path: Path) -> None:
    asked = [(explorer, list(grid(explorer))[::7]) for explorer in explorers(chapter)]
    with browser.new_context() as context:
        page = context.new_page()
        page.add_script_tag(path=bundled(tmp_path))
        wanted, drawn = drawn_by_node(asked)
        assert page.evaluate(DRAW, wanted) == drawn


@pytest.mark.parametrize("call", ["explorer", "ask"])
def test_a_notebooks_script_is_one_program(call: str) -> None:
    """Also where a line begins with a comment that is not all of it."""
    checked = subprocess.run([NODE, "--check", "-"], input=runtime(call), capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_the_table_of_widths_is_the_fonts() -> None:
    assert widths.FILE.read_text(encoding="utf-8") == widths.module()


def test_every_character_of_a_figure_has_its_width(scenes: Scenes) -> None:
    used = {
        sign for *_, drawn in scenes for scene in drawn for mark in words_of(scene) for sign in "".join(mark["words"])
    }
    assert used <= set(widths.SIGNS)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_shapes_have_contrast(theme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for words, on the page and on a shape."""
    page = colours.PAGE[theme]
    assert contrast(page["ink"], page["page"]) >= 7
    assert contrast(page["quiet"], page["page"]) >= 4.5
    for colour, (shape, ink, on) in colours.THEMES[theme].items():
        assert contrast(ink, page["page"]) >= 4.5, colour
        assert contrast(on, shape) >= 4.5, colour
    for colour in (colours.BASIC, colours.BOTTLENECK, colours.CONTEXT, colours.ACCENT):
        assert contrast(colours.THEMES[theme][colour][0], page["page"]) >= 3, colour
