"""Say where this book's repository is, once: `make address URL=https://github.com/OWNER/NAME`.

The address is `Source` in pyproject.toml. This tool writes it there and into the first cell of each chapter, which
installs the library for a reader on Colab. Without an address those cells install nothing, and no page links to a
repository. An invented one would be dangerous: its name could be registered, and any code served to our readers.

`make address` prints the address, and `make address URL=none` removes it. This needs the standard library only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
HTTPS = re.compile(r"(https://(?!-)[a-z0-9.-]+\.[a-z]+/[\w.-]+/[\w.-]+?)(?:\.git)?/?", re.ASCII)
FORGES = ("https://github.com/", "https://gitlab.com/", "https://codeberg.org/")
SOURCE = re.compile(r'^(?:# )?Source = ".*"$', re.MULTILINE)

MISSING = """\
class Missing(ModuleNotFoundError):
    def _render_traceback_(self):  # Jupyter shows this in place of a traceback
        return [str(self)]


if not find_spec("resnet_lib"):
"""
SAYS = f"""\
# Where the book's library is missing, this cell says how to get it.
from importlib.util import find_spec


{MISSING}\
    raise Missing(
        "This chapter needs the book's library, resnet_lib, and this copy does not know its address. "
        'In the folder of the book\\'s repository, run: pip install ".[explore,torch]"'
    )"""
INSTALLS = f'''\
# Where the book's library is missing, this cell installs it on Colab, and says how to do so elsewhere.
import sys
from importlib.util import find_spec


{MISSING}\
    if "google.colab" not in sys.modules:
        raise Missing(
            "This chapter needs the book's library, resnet_lib. Run this in a cell of its own: "
            '%pip install "inside-the-residual-block[explore,torch] @ git+ADDRESS"'
        )
    %pip install -q "inside-the-residual-block[explore] @ git+ADDRESS"'''


def canonical(address: str) -> str | None:
    """Return a repository's https address without ".git" and a final slash, or None if it is not of that form."""
    match = HTTPS.fullmatch(address.strip())
    return match[1] if match else None


def written(root: Path = ROOT) -> str | None:
    """Return the address in pyproject.toml, or None while it is not set."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    source: str | None = project.get("urls", {}).get("Source")
    return source


def cloned(root: Path = ROOT) -> str | None:
    """Return the public address that this folder was cloned from, or None: a path or an inner host is not one."""
    command = ["git", "config", "--local", "--get", "remote.origin.url"]
    try:
        said = subprocess.run(command, cwd=root, capture_output=True, text=True)
    except OSError:  # no git here
        return None
    address = canonical(said.stdout)
    return address if address and address.startswith(FORGES) else None


def first_cell(address: str | None) -> str:
    """Return the first code cell of each chapter."""
    return INSTALLS.replace("ADDRESS", address) if address else SAYS


def write(address: str | None, root: Path = ROOT) -> None:
    """Write the address into pyproject.toml and into each chapter; None removes it."""
    path = root / "pyproject.toml"
    line = f'Source = "{address}"' if address else '# Source = ""'
    path.write_text(SOURCE.sub(line, path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    for path in sorted((root / "book").glob("*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cell["source"] = first_cell(address).splitlines(keepends=True)
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    if not arguments:
        print(written() or "No address is set: make address URL=https://github.com/OWNER/NAME")
        return 0
    address = canonical(arguments[0])
    if not address and arguments[0] != "none":
        print(f"URL must be a repository's https address or none: {arguments[0]!r}", file=sys.stderr)
        return 1
    write(address)
    print(f"Written into pyproject.toml and the chapters: {address or 'no address'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
