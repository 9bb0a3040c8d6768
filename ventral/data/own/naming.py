"""Find the image that a name means, since people write the same file name in different ways."""

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ventral.data.images import LABELS
from ventral.files.errors import InputError, listed

# Names of columns and coordinates that hold names of images, in lower case.
IMAGES = {"image", "image_id", "image_name", "image_file", "image_file_name", "filename", "file_name", "file"} | {
    *("stimulus", "stimulus_id", "stimulus_name"),
}
OF_STIMULI = (*LABELS, "split", "stimulus_group")  # names of the columns and coordinates that describe stimuli
# Endings of image files, in lower case. Without a column titled as above, a column of such values must name images.
SUFFIXES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
BESIDE = ("{stem}", "{stem}_stimuli", "{stem}_images", "stimuli", "images")  # stems of tables beside the file `stem`
TABLES = (".csv", ".tsv", ".txt")
REMEDY = "write the file's name as it is in the folder, without folders or with all of them"


def match_names(given: Sequence[object], images: Sequence[str], file: str | Path, field: str) -> NDArray[np.intp]:
    """Find the image that each name means.

    A name matches an image if one of the two paths is the end of the other. Slashes may be of either kind, and letters
    of any Unicode form. If no image matches, the search ignores the case of letters, and then the suffix too.

    Args:
        given: (rows,) names.
        images: (n,) paths of the images within their source.
        file: to name in errors.
        field: column or coordinate of the names, to name in errors.

    Returns:
        (rows,) index of each row's image.

    Raises:
        InputError: if a name means no image or several, or if two different names mean the same image.
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
    """List, for each name, the images that it may mean by the rules of `match_names`; empty if there is none."""
    ends = _by_end(images)
    known: dict[str, tuple[int, ...]] = {}
    for name in map(str, given):
        if name not in known:
            known[name] = _meaning(name, ends)
    return [known[str(name)] for name in given]


Ends = Sequence[Mapping[str, Sequence[tuple[int, str]]]]  # for each of LOOSENESS: last part of a path -> (image, path)


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
    """Bring a name to one Unicode form, with `/` between its parts."""
    text = unicodedata.normalize("NFC", str(name)).strip().replace("\\", "/")
    return PurePosixPath(text).as_posix().lstrip("/") if text else ""


def _fits(path: str, other: str) -> bool:
    """Whether one of two paths is the end of the other."""
    return f"/{path}".endswith(f"/{other}") or f"/{other}".endswith(f"/{path}")


def _unknown(name: str, images: Sequence[str]) -> str:
    """Describe the problem of a name that matches no image."""
    path = PurePosixPath(_path(name))
    inside = [image for image in images if PurePosixPath(_path(image)).name == path.name]
    if inside:
        return f"not among the images: {listed(inside, 2)} lies in another folder"
    other = [image for image in images if PurePosixPath(_path(image)).stem == path.stem]
    if other:
        return f"not among the images, which hold {listed(other, 2)}"
    return "not among the images"


def companions(responses: str | Path) -> list[str]:
    """List the tables beside a file of responses that may name or describe its stimuli: `BESIDE` as .csv, .tsv or .txt.

    A netCDF file has none, since it describes its stimuli itself. For a table of responses, tables with its own stem do
    not count.
    """
    responses = Path(responses)
    is_array = responses.suffix.lower() == ".npy"
    if not is_array and responses.suffix.lower() not in TABLES:
        return []
    stems = [stem.format(stem=responses.stem) for stem in BESIDE]
    files = [responses.with_name(f"{stem}{end}") for stem in stems for end in TABLES]
    return [str(file) for file in files if file.is_file() and (is_array or file.stem != responses.stem)]


def named_rows(carried: Mapping[str, NDArray], images: Sequence[str], file: str | Path) -> NDArray[np.intp] | None:
    """Find the image of each row of responses by the labels of the rows. Report on stderr which label was used, if any.

    Args:
        carried: (rows,) labels, by column or coordinate.
        images: (n,) paths of the images within their source.
        file: to name in errors.

    Returns:
        (rows,) index of each row's image; None if no label names images.

    Raises:
        InputError: if a label for names of images holds an unknown name, or if two labels name different images.
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
                return match_names(texts, images, file, field)  # raises, because not all of them are images
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
    # Other labels, such as categories, name images only if every value is the name of an image.
    if is_name or all(meanings(texts, images)):
        return match_names(texts, images, file, field)
    return None


def _read_numbers(field: str, values: NDArray, images: Sequence[str], file: str | Path) -> NDArray[np.intp] | None:
    """Match numbers with file names that are numbers, with or without leading zeros. None if they only count rows."""
    stems = [PurePosixPath(image).stem for image in images]
    places = {int(stem): i for i, stem in enumerate(stems) if stem.isdecimal()}
    if len(places) == len(images) and set(values.tolist()) <= set(places):
        return np.array([places[int(value)] for value in values.tolist()], dtype=np.intp)
    if any(np.array_equal(values, np.arange(first, first + len(values))) for first in (0, 1)):
        return None
    raise InputError(file, field, "numbers that are not names of images", "write the file names of the images")
