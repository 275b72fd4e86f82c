"""The images: where they come from, which split they belong to, and that each looks the same whoever loads it."""

from __future__ import annotations

import hashlib
import http.server
import math
import pickle
import shutil
import struct
import tarfile
import threading
from functools import partial
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader

from resnet_lib._files import UnreadableFile, said_by_all
from resnet_lib.lab._folder import _rgb
from resnet_lib.lab.data import Augmented, Key, Order, Prepared, Shift, cifar10, digits, fold_seed, image_folder
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


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 9)])
def test_a_shift_is_torchvisions_crop(shape):
    image = torch.arange(math.prod(shape)).view(shape)
    crop = torchvision.transforms.RandomCrop(shape[-2:], padding=1, fill=-7)
    for seed in range(20):
        torch.manual_seed(seed)
        theirs = crop(image)
        torch.manual_seed(seed)
        assert torch.equal(Shift(-7)(image), theirs)


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


def test_what_workers_on_windows_and_macos_get(image_root):
    """There a worker is a new process, to which the data set is sent."""
    for data in (digits(), image_folder(image_root, image=16)):
        for split in (Augmented(data, seed=1), Prepared(data, data.test)):
            key = Key(0, 5) if isinstance(split, Augmented) else 5
            sent = pickle.loads(pickle.dumps(split))
            assert torch.equal(sent[key][0], split[key][0]) and sent[key][1] == split[key][1]


# --- what a file may hold --------------------------------------------------------------------------------------------

GREY = numpy.arange(256, dtype=numpy.uint8).reshape(16, 16)  # each brightness once


def grey_16(values, mode="I;16"):
    """An image of 16 bits with these values, in one of Pillow's modes for them."""
    order = ">u2" if mode == "I;16B" else "<u2"
    return Image.frombytes(mode, values.shape[::-1], values.astype(order).tobytes())


def pgm(values, largest):
    height, width = values.shape
    return f"P5 {width} {height} {largest}\n".encode() + values.astype(">u2" if largest > 255 else "u1").tobytes()


def twelve_bits(values):
    """A TIFF file of 12 bits a pixel, as medical devices write them; Pillow reads but does not write it."""
    pairs = values.reshape(-1, 2).astype(int)
    packed = b"".join(bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in pairs)
    tags = {256: values.shape[1], 257: values.shape[0], 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 278: values.shape[0]}
    tags[279] = len(packed)
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0) + packed


@pytest.mark.parametrize("scale", [257, 256], ids=["white is 65535", "white is 65280"])
@pytest.mark.parametrize("name", ["16.png", "16.tif", "16-big-endian.tif", "white-is-zero.tif", "16.pgm"])
def test_grey_images_of_16_bits(tmp_path, name, scale):
    """As their authors meant them: Pillow's own conversion makes nearly all of them white."""
    path, values = tmp_path / name, GREY.astype(numpy.uint16) * scale
    if name.endswith("pgm"):
        path.write_bytes(pgm(values, 65535))
    elif name == "white-is-zero.tif":
        grey_16(65535 - values).save(path, tiffinfo={262: 0})
    else:
        grey_16(values, "I;16B" if "big" in name else "I;16").save(path)
    assert (numpy.asarray(_rgb(str(path))) == GREY[:, :, None]).all()
    with Image.open(path) as image:
        assert numpy.asarray(image.convert("RGB")).mean() > 250  # the fault


def test_grey_images_of_10_and_12_bits(tmp_path):
    (tmp_path / "12.tif").write_bytes(twelve_bits(GREY.astype(int) * 16))
    (tmp_path / "10.pgm").write_bytes(pgm(GREY.astype(int) * 1023 // 255, 1023))
    (tmp_path / "8.pgm").write_bytes(pgm(GREY, 255))
    for name in ("12.tif", "10.pgm", "8.pgm"):
        ours = numpy.asarray(_rgb(str(tmp_path / name))).astype(int)
        assert abs(ours - GREY[:, :, None]).max() <= 1, name


def test_two_classes_that_differ_in_brightness(tmp_path):
    """In 16 bits they give the very tensors that they give in 8 (pytorch/vision issue 2218)."""
    random = numpy.random.default_rng(0)
    for split in ("train", "test"):
        for label, brightest in (("dark", 80), ("bright", 240)):
            for i in range(2):
                values = random.integers(brightest // 2, brightest, (20, 20)).astype(numpy.uint8)
                for folder, image in (
                    ("eight", Image.fromarray(values)),
                    ("sixteen", grey_16(values.astype(numpy.uint16) * 257)),
                ):
                    place = tmp_path / folder / split / label
                    place.mkdir(parents=True, exist_ok=True)
                    image.save(place / f"{i}.png")
    eight, sixteen = (image_folder(tmp_path / name, image=16) for name in ("eight", "sixteen"))
    for i in range(4):
        assert torch.equal(Prepared(eight, eight.test)[i][0], Prepared(sixteen, sixteen.test)[i][0])
        assert torch.equal(Augmented(eight, 0)[Key(0, i)][0], Augmented(sixteen, 0)[Key(0, i)][0])
    bright, dark = (Prepared(sixteen, sixteen.test)[i][0].mean() for i in (0, 2))
    assert bright - dark > 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"])
def test_images_of_8_bits(tmp_path, mode):
    """In each mode that TIFF keeps, the colours are Pillow's."""
    path = tmp_path / "image.tif"
    gradient = Image.merge("RGB", [Image.fromarray(GREY), Image.fromarray(GREY.T.copy()), Image.new("L", (16, 16), 99)])
    if mode == "LAB":
        to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
        ImageCms.applyTransform(gradient, to_lab).save(path)
    else:
        (gradient.convert("P") if mode == "PA" else gradient).convert(mode).save(path)
    with Image.open(path) as image:
        expected = numpy.asarray(image.convert("RGB"))
    assert numpy.array_equal(numpy.asarray(_rgb(str(path))), expected)
    if mode not in ("1", "L", "LA"):
        assert abs(expected.astype(int) - numpy.asarray(gradient)).mean() < 20


def test_a_palette_with_transparent_colours(tmp_path):
    """Pillow warns of it, and a warning is an error here."""
    image = Image.fromarray(GREY).convert("P")
    image.save(tmp_path / "p.png", transparency=bytes(range(256)))
    assert numpy.array_equal(numpy.asarray(_rgb(str(tmp_path / "p.png"))), numpy.asarray(image.convert("RGB")))


def bomb(path):
    Image.new("L", (3, 2 * LARGEST)).save(path)


def cut_short(path):
    Image.fromarray(GREY).save(path)
    path.write_bytes(path.read_bytes()[:-40])


def broken_chunk(path):
    Image.fromarray(GREY).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 255
    path.write_bytes(content)


def long_text(path):
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "a" * (PngImagePlugin.MAX_TEXT_CHUNK + 1), zip=True)
    Image.fromarray(GREY).save(path, pnginfo=info)


LARGEST = 1000
UNREADABLE = {
    "a decompression bomb": bomb,
    "cut short": cut_short,
    "a broken chunk": broken_chunk,
    "a long text": long_text,
    "empty": lambda path: path.touch(),
    "text": lambda path: path.write_text("no image\n", encoding="utf-8"),
    "a folder": lambda path: path.mkdir(),
    "32 bits": lambda path: Image.new("I", (8, 8)).save(path, "TIFF"),
    "floats": lambda path: Image.new("F", (8, 8)).save(path, "TIFF"),
}


@pytest.mark.parametrize("trouble", UNREADABLE)
def test_one_line_names_the_file(tmp_path, monkeypatch, trouble):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", LARGEST)
    path = tmp_path / "image.png"
    UNREADABLE[trouble](path)
    with pytest.raises(UnreadableFile) as caught:
        _rgb(str(path))
    message = str(caught.value)
    assert message.startswith(f"{path} cannot be read: ") and "\n" not in message
    assert not said_by_all(caught.value) and said_by_all(OSError(message))
    if trouble in ("32 bits", "floats"):
        assert "convert them to 8 or 16 bits" in message


def test_one_line_names_the_file_with_workers_too(image_root, tmp_path):
    shutil.copytree(image_root, tmp_path / "copy")
    damaged = tmp_path / "copy" / "train" / "two" / "3.png"
    cut_short(damaged)
    data = image_folder(tmp_path / "copy", image=16)
    keys = [Key(0, i) for i in range(len(data.train))]
    with pytest.raises(UnreadableFile) as caught:
        list(DataLoader(Augmented(data, 0), 4, sampler=keys, num_workers=1))
    message = str(caught.value)
    assert message.startswith(f"{damaged} cannot be read: ") and "\n" not in message


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.tif", "grey.tif", "grey-16.tif", "photo.webp"])
def test_images_are_turned_as_their_exif_data_say(tmp_path, name, orientation):
    """The upright image is stored turned, as cameras do; each orientation undoes its own turn."""
    upright = numpy.zeros((16, 24), dtype=numpy.uint8)
    upright[:8, :8], upright[8:, :8] = 250, 120  # no two of the eight orientations look alike
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[274] = orientation
    image = grey_16(turned.astype(numpy.uint16) * 257) if "16" in name else Image.fromarray(turned.copy())
    if name.startswith("photo"):
        image = image.convert("RGB")
    image.save(
        tmp_path / name, **{".jpg": {"quality": 95}, ".webp": {"lossless": True}}.get(Path(name).suffix, {}), exif=exif
    )
    seen = numpy.asarray(_rgb(str(tmp_path / name)))[:, :, 0].astype(int)
    assert seen.shape == (16, 24)
    assert abs(seen - upright).max() <= (12 if name.endswith("jpg") else 0)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_exif_data_say_nothing_about_the_image(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "image.jpg", exif=b"Exif\0\0II*\0garbage")
    assert _rgb(str(tmp_path / "image.jpg")).size == (16, 16)


def test_files_that_are_not_images(image_root, tmp_path, monkeypatch):
    """They are counted once; hidden ones, such as those of macOS and Jupyter, do not count."""
    folder = tmp_path / "copy"
    shutil.copytree(image_root, folder)
    one = folder / "train" / "one"
    for name in ("a.gif", "b.GIF", "c.heic", "notes", "._0.png", ".DS_Store"):
        (one / name).write_bytes(b"\0\5\x16\7")
    (folder / "test" / "two" / "d.jp2").touch()
    (one / ".ipynb_checkpoints").mkdir()
    shutil.copy(one / "0.png", one / ".ipynb_checkpoints" / "0-checkpoint.png")
    (one / "deeper").mkdir()
    shutil.copy(one / "0.png", one / "deeper" / "0.PNG")
    with pytest.warns(UserWarning) as warned:
        data = image_folder(folder)
    counts = "2 .gif, 1 .heic, 1 .jp2, 1 without an extension"
    assert [str(w.message) for w in warned] == [f"{folder}: files that are not among the images: {counts}"]
    assert warned[0].filename == __file__
    assert str(data) == "copy: 37 + 12 images of 224 × 224, 3 classes"
    monkeypatch.setenv("LOCAL_RANK", "1")  # another process of this machine says nothing: a warning is an error here
    assert len(image_folder(folder).train) == 37


def test_a_class_without_an_image(image_root, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(image_root, folder)
    for file in (folder / "train" / "one").iterdir():
        file.rename(file.with_suffix(".gif"))
    with pytest.raises(FileNotFoundError, match=r"train must hold a folder of images \(\.jpg, .*\.webp\) .*: .* one\."):
        image_folder(folder)


@pytest.mark.parametrize("function", [image_folder, cifar10])
@pytest.mark.parametrize("value", ["", 3])
def test_a_folder_without_a_name(function, value):
    with pytest.raises(ValueError if value == "" else TypeError, match="folder must "):
        function(value)


# --- which image when ----------------------------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 9), st.data())
def test_order(images, batch, epochs, seed, draw):
    """Each epoch sees each image at most once, and all but less than a batch; a later start skips, no more."""
    batch = min(batch, images)
    steps = images // batch
    whole = list(Order(images, batch, epochs, seed))
    assert len(Order(images, batch, epochs, seed)) == len(whole) == epochs * steps * batch
    for epoch in range(epochs):
        seen = [key.image for key in whole if key.epoch == epoch]
        assert len(set(seen)) == len(seen) == steps * batch
        assert set(seen) <= set(range(images))
    start = draw.draw(st.integers(0, epochs * steps))
    assert list(Order(images, batch, epochs, seed, start)) == whole[start * batch :]
    assert len(Order(images, batch, epochs, seed, start)) == len(whole) - start * batch


def test_orders_differ():
    orders = [
        [key.image for key in Order(50, 50, 2, seed) if key.epoch == epoch] for seed in (0, 1) for epoch in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_an_image_looks_the_same_in_every_process():
    augmented, keys = Augmented(digits(), seed=5), [Key(epoch, i) for epoch in (0, 1) for i in range(40)]
    before = torch.get_rng_state()
    alone = torch.stack([augmented[key][0] for key in keys])
    assert torch.equal(torch.get_rng_state(), before)
    backwards = torch.stack([augmented[key][0] for key in reversed(keys)]).flip(0)
    by_workers = torch.cat([images for images, _ in DataLoader(augmented, 8, sampler=keys, num_workers=2)])
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
