"""A network in a file: its description beside its weights. No pickle, so a stranger's file can run no code.

The file is a safetensors file (see `resnet_lib.nn.tensors`) whose metadata hold `spec`, the description as JSON, and
`resnet_lib`, the version that wrote it.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from resnet_lib._version import __version__
from resnet_lib.nn.blocks import ResidualBlock, refuse_symbols
from resnet_lib.nn.network import DTYPES, ResNet, filled, usable_device
from resnet_lib.nn.tensors import read_tensors, write_tensors
from resnet_lib.spec import BlockSpec, NetworkSpec

SPECS: dict[str, type[NetworkSpec] | type[BlockSpec]] = {"NetworkSpec": NetworkSpec, "BlockSpec": BlockSpec}


def to_json(spec: NetworkSpec | BlockSpec) -> str:
    """The description as JSON: its `type` and its fields.

    Raises TypeError if `spec` is no description or holds symbols.
    """
    if not isinstance(spec, NetworkSpec | BlockSpec):
        raise TypeError(f"spec must be a NetworkSpec or a BlockSpec: {spec!r}")
    refuse_symbols(spec)
    return json.dumps({"type": type(spec).__name__} | {f.name: getattr(spec, f.name) for f in fields(spec)})


def from_json(text: str) -> NetworkSpec | BlockSpec:
    """The description that `to_json` wrote. Raises ValueError for a text that is none."""
    try:
        values = json.loads(text)
        return SPECS[values.pop("type")](**values)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        raise ValueError(f"text must be a network's or block's description in JSON ({error!r}): {shown!r}") from error


def save(model: ResNet | ResidualBlock, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the model's description, parameters and buffers to the file `path`, as a whole or not at all.

    The device, the memory format and the training flag are not kept; see `load`. Until the file is written
    the weights take two to three times their memory.

    Raises TypeError if `model` is not `build`'s, ValueError if it is on the device "meta" (there are no weights)
    or has been changed so that its weights are not those of its description,
    FileExistsError if `path` exists and `overwrite` is False, and OSError naming `path` if it cannot be written.
    """
    if not isinstance(model, ResNet | ResidualBlock):
        raise TypeError(f"model must be a network or block as rl.build makes it, not {type(model).__name__}")
    path = Path(path)
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "overwrite=True would replace the file that is there", str(path))
    state = model.state_dict()
    if any(tensor.is_meta for tensor in state.values()):
        raise ValueError("model must have weights, which it has not on the device 'meta'")
    try:
        filled(model.spec, state)
    except RuntimeError as error:
        raise ValueError(f"model must have the weights that model.spec describes: {error}") from error
    write_tensors(path, state, {"spec": to_json(model.spec), "resnet_lib": __version__})


def load(path: str | os.PathLike[str], *, device: Any = None) -> ResNet | ResidualBlock:
    """The network or block that `save` wrote, with the same description, weights, buffers and dtypes, on `device`.

    It is in training mode, as any new module, with torch's usual memory format. No random numbers are drawn.

    Raises FileNotFoundError for a missing file, another OSError for one that cannot be read, ValueError for one
    that is damaged or was not written by `save`, and, like `build`, ValueError or TypeError for the device.
    """
    device = usable_device(device)
    tensors, metadata = read_tensors(path)
    if "spec" not in metadata:
        raise ValueError(f"{path} was not written by rl.save: its metadata lack spec")
    try:
        for key, tensor in tensors.items():
            if tensor.is_floating_point() and tensor.dtype not in DTYPES:
                raise ValueError(f"{key} must have one of the dtypes {', '.join(map(str, DTYPES))}: {tensor.dtype}")
        return filled(from_json(metadata["spec"]), tensors).to(device=device)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of the network that it describes: {error}") from error
