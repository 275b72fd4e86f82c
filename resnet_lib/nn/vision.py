"""torchvision, also beside a CPU-only torch: `from resnet_lib.nn.vision import torchvision`.

The registry's torchvision is compiled for CUDA. Beside a CPU-only torch its compiled part does not load, and the
plain import dies with "operator torchvision::nms does not exist", because Python code describes operators that only
the compiled part declares. Declaring them first lets it import; all but those operators (box suppression) works,
and so does any later `import torchvision`.

Raises ImportError if torchvision is not installed.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a Library takes its declarations back when it is collected


def _import_torchvision() -> ModuleType:
    try:
        return import_module("torchvision")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            raise
        raise ImportError("torchvision is not installed; `pip install torchvision` brings it") from error
    except RuntimeError as error:
        if "operator torchvision::nms does not exist" not in str(error):
            raise
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        library.define(schema)  # type: ignore[no-untyped-call]
    _declared.append(library)
    return import_module("torchvision")


torchvision = _import_torchvision()
