"""Faces in the stimuli of Xiao et al. 2024: labels of images, regions within images, and near duplicates.

The authors' folder `ROIs/Stimuli` has, for each category of regions, a table of boxes (`face.csv`) or a folder of masks
(`primate_face/`). Files of masks have the stem of the stimulus, but not always its suffix.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree

from ventral.data.pixels import FORMATS
from ventral.data.xiao.layout import ANNOTATED
from ventral.files.csv import read_columns
from ventral.files.errors import InputError, refusing

FACE = ("face", "primate_face")  # categories of real faces; all others are ambiguous
BOX = ["x", "y", "w", "h", "W", "H"]  # left, top, width, height, and size of the picture, in pixels of the file
Floats = NDArray[np.float64]


def list_regions(rois: str | Path) -> pd.DataFrame:
    """Every region of every stimulus.

    Args:
        rois: the authors' folder `ROIs/Stimuli`.

    Returns:
        One row for each region: `stem` of the stimulus, `category`, whether it is a `face`, and either `mask`, a file,
            or `BOX`.

    Raises:
        InputError: if there are none, or if a table of boxes cannot be read or has an invalid box.
    """
    parts = []
    for path in sorted(Path(rois).glob("*")):
        if path.is_dir():
            part = pd.DataFrame({"mask": [str(mask) for mask in sorted(path.glob("[!.]*"))]})
            part["stem"] = part["mask"].map(lambda mask: Path(mask).stem)
        elif path.suffix == ".csv":
            boxes = read_columns(path, ["Filename", *BOX], {"Filename": str} | dict.fromkeys(BOX, float))
            wrong = boxes["Filename"].isna() | ~((boxes[BOX[:2]] >= 0).all(axis=1) & (boxes[BOX[2:]] > 0).all(axis=1))
            if wrong.any():
                raise InputError(path, f"line {wrong.argmax() + 2}", "not a box in a picture", "correct or remove it")
            part = boxes.assign(stem=boxes["Filename"].map(lambda name: Path(name).stem))
        else:
            continue
        parts.append(part.assign(category=path.stem, face=path.stem in FACE))
    if not parts:
        raise InputError(rois, "regions", "no tables of boxes and no folders of masks", "put the authors' ROIs there")
    return pd.concat(parts, ignore_index=True).reindex(columns=["stem", "category", "face", "mask", *BOX])


def label_stimuli(
    stimulus_id: Sequence[str] | NDArray[np.str_], regions: pd.DataFrame, session: str
) -> NDArray[np.str_]:
    """(n,) "face", "ambiguous" (metamers, pareidolia, ...), "nonface", or "unknown" if the stimulus was not labelled.

    Args:
        stimulus_id: (n,) stems of the stimuli.
        regions: what `list_regions` returns.
        session: the authors' name of the session, which begins with the monkey.
    """
    face, any_region = set(regions.loc[regions["face"], "stem"]), set(regions["stem"])
    rest = "nonface" if session[:2] in ANNOTATED else "unknown"
    labels = ["face" if name in face else "ambiguous" if name in any_region else rest for name in stimulus_id]
    return np.array(labels, dtype="U9")


def label_sessions(
    stimulus_id: NDArray[np.str_], shown: Mapping[str, NDArray[np.bool_]], regions: pd.DataFrame
) -> NDArray[np.str_]:
    """(n,) labels as of `label_stimuli`, from any session that showed the stimulus and has a known label.

    Args:
        stimulus_id: (n,) stems of the stimuli.
        shown: for each session the (n,) mask of the stimuli that it showed.
        regions: what `list_regions` returns.
    """
    labels = np.full(len(stimulus_id), "unknown", dtype="U9")
    for session, here in shown.items():
        own = label_stimuli(stimulus_id, regions, session)
        labels = np.where(here & (own != "unknown"), own, labels)
    return labels


def region_distance(
    stimulus_id: NDArray[np.str_], x_dva: Floats, y_dva: Floats, size_dva: Floats, regions: pd.DataFrame
) -> Floats:
    """Distance of each place from the nearest region of its image.

    Args:
        stimulus_id: (n,) stem of the image of each place.
        x_dva: (n,) place in degrees from the centre of the image.
        y_dva: (n,) the same, upwards.
        size_dva: (2,) width and height of the images in degrees.
        regions: the rows of `list_regions` that count.

    Returns:
        (n,) degrees; 0 within a region, infinite if the image has no region. From a box, it is the larger of the
        horizontal and vertical distance, so that places within d are in the box grown by d on all sides. From a mask,
        it is the Euclidean distance.

    Raises:
        InputError: if a mask cannot be read.
    """
    distance = np.full(len(stimulus_id), np.inf)
    # In fractions of the image, from its top left corner.
    places = np.column_stack([0.5 + x_dva / size_dva[0], 0.5 - y_dva / size_dva[1]])
    for region in regions[regions["stem"].isin(set(stimulus_id))].to_dict("records"):
        here = np.flatnonzero(stimulus_id == region["stem"])
        if isinstance(region["mask"], str):
            pixels, half = _mask_pixels(region["mask"])
            tree = cKDTree(pixels * size_dva)
            found = np.maximum(tree.query(places[here] * size_dva)[0] - (half * size_dva).mean(), 0)
        else:
            x, y, w, h, width, height = (region[name] for name in BOX)
            low, high = np.array([x / width, y / height]), np.array([(x + w) / width, (y + h) / height])
            outside = np.maximum(low - places[here], places[here] - high) * size_dva
            found = np.maximum(outside.max(axis=1), 0)
        distance[here] = np.minimum(distance[here], found)
    return distance


@lru_cache(maxsize=256)
def _mask_pixels(path: str) -> tuple[Floats, Floats]:
    """Centres (k, 2) of a mask's bright pixels and half (2,) the size of a pixel, in fractions of the image."""
    wrong = refusing(path, "mask", "not a readable image", "download the authors' tables again")
    with wrong, Image.open(path, formats=FORMATS) as image:  # Pillow itself refuses images that are too large
        bright = np.asarray(image.convert("RGB"))[:, :, 0] > 127  # the edges of a JPEG mask are grey
    rows, columns = np.nonzero(bright)
    size = np.array(bright.shape[::-1], dtype=np.float64)
    return np.column_stack([columns + 0.5, rows + 0.5]) / size, 0.5 / size


def in_regions(
    stimulus_id: NDArray[np.str_],
    x_dva: Floats,
    y_dva: Floats,
    fields: pd.DataFrame,
    size_dva: Floats,
    regions: pd.DataFrame,
) -> NDArray[np.bool_]:
    """Whether the receptive field of each unit was in a region at each fixation.

    The centre of the field is the gaze plus the field's offset. Regions are grown by half the field's `r` on all sides,
    as by the authors.

    Args:
        stimulus_id: (n,) stem of the image of each fixation.
        x_dva: (n,) fixation in degrees from the centre of the image.
        y_dva: (n,) the same, upwards.
        fields: (U rows) `x`, `y`, `r` of the receptive fields in degrees, NaN where unknown.
        size_dva: (2,) width and height of the images in degrees.
        regions: the rows of `list_regions` that count.

    Returns:
        (n, U), False for units without a receptive field.
    """
    inside = np.zeros((len(stimulus_id), len(fields)), dtype=bool)
    places = fields[["x", "y", "r"]].to_numpy(dtype=np.float64)
    for field in np.unique(places[np.isfinite(places).all(axis=1)], axis=0):  # most units of an array share one
        x, y, r = field
        distance = region_distance(stimulus_id, x_dva + x, y_dva + y, size_dva, regions)
        inside[:, (places == field).all(axis=1)] = (distance <= r / 2)[:, None]
    return inside


def in_face_region(
    stimulus_id: NDArray[np.str_],
    x_dva: Floats,
    y_dva: Floats,
    fields: pd.DataFrame,
    size_dva: Floats,
    regions: pd.DataFrame,
) -> NDArray[np.bool_]:
    """`in_regions` for faces only."""
    return in_regions(stimulus_id, x_dva, y_dva, fields, size_dva, regions[regions["face"]])


def read_fields(session: str, units: Sequence[str], unit_rf: str | Path) -> pd.DataFrame:
    """Receptive fields of a session's units that the authors estimated.

    Args:
        session: the authors' name of the session.
        units: U unit names.
        unit_rf: `per_unit_rf.csv.gz`.

    Returns:
        `x`, `y`, `r` in degrees from the gaze, one row for each unit; NaN if the table does not have it.
    """
    types = {"Session": str, "Name": str, "x": float, "y": float, "r": float}
    table = read_columns(unit_rf, list(types), types)
    own = table[table["Session"] == session].drop_duplicates("Name").set_index("Name")
    return own.reindex(list(units))[["x", "y", "r"]]


def similar_groups(path: str | Path) -> dict[str, str]:
    """Group of each stimulus with near duplicates, both by stem. Every line of `similar_images.txt` is a group.

    Raises:
        InputError: if the file cannot be read or has a stimulus in two lines.
    """
    try:
        lines = [[Path(name).stem for name in line.split()] for line in Path(path).read_text().splitlines()]
    except (OSError, UnicodeDecodeError):
        raise InputError(path, "similar images", "cannot be read", "put the authors' table there") from None
    groups: dict[str, str] = {}
    for stems in filter(None, lines):
        for stem in dict.fromkeys(stems):
            if stem in groups:
                raise InputError(path, stem, "in two lines", "make one line of them")
            groups[stem] = stems[0]
    return groups
