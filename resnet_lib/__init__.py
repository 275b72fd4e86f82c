"""Inside the Residual Block: one description of a network, and everything that follows from it.

    import resnet_lib as rl

    net = rl.network("resnet50")     # what it is:       a frozen NetworkSpec
    bill = rl.price(net)             # what it costs:    parameters, MACs, activations, row by row
    model = rl.build(net)            # what it computes: a torch.nn.Module (imports torch here, not before)
    rl.lab.measure(model)            # what really happens: rl.lab measures, speeds up and trains

Importing the package loads the standard library only. `build` needs torch, `explore` needs SymPy (and, with a
kernel, ipywidgets and plotly); they are imported on first use. README.md in this folder is the map.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from resnet_lib._version import __version__
from resnet_lib.cost.bill import Bill, Row, price
from resnet_lib.spec import BlockSpec, NetworkSpec
from resnet_lib.zoo import names, network

if TYPE_CHECKING:
    from resnet_lib._table import table
    from resnet_lib.book.ask import check, predict, quiz
    from resnet_lib.book.explore import explore, formatted
    from resnet_lib.cost.compare import compare
    from resnet_lib.cost.conventions import Convention, explain, report
    from resnet_lib.cost.geometry import geometry, receptive_field
    from resnet_lib.cost.memory import checkpoint_bytes, memory, peak_inference
    from resnet_lib.cost.roofline import intensity, roofline
    from resnet_lib.cost.search import design, twin
    from resnet_lib.cost.time_model import fit_time, leave_one_out
    from resnet_lib.cost.training import training_macs
    from resnet_lib.drawing import draw
    from resnet_lib.nn import build, load, save

_ON_FIRST_USE = {
    "_table": ("table",),
    "book.ask": ("check", "predict", "quiz"),
    "book.explore": ("explore", "formatted"),
    "cost.compare": ("compare",),
    "cost.conventions": ("Convention", "explain", "report"),
    "cost.geometry": ("geometry", "receptive_field"),
    "cost.memory": ("checkpoint_bytes", "memory", "peak_inference"),
    "cost.roofline": ("intensity", "roofline"),
    "cost.search": ("design", "twin"),
    "cost.time_model": ("fit_time", "leave_one_out"),
    "cost.training": ("training_macs",),
    "drawing": ("draw",),
    "nn": ("build", "load", "save"),
}
_MODULE_OF = {name: f"resnet_lib.{module}" for module, names in _ON_FIRST_USE.items() for name in names}
_PACKAGES = ("book", "cost", "lab", "nn", "records")

__all__ = ["Bill", "BlockSpec", "NetworkSpec", "Row", "__version__", "names", "network", "price", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"resnet_lib.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'resnet_lib' has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})


def _shown(spec: NetworkSpec | BlockSpec, **_: Any) -> dict[str, str]:
    from resnet_lib.drawing import shown

    return shown(spec)


# A notebook shows a description as its drawing. Only the top can see to it: drawing.py needs spec.py, not the reverse.
NetworkSpec._repr_mimebundle_ = BlockSpec._repr_mimebundle_ = _shown  # type: ignore[attr-defined]
