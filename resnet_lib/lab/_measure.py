"""How long a network takes, how much memory, and which of its operations take the time."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from math import fsum, prod
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from resnet_lib import _check
from resnet_lib.cost.bill import DEFAULT_IMAGE, FLOAT32_BYTES, Bill, price
from resnet_lib.cost.roofline import shares
from resnet_lib.cost.training import training_macs
from resnet_lib.lab.timing import (
    DTYPES,
    FEWEST_RUNS,
    MEMORY_FORMATS,
    a_device,
    a_dtype,
    a_memory_format,
    a_number_of_threads,
    between,
    runs,
    spread,
    stamp,
    synchronise,
    torch_threads,
)
from resnet_lib.nn import ResNet, build
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names, network

MODES = ("inference", "training")


@dataclass(frozen=True)
class Measurement:
    """A network's time and memory under these settings. Made by `measure`.

    `seconds` is the median of so many `runs` (on a CPU blocks of runs, where they are short), `quartiles` the lower and
    the upper. `macs` are the multiply-adds of a run (of a training step: forward and backward), `activations` those of
    the forward pass, both for the whole batch.
    """

    network: str
    mode: str
    image: tuple[int, int]
    batch: int
    dtype: str
    memory_format: str
    threads: int
    device: str
    seconds: float
    quartiles: tuple[float, float]
    runs: int
    macs: int
    activations: int
    peak_bytes: int

    @property
    def images_per_second(self) -> float:
        """Throughput, at the median."""
        return self.batch / self.seconds

    @property
    def macs_per_second(self) -> float:
        """Multiply-adds achieved, at the median."""
        return self.macs / self.seconds

    def row(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return asdict(self) | {"images_per_second": self.images_per_second, "macs_per_second": self.macs_per_second}


def measure(
    model_or_name: nn.Module | NetworkSpec | BlockSpec | str,
    image: Any = None,
    batch: int = 1,
    *,
    mode: str = "inference",
    dtype: str | None = None,
    memory_format: str | None = None,
    threads: int | None = None,
    device: Any = None,
    seconds: float = 2.0,
) -> Measurement:
    """Time and peak memory of a network: of its forward pass, or of a training step.

    `model_or_name` is a name of the zoo, a description (of a single block, too) or any module from images
    (N, C, H, W) to logits. `image` is a side or (height, width), left out: `price`'s, for other modules 224 × 224.
    `mode` is "inference" (evaluation mode, no gradients) or "training" (forward, cross-entropy, backward and a step
    of SGD with momentum). `dtype` is "fp32", "bf16" or "fp16", that of parameters and images alike; `memory_format`
    "contiguous" or "channels_last"; `threads` torch's. Left out, `threads` are as many as now, and the others as the
    module has them; from a name it comes in float32, contiguous, on the CPU. `seconds` is how long the timed runs
    go on, after warm-up: at least three (see `timing.runs`).

    MACs and activations are the bill's where the module has a description (`model.spec`), otherwise those that torch's
    FlopCounterMode counts (2 FLOPs a MAC).

    `peak_bytes` is the most that is alive during a run: parameters, buffers, images, in training labels and momentum,
    and whatever torch's allocator of the device gives out meanwhile: activations, gradients, and the workspace of the
    operators' algorithms. Left out is what is alive for other reasons (gradients that the module already had), and
    what a library takes by itself. A GPU's allocator rounds up to 512 bytes, and its peak statistics begin anew; on a
    CPU torch's profiler looks on, and ends one that is already running.

    The module is left as it was: a training step, and other settings than its own, happen on a copy.

    Raises ValueError or TypeError for a setting that will not do here, and ValueError for a module that would have to
    be copied and cannot, for a training step of a single block, for one of a module without anything to learn, and for
    one in which BatchNorm has a single value.
    """
    _check.one_of("mode", mode, MODES)
    threads, seconds = a_number_of_threads(threads), _check.positive_number("seconds", seconds)
    with _subject(model_or_name, image, batch, dtype, memory_format, device, mode) as subject:
        model, images = subject.model, subject.images
        with torch_threads(threads) as count:
            if mode == "inference":
                held, call = _held(model, images), subject.forward
            else:
                optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
                labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
                call = partial(_step, model, images, labels, optimizer)
                momentum = sum(p.nbytes for p in model.parameters() if p.requires_grad)
                held = _held(model, images) + labels.nbytes + momentum
            time = spread(runs(call, images.device, seconds))
            if mode == "training":
                optimizer.zero_grad()  # released outside of what the profiler sees
            peak = held + _rise(call, images.device)
            macs, activations = _counts(subject, call)
    return Measurement(
        subject.name, mode, (images.shape[2], images.shape[3]), len(images), _name(DTYPES, images.dtype),
        _name(MEMORY_FORMATS, subject.memory_format), count, str(images.device), time.median,
        (time.lower, time.upper), time.runs, macs, activations, peak,
    )  # fmt: skip


def _step(model: nn.Module, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    with torch.enable_grad():
        loss = cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


# --- layer by layer -------------------------------------------------------------------------------------------------


class LayerTime(NamedTuple):
    """A row of the bill with the time of its operation: the median, and its share of the whole network's."""

    name: str
    stage: str
    block: str
    kind: str
    seconds: float
    share: float
    macs: int
    bytes: int


@dataclass(frozen=True)
class Layers:
    """Where a forward pass spends its time. Made by `layers`."""

    rows: tuple[LayerTime, ...]
    seconds: float  # of the whole network, measured without looking inside

    @property
    def unaccounted(self) -> float:
        """Seconds of the whole that no row has; below 0 where the rows add up to more, since looking takes time."""
        return self.seconds - fsum(row.seconds for row in self.rows)

    def by(self, what: str) -> dict[str, float]:
        """Shares of the whole network's time by "stage", "block" or "kind", in order of first execution.

        Raises ValueError for any other word.
        """
        _check.one_of("what", what, ("stage", "block", "kind"))
        return shares(self.rows, what, self.seconds)


def layers(
    model_or_name: ResNet | NetworkSpec | str,
    image: Any = None,
    batch: int = 1,
    *,
    dtype: str | None = None,
    memory_format: str | None = None,
    threads: int | None = None,
    device: Any = None,
    seconds: float = 4.0,
) -> Layers:
    """The bill's rows with the seconds that each takes at inference: of a name, a description or a network of `build`.

    Hooks read the clock before and after each operation's module. An addition has no module: its time runs from the
    end of the operation before it to the start of the one after, option A's zeros included. `bytes` are the row's in
    the network's dtype. All else is as in `measure`; half of `seconds` goes into the whole network, for comparison.

    Raises as `measure` does, and TypeError for any other module, since its operations have other names.
    """
    threads, seconds = a_number_of_threads(threads), _check.positive_number("seconds", seconds)
    if not isinstance(model_or_name, ResNet | NetworkSpec | str):
        raise TypeError(f"model_or_name must be a name, a NetworkSpec or a network of rl.build: {model_or_name!r}")
    with _subject(model_or_name, image, batch, dtype, memory_format, device, "inference") as subject:
        bill, device, element = subject.bill, subject.images.device, subject.images.element_size()
        assert bill is not None  # it has a description
        with torch_threads(threads):
            whole = median(runs(subject.forward, device, seconds / 2))
            passes: list[list[float]] = []
            with _watching(subject.model, bill, device) as marks:
                while len(passes) < FEWEST_RUNS or sum(map(sum, passes)) < seconds / 2:
                    subject.forward()
                    synchronise(device)
                    passes.append(_row_seconds(bill, marks))
    rows = (
        LayerTime(
            row.name, row.stage, row.block, row.kind, time, time / whole, row.macs, row.bytes * element // FLOAT32_BYTES
        )
        for row, time in zip(bill.rows, map(median, zip(*passes, strict=True)), strict=True)
    )
    return Layers(tuple(rows), whole)


Marks = dict[tuple[str, str], Any]


@contextmanager
def _watching(model: nn.Module, bill: Bill, device: torch.device) -> Iterator[Marks]:
    """When each row's module last started and ended, written down by hooks that are gone afterwards."""
    marks: Marks = {}

    def mark(name: str, end: str, *_: Any) -> None:
        marks[name, end] = stamp(device)

    with ExitStack() as hooks:
        for row in bill.rows:
            if row.kind != "add":
                module = model.get_submodule(row.name)
                start, end = partial(mark, row.name, "start"), partial(mark, row.name, "end")
                hooks.callback(module.register_forward_pre_hook(start).remove)
                hooks.callback(module.register_forward_hook(end, prepend=True).remove)
        yield marks


def _row_seconds(bill: Bill, marks: Marks) -> list[float]:
    rows = bill.rows  # an addition is never the first nor the last of a network
    return [
        between(marks[row.name, "start"], marks[row.name, "end"])
        if row.kind != "add"
        else between(marks[rows[i - 1].name, "end"], marks[rows[i + 1].name, "start"])
        for i, row in enumerate(rows)
    ]


# --- what is measured -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Subject:
    """A module ready to run, its images (N, C, H, W), and its bill if it has a description."""

    name: str
    model: nn.Module
    images: Tensor
    memory_format: torch.memory_format
    bill: Bill | None

    def forward(self) -> None:
        with torch.inference_mode():
            self.model(self.images)


@contextmanager
def _subject(
    model_or_name: Any, image: Any, batch: int, dtype: Any, memory_format: Any, device: Any, mode: str
) -> Iterator[_Subject]:
    """The module in that mode, and torch's random state and the module's training flags as before afterwards."""
    spec = network(model_or_name) if isinstance(model_or_name, str) else getattr(model_or_name, "spec", model_or_name)
    described = isinstance(spec, NetworkSpec | BlockSpec)
    if not (described or isinstance(model_or_name, nn.Module)):
        raise TypeError(f"model_or_name must be a name, a description or a torch module: {model_or_name!r}")
    bill = price(spec, image, batch) if described else None
    if mode == "training":
        _refuse_step(model_or_name, spec, bill, batch)
    has = _settings(model_or_name) if isinstance(model_or_name, nn.Module) else FROM_A_NAME
    settings = _Settings(
        has.dtype if dtype is None else a_dtype(dtype),
        has.memory_format if memory_format is None else a_memory_format(memory_format),
        a_device(has.device if device is None else device),
    )
    gpu = settings.device.type == "cuda"
    with (
        torch.random.fork_rng(devices=[settings.device] if gpu else []),
        torch.autocast(settings.device.type, enabled=False),  # whatever the caller is in
        torch.inference_mode(False),
    ):
        if not isinstance(model_or_name, nn.Module):
            model: nn.Module = build(spec, **settings._asdict())
        elif mode == "training" or settings != has:
            model = _copied(model_or_name, settings)
        else:
            model = model_or_name
        shape = _image_shape(model, image, batch) if bill is None else bill.rows[0].input_shape
        images = torch.randn(shape, dtype=settings.dtype, device=settings.device)
        images = images.contiguous(memory_format=settings.memory_format)
        with _in_mode(model, mode):
            yield _Subject(_title(model_or_name, spec), model, images, settings.memory_format, bill)


def _image_shape(model: nn.Module, image: Any, batch: int) -> tuple[int, ...]:
    """Of the images for a module without a description, by its first convolution."""
    channels = next((module.in_channels for module in model.modules() if isinstance(module, nn.Conv2d)), 3)
    size = _check.image_size(DEFAULT_IMAGE["imagenet"] if image is None else image)
    return (_check.positive_int("batch", batch), channels, *size)


def _refuse_step(model: Any, spec: Any, bill: Bill | None, batch: int) -> None:
    if isinstance(model, nn.Module) and not any(p.requires_grad for p in model.parameters()):
        raise ValueError("mode must be 'inference' for a module without parameters that learn: 'training'")
    if isinstance(spec, BlockSpec):
        raise ValueError("mode must be 'inference' for a single block, which has no logits: 'training'")
    norms = [row for row in bill.rows if row.kind == "batch_norm"] if bill is not None else []
    if any(row.elements == row.output_shape[1] for row in norms):
        raise ValueError(f"batch must be above 1 to train on so small an image, for BatchNorm's sake: {batch!r}")


def _title(model_or_name: Any, spec: Any) -> str:
    """The name in the zoo, or the module's class."""
    if isinstance(model_or_name, str):
        return model_or_name
    return next((name for name in names() if network(name) == spec), type(model_or_name).__name__)


class _Settings(NamedTuple):
    dtype: torch.dtype
    memory_format: torch.memory_format
    device: torch.device


FROM_A_NAME = _Settings(torch.float32, torch.contiguous_format, torch.device("cpu"))


def _settings(model: nn.Module) -> _Settings:
    """Those that the module has."""
    numbers = [tensor for tensor in chain(model.parameters(), model.buffers()) if tensor.is_floating_point()]
    if not numbers:
        return FROM_A_NAME
    maps = [tensor for tensor in numbers if tensor.dim() == 4 and not tensor.is_contiguous()]
    last = any(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in maps)
    return _Settings(numbers[0].dtype, torch.channels_last if last else torch.contiguous_format, numbers[0].device)


def _copied(model: nn.Module, settings: _Settings) -> nn.Module:
    try:
        return deepcopy(model).to(**settings._asdict())
    except Exception as error:  # whatever a module's own parts raise when they are copied
        raise ValueError(f"model_or_name cannot be copied, as these settings need: {error}") from error


@contextmanager
def _in_mode(model: nn.Module, mode: str) -> Iterator[None]:
    before = {module: module.training for module in model.modules()}
    try:
        model.train(mode == "training")
        yield
    finally:
        for module, flag in before.items():
            module.training = flag


def _name(table: dict[str, Any], value: Any) -> str:
    return next((name for name, entry in table.items() if entry == value), str(value).removeprefix("torch."))


# --- counts ---------------------------------------------------------------------------------------------------------


def _counts(subject: _Subject, call: Callable[[], None]) -> tuple[int, int]:
    """MACs of the call, and activations of a forward pass: from the bill, or by torch's counter."""
    is_step = subject.model.training
    as_described = not is_step or all(p.requires_grad for p in subject.model.parameters())
    if subject.bill is not None and as_described:
        return training_macs(subject.bill).macs if is_step else subject.bill.macs, subject.bill.activations
    aten = torch.ops.aten
    with FlopCounterMode(display=False, custom_mapping={aten.convolution_backward: _gradients_flops}) as counter:
        call()
    outputs = dict.fromkeys((aten.convolution, aten.addmm, aten.mm), _output_elements)
    with FlopCounterMode(display=False, custom_mapping=outputs) as elements:
        subject.forward()
    counts = elements.get_flop_counts().get("Global", {})
    return int(counter.get_total_flops()) // 2, sum(int(counts.get(op, 0)) for op in outputs)


def _gradients_flops(gradient: list[int], images: list[int], weight: list[int], *others: Any, **_: Any) -> int:
    """FLOPs of a convolution's gradients; torch 2.13 counts a grouped one's weight gradient `groups` times."""
    transposed, (of_input, of_weight, _of_bias) = others[4], others[-1]
    return 2 * prod(images if transposed else gradient) * prod(weight[1:]) * (int(of_input) + int(of_weight))


def _output_elements(*_: Any, out_shape: Any, **__: Any) -> int:
    return int(prod(out_shape))


# --- memory ---------------------------------------------------------------------------------------------------------


def _held(model: nn.Module, images: Tensor) -> int:
    """Bytes that exist before the call and stay: parameters, buffers and images."""
    return images.nbytes + sum(tensor.nbytes for tensor in chain(model.parameters(), model.buffers()))


@contextmanager
def _silent_profiler() -> Iterator[None]:
    """Torch's profiler reports its start and stop on stderr, unless this variable says otherwise at its first use."""
    before = os.environ.get("KINETO_LOG_LEVEL")
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    try:
        yield
    finally:
        if before is None:
            del os.environ["KINETO_LOG_LEVEL"]


def _rise(call: Callable[[], None], device: torch.device) -> int:
    """Bytes by which what torch's allocator has given out rises at most during the call."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    collects = gc.isenabled()
    gc.disable()  # what others have left behind is not to be released meanwhile
    try:
        with _silent_profiler(), profile(profile_memory=True) as profiled:
            call()
    finally:
        if collects:
            gc.enable()
    now = peak = 0
    events = (event for event in profiled.kineto_results.events() if event.name() == "[memory]")
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak
