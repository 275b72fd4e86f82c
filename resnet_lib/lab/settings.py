"""How a network is trained, and which experiments there are. Standard library only, so that help needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import Literal, get_args

from resnet_lib import _check

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a network is trained: SGD with Nesterov's momentum, a linear warmup, and a cosine down to zero.

    By default, learning rate, momentum, weight decay and batch are those of He et al. 2015, section 4.2, for CIFAR-10.
    Weight decay spares BatchNorm's parameters and the bias. Label smoothing follows Szegedy et al. 2015
    (arXiv 1512.00567, section 7), the zero-initialised last BatchNorm Goyal et al. 2017 (arXiv 1706.02677).

    >>> Settings(epochs=6, warmup_epochs=2).lr_at(step=9, steps_per_epoch=10)
    0.05

    Raises ValueError or TypeError naming the field, its value and what is allowed.
    Chapter 10.
    """

    epochs: int = 15
    """Passes over the training images. Each ends before a last batch that would not be full."""
    batch: int = 128
    """Images in one step, over all processes and micro-batches."""
    accumulation_steps: int = 1
    """Micro-batches that each process takes one after the other in a step, to save memory."""
    lr: float = 0.1
    """Highest learning rate, reached at the end of the warmup."""
    warmup_epochs: float = 1.0
    """Epochs in which the learning rate rises to its highest value."""
    momentum: float = 0.9
    """Share of the last step that a step keeps (Nesterov's)."""
    weight_decay: float = 1e-4
    """Weight decay of the convolutions' and the linear layer's weights."""
    label_smoothing: float = 0.1
    """Share of the target that is spread over all classes equally."""
    zero_init_last: bool = False
    """Start with blocks that are their shortcuts: zeros as the scale of each block's last BatchNorm."""
    precision: Precision = "fp32"
    """Number format of convolutions and products. Weights stay in fp32."""
    seed: int = 0
    """Seed of the weights, the order of the images and the augmentation."""

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("accumulation_steps", 1), ("seed", 0)):
            object.__setattr__(self, name, _check.whole_number(name, getattr(self, name), at_least=least))
        for name, low, high in (
            ("lr", 0, 1e3),
            ("warmup_epochs", 0, self.epochs),
            ("momentum", 0, 1),
            ("weight_decay", 0, 1),
            ("label_smoothing", 0, 1),
        ):
            object.__setattr__(self, name, _check.number(name, getattr(self, name), low, high))
        _check.boolean("zero_init_last", self.zero_init_last)
        _check.one_of("precision", self.precision, get_args(Precision))

    def lr_at(self, step: int, steps_per_epoch: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        rising = round(self.warmup_epochs * steps_per_epoch)
        if step < rising:
            return self.lr * (step + 1) / rising
        return self.lr * (1 + cos(pi * (step - rising) / (self.epochs * steps_per_epoch - rising))) / 2


# The book's experiments: what each compares. resnet_lib.lab.experiments holds their networks.
EXPERIMENTS = {
    "degradation": "Plain and residual networks of five depths: does more depth raise the *training* error?",
    "blocks": "Basic blocks, and the deepest network of bottlenecks, equally wide, at no more MACs, "
    "or no more parameters.",
    "shortcuts": "Zeros, projections where the shape changes, projections everywhere.",
    "zero_init": "Blocks that start at random, and blocks that start as their shortcut.",
    "patience": "Networks that ended badly in `degradation` and `blocks`, with four times as many epochs: "
    "were they only slow?",
    "interface": "Basic blocks, and as many bottlenecks whose ends are 4, 2 or 1 times as wide as their 3×3, "
    "at equal MACs.",
}
SEEDS = {"degradation": 5, "blocks": 5, "shortcuts": 5, "zero_init": 5, "patience": 3, "interface": 5}
# Learning rate, momentum and weight decay are the paper's for CIFAR-10. The batches are small because the images are
# few; 110 layers need a gentle start.
SETTINGS = Settings(epochs=15, batch=64, warmup_epochs=2.0, label_smoothing=0.0)
