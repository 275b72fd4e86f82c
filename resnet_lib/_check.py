"""Checks of arguments. Each error names the argument, its value and what is allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import fields
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeVar

Word = TypeVar("Word", bound=str)


def is_symbol(value: Any) -> bool:
    """True for a SymPy expression that stands for a number not yet known: it has `free_symbols`."""
    return bool(getattr(value, "free_symbols", ()))


def no_symbols(where: str, spec: Any, **others: Any) -> None:
    """Refuse SymPy symbols in the fields of a description, and among `others`: `where` there must be numbers."""
    for name, value in ({field.name: getattr(spec, field.name) for field in fields(spec)} | others).items():
        if any(map(is_symbol, value if isinstance(value, tuple | list) else (value,))):
            raise TypeError(f"{name} must be a number in {where}, not a symbol: {value!r}")


def scalar(value: Any) -> Any:
    """A single number of NumPy's or torch's as Python's; anything else unchanged."""
    return value.item() if getattr(value, "shape", None) == () else value


def is_sequence(value: Any) -> bool:
    """True for values in an order: a list, a range, a NumPy array, …; not for text, bytes, a set or a dict."""
    if isinstance(value, str | bytes | bytearray | memoryview | Set | Mapping):
        return False
    return isinstance(value, Iterable) and getattr(value, "shape", None) != ()


def positive_int(name: str, value: Any) -> int:
    """`value` as an int of at least 1; a symbol passes unchanged."""
    return value if is_symbol(value) else whole_number(name, value, at_least=1)


def whole_number(name: str, value: Any, at_least: int) -> int:
    """`value` as an int of at least `at_least`."""
    number = scalar(value)
    if isinstance(number, bool):
        raise TypeError(f"{name} must be a whole number, not a truth value: {value!r}")
    if not isinstance(number, Integral):
        raise TypeError(f"{name} must be a whole number, at least {at_least}: {value!r}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}: {value!r}")
    return int(number)


def positive_ints(name: str, values: Any) -> tuple[int, ...]:
    """`values` as a tuple of at least one positive int; `name[2]` is named when the third is wrong."""
    if not is_sequence(values):
        raise TypeError(f"{name} must be a sequence of whole numbers, such as (2, 2, 2, 2): {values!r}")
    numbers = tuple(positive_int(f"{name}[{i}]", value) for i, value in enumerate(values))
    if not numbers:
        raise ValueError(f"{name} must hold at least one number: {values!r}")
    return numbers


def real(name: str, value: Any, allowed: str) -> Any:
    """`value` as a Python number, which may be too large for a float."""
    number = scalar(value)
    if isinstance(number, bool) or not isinstance(number, Real):
        raise TypeError(f"{name} must be {allowed}: {value!r}")
    return number


def positive_number(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    number = _as_float(name, real(name, value, "a number above 0"))
    if not (isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a finite number above 0: {value!r}")
    return number


def number(name: str, value: Any, low: float, high: float) -> float:
    """`value` as a float from `low` to `high`, both allowed."""
    number = _as_float(name, real(name, value, f"a number from {low:g} to {high:g}"))
    if not low <= number <= high:
        raise ValueError(f"{name} must be from {low:g} to {high:g}: {value!r}")
    return number


def _as_float(name: str, number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} must fit a float, up to {sys.float_info.max:.1e}: {number!r}") from None


@contextmanager
def fits_a_float(name: str) -> Iterator[None]:
    """Name the argument whose whole numbers are too large for a calculation with floats."""
    try:
        yield
    except OverflowError:
        raise ValueError(f"{name} must have numbers that fit a float, up to {sys.float_info.max:.1e}") from None


def one_of(name: str, value: Any, allowed: Iterable[Word]) -> Word:
    """`value` if it is among `allowed`."""
    choices = tuple(allowed)
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}: {value!r}")
    return value


def boolean(name: str, value: Any) -> bool:
    """`value` if it is True or False."""
    truth = scalar(value)
    if not isinstance(truth, bool):
        raise TypeError(f"{name} must be True or False: {value!r}")
    return truth


def instance(name: str, value: Any, types: type | tuple[type, ...], such_as: str) -> None:
    """Refuse what is not of these types; `such_as` says what is: "a Bill, such as rl.price('resnet50')"."""
    if not isinstance(value, types):
        raise TypeError(f"{name} must be {such_as}: {shortened(value)}")


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
    one = is_symbol(image) or isinstance(scalar(image), Real)
    sides = (image, image) if one else tuple(image) if is_sequence(image) else ()
    if len(sides) != 2:
        raise TypeError(f"image must be a side or (height, width) in pixels: {image!r}")
    height, width = (positive_int("image", side) for side in sides)
    for side in (height, width):
        if not is_symbol(side) and side < at_least:
            raise ValueError(
                f"image must measure at least {at_least} pixels a side, this network's total stride: {image!r}"
            )
    return height, width
