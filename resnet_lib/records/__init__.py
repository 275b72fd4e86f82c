"""Recorded measurements, each file with the machine, the software and the date. Standard library only."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from resnet_lib import _check
from resnet_lib.cost.bill import Bill, price
from resnet_lib.cost.time_model import Timing
from resnet_lib.zoo import network

__all__ = ["columns", "experiment", "machines", "published", "timings"]


def experiment(name: str) -> dict[str, Any]:
    """Return a recorded experiment as `resnet-lib experiment NAME` wrote it: settings, provenance and rows.

    A row is a network trained from one seed. Errors are shares of 1.

    >>> record = experiment("shortcuts")
    >>> record["settings"]["epochs"], len(record["rows"])
    (15, 15)
    >>> record["rows"][0]["case"], record["rows"][0]["test_error"]
    ('option A', 0.00899)

    Raises ValueError for a name without a record, listing those that have one.
    Chapter 1.
    """
    folder = files(__name__) / "experiments"
    found = sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    record: dict[str, Any] = json.loads((folder / f"{_check.one_of('name', name, found)}.json").read_text("utf-8"))
    return record


def machines() -> dict[str, dict[str, Any]]:
    """Return every file in machines/ by its name, as `resnet-lib measure --out …` wrote it there.

    >>> machine = machines()["xeon_2_cores"]
    >>> machine["provenance"]["cores"], len(machine["rows"])
    (2, 52)

    Chapter 9.
    """
    folder = files(__name__) / "machines"
    found = [file for file in folder.iterdir() if file.name.endswith(".json")] if folder.is_dir() else []
    found.sort(key=lambda file: file.name)
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}


def timings(record: dict[str, Any], mode: str = "inference", batch: int | None = None) -> tuple[Timing, ...]:
    """Return a machine's rows for `rl.fit_time` and `rl.leave_one_out`: seconds of a run over the whole batch.

    `record` is one of `machines()`. `mode` is "inference" or "training". `batch` is a batch size that was measured, by
    default the largest. MACs and activations are the bill's, and those of the forward pass also for training.

    >>> row = timings(machines()["xeon_2_cores"], batch=1)[0]
    >>> row.network, row.macs
    ('resnet18', 1814073344)

    Raises ValueError for a mode or batch without rows.
    Chapter 9.
    """
    _check.one_of("mode", mode, ("inference", "training"))
    rows = [row for row in record["rows"] if row["mode"] == mode]
    batches = sorted({row["batch"] for row in rows})
    if not batches:
        measured = ", ".join(sorted({row["mode"] for row in record["rows"]}))
        raise ValueError(f"mode must be one that was measured, {measured}: {mode!r}")
    if batch is None:
        batch = batches[-1]
    if batch not in batches:
        raise ValueError(f"batch must be one that was measured, {', '.join(map(str, batches))}: {batch!r}")
    chosen = [row for row in rows if row["batch"] == batch]
    bills = [price(network(row["network"]), row["image"], batch) for row in chosen]
    return tuple(
        Timing(row["network"], bill.macs, bill.activations, row["seconds"])
        for row, bill in zip(chosen, bills, strict=True)
    )


@cache
def _published() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((files(__name__) / "published.json").read_text("utf-8"))
    return record


def columns() -> dict[str, str]:
    """Return the columns that `published` knows, each with its device, precision, layout and batch size.

    >>> list(columns())[:2]
    ['rtx3090', 'rtx4090']

    Chapter 9.
    """
    return {name: column["what"] for name, column in _published()["columns"].items()}


def published(column: str) -> tuple[Timing, ...]:
    """Return thirteen networks of one of timm's benchmark tables, with seconds for an image of 224 × 224 pixels.

    The file published.json names each table and its commit. MACs and activations are our own bill's, and those of the
    forward pass also in a column on training.

    >>> row = published("rtx3090")[0]
    >>> row.network, row.macs
    ('resnet18', 1814073344)

    Raises ValueError for an unknown column, listing the known ones.
    Chapter 9.
    """
    _check.one_of("column", column, columns())
    speeds = _published()["columns"][column]["images_per_second"]
    return tuple(Timing(name, bill.macs, bill.activations, 1 / speeds[name]) for name, bill in _bills().items())


@cache
def _bills() -> dict[str, Bill]:
    described = _published()["networks"].items()
    return {name: price(network(spec["zoo"], **spec["fields"])) for name, spec in described}
