"""The course file of Majaj & Hong 2015, `IT_data.h5`: open it, check it, turn its images back into pixels; write one.

It holds `stimulus_{split}` (n, 3, H, W) float, normalised as for ImageNet, `object_{split}` (n,) names and
`spikes_{split}` (n, site) mean rates; those of test were never published.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ventral.data.scenes.objects import OBJECTS
from ventral.data.splits import SPLITS
from ventral.files.atomic import enduring, writing
from ventral.files.console import progress
from ventral.files.errors import InputError, listed, nearest
from ventral.files.hdf5 import open_hdf5

MEAN = np.array([0.485, 0.456, 0.406])  # of ImageNet's red, green and blue, from 0 to 1
SD = np.array([0.229, 0.224, 0.225])
IMAGES_AT_A_TIME = 64  # 39 MB of the published 224 x 224 pixels
TOLERANCE = 0.02  # by which a pixel may be outside of 0 to 1: five grey levels, more than any rounding
AGAIN = "download it again or correct the path in the config"
AS_GIVEN = "give the file as it was handed out"


def kind_of(object_name: str) -> str:
    """The name of a category from that of its object: airplane0 -> airplane, car_alfa -> car; else the name itself."""
    return re.sub(r"\d+$|_.*", "", object_name)


CATEGORIES = {kind_of(name): category for category, names in OBJECTS.items() for name in names}


@contextmanager
def open_course(path: str | Path) -> Iterator[h5py.File]:
    """Open the course file to read. If anything in the block cannot be read, the file is reported as damaged."""
    if not Path(path).is_file():
        raise InputError(path, "course_file", "no such file", AGAIN)
    with open_hdf5(path, "course_file", "not a complete HDF5 file", AGAIN) as file:
        yield file


def dataset(file: h5py.File, path: str | Path, name: str, ndim: int) -> h5py.Dataset:
    """A dataset with the given number of axes.

    Raises:
        InputError: if it is missing or has another number of axes.
    """
    if not isinstance(file.get(name), h5py.Dataset):
        raise InputError(path, name, "dataset missing", nearest(name, list(file)))
    if file[name].ndim != ndim:
        raise InputError(path, name, f"shape {file[name].shape}", f"give an array of {ndim} axes")
    return file[name]


def read_course_labels(file: h5py.File, path: str | Path) -> dict[str, NDArray[np.str_]]:
    """Labels of the stimuli of train, then val, then test.

    Returns:
        (n,) `stimulus_id` such as course_train_0007, `split`, `object_name`, and `category_name` by `CATEGORIES`.

    Raises:
        InputError: if a dataset is missing or not of names, or if an object is not one of the 64.
    """
    ids, splits, objects = [], [], []
    for split in SPLITS:
        names = dataset(file, path, f"object_{split}", 1)
        if names.dtype.kind not in "SO":
            raise InputError(
                path, f"object_{split}", f"not of names but {names.dtype}", "give the object of each image"
            )
        objects += [name.decode("latin-1") for name in names[:]]
        ids += [f"course_{split}_{i:04d}" for i in range(len(names))]
        splits += [split] * len(names)
    unknown = sorted({name for name in objects if kind_of(name) not in CATEGORIES})
    if unknown:
        known = [name for names in OBJECTS.values() for name in names]
        raise InputError(path, "object_name", f"unknown {listed(unknown, 3)}", nearest(unknown[0], known))
    categories = [CATEGORIES[kind_of(name)] for name in objects]
    labels = {"stimulus_id": ids, "split": splits, "object_name": objects, "category_name": categories}
    return {name: np.array(values, dtype=str) for name, values in labels.items()}


def read_course_images(path: str | Path) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.str_]]]:
    """Undo the normalisation of the images, a block of them at a time.

    Returns:
        (n, H, W, 3) uint8 images of train, then val, then test, and the labels of `read_course_labels`.

    Raises:
        InputError: naming file and dataset, if the file is missing or damaged, lacks a dataset, has images that are not
            (n, 3, H, W), not of one size or not normalised, or not as many images as objects.
    """
    with open_course(path) as file:
        labels = read_course_labels(file, path)
        parts = {split: dataset(file, path, f"stimulus_{split}", 4) for split in SPLITS}
        for split, part in parts.items():
            check_images(part, path, int((labels["split"] == split).sum()), parts["train"].shape[1:])
        _, _, height, width = parts["train"].shape
        images = np.empty((len(labels["split"]), height, width, 3), dtype=np.uint8)
        starts = {split: int(np.argmax(labels["split"] == split)) for split in SPLITS}
        blocks = [(split, i) for split, part in parts.items() for i in range(0, len(part), IMAGES_AT_A_TIME)]
        lowest = np.inf
        for split, i in progress(blocks, f"blocks of {IMAGES_AT_A_TIME} images read"):
            values = parts[split][i : i + IMAGES_AT_A_TIME]
            lowest = min(lowest, values.min())
            images[starts[split] + i :][: len(values)] = denormalise(values, path, f"stimulus_{split}")
    if lowest >= 0:  # no pixel is darker than the mean, so values go from 0 to 1
        raise InputError(path, "stimulus_train", "no value below 0, so not normalised", AS_GIVEN)
    return images, labels


def check_images(images: h5py.Dataset, path: str | Path, n_objects: int, shape: tuple[int, int, int]) -> None:
    """Refuse images that are not (n_objects, *shape) normalised numbers, colours first."""
    name = Path(images.name).name
    if images.shape[1] != 3:
        last = "channels last" if images.shape[3] == 3 else f"shape {images.shape}"
        raise InputError(path, name, last, "give images as (image, 3, height, width)")
    if images.dtype.kind != "f":
        raise InputError(path, name, f"{images.dtype} pixels, not normalised", AS_GIVEN)
    if len(images) != n_objects:
        raise InputError(path, name, f"{len(images)} images of {n_objects} objects", "give one object per image")
    if images.shape[1:] != shape:
        sizes = " and ".join(f"{width} x {height}" for _, height, width in (shape, images.shape[1:]))
        raise InputError(path, name, f"images of {sizes} pixels", "bring all to one size")
    if images.shape[2] != images.shape[3]:
        problem = f"images of {images.shape[3]} x {images.shape[2]} pixels"
        raise InputError(path, name, problem, "bring them to squares, grey beside what was shown")


def denormalise(values: NDArray[np.floating], path: str | Path, name: str) -> NDArray[np.uint8]:
    """(n, 3, H, W) normalised values as (n, H, W, 3) pixels.

    Raises:
        InputError: if a pixel is NaN, or more than `TOLERANCE` outside of 0 to 1.
    """
    pixels = np.moveaxis(values * SD[:, None, None] + MEAN[:, None, None], 1, -1)
    if not np.isfinite(pixels).all():
        raise InputError(path, name, "pixels that are NaN or infinite", AGAIN)
    if pixels.min() < -TOLERANCE or pixels.max() > 1 + TOLERANCE:
        found = f"values from {values.min():.3g} to {values.max():.3g}, not normalised as for ImageNet"
        raise InputError(path, name, found, AS_GIVEN)
    return np.rint(255 * pixels).clip(0, 255).astype(np.uint8)


def read_course_rates(file: h5py.File, path: str | Path, split: str, n_stimuli: int) -> NDArray[np.float64]:
    """(n_stimuli, site) mean rates of a split.

    Raises:
        InputError: if the dataset is missing or transposed, has another number of stimuli, or has NaN.
    """
    name = f"spikes_{split}"
    values = dataset(file, path, name, 2)
    if len(values) != n_stimuli:
        turned = values.shape[1] == n_stimuli
        problem = f"shape {values.shape}, axes swapped" if turned else f"{len(values)} rows for {n_stimuli} objects"
        raise InputError(path, name, problem, "give (stimulus, site)")
    if values.dtype.kind not in "fiu":
        raise InputError(path, name, f"not of numbers but {values.dtype}", "give the rates of each stimulus")
    rates = np.asarray(values[:], dtype=np.float64)
    if not np.isfinite(rates).all():
        raise InputError(path, name, f"{(~np.isfinite(rates)).sum()} values are NaN or infinite", AGAIN)
    return rates


def write_course(
    path: str | Path,
    image: Callable[[int], NDArray[np.uint8]],
    object_name: NDArray[np.str_],
    split: NDArray[np.str_],
    rate: NDArray[np.floating],
    source: str,
) -> None:
    """Write a file with the same layout, without holding all images in memory.

    Args:
        path: file to write.
        image: returns the (H, W, 3) image of a stimulus by its index.
        object_name: (n,) object of each stimulus.
        split: (n,) split of each.
        rate: (n, site); the rates of test are left out.
        source: kept as an attribute.
    """
    levels = ((np.arange(256)[:, None] / 255 - MEAN) / SD).astype(np.float32)
    height, width, _ = image(0).shape
    with writing(path) as temporary, enduring(temporary) as raw, h5py.File(raw, "w") as file:
        file.attrs["source"] = source
        for part in SPLITS:
            chosen = np.flatnonzero(split == part)
            images = file.create_dataset(
                f"stimulus_{part}",
                shape=(len(chosen), 3, height, width),
                dtype=np.float32,
                chunks=(1, 3, height, width),
                compression="gzip",
                compression_opts=4,  # no shuffle: a pixel has 256 values, whose four bytes repeat together
            )
            for row, i in enumerate(chosen.tolist()):
                images[row] = np.moveaxis(levels[image(i), range(3)], -1, 0)
            file.create_dataset(f"object_{part}", data=np.char.encode(object_name[chosen], "latin-1"))
            if part != "test":
                file.create_dataset(f"spikes_{part}", data=rate[chosen].astype(np.float32))
