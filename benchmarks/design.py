"""How long it takes to find the best networks for a budget: `rl.design` against pricing every network.

The question: of all ResNets of bottlenecks with 1 … 18 blocks in each of four stages (104,976 networks), which ten
have the most layers within ResNet-50's MACs and parameters? Compared:

- `design`: exact, from one bill;
- the same with a function for criterion, which has to see every network that fits;
- `design` where every network fits and nothing can be pruned by the budget;
- `design` over 1 … 36 blocks in each stage (1,679,616 networks);
- brute force: each network described and priced by itself with `rl.price`, on a sample of 400 drawn evenly from the
  104,976, its time multiplied up; sorting the results is not counted.

On a space small enough to price in full, both must give the same answer, or nothing is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import resnet_lib as rl
from benchmarks.timing import Result, Seconds, call_time, side_by_side
from resnet_lib.cost.search import Candidate, design

NET = rl.network("resnet50")
BILL = rl.price(NET)
BUDGETS = {"macs": BILL.macs, "params": BILL.params}
SAMPLE = 400


def run(rounds: int = 7) -> list[Result]:
    """Results against `design`."""
    check()
    networks = list(product(range(1, 19), repeat=4))
    sample = networks[:: len(networks) // SAMPLE][:SAMPLE]
    contenders = {
        "design, 104,976 networks": timer(lambda: search(18)),
        "the same, best a function": timer(lambda: search(18, best=lambda c: c.layers)),
        "the same, a budget for all": timer(lambda: design(NET, depths=range(1, 19), macs=1e12)),
        "design, 1,679,616 networks": timer(lambda: search(36)),
        f"rl.price of each (from {SAMPLE})": scaled(timer(lambda: brute_force(sample)), len(networks) / SAMPLE),
    }
    return side_by_side("The deepest networks for ResNet-50's MACs and parameters", contenders, rounds)


def search(most: int, **options: Callable[[Candidate], int]) -> tuple[Candidate, ...]:
    """The ten best with up to so many blocks a stage."""
    return design(NET, depths=range(1, most + 1), **BUDGETS, **options)


def brute_force(networks: list[tuple[int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """(layers, depths) of those that fit."""
    fit = []
    for depths in networks:
        spec = replace(NET, depths=depths)
        bill = rl.price(spec)
        if bill.macs <= BUDGETS["macs"] and bill.params <= BUDGETS["params"]:
            fit.append((spec.layers, depths))
    return fit


def check() -> None:
    """Both give the same on 1 … 5 blocks a stage, 625 networks."""
    fit = brute_force(list(product(range(1, 6), repeat=4)))
    best = sorted(fit, key=lambda entry: entry[0], reverse=True)[:10]
    found = [(c.layers, c.depths) for c in search(5)]
    if found != best:
        raise AssertionError(f"design and brute force disagree: {found}, {best}")


def timer(function: Callable[[], object]) -> Callable[[], Seconds]:
    """A measurement of one call."""
    return call_time(function, calls=1, warmup=1)


def scaled(measure: Callable[[], Seconds], factor: float) -> Callable[[], Seconds]:
    """A measurement multiplied up."""
    return lambda: factor * measure()
