"""What was measured: recorded rows, each file with the machine, the software and the date. Standard library only."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from resnet_lib import _check
from resnet_lib.cost.bill import price
from resnet_lib.cost.time import Record
from resnet_lib.zoo import network


def experiment(name: str) -> dict[str, Any]:
    """A recorded experiment: what `python -m resnet_lib.lab.experiment NAME` wrote, settings, provenance and rows.

    Raises ValueError for a name without a record, listing those that have one.
    """
    folder = files(__name__) / "experiments"
    found = sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    record: dict[str, Any] = json.loads((folder / f"{_check.one_of('name', name, found)}.json").read_text("utf-8"))
    return record


def machines() -> dict[str, dict[str, Any]]:
    """Every file in machines/ under its name: what `python -m resnet_lib.lab.measure --out …` wrote there."""
    folder = files(__name__) / "machines"
    found = [file for file in folder.iterdir() if file.name.endswith(".json")] if folder.is_dir() else []
    found.sort(key=lambda file: file.name)
    return {file.name.removesuffix(".json"): json.loads(file.read_text("utf-8")) for file in found}


def timings(record: dict[str, Any], mode: str = "inference", batch: int | None = None) -> tuple[Record, ...]:
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
        Record(row["network"], bill.macs, bill.activations, row["seconds"])
        for row, bill in zip(chosen, bills, strict=True)
    )
