"""Train a network of the zoo, or any description, on real images. The engine is Hugging Face Accelerate.

The same function trains on one processor, one GPU, or many of either, on one machine or several: call it from a
notebook (there Accelerate's `notebook_launcher` starts it on several GPUs), or start `python -m resnet_lib train`
with `torchrun` or `accelerate launch`.

Each step uses `Settings.batch` images, split across processes and, within each, into `accumulation_steps`
micro-batches. Two processes therefore learn the same weights, within rounding, as one that takes two micro-batches,
because BatchNorm normalises each micro-batch by itself in both cases. They do not learn what one process with the whole
batch at once would. (BatchNorm's running statistics, which only testing uses, are those of the first process; one that
takes micro-batches has seen them all.)

Every random number is drawn from the seed together with the epoch, or the epoch and the image, to which it belongs. So
seed and step are the whole random state, and a training that was killed ends, once resumed, with the very weights that
it would have had. (On a GPU the order of some sums is not fixed; torch.use_deterministic_algorithms fixes it.)
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import GradientAccumulationPlugin, broadcast_object_list, parse_flag_from_env
from filelock import FileLock, Timeout
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from resnet_lib import _check
from resnet_lib._files import naming, path_named, remove_unfinished, write_text
from resnet_lib._table import Shown, Table
from resnet_lib.lab.data import Augmented, Data, Order, Prepared, digits, fold_seed, length
from resnet_lib.lab.progress import Epoch, Progress, read_checkpoint, write_checkpoint
from resnet_lib.lab.provenance import provenance
from resnet_lib.lab.settings import Settings
from resnet_lib.nn import build, save
from resnet_lib.nn.changed import change
from resnet_lib.nn.files import to_json
from resnet_lib.nn.network import ResNet, filled
from resnet_lib.nn.tensors import sha256
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import network as named

CHECKPOINT, METRICS, NETWORK, RUN = "checkpoint.safetensors", "metrics.csv", "network.safetensors", "run.json"
TENSORBOARD, LOCK = "tensorboard", ".training.lock"


@dataclass(frozen=True, repr=False)
class Trained(Shown):
    """A network in evaluation mode, how it got there, and its final errors on both splits, as shares of 1.

    - `model` is the network.
    - `epochs` are the rows of metrics.csv.
    - `train_error` and `test_error` are its errors at the end.

    It shows itself as a table of the epochs.

    >>> Trained(build("cifar_resnet20"), (Epoch(1, 10, 0.1, 1.2, 0.4, 0.9, 0.3, 5.0),), 0.25, 0.3)
    Training error 25.00 %, test error 30.00 %
    <BLANKLINE>
    epoch     lr  running loss  running error  test loss  test error
    ----------------------------------------------------------------
        1  0.100         1.200        40.00 %      0.900     30.00 %

    Chapter 10.
    """

    model: ResNet
    epochs: tuple[Epoch, ...]
    train_error: float
    test_error: float

    def table(self) -> Table:
        """Return a row for each epoch, without its seconds: the same training gives the same table."""
        rows = [(e.epoch, e.lr, e.running_loss, e.running_error, e.test_loss, e.test_error) for e in self.epochs]
        columns = {"epoch": "", "lr": "", "running loss": "3", "running error": "percent 2"}
        columns |= {"test loss": "3", "test error": "percent 2"}
        caption = f"Training error {100 * self.train_error:.2f} %, test error {100 * self.test_error:.2f} %"
        return Table(columns, rows, caption=caption)


@torch.random.fork_rng(devices=())
def train(
    network: NetworkSpec | ResNet | str,
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
    """Train a network, and test it after every epoch.

    - `network` is a description, a name, or a network with weights to start from, which stays as it is. A name takes
      the data's channels and classes.
    - `data` is "digits", or the result of a function of `resnet_lib.lab.data`.
    - `settings` say how to train: see `Settings`.
    - `out` is a folder for metrics.csv, TensorBoard's events, run.json (settings, classes and provenance),
      checkpoint.safetensors, and in the end network.safetensors, which `rl.load` reads. By default nothing is written.
      Several machines must share the folder.
    - `resume` goes on from the checkpoint in `out`. The number of processes may have changed if
      `Settings.accumulation_steps` makes up for it: their product is the number of micro-batches.
    - `checkpoint_every` is a number of steps. By default there is a checkpoint at the end of each epoch.
    - `cpu` ignores GPUs.
    - `workers` is the number of processes that load images. With 0 the training itself loads them.
    - `progress` shows a bar.

    Several processes learn what one process learns from as many micro-batches. Torch's random state stays as it was.

    >>> trained = train("cifar_resnet20", "digits", Settings(epochs=1), cpu=True, progress=False)
    >>> trained.model.spec.classes, len(trained.epochs)
    (10, 1)

    Raises ValueError or TypeError for arguments that do not fit each other or the machine.
    Raises FileExistsError if `out` holds a run and `resume` is False.
    Raises BlockingIOError if another training is using `out`.
    Raises FileNotFoundError if there is nothing to resume.
    Raises ValueError if the checkpoint is damaged or belongs to another run.
    Raises OSError if a file cannot be read or written; the files that existed stay as they were.
    Raises ConnectionError if another process of this training has ended.
    Chapter 10.
    """
    settings, data = _settings(settings), _data(data)
    for name, flag in (("resume", resume), ("cpu", cpu), ("progress", progress)):
        _check.boolean(name, flag)
    workers = _check.whole_number("workers", workers, at_least=0)
    if checkpoint_every is not None:
        checkpoint_every = _check.whole_number("checkpoint_every", checkpoint_every, at_least=1)
        if out is None:
            raise ValueError(f"checkpoint_every must not be given without out: {checkpoint_every!r}")
    folder = None if out is None else path_named("out", out)
    if folder is None and resume:
        raise ValueError("out must name the folder of the run to resume")
    model, start = _initial(network, data, settings)
    accelerator = _accelerator(settings, folder, cpu)
    micro_batch = _micro_batch(settings, data, accelerator.num_processes)
    record = _record(model, start, data, settings, accelerator)

    with _own(folder, resume, record, accelerator):
        optimizer = _optimizer(model, settings)
        reached = read_checkpoint(folder / CHECKPOINT, record, model, optimizer) if folder and resume else Progress()
        order = Order(length(data.train), settings.batch, settings.epochs, settings.seed, start=reached.step)
        evaluated = settings.batch // accelerator.num_processes
        prepared = accelerator.prepare(
            model,
            optimizer,
            DataLoader(Augmented(data, settings.seed), micro_batch, sampler=order, num_workers=workers),
            DataLoader(Prepared(data, data.train), evaluated, num_workers=workers),
            DataLoader(Prepared(data, data.test), evaluated, num_workers=workers),
        )
        run = _Run(accelerator, settings, folder, record, *prepared)
        run.open_reports(reached)
        with _losing_others(accelerator):
            _learn_all(run, reached, checkpoint_every, progress)
            _, train_error = run.evaluate(run.train_split)
        trained = filled(model.spec, run.weights()).eval()  # without Accelerate's wrappers
        assert isinstance(trained, ResNet)
        run.close_reports(trained)
    return Trained(trained, tuple(reached.epochs), train_error, reached.epochs[-1].test_error)


def _learn_all(run: _Run, progress: Progress, checkpoint_every: int | None, shown: bool) -> None:
    """Make all steps that are left."""
    settings, accelerator = run.settings, run.accelerator
    steps = len(run.train_split.dataset) // settings.batch  # of an epoch
    last = settings.epochs * steps
    micro_batches = iter(run.train_loader)
    sums, start = torch.zeros(2, device=accelerator.device), time.perf_counter()
    hidden = not (shown and accelerator.is_main_process)
    with tqdm(total=last, initial=progress.step, unit="step", disable=hidden, dynamic_ncols=True) as bar:
        while progress.step < last:
            lr = settings.lr_at(progress.step, steps)
            for group in run.optimizer.param_groups:
                group["lr"] = lr
            for images, labels in islice(micro_batches, settings.accumulation_steps):
                sums += run.learn(images, labels)
            progress.step += 1
            bar.update()

            epoch_ends = progress.step % steps == 0
            if not epoch_ends and (checkpoint_every is None or progress.step % checkpoint_every):
                continue
            loss, wrong = accelerator.reduce(sums).tolist()
            progress.add(loss, wrong, time.perf_counter() - start)
            if epoch_ends:
                progress.end_epoch(lr, steps * settings.batch, *run.evaluate(run.test_loader))
                bar.set_postfix_str(f"test error {progress.epochs[-1].test_error:.2%}")
            run.checkpoint(progress)
            if epoch_ends:
                run.report(progress.epochs)
            sums.zero_()
            start = time.perf_counter()


@dataclass(frozen=True)
class _Run:
    """All that a training works with, as Accelerate has wrapped it for this process."""

    accelerator: Accelerator
    settings: Settings
    folder: Path | None
    record: dict[str, Any]
    model: nn.Module
    optimizer: Any
    train_loader: Any
    train_split: Any
    test_loader: Any

    def learn(self, images: Tensor, labels: Tensor) -> Tensor:
        """Learn from a micro-batch; a batch's last one makes the step. Return the sums of losses and wrong answers."""
        with self.accelerator.accumulate(self.model):
            logits = self.model(images.contiguous(memory_format=torch.channels_last))
            loss = cross_entropy(logits, labels, label_smoothing=self.settings.label_smoothing)
            self.accelerator.backward(loss)
            self.optimizer.step()
            self.optimizer.zero_grad()
        return torch.stack([loss.detach() * len(labels), (logits.argmax(1) != labels).sum()])

    @torch.no_grad()
    def evaluate(self, loader: Any) -> tuple[float, float]:
        """Return the mean loss and the error over a split, in evaluation mode."""
        self.model.eval()
        sums, images_seen = torch.zeros(2, device=self.accelerator.device), 0
        for images, labels in loader:
            logits = self.model(images.contiguous(memory_format=torch.channels_last))
            logits, labels = self.accelerator.gather_for_metrics((logits, labels))
            sums += torch.stack([cross_entropy(logits, labels, reduction="sum"), (logits.argmax(1) != labels).sum()])
            images_seen += len(labels)
        self.model.train()
        loss, error = (sums / images_seen).tolist()
        return loss, error

    def weights(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.accelerator.unwrap_model(self.model).state_dict()
        return state

    def open_reports(self, progress: Progress) -> None:
        """Remove what a killed run left, and repeat its last report, which it may not have got to."""
        if self.folder is None:
            return
        ended = progress.epochs[-1].step if progress.epochs else 0
        with naming(self.folder / TENSORBOARD):
            self.accelerator.init_trackers(TENSORBOARD, init_kwargs={TENSORBOARD: {"purge_step": ended}})
        if self.accelerator.is_main_process:
            remove_unfinished(self.folder, CHECKPOINT, METRICS, NETWORK, RUN)
        if ended:
            self.report(progress.epochs)

    def checkpoint(self, progress: Progress) -> None:
        if self.folder and self.accelerator.is_main_process:
            model = self.accelerator.unwrap_model(self.model)
            write_checkpoint(self.folder / CHECKPOINT, self.record, progress, model, self.optimizer)

    def report(self, epochs: list[Epoch]) -> None:
        """Write the rows as CSV, and the last one for TensorBoard."""
        if self.folder is None:
            return
        if self.accelerator.is_main_process:
            text = io.StringIO()
            table = csv.writer(text, lineterminator="\n")
            table.writerow(Epoch._fields)
            table.writerows(epochs)
            write_text(self.folder / METRICS, text.getvalue())
        with naming(self.folder / TENSORBOARD):
            self.accelerator.log(epochs[-1]._asdict(), step=epochs[-1].step)

    def close_reports(self, trained: ResNet) -> None:
        if self.folder is None:
            return
        if self.accelerator.is_main_process:
            save(trained, self.folder / NETWORK, overwrite=True)
        with naming(self.folder / TENSORBOARD):
            for tracker in self.accelerator.trackers:
                tracker.finish()  # Accelerate's end_training would end the process group, too


@contextmanager
def _losing_others(accelerator: Accelerator) -> Iterator[None]:
    """Say in a line that another process has ended, which gloo and NCCL tell in their own ways. It said why itself."""
    try:
        yield
    except RuntimeError as error:
        if accelerator.num_processes > 1 and "peer" in str(error):
            raise ConnectionError("another process of this training has ended") from error
        raise


# --- before the first step -------------------------------------------------------------------------------------------


def _settings(settings: Settings | None) -> Settings:
    if settings is None:
        return Settings()
    _check.instance("settings", settings, Settings, "a Settings, such as rl.lab.Settings(epochs=5)")
    return settings


def _data(data: Data | str) -> Data:
    if isinstance(data, str) and data == "digits":
        return digits()
    _check.instance("data", data, Data, "'digits', or the result of a function of resnet_lib.lab.data")
    assert isinstance(data, Data)
    return data


def _initial(network: NetworkSpec | ResNet | str, data: Data, settings: Settings) -> tuple[ResNet, str | None]:
    """Return the network as it starts, in fp32, and a digest of the weights if they were given."""
    given = network if isinstance(network, ResNet) else None
    spec = given.spec if given else network
    if isinstance(spec, str):
        spec = named(spec, in_channels=data.in_channels, classes=data.classes)
    if not isinstance(spec, NetworkSpec):
        such_as = "a name, such as 'cifar_resnet20', a NetworkSpec or a ResNet"
        raise TypeError(f"network must be {such_as}: {_check.shortened(network)}")
    for name in ("in_channels", "classes"):
        if getattr(spec, name) != getattr(data, name):
            raise ValueError(f"{name} must be {getattr(data, name)}, as in {data}: {getattr(spec, name)!r}")
    _check.image_size(data.image, at_least=spec.total_stride)
    if given and settings.zero_init_last:
        raise ValueError("zero_init_last is for new weights, not for those of a given network")

    torch.default_generator.manual_seed(fold_seed(settings.seed))
    model = build(spec, dtype=torch.float32, zero_init_last=settings.zero_init_last, memory_format=torch.channels_last)
    assert isinstance(model, ResNet)
    if given is None:
        return model, None
    if changed := change(given):
        raise ValueError(f"network must compute what network.spec describes, and {changed}")
    state = given.state_dict()
    if any(tensor.is_meta for tensor in state.values()):
        raise ValueError("network must have weights; on the device 'meta' it has none")
    model.load_state_dict(state)
    return model, sha256(model.state_dict(), {})


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    decayed = [p for p in model.parameters() if p.ndim > 1]
    spared = [p for p in model.parameters() if p.ndim == 1]  # BatchNorm's and the bias
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=0.0, momentum=settings.momentum, nesterov=settings.momentum > 0)


def _micro_batch(settings: Settings, data: Data, processes: int) -> int:
    """Return the number of images in a micro-batch."""
    images, micro_batches = length(data.train), processes * settings.accumulation_steps
    if settings.batch > images:
        raise ValueError(f"batch must be at most {images:,}, all training images of {data.name}: {settings.batch}")
    if settings.batch % micro_batches or settings.batch == micro_batches:
        raise ValueError(
            f"batch must be a multiple of processes × accumulation_steps = {processes} × "
            f"{settings.accumulation_steps}, and at least twice as much (BatchNorm compares images): {settings.batch}"
        )
    return settings.batch // micro_batches


def processes(cpu: bool = False) -> PartialState:
    """Return Accelerate's view of the processes, anew: a notebook's last training may have had another device.

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


def _accelerator(settings: Settings, folder: Path | None, cpu: bool) -> Accelerator:
    processes(cpu)
    return Accelerator(
        cpu=cpu,
        mixed_precision="no" if settings.precision == "fp32" else settings.precision,
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=settings.accumulation_steps),
        log_with=None if folder is None else TENSORBOARD,
        project_dir=folder,
    )


# --- the run's folder ------------------------------------------------------------------------------------------------


def _record(
    model: ResNet, start: str | None, data: Data, settings: Settings, accelerator: Accelerator
) -> dict[str, Any]:
    """Return all that decides what is learned, and must be the same when a run is resumed."""
    record = asdict(settings)
    record["micro_batches"] = accelerator.num_processes * record.pop("accumulation_steps")
    return {
        "network": to_json(model.spec),
        "weights": start,
        "data": str(data),
        "classes": list(data.labels),
        **record,
    }


@contextmanager
def _own(folder: Path | None, resume: bool, record: dict[str, Any], accelerator: Accelerator) -> Iterator[None]:
    """Keep the folder for this training alone, and write run.json there. Until then nothing changes in it.

    The lock is the operating system's, so it ends with the process, however that ends.
    """
    if folder is None:
        yield
        return
    _refuse_others(folder, resume)
    accelerator.wait_for_everyone()  # before the first process writes there
    lock = FileLock(folder / LOCK)
    failure: list[Exception | None] = [None]
    if accelerator.is_main_process:
        try:
            _take(folder, lock, resume, record | {"network": json.loads(record["network"])}, accelerator)
        except Exception as error:
            failure = [error]
    try:
        (failed,) = broadcast_object_list(failure)  # so that all processes end alike
        if failed is not None:
            raise failed
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # Windows deletes no open file; there the lock deletes it
                (folder / LOCK).unlink()
            lock.release()


def _take(folder: Path, lock: Any, resume: bool, record: dict[str, Any], accelerator: Accelerator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = "another training is using this folder; wait for its end, or name another folder"
        raise BlockingIOError(errno.EAGAIN, message, str(folder)) from None
    _refuse_others(folder, resume)  # again: one may have ended meanwhile
    if not resume:
        contents = {"run": record, "provenance": provenance(accelerator.device)}
        write_text(folder / RUN, json.dumps(contents, indent=1, ensure_ascii=False) + "\n")


def _refuse_others(folder: Path, resume: bool) -> None:
    """Raise an error if the folder holds no run to resume, or a run that would be overwritten."""
    if resume and not (folder / CHECKPOINT).exists():
        raise FileNotFoundError(errno.ENOENT, "nothing to resume: no checkpoint", str(folder / CHECKPOINT))
    if not resume and any((folder / name).exists() for name in (CHECKPOINT, METRICS, NETWORK)):
        raise FileExistsError(errno.EEXIST, "there is a run already; resume it, or name another folder", str(folder))
    if not _is_ours(folder / RUN):
        raise FileExistsError(errno.EEXIST, "this file is not a run's; name another folder", str(folder / RUN))


def _is_ours(path: Path) -> bool:
    """Return whether we may have written run.json: it is missing, or holds what we write."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return record.keys() >= {"run", "provenance"}
    except FileNotFoundError:
        return True
    except (ValueError, AttributeError):
        return False
