"""How long it takes to price torchvision's ten networks: this library against every counting tool that is installed.

Compared, for one 224 × 224 picture and network by network: `rl.price` (totals, and with all rows listed), and

- FlopCounterMode, torchinfo, thop and ptflops (aten) on the meta device, where tensors have shapes and no data;
- fvcore and ptflops (pytorch), which need data, on the processor: their time is that of a forward pass as well.

The tools are handed torchvision's networks, built beforehand, each a fresh one, because some leave things behind in
it. Each answer is compared with `rl.report` before the clock's word is taken. A tool counts a network once.
"""

from __future__ import annotations

import io
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from benchmarks.timing import Result, Seconds, call_time, side_by_side
from resnet_lib.nn.vision import torchvision

NAMES = rl.names()[:10]
Count = Callable[[torch.nn.Module, torch.Tensor], int]


def run() -> list[Result]:
    """Results against `rl.price` with totals; a network of each tool is a round."""
    nets = [rl.network(name) for name in NAMES]
    contenders: dict[str, Callable[[], Seconds]] = {
        "rl.price, totals": _in_turn([call_time(lambda net=net: rl.price(net).macs, 20) for net in nets]),
        "rl.price, every row": _in_turn([call_time(lambda net=net: rl.price(net).rows, 20) for net in nets]),
    }
    for tool, (count, device) in _tools().items():
        contenders[f"{tool}, {device}"] = _in_turn([_once(tool, count, device, name) for name in NAMES])
    return side_by_side("ten networks, one after the other", contenders, rounds=len(NAMES))


def _in_turn(measurements: list[Callable[[], Seconds]]) -> Callable[[], Seconds]:
    following = iter(measurements)
    return lambda: next(following)()


def _once(tool: str, count: Count, device: str, name: str) -> Callable[[], Seconds]:
    def measure() -> Seconds:
        with torch.device(device):
            model, image = getattr(torchvision.models, name)().eval(), torch.zeros(1, 3, 224, 224)
        start = time.perf_counter()
        answer = count(model, image)
        seconds = time.perf_counter() - start
        expected = rl.report(rl.price(rl.network(name)), tool)
        if answer != expected:
            raise AssertionError(f"{tool} says {answer:,} for {name}, not {expected:,}")
        return seconds

    return measure


def _tools() -> dict[str, tuple[Count, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tools' imports are deprecated in places
        import fvcore.nn
        import ptflops
        import thop
        import torchinfo

    def quietly(count: Count) -> Count:
        def counted(model: torch.nn.Module, image: torch.Tensor) -> int:
            with warnings.catch_warnings(), redirect_stdout(io.StringIO()), torch.no_grad():
                warnings.simplefilter("ignore")
                return int(count(model, image))

        return counted

    def flop_counter(model: torch.nn.Module, image: torch.Tensor) -> int:
        with FlopCounterMode(display=False) as counter:
            model(image)
        return counter.get_total_flops()

    def fvcore_count(model: torch.nn.Module, image: torch.Tensor) -> Any:
        return fvcore.nn.FlopCountAnalysis(model, image).unsupported_ops_warnings(False).total()

    def ptflops_count(backend: str) -> Count:
        def count(model: torch.nn.Module, image: torch.Tensor) -> Any:
            options = {"as_strings": False, "print_per_layer_stat": False, "input_constructor": lambda _: image}
            return ptflops.get_model_complexity_info(model, (3, 224, 224), backend=backend, **options)[0]

        return count

    tools: dict[str, tuple[Count, str]] = {
        "flop_counter": (flop_counter, "meta"),
        "torchinfo": (
            lambda model, image: (
                torchinfo.summary(model, input_data=image, device=image.device, verbose=0).total_mult_adds
            ),
            "meta",
        ),
        "thop": (lambda model, image: thop.profile(model, (image,), verbose=False)[0], "meta"),
        "ptflops": (ptflops_count("aten"), "meta"),
        "ptflops_pytorch": (ptflops_count("pytorch"), "cpu"),
        "fvcore": (fvcore_count, "cpu"),
    }
    return {tool: (quietly(count), device) for tool, (count, device) in tools.items()}
