"""Which of a network's operations take the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import fsum
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import FLOAT32_BYTES, Bill
from resnet_lib.cost.roofline import shares
from resnet_lib.lab._subject import prepared
from resnet_lib.lab.timing import FEWEST_RUNS, as_threads, between, runs, stamp, synchronize, torch_threads
from resnet_lib.nn import ResNet
from resnet_lib.nn.changed import change
from resnet_lib.spec import NetworkSpec


class LayerTime(NamedTuple):
    """A row of the bill with the median time of its operation, and its share of the whole network's time."""

    name: str
    stage: str
    block: str
    kind: str
    seconds: float
    share: float
    macs: int
    bytes: int


@dataclass(frozen=True, repr=False)
class Layers(Shown):
    """Where a forward pass spends its time. Made by `layers`."""

    rows: tuple[LayerTime, ...]
    seconds: float  # of the whole network, measured without hooks

    @property
    def unaccounted(self) -> float:
        """Seconds of the whole that no row has; below 0 where the rows add up to more, since the hooks take time."""
        return self.seconds - fsum(row.seconds for row in self.rows)

    def by(self, what: str) -> dict[str, float]:
        """Return the shares of the whole network's time by "stage", "block" or "kind", in order of first execution.

        Raises ValueError for any other word.
        """
        _check.one_of("what", what, ("stage", "block", "kind"))
        return shares(self.rows, what, self.seconds)

    def table(self) -> Table:
        """Return the operations with their times, and the seconds that none of them has."""
        columns = {"operation": "", "kind": "", "time": "m 3 s", "share": "percent", "multiply-adds": "", "bytes": ""}
        rows = [(row.name, row.kind, row.seconds, row.share, row.macs, row.bytes) for row in self.rows]
        rest = ("unaccounted", "", self.unaccounted, self.unaccounted / self.seconds, 0, 0)
        sums = (sum(row.macs for row in self.rows), sum(row.bytes for row in self.rows))
        total = ("whole network", "", self.seconds, 1.0, *sums)
        return Table(columns, [*rows, rest], total, caption="Measured inference, operation by operation")


def layers(
    network: ResNet | NetworkSpec | str,
    image: Any = None,
    batch: int = 1,
    *,
    dtype: torch.dtype | str | None = None,
    memory_format: torch.memory_format | str | None = None,
    threads: int | None = None,
    device: Any = None,
    seconds: float = 4.0,
) -> Layers:
    """Measure the seconds that each row of the bill takes at inference.

    `network` is a name, a description or a network of `build`. Hooks read the clock before and after each operation's
    module. An addition has no module: its time runs from the end of the operation before it to the start of the one
    after it, option A's zeros included. `bytes` are the row's in the network's dtype. Half of `seconds` goes into the
    whole network, for comparison. The other arguments are `measure`'s.

    Raises as `measure` does.
    Raises TypeError for any other module, since its operations have other names.
    Raises ValueError for a network that no longer computes what its description says: the rows would not be its own.

    >>> found = layers("cifar_resnet20", 32, seconds=0.01)
    >>> found.rows[0].name, found.rows[0].macs
    ('conv1', 442368)
    >>> list(found.by("stage"))
    ['stem', 'layer1', 'layer2', 'layer3', 'head']

    Chapter 9.
    """
    threads, seconds = as_threads(threads), _check.positive_number("seconds", seconds)
    _check.instance("network", network, (ResNet, NetworkSpec, str), "a name, a NetworkSpec or a network of rl.build")
    if isinstance(network, ResNet) and (changed := change(network)):
        raise ValueError(f"network must compute what its description says, whose rows these are, and {changed}")
    settings = {"dtype": dtype, "memory_format": memory_format, "device": device}
    with prepared(network, image, batch, **settings) as subject, torch_threads(threads):
        bill, device, element = subject.bill, subject.images.device, subject.images.element_size()
        assert bill is not None  # it has a description
        whole = median(runs(subject.forward, device, seconds / 2))
        passes: list[list[float]] = []
        with _watching(subject.model, bill, device) as marks:
            while len(passes) < FEWEST_RUNS or sum(map(sum, passes)) < seconds / 2:
                subject.forward()
                synchronize(device)
                passes.append(_row_seconds(bill, marks))
    rows = (
        LayerTime(
            row.name, row.stage, row.block, row.kind, time, time / whole, row.macs, row.bytes * element // FLOAT32_BYTES
        )
        for row, time in zip(bill.rows, map(median, zip(*passes, strict=True)), strict=True)
    )
    return Layers(tuple(rows), whole)


Marks = dict[tuple[str, str], Any]


@contextmanager
def _watching(model: nn.Module, bill: Bill, device: torch.device) -> Iterator[Marks]:
    """Give when each row's module last started and ended, by hooks that are gone afterwards."""
    marks: Marks = {}

    def mark(name: str, end: str, *_: Any) -> None:
        marks[name, end] = stamp(device)

    with ExitStack() as hooks:
        for row in bill.rows:
            if row.kind != "add":
                module = model.get_submodule(row.name)
                start, end = partial(mark, row.name, "start"), partial(mark, row.name, "end")
                hooks.callback(module.register_forward_pre_hook(start).remove)
                hooks.callback(module.register_forward_hook(end, prepend=True).remove)
        yield marks


def _row_seconds(bill: Bill, marks: Marks) -> list[float]:
    rows = bill.rows  # an addition is never the first nor the last of a network
    return [
        between(marks[row.name, "start"], marks[row.name, "end"])
        if row.kind != "add"
        else between(marks[rows[i - 1].name, "end"], marks[rows[i + 1].name, "start"])
        for i, row in enumerate(rows)
    ]
