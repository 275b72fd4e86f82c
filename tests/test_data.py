"""The images: where they come from, which split they belong to, and that each looks the same whoever loads it."""

from __future__ import annotations

import hashlib
import http.server
import pickle
import shutil
import tarfile
import threading
from functools import partial

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

from resnet_lib.lab.data import Augmented, Key, Order, Prepared, cifar10, digits, fold_seed, image_folder
from resnet_lib.nn.vision import torchvision


def test_digits_are_scikit_learns():
    data, bunch = digits(), load_digits()
    train, test = (torch.stack([image for image, _ in part]) for part in (data.train, data.test))
    assert (len(train), len(test)) == (1352, 445)
    counts = [torch.tensor([label for _, label in part]).bincount() for part in (data.train, data.test)]
    assert all(n // 4 == t for n, t in zip((counts[0] + counts[1]).tolist(), counts[1].tolist(), strict=True))
    whole = torch.cat([train, test])
    assert abs(train.mean()) < 1e-5 and train.std() == pytest.approx(1)
    back = (whole - whole.min()) / (whole.max() - whole.min()) * 16  # undo the scaling: all images, each once
    ours = sorted(image.flatten().round().int().tolist() for image in back)
    assert ours == sorted(image.astype(int).flatten().tolist() for image in bunch.images)
    assert str(data) == "digits: 1,352 + 445 images of 8 × 8, 10 classes"


def test_digits_are_shifted_by_at_most_a_pixel():
    data = digits()
    background = float(min(image.min() for image, _ in data.train))
    image, _ = data.train[0]
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), value=background)
    possible = [padded[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)]
    shifted = [data.augment(image) for _ in range(200)]
    seen = {next(i for i, p in enumerate(possible) if torch.equal(p, shift)) for shift in shifted}
    assert seen == set(range(9))
    assert torch.equal(data.prepare(image), image)


# --- CIFAR-10, by files of its format, made of real digits -----------------------------------------------------------

CIFAR10 = torchvision.datasets.CIFAR10


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A folder that a local server offers, with CIFAR-10's archive in small: its format, ten digits a batch."""
    bunch = load_digits()
    folder, names = tmp_path / "made" / CIFAR10.base_folder, CIFAR10.train_list + CIFAR10.test_list
    folder.mkdir(parents=True)
    hashes = {}

    def put(name, content):
        (folder / name).write_bytes(pickle.dumps(content))
        hashes[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()

    for k, (name, _) in enumerate(names):
        part = range(10 * k, 10 * k + 10)
        images = [bunch.images[i].repeat(4, axis=0).repeat(4, axis=1) * 15 for i in part]
        rows = [torch.tensor(image).byte().expand(3, 32, 32).flatten().numpy() for image in images]
        put(name, {"data": numpy.stack(rows), "labels": bunch.target[list(part)].tolist()})
    put(CIFAR10.meta["filename"], {"label_names": list("0123456789")})
    packed = tmp_path / "made" / CIFAR10.filename
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "train_list", [[name, hashes[name]] for name, _ in CIFAR10.train_list])
    monkeypatch.setattr(CIFAR10, "test_list", [[name, hashes[name]] for name, _ in CIFAR10.test_list])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": hashes[CIFAR10.meta["filename"]]})
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(packed.read_bytes()).hexdigest())
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=packed.parent)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/{CIFAR10.filename}")
    yield packed
    server.shutdown()
    server.server_close()


def test_cifar10(archive, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no complete CIFAR-10; to fetch it .*, ask for its download"):
        cifar10(tmp_path / "data")
    assert not list((tmp_path / "data").glob("*"))
    data = cifar10(tmp_path / "data", download=True)
    assert str(data) == "cifar10: 50 + 10 images of 32 × 32, 10 classes"
    again = cifar10(tmp_path / "data")
    image, label = again.train[7]
    assert label == load_digits().target[7]
    tensor = again.prepare(image)
    assert tensor.shape == again.augment(image).shape == (3, 32, 32)
    red = torch.tensor(load_digits().images[7] * 15).byte().repeat_interleave(4, 0).repeat_interleave(4, 1) / 255
    torch.testing.assert_close(tensor[0], (red.float() - 0.4914) / 0.2470)


def test_cifar10_damaged_or_out_of_reach(archive, tmp_path, monkeypatch):
    content = archive.read_bytes()
    archive.write_bytes(content[:-100])
    with pytest.raises(FileNotFoundError, match="holds no complete CIFAR-10"):
        cifar10(tmp_path / "data", download=True)
    archive.unlink()
    with pytest.raises(ConnectionError, match="CIFAR-10 could not be fetched into"):
        cifar10(tmp_path / "other", download=True)


# --- a folder of images --------------------------------------------------------------------------------------------


def test_image_folder(image_root):
    data = image_folder(image_root, image=(16, 24))
    assert str(data) == f"{image_root.name}: 36 + 12 images of 16 × 24, 3 classes"
    assert data.train.classes == ["one", "two", "zero"]
    image, label = data.train[0]
    assert label == 0
    assert data.prepare(image).shape == data.augment(image).shape == (3, 16, 24)


def test_the_middle_is_torchvisions(image_root):
    """At 224 pixels: as the preset for ImageNet's evaluation that comes with torchvision's weights."""
    data = image_folder(image_root)
    image = Image.open(next((image_root / "test" / "two").iterdir())).resize((300, 280))
    preset = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.transforms()
    torch.testing.assert_close(data.prepare(image), preset(image), rtol=0, atol=1e-6)


def test_val_will_do(image_root, tmp_path):
    shutil.copytree(image_root / "train", tmp_path / "train")
    shutil.copytree(image_root / "test", tmp_path / "val")
    assert len(image_folder(tmp_path).test) == 12


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (lambda folder: shutil.rmtree(folder), FileNotFoundError, "must hold train/, with a folder for each class"),
        (lambda folder: shutil.rmtree(folder / "test"), FileNotFoundError, "must hold test/ or val/"),
        (
            lambda folder: [shutil.rmtree(f) for f in (folder / "train").iterdir()],
            FileNotFoundError,
            "train must hold a",
        ),
        (lambda folder: [f.unlink() for f in (folder / "train").glob("*/*")], FileNotFoundError, "train must hold a"),
        (lambda folder: shutil.rmtree(folder / "test" / "two"), ValueError, "the same classes in both.*: two"),
        (
            lambda folder: [shutil.rmtree(f) for name in ("zero", "one") for f in folder.glob(f"*/{name}")],
            ValueError,
            "must have at least two classes: two",
        ),
    ],
    ids=["no folder", "no test", "empty", "no images", "a class is missing", "one class"],
)
def test_a_folder_that_does_not_fit(image_root, tmp_path, damage, error, message):
    folder = tmp_path / "copy"
    shutil.copytree(image_root, folder)
    damage(folder)
    with pytest.raises(error, match=message):
        image_folder(folder)


def test_hidden_folders_are_no_classes(image_root, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(image_root, folder)
    for part in ("train", "test"):
        shutil.copytree(folder / part / "one", folder / part / ".ipynb_checkpoints")
    monkeypatch.chdir(folder)
    data = image_folder(".")
    assert data.labels == ("one", "two", "zero") and data.classes == 3
    assert data.name == "copy"


@pytest.mark.parametrize("image", [0, (16, 16, 16), 2.5])
def test_bad_image_sizes(image_root, image):
    with pytest.raises((ValueError, TypeError), match="image must be"):
        image_folder(image_root, image=image)


# --- which image when ----------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 9), st.data())
def test_order(image_root, batch, epochs, seed, draw):
    """Each epoch sees each image at most once, and all but less than a batch; a later start skips, no more."""
    batch = min(batch, images)
    steps = images // batch
    whole = list(Order(image_root, batch, epochs, seed))
    assert len(Order(image_root, batch, epochs, seed)) == len(whole) == epochs * steps * batch
    for epoch in range(epochs):
        seen = [key.image for key in whole if key.epoch == epoch]
        assert len(set(seen)) == len(seen) == steps * batch
        assert set(seen) <= set(range(image_root))
    start = draw.draw(st.integers(0, epochs * steps))
    assert list(Order(image_root, batch, epochs, seed, start)) == whole[start * batch :]
    assert len(Order(image_root, batch, epochs, seed, start)) == len(whole) - start * batch


def test_orders_differ():
    orders = [
        [key.image for key in Order(50, 50, 2, seed) if key.epoch == epoch] for seed in (0, 1) for epoch in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_an_image_looks_the_same_whoever_loads_it():
    augmented, keys = Augmented(digits(), seed=5), [Key(epoch, i) for epoch in (0, 1) for i in range(40)]
    before = torch.get_rng_state()
    alone = torch.stack([augmented[key][0] for key in keys])
    assert torch.equal(torch.get_rng_state(), before)
    backwards = torch.stack([augmented[key][0] for key in reversed(keys)]).flip(0)
    by_workers = torch.cat([images for images, _ in DataLoader(image_root, 8, sampler=keys, num_workers=2)])
    assert torch.equal(alone, backwards) and torch.equal(alone, by_workers)
    assert not torch.equal(alone[:40], alone[40:])  # an epoch later
    assert not torch.equal(alone, torch.stack([Augmented(digits(), seed=6)[key][0] for key in keys]))


def test_tested_images_are_not_shifted():
    data = digits()
    images, labels = next(iter(DataLoader(Prepared(data, data.test), 445)))
    assert torch.equal(images, torch.stack([image for image, _ in data.test]))
    assert labels.tolist() == [int(label) for _, label in data.test]


@given(st.lists(st.integers(0, 2**32), min_size=2, max_size=3))
def test_folded_seeds(numbers):
    seed = fold_seed(*numbers)
    assert 0 <= seed < 2**63
    assert seed == fold_seed(*numbers) != fold_seed(*numbers[:-1], numbers[-1] + 1)
