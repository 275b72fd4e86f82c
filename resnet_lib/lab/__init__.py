"""What really happens: time, memory and learning, measured. Importing it loads the standard library only.

    rl.lab.measure("resnet50", batch=8)        # latency, throughput, multiply-adds a second, peak memory
    rl.lab.layers("resnet50")                  # seconds of each row of the bill
    rl.lab.limits()                            # what this machine can do at most
    rl.lab.fast(model)                         # a copy for inference: equal outputs, sooner
    rl.lab.train("cifar_resnet20", "digits")   # on one processor, one GPU or many, by Hugging Face Accelerate

From a shell: `resnet-lib measure`, `resnet-lib train` and `resnet-lib experiment`, each with `--help`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resnet_lib.lab._fast import fast
    from resnet_lib.lab._layers import layers
    from resnet_lib.lab._limits import limits
    from resnet_lib.lab._measure import measure
    from resnet_lib.lab._train import train
    from resnet_lib.lab.settings import Settings

_ON_FIRST_USE = {
    "Settings": "resnet_lib.lab.settings",
    "fast": "resnet_lib.lab._fast",
    "layers": "resnet_lib.lab._layers",
    "limits": "resnet_lib.lab._limits",
    "measure": "resnet_lib.lab._measure",
    "train": "resnet_lib.lab._train",
}

__all__ = ["Settings", "fast", "layers", "limits", "measure", "train"]


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'resnet_lib.lab' has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
