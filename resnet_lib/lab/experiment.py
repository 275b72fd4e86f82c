"""Record one of the book's experiments: `python -m resnet_lib.lab.experiment degradation --out degradation.json`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from resnet_lib.cli import Parser, whole


def _parser() -> argparse.ArgumentParser:
    from resnet_lib.lab.settings import EXPERIMENTS, SEEDS, SETTINGS

    cores, usual = os.cpu_count() or 1, max(SEEDS.values())
    parser = Parser(
        prog="python -m resnet_lib.lab.experiment",
        description="Train the networks of an experiment from several seeds, and write a row for each.",
    )
    add = parser.add_argument
    add("experiment", choices=EXPERIMENTS)
    add("--out", type=Path, help="JSON file; rows that it holds are not computed again (default: EXPERIMENT.json)")
    add("--seeds", type=whole, help=f"how many (default: {usual}; patience: {SEEDS['patience']})")
    add("--epochs", type=whole, default=SETTINGS.epochs, help=f"of each run (default: {SETTINGS.epochs})")
    add("--case", action="append", metavar="LABEL", help="only this one; may be given again")
    add("--jobs", type=whole, default=cores, help=f"runs at a time, of one thread each (default: {cores}, the cores)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Record; the exit code is 0 when all rows are there, or 2 (by SystemExit) after one line about what was wrong."""
    parser = _parser()
    try:
        _run(parser.parse_args(arguments))
    except (ValueError, TypeError, OSError, ImportError) as error:
        parser.error(str(error))
    return 0


def _run(chosen: argparse.Namespace) -> None:
    from tqdm.auto import tqdm

    from resnet_lib import _check
    from resnet_lib.lab.experiments import CASES, record
    from resnet_lib.lab.settings import SEEDS, SETTINGS

    seeds = SEEDS[chosen.experiment] if chosen.seeds is None else _check.positive_int("seeds", chosen.seeds)
    _check.positive_int("jobs", chosen.jobs)
    cases = {case.label: case for case in CASES[chosen.experiment]()}
    labels = [_check.one_of("case", label, cases) for label in chosen.case or cases]
    settings = replace(SETTINGS, epochs=chosen.epochs, warmup_epochs=min(SETTINGS.warmup_epochs, chosen.epochs))
    out = chosen.out or Path(f"{chosen.experiment}.json")
    rows = record(chosen.experiment, [cases[label] for label in labels], settings, seeds, out, chosen.jobs)
    for _ in tqdm(rows, total=seeds * len(labels), unit="run", dynamic_ncols=True):
        pass
    print(_table(out))


def _table(out: Path) -> str:
    """Median errors of each case, from the lowest to the highest of its seeds."""
    import json

    rows: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))["rows"]
    lines = [f"{'':<32}{'seeds':>5}{'training error':>24}{'test error':>24}"]
    for label in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == label]
        cells = (_spread([row[error] for row in own]) for error in ("train_error", "test_error"))
        lines.append(f"{label:<32}{len(own):>5}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def _spread(errors: list[float]) -> str:
    low, middle, high = (100 * value for value in (min(errors), median(errors), max(errors)))
    return f"{middle:.2f} % ({low:.2f} … {high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
