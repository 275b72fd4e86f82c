"""What counting tools print for a network, and why no two of them agree.

Ask ten tools for ResNet-50's cost and you get ten numbers between 4.09 and 8.21 billion. None is a measurement. Each
is a convention, and differs from the others in three ways:

1. **What a multiply-add counts.** One (a MAC) or two (a multiplication and an addition: FLOPs). Most tools that say
   "FLOPs" print MACs.
2. **What else counts.** Convolutions and the linear layer always do. BatchNorm counts nothing, or two operations an
   element (scale and shift: evaluation mode), or four or five; pooling and ReLU sometimes, a residual addition never.
3. **What a batch counts.** Most tools add up its images, tables are for one image, and one tool does both at once.

`CONVENTIONS` tells each tool as a table: kind of operation → what is counted of it, and how often. `report` is the
dot product of such a table with the bill, `explain` the difference of two of them. For ResNet-50, one image of
224 × 224, with M the MACs, B and R the output elements of all BatchNorms and ReLUs, P and G the input elements of the
max-pool and of the global average, C the latter's outputs, W BatchNorm's parameters, F the classes:

    flop_counter       2M                         8,178,368,512
    torchvision        M / 10⁹                            4.089
    fvcore             M + 2B + G                 4,111,512,576
    fvcore_training    M + 5B + G                 4,144,854,528
    timm               fvcore / 10⁹                        4.11
    thop               M + 4B + G + C             4,133,742,592
    torchinfo          M + W + F                  4,089,238,376
    ptflops            M + F                      4,089,185,256
    ptflops_pytorch    M + 2B + 2(R + P + G) + F  4,132,436,968
    deepspeed          2M + 2B + R + P + G        8,211,108,352

Standard library only. A bill with symbols gives formulas.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from resnet_lib import _check
from resnet_lib.cost.bill import Bill, Row

# What a rule may count of a row, summed over the images of the batch.
QUANTITIES = {
    "macs": "MACs",
    "outputs": "output elements",
    "inputs": "input elements",
    "params": "parameters",  # once per image
}

Table = Mapping[str, Mapping[str, int]]  # kind of operation → quantity → how often it counts


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What one tool counts: rules from kind of operation to the quantities counted of it. A kind left out is free.

    says      the tool's own word for its number
    unit      what the number really is: "MACs", where a multiply-add counts one, or "FLOPs", where it counts two
    source    the file that defines it, and where people wondered about it
    batch     what is counted for the whole batch
    image     what is averaged over the batch, that is, counted for one image
    decimals  None: a whole number is printed; otherwise 10⁹ of the unit, rounded to so many decimals
    macts     also prints the output elements of convolutions and linear layer, in 10⁶, rounded likewise
    """

    says: str
    unit: str
    source: str
    batch: Table = field(default_factory=dict)
    image: Table = field(default_factory=dict)
    decimals: int | None = None
    macts: bool = False


_M: Table = {"conv": {"macs": 1}, "linear": {"macs": 1}}
_2M: Table = {"conv": {"macs": 2}, "linear": {"macs": 2}}
_M_AND_BIAS: Table = {"conv": {"macs": 1}, "linear": {"macs": 1, "outputs": 1}}
_FVCORE: Table = {**_M, "batch_norm": {"outputs": 2}, "avg_pool": {"inputs": 1}}

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
        macts=True,
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
}


class TimmCounts(NamedTuple):
    """Two columns of timm's tables, for one image: 10⁹ MACs and 10⁶ activations."""

    gmacs: float
    macts: float


def report(bill: Bill, tool: str) -> int | float | TimmCounts:
    """What `tool` prints for the network of this bill, in evaluation mode, given the bill's batch in one call.

    flop_counter     `torch.utils.flop_counter.FlopCounterMode().get_total_flops()`
    torchvision      `_ops` in the metadata of its weights: 10⁹ MACs, of one image
    fvcore           `FlopCountAnalysis(model, images).total()`
    fvcore_training  the same with the model in training mode
    timm             the columns GMACs and M activations of its tables, of one image
    thop             the first of `thop.profile(model, (images,))`
    torchinfo        `summary(model, input_data=images).total_mult_adds`
    ptflops          `get_model_complexity_info(…, backend="aten")`
    ptflops_pytorch  the same with `backend="pytorch"`, on a CPU or GPU (on the meta device it counts the linear layer
                     twice); a batch comes from `input_constructor`, as a tensor
    deepspeed        the FLOPs of its profiler, and of calflops

    All of them are exact. Where a bill holds symbols the formula comes unrounded.

    Beware of what the tools leave behind: thop two buffers in every module that has no rule, so in the `state_dict`;
    ptflops a model in evaluation mode; fvcore on a model in training mode other running statistics in BatchNorm.

    Raises ValueError for an unknown tool, TypeError if `bill` is no Bill.
    """
    convention = _convention("tool", tool)
    total = sum(times * amount for times, amount in _counts(_of(bill), convention).values())
    if not convention.macts:
        return _printed(total, convention)
    activations = sum(
        part.count * sum(row.activations // row.input_shape[0] for row in part.rows) for part in bill.parts
    )
    return TimmCounts(_rounded(total, 10**9, 2), _rounded(activations, 10**6, 2))


class Term(NamedTuple):
    """One reason why two tools differ: `what` of the operations of this `kind`, and how much it makes."""

    kind: str
    what: str
    amount: int

    def __str__(self) -> str:
        return f"{self.kind:<12}{self.what:<36}{_signed(self.amount):>18}"


@dataclass(frozen=True)
class Explanation:
    """Why tool `a` prints more, or less, than tool `b`: terms, which add up to `total` = a − b. Made by `explain`."""

    a: str
    b: str
    terms: tuple[Term, ...]

    @property
    def total(self) -> int:
        """a − b, in operations as the two tools count them."""
        return sum(term.amount for term in self.terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.terms, Term("total", f"{self.a} − {self.b}", self.total))))


def explain(bill: Bill, a: str, b: str) -> Explanation:
    """Why `a` and `b` print different numbers for this bill: `report(bill, a)` − `report(bill, b)`, term by term.

        print(rl.explain(rl.price(rl.network("resnet50")), "thop", "torchinfo"))

        batch_norm  +4 × output elements                       +44,455,936
        batch_norm  −1 × parameters                                −53,120
        avg_pool    +1 × input elements                           +100,352
        avg_pool    +1 × output elements                            +2,048
        linear      −1 × output elements                            −1,000
        total       thop − torchinfo                           +44,504,216

    The amounts are the operations that the tools count, so two tools of which one counts 2 a multiply-add differ by
    "+1 × MACs". A number printed as a rounded 4.089 · 10⁹ is taken as 4,089,000,000, and the rounding is a term of its
    own (a formula is not rounded). Of timm's two numbers the first is meant. Terms that make no difference are left
    out. What a tool averages over a batch of several images is told apart as "of one image".

    Raises ValueError for an unknown tool, TypeError if `bill` is no Bill.
    """
    tools = _convention("a", a), _convention("b", b)
    quantities = _of(bill)
    times: dict[_Key, int] = {}
    amounts: dict[_Key, int] = {}
    roundings = []
    for name, sign, convention in zip((a, b), (1, -1), tools, strict=True):
        counts = _counts(quantities, convention)
        for key, (weight, amount) in counts.items():
            times[key] = times.get(key, 0) + sign * weight
            amounts[key] = amount
        exact = sum(weight * amount for weight, amount in counts.values())
        if convention.decimals is not None and not _check.is_symbol(exact):
            printed = round(_rounded(exact, 10**9, convention.decimals) * 10**9)
            roundings.append(Term("rounding", f"{name} to {convention.decimals} decimals", sign * (printed - exact)))
    terms = [
        Term(key.kind, f"{_signed(times[key])} × {QUANTITIES[key.quantity]}{key.of}", times[key] * amounts[key])
        for key in quantities  # in the order of the network
        if times.get(key)
    ]
    return Explanation(a, b, tuple(term for term in (*terms, *roundings) if term.amount != 0))


class _Key(NamedTuple):
    kind: str
    quantity: str
    of: str  # "" for the whole batch, else " of one image"


def _of(bill: Bill) -> dict[_Key, int]:
    """Every quantity of every kind of operation. Equal blocks are looked at once."""
    if not isinstance(bill, Bill):
        raise TypeError(f"bill must be a Bill, such as rl.price(rl.network('resnet50')): {bill!r}")
    sums: dict[_Key, int] = {}
    for part in bill.parts:
        for row in part.rows:
            for key, amount in _quantities(row):
                sums[key] = sums.get(key, 0) + part.count * amount
    return sums


ONE_IMAGE = " of one image"


def _quantities(row: Row) -> Iterable[tuple[_Key, int]]:
    batch = row.input_shape[0]
    inputs = 1
    for number in row.input_shape:
        inputs = inputs * number
    totals = {"macs": row.macs, "inputs": inputs, "outputs": row.elements, "params": batch * row.params}
    for quantity, total in totals.items():
        yield _Key(row.kind, quantity, ""), total
        if batch != 1:
            yield _Key(row.kind, quantity, ONE_IMAGE), total // batch


def _counts(quantities: Mapping[_Key, int], convention: Convention) -> dict[_Key, tuple[int, int]]:
    """What is counted: (how often, how much). With a single image, batch and image are the same."""
    counts: dict[_Key, tuple[int, int]] = {}
    for table, of in ((convention.batch, ""), (convention.image, ONE_IMAGE)):
        for kind, rule in table.items():
            for quantity, times in rule.items():
                key = _Key(kind, quantity, of)
                if key not in quantities:
                    key = key._replace(of="")
                if key in quantities:
                    before, _ = counts.get(key, (0, 0))
                    counts[key] = before + times, quantities[key]
    return counts


def _convention(name: str, tool: str) -> Convention:
    return CONVENTIONS[_check.one_of(name, tool, CONVENTIONS)]


def _printed(total: int, convention: Convention) -> int | float:
    return total if convention.decimals is None else _rounded(total, 10**9, convention.decimals)


def _rounded(total: int, unit: int, decimals: int) -> float:
    return total / unit if _check.is_symbol(total) else round(total / unit, decimals)


def _signed(number: int) -> str:
    if _check.is_symbol(number):
        return str(number)
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(number):,}"
