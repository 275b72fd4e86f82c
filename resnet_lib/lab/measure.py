"""Measures this machine: `python -m resnet_lib.lab.measure --help`.

Its two ceilings, then network after network against them, and how well the time model of `rl.fit_time` predicts each
network from the others. Nothing imports this module: `rl.lab.measure` is a function of resnet_lib.lab._measure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_lib import _check
from resnet_lib._files import write_json, write_text
from resnet_lib.cli import Parser, Table, pixels, whole
from resnet_lib.cost.bill import price
from resnet_lib.cost.time_model import Errors, fit_time, leave_one_out
from resnet_lib.records import timings
from resnet_lib.zoo import network

if TYPE_CHECKING:
    from resnet_lib.lab._limits import Limits
    from resnet_lib.lab._measure import Measurement

# ImageNet's, and a wide one of CIFAR's for few activations per MAC. CIFAR's small ones take most of their time between
# operations, of which neither term of the time model knows.
NETWORKS = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "plain18", "plain34", "wrn28_10",
)  # fmt: skip

EXAMPLES = """\
examples:
  python -m resnet_lib.lab.measure --out my_machine.json
  python -m resnet_lib.lab.measure --networks resnet18 resnet50 --batch 1 8 --training
  python -m resnet_lib.lab.measure --device cuda --dtype bf16 --memory-format channels_last --batch 64 --out gpu.json
  python -m resnet_lib.lab.measure --networks resnet50 --layers resnet50 --figure roofline.html

MACs are multiply-adds; a training step has about three times those of the forward pass. Times are medians. Where
others use the machine too, several passes find a quiet moment for each row.
"""


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m resnet_lib.lab.measure",
        description="Times and memory of networks on this machine, as shares of what it can do.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--networks", nargs="+", metavar="NAME", default=NETWORKS, help=f"which (default: {', '.join(NETWORKS)})")
    add("--batch", nargs="+", type=whole, metavar="N", default=[1], help="images at a time; several: each (default: 1)")
    add("--image", type=pixels, help="pixels such as 224, or height x width (default: each network's own, 224 or 32)")
    add("--dtype", default="fp32", help="fp32 (the default), bf16 or fp16")
    add("--memory-format", default="contiguous", help="contiguous (the default) or channels_last")
    add("--threads", type=whole, help="of torch (default: as many as torch chooses)")
    add("--device", default="cpu", help="cpu (the default) or cuda")
    add("--training", action="store_true", help="a training step of each, too")
    add("--layers", metavar="NAME", help="this network's operations one by one, at the first batch")
    add("--seconds", type=float, default=2.0, help="of timed runs for each row, at least three runs (default: 2)")
    add("--passes", type=whole, default=1, help="over all rows, of which each keeps its quickest (default: 1)")
    add("--name", help="of the machine (default: its processor's)")
    add("--out", type=Path, help="write rows, settings and provenance to this JSON file")
    add("--figure", type=Path, help="write the measured roofline to this HTML file")
    add("--overwrite", action="store_true", help="replace these files where they exist")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, write; the exit code is 0, or 2 (by SystemExit) after one line about what was wrong."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        _refuse(arguments)
        record = _measured(arguments)
        print(_table(record))
        for table in (_layer_table(record), _time_table(record)):
            print(f"\n{table}" if table else "", end="")
        if arguments.out:
            write_json(arguments.out, record)
        if arguments.figure:
            write_text(arguments.figure, _page(record))
    except (ValueError, TypeError, OSError, ImportError) as error:
        parser.error(str(error))
    return 0


def _refuse(arguments: argparse.Namespace) -> None:
    """Raise now what would otherwise be raised after minutes."""
    for path in filter(None, (arguments.out, arguments.figure)):
        if path.exists() and not (arguments.overwrite and path.is_file()):
            raise ValueError(f"{path} exists; --overwrite replaces a file")
        try:
            tempfile.TemporaryFile(dir=path.parent).close()
        except OSError as error:
            raise ValueError(f"{path} cannot be written: {error.strerror}") from error
    for name in filter(None, (*arguments.networks, arguments.layers)):
        for batch in arguments.batch:
            price(network(name), arguments.image, batch)

    from resnet_lib.lab import timing  # loads torch, which takes a while: after the other checks
    from resnet_lib.nn.arguments import as_dtype, as_memory_format

    as_dtype(arguments.dtype)
    as_memory_format(arguments.memory_format)
    timing.as_device(arguments.device)
    timing.as_threads(arguments.threads)
    _check.positive_number("seconds", arguments.seconds)
    _check.positive_int("passes", arguments.passes)


def _measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """The record: provenance, settings, limits, time model and rows."""
    from tqdm import tqdm

    from resnet_lib.lab._layers import layers
    from resnet_lib.lab._limits import limits
    from resnet_lib.lab._measure import measure
    from resnet_lib.lab.provenance import provenance
    from resnet_lib.lab.timing import torch_threads

    where = {"dtype": arguments.dtype, "device": arguments.device}
    how = where | {"memory_format": arguments.memory_format}
    modes = ("inference", "training") if arguments.training else ("inference",)
    plan = [(name, mode, batch) for mode in modes for batch in arguments.batch for name in arguments.networks]
    failed: dict[str, str] = {}
    quickest: dict[str, Measurement] = {}
    ceilings: Limits | None = None

    def tried(what: str, function: Callable[..., Any], *of: Any, **options: Any) -> Any:
        """Its result, or None: out of memory, most likely, and the other rows are still worth having."""
        try:
            return function(*of, **options)
        except RuntimeError as error:
            failed[what] = str(error).partition("\n")[0]
            return None

    with torch_threads(arguments.threads):
        origin = provenance(where["device"])
        with tqdm(plan * arguments.passes, unit="row", disable=None) as bar:
            for i, (name, mode, batch) in enumerate(bar):
                if i % len(plan) == 0:  # a pass begins
                    ceilings = _higher(ceilings, tried("the limits", limits, **where, seconds=2 * arguments.seconds))
                bar.set_description(what := f"{name}, {mode}, batch {batch}")
                options = {"mode": mode, "seconds": arguments.seconds, **how}
                found = tried(what, measure, name, arguments.image, batch, **options)
                if found and (what not in quickest or found.seconds < quickest[what].seconds):
                    quickest[what] = found
        inside = arguments.layers and tried(
            f"{arguments.layers}, layer by layer", layers,
            arguments.layers, arguments.image, arguments.batch[0], seconds=2 * arguments.seconds, **how,
        )  # fmt: skip
    if not (quickest and ceilings):
        raise ValueError(f"nothing could be measured: {next(iter(failed.values()))}")
    rows = [m.row() | {"share": m.macs_per_second / ceilings.macs_per_second} for m in quickest.values()]
    record: dict[str, Any] = {
        "name": arguments.name or (origin["processor"] if origin["device"] == "cpu" else origin["device"]),
        "provenance": origin,
        "settings": {
            "networks": list(arguments.networks), "modes": list(modes), "batch": arguments.batch,
            "image": arguments.image, **how, "threads": origin["threads"], "seconds": arguments.seconds,
            "passes": arguments.passes,
        },
        "limits": asdict(ceilings),
        "left_out": {what: why for what, why in failed.items() if what not in quickest},
    }  # fmt: skip
    if inside:
        times = {row.name: row.seconds for row in inside.rows}
        record["layers"] = {
            "network": arguments.layers, "image": arguments.image, "batch": arguments.batch[0],
            "seconds": inside.seconds, "rows": times,
        }  # fmt: skip
    pairs = dict.fromkeys((row["mode"], row["batch"]) for row in rows)
    models = [_time_model({"rows": rows}, mode, batch) for mode, batch in pairs]
    return record | {"time_model": [model for model in models if model], "rows": rows}


def _higher(best: Limits | None, found: Limits | None) -> Limits | None:
    """Of each ceiling the higher, with its quartiles: a pass may have met other people's work in one of them."""
    if best is None or found is None:
        return best or found
    fields = {"macs_per_second": ("macs_quartiles", "side"), "bytes_per_second": ("bytes_quartiles", "copied")}
    better = [(name, *others) for name, others in fields.items() if getattr(found, name) > getattr(best, name)]
    return replace(best, **{name: getattr(found, name) for names in better for name in names})


def _time_model(record: dict[str, Any], mode: str, batch: int) -> dict[str, Any] | None:
    """Errors of the time model on networks that it has not seen, or None for fewer than three, or too much alike."""
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


# --- for reading ----------------------------------------------------------------------------------------------------


def _table(record: dict[str, Any]) -> str:
    top = record["limits"]
    head = {
        "machine": record["name"],
        "threads": top["threads"],
        "dtype": top["dtype"],
        "peak GMAC/s": top["macs_per_second"] / 1e9,
        "GB/s": top["bytes_per_second"] / 1e9,
    }
    columns = (
        "network", "mode", "batch", "ms", "lower", "upper", "images/s", "GMAC/s", "% of peak", "peak MB"
    )  # fmt: skip
    rows = [
        (
            row["network"], row["mode"], row["batch"], row["seconds"] * 1e3, *(q * 1e3 for q in row["quartiles"]),
            row["images_per_second"], row["macs_per_second"] / 1e9, row["share"] * 100, row["peak_bytes"] / 1e6,
        )
        for row in record["rows"]
    ]  # fmt: skip
    left_out = "".join(f"\nleft out: {what}: {why}" for what, why in record["left_out"].items())
    return Table(head, columns, rows).text() + left_out


def _layer_table(record: dict[str, Any]) -> str:
    inside = record.get("layers")
    if not inside:
        return ""
    bill = price(network(inside["network"]), inside["image"], inside["batch"])
    whole, times = inside["seconds"], inside["rows"]
    columns = ("operation", "kind", "ms", "% of time", "MACs")
    rows: list[tuple[Any, ...]] = [
        (row.name, row.kind, times[row.name] * 1e3, times[row.name] / whole * 100, row.macs) for row in bill.rows
    ]
    rest = whole - sum(times.values())
    rows.append(("unaccounted", "", rest * 1e3, rest / whole * 100, 0))
    head = {"network": inside["network"], "batch": inside["batch"]}
    return Table(head, columns, rows, ("total", "", whole * 1e3, 100.0, bill.macs)).text() + "\n"


def _time_table(record: dict[str, Any]) -> str:
    if not record["time_model"]:
        return "time model: needs at least three networks that differ in activations per MAC\n"
    columns = ("mode", "batch", "networks", "model", "mean", "median", "worst")
    rows = [
        (fit["mode"], fit["batch"], fit["networks"], title, *(fit[key][size] * 100 for size in columns[4:]))
        for fit in record["time_model"]
        for key, title in (("two_terms", "MACs and activations"), ("macs_alone", "MACs alone"))
    ]
    head = {"time model": "% of error on each network, fitted to the others"}
    return Table(head, columns, rows).text() + "\n"


def _page(record: dict[str, Any]) -> str:
    from plotly.io import to_html

    from resnet_lib.book.chapters.time.figures import measured_roofline

    drawn = measured_roofline(record)
    page: str = to_html({"data": drawn["data"], "layout": drawn["layout"]}, config={"displayModeBar": False})
    return page


if __name__ == "__main__":
    sys.exit(main())
