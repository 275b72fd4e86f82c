"""Checks of arguments. Each error names the argument, its value and what is allowed."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from math import isfinite
from numbers import Real
from typing import Any


def is_symbol(value: Any) -> bool:
    """True for a SymPy expression that stands for a number not yet known: it has `free_symbols`."""
    return bool(getattr(value, "free_symbols", ()))


def positive_int(name: str, value: Any) -> int:
    """`value` as an int of at least 1; a symbol passes unchanged."""
    return value if is_symbol(value) else whole_number(name, value, at_least=1)


def whole_number(name: str, value: Any, at_least: int) -> int:
    """`value` as an int of at least `at_least`."""
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not a truth value: {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, at least {at_least}: {value!r}") from None
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}: {value!r}")
    return number


def positive_ints(name: str, values: Any) -> tuple[int, ...]:
    """`values` as a tuple of at least one positive int; `name[2]` is named when the third is wrong."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a sequence of whole numbers, such as (2, 2, 2, 2): {values!r}")
    numbers = tuple(positive_int(f"{name}[{i}]", value) for i, value in enumerate(values))
    if not numbers:
        raise ValueError(f"{name} must hold at least one number: {values!r}")
    return numbers


def positive_number(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number above 0: {value!r}")
    number = float(value)
    if not (isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a finite number above 0: {value!r}")
    return number


def number(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float from `low` to `high`, both allowed."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number from {low:g} to {high:g}: {value!r}")
    number = float(value)
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}: {value!r}")
    return number


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """`value` if it is among `allowed`."""
    choices = tuple(allowed)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}: {value!r}")
    return value


def boolean(name: str, value: Any) -> bool:
    """`value` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False: {value!r}")
    return value


def instance(name: str, value: Any, types: type | tuple[type, ...], such_as: str) -> None:
    """Refuse a `value` of any other type; `such_as` shows a right one."""
    if not isinstance(value, types):
        wanted = " or ".join(f"a {each.__name__}" for each in (types if isinstance(types, tuple) else (types,)))
        raise TypeError(f"{name} must be {wanted}, such as {such_as}: {shortened(value)}")


def shortened(value: Any) -> str:
    """The `repr` of a value, or only its type where that takes more than a line."""
    text = repr(value)
    return text if len(text) <= 200 and "\n" not in text else f"a {type(value).__name__}"


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same in both, as (ours, theirs); None stands for what one of them lacks."""
    pairs = {name: (ours.get(name), theirs.get(name)) for name in {**theirs, **ours}}
    return {name: (our, their) for name, (our, their) in pairs.items() if our != their}


def divides(groups: int, name: str, channels: int) -> None:
    """Refuse channels that cannot be shared out equally among the groups of a convolution."""
    if is_symbol(groups) or is_symbol(channels):
        return
    if channels % groups:
        raise ValueError(f"groups must divide {name}: groups={groups!r}, {name}={channels!r}")


def image_size(image: Any, at_least: int = 1) -> tuple[int, int]:
    """`image`, a side or (height, width) in pixels, as (height, width)."""
    sides = (image, image) if is_symbol(image) or not isinstance(image, Iterable) else tuple(image)
    if isinstance(image, str) or len(sides) != 2:
        raise TypeError(f"image must be a side or (height, width) in pixels: {image!r}")
    height, width = (positive_int("image", side) for side in sides)
    for side in (height, width):
        if not is_symbol(side) and side < at_least:
            raise ValueError(
                f"image must measure at least {at_least} pixels a side, this network's total stride: {image!r}"
            )
    return height, width
