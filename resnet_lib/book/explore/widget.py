"""The explorer with a kernel: ipywidgets that call the Python function, and a Plotly FigureWidget."""

from __future__ import annotations

import html
from typing import Any, Protocol

import anywidget  # noqa: F401  # FigureWidget asks for it only when the first one is made
import ipywidgets as widgets
import plotly.graph_objects as go

from resnet_lib.book.explore.controls import Choice, Control, Value

READABLE = {"font": {"color": "#767c85"}, "paper_bgcolor": "rgba(0,0,0,0)"}  # on Jupyter's light and dark themes


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

    buttons = [button(name, preset) for name, preset in {**explorer.presets, "Reset": {}}.items()]
    for box in inputs.values():
        box.observe(draw, names="value")
    draw()
    wrap = widgets.Layout(flex_flow="row wrap")
    return widgets.VBox(
        [
            widgets.HBox(buttons, layout=wrap),
            widgets.HBox(list(inputs.values()), layout=wrap),
            widgets.HBox([plot, numbers], layout=wrap),
            widgets.HTML(html.escape(explorer.description)),
            code,
            message,
        ]
    )


def allow_widgets_on_colab() -> None:
    """Colab draws third-party widgets, FigureWidget among them, only after being asked."""
    from google.colab import output

    output.enable_custom_widget_manager()


def _input(control: Control) -> Any:
    style = {"description_width": "initial"}
    if isinstance(control, Choice):
        options = list(control.options)
        return widgets.ToggleButtons(options=options, value=control.value, description=control.label, style=style)
    kind = widgets.IntSlider if control.whole else widgets.FloatSlider
    bounds = {"min": control.start, "max": control.stop, "step": control.step, "value": control.value}
    layout = widgets.Layout(width="22em", margin="0 1.5em 0 0")
    return kind(**bounds, description=control.label, style=style, layout=layout)


def _draw(plot: widgets.Box, figure: dict[str, Any]) -> None:
    """Update the figure in place while it keeps its kinds of traces; otherwise make a new one."""
    layout = READABLE | figure["layout"]
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
