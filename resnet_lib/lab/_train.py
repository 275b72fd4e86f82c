"""Train a network of the zoo, or any description, on real pictures. The engine is Hugging Face Accelerate.

The same function trains on one processor, one GPU, or many of either, on one machine or several: call it from a
notebook (there Accelerate's `notebook_launcher` starts it on several GPUs), or start `python -m resnet_lib.lab.train`
with `torchrun` or `accelerate launch`.

Each step uses `Settings.batch` images, split across processes and, within each, into `accumulation_steps`
micro-batches. Two processes therefore learn the same weights, within rounding, as one that takes two micro-batches,
because BatchNorm normalises each micro-batch by itself in both cases. They do not learn what one process with the whole
batch at once would. (BatchNorm's running statistics, which only testing uses, are those of the first process; one that
takes micro-batches has seen them all.)

Every random number is drawn from the seed together with the epoch, or the epoch and the picture, to which it belongs.
So seed and step are the whole random state, and a training that was killed ends, once resumed, with the very weights
that it would have had (on a GPU but for sums whose order is not fixed: torch.use_deterministic_algorithms fixes it).
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, parse_flag_from_env
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from resnet_lib import _check
from resnet_lib._files import remove_unfinished, write_text
from resnet_lib.lab.data import Augmented, Data, Order, Prepared, digits, length, mixed
from resnet_lib.lab.progress import Epoch, Progress, read_checkpoint, write_checkpoint
from resnet_lib.lab.provenance import provenance
from resnet_lib.lab.settings import Settings
from resnet_lib.nn import build, save
from resnet_lib.nn.files import to_json
from resnet_lib.nn.network import ResNet, filled
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import network as named

CHECKPOINT, METRICS, NETWORK, RUN = "checkpoint.safetensors", "metrics.csv", "network.safetensors", "run.json"
TENSORBOARD = "tensorboard"


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode, how it got there, and its final errors on all pictures, as shares of 1."""

    model: ResNet
    epochs: tuple[Epoch, ...]
    train_error: float
    test_error: float


@torch.random.fork_rng(devices=())
def train(
    network: NetworkSpec | str,
    data: Data | str = "digits",
    settings: Settings | None = None,
    *,
    out: str | PathLike[str] | None = None,
    resume: bool = False,
    checkpoint_every: int | None = None,
    cpu: bool = False,
    workers: int = 0,
    progress: bool = True,
) -> Trained:
    """Train a network (a name takes the data's channels and classes) and test it after every epoch.

    `out` is a folder for metrics.csv, TensorBoard's events, run.json (settings and provenance), checkpoint.safetensors
    (after every epoch, and every `checkpoint_every` steps within one) and in the end network.safetensors, which
    `rl.load` reads. Left out, nothing is written. One run at a time may use a folder; several machines must all see it.
    `resume` goes on from the checkpoint, on another number of processes, too, if `accumulation_steps` makes up for it:
    their product says how many parts a batch has. `cpu` leaves GPUs alone. `workers` is how many processes load images.

    Several processes learn what one learns that takes as many parts (`Settings.accumulation_steps`): BatchNorm
    normalises each part of a batch by itself, here and there. Torch's random state is left as it was. `progress` shows
    a bar.

    Raises ValueError or TypeError for arguments that do not fit each other or the machine, FileExistsError if `out`
    holds a run and `resume` is False, FileNotFoundError if it holds none to resume, ValueError for a damaged checkpoint
    or another run's, and OSError where a file cannot be read or written; whatever existed stays as it was.
    """
    settings = Settings() if settings is None else settings
    data = _data(data)
    spec = _spec(network, data)
    workers = _check.whole_number("workers", workers, at_least=0)
    if checkpoint_every is not None:
        _check.positive_int("checkpoint_every", checkpoint_every)
    accelerator = _accelerator(settings, out, cpu)
    part = _part(settings, data, accelerator.num_processes)
    run = {"network": to_json(spec), "data": str(data), **asdict(settings)}
    run["parts"] = accelerator.num_processes * run.pop("accumulation_steps")
    folder = _folder(out, resume, run, data, accelerator)

    model: Any = _new(spec, settings)
    optimizer: Any = _optimizer(model, settings)
    so_far = read_checkpoint(folder / CHECKPOINT, run, model, optimizer) if folder and resume else Progress()
    order = Order(length(data.train), settings.batch, settings.epochs, settings.seed, start=so_far.step)
    testing = settings.batch // accelerator.num_processes
    model, optimizer, batches, learnt, tested = accelerator.prepare(
        model,
        optimizer,
        DataLoader(Augmented(data, settings.seed), part, sampler=order, num_workers=workers),
        *(DataLoader(Prepared(data, which), testing, num_workers=workers) for which in (data.train, data.test)),
    )
    if folder:
        ended = so_far.epochs[-1].step if so_far.epochs else 0
        with _naming(folder / TENSORBOARD):
            accelerator.init_trackers(TENSORBOARD, init_kwargs={TENSORBOARD: {"purge_step": ended}})
        if accelerator.is_main_process:
            remove_unfinished(folder, CHECKPOINT, METRICS, NETWORK, RUN)  # of a run that was killed while it wrote
        if ended:
            _report(folder, so_far.epochs, accelerator)  # once more, if it was killed before it could

    steps = length(data.train) // settings.batch  # of an epoch
    parts = iter(batches)
    sums, start = torch.zeros(2, device=accelerator.device), time.perf_counter()
    with _bar(so_far, settings.epochs * steps, progress and accelerator.is_main_process) as bar:
        for step in range(so_far.step + 1, settings.epochs * steps + 1):
            lr = settings.lr_at(step - 1, steps)
            for group in optimizer.param_groups:
                group["lr"] = lr
            for images, labels in islice(parts, settings.accumulation_steps):
                sums += _learn(accelerator, model, optimizer, images, labels, settings)
            bar.update()
            epoch_ends = step % steps == 0
            if not epoch_ends and (checkpoint_every is None or step % checkpoint_every):
                continue

            loss, wrong = accelerator.reduce(sums).tolist()
            so_far.step, so_far.loss, so_far.wrong = step, so_far.loss + loss, so_far.wrong + wrong
            so_far.seconds += time.perf_counter() - start
            if epoch_ends:
                so_far.end_epoch(lr, steps * settings.batch, *_test(accelerator, model, tested))
                bar.set_postfix_str(f"test error {so_far.epochs[-1].test_error:.2%}")
            if folder and accelerator.is_main_process:
                write_checkpoint(folder / CHECKPOINT, run, so_far, accelerator.unwrap_model(model), optimizer)
            if folder and epoch_ends:
                _report(folder, so_far.epochs, accelerator)
            sums.zero_()
            start = time.perf_counter()

    _, train_error = _test(accelerator, model, learnt)
    trained = filled(spec, accelerator.unwrap_model(model).state_dict()).eval()  # without Accelerate's wrappers
    assert isinstance(trained, ResNet)
    if folder:
        if accelerator.is_main_process:
            save(trained, folder / NETWORK, overwrite=True)
        with _naming(folder / TENSORBOARD):
            for tracker in accelerator.trackers:
                tracker.finish()  # Accelerate's end_training would end the process group, too
    return Trained(trained, tuple(so_far.epochs), train_error, so_far.epochs[-1].test_error)


def _learn(
    accelerator: Accelerator, model: nn.Module, optimizer: Any, images: Tensor, labels: Tensor, settings: Settings
) -> Tensor:
    """Learn from one part of a batch; the last part makes the step. The sums of losses and of wrong answers."""
    with accelerator.accumulate(model):
        logits = model(images.contiguous(memory_format=torch.channels_last))
        loss = cross_entropy(logits, labels, label_smoothing=settings.label_smoothing)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
    return torch.stack([loss.detach() * len(labels), (logits.argmax(1) != labels).sum()])


@torch.no_grad()
def _test(accelerator: Accelerator, model: nn.Module, pictures: Any) -> tuple[float, float]:
    """Mean loss and error over all pictures, in evaluation mode."""
    model.eval()
    sums, tested = torch.zeros(2, device=accelerator.device), 0
    for images, labels in pictures:
        logits = model(images.contiguous(memory_format=torch.channels_last))
        logits, labels = accelerator.gather_for_metrics((logits, labels))
        sums += torch.stack([cross_entropy(logits, labels, reduction="sum"), (logits.argmax(1) != labels).sum()])
        tested += len(labels)
    model.train()
    loss, error = (sums / tested).tolist()
    return loss, error


def _report(folder: Path, epochs: list[Epoch], accelerator: Accelerator) -> None:
    """The rows as CSV, and the last one for TensorBoard."""
    if accelerator.is_main_process:
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(Epoch._fields)
        table.writerows(epochs)
        write_text(folder / METRICS, text.getvalue())
    with _naming(folder / TENSORBOARD):
        accelerator.log(epochs[-1]._asdict(), step=epochs[-1].step)


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """TensorBoard's errors do not say which folder cannot be written to."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, f"{folder} cannot be written: {error.strerror or error}") from error


# --- before the first step -------------------------------------------------------------------------------------------


def _data(data: Data | str) -> Data:
    if data == "digits":
        return digits()
    if not isinstance(data, Data):
        raise TypeError(f"data must be 'digits', or what a function of resnet_lib.lab.data returns: {data!r}")
    return data


def _spec(network: NetworkSpec | str, data: Data) -> NetworkSpec:
    if isinstance(network, str):
        network = named(network, in_channels=data.in_channels, classes=data.classes)
    if not isinstance(network, NetworkSpec):
        raise TypeError(f"network must be a name, such as 'cifar_resnet20', or a NetworkSpec: {network!r}")
    for name in ("in_channels", "classes"):
        if getattr(network, name) != getattr(data, name):
            raise ValueError(f"{name} must be {getattr(data, name)}, as in {data}: {getattr(network, name)!r}")
    _check.image_size(data.image, at_least=network.total_stride)
    return network


def _part(settings: Settings, data: Data, processes: int) -> int:
    """Pictures in a part of the batch."""
    pictures, parts = length(data.train), processes * settings.accumulation_steps
    if settings.batch > pictures:
        raise ValueError(f"batch must be at most {pictures:,}, all training pictures of {data.name}: {settings.batch}")
    if settings.batch % parts or settings.batch == parts:
        raise ValueError(
            f"batch must be a multiple of processes × accumulation_steps = {processes} × "
            f"{settings.accumulation_steps}, and at least twice as much (BatchNorm compares pictures): {settings.batch}"
        )
    return settings.batch // parts


def processes(cpu: bool = False) -> PartialState:
    """Accelerate's view of the processes, anew: a notebook's last training may have had another device.

    Raises ValueError for more of them than this machine has GPUs, or processor cores.
    """
    _check.boolean("cpu", cpu)
    wanted = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    gpus = 0 if cpu or parse_flag_from_env("ACCELERATE_USE_CPU") else torch.cuda.device_count()
    devices, what = (gpus, "GPUs") if gpus else (os.cpu_count() or 1, "processor cores")
    if wanted > devices:
        raise ValueError(f"processes must be at most {devices}, this machine's {what}: {wanted}")
    AcceleratorState._reset_state(reset_partial_state=True)
    return PartialState(cpu=cpu)


def _accelerator(settings: Settings, out: str | PathLike[str] | None, cpu: bool) -> Accelerator:
    processes(cpu)
    return Accelerator(
        cpu=cpu,
        mixed_precision="no" if settings.precision == "fp32" else settings.precision,
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=settings.accumulation_steps),
        log_with=None if out is None else TENSORBOARD,
        project_dir=out,
    )


def _folder(
    out: str | PathLike[str] | None, resume: bool, run: dict[str, Any], data: Data, accelerator: Accelerator
) -> Path | None:
    """The run's folder, with run.json in it; nothing that was there changes."""
    if out is None:
        if resume:
            raise ValueError("out must name the folder of the run to resume")
        return None
    folder = Path(out)
    if resume and not (folder / CHECKPOINT).exists():
        raise FileNotFoundError(errno.ENOENT, "there is no checkpoint to resume", str(folder / CHECKPOINT))
    if not resume and any((folder / name).exists() for name in (CHECKPOINT, METRICS, NETWORK)):
        raise FileExistsError(errno.EEXIST, "there is a run already; resume it, or name another folder", str(folder))
    if not _of_a_run(folder / RUN):
        raise FileExistsError(errno.EEXIST, "this file is not a run's; name another folder", str(folder / RUN))
    accelerator.wait_for_everyone()  # before the first process writes there
    if accelerator.is_main_process and not resume:
        folder.mkdir(parents=True, exist_ok=True)
        record = {
            "run": run | {"network": json.loads(run["network"])},
            "classes": data.labels,
            "provenance": provenance(accelerator.device),
        }
        write_text(folder / RUN, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return folder


def _of_a_run(path: Path) -> bool:
    """Whether we may have written it: it is missing, or has what we write."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record.keys() >= {"run", "provenance"}
    except FileNotFoundError:
        return True
    except (ValueError, AttributeError):
        return False


def _new(spec: NetworkSpec, settings: Settings) -> ResNet:
    torch.default_generator.manual_seed(mixed(settings.seed))
    model = build(spec, zero_init_last=settings.zero_init_last, memory_format=torch.channels_last)
    assert isinstance(model, ResNet)
    return model


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]  # BatchNorm's and the bias
    groups = [{"params": weights, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.0, momentum=settings.momentum, nesterov=settings.momentum > 0)


def _bar(so_far: Progress, steps: int, shown: bool) -> Any:
    return tqdm(total=steps, initial=so_far.step, unit="step", disable=not shown, dynamic_ncols=True)
