"""Read the published images of Cowley et al. 2023."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from ventral.data.images import Pictures, open_images, read_images
from ventral.files.errors import InputError

IMAGE = r"image(\d+)\.jpe?g"  # image k is column k - 1 of the counts
SIDE = 112  # pixels
REMEDY = "copy or download it again"


def read_pictures(archives: Sequence[str]) -> Pictures:
    """Read the images of sessions. Their ids are SESSION_imageNNNN.

    Raises:
        InputError: if an archive is damaged, lacks an image, or has images of another size.
    """
    pixels, ids = [], []
    for archive in archives:
        names, read = open_images(archive)
        names = sort_images(names, archive)
        pixels.append(read_images(archive, names, read))
        if pixels[-1].shape[1] != SIDE:
            raise InputError(archive, "images", f"{pixels[-1].shape[1]} pixels a side, not {SIDE}", REMEDY)
        ids += [f"{session_of(archive)}_{PurePosixPath(name).stem}" for name in names]
    return Pictures(np.concatenate(pixels), ids)


def session_of(file: str) -> str:
    """The session of a file, from its name."""
    return Path(file).stem.rpartition("_")[2]


def sort_images(names: Sequence[str], archive: str) -> list[str]:
    """Sort the images of a session by their numbers, in whatever folder of the archive they are.

    Raises:
        InputError: if a file has another name than imageNNNN.jpg, or the numbers are not 1, 2, 3 and so on.
    """
    numbers: dict[str, int] = {}
    for name in names:
        found = re.fullmatch(IMAGE, PurePosixPath(name).name)
        if found is None:
            raise InputError(archive, name, "not called imageNNNN.jpg", REMEDY)
        numbers[name] = int(found[1])
    ordered = sorted(names, key=numbers.__getitem__)
    for i, name in enumerate(ordered, start=1):
        if numbers[name] != i:
            raise InputError(archive, f"image {min(i, numbers[name])}", "not there, or there twice", REMEDY)
    return ordered
