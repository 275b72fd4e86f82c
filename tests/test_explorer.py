"""Explorers in Python: controls, what can be written out and what cannot, and the stored output."""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

import resnet_lib as rl
from resnet_lib.book.explore import Explorer, formatted, largest, pick, smallest, widget
from resnet_lib.book.explore.symbols import FORMATS, Unknown, javascript, substitute
from resnet_lib.book.web import asset
from tests.conftest import ROOT


def bar(y: Any, **more: Any) -> dict[str, Any]:
    return {"data": [{"type": "bar", "x": ["a"], "y": [y]}], **more}


def product(channels: int = 64, width: int = 16) -> dict[str, Any]:
    """A product.

    More about it.
    """
    return bar(channels * width, numbers={"product": formatted("{:,d}", channels * width)})


def explorer(function: Callable[..., Any] = product, **options: Any) -> Explorer:
    return rl.explore(function, **({"channels": (64, 256, 64), "width": (16, 32, 16)} | options))


def test_the_default_state() -> None:
    made = explorer(presets={"wide": {"channels": 256}})
    assert made.id == "product"
    assert made.description == "A product."
    assert made.defaults == {"channels": 64, "width": 16}
    assert made.obstacle is None
    assert made.figure(channels=128)["data"][0]["y"] == [2048]
    assert repr(made) == "product(channels=64, width=16)\n  product: 1,024"
    assert made.html == explorer(presets={"wide": {"channels": 256}}).html


BAD: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "no control": (lambda: rl.explore(product), ("ranges", "at least one")),
    "no parameter": (lambda: explorer(depth=(1, 2)), ("depth", "parameter of product")),
    "a default outside": (lambda: explorer(channels=(128, 256, 64)), ("channels", "64", "(128, 256, 64)")),
    "a default off the grid": (
        lambda: explorer(channels=(32, 256, 64)),
        ("channels", "start, stop, step", "(32, 256, 64)"),
    ),
    "a step of zero": (lambda: explorer(channels=(64, 256, 0)), ("channels", "step", "(64, 256, 0)")),
    "stop before start": (lambda: explorer(channels=(256, 64, 64)), ("channels", "(256, 64, 64)")),
    "a word for a slider": (lambda: explorer(channels="64"), ("channels", "'64'")),
    "no choices": (lambda: explorer(width=[]), ("width", "[]")),
    "booleans": (lambda: explorer(width=(False, True)), ("width", "(False, True)")),
    "a preset's name": (lambda: explorer(presets={"p": {"depth": 3}}), ("presets['p']", "channels, width", "depth")),
    "a preset's value": (lambda: explorer(presets={"p": {"width": 17}}), ("presets['p']", "width", "17")),
    "a label's name": (lambda: explorer(labels={"depth": "d"}), ("labels", "channels, width", "depth")),
    "a format": (lambda: formatted("{:>10}", 3), ("template", ",d", "{:>10}")),
    "an index too far": (lambda: pick(3, [1, 2, 3]), ("index", "from 0 to 2", "3")),
    "an index from the end": (lambda: pick(-1, [1, 2, 3]), ("index", "from 0 to 2", "-1")),
    "half an index": (lambda: pick(0.5, [1, 2, 3]), ("index", "whole number", "0.5")),
    "nothing to pick": (lambda: pick(Unknown.control("n"), []), ("values", "at least one", "[]")),
    "a field": (lambda: formatted("{name:d}", 3), ("template", "{name:d}")),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name: str) -> None:
    call, parts = BAD[name]
    with pytest.raises(ValueError) as error:
        call()
    assert all(part in str(error.value) for part in parts), error.value


@pytest.mark.parametrize("index", [0, Unknown.control("n")], ids=["known", "unknown"])
def test_only_numbers_are_picked(index: Any) -> None:
    with pytest.raises(TypeError, match="values must be numbers: 'b'"):
        pick(index, [1, "b"])


def test_a_figure_that_is_none() -> None:
    def nothing(channels: int = 64) -> Any:
        return None

    with pytest.raises(TypeError, match=r"must return a Plotly figure.*NoneType"):
        rl.explore(nothing, channels=(64, 128)).figure()


# What cannot be written out, and the control that stands in the way


def branch(channels: int = 64, width: int = 16) -> Any:
    return bar(1 if channels > 100 else 2)


def equality(channels: int = 64, width: int = 16) -> Any:
    return bar(1 if width == 32 else channels)


def f_string(channels: int = 64, width: int = 16) -> Any:
    return bar(channels, layout={"title": {"text": f"{width} wide"}})


def to_text(channels: int = 64, width: int = 16) -> Any:
    return bar(channels, layout={"title": {"text": "wide " + str(width)}})


def square_root(channels: int = 64, width: int = 16) -> Any:
    return bar(math.sqrt(channels) + width)


def loop(channels: int = 64, width: int = 16) -> Any:
    return bar(sum(range(width)) * channels)


def both(channels: int = 64, width: int = 16) -> Any:
    return bar(max(channels, width))


def look_up(channels: int = 64, width: int = 16) -> Any:
    return bar({64: 1, 128: 2}.get(channels, 0) + width)


def torch_call(channels: int = 64, width: int = 16) -> Any:
    import torch

    return bar(torch.nn.Conv2d(width, 8, 3, device="meta").weight.numel() * channels)


def hidden_branch(channels: int = 64, width: int = 16) -> Any:
    return bar(1 if sympy.sympify(channels) == 256 else 2)


def plotly_object(channels: int = 64, width: int = 16) -> Any:
    import plotly.graph_objects as go

    return go.Figure(go.Bar(x=["a"], y=[channels]), layout={"title": {"text": f"{width}"}})


def unlucky(channels: int = 64, width: int = 16) -> Any:
    return bar(rl.price(rl.BlockSpec("bottleneck", channels, int(width))).macs)


OBSTACLES = {
    branch: ["channels"],
    equality: ["width"],
    f_string: ["width"],
    to_text: ["width"],
    square_root: ["channels"],
    loop: ["width"],
    both: ["channels", "width"],
    look_up: ["channels"],
    torch_call: ["width"],
    hidden_branch: ["channels=256"],
    plotly_object: ["channels"],
    unlucky: ["width"],
}


@pytest.mark.parametrize("function", OBSTACLES, ids=lambda function: function.__name__)
def test_what_cannot_be_written_out_says_so_and_works_with_a_kernel(function: Callable[..., Any]) -> None:
    made = explorer(function)
    assert made.obstacle is not None
    assert all(name in made.obstacle for name in OBSTACLES[function]), made.obstacle
    assert "<script" not in made.html
    assert "Live only with a kernel" in made.html

    box = widget.widget(made)
    controls, shown, message = box.children[1].children, box.children[2].children[0], box.children[-2]
    assert OBSTACLES[function][0].split("=")[0] in message.value
    for channels, width in ((128, 32), (256, 16), (64, 16)):
        controls[0].value, controls[1].value = channels, width
        expected = made.figure(channels=channels, width=width)["data"][0]["y"]
        assert list(shown.children[0].data[0].y) == expected


def test_only_the_guilty_control_is_named() -> None:
    assert "channels" not in (explorer(f_string).obstacle or "")
    assert "width" not in (explorer(branch).obstacle or "")


def test_too_many_choices() -> None:
    def many(a: int = 0, b: int = 0) -> Any:
        return bar(a + b)

    made = rl.explore(many, a=list(range(9)), b=list(range(9)))
    assert made.obstacle == "a and b have more than 64 combinations"


# With a kernel


def test_widgets_call_the_function_and_keep_the_last_figure_on_an_error() -> None:
    def picky(channels: int = 64, width: int = 16) -> Any:
        if width == 32:
            raise ValueError("no 32 here")
        traces = [{"type": "bar", "y": [channels]}] * (2 if channels > 64 else 1)
        return {"data": traces, "numbers": {"twice": f"{2 * channels}"}}

    box = widget.widget(explorer(picky, presets={"wide": {"channels": 256}}))
    presets, controls, stage, _, code, message, _ = box.children
    plot, numbers = stage.children
    assert "128" in numbers.value
    controls.children[0].value = 128
    assert "256" in numbers.value
    assert "picky(channels=128, width=16)" in code.value.replace("&#x27;", "'")
    assert len(plot.children[0].data) == 2
    controls.children[1].value = 32
    assert "no 32 here" in message.value
    assert len(plot.children[0].data) == 2
    presets.children[-1].click()
    assert controls.children[1].value == 16
    assert "no 32 here" not in message.value
    presets.children[0].click()
    assert controls.children[0].value == 256


def test_what_jupyter_gets() -> None:
    bundle = explorer()._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} <= set(bundle)


def test_colab_gets_the_page_form_or_asks_for_widgets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    colab, output = ModuleType("google.colab"), ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: asked.append(True)  # type: ignore[attr-defined]
    colab.output = output  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    assert set(explorer()._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert not asked
    assert "application/vnd.jupyter.widget-view+json" in explorer(branch)._repr_mimebundle_()
    assert asked


@pytest.mark.parametrize("package", ["anywidget", "ipywidgets", "plotly"])
def test_without_widgets_the_page_form_is_shown(package: str) -> None:
    """It is live where the function could be written out; elsewhere one line names the extra."""
    script = f"""
import json, sys
sys.modules[{package!r}] = None  # importing it raises ModuleNotFoundError
import resnet_lib as rl

def live(x=1):
    return {{"data": [{{"y": [x]}}]}}

def dead(x=1):
    return {{"data": [{{"y": [x if x > 1 else 0]}}]}}

print(json.dumps([rl.explore(f, x=(1, 3))._repr_mimebundle_() for f in (live, dead)]))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    live, dead = json.loads(run.stdout)
    assert set(live) == set(dead) == {"text/plain", "text/html"}
    assert "<script>" in live["text/html"] and "With a kernel" not in live["text/html"]
    assert re.search(rf'<p>With a kernel it needs {package}: .* its extra "explore"\.</p>$', dead["text/html"])


def test_without_sympy_one_line_names_the_extra() -> None:
    script = "import sys; sys.modules['sympy'] = None; import resnet_lib as rl; rl.explore"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert run.stderr.count("Traceback") == 1
    assert re.search(r'^ModuleNotFoundError: rl.explore needs SymPy: .*"explore"$', run.stderr, re.M)


# Formulas, in a real JavaScript engine

numbers = st.integers(-50, 50)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> Callable[[Any, Any], Any]:
    """A function of two numbers made of what Unknown can do. `b` is at least 1 everywhere, so it may divide."""
    if depth == 0:
        constant = draw(numbers)
        return draw(st.sampled_from([lambda a, b: a, lambda a, b: b, lambda a, b: constant]))
    f, g = draw(expressions(depth=depth - 1)), draw(expressions(depth=depth - 1))
    power = draw(st.integers(0, 3))
    return draw(
        st.sampled_from(
            [
                lambda a, b: f(a, b) + g(a, b),
                lambda a, b: f(a, b) - g(a, b),
                lambda a, b: f(a, b) * g(a, b),
                lambda a, b: f(a, b) // b,
                lambda a, b: f(a, b) % b,
                lambda a, b: f(a, b) / b,
                lambda a, b: f(a, b) ** power,
                lambda a, b: abs(f(a, b)),
                lambda a, b: -f(a, b),
                lambda a, b: largest(f(a, b), g(a, b)),
                lambda a, b: smallest(f(a, b), g(a, b)),
                lambda a, b: pick(b % 3, [f(a, b), 7, g(a, b)]),
                lambda a, b: 7 - f(a, b),
                lambda a, b: 7 * f(a, b),
            ]
        )
    )


@pytest.fixture(scope="module")
def engine(browser: Browser) -> Page:
    """A blank page that knows how the book writes numbers: a JavaScript engine."""
    page = browser.new_page()
    page.add_script_tag(content=asset("format.js").replace("export ", ""))
    return page


def evaluate(engine: Page, value: Any, values: dict[str, Any]) -> Any:
    return evaluate_source(engine, javascript(value), values)


def evaluate_source(engine: Page, source: str, values: dict[str, Any]) -> Any:
    return engine.evaluate(f"(v) => {{ const f = format; return ({source}) }}", values)


def test_the_page_finds_its_figure_for_each_combination_of_choices(engine: Page) -> None:
    def figure(word: str = "a", count: int = 2, size: int = 8, share: float = 0.5) -> dict[str, Any]:
        return {"data": [], "numbers": {"said": formatted(f"{word} × {count} × {share} × {{:d}}", size)}}

    made = rl.explore(figure, word=["a", 'b "c", d', "é 3×3"], count=[2, 30], size=(8, 16, 8), share=[0.5, 2.0])
    for word, count, share in itertools.product(*(made.controls[i].values for i in (0, 1, 3))):
        values = {"word": word, "count": count, "share": share, "size": 16}
        key = engine.evaluate("(v) => JSON.stringify([v.word, v.count, v.share])", values)
        assert evaluate_source(engine, made._written[0][key], values)["numbers"] == made.figure(**values)["numbers"]


@given(expression=expressions(), a=st.integers(1, 300), b=st.integers(1, 40))
def test_a_formula_in_javascript_equals_python(engine: Page, expression: Any, a: int, b: int) -> None:
    unknown = expression(Unknown.control("a"), Unknown.control("b"))
    expected = expression(a, b)
    assert evaluate(engine, unknown, {"a": a, "b": b}) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert substitute(unknown, {"a": a, "b": b}) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(
    spec=st.sampled_from(FORMATS),
    whole=st.integers(-(10**12), 10**12),
    part=st.floats(-1e6, 1e6).map(lambda x: x + 0.0),
)
def test_numbers_are_written_as_python_writes_them(engine: Page, spec: str, whole: int, part: float) -> None:
    for value in (whole, whole / 8, part):  # eighths are exact in binary: ties for one and two decimals
        if spec in ("d", ",d"):
            value = int(value)
        template = f"a {{:{spec}}} b"
        expected = template.format(value).replace("%", " %").replace("-", "\u2212")
        assert evaluate(engine, formatted(template, Unknown.control("x") * 1), {"x": value}) == expected
        assert formatted(template, value) == expected


def test_text_without_unknowns_is_plain() -> None:
    assert formatted("{:,d} of {:.1%}", 1234, 0.5) == "1,234 of 50.0 %"


def test_a_script_cannot_be_closed_by_a_text() -> None:
    assert "</script>" not in javascript({"text": "</script>"})


@given(channels=st.integers(1, 64), width=st.integers(1, 64), size=st.integers(1, 57))
def test_the_break_even_is_where_the_two_bills_meet(channels: int, width: int, size: int) -> None:
    """Chapter 6's root of 2Cw + 9w² = 18C² against the price, for widths that are not the paper's either."""

    def weights(block: rl.BlockSpec) -> int:
        return rl.price(block, image=size).by("kind")["conv"].params

    cheaper = weights(rl.BlockSpec("bottleneck", channels, width)) < weights(rl.BlockSpec("basic", channels))
    assert cheaper == (width < (163**0.5 - 1) / 9 * channels)
