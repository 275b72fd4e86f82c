"""`explore`: one figure function, live with a kernel, in the published page, and readable without scripts."""

from __future__ import annotations

import html
import itertools
import json
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from resnet_lib.book.explore.controls import Choice, Control, Slider, Value, made_controls
from resnet_lib.book.explore.symbols import Figure, NotAFormula, Unknown, javascript, substitute
from resnet_lib.book.web import live

MOST_VARIANTS = 64  # combinations of choices written out into a page
DRAWN = ("bar", "scatter")  # the kinds of traces that the page draws


def explore(
    function: Callable[..., Any],
    /,
    *,
    presets: dict[str, dict[str, Value]] | None = None,
    labels: dict[str, str] | None = None,
    **ranges: Any,
) -> Explorer:
    """Show `function`, which turns control values into a Plotly figure, with a control for each of them.

    The function returns a dict: `data` and `layout` as Plotly takes them, and `numbers`, a dict from label to the text
    beside the plot (see `rl.formatted`). It may also return a Plotly figure. The first paragraph of its docstring
    describes the figure. The controls start at the function's defaults.

    - `presets` names settings that get a button each.
    - `labels` gives a control a longer name than its argument's.
    - Each further keyword gives one control. `channels=(64, 512, 64)` is a slider from 64 to 512 in steps of 64, and
      `unit=["MACs", "weights"]` is a choice.

    With a kernel the controls are ipywidgets and call the function itself, whatever it does. For a page without a
    kernel the function is written out as JavaScript. If that is impossible, `Explorer.obstacle` says why.

        >>> def weights(channels=64):
        ...     count = rl.price(rl.BlockSpec("basic", channels)).params
        ...     return {"data": [{"type": "bar", "y": [count]}], "numbers": {"in all": rl.formatted("{:,d}", count)}}
        >>> rl.explore(weights, channels=(64, 512, 64))
        weights(channels=64)
          in all: 73,984
        >>> rl.explore(weights, channels=(64, 512, 64)).obstacle is None
        True

    Raises ValueError if a keyword is not a parameter of the function.
    Raises ValueError if a default or a preset is not among its control's values.
    Start here (chapter 0).
    """
    made = made_controls(function, ranges, labels or {})
    if not made:
        raise ValueError("ranges must name at least one control, such as channels=(64, 512, 64)")
    explorer = Explorer(function, made, presets or {})
    for name, values in explorer.presets.items():
        explorer.complete(values, f"presets[{name!r}]")
    return explorer


@dataclass(frozen=True)
class Explorer:
    """A figure function with its controls, made by `explore`. Jupyter shows the richest form that it can.

        >>> from resnet_lib.book.chapters.bottleneck.figures import two_ways
        >>> explorer = rl.explore(two_ways, channels=(64, 512, 64), width=(16, 128, 16))
        >>> explorer.defaults
        {'channels': 256, 'width': 64}
        >>> explorer.figure(channels=512)["numbers"]["two 3×3s with C channels"]
        '4,718,592'

    Start here (chapter 0).
    """

    function: Callable[..., Any]
    controls: tuple[Control, ...]
    presets: dict[str, dict[str, Value]]

    @property
    def id(self) -> str:
        """The function's name, as the page and its permalinks write it."""
        return str(self.function.__name__).replace("_", "-")

    @property
    def description(self) -> str:
        """The first paragraph of the function's docstring."""
        return " ".join((self.function.__doc__ or self.id).strip().split("\n\n")[0].split())

    @property
    def defaults(self) -> dict[str, Value]:
        """The starting value of each control."""
        return {control.name: control.value for control in self.controls}

    def complete(self, values: dict[str, Value], what: str = "values") -> dict[str, Value]:
        """Return `values` with defaults for the other controls.

        Raises ValueError if no control has such a name or takes such a value.
        """
        allowed = {control.name: control.values for control in self.controls}
        for name, value in values.items():
            if name not in allowed:
                raise ValueError(f"{what} may set {', '.join(allowed)}: {name!r}")
            if value not in allowed[name]:
                raise ValueError(f"{what} must set {name} to a value that its control can take: {value!r}")
        return self.defaults | values

    def figure(self, **values: Value) -> Figure:
        """Return the figure at these values, and defaults for the rest, as a plain dict: data, layout, numbers."""
        return _plain(self.function(**(self.defaults | values)))

    def code(self, values: dict[str, Value]) -> str:
        """Return the call that draws the figure at these values."""
        return f"{self.function.__name__}({', '.join(f'{name}={value!r}' for name, value in values.items())})"

    # The page without a kernel

    @cached_property
    def _written(self) -> tuple[dict[str, str], str | None]:
        """The figure as JavaScript for each combination of choices, or the reason why that is impossible."""
        choices = [control for control in self.controls if isinstance(control, Choice)]
        if math.prod(len(choice.options) for choice in choices) > MOST_VARIANTS:
            names = " and ".join(choice.name for choice in choices)
            return {}, f"{names} have more than {MOST_VARIANTS} combinations"
        sliders = [control for control in self.controls if isinstance(control, Slider)]
        variants = {}
        for options in itertools.product(*(choice.options for choice in choices)):
            chosen = {choice.name: option for choice, option in zip(choices, options, strict=True)}
            try:
                figure = self._on_symbols(sliders, chosen)
                if others := {trace.get("type", "scatter") for trace in figure["data"]} - set(DRAWN):
                    return {}, f"the page draws traces of type {' and '.join(DRAWN)}, not {', '.join(sorted(others))}"
                variants[_key(options)] = javascript(figure)
            except NotAFormula as error:
                return {}, str(error)
            except Exception as error:  # whatever the reader's function may raise
                return {}, self._reason(sliders, chosen, error)
            for values in self._samples(sliders, chosen):
                if not _same(substitute(figure, values), _plain(self.function(**values))):
                    return {}, f"the function is another formula at {self.code(values)}"
        return variants, None

    def _on_symbols(self, sliders: list[Slider], known: dict[str, Value]) -> Figure:
        symbols = {slider.name: Unknown.control(slider.name, slider.whole, slider.start > 0) for slider in sliders}
        return _plain(self.function(**known, **symbols))

    def _reason(self, sliders: list[Slider], chosen: dict[str, Value], error: Exception) -> str:
        """Name the sliders that the function cannot take as a symbol, each tried alone."""
        guilty = []
        for slider in sliders:
            others: dict[str, Value] = {other.name: other.value for other in sliders if other is not slider}
            try:
                javascript(self._on_symbols([slider], chosen | others))
            except Exception:
                guilty.append(slider.name)
        names = " and ".join(guilty or [slider.name for slider in sliders])
        return f"the function needs the value of {names} ({type(error).__name__}: {str(error).splitlines()[0][:80]})"

    def _samples(self, sliders: list[Slider], chosen: dict[str, Value]) -> Iterator[dict[str, Value]]:
        """Values at which formula and function must agree: every end, the defaults, the presets."""
        for ends in itertools.product(*((slider.start, slider.stop) for slider in sliders)):
            yield chosen | {slider.name: end for slider, end in zip(sliders, ends, strict=True)}
        for preset in ({}, *self.presets.values()):
            yield self.defaults | preset | chosen

    @property
    def obstacle(self) -> str | None:
        """The reason why the figure cannot be live without a kernel, or None if it can."""
        return self._written[1]

    @cached_property
    def call(self) -> str:
        """What the page's script is called with, as JavaScript: the controls, and a formula for each choice."""
        page = {
            "id": self.id,
            "description": self.description,
            "controls": [control.as_dict() for control in self.controls],
            "presets": self.presets,
            "function": self.function.__name__,
            "module": self.function.__module__ if self.function.__module__.startswith("resnet_lib.") else "",
        }
        variants = ",\n".join(f"{json.dumps(key)}:(v,f)=>({code})" for key, code in self._written[0].items())
        return f"{javascript(page)},{{{variants}}}"

    @cached_property
    def html(self) -> str:
        """The page form: a table of the default state, and the script that brings it to life."""
        head = f'<div class="rl-explorer" data-rl-explorer="{html.escape(self.id)}">{self._table}'
        if self.obstacle is None:
            return f"{head}{live('explorer', self.call)}</div>"
        return f"{head}<p>Live only with a kernel: {html.escape(self.obstacle)}.</p></div>"

    @cached_property
    def _table(self) -> str:
        """The default state, readable without scripts."""
        cells = [(control.label, str(control.value)) for control in self.controls]
        cells += list(self.figure().get("numbers", {}).items())
        rows = "".join(
            f"<tr><th scope='row'>{html.escape(label)}</th><td>{html.escape(str(value))}</td></tr>"
            for label, value in cells
        )
        return (
            f'<table class="rl-static"><caption>{html.escape(self.description)}</caption><tbody>{rows}</tbody></table>'
        )

    # Jupyter

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self.html}
        on_colab = "google.colab" in sys.modules
        if on_colab and self.obstacle is None:
            return bundle  # Plotly's widgets come out blank there
        try:
            from resnet_lib.book.explore import widget
        except ModuleNotFoundError as error:
            return bundle | {"text/html": self._without_widgets(str(error.name).partition(".")[0])}
        if on_colab:
            widget.allow_widgets_on_colab()
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.widget(self).model_id}
        return bundle | {"application/vnd.jupyter.widget-view+json": view}

    def _without_widgets(self, missing: str) -> str:
        """The page form, and what to install if it is not live."""
        if self.obstacle is None:
            return self.html
        note = f'With a kernel it needs {missing}: install that, or this package with its extra "explore".'
        return f"{self.html}<p>{note}</p>"

    def __repr__(self) -> str:
        lines = [self.code(self.defaults)]
        lines += [f"  {label}: {value}" for label, value in self.figure().get("numbers", {}).items()]
        return "\n".join(lines)


def _plain(figure: Any) -> Figure:
    """A figure as nested dicts and lists."""
    if hasattr(figure, "to_plotly_json"):
        figure = figure.to_plotly_json()
    if not isinstance(figure, dict) or "data" not in figure:
        raise TypeError(
            f"the function must return a Plotly figure, a dict with data and layout: {type(figure).__name__}"
        )
    return {"layout": {}, "numbers": {}} | {key: _lists(value) for key, value in figure.items()}


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if hasattr(value, "tolist"):  # NumPy
        value = value.tolist()
    return [_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return bool(a == b)


def _key(options: tuple[Value, ...]) -> str:
    """The options as JSON.stringify writes them: by this text the page finds its variant."""
    plain = [int(option) if isinstance(option, float) and option.is_integer() else option for option in options]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
