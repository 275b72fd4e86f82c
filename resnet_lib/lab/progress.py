"""How far a training is, and the checkpoint from which it goes on as if it had not stopped.

The checkpoint is one safetensors file. Its tensors: `model.<name>`, parameters and buffers, and
`optimizer.<number>.<name>`, the momentum of each parameter. Its metadata, in JSON: `run`, which must be the same when
it goes on, and `progress`. Seed and step are among them: the whole random state (see resnet_lib/lab/_train.py).
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

    `running_loss` and `running_error` are means over the epoch's steps, of augmented pictures in training mode, as the
    weights changed; the test's are of all its pictures, in evaluation mode, at the end. Errors are shares of 1,
    losses nats for a picture (in training with label smoothing), `lr` the last step's, `seconds` the steps' alone.
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
    """Steps made, epochs ended, and sums over the pictures of the epoch under way."""

    step: int = 0
    epochs: list[Epoch] = field(default_factory=list)
    loss: float = 0.0
    wrong: float = 0.0
    seconds: float = 0.0

    def end_epoch(self, lr: float, pictures: int, test_loss: float, test_error: float) -> None:
        """Turn the sums into a row, and begin new ones."""
        running = self.loss / pictures, self.wrong / pictures
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
    """Give model and optimizer the state that was written; the progress is returned.

    Raises FileNotFoundError for a missing file, and ValueError for a damaged one or another run's, naming what
    differs. Nothing changes before the whole file has been read and checked.
    """
    tensors, metadata = read_tensors(path)
    try:
        written, progress = json.loads(metadata["run"]), Progress(**json.loads(metadata["progress"]))
        progress.epochs = [Epoch(*row) for row in progress.epochs]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no checkpoint of a training: {error!r}") from error
    if differing := _check.differences(run, written):
        words = ", ".join(f"{key} was {theirs!r}, not {ours!r}" for key, (ours, theirs) in differing.items())
        raise ValueError(f"{path} belongs to another run: {words}")
    model.load_state_dict(_below("model.", tensors))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _below("optimizer.", tensors).items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return progress


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
