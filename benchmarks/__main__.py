"""Runs the benchmarks and prints a table of each: `python -m benchmarks [name …]`, by default all of them."""

from __future__ import annotations

import argparse
from importlib import import_module

from benchmarks.timing import table

NAMES = ("pricing", "tools", "importing", "design", "machine", "inference", "training", "page")

parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Each benchmark against its peers.")
parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)} (by default all)")
chosen = parser.parse_args().names or NAMES
for name in chosen:
    if name not in NAMES:
        parser.error(f"{name!r} is no benchmark; choose from {', '.join(NAMES)}")

for name in chosen:
    print(table(import_module(f"benchmarks.{name}").run()), end="\n\n", flush=True)
