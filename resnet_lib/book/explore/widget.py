"""The explorer with a kernel: ipywidgets that call the Python function, and a Plotly FigureWidget."""

from __future__ import annotations

import html
from functools import cache
from typing import Any, Protocol

import anywidget  # noqa: F401  # FigureWidget asks for it only when the first one is made
import ipywidgets as widgets
import plotly.graph_objects as go

from resnet_lib.book.explore.controls import Choice, Control, Value
from resnet_lib.colours import PAGE, THEMES, palette

INK = PAGE["light"]["ink"]  # what `look` makes the ink of the notebook's theme
CLEAR = "rgba(0,0,0,0)"
PLAIN = {"template": "none", "font": {"color": INK}, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR}
CONTROL = "rl-control"
LABELS_ABOVE = """
.rl-widgets .rl-control{flex-wrap:wrap;align-content:end;height:auto}
.rl-widgets .rl-control>.widget-label{flex:0 0 100%;height:auto;line-height:1.4;white-space:normal;text-align:left}
.rl-widgets .rl-control>.slider-container{flex:1 1 6em;min-width:0}
.rl-widgets .gridlayer path{stroke:var(--jp-border-color2,var(--rl-grid))!important}
.rl-widgets .zerolinelayer path{stroke:var(--jp-border-color1,var(--rl-line))!important}
"""


class Explored(Protocol):
    """What the widget needs of an Explorer, which it does not import: that one imports this module."""

    @property
    def controls(self) -> tuple[Control, ...]: ...

    @property
    def presets(self) -> dict[str, dict[str, Value]]: ...

    @property
    def description(self) -> str: ...

    @property
    def obstacle(self) -> str | None: ...

    def figure(self, **values: Value) -> dict[str, Any]: ...

    def code(self, values: dict[str, Value]) -> str: ...

    def complete(self, values: dict[str, Value]) -> dict[str, Value]: ...


def widget(explorer: Explored) -> widgets.VBox:
    """Controls above, presets below them, then the plot with its numbers beside it."""
    inputs = {control.name: _input(control) for control in explorer.controls}
    numbers, code, message = (widgets.HTML() for _ in range(3))
    plot = widgets.Box(layout=widgets.Layout(flex="1 1 28em", min_width="0"))
    numbers.layout = widgets.Layout(flex="0 0 15em", margin="1.5em 0 0 1em")
    obstacle = explorer.obstacle
    note = "" if obstacle is None else f"Live only with a kernel: {html.escape(obstacle)}."

    def draw(*_: Any) -> None:
        values = {name: box.value for name, box in inputs.items()}
        try:
            figure = explorer.figure(**values)
            _draw(plot, figure)
        except Exception as error:  # the reader's own function: show what it says, keep the last figure
            message.value = f"<b>{html.escape(type(error).__name__)}</b>: {html.escape(str(error))}"
            return
        message.value = note
        numbers.value = _number_list(figure["numbers"])
        code.value = f"<code>{html.escape(explorer.code(values))}</code>"

    def button(name: str, preset: dict[str, Any]) -> widgets.Button:
        def put(_: Any) -> None:
            for control, value in explorer.complete(preset).items():
                inputs[control].value = value

        made = widgets.Button(description=name, layout=widgets.Layout(width="auto"))
        made.on_click(put)
        return made

    style = widgets.HTML(f"<style>{look()}</style>", layout=widgets.Layout(display="none"))
    buttons = [button(name, preset) for name, preset in {**explorer.presets, "Reset": {}}.items()]
    for box in inputs.values():
        box.observe(draw, names="value")
    draw()
    wrap = widgets.Layout(flex_flow="row wrap")
    shown = widgets.VBox(
        [
            widgets.HBox(buttons, layout=wrap),
            widgets.HBox(list(inputs.values()), layout=wrap),
            widgets.HBox([plot, numbers], layout=wrap),
            widgets.HTML(html.escape(explorer.description)),
            code,
            message,
            style,
        ]
    )
    return shown.add_class("rl-widgets")


@cache
def look() -> str:
    """The style of the widgets: labels above, and Plotly's figure in the book's colours for the notebook's theme.

    Plotly writes its colours into each element. There they are found, and give way to those of the palette.
    """

    def rgb(colour: str) -> str:
        return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"

    plot = ".rl-widgets .js-plotly-plot "
    rules = [f'{plot}text[style*="fill: {rgb(INK)}"]{{fill:var(--jp-ui-font-color1,var(--rl-ink))!important}}']
    for colour in THEMES["light"]:
        fill, name = f'[style*="fill: {rgb(colour)}"]', colour[1:]
        rules += [
            f"{plot}path{fill}{{fill:var(--c-{name})!important}}",
            f'{plot}path[style*="stroke: {rgb(colour)}"]{{stroke:var(--c-{name})!important}}',
            f"{plot}text{fill}{{fill:var(--i-{name})!important}}",
            f"{plot}.point:has(>path{fill})>.bartext-inside{{fill:var(--o-{name})!important}}",
        ]
    return f"{palette()}{LABELS_ABOVE}" + "\n".join(rules)


def allow_widgets_on_colab() -> None:
    """Colab draws third-party widgets, FigureWidget among them, only after being asked."""
    from google.colab import output

    output.enable_custom_widget_manager()


def _input(control: Control) -> Any:
    style = {"description_width": "initial"}
    layout = widgets.Layout(flex="1 1 19em", width="auto", max_width="28em", margin="0 1.5em 0.5em 0")
    if isinstance(control, Choice):
        buttons = {"options": list(control.options), "value": control.value, "description": control.label}
        return widgets.ToggleButtons(**buttons, style=style | {"button_width": "auto"}, layout=layout).add_class(
            CONTROL
        )
    kind = widgets.IntSlider if control.whole else widgets.FloatSlider
    bounds = {"min": control.start, "max": control.stop, "step": control.step, "value": control.value}
    return kind(**bounds, description=control.label, style=style, layout=layout).add_class(CONTROL)


def _draw(plot: widgets.Box, figure: dict[str, Any]) -> None:
    """Update the figure in place while it keeps its kinds of traces; otherwise make a new one."""
    layout = PLAIN | figure["layout"]
    kinds = [trace.get("type", "scatter") for trace in figure["data"]]
    if plot.children and [trace.type for trace in plot.children[0].data] == kinds:
        shown = plot.children[0]
        with shown.batch_update():
            for old, new in zip(shown.data, figure["data"], strict=True):
                old.update(new, overwrite=True)
            shown.layout.update(layout, overwrite=True)
    else:
        plot.children = [go.FigureWidget(data=figure["data"], layout=layout)]


def _number_list(numbers: dict[str, str]) -> str:
    return "".join(
        f"<div style='margin-bottom:.6em'>{html.escape(label)}<br>"
        f"<b style='font-size:1.25em;font-variant-numeric:tabular-nums'>{html.escape(str(value))}</b></div>"
        for label, value in numbers.items()
    )
