"""Inside the Residual Block: one description of a network, and everything that follows from it.

    import resnet_lib as rl

    net = rl.network("resnet50")     # what it is:       a frozen NetworkSpec
    bill = rl.price(net)             # what it costs:    parameters, MACs, activations, row by row
    model = rl.build(net)            # what it computes: a torch.nn.Module (imports torch here, not before)

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
    from resnet_lib.nn import build
    from resnet_lib.show import explore, text

__version__ = "0.1.0"

__all__ = [
    "Bill",
    "BlockSpec",
    "NetworkSpec",
    "Row",
    "build",
    "explore",
    "names",
    "network",
    "price",
    "text",
]

_ON_FIRST_USE = {
    "build": "resnet_lib.nn",
    "explore": "resnet_lib.show",
    "text": "resnet_lib.show",
}


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'resnet_lib' has no attribute {name!r}")
    return getattr(import_module(_ON_FIRST_USE[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
