"""Record what a machine does: its two limits, networks measured against them, and the time model fitted to them.

`resnet-lib measure` shows and writes the record. Importing this module loads the standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from resnet_lib import _check
from resnet_lib._table import Table, written
from resnet_lib.cost.bill import price
from resnet_lib.cost.time_model import Errors, fit_time, leave_one_out
from resnet_lib.records import timings
from resnet_lib.zoo import network

if TYPE_CHECKING:
    from resnet_lib.lab._limits import Limits
    from resnet_lib.lab._measure import Measurement

# ImageNet's networks, and a wide one of CIFAR's for few activations per MAC. CIFAR's small networks spend most of their
# time on overhead per operation, which the two-term model does not represent.
NETWORKS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "plain18", "plain34", "wrn28_10",
)  # fmt: skip


def record_machine(
    networks: Sequence[str] = NETWORKS,
    *,
    image: Any = None,
    batch: Sequence[int] = (1,),
    training: bool = False,
    layers: str | None = None,
    dtype: str = "fp32",
    memory_format: str = "contiguous",
    device: str = "cpu",
    threads: int | None = None,
    seconds: float = 2.0,
    passes: int = 1,
    name: str | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure networks on this machine, and return the record: provenance, settings, limits, time model and rows.

    - `networks` are names of the zoo, `image` their pixels (None: each network's own, 224 or 32).
    - `batch` holds numbers of images; each network is measured with each of them.
    - `training` also measures a training step.
    - `layers` names a network whose operations are timed one by one, with the first batch.
    - `dtype`, `memory_format`, `device` and `threads` are those of `rl.lab.measure`.
    - `seconds` is the time for the runs of a row. At least three runs are made.
    - `passes` go over all rows. A row keeps its quickest pass, so that several find a quiet moment for each.
    - `name` is the machine's. By default, it is its processor's or GPU's.
    - `progress` shows a bar.

    A row that cannot be measured, most likely for want of memory, is named under "left_out" with its reason.

    Raises ValueError or TypeError naming the argument, before anything is measured.
    Raises ValueError if no row or no limit could be measured.
    """
    for each in filter(None, (*networks, layers)):
        for size in batch:
            price(network(each), image, size)
    _check.positive_number("seconds", seconds)
    _check.positive_int("passes", passes)

    from tqdm import tqdm  # Torch takes a while to load, so it comes after the checks that need none.

    from resnet_lib.lab import _layers, _limits, _measure, timing
    from resnet_lib.lab.provenance import provenance
    from resnet_lib.nn.arguments import as_dtype, as_memory_format

    as_dtype(dtype)
    as_memory_format(memory_format)
    timing.as_device(device)
    timing.as_threads(threads)

    how = {"dtype": dtype, "device": device, "memory_format": memory_format}
    modes = ("inference", "training") if training else ("inference",)
    plan = [(each, mode, size) for mode in modes for size in batch for each in networks]
    failed: dict[str, str] = {}
    quickest: dict[str, Measurement] = {}
    limits: Limits | None = None

    def tried(what: str, function: Callable[..., Any], *of: Any, **options: Any) -> Any:
        """Return the function's result, or None: the memory is full, most likely; other rows are still worth having."""
        try:
            return function(*of, **options)
        except RuntimeError as error:
            failed[what] = str(error).partition("\n")[0]
            return None

    with timing.torch_threads(threads):
        origin = provenance(device)
        with tqdm(plan * passes, unit="row", disable=None if progress else True) as bar:
            for i, (each, mode, size) in enumerate(bar):
                if i % len(plan) == 0:  # A pass begins.
                    found = tried("the limits", _limits.limits, dtype=dtype, device=device, seconds=2 * seconds)
                    limits = _higher(limits, found)
                bar.set_description(what := f"{each}, {mode}, batch {size}")
                row = tried(what, _measure.measure, each, image, size, mode=mode, seconds=seconds, **how)
                if row and (what not in quickest or row.seconds < quickest[what].seconds):
                    quickest[what] = row
        inside = layers and tried(
            f"{layers}, layer by layer", _layers.layers, layers, image, batch[0], seconds=2 * seconds, **how
        )
    if not (quickest and limits):
        raise ValueError(f"nothing could be measured: {next(iter(failed.values()))}")

    rows = [m.row() | {"share": m.macs_per_second / limits.macs_per_second} for m in quickest.values()]
    record: dict[str, Any] = {
        "name": name or (origin["processor"] if origin["device"] == "cpu" else origin["device"]),
        "provenance": origin,
        "settings": {
            "networks": list(networks), "modes": list(modes), "batch": list(batch), "image": image, **how,
            "threads": origin["threads"], "seconds": seconds, "passes": passes,
        },
        "limits": asdict(limits),
        "left_out": {what: why for what, why in failed.items() if what not in quickest},
    }  # fmt: skip
    if inside:
        record["layers"] = {
            "network": layers, "image": image, "batch": batch[0], "seconds": inside.seconds,
            "rows": {row.name: row.seconds for row in inside.rows},
        }  # fmt: skip
    pairs = dict.fromkeys((row["mode"], row["batch"]) for row in rows)
    models = [_time_model({"rows": rows}, mode, size) for mode, size in pairs]
    return record | {"time_model": [model for model in models if model], "rows": rows}


def _higher(best: Limits | None, found: Limits | None) -> Limits | None:
    """Return the higher of each limit, with its quartiles: other work may have slowed a pass in one of them."""
    if best is None or found is None:
        return best or found
    fields = {"macs_per_second": ("macs_quartiles", "side"), "bytes_per_second": ("bytes_quartiles", "copied")}
    better = [(name, *others) for name, others in fields.items() if getattr(found, name) > getattr(best, name)]
    return replace(best, **{name: getattr(found, name) for names in better for name in names})


def _time_model(record: dict[str, Any], mode: str, batch: int) -> dict[str, Any] | None:
    """Return the time model's errors on networks it was not fitted to.

    Return None for fewer than three networks, or if they are too much alike.
    """
    measured = timings(record, mode, batch)
    try:
        errors, model = leave_one_out(measured), fit_time(measured)
    except ValueError:
        return None
    return {
        "mode": mode,
        "batch": batch,
        "networks": len(measured),
        "seconds_per_mac": model.seconds_per_mac,
        "seconds_per_activation": model.seconds_per_activation,
        "two_terms": _sizes(errors.two_terms),
        "macs_alone": _sizes(errors.macs_alone),
    }


def _sizes(errors: Errors) -> dict[str, Any]:
    return {"mean": errors.mean, "median": errors.median, "worst": errors.worst, "relative": dict(errors.relative)}


# --- its tables -----------------------------------------------------------------------------------------------------


def tables(record: dict[str, Any]) -> list[str | Table]:
    """Return what is shown of a record: its rows, one network's operations, and the errors of the time model."""
    missing = [f"not measured: {what}: {why}" for what, why in record["left_out"].items()]
    inside = [_layers_table(record["layers"])] if "layers" in record else []
    return [networks_table(record), *missing, *inside, _errors_table(record)]


def networks_table(record: dict[str, Any]) -> Table:
    """Return the record's rows."""
    top = record["limits"]
    columns = {
        "network": "", "mode": "", "batch": "", "seconds": "m 3 s", "lower": "m 3 s", "upper": "m 3 s",
        "images_per_second": "1", "macs_per_second": "G 2 MAC/s", "share": "percent", "peak_bytes": "M 1 B",
    }  # fmt: skip
    rows = [
        (
            row["network"], row["mode"], row["batch"], row["seconds"], *row["quartiles"],
            row["images_per_second"], row["macs_per_second"], row["share"], row["peak_bytes"],
        )
        for row in record["rows"]
    ]  # fmt: skip
    head = {
        "machine": record["name"], "threads": top["threads"], "dtype": top["dtype"],
        "peak": written(top["macs_per_second"], "G 1 MAC/s"), "copying": written(top["bytes_per_second"], "G 1 B/s"),
    }  # fmt: skip
    return Table(columns, rows, head=head)


def _layers_table(inside: dict[str, Any]) -> Table:
    bill = price(network(inside["network"]), inside["image"], inside["batch"])
    whole, times = inside["seconds"], inside["rows"]
    rest = whole - sum(times.values())
    rows: list[tuple[Any, ...]] = [
        (row.name, row.kind, times[row.name], times[row.name] / whole, row.macs) for row in bill.rows
    ]
    rows.append(("unaccounted", None, rest, rest / whole, None))
    columns = {"operation": "", "kind": "", "seconds": "m 3 s", "share": "percent", "macs": ""}
    head = {"network": inside["network"], "batch": inside["batch"]}
    return Table(columns, rows, ("total", None, whole, 1.0, bill.macs), head=head)


def _errors_table(record: dict[str, Any]) -> str | Table:
    if not record["time_model"]:
        return "time model: needs at least three networks that differ in activations per MAC"
    sizes = ("mean", "median", "worst")
    rows = [
        (fit["mode"], fit["batch"], fit["networks"], title, *(fit[key][size] for size in sizes))
        for fit in record["time_model"]
        for key, title in (("two_terms", "MACs and activations"), ("macs_alone", "MACs alone"))
    ]
    columns = {"mode": "", "batch": "", "networks": "", "model": "", **dict.fromkeys(sizes, "percent")}
    return Table(columns, rows, caption="time model: error on each network, fitted to the others")
