"""What somebody's own files say of their stimuli: objects, categories, the publisher's split, groups of stimuli.

A netCDF file says it in coordinates over `stimulus`; beside an array or a table of responses lies a table of stimuli
(`companions`), with a row a stimulus and columns of these names.
"""

import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.own.arrays import images_of_rows, read_nc
from ventral.data.own.naming import LABELS, OF_STIMULI, companions, named_rows
from ventral.data.own.spreadsheets import read_cells
from ventral.data.splits import SPLITS
from ventral.files.errors import InputError, listed, refusing
from ventral.files.hdf5 import opened

NAME_THEM = "add a column `image` with the names of the files"
UNKNOWN = "unknown"  # label of an image without responses
Texts = NDArray[np.str_]


def is_netcdf(responses: str | Path) -> bool:
    """Whether responses are in a netCDF file, which says itself what its stimuli are."""
    return Path(responses).suffix.lower() == ".nc"


def stimulus_table(responses: str | Path) -> str | None:
    """The table beside responses that says what their stimuli are: the first with a column of `OF_STIMULI`, if any."""
    return next((file for file in companions(responses) if _columns(file)), None)


def known_labels(responses: str | Path) -> frozenset[str]:
    """Which of `OF_STIMULI` the files say, by their headers; none where these cannot be read, which readers refuse."""
    if not is_netcdf(responses):
        table = stimulus_table(responses)
        return _columns(table) if table is not None else frozenset()
    try:
        with refusing(responses, "netCDF", "not readable", "copy it again"), opened(responses) as file:
            return frozenset(name for name in OF_STIMULI if name in file and file[name].ndim == 1)
    except InputError:
        return frozenset()


def _columns(table: str | Path) -> frozenset[str]:
    try:
        with redirect_stderr(io.StringIO()):  # what it says of the table is said where the table is read
            rows = read_cells(table)
    except InputError:
        return frozenset()
    return frozenset(map(_title, rows[0] if rows else [])) & set(OF_STIMULI)


def _title(cell: str) -> str:
    return cell.strip().lower()


def read_stimulus_table(path: str | Path, images: Sequence[str]) -> tuple[dict[str, Texts], bool]:
    """What a table says of each image: (n,) by name, "" for an image without a row; and whether it names the images.

    Rows go to the images that they name, in any order; without names there is a row an image, in their order.

    Args:
        path: the table, its first row the names of the columns.
        images: (n,) paths of the images within their source.

    Raises:
        InputError: if the rows are not as long as the header, name no image, are not as many as the images where they
            name none, or say two things of one image.
    """
    titles, *rows = read_cells(path)
    titles = list(map(_title, titles))
    for i, row in enumerate(rows, start=2):
        if len(row) != len(titles):
            raise InputError(
                path, f"line {i}", f"{len(row)} cells for {len(titles)} columns", "write one cell a column"
            )
    columns = {title: np.array([row[i].strip() for row in rows], dtype=object) for i, title in enumerate(titles)}
    index = named_rows({title: cells for title, cells in columns.items() if title not in OF_STIMULI}, images, path)
    if index is None and len(rows) != len(images):
        what = f"{len(rows)} rows for {len(images)} images, and no column that names these"
        raise InputError(path, "table of stimuli", what, NAME_THEM)
    said = {name: columns[name] for name in OF_STIMULI if name in columns}
    return spread(said, np.arange(len(images)) if index is None else index, len(images), path), index is not None


def spread(said: Mapping[str, NDArray], index: NDArray[np.intp], n_images: int, file: str | Path) -> dict[str, Texts]:
    """Bring what rows say of their stimuli to the images.

    Args:
        said: (rows,) labels by name.
        index: (rows,) image of each row.
        n_images: number of images n.
        file: named in errors.

    Returns:
        (n,) texts by name, "" for an image without a row.

    Raises:
        InputError: if two rows of an image say different things, or a row says nothing.
    """
    found: dict[str, Texts] = {}
    for name, values in said.items():
        texts = np.array([_text(value) for value in values.tolist()], dtype=str)
        if (texts == "").any():
            row = int(np.argmax(texts == ""))
            raise InputError(file, name, f"empty in row {row + 1}", "fill it in, or leave the column out")
        of_image = np.full(n_images, "", dtype=texts.dtype)
        of_image[index] = texts
        if (of_image[index] != texts).any():
            row = int(np.argmax(of_image[index] != texts))
            one, other = str(texts[row]), str(of_image[index[row]])
            what = f"{one!r} in row {row + 1}, and {other!r} in another row of the same image"
            raise InputError(file, name, what, "correct one of them")
        found[name] = of_image
    return found


def _text(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return "" if text == "nan" else text.strip()


def check_stimuli(
    said: Mapping[str, Texts], names: Sequence[str], shown: NDArray[np.intp], file: str | Path
) -> dict[str, Texts]:
    """What is said of every image, where it can be used.

    Args:
        said: (n,) texts by name, "" for images of which nothing is said.
        names: (n,) the images.
        shown: indices of the images with responses, in any order.
        file: named in errors.

    Returns:
        The same, in which images without responses are `UNKNOWN`, groups of their own, and of `train`.

    Raises:
        InputError: if nothing is said of an image with a response, or the split is not of `SPLITS` or lacks one.
    """
    found = dict(said)
    for name, texts in said.items():
        if lacking := [names[i] for i in np.unique(shown) if texts[i] == ""]:
            what = f"no value for {listed(lacking, 3)}, to which there are responses"
            raise InputError(file, name, what, "add it, or leave the column out")
        rest = [f"{UNKNOWN} {i}" for i in range(len(texts))] if name == "stimulus_group" else UNKNOWN
        found[name] = np.where(texts == "", "train" if name == "split" else rest, texts)
    if "split" in found:
        given = set(found["split"].tolist())
        if wrong := sorted(given - set(SPLITS)):
            raise InputError(file, "split", f"{wrong[0]!r} is not allowed", f"one of {listed(SPLITS)}")
        if missing := [name for name in SPLITS if name not in given]:
            what = f"no stimulus is of {listed(missing)}"
            raise InputError(file, "split", what, "name some, or leave the column out to have one drawn")
    for name in LABELS:
        if (found.get(name, np.array([])) == UNKNOWN).any():
            print(f"{file}: images without responses are of the {name} {UNKNOWN!r}", file=sys.stderr)
    return found


def said_inside(array: xr.DataArray, index: NDArray[np.intp], n_images: int, path: str | Path) -> dict[str, Texts]:
    """What a netCDF file says of each image: (n,) by name, "" for an image without a row.

    Args:
        array: from `read_nc`.
        index: (stimulus,) image of each of its rows.
        n_images: number of images n.
        path: the file.

    Raises:
        InputError: if it does not say it of every stimulus, or says two things of one image.
    """
    said = {name: array.coords.get(name) for name in OF_STIMULI if name in known_labels(path)}
    for name, item in said.items():
        if item is None or item.dims != ("stimulus",):
            raise InputError(
                path, name, "not one value a stimulus", "write it over `stimulus`, or give it another name"
            )
    return spread({name: item.values for name, item in said.items() if item is not None}, index, n_images, path)


def read_image_labels(said_in: str | Path, names: Sequence[str]) -> dict[str, Texts]:
    """(n,) `object_name` and `category_name` of the images, as far as a file says them.

    Args:
        said_in: the netCDF file of the responses, or the table of stimuli beside them.
        names: (n,) paths of the images within their source.

    Raises:
        InputError: as `read_nc`, `said_inside` and `read_stimulus_table`.
    """
    if is_netcdf(said_in):
        array = read_nc(Path(said_in))
        said = said_inside(array, images_of_rows(array, names, said_in), len(names), said_in)
    else:
        said, _ = read_stimulus_table(said_in, names)
    return {name: np.where(said[name] == "", UNKNOWN, said[name]) for name in LABELS if name in said}


def said_of_images(
    array: xr.DataArray, index: NDArray[np.intp], names: Sequence[str], path: str | Path
) -> tuple[str | Path, dict[str, Texts]]:
    """The file that says what the stimuli are, and (n,) what it says of each image.

    Args:
        array: from one of the readers.
        index: (stimulus,) image of each of its rows.
        names: (n,) the images.
        path: the file of the responses.

    Raises:
        InputError: as `said_inside` and `read_stimulus_table`, or if a table without names lies beside an array whose
            rows are in another order than the images.
    """
    if is_netcdf(path):
        return path, said_inside(array, index, len(names), path)
    table = stimulus_table(path)
    if table is None:
        return path, {}
    said, is_named = read_stimulus_table(table, names)
    if not is_named and Path(path).suffix.lower() == ".npy" and not np.array_equal(index, np.arange(len(names))):
        raise InputError(table, "table of stimuli", "no column that names images, and rows in another order", NAME_THEM)
    return table, said
