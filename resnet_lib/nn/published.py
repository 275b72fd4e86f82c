"""The weights that torchvision has published for its ResNets, and which description each of them fits."""

from __future__ import annotations

from dataclasses import asdict
from http.client import HTTPException
from urllib.error import URLError

import torch
from torch import Tensor

from resnet_lib import _check
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names, network


def published(spec: NetworkSpec | BlockSpec, weights: str) -> dict[str, Tensor]:
    """torchvision's state_dict `weights` ("IMAGENET1K_V1", "IMAGENET1K_V2", "DEFAULT": its best) for `spec`.

    torchvision downloads it on first use into torch.hub.get_dir(), checks the hash in its name, and reads tensors
    only, no pickled code.

    Raises ValueError where `spec` equals none of torchvision's networks, for a name that this network's weights do
    not have, and for a file that is not what was published; ConnectionError if it cannot be downloaded; OSError if
    it cannot be kept.
    """
    from resnet_lib.nn.vision import torchvision

    known = set(torchvision.models.list_models(torchvision.models))
    name = _equal(spec, [name for name in names() if name in known])
    choices = torchvision.models.get_model_weights(name)
    choice = choices[_check.one_of(f"weights for {name}", weights, choices.__members__)]
    what = f"the weights {weights} for {name}"
    try:
        state: dict[str, Tensor] = choice.get_state_dict(
            progress=True, check_hash=True, weights_only=True, map_location="cpu"
        )
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        raise ConnectionError(f"{what} could not be downloaded: {error}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise type(error)(error.errno, f"{what} could not be kept in {torch.hub.get_dir()}: {reason}") from error
    except Exception as error:  # a wrong hash, or bytes that are no tensors: torch.load answers those with any error
        raise ValueError(
            f"{what} are not what torchvision published; if {torch.hub.get_dir()} holds a file "
            f"{choice.url.rpartition('/')[2]}, delete it: {error}"
        ) from error
    return state


def _equal(spec: NetworkSpec | BlockSpec, candidates: list[str]) -> str:
    """The candidate that `spec` describes; for the error, the one that differs from it in the fewest fields."""
    if not isinstance(spec, NetworkSpec):
        raise ValueError(f"weights are published for whole networks ({', '.join(candidates)}), not for {spec!r}")
    differences = {name: _check.differences(asdict(spec), asdict(network(name))) for name in candidates}
    nearest = min(candidates, key=lambda name: len(differences[name]))
    if differences[nearest]:
        fields_that_differ = ", ".join(
            f"{field}={theirs!r} instead of {ours!r}" for field, (ours, theirs) in differences[nearest].items()
        )
        raise ValueError(
            f"weights are published for {', '.join(candidates)}; the nearest, {nearest}, has {fields_that_differ}"
        )
    return nearest
