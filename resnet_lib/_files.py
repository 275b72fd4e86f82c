"""Files that are either whole or not there. Standard library only: `nn` and `lab` both write through it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A name beside `path` to write to; what was written there takes the place of `path` at the end, in one step.

    Whatever goes wrong before that (a full disk, a killed process) leaves `path` as it was. Raises OSError naming
    `path` if it cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o666 & ~_umask())
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())  # or a power cut may keep the new name and lose the contents
        temporary.replace(path)
    except OSError as error:
        raise type(error)(error.errno, f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, *names: str) -> None:
    """Delete what a process left behind that was killed while it replaced files of these names."""
    for name in names:
        for temporary in folder.glob(f".{name}.*.part"):
            temporary.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Put `text` into the file `path`, as a whole or not at all: see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """The record as JSON, one line for each row of its `rows`, so that a changed row is a changed line."""
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in record["rows"])
    rest = {key: value for key, value in record.items() if key != "rows"}
    head = json.dumps(rest, ensure_ascii=False, indent=1).removesuffix("\n}")
    write_text(path, f'{head},\n "rows": [\n  {rows}\n ]\n}}\n')


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
