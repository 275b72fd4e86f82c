"""The most that this machine can do: multiply-adds and bytes per second, measured with torch's own operators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.lab.timing import Spread, as_device, as_threads, runs, spread, torch_threads
from resnet_lib.nn.arguments import as_dtype, word

SIDES = (512, 1024)  # of a matrix: these two at least
LONG_ENOUGH = 0.02  # seconds: a product of larger matrices gains nothing
COPIED = {"cpu": 2**28, "cuda": 2**30}  # bytes: many times a last-level cache (Xeon: 48 MiB, H200: 50 MiB)


@dataclass(frozen=True, repr=False)
class Limits(Shown):
    """A machine's two ceilings, each the median over runs, with its quartiles. Made by `limits`."""

    device: str
    threads: int
    dtype: str
    macs_per_second: float
    macs_quartiles: tuple[float, float]
    bytes_per_second: float
    bytes_quartiles: tuple[float, float]
    side: int  # of the square matrices whose product was the fastest
    copied: int  # bytes of the tensor that was copied

    def table(self) -> Table:
        """Return the two ceilings with their quartiles."""
        columns = {"at most": "", "median": "G 1", "lower quartile": "G 1", "upper quartile": "G 1", "measured on": ""}
        rows = [
            ("multiply-adds per second", self.macs_per_second, *self.macs_quartiles,
             f"a product of {self.side:,} × {self.side:,} matrices"),
            ("bytes per second", self.bytes_per_second, *self.bytes_quartiles, f"a copy of {self.copied:,} bytes"),
        ]  # fmt: skip
        head = {"device": self.device, "threads": self.threads, "dtype": self.dtype}
        return Table(columns, rows, caption="Limits of this machine", head=head)


def limits(
    dtype: torch.dtype | str = "fp32", threads: int | None = None, device: Any = "cpu", seconds: float = 4.0
) -> Limits:
    """Measure the most multiply-adds a second (a large matrix product) and bytes a second (a large copy) reached here.

    Square matrices of `dtype` ("fp32", "bf16", "fp16", "fp64" or torch's own) have 512 rows, 1024, … until a product
    takes 20 ms; the best median counts. A copy reads its bytes and writes as many: both are counted. `threads` are
    torch's, by default unchanged. All of it takes about `seconds`. On a GPU, fp32 multiplies as cuDNN's convolutions
    do: by torch's default in TF32, whose peak is far higher.

    Raises ValueError or TypeError for a dtype, device, number of threads or time that cannot be used here.

    >>> found = limits(seconds=0.1)
    >>> found.macs_quartiles[0] <= found.macs_per_second <= found.macs_quartiles[1]
    True

    Chapter 9.
    """
    multiplied, on = as_dtype(dtype), as_device(device)
    threads, seconds = as_threads(threads), _check.positive_number("seconds", seconds)
    with torch_threads(threads) as count, _products_as_in_convolutions(on):
        products = _products(multiplied, on, seconds / 8)
        side = min(products, key=lambda side: products[side].median / side**3)
        copied = COPIED[on.type]
        source = torch.ones(copied // 4, device=on)
        target = torch.empty_like(source)
        copy = spread(runs(lambda: target.copy_(source), on, seconds / 4))
    macs = _per_second(side**3, products[side])
    return Limits(str(on), count, word(multiplied), *macs, *_per_second(2 * copied, copy), side, copied)


def _products(dtype: torch.dtype, device: torch.device, seconds: float) -> dict[int, Spread]:
    """Return for each side of a square matrix the seconds of a product."""
    times: dict[int, Spread] = {}
    side = SIDES[0]
    while side <= SIDES[1] or times[side // 2].lower < LONG_ENOUGH:
        generator = torch.Generator(device).manual_seed(0)  # torch's own random state stays as it is
        a = torch.rand(side, side, generator=generator, dtype=dtype, device=device)
        product = torch.empty_like(a)
        times[side] = spread(runs(partial(torch.mm, a, a, out=product), device, seconds))
        side *= 2
    return times


def _per_second(amount: int, time: Spread) -> tuple[float, tuple[float, float]]:
    return amount / time.median, (amount / time.upper, amount / time.lower)


@contextmanager
def _products_as_in_convolutions(device: torch.device) -> Iterator[None]:
    """Let a GPU's matrix products use TF32 for float32 where its convolutions may: otherwise these would beat them."""
    if device.type != "cuda" or not torch.backends.cudnn.allow_tf32:
        yield
        return
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high")
        yield
    finally:
        torch.set_float32_matmul_precision(before)
