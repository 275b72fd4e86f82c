"""How long a network takes, and how much memory."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from math import prod
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.cost.training import training_macs
from resnet_lib.lab._fast import InferenceCopy
from resnet_lib.lab._subject import Mode, Network, Subject, prepared
from resnet_lib.lab.timing import as_threads, runs, spread, torch_threads
from resnet_lib.nn.arguments import word

Counter = Literal["description", "torch"]


@dataclass(frozen=True, repr=False)
class Measurement(Shown):
    """A network's time and memory under these settings. Made by `measure`.

    `seconds` is the median of `runs` runs (on a CPU, of blocks of runs where they are short), `quartiles` the lower and
    the upper. `macs` are the multiply-adds of a run (of a training step: forward and backward), `activations` those of
    the forward pass, both for the whole batch. `counted_by` says whether the description's bill gives these two, or
    torch's FlopCounterMode.
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
    counted_by: Counter
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
        """Return all of it as JSON can hold it."""
        return asdict(self) | {"images_per_second": self.images_per_second, "macs_per_second": self.macs_per_second}

    def table(self) -> Table:
        """Return the time with its quartiles, the throughput and the peak memory, under the settings."""
        columns = {
            "network": "", "time": "m 2 s", "lower quartile": "m 2 s", "upper quartile": "m 2 s",
            "images per second": "1", "multiply-adds per second": "G 1", "peak memory": "M 1 B",
        }  # fmt: skip
        row = (
            self.network, self.seconds, *self.quartiles, self.images_per_second, self.macs_per_second, self.peak_bytes
        )  # fmt: skip
        height, width = self.image
        head = {
            "batch": self.batch, "image": f"{height} × {width}", "dtype": self.dtype, "layout": self.memory_format,
            "threads": self.threads, "device": self.device, "counted by": self.counted_by,
        }  # fmt: skip
        return Table(columns, [row], caption=f"Measured {self.mode}", head=head)


def measure(
    network: Network,
    image: Any = None,
    batch: int = 1,
    *,
    mode: Mode = "inference",
    dtype: torch.dtype | str | None = None,
    memory_format: torch.memory_format | str | None = None,
    threads: int | None = None,
    device: Any = None,
    seconds: float = 2.0,
) -> Measurement:
    """Measure time and peak memory of a network: of its forward pass, or of a training step.

    - `network`: a name of the zoo, a description (of a single block, too), or any module from images (N, C, H, W) to
      logits.
    - `image`: a side or (height, width). By default `price`'s, for other modules 224 × 224.
    - `mode`: "inference" (evaluation mode, no gradients) or "training" (forward, cross-entropy, backward and a step of
      SGD with momentum).
    - `dtype`: "fp32", "bf16", "fp16", "fp64" or torch's own; that of parameters and images alike.
    - `memory_format`: "contiguous", "channels_last" or torch's own.
    - `threads`: torch's; by default unchanged.
    - `device`: "cpu" or a GPU that CUDA finds.
    - `seconds`: how long the timed runs go on after warm-up; there are at least three (see `timing.runs`).

    By default dtype, memory format and device are the module's. A network that is built here is in float32,
    contiguous, on the CPU.

    MACs and activations come from the bill where the module computes what its description says. A module without a
    description, or one that was changed, is counted by torch's FlopCounterMode (2 FLOPs a MAC). `counted_by` says
    which.

    `peak_bytes` is the most that is alive during a run: parameters, buffers, images, in training labels and momentum,
    and all that torch's allocator of the device gives out meanwhile: activations, gradients, and the workspace of the
    operators' algorithms. It does not count what is alive for other reasons (gradients that the module already had) or
    what a library takes by itself. A GPU's allocator rounds up to 512 bytes, and its peak statistics begin anew. On a
    CPU torch's profiler counts, and ends one that is already running.

    The module is left as it was: a training step, and other settings than its own, happen on a copy.

    Raises ValueError or TypeError for a setting that cannot be used here.
    Raises ValueError for a module that would have to be copied and cannot.
    Raises ValueError for a training step of a single block, of a module without anything to learn, and of a network in
    which BatchNorm has a single value.

    >>> found = measure("cifar_resnet20", batch=2, seconds=0.01)
    >>> f"{found.macs:,} multiply-adds by the {found.counted_by}, in {found.dtype}"
    '81,102,080 multiply-adds by the description, in fp32'
    >>> found.images_per_second == 2 / found.seconds
    True

    Chapter 9.
    """
    _check.one_of("mode", mode, get_args(Mode))
    threads, seconds = as_threads(threads), _check.positive_number("seconds", seconds)
    settings = {"dtype": dtype, "memory_format": memory_format, "device": device}
    with prepared(network, image, batch, mode, **settings) as subject, torch_threads(threads) as count:
        model, images = subject.model, subject.images
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
        macs, activations, counted_by = _counts(subject, call)
    return Measurement(
        subject.name, mode, (images.shape[2], images.shape[3]), len(images), word(subject.settings.dtype),
        word(subject.settings.memory_format), count, str(images.device), time.median,
        (time.lower, time.upper), time.runs, macs, activations, counted_by, peak,
    )  # fmt: skip


def _step(model: nn.Module, images: Tensor, labels: Tensor, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    with torch.enable_grad():
        loss = cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


# --- counts ---------------------------------------------------------------------------------------------------------


def _counts(subject: Subject, call: Callable[[], None]) -> tuple[int, int, Counter]:
    """Return MACs of the call and activations of a forward pass, and who counted them."""
    model, bill = subject.model, subject.bill
    is_step = model.training
    if bill is not None and not is_step:
        return bill.macs, bill.activations, "description"
    if bill is not None and all(p.requires_grad for p in model.parameters()):
        return training_macs(bill).macs, bill.activations, "description"
    if isinstance(model, InferenceCopy):  # counted uncompiled: a counter would make torch give up the compiled code
        model = model.network

    def forward() -> None:
        with torch.no_grad():  # in inference mode torch 2.13 cannot count parametrised weights
            model(subject.images)

    aten = torch.ops.aten
    with FlopCounterMode(display=False, custom_mapping={aten.convolution_backward: _gradients_flops}) as counter:
        call() if is_step else forward()
    outputs = dict.fromkeys((aten.convolution, aten.addmm, aten.mm), _output_elements)
    with FlopCounterMode(display=False, custom_mapping=outputs) as elements:
        forward()
    counts = elements.get_flop_counts().get("Global", {})
    return int(counter.get_total_flops()) // 2, sum(int(counts.get(op, 0)) for op in outputs), "torch"


def _gradients_flops(gradient: list[int], images: list[int], weight: list[int], *others: Any, **_: Any) -> int:
    """Return the FLOPs of a convolution's gradients.

    torch 2.13 counts the weight gradient of a grouped one `groups` times.
    """
    transposed, (of_input, of_weight, _of_bias) = others[4], others[-1]
    return 2 * prod(images if transposed else gradient) * prod(weight[1:]) * (int(of_input) + int(of_weight))


def _output_elements(*_: Any, out_shape: Any, **__: Any) -> int:
    return int(prod(out_shape))


# --- memory ---------------------------------------------------------------------------------------------------------


def _held(model: nn.Module, images: Tensor) -> int:
    """Return the bytes that exist before the call and stay: parameters, buffers and images."""
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
    """Return by how many bytes the call raises, at most, what torch's allocator has given out."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device) - before
    collects = gc.isenabled()
    gc.disable()  # garbage of others must not be released meanwhile
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
