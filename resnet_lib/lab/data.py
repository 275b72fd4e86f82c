"""Images to learn from: scikit-learn's digits, CIFAR-10, or a folder of your own.

    digits()                        1,797 handwritten digits of 8 × 8 pixels, which come with scikit-learn
    cifar10("data", download=True)  60,000 photographs of 32 × 32 pixels, by torchvision
    image_folder("flowers")         flowers/train/<class>/*.jpg and flowers/test/<class>/*.jpg

Nothing is downloaded unless `download` says so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from os import PathLike
from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset, Sampler, TensorDataset

from resnet_lib import _check
from resnet_lib._files import path_named

# Means and standard deviations of ImageNet's training images, by channel: torchvision/transforms/_presets.py.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# Those of CIFAR-10's 50,000 training images. Pixels run from 0 to 1.
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

Transform = Callable[[Any], Tensor]


@dataclass(frozen=True)
class Data:
    """Images with their classes, in a training split and a test split that share no image.

    - `name` is what messages call it.
    - `labels` are the names of the classes.
    - `in_channels` is the number of channels of an image.
    - `image` is its height and width in pixels.
    - `train` and `test` give (image, class) by index.
    - `augment` makes a tensor (in_channels, height, width) of a training image, by torch's random numbers.
    - `prepare` makes the tensor that is used in testing.

    >>> print(digits())
    digits: 1,352 + 445 images of 8 × 8, 10 classes

    Chapter 10.
    """

    name: str
    labels: tuple[str, ...]
    in_channels: int
    image: tuple[int, int]
    train: Dataset[Any]
    test: Dataset[Any]
    augment: Transform
    prepare: Transform

    @property
    def classes(self) -> int:
        """Return the number of classes."""
        return len(self.labels)

    def __str__(self) -> str:
        height, width = self.image
        images = f"{length(self.train):,} + {length(self.test):,} images of {height} × {width}"
        return f"{self.name}: {images}, {self.classes} classes"


def digits() -> Data:
    """Return scikit-learn's handwritten digits, with every fourth of each class kept for testing.

    They are the test set of the UCI repository's "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak
    1998), and come with the package. Training and test digits share writers. Training images are shifted by up to one
    pixel.

    >>> data = digits()
    >>> len(data.train), len(data.test)
    (1352, 445)

    Raises ImportError if scikit-learn is not installed.
    Chapter 1.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ImportError("digits need scikit-learn: `pip install scikit-learn` brings it") from error
    bunch = load_digits()
    images, labels = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16, torch.tensor(bunch.target)
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for digit in range(10):
        held_out[(labels == digit).nonzero()[3::4]] = True
    mean, std = images[~held_out].mean(), images[~held_out].std()
    images = (images - mean) / std
    return Data(
        name="digits",
        labels=tuple(map(str, bunch.target_names)),
        in_channels=1,
        image=(8, 8),
        train=TensorDataset(images[~held_out], labels[~held_out]),
        test=TensorDataset(images[held_out], labels[held_out]),
        augment=Shift(float(images.min())),
        prepare=_unchanged,
    )


def cifar10(folder: str | PathLike[str], *, download: bool = False) -> Data:
    """Return CIFAR-10 as torchvision reads it from `folder`: 50,000 training and 10,000 test images.

    `download` fetches its 170 MB into `folder` if they are not there. Training images are shifted by up to 4 pixels and
    mirrored half of the time (He et al. 2015, section 4.2). Each channel is scaled with the training images' mean and
    standard deviation.

    >>> cifar10("data", download=True).labels[:3]  # doctest: +SKIP
    ('airplane', 'automobile', 'bird')

    Raises FileNotFoundError if `folder` does not hold it.
    Raises ConnectionError if it cannot be fetched.
    Chapter 10.
    """
    from resnet_lib.nn.vision import torchvision  # takes a second to import

    transforms, root = torchvision.transforms, path_named("folder", folder)
    try:
        train, test = (
            torchvision.datasets.CIFAR10(root=str(root), train=train, download=download) for train in (True, False)
        )
    except OSError as error:
        raise ConnectionError(f"CIFAR-10 could not be fetched into {folder}: {error}") from error
    except RuntimeError as error:
        raise FileNotFoundError(
            f"{folder} holds no complete CIFAR-10; to fetch it (170 MB), ask for its download: {error}"
        ) from error
    prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize(CIFAR10_MEAN, CIFAR10_STD)])
    augment = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), prepare])
    return Data("cifar10", tuple(train.classes), 3, (32, 32), train, test, augment, prepare)


# --- a folder of images ----------------------------------------------------------------------------------------------


def image_folder(folder: str | PathLike[str], *, image: Any = 224) -> Data:
    """Return your own images: `folder`/train/<class>/… and `folder`/test/<class>/… (or val instead of test).

    A training image is a random part of at least 8 % of the file's, mirrored half of the time (Szegedy et al. 2014,
    section 6). A test image is the centre, cut from an image whose shorter side is 8/7 of `image`, as in torchvision
    (256 for 224). Both have `image` pixels, a side or (height, width), and three channels of 8 bits.

    A class is called as its folder. Names that begin with a dot are skipped. A warning counts the files of other kinds
    than .jpg, .jpeg, .png, .ppm, .bmp, .pgm, .tif, .tiff and .webp. Images are turned as their EXIF data say.

    >>> image_folder("flowers").labels  # doctest: +SKIP
    ('daisy', 'rose')

    Raises FileNotFoundError for a folder that is missing or empty.
    Raises ValueError if the splits do not have the same classes, at least two.
    An image that cannot be read raises OSError with its name when its turn comes.
    Chapter 10.
    """
    from resnet_lib.lab._folder import split
    from resnet_lib.nn.vision import torchvision  # takes a second to import

    height, width = _check.image_size(image)
    root = path_named("folder", folder)
    train, test = (split(root, names) for names in (("train",), ("test", "val")))
    if train.classes != test.classes:
        only = sorted(set(train.classes) ^ set(test.classes))
        raise ValueError(f"{root} must have the same classes in both splits; in one only: {', '.join(only)}")
    if len(train.classes) < 2:
        raise ValueError(f"{root} must have at least two classes: {', '.join(train.classes)}")
    others = train.others + test.others
    if others and int(os.environ.get("LOCAL_RANK", 0)) == 0:  # one process of a machine is enough to say it
        counts = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
        warnings.warn(f"{root}: files that are not among the images: {counts}", stacklevel=2)
    transforms = torchvision.transforms
    scale = transforms.Compose([transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)])
    augment = [transforms.RandomResizedCrop((height, width)), transforms.RandomHorizontalFlip(), scale]
    prepare = [transforms.Resize(ceil(max(height, width) * 8 / 7)), transforms.CenterCrop((height, width)), scale]
    return Data(
        name=root.resolve().name,
        labels=tuple(train.classes),
        in_channels=3,
        image=(height, width),
        train=train,
        test=test,
        augment=transforms.Compose(augment),
        prepare=transforms.Compose(prepare),
    )


# --- which image when ------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """An image, and the epoch that sees it."""

    epoch: int
    image: int


class Order(Sampler[Key]):
    """The images of a whole training, from the step `start` on: in each epoch another order of all of them.

    The images that are left at an epoch's end, fewer than a batch, wait for another epoch. The order of an epoch
    depends on the seed and the epoch's number alone, so a training can be taken up at any step.
    """

    def __init__(self, images: int, batch: int, epochs: int, seed: int, start: int = 0) -> None:
        self.images, self.batch, self.epochs, self.seed, self.start = images, batch, epochs, seed, start

    def __iter__(self) -> Iterator[Key]:
        steps = self.images // self.batch
        for epoch in range(self.start // steps, self.epochs):
            generator = torch.Generator().manual_seed(fold_seed(self.seed, epoch))
            order = torch.randperm(self.images, generator=generator)
            skipped = self.start - epoch * steps if epoch == self.start // steps else 0
            for image in order[skipped * self.batch : steps * self.batch].tolist():
                yield Key(epoch, image)

    def __len__(self) -> int:
        return (self.epochs * (self.images // self.batch) - self.start) * self.batch


class Augmented(Dataset[tuple[Tensor, int]]):
    """Training images as an epoch sees them, by `Key`.

    An image's random numbers are drawn from the seed, the epoch and its index: it looks the same whichever process or
    worker loads it, and after a resume. Torch's own random state stays as it was.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.data, self.seed = data, seed

    def __getitem__(self, key: Key) -> tuple[Tensor, int]:
        image, label = self.data.train[key.image]
        with torch.random.fork_rng(devices=()):
            # torch.manual_seed would seed GPUs too, which is slow.
            torch.default_generator.manual_seed(fold_seed(self.seed, *key))
            return self.data.augment(image), int(label)

    def __len__(self) -> int:
        return length(self.data.train)


class Prepared(Dataset[tuple[Tensor, int]]):
    """The images of a split as they are tested, by index."""

    def __init__(self, data: Data, split: Dataset[Any]) -> None:
        self.data, self.split = data, split

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image, label = self.split[index]
        return self.data.prepare(image), int(label)

    def __len__(self) -> int:
        return length(self.split)


def length(split: Dataset[Any]) -> int:
    """Return the number of images."""
    return len(split)  # type: ignore[arg-type]  # torch's Dataset does not declare it


def fold_seed(*numbers: int) -> int:
    """Return one seed made of several numbers, which may be large. A last number that is 0 makes no difference."""
    return int(numpy.random.SeedSequence(numbers).generate_state(1, numpy.uint64)[0] >> numpy.uint64(1))


def _unchanged(image: Tensor) -> Tensor:
    return image


@dataclass(frozen=True)
class Shift:
    """Shift an image by up to a pixel in each direction, and fill what becomes free.

    The same as torchvision's `RandomCrop` with a padding of 1, number for number, without importing torchvision.
    """

    fill: float

    def __call__(self, image: Tensor) -> Tensor:
        down, right = (int(torch.randint(0, 3, (1,))) for _ in range(2))
        height, width = image.shape[-2:]
        return pad(image, (1, 1, 1, 1), value=self.fill)[..., down : down + height, right : right + width]
