"""Read what the user's own files say about the stimuli: objects, categories, a split, groups of stimuli.

A netCDF file holds these as coordinates over `stimulus`. Beside an array or a table of responses there may be a table
(`companions`) with one row for each stimulus and columns of these names.
"""

import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.images import LABELS
from ventral.data.own.arrays import images_of_rows, read_nc
from ventral.data.own.naming import OF_STIMULI, companions, named_rows
from ventral.data.own.spreadsheets import read_cells
from ventral.data.splits import SPLITS
from ventral.files.errors import InputError, listed, refusing
from ventral.files.hdf5 import opened

NAME_THEM = "add a column `image` with the names of the files"
UNKNOWN = "unknown"  # label of an image without responses
Texts = NDArray[np.str_]


def is_netcdf(responses: str | Path) -> bool:
    """Whether responses are in a netCDF file, which describes its stimuli itself."""
    return Path(responses).suffix.lower() == ".nc"


def stimulus_table(responses: str | Path) -> str | None:
    """Find the table beside responses that describes the stimuli: the first with a column of `OF_STIMULI`, if any."""
    return next((file for file in companions(responses) if _columns(file)), None)


def known_labels(responses: str | Path) -> frozenset[str]:
    """List which of `OF_STIMULI` the files hold, by their headers. Empty if they cannot be read; the readers raise."""
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
        with redirect_stderr(io.StringIO()):  # notes on the table are printed when its content is read
            rows = read_cells(table)
    except InputError:
        return frozenset()
    return frozenset(map(_title, rows[0] if rows else [])) & set(OF_STIMULI)


def _title(cell: str) -> str:
    return cell.strip().lower()


def read_stimulus_table(path: str | Path, images: Sequence[str]) -> tuple[dict[str, Texts], bool]:
    """Read what a table says about each image.

    Rows belong to the images that they name, in any order. Without names there is one row for each image, in order.

    Args:
        path: the table. Its first row holds the names of the columns.
        images: (n,) paths of the images within their source.

    Returns:
        (n,) texts by name of the column, "" for an image without a row; and whether the table names the images.

    Raises:
        InputError: if a row is not as long as the header or names an unknown image, if two rows of an image differ, or
            if rows name no images and there are not as many rows as images.
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
        what = f"{len(rows)} rows for {len(images)} images, and no column that names the images"
        raise InputError(path, "table of stimuli", what, NAME_THEM)
    said = {name: columns[name] for name in OF_STIMULI if name in columns}
    return spread(said, np.arange(len(images)) if index is None else index, len(images), path), index is not None


def spread(said: Mapping[str, NDArray], index: NDArray[np.intp], n_images: int, file: str | Path) -> dict[str, Texts]:
    """Turn labels of rows into labels of images.

    Args:
        said: (rows,) labels by name.
        index: (rows,) image of each row.
        n_images: number of images n.
        file: to name in errors.

    Returns:
        (n,) texts by name, "" for an image without a row.

    Raises:
        InputError: if two rows of an image differ, or a label is empty.
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
            what = f"{one!r} in row {row + 1}, but {other!r} in another row of the same image"
            raise InputError(file, name, what, "correct one of them")
        found[name] = of_image
    return found


def _text(value: object) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return "" if text == "nan" else text.strip()


def check_stimuli(
    said: Mapping[str, Texts], names: Sequence[str], shown: NDArray[np.intp], file: str | Path
) -> dict[str, Texts]:
    """Check the labels of images, and fill in those of images without responses.

    Args:
        said: (n,) texts by name, "" for an image without a label.
        names: (n,) the images.
        shown: indices of the images with responses, in any order.
        file: to name in errors.

    Returns:
        The same texts. Images without responses have the label `UNKNOWN`, a group of their own, and the split `train`.

    Raises:
        InputError: if an image with responses has no label, or if the split has another name than `SPLITS` or lacks one
            of them.
    """
    found = dict(said)
    for name, texts in said.items():
        if lacking := [names[i] for i in np.unique(shown) if texts[i] == ""]:
            what = f"no value for images with responses: {listed(lacking, 3)}"
            raise InputError(file, name, what, "add it, or leave the column out")
        rest = [f"{UNKNOWN} {i}" for i in range(len(texts))] if name == "stimulus_group" else UNKNOWN
        found[name] = np.where(texts == "", "train" if name == "split" else rest, texts)
    if "split" in found:
        given = set(found["split"].tolist())
        if wrong := sorted(given - set(SPLITS)):
            raise InputError(file, "split", f"{wrong[0]!r} is not allowed", f"one of {listed(SPLITS)}")
        if missing := [name for name in SPLITS if name not in given]:
            what = f"no stimulus of {listed(missing)}"
            raise InputError(file, "split", what, "add some, or leave the column out for a random split")
    for name in LABELS:
        if (found.get(name, np.array([])) == UNKNOWN).any():
            print(f"{file}: images without responses get the {name} {UNKNOWN!r}", file=sys.stderr)
    return found


def said_inside(array: xr.DataArray, index: NDArray[np.intp], n_images: int, path: str | Path) -> dict[str, Texts]:
    """Collect what a netCDF file says about each image.

    Args:
        array: from `read_nc`.
        index: (stimulus,) image of each of its rows.
        n_images: number of images n.
        path: the file.

    Returns:
        (n,) texts by name, "" for an image without a row.

    Raises:
        InputError: if a label is not given for every stimulus, or if two rows of an image differ.
    """
    said = {name: array.coords.get(name) for name in OF_STIMULI if name in known_labels(path)}
    for name, item in said.items():
        if item is None or item.dims != ("stimulus",):
            raise InputError(
                path, name, "not one value a stimulus", "write it over `stimulus`, or give it another name"
            )
    return spread({name: item.values for name, item in said.items() if item is not None}, index, n_images, path)


def read_image_labels(said_in: str | Path, names: Sequence[str]) -> dict[str, Texts]:
    """Read `object_name` and `category_name` of the images, as far as a file gives them.

    Args:
        said_in: the netCDF file of the responses, or the table of stimuli beside them.
        names: (n,) paths of the images within their source.

    Returns:
        (n,) labels by name.

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
    """Find the file that describes the stimuli, and read what it says.

    Args:
        array: from one of the readers.
        index: (stimulus,) image of each of its rows.
        names: (n,) the images.
        path: the file of the responses.

    Returns:
        The file, and (n,) texts by name of the label.

    Raises:
        InputError: as `said_inside` and `read_stimulus_table`, and if the table names no images while the rows of the
            responses are in another order than the images.
    """
    if is_netcdf(path):
        return path, said_inside(array, index, len(names), path)
    table = stimulus_table(path)
    if table is None:
        return path, {}
    said, is_named = read_stimulus_table(table, names)
    if not is_named and Path(path).suffix.lower() == ".npy" and not np.array_equal(index, np.arange(len(names))):
        what = "no column that names the images, whose order differs from that of the responses"
        raise InputError(table, "table of stimuli", what, NAME_THEM)
    return table, said
