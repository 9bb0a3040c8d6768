"""Majaj, Hong, Solomon & DiCarlo 2015: from the published assembly, csv and zip to images and responses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import h5netcdf  # type: ignore[import-untyped]
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.console import progress
from ventral.data.images import open_images, read_images
from ventral.data.responses import check_responses, make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.errors import InputError, listed, nearest

VARIABLE = "dicarlo.MajajHong2015.public"
DIMENSIONS = ("neuroid", "presentation", "time_bin")
SOURCE = "Majaj & Hong 2015"
SIMULATED = "simulated"
FILE_COLUMNS = ("image_file_name", "filename")  # either names an image in the archive; the first is tried first
SITES_AT_A_TIME = 64  # 38 MB of the published 148,480 presentations, and a few times that while they are averaged
AGAIN = "download it again or correct the path in the config"


def read_majaj(
    assembly: str | Path, stimuli: str | Path, images: str | Path, fractions: Mapping[str, float], seed: int
) -> tuple[NDArray[np.uint8], xr.Dataset]:
    """Read the published files, or simulated ones of the same layout.

    Args:
        assembly: netCDF-4 with normalised rates of every presentation.
        stimuli: csv with the labels of the images.
        images: zip archive (or folder) of PNGs.
        fractions: share of the stimuli in `val` and in `test`, stratified by object.
        seed: seed of the split and of the random halves behind the reliabilities.

    Returns:
        (n, H, W, 3) uint8 images and the dataset of `make_responses`, both in order of image id. The session of a site
        is its animal.

    Raises:
        InputError: naming file and field, if a file is missing or damaged, lacks a variable, coordinate or column, or
            if the three do not fit together.
    """
    table = read_stimuli(stimuli)
    with _opened(assembly) as file:
        sites = {
            name: _texts(_coordinate(file, assembly, name, "neuroid")) for name in ("neuroid_id", "region", "animal")
        }
        image_id = _texts(_coordinate(file, assembly, "image_id", "presentation"))
        window_ms = _window(file, assembly)
        values = _responses(file, assembly)
        simulated = values.attrs.get("source") == SIMULATED
        shown, stimulus = np.unique(image_id, return_inverse=True)
        unknown = np.setdiff1d(shown, table.index.to_numpy(dtype=str))
        if len(unknown):
            problem = f"no row for {listed(unknown, 3)} of {assembly}"
            raise InputError(stimuli, "image_id", problem, "use the csv that belongs to the assembly")
        reduced = reduce_sites(values, stimulus, len(shown), seed)
    table = table.reindex(shown)
    pictures = read_pictures(images, table)
    objects = table["object_name"].to_numpy(dtype=str)
    responses = make_responses(
        reduced,
        {
            "stimulus_id": shown,
            "split": assign_splits(len(shown), fractions, seed, strata=objects),
            "object_name": objects,
            "category_name": table["category_name"].to_numpy(dtype=str),
        },
        {
            "neuroid_id": sites["neuroid_id"],
            "region": sites["region"],
            "subject": sites["animal"],
            "session": sites["animal"],
        },
        source=SIMULATED if simulated else SOURCE,
        units="normalised",
        window_ms=window_ms,
    )
    check_responses(responses, assembly)
    return pictures, responses


def reduce_sites(
    values: h5netcdf.Variable, stimulus: NDArray[np.intp], n_stimuli: int, seed: int
) -> dict[str, NDArray]:
    """Average the repetitions of all sites, reading a block of sites at a time.

    Args:
        values: (neuroid, presentation, 1) on disk.
        stimulus: (presentation,) index of the stimulus of each presentation.
        n_stimuli: number of stimuli n.
        seed: seed of the random halves, which are thereby the same for every block.

    Returns:
        As `reduce_presentations`.
    """
    starts = range(0, values.shape[0], SITES_AT_A_TIME)
    blocks = [
        reduce_presentations(values[start : start + SITES_AT_A_TIME, :, 0].T, stimulus, n_stimuli, seed)
        for start in progress(starts, f"blocks of {SITES_AT_A_TIME} sites averaged")
    ]
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}


def read_stimuli(path: str | Path) -> pd.DataFrame:
    """Read the publisher's csv, all columns as text, indexed by `image_id`.

    Raises:
        InputError: if it is missing or no csv, lacks a column, or names an image twice.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(path, "stimuli", "no such file", AGAIN) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError):
        raise InputError(path, "stimuli", "not a csv file", AGAIN) from None
    needed = ["image_id", "object_name", "category_name"]
    if not set(FILE_COLUMNS) & set(table.columns):
        needed.append(FILE_COLUMNS[0])
    for column in needed:
        if column not in table.columns:
            raise InputError(path, column, "column missing", nearest(column, list(table.columns)))
    twice = table["image_id"].duplicated()
    if twice.any():
        raise InputError(
            path, "image_id", f"duplicate ids {listed(table['image_id'][twice], 3)}", "keep one row of each"
        )
    return table.set_index("image_id")


def read_pictures(source: str | Path, table: pd.DataFrame) -> NDArray[np.uint8]:
    """Read the image of every row of the table of stimuli, in whichever folder of the archive it lies.

    Returns:
        (n, H, W, 3) uint8.

    Raises:
        InputError: if an image is missing or unreadable.
    """
    names, read = open_images(source)
    found = {PurePosixPath(name).name: name for name in names}
    columns = [column for column in FILE_COLUMNS if column in table.columns]
    chosen = []
    for image_id, *files in table[columns].itertuples(name=None):
        known = [found[file] for file in files if file in found]
        if not known:
            raise InputError(source, files[0], f"image {image_id} missing from the archive", "download it again")
        chosen.append(known[0])
    return read_images(source, chosen, read)


@contextmanager
def _opened(path: str | Path) -> Iterator[h5netcdf.File]:
    """The assembly, open for reading; whatever cannot be read inside the block is reported as a damaged file."""
    if not Path(path).is_file():
        raise InputError(path, "assembly", "no such file", AGAIN)
    try:
        with h5netcdf.File(path, "r") as file:
            yield file
    except OSError:
        raise InputError(path, "assembly", "not a complete netCDF-4 file", AGAIN) from None


def _responses(file: h5netcdf.File, path: str | Path) -> h5netcdf.Variable:
    """The responses, (neuroid, presentation, time_bin)."""
    if VARIABLE not in file.variables:
        raise InputError(path, VARIABLE, "variable missing", "use the public assembly of Majaj & Hong 2015")
    values = file.variables[VARIABLE]
    if values.dimensions != DIMENSIONS:
        raise InputError(
            path, VARIABLE, f"dimensions ({', '.join(values.dimensions)})", f"give {', '.join(DIMENSIONS)}"
        )
    return values


def _coordinate(file: h5netcdf.File, path: str | Path, name: str, dimension: str) -> NDArray:
    """The values of a coordinate over one dimension."""
    if name not in file.variables:
        raise InputError(path, name, f"coordinate of {dimension} missing", "use the public assembly")
    coordinate = file.variables[name]
    if coordinate.dimensions != (dimension,):
        raise InputError(path, name, f"no coordinate of {dimension}", "use the public assembly")
    return np.asarray(coordinate[:])


def _texts(values: NDArray) -> NDArray[np.str_]:
    """Strings as they come from the file, bytes or text, of fixed length or not."""
    return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values])


def _window(file: h5netcdf.File, path: str | Path) -> tuple[float, float]:
    """Start and end of the one counting window, in ms after the onset of the stimulus."""
    start, end = (_coordinate(file, path, name, "time_bin") for name in ("time_bin_start", "time_bin_end"))
    if len(start) != 1:
        raise InputError(path, "time_bin", f"{len(start)} counting windows", "keep one of them")
    return float(start[0]), float(end[0])
