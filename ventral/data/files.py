"""Bring your own recordings: images in a folder or zip, responses in one array, and their layout."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.hdf5 import open_hdf5
from ventral.data.images import check_pairing, open_images, stimulus_ids
from ventral.data.responses import check_responses, make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.errors import InputError, listed, refusing

AXES = ("stimulus", "neuroid", "repeat")
Labels = dict[str, NDArray[np.str_]]


def read_npy(path: Path, layout: Sequence[str]) -> xr.DataArray:
    """An array whose axes `layout` names: stimuli in the images' order, NaN where a repeat is missing.

    Raises:
        InputError: if the file is missing, damaged, not of numbers, or has another number of axes.
    """
    with refusing(path, "array", "not a complete .npy file of numbers", "save it again with numpy.save"):
        array = np.load(path, allow_pickle=False).astype(np.float64)
    if not {"stimulus", "neuroid"} <= set(layout):
        raise InputError(path, "layout", f"axes {listed(layout)}", "name a stimulus and a neuroid axis")
    if array.ndim != len(layout):
        raise InputError(
            path, "layout", f"shape {array.shape} but {len(layout)} axes named", "name every axis, in order"
        )
    return xr.DataArray(array, dims=list(layout))


def read_csv(path: Path) -> xr.DataArray:
    """A table with one row a presentation: the image's file name first, then one column a neuroid.

    Raises:
        InputError: if the file is damaged or a column is not of numbers.
    """
    with refusing(path, "table", "not a readable csv", "write one row a presentation, image name first"):
        table = pd.read_csv(path, dtype={0: str})
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus first cells for an index
        raise InputError(path, "table", "rows longer than the header", "write one cell a column in every row")
    columns = table.columns[1:]
    wrong = [name for name in columns if not pd.api.types.is_numeric_dtype(table[name])]
    if wrong or columns.empty:
        raise InputError(
            path, f"column {listed(wrong)}", "not of numbers", "image name first, then one column a neuroid"
        )
    return xr.DataArray(
        table[columns].to_numpy(np.float64),
        dims=["presentation", "neuroid"],
        coords={"stimulus": ("presentation", table.iloc[:, 0].astype(str)), "neuroid_id": ("neuroid", columns)},
    )


def read_nc(path: Path) -> xr.DataArray:
    """The variable `rate` of a netCDF file, over (stimulus, neuroid) and, where repeated, (repeat).

    Coordinates `neuroid_id`, `region`, `subject` and `session` are kept, one for all or one for each neuroid.

    Raises:
        InputError: if the file is damaged, has no `rate`, or other dimensions.
    """
    with open_hdf5(path, "netCDF", "not a complete netCDF-4 file", "copy or write it again") as file:
        if "rate" not in file:
            raise InputError(path, "rate", "no such variable", "name the responses `rate`")
        rate = xr.load_dataset(path, engine="h5netcdf")["rate"]
    if not {"stimulus", "neuroid"} <= set(rate.dims) <= set(AXES):
        raise InputError(path, "rate", f"dimensions {listed(rate.dims)}", f"name them {listed(AXES)}")
    if rate.dtype.kind not in "fiub":
        raise InputError(path, "rate", f"not of numbers but {rate.dtype}", "write the responses as numbers")
    return rate.astype(np.float64)


def read_array(path: str | Path, layout: Sequence[str]) -> xr.DataArray:
    """Read responses by the suffix of their file: .npy, .csv or .nc.

    Raises:
        InputError: as the readers do, and on a missing file or another suffix.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(path, "responses", "no such file", "correct the path in the config")
    if path.suffix == ".npy":
        return read_npy(path, layout)
    if path.suffix == ".csv":
        return read_csv(path)
    if path.suffix == ".nc":
        return read_nc(path)
    raise InputError(path, "responses", f"unknown suffix {path.suffix!r}", "give a .npy, .csv or .nc file")


def rows_of(array: xr.DataArray, names: Sequence[str], path: str | Path) -> tuple[NDArray, NDArray[np.intp]]:
    """Bring responses to one row a presentation.

    Args:
        array: from one of the readers.
        names: the images, in order.
        path: file to name in errors.

    Returns:
        (rows, neuroid) values and the (rows,) index of each row's image.

    Raises:
        InputError: if images and responses differ in number, or a row names an image that is not there.
    """
    if "presentation" in array.dims:
        index = {Path(name).name: i for i, name in enumerate(names)}
        shown = array["stimulus"].values
        unknown = sorted(map(str, set(shown) - set(index)))  # a missing name is NaN
        if unknown:
            raise InputError(path, f"image {listed(unknown, 3)}", "not among the images", "correct name or add image")
        return array.values, np.array([index[name] for name in shown])
    check_pairing(len(names), array.sizes["stimulus"], path)
    repeated = array if "repeat" in array.dims else array.expand_dims("repeat")
    values = repeated.transpose("repeat", "stimulus", "neuroid").values
    stimulus = np.tile(np.arange(len(names)), len(values))
    values = values.reshape(len(stimulus), values.shape[2])
    shown_rows = np.isfinite(values).any(axis=1)
    return values[shown_rows], stimulus[shown_rows]


def read_recordings(
    images: str | Path,
    responses: str | Path,
    settings: Mapping[str, Any],
    split: Mapping[str, float],
    seed: int,
    copies: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Read somebody's own responses to their own images.

    Args:
        images: folder or zip; the images' natural order is that of the array's stimuli.
        responses: .npy, .csv or .nc file.
        settings: `name`, `layout`, `region`, `subject`, `units` from the config.
        split: shares of val and test.
        seed: of splits and halves.
        copies: id of the image whose copy it is, for each image that is one; no split divides these.

    Raises:
        InputError: on anything that cannot be read or does not fit together.
    """
    names, _ = open_images(images)
    array = read_array(responses, settings["layout"])
    values, stimulus = rows_of(array, names, responses)
    n = values.shape[1]
    if not np.isfinite(values).any():
        raise InputError(responses, "responses", "no value is a number", "give the responses to the images")
    labels: Labels = {
        "neuroid_id": np.array([f"{settings['name']}_{i}" for i in range(n)]),
        "region": np.full(n, settings["region"]),
        "subject": np.full(n, settings["subject"]),
        "session": np.full(n, settings["name"]),
    }
    with refusing(responses, "coordinates of neuroids", "not text", "write them as text"):
        labels |= {
            name: np.broadcast_to(array[name].values.astype(str), n)  # one for all, or one each
            for name in labels
            if name in array.coords and array[name].dims in ((), ("neuroid",))
        }
    ids = stimulus_ids(names)
    groups = np.array([(copies or {}).get(name, name) for name in ids])
    of_stimulus = {"stimulus_id": np.array(ids), "split": assign_splits(len(names), split, seed, groups=groups)}
    if copies:
        print(f"{images}: {len(copies)} of {len(ids)} stimuli are copies, on one side of every split", file=sys.stderr)
        of_stimulus["stimulus_group"] = groups
    dataset = make_responses(
        reduce_presentations(values, stimulus, len(names), seed),
        of_stimulus,
        labels,
        source=f"files: {Path(responses).name}",
        units=settings["units"],
        window_ms=None,
    )
    check_responses(dataset, responses)
    return dataset
