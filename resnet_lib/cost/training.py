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

from resnet_lib.cost.bill import Bill


@dataclass(frozen=True)
class Training:
    """MACs (multiply-adds) of one forward and backward pass over the bill's batch."""

    forward: int
    weight_gradients: int
    input_gradients: int

    @property
    def macs(self) -> int:
        """All three together."""
        return self.forward + self.weight_gradients + self.input_gradients


def training_macs(bill: Bill) -> Training:
    """What one training step costs in MACs (see the module for the convention).

    Sub-totals add up: `training_macs(bill.by("stage")["layer1"])` is layer1's share. A single block's input is a
    feature map, whose gradient is needed. With symbols in the bill the numbers are formulas.

    Raises TypeError if `bill` is none.
    """
    if not isinstance(bill, Bill):
        raise TypeError(f"bill must be a Bill, such as rl.price(rl.network('resnet50')): {bill!r}")
    reads_the_image = [part for part in bill.parts if part.stage == "stem"]
    return Training(bill.macs, bill.macs, bill.macs - Bill(tuple(reads_the_image)).macs)
