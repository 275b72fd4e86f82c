"""The same outputs, sooner: a copy of a network for inference alone."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from collections.abc import Callable
from itertools import chain, pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized

from resnet_lib import _check
from resnet_lib.nn.arguments import as_dtype, as_memory_format
from resnet_lib.nn.blocks import BLOCKS, ResidualBlock
from resnet_lib.nn.changed import ours
from resnet_lib.nn.network import ResNet


def fast(
    model: ResNet | ResidualBlock,
    *,
    fold: bool = True,
    memory_format: torch.memory_format | str = "channels_last",
    dtype: torch.dtype | str | None = None,
    compiled: bool | None = None,
) -> InferenceCopy:
    """Return a copy of `model` for inference, with equal outputs up to rounding; `model` itself stays as it is.

    Each step can be switched off to measure the others (`python -m benchmarks inference`):

    - `fold`: BatchNorm that follows a convolution becomes part of its weights and a bias (Jacob et al. 2017,
      arXiv 1712.05877, section 3.2, equation 14). A preactivation block keeps its first BatchNorm, because the shortcut
      reads the same input unnormalised, and so does the network its last. A pair of which one was replaced or has a
      forward hook is kept.
    - `memory_format`: that of weights and images; "channels_last" (the channels of a pixel are side by side in memory),
      "contiguous" or torch's own.
    - `dtype`: "fp32", "bf16", "fp16", "fp64" or torch's own; that of weights and arithmetic, after folding. By default
      the model's own.
    - `compiled`: whether torch.compile compiles the copy, with the weights as constants, so they cannot be changed
      afterwards. It takes 10 to 50 s on two CPU cores, in the first call, in the first with another image or batch
      size, and at most a few times more. It needs a C++ compiler (on a GPU: Triton). True: RuntimeError where it fails.
      By default: a RuntimeWarning where it fails, and the copy works uncompiled. False: not tried.

    The copy maps what `model` maps, in evaluation mode and without gradients. Its outputs have the images' dtype,
    whichever it computes in. Its device is the model's.

    Raises TypeError for a model that is not `build`'s.
    Raises ValueError for another dtype or memory format than these, and for a model that cannot be copied or whose
    weights are parametrised.

    >>> from resnet_lib.nn import build
    >>> model = build("cifar_resnet20").eval()
    >>> images = torch.rand(2, 3, 32, 32)
    >>> torch.allclose(fast(model, compiled=False)(images), model(images), atol=1e-4)
    True

    Chapter 9.
    """
    model = ours(model)
    fold = _check.boolean("fold", fold)
    layout = as_memory_format(memory_format)
    dtype = None if dtype is None else as_dtype(dtype)
    compiled = None if compiled is None else _check.boolean("compiled", compiled)

    if any(is_parametrized(module) for module in model.modules()):
        raise ValueError(
            "model must have plain weights; torch.nn.utils.parametrize.remove_parametrizations makes them so"
        )
    try:
        network = copy.deepcopy(model).eval().requires_grad_(False)
    except RuntimeError as error:  # a weight that is computed from others, by torch.nn.utils.prune for one
        raise ValueError(f"model cannot be copied: {error}") from error
    network.zero_grad(set_to_none=True)
    own = next(network.parameters()).dtype
    if fold:
        _fold(network.to(dtype=torch.promote_types(own, torch.float32)))  # rounded once, afterwards
    network.to(dtype=own if dtype is None else dtype, memory_format=layout)  # type: ignore[call-overload]
    return InferenceCopy(network, layout, compiled)


def _fold(network: ResNet | ResidualBlock) -> None:
    """Put each BatchNorm that directly follows a convolution into that convolution, in place."""
    uses = Counter(map(id, chain.from_iterable(part._modules.values() for part in network.modules())))
    for part in list(network.modules()):
        if type(part) not in (ResNet, *BLOCKS.values()) or vars(part).keys() & {"forward", "residual"}:
            continue  # another class may not compute the convolution right before the BatchNorm
        assert isinstance(part, ResNet | ResidualBlock)
        operations = part.spec.stem_operations if isinstance(part, ResNet) else part.spec.operations
        for before, op in pairwise(operations):
            if (before.kind, op.kind) != ("conv", "batch_norm"):
                continue
            conv, norm = _found(part, before.name), _found(part, op.name)
            if not (_is_plain(conv, nn.Conv2d) and _is_plain(norm, nn.BatchNorm2d)) or uses[id(conv)] > 1:
                continue
            assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            if norm.running_mean is None or norm.running_var is None:
                continue
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            parent, _, name = op.name.rpartition(".")
            setattr(part.get_submodule(parent), name, nn.Identity())


def _found(part: nn.Module, name: str) -> nn.Module | None:
    try:
        return part.get_submodule(name)
    except AttributeError:  # the shortcut may be another module now
        return None


def _is_plain(module: nn.Module | None, kind: type[nn.Module]) -> bool:
    """Whether the module computes what its class does: it is of no other class and has no forward of its own."""
    return type(module) is kind and not (
        "forward" in vars(module) or module._forward_hooks or module._forward_pre_hooks
    )


class InferenceCopy(nn.Module):
    """A network for inference, called without gradients on images in its own memory format and dtype. Made by `fast`.

    (N, C, H, W) → what the original gives, in the images' dtype. It stays in evaluation mode. `spec` is the original's.
    A deep or pickled copy compiles anew.

    Raises TypeError for images that are not floating-point numbers.
    Raises ValueError where its weights would change after it has been compiled: it would notice some, others not.
    """

    def __init__(
        self, network: ResNet | ResidualBlock, memory_format: torch.memory_format, compiled: bool | None
    ) -> None:
        super().__init__()
        self.network = network
        self.spec = network.spec
        self.memory_format = memory_format
        self.compiled = compiled
        self._run: Callable[[Tensor], Tensor] | None = None
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise TypeError(f"x must hold floating-point numbers, not {x.dtype}")
        images = x.to(next(self.parameters()).dtype).contiguous(memory_format=self.memory_format)
        with torch.no_grad():
            return self._compiled_if_possible(images).to(x.dtype)

    def _compiled_if_possible(self, x: Tensor) -> Tensor:
        if self.compiled is False:
            return self._plain(x)
        import torch._inductor.config  # takes a second: only where it is needed

        try:
            if self._run is None:
                self._run = torch.compile(self._plain)
            # Freezing treats the weights as constants: oneDNN packs them once and fuses the ReLU and the addition.
            # Given as an option of torch.compile it comes too late: the weights have become inputs by then.
            with torch._inductor.config.patch(freezing=True):
                return self._run(x)
        except (RuntimeError, OSError) as error:
            out = self._plain(x)  # if the images are at fault, this raises the plain error
            if self.compiled:
                raise RuntimeError(f"compiled=True asks for what does not work here: {error}") from error
            warnings.warn(f"not compiled, so slower than it could be: {error}", RuntimeWarning, stacklevel=5)
            self.compiled, self._run = False, None
            return out

    def _plain(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x)
        return out

    def train(self, mode: bool = True) -> InferenceCopy:
        return super().train(False)  # stays in evaluation mode even if a parent module calls train()

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_change()
        return super().load_state_dict(*arguments, **options)

    def _apply(self, *arguments: Any, **options: Any) -> Any:  # called by `to`, `half`, `cuda` and the like
        self._refuse_change()
        return super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]

    def _refuse_change(self) -> None:
        if self._run is not None:
            raise ValueError("a compiled copy keeps its weights as they are: change the original and copy that again")

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_run": None}
