"""Training: against a loop in plain torch, across processes, kills and resumes, and where it has to refuse."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from io import BytesIO, TextIOWrapper
from math import isfinite
from pathlib import Path

import numpy
import pytest
import sympy
import torch
from filelock import FileLock
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, Subset

import resnet_lib as rl
from resnet_lib._files import UnreadableFile
from resnet_lib.cli import main
from resnet_lib.lab import _train
from resnet_lib.lab._train import train
from resnet_lib.lab.data import Augmented, Order, digits, image_folder
from resnet_lib.lab.settings import Settings
from tests.helpers.processes import started

ROOT = Path(rl.__file__).parent.parent
TINY = rl.NetworkSpec(
    block="basic", depths=(1, 1), widths=(8, 16), stem="cifar", stem_width=8, in_channels=1, classes=10
)
COLOURED = replace(TINY, in_channels=3, classes=3)
STEPS = 1352 // 64  # an epoch's
learn = partial(train, cpu=True, progress=False)
QUICK = Settings(epochs=2, batch=64)
FEW = replace(digits(), train=Subset(digits().train, range(192)), test=Subset(digits().test, range(48)))
SCRIPT = f"""
import json, os, sys
import resnet_lib as rl
from resnet_lib._files import said_by_all
from resnet_lib.lab._train import train
from resnet_lib.lab.data import image_folder
from resnet_lib.lab.settings import Settings
shared = json.loads(sys.argv[1])
for options in map(json.loads, sys.argv[2:]):
    settings = Settings(**shared, **options.pop("settings", {{}}))
    if "folder" in options:
        network, data = rl.{COLOURED!r}, image_folder(options.pop("folder"), image=16)
    else:
        network, data = rl.{TINY!r}, "digits"
    try:
        train(network, data, settings, cpu=True, progress=False, **options)
    except OSError as error:
        line = f"{{os.environ.get('RANK')}} {{said_by_all(error)}} {{error}}"
        print(line + "\\n", end="", flush=True)  # in one piece: two processes share the output
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """Trains TINY, in a process of its own. Its arguments are JSON: settings, and the options of each training."""
    path = tmp_path_factory.mktemp("script") / "training.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def start(*command, encoding="utf-8", **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    environment |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
    texts = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": encoding}
    return started([sys.executable, *map(str, command)], env=environment, **texts, **options)


def run(*command, **options):
    with start(*command, **options) as process:
        out, err = process.communicate(timeout=200)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def state(folder):
    return rl.load(folder / _train.NETWORK).state_dict()


def contents(folder):
    """All files but the lock that a killed run leaves, which says nothing."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != _train.LOCK]
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def progress(folder):
    """From the header of the checkpoint; safe_open would open it twice, and it is replaced meanwhile."""
    content = (folder / _train.CHECKPOINT).read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return json.loads(header["__metadata__"]["progress"])


# --- what is learned -------------------------------------------------------------------------------------------------


def test_a_loop_in_plain_torch_learns_the_same():
    settings = Settings(epochs=2, batch=128, weight_decay=1e-3, seed=3)
    trained = learn(TINY, "digits", settings)

    still = learn(TINY, "digits", replace(settings, lr=0.0)).model.state_dict()  # stays as initialised
    model = rl.build(TINY, memory_format=torch.channels_last)
    model.load_state_dict({name: value for name, value in still.items() if "running" not in name}, strict=False)
    decayed, spared = ([p for p in model.parameters() if (p.ndim > 1) is weight] for weight in (True, False))
    optimizer = torch.optim.SGD(
        [{"params": decayed}, {"params": spared, "weight_decay": 0.0}],
        lr=0.1,
        momentum=0.9,
        nesterov=True,
        weight_decay=1e-3,
    )
    data = digits()
    steps = len(data.train) // 128
    loader = DataLoader(Augmented(data, 3), 128, sampler=Order(len(data.train), 128, epochs=2, seed=3))
    for step, (images, labels) in enumerate(loader):
        for group in optimizer.param_groups:
            group["lr"] = settings.lr_at(step, steps)
        loss = cross_entropy(model(images.to(memory_format=torch.channels_last)), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for name, value in model.named_parameters():
        assert torch.equal(value, trained.model.get_parameter(name)), name
    model.eval()
    for part, error in ((data.train, trained.train_error), (data.test, trained.test_error)):
        images, labels = (torch.stack(list(map(torch.as_tensor, column))) for column in zip(*part, strict=True))
        with torch.no_grad():
            wrong = (model(images.to(memory_format=torch.channels_last)).argmax(1) != labels).float().mean()
        assert error == pytest.approx(wrong.item(), abs=1e-6)
    assert not trained.model.training


@pytest.mark.parametrize("warmup_epochs", [0, 1, 2.5])
def test_the_learning_rate_is_that_of_torchs_schedulers(warmup_epochs):
    settings, steps = Settings(epochs=4, lr=0.3, warmup_epochs=warmup_epochs), 10
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    rising = round(warmup_epochs * steps)
    cosine = CosineAnnealingLR(optimizer, 40 - rising)
    if rising:
        rise = LinearLR(optimizer, 1 / rising, total_iters=rising - 1)
        cosine = SequentialLR(optimizer, [rise, cosine], [rising])
    for step in range(40):
        assert settings.lr_at(step, steps) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        cosine.step()


def test_what_a_run_leaves_behind(tmp_path):
    out = tmp_path / "new" / "run"
    trained = learn(TINY, "digits", QUICK, out=out)
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors",
        "metrics.csv",
        "network.safetensors",
        "run.json",
        "tensorboard",
    }
    with (out / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(map(float, row.values())) for row in rows] == list(trained.epochs)
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", str(STEPS)), ("2", str(2 * STEPS))]
    assert trained.epochs[-1].test_error == trained.test_error < trained.epochs[0].test_error
    loaded = rl.load(out / "network.safetensors")
    assert loaded.spec == TINY
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in trained.model.state_dict().items())
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["run"]["network"]["depths"] == [1, 1]
    assert record["run"]["classes"] == list("0123456789")
    assert record["provenance"]["torch"] == torch.__version__

    assert_in_tensorboard(out, trained.epochs)


def assert_in_tensorboard(out, epochs):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(out / "tensorboard")).Reload()
    for name in ("running_loss", "test_error", "lr"):
        logged = [(event.step, event.value) for event in events.Scalars(name)]
        assert logged == [(epoch.step, pytest.approx(getattr(epoch, name))) for epoch in epochs]


def test_a_training_shows_itself():
    """Without times, which differ from run to run."""
    rows = tuple(_train.Epoch(n, 10 * n, 0.1 / n, 2 / n, 0.5 / n, 1 / n, 0.4 / n, 3.21 * n) for n in range(1, 4))
    shown = _train.Trained(rl.build(TINY), rows, 0.0123, 0.0456)
    title, _, names, _, *lines = repr(shown).splitlines()
    assert title == "Training error 1.23 %, test error 4.56 %"
    assert "seconds" not in names
    assert [int(line.split()[0]) for line in lines] == [1, 2, 3]
    assert lines[1].split() == ["2", "0.050", "1.000", "25.00", "%", "0.500", "20.00", "%"]
    assert shown._repr_html_().count("<tr>") == len(lines) + 1


def test_nothing_of_ours_changes(capfd, tmp_path, monkeypatch):
    """Neither torch's random numbers nor its threads; and nothing is written or printed unless asked for."""
    monkeypatch.chdir(tmp_path)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    one, two = (learn(TINY, FEW, settings=replace(QUICK, epochs=1)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))


def test_a_name_takes_the_datas_channels_and_classes():
    trained = learn("cifar_resnet20", FEW, Settings(epochs=1, batch=96))
    assert (trained.model.spec.in_channels, trained.model.spec.classes) == (1, 10)


def test_the_device_after_another_in_one_process():
    assert [vars(_train.processes(cpu))["_cpu"] for cpu in (True, False, True)] == [True, False, True]


def test_accelerates_own_settings_do_not_count(monkeypatch):
    """Those that `accelerate launch` leaves in the environment: what was asked for here holds."""
    settings = replace(QUICK, epochs=1)
    asked = learn(TINY, FEW, settings=settings)
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "2")
    assert learn(TINY, FEW, settings=settings).epochs[0][:7] == asked.epochs[0][:7]


def test_whole_numbers_of_numpy(tmp_path):
    learn(TINY, settings=Settings(epochs=numpy.int64(1), batch=numpy.int32(676), seed=numpy.int64(3)), out=tmp_path)
    run = json.loads((tmp_path / _train.RUN).read_text(encoding="utf-8"))["run"]
    assert (run["epochs"], run["batch"], run["seed"]) == (1, 676, 3)
    with pytest.raises(TypeError, match="epochs must be a whole number"):
        Settings(epochs=sympy.Symbol("e", positive=True))


def test_bf16_after_fp32_in_one_process():
    """As in a notebook: another precision after the first. Weights stay in fp32, and the model sheds its wrapper."""
    settings = replace(QUICK, epochs=1)
    first, second = (learn(TINY, FEW, settings=replace(settings, precision=p)) for p in ("fp32", "bf16"))
    assert isfinite(second.epochs[0].running_loss)
    assert second.epochs[0].running_loss != first.epochs[0].running_loss
    assert {p.dtype for p in second.model.parameters()} == {torch.float32}
    assert second.model(torch.zeros(1, 1, 8, 8)).dtype == torch.float32
    assert vars(second.model).keys() == vars(rl.build(TINY)).keys()


def test_a_notebooks_launcher(tmp_path):
    from accelerate import notebook_launcher

    arguments = (TINY, FEW, replace(QUICK, epochs=1))
    notebook_launcher(partial(learn, out=tmp_path / "run"), arguments, num_processes=1)
    assert (tmp_path / "run" / _train.NETWORK).exists()


def test_the_readmes_command_reaches_97_percent(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = [line for line in readme.splitlines() if line.startswith(".venv/bin/resnet-lib train ")]
    command = line.partition("#")[0].split()[1:]
    command[command.index("--out") + 1] = tmp_path / "run"
    finished = run("-m", "resnet_lib", *command)
    assert finished.returncode == 0, finished.stderr
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8") as file:
        *_, last = csv.DictReader(file)
    assert float(last["test_error"]) <= 0.03
    assert f"{100 * (1 - float(last['test_error'])):.2f} %" in finished.stdout


# --- several processes -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_two_micro_batches(tmp_path_factory):
    """The weights that one process learns that takes each batch in two micro-batches."""
    return learn(TINY, "digits", replace(QUICK, accumulation_steps=2)).model.state_dict()


def parameters(state):
    return {name: value for name, value in state.items() if "running" not in name and "num_batches" not in name}


def assert_learned_alike(ours, theirs):
    for name, value in parameters(ours).items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.fixture
def broken_off_in_micro_batches(tmp_path, monkeypatch):
    """The folder of such a run that ended in its second epoch."""

    def interrupted(path, run, progress, *others):
        if progress.step > STEPS + 5:
            raise KeyboardInterrupt
        written(path, run, progress, *others)

    written = _train.write_checkpoint
    monkeypatch.setattr(_train, "write_checkpoint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(TINY, "digits", replace(QUICK, accumulation_steps=2), out=tmp_path / "broken off", checkpoint_every=1)
    monkeypatch.undo()
    assert progress(tmp_path / "broken off")["step"] == STEPS + 5
    return tmp_path / "broken off"


def test_two_processes(tmp_path, script, in_two_micro_batches, broken_off_in_micro_batches, damaged_image):
    """Several trainings in one program: from the start, from where another run stopped, and two that fail."""
    anew, resumed = {"out": str(tmp_path / "run")}, {"out": str(broken_off_in_micro_batches), "resume": True}
    (tmp_path / "held").mkdir()
    held = {"out": str(tmp_path / "held")}
    unreadable = {"folder": str(damaged_image.parent.parent.parent), "settings": {"batch": 12, "epochs": 1}}
    for options in (anew, resumed, held):
        options["settings"] = {"epochs": 2, "batch": 64}
    with FileLock(tmp_path / "held" / _train.LOCK):
        finished = run(
            "-m",
            "torch.distributed.run",
            "--nproc-per-node=2",
            "--standalone",
            script,
            *map(json.dumps, ({}, anew, resumed, held, unreadable)),
        )
    assert finished.returncode == 0, finished.stderr
    # They learn what one process does that takes two micro-batches.
    assert_learned_alike(state(tmp_path / "run"), in_two_micro_batches)
    assert_learned_alike(state(broken_off_in_micro_batches), in_two_micro_batches)
    other = learn(TINY, "digits", QUICK).model.state_dict()
    with pytest.raises(AssertionError):  # BatchNorm on the whole batch is another network
        assert_learned_alike(other, in_two_micro_batches)
    # An error that all meet is marked so. One that a single process met is said by it; the other only sees it end.
    *shared, own, ended = sorted(finished.stdout.splitlines(), key=lambda line: ("held" not in line, line[2:]))
    assert {line[:7] for line in shared} == {"0 True ", "1 True "}
    assert all(f"another training is using this folder{REST}: '{tmp_path / 'held'}'" in line for line in shared)
    assert own[1:].startswith(f" False {damaged_image} cannot be read: ")
    assert ended[1:] == " True another process of this training has ended"
    assert contents(tmp_path / "held") == {}


REST = "; wait for its end, or name another folder"


@pytest.fixture
def damaged_image(image_root, tmp_path):
    """An image that cannot be read, in a copy of the folder of images."""
    shutil.copytree(image_root, tmp_path / "images")
    damaged = tmp_path / "images" / "train" / "two" / "3.png"
    damaged.write_bytes(damaged.read_bytes()[:40])
    return damaged


def test_accelerates_launcher(tmp_path, script, in_two_micro_batches, monkeypatch, capfd):
    """`accelerate launch`, which starts one process for a CPU (several by MPI, which few have; torchrun needs none)."""
    from accelerate.commands.launch import launch_command, launch_command_parser

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    settings, options = {"epochs": 2, "batch": 64, "accumulation_steps": 2}, {"out": str(tmp_path / "run")}
    flags = ("--cpu", "--num_processes=1", "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no")
    launch_command(launch_command_parser().parse_args([*flags, str(script), json.dumps(settings), json.dumps(options)]))
    assert_learned_alike(state(tmp_path / "run"), in_two_micro_batches)


# --- kill and resume -------------------------------------------------------------------------------------------------

LONG = {"epochs": 4, "batch": 64, "seed": 1}


@pytest.fixture(scope="module")
def killed(tmp_path_factory, script):
    """The folder of a run that SIGKILL ended in the middle of an epoch. Its lock and its worker outlive it.

    While it was running, nobody else could use the folder.
    """
    folder = tmp_path_factory.mktemp("killed") / "run"
    options = {"out": str(folder), "checkpoint_every": 1, "workers": 1}
    with start(script, json.dumps(LONG), json.dumps(options)) as process:
        deadline = time.monotonic() + 100
        while process.poll() is None and time.monotonic() < deadline:
            if (folder / _train.CHECKPOINT).exists() and progress(folder)["step"] % STEPS in range(5, 15):
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)  # not to take the processor from it
        process.send_signal(signal.SIGSTOP)
        for resume in (True, False):
            with pytest.raises((BlockingIOError, FileExistsError), match=r"there is a run|another training is using"):
                learn(TINY, "digits", Settings(**LONG), out=folder, resume=resume)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
        assert progress(folder)["step"] % STEPS != 0
        yield folder


@pytest.fixture
def broken_off(killed, tmp_path):
    """A copy of that folder."""
    copy = tmp_path / "run"
    for path, content in contents(killed).items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes(content)
    (copy / ".checkpoint.safetensors.xyz.part").write_bytes(b"half a checkpoint")
    return copy


def test_a_killed_run_ends_as_one_that_was_not(broken_off):
    done = progress(broken_off)["step"]
    resumed = learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)
    whole = learn(TINY, "digits", Settings(**LONG))
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert [e[:7] for e in resumed.epochs] == [pytest.approx(e[:7]) for e in whole.epochs]
    assert len(resumed.epochs) == 4 > done / STEPS
    assert not list(broken_off.glob(".*.part"))

    again = learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)
    assert again.epochs == resumed.epochs  # a run that has ended has nothing left to do
    assert again.train_error == resumed.train_error


@pytest.mark.parametrize("lost", [True, False], ids=["killed before the report", "after it"])
def test_no_row_is_lost_or_doubled(tmp_path, lost):
    """A run killed just after a checkpoint, and its rows once it has been resumed."""
    trained = learn(TINY, FEW, QUICK, out=tmp_path)
    whole = (tmp_path / _train.METRICS).read_text(encoding="utf-8")
    if lost:
        (tmp_path / _train.METRICS).unlink()
        for events in (tmp_path / "tensorboard").rglob("events*"):
            events.unlink()
    learn(TINY, FEW, QUICK, out=tmp_path, resume=True)
    assert (tmp_path / _train.METRICS).read_text(encoding="utf-8") == whole
    assert_in_tensorboard(tmp_path, trained.epochs[lost:])


def test_a_full_disk_leaves_the_last_checkpoint(broken_off):
    """A limit to the size of files stands for the disk: writing fails in the middle, with an error of the system."""
    before = (broken_off / _train.CHECKPOINT).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(OSError, match=r"checkpoint\.safetensors cannot be written: File too large"):
            learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True, checkpoint_every=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (broken_off / _train.CHECKPOINT).read_bytes() == before
    assert not list(broken_off.glob(".*.part"))
    learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1], lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:]],
    ids=["cut", "half", "empty", "one bit"],
)
def test_a_damaged_checkpoint(broken_off, damage):
    checkpoint = broken_off / _train.CHECKPOINT
    checkpoint.write_bytes(damage(checkpoint.read_bytes()))
    before = contents(broken_off)
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors is (damaged|no checkpoint|not a checkpoint)"):
        learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)
    assert contents(broken_off) == before


def test_a_networks_file_is_no_checkpoint(broken_off):
    rl.save(rl.build(TINY), broken_off / _train.CHECKPOINT, overwrite=True)
    with pytest.raises(ValueError, match="is not a checkpoint of a training"):
        learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)


def test_another_runs_checkpoint(broken_off):
    before = contents(broken_off)
    with pytest.raises(ValueError, match="belongs to another run: epochs was 4, not 5, seed was 1, not 0"):
        learn(TINY, "digits", Settings(epochs=5, batch=64), out=broken_off, resume=True)
    with pytest.raises(ValueError, match="belongs to another run: network was"):
        learn("cifar_resnet20", "digits", Settings(**LONG), out=broken_off, resume=True)
    assert contents(broken_off) == before


def test_a_run_is_not_overwritten(broken_off):
    before = contents(broken_off)
    with pytest.raises(FileExistsError, match="there is a run already; resume it, or name another folder"):
        learn(TINY, "digits", Settings(**LONG), out=broken_off)
    assert contents(broken_off) == before


def test_a_run_killed_before_its_first_checkpoint_starts_anew(tmp_path):
    (tmp_path / _train.RUN).write_text('{"run": {}, "provenance": {}}', encoding="utf-8")
    learn(TINY, FEW, replace(QUICK, epochs=1), out=tmp_path)
    assert json.loads((tmp_path / _train.RUN).read_text(encoding="utf-8"))["provenance"]


@pytest.mark.parametrize("text", ["{}", "[]", "", "3"])
def test_somebody_elses_files_stay(tmp_path, text):
    (tmp_path / ".movie.mkv.part").write_text("half a film", encoding="utf-8")
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"this file is not a run's; name another folder: .*run\.json"):
        learn(TINY, FEW, QUICK, out=tmp_path)
    assert contents(tmp_path) == before
    (tmp_path / "run.json").unlink()
    learn(TINY, FEW, replace(QUICK, epochs=1), out=tmp_path)
    assert (tmp_path / ".movie.mkv.part").read_text(encoding="utf-8") == "half a film"


def test_where_tensorboard_cannot_write(tmp_path):
    (tmp_path / "tensorboard").write_text("in the way", encoding="utf-8")
    with pytest.raises(OSError, match=rf"{tmp_path}/tensorboard cannot be written"):
        learn(TINY, FEW, QUICK, out=tmp_path)
    assert (tmp_path / "tensorboard").read_text(encoding="utf-8") == "in the way"


def test_a_checkpoint_of_other_columns(broken_off):
    model, optimizer = rl.build(TINY), torch.optim.SGD(rl.build(TINY).parameters())
    path, columns = broken_off / _train.CHECKPOINT, _train.Progress(step=1, epochs=[(1, 2)])
    _train.write_checkpoint(path, {}, columns, model, optimizer)
    with pytest.raises(ValueError, match="is not a checkpoint of a training"):
        learn(TINY, "digits", Settings(**LONG), out=broken_off, resume=True)


def test_nothing_to_resume(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing to resume: no checkpoint"):
        learn(TINY, "digits", QUICK, out=tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(ValueError, match="out must name the folder of the run to resume"):
        learn(TINY, "digits", QUICK, resume=True)


def test_other_class_folders(broken_off):
    """Renamed or in another order, they would give the images of one class another's number."""
    data = digits()
    for labels, message in (
        ([*"0123456789"[::-1]], r"classes\[0\] was '0', not '9', .*classes\[4\] was '4', not '5', and 5 more"),
        ([*"01234567", "nine", "8"], r"another run: classes\[8\] was '8', not 'nine', classes\[9\] was '9', not '8'$"),
    ):
        with pytest.raises(ValueError, match=message):
            learn(TINY, replace(data, labels=tuple(labels)), Settings(**LONG), out=broken_off, resume=True)


def test_a_folder_in_use(tmp_path):
    with (
        FileLock(tmp_path / _train.LOCK),
        pytest.raises(BlockingIOError, match="another training is using this folder"),
    ):
        learn(TINY, FEW, QUICK, out=tmp_path)
    assert contents(tmp_path) == {}
    learn(TINY, FEW, replace(QUICK, epochs=1), out=tmp_path)
    assert not (tmp_path / _train.LOCK).exists()


def test_a_run_that_ended_just_before_the_lock_was_free(tmp_path, monkeypatch):
    class Lock(FileLock):
        def acquire(self, *args, **options):
            (tmp_path / _train.METRICS).touch()
            return super().acquire(*args, **options)

    monkeypatch.setattr(_train, "FileLock", Lock)
    with pytest.raises(FileExistsError, match="there is a run already"):
        learn(TINY, "digits", QUICK, out=tmp_path)
    assert contents(tmp_path) == {Path(_train.METRICS): b""}
    assert not (tmp_path / _train.LOCK).exists()


# --- from given weights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_given_weights_are_the_start(tmp_path, dtype):
    given = rl.build(TINY, dtype=dtype).eval()
    before = {name: value.clone() for name, value in given.state_dict().items()}
    still = learn(given, FEW, replace(QUICK, epochs=1, lr=0.0)).model
    for name, value in still.named_parameters():
        assert torch.equal(value, before[name].float()) and value.dtype == torch.float32, name
    trained = learn(given, FEW, replace(QUICK, epochs=1)).model
    assert not torch.equal(trained.conv1.weight, still.conv1.weight)
    assert all(torch.equal(value, before[name]) for name, value in given.state_dict().items())
    assert not any(module.training for module in given.modules())


def test_a_training_from_given_weights_goes_on_from_the_same(tmp_path, monkeypatch):
    given, settings = rl.build(TINY), replace(QUICK, epochs=2)
    whole = learn(given, FEW, settings).model.state_dict()

    def interrupted(self, epochs):
        if len(epochs) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(_train._Run, "report", interrupted)
    with pytest.raises(KeyboardInterrupt):
        learn(given, FEW, settings, out=tmp_path)
    monkeypatch.undo()
    digest = json.loads((tmp_path / _train.RUN).read_text(encoding="utf-8"))["run"]["weights"]
    assert len(digest) == 64
    for other in (TINY, rl.build(TINY)):
        with pytest.raises(ValueError, match=f"belongs to another run: weights was '{digest}', not "):
            learn(other, FEW, settings, out=tmp_path, resume=True)
    same = rl.build(TINY)
    same.load_state_dict(given.state_dict())
    resumed = learn(same, FEW, settings, out=tmp_path, resume=True).model.state_dict()
    assert all(torch.equal(value, whole[name]) for name, value in resumed.items())


def with_tied_weights():
    model = rl.build(TINY)
    model.layer1[0].conv2.weight = model.layer1[0].conv1.weight
    return model


def without_a_relu():
    model = rl.build(TINY)
    model.layer2[0].relu1 = torch.nn.Identity()
    return model


def with_other_classes():
    model = rl.build(TINY)
    model.fc = torch.nn.Linear(16, 7)
    return model


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: rl.build(TINY, device="meta"), ValueError, "network must have weights; on the device 'meta' it has"),
        (with_other_classes, ValueError, "network must compute what network.spec describes, and fc has "),
        (with_tied_weights, ValueError, "network must compute .* layer1.0.conv2.weight is layer1.0.conv1.weight"),
        (without_a_relu, ValueError, "network must compute .* layer2.0.relu1 is Identity instead of ReLU"),
        (lambda: rl.build(replace(TINY, classes=7)), ValueError, "classes must be 10, as in digits: .*: 7"),
        (lambda: torch.nn.Linear(1, 1), TypeError, "network must be a name, .*: Linear"),
        (lambda: rl.build(rl.BlockSpec("basic", 8)), TypeError, "network must be a name, "),
        (lambda: torch.nn.Sequential(rl.build(TINY)), TypeError, "network must be a name, "),
    ],
)
def test_networks_that_could_not_be_saved_in_the_end(tmp_path, make, error, message):
    with pytest.raises(error, match=message):
        learn(make(), "digits", QUICK, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_new_blocks_are_for_new_weights():
    with pytest.raises(ValueError, match="zero_init_last is for new weights"):
        learn(rl.build(TINY), "digits", replace(QUICK, zero_init_last=True))


def test_torchs_default_dtype_does_not_count():
    one = learn(TINY, FEW, settings=replace(QUICK, epochs=1))
    torch.set_default_dtype(torch.float64)
    try:
        two = learn(TINY, FEW, settings=replace(QUICK, epochs=1))
    finally:
        torch.set_default_dtype(torch.float32)
    assert {value.dtype for value in two.model.parameters()} == {torch.float32}
    for (name, ours), theirs in zip(one.model.named_parameters(), two.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "error", "message"),
    [
        ("epochs", 0, ValueError, "epochs must be at least 1: 0"),
        ("batch", 6.4, TypeError, "batch must be a whole number, at least 1: 6.4"),
        ("accumulation_steps", True, TypeError, "accumulation_steps must be a whole number"),
        ("lr", -0.1, ValueError, "lr must be from 0 to 1000: -0.1"),
        ("lr", float("nan"), ValueError, "lr must be from 0 to 1000: nan"),
        ("lr", "0.1", TypeError, "lr must be a number from 0 to 1000: '0.1'"),
        ("warmup_epochs", 16, ValueError, "warmup_epochs must be from 0 to 15: 16"),
        ("momentum", 2, ValueError, "momentum must be from 0 to 1: 2"),
        ("weight_decay", -1, ValueError, "weight_decay must be from 0 to 1: -1"),
        ("label_smoothing", 1.5, ValueError, "label_smoothing must be from 0 to 1: 1.5"),
        ("zero_init_last", 1, TypeError, "zero_init_last must be True or False: 1"),
        ("precision", "fp8", ValueError, "precision must be one of 'fp32', 'bf16': 'fp8'"),
        ("seed", -1, ValueError, "seed must be at least 0: -1"),
    ],
)
def test_bad_settings(setting, value, error, message):
    with pytest.raises(error, match=message):
        Settings(**{setting: value})


@pytest.mark.parametrize(
    ("network", "settings", "options", "error", "message"),
    [
        (replace(TINY, classes=5), {}, {}, ValueError, "classes must be 10, as in digits: .*: 5"),
        (replace(TINY, in_channels=3), {}, {}, ValueError, "in_channels must be 1, as in digits: .*: 3"),
        ("resnet18", {}, {}, ValueError, r"image must measure at least 32 pixels a side.*: \(8, 8\)"),
        ("resnet21", {}, {}, ValueError, "name must be one of "),
        (18, {}, {}, TypeError, "network must be a name, such as 'cifar_resnet20', a NetworkSpec or a ResNet: 18"),
        (replace(TINY, shortcut="none"), {"zero_init_last": True}, {}, ValueError, "zero_init_last needs a shortcut"),
        (TINY, {"batch": 2000}, {}, ValueError, "batch must be at most 1,352, all training images of digits: 2000"),
        (
            TINY,
            {"accumulation_steps": 3},
            {},
            ValueError,
            "batch must be a multiple of processes × accumulation_steps = 1",
        ),
        (TINY, {"accumulation_steps": 64}, {}, ValueError, "BatchNorm compares images.*: 64"),
        (TINY, {}, {"checkpoint_every": 0}, ValueError, "checkpoint_every must be at least 1: 0"),
        (TINY, {}, {"checkpoint_every": 5}, ValueError, "checkpoint_every must not be given without out: 5"),
        (TINY, {}, {"workers": -1}, ValueError, "workers must be at least 0: -1"),
        (TINY, {}, {"cpu": 1}, TypeError, "cpu must be True or False: 1"),
        (TINY, {}, {"resume": "no"}, TypeError, "resume must be True or False: 'no'"),
        (TINY, {}, {"progress": None}, TypeError, "progress must be True or False: None"),
        (TINY, {}, {"data": "mnist"}, TypeError, "data must be 'digits', or the result of a function of"),
        (TINY, {}, {"out": ""}, ValueError, "out must not be empty; the current folder is '.': ''"),
        (TINY, {}, {"out": 3}, TypeError, "out must be a path: 3"),
        (TINY, {}, {"out": "/proc/nowhere/run"}, OSError, "/proc/nowhere"),
        (TINY, {}, {"out": f"{__file__}/run"}, OSError, "test_training.py"),
    ],
)
def test_bad_arguments(network, settings, options, error, message):
    with pytest.raises(error, match=message):
        learn(network, settings=Settings(**{"batch": 64, **settings}), **options)


def test_settings_that_are_none():
    with pytest.raises(TypeError, match=r"settings must be a Settings, such as .*: {'epochs': 1}"):
        learn(TINY, settings={"epochs": 1})


@pytest.mark.parametrize(("gpus", "what"), [(0, "processor cores"), (1, "GPUs"), (1, "processor cores")])
def test_more_processes_than_devices(monkeypatch, gpus, what):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str((os.cpu_count() or 1) + 1))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    if gpus and what != "GPUs":
        monkeypatch.setenv("ACCELERATE_USE_CPU", "True")  # as `accelerate launch --cpu` says it
        gpus = 0
    with pytest.raises(ValueError, match=f"processes must be at most {gpus or os.cpu_count()}, this machine's {what}"):
        train(TINY, settings=QUICK, progress=False)


def test_ctrl_c_says_how_to_go_on(tmp_path, capsys):
    """And then that works: the resumed run ends with the weights of one that was not stopped."""
    out = tmp_path / "run"
    command = ["train", "--depths", "1,1,1", "--stem-width", "8", "--widths", "8,8,8", "--batch", "338"]
    command += ["--epochs", "6", "--cpu"]
    with start("-m", "resnet_lib", *command, "--out", out, "--checkpoint-every", "1") as process:
        deadline = time.monotonic() + 100
        while process.poll() is None and time.monotonic() < deadline:
            if (out / _train.CHECKPOINT).exists():
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    *_, last = error.splitlines()
    assert last == f"resnet-lib: stopped: the same command with --resume goes on from the last checkpoint in {out}"
    assert "Traceback" not in error
    assert main([*command, "--out", str(out), "--checkpoint-every", "1", "--resume"]) == 0
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    resumed, whole = state(out), state(tmp_path / "whole")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


@pytest.mark.parametrize("out", [None, "run"])
def test_ctrl_c_before_a_checkpoint(tmp_path, capsys, monkeypatch, out):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_train, "train", interrupted)
    monkeypatch.chdir(tmp_path)
    assert main(["train", "--cpu", *(["--out", out] if out else [])]) == 130
    expected = "run holds no checkpoint yet; the same command starts again"
    expected = expected if out else "nothing was written, because --out names no folder"
    assert capsys.readouterr().err == f"resnet-lib: stopped: {expected}\n"


def test_the_command_says_what_came_out(capsys, monkeypatch):
    monkeypatch.setattr(_train, "train", lambda *_, **__: _train.Trained(rl.build(TINY), (), 0.25, 0.0125))
    assert main(["train", "--cpu"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "training error 25.00 %, test error 1.25 %",
        "accuracy on the test split: 98.75 %",
    ]


def test_a_log_in_an_encoding_that_lacks_a_character(monkeypatch):
    """ASCII lacks all that cp1252 and its like lack."""
    log = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", log)
    assert main(["train", "--depths", "1,1,1", "--batch", "676", "--epochs", "1", "--cpu"]) == 0
    log.seek(0)
    told = log.read()
    assert " of 8 " in told and "test error" in told


def test_two_processes_by_torchrun(tmp_path):
    """The command as the README has it."""
    options = ["--depths", "1,1,1", "--batch", "676", "--epochs", "1", "--cpu", "--out", tmp_path / "run"]
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone")
    finished = run(*torchrun, "-m", "resnet_lib", "train", *options)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("accuracy on the test split") == 1
    assert rl.load(tmp_path / "run" / _train.NETWORK).spec.depths == (1, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnet21"], "name must be one of resnet18"),
        (["--classes", "5"], "classes must be 10, as in digits"),
        (["--batch", "2000"], "batch must be at most 1,352"),
        (["--data", "nowhere"], "nowhere must hold train/, with a folder for each class"),
        (["--data", "cifar10"], "data holds no complete CIFAR-10; to fetch it (170 MB), ask for its download"),
        (["--resume"], "out must name the folder of the run to resume"),
        (["--out", "/proc/nowhere/run"], "[Errno 2] "),
        (["--checkpoint-every", "5"], "checkpoint_every must not be given without out: 5"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_command_ends_with_one_line(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"resnet-lib: {message}") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_first_process_of_each_machine_tells_of_an_error(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert main(["train", "resnet21"]) == 2
    assert "name must be one of" in capsys.readouterr().err
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert main(["train", "resnet21"]) == 2
    assert capsys.readouterr() == ("", "")


def test_images_from_a_folder(image_root):
    data = image_folder(image_root, image=16)
    spec = replace(TINY, in_channels=3, classes=3)
    trained = learn(spec, data, Settings(epochs=1, batch=8))
    other = learn(spec, data, Settings(epochs=1, batch=8), workers=2)
    assert trained.epochs[0][:7] == other.epochs[0][:7]  # the images are the same in every process


def test_the_process_that_comes_to_an_unreadable_file_says_so(monkeypatch, capsys):
    """Also where it is not the first of its machine."""

    def fail(*_, **__):
        raise UnreadableFile("here/3.png cannot be read: broken")

    monkeypatch.setattr(_train, "train", fail)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert main(["train"]) == 2
    assert capsys.readouterr().err == "resnet-lib: here/3.png cannot be read: broken\n"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_an_image_that_cannot_be_read(damaged_image, capsys, workers):
    folder = str(damaged_image.parent.parent.parent)
    options = ["--image", "16", "--batch", "12", "--epochs", "1", "--workers", workers, "--cpu"]
    assert main(["train", "--data", folder, *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"resnet-lib: {damaged_image} cannot be read: ")


def test_one_process_downloads_before_the_others_look(tmp_path, monkeypatch):
    happened = []

    class Processes:
        @contextmanager
        def local_main_process_first(self):
            happened.append("first")
            yield
            happened.append("then the others")

        def destroy_process_group(self):
            happened.append("the end")

    def fetched(folder, download):
        happened.append(f"download={download} into {folder}")
        return digits()

    monkeypatch.setattr(_train, "processes", lambda cpu: Processes())
    monkeypatch.setattr("resnet_lib.lab.data.cifar10", fetched)
    monkeypatch.setattr(_train, "train", lambda *_, **__: _train.Trained(rl.build(TINY), (), 0.25, 0.5))
    assert main(["train", "--data", "cifar10", "--download", "--data-folder", "there"]) == 0
    assert happened == ["first", "download=True into there", "then the others", "the end"]
