"""The controls of an explorer, as data. The function's own defaults are their starting values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Value = int | float | str


@dataclass(frozen=True)
class Slider:
    """Numbers from `start` to `stop`, both included, `step` apart."""

    name: str
    label: str
    start: float
    stop: float
    step: float
    value: float

    @property
    def whole(self) -> bool:
        """True if it takes whole numbers only."""
        return all(isinstance(number, int) for number in (self.start, self.step))

    @property
    def values(self) -> list[float]:
        """Every position of the slider."""
        positions = round((self.stop - self.start) / self.step)
        return [self.start + i * self.step for i in range(positions + 1)]

    def as_dict(self) -> dict[str, Any]:
        """What the page's script needs to know."""
        numbers = {"start": self.start, "stop": self.stop, "step": self.step, "value": self.value}
        return {"name": self.name, "label": self.label, **numbers}


@dataclass(frozen=True)
class Choice:
    """One of several values, words or numbers."""

    name: str
    label: str
    options: tuple[Value, ...]
    value: Value

    @property
    def values(self) -> list[Value]:
        """Every option."""
        return list(self.options)

    def as_dict(self) -> dict[str, Any]:
        """What the page's script needs to know."""
        return {"name": self.name, "label": self.label, "options": list(self.options), "value": self.value}


Control = Slider | Choice


def made_controls(function: Callable[..., Any], ranges: dict[str, Any], labels: dict[str, str]) -> tuple[Control, ...]:
    """Return the controls of a function: a tuple `(start, stop)` or `(start, stop, step)` is a slider, a list a choice.

    Raises ValueError if a control is not a parameter with a default.
    Raises ValueError if the default is not among the control's values.
    """
    parameters = inspect.signature(function).parameters
    for name in labels:
        if name not in ranges:
            raise ValueError(f"labels may name the controls {', '.join(ranges)}: {name!r}")
    controls = []
    for name, allowed in ranges.items():
        if name not in parameters or parameters[name].default is inspect.Parameter.empty:
            raise ValueError(f"{name} must be a parameter of {function.__name__} with a default value")
        control = _make(name, labels.get(name, name.replace("_", " ")), allowed, parameters[name].default)
        if control.value not in control.values:
            raise ValueError(f"{name}'s default must be among the control's values, {allowed!r}: {control.value!r}")
        controls.append(control)
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and name not in ranges:
            raise ValueError(f"{name}, a parameter of {function.__name__} without a default, needs a control")
    return tuple(controls)


def _make(name: str, label: str, allowed: Any, value: Any) -> Control:
    if isinstance(allowed, list) and allowed and all(isinstance(option, Value) for option in allowed):
        return Choice(name, label, tuple(allowed), value)
    if isinstance(allowed, tuple) and len(allowed) in (2, 3) and _numbers(allowed):
        start, stop, *rest = allowed
        step = rest[0] if rest else 1
        positions = (stop - start) / step if step > 0 else 0
        if positions >= 1 and abs(positions - round(positions)) < 1e-9:
            return Slider(name, label, start, stop, step, value)
    raise ValueError(
        f"{name} must be a slider (start, stop, step), a whole number of steps apart, or a list: {allowed!r}"
    )


def _numbers(values: Iterable[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
