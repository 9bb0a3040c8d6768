"""Bring your own recordings: images in a folder or zip, responses in one array, and their layout."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import h5netcdf
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.images import check_pairing, open_images, stimulus_ids
from ventral.data.own.naming import companions, named_rows
from ventral.data.own.spreadsheets import read_labels_of_rows, read_presentations
from ventral.data.own.stimuli import (
    KNOWN,
    LABELS,
    NAME_THEM,
    UNKNOWN,
    check_stimuli,
    is_netcdf,
    known_labels,
    read_stimulus_table,
    spread,
    stimulus_table,
)
from ventral.data.responses import check_responses, make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.files.errors import InputError, listed, refusing
from ventral.files.hdf5 import open_hdf5

AXES = ("stimulus", "neuroid", "repeat")
OF_NEUROIDS = ("neuroid_id", "region", "subject", "session")
# By numpy's kind of the array.
REFUSED = {"c": "complex numbers", "M": "dates", "m": "lengths of time", "U": "text", "S": "text"}
Labels = NDArray[np.str_]


def as_numbers(array: NDArray, path: str | Path, field: str) -> NDArray[np.float64]:
    """An array as float64, infinite values left out; these, and truth values, are said on stderr.

    Raises:
        InputError: if it is of anything but real numbers.
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
    """An array whose axes `layout` names: stimuli in the images' order, NaN where a repeat is missing.

    Tables beside it (`companions`) that have a row a stimulus are coordinates.

    Raises:
        InputError: if the file is missing, damaged, not of numbers, or has another number of axes.
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
    """A table with one row a presentation: the image's file name, and one column a neuroid.

    Raises:
        InputError: if the file is damaged or a column is not of numbers.
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
    """The variable `rate` of a netCDF file, over (stimulus, neuroid) and, where repeated, (repeat).

    Whatever else is over stimuli or over neuroids, as a coordinate or a variable, is a coordinate.

    Raises:
        InputError: if the file is damaged, has no `rate`, other dimensions, or a label by nearly a known name.
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
            raise InputError(path, name, "no name of a label", f"did you mean {near[0]}? rename it")
    if "neuroid" in labels and "neuroid_id" not in labels and labels["neuroid"].dtype.kind in "OSU":
        labels["neuroid_id"] = labels["neuroid"]
    values = as_numbers(rate.values, path, "rate")
    coords = {name: item for name, item in labels.items() if name not in ("neuroid", "repeat")}
    with refusing(path, f"coordinates {listed(coords)}", "not as long as the responses", "write one value each"):
        return xr.DataArray(values, dims=rate.dims, coords=coords)


def read_array(path: str | Path, layout: Sequence[str]) -> xr.DataArray:
    """Read responses by the suffix of their file, in letters of either case: .npy, .csv or .tsv, .nc.

    Raises:
        InputError: as the readers do, and on a missing file or another suffix.
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
    """(stimulus,) index of the image that each row of responses means: by its name, or else in order of the images.

    Args:
        array: from one of the readers.
        names: the images, in order.
        path: file to name in errors.

    Raises:
        InputError: if a row names an image that is not there, or nothing is named and the numbers differ.
    """
    carried = {str(name): item.values for name, item in array.coords.items() if item.dims == ("stimulus",)}
    index = named_rows({name: values for name, values in carried.items() if name not in KNOWN}, names, path)
    if index is None:
        check_pairing(len(names), array.sizes["stimulus"], path)
        index = np.arange(len(names))
    return index


def rows_of(array: xr.DataArray, index: NDArray[np.intp]) -> tuple[NDArray, NDArray[np.intp]]:
    """Bring responses to one row a presentation, without those that hold no value.

    Args:
        array: from one of the readers.
        index: (stimulus,) image of each of its rows.

    Returns:
        (rows, neuroid) values and the (rows,) index of each row's image.
    """
    repeated = array if "repeat" in array.dims else array.expand_dims("repeat")
    values = repeated.transpose("repeat", "stimulus", "neuroid").values
    stimulus = np.tile(index, len(values))
    values = values.reshape(len(stimulus), values.shape[2])
    shown_rows = np.isfinite(values).any(axis=1)
    return values[shown_rows], stimulus[shown_rows]


def said_inside(array: xr.DataArray, index: NDArray[np.intp], n_images: int, path: str | Path) -> dict[str, Labels]:
    """What a netCDF file says of each image: (n,) by name, "" for an image without a row.

    Args:
        array: from `read_nc`.
        index: (stimulus,) image of each of its rows.
        n_images: number of images n.
        path: the file.

    Raises:
        InputError: if it does not say it of every stimulus, or says two things of one image.
    """
    said = {name: array[name] for name in KNOWN if name in known_labels(path) and name in array.coords}
    for name, item in said.items():
        if item.dims != ("stimulus",):
            raise InputError(
                path, name, "not one value a stimulus", "write it over `stimulus`, or give it another name"
            )
    return spread({name: item.values for name, item in said.items()}, index, n_images, path)


def read_image_labels(said_in: str | Path, names: Sequence[str]) -> dict[str, Labels]:
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
) -> tuple[str | Path, dict[str, Labels]]:
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


def read_recordings(
    images: str | Path,
    responses: str | Path,
    settings: Mapping[str, Any],
    split: Mapping[str, float] | None,
    seed: int,
    copies: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Read somebody's own responses to their own images.

    Args:
        images: folder or zip; the images' natural order is that of the array's stimuli.
        responses: .npy, .csv or .nc file.
        settings: `name`, `layout`, `region`, `subject`, `units` from the config.
        split: shares of val and test, in equal shares of objects or categories where these are known; None where the
            files say the split of every stimulus.
        seed: of splits and halves.
        copies: id of the image whose copy it is, for each image that is one; no split that is drawn divides these.

    Returns:
        The dataset of `make_responses`, with what the files say of their stimuli.

    Raises:
        InputError: on anything that cannot be read or does not fit together.
    """
    names, _ = open_images(images)
    array = read_array(responses, settings["layout"])
    index = images_of_rows(array, names, responses)
    values, stimulus = rows_of(array, index)
    n = values.shape[1]
    if not np.isfinite(values).any():
        raise InputError(responses, "responses", "no value is a number", "give the responses to the images")
    labels: dict[str, Labels] = {
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
    source, said = said_of_images(array, index, names, responses)
    said = check_stimuli(said, np.isin(np.arange(len(names)), stimulus), source)
    if copies:
        where = "where the split that is given says" if "split" in said else "on one side of every split"
        print(f"{images}: {len(copies)} of {len(names)} stimuli are copies, {where}", file=sys.stderr)
    dataset = make_responses(
        reduce_presentations(values, stimulus, len(names), seed),
        _of_stimuli(names, said, split, seed, copies or {}, source),
        labels,
        source=f"files: {Path(responses).name}",
        units=settings["units"],
        window_ms=None,
    )
    check_responses(dataset, responses, split_is_given="split" in said)
    return dataset


def _of_stimuli(
    names: Sequence[str],
    said: Mapping[str, Labels],
    split: Mapping[str, float] | None,
    seed: int,
    copies: Mapping[str, str],
    source: str | Path,
) -> dict[str, Labels]:
    """(n,) coordinates of the stimuli: id, split, labels where the files say them, groups where any has two members."""
    ids = stimulus_ids(names)
    groups = said.get("stimulus_group", np.array([copies.get(name, name) for name in ids]))
    group_of = dict(zip(ids, groups.tolist(), strict=True))
    for copy, first in copies.items():
        if group_of[copy] != group_of[first]:
            problem = f"{first} and {copy} have the same pixels, and different groups"
            raise InputError(source, "stimulus_group", problem, "give both one group")
    found = {"stimulus_id": np.array(ids)} | {name: said[name] for name in LABELS if name in said}
    if "split" in said:
        found["split"] = said["split"]
    else:
        strata = next((said[name] for name in LABELS if name in said), None)
        found["split"] = assign_splits(len(ids), split or {}, seed, strata, groups)
    return found | ({"stimulus_group": groups} if copies or "stimulus_group" in said else {})
