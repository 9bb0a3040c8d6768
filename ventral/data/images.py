"""Stimulus images: from a folder or zip archive into `images/{dataset}.h5`, whose order all later matrices have."""

import re
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ventral.data.pixels import decode_image, fit_square
from ventral.files.atomic import enduring, reading, writing
from ventral.files.console import progress
from ventral.files.errors import InputError, listed, refusing
from ventral.files.listing import BESIDE, dangling, is_foreign, list_files

LABELS = ("object_name", "category_name")  # labels of images, as columns, coordinates and data sets are called
LARGEST = 256 << 20  # most bytes of one file in an archive
Reader = Callable[[str], bytes]


class Pictures(NamedTuple):
    """Images in the order that all later matrices of a dataset share.

    Attributes:
        pixels: (n, side, side, 3) uint8.
        stimulus_id: (n,) unique.
        labels: (n,) `object_name`, `category_name`, where known.
    """

    pixels: NDArray[np.uint8]
    stimulus_id: Sequence[str]
    labels: Mapping[str, ArrayLike] = {}


def natural_key(name: str) -> list[tuple[int, str]]:
    """Sort key by which `image2` comes before `image10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def open_images(source: str | Path) -> tuple[list[str], Reader]:
    """List the images of a folder or zip archive in natural order, with a function that reads one.

    Nothing is unpacked to disk. Names are paths inside the source. Hidden files and those of operating systems are
    skipped; so are tables and texts beside the images, which stderr lists.

    Raises:
        InputError: if the source does not exist, is a broken archive, or has a broken link or a name that leads outside
            of it.
    """
    source = Path(source)
    if source.is_dir():
        files = list_files(source)
        if lost := dangling(source, files):
            raise InputError(source, lost[0], "a link to a file that is not there", "mend the link, or remove it")
        read: Reader = lambda name: (source / name).read_bytes()  # noqa: E731
    elif source.is_file():
        with refusing(source, "archive", "not a complete zip file", "copy or download it again"):
            archive = zipfile.ZipFile(source)
        files = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        large = [entry.filename for entry in archive.infolist() if entry.file_size > LARGEST]
        if large:  # reading stops at the declared size, so an entry cannot unpack to more
            raise InputError(source, large[0], f"more than {LARGEST >> 20} MiB unpacked", "is it an image? remove it")
        read = archive.read
    else:
        raise InputError(source, "images", "no such file or folder", "correct the path in the config")
    for name in files:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise InputError(source, name, "leads outside the archive", "make the archive again without such names")
        if not name.isprintable():
            raise InputError(source, name, "name with characters that cannot be printed", "give it another name")
    owned = [name for name in files if not is_foreign(name)]
    shown = [name for name in owned if PurePosixPath(name).suffix.lower() not in BESIDE] or owned
    if not shown:
        raise InputError(source, "images", "holds no file", "put the images there")
    if beside := sorted(set(owned) - set(shown)):
        print(f"{source}: no images, passed over: {listed(beside, 3)}", file=sys.stderr)
    return sorted(shown, key=lambda name: (natural_key(name), name)), read


def stimulus_ids(names: Sequence[str]) -> list[str]:
    """The id of every image of a source: its file name, without the folder."""
    return [PurePosixPath(name).name for name in names]


def find_stimuli(
    names: Sequence[str], stimulus_id: Sequence[str], source: str | Path
) -> tuple[dict[str, str], list[str]]:
    """Find the image files of stimuli whose ids are the stems of the files.

    Args:
        names: files of the source.
        stimulus_id: stems.
        source: named in errors.

    Returns:
        The files of the stimuli that have one, in order, and the ids of the others.

    Raises:
        InputError: if none has one.
    """
    by_stem = {PurePosixPath(name).stem: name for name in names}
    found = {stem: by_stem[stem] for stem in stimulus_id if stem in by_stem}
    missing = [stem for stem in stimulus_id if stem not in by_stem]
    if not found:
        raise InputError(source, "images", f"none of the {len(missing)} stimuli shown is here", "correct the path")
    if missing:
        print(f"{source}: no image of {len(missing)} stimuli, left out: {listed(missing, 3)}", file=sys.stderr)
    return found, missing


def read_image(source: str | Path, name: str, read: Reader) -> NDArray[np.uint8]:
    """Read one image of a source opened by `open_images`: (H, W, 3) uint8.

    Raises:
        InputError: if it is missing or unreadable.
    """
    try:
        data = read(name)
    except (KeyError, FileNotFoundError):
        raise InputError(source, name, "image missing", "add it to the source") from None
    except Exception:  # any method of compression has its own exceptions
        raise InputError(source, name, "damaged or encrypted in the archive", "copy or download it again") from None
    return decode_image(data, source, name)


def read_images(source: str | Path, names: Sequence[str], read: Reader, side: int | None = None) -> NDArray[np.uint8]:
    """Read images of a source opened by `open_images`, and fit each into a grey square.

    Args:
        source: named in errors.
        names: of the images to read.
        read: from `open_images`.
        side: of the squares in pixels; None for images of one size, which keep their pixels.

    Returns:
        (n, side, side, 3) uint8 in the order of `names`.

    Raises:
        InputError: if one is missing or unreadable, or if their sizes differ and no `side` is given.
    """
    stack: NDArray[np.uint8] | None = None
    first: tuple[int, ...] = ()
    for i, name in enumerate(progress(names, "images read")):
        image = read_image(source, name, read)
        first = first or image.shape
        if side is None and image.shape != first:
            sizes = " and ".join("{1} x {0}".format(*shape) for shape in (first, image.shape))
            raise InputError(source, name, f"images of {sizes} pixels", "set image_size, or bring all to one size")
        square = fit_square(image, side or max(first))
        if stack is None:
            whole = f"{len(names)} images of {len(square)} x {len(square)} pixels do not fit into memory"
            with refusing(source, "images", whole, "set a smaller image_size"):
                stack = np.empty((len(names), *square.shape), dtype=np.uint8)
        stack[i] = square
    if stack is None:
        raise InputError(source, "images", "none named", "name at least one image")
    return stack


def write_images(
    path: str | Path,
    images: NDArray[np.uint8],
    stimulus_id: Sequence[str],
    labels: Mapping[str, ArrayLike] | None = None,
) -> None:
    """Write `images/{dataset}.h5`: `images` (n, H, W, 3) uint8, `stimulus_id` (n,) and one dataset for each label."""
    if len(images) != len(stimulus_id):
        raise ValueError(f"{len(images)} images and {len(stimulus_id)} ids")
    with writing(path, sealed=True) as temporary, enduring(temporary) as raw, h5py.File(raw, "w") as file:
        file.create_dataset(
            "images", data=images, chunks=(1, *images.shape[1:]), compression="gzip", compression_opts=1, shuffle=True
        )
        for name, values in {"stimulus_id": stimulus_id, **(labels or {})}.items():
            file.create_dataset(name, data=np.asarray(values, dtype=object), dtype=h5py.string_dtype())


def read_stimulus_ids(path: str | Path) -> NDArray[np.str_]:
    """(n,) ids of the images of an `images/{dataset}.h5`, in its order."""
    with reading(path), h5py.File(path) as file:
        return file["stimulus_id"].asstr()[:].astype(str)


def read_groups(path: str | Path) -> dict[str, str]:
    """The first image with the same pixels, by id, of each image of an `images/{dataset}.h5` that is a copy of one."""
    with reading(path), h5py.File(path) as file:
        ids, groups = (file[name].asstr()[:].tolist() for name in ("stimulus_id", "stimulus_group"))
    return {name: group for name, group in zip(ids, groups, strict=True) if name != group}


def read_labels(path: str | Path) -> dict[str, NDArray[np.str_]]:
    """(n,) `object_name` and `category_name` of the images of an `images/{dataset}.h5`, if it has them."""
    with reading(path), h5py.File(path) as file:
        known = [name for name in LABELS if name in file]
        return {name: file[name].asstr()[:].astype(str) for name in known}


def check_pairing(images: int, responses: int, file: str | Path) -> None:
    """Refuse images and responses if their numbers differ.

    Raises:
        InputError: naming both numbers.
    """
    if images != responses:
        raise InputError(
            file, "stimuli", f"{responses} in the responses, {images} images", "give one row of responses per image"
        )
