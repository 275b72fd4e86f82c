"""The book's experiments. Each trains a few networks on scikit-learn's digits, from several seeds.

    degradation   plain and residual networks of 20 to 110 layers          He et al. 2015, figure 6
    blocks        basic against bottleneck at equal MACs, at equal parameters
    shortcuts     options A, B and C                                       He et al. 2015, table 3 (on ImageNet)
    zero_init     with and without a zero-initialised last BatchNorm       Goyal et al. 2017, section 5.1
    patience      three of all these with four times as many epochs
    interface     basic blocks, and bottlenecks with wide and with narrow ends, at equal MACs

`resnet-lib experiment degradation` records one again. A run's rows depend on its settings and seed; on
another processor, or with another torch, the last digits of the sums differ, and with them in the end the errors.
"""

from __future__ import annotations

import json
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import torch

from resnet_lib import _check
from resnet_lib._files import write_json
from resnet_lib._table import Table
from resnet_lib.cost import price
from resnet_lib.cost.search import twin
from resnet_lib.lab._train import train
from resnet_lib.lab.data import digits
from resnet_lib.lab.provenance import provenance
from resnet_lib.lab.settings import EXPERIMENTS, Settings
from resnet_lib.lab.timing import torch_threads
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import network


@dataclass(frozen=True)
class Case:
    """A network that is compared with others, how it starts, and how many times the usual epochs it gets."""

    label: str
    network: NetworkSpec
    zero_init_last: bool = False
    patience: int = 1


def degradation() -> list[Case]:
    """Plain and residual networks of five depths: does more depth raise the *training* error?"""
    return [
        Case(f"{kind}-{layers}", _small(f"cifar_{name}{layers}"))
        for layers in (20, 32, 44, 56, 110)
        for kind, name in (("plain", "plain"), ("residual", "resnet"))
    ]


def blocks() -> list[Case]:
    """Basic blocks, and the deepest network of bottlenecks, equally wide, at no more MACs, or no more parameters."""
    basic = _small("cifar_resnet32")
    return [Case("basic", basic)] + [
        Case(f"bottleneck, equal {words}", twin(basic, "bottleneck", budget=budget, image=8).spec)
        for budget, words in (("macs", "MACs"), ("params", "parameters"))
    ]


def shortcuts() -> list[Case]:
    """Zeros, projections where the shape changes, projections everywhere."""
    return [Case(f"option {shortcut}", _small("cifar_resnet32", shortcut=shortcut)) for shortcut in "ABC"]


def zero_init() -> list[Case]:
    """Blocks that start at random, and blocks that start as their shortcut."""
    return [
        Case(f"{layers} layers, {words}", _small(f"cifar_resnet{layers}"), zero_init_last)
        for layers in (20, 56)
        for words, zero_init_last in (("as usual", False), ("zeroed", True))
    ]


def patience() -> list[Case]:
    """Networks that ended badly in `degradation` and `blocks`, with four times as many epochs: were they only slow?"""
    chosen = ("plain-44", "residual-110", "bottleneck, equal MACs")
    return [replace(case, patience=4) for case in (*degradation(), *blocks()) if case.label in chosen]


def interface() -> list[Case]:
    """Basic blocks, and as many bottlenecks whose ends are 4, 2 or 1 times as wide as their 3×3, at equal MACs.

    Each in the usual time and in four times as many epochs.
    """
    cases = [Case("basic", _small("cifar_resnet20", shortcut="B"))]
    for label, width, per_group in (("C = 4w", 15, 64), ("C = 2w", 9, 128), ("C = w", 5, 256)):
        fields = {"block": "bottleneck", "widths": (width, 2 * width, 4 * width), "width_per_group": per_group}
        cases.append(Case(label, _small("cifar_resnet20", shortcut="B", **fields)))
    return cases + [replace(case, label=f"{case.label}, 60 epochs", patience=4) for case in cases]


CASES: dict[str, Callable[[], list[Case]]] = {
    "degradation": degradation,
    "blocks": blocks,
    "shortcuts": shortcuts,
    "zero_init": zero_init,
    "patience": patience,
    "interface": interface,
}


def _small(name: str, **fields: Any) -> NetworkSpec:
    """Return a network of the zoo for the digits: grey images, ten classes."""
    return network(name, in_channels=1, classes=10, **fields)


def learn(case: Case, settings: Settings) -> dict[str, Any]:
    """Train one case from one seed, and return a row of the record: errors as shares of 1, running ones by epoch."""
    data = digits()
    own = replace(settings, zero_init_last=case.zero_init_last, epochs=settings.epochs * case.patience)
    trained = train(case.network, data, own, cpu=True, progress=False)
    bill = price(case.network, data.image)
    return {
        "case": case.label,
        "seed": settings.seed,
        "layers": case.network.layers,
        "params": bill.params,
        "macs": bill.macs,
        "train_error": round(trained.train_error, 5),
        "test_error": round(trained.test_error, 5),
        "running_errors": [round(epoch.running_error, 4) for epoch in trained.epochs],
        "test_errors": [round(epoch.test_error, 4) for epoch in trained.epochs],
    }


def record(
    name: str, cases: Iterable[Case], settings: Settings, seeds: int, out: Path, jobs: int = 1
) -> Iterator[dict[str, Any]]:
    """Train every case from every seed. Rewrites `out` after each run; yields rows as they finish.

    Rows that `out` holds already are yielded first and not computed again, so an interrupted experiment goes on. Each
    run has one thread: `jobs` processes share a machine, and a row does not depend on their number.

    Raises ValueError if `out` holds rows of other settings or from another machine.
    Raises OSError if `out` cannot be written.
    """
    head, cases = _head(name, settings), list(cases)
    held = _held(out, head)
    write_json(out, head | {"rows": list(held.values())})  # now rather than after an hour, if it cannot be written
    todo = [(case, seed) for seed in range(seeds) for case in cases if (case.label, seed) not in held]
    order = [case.label for case in CASES[name]()]

    def rows() -> Iterator[dict[str, Any]]:
        yield from list(held.values())
        for row in _learn_each([(case, replace(settings, seed=seed)) for case, seed in todo], jobs):
            held[row["case"], row["seed"]] = row
            in_order = sorted(held.values(), key=lambda row: (order.index(row["case"]), row["seed"]))
            write_json(out, head | {"rows": in_order})
            yield row

    return rows()


def _learn_each(runs: list[tuple[Case, Settings]], jobs: int) -> Iterator[dict[str, Any]]:
    if jobs == 1:
        with torch_threads(1):
            for case, settings in runs:
                yield learn(case, settings)
        return
    context = multiprocessing.get_context("spawn")
    waiting = iter(runs)
    with ProcessPoolExecutor(jobs, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:

        def begun(count: int) -> set[Future[dict[str, Any]]]:
            return {pool.submit(_interruptible, *run) for run in islice(waiting, count)}

        # No run waits inside the pool: it would begin when Ctrl-C has ended another.
        with _without_ctrl_c():  # The pool's processes inherit it, and so have no traceback to show.
            running = begun(jobs)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= begun(len(done))
            for each in done:
                yield each.result()


def _interruptible(case: Case, settings: Settings) -> dict[str, Any]:
    """Do a run in a process of the pool, where Ctrl-C ends the run but not the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return learn(case, settings)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C. Only a program's main thread, which is the one that it interrupts, can say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _head(name: str, settings: Settings) -> dict[str, Any]:
    """Return the record without its rows: all that the runs have in common."""
    common = asdict(settings)
    del common["seed"], common["zero_init_last"]
    machine = provenance() | {"threads": 1}
    return {
        "experiment": name,
        "about": EXPERIMENTS[name],
        "data": str(digits()),
        "settings": common,
        "provenance": machine,
    }


def _held(out: Path, head: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    """Return the rows that the file holds already, by case and seed. They must be of the same kind."""
    if not out.exists():
        return {}
    try:
        held = json.loads(out.read_text(encoding="utf-8"))
        rows = {(row["case"], row["seed"]): row for row in held["rows"]}
        ours, theirs = ({**_flat(record), "date": None} for record in (head, held))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{out} is not a record of an experiment; name another file: {error!r}") from error
    if differing := _check.differences(ours, theirs):
        words = ", ".join(f"{key} {there!r}, not {here!r}" for key, (here, there) in differing.items())
        raise ValueError(f"{out} holds rows of another kind; name another file: {words}")
    head["provenance"] = held["provenance"]
    return rows


def _flat(head: dict[str, Any]) -> dict[str, Any]:
    return {"experiment": head.get("experiment"), "data": head.get("data"), **head["settings"], **head["provenance"]}


def summary(record: dict[str, Any]) -> Table:
    """Return the errors of each case: the median of its seeds, the lowest and the highest."""
    rows = []
    for label in dict.fromkeys(row["case"] for row in record["rows"]):
        own = [row for row in record["rows"] if row["case"] == label]
        errors = ([row[error] for row in own] for error in ("train_error", "test_error"))
        rows.append((label, len(own), *(size(each) for each in errors for size in (median, min, max))))
    sizes = ("train_error", "train_lowest", "train_highest", "test_error", "test_lowest", "test_highest")
    return Table({"case": "", "seeds": "", **dict.fromkeys(sizes, "percent 2")}, rows)
