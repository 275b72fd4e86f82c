"""The one table writer: for a terminal, a notebook, the published page and the command line. Standard library only.

A `Table` holds values. How the values of a column are written is said by a short *form*, a few words in any order:

    ""          as they are: 1,234,567, 2.973, text (the default)
    3           a number with three decimals: "3"
    percent     a share: 0.123 is 12.3 %; with two decimals "percent 2"
    times       a ratio: × 2.973; with one decimal "times 1"
    k M G m µ n in thousands, millions, billions, thousandths, millionths, billionths: "G 2" writes 4.09 G
    signed      with its sign: +1,000 or −0.3 %, as in "signed" or "signed percent 2"
    plain       in full, however many decimals it has
    right       what is not a number is aligned as numbers are, too

A unit may follow: "m 1 s" writes 12.3 ms, "pixels" writes 435 pixels. A value that is not a number is written as text,
whatever the form.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from html import escape
from math import isfinite
from numbers import Integral, Real
from typing import Any, NamedTuple

from resnet_lib import _check

PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "µ": 1e-6, "n": 1e-9}
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

# Text keeps the colour of its surroundings and lines are a grey that can be seen on white and on black, so a table
# follows every theme. The class is doubled because notebooks and the book's theme have rules for tables, with stripes,
# and their selectors are long.
STYLE = """
.rl-table{overflow-x:auto;max-width:100%;margin:.75rem 0}
.rl-table.rl-table table{width:auto;margin:0;border:0;border-collapse:collapse;table-layout:auto;color:inherit;\
font-size:.9375rem;line-height:1.4;font-variant-numeric:tabular-nums lining-nums}
.rl-table.rl-table caption{caption-side:top;padding:0 .75rem .4rem 0;color:inherit;font-size:.9375rem;\
font-weight:400;text-align:left}
.rl-table.rl-table tr{background:none!important;border:0}
.rl-table.rl-table table :is(th,td){min-width:0;padding:.3rem 0 .3rem 1.5rem;border:0;border-bottom:1px solid #8885;\
background:none;color:inherit;font-weight:400;text-align:left;vertical-align:baseline;white-space:nowrap}
.rl-table.rl-table table :is(th,td):first-child{padding-left:0}
.rl-table.rl-table thead :is(th,td){border-bottom:2px solid #888b;font-weight:600;vertical-align:bottom}
.rl-table.rl-table tfoot :is(th,td){border-top:2px solid #888b;border-bottom:0;font-weight:600}
.rl-table.rl-table table .rl-n{text-align:right}
"""


class Shown:
    """Something that shows itself as a table: as text in a terminal, as HTML in a notebook.

    A long table is shown without the rows in its middle; `table()` has them all.
    """

    def table(self) -> Table:
        """Return everything that is shown as a `Table`, which also writes CSV and JSON."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.table().shortened().text()

    def _repr_html_(self) -> str:
        return self.table().shortened().html()


@dataclass(frozen=True, repr=False)
class Table:
    """Rows of values under named columns; the first column names the rows.

    columns  names, or a mapping from name to form (see the module)
    rows     a value for each column; None leaves the cell empty
    total    a last row under a rule
    caption  what the table is about
    head     more of that as data: the text has it after the caption, JSON as entries of their own

    It shows itself without the rows in its middle if there are more than 30; `text()` and `html()` have them all.
    """

    columns: Mapping[str, str] | Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: Sequence[Any] = ()
    caption: str = ""
    head: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(map(tuple, self.rows)))
        object.__setattr__(self, "total", tuple(self.total))
        for form in self.forms.values():
            _parsed(form)
        for row in (*self.rows, self.total or tuple(self.columns)):
            if len(row) != len(self.columns):
                raise ValueError(f"rows must have a value for each of the columns {', '.join(self.columns)}: {row!r}")

    @cached_property
    def forms(self) -> dict[str, str]:
        """The columns' names and their forms."""
        return dict(self.columns) if isinstance(self.columns, Mapping) else dict.fromkeys(self.columns, "")

    @property
    def title(self) -> str:
        """The caption and the head in one line."""
        head = ", ".join(f"{key}: {written(value)}" for key, value in self.head.items())
        return ": ".join(filter(None, (written(self.caption), head)))

    def shortened(self, most: int = 18) -> Table:
        """Return the table with at most `most` rows: the first, the last, and one that counts those between them."""
        if len(self.rows) <= most:
            return self
        first, last = most // 2, most - most // 2 - 1
        gap = (f"… {len(self.rows) - first - last:,} more", *[None] * (len(self.columns) - 1))
        return replace(self, rows=(*self.rows[:first], gap, *self.rows[len(self.rows) - last :]))

    def cells(self) -> list[tuple[str, ...]]:
        """The columns' names, the rows, and the total if there is one, as they are written."""
        rows = (*self.rows, self.total) if self.total else self.rows
        forms = self.forms.values()
        lines = [tuple(written(value, form) for value, form in zip(row, forms, strict=True)) for row in rows]
        return [tuple(map(written, self.columns)), *lines]

    def numeric(self) -> list[bool]:
        """Of each column whether it holds numbers (or formulas), which are aligned at the right."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return [
            _parsed(form).right or (any(map(_is_number, column)) and all(map(_fits_a_number, column)))
            for column, form in zip(columns, self.forms.values(), strict=True)
        ]

    def text(self) -> str:
        """For a terminal: aligned, with a rule under the columns' names and one over the total."""
        lines = self.cells()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        numeric = self.numeric()
        aligned = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, numeric, strict=True)
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(1, *map(len, aligned))
        aligned.insert(1, rule)
        if self.total:
            aligned.insert(-1, rule)
        return "\n".join([self.title, "", *aligned] if self.title else aligned)

    def html(self) -> str:
        """A real table, which scrolls inside itself where it is too wide; no script."""
        numeric = self.numeric()

        def line(cells: Sequence[str], first: str, other: str) -> str:
            """A row whose first cell is a `first` and whose other cells are an `other`, "th scope=…" or "td"."""
            parts = []
            for i, (cell, right) in enumerate(zip(cells, numeric, strict=True)):
                tag = (first if i == 0 else other) if cell else "td"  # a heading is not empty
                right_class = ' class="rl-n"' if right else ""
                parts.append(f"<{tag}{right_class}>{escape(cell)}</{tag.partition(' ')[0]}>")
            return f"<tr>{''.join(parts)}</tr>"

        names, *lines = self.cells()
        rows = [line(cells, 'th scope="row"', "td") for cells in lines]
        body, foot = (rows[:-1], rows[-1]) if self.total else (rows, "")
        caption = f"<caption>{escape(self.title)}</caption>" if self.title else ""
        label = escape(self.title or f"Table of {', '.join(filter(None, names))}")
        columns = line(names, 'th scope="col"', 'th scope="col"')
        return "".join(
            (
                f'<div class="rl-table" role="group" aria-label="{label}" tabindex="0"><style>{STYLE}</style>',
                f"<table>{caption}\n<thead>{columns}</thead>\n",
                "<tbody>\n" + "\n".join(body) + "\n</tbody>\n",
                f"<tfoot>{foot}</tfoot>\n" if foot else "",
                "</table></div>",
            )
        )

    def json(self) -> str:
        """An object: the head's entries, `rows` as objects, and `total` where there is one; numbers in full."""
        content: dict[str, Any] = {**self.head, "rows": [self._entries(row) for row in self.rows]}
        if self.total:
            numbers = self._entries(self.total).items()
            content["total"] = {column: value for column, value in numbers if not isinstance(value, str | None)}
        return json.dumps(content, indent=2, default=str)

    def csv(self) -> str:
        """The columns' names and the rows, without head and total; numbers in full."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([",".join(map(str, v)) if isinstance(v, tuple) else v for v in row] for row in self.rows)
        return out.getvalue()

    def _entries(self, row: Sequence[Any]) -> dict[str, Any]:
        return dict(zip(self.columns, row, strict=True))

    def __repr__(self) -> str:
        return self.shortened(30).text()

    def _repr_html_(self) -> str:
        return self.shortened(30).html()


def table(
    rows: Mapping[Any, Any] | Iterable[Any],
    columns: str | Sequence[str] | Mapping[str, str] = (),
    caption: str = "",
    total: bool | Mapping[str, Any] = False,
    names: str = "",
) -> Table:
    """Make a table that shows itself, from rows of any kind.

    - `rows` maps names to rows, or is a sequence of rows. A row is a dict from column to value, a named tuple, a
      sequence of values, or a single value.
    - `columns` are the names of the columns, in order, or a dict from name to form. By default they are the keys of
      the dicts. Of dicts and named tuples only the columns named are shown.
    - a form says how the numbers of a column are written: "percent", "times 2", "G 2", "signed", "1" (decimals).
    - `caption` says what the table is about.
    - `total=True` adds up each column of numbers. A dict gives the values of the last row.
    - `names` is the heading of the column of names.

    >>> rl.table({"1×1": 0.518, "3×3": 0.452}, {"share of the MACs": "percent"}, names="kernel")
    kernel  share of the MACs
    -------------------------
    1×1                51.8 %
    3×3                45.2 %

    >>> rl.table([{"step": 1, "loss": 2.31}, {"step": 20, "loss": 0.148}], caption="Training")
    Training
    <BLANKLINE>
    step   loss
    -----------
       1  2.310
      20  0.148

    Raises ValueError if there are no rows.
    Raises ValueError if a row has a value too few or too many.
    Raises ValueError if a column is in no row, and for an unknown form.

    Chapter 0.
    """
    entries = [_entry(row) for row in (rows.values() if isinstance(rows, Mapping) else rows)]
    if not entries:
        raise ValueError("rows must hold at least one row")
    keys = _keys(entries)
    forms = _forms(columns) or keys or {"value": ""}
    lines = [_values(entry, forms, keys) for entry in entries]
    if isinstance(rows, Mapping):
        lines = [(str(name), *line) for name, line in zip(rows, lines, strict=True)]
        forms = {names: "", **forms}
    return Table(forms, lines, _total(total, forms, lines), caption)


def _entry(row: Any) -> Any:
    """A row as it is if it has named values, else as a tuple."""
    if isinstance(row, Mapping) or hasattr(row, "_fields"):
        return row
    return tuple(row) if isinstance(row, list | tuple) else (row,)


def _keys(entries: Iterable[Any]) -> dict[str, str]:
    """The names of the values, in order of first appearance."""
    return {
        key: ""
        for entry in entries
        if isinstance(entry, Mapping) or hasattr(entry, "_fields")
        for key in (entry if isinstance(entry, Mapping) else entry._fields)
    }


def _values(entry: Any, columns: Iterable[str], keys: Iterable[str]) -> tuple[Any, ...]:
    """The row's value in each column. A named tuple has columns for its properties, too."""
    if not (isinstance(entry, Mapping) or hasattr(entry, "_fields")):
        return tuple(entry)
    values = []
    for column in columns:
        if not (column in keys or (hasattr(entry, "_fields") and hasattr(entry, column))):
            raise ValueError(f"columns must be among {', '.join(map(str, keys))}: {column!r}")
        values.append(entry.get(column) if isinstance(entry, Mapping) else getattr(entry, column, None))
    return tuple(values)


def _forms(columns: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(columns, Mapping):
        return dict(columns)
    return dict.fromkeys((columns,) if isinstance(columns, str) else columns, "")


def _total(total: bool | Mapping[str, Any], columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> list[Any]:
    if total is False:
        return []
    if total is not True:
        if unknown := [column for column in total if column not in columns]:
            raise ValueError(f"total must be for the columns {', '.join(columns)}: {unknown[0]!r}")
        return [total.get(column, "total" if i == 0 else None) for i, column in enumerate(columns)]
    sums = [sum(column) if all(map(_is_number, column)) else None for column in zip(*rows, strict=False)]
    return ["total", *sums[1:]]


def scale(values: Iterable[Any], unit: str, decimals: int = 2) -> str:
    """The form that fits the largest of these: "m 2 s" for 0.012 and 0.3 seconds."""
    largest = max((abs(float(value)) for value in values if isinstance(value, Real)), default=1)
    fitting = [prefix for prefix, size in PREFIXES.items() if size <= largest]
    prefix = max(fitting, key=PREFIXES.__getitem__, default="n")
    return f"{'' if 1 <= largest < 1000 else prefix} {decimals} {unit}".strip()


# --- how a value is written -----------------------------------------------------------------------------------------


def written(value: Any, form: str = "") -> str:
    """A value as text, a number in this form."""
    value = _check.scalar(value)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, Real):
        return _formula(str(value)) if _is_number(value) else _text(value)
    signed, percent, times, plain, _, prefix, decimals, unit = _parsed(form)
    if plain:
        return f"{value:,}"
    if not any((percent, times, prefix, decimals is not None)):
        digits = _plain(value)
    else:
        places = decimals if decimals is not None else 1 if percent else 3
        try:
            digits = f"{float(value) * (100 if percent else 1) / PREFIXES.get(prefix, 1):,.{places}f}"
        except OverflowError:  # a whole number of more than 308 digits
            return _plain(value)
    digits = digits.replace("-", "−") if signed or times or percent or prefix or unit else digits
    if digits.strip("−-0.,") == "":
        digits = digits.lstrip("−-")  # a zero has no sign
    elif signed and not digits.startswith("−"):
        digits = f"+{digits}"
    after = "%" if percent else f"{prefix}{unit}"
    return f"{'× ' if times else ''}{digits}{' ' if after else ''}{after}"


def _plain(value: Real) -> str:
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if not isinstance(value, float):
        return _formula(str(value)) if hasattr(value, "free_symbols") or hasattr(value, "denominator") else str(value)
    if not isfinite(value):
        return str(value)
    return f"{value:,.3f}" if value == 0 or abs(value) >= 0.01 else f"{value:.2g}"


class _Form(NamedTuple):
    """What the words of a form say; see the module."""

    signed: bool = False
    percent: bool = False
    times: bool = False
    plain: bool = False
    right: bool = False
    prefix: str = ""
    decimals: int | None = None
    unit: str = ""


@cache
def _parsed(form: str) -> _Form:
    found: dict[str, Any] = {}
    for word in form.split():
        if word in ("signed", "percent", "times", "plain", "right"):
            found[word] = True
        elif word.isdecimal():
            found["decimals"] = int(word)
        elif word in PREFIXES and "prefix" not in found:
            found["prefix"] = word
        elif "unit" not in found:
            found["unit"] = word
        else:
            raise ValueError(
                "a form must be made of 'signed', 'percent' or 'times', a prefix "
                f"({', '.join(PREFIXES)}), a number of decimals and a unit: {form!r}"
            )
    return _Form(**found)


def _text(value: Any) -> str:
    text = (
        ", ".join(map(str, value)) if isinstance(value, tuple | list) and type(value).__repr__ in _PLAIN else str(value)
    )
    return " ".join(text.splitlines())


_PLAIN = (tuple.__repr__, list.__repr__)


def _formula(text: str) -> str:
    """18*c**2 as 18·c²; what has no such short form stays as it is."""
    text = re.sub(r"\*\*(\d+)(?![\d.])", lambda power: power[1].translate(SUPERSCRIPTS), text)
    return re.sub(r"(?<!\*)\*(?!\*)", "·", text)


def _is_number(value: Any) -> bool:
    value = _check.scalar(value)
    return not isinstance(value, bool) and (isinstance(value, Real) or hasattr(value, "free_symbols"))


def _fits_a_number(value: Any) -> bool:
    return value is None or value == "" or _is_number(value)
