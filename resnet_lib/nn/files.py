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

from torch import Tensor

from resnet_lib import _check
from resnet_lib._version import __version__
from resnet_lib.nn.arguments import DTYPES, usable_device
from resnet_lib.nn.blocks import ResidualBlock
from resnet_lib.nn.changed import change, ours
from resnet_lib.nn.network import ResNet, filled
from resnet_lib.nn.tensors import read_tensors, write_tensors
from resnet_lib.spec import BlockSpec, NetworkSpec

SPECS: dict[str, type[NetworkSpec] | type[BlockSpec]] = {"NetworkSpec": NetworkSpec, "BlockSpec": BlockSpec}


def to_json(spec: NetworkSpec | BlockSpec) -> str:
    """Return the description as JSON: its `type` and its fields.

    Raises TypeError if `spec` is not a description or holds symbols.
    """
    _check.instance("spec", spec, (NetworkSpec, BlockSpec), "a NetworkSpec or a BlockSpec")
    _check.no_symbols("a network to be built", spec)
    return json.dumps({"type": type(spec).__name__} | {f.name: getattr(spec, f.name) for f in fields(spec)})


def from_json(text: str) -> NetworkSpec | BlockSpec:
    """Return the description that `to_json` wrote. Raises ValueError for any other text."""
    try:
        values = json.loads(text)
        return SPECS[values.pop("type")](**values)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        raise ValueError(f"text must be a network's or block's description in JSON ({error!r}): {shown!r}") from error


def save(model: ResNet | ResidualBlock, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the model's description, parameters and buffers to the file `path`, as a whole or not at all.

    The device, the memory format, the training flag and which parameters are frozen are not kept; see `load`. Until the
    file is written the weights take two to three times their memory.

    Raises TypeError if `model` is not `build`'s.
    Raises ValueError if it is on the device "meta", where it has no weights, or has weights of another dtype than
    float32, float64, float16 and bfloat16.
    Raises ValueError if it no longer computes what `model.spec` describes (see `nn.changed`).
    Raises FileExistsError if `path` exists and `overwrite` is False.
    Raises OSError naming `path` if it cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from resnet_lib.nn import build
    >>> with TemporaryDirectory() as folder:
    ...     save(build("cifar_resnet20"), f"{folder}/net.safetensors")
    ...     load(f"{folder}/net.safetensors").spec.layers
    20

    Chapter 10.
    """
    model = ours(model)
    path = Path(path)
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "overwrite=True would replace the file that is there", str(path))
    state = model.state_dict()
    if any(tensor.is_meta for tensor in state.values()):
        raise ValueError("model must have weights; on the device 'meta' it has none")
    if changed := change(model):
        raise ValueError(
            f"model must compute what model.spec describes, and {changed}. A file holds a description and weights: "
            "rl.build makes networks with other fields, such as rl.build('resnet50', classes=10)"
        )
    _refuse_dtypes(state)
    write_tensors(path, state, {"spec": to_json(model.spec), "resnet_lib": __version__})


def load(path: str | os.PathLike[str], *, device: Any = None) -> ResNet | ResidualBlock:
    """Return the network or block that `save` wrote, with the same description, weights, buffers and dtypes.

    It is on `device`, by default torch's current one, and in training mode, as any new module, with torch's usual
    memory format. No random numbers are drawn.

    Raises FileNotFoundError for a missing file and another OSError for one that cannot be read.
    Raises ValueError for a file that is damaged or was not written by `save`; it names the format where it knows it.
    Raises ValueError or TypeError for a device that cannot be used here.

    >>> load("weights.pth")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'weights.pth'

    Chapter 10.
    """
    device = usable_device(device)
    tensors, metadata = read_tensors(path)
    if "spec" not in metadata:
        raise ValueError(f"{path} was not written by rl.save: its metadata lack spec")
    try:
        _refuse_dtypes(tensors)
        return filled(from_json(metadata["spec"]), tensors).to(device=device)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of the network that it describes: {error}") from error


def _refuse_dtypes(tensors: dict[str, Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dtype not in DTYPES.values():
            allowed = ", ".join(map(str, DTYPES.values()))
            raise ValueError(f"{key} must have one of the dtypes {allowed}: {tensor.dtype}")
