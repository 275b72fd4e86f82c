"""The weights that torchvision has published for its ResNets, and which description each of them fits."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import asdict, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names, network


def published(spec: NetworkSpec | BlockSpec, weights: str) -> tuple[NetworkSpec, dict[str, Tensor]]:
    """Return torchvision's network that is `spec` but for its `classes`, and its state_dict `weights`.

    `weights` is "IMAGENET1K_V1", "IMAGENET1K_V2" or "DEFAULT" (torchvision's best). torchvision downloads the file on
    first use into the folder checkpoints of torch.hub.get_dir(). The hash in the file's name is checked each time. Only
    tensors are read, no pickled code.

    Raises ValueError if another field of `spec` differs from all of torchvision's networks.
    Raises ValueError for a name that this network's weights do not have, and for a file that is not what was published.
    Raises ConnectionError if it cannot be downloaded.
    Raises OSError if it cannot be kept or read.
    """
    from resnet_lib.nn.vision import torchvision

    known = set(torchvision.models.list_models(torchvision.models))
    name = nearest(spec, [name for name in names() if name in known])
    choices = torchvision.models.get_model_weights(name)
    choice = choices[_check.one_of(f"weights for {name}", weights, choices.__members__)]
    what = f"the weights {weights} for {name}"
    file = Path(torch.hub.get_dir()) / "checkpoints" / choice.url.rpartition("/")[2]
    _check_hash(file, what)
    try:
        state: dict[str, Tensor] = choice.get_state_dict(
            progress=True, check_hash=True, weights_only=True, map_location="cpu"
        )
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise ConnectionError(f"{what} could not be downloaded: {error}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(error.errno, f"{what} could not be kept in {file.parent}: {reason}") from error
    except Exception as error:  # a wrong hash, or bytes that are not tensors: torch.load answers those with any error
        where = f"{file}; delete it" if file.exists() else choice.url
        code = isinstance(error, pickle.UnpicklingError)  # torch's ten lines say how to run it all the same
        reason = "the file does not hold tensors alone" if code else str(error).partition("\n")[0]
        raise ValueError(f"{what} are not what torchvision published: {reason} ({where})") from error
    return network(name), state


def _check_hash(file: Path, what: str) -> None:
    """Raise ValueError if the file is there and not what its name promises; torch.hub looks only at a download."""
    if not file.exists():
        return
    with file.open("rb") as contents:
        digest = hashlib.file_digest(contents, "sha256").hexdigest()
    if not digest.startswith(file.stem.rpartition("-")[2]):
        raise ValueError(
            f"{what} are not what torchvision published: {file} has the SHA-256 {digest[:8]}…; delete it, and it will "
            "be downloaded again"
        )


def nearest(spec: NetworkSpec | BlockSpec, candidates: list[str]) -> str:
    """Return the candidate that `spec` describes but for its classes.

    Raises ValueError that names the fields in which the nearest one differs, if none of them is.
    """
    if not isinstance(spec, NetworkSpec):
        raise ValueError(f"weights are published for whole networks ({', '.join(candidates)}), not for {spec!r}")
    differences = {name: _differences(spec, network(name)) for name in candidates}
    found = min(candidates, key=lambda name: len(differences[name]))
    if differences[found]:
        fields_that_differ = ", ".join(
            f"{field}={theirs!r} instead of {ours!r}" for field, (ours, theirs) in differences[found].items()
        )
        raise ValueError(
            f"weights are published for {', '.join(candidates)}, each with any number of classes; "
            f"the nearest, {found}, has {fields_that_differ}"
        )
    return found


def _differences(spec: NetworkSpec, theirs: NetworkSpec) -> dict[str, tuple[Any, Any]]:
    return _check.differences(asdict(replace(spec, classes=theirs.classes)), asdict(theirs))
