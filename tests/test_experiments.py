"""The experiments: each runs end to end, in small, and the recorded rows are whole and what the code would record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.resources import files

import numpy
import pytest
from torch.utils.data import Subset

import resnet_lib as rl
from resnet_lib.cli import main
from resnet_lib.lab import experiments
from resnet_lib.lab.data import digits
from resnet_lib.lab.experiments import CASES, record, summary
from resnet_lib.lab.settings import EXPERIMENTS, SEEDS, SETTINGS
from resnet_lib.records import experiment
from tests.helpers.processes import started

TINY = replace(SETTINGS, epochs=1, warmup_epochs=1.0, batch=84)
SMALLEST = {
    "degradation": ["plain-20", "residual-20"],
    "patience": ["plain-44"],
    "zero_init": ["20 layers, as usual", "20 layers, zeroed"],
    "interface": ["basic", "C = w", "C = w, 60 epochs"],
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_in_small(name, tmp_path, monkeypatch):
    """A few cases, pictures, one epoch, one seed. A second call computes nothing again."""
    whole = digits()
    few = replace(whole, train=Subset(whole.train, range(168)), test=Subset(whole.test, range(50)))
    monkeypatch.setattr(experiments, "digits", lambda: few)
    cases = [case for case in CASES[name]() if case.label in SMALLEST.get(name, case.label)]
    out = tmp_path / "record.json"
    rows = list(record(name, cases, TINY, seeds=1, out=out))
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [row["case"] for row in written["rows"]] == [case.label for case in cases]
    assert sorted(rows, key=str) == sorted(written["rows"], key=str)
    assert written.keys() == experiment(name).keys()
    for row, case in zip(written["rows"], cases, strict=True):
        bill = rl.price(case.network, 8)
        assert (row["params"], row["macs"], row["layers"]) == (bill.params, bill.macs, case.network.layers)
        assert 0 <= row["test_error"] <= 1 and len(row["test_errors"]) == len(row["running_errors"]) == case.patience
    before = out.read_bytes()
    assert list(record(name, cases, TINY, seeds=1, out=out)) == written["rows"]
    assert out.read_bytes() == before


def test_what_is_compared():
    assert list(CASES) == list(EXPERIMENTS) == list(SEEDS)
    labels = {name: [case.label for case in cases()] for name, cases in CASES.items()}
    assert all(len(set(own)) == len(own) for own in labels.values())
    for plain, residual in zip(*[iter(CASES["degradation"]())] * 2, strict=True):
        assert replace(plain.network, shortcut="A") == residual.network
    basic, macs, params = CASES["blocks"]()
    ours, equal_macs, equal_params = (rl.price(case.network, 8) for case in (basic, macs, params))
    assert 0.99 < equal_macs.macs / ours.macs <= 1
    assert 0.99 < equal_params.params / ours.params <= 1
    wide, *others = CASES["interface"]()
    assert wide.network.block == "basic" and all(case.network.block == "bottleneck" for case in others[:3])
    own = rl.price(wide.network, 8).macs
    assert all(1 <= rl.price(case.network, 8).macs / own < 1.05 for case in others)
    zeroed = {case.label: case.zero_init_last for case in CASES["zero_init"]()}
    assert set(zeroed.values()) == {True, False}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_recorded_rows(name):
    """Every case from every seed, of the networks that the code describes today, with the errors' own granularity."""
    recorded, cases = experiment(name), {case.label: case for case in CASES[name]()}
    assert [(row["case"], row["seed"]) for row in recorded["rows"]] == [
        (label, seed) for label in cases for seed in range(SEEDS[name])
    ]
    data = digits()
    assert recorded["data"] == str(data)
    for key, value in recorded["settings"].items():
        assert getattr(SETTINGS, key) == value
    for row in recorded["rows"]:
        bill = rl.price(cases[row["case"]].network, 8)
        assert (row["params"], row["macs"]) == (bill.params, bill.macs)
        for error, part in (("train_error", data.train), ("test_error", data.test)):
            assert row[error] * len(part) == pytest.approx(round(row[error] * len(part)), abs=0.01)
        epochs = SETTINGS.epochs * cases[row["case"]].patience
        assert len(row["running_errors"]) == len(row["test_errors"]) == epochs
        assert row["test_errors"][-1] == pytest.approx(row["test_error"], abs=1e-4)
    assert {"processor", "cores", "threads", "torch", "python", "date"} <= recorded["provenance"].keys()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_records_readme_tells_what_the_rows_say(name):
    text = (files("resnet_lib.records") / "README.md").read_text(encoding="utf-8")
    assert f"### {name}\n" in text
    assert f"```\n{summary(experiment(name)).text()}\n```" in text


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_summary_is_what_numpy_says(name):
    rows = experiment(name)["rows"]
    for label, seeds, *errors in summary({"rows": rows}).rows:
        own = [row for row in rows if row["case"] == label]
        expected = [
            size([row[error] for row in own])
            for error in ("train_error", "test_error")
            for size in (numpy.median, numpy.min, numpy.max)
        ]
        assert (seeds, errors) == (len(own), pytest.approx(expected))


def test_the_command(tmp_path, capsys):
    out = tmp_path / "shortcuts.json"
    arguments = ["shortcuts", "--case", "option A", "--seeds", "2", "--jobs", "1", "--out", str(out), "--epochs"]
    assert main(["experiment", *arguments, "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 and lines[2].startswith("option A      2  ")
    before = out.read_bytes()
    assert main(["experiment", *arguments, "1", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    errors = [row["test_error"] for row in json.loads(before)["rows"]]
    assert (row["test_lowest"], row["test_highest"]) == (min(errors), max(errors))
    assert main(["experiment", *arguments, "2"]) == 2
    assert "holds rows of another kind; name another file: epochs 1, not 2" in capsys.readouterr().err
    assert out.read_bytes() == before


def test_ctrl_c_keeps_the_rows_and_says_how_to_go_on(tmp_path):
    """As a terminal sends it: to all processes, those that train too."""
    out = tmp_path / "zero_init.json"
    command = ["-m", "resnet_lib", "experiment", "zero_init", "--case", "20 layers, zeroed", "--epochs", "1"]
    command += ["--seeds", "5000", "--jobs", "2", "--out", str(out)]
    with started([sys.executable, *command], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if out.exists() and json.loads(out.read_text(encoding="utf-8"))["rows"]:
                break
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    *_, last = error.splitlines()
    assert last == f"resnet-lib: stopped: the same command goes on with the rows that {out} holds"
    assert "Traceback" not in error
    assert json.loads(out.read_text(encoding="utf-8"))["rows"]


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", '{"rows": []}', '{"rows": [], "settings": {}}', '{"rows": [], "settings": 1}', '{"rows": [{}]}'],
)
def test_another_json_file_is_no_record(text, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text(text, encoding="utf-8")
    assert main(["experiment", "blocks", "--out", str(other)]) == 2
    error = capsys.readouterr().err
    assert "is not a record of an experiment; name another file" in error and error.count("\n") == 1
    assert other.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blocks", "--case", "basics"], "case must be one of 'basic', "),
        (["blocks", "--seeds", "0"], "seeds must be at least 1: 0"),
        (["blocks", "--epochs", "0"], "epochs must be at least 1: 0"),
        (["blocks", "--jobs", "0"], "jobs must be at least 1: 0"),
        (["blocks", "--out", "/proc/nowhere.json"], "[Errno 2] /proc/nowhere.json cannot be written"),
        (["blocks", "--out", __file__], "is not a record of an experiment; name another file"),
    ],
)
def test_the_command_ends_with_one_line(arguments, message, capsys):
    assert main(["experiment", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
