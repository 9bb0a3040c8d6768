"""Which image a name means: file names as people write them in tables and coordinates, against those there are."""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ventral.files.errors import InputError, listed

# What names images is called, in lower case, as a column or coordinate.
IMAGES = {"image", "image_id", "image_name", "image_file", "image_file_name", "filename", "file_name", "file"} | {
    *("stimulus", "stimulus_id", "stimulus_name"),
}
LABELS = ("object_name", "category_name")  # what an image shows, as columns and coordinates are called
OF_STIMULI = (*LABELS, "split", "stimulus_group")  # all that files may say of their stimuli
# Endings of image files, in lower case: where nothing else names images, a column of such names is meant to.
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
BESIDE = ("{stem}", "{stem}_stimuli", "{stem}_images", "stimuli", "images")  # tables beside responses, by their stems
TABLES = (".csv", ".tsv", ".txt")
REMEDY = "write the file's name as it is in the folder, without folders or with all of them"


def match_names(given: Sequence[object], images: Sequence[str], file: str | Path, field: str) -> NDArray[np.intp]:
    """The image that each name means.

    A name is a file's name or the end of its path, or the path leads further up than the source does; slashes of either
    kind, in any Unicode form. Where nothing is named so, the case of letters and then a missing suffix are overlooked.

    Args:
        given: (rows,) names.
        images: (n,) paths of the images within their source.
        file: named in errors.
        field: likewise: the column or coordinate of the names.

    Returns:
        (rows,) index of each row's image.

    Raises:
        InputError: naming those that mean no image, or more than one, or are two names of one image.
    """
    meant = meanings(given, images)
    unknown = sorted({str(name) for name, found in zip(given, meant, strict=True) if not found})
    if unknown:
        raise InputError(
            file, f"{field} {listed(unknown, 3)}", _unknown(unknown[0], images), "correct name or add image"
        )
    for name, found in zip(given, meant, strict=True):
        if len(found) > 1:
            both = listed([images[i] for i in found], 3)
            raise InputError(file, f"{field} {name}", f"may be any of {both}", "write it with its folder")
    index = np.array([found[0] for found in meant], dtype=np.intp)
    written: dict[int, str] = {}
    for i, name in zip(index.tolist(), map(_path, given), strict=True):
        other = written.setdefault(i, name)
        if not _fits(name.casefold(), other.casefold()):
            raise InputError(file, f"{field} {name}", f"{other} names the image {images[i]} too", REMEDY)
    return index


def meanings(given: Sequence[object], images: Sequence[str]) -> list[tuple[int, ...]]:
    """For each name the images that it may mean, as `match_names` compares them; none where it means none."""
    ends = _by_end(images)
    known: dict[str, tuple[int, ...]] = {}
    for name in map(str, given):
        if name not in known:
            known[name] = _meaning(name, ends)
    return [known[str(name)] for name in given]


Ends = Sequence[Mapping[str, Sequence[tuple[int, str]]]]  # for each looseness, by last part: images and their paths


def _by_end(images: Sequence[str]) -> Ends:
    ends: list[defaultdict[str, list[tuple[int, str]]]] = [defaultdict(list) for _ in LOOSENESS]
    for i, image in enumerate(images):
        for loosened, table in zip(LOOSENESS, ends, strict=True):
            path = loosened(_path(image), True)
            table[path.rpartition("/")[2]].append((i, path))
    return ends


def _meaning(name: str, ends: Ends) -> tuple[int, ...]:
    for loosened, table in zip(LOOSENESS, ends, strict=True):
        path = loosened(_path(name), False)
        near = [(i, image) for i, image in table.get(path.rpartition("/")[2], ()) if _fits(path, image)]
        exact = [i for i, image in near if image == path]
        if near:
            return tuple(exact or [i for i, _ in near])
    return ()


def _as_is(path: str, is_image: bool) -> str:
    return path


def _any_case(path: str, is_image: bool) -> str:
    return path.casefold()


def _without_suffix(path: str, is_image: bool) -> str:
    return PurePosixPath(path).with_suffix("").as_posix().casefold() if is_image and path else path.casefold()


LOOSENESS = (_as_is, _any_case, _without_suffix)


def _path(name: object) -> str:
    """A name in one Unicode form, with `/` between its parts."""
    text = unicodedata.normalize("NFC", str(name)).strip().replace("\\", "/")
    return PurePosixPath(text).as_posix().lstrip("/") if text else ""


def _fits(path: str, other: str) -> bool:
    """Whether one of two paths is the end of the other."""
    return f"/{path}".endswith(f"/{other}") or f"/{other}".endswith(f"/{path}")


def _unknown(name: str, images: Sequence[str]) -> str:
    """What to say of a name that no image has."""
    path = PurePosixPath(_path(name))
    inside = [image for image in images if PurePosixPath(_path(image)).name == path.name]
    if inside:
        return f"not among the images: {listed(inside, 2)} lies in another folder"
    other = [image for image in images if PurePosixPath(_path(image)).stem == path.stem]
    if other:
        return f"not among the images, which hold {listed(other, 2)}"
    return "not among the images"


def companions(responses: str | Path) -> list[str]:
    """Tables beside responses that may name their stimuli or say what these are: `BESIDE`, as .csv, .tsv or .txt.

    None beside netCDF, which says so itself. A table of responses names its stimuli; no table by its own stem is meant.
    """
    responses = Path(responses)
    is_array = responses.suffix.lower() == ".npy"
    if not is_array and responses.suffix.lower() not in TABLES:
        return []
    stems = [stem.format(stem=responses.stem) for stem in BESIDE]
    files = [responses.with_name(f"{stem}{end}") for stem in stems for end in TABLES]
    return [str(file) for file in files if file.is_file() and (is_array or file.stem != responses.stem)]


def named_rows(carried: Mapping[str, NDArray], images: Sequence[str], file: str | Path) -> NDArray[np.intp] | None:
    """Which image each row of responses belongs to, by the names that they carry; said on stderr, as is their absence.

    Args:
        carried: what the rows are labelled with, (rows,) each, by the column or coordinate.
        images: (n,) paths of the images within their source.
        file: named in errors.

    Returns:
        (rows,) index of each row's image; None where no label names images.

    Raises:
        InputError: if what is called a name of an image names none, or two labels name different images.
    """
    found: dict[str, NDArray[np.intp]] = {}
    for field, values in carried.items():
        index = _read_label(field, values, images, file)
        if index is not None:
            found[field] = index
    if not found:
        for field, values in carried.items():
            texts = _texts(values) if values.dtype.kind in "OSU" else []
            if texts and all(PurePosixPath(_path(text)).suffix.lower() in SUFFIXES for text in texts):
                return match_names(texts, images, file, field)  # refused, for no image is so called
        print(f"{file}: no names of images, so rows are taken in the order of the images", file=sys.stderr)
        return None
    (field, index), *others = found.items()
    for other, second in others:
        if (index != second).any():
            row = int(np.argmax(index != second))
            problem = f"names {images[second[row]]} in row {row + 1}, where {field} names {images[index[row]]}"
            raise InputError(file, other, problem, "correct one of them, or leave it out")
    print(f"{file}: rows go to the images that {listed(found)} names", file=sys.stderr)
    return index


def _texts(values: NDArray) -> list[Any]:
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in values.tolist()]


def _read_label(field: str, values: NDArray, images: Sequence[str], file: str | Path) -> NDArray[np.intp] | None:
    is_name = field.rpartition(" ")[2].lower() in IMAGES
    if values.dtype.kind in "iuf":
        return _read_numbers(field, values, images, file) if is_name else None
    if values.dtype.kind not in "OSU":
        return None
    texts = _texts(values)
    # Other labels, as of categories, decide only where every one of them is the name of an image.
    if is_name or all(meanings(texts, images)):
        return match_names(texts, images, file, field)
    return None


def _read_numbers(field: str, values: NDArray, images: Sequence[str], file: str | Path) -> NDArray[np.intp] | None:
    """By the numbers that file names are, whatever zeros they begin with; rows counted in order are no names."""
    stems = [PurePosixPath(image).stem for image in images]
    places = {int(stem): i for i, stem in enumerate(stems) if stem.isdecimal()}
    if len(places) == len(images) and set(values.tolist()) <= set(places):
        return np.array([places[int(value)] for value in values.tolist()], dtype=np.intp)
    if any(np.array_equal(values, np.arange(first, first + len(values))) for first in (0, 1)):
        return None
    raise InputError(file, field, "numbers that are no names of images", "write the images' file names")
