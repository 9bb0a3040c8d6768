"""Fixations of Xiao et al. 2024, aligned to the images that they fell on."""

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.files.csv import read_columns
from ventral.files.errors import InputError

FIXATION_COLUMNS = {
    "session": str, "trial_id": int, "fixation": int, "stimulus_id": str, "onset_ms": float, "offset_ms": float,
    "x_dva": float, "y_dva": float, "duration_ms": float, "trial_time_ms": float, "previous": int, "zeroth": bool,
    "selected": bool,
}  # fmt: skip
SHORTEST_MS = 100  # shorter fixations are not selected
MARGIN_MS = 500  # nor fixations this close to either end of the recording

FixationKind = Literal["all", "zeroth", "nonzeroth"]


def align_fixations(
    session: str,
    fixations: pd.DataFrame,
    presentations: pd.DataFrame,
    size_dva: NDArray[np.float64],
    tracker_latency_ms: float,
    recording_ms: float,
) -> pd.DataFrame:
    """Align fixations to the images they fell on, by the rules of Xiao et al. 2024.

    A fixation belongs to the presentation of its trial if, corrected for the tracker's latency, it ends after the
    image's onset and begins no later than the image's end. If it began before the image, it is the *zeroth* of its
    trial, and its onset is that of the image. It is *selected* if it lasts at least 100 ms, is at least 500 ms from
    both ends of the recording, and is strictly inside the image.

    Args:
        session: the authors' name of the session.
        fixations: `start_time`, `stop_time` in s before correction for the tracker, `trial_id`, and `x`, `y` in
            degrees from the centre of the screen.
        presentations: `start_time`, `stop_time` in s, `trial_id` (each at most once), `x`, `y`, `stimulus_id`.
        size_dva: (2,) width and height of the images in degrees.
        tracker_latency_ms: delay of the eye tracker.
        recording_ms: length T of the recording.

    Returns:
        One row for each aligned fixation in order of time, with `FIXATION_COLUMNS`: times in ms on the clock of the
        rasters (`trial_time_ms` from the image's onset), `x_dva` and `y_dva` from the centre of the image, `fixation`
        the rank in the trial, from 0 if it has a zeroth one and else from 1, and `previous` the row of the rank before,
        or -1.
    """
    # Seconds, because in ms rounding would reject other fixations of nominally 100 ms.
    rows = fixations.merge(presentations, on="trial_id", suffixes=("", "_image"))
    rows["onset"] = rows["start_time"] - tracker_latency_ms / 1000
    rows["offset"] = rows["stop_time"] - tracker_latency_ms / 1000
    shown = (rows["offset"] > rows["start_time_image"]) & (rows["onset"] <= rows["stop_time_image"])
    rows = rows[shown].sort_values("onset", kind="stable", ignore_index=True)

    zeroth = rows["onset"] <= rows["start_time_image"]
    onset = rows["onset"].mask(zeroth, rows["start_time_image"])
    trial = rows["trial_id"]
    rank = rows.groupby("trial_id").cumcount() + 1 - zeroth.groupby(trial).transform("max").astype(int)
    previous = rows.index.to_series().groupby(trial).shift(1, fill_value=-1)
    aligned = pd.DataFrame(
        {
            "session": session,
            "trial_id": trial,
            "fixation": rank,
            "stimulus_id": rows["stimulus_id"],
            "onset_ms": onset * 1000,
            "offset_ms": rows["offset"] * 1000,
            "x_dva": rows["x"] - rows["x_image"],
            "y_dva": rows["y"] - rows["y_image"],
            "duration_ms": (rows["offset"] - onset) * 1000,
            "trial_time_ms": (onset - rows["start_time_image"]) * 1000,
            "previous": previous,
            "zeroth": zeroth,
        }
    )
    aligned["selected"] = (
        (aligned["duration_ms"] >= SHORTEST_MS)
        & (aligned["onset_ms"] >= MARGIN_MS)
        & (aligned["offset_ms"] <= recording_ms - MARGIN_MS)
        & (aligned["x_dva"].abs() < size_dva[0] / 2)
        & (aligned["y_dva"].abs() < size_dva[1] / 2)
    )
    return aligned[list(FIXATION_COLUMNS)]


def read_fixations(path: str | Path) -> pd.DataFrame:
    """Read a `fixations.csv` back as `align_fixations` made it.

    Raises:
        InputError: if it cannot be read, lacks a column, or has a cell of the wrong type or an empty one.
    """
    table = read_columns(path, list(FIXATION_COLUMNS), FIXATION_COLUMNS)
    empty = table.drop(columns=["x_dva", "y_dva"]).isna().any()  # an unknown place is allowed
    if empty.any():
        raise InputError(path, str(empty.idxmax()), "empty cell", "delete the file, run again")
    return table


def used_fixations(fixations: pd.DataFrame, kind: FixationKind) -> pd.DataFrame:
    """The selected fixations: "all", the "zeroth" ones only, or the "nonzeroth" ones only."""
    used = fixations["selected"]
    return fixations[used if kind == "all" else used & (fixations["zeroth"] == (kind == "zeroth"))]


def choose_fixations(used: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Choose at most n fixations at random, in rounds over the images: one on each, then a second on each, and so on.

    This covers as many images as possible, because readouts should generalise over images.

    Args:
        used: from `used_fixations`, the rows of one session's table.
        n: largest number of fixations.
        seed: of the draw.

    Returns:
        The chosen rows in order of time, each with a `fixation_id` made of its session and row.
    """
    shuffled = used.sample(frac=1, random_state=seed)
    rounds = shuffled.groupby("stimulus_id").cumcount().sort_values(kind="stable")
    chosen = used.loc[rounds.index[:n].sort_values()]
    return chosen.assign(fixation_id=chosen["session"] + "_" + chosen.index.astype(str).str.zfill(5))
