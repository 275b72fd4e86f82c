"""`rl.save`, `rl.load` and torchvision's published weights: all comes back, and what fails harms nothing."""

import copy
import errno
import hashlib
import http.server
import json
import os
import pickle
import re
import struct
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import safetensors.torch
import torch
from hypothesis import given

import resnet_lib as rl
from resnet_lib.nn.changed import change
from resnet_lib.nn.files import from_json, to_json
from resnet_lib.nn.vision import torchvision
from tests.helpers.models import EDITS, edited, vary_batch_norms
from tests.helpers.strategies import blocks, networks

Bottleneck = torchvision.models.resnet.Bottleneck
TINY = rl.network("resnet18", depths=(1, 2), widths=(8, 16), stem_width=8, classes=5)
BLOCK = rl.BlockSpec("bottleneck", 16, 4, 32, stride=2, preactivation=True)


def fill(model):
    """Weights and buffers unlike any new module's."""
    for key, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 1)
        else:
            assert key.endswith("num_batches_tracked")
            tensor.fill_(7)
    return model


def bits(model):
    return {
        key: (tensor.dtype, tuple(tensor.shape), tensor.contiguous().reshape(-1).view(torch.uint8).tolist())
        for key, tensor in model.state_dict().items()
    }


def logits(model, images):
    with torch.no_grad():
        return model.eval()(images)


@pytest.fixture
def saved(tmp_path):
    """A checkpoint on disk: its path. The folder must hold it and nothing else, unharmed, when the test is over."""
    path = tmp_path / "net.safetensors"
    rl.save(fill(rl.build(TINY)), path)
    contents = path.read_bytes()
    yield path
    assert os.listdir(tmp_path) == ["net.safetensors"]
    assert path.read_bytes() == contents


# ---- what was written comes back ----


@given(networks() | blocks())
def test_a_description_survives_json(described):
    spec, _ = described
    again = from_json(to_json(spec))
    assert again == spec and type(again) is type(spec)


@given(networks() | blocks())
def test_round_trip(tmp_path_factory, described):
    spec, size = described
    path = tmp_path_factory.getbasetemp() / "round_trip.safetensors"
    model = fill(rl.build(spec))
    rl.save(model, path, overwrite=True)
    random = torch.get_rng_state()
    again = rl.load(path)
    assert torch.equal(torch.get_rng_state(), random)
    assert type(again) is type(model) and again.spec == spec
    assert bits(again) == bits(model)
    assert all(module.training for module in again.modules())
    assert all(parameter.requires_grad for parameter in again.parameters())
    images = torch.randn(1, spec.in_channels, *size)
    torch.testing.assert_close(logits(again, images), logits(model, images), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("spec", [TINY, BLOCK])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_the_dtype_is_kept(tmp_path, spec, dtype):
    model = fill(rl.build(spec, dtype=dtype))
    rl.save(model, tmp_path / "a")
    again = rl.load(tmp_path / "a", device="cpu")
    assert {parameter.dtype for parameter in again.parameters()} == {dtype}
    assert bits(again) == bits(model)


def test_channels_last_training_and_current_defaults_make_no_difference(tmp_path):
    model = fill(rl.build(TINY, memory_format=torch.channels_last)).eval()
    rl.save(model, tmp_path / "a")
    assert not model.training
    assert not model.layer1[0].conv1.weight.is_contiguous()
    again = rl.load(tmp_path / "a")
    assert again.training and again.layer1[0].conv1.weight.is_contiguous()
    assert bits(again) == bits(model)
    with torch.device("meta"):
        assert rl.load(tmp_path / "a").conv1.weight.is_meta  # torch's current default is followed
        assert bits(rl.load(tmp_path / "a", device="cpu")) == bits(model)


def test_a_loaded_network_does_not_stand_on_the_file(saved):
    model = rl.load(saved)
    before = bits(model)
    contents = saved.read_bytes()
    with saved.open("r+b") as file:
        file.write(b"\xff" * len(contents))
    assert bits(model) == before
    saved.write_bytes(contents)


def test_the_file_is_readable_elsewhere(saved):
    """Any safetensors reader gets a state_dict with torchvision's keys."""
    state = safetensors.torch.load_file(saved)
    assert set(state) == set(rl.build(TINY, device="meta").state_dict())
    with safetensors.safe_open(saved, "pt") as file:
        metadata = file.metadata()
    assert json.loads(metadata["spec"])["widths"] == [8, 16]
    assert metadata["resnet_lib"] == rl.__version__


def test_torchvision_takes_the_saved_weights(tmp_path):
    model = fill(rl.build("resnet18"))
    rl.save(model, tmp_path / "a")
    theirs = torchvision.models.resnet18()
    theirs.load_state_dict(safetensors.torch.load_file(tmp_path / "a"), strict=True)
    assert bits(theirs) == bits(model)


def test_overwrite(saved):
    contents = saved.read_bytes()
    with pytest.raises(FileExistsError, match=r"overwrite=True .*net\.safetensors"):
        rl.save(rl.build(BLOCK), saved)
    assert saved.read_bytes() == contents
    rl.save(rl.build(BLOCK), saved, overwrite=True)
    assert rl.load(saved).spec == BLOCK
    saved.write_bytes(contents)


# ---- bad input ----


def without_weights():
    return rl.build(TINY, device="meta")


def in_float8():
    model = rl.build(TINY)
    model.fc.to(torch.float8_e4m3fn)
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (TINY, TypeError, "model must be a network or block as rl.build makes it, not NetworkSpec"),
        (torch.nn.Linear(1, 1), TypeError, "model must be .* not Linear; load its weights into one: the keys are"),
        (
            torchvision.models.ResNet(Bottleneck, [1, 1, 1, 2], replace_stride_with_dilation=[False, False, True]),
            TypeError,
            "not ResNet, and dilation is not a field of a description",
        ),
        (without_weights(), ValueError, "model must have weights; on the device 'meta' it has none"),
        (in_float8(), ValueError, r"fc\.weight must have one of the dtypes torch\.float32, .*: torch\.float8_e4m3fn"),
        (rl.lab.fast(rl.build(TINY)).network, ValueError, "describes, and bn1 is Identity instead of BatchNorm2d"),
    ],
)
def test_save_refuses(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        rl.save(model, tmp_path / "a")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", EDITS)
def test_save_refuses_a_network_that_was_changed(tmp_path, name):
    message = f"model must compute what model.spec describes, and {EDITS[name][1]}. A file holds"
    with pytest.raises(ValueError, match=re.escape(message)):
        rl.save(edited(name), tmp_path / "a")
    assert not os.listdir(tmp_path)


@given(networks() | blocks())
def test_no_network_is_changed_when_it_is_built_copied_or_used(described):
    spec, size = described
    model = copy.deepcopy(rl.build(spec, dtype="fp64", memory_format="channels_last")).train()
    model(torch.randn(3, spec.in_channels, *size, dtype=torch.float64)).sum().backward()
    model.eval().requires_grad_(False)
    assert change(model) is None
    assert change(rl.build(spec, device="meta")) is None


def test_a_changed_subclass_and_a_changed_description():
    class Mine(rl.nn.ResNet):
        def forward(self, x):
            return super().forward(x) * 2

    assert re.fullmatch(r"the model is .*\.Mine instead of ResNet", change(Mine(TINY)))
    model = rl.build(TINY)
    model.spec = replace(TINY, classes=6)
    assert change(model) == "fc has out_features=5 instead of 6"
    block = rl.build(rl.BlockSpec("basic", 4))
    block.bn1 = torch.nn.Identity()
    assert change(block) == "bn1 is Identity instead of BatchNorm2d"


def test_a_hook_that_is_removed_is_no_change(tmp_path):
    model = rl.build(TINY)
    hook = model.layer1.register_forward_hook(lambda *_: None)
    assert change(model)
    hook.remove()
    rl.save(model, tmp_path / "a")


def test_load_refuses_an_unusable_device(saved):
    with pytest.raises(ValueError, match=r"device must be one that torch finds here.*'nowhere'"):
        rl.load(saved, device="nowhere")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "3", '"NetworkSpec"', "{}", '{"type": "NetworkSpec"}', '{"type": ["NetworkSpec"]}'),
        '{"type": "Path"}',
        to_json(TINY).replace('"groups": 1', '"groups": 0'),
        to_json(TINY).replace('"groups"', '"group"'),
        to_json(TINY).replace("8, 16", '"8, 16"'),
        to_json(BLOCK).replace('"stride": 2', '"stride": 2.5'),
        "[" * 100_000,
    ],
)
def test_from_json_refuses(text):
    with pytest.raises(ValueError, match="text must be a network's or block's description in JSON"):
        from_json(text)


def test_to_json_refuses():
    with pytest.raises(TypeError, match="spec must be a NetworkSpec or a BlockSpec: 'resnet18'"):
        to_json("resnet18")
    c = pytest.importorskip("sympy").Symbol("c", positive=True, integer=True)
    with pytest.raises(TypeError, match="must be a number"):
        to_json(rl.BlockSpec("basic", c))


# ---- files that cannot be written ----

FULL = """
import resource, sys
import resnet_lib as rl
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    rl.save(rl.build("cifar_resnet20"), sys.argv[1], overwrite=True)
except OSError as error:
    print(type(error).__name__, error.errno, error)
"""


def test_a_full_disk(saved):
    """A limit on a file's size stands for the disk: writing stops half-way with an error from the system."""
    command = [sys.executable, "-c", FULL, str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"OSError {errno.EFBIG} ") and f"{saved} cannot be written" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_says_so(saved, monkeypatch):
    """/dev/full answers each write with "No space left on device"."""

    def write_bytes(path, contents):
        with open("/dev/full", "wb") as file:
            file.write(contents)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    with pytest.raises(OSError, match=r"net\.safetensors cannot be written: No space left on device"):
        rl.save(rl.build(BLOCK), saved, overwrite=True)
    monkeypatch.undo()


@pytest.mark.parametrize("where", ["missing/a", "net.safetensors/a", "/proc/nowhere/a", "/proc/a"])
def test_a_folder_that_cannot_be_written(saved, where):
    path = saved.parent / where
    with pytest.raises(OSError) as raised:
        rl.save(rl.build(BLOCK), path)
    assert f"{path} cannot be written" in str(raised.value)


def test_a_folder_in_the_way(tmp_path):
    with pytest.raises(FileExistsError):
        rl.save(rl.build(BLOCK), tmp_path)
    with pytest.raises(OSError, match="cannot be written"):
        rl.save(rl.build(BLOCK), tmp_path, overwrite=True)
    assert not os.listdir(tmp_path)


def test_an_interrupted_save(saved, monkeypatch):
    def interrupt(path, contents):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupt)
    with pytest.raises(KeyboardInterrupt):
        rl.save(rl.build(BLOCK), saved, overwrite=True)
    monkeypatch.undo()


# ---- files that cannot be read ----


def refused(path, contents, match="is damaged"):
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=match) as raised:
        rl.load(path)
    assert str(path) in str(raised.value)


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(FileNotFoundError, match="no_such_file"):
        rl.load(tmp_path / "no_such_file")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        rl.load(tmp_path)


def test_truncated(tmp_path):
    rl.save(rl.build(TINY), tmp_path / "whole")
    contents = (tmp_path / "whole").read_bytes()
    header = 8 + struct.unpack("<Q", contents[:8])[0]
    for length in (0, 1, 7, 8, 9, header - 1, header, header + 1, len(contents) // 2, len(contents) - 1):
        refused(tmp_path / "a", contents[:length])
    refused(tmp_path / "a", contents + b"\0")


def test_every_flipped_byte_is_noticed(tmp_path):
    """In the header and, a sample of them, among the weights."""
    spec = rl.BlockSpec("basic", 2)
    rl.save(fill(rl.build(spec)), tmp_path / "whole")
    contents = (tmp_path / "whole").read_bytes()
    header = 8 + struct.unpack("<Q", contents[:8])[0]
    state = rl.load(tmp_path / "whole").state_dict()
    unnoticed = 0
    for at in [*range(header), *range(header, len(contents), 7)]:
        flipped = bytearray(contents)
        flipped[at] ^= 1
        path = tmp_path / "a"
        path.write_bytes(flipped)
        try:
            again = rl.load(path)
        except ValueError as error:
            assert str(path) in str(error)
        else:
            unnoticed += 1  # white space at the header's end, say: nothing was lost
            assert again.spec == spec
            assert all(torch.equal(tensor, state[key]) for key, tensor in again.state_dict().items())
    assert unnoticed < 20


class Code:
    def __reduce__(self):
        return print, ("code has run",)


def in_onnx_way(folder):
    """The first fields of a ModelProto (onnx.proto): ir_version, producer_name, producer_version."""
    (folder / "a").write_bytes(b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(100))


OTHERS = {
    "torch": (
        lambda folder: torch.save({"conv1.weight": torch.ones(1)}, folder / "a"),
        "torch's own format. To take weights with torchvision's keys: "
        "rl.build(name).load_state_dict(torch.load(path, weights_only=True))",
    ),
    "torch before 1.6": (
        lambda folder: torch.save({"a": torch.ones(1)}, folder / "a", _use_new_zipfile_serialization=False),
        "a pickle file. If torch.save wrote it, it is torch's own format. To take",
    ),
    "pickle": (lambda folder: (folder / "a").write_bytes(pickle.dumps(Code())), "a pickle file"),
    "safetensors": (
        lambda folder: safetensors.torch.save_file({"a": torch.ones(1)}, folder / "a"),
        "another program's safetensors file. To take weights with torchvision's keys: "
        "rl.build(name).load_state_dict(safetensors.torch.load_file(path))",
    ),
    "safetensors with metadata": (
        lambda folder: safetensors.torch.save_file({"a": torch.ones(1)}, folder / "a", {"format": "pt"}),
        "another program's safetensors file",
    ),
    "npz": (lambda folder: numpy.savez((folder / "a").open("wb"), weight=[1.0]), "NumPy's archive of arrays"),
    "npy": (lambda folder: numpy.save((folder / "a").open("wb"), [1.0]), "a NumPy array"),
    "zip": (lambda folder: zipfile.ZipFile(folder / "a", "w").writestr("a", "a" * 99), "a zip archive"),
    "HDF5": (lambda folder: (folder / "a").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99)), "an HDF5 file"),
    "ONNX": (in_onnx_way, "an ONNX file"),
    "text": (lambda folder: (folder / "a").write_text("weights, as a text: é\n" * 100), "plain text"),
    "a page": (lambda folder: (folder / "a").write_text("<!DOCTYPE html><title>404</title>"), "a web page"),
    "Git LFS": (
        lambda folder: (folder / "a").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "a pointer of Git LFS, not the file itself: git lfs pull fetches it",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_files_of_other_programs(tmp_path, name, capsys):
    write, expected = OTHERS[name]
    write(tmp_path)
    with pytest.raises(ValueError) as raised:
        rl.load(tmp_path / "a")
    assert f"{tmp_path / 'a'} was not written by rl.save: it is {expected}" in str(raised.value)
    assert "code has run" not in capsys.readouterr().out


def test_the_way_on_for_torchs_format(tmp_path):
    """What the message says works."""
    theirs = fill(torchvision.models.resnet18())
    torch.save(theirs.state_dict(), path := tmp_path / "a")
    model = rl.build("resnet18")
    model.load_state_dict(torch.load(path, weights_only=True))
    assert bits(model) == bits(theirs)


def test_bytes_of_no_format(tmp_path):
    for contents in (bytes(100), bytes(range(256)), b"PK\x03\x04 half an archive, with some bytes more: \x00"):
        refused(tmp_path / "a", contents, "is damaged, or was not written by rl.save")


def test_description_and_weights_that_do_not_fit(tmp_path):
    from resnet_lib.nn.tensors import write_tensors

    state = rl.build(TINY).state_dict()
    path = tmp_path / "a"
    for spec, tensors, message in [
        (to_json(replace(TINY, classes=6)), state, r"fc\.weight"),
        (to_json(replace(TINY, depths=(1, 1))), state, r"layer2\.1\.conv1\.weight"),
        (to_json(TINY), {key: tensor for key, tensor in state.items() if key != "fc.bias"}, r"fc\.bias"),
        (to_json(TINY), state | {"fc.bias": torch.zeros(5, dtype=torch.int32)}, "floating point"),
        (to_json(TINY), state | {"fc.bias": torch.zeros(5).to(torch.float8_e4m3fn)}, "fc.bias must have one of"),
        ("{}", state, "description in JSON"),
        (None, state, "was not written by rl.save"),
    ]:
        write_tensors(path, tensors, {} if spec is None else {"spec": spec})
        with pytest.raises(ValueError, match=message) as raised:
            rl.load(path)
        assert str(path) in str(raised.value)


# ---- torchvision's published weights, from a server of our own ----


class Publisher:
    """A server on this machine with one file, which stands in for torchvision's as resnet18's weights."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        self.cache = folder / "torch" / "hub" / "checkpoints"
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
        handler = lambda *args: Quiet(*args, directory=str(folder))  # noqa: E731
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self, contents, digest=None, exists=True):
        name = f"resnet18-{(digest or hashlib.sha256(contents).hexdigest())[:8]}.pth"
        if exists:
            (self.folder / name).write_bytes(contents)
        self.point_to(f"http://127.0.0.1:{self.server.server_port}/{name}")

    def point_to(self, url):
        weights = torchvision.models.ResNet18_Weights.IMAGENET1K_V1
        self.monkeypatch.setattr(weights.value, "url", url)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    publisher = Publisher(tmp_path, monkeypatch)
    yield publisher
    publisher.close()


def as_file(state, folder):
    torch.save(state, folder / "state")
    return (folder / "state").read_bytes()


def test_published_weights(publisher, tmp_path):
    theirs = fill(torchvision.models.resnet18()).eval()
    publisher.publish(as_file(theirs.state_dict(), tmp_path))
    random = torch.get_rng_state()
    ours = rl.build("resnet18", weights="IMAGENET1K_V1")
    assert torch.equal(torch.get_rng_state(), random)
    assert ours.training and all(parameter.requires_grad for parameter in ours.parameters())
    assert bits(ours) == bits(theirs)
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(logits(ours, images), logits(theirs, images))
    publisher.close()  # the second time they come from the cache, and by any equal description
    spec = replace(rl.network("resnet34"), depths=[2, 2, 2, 2])
    last = rl.build(spec, weights="DEFAULT", dtype=torch.bfloat16, memory_format=torch.channels_last)
    assert last.conv1.weight.dtype == last.bn1.running_mean.dtype == torch.bfloat16
    assert last.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last.fc.weight, ours.fc.weight.bfloat16())


def test_weights_from_before_batches_were_counted(publisher, tmp_path):
    """torchvision's oldest files have no num_batches_tracked."""
    theirs = fill(torchvision.models.resnet18())
    state = {key: tensor for key, tensor in theirs.state_dict().items() if "num_batches" not in key}
    publisher.publish(as_file(state, tmp_path))
    ours = rl.build("resnet18", weights="DEFAULT")
    assert ours.bn1.num_batches_tracked == 0
    assert torch.equal(ours.bn1.running_var, theirs.bn1.running_var)


def test_a_wrong_hash(publisher, tmp_path):
    publisher.publish(as_file({}, tmp_path), digest="0123456789")
    with pytest.raises(ValueError, match=r"the weights DEFAULT for resnet18 are not what .*invalid hash value"):
        rl.build("resnet18", weights="DEFAULT")
    assert not os.listdir(publisher.cache)


def test_code_among_the_weights(publisher, capsys):
    publisher.publish(pickle.dumps(Code(), protocol=2))  # torch's own protocol
    with pytest.raises(ValueError, match=r"are not what torchvision published.*/resnet18-\w{8}\.pth; delete it\)$"):
        rl.build("resnet18", weights="DEFAULT")
    assert "code has run" not in capsys.readouterr().out


@pytest.mark.parametrize("contents", ["not weights", {"fc.weight": torch.ones(2)}, [1], {}])
def test_weights_of_another_network(publisher, tmp_path, contents):
    publisher.publish(as_file(contents, tmp_path))
    with pytest.raises(ValueError, match="weights='DEFAULT' do not fit the network"):
        rl.build("resnet18", weights="DEFAULT")


@pytest.mark.parametrize("contents", [b"", b"text", b"PK\x03\x04 half an archive"])
def test_a_damaged_file_as_published(publisher, contents):
    publisher.publish(contents)
    with pytest.raises(ValueError, match=r"are not what torchvision published: .*checkpoints/resnet18-\w{8}\.pth; del"):
        rl.build("resnet18", weights="DEFAULT")


@pytest.mark.parametrize("other", ["half", "other numbers"])
def test_a_file_in_the_cache_that_was_not_published(publisher, tmp_path, other):
    """torch.hub compares the hash with a download only: a file that is there has to be looked at by ourselves."""
    publisher.publish(as_file(torchvision.models.resnet18().state_dict(), tmp_path))
    rl.build("resnet18", weights="DEFAULT")
    (file,) = publisher.cache.iterdir()
    whole = file.read_bytes()
    instead = as_file(torchvision.models.resnet18().state_dict(), tmp_path)
    file.write_bytes(whole[: len(whole) // 2] if other == "half" else instead)
    with pytest.raises(ValueError) as raised:
        rl.build("resnet18", weights="DEFAULT")
    assert f"the weights DEFAULT for resnet18 are not what torchvision published: {file} has" in str(raised.value)
    file.unlink()  # as the message says
    rl.build("resnet18", weights="DEFAULT")


# ---- published weights for other classes ----


@pytest.mark.parametrize("spec", ["resnet18", rl.network("resnet18", classes=10)], ids=["a name", "a description"])
def test_published_weights_with_a_new_classifier(publisher, tmp_path, spec):
    theirs = vary_batch_norms(torchvision.models.resnet18()).eval()
    publisher.publish(as_file(theirs.state_dict(), tmp_path))
    torch.manual_seed(5)
    ours = rl.build(spec, weights="IMAGENET1K_V1", **({"classes": 10} if spec == "resnet18" else {}))
    torch.manual_seed(5)
    theirs.fc = torch.nn.Linear(512, 10)  # what people write for torchvision's
    assert ours.spec == rl.network("resnet18", classes=10) and bits(ours) == bits(theirs)
    assert ours.training and all(parameter.requires_grad for parameter in ours.parameters())
    images = torch.randn(2, 3, 64, 64)
    assert torch.equal(logits(ours, images), logits(theirs, images))

    rl.save(ours, tmp_path / "mine")
    assert bits(rl.load(tmp_path / "mine")) == bits(ours)
    found = rl.lab.measure(ours, 64, seconds=1e-3)
    assert (found.macs, found.counted_by) == (rl.price(ours.spec, 64).macs, "description")
    torch.testing.assert_close(rl.lab.fast(ours, compiled=False)(images), logits(ours, images), rtol=1e-3, atol=1e-3)
    optimizer = torch.optim.SGD(ours.train().parameters(), lr=1e-3)
    torch.nn.functional.cross_entropy(ours(images), torch.tensor([3, 9])).backward()
    optimizer.step()
    rl.save(ours, tmp_path / "mine", overwrite=True)


def test_a_new_classifier_in_another_dtype(publisher, tmp_path):
    publisher.publish(as_file(torchvision.models.resnet18().state_dict(), tmp_path))
    ours = rl.build("resnet18", weights="DEFAULT", classes=3, dtype="bf16", memory_format="channels_last")
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}
    assert ours.fc.weight.any() and ours.fc.bias.any()


def test_another_network_is_no_new_classifier(publisher, tmp_path):
    """A file with other classes than it was published with is not taken for a body."""
    publisher.publish(as_file(torchvision.models.resnet18(num_classes=10).state_dict(), tmp_path))
    with pytest.raises(ValueError, match=r"(?s)weights='DEFAULT' do not fit the network.*fc\.weight"):
        rl.build("resnet18", weights="DEFAULT", classes=10)


def test_no_server_no_file(publisher):
    publisher.publish(b"", exists=False)
    with pytest.raises(ConnectionError, match=r"IMAGENET1K_V1 for resnet18 could not be downloaded: .*404"):
        rl.build("resnet18", weights="IMAGENET1K_V1")
    publisher.close()
    with pytest.raises(ConnectionError, match=r"IMAGENET1K_V1 for resnet18 could not be downloaded: .*refused"):
        rl.build("resnet18", weights="IMAGENET1K_V1")
    assert not os.listdir(publisher.cache)


def test_a_cache_that_cannot_be_written(publisher, tmp_path, monkeypatch):
    publisher.publish(as_file({}, tmp_path))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match=r"for resnet18 could not be kept in .*file/hub/checkpoints: Not a dir"):
        rl.build("resnet18", weights="DEFAULT")


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("resnet18", {"weights": "IMAGENET1K_V2"}, "weights for resnet18 must be one of 'IMAGENET1K_V1', 'DEFAULT'"),
        ("resnet50", {"weights": 2}, "weights for resnet50 must be one of 'IMAGENET1K_V1', 'IMAGENET1K_V2', 'D.*: 2"),
        (rl.network("resnet50", in_channels=1), {"weights": "DEFAULT"}, "resnet50, has in_channels=3 instead of 1"),
        ("resnet50", {"weights": "DEFAULT", "stem": "cifar", "classes": 10}, "resnet50, has stem='imagenet' instead"),
        (
            "plain34",
            {"weights": "DEFAULT"},
            "are published for .*any number of classes; .*34, has shortcut='B' instead of 'none'",
        ),
        (BLOCK, {"weights": "DEFAULT"}, r"weights are published for whole networks \(resnet18, .*\), not for Block"),
        ("resnet18", {"weights": "DEFAULT", "zero_init_last": True}, "zero_init_last is for new weights.*'DEFAULT'"),
        ("resnet18", {"weights": "DEFAULT", "device": "meta"}, "device must have memory for weights='DEFAULT'"),
    ],
)
def test_weights_that_there_are_not(spec, options, message):
    with pytest.raises(ValueError, match=message):
        rl.build(spec, **options)


def test_each_network_of_torchvision_has_weights():
    from resnet_lib.nn.published import nearest

    candidates = list(rl.names()[:10])
    assert [nearest(rl.network(name), candidates) for name in candidates] == candidates
    assert all("DEFAULT" in torchvision.models.get_model_weights(name).__members__ for name in candidates)
