"""The command line: what it prints is what the library says, and bad input gets one line."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import resnet_lib as rl
from resnet_lib.cli import BY, RATIOS, TOTALS, main
from resnet_lib.cost.conventions import CONVENTIONS, report
from resnet_lib.cost.search import design, twin

ROOT = Path(rl.__file__).parent.parent


@pytest.fixture
def output(capsys):
    """What a command prints."""

    def run(command):
        assert main(command.split()) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run


@pytest.fixture
def read(output):
    """(rows as JSON, rows as CSV, the rest of the JSON)."""

    def run(command):
        content = json.loads(output(f"{command} --json"))
        table = list(csv.reader(io.StringIO(output(f"{command} --csv"))))
        assert len({len(line) for line in table}) == 1
        rows = content.pop("rows")
        assert [list(row) for row in rows] == [table[0]] * len(rows)
        return rows, [dict(zip(table[0], line, strict=True)) for line in table[1:]], content

    return run


def totals(bill):
    return {name: getattr(bill, name) for name in TOTALS}


def as_text(row):
    """A row of the JSON as the CSV has it."""
    return {k: ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in row.items()}


# --- price ----------------------------------------------------------------------------------------------------------


def test_price_as_a_table(output):
    assert (
        output("price resnet50 --image 224 --by stage")
        == """\
network: resnet50, layers: 50, image: 224x224, batch: 1

stage       params           macs  activations          flops        bytes
--------------------------------------------------------------------------
stem         9,536    118,013,952      802,816    240,041,984   20,710,656
layer1     215,808    667,942,912    4,415,488  1,350,737,920  124,496,896
layer2   1,219,584  1,027,604,480    3,110,912  2,065,745,920   98,807,808
layer3   7,098,368  1,464,336,384    2,157,568  2,936,148,992   94,625,792
layer4  14,964,736    809,238,528      627,200  1,620,559,360   78,524,416
head     2,049,000      2,048,000        1,000      4,196,352    8,617,792
--------------------------------------------------------------------------
total   25,557,032  4,089,184,256   11,114,984  8,217,430,528  425,783,360
"""
    )


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize(
    ("options", "overrides", "image", "batch"),
    [
        ("", {}, None, 1),
        ("--set shortcut=C --set stride_on=1x1 --set depths=1,2,1,1 --set preactivation=true --image 64x96 --batch 3",
         dict(shortcut="C", stride_on="1x1", depths=(1, 2, 1, 1), preactivation=True), (64, 96), 3),
    ],
)  # fmt: skip
def test_price_as_json_and_csv(read, by, options, overrides, image, batch):
    bill = rl.price(rl.network("resnet50", **overrides), image, batch)
    if by == "total":
        expected = {"total": totals(bill)}
    elif by == "operation":
        expected = {row.name: {name: getattr(row, name) for name in TOTALS} for row in bill.rows}
    else:
        expected = {key: totals(part) for key, part in bill.by(by).items()}
    rows, lines, rest = read(f"price resnet50 --by {by} {options}")
    assert {row[by]: {name: row[name] for name in TOTALS} for row in rows} == expected
    assert lines == [as_text(row) for row in rows]
    assert rest.pop("total", totals(bill)) == totals(bill)
    height, width = image or (224, 224)
    assert rest == {
        "network": "resnet50",
        "layers": rl.network("resnet50", **overrides).layers,
        "image": f"{height}x{width}",
        "batch": batch,
    }


def test_operations_have_their_shapes(read):
    rows, _, _ = read("price resnet18 --by operation")
    assert rows[0] == {
        "operation": "conv1",
        "kind": "conv",
        "input": [1, 3, 224, 224],
        "output": [1, 64, 112, 112],
        "params": 9408,
        "macs": 118013952,
        "activations": 802816,
        "flops": 236027904,
        "bytes": 3851008,
    }


# --- report, compare, design, twin ----------------------------------------------------------------------------------


def test_report(read, output):
    bill = rl.price(rl.network("resnet34"))
    rows, lines, _ = read("report resnet34")
    expected = {tool: report(bill, tool) for tool in CONVENTIONS}
    assert {row["tool"]: row["prints"] for row in rows} == json.loads(json.dumps(expected))
    assert lines == [as_text(row) for row in rows]
    assert [row["says"] for row in rows] == [convention.says for convention in CONVENTIONS.values()]
    chosen = output("report resnet50 --tool thop --tool timm").splitlines()
    assert [line.split() for line in chosen[4:]] == [
        ["thop", "4,133,742,592", "MACs", "MACs"],
        ["timm", "4.11,11.11", "GMACs", "10^9", "MACs,", "10^6", "activations"],
    ]


def test_compare(read, output):
    names = ["resnet34", "resnet50", "cifar_resnet20"]
    rows, lines, rest = read(f"compare {' '.join(names)}")
    bills = [rl.price(rl.network(name)) for name in names]
    assert [row["network"] for row in rows] == names
    assert [row["layers"] for row in rows] == [34, 50, 20]
    assert [row["image"] for row in rows] == ["224x224", "224x224", "32x32"]
    for name in RATIOS:
        assert [row[name] for row in rows] == [getattr(bill, name) for bill in bills]
        assert [row[f"{name}_ratio"] for row in rows] == [getattr(b, name) / getattr(bills[0], name) for b in bills]
    assert lines == [as_text(row) for row in rows]
    assert rest == {"ratios_to": "resnet34", "batch": 1}
    assert output("compare resnet34 resnet50").splitlines()[-1].split()[-3:] == ["1.172", "1.116", "2.973"]


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("--macs 4.1G --params 26M --depths 1-6", dict(macs=4.1e9, params=26e6, depths=range(1, 7))),
        ("--bytes 3e8 --depths 2 --limit 3 --best=-macs", dict(bytes=3e8, depths=range(2, 3), limit=3, best="-macs")),
        ("--activations 12000k --depths 3,4,1-9:2,3", dict(activations=12e6, depths=(3, 4, range(1, 10, 2), 3))),
        ("--macs 2G --depths 1-4 --width 32-64:16", dict(macs=2e9, depths=range(1, 5), width=(32, 48, 64))),
        ("--macs 2G --depths 1-4 --set groups=1 --set groups=32 --set block=basic --best=layers,-activations",
         dict(macs=2e9, depths=range(1, 5), groups=(1, 32), block="basic", best=("layers", "-activations"))),
    ],
)  # fmt: skip
def test_design(read, options, arguments):
    rows, lines, _ = read(f"design resnet50 {options}")
    candidates = design("resnet50", **arguments)
    assert candidates
    for key in ("macs", "params", "activations", "bytes", "layers"):
        assert [row[key] for row in rows] == [getattr(c, key) for c in candidates]
    for key in ("block", "depths", "widths", *(["groups"] if "groups" in arguments else [])):
        assert [row[key] for row in rows] == json.loads(json.dumps([getattr(c.spec, key) for c in candidates]))
    assert lines == [as_text(row) for row in rows]


def test_nothing_fits(output):
    text = output("design resnet50 --macs 1k")
    assert text.splitlines()[0] == "base: resnet50, max_macs: 1,000, best: layers"
    assert len(text.splitlines()) == 4  # head, empty, columns, rule


def test_twin(read):
    (net, other), _, _ = read("twin resnet50")
    assert net["network"] == "resnet50"
    assert (other["block"], other["depths"], other["layers"]) == ("basic", [3, 4, 7, 3], 36)
    (_, other), _, _ = read("twin resnet34 --block bottleneck --budget params --image 160")
    assert other["depths"] == list(twin("resnet34", "bottleneck", budget="params", image=160).depths)


# --- bad input ------------------------------------------------------------------------------------------------------

BAD = {
    "": "the following arguments are required: command",
    "prize resnet50": "invalid choice: 'prize'",
    "price": "the following arguments are required: network",
    "price resnet51": "name must be one of resnet18, resnet34",
    "price resnet50 --colour": "unrecognized arguments: --colour",
    "price resnet50 --by layer": "argument --by: invalid choice: 'layer'",
    "price resnet50 --image big": "--image: must be pixels such as 224, or height x width such as 224x320: 'big'",
    "price resnet50 --image 1x2x3": "or height x width such as 224x320: '1x2x3'",
    "price resnet50 --image 20": "image must measure at least 32 pixels a side",
    "price resnet50 --batch 0": "batch must be at least 1: 0",
    "price resnet50 --batch 1.5": "argument --batch: must be a whole number: '1.5'",
    "price resnet50 --json --csv": "argument --csv: not allowed with argument --json",
    "price resnet50 --set shortcut": "argument --set: must be FIELD=VALUE such as shortcut=C: 'shortcut'",
    "price resnet50 --set shortcut=D": "shortcut must be one of 'A', 'B', 'C', 'none': 'D'",
    "price resnet50 --set colour=red": "colour is not a field of a network; allowed are block, depths",
    "price resnet50 --set depths=3,x": "depths must be whole numbers such as 3,4,6,3: '3,x'",
    "price resnet50 --set depths=3,4": "depths and widths must be equally long",
    "price resnet50 --set groups=x": "argument --set: groups must be a whole number: 'x'",
    "price resnet50 --set preactivation=1": "preactivation must be true or false: '1'",
    "price resnet18 --set stride_on=1x1": "stride_on is for the bottleneck block",
    "price resnet18 --set groups=1 --set groups=2": "--set groups is given twice: 1 and 2",
    "report resnet50 --tool calculator": "tool must be one of",
    "compare": "the following arguments are required: network",
    "compare resnet34 nothing": "name must be one of",
    "design resnet50": "a budget must be given, at least one of macs, params, activations, bytes",
    "design resnet50 --macs much": "argument --macs: must be a number, with k, M, G, T or without: 'much'",
    "design resnet50 --macs nan": "argument --macs: must be a number, with k, M, G, T or without: 'nan'",
    "design resnet50 --macs 1e999999999": "argument --macs: must be a number",
    "design resnet50 --macs -1": "macs must be a finite upper bound above 0: -1",
    "design resnet50 --macs 1G --best speed": "best must be one of 'macs'",
    "design resnet50 --macs 1G --depths 1-x": "--depths: must be numbers such as 1-36, 48-96:16 or 1,2,4: '1-x'",
    "design resnet50 --macs 1G --depths 9-1": "depths[0] must hold at least one number",
    "design resnet50 --macs 1G --depths 3,4": "or one entry for each of 4",
    "design resnet50 --macs 1G --width 64-96:0": "--width: must be numbers such as 1-36, 48-96:16 or 1,2,4",
    "design resnet50 --macs 1G --set depths=1,1,1,1": "the family's depths are those of --depths",
    "design resnet50 --macs 1G --limit 0": "limit must be at least 1: 0",
    "twin resnet50 --block plain": "argument --block: invalid choice: 'plain'",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_gets_one_line(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main(command.split())
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("python -m resnet_lib")
    assert err.count("\n") == 1 and err.endswith("\n")
    assert BAD[command] in err


# --- as a program ---------------------------------------------------------------------------------------------------


def python(*arguments, **options):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, **options)


def test_the_program():
    run = python("-m", "resnet_lib", "compare", "resnet34", "resnet50", "--csv")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[2].startswith('resnet50,bottleneck,"3,4,6,3",224x224,50,25557032,4089184256,')
    run = python("-m", "resnet_lib", "price", "resnet51")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1


def test_help_shows_examples_that_work(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    examples = [line.split() for line in text.splitlines() if line.startswith("  python -m resnet_lib ")]
    assert {words[3] for words in examples} == {"price", "report", "compare", "design", "twin"}
    for words in examples:
        if ">" in words:
            words = words[: words.index(">")]
        assert main(words[3:]) == 0
        assert capsys.readouterr().out
    assert all(name in text for name in rl.names())


def test_nothing_but_the_standard_library_is_loaded():
    script = """
import sys
before = set(sys.modules)
from resnet_lib.cli import main
for command in ("price resnet50", "report resnet50", "compare resnet34 resnet50", "design resnet18 --macs 1G"):
    main(command.split())
loaded = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
sys.exit(str(loaded) if loaded != {"resnet_lib"} else 0)
"""
    run = python("-c", script)
    assert run.returncode == 0, run.stderr


def test_a_reader_that_leaves_early():
    """`python -m resnet_lib … | head -1`: no traceback, whether the pipe breaks early or at the last flush."""
    for by in ("total", "operation"):
        read_end, write_end = os.pipe()
        os.close(read_end)
        with os.fdopen(write_end, "w") as pipe:
            command = [sys.executable, "-m", "resnet_lib", "price", "cifar_resnet110", "--by", by]
            run = subprocess.run(command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True)
        assert (run.returncode, run.stderr) == (0, "")
