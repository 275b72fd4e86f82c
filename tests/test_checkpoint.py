"""`rl.save`, `rl.load` and torchvision's published weights: all comes back, and what fails harms nothing."""

import errno
import hashlib
import http.server
import json
import os
import pickle
import struct
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings

import resnet_lib as rl
from resnet_lib.nn.files import from_json, to_json
from resnet_lib.nn.vision import torchvision
from tests.helpers.strategies import blocks, networks

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


@settings(max_examples=60, deadline=None)
@given(networks() | blocks())
def test_a_description_survives_json(described):
    spec, _ = described
    again = from_json(to_json(spec))
    assert again == spec and type(again) is type(spec)


@settings(max_examples=40, deadline=None)
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


def with_other_classes(spec):
    """As many do for pictures of their own; the description does not know of it."""
    model = rl.build(spec)
    model.fc = torch.nn.Linear(model.fc.in_features, 3)
    return model


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (TINY, TypeError, "model must be a network or block as rl.build makes it, not NetworkSpec"),
        (torch.nn.Linear(1, 1), TypeError, "model must be .* not Linear"),
        (rl.build(TINY, device="meta"), ValueError, "model must have weights, .*'meta'"),
        (
            with_other_classes(TINY),
            ValueError,
            r"(?s)model must have the weights that model\.spec describes: .*fc\.weight",
        ),
        (rl.lab.fast(rl.build(TINY)).network, ValueError, r"(?s)model must have the weights .*layer1"),
    ],
)
def test_save_refuses(tmp_path, model, error, message):
    with pytest.raises(error, match=message):
        rl.save(model, tmp_path / "a")
    assert not os.listdir(tmp_path)


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


def test_other_files(tmp_path, capsys):
    path = tmp_path / "a"
    refused(path, b"weights, as a text\n" * 100)
    refused(path, pickle.dumps(Code()))
    torch.save({"conv1.weight": torch.ones(1)}, path)
    refused(path, path.read_bytes())
    refused(path, safetensors.torch.save({"a": torch.ones(1)}), "is no checkpoint")
    assert "code has run" not in capsys.readouterr().out


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
    with pytest.raises(ValueError, match=r"are not what torchvision published.*delete it"):
        rl.build("resnet18", weights="DEFAULT")
    assert "code has run" not in capsys.readouterr().out


@pytest.mark.parametrize("contents", ["not weights", {"fc.weight": torch.ones(2)}, [1], {}])
def test_weights_of_another_network(publisher, tmp_path, contents):
    publisher.publish(as_file(contents, tmp_path))
    with pytest.raises(ValueError, match="weights='DEFAULT' do not fit the network"):
        rl.build("resnet18", weights="DEFAULT")


@pytest.mark.parametrize("contents", [b"", b"text", b"PK\x03\x04 half an archive"])
def test_a_damaged_file_in_the_cache(publisher, contents):
    publisher.publish(contents)
    with pytest.raises(ValueError, match=r"are not what torchvision published.* holds a file resnet18-\w{8}\.pth"):
        rl.build("resnet18", weights="DEFAULT")


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
    with pytest.raises(OSError, match=r"the weights DEFAULT for resnet18 could not be kept in .*file/hub: Not a dir"):
        rl.build("resnet18", weights="DEFAULT")


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("resnet18", {"weights": "IMAGENET1K_V2"}, "weights for resnet18 must be one of 'IMAGENET1K_V1', 'DEFAULT'"),
        ("resnet50", {"weights": 2}, "weights for resnet50 must be one of 'IMAGENET1K_V1', 'IMAGENET1K_V2', 'D.*: 2"),
        (rl.network("resnet50", classes=10), {"weights": "DEFAULT"}, "resnet50, has classes=1000 instead of 10"),
        ("plain34", {"weights": "DEFAULT"}, "weights are published for .*resnet34, has shortcut='B' instead of 'none'"),
        (BLOCK, {"weights": "DEFAULT"}, r"weights are published for whole networks \(resnet18, .*\), not for Block"),
        ("resnet18", {"weights": "DEFAULT", "zero_init_last": True}, "zero_init_last is for new weights.*'DEFAULT'"),
        ("resnet18", {"weights": "DEFAULT", "device": "meta"}, "device must have memory for weights='DEFAULT'"),
    ],
)
def test_weights_that_there_are_not(spec, options, message):
    with pytest.raises(ValueError, match=message):
        rl.build(spec, **options)


def test_each_network_of_torchvision_has_weights():
    from resnet_lib.nn.published import _equal

    candidates = list(rl.names()[:10])
    assert [_equal(rl.network(name), candidates) for name in candidates] == candidates
    assert all("DEFAULT" in torchvision.models.get_model_weights(name).__members__ for name in candidates)
