"""Named tensors and a few texts in one file, whole or not at all. No pickle: a stranger's file can run no code.

The file is a safetensors file (huggingface/safetensors: README.md, "Format"). Among its metadata, which are text,
stands `sha256`, a digest of all the rest, because safetensors itself would not notice a changed weight.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from resnet_lib._files import replacing


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write them to the file `path`, in place of what is there. Meanwhile they take two to three times the memory.

    Raises OSError naming `path` if it cannot be written; whatever was there stays.
    """
    import safetensors.torch  # on first use: building a network does without it

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    contents = safetensors.torch.save(tensors, {**metadata, "sha256": sha256(tensors, metadata)})
    with replacing(path) as temporary:
        temporary.write_bytes(contents)


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """What `write_tensors` wrote: the tensors, on the CPU, and the texts.

    Raises FileNotFoundError for a missing file, another OSError for one that cannot be read, and ValueError for one
    that is damaged or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    with Path(path).open("rb"):  # the operating system's own error, which names the path, before safetensors' own
        pass
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            # Cloned: safetensors' tensors stand on the file, which may be written to later.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is damaged, or no checkpoint: {error}") from error
    digest = metadata.pop("sha256", None)
    if digest is None:
        raise ValueError(f"{path} is no checkpoint of this library: its metadata lack sha256")
    if digest != sha256(tensors, metadata):
        raise ValueError(f"{path} is damaged: it does not hold what was written to it")
    return tensors, metadata


def sha256(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return a digest of names, dtypes, shapes and values, and of the texts."""
    digest = hashlib.sha256(repr(sorted(metadata.items())).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
