"""The bytes that a network occupies: in training, in a checkpoint, and at inference. Standard library only.

Counted are the tensors that PyTorch keeps with this project's modules, byte for byte: on a CPU tests/test_memory.py
compares with the tensors, tests/test_memory_allocator.py with what torch's allocator gave out. Three precisions:

    fp32    everything in float32: 4 bytes a number
    bf16    a model and images in bfloat16: 2 bytes a number
    mixed   `torch.autocast` to bfloat16 over a float32 model: activations 2 bytes, parameters, BatchNorm's statistics,
            gradients and optimizer 4. The float32 parameters are themselves the master weights; beside them autocast
            makes bfloat16 copies of the weights that convolutions and the linear layer multiply with.

**What backward needs.** Each operation names what it saves for its gradient: a convolution, BatchNorm, the linear layer
and max-pooling their input, a ReLU its output (torch, tools/autograd/derivatives.yaml). But the output of one operation
is the input of the next, and ReLU and addition write into the tensor they read. So the rule becomes short: whatever an
operation writes afresh is kept once, and so is the image. There are three exceptions: the last output of the shortcut
is added and forgotten, the zeros of option A likewise, and the logits belong to the loss, which is not counted.
BatchNorm adds the mean and inverse deviation of its batch per channel, max-pooling an int64 index per output.

Not counted: the loss, gradients of activations (they come and go during backward), the workspace of an operation's
algorithm, and what an allocator rounds up. With small images the workspace can be larger than all activations: a CPU's
convolution may copy its weights into another order. A GPU may keep other tensors: that has not been compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields
from math import prod

from resnet_lib import _check
from resnet_lib._table import Shown, Table
from resnet_lib.cost.bill import Bill, Part, Row

FLOAT32, INT64 = 4, 8  # bytes
PRECISIONS = {"fp32": (4, 4), "bf16": (2, 2), "mixed": (4, 2)}  # bytes of a parameter, of an activation
OPTIMIZERS = {  # numbers kept per parameter, bytes per parameter tensor
    "sgd": (1, 0),  # with momentum: its buffer
    "adam": (2, FLOAT32),  # also AdamW: means of gradient and square, and a float32 step counter for every tensor
    None: (0, 0),
}
IN_PLACE = ("relu", "add")  # write into the tensor they read
KEPT = ("conv", "batch_norm", "max_pool", "avg_pool")  # what these write, a later operation saves for backward
WHOLE, BLOCK = {"stem": {"conv"}, "head": {"avg_pool", "linear"}}, {"conv", "batch_norm"}  # never without these
TENSORS = {"conv": 1, "batch_norm": 2, "linear": 2}  # of parameters: weight, and bias


@dataclass(frozen=True, repr=False)
class Memory(Shown):
    """Bytes of one training step, by what they hold."""

    parameters: int
    weight_copies: int  # mixed only: bfloat16 weights of convolutions and the linear layer
    buffers: int  # BatchNorm's running mean and variance, and its counter of batches
    gradients: int
    optimizer: int
    activations: int  # kept from forward for backward, the image among them

    @property
    def total(self) -> int:
        """All of them: what is alive if gradients are kept (`zero_grad(set_to_none=False)`) when backward begins."""
        return sum(astuple(self))

    def table(self) -> Table:
        known = not _check.is_symbol(self.total)
        sizes = {each.name.replace("_", " "): getattr(self, each.name) for each in fields(self)} | {"total": self.total}
        *rows, total = [(name, size, *([size, size / self.total] if known else [])) for name, size in sizes.items()]
        columns = {"": "", "bytes": ""} | ({"size": "M 1 B", "share": "percent"} if known else {})
        return Table(columns, rows, total, "One training step")


def memory(bill: Bill, optimizer: str | None = "sgd", precision: str = "fp32") -> Memory:
    """Count the bytes of training this network on the bill's image and batch (see the module for what is counted).

    `optimizer` is "sgd" (with momentum), "adam" or None. `precision` is "fp32", "bf16" or "mixed".
    Shares add up: `memory(bill.by("stage")["layer1"])` is layer1's share; its input is counted with the stage that
    produced it. If the bill contains symbols, the numbers are formulas.

    >>> rl.memory(rl.price("resnet50", batch=32), optimizer="adam", precision="mixed")
    One training step
    <BLANKLINE>
                           bytes        size    share
    -------------------------------------------------
    parameters       102,228,128    102.2 MB    5.5 %
    weight copies     51,005,824     51.0 MB    2.7 %
    buffers              212,904      0.2 MB    0.0 %
    gradients        102,228,128    102.2 MB    5.5 %
    optimizer        204,456,900    204.5 MB   11.0 %
    activations    1,400,454,656  1,400.5 MB   75.3 %
    -------------------------------------------------
    total          1,860,586,540  1,860.6 MB  100.0 %

    Raises ValueError for any other optimizer or precision.
    Raises ValueError for a bill by kind, because what is kept depends on the neighbours.
    Raises TypeError if `bill` is not a Bill.

    Chapter 9.
    """
    _check_bill(bill)
    _check_neighbours(bill)
    if optimizer not in tuple(OPTIMIZERS):
        raise ValueError(f"optimizer must be one of {', '.join(map(repr, OPTIMIZERS))}: {optimizer!r}")
    weight, activation = _bytes(precision)
    per_parameter, per_tensor = OPTIMIZERS[optimizer]
    tensors = _total(bill, lambda row: TENSORS.get(row.kind, 0))
    return Memory(
        parameters=weight * bill.params,
        weight_copies=activation * _total(bill, _multiplied) if weight != activation else 0,
        buffers=_buffers(bill, weight),
        gradients=weight * bill.params,
        optimizer=weight * per_parameter * bill.params + per_tensor * tensors,
        activations=_kept_for_backward(bill, weight, activation),
    )


def checkpoint_bytes(bill: Bill, precision: str = "fp32") -> int:
    """Count the bytes of the tensors in the model's `state_dict`: parameters and buffers.

    A file adds its index of names.
    `precision` is "fp32", "bf16" or "mixed", which is saved as "fp32" is.

    >>> rl.checkpoint_bytes(rl.price("resnet50"))
    102441032

    Raises ValueError for any other precision.
    Raises TypeError if `bill` is not a Bill.

    Chapter 9.
    """
    _check_bill(bill)
    weight, _ = _bytes(precision)
    return weight * bill.params + _buffers(bill, weight)


def peak_inference(bill: Bill, precision: str = "fp32") -> int:
    """Count the most bytes of activations alive at once at inference, without the weights.

    Inference is `model.eval()` under `torch.no_grad()`. The input and output of an operation are both alive while it
    runs. ReLU and addition work in place, and max-pooling makes its indices even here. A block holds its input until
    the addition. Python holds more than the arithmetic needs: the caller holds the image, and a stage its first input
    until its last block is done. A preactivation block with a projection holds both its input and the activated input.
    With "mixed", the image stays in float32 beside its copy.

    >>> rl.peak_inference(rl.price("resnet50"))
    11038720

    Raises ValueError for any precision except "fp32", "bf16" and "mixed", and for a bill by kind.
    Raises TypeError if `bill` is not a Bill, or contains symbols.

    Chapter 9.
    """
    _check_bill(bill)
    _check_neighbours(bill)
    weight, activation = _bytes(precision)
    if _check.is_symbol(bill.params + bill.flops):
        raise TypeError("bill must hold numbers: a peak is the largest of many sums, which symbols leave open")
    image = weight * _image(bill)
    peak = 0
    entries: dict[str, int] = {}  # a stage's first input
    for part in bill.parts:
        if not part.count:
            continue
        entry = activation * prod(part.rows[0].input_shape)
        if part.stage == "stem":
            held, read = image, entry if weight != activation else 0
        elif part.stage == "head":
            held, read = image, entry
        else:
            held, read = image + entry + entries.get(part.stage, 0), 0
            entries.setdefault(part.stage, entry)
        peak = max(peak, *_alive(part, held, read, activation))
    return peak


def _alive(part: Part, held: int, read: int, activation: int) -> Iterator[int]:
    """Bytes alive during each operation: what is `held` throughout, what it reads, what it writes."""
    shortcut, entry = _shortcut(part), part.rows[0]
    keeps = {row.name for row in shortcut[:1]}  # from here on the main branch's result waits for the addition,
    if shortcut and entry.kind == "batch_norm":
        keeps.add("relu1")  # and in a preactivation block the activated input for the projection
    for row in part.rows:
        if row.name in keeps:
            held, read = held + read, 0
        written = activation * row.elements
        if row.kind not in IN_PLACE:
            yield held + read + written + _indices(row)
            read = written
        elif row.kind == "add" and not shortcut and row.output_shape != entry.input_shape:
            yield held + read + written  # option A's zeros


def _kept_for_backward(bill: Bill, weight: int, activation: int) -> int:
    kept = activation * _image(bill)
    for part in bill.parts:
        for row in part.rows:
            if row.kind in KEPT and row not in _shortcut(part)[-1:]:
                kept += part.count * activation * row.elements
            if row.kind == "batch_norm":
                kept += part.count * weight * row.params  # mean and inverse deviation: as many as its parameters
            kept += part.count * _indices(row)
    return kept


def _shortcut(part: Part) -> tuple[Row, ...]:
    """The operations of a projection."""
    return tuple(row for row in part.rows if row.on_shortcut)


def _indices(row: Row) -> int:
    return INT64 * row.elements if row.kind == "max_pool" else 0


def _image(bill: Bill) -> int:
    """Numbers in the batch of images; 0 for a bill without a stem, whose input is another's output."""
    return sum(prod(part.rows[0].input_shape) for part in bill.parts if part.stage == "stem")


def _buffers(bill: Bill, weight: int) -> int:
    norms = [(part.count, row) for part in bill.parts for row in part.rows if row.kind == "batch_norm"]
    return sum(count * (weight * row.params + INT64) for count, row in norms)


def _multiplied(row: Row) -> int:
    """Parameters that activations are multiplied with: without BatchNorm's, and without the linear layer's bias."""
    return {"conv": row.params, "linear": row.params - row.output_shape[-1]}.get(row.kind, 0)


def _total(bill: Bill, number: Callable[[Row], int]) -> int:
    return sum(part.count * number(row) for part in bill.parts for row in part.rows)


def _bytes(precision: str) -> tuple[int, int]:
    return PRECISIONS[_check.one_of("precision", precision, PRECISIONS)]


def _check_bill(bill: Bill) -> None:
    _check.instance("bill", bill, Bill, "a Bill, such as rl.price('resnet50')")


def _check_neighbours(bill: Bill) -> None:
    """Refuse a bill by kind or kernel, whose rows have lost their neighbours."""
    for part in bill.parts:
        missing = WHOLE.get(part.stage, BLOCK) - {row.kind for row in part.rows}
        if missing:
            allowed = "bill must be whole, or by 'stage' or 'block', not by 'kind' or 'kernel'"
            raise ValueError(f"{allowed}: without {sorted(missing)}")
