"""Patches of the images in the receptive fields at each fixation of Xiao et al. 2024."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from ventral.data.images import Reader, find_stimuli, open_images, read_image
from ventral.data.pixels import BACKGROUND
from ventral.files.csv import read_columns

Floats = NDArray[np.float64]
CENTRE = ["centre_x_dva", "centre_y_dva"]
LANCZOS = 3  # reach of the filter in pixels of the coarser grid


def field_centre(session: str, unit_rf: str | Path) -> Floats | None:
    """Centre of the receptive fields of a session: the median over its units of the authors' estimates.

    For a unit without an estimate the authors' table has the fovea, which counts like any other place. The median of a
    session with few estimates is then near the fovea. Where the table has no unit of the session, stderr says so.

    Args:
        session: the authors' name of the session.
        unit_rf: `per_unit_rf.csv.gz`.

    Returns:
        (2,) x and y in degrees from the gaze, y upwards; None where the table has no unit of the session.

    Raises:
        InputError: if the table cannot be read.
    """
    table = read_columns(unit_rf, ["Session", "x", "y"], {"Session": str, "x": float, "y": float})
    own = table.loc[table["Session"] == session, ["x", "y"]].dropna()
    if own.empty:
        print(f"{session}: no receptive fields in {unit_rf}, crops are at the point of gaze", file=sys.stderr)
        return None
    return own.median().to_numpy(dtype=np.float64)


def pixels_per_degree(image: NDArray[np.uint8], size_dva: Floats) -> float:
    """Scale of an (H, W, 3) image that was shown within (2,) width and height in degrees, with its proportions kept."""
    height, width = image.shape[:2]
    return float(max(width / size_dva[0], height / size_dva[1]))


def crop_square(image: NDArray[np.uint8], centre: Floats, width: float, side: int) -> NDArray[np.uint8]:
    """A square patch of an image, resized; grey outside of the image.

    Args:
        image: (H, W, 3).
        centre: (2,) column and row of the patch's centre in pixels, from the top left corner of the image.
        width: of the patch in pixels.
        side: of the result in pixels.

    Returns:
        (side, side, 3).
    """
    left, top = np.asarray(centre) - width / 2
    # A margin around the patch, so that its edges are filtered like its inside.
    margin = int(np.ceil(LANCZOS * max(1, width / side)))
    column, row = int(np.floor(left)) - margin, int(np.floor(top)) - margin
    span = int(np.ceil(width)) + 1 + 2 * margin
    around = Image.new("RGB", (span, span), (BACKGROUND,) * 3)
    around.paste(Image.fromarray(image), (-column, -row))
    box = (left - column, top - row, left - column + width, top - row + width)
    return np.asarray(around.resize((side, side), Image.Resampling.LANCZOS, box))


def place_crops(fixations: pd.DataFrame, centre: Floats | None) -> pd.DataFrame:
    """Places of the crops: the gaze on the image plus the centre of the receptive fields.

    Args:
        fixations: from `choose_fixations`.
        centre: (2,) from `field_centre`; None for the fovea.

    Returns:
        One row for each fixation: `stimulus_id`, its own id; `session`; `image_id` of its image; `CENTRE` in degrees
            from the middle of that image; and `around`, "field" or "fovea".
    """
    places = fixations[["x_dva", "y_dva"]].to_numpy() + (0 if centre is None else centre)
    columns = {
        "stimulus_id": fixations["fixation_id"].to_numpy(),
        "session": fixations["session"].to_numpy(),
        "image_id": fixations["stimulus_id"].to_numpy(),
        **dict(zip(CENTRE, places.T, strict=True)),
        "around": "fovea" if centre is None else "field",
    }
    return pd.DataFrame(columns)


def cut_crops(
    fixations: pd.DataFrame, size_dva: Floats, degrees: float, side: int, source: str | Path, read: Reader
) -> Iterator[tuple[pd.Index, NDArray[np.uint8]]]:
    """Cut the crops out of the images, image after image; each image is read once.

    Args:
        fixations: `file` of the image in the source, and `CENTRE` in degrees from the centre of the image, y upwards.
        size_dva: (2,) width and height of the images in degrees, as they were shown.
        degrees: width of the patches.
        side: of the patches in pixels.
        source: of the images, named in errors.
        read: from `open_images`.

    Yields:
        Rows of the table, and their (k, side, side, 3) patches.

    Raises:
        InputError: if an image is missing or unreadable.
    """
    for name, here in fixations.groupby("file", sort=False):
        image = read_image(source, str(name), read)
        scale = pixels_per_degree(image, size_dva)
        middle = np.array(image.shape[1::-1]) / 2
        places = middle + here[CENTRE].to_numpy() * [scale, -scale]
        yield here.index, np.stack([crop_square(image, place, degrees * scale, side) for place in places])


class Crops(NamedTuple):
    """Crops around the fixations of all sessions.

    Attributes:
        table: one row a crop, as of `place_crops`, in order of `stimulus_id`.
        images: (n, side, side, 3) the crops, in the same order.
        missing: ids of the images that were looked at but are not in the source; their fixations have no crop.
    """

    table: pd.DataFrame
    images: NDArray[np.uint8]
    missing: list[str]


def crop_fixations(
    places: pd.DataFrame, size_dva: Mapping[str, Floats], degrees: float, side: int, source: str | Path
) -> Crops:
    """Cut what was around each fixation out of the images.

    Args:
        places: from `place_crops`, of all sessions.
        size_dva: for each session, (2,) width and height of its images in degrees, as they were shown.
        degrees: width of a crop.
        side: of a crop in pixels.
        source: folder or zip archive of the images.

    Raises:
        InputError: if the source holds none of the images, or one cannot be read.
    """
    names, read = open_images(source)
    found, missing = find_stimuli(names, sorted(set(places["image_id"])), source)
    table = places[places["image_id"].isin(found)].sort_values("stimulus_id", ignore_index=True)
    with_files = table.assign(file=table["image_id"].map(found))
    images = np.empty((len(table), side, side, 3), dtype=np.uint8)
    for session, here in with_files.groupby("session"):
        for rows, crops in cut_crops(here, size_dva[str(session)], degrees, side, source, read):
            images[rows] = crops
    return Crops(table, images, missing)
