"""Read responses (.npy, .csv, .tsv, .nc) as arrays over stimulus, neuroid and repeat; find the image of each row."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import h5netcdf
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.images import check_pairing
from ventral.data.own.naming import OF_STIMULI, companions, named_rows
from ventral.data.own.spreadsheets import read_labels_of_rows, read_presentations
from ventral.files.errors import InputError, listed, refusing
from ventral.files.hdf5 import open_hdf5

AXES = ("stimulus", "neuroid", "repeat")
OF_NEUROIDS = ("neuroid_id", "region", "subject", "session")
# What arrays may not hold, by the kind of their dtype.
REFUSED = {"c": "complex numbers", "M": "dates", "m": "lengths of time", "U": "text", "S": "text"}


def as_numbers(array: NDArray, path: str | Path, field: str) -> NDArray[np.float64]:
    """Convert an array to float64, with NaN in place of infinite values. Report infinite and boolean values on stderr.

    Raises:
        InputError: if the array holds anything but real numbers.
    """
    if array.dtype.kind in REFUSED:
        raise InputError(
            path, field, f"{REFUSED[array.dtype.kind]}, not real numbers", "write the responses as numbers"
        )
    if array.dtype.kind == "b":
        print(f"{path}: true and false are taken as 1 and 0", file=sys.stderr)
    values = array.astype(np.float64)
    if infinite := int(np.isinf(values).sum()):
        print(f"{path}: {infinite} infinite values are left out", file=sys.stderr)
        values[np.isinf(values)] = np.nan
    return values


def read_npy(path: Path, layout: Sequence[str]) -> xr.DataArray:
    """Read an array whose axes `layout` names. Stimuli are in the order of the images; missing repeats are NaN.

    The columns of tables beside it (`companions`) with one row for each stimulus become coordinates.

    Raises:
        InputError: if the file is missing or damaged, does not hold numbers, or has another number of axes.
    """
    with refusing(path, "array", "not a complete .npy file of numbers", "save it again with numpy.save"):
        array = as_numbers(np.load(path, allow_pickle=False), path, "array")
    if not {"stimulus", "neuroid"} <= set(layout):
        raise InputError(path, "layout", f"axes {listed(layout)}", "name a stimulus and a neuroid axis")
    if array.ndim != len(layout):
        raise InputError(
            path, "layout", f"shape {array.shape} but {len(layout)} axes named", "name every axis, in order"
        )
    n = array.shape[list(layout).index("stimulus")]
    labels = {name: values for file in companions(path) for name, values in read_labels_of_rows(file, n).items()}
    return xr.DataArray(array, dims=list(layout), coords={name: ("stimulus", v) for name, v in labels.items()})


def read_csv(path: Path) -> xr.DataArray:
    """Read a table with one row for each presentation: the file name of the image, then one column for each neuroid.

    Raises:
        InputError: if the file is damaged or a column does not hold numbers.
    """
    shown, table = read_presentations(path)
    values = as_numbers(table.to_numpy(), path, "table")
    neuroid_id = np.array(table.columns, dtype=str)
    return xr.DataArray(
        values,
        dims=["stimulus", "neuroid"],
        coords={"image": ("stimulus", np.array(shown, dtype=object)), "neuroid_id": ("neuroid", neuroid_id)},
    )


def read_nc(path: Path) -> xr.DataArray:
    """Read the variable `rate` of a netCDF file, over (stimulus, neuroid) and, if stimuli are repeated, (repeat).

    All other variables and coordinates over stimuli or over neuroids become coordinates.

    Raises:
        InputError: if the file is damaged, has no `rate` or other dimensions, or if the name of a label looks like a
            misspelt known one.
    """
    with open_hdf5(path, "netCDF", "not a complete netCDF-4 file", "copy or write it again") as file:
        if "rate" not in file:
            raise InputError(path, "rate", "no such variable", "name the responses `rate`")
        dataset = xr.load_dataset(xr.backends.H5NetCDFStore(h5netcdf.File(file, decode_vlen_strings=True)))
        rate = dataset["rate"]
    if not {"stimulus", "neuroid"} <= set(rate.dims) <= set(AXES):
        raise InputError(path, "rate", f"dimensions {listed(rate.dims)}", f"name them {listed(AXES)}")
    if rate.dtype.kind not in "fiub" and rate.dtype.kind not in REFUSED:
        raise InputError(path, "rate", f"not of numbers but {rate.dtype}", "write the responses as numbers")
    labels = {name: item for name, item in dataset.variables.items() if item.dims in ((), ("stimulus",), ("neuroid",))}
    for name in map(str, labels):
        near = get_close_matches(name.lower(), OF_NEUROIDS, n=1, cutoff=0.8)
        if near and name not in (*OF_NEUROIDS, "neuroid") and near[0] not in labels:
            raise InputError(path, name, "unknown name of a label", f"did you mean {near[0]}? rename it")
    if "neuroid" in labels and "neuroid_id" not in labels and labels["neuroid"].dtype.kind in "OSU":
        labels["neuroid_id"] = labels["neuroid"]
    values = as_numbers(rate.values, path, "rate")
    coords = {name: item for name, item in labels.items() if name not in ("neuroid", "repeat")}
    with refusing(path, f"coordinates {listed(coords)}", "not as long as the responses", "write one value each"):
        return xr.DataArray(values, dims=rate.dims, coords=coords)


def read_array(path: str | Path, layout: Sequence[str]) -> xr.DataArray:
    """Read responses with the reader that the suffix of their file names: .npy, .csv or .tsv, .nc, in any case.

    Raises:
        InputError: as the readers, and if the file is missing or has another suffix.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "responses", "no such file", "correct the path in the config")
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return read_npy(path, layout)
    if suffix in (".csv", ".tsv"):
        return read_csv(path)
    if suffix == ".nc":
        return read_nc(path)
    raise InputError(path, "responses", f"unknown suffix {path.suffix!r}", "give a .npy, .csv or .nc file")


def images_of_rows(array: xr.DataArray, names: Sequence[str], path: str | Path) -> NDArray[np.intp]:
    """Find the image of each row of responses, by its name, or else by its place in the order of the images.

    Args:
        array: from one of the readers.
        names: the images, in order.
        path: file to name in errors.

    Returns:
        (stimulus,) index of each row's image.

    Raises:
        InputError: if a row names an unknown image; or if rows name no images, and there are not as many rows as
            images.
    """
    carried = {str(name): item.values for name, item in array.coords.items() if item.dims == ("stimulus",)}
    index = named_rows({name: values for name, values in carried.items() if name not in OF_STIMULI}, names, path)
    if index is None:
        check_pairing(len(names), array.sizes["stimulus"], path)
        index = np.arange(len(names))
    return index


def rows_of(array: xr.DataArray, index: NDArray[np.intp]) -> tuple[NDArray, NDArray[np.intp]]:
    """Bring responses to one row for each presentation, and drop rows without any value.

    Args:
        array: from one of the readers.
        index: (stimulus,) image of each of its rows.

    Returns:
        (rows, neuroid) values, and (rows,) index of each row's image.
    """
    repeated = array if "repeat" in array.dims else array.expand_dims("repeat")
    values = repeated.transpose("repeat", "stimulus", "neuroid").values
    stimulus = np.tile(index, len(values))
    values = values.reshape(len(stimulus), values.shape[2])
    shown_rows = np.isfinite(values).any(axis=1)
    return values[shown_rows], stimulus[shown_rows]
