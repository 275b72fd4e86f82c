"""Networks, blocks or bills side by side. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from resnet_lib import _check, zoo
from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import HEADINGS, Bill, price
from resnet_lib.cost.geometry import receptive_field
from resnet_lib.spec import BlockSpec, NetworkSpec

COLUMNS = ("layers", "params", "macs", "activations")
OF_SPEC = dict.fromkeys((*(each.name for kind in (NetworkSpec, BlockSpec) for each in fields(kind)), "layers"))
ALLOWED = (*HEADINGS, "receptive_field", *OF_SPEC)

Spec = NetworkSpec | BlockSpec


@dataclass(frozen=True, repr=False, eq=False)
class Comparison(Shown, Mapping[str, Bill]):
    """Bills by name, the first of which is the measure of the others: a mapping that shows itself as a table.

    Made by `compare`. `specs` are the descriptions by the same names, None for a bill whose description is not known.
    """

    bills: Mapping[str, Bill]
    specs: Mapping[str, Spec | None]
    columns: Mapping[str, str]
    ratios: bool = True

    def __getitem__(self, name: str) -> Bill:
        return self.bills[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.bills)

    def __len__(self) -> int:
        return len(self.bills)

    def ratio(self, field: str) -> dict[str, Any]:
        """The ratio of each bill's `field`, such as "macs", to that of the first; None for a ratio to nothing.

        Raises ValueError for a field that a bill does not have.
        """
        _check.one_of("field", field, HEADINGS)
        first: int = getattr(next(iter(self.bills.values())), field)
        return {name: getattr(bill, field) / first if first else None for name, bill in self.bills.items()}

    def table(self) -> Table:
        subjects = [bill.subject for bill in self.bills.values()]
        same = len(set(subjects)) == 1
        columns: dict[str, str] = {"": ""} | ({} if same else {"input": ""})
        values: list[Sequence[Any]] = [tuple(self.bills)] if same else [tuple(self.bills), subjects]
        for column, form in self.columns.items():
            found = [_value(column, self.specs[name], bill) for name, bill in self.bills.items()]
            if any(value is not None for value in found):  # a bill alone does not know its layers
                columns[_heading(column)] = form
                values.append(found)
        compared = [column for column in self.columns if column in HEADINGS and self.ratios]
        for column in compared:
            columns[f"× {_heading(column)}"] = "3"
            values.append(list(self.ratio(column).values()))
        caption = [subjects[0] if same else "", f"ratios to {next(iter(self.bills))}" if compared else ""]
        return Table(columns, list(zip(*values, strict=True)), caption=", ".join(filter(None, caption)))


def compare(
    *networks: Spec | Bill | str | Mapping[str, Spec | Bill | str],
    image: Any = None,
    batch: int = 1,
    columns: Sequence[str] | Mapping[str, str] = COLUMNS,
    ratios: bool = True,
) -> Comparison:
    """Put networks, blocks or bills side by side, with their ratios to the first.

    - `networks` are names, descriptions, bills, or dicts from a name of your own to one of these.
    - `image` and `batch` are those of `price`. A bill keeps its own.
    - `columns` are "params", "macs", "flops", "activations", "bytes", "layers", "receptive_field", and the fields of a
      description, such as "block" and "depths". A dict from column to form says how numbers are written (see `table`).
    - `ratios=False` leaves out the ratios.

    >>> rl.compare("resnet34", "resnet50", columns=("layers", "macs", "activations"))
    1 image of 224 × 224, ratios to resnet34
    <BLANKLINE>
              layers           MACs  activations  × MACs  × activations
    -------------------------------------------------------------------
    resnet34      34  3,663,761,408    3,739,112   1.000          1.000
    resnet50      50  4,089,184,256   11,114,984   1.116          2.973
    >>> blocks = {"basic": rl.BlockSpec("basic", 64), "bottleneck": rl.BlockSpec("bottleneck", 256)}
    >>> rl.compare(blocks, image=28, columns={"params": "", "macs": "M 1"}, ratios=False)
                input                     parameters    MACs
    --------------------------------------------------------
    basic       1 input of 64 × 28 × 28       73,984  57.8 M
    bottleneck  1 input of 256 × 28 × 28      70,400  54.6 M
    >>> round(rl.compare("resnet34", "resnet50").ratio("macs")["resnet50"], 3)
    1.116

    Raises ValueError if there is nothing to compare, if two have the same name, and for a column that is not allowed.
    Raises ValueError and TypeError as `price` does.

    Chapter 0.
    """
    bills: dict[str, Bill] = {}
    specs: dict[str, Spec | None] = {}
    for name, network in _named(networks):
        if name in bills:
            raise ValueError(f"networks must have different names; give them some in a dict: {name!r} is there twice")
        specs[name] = None if isinstance(network, Bill) else zoo.described(network, "networks")
        bills[name] = network if isinstance(network, Bill) else price(network, image, batch)
    if not bills:
        raise ValueError("networks must be at least one name, description or bill")
    forms = dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns, "")
    for column in forms:
        _check.one_of("columns", column, ALLOWED)
    return Comparison(bills, specs, forms, _check.boolean("ratios", ratios))


def _named(networks: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    for i, network in enumerate(networks, start=1):
        if isinstance(network, Mapping):
            yield from ((str(name), each) for name, each in network.items())
        else:
            yield _name(network, i), network


def _name(network: Any, i: int) -> str:
    """A name itself, the zoo's for a network that is there, else how the description is drawn."""
    if isinstance(network, NetworkSpec):
        known = (name for name in zoo.names() if zoo.network(name) == network)
        return next(known, f"{network.block} {network.depths}")
    return f"bill {i}" if isinstance(network, Bill) else str(network)


def _heading(column: str) -> str:
    return HEADINGS.get(column, column.replace("_", " "))


def _value(column: str, spec: Spec | None, bill: Bill) -> Any:
    """None where the description is not known, or has no such field."""
    if column in HEADINGS:
        return getattr(bill, column)
    if column == "receptive_field":
        return None if spec is None else receptive_field(spec)
    if column == "layers" and isinstance(spec, BlockSpec):
        return len(spec.convolutions)
    return getattr(spec, column, None)
