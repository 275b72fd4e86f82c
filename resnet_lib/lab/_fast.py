"""The same outputs, sooner: a copy of a network for inference alone."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized

from resnet_lib import _check
from resnet_lib.nn.blocks import ResidualBlock
from resnet_lib.nn.network import DTYPES, ResNet


def fast(
    model: ResNet | ResidualBlock,
    *,
    fold: bool = True,
    channels_last: bool = True,
    dtype: torch.dtype | None = None,
    compiled: bool | None = None,
) -> InferenceCopy:
    """A copy of `model` for inference, with equal outputs up to rounding; `model` itself stays as it is.

    The steps, each of which can be left out to measure the others (`python -m benchmarks inference`):

    fold           BatchNorm that follows a convolution becomes part of its weights and a bias (Jacob et al. 2017,
                   arXiv 1712.05877, section 3.2, equation 14). A preactivation block keeps its first BatchNorm,
                   because the shortcut reads the same input unnormalised, and so does the network its last.
    channels_last  weights and images lie in memory pixel by pixel, the channels of a pixel side by side
    dtype          of weights and arithmetic, after folding: torch.bfloat16, say; left out: the model's own
    compiled       by torch.compile, with the weights as constants, so they cannot be changed afterwards. It takes
                   10 to 50 s on two CPU cores, in the first call, in the first with another image or batch size, and
                   at most a few times more; it needs a C++ compiler (on a GPU: Triton). True: RuntimeError where it
                   fails; left out: a RuntimeWarning, and the copy works uncompiled; False: not tried

    The copy maps what `model` maps, in evaluation mode and without gradients, and gives its outputs in the images'
    dtype, whichever it computes in. Its device is the model's.

    Raises TypeError for a model that is not `build`'s (load another's weights into one: the keys are torchvision's),
    ValueError for another dtype than float32, float64, float16 and bfloat16, and for a model that cannot be copied or
    whose weights are parametrised.
    """
    if not isinstance(model, ResNet | ResidualBlock):
        raise TypeError(f"model must be a network or block as rl.build makes it, not {type(model).__name__}")
    _check.boolean("fold", fold)
    _check.boolean("channels_last", channels_last)
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(map(str, DTYPES))}: {dtype!r}")
    if compiled is not None:
        _check.boolean("compiled", compiled)

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
    network.to(dtype=own if dtype is None else dtype)
    if channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return InferenceCopy(network, channels_last, compiled)


def _fold(network: ResNet | ResidualBlock) -> None:
    """Put each BatchNorm that the description has right behind a convolution into that convolution, in place."""
    for part in list(network.modules()):
        if not isinstance(part, ResNet | ResidualBlock):
            continue
        operations = part.spec.stem_operations if isinstance(part, ResNet) else part.spec.operations
        for before, op in pairwise(operations):
            if (before.kind, op.kind) != ("conv", "batch_norm"):
                continue
            conv: Any = part.get_submodule(before.name)
            norm: Any = part.get_submodule(op.name)
            if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or norm.running_var is None:
                continue
            conv.weight, conv.bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
            )
            parent, _, name = op.name.rpartition(".")
            setattr(part.get_submodule(parent), name, nn.Identity())


class InferenceCopy(nn.Module):
    """What `fast` makes: `network`, called without gradients on images in the layout and dtype that suit it.

    (N, C, H, W) → what the original gives, in the images' dtype. It stays in evaluation mode. `spec` is the original's.
    A deep or pickled copy compiles anew. Raises TypeError for images that are not floating-point numbers, and
    ValueError where its weights would change after it has been compiled: some of them would be noticed, others not.
    """

    def __init__(self, network: ResNet | ResidualBlock, channels_last: bool, compiled: bool | None) -> None:
        super().__init__()
        self.network = network
        self.spec = network.spec
        self.channels_last = channels_last
        self.compiled = compiled
        self._run: Callable[[Tensor], Tensor] | None = None
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            raise TypeError(f"x must hold floating-point numbers, not {x.dtype}")
        images = x.to(next(self.parameters()).dtype)
        if self.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            return self._compiled_if_possible(images).to(x.dtype)

    def _compiled_if_possible(self, x: Tensor) -> Tensor:
        if self.compiled is False:
            return self._plain(x)
        import torch._inductor.config  # a second's work, only for those who compile

        try:
            if self._run is None:
                self._run = torch.compile(self._plain)
            # Freezing treats the weights as constants, and lets oneDNN lay them out once and take in ReLU and addition.
            # Given as an option of torch.compile it comes too late: the weights have become inputs by then.
            with torch._inductor.config.patch(freezing=True):
                return self._run(x)
        except (RuntimeError, OSError) as error:
            out = self._plain(x)  # where it is the images that will not do, this raises the plain error
            if self.compiled:
                raise RuntimeError(f"compiled=True asks for what does not work here: {error}") from error
            warnings.warn(f"not compiled, so slower than it could be: {error}", RuntimeWarning, stacklevel=5)
            self.compiled, self._run = False, None
            return out

    def _plain(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x)
        return out

    def train(self, mode: bool = True) -> InferenceCopy:
        return super().train(False)  # whatever the module does that it is a part of

    def load_state_dict(self, *arguments: Any, **options: Any) -> Any:
        self._refuse_change()
        return super().load_state_dict(*arguments, **options)

    def _apply(self, *arguments: Any, **options: Any) -> Any:  # behind `to`, `half`, `cuda` and the like
        self._refuse_change()
        return super()._apply(*arguments, **options)  # type: ignore[no-untyped-call]

    def _refuse_change(self) -> None:
        if self._run is not None:
            raise ValueError("a compiled copy keeps its weights as they are: change the original, and copy that again")

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_run": None}
