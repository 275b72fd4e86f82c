"""Pictures to learn from: scikit-learn's digits, CIFAR-10, or a folder of your own.

    digits()                        1,797 handwritten digits of 8 × 8 pixels, which come with scikit-learn
    cifar10("data", download=True)  60,000 photographs of 32 × 32 pixels, by torchvision
    image_folder("flowers")         flowers/train/<class>/*.jpg and flowers/test/<class>/*.jpg

Nothing is downloaded unless `download` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, TensorDataset

from resnet_lib import _check
from resnet_lib.nn.vision import torchvision

# ImageNet's colours, means and standard deviations over its training pictures: torchvision/transforms/_presets.py.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# CIFAR-10's over its 50,000 training pictures, pixels from 0 to 1.
CIFAR10_MEAN, CIFAR10_STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)

Transform = Callable[[Any], Tensor]


@dataclass(frozen=True)
class Data:
    """Pictures with their classes, in two parts that share no picture.

    `train` and `test` give (picture, class) by index; `labels` are the classes' names. `augment` makes of a training
    picture the tensor that is learnt from, (in_channels, height, width), and may draw from torch's random numbers;
    `prepare` makes the one that is tested. `image` is its height and width in pixels.
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
        """How many they are."""
        return len(self.labels)

    def __str__(self) -> str:
        height, width = self.image
        pictures = f"{length(self.train):,} + {length(self.test):,} pictures of {height} × {width}"
        return f"{self.name}: {pictures}, {self.classes} classes"


def digits() -> Data:
    """Scikit-learn's handwritten digits, every fourth of each class kept for testing: 1,352 and 445 pictures.

    They are the test set of the UCI repository's "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak
    1998), and come with the package. Whoever wrote one part wrote the other, too. Learnt from: shifted by up to a
    pixel. Raises ImportError without scikit-learn.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ImportError("digits need scikit-learn: `pip install scikit-learn` brings it") from error
    bunch = load_digits()
    pictures, labels = torch.tensor(bunch.images, dtype=torch.float32)[:, None] / 16, torch.tensor(bunch.target)
    tested = torch.zeros(len(labels), dtype=torch.bool)
    for digit in range(10):
        tested[(labels == digit).nonzero()[3::4]] = True
    mean, std = pictures[~tested].mean(), pictures[~tested].std()
    pictures = (pictures - mean) / std
    shift = torchvision.transforms.RandomCrop(8, padding=1, fill=float(pictures.min()))
    return Data(
        name="digits",
        labels=tuple(map(str, bunch.target_names)),
        in_channels=1,
        image=(8, 8),
        train=TensorDataset(pictures[~tested], labels[~tested]),
        test=TensorDataset(pictures[tested], labels[tested]),
        augment=shift,
        prepare=_unchanged,
    )


def cifar10(folder: str | PathLike[str], *, download: bool = False) -> Data:
    """CIFAR-10 as torchvision reads it, 50,000 and 10,000 photographs; `download` fetches it into `folder`, 170 MB.

    Learnt from: shifted by up to 4 pixels and mirrored (He et al. 2015, section 4.2). Each channel is scaled with
    the training pictures' mean and standard deviation. Raises FileNotFoundError if it is not there, and ConnectionError
    if it cannot be fetched.
    """
    transforms, pictures = torchvision.transforms, torchvision.datasets.CIFAR10
    try:
        parts = [pictures(root=str(folder), train=train, download=download) for train in (True, False)]
    except OSError as error:
        raise ConnectionError(f"CIFAR-10 could not be fetched into {folder}: {error}") from error
    except RuntimeError as error:
        raise FileNotFoundError(
            f"{folder} holds no complete CIFAR-10; to fetch it (170 MB), ask for its download: {error}"
        ) from error
    prepare = transforms.Compose([transforms.ToTensor(), transforms.Normalize(CIFAR10_MEAN, CIFAR10_STD)])
    augment = transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), prepare])
    train, test = parts
    return Data("cifar10", tuple(train.classes), 3, (32, 32), train, test, augment, prepare)


def image_folder(folder: str | PathLike[str], *, image: Any = 224) -> Data:
    """Your own pictures: `folder`/train/<class>/… and `folder`/test/<class>/… (or val instead of test).

    Learnt from: a random part of at least 8 % of the picture, mirrored half of the time (Szegedy et al. 2014, section
    6); tested: the middle, from a picture whose shorter side is 8/7 of `image`, as torchvision does (256 for 224). A
    class is a folder's name; one that begins with a dot is none. Raises FileNotFoundError for a missing or empty
    folder, and ValueError where the two parts do not have the same classes, at least two. A picture that cannot be read
    raises OSError with its name when its turn comes.
    """
    height, width = _check.image_size(image)
    root = Path(folder)
    train, test = (_part(root, names) for names in (("train",), ("test", "val")))
    if train.classes != test.classes:
        only = sorted(set(train.classes) ^ set(test.classes))
        raise ValueError(f"{root} must have the same classes in both parts; in one only: {', '.join(only)}")
    if len(train.classes) < 2:
        raise ValueError(f"{root} must have at least two classes: {', '.join(train.classes)}")
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


class Pictures(torchvision.datasets.ImageFolder):  # type: ignore[misc, name-defined]
    """A folder of pictures for each class, without `.ipynb_checkpoints` and the like."""

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        classes = [name for name in super().find_classes(directory)[0] if not name.startswith(".")]
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: number for number, name in enumerate(classes)}


def _picture(path: str) -> Any:
    try:
        return torchvision.datasets.folder.default_loader(path)
    except OSError as error:
        raise OSError(f"{path} cannot be read: {error}") from error


def _part(root: Path, names: tuple[str, ...]) -> Any:
    for name in names:
        if (root / name).is_dir():
            try:
                return Pictures(str(root / name), loader=_picture)
            except FileNotFoundError as error:
                raise FileNotFoundError(
                    f"{root / name} must hold a folder of pictures for each class: {error}"
                ) from error
    raise FileNotFoundError(
        f"{root} must hold {' or '.join(f'{name}/' for name in names)}, with a folder for each class"
    )


def length(pictures: Dataset[Any]) -> int:
    """How many they are."""
    return len(pictures)  # type: ignore[arg-type]  # torch's Dataset does not declare it


def _unchanged(picture: Tensor) -> Tensor:
    return picture


# --- which picture when ----------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """A picture, and the epoch that sees it."""

    epoch: int
    picture: int


class Order(Sampler[Key]):
    """The pictures of a whole training, from the step `start` on: in each epoch another order of all of them.

    What is left at an epoch's end, fewer than a batch, waits for another epoch. The order of an epoch depends on the
    seed and the epoch's number alone, so a training can be taken up at any step.
    """

    def __init__(self, pictures: int, batch: int, epochs: int, seed: int, start: int = 0) -> None:
        self.pictures, self.batch, self.epochs, self.seed, self.start = pictures, batch, epochs, seed, start

    def __iter__(self) -> Iterator[Key]:
        steps = self.pictures // self.batch
        for epoch in range(self.start // steps, self.epochs):
            order = torch.randperm(self.pictures, generator=torch.Generator().manual_seed(mixed(self.seed, epoch)))
            skipped = self.start - epoch * steps if epoch == self.start // steps else 0
            for picture in order[skipped * self.batch : steps * self.batch].tolist():
                yield Key(epoch, picture)

    def __len__(self) -> int:
        return (self.epochs * (self.pictures // self.batch) - self.start) * self.batch


class Augmented(Dataset[tuple[Tensor, int]]):
    """Training pictures as an epoch sees them, by `Key`.

    A picture's random numbers are drawn from the seed, the epoch and its index: it looks the same whichever process
    or worker loads it, and after a resume. Torch's own random state stays as it was.
    """

    def __init__(self, data: Data, seed: int) -> None:
        self.data, self.seed = data, seed

    def __getitem__(self, key: Key) -> tuple[Tensor, int]:
        picture, label = self.data.train[key.picture]
        with torch.random.fork_rng(devices=()):
            torch.default_generator.manual_seed(mixed(self.seed, *key))  # torch.manual_seed seeds GPUs, too, slowly
            return self.data.augment(picture), int(label)

    def __len__(self) -> int:
        return length(self.data.train)


class Prepared(Dataset[tuple[Tensor, int]]):
    """Pictures as they are tested, by index."""

    def __init__(self, data: Data, pictures: Dataset[Any]) -> None:
        self.data, self.pictures = data, pictures

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture, label = self.pictures[index]
        return self.data.prepare(picture), int(label)

    def __len__(self) -> int:
        return length(self.pictures)


def mixed(*numbers: int) -> int:
    """One seed from several numbers, which may be large; a last number that is 0 makes no difference."""
    return int(numpy.random.SeedSequence(numbers).generate_state(1, numpy.uint64)[0] >> numpy.uint64(1))
