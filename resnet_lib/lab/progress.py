"""How far a training is, and the checkpoint from which it goes on as if it had not stopped.

The checkpoint is one safetensors file. Its tensors are `model.<name>` (parameters and buffers) and
`optimizer.<number>.<name>` (each parameter's momentum). Its metadata, in JSON, are `run`, which must be the same when
the training goes on, and `progress`. Seed and step are among them: the whole random state (resnet_lib/lab/_train.py).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from os import PathLike
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from resnet_lib import _check
from resnet_lib.nn.tensors import read_tensors, write_tensors


class Epoch(NamedTuple):
    """A row of metrics.csv.

    Errors are shares of 1, losses nats for an image (in training with label smoothing).

    - `epoch` counts from 1, `step` is the number of steps since the beginning.
    - `lr` is the last step's learning rate.
    - `running_loss` and `running_error` are means over the epoch's steps, of augmented images in training mode, while
      the weights change.
    - `test_loss` and `test_error` are means over the test split, in evaluation mode, at the end of the epoch.
    - `seconds` are those of the steps alone.
    """

    epoch: int
    step: int
    lr: float
    running_loss: float
    running_error: float
    test_loss: float
    test_error: float
    seconds: float


@dataclass
class Progress:
    """Steps made, epochs ended, and sums over the images of the epoch that is under way."""

    step: int = 0
    epochs: list[Epoch] = field(default_factory=list)
    loss: float = 0.0
    wrong: float = 0.0
    seconds: float = 0.0

    def add(self, loss: float, wrong: float, seconds: float) -> None:
        """Add the sums of some steps."""
        self.loss += loss
        self.wrong += wrong
        self.seconds += seconds

    def end_epoch(self, lr: float, images: int, test_loss: float, test_error: float) -> None:
        """Turn the sums over this many images into a row, and begin new ones."""
        running = self.loss / images, self.wrong / images
        row = Epoch(len(self.epochs) + 1, self.step, lr, *running, test_loss, test_error, self.seconds)
        self.epochs.append(row)
        self.loss = self.wrong = self.seconds = 0.0


def write_checkpoint(
    path: str | PathLike[str], run: dict[str, Any], progress: Progress, model: nn.Module, optimizer: Any
) -> None:
    """Write a checkpoint in place of the last one. Raises OSError if it cannot be written; the last one stays."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for number, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in state.items() if value is not None}
    write_tensors(path, tensors, {"run": json.dumps(run), "progress": json.dumps(asdict(progress))})


def read_checkpoint(
    path: str | PathLike[str], run: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer
) -> Progress:
    """Give model and optimizer the state that was written, and return the progress.

    Nothing changes before the whole file has been read and checked.

    Raises FileNotFoundError for a missing file.
    Raises ValueError for a damaged file, or for another run's, naming what differs.
    """
    tensors, metadata = read_tensors(path)
    try:
        written, progress = json.loads(metadata["run"]), Progress(**json.loads(metadata["progress"]))
        progress.epochs = [Epoch(*row) for row in progress.epochs]
        differing = _check.differences(_flat(run), _flat(written))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is not a checkpoint of a training: {error!r}") from error
    if differing:
        words = [f"{key} was {theirs!r}, not {ours!r}" for key, (ours, theirs) in differing.items()]
        rest = f", and {len(words) - 5} more" if len(words) > 5 else ""
        raise ValueError(f"{path} belongs to another run: {', '.join(words[:5])}{rest}")
    model.load_state_dict(_below("model.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _below("optimizer.", tensors).items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return progress


def _flat(run: dict[str, Any]) -> dict[str, Any]:
    """Return the run with each class on its own, as `classes[2]`, so that only those that differ are named."""
    return run | {"classes": len(run["classes"])} | {f"classes[{i}]": label for i, label in enumerate(run["classes"])}


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
