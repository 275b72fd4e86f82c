"""Write requirements.txt again from this environment: `python tools/pins.py`.

What pyproject.toml names (the package's own needs and each extra) is listed by group, and everything that these
bring follows, each at the version installed here. Change a version by installing another one and running this.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
REQUIREMENTS = ROOT / "requirements.txt"
GROUPS = {
    "the book": ("book",),
    "notebooks and figures": ("", "lab"),
    "torch, built for the CPU or for CUDA, whichever pip finds (CUDA's own libraries follow it, unpinned)": ("torch",),
    "training": ("train",),
    "tests": ("test",),
}
# Not pinned: they come with torch's CUDA build alone, or with the environment itself.
NOT_OURS = re.compile(r"(nvidia|cuda|triton|pip$)")


def direct() -> dict[str, set[str]]:
    """The distributions that pyproject.toml names, by extra; "" holds what the package itself needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: {canonicalize_name(Requirement(line).name) for line in lines} for extra, lines in named.items()}


def closure(names: set[str]) -> set[str]:
    """`names` and all that they need in turn, on this machine."""
    seen: set[tuple[str, str]] = set()
    todo = [(name, "") for name in names]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen or NOT_OURS.match(name):
            continue
        seen.add((name, extra))
        for line in distribution(name).requires or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(need.name), wanted) for wanted in ("", *need.extras)]
    return {name for name, _ in seen}


def pin(name: str) -> str:
    version = distribution(name).version.partition("+")[0]  # 2.13.0, not 2.13.0+cpu
    return f"{name}=={version}"


def requirements() -> str:
    """The text of requirements.txt."""
    groups = direct()
    lines = [
        "# What the book is built and tested with: `pip install -r requirements.txt` installs all of it, and the",
        "# Makefile uses it as a constraints file. Written by tools/pins.py; pyproject.toml says what is needed.",
    ]
    for title, extras in GROUPS.items():
        lines += ["", f"# {title}", *sorted(pin(name) for extra in extras for name in groups[extra])]
    named = set().union(*groups.values())
    lines += ["", "# everything these bring", *sorted(pin(name) for name in closure(named) - named)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    REQUIREMENTS.write_text(requirements(), encoding="utf-8")
    print(f"{REQUIREMENTS.name}: {sum('==' in line for line in requirements().splitlines())} pins")
