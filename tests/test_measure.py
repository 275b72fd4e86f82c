"""Measuring: counts, bytes, rows and restored states are exact. No test looks at how long anything takes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from itertools import count, pairwise
from pathlib import Path
from time import sleep
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import resnet_lib as rl
from resnet_lib.book.chapters.time.figures import _apart, measured_roofline
from resnet_lib.cli import main
from resnet_lib.lab import _layers, _limits, _measure
from resnet_lib.lab.machine import NETWORKS
from resnet_lib.lab.provenance import provenance
from resnet_lib.lab.timing import spread
from resnet_lib.nn.vision import torchvision
from resnet_lib.records import machines, timings
from tests.helpers.counters import fvcore, quiet
from tests.helpers.models import EDITS, SMALL, edited, small

SHORT: dict[str, Any] = {"seconds": 1e-3}
MINI = rl.network("cifar_resnet20", depths=(1, 1), widths=(8, 16), stem_width=8)
NO_CUDA = not torch.cuda.is_available()


# --- counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "image", "batch"), [("cifar_resnet20", 16, 2), ("cifar_plain20", (17, 8), 3)])
def test_counts_are_the_bills(name, image, batch):
    bill = rl.price(rl.network(name), image, batch)
    found = rl.lab.measure(name, image, batch, **SHORT)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        rl.build(name).eval()(torch.zeros(bill.rows[0].input_shape))
    assert found.macs == bill.macs == counter.get_total_flops() // 2
    assert (found.activations, found.counted_by) == (bill.activations, "description")
    assert rl.lab.measure(name, image, batch, mode="training", **SHORT).macs == rl.training_macs(bill).macs
    assert (found.network, found.image, found.batch) == (name, bill.rows[0].input_shape[2:], batch)
    assert found.images_per_second * found.seconds == pytest.approx(batch)
    assert found.macs_per_second * found.seconds == pytest.approx(found.macs)
    assert found.quartiles[0] <= found.seconds <= found.quartiles[1]
    assert found.runs >= 3


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize("mode", ["inference", "training"])
def test_a_module_without_a_description_is_counted_by_torch(groups, mode):
    """And comes to the same as ours with one, gradients of grouped convolutions too."""
    bottleneck, shape = torchvision.models.resnet.Bottleneck, {"groups": groups, "width_per_group": 16}
    model = torchvision.models.ResNet(bottleneck, [1, 1, 1, 1], **shape)
    theirs = rl.lab.measure(model, (40, 33), 2, mode=mode, **SHORT)
    ours = rl.lab.measure(rl.network("resnet50", depths=(1, 1, 1, 1), **shape), (40, 33), 2, mode=mode, **SHORT)
    assert (theirs.macs, theirs.activations) == (ours.macs, ours.activations)
    assert (theirs.network, ours.network) == ("ResNet", "NetworkSpec")
    assert (theirs.counted_by, ours.counted_by) == ("torch", "description")


@pytest.mark.parametrize(
    ("model", "macs", "activations"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(60, 5, bias=False)), [300], 5),
        # In a transposed convolution each weight meets each place of the input, 4 × 5; the output has 9 × 11.
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 2, 3, stride=2)), [12 * 20, 72 * 20], 4 * 20 + 2 * 99),
    ],
    ids=["a product", "transposed"],
)
def test_other_operators_are_counted_too(model, macs, activations):
    found = rl.lab.measure(model, (4, 5), 2, **SHORT)
    assert (found.macs, found.activations) == (2 * sum(macs), 2 * activations)
    if len(macs) > 1:
        model.append(nn.Flatten())  # to logits
    step = rl.lab.measure(model, (4, 5), 2, mode="training", **SHORT)
    assert step.macs == 2 * (3 * sum(macs) - macs[0])  # nobody asks for the images' gradient


def test_a_step_of_a_network_that_is_partly_frozen():
    model = rl.build("cifar_resnet20").requires_grad_(False)
    model.fc.requires_grad_(True)
    bill = rl.price(model.spec, 8, 2)
    linear = bill.rows[-1]
    found = rl.lab.measure(model, 8, 2, mode="training", **SHORT)
    assert (found.macs, found.activations) == (bill.macs + linear.macs, bill.activations)


def test_frozen_weights_have_no_momentum():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 512), nn.Linear(512, 2))
    model[1].requires_grad_(False)
    peak = rl.lab.measure(model, 8, 2, mode="training", **SHORT).peak_bytes
    assert model[1].weight.nbytes < peak < 1.2 * model[1].weight.nbytes


def test_defaults_are_those_of_price():
    assert rl.lab.measure("cifar_resnet20", **SHORT).image == (32, 32)
    block = rl.BlockSpec("basic", 4)
    found = rl.lab.measure(block, batch=2, **SHORT)
    assert (found.image, found.macs) == ((56, 56), rl.price(block, batch=2).macs)


def test_settings_come_from_the_module_or_the_call():
    model = rl.build(MINI, dtype=torch.bfloat16, memory_format=torch.channels_last)
    own = rl.lab.measure(model, 8, 2, **SHORT)
    assert (own.dtype, own.memory_format, own.device) == ("bf16", "channels_last", "cpu")
    threads = torch.get_num_threads() + 1
    told = rl.lab.measure(model, 8, 2, dtype="fp32", memory_format="contiguous", threads=threads, **SHORT)
    assert (told.dtype, told.memory_format, told.threads) == ("fp32", "contiguous", threads)


def test_words_and_torchs_own_mean_the_same():
    for dtype, memory_format in (("fp64", "channels_last"), (torch.float64, torch.channels_last)):
        found = rl.lab.measure(MINI, 8, 2, dtype=dtype, memory_format=memory_format, **SHORT)
        assert (found.dtype, found.memory_format) == ("fp64", "channels_last")


@pytest.mark.parametrize("options", [{"compiled": False}, {"compiled": False, "dtype": "bf16"}, {}])
def test_a_copy_for_inference_is_counted_by_torch(options, monkeypatch):
    model = rl.build("cifar_resnet20")
    monkeypatch.setattr(torch, "compile", lambda function: function)
    found = rl.lab.measure(rl.lab.fast(model, **options), 8, **SHORT)
    bill = rl.price(model.spec, 8)
    assert (found.network, found.macs, found.activations) == ("cifar_resnet20", bill.macs, bill.activations)
    assert found.counted_by == "torch"


# --- networks that were changed by hand -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_network_is_counted_as_it_is(name):
    """By fvcore too, which traces the module."""
    model = edited(name)
    found = rl.lab.measure(model, 40, 2, **SHORT)
    if name == "a parametrisation":  # cannot be traced, and does not change the bill
        expected = rl.price(model.spec, 40, 2).macs
    else:
        with quiet():
            images = torch.zeros(2, 1 if name == "channels" else 3, 40, 40)
            counted = fvcore.nn.FlopCountAnalysis(model.eval(), images).by_operator()
        expected = counted["conv"] + counted["linear"]
    assert found.macs == expected
    assert (found.counted_by, found.network) == ("torch", "ResNet")


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_network_has_no_rows(name):
    with pytest.raises(ValueError, match=r"network must compute what its description says, .*, and "):
        rl.lab.layers(edited(name), 40, **SHORT)


def test_the_change_of_a_report():
    """SimCLR and others take the pooling out and let conv1 keep the size of a CIFAR image."""
    model = rl.build("resnet18", classes=10)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    theirs = rl.price(rl.network("resnet18", stem="cifar", stem_width=64, classes=10), 32)
    found = rl.lab.measure(model, 32, **SHORT)
    assert (found.macs, found.activations, found.counted_by) == (theirs.macs, theirs.activations, "torch")


def test_what_is_not_a_change():
    model = rl.build("cifar_resnet20").requires_grad_(False).eval()
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    assert rl.lab.measure(model, 8, **SHORT).counted_by == "description"


# --- memory ---------------------------------------------------------------------------------------------------------


def test_peak_bytes_of_operators_without_a_workspace():
    """Images (2, 3, 8, 8); tanh writes as many numbers, pooling a quarter: all three are alive while it runs."""
    numbers = 2 * 3 * 8 * 8
    model = nn.Sequential(nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 5))
    parameters = 4 * (48 * 5 + 5)
    assert rl.lab.measure(model, 8, 2, **SHORT).peak_bytes == 4 * (numbers + numbers + numbers // 4) + parameters


def test_peak_bytes_of_a_step_without_a_workspace():
    """Three numbers a, b, c of 1000 weights each live through the step: weights, momentum, gradient."""

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1000))

        def forward(self, x):
            return x.flatten(1)[:, :2] * self.weight[:2]

    model = Scale()
    found = rl.lab.measure(model, 1, 2, mode="training", **SHORT)
    images, labels, weights = 4 * 2 * 3, 8 * 2, 4 * 1000
    logits = 4 * 2 * 2
    assert 3 * weights + images + labels < found.peak_bytes < 3 * weights + images + labels + 20 * logits
    assert model.weight.grad is None


@pytest.mark.parametrize("fields", SMALL[::4], ids=lambda fields: "-".join(map(str, fields.values())))
def test_peak_bytes_hold_what_must_be_there(fields):
    spec = small(fields)
    bill = rl.price(spec, 33, 2)
    kept = rl.memory(bill)
    inference = rl.lab.measure(spec, 33, 2, **SHORT).peak_bytes
    assert inference >= kept.parameters + kept.buffers + rl.peak_inference(bill)
    step = rl.lab.measure(spec, 33, 2, mode="training", **SHORT).peak_bytes
    assert step >= kept.parameters + kept.buffers + kept.optimizer + max(kept.activations, kept.gradients)


def test_peak_bytes_repeat():
    first, second = (rl.lab.measure("cifar_resnet20", 16, 2, mode="training", **SHORT).peak_bytes for _ in range(2))
    assert first == second


# --- layer by layer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", SMALL[::3], ids=lambda fields: "-".join(map(str, fields.values())))
def test_layers_are_the_bills_rows(fields):
    spec = small(fields)
    bill = rl.price(spec, (17, 22), 2)
    found = rl.lab.layers(spec, (17, 22), 2, dtype="bf16", **SHORT)
    expected = [(row.name, row.stage, row.block, row.kind, row.macs, row.bytes // 2) for row in bill.rows]
    assert [(row.name, row.stage, row.block, row.kind, row.macs, row.bytes) for row in found.rows] == expected
    assert all(row.seconds >= 0 for row in found.rows)
    assert all(row.share == row.seconds / found.seconds for row in found.rows)
    assert found.unaccounted == pytest.approx(found.seconds - sum(row.seconds for row in found.rows))
    for what in ("stage", "block", "kind"):
        shares = found.by(what)
        assert list(shares) == list(bill.by(what))
        assert sum(shares.values()) + found.unaccounted / found.seconds == pytest.approx(1)


def late_too(monkeypatch, module, wait):
    """Let this one module wait, in its class, so that it is still of that class."""
    forward = type(module).forward
    waiting = lambda self, x: (sleep(wait if self is module else 0), forward(self, x))[1]  # noqa: E731
    monkeypatch.setattr(type(module), "forward", waiting)


def test_layers_read_the_clock_around_every_operation(monkeypatch):
    """An operation that waits is late in its own row; an addition that waits, in its own too."""
    model = rl.build("cifar_resnet20")
    wait = 0.02
    for path in ("layer2.1.bn1", "layer1.0.downsample"):
        late_too(monkeypatch, model.get_submodule(path), wait)
    found = rl.lab.layers(model, 8, **SHORT)
    late = {row.name for row in found.rows if row.seconds >= wait}
    assert late >= {"layer2.1.bn1", "layer1.0.add"}


# --- nothing is left behind -----------------------------------------------------------------------------------------


class Fails(nn.Module):
    """Runs so many times, and then no more."""

    def __init__(self, times):
        super().__init__()
        self.times = times
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        self.times -= 1
        if self.times < 0:
            raise ArithmeticError("enough")
        return self.norm(x).mean((2, 3))


@pytest.mark.parametrize("times", [0, 1, 3])
def test_an_error_within_leaves_nothing_behind(times):
    model = Fails(times)
    model.norm.eval()
    threads, random = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(ArithmeticError, match="enough"):
        rl.lab.measure(model, 8, 2, threads=threads + 1, seconds=10)
    assert (model.training, model.norm.training) == (True, False)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), random)


def test_hooks_are_gone_after_an_error(monkeypatch):
    def fails(*_):
        raise RuntimeError("out of memory")

    model = rl.build("cifar_resnet20")
    monkeypatch.setattr(nn.Linear, "forward", fails)
    with pytest.raises(RuntimeError, match="out of memory"):
        rl.lab.layers(model, 8, **SHORT)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_a_step_runs_where_gradients_are_off(off):
    with off():
        assert rl.lab.measure("cifar_resnet20", 8, 2, mode="training", **SHORT).runs >= 3


def test_an_autocast_around_it_does_not_count():
    seen = []
    model = nn.Sequential(nn.Conv2d(3, 4, 3))
    model[0].register_forward_hook(lambda module, images, out: seen.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        assert rl.lab.measure(model, 8, 1, **SHORT).dtype == "fp32"
    assert set(seen) == {torch.float32}


# --- wrong input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"network": "resnet51"}, ValueError, "resnet50"),
        ({"network": 50}, TypeError, "network must be a name, a description or a torch module: 50"),
        ({"image": 0}, ValueError, "image must be at least 1"),
        ({"image": 1}, ValueError, "image must measure at least 4 pixels"),
        ({"image": 8.5}, TypeError, "image must be a whole number"),
        ({"batch": 0}, ValueError, "batch must be at least 1: 0"),
        ({"batch": 1, "image": 4, "mode": "training"}, ValueError, "batch must be above 1 to train on so small"),
        ({"mode": "both"}, ValueError, "mode must be one of 'inference', 'training': 'both'"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of 'fp32', 'bf16', 'fp16', 'fp64', or .*: 'int8'"),
        ({"dtype": torch.int8}, ValueError, "dtype must be one of .* torch.float32, .*: torch.int8"),
        (
            {"memory_format": "nhwc"},
            ValueError,
            "memory_format must be one of 'contiguous', .*: 'nhwc'",
        ),
        ({"threads": 0}, ValueError, "threads must be at least 1: 0"),
        ({"threads": True}, TypeError, "threads must be a whole number"),
        ({"device": "meta"}, ValueError, "device must be 'cpu'.*: 'meta'"),
        ({"device": "cuda:99"}, ValueError, "device must be 'cpu'.*: 'cuda:99'"),
        ({"device": "abacus"}, ValueError, "device must be 'cpu'.*: 'abacus'"),
        ({"seconds": 0}, ValueError, "seconds must be a finite number above 0: 0"),
        ({"seconds": float("nan")}, ValueError, "seconds must be a finite number above 0: nan"),
        ({"seconds": "long"}, TypeError, "seconds must be a number above 0: 'long'"),
        ({"network": rl.BlockSpec("basic", 4), "mode": "training"}, ValueError, "mode must be 'inference' for a"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_wrong_input(arguments, error, message):
    with pytest.raises(error, match=message):
        rl.lab.measure(**{"network": "cifar_resnet20", "image": 8, **SHORT} | arguments)
    if "mode" not in arguments and "network" not in arguments:
        with pytest.raises(error, match=message):
            rl.lab.layers(**{"network": "cifar_resnet20", "image": 8, **SHORT} | arguments)
    if not set(arguments) - {"dtype", "threads", "device", "seconds"}:
        with pytest.raises(error, match=message):
            rl.lab.limits(**arguments)


@pytest.mark.skipif(not NO_CUDA, reason="this machine has a GPU")
def test_without_a_gpu():
    for function in (lambda: rl.lab.measure("resnet18", device="cuda"), lambda: rl.lab.limits(device="cuda")):
        with pytest.raises(ValueError, match="device must be 'cpu', since torch finds no CUDA device here: 'cuda'"):
            function()


def test_other_modules_have_no_layers():
    for module in (nn.Linear(2, 2), torchvision.models.resnet18(), rl.build(rl.BlockSpec("basic", 4))):
        with pytest.raises(TypeError, match="network must be a name, a NetworkSpec or a"):
            rl.lab.layers(module)
    with pytest.raises(ValueError, match="what must be one of"):
        rl.lab.layers("cifar_resnet20", 8, **SHORT).by("colour")


def test_a_step_of_nothing_that_learns():
    for module in (nn.Flatten(), rl.build("cifar_resnet20").requires_grad_(False)):
        with pytest.raises(ValueError, match="mode must be 'inference' for a module without parameters that learn"):
            rl.lab.measure(module, 8, 2, mode="training", **SHORT)


def test_a_module_that_cannot_be_copied():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
    model.lock = (part for part in "a generator")
    assert rl.lab.measure(model, 1, 2, **SHORT).runs >= 3
    with pytest.raises(ValueError, match="network cannot be copied"):
        rl.lab.measure(model, 1, 2, mode="training", **SHORT)


# --- they show themselves -------------------------------------------------------------------------------------------


def test_a_measurement_shows_itself():
    settings = ("inference", (32, 40), 8, "bf16", "channels_last", 2, "cpu")
    found = _measure.Measurement("resnet18", *settings, 0.0123, (0.012, 0.014), 9, 10**9, 10**6, "torch", 5 * 10**6)
    assert repr(found).splitlines() == [
        "Measured inference: batch: 8, image: 32 × 40, dtype: bf16, layout: channels_last, threads: 2, device: cpu, "
        "counted by: torch",
        "",
        "network       time  lower quartile  upper quartile  images per second  multiply-adds per second  peak memory",
        "-" * 108,
        "resnet18  12.30 ms        12.00 ms        14.00 ms              650.4                    81.3 G       5.0 MB",
    ]
    assert "<caption>Measured inference: batch: 8" in found._repr_html_()


def test_layers_show_themselves():
    row = _layers.LayerTime("conv1", "stem", "stem", "conv", 0.003, 0.75, 1000, 4000)
    found = _layers.Layers((row,), 0.004)
    assert repr(found).splitlines() == [
        "Measured inference, operation by operation",
        "",
        "operation      kind      time    share  multiply-adds  bytes",
        "-" * 60,
        "conv1          conv  3.000 ms   75.0 %          1,000  4,000",
        "unaccounted          1.000 ms   25.0 %              0      0",
        "-" * 60,
        "whole network        4.000 ms  100.0 %          1,000  4,000",
    ]


def test_limits_show_themselves():
    found = _limits.Limits("cpu", 2, "fp32", 3e11, (2e11, 4e11), 5e9, (4e9, 6e9), 1024, 2**28)
    assert repr(found).splitlines() == [
        "Limits of this machine: device: cpu, threads: 2, dtype: fp32",
        "",
        "at most                    median  lower quartile  upper quartile  measured on",
        "-" * 102,
        "multiply-adds per second  300.0 G         200.0 G         400.0 G  a product of 1,024 × 1,024 matrices",
        "bytes per second            5.0 G           4.0 G           6.0 G  a copy of 268,435,456 bytes",
    ]


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_limits(monkeypatch):
    """Seconds fewer than a large product and a large copy take."""
    monkeypatch.setattr(_limits, "COPIED", {"cpu": 2**22})
    monkeypatch.setattr(_limits, "LONG_ENOUGH", 0)


def test_limits(small_limits):
    before = torch.get_num_threads(), torch.get_rng_state(), torch.get_float32_matmul_precision()
    found = rl.lab.limits(threads=before[0] + 1, **SHORT)
    assert (found.device, found.threads, found.dtype) == ("cpu", before[0] + 1, "fp32")
    assert 0 < found.macs_quartiles[0] <= found.macs_per_second <= found.macs_quartiles[1]
    assert 0 < found.bytes_quartiles[0] <= found.bytes_per_second <= found.bytes_quartiles[1]
    after = torch.get_num_threads(), torch.get_rng_state(), torch.get_float32_matmul_precision()
    assert (before[0], before[2]) == (after[0], after[2])
    assert torch.equal(before[1], after[1])


def test_products_on_a_gpu_are_as_precise_as_its_convolutions():
    """The one part of it that can be seen without a GPU: torch's setting, and that it is put back."""
    with _limits._products_as_in_convolutions(torch.device("cuda")):
        expected = "high" if torch.backends.cudnn.allow_tf32 else "highest"
        assert torch.get_float32_matmul_precision() == expected
    assert torch.get_float32_matmul_precision() == "highest"


@given(st.lists(st.floats(1e-6, 1e3), min_size=1))
def test_spread(values):
    found = spread(values)
    assert min(values) <= found.lower <= found.median <= found.upper <= max(values)
    assert found.runs == len(values)


# --- the command ----------------------------------------------------------------------------------------------------

TINY = ("cifar_resnet20", "cifar_plain32", "resnet18")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> tuple[subprocess.CompletedProcess, Path]:
    """The command from a shell, with all that it can write."""
    folder = tmp_path_factory.mktemp("measured")
    options = ["--image", "32", "--batch", "2,3", "--training", "--seconds", "0.01", "--threads", "1"]
    options += ["--layers", TINY[0], "--name", "mine"]
    files = ["--out", str(folder / "mine.json"), "--figure", str(folder / "roofline.html")]
    command = [sys.executable, "-W", "error", "-m", "resnet_lib", "measure", *TINY, *options, *files]
    return subprocess.run(command, capture_output=True, text=True), folder


def test_the_command_writes_a_complete_record(written):
    run, folder = written
    assert (run.returncode, run.stderr) == (0, "")
    record = json.loads((folder / "mine.json").read_text("utf-8"))
    assert set(record["provenance"]) == set(provenance())
    assert all(record["provenance"].values())
    assert record["name"] == "mine"
    assert record["settings"] == {
        "networks": list(TINY), "modes": ["inference", "training"], "batch": [2, 3], "image": 32, "dtype": "fp32",
        "device": "cpu", "memory_format": "contiguous", "threads": 1, "seconds": 0.01, "passes": 1,
    }  # fmt: skip
    assert len(record["rows"]) == 3 * 2 * 2
    assert not record["left_out"]
    top = record["limits"]["macs_per_second"]
    for row in record["rows"]:
        bill = rl.price(rl.network(row["network"]), 32, row["batch"])
        assert row["macs"] == (bill.macs if row["mode"] == "inference" else rl.training_macs(bill).macs)
        assert row["macs_per_second"] == row["macs"] / row["seconds"]
        assert row["share"] == row["macs_per_second"] / top
    assert list(record["layers"]["rows"]) == [row.name for row in rl.price(rl.network(TINY[0]), 32).rows]


def test_the_time_model_is_judged_on_networks_it_has_not_seen(written):
    record = json.loads((written[1] / "mine.json").read_text("utf-8"))
    assert [(fit["mode"], fit["batch"]) for fit in record["time_model"]] == [
        (mode, batch) for mode in ("inference", "training") for batch in (2, 3)
    ]
    for fit in record["time_model"]:
        measured = timings(record, fit["mode"], fit["batch"])
        errors = rl.leave_one_out(measured)
        assert fit["seconds_per_mac"] == rl.fit_time(measured).seconds_per_mac
        for key in ("two_terms", "macs_alone"):
            assert fit[key]["relative"] == dict(getattr(errors, key).relative)
            assert fit[key]["mean"] == getattr(errors, key).mean
            assert fit[key]["median"] <= fit[key]["worst"]


def test_the_command_prints_tables(written):
    out = written[0].stdout
    assert out.startswith("machine: mine, threads: 1, dtype: fp32, peak: ")
    for words in (*TINY, "share", "layer3.2.conv2", "unaccounted", "MACs and activations", "MACs alone"):
        assert words in out


def test_the_figure_is_a_page_of_its_own(written):
    page = (written[1] / "roofline.html").read_text("utf-8")
    assert "MACs per byte" in page
    assert all(name in page for name in TINY)


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_the_numbers_in_full(form, tmp_path, capsys, monkeypatch, small_limits):
    monkeypatch.chdir(tmp_path)
    options = ["--image", "8", "--seconds", "0.001", "--out", "mine.json"]
    assert main(["measure", "cifar_resnet20", "cifar_plain20", *options, form]) == 0
    record, printed = json.loads((tmp_path / "mine.json").read_text("utf-8")), capsys.readouterr().out
    if form == "--json":
        assert json.loads(printed) == record
        return
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["network"] for row in rows] == ["cifar_resnet20", "cifar_plain20"]
    for row, recorded in zip(rows, record["rows"], strict=True):
        assert [float(row["lower"]), float(row["upper"])] == recorded["quartiles"]
        for name in ("seconds", "macs_per_second", "share", "peak_bytes", "images_per_second"):
            assert float(row[name]) == recorded[name]


def test_ctrl_c_ends_with_one_line(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_limits, "limits", interrupted)
    monkeypatch.chdir(tmp_path)
    assert main(["measure", "cifar_resnet20", "--image", "8", "--out", "mine.json"]) == 130
    *_, last = capsys.readouterr().err.splitlines()
    assert last == "resnet-lib: stopped: nothing was written; the same command starts again"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "there.json"], "there.json exists; --overwrite replaces a file"),
        (["--out", ".", "--overwrite"], ". exists; --overwrite replaces a file"),
        (["--out", "missing/mine.json"], "missing/mine.json cannot be written: No such file or directory"),
        (["--figure", "there.json/roofline.html"], "there.json/roofline.html cannot be written: Not a directory"),
        (["resnet51"], "resnet50"),
        (["--layers", "resnet51"], "resnet50"),
        (["resnet18", "--image", "8"], "image must measure at least 32 pixels"),
        (["--batch", "1,0"], "batch must be at least 1: 0"),
        (["--dtype", "int8"], "dtype must be one of 'fp32', 'bf16', 'fp16', 'fp64', "),
        (["--threads", "0"], "threads must be at least 1: 0"),
        (["--memory-format", "nhwc"], "memory_format must be one of"),
        (["--device", "meta"], "device must be 'cpu'"),
        (["--seconds", "-1"], "seconds must be a finite number above 0: -1.0"),
        (["--passes", "0"], "passes must be at least 1: 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_costs_one_line_and_no_time(options, message, tmp_path, monkeypatch, capsys):
    def measures(*_, **__):
        raise AssertionError("it began to measure")

    monkeypatch.setattr("resnet_lib.lab.timing.runs", measures)
    monkeypatch.setattr("resnet_lib.lab._limits.runs", measures)
    monkeypatch.setattr("resnet_lib.lab._measure.runs", measures)
    monkeypatch.setattr("resnet_lib.lab._layers.runs", measures)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.json").write_text("mine")
    assert main(["measure", "cifar_resnet20", *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("resnet-lib: ")
    assert message in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.json"]
    assert (tmp_path / "there.json").read_text() == "mine"


def test_one_network_out_of_memory_leaves_the_others(tmp_path, monkeypatch, capsys, small_limits):
    measure = _measure.measure

    def measure_or_not(name, *arguments, **options):
        if name == "wrn28_10":
            raise RuntimeError("not enough memory\nat this place")
        return measure(name, *arguments, **options)

    monkeypatch.setattr(_measure, "measure", measure_or_not)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text("old")
    options = ["--image", "8", "--seconds", "0.001", "--out", "mine.json", "--overwrite"]
    assert main(["measure", "wrn28_10", "cifar_resnet20", *options]) == 0
    record = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert [row["network"] for row in record["rows"]] == ["cifar_resnet20"]
    assert record["left_out"] == {"wrn28_10, inference, batch 1": "not enough memory"}
    printed = capsys.readouterr().out
    assert "not measured: wrn28_10, inference, batch 1: not enough memory" in printed
    assert "time model: needs at least three networks" in printed


def test_what_fails_later_costs_no_row(tmp_path, monkeypatch, small_limits):
    """A pass, the second one's limits, the layers: memory may run out at any time."""

    def now_and_then(function):
        calls = count()

        def run(*arguments, **options):
            if next(calls):
                raise RuntimeError("out of memory")
            return function(*arguments, **options)

        return run

    monkeypatch.setattr(_measure, "measure", now_and_then(_measure.measure))
    monkeypatch.setattr(_limits, "limits", now_and_then(_limits.limits))
    monkeypatch.setattr(_layers, "layers", now_and_then(next))  # a TypeError, would it come to that
    with pytest.raises(RuntimeError):
        _layers.layers(count()), _layers.layers()
    monkeypatch.chdir(tmp_path)
    options = [
        "--image",
        "8",
        "--seconds",
        "0.001",
        "--passes",
        "2",
        "--layers",
        "cifar_resnet20",
        "--out",
        "mine.json",
    ]
    assert main(["measure", "cifar_resnet20", *options]) == 0
    record = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert [row["network"] for row in record["rows"]] == ["cifar_resnet20"]
    assert record["left_out"] == dict.fromkeys(("the limits", "cifar_resnet20, layer by layer"), "out of memory")
    assert "layers" not in record
    assert main(["measure", "cifar_plain20", "--image", "8", "--seconds", "0.001"]) == 2


def test_of_several_limits_each_ceiling_is_the_highest(tmp_path, monkeypatch):
    of_pass = [
        _limits.Limits("cpu", 1, "fp32", 3e9, (2e9, 4e9), 5e9, (4e9, 6e9), 512, 8),
        _limits.Limits("cpu", 1, "fp32", 2e9, (1e9, 3e9), 7e9, (6e9, 8e9), 1024, 8),
    ]
    passes = iter(of_pass)
    monkeypatch.setattr(_limits, "limits", lambda *_, **__: next(passes))
    monkeypatch.chdir(tmp_path)
    options = ["--image", "8", "--seconds", "0.001", "--passes", "2", "--out", "mine.json"]
    assert main(["measure", "cifar_resnet20", *options]) == 0
    found = json.loads((tmp_path / "mine.json").read_text("utf-8"))["limits"]
    assert (found["macs_per_second"], found["macs_quartiles"], found["side"]) == (3e9, [2e9, 4e9], 512)
    assert (found["bytes_per_second"], found["bytes_quartiles"]) == (7e9, [6e9, 8e9])


def test_of_several_passes_each_row_keeps_its_quickest(tmp_path, monkeypatch, small_limits):
    measure, seconds = _measure.measure, iter([3.0, 1.0, 2.0, 4.0, 5.0, 0.5])  # two networks, three passes

    def measured(*arguments, **options):
        return replace(measure(*arguments, **options), seconds=next(seconds))

    monkeypatch.setattr(_measure, "measure", measured)
    monkeypatch.chdir(tmp_path)
    options = ["--image", "8", "--seconds", "0.001", "--passes", "3", "--out", "mine.json"]
    assert main(["measure", "cifar_resnet20", "cifar_plain20", *options]) == 0
    rows = json.loads((tmp_path / "mine.json").read_text("utf-8"))["rows"]
    assert [(row["network"], row["seconds"]) for row in rows] == [("cifar_resnet20", 2.0), ("cifar_plain20", 0.5)]


# --- records and their figure ---------------------------------------------------------------------------------------


def record_of(names, share=0.5, top=1e11, image=None, batch=8) -> dict[str, Any]:
    """As if each network reached that share of the peak."""
    rows = []
    for name in names:
        bill = rl.price(rl.network(name), image, batch)
        place = {"network": name, "mode": "inference", "batch": batch, "image": bill.rows[0].input_shape[2:]}
        rows.append(place | {"dtype": "fp32", "seconds": bill.macs / (share * top)})
    return {"limits": {"macs_per_second": top, "bytes_per_second": 1e10}, "rows": rows}


def test_timings_carry_the_bills_counts():
    record = record_of(NETWORKS)
    for timing, name in zip(timings(record), NETWORKS, strict=True):
        bill = rl.price(rl.network(name), batch=8)
        assert (timing.network, timing.macs, timing.activations) == (name, bill.macs, bill.activations)
    with pytest.raises(ValueError, match="mode must be one that was measured, inference: 'training'"):
        timings(record, "training")
    with pytest.raises(ValueError, match="batch must be one that was measured, 8: 4"):
        timings(record, batch=4)


@pytest.mark.parametrize("name", machines())
def test_recorded_machines(name):
    record = machines()[name]
    assert set(record["provenance"]) >= {"processor", "device", "threads", "torch", "date"}
    for row in record["rows"]:
        bill = rl.price(rl.network(row["network"]), row["image"], row["batch"])
        assert row["macs"] == (bill.macs if row["mode"] == "inference" else rl.training_macs(bill).macs)
        assert row["share"] == pytest.approx(row["macs_per_second"] / record["limits"]["macs_per_second"])
    for fit in record["time_model"]:
        errors = rl.leave_one_out(timings(record, fit["mode"], fit["batch"]))
        assert fit["two_terms"]["mean"] == pytest.approx(errors.two_terms.mean)
        assert fit["macs_alone"]["mean"] == pytest.approx(errors.macs_alone.mean)
    assert measured_roofline(record)["data"]


def test_the_projects_own_machine_is_among_them():
    """With enough networks for the time model."""
    record = machines()["xeon_2_cores"]
    assert {(fit["mode"], fit["batch"], fit["networks"]) for fit in record["time_model"]} == {
        (mode, batch, 13) for mode in ("inference", "training") for batch in (1, 4)
    }
    assert record["layers"]["network"] == "resnet50"
    readme = (files("resnet_lib.records") / "README.md").read_text(encoding="utf-8")
    for fit in record["time_model"]:
        errors = " +".join(f"{100 * fit[key]['mean']:.1f} %" for key in ("two_terms", "macs_alone"))
        assert re.search(rf"^{fit['mode']}, batch {fit['batch']} +{errors}$", readme, re.MULTILINE)


def test_the_roofline_has_both_ceilings_and_every_network():
    drawn = measured_roofline(record_of(NETWORKS))
    slanted, flat = drawn["data"][:2]
    assert (slanted["x"][1], slanted["y"][1]) == (flat["x"][0], flat["y"][0]) == (10.0, 1e11)
    assert slanted["y"][0] / slanted["x"][0] == pytest.approx(1e10)
    marks = [trace for trace in drawn["data"] if trace["mode"] == "markers"]
    expected = sorted(rl.intensity(rl.price(rl.network(name), batch=8)) for name in NETWORKS)
    assert sorted(mark["x"][0] for mark in marks) == pytest.approx(expected)
    assert all(mark["y"][0] == pytest.approx(0.5e11) for mark in marks)
    labels = [words["text"] for words in drawn["layout"]["annotations"]]
    assert sorted(labels) == sorted(["matrix product: 100", *(f"{name}: 50 %" for name in NETWORKS)])


@given(st.lists(st.floats(0, 3), min_size=1, max_size=16), st.floats(0.01, 0.1))
def test_labels_stand_apart(heights, gap):
    heights = sorted(heights, reverse=True)
    placed = _apart(heights, gap, 0.0)
    assert all(above - below >= gap * 0.999 for above, below in pairwise(placed))
    assert min(placed) >= 0
