"""Exercises of "Versions and conventions"."""

from __future__ import annotations

from resnet_lib.book.ask.exercise import Counting, Exercise, Mistake, Number
from resnet_lib.cost import price
from resnet_lib.cost.conventions import Convention, Rules
from resnet_lib.zoo import network

RESNET_101 = price(network("resnet101"))
CHANNELS = 52_672  # that its convolutions write; each has a BatchNorm
KERAS_101 = RESNET_101.params + 3 * CHANNELS
SIDE = 448  # pixels, in exercise 3


def _stride_on_3x3(name: str, side: int) -> int:
    """Return the multiply-adds that v1.5 costs more than v1."""
    versions = network(name), network(name, stride_on="1x1")
    costs = [price(net, image=side).macs for net in versions]
    return costs[0] - costs[1]


def _phone(
    conv: dict[str, int] | None = None, linear: dict[str, int] | None = None, others: Rules | None = None
) -> Convention:
    """Return exercise 2's convention, with some of its rules changed."""
    with_bias = {"macs": 1, "outputs": 1}
    rules = {"conv": conv or with_bias, "linear": linear or with_bias}
    return Convention(
        says="operations", unit="MACs", image=rules | ({"relu": {"outputs": 1}} if others is None else dict(others))
    )


EXERCISES: tuple[Exercise, ...] = (
    Number(
        name="versions.1",
        wants="a whole number: what Keras prints for ResNet-101",
        solution=KERAS_101,
        mistakes=(
            Mistake(
                RESNET_101.params + CHANNELS, "You have added the biases. The running means and variances count, too."
            ),
            Mistake(
                RESNET_101.params + 2 * CHANNELS,
                "You have added two numbers for each channel, and Keras has three that torchvision does not count: a"
                " bias, a running mean and a running variance.",
            ),
            Mistake(
                RESNET_101.params + 4 * CHANNELS,
                "Scale and shift are in torchvision's count already. Three numbers for each channel are not.",
            ),
            Mistake(3 * CHANNELS, "That is how many more Keras prints. Add torchvision's parameters."),
        ),
        otherwise="Ask what Keras counts for one channel that torchvision does not, and multiply by the channels.",
        because="Three numbers for each channel: a bias, a running mean and a running variance.",
    ),
    Counting(
        name="versions.2",
        wants='a convention, such as rl.Convention(says="operations", unit="MACs", image={"conv": {"macs": 1}})',
        solution=_phone(),
        samples=tuple(price(network(name), image=image) for name, image in (("resnet50", 224), ("resnet18", (64, 97)))),
        mistakes=(
            Mistake(
                _phone({"macs": 2, "outputs": 1}, {"macs": 2, "outputs": 1}),
                "You count a multiply-add twice. For this engine it is one operation.",
            ),
            Mistake(
                _phone(others={"relu": {"outputs": 1}, "batch_norm": {"outputs": 2}}),
                "You count BatchNorm. It has become part of the convolution, as its bias.",
            ),
            Mistake(
                _phone({"macs": 1, "channels": 1}),
                'You count a bias once for each channel. It is added to every element that is written: "outputs".',
            ),
            Mistake(_phone({"macs": 1}), "The folded BatchNorm gives each convolution a bias, which you do not count."),
            Mistake(_phone(linear={"macs": 1}), "The linear layer has a bias as well."),
            Mistake(_phone(others={}), "The ReLUs are missing."),
            Mistake(
                _phone(others={"relu": {"outputs": 1}, "add": {"outputs": 1}}),
                "Here the additions of the shortcuts are free.",
            ),
        ),
        otherwise="Take the kinds of operations one by one: conv, batch_norm, relu, max_pool, avg_pool, add, linear.",
        because="Nothing in it is unusual, and still it is the convention of none of the tools.",
    ),
    Number(
        name="versions.3",
        wants="a whole number: the multiply-adds that v1.5 costs more than v1",
        solution=_stride_on_3x3("resnet152", SIDE),
        mistakes=(
            Mistake(
                _stride_on_3x3("resnet152", 224),
                "That is right for 224 pixels. An image of 448 has four times as many.",
            ),
            Mistake(
                2 * _stride_on_3x3("resnet152", 224),
                "The side doubles, and so the number of positions becomes fourfold.",
            ),
            Mistake(
                3 * _stride_on_3x3("resnet152", SIDE),
                "ResNet-152 has more blocks but not more strides: three blocks have one, as in ResNet-50.",
            ),
        ),
        otherwise="Which blocks have a stride, and at how many positions does their first 1×1 work?",
        because="The depth does not matter, since the same three blocks have the stride.",
    ),
)
