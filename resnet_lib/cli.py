"""The bill on the command line: `python -m resnet_lib --help`. Standard library only.

Each command makes one table; it is printed for reading, or written as JSON or CSV with the numbers in full.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from resnet_lib.cost.bill import Bill, price
from resnet_lib.cost.search import BUDGETS, design, twin
from resnet_lib.spec import BLOCKS, NetworkSpec
from resnet_lib.zoo import names, network

TOTALS = ("params", "macs", "activations", "flops", "bytes")
RATIOS = ("params", "macs", "activations")
BY = ("total", "stage", "block", "kind", "operation")
WORDS = ("block", "stem", "shortcut", "stride_on")  # fields that are words; all others are whole numbers but for
LISTS = ("depths", "widths")
SWITCHES = {"true": True, "false": False}
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

EXAMPLES = """\
examples:
  python -m resnet_lib price resnet50 --by stage
  python -m resnet_lib price resnet50 --set shortcut=C --set stride_on=1x1 --image 224x320
  python -m resnet_lib price resnet18 --set depths=3,4,6,3 --by operation --csv > bill.csv
  python -m resnet_lib report resnet50 --tool fvcore --tool thop
  python -m resnet_lib compare resnet34 resnet50 resnet101
  python -m resnet_lib design resnet50 --macs 4.1G --params 26M --depths 1-12 --width 48-96:16
  python -m resnet_lib design resnet34 --macs 4.1G --set block=basic --set block=bottleneck --best=layers,-activations
  python -m resnet_lib twin resnet50

MACs are multiply-adds of convolutions and the linear layer, FLOPs two a MAC and what else is computed; activations
are output elements of convolutions and the linear layer; bytes are read and written in float32.
"""


@dataclass
class Table:
    """Rows of values under their columns. `head` says what they are about, `total` is what they add up to."""

    head: dict[str, Any]
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    total: tuple[Any, ...] = ()

    def text(self) -> str:
        """For reading: aligned, with thousands separated."""
        lines = [self.columns, *(tuple(map(_readable, row)) for row in self.rows)]
        if self.total:
            lines.append(tuple(map(_readable, self.total)))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        numbers = [all(isinstance(value, int | float) for value in column) for column in zip(*self.rows, strict=True)]
        numbers = numbers or [False] * len(self.columns)
        aligned = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(line, widths, numbers, strict=True)
            ).rstrip()
            for line in lines
        ]
        rule = "-" * max(map(len, aligned))
        aligned.insert(1, rule)
        if self.total:
            aligned.insert(-1, rule)
        return "\n".join([", ".join(f"{key}: {_readable(value)}" for key, value in self.head.items()), "", *aligned])

    def json(self) -> str:
        """An object: the head's entries, `rows` as objects, and `total` where there is one."""
        content = {**self.head, "rows": [dict(zip(self.columns, row, strict=True)) for row in self.rows]}
        if self.total:
            total = dict(zip(self.columns, self.total, strict=True))
            content["total"] = {column: value for column, value in total.items() if isinstance(value, int)}
        return json.dumps(content, indent=2)

    def write_csv(self) -> None:
        """The columns' names and the rows, without head and total."""
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_plain(value) for value in row] for row in self.rows)


def _readable(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _plain(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"


def _plain(value: Any) -> str:
    """A list as --set takes it: 3,4,6,3."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


# --- the commands ---------------------------------------------------------------------------------------------------


def _price(arguments: argparse.Namespace) -> Table:
    net, bill = _network_and_bill(arguments.network, arguments)
    columns = (arguments.by, *TOTALS)
    head = _head(arguments.network, net, bill)
    total = ("total", *_totals(bill))
    if arguments.by == "total":
        return Table(head, columns, [total])
    if arguments.by == "operation":
        rows = [
            (row.name, row.kind, row.input_shape, row.output_shape, *(getattr(row, name) for name in TOTALS))
            for row in bill.rows
        ]
        extra = ("kind", "input", "output")
        return Table(head, (arguments.by, *extra, *TOTALS), rows, ("total", "", "", "", *_totals(bill)))
    return Table(head, columns, [(key, *_totals(part)) for key, part in bill.by(arguments.by).items()], total)


def _report(arguments: argparse.Namespace) -> Table:
    from resnet_lib.cost.conventions import CONVENTIONS, report  # only this command needs it

    net, bill = _network_and_bill(arguments.network, arguments)
    rows = []
    for tool in arguments.tool or CONVENTIONS:
        prints = report(bill, tool)
        convention = CONVENTIONS[tool]
        unit = convention.unit if convention.decimals is None else f"10^9 {convention.unit}"
        if convention.macts:
            unit += ", 10^6 activations"
        rows.append((tool, prints, convention.says, unit))
    return Table(_head(arguments.network, net, bill), ("tool", "prints", "says", "unit"), rows)


def _compare(arguments: argparse.Namespace) -> Table:
    return _side_by_side([(name, *_network_and_bill(name, arguments)) for name in arguments.networks], arguments.batch)


def _twin(arguments: argparse.Namespace) -> Table:
    net, bill = _network_and_bill(arguments.network, arguments)
    other = twin(net, arguments.block, budget=arguments.budget, image=arguments.image, batch=arguments.batch).spec
    networks = [(arguments.network, net, bill), ("its twin", other, price(other, arguments.image, arguments.batch))]
    return _side_by_side(networks, arguments.batch)


def _side_by_side(networks: Sequence[tuple[str, NetworkSpec, Bill]], batch: int) -> Table:
    """One row a network; the ratios are to the first."""
    first = networks[0][2]
    rows = [
        (
            name,
            net.block,
            net.depths,
            _image_of(bill),
            net.layers,
            *(getattr(bill, total) for total in RATIOS),
            *(getattr(bill, total) / getattr(first, total) for total in RATIOS),
        )
        for name, net, bill in networks
    ]
    columns = ("network", "block", "depths", "image", "layers", *RATIOS, *(f"{total}_ratio" for total in RATIOS))
    return Table({"ratios_to": networks[0][0], "batch": batch}, columns, rows)


def _design(arguments: argparse.Namespace) -> Table:
    budgets = {name: value for name in BUDGETS if (value := getattr(arguments, name)) is not None}
    choices: dict[str, Any] = {}
    for name, value in arguments.set:
        if name == "depths":
            raise ValueError("--set depths is for one network; the family's depths are those of --depths")
        choices.setdefault(name, []).append(value)
    candidates = design(
        arguments.base,
        depths=arguments.depths,
        width=arguments.width,
        image=arguments.image,
        batch=arguments.batch,
        best=arguments.best,
        limit=arguments.limit,
        **budgets,
        **choices,
    )
    varied = [name for name in choices if name not in ("block", "widths")]
    columns = ("block", "depths", "widths", *varied, "layers", *BUDGETS)
    rows = [
        (
            *(getattr(c.spec, name) for name in ("block", "depths", "widths", *varied)),
            *(c.layers, c.macs, c.params, c.activations, c.bytes),
        )
        for c in candidates
    ]
    head = {"base": arguments.base, **{f"max_{name}": value for name, value in budgets.items()}}
    return Table({**head, "best": arguments.best}, columns, rows)


def _network_and_bill(name: str, arguments: argparse.Namespace) -> tuple[NetworkSpec, Bill]:
    overrides: dict[str, Any] = {}
    for key, value in arguments.set:
        if key in overrides:
            raise ValueError(f"--set {key} is given twice: {overrides[key]!r} and {value!r}")
        overrides[key] = value
    net = network(name, **overrides)
    return net, price(net, arguments.image, arguments.batch)


def _head(name: str, net: NetworkSpec, bill: Bill) -> dict[str, Any]:
    batch = bill.parts[0].rows[0].input_shape[0]
    return {"network": name, "layers": net.layers, "image": _image_of(bill), "batch": batch}


def _image_of(bill: Bill) -> str:
    """HEIGHTxWIDTH, as --image takes it."""
    _, _, height, width = bill.parts[0].rows[0].input_shape
    return f"{height}x{width}"


def _totals(bill: Bill) -> tuple[int, ...]:
    return tuple(getattr(bill, name) for name in TOTALS)


# --- the arguments --------------------------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """One line for an error; the usage is behind --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def whole(text: str) -> int:
    """224."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number: {text!r}") from None


def pixels(text: str) -> int | tuple[int, int]:
    """224, or 224x320: height x width."""
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise argparse.ArgumentTypeError(f"must be pixels such as 224, or height x width such as 224x320: {text!r}")
    return (int(sides[0]), int(sides[1])) if len(sides) == 2 else int(text)


def _amount(text: str) -> int:
    """4.1G, 25M, 3e6."""
    unit = text[-1:] if text[-1:] in UNITS else ""
    try:
        amount = Decimal(text.removesuffix(unit)) * UNITS[unit]
        if not amount.is_finite() or amount.adjusted() > 30:
            raise ValueError
        return int(amount)
    except (ArithmeticError, ValueError):
        units = ", ".join(filter(None, UNITS))
        raise argparse.ArgumentTypeError(f"must be a number, with {units} or without: {text!r}") from None


def _numbers(text: str) -> range | tuple[int, ...]:
    """1-36, 48-96:16 (in steps of 16) or 1,2,4."""
    first, dash, rest = text.partition("-")
    last, colon, step = rest.partition(":")
    try:
        if dash:
            return range(int(first), int(last) + 1, int(step) if colon else 1)
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be numbers such as 1-36, 48-96:16 or 1,2,4: {text!r}") from None


def _depths(text: str) -> range | tuple[Any, ...]:
    """1-36 for every stage, or an entry for each: 3,4,1-36,3."""
    if "," not in text:
        numbers = _numbers(text)
        return numbers if isinstance(numbers, range) else range(numbers[0], numbers[0] + 1)
    return tuple(_numbers(entry) for entry in text.split(","))


def _criterion(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _setting(text: str) -> tuple[str, Any]:
    """FIELD=VALUE, the value as the field's type."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be FIELD=VALUE such as shortcut=C: {text!r}")
    if name in WORDS:
        return name, value
    if name == "preactivation":
        if value not in SWITCHES:
            raise argparse.ArgumentTypeError(f"preactivation must be true or false: {value!r}")
        return name, SWITCHES[value]
    try:
        return name, tuple(int(number) for number in value.split(",")) if name in LISTS else int(value)
    except ValueError:
        if name not in NetworkSpec.__dataclass_fields__:
            return name, value  # `network` knows what to say
        what = "whole numbers such as 3,4,6,3" if name in LISTS else "a whole number"
        raise argparse.ArgumentTypeError(f"{name} must be {what}: {value!r}") from None


def _parser() -> Parser:
    common = Parser(add_help=False)
    common.add_argument(
        "--set", metavar="FIELD=VALUE", action="append", type=_setting, default=[],
        help="override a field of the network: shortcut=C, stride_on=1x1, depths=3,4,6,3 (may be repeated)",
    )  # fmt: skip
    common.add_argument("--image", type=pixels, help="pixels: a side, or HEIGHTxWIDTH (default: 224, CIFAR 32)")
    common.add_argument("--batch", type=whole, default=1, help="pictures at a time (default: 1)")
    form = common.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="write JSON")
    form.add_argument("--csv", action="store_true", help="write CSV")

    parser = Parser(
        prog="python -m resnet_lib",
        description="What residual networks cost: parameters, multiply-adds (MACs), activations, bytes.",
        epilog=f"{EXAMPLES}\n{textwrap.fill('networks: ' + ', '.join(names()), 116)}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], Table], help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, parents=[common], help=help, description=help, allow_abbrev=False)
        sub.set_defaults(run=run)
        return sub

    sub = command("price", _price, "the bill of a network")
    sub.add_argument("network", help="a name such as resnet50")
    sub.add_argument("--by", choices=BY, default="stage", help="one line for each (default: stage)")

    sub = command("report", _report, "what counting tools print for a network")
    sub.add_argument("network", help="a name such as resnet50")
    sub.add_argument("--tool", action="append", help="only this one (may be repeated)")

    sub = command("compare", _compare, "networks side by side, with their ratios to the first")
    sub.add_argument("networks", nargs="+", metavar="network", help="names such as resnet34 resnet50")

    sub = command("design", _design, "the networks of a family that fit a budget, best first")
    sub.add_argument("base", help="the network whose depths and widths vary; --set twice for a field: both values")
    for name in BUDGETS:
        sub.add_argument(f"--{name}", type=_amount, metavar="N", help=f"at most so many {name}: 4.1G, 25M, 3e6")
    sub.add_argument(
        "--depths", type=_depths, default=range(1, 37),
        help="blocks: 1-36 for each stage (the default), or stage by stage: 3,4,1-36,3",
    )  # fmt: skip
    sub.add_argument("--width", type=_numbers, help="widths of the first stage, the others in proportion: 48-96:16")
    sub.add_argument(
        "--best", type=_criterion, default=("layers",),
        help="most of it first: layers (the default), macs, params, activations, bytes; "
        "least first with a minus; several with commas: --best=layers,-activations",
    )  # fmt: skip
    sub.add_argument("--limit", type=whole, default=10, help="how many (default: 10)")

    sub = command("twin", _twin, "the deepest network of the other block for the same MACs")
    sub.add_argument("network", help="a name such as resnet50")
    sub.add_argument("--block", choices=BLOCKS, default="basic", help="the twin's block (default: basic)")
    sub.add_argument("--budget", choices=BUDGETS, default="macs", help="what may not exceed it (default: macs)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code: 0, or 2 (by SystemExit) after one line about what was wrong."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        table: Table = arguments.run(arguments)
    except ValueError as error:
        parser.error(str(error))
    try:
        if arguments.csv:
            table.write_csv()
        else:
            print(table.json() if arguments.json else table.text())
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (`| head`) has seen enough; nothing more is to be flushed at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
