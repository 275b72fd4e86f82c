"""Running a Python function on numbers that are not known yet, and writing the result down as JavaScript.

A figure function is called with an `Unknown` for each slider. Arithmetic on it builds a SymPy expression; whatever
would need the number itself (a branch, an f-string, a loop, a call into torch) raises `NotAFormula`, which names the
sliders in question. So a function either becomes a formula or says why it cannot: never a silently wrong page.
"""

from __future__ import annotations

import json
import operator
import string
from collections.abc import Callable
from typing import Any

import sympy
from sympy.printing.jscode import JavascriptCodePrinter


class NotAFormula(TypeError):
    """The function needs the value of a control, not just a symbol for it. `names` says of which."""

    def __init__(self, names: set[str], what: str) -> None:
        self.names = names
        super().__init__(f"{what} needs the value of {' and '.join(sorted(names))}")


class Unknown:
    """A number that the reader has yet to choose, or a formula in such numbers."""

    def __init__(self, expression: Any) -> None:
        self.expression = sympy.sympify(expression)

    @classmethod
    def control(cls, name: str, whole: bool = True, positive: bool = True) -> Unknown:
        """The unknown value of the slider `name`; `whole` and `positive` say what is known of it all the same."""
        known = {"real": True} | ({"integer": True} if whole else {}) | ({"positive": True} if positive else {})
        return cls(sympy.Symbol(name, **known))

    @property
    def free_symbols(self) -> set[Any]:
        """The sliders it depends on; its presence tells `resnet_lib.price` that this is a symbol."""
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
    """A text with numbers in it that are still unknown. Made by `text`."""

    def __init__(self, template: str, values: tuple[Any, ...]) -> None:
        self.template, self.values = template, values


FORMATS = ("d", ",d", ".0f", ".1f", ".2f", ".3f", ",.0f", ",.1f", ",.2f", ",.3f", ".0%", ".1%", ".2%")


def formatted(template: str, *values: Any) -> Any:
    """`template.format(*values)`, also for numbers that only the reader's page will know.

    Use it in a figure function in place of an f-string: `formatted("{:,d} → {:,d}", channels, width)`.
    Raises ValueError for a format outside `FORMATS`, those that the page and Python write alike.
    """
    for _, field, spec, _ in string.Formatter().parse(template):
        if field is not None and (field or spec not in FORMATS):
            raise ValueError(f"template may hold {{:format}} with a format of {', '.join(FORMATS)}: {template!r}")
    if any(isinstance(value, Unknown) for value in values):
        return Text(template, values)
    return template.format(*values)


def largest(*values: Any) -> Any:
    """`max(*values)`, also for numbers that only the reader's page will know."""
    if any(isinstance(value, Unknown) for value in values):
        return Unknown(sympy.Max(*(sympy.sympify(value) for value in values)))
    return max(values)


class _Printer(JavascriptCodePrinter):  # type: ignore[misc]
    """SymPy's JavaScript printer, with sliders as fields of `v` and exact floors."""

    def _print_Symbol(self, symbol: Any) -> str:
        return f"v.{symbol.name}"

    def _print_floor(self, expression: Any) -> str:
        # One correctly rounded division; SymPy's own (1/3)*x can fall just short of a whole number.
        numerator, denominator = sympy.fraction(sympy.together(expression.args[0]))
        return f"Math.floor(({self._print(numerator)})/({self._print(denominator)}))"

    def _print_Mod(self, expression: Any) -> str:
        a, b = map(self._print, expression.args)
        return f"(((({a}) % ({b})) + ({b})) % ({b}))"


_PRINTER = _Printer()


def javascript(value: Any) -> str:
    """A figure (dicts, lists, numbers, texts, Unknowns) as a JavaScript expression in `v` and the formatter `f`.

    Raises TypeError for anything that JSON could not hold either.
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
    """The same figure with numbers in place of its Unknowns: what the page will draw, worked out in Python."""
    if isinstance(value, Unknown):
        number = value.expression.subs({symbol: values[symbol.name] for symbol in value.free_symbols})
        return int(number) if number.is_Integer else float(number)
    if isinstance(value, Text):
        return value.template.format(*(substitute(item, values) for item in value.values))
    if isinstance(value, dict):
        return {key: substitute(item, values) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [substitute(item, values) for item in value]
    return value
