"""The settings that functions take as a word or as torch's own object: one table of each."""

from __future__ import annotations

from typing import Any

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "fp64": torch.float64}
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


def as_dtype(value: Any) -> torch.dtype:
    """Return the dtype that is meant by a word ("bf16") or by torch's own object (torch.bfloat16)."""
    dtype: torch.dtype = _as(DTYPES, "dtype", value)
    return dtype


def as_memory_format(value: Any) -> torch.memory_format:
    """Return the memory format that is meant by a word ("channels_last") or by torch's own object."""
    memory_format: torch.memory_format = _as(MEMORY_FORMATS, "memory_format", value)
    return memory_format


def usable_device(value: Any) -> torch.device:
    """Return the device `value`, or torch's current default, if torch finds it here."""
    try:
        return torch.empty(0, device=value).device
    except (RuntimeError, AssertionError, TypeError) as error:  # AssertionError: this torch has no CUDA
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"device must be one that torch finds here, such as 'cpu' or 'meta': {value!r}") from error


def word(value: torch.dtype | torch.memory_format) -> str:
    """Return the word for a dtype or a memory format; torch's own name for one that has no word."""
    words = {ours: word for word, ours in (*DTYPES.items(), *MEMORY_FORMATS.items())}
    return words.get(value, str(value).removeprefix("torch."))


def _as(table: dict[str, Any], name: str, value: Any) -> Any:
    if isinstance(value, str) and value in table:
        return table[value]
    if any(value is ours for ours in table.values()):
        return value
    words, objects = (", ".join(map(show, each)) for show, each in ((repr, table), (str, table.values())))
    raise ValueError(f"{name} must be one of {words}, or one of {objects}: {value!r}")
