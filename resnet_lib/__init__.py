"""Inside the Residual Block: one description of a network, and everything that follows from it.

    import resnet_lib as rl

    net = rl.network("resnet50")     # what it is:       a frozen NetworkSpec
    bill = rl.price(net)             # what it costs:    parameters, MACs, activations, row by row
    model = rl.build(net)            # what it computes: a torch.nn.Module (imports torch here, not before)
    rl.lab.measure(model)            # what really happens: rl.lab measures, speeds up and trains

Importing the package loads the standard library only. `build` needs torch, `explore` needs SymPy (and, with a
kernel, ipywidgets and plotly); they are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resnet_lib.cost import Bill, Row, price
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names, network

if TYPE_CHECKING:
    from resnet_lib.cost.conventions import explain, report
    from resnet_lib.cost.design import design, twin
    from resnet_lib.cost.geometry import geometry, receptive_field
    from resnet_lib.cost.memory import checkpoint, memory, peak_inference
    from resnet_lib.cost.time import fit_time, intensity, leave_one_out, roofline
    from resnet_lib.cost.training import training
    from resnet_lib.exercises import check
    from resnet_lib.nn import build, load, save
    from resnet_lib.show import draw, explore, predict, quiz, text

__version__ = "0.1.0"

_ON_FIRST_USE = {
    "build": "resnet_lib.nn",
    "check": "resnet_lib.exercises",
    "checkpoint": "resnet_lib.cost.memory",
    "design": "resnet_lib.cost.design",
    "draw": "resnet_lib.show",
    "explain": "resnet_lib.cost.conventions",
    "explore": "resnet_lib.show",
    "fit_time": "resnet_lib.cost.time",
    "geometry": "resnet_lib.cost.geometry",
    "intensity": "resnet_lib.cost.time",
    "leave_one_out": "resnet_lib.cost.time",
    "load": "resnet_lib.nn",
    "memory": "resnet_lib.cost.memory",
    "peak_inference": "resnet_lib.cost.memory",
    "predict": "resnet_lib.show",
    "quiz": "resnet_lib.show",
    "receptive_field": "resnet_lib.cost.geometry",
    "report": "resnet_lib.cost.conventions",
    "roofline": "resnet_lib.cost.time",
    "save": "resnet_lib.nn",
    "text": "resnet_lib.show",
    "training": "resnet_lib.cost.training",
    "twin": "resnet_lib.cost.design",
}

__all__ = [
    "Bill",
    "BlockSpec",
    "NetworkSpec",
    "Row",
    "build",
    "check",
    "checkpoint",
    "design",
    "draw",
    "explain",
    "explore",
    "fit_time",
    "geometry",
    "intensity",
    "leave_one_out",
    "load",
    "memory",
    "names",
    "network",
    "peak_inference",
    "predict",
    "price",
    "quiz",
    "receptive_field",
    "report",
    "roofline",
    "save",
    "text",
    "training",
    "twin",
]


def __getattr__(name: str) -> Any:
    if name == "lab":
        return import_module("resnet_lib.lab")
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'resnet_lib' has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
