"""How long the imports take: `import resnet_lib` against the packages that it does not load.

Each import runs in a fresh interpreter, paired with one that does nothing (`pass`) directly before it; their
difference is the import. Compiled files (.pyc) and the disk's cache are warm: one start is not counted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.timing import Result, Seconds, side_by_side

ROOT = Path(__file__).parent.parent
MODULES = ("resnet_lib", "sympy", "torch")


def run(rounds: int = 20) -> list[Result]:
    """Results against `import resnet_lib`."""
    return side_by_side(
        "Imports (goal: resnet_lib at most 50 ms)",
        {f"import {module}": import_time(module) for module in MODULES},
        rounds,
    )


def import_time(module: str) -> Callable[[], Seconds]:
    """A measurement of this module's import."""

    def measure() -> Seconds:
        nothing = start("pass")
        return start(f"import {module}") - nothing

    measure()
    return measure


def start(script: str) -> Seconds:
    """Wall time of an interpreter that runs this script."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    return time.perf_counter() - begin
