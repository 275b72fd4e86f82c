"""Files that are either complete or absent. Standard library only: `nn` and `lab` both write through it."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def path_named(name: str, value: Any) -> Path:
    """Return the argument `name` as a path. An empty string is refused, because pathlib reads it as ".".

    Raises TypeError if `value` is not a path.
    Raises ValueError if it is empty.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path: {value!r}")
    if not os.fspath(value):
        raise ValueError(f"{name} must not be empty; the current folder is '.': {value!r}")
    return Path(value)


class UnreadableFile(OSError):
    """A file that cannot be read, met by one process of several while they worked: the others do not know of it.

    Torch's worker processes pass their errors on as a traceback in one text; its last line is the message.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message.rpartition(f"{type(self).__name__}: ")[2].strip())


def said_by_all(error: BaseException) -> bool:
    """Return whether all processes of a training meet this error, so that one of them is enough to say it."""
    return not isinstance(error, UnreadableFile)


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Let an OSError that is raised inside say which file or folder could not be written."""
    try:
        yield
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise (OSError(message) if error.errno is None else type(error)(error.errno, message)) from error


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`, and in the end move the file written there to `path`, in one step.

    Whatever goes wrong before that (a full disk, a killed process) leaves `path` as it was.

    Raises OSError naming `path` if it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    with naming(path):
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            with temporary.open("r+b") as written:  # Windows flushes only what is open for writing
                os.fsync(written.fileno())  # or a power cut may keep the new name and lose the contents
            _move(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    """Replace `target`. On Windows that fails while another program has it open, such as a virus scanner."""
    for seconds in (0.1, 0.2, 0.4, 0.8):
        try:
            source.replace(target)
            return
        except PermissionError:
            time.sleep(seconds)
    source.replace(target)


def remove_unfinished(folder: Path, *names: str) -> None:
    """Delete the temporary files of a process that was killed while it replaced files of these names."""
    for name in names:
        for temporary in folder.glob(f".{name}.*.part"):
            temporary.unlink()


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to the file `path` in UTF-8, completely or not at all: see `replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike[str], record: dict[str, Any]) -> None:
    """Write the record as JSON, one line for each row of its `rows`, so that a changed row is a changed line."""
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in record["rows"])
    rest = {key: value for key, value in record.items() if key != "rows"}
    head = json.dumps(rest, ensure_ascii=False, indent=1).removesuffix("\n}")
    write_text(path, f'{head},\n "rows": [\n  {rows}\n ]\n}}\n')
