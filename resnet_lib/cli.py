"""The command line: `resnet-lib --help`, or `python -m resnet_lib --help`.

Each command calls one function of the library and shows its result as a table; `--json` and `--csv` write it with the
numbers in full. Several values of an option are joined by commas: `--depths 3,4,6,3`. The arguments are read by
cyclopts. Torch is imported by `train`, `measure` and `experiment` when they run, not for their help.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import cyclopts
from cyclopts import App, Parameter

from resnet_lib import _check
from resnet_lib._files import said_by_all, write_json, write_text
from resnet_lib._table import Table
from resnet_lib._version import __version__
from resnet_lib.cost.bill import Bill, price
from resnet_lib.cost.search import BUDGETS, design, twin
from resnet_lib.lab.machine import NETWORKS, networks_table, record_machine, tables
from resnet_lib.lab.settings import EXPERIMENTS, SEEDS, SETTINGS, Settings
from resnet_lib.spec import NetworkSpec
from resnet_lib.zoo import names, network

TOTALS = ("params", "macs", "activations", "flops", "bytes")
RATIOS = ("params", "macs", "activations")
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

# Each command with its examples, the first of which is also in the overview.
EXAMPLES = {
    "price": (
        "resnet-lib price resnet50 --by stage",
        "resnet-lib price resnet50 --shortcut C --stride-on 1x1 --image 224x320",
        "resnet-lib price resnet18 --depths 3,4,6,3 --by operation --csv > bill.csv",
    ),
    "report": ("resnet-lib report resnet50 --tool fvcore,thop",),
    "compare": ("resnet-lib compare resnet34 resnet50 resnet101",),
    "design": (
        "resnet-lib design resnet50 --macs 4.1G --depths 1-12 --width 48-96:16",
        "resnet-lib design resnet34 --macs 4.1G --block basic,bottleneck",
        "resnet-lib design resnet50 --macs 4.1G --params 26M --best layers,-activations",
    ),
    "twin": ("resnet-lib twin resnet50", "resnet-lib twin resnet34 --to bottleneck --budget params"),
    "names": ("resnet-lib names",),
    "train": (
        "resnet-lib train cifar_resnet20 --batch 64 --epochs 6 --out runs/digits",
        "resnet-lib train resnet18 --data flowers --image 192 --out runs/flowers",
        "torchrun --nproc-per-node 2 -m resnet_lib train cifar_resnet20 --out runs/two",
    ),
    "measure": (
        "resnet-lib measure --out my_machine.json",
        "resnet-lib measure resnet18 resnet50 --batch 1,8 --training",
        "resnet-lib measure --device cuda --dtype bf16 --batch 64 --out gpu.json",
        "resnet-lib measure resnet50 --layers resnet50 --figure roofline.html",
    ),
    "experiment": ("resnet-lib experiment degradation --out degradation.json",),
}
WORDS = """\
MACs: multiply-adds of convolutions and the linear layer.
FLOPs: two per MAC, and what else is computed.
Activations: output elements of convolutions and the linear layer.
Bytes: read and written in float32."""


def _panel(console: Any, options: Any, panel: Any) -> None:
    """Show a part of the help as two columns below its title, without boxes and colours."""
    from cyclopts.help import DescriptionRenderer, NameRenderer
    from rich.padding import Padding
    from rich.table import Table as Grid

    if panel.entries:
        grid = Grid.grid(padding=(0, 2))
        for entry in panel.entries:
            grid.add_row(NameRenderer()(entry), DescriptionRenderer()(entry))
        console.print(f"{panel.title}:", Padding(grid, (0, 0, 1, 2), expand=False), highlight=False, markup=False)


def _converted(kind: Any, tokens: Sequence[cyclopts.Token]) -> Any:
    """Convert an option's value as cyclopts does, except that 1.5 is not a whole number."""
    return _whole(tokens[0].value) if kind is int else cyclopts.convert(kind, tokens)


def _default(value: Any) -> str | None:
    """Return a default as the command line takes it. Switches are off by default, and ranges need words."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or None
    return None if value is None or value is False or isinstance(value, range) else str(value)


def _examples(lines: Iterable[str]) -> str:
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


app = App(
    name="resnet-lib",
    help="What residual networks are, cost and do.",
    help_epilogue=_examples(first for first, *_ in EXAMPLES.values()),
    help_format="plaintext",
    help_formatter=_panel,
    version=__version__,
    version_flags="--version",
    default_parameter=Parameter(converter=_converted, negative=(), show_default=_default),
    result_action="return_value",
    exit_on_error=False,
    print_error=False,
    verbose=False,
    suppress_keyboard_interrupt=False,
)


def _command(name: str, about: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as the command `name`, whose help ends with `about` and examples."""
    epilogue = "\n\n".join(filter(None, (about, _examples(EXAMPLES[name]))))
    order = list(EXAMPLES).index(name)
    return app.command(name=name, help_epilogue=epilogue, sort_key=order)


# --- how options are read -------------------------------------------------------------------------------------------


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"must be a whole number: {text!r}") from None


def _filled(text: str) -> str:
    if not text:
        raise ValueError(f"must not be empty: {text!r}")
    return text


def _path(text: str) -> Path:
    return Path(_filled(text))


def _words(text: str) -> str | tuple[str, ...]:
    """C, or several: A,B,C."""
    return tuple(text.split(",")) if "," in text else text


def _wholes(text: str) -> tuple[int, ...]:
    """3,4,6,3."""
    try:
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise ValueError(f"must be whole numbers such as 3,4,6,3: {text!r}") from None


def _whole_or_several(text: str) -> int | tuple[int, ...]:
    """32, or several: 1,32."""
    return _wholes(text) if "," in text else _whole(text)


def _pixels(text: str) -> int | tuple[int, int]:
    """224, or 224x320: height x width."""
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(f"must be pixels such as 224, or height x width such as 224x320: {text!r}")
    return (int(sides[0]), int(sides[1])) if len(sides) == 2 else int(sides[0])


def _amount(text: str) -> int:
    """4.1G, 25M, 3e6."""
    unit = text[-1:] if text[-1:] in UNITS else ""
    try:
        amount = Decimal(text.removesuffix(unit)) * UNITS[unit]
        if not amount.is_finite() or amount.adjusted() > 30:
            raise ValueError
        return int(amount)
    except (ArithmeticError, ValueError):
        units = ", ".join(filter(None, UNITS))
        raise ValueError(f"must be a number, with {units} or without: {text!r}") from None


def _numbers(text: str) -> range | tuple[int, ...]:
    """1-36, 48-96:16 (in steps of 16) or 1,2,4."""
    first, dash, rest = text.partition("-")
    last, colon, step = rest.partition(":")
    try:
        if dash:
            return range(int(first), int(last) + 1, int(step) if colon else 1)
        return tuple(map(int, text.split(",")))
    except ValueError:
        raise ValueError(f"must be numbers such as 1-36, 48-96:16 or 1,2,4: {text!r}") from None


def _depths(text: str) -> range | tuple[Any, ...]:
    """1-36 for every stage, or an entry for each: 3,4,1-36,3."""
    if "," not in text:
        numbers = _numbers(text)
        return numbers if isinstance(numbers, range) else range(numbers[0], numbers[0] + 1)
    return tuple(_numbers(entry) for entry in text.split(","))


def _read_by(function: Callable[[str], Any], metavar: str) -> Parameter:
    """Return how cyclopts reads an option: one word, by `function`, which may begin with a minus."""
    return Parameter(
        converter=lambda _, tokens: function(tokens[0].value),
        n_tokens=1,
        accepts_keys=False,
        allow_leading_hyphen=True,
        allow_repeating=False,
        metavar=metavar,
    )


Name = Annotated[str, Parameter(help="A network, such as resnet50. `resnet-lib names` lists them.")]
Words = Annotated[str | tuple[str, ...] | None, _read_by(_words, "WORD")]
Whole = Annotated[int | tuple[int, ...] | None, _read_by(_whole_or_several, "N")]
Wholes = Annotated[tuple[int, ...] | None, _read_by(_wholes, "N,N")]
Image = Annotated[int | tuple[int, int] | None, _read_by(_pixels, "PIXELS")]
Amount = Annotated[int | None, _read_by(_amount, "N")]
File = Annotated[Path | None, _read_by(_path, "FILE")]
Folder = Annotated[Path | None, _read_by(_path, "FOLDER")]


@Parameter(name="*", group="The network's fields")
@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of NetworkSpec that are to differ from the named network's, without its depths."""

    block: Words = None
    """basic or bottleneck."""
    widths: Wholes = None
    """Width of each stage, such as 64,128,256,512."""
    stem: Words = None
    """imagenet or cifar."""
    stem_width: Whole = None
    """Output channels of the stem."""
    shortcut: Words = None
    """A: zero-padding, B: projections where the shape changes, C: projections everywhere, none: a plain network."""
    stride_on: Words = None
    """3x3: as in torchvision, 1x1: as in the paper. For bottlenecks."""
    preactivation: Annotated[bool | None, Parameter(negative="--no-preactivation")] = None
    """BatchNorm and ReLU before each convolution."""
    groups: Whole = None
    """Groups of the 3×3 convolutions."""
    width_per_group: Whole = None
    """Inner width of a group where the stage's width is 64."""
    in_channels: Whole = None
    """Channels of the image."""
    classes: Whole = None
    """Outputs of the linear layer."""

    @property
    def given(self) -> dict[str, Any]:
        """The fields that the command line sets."""
        return {name: value for name, value in vars(self).items() if value is not None}


@Parameter(name="*", group="The network's fields")
@dataclass(frozen=True, kw_only=True)
class AllFields(Fields):
    """The fields of NetworkSpec that are to differ from the named network's."""

    depths: Wholes = None
    """Blocks of each stage, such as 3,4,6,3."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Input:
    """What the network is priced for."""

    image: Image = None
    """Pixels of a side, or HEIGHTxWIDTH. By default 224, for CIFAR's networks 32."""
    batch: int = 1
    """Number of images."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Form:
    """How the result is shown: as a table for reading, or with the numbers in full."""

    json: bool = False
    """Write JSON."""
    csv: bool = False
    """Write CSV."""

    def __post_init__(self) -> None:
        if self.json and self.csv:
            raise ValueError("--json and --csv must not be given together")

    def show(self, table: Table) -> None:
        """Print the table."""
        if self.csv:
            print(table.csv(), end="")
        else:
            print(table.json() if self.json else table.text())


_INPUT, _FORM, _FIELDS, _ALL_FIELDS, _SETTINGS = Input(), Form(), Fields(), AllFields(), Settings()


# --- what a network costs -------------------------------------------------------------------------------------------


@_command("price", WORDS)
def _price(
    name: Name,
    /,
    *,
    by: Literal["total", "stage", "block", "kind", "kernel", "operation"] = "stage",
    given: Input = _INPUT,
    form: Form = _FORM,
    own: AllFields = _ALL_FIELDS,
) -> None:
    """Show the bill of a network: parameters, MACs, activations, FLOPs and bytes.

    Args:
        by: One row for each.
    """
    net = network(name, **own.given)
    bill = price(net, given.image, given.batch)
    shapes = ("kind", "input", "output") if by == "operation" else ()
    rows: list[tuple[Any, ...]]
    if by == "total":
        rows = [("total", *_totals(bill))]
    elif by == "operation":
        rows = [(row.name, row.kind, row.input_shape, row.output_shape, *_totals(row)) for row in bill.rows]
    else:
        rows = [(key, *_totals(part)) for key, part in bill.by(by).items()]
    total = () if by == "total" else ("total", *(None for _ in shapes), *_totals(bill))
    form.show(Table((by, *shapes, *TOTALS), rows, total, head=_head(name, net, bill)))


@_command("report")
def _report(
    name: Name,
    /,
    *,
    tool: Words = None,
    given: Input = _INPUT,
    form: Form = _FORM,
    own: AllFields = _ALL_FIELDS,
) -> None:
    """Show what counting tools print for a network.

    Args:
        tool: Only these, such as fvcore or fvcore,thop. By default all.
    """
    from resnet_lib.cost.conventions import Reports, report  # Only this command needs them.

    net = network(name, **own.given)
    bill = price(net, given.image, given.batch)
    chosen = (tool,) if isinstance(tool, str) else tool
    reports = Reports({each: report(bill, each) for each in chosen}) if chosen else report(bill)
    form.show(replace(reports.table(), head=_head(name, net, bill)))


@_command("compare")
def _compare(
    name: Name, /, *others: Name, given: Input = _INPUT, form: Form = _FORM, own: AllFields = _ALL_FIELDS
) -> None:
    """Show networks side by side, with their ratios to the first."""
    form.show(_side_by_side([(each, network(each, **own.given)) for each in (name, *others)], given))


@_command("twin")
def _twin(
    name: Name,
    /,
    *,
    to: Literal["basic", "bottleneck"] | None = None,
    budget: Literal["macs", "params", "activations", "bytes"] = "macs",
    given: Input = _INPUT,
    form: Form = _FORM,
    own: AllFields = _ALL_FIELDS,
) -> None:
    """Show a network beside the deepest network of the other block that costs no more.

    Args:
        to: The twin's block. By default the one that the network does not have.
        budget: What the twin has no more of.
    """
    net = network(name, **own.given)
    block = to or ("basic" if net.block == "bottleneck" else "bottleneck")
    other = twin(net, block, budget=budget, image=given.image, batch=given.batch).spec
    form.show(_side_by_side([(name, net), ("its twin", other)], given))


@_command("design")
def _design(
    name: Name,
    /,
    *,
    macs: Amount = None,
    params: Amount = None,
    activations: Amount = None,
    bytes: Amount = None,
    depths: Annotated[range | tuple[Any, ...], _read_by(_depths, "N-N")] = range(1, 37),
    width: Annotated[range | tuple[int, ...] | None, _read_by(_numbers, "N-N:N")] = None,
    best: Words = "layers",
    limit: int = 10,
    given: Input = _INPUT,
    form: Form = _FORM,
    own: Fields = _FIELDS,
) -> None:
    """Show the networks of a family that fit a budget, best first. A field may have several values: --groups 1,32.

    Args:
        macs: Upper bound of the MACs: 4.1G or 4e9.
        params: Upper bound of the parameters: 25M.
        activations: Upper bound of the activations.
        bytes: Upper bound of the bytes read and written.
        depths: Blocks: 1-36 for each stage, the default, or stage by stage: 3,4,1-36,3.
        width: Widths of the first stage, the others in proportion: 48-96:16.
        best: Most of it first: layers, macs, params, activations or bytes. With a minus, least first.
            Several: layers,-activations.
        limit: How many.
    """
    upper = {"macs": macs, "params": params, "activations": activations, "bytes": bytes}
    budgets: dict[str, Any] = {total: value for total, value in upper.items() if value is not None}
    options: dict[str, Any] = {"depths": depths, "width": width, "best": best, "limit": limit}
    candidates = design(name, image=given.image, batch=given.batch, **options, **budgets, **own.given)
    fields = ("block", "depths", "widths", *(field for field in own.given if field not in ("block", "widths")))
    rows = [
        (*(getattr(c.spec, field) for field in fields), c.layers, *(getattr(c, total) for total in BUDGETS))
        for c in candidates
    ]
    head = {"base": name, **{f"max_{total}": value for total, value in budgets.items()}, "best": best}
    form.show(Table((*fields, "layers", *BUDGETS), rows, head=head))


@_command("names")
def _names(*, form: Form = _FORM) -> None:
    """Show the named networks."""
    rows = []
    for name in names():
        net = network(name)
        bill = price(net)
        rows.append((name, net.block, net.depths, _image_of(bill), net.layers, bill.params, bill.macs))
    form.show(Table(("network", "block", "depths", "image", "layers", "params", "macs"), rows))


def _side_by_side(networks: Sequence[tuple[str, NetworkSpec]], given: Input) -> Table:
    """Return one row a network. The ratios are to the first."""
    bills = [price(net, given.image, given.batch) for _, net in networks]
    rows = [
        (
            name,
            net.block,
            net.depths,
            _image_of(bill),
            net.layers,
            *(getattr(bill, total) for total in RATIOS),
            *(getattr(bill, total) / getattr(bills[0], total) for total in RATIOS),
        )
        for (name, net), bill in zip(networks, bills, strict=True)
    ]
    columns = dict.fromkeys(("network", "block", "depths", "image", "layers", *RATIOS), "")
    columns |= dict.fromkeys((f"{total}_ratio" for total in RATIOS), "times")
    return Table(columns, rows, head={"ratios_to": networks[0][0], "batch": given.batch})


def _head(name: str, net: NetworkSpec, bill: Bill) -> dict[str, Any]:
    batch = bill.parts[0].rows[0].input_shape[0]
    return {"network": name, "layers": net.layers, "image": _image_of(bill), "batch": batch}


def _image_of(bill: Bill) -> str:
    """Return HEIGHTxWIDTH, as --image takes it."""
    _, _, height, width = bill.parts[0].rows[0].input_shape
    return f"{height}x{width}"


def _totals(bill: Any) -> tuple[int, ...]:
    return tuple(getattr(bill, total) for total in TOTALS)


# --- what really happens --------------------------------------------------------------------------------------------


@_command("train")
def _train(
    name: Name = "cifar_resnet20",
    /,
    *,
    data: Annotated[str, _read_by(_filled, "DATA")] = "digits",
    data_folder: Folder = None,
    download: bool = False,
    image: Image = None,
    out: Folder = None,
    resume: bool = False,
    checkpoint_every: int | None = None,
    cpu: bool = False,
    workers: int = 0,
    settings: Annotated[Settings, Parameter(name="*", group="Settings")] = _SETTINGS,
    own: AllFields = _ALL_FIELDS,
) -> None:
    """Train a network on images, and test it after every epoch.

    Args:
        data: digits, cifar10, or a folder with train/CLASS/ and test/CLASS/.
        data_folder: Where CIFAR-10 is, or goes. By default data.
        download: Fetch CIFAR-10 (170 MB) if it is not there.
        image: Pixels to which a folder's images are cut, such as 192x256. By default 224.
        out: Folder for metrics, checkpoints and the network. By default nothing is written.
        resume: Go on with the run in the folder of --out.
        checkpoint_every: Steps from one checkpoint to the next. By default there is one after each epoch.
        cpu: Leave GPUs alone.
        workers: Processes that load images.
    """
    for option, value in (("--data-folder", data_folder), ("--download", download)):
        if value and data != "cifar10":
            raise ValueError(f"{option} must not be given with --data {data}: it is for cifar10")
    if image is not None and data in ("digits", "cifar10"):
        raise ValueError(f"--image must not be given with --data {data}: it is for a folder's images")
    first = int(os.environ.get("RANK", 0)) == 0  # of the processes that torchrun starts

    from resnet_lib.lab._train import CHECKPOINT, processes, train
    from resnet_lib.lab.data import cifar10, digits, image_folder

    if data == "digits":
        images = digits()
    elif data == "cifar10":
        with processes(cpu).local_main_process_first():  # One process downloads while the others wait.
            images = cifar10(data_folder or "data", download=download)
    else:
        images = image_folder(data, image=224 if image is None else image)
    net = network(name, **{"in_channels": images.in_channels, "classes": images.classes} | own.given)
    if first:
        print(f"{name} on {images}", flush=True)

    def how_to_go_on() -> str:
        if out is None:
            return "nothing was written, because --out names no folder"
        if not (out / CHECKPOINT).exists():
            return f"{out} holds no checkpoint yet; the same command starts again"
        return f"the same command {'' if resume else 'with --resume '}goes on from the last checkpoint in {out}"

    with _stopping(how_to_go_on):
        trained = train(
            net, images, settings,
            out=out, resume=resume, checkpoint_every=checkpoint_every, cpu=cpu, workers=workers,
        )  # fmt: skip
    processes(cpu).destroy_process_group()
    if first:
        print(f"training error {100 * trained.train_error:.2f} %, test error {100 * trained.test_error:.2f} %")
        print(f"accuracy on the test split: {100 * (1 - trained.test_error):.2f} %")
        if out is not None:
            print(f"written to {out}")


@_command("measure")
def _measure(
    *networks: str,
    batch: Annotated[tuple[int, ...], _read_by(_wholes, "N,N")] = (1,),
    image: Image = None,
    dtype: str = "fp32",
    memory_format: str = "contiguous",
    threads: int | None = None,
    device: str = "cpu",
    training: bool = False,
    layers: str | None = None,
    seconds: float = 2.0,
    passes: int = 1,
    name: Annotated[str | None, _read_by(_filled, "NAME")] = None,
    out: File = None,
    figure: File = None,
    overwrite: bool = False,
    form: Form = _FORM,
) -> None:
    """Measure this machine: time and memory of networks, as shares of what it can do at most.

    Args:
        networks: Networks, such as resnet18 resnet50. By default thirteen of ImageNet and CIFAR.
        batch: Numbers of images; each network is measured with each.
        image: Pixels of a side, or HEIGHTxWIDTH. By default each network's own, 224 or 32.
        dtype: fp32, bf16 or fp16.
        memory_format: contiguous or channels_last.
        threads: Torch's threads. By default as many as torch chooses.
        device: cpu or cuda.
        training: Measure a training step of each, too.
        layers: Also time this network's operations one by one, with the first batch.
        seconds: Time of the runs of each row, of which there are at least three.
        passes: Times that all rows are measured. Each row keeps its quickest.
        name: Name of the machine. By default its processor's.
        out: Write rows, settings and provenance to this JSON file.
        figure: Write the measured roofline to this HTML file.
        overwrite: Replace these files if they exist.
    """
    files = [file for file in (out, figure) if file]
    if overwrite and not files:
        raise ValueError("--overwrite must not be given without --out or --figure")
    if form.csv and layers and not out:
        raise ValueError("--layers must not be given with --csv, which writes the networks' rows, unless --out is")
    for file in files:
        _refuse(file, overwrite)
    with _stopping(lambda: "nothing was written; the same command starts again"):
        record = record_machine(
            networks or NETWORKS, image=image, batch=batch, training=training, layers=layers, dtype=dtype,
            memory_format=memory_format, device=device, threads=threads, seconds=seconds, passes=passes, name=name,
        )  # fmt: skip
    if out:
        write_json(out, record)
    if figure:
        write_text(figure, _page(record))
    if form.json:
        print(json.dumps(record, indent=2))
    elif form.csv:
        form.show(networks_table(record))
    else:
        print(*tables(record), sep="\n\n")


def _refuse(file: Path, overwrite: bool) -> None:
    """Raise ValueError now for a file that could not be written after minutes."""
    if file.exists() and not (overwrite and file.is_file()):
        raise ValueError(f"{file} exists; --overwrite replaces a file")
    try:
        tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as error:
        raise ValueError(f"{file} cannot be written: {error.strerror}") from error


def _page(record: dict[str, Any]) -> str:
    from plotly.io import to_html

    from resnet_lib.book.chapters.time.figures import measured_roofline

    drawn = measured_roofline(record)
    page: str = to_html({"data": drawn["data"], "layout": drawn["layout"]}, config={"displayModeBar": False})
    return page


@_command("experiment", "\n".join(f"{name}: {about}" for name, about in EXPERIMENTS.items()))
def _experiment(
    name: str,
    /,
    *,
    out: File = None,
    seeds: int | None = None,
    epochs: int = SETTINGS.epochs,
    case: tuple[str, ...] = (),
    jobs: int | None = None,
    form: Form = _FORM,
) -> None:
    """Train the networks of one of the book's experiments from several seeds, and write a row for each run.

    Args:
        name: degradation, blocks, shortcuts, zero_init, patience or interface.
        out: JSON file. Rows that it holds are not computed again. By default NAME.json.
        seeds: Number of seeds. By default 5; for patience 3.
        epochs: Epochs of each run.
        case: Only the case of this label. May be given several times.
        jobs: Runs at a time, each on one thread. By default as many as there are cores.
    """
    _check.one_of("experiment", name, EXPERIMENTS)
    settings = replace(SETTINGS, epochs=epochs, warmup_epochs=min(SETTINGS.warmup_epochs, epochs))
    seeds = SEEDS[name] if seeds is None else _check.positive_int("seeds", seeds)
    jobs = os.cpu_count() or 1 if jobs is None else _check.positive_int("jobs", jobs)
    out = out or Path(f"{name}.json")

    from tqdm.auto import tqdm

    from resnet_lib.lab.experiments import CASES, record, summary

    cases = {each.label: each for each in CASES[name]()}
    labels = [_check.one_of("case", label, cases) for label in case or cases]
    with _stopping(lambda: f"the same command goes on with the rows that {out} holds"):
        rows = record(name, [cases[label] for label in labels], settings, seeds, out, jobs)
        for _ in tqdm(rows, total=seeds * len(labels), unit="run", dynamic_ncols=True):
            pass
    form.show(summary(json.loads(out.read_text(encoding="utf-8"))))


# --- as a program ---------------------------------------------------------------------------------------------------


@contextmanager
def _stopping(how_to_go_on: Callable[[], str]) -> Iterator[None]:
    """Say with Ctrl-C's KeyboardInterrupt how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(how_to_go_on()) from None


class OutputError(Exception):
    """Standard output cannot be written. Its cause is an OSError."""


class _Output:
    """Standard output, whose errors are told from those of files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        count: int = self._tried(self._stream.write, text)
        return count

    def flush(self) -> None:
        self._tried(self._stream.flush)

    def _tried(self, function: Callable[..., Any], *of: Any) -> Any:
        try:
            return function(*of)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())  # or it fails again at exit
            raise OutputError from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command, and return its exit code.

    It is 0, or 2 after one line about what was wrong, or 130 after Ctrl-C and one line about how to go on.
    What the output's encoding lacks is replaced.
    """
    if sys.stdout is None:
        return _ended(2, "standard output is closed")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        with redirect_stdout(_Output(sys.stdout)):
            app(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        return _ended(130, f"stopped: {error}" if str(error) else "stopped")
    except OutputError as error:
        if isinstance(error.__cause__, BrokenPipeError):
            return 0  # The reader, such as `head`, has seen enough.
        return _ended(2, f"standard output cannot be written: {getattr(error.__cause__, 'strerror', None)}")
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        return _ended(2, f"{package} is not installed; `pip install {package}` brings it" if error.name else str(error))
    except (cyclopts.CycloptsError, ValueError, TypeError, OSError, ImportError) as error:
        return _ended(2, str(error) or repr(error), said_by_all(error))
    return 0


def _ended(code: int, message: str, by_all: bool = True) -> int:
    """Write one line to standard error, and return `code`.

    Of the processes that torchrun starts on a machine one writes it, unless the others do not know of it.
    """
    if not by_all or int(os.environ.get("LOCAL_RANK", 0)) == 0:
        print(f"resnet-lib: {' '.join(message.split())}", file=sys.stderr)
    return code
