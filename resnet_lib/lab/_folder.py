"""A folder of images for each class, read as the images are to be seen. `lab.data` makes a data set of two of them."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy
from PIL import Image, ImageOps

from resnet_lib._files import UnreadableFile
from resnet_lib.nn.vision import torchvision

EXTENSIONS: tuple[str, ...] = torchvision.datasets.folder.IMG_EXTENSIONS


class ImageFolder(torchvision.datasets.ImageFolder):  # type: ignore[misc, name-defined]
    """torchvision's folder of images for each class, without hidden files and folders (.ipynb_checkpoints, ._1.png).

    `others` counts the files that are not images, by the end of their names.
    """

    def __init__(self, root: Path) -> None:
        self.others: Counter[str] = Counter()
        super().__init__(str(root), loader=_rgb, is_valid_file=self._is_image)

    def _is_image(self, path: str) -> bool:
        place = Path(path).relative_to(self.root)
        if any(part.startswith(".") for part in place.parts):
            return False
        suffix = place.suffix.lower()
        if suffix not in EXTENSIONS:
            self.others[suffix or "without an extension"] += 1
        return suffix in EXTENSIONS

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        classes = [name for name in super().find_classes(directory)[0] if not name.startswith(".")]
        if not classes:
            raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
        return classes, {name: number for number, name in enumerate(classes)}


def split(root: Path, names: tuple[str, ...]) -> ImageFolder:
    """Return the images of a split, whose folder has one of these names.

    Raises FileNotFoundError if it is missing or empty.
    """
    for name in names:
        if (root / name).is_dir():
            try:
                return ImageFolder(root / name)
            except FileNotFoundError as error:
                raise FileNotFoundError(
                    f"{root / name} must hold a folder of images ({', '.join(EXTENSIONS)}) for each class: {error}"
                ) from error
    raise FileNotFoundError(
        f"{root} must hold {' or '.join(f'{name}/' for name in names)}, with a folder for each class"
    )


def _rgb(path: str) -> Image.Image:
    """Return the image as it is to be seen, in three channels of 8 bits."""
    try:
        with open(path, "rb") as file:  # of a name Pillow may map the file into memory, and forget a TIFF's orientation
            image = Image.open(file)
            image.load()
            with suppress(Exception):  # EXIF data that are damaged say nothing about the image
                ImageOps.exif_transpose(image, in_place=True)
            return _eight_bits(image).convert("RGB")
    except Exception as error:  # Pillow answers damaged files with nearly any error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableFile(f"{path} cannot be read: {reason}") from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return an image whose pixels have 8 bits a channel. Of 16 bits the higher eight stay, as Pillow does for colours.

    Left to itself, `convert` would clip all grey values above 255.
    """
    if image.mode == "P":
        return image.convert("RGBA")  # first, because a palette's transparent colours need it
    if not image.mode.startswith(("I", "F")):
        return image
    tags = dict(getattr(image, "tag_v2", {}))  # of a TIFF file
    wide = image.mode == "I" and image.format not in (
        "PNG",
        "PPM",
    )  # of these two Pillow makes 16 bits in older versions
    if wide or image.mode == "F":
        raise ValueError(
            f"its pixels are of mode {image.mode!r}, which has no largest value; convert them to 8 or 16 bits"
        )
    (bits,) = tags.get(258, (16,))
    values = numpy.asarray(image).astype(numpy.int64) >> bits - 8
    if tags.get(262) == 0:  # white is zero, which Pillow heeds for 8 bits alone
        values = 255 - values
    return Image.fromarray(values.clip(0, 255).astype(numpy.uint8))
