"""The published files of Majaj, Hong, Solomon & DiCarlo 2015: open and check the assembly, csv and zip archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import h5netcdf
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.images import open_images, read_images
from ventral.files.errors import InputError, listed, nearest
from ventral.files.hdf5 import open_hdf5

VARIABLE = "dicarlo.MajajHong2015.public"
DIMENSIONS = ("neuroid", "presentation", "time_bin")
FILE_COLUMNS = ("image_file_name", "filename")  # either names an image in the archive; the first is tried first
AGAIN = "download it again or correct the path in the config"

# What the published assembly holds: sites, images and the repetitions of each image, by variation.
SHAPE = (256, 148_480, 1)
SITES = {"IT": 168, "V4": 88}
IMAGES = {0: (640, 28), 3: (2560, 51)}
N_OBJECTS, N_CATEGORIES = 64, 8


def read_stimuli(path: str | Path) -> pd.DataFrame:
    """Read the publisher's csv, all columns as text, indexed by `image_id`.

    Raises:
        InputError: if it is missing, not a csv, lacks a column, or lists an image twice.
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


def read_majaj_images(
    assembly: str | Path, stimuli: str | Path, images: str | Path
) -> tuple[NDArray[np.uint8], pd.DataFrame]:
    """Read the images that were shown.

    Args:
        assembly: netCDF-4 file that says which images were shown.
        stimuli: csv with their labels and file names.
        images: zip archive (or folder) of PNGs.

    Returns:
        (n, H, W, 3) uint8 images in order of image id, and their rows of the csv.

    Raises:
        InputError: naming file and field, if one of the three is missing or damaged, or if they do not match.
    """
    table = read_stimuli(stimuli)
    with open_assembly(assembly) as file:
        shown, _ = shown_stimuli(file, assembly, table, stimuli)
    return read_pictures(images, table.reindex(shown)), table.reindex(shown)


def shown_stimuli(
    file: h5netcdf.File, assembly: str | Path, table: pd.DataFrame, stimuli: str | Path
) -> tuple[NDArray[np.str_], NDArray[np.intp]]:
    """(n,) ids of the stimuli that were shown, sorted, and the (presentation,) index of each presentation's stimulus.

    Raises:
        InputError: if a stimulus is missing in the table.
    """
    shown, stimulus = np.unique(texts(coordinate(file, assembly, "image_id", "presentation")), return_inverse=True)
    unknown = np.setdiff1d(shown, table.index.to_numpy(dtype=str))
    if len(unknown):
        problem = f"no row for {listed(unknown, 3)} of {assembly}"
        raise InputError(stimuli, "image_id", problem, "use the csv that belongs to the assembly")
    values = response_variable(file, assembly)
    if values.shape == SHAPE and values.attrs.get("source") != "simulated":
        region = texts(coordinate(file, assembly, "region", "neuroid"))
        check_published(assembly, region, table.reindex(shown), np.bincount(stimulus))
    return shown, stimulus


def check_published(
    path: str | Path, region: NDArray[np.str_], table: pd.DataFrame, n_presentations: NDArray[np.intp]
) -> None:
    """Refuse an assembly and csv of the published size that are not those of the paper.

    Smaller ones are accepted, because they are deliberate subsets or simulated.

    Args:
        path: of the assembly, named in errors.
        region: (neuroid,).
        table: rows of the csv, one an image.
        n_presentations: (n,) of each image.

    Raises:
        InputError: naming every number that differs.
    """
    if "variation" not in table.columns:
        raise InputError(path, "variation", "no such column in the csv of the stimuli", AGAIN)
    variation = pd.to_numeric(table["variation"], errors="coerce").to_numpy()
    counts = {f"{name} sites": ((region == name).sum(), n) for name, n in SITES.items()}
    counts["images"] = (len(table), sum(n for n, _ in IMAGES.values()))
    counts["objects"] = (table["object_name"].nunique(), N_OBJECTS)
    counts["categories"] = (table["category_name"].nunique(), N_CATEGORIES)
    for level, (n_images, repetitions) in IMAGES.items():
        here = variation == level
        counts[f"images of variation {level}"] = (here.sum(), n_images)
        often = (n_presentations[here] == repetitions).sum()
        counts[f"images of variation {level} with {repetitions} repetitions"] = (often, n_images)
    wrong = [f"{found} {name} for {published}" for name, (found, published) in counts.items() if found != published]
    if wrong:
        raise InputError(path, "assembly", f"not as published: {listed(wrong)}", AGAIN)


def read_pictures(source: str | Path, table: pd.DataFrame) -> NDArray[np.uint8]:
    """Read the image of every row of the table of stimuli, from any folder of the archive.

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
def open_assembly(path: str | Path) -> Iterator[h5netcdf.File]:
    """Open the assembly to read. If anything in the block cannot be read, the file is reported as damaged."""
    if not Path(path).is_file():
        raise InputError(path, "assembly", "no such file", AGAIN)
    whole = open_hdf5(path, "assembly", "not a complete netCDF-4 file", AGAIN)
    with whole as file, h5netcdf.File(file) as assembly:
        yield assembly


def response_variable(file: h5netcdf.File, path: str | Path) -> h5netcdf.Variable:
    """The responses, (neuroid, presentation, time_bin)."""
    if VARIABLE not in file.variables:
        raise InputError(path, VARIABLE, "variable missing", "use the public assembly of Majaj & Hong 2015")
    values = file.variables[VARIABLE]
    if values.dimensions != DIMENSIONS:
        raise InputError(
            path, VARIABLE, f"dimensions ({', '.join(values.dimensions)})", f"give {', '.join(DIMENSIONS)}"
        )
    return values


def coordinate(file: h5netcdf.File, path: str | Path, name: str, dimension: str) -> NDArray:
    """The values of a coordinate over one dimension."""
    if name not in file.variables:
        raise InputError(path, name, f"coordinate of {dimension} missing", "use the public assembly")
    values = file.variables[name]
    if values.dimensions != (dimension,):
        raise InputError(path, name, f"no coordinate of {dimension}", "use the public assembly")
    found = np.asarray(values[:])
    if found.shape != values.shape:  # it must have the length of the dimension
        raise InputError(path, name, f"shape {found.shape} for {values.shape} of {dimension}", AGAIN)
    return found


def texts(values: NDArray) -> NDArray[np.str_]:
    """Strings from a file, as bytes or text, of fixed length or not, as text."""
    return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in values])


def counting_window(file: h5netcdf.File, path: str | Path) -> tuple[float, float]:
    """Start and end of the one counting window, in ms after the onset of the stimulus."""
    start, end = (coordinate(file, path, name, "time_bin") for name in ("time_bin_start", "time_bin_end"))
    if len(start) != 1:
        raise InputError(path, "time_bin", f"{len(start)} counting windows", "keep one of them")
    return float(start[0]), float(end[0])
