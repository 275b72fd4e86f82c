"""Running a Python function on numbers that are not known yet, and writing the result down as JavaScript.

A figure function is called with an `Unknown` for each slider. Arithmetic on it builds a SymPy expression; whatever
would need the number itself (a branch, an f-string, a loop, a call into torch) raises `NotAFormula`, which names the
sliders in question. So a function either becomes a formula or says why it cannot: never a silently wrong page.
"""

from __future__ import annotations

import json
import operator
import string
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

try:
    import sympy
    from sympy.printing.jscode import JavascriptCodePrinter
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        'rl.explore needs SymPy: install sympy, or this package with its extra "explore"', name="sympy"
    ) from None

Figure = dict[str, Any]  # a Plotly figure as plain data, or a part of it; its numbers may be Unknown


class NotAFormula(TypeError):
    """The function needs the value of the controls `names`, not just symbols for them."""

    def __init__(self, names: set[str], what: str) -> None:
        self.names = names
        super().__init__(f"{what} needs the value of {' and '.join(sorted(names))}")


class Unknown:
    """A number that a slider has yet to choose, or a formula in such numbers."""

    def __init__(self, expression: Any) -> None:
        self.expression = sympy.sympify(expression)

    @classmethod
    def control(cls, name: str, whole: bool = True, positive: bool = True) -> Unknown:
        """Return the unknown value of the slider `name`. It may be known to be `whole` and `positive`."""
        known = {"real": True} | ({"integer": True} if whole else {}) | ({"positive": True} if positive else {})
        return cls(sympy.Symbol(name, **known))

    @property
    def free_symbols(self) -> set[Any]:
        """The sliders that it depends on. This attribute tells `rl.price` that the number is a symbol."""
        return self.expression.free_symbols  # type: ignore[no-any-return]

    def _sympy_(self) -> Any:
        return self.expression

    def _refuse(self, what: str, *others: Any) -> NotAFormula:
        involved = [self, *(other for other in others if isinstance(other, Unknown))]
        return NotAFormula({symbol.name for unknown in involved for symbol in unknown.free_symbols}, what)

    def __repr__(self) -> str:
        return f"Unknown({self.expression})"

    def __neg__(self) -> Unknown:
        return Unknown(-self.expression)

    def __abs__(self) -> Unknown:
        return Unknown(abs(self.expression))

    def __eq__(self, other: object) -> bool:
        # 4·w == 4·w whatever w is, and w == 4·w for no positive w; anything between depends on the slider.
        equal = sympy.expand(self.expression - sympy.sympify(other)).is_zero if _is_number(other) else None
        if equal is None:
            raise self._refuse("a branch or comparison", other)
        return bool(equal)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __str__(self) -> str:
        raise self._refuse("text (write it with rl.formatted)")

    def __format__(self, spec: str) -> str:
        raise self._refuse("an f-string (write it with rl.formatted)")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Unknown, sympy.Expr))


def _arithmetic(operation: Callable[[Any, Any], Any]) -> Callable[[Unknown, Any], Any]:
    def method(self: Unknown, other: Any) -> Any:
        if not _is_number(other):
            return NotImplemented
        return Unknown(operation(self.expression, sympy.sympify(other)))

    return method


def _reflected(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: operation(b, a)


def _refusal(what: str) -> Callable[..., Any]:
    def method(self: Unknown, *others: Any, **_: Any) -> Any:
        raise self._refuse(what, *others)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _operation = getattr(operator, _name)
    setattr(Unknown, f"__{_name}__", _arithmetic(_operation))
    setattr(Unknown, f"__r{_name}__", _arithmetic(_reflected(_operation)))
for _names, _what in (
    (("lt", "le", "gt", "ge", "bool"), "a branch or comparison"),
    (("int", "float", "complex", "index", "round", "floor", "ceil", "trunc"), "a conversion to a plain number"),
    (("iter", "len", "getitem", "contains"), "a loop"),
    (("hash",), "a look-up"),
    (("array",), "NumPy"),
):
    for _name in _names:
        setattr(Unknown, f"__{_name}__", _refusal(_what))


class Text:
    """A text that contains unknown numbers. `formatted` makes it."""

    def __init__(self, template: str, values: tuple[Any, ...]) -> None:
        self.template, self.values = template, values


class _Writer(string.Formatter):
    def format_field(self, value: Any, spec: str) -> str:
        return str(super().format_field(value, spec)).replace("%", " %").replace("-", "\u2212")


_WRITER = _Writer()

FORMATS = ("d", ",d", ".0f", ".1f", ".2f", ".3f", ",.0f", ",.1f", ",.2f", ",.3f", ".0%", ".1%", ".2%")


def formatted(template: str, *values: Any) -> Any:
    """Write numbers into a text, much as `template.format(*values)` does, also those that a slider has yet to choose.

    A figure function uses it in place of an f-string. Its text is then part of the published page, where no Python
    runs. `FORMATS` lists the formats that Python and the page write alike.

        >>> rl.formatted("{:,d} → {:,d}", 256, 64)
        '256 → 64'
        >>> rl.formatted("{:.1%} of {:,.2f} M", 0.125, 1234.5)
        '12.5 % of 1,234.50 M'

    A percent sign keeps a distance from its number, and a minus is one, not a hyphen, as everywhere in the book.

    Raises ValueError if `template` holds a name, a position or another format.
    Chapter 2.
    """
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is not None and (field or spec not in FORMATS):
            raise ValueError(f"template may hold {{:format}} with a format of {', '.join(FORMATS)}: {template!r}")
    if any(isinstance(value, Unknown) for value in values):
        return Text(template, values)
    return _WRITER.format(template, *values)


def largest(*values: Any) -> Any:
    """Return the largest value, as `max(*values)` does, also of numbers that a slider has yet to choose.

        >>> rl.book.explore.largest(0, -3)
        0

    Chapter 3.
    """
    if any(isinstance(value, Unknown) for value in values):
        return Unknown(sympy.Max(*map(sympy.sympify, values)))
    return max(values)


def smallest(*values: Any) -> Any:
    """Return the smallest value, as `min(*values)` does, also of numbers that a slider has yet to choose.

        >>> rl.book.explore.smallest(3, 4)
        3

    Chapter 7.
    """
    if any(isinstance(value, Unknown) for value in values):
        return Unknown(sympy.Min(*map(sympy.sympify, values)))
    return min(values)


def pick(index: Any, values: Sequence[Any]) -> Any:
    """Return `values[index]`, also for an index that a slider has yet to choose.

    The values are numbers, and the index is one of 0, 1, … up to their last.

        >>> rl.book.explore.pick(1, [256, 64, 20])
        64

    Raises TypeError if a value is not a number.
    Raises ValueError if there are no values, or none at `index`.
    Chapter 4.
    """
    for value in values:
        if not _is_number(value):
            raise TypeError(f"values must be numbers: {value!r}")
    if not isinstance(index, Unknown):
        if index not in range(len(values)):
            raise ValueError(f"index must be a whole number from 0 to {len(values) - 1}: {index!r}")
        return values[index]
    if not values:
        raise ValueError(f"values must hold at least one number: {values!r}")
    *cases, last = map(sympy.sympify, values)
    chosen = [(case, sympy.Eq(index.expression, i)) for i, case in enumerate(cases)]
    return Unknown(sympy.Piecewise(*chosen, (last, True)))


class _Printer(JavascriptCodePrinter):  # type: ignore[misc]
    """SymPy's JavaScript printer, with sliders as fields of `v`, exact floors and one division in a quotient."""

    def _print_Symbol(self, symbol: Any) -> str:
        return f"v.{symbol.name}"

    def _print_Mul(self, product: Any) -> str:
        # Python divides whole numbers once. SymPy's (1/6272)*x/c is rounded twice: 168.75 % falls short of 168.8.
        numerator, denominator = sympy.fraction(product)
        if denominator == 1 or not product.is_commutative:
            return str(super()._print_Mul(product))
        return f"({self._print(numerator)})/({self._print(denominator)})"

    def _print_floor(self, expression: Any) -> str:
        # One correctly rounded division; SymPy's own (1/3)*x can fall just short of a whole number.
        numerator, denominator = sympy.fraction(sympy.together(expression.args[0]))
        return f"Math.floor(({self._print(numerator)})/({self._print(denominator)}))"

    def _print_Piecewise(self, expression: Any) -> str:
        *cases, (last, _) = expression.args
        chosen = "".join(f"{self._print(condition)} ? {self._print(value)} : " for value, condition in cases)
        return f"({chosen}{self._print(last)})"

    def _print_Mod(self, expression: Any) -> str:
        a, b = map(self._print, expression.args)
        return f"(((({a}) % ({b})) + ({b})) % ({b}))"


_PRINTER = _Printer()


def javascript(value: Any) -> str:
    """Return a figure (dicts, lists, numbers, texts, Unknowns) as JavaScript in the values `v` and the formatter `f`.

    Raises TypeError if it holds anything that JSON could not hold either.
    """
    if isinstance(value, Unknown):
        return str(_PRINTER.doprint(value.expression))
    if isinstance(value, Text):
        return " + ".join(_pieces(value))
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{javascript(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(javascript(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("</", "<\\/")


def _pieces(value: Text) -> list[str]:
    values = iter(value.values)
    pieces = []
    for literal, field, spec, _ in string.Formatter().parse(value.template):
        if literal:
            pieces.append(javascript(literal))
        if field is not None:
            pieces.append(f"f({javascript(next(values))},{json.dumps(spec)})")
    return pieces


def substitute(value: Any, values: dict[str, Any]) -> Any:
    """Return the figure with numbers in place of its Unknowns: the figure that the page will draw."""

    @cache  # a figure says a number more than once: a bar's length is in its words, too
    def number(expression: Any) -> float:
        # Not `subs`, which puts one number after the other and simplifies each time.
        found = expression.xreplace({s: sympy.sympify(values[s.name]) for s in expression.free_symbols})
        return int(found) if found.is_Integer else float(found)

    def filled(value: Any) -> Any:
        if isinstance(value, Unknown):
            return number(value.expression)
        if isinstance(value, Text):
            return _WRITER.format(value.template, *map(filled, value.values))
        if isinstance(value, dict):
            return {key: filled(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [filled(item) for item in value]
        return value

    return filled(value)
