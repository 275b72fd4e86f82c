"""The multiply-adds of a training step: forward, and backward through weights and inputs. Standard library only.

"Training costs three times inference" is almost exact in MACs: a convolution's (or the linear layer's) weight gradient
takes as many multiply-adds as its forward pass, and so does the gradient of its input, in every case but one: nobody
needs the gradient of the image, so the stem's convolution has no input gradient. This holds for grouped convolutions
too, where torch's FlopCounterMode counts the weight gradient `groups` times (torch 2.13).

    training = 3 · bill.macs − the stem convolution's MACs

BatchNorm, ReLU, pooling, additions, the loss and the optimizer's step have no MACs here, as in `bill.macs`.
"""

from __future__ import annotations

from dataclasses import dataclass

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import Bill


@dataclass(frozen=True, repr=False)
class Training(Shown):
    """MACs (multiply-adds) of one forward and backward pass over the bill's batch."""

    forward: int
    weight_gradients: int
    input_gradients: int

    @property
    def macs(self) -> int:
        """All three together."""
        return self.forward + self.weight_gradients + self.input_gradients

    def table(self) -> Table:
        shares = {"forward": self.forward, "weight gradients": self.weight_gradients}
        shares["input gradients"] = self.input_gradients
        columns = {"": "", "MACs": "", "of forward": "times"}
        rows = [(name, macs, macs / self.forward if self.forward else None) for name, macs in shares.items()]
        total = ("training step", self.macs, self.macs / self.forward if self.forward else None)
        return Table(columns, rows, total)


def training_macs(bill: Bill) -> Training:
    """Count the MACs of one training step (see the module for the convention).

    Sub-totals add up: `training_macs(bill.by("stage")["layer1"])` is the share of layer1. The input of a single block
    is a feature map, whose gradient is needed. If the bill contains symbols, the numbers are formulas.

    >>> import resnet_lib as rl
    >>> rl.training_macs(rl.price("resnet50"))
                                MACs  of forward
    --------------------------------------------
    forward            4,089,184,256     × 1.000
    weight gradients   4,089,184,256     × 1.000
    input gradients    3,971,170,304     × 0.971
    --------------------------------------------
    training step     12,149,538,816     × 2.971

    Raises TypeError if `bill` is not a Bill.

    Chapter 9.
    """
    _check.instance("bill", bill, Bill, "a Bill, such as rl.price('resnet50')")
    reads_the_image = [part for part in bill.parts if part.stage == "stem"]
    return Training(bill.macs, bill.macs, bill.macs - Bill(tuple(reads_the_image)).macs)
