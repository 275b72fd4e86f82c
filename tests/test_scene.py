"""The page's figures, in node: they are Python's, and what is drawn of them is whole, apart and to be seen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from resnet_lib import colours
from tests.helpers.made import explorers, grid
from tests.helpers.scenes import DRAW, WIDTHS, Scene, Scenes, bundled, scenes_of
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


# What a figure may hold of Plotly's language: the page draws this, and a kernel's Plotly draws all of it.
TRACE = {"type", "x", "y", "xaxis", "yaxis", "hovertext", "hoverinfo", "name", "opacity", "cliponaxis"}
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


def test_node_and_a_browser_draw_the_same_bytes(
    scenes: Scenes, chapter: Path, browser: Browser, tmp_path: Path
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.add_script_tag(path=bundled(tmp_path))
        for explorer, _, drawn in scenes[::7]:
            for width, scene in zip(WIDTHS, drawn, strict=True):
                attributes = {"class": "rl-svg", "role": "img", "aria-label": explorer.description}
                assert page.evaluate(DRAW, [scene["figure"], width, attributes]) == scene["svg"]


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
