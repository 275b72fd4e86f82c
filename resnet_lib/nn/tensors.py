"""Named tensors and a few texts in one file, whole or not at all. No pickle: a stranger's file can run no code.

The file is a safetensors file (huggingface/safetensors: README.md, "Format"). Its metadata, which are text,
hold `sha256`, a digest of all the rest, because safetensors itself would not notice a changed weight.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from resnet_lib._files import replacing

FROM_STATE = "To take weights with torchvision's keys: rl.build(name).load_state_dict({})"
TORCH = f"torch's own format. {FROM_STATE.format('torch.load(path, weights_only=True)')}"
FORMATS = {  # how files of other programs begin
    b"\x89HDF\r\n\x1a\n": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: git lfs pull fetches it",
}


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata to the file `path`, in place of what is there, with two to three times their memory.

    Raises OSError naming `path` if it cannot be written; the file that was there stays.
    """
    import safetensors.torch  # on first use: building a network does without it

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    contents = safetensors.torch.save(tensors, {**metadata, "sha256": sha256(tensors, metadata)})
    with replacing(path) as temporary:
        temporary.write_bytes(contents)


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `write_tensors` wrote: the tensors, on the CPU, and the metadata.

    Raises FileNotFoundError for a missing file and another OSError for one that cannot be read.
    Raises ValueError for a file that is damaged or of another kind.
    """
    from safetensors import SafetensorError, safe_open

    with Path(path).open("rb"):  # the operating system's own error, which names the path, before safetensors' own
        pass
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            # Cloned: safetensors' tensors are views of the file, which may be written to later.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, RuntimeError, ValueError) as error:
        if format := _other_format(Path(path)):
            raise ValueError(f"{path} was not written by rl.save: it is {format}") from error
        raise ValueError(f"{path} is damaged, or was not written by rl.save: {error}") from error
    digest = metadata.pop("sha256", None)
    if digest is None:
        how = FROM_STATE.format("safetensors.torch.load_file(path)")
        raise ValueError(f"{path} was not written by rl.save: it is another program's safetensors file. {how}")
    if digest != sha256(tensors, metadata):
        raise ValueError(f"{path} is damaged: it does not hold what was written to it")
    return tensors, metadata


def sha256(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return a digest of names, dtypes, shapes and values, and of the metadata."""
    digest = hashlib.sha256(repr(sorted(metadata.items())).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _other_format(path: Path) -> str | None:
    """Return what a file that is not a safetensors file is instead, if its first bytes tell."""
    with path.open("rb") as file:
        head = file.read(512)
    if len(head) < 16 or head[8:9] == b"{":  # damaged: a safetensors header begins there
        return None
    if found := next((format for start, format in FORMATS.items() if head.startswith(start)), None):
        return found
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any(name.endswith("data.pkl") for name in names):
            return TORCH
        return "NumPy's archive of arrays" if any(name.endswith(".npy") for name in names) else "a zip archive"
    if head[0] == 0x80 and head[1] in range(2, 6):  # the opcode PROTO
        return f"a pickle file. If torch.save wrote it, it is {TORCH}"
    if head[0] == 0x08 and head[2] in (0x12, 0x1A, 0x22, 0x3A):  # protobuf: field 1, ir_version, then another of ONNX's
        return "an ONNX file"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start >= len(head) - 3 else "\0"
    if all(character.isprintable() or character.isspace() for character in text):
        return "a web page" if text.lstrip()[:1] == "<" else "plain text"
    return None
