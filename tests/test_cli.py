"""The command line: what it prints is what the library says, and bad input gets one line."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import fields
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import resnet_lib as rl
import resnet_lib.__main__
from resnet_lib.cli import EXAMPLES, RATIOS, TOTALS, AllFields, app, main
from resnet_lib.cost.conventions import CONVENTIONS, report
from resnet_lib.cost.search import design, twin
from resnet_lib.lab.settings import EXPERIMENTS, Settings

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


@pytest.mark.parametrize("by", ["total", "stage", "block", "kind", "kernel", "operation"])
@pytest.mark.parametrize(
    ("options", "overrides", "image", "batch"),
    [
        ("", {}, None, 1),
        ("--shortcut C --stride-on 1x1 --depths 1,2,1,1 --preactivation --image 64x96 --batch 3",
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
    two = {tool: tuple(said) if isinstance(said, tuple) else (said, None) for tool, said in expected.items()}
    assert {row["tool"]: (row["prints"], row["and"]) for row in rows} == two
    assert [line["prints"] for line in lines] == [str(first) for first, _ in two.values()]
    assert [row["says"] for row in rows] == [convention.says for convention in CONVENTIONS.values()]
    chosen = output("report resnet50 --tool thop,timm").splitlines()
    assert [line.split() for line in chosen[4:]] == [
        ["thop", "4,133,742,592", "MACs", "MACs"],
        ["timm", "4.11", "11.11", "GMACs", "10⁹", "MACs,", "10⁶", "activations"],
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
    assert output("compare resnet34 resnet50").splitlines()[-1].split()[-6:] == [
        "×",
        "1.172",
        "×",
        "1.116",
        "×",
        "2.973",
    ]


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("--macs 4.1G --params 26M --depths 1-6", dict(macs=4.1e9, params=26e6, depths=range(1, 7))),
        ("--bytes 3e8 --depths 2 --limit 3 --best -macs", dict(bytes=3e8, depths=range(2, 3), limit=3, best="-macs")),
        ("--activations 12000k --depths 3,4,1-9:2,3", dict(activations=12e6, depths=(3, 4, range(1, 10, 2), 3))),
        ("--macs 2G --depths 1-4 --width 32-64:16", dict(macs=2e9, depths=range(1, 5), width=(32, 48, 64))),
        ("--macs 2G --depths 1-4 --groups 1,32 --block basic --best layers,-activations",
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
    assert read("twin resnet50 --to basic")[0][1] == other
    (_, other), _, _ = read("twin resnet34 --budget params --image 160")
    assert other["depths"] == list(twin("resnet34", "bottleneck", budget="params", image=160).depths)


def test_names(read):
    rows, lines, _ = read("names")
    assert [row["network"] for row in rows] == list(rl.names())
    for row in rows[::5]:
        bill = rl.price(rl.network(row["network"]))
        assert (row["params"], row["macs"]) == (bill.params, bill.macs)
    assert lines == [as_text(row) for row in rows]


# --- every field is an option ---------------------------------------------------------------------------------------


def test_every_field_of_a_network_is_an_option():
    assert {field.name for field in fields(AllFields)} == {field.name for field in fields(rl.NetworkSpec)}


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("resnet50", dict(widths=(32, 64, 128, 256), stem="cifar", stem_width=24, groups=2, width_per_group=32)),
        ("resnet18", dict(block="bottleneck", in_channels=1, classes=10, shortcut="none")),
        ("cifar_preact164", dict(preactivation=False, stride_on="3x3")),
    ],
)
def test_an_option_overrides_a_field(output, name, overrides):
    words = []
    for field, value in overrides.items():
        flag = field.replace("_", "-")
        given = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--no-{flag}"] if value is False else [f"--{flag}", given]
    found = json.loads(output(f"price {name} --by total --image 64 --json {' '.join(words)}"))
    assert found["rows"] == [{"total": "total"} | totals(rl.price(rl.network(name, **overrides), 64))]


# --- bad input ------------------------------------------------------------------------------------------------------

BAD = {
    "prize resnet50": 'Unknown command "prize". Did you mean "price"?',
    "price": 'Command "price" parameter NAME requires an argument.',
    "price resnet50 resnet34": "resnet34",
    "price resnet51": "name must be one of resnet18, resnet34",
    "price resnet50 --colour red": "Unknown option: --colour.",
    "price resnet50 --by layer": 'Invalid value "layer" for --by. Choose from: "total", "stage"',
    "price resnet50 --image big": "--image: must be pixels such as 224, or height x width such as 224x320: 'big'",
    "price resnet50 --image 1x2x3": "or height x width such as 224x320: '1x2x3'",
    "price resnet50 --image 20": "image must measure at least 32 pixels a side",
    "price resnet50 --image": "parameter --image requires an argument",
    "price resnet50 --batch 0": "batch must be at least 1: 0",
    "price resnet50 --batch -1": "batch must be at least 1: -1",
    "price resnet50 --batch 1.5": "--batch: must be a whole number: '1.5'",
    "price resnet50 --batch 1 --batch 2": "--batch specified multiple times",
    "price resnet50 --json --csv": "--json and --csv must not be given together",
    "price resnet50 --shortcut D": "shortcut must be one of 'A', 'B', 'C', 'none': 'D'",
    "price resnet50 --shortcut A,B": "shortcut must be one of 'A', 'B', 'C', 'none': ('A', 'B')",
    "price resnet50 --depths 3,x": "--depths: must be whole numbers such as 3,4,6,3: '3,x'",
    "price resnet50 --depths 3,4": "depths and widths must be equally long",
    "price resnet50 --depths -3,4,6,3": "depths[0] must be at least 1: -3",
    "price resnet50 --groups x": "--groups: must be a whole number: 'x'",
    "price resnet50 --groups 1,2": "groups must be a whole number, at least 1: (1, 2)",
    "price resnet18 --stride-on 1x1": "stride_on is for the bottleneck block",
    "report resnet50 --tool calculator": "tool must be one of",
    "compare": 'Command "compare" parameter NAME requires an argument.',
    "compare resnet34 nothing": "name must be one of",
    "design resnet50": "a budget must be given, at least one of macs, params, activations, bytes",
    "design resnet50 --macs much": "--macs: must be a number, with k, M, G, T or without: 'much'",
    "design resnet50 --macs nan": "--macs: must be a number, with k, M, G, T or without: 'nan'",
    "design resnet50 --macs 1e999999999": "--macs: must be a number",
    "design resnet50 --macs -1": "macs must be a finite upper bound above 0: -1",
    "design resnet50 --macs 1G --best speed": "best must be one of 'macs'",
    "design resnet50 --macs 1G --depths 1-x": "--depths: must be numbers such as 1-36, 48-96:16 or 1,2,4: '1-x'",
    "design resnet50 --macs 1G --depths 9-1": "depths[0] must hold at least one number",
    "design resnet50 --macs 1G --depths 3,4": "or one entry for each of 4",
    "design resnet50 --macs 1G --width 64-96:0": "--width: must be numbers such as 1-36, 48-96:16 or 1,2,4",
    "design resnet50 --macs 1G --limit 0": "limit must be at least 1: 0",
    "twin resnet50 --to plain": 'Invalid value "plain" for --to.',
    "names resnet50": "resnet50",
    "train --epochs 1.5": "--epochs: must be a whole number: '1.5'",
    "train --epochs 0": "epochs must be at least 1: 0",
    "train --precision fp8": 'Invalid value "fp8" for --precision. Choose from: "fp32", "bf16".',
    "train --lr high": '--lr: unable to convert "high" into float',
    "train --image 16": "--image must not be given with --data digits: it is for a folder's images",
    "train --data cifar10 --image 16": "--image must not be given with --data cifar10",
    "train --download": "--download must not be given with --data digits: it is for cifar10",
    "train --data photos --data-folder there": "--data-folder must not be given with --data photos: it is for cifar10",
    "train --out=": "--out: must not be empty: ''",
    "train --data=": "--data: must not be empty: ''",
    "train --data cifar10 --data-folder=": "--data-folder: must not be empty: ''",
    "measure --out=": "--out: must not be empty: ''",
    "measure --figure=": "--figure: must not be empty: ''",
    "measure --name=": "--name: must not be empty: ''",
    "measure --overwrite": "--overwrite must not be given without --out or --figure",
    "measure --csv --layers resnet18": "--layers must not be given with --csv",
    "experiment blocks --out=": "--out: must not be empty: ''",
    "experiment": 'Command "experiment" parameter NAME requires an argument.',
    "experiment block": "experiment must be one of 'degradation', 'blocks'",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_gets_one_line(command, capsys):
    assert main(command.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("resnet-lib: ")
    assert err.count("\n") == 1 and err.endswith("\n")
    assert BAD[command] in err


# --- help -----------------------------------------------------------------------------------------------------------


def test_the_commands_are_those_that_are_promised():
    assert list(EXAMPLES) == ["price", "report", "compare", "design", "twin", "names", "train", "measure", "experiment"]
    assert {name for name in app if not name.startswith("-")} == set(EXAMPLES)


@pytest.mark.parametrize("command", [[], *([name] for name in EXAMPLES)], ids=lambda command: " ".join(command) or "-")
def test_help_is_clean(command, output):
    """No boxes and colours, no default that Python alone understands, no line that is wrapped within an example."""
    text = output(" ".join((*command, "--help")))
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert not {"│", "╭", "None", "range(", "()"} & set(text.split())
    examples = EXAMPLES[command[0]] if command else [first for first, *_ in EXAMPLES.values()]
    assert all(f"\n  {example}\n" in text for example in examples)
    if command == ["train"]:
        for field in fields(Settings):
            assert f"--{field.name.replace('_', '-')}" in text
    if command == ["experiment"]:
        assert all(f"{name}: " in text for name in EXPERIMENTS)


@pytest.mark.parametrize("example", [line for lines in list(EXAMPLES.values())[:6] for line in lines])
def test_examples_work(example, output):
    assert output(" ".join(example.partition(">")[0].split()[1:]))


def test_no_command_loads_more_than_it_needs():
    """Pricing and every help: cyclopts and what it brings, but neither torch nor what only the book needs."""
    script = f"""
import sys
from resnet_lib.cli import main
commands = ["price resnet50", "report resnet50", "compare resnet34 resnet50", "design resnet18 --macs 1G", "names"]
for command in (*commands, "--help", *(f"{{name}} --help" for name in {list(EXAMPLES)})):
    assert main(command.split()) == 0
loaded = {{name.partition(".")[0] for name in sys.modules}}
sys.exit(str(loaded & {{"torch", "torchvision", "accelerate", "numpy", "tqdm", "sklearn", "plotly", "sympy"}} or ""))
"""
    run = python("-c", script)
    assert run.stderr == "\n"


# --- as a program ---------------------------------------------------------------------------------------------------


def python(*arguments, **options):
    options = {"capture_output": True, "text": True} | options
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, **options)


def test_the_program():
    run = python("-m", "resnet_lib", "compare", "resnet34", "resnet50", "--csv")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.splitlines()[2].startswith('resnet50,bottleneck,"3,4,6,3",224x224,50,25557032,4089184256,')
    run = python("-m", "resnet_lib", "price", "resnet51")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1


def test_the_installed_script():
    """What pip writes from pyproject.toml is this function."""
    (script,) = [each for each in entry_points(group="console_scripts") if each.name == "resnet-lib"]
    assert script.load() is resnet_lib.__main__.main
    run = subprocess.run([Path(sys.executable).parent / "resnet-lib", "--version"], capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{rl.__version__}\n", "")


@pytest.mark.parametrize("module", ["cyclopts", "torch"])
def test_a_missing_package_is_named_in_one_line(module):
    script = f"import sys; sys.modules[{module!r}] = None; from resnet_lib.__main__ import main; sys.exit(main())"
    run = python("-c", script, "train")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == f"resnet-lib: {module} is not installed; `pip install {module}` brings it\n"


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251", "cp437", "ascii"])
@pytest.mark.parametrize("command", ["compare resnet34 resnet50", "design --help", "price résnet→50", "names --csv"])
def test_an_encoding_that_lacks_a_character(encoding, command):
    """What it lacks is replaced; numbers stay."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    run = python("-m", "resnet_lib", *command.split(), env=environment, text=False)
    assert run.returncode == (2 if "→" in command else 0)
    assert b"Traceback" not in run.stderr
    if command.startswith("compare"):
        assert b"25,557,032" in run.stdout and b"2.973" in run.stdout
    assert (run.stderr.count(b"\n") == 1) == ("→" in command)


def test_a_reader_that_leaves_early():
    """`resnet-lib … | head -1`: no traceback, whether the pipe breaks early or at the last flush."""
    for by in ("total", "operation"):
        read_end, write_end = os.pipe()
        os.close(read_end)
        with os.fdopen(write_end, "w") as pipe:
            run = python(
                "-m", "resnet_lib", "price", "cifar_resnet110", "--by", by,
                stdout=pipe, stderr=subprocess.PIPE, capture_output=False,
            )  # fmt: skip
        assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("by", ["total", "operation"])
def test_output_that_cannot_be_written(by):
    """A full disk: one line, whether it fails early or at the last flush."""
    with open("/dev/full", "w") as full:
        run = python(
            "-m", "resnet_lib", "price", "cifar_resnet110", "--by", by,
            stdout=full, stderr=subprocess.PIPE, capture_output=False,
        )  # fmt: skip
    assert run.returncode == 2
    assert run.stderr == "resnet-lib: standard output cannot be written: No space left on device\n"


def test_output_that_is_closed():
    run = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m resnet_lib names >&-"], cwd=ROOT, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (2, "resnet-lib: standard output is closed\n")


def test_help_in_a_terminal_has_no_colours_and_boxes_either():
    master, slave = pty.openpty()
    run = python("-m", "resnet_lib", "price", "--help", stdout=slave, stderr=subprocess.PIPE, capture_output=False)
    os.close(slave)
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert run.returncode == 0
    assert "resnet-lib price" in shown and "\x1b[3" not in shown and "│" not in shown
