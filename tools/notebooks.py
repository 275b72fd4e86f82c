"""Run the chapters again and store their outputs: `python tools/notebooks.py [chapter.ipynb ...]`.

Stored outputs are normalised, so that a diff shows what changed in the book and nothing else. Each chapter is
executed from its first cell; one that fails is left as it was.

`python tools/notebooks.py refresh [chapter.ipynb ...]` runs nothing: it puts the page's scripts and styles, as they are
now (resnet_lib/book/web), into the stored outputs.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT))
from resnet_lib.book.web import renewed  # noqa: E402

CELL_SECONDS = 120
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}
CELL_METADATA = ("cellView", "jupyter", "mystnb", "tags")
KEPT = ("application/json", "image/svg+xml", "text/html", "text/latex", "text/markdown", "text/plain")
DROPPED = ("application/vnd.jupyter.widget-view+json",)  # live only beside the kernel that made it


def chapters() -> list[Path]:
    """Return the notebooks that _toc.yml names, in the order of the book."""
    notebooks = ((ROOT / name).with_suffix(".ipynb") for name in parse_toc_yaml(ROOT / "_toc.yml"))
    return [path for path in notebooks if path.exists()]


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Remove from `notebook` what differs from run to run or machine to machine, and return it."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for number, cell in enumerate(notebook.cells):
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
        for output in cell.get("outputs", []):
            if "data" in output:
                for kind in DROPPED:
                    output.data.pop(kind, None)
                if other := sorted(set(output.data) - set(KEPT)):
                    raise ValueError(f"cell {number} shows {', '.join(other)}; a chapter may show {', '.join(KEPT)}")
                output.metadata = NotebookNode()
    return notebook


def execute(path: Path) -> None:
    """Run one chapter and store it, normalised."""
    notebook = nbformat.read(path, as_version=4)
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    total = len(notebook.cells)
    start = time.perf_counter()

    def progress(cell: NotebookNode, cell_index: int) -> None:
        print(f"\r{name}  cell {cell_index + 1} of {total}", end="", flush=True)

    NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=progress,
    ).execute()
    normalise(notebook)
    nbformat.validate(notebook)
    store(notebook, path)
    print(f"\r{name}  {time.perf_counter() - start:.1f} s" + " " * 20)


def refresh(path: Path) -> None:
    """Renew the scripts and styles in the stored outputs of one chapter."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = renewed(data["text/html"])
    store(notebook, path)


def store(notebook: NotebookNode, path: Path) -> None:
    path.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8")


def main() -> int:
    arguments = sys.argv[1:]
    work = refresh if arguments[:1] == ["refresh"] else execute
    for path in [Path(argument).resolve() for argument in arguments[work is refresh :]] or chapters():
        try:
            work(path)
        except (CellExecutionError, ValueError) as error:
            print(f"\n{path.name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
