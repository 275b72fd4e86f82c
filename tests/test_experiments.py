"""The experiments: each runs end to end, in small, and the recorded rows are whole and what the code would record."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import pytest
from torch.utils.data import Subset

import resnet_lib as rl
from resnet_lib.lab import experiments
from resnet_lib.lab.data import digits
from resnet_lib.lab.experiment import _table, main
from resnet_lib.lab.experiments import CASES, record
from resnet_lib.lab.settings import EXPERIMENTS, SEEDS, SETTINGS
from resnet_lib.records import experiment

TINY = replace(SETTINGS, epochs=1, warmup_epochs=1.0, batch=84)
SMALLEST = {
    "degradation": ["plain-20", "residual-20"],
    "patience": ["plain-44"],
    "zero_init": ["20 layers, as usual", "20 layers, zeroed"],
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
    folder = files("resnet_lib.records")
    table = _table(folder / "experiments" / f"{name}.json")
    assert f"### {name}\n" in (text := (folder / "README.md").read_text(encoding="utf-8"))
    assert f"```\n{table}\n```" in text


def test_the_command(tmp_path, capsys):
    out = tmp_path / "shortcuts.json"
    arguments = ["shortcuts", "--case", "option A", "--epochs", "1", "--seeds", "2", "--jobs", "2", "--out", str(out)]
    assert main(arguments) == 0
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 2 and table[1].startswith("option A") and "…" in table[1]
    before = out.read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main([*arguments[:4], "2", *arguments[5:]])
    assert "holds rows of another kind; name another file: epochs 1, not 2" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", '{"rows": []}', '{"rows": [], "settings": {}}', '{"rows": [], "settings": 1}', '{"rows": [{}]}'],
)
def test_another_json_file_is_no_record(text, tmp_path, capsys):
    other = tmp_path / "other.json"
    other.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="2"):
        main(["blocks", "--out", str(other)])
    error = capsys.readouterr().err
    assert "is no record of an experiment; name another file" in error and error.count("\n") == 1
    assert other.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["blocks", "--case", "basics"], "case must be one of 'basic', "),
        (["blocks", "--seeds", "0"], "seeds must be at least 1: 0"),
        (["blocks", "--epochs", "0"], "epochs must be at least 1: 0"),
        (["blocks", "--jobs", "0"], "jobs must be at least 1: 0"),
        (["blocks", "--out", "/proc/nowhere.json"], "[Errno 2] /proc/nowhere.json cannot be written"),
        (["blocks", "--out", __file__], "is no record of an experiment; name another file"),
    ],
)
def test_the_command_ends_with_one_line(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
