"""What counting tools print for a network, and why no two of them agree.

Ask ten tools for ResNet-50's cost and you get ten numbers between 4.09 and 8.21 billion. None is a measurement. Each
is a convention, and differs from the others in three ways:

1. **What a multiply-add counts.** One (a MAC) or two (a multiplication and an addition: FLOPs). Most tools that say
   "FLOPs" print MACs.
2. **What else counts.** Convolutions and the linear layer always do. BatchNorm counts nothing, or two operations an
   element (scale and shift: evaluation mode), or four or five; pooling and ReLU sometimes, a residual addition never.
3. **What a batch counts.** Most tools add up its images, tables are for one image, and one tool does both at once.

`CONVENTIONS` writes each tool as a table: kind of operation → what is counted of it, and how often. `report` is the
dot product of such a table with the bill, `explain` the difference of two of them. For ResNet-50, one image of
224 × 224, with M the MACs, B and R the output elements of all BatchNorms and ReLUs, P and G the input elements of the
max-pool and of the global average, C the latter's outputs, W BatchNorm's parameters, F the classes, K the output
channels of all convolutions, A all parameters:

    flop_counter       2M                         8,178,368,512
    torchvision        M / 10⁹                            4.089
    fvcore             M + 2B + G                 4,111,512,576
    fvcore_training    M + 5B + G                 4,144,854,528
    timm               fvcore / 10⁹                        4.11
    thop               M + 4B + G + C             4,133,742,592
    torchinfo          M + W + F                  4,089,238,376
    pycls              M + F                      4,089,185,256
    ptflops            M + F                      4,089,185,256
    ptflops_pytorch    M + 2B + 2(R + P + G) + F  4,132,436,968
    deepspeed          2M + 2B + R + P + G        8,211,108,352
    keras              A + K + W                     25,636,712

The last one counts parameters, not operations: Keras's convolutions have biases, which do nothing before a BatchNorm,
and its total includes BatchNorm's running means and variances.

Standard library only. A bill with symbols gives formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple, overload

from resnet_lib import _check
from resnet_lib._table import Shown, Table, written
from resnet_lib.cost.bill import Bill, Row
from resnet_lib.spec import KINDS

QUANTITIES = {  # what a rule may count of an operation
    "macs": "MACs",
    "outputs": "output elements",
    "inputs": "input elements",
    "params": "parameters",  # once per image
    "channels": "output channels",  # once per image: a bias
}

Rules = Mapping[str, Mapping[str, int]]  # kind of operation → quantity → how often it counts


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a tool counts: rules from kind of operation to the quantities counted of it. Any other kind is free.

    says         the tool's own word for its number
    unit         what the number really is: "MACs", where a multiply-add counts one, "FLOPs", where it counts two, or
                 "parameters"
    source       the file that defines it, and where people wondered about it
    batch        what is counted for the whole batch
    image        what is averaged over the batch, that is, counted for one image
    decimals     None: a whole number is printed; otherwise 10⁹ of the unit, rounded to this number of decimals
    activations  what its second number counts, for one image; with `decimals` in 10⁶, rounded likewise

    The quantities are "macs", "outputs" and "inputs" (elements), "params", and "channels" (of the output). `report` and
    `explain` take a convention of your own as they take the name of a tool:

    >>> learned = {"conv": {"params": 1}, "batch_norm": {"params": 1}, "linear": {"params": 1}}
    >>> torch = rl.Convention(says="parameters()", unit="parameters", image=learned)
    >>> rl.report(rl.price("resnet50"), torch)
    25557032
    >>> rl.explain(rl.price("resnet50"), "keras", torch)
    keras − parameters()
    <BLANKLINE>
    operation   what is counted        amount
    -----------------------------------------
    conv        +1 × output channels  +26,560
    batch_norm  +1 × parameters       +53,120
    -----------------------------------------
    total                             +79,680

    Raises ValueError for a kind of operation, a quantity or a unit that it does not know, and for a negative count.
    Raises TypeError for rules that are not dicts of whole numbers.

    Chapter 8.
    """

    says: str
    unit: str
    source: str = ""
    batch: Rules = field(default_factory=dict)
    image: Rules = field(default_factory=dict)
    decimals: int | None = None
    activations: Rules = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check.one_of("unit", self.unit, ("MACs", "FLOPs", "parameters"))
        for name in ("batch", "image", "activations"):
            for kind, rule in _mapping(name, getattr(self, name)).items():
                _check.one_of("kind of operation", kind, KINDS)
                for quantity, times in _mapping(f"{name}[{kind!r}]", rule).items():
                    _check.one_of("quantity", quantity, QUANTITIES)
                    _check.whole_number(f"{name}[{kind!r}][{quantity!r}]", times, at_least=0)

    def counts(self, amounts: Amounts, batch: int) -> int:
        """What the convention counts of these amounts, which are those of one image, in a call with such a batch."""
        return batch * _sum(self.batch, amounts) + _sum(self.image, amounts)


def _mapping(name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    _check.instance(name, value, Mapping, 'a dict, such as {"conv": {"macs": 1}}')
    return value


_M: Rules = {"conv": {"macs": 1}, "linear": {"macs": 1}}
_2M: Rules = {"conv": {"macs": 2}, "linear": {"macs": 2}}
_M_AND_BIAS: Rules = {"conv": {"macs": 1}, "linear": {"macs": 1, "outputs": 1}}
_OUTPUTS: Rules = {"conv": {"outputs": 1}, "linear": {"outputs": 1}}
_FVCORE: Rules = {**_M, "batch_norm": {"outputs": 2}, "avg_pool": {"inputs": 1}}

CONVENTIONS: dict[str, Convention] = {
    "flop_counter": Convention(
        says="FLOPs",
        unit="FLOPs",
        source="pytorch: torch/utils/flop_counter.py (FlopCounterMode)",
        batch=_2M,
    ),
    "torchvision": Convention(
        says="GFLOPS",  # the heading of its table of weights; `_ops` in their metadata
        unit="MACs",
        source="torchvision: test/common_extended_utils.py (get_ops); threads #191, #1266, #5982",
        image=_M,
        decimals=3,
    ),
    "fvcore": Convention(
        says="flops",
        unit="MACs",
        source="fvcore: fvcore/nn/flop_count.py, jit_handles.py; thread #69",
        batch=_FVCORE,
    ),
    "fvcore_training": Convention(  # the same tool on a model left in training mode: its BatchNorms count 5
        says="flops",
        unit="MACs",
        source="fvcore: fvcore/nn/jit_handles.py (norm_flop_counter: “5 is just a rough estimate”)",
        batch={**_FVCORE, "batch_norm": {"outputs": 5}},
    ),
    "timm": Convention(
        says="GMACs",
        unit="MACs",
        source="timm: benchmark.py (profile_fvcore), results/benchmark-infer-*.csv",
        image=_FVCORE,
        decimals=2,
        activations=_OUTPUTS,
    ),
    "thop": Convention(
        says="MACs",
        unit="MACs",
        source="thop: thop/vision/basic_hooks.py; thread #46",
        batch={**_M, "batch_norm": {"outputs": 4}, "avg_pool": {"inputs": 1, "outputs": 1}},
    ),
    "torchinfo": Convention(  # BatchNorm's parameters count as if each were used once
        says="mult-adds",
        unit="MACs",
        source="torchinfo: torchinfo/layer_info.py (calculate_macs)",
        batch={**_M_AND_BIAS, "batch_norm": {"params": 1}},
    ),
    "pycls": Convention(  # also prints "acts"; the RegNet paper's do not have the max-pool
        says="flops",
        unit="MACs",
        source="pycls: pycls/models/blocks.py (conv2d_cx, pool2d_cx, linear_cx), dev/model_complexity.json",
        image=_M_AND_BIAS,
        activations={**_OUTPUTS, "max_pool": {"outputs": 1}},
    ),
    "ptflops": Convention(
        says="MACs",
        unit="MACs",
        source="ptflops: ptflops/aten_ops.py (backend='aten'); thread #76",
        batch=_M_AND_BIAS,
    ),
    # ReLU and pooling count twice: once by a hook on the module, averaged over the batch, and once by the patched
    # function which that module calls, added up.
    "ptflops_pytorch": Convention(
        says="MACs",
        unit="MACs",
        source="ptflops: ptflops/pytorch_ops.py, pytorch_engine.py (backend='pytorch', its default)",
        image={
            **_M_AND_BIAS,
            "batch_norm": {"outputs": 2},
            "relu": {"outputs": 1},
            "max_pool": {"inputs": 1},
            "avg_pool": {"inputs": 1},
        },
        batch={
            "relu": {"outputs": 1},
            "max_pool": {"inputs": 1},
            "avg_pool": {"inputs": 1},
        },
    ),
    "deepspeed": Convention(  # calflops copied its rules and prints the same; the MACs that both print beside are M
        says="FLOPs",
        unit="FLOPs",
        source="deepspeed: deepspeed/profiling/flops_profiler/profiler.py",
        batch={
            **_2M,
            "batch_norm": {"outputs": 2},
            "relu": {"outputs": 1},
            "max_pool": {"inputs": 1},
            "avg_pool": {"inputs": 1},
        },
    ),
    # Of ResNet50, 101 and 152, where each convolution has a bias; ResNet50V2 has some biases.
    "keras": Convention(
        says="Total params",
        unit="parameters",
        source="keras: keras/src/applications/resnet.py; the table in keras.io/api/applications",
        image={"conv": {"params": 1, "channels": 1}, "batch_norm": {"params": 2}, "linear": {"params": 1}},
    ),
}


class Printed(NamedTuple):
    """What a tool prints that prints two numbers: operations and activations, as in timm's tables (10⁹ and 10⁶)."""

    operations: int | float
    activations: int | float


class Reports(Shown, dict[str, "int | float | Printed"]):
    """What every tool prints, by the tool's name: a dict that shows itself as a table."""

    def table(self) -> Table:
        columns = {"tool": "", "prints": "plain", "and": "plain", "says": "", "unit": ""}
        rows = []
        for tool, prints in self.items():
            convention = CONVENTIONS[tool]
            giga, mega = ("", "") if convention.decimals is None else ("10⁹ ", "10⁶ ")
            unit = f"{giga}{convention.unit}" + (f", {mega}activations" if convention.activations else "")
            numbers = prints if isinstance(prints, Printed) else (prints, None)
            rows.append((tool, *numbers, convention.says, unit))
        return Table(columns, rows)


@overload
def report(bill: Bill) -> Reports: ...
@overload
def report(bill: Bill, tool: str | Convention) -> int | float | Printed: ...
def report(bill: Bill, tool: str | Convention | None = None) -> int | float | Printed | Reports:
    """Return what `tool` prints for the network of this bill, in evaluation mode, given the bill's batch in one call.

    flop_counter     `torch.utils.flop_counter.FlopCounterMode().get_total_flops()`
    torchvision      `_ops` in the metadata of its weights: 10⁹ MACs, of one image
    fvcore           `FlopCountAnalysis(model, images).total()`
    fvcore_training  the same with the model in training mode
    timm             the columns GMACs and M activations of its tables, of one image
    thop             the first of `thop.profile(model, (images,))`
    torchinfo        `summary(model, input_data=images).total_mult_adds`
    pycls            flops and acts of `net.complexity(model)`, of one image
    ptflops          `get_model_complexity_info(…, backend="aten")`
    ptflops_pytorch  the same with `backend="pytorch"`, on a CPU or GPU (on the meta device it counts the linear layer
                     twice); a batch comes from `input_constructor`, as a tensor
    deepspeed        the FLOPs of its profiler, and of calflops
    keras            `model.count_params()` of keras.applications' ResNet50, 101 and 152

    Without `tool`, the result is a dict of all of them, which shows itself as a table. A `Convention` of your own is
    taken, too. All numbers are exact. If a bill contains symbols, the result is a formula, unrounded.

    >>> rl.report(rl.price("resnet50"), "fvcore")
    4111512576
    >>> rl.report(rl.price("resnet50"))
    tool                    prints         and  says          unit
    -----------------------------------------------------------------------------------
    flop_counter     8,178,368,512              FLOPs         FLOPs
    torchvision              4.089              GFLOPS        10⁹ MACs
    fvcore           4,111,512,576              flops         MACs
    fvcore_training  4,144,854,528              flops         MACs
    timm                      4.11       11.11  GMACs         10⁹ MACs, 10⁶ activations
    thop             4,133,742,592              MACs          MACs
    torchinfo        4,089,238,376              mult-adds     MACs
    pycls            4,089,185,256  11,315,688  flops         MACs, activations
    ptflops          4,089,185,256              MACs          MACs
    ptflops_pytorch  4,132,436,968              MACs          MACs
    deepspeed        8,211,108,352              FLOPs         FLOPs
    keras               25,636,712              Total params  parameters

    Some tools change the model: thop leaves two buffers in every module that has no rule, and so in the `state_dict`;
    ptflops leaves it in evaluation mode; fvcore, on a model in training mode, changes BatchNorm's running statistics.

    Raises ValueError for an unknown tool.
    Raises TypeError if `bill` is not a Bill.

    Chapter 8.
    """
    if tool is None:
        return Reports({name: report(bill, name) for name in CONVENTIONS})
    convention, amounts = _convention("tool", tool), _amounts(bill)
    operations = _printed(convention.counts(amounts, _batch(bill)), convention, 10**9)
    if not convention.activations:
        return operations
    return Printed(operations, _printed(_sum(convention.activations, amounts), convention, 10**6))


class Term(NamedTuple):
    """One reason why two tools differ: `what` of the operations of this `kind`, and its amount."""

    kind: str
    what: str
    amount: int


@dataclass(frozen=True, repr=False)
class Explanation(Shown):
    """Why tool `a` prints more, or less, than tool `b`: terms, which add up to `total` = a − b. Made by `explain`."""

    a: str
    b: str
    terms: tuple[Term, ...]

    @property
    def total(self) -> int:
        """a − b, as the two tools count."""
        return sum(term.amount for term in self.terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def table(self) -> Table:
        columns = {"operation": "", "what is counted": "", "amount": "signed"}
        return Table(columns, self.terms, ("total", None, self.total), f"{self.a} − {self.b}")


def explain(bill: Bill, a: str | Convention, b: str | Convention) -> Explanation:
    """Explain why `a` and `b` print different numbers for this bill: `report(bill, a)` − `report(bill, b)`.

    >>> rl.explain(rl.price("resnet50"), "thop", "torchinfo")
    thop − torchinfo
    <BLANKLINE>
    operation   what is counted            amount
    ---------------------------------------------
    batch_norm  +4 × output elements  +44,455,936
    batch_norm  −1 × parameters           −53,120
    avg_pool    +1 × input elements      +100,352
    avg_pool    +1 × output elements       +2,048
    linear      −1 × output elements       −1,000
    ---------------------------------------------
    total                             +44,504,216

    The amounts are the operations that the tools count. If one tool counts a multiply-add as 2 and the other as 1, they
    differ by "+1 × MACs". A number printed as a rounded 4.089 · 10⁹ is taken as 4,089,000,000, and the rounding is a
    term of its own; a formula is not rounded. Of two numbers that a tool prints, the first is meant. A quantity that a
    tool averages over a batch of several images is listed as "of one image".

    Raises ValueError for an unknown tool, and if one of the two counts parameters and the other operations.
    Raises TypeError if `bill` is not a Bill.

    Chapter 8.
    """
    first, second = _convention("a", a), _convention("b", b)
    if (first.unit == "parameters") != (second.unit == "parameters"):
        raise ValueError(f"a and b must both count operations, or both parameters: {first.unit} and {second.unit}")
    amounts, batch = _amounts(bill), _batch(bill)
    terms = []
    for key, amount in amounts.items():  # in the order of the network
        by_batch = _times(first.batch, key) - _times(second.batch, key)
        by_image = _times(first.image, key) - _times(second.image, key)
        if batch == 1:
            by_batch, by_image = by_batch + by_image, 0
        for times, images, of in ((by_batch, batch, ""), (by_image, 1, " of one image")):
            if times:
                what = f"{written(times, 'signed')} × {QUANTITIES[key.quantity]}{of}"
                terms.append(Term(key.kind, what, times * images * amount))
    names = [each if isinstance(each, str) else each.says for each in (a, b)]
    for name, convention, sign in zip(names, (first, second), (1, -1), strict=True):
        exact = convention.counts(amounts, batch)
        if convention.decimals is not None and not _check.is_symbol(exact):
            printed = round(_printed(exact, convention, 10**9) * 10**9)
            terms.append(Term("rounding", f"{name} to {convention.decimals} decimals", sign * (printed - exact)))
    return Explanation(names[0], names[1], tuple(term for term in terms if term.amount != 0))


class Key(NamedTuple):
    """A quantity of all operations of a kind."""

    kind: str
    quantity: str


Amounts = Mapping[Key, int]  # of one image


def _amounts(bill: Bill) -> Amounts:
    """Every quantity of every kind of operation, for one image. Equal blocks are looked at once."""
    _check.instance("bill", bill, Bill, "a Bill, such as rl.price('resnet50')")
    sums: dict[Key, int] = {}
    for part in bill.parts:
        for row in part.rows:
            for quantity, amount in _of_one_image(row).items():
                key = Key(row.kind, quantity)
                sums[key] = sums.get(key, 0) + part.count * amount
    return sums


def _of_one_image(row: Row) -> dict[str, int]:
    return {
        "macs": row.macs // row.input_shape[0],
        "inputs": prod(row.input_shape[1:]),
        "outputs": prod(row.output_shape[1:]),
        "params": row.params,
        "channels": row.output_shape[1],
    }


def _batch(bill: Bill) -> int:
    return next((row.input_shape[0] for part in bill.parts for row in part.rows), 1)


def _times(rules: Rules, key: Key) -> int:
    return rules.get(key.kind, {}).get(key.quantity, 0)


def _sum(rules: Rules, amounts: Amounts) -> int:
    return sum(_times(rules, key) * amount for key, amount in amounts.items())


def _convention(name: str, tool: str | Convention) -> Convention:
    return tool if isinstance(tool, Convention) else CONVENTIONS[_check.one_of(name, tool, CONVENTIONS)]


def _printed(count: int, convention: Convention, unit: int) -> int | float:
    if convention.decimals is None:
        return count
    with _check.fits_a_float("bill"):
        return count / unit if _check.is_symbol(count) else round(count / unit, convention.decimals)
