"""What was measured: recorded rows, each file with the machine, the software and the date. Standard library only."""

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
    """A recorded experiment: what `resnet-lib experiment NAME` wrote, settings, provenance and rows.

    Raises ValueError for a name without a record, listing those that have one.
    """
    folder = files(__name__) / "experiments"
    found = sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    record: dict[str, Any] = json.loads((folder / f"{_check.one_of('name', name, found)}.json").read_text("utf-8"))
    return record


def machines() -> dict[str, dict[str, Any]]:
    """Every file in machines/ under its name: what `resnet-lib measure --out …` wrote there."""
    folder = files(__name__) / "machines"
    found = [file for file in folder.iterdir() if file.name.endswith(".json")] if folder.is_dir() else []
    found.sort(key=lambda file: file.name)
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}


def timings(record: dict[str, Any], mode: str = "inference", batch: int | None = None) -> tuple[Timing, ...]:
    """A machine's rows for `rl.fit_time` and `rl.leave_one_out`: seconds of a run over the whole batch.

    `mode` is "inference" or "training"; `batch` a batch that was measured, left out: the largest. MACs and activations
    are the bill's, those of the forward pass also for training.

    Raises ValueError for a mode or batch without rows.
    """
    _check.one_of("mode", mode, ("inference", "training"))
    rows = [row for row in record["rows"] if row["mode"] == mode]
    batches = sorted({row["batch"] for row in rows})
    if not batches:
        raise ValueError(f"mode must be one that was measured, which {mode!r} was not")
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
    """The columns that `published` knows, each with its device, precision, layout and batch size."""
    return {name: column["what"] for name, column in _published()["columns"].items()}


def published(column: str) -> tuple[Timing, ...]:
    """Thirteen networks in one of timm's benchmark tables: seconds for an image of 224 × 224 pixels.

    The file published.json names each table and its commit. MACs and activations are our own bill's; those of the
    forward pass also in a column on training.

    Raises ValueError for an unknown column, listing the known ones.
    """
    _check.one_of("column", column, columns())
    speeds = _published()["columns"][column]["images_per_second"]
    return tuple(Timing(name, bill.macs, bill.activations, 1 / speeds[name]) for name, bill in _bills().items())


@cache
def _bills() -> dict[str, Bill]:
    described = _published()["networks"].items()
    return {name: price(network(spec["zoo"], **spec["fields"])) for name, spec in described}
