"""Read the published spike counts of Cowley et al. 2023, and join those of several sessions."""

import sys
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.cowley.images import REMEDY, session_of
from ventral.data.images import check_pairing, read_groups, read_stimulus_ids
from ventral.data.joined import side_by_side
from ventral.data.own.arrays import as_numbers
from ventral.data.responses import make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.files.errors import InputError, listed, refusing

Counts = NDArray[np.float64]

WINDOW_S = 0.1  # length of the window in which spikes were counted
AXES = ("neuroid", "image", "repeat")


def read_sessions(
    files: Sequence[str],
    packed: str,
    subjects: Mapping[str, str],
    trials: bool,
    fractions: Mapping[str, float],
    seed: int,
) -> xr.Dataset:
    """Read the responses of sessions, and join their neuroids side by side.

    Args:
        files: of the counts, one a session.
        packed: `images/{dataset}.h5` of the same sessions.
        subjects: animal of each session.
        trials: whether the files hold single presentations, or means over them.
        fractions: share of the stimuli in `val` and `test`, the same of each session. No split divides copies of one
            picture, which may be of two sessions.
        seed: of the split and the halves.

    Returns:
        The responses dataset in Hz, NaN where a session did not show an image.

    Raises:
        InputError: if a file is damaged, or does not fit the images.
    """
    ids = read_stimulus_ids(packed)
    session = np.array([name.partition("_")[0] for name in ids.tolist()])
    parts = []
    for file in files:
        name = session_of(file)
        shown = ids[session == name]
        parts.append(session_responses(read_counts(file, len(shown), trials), shown, name, subjects[name], file, seed))
    copies = read_groups(packed)
    groups = np.array([copies.get(name, name) for name in ids.tolist()])
    labels = {"split": assign_splits(len(ids), fractions, seed, strata=session, groups=groups)}
    labels |= {"stimulus_group": groups} if copies else {}
    return side_by_side(parts).assign_coords({name: ("stimulus", values) for name, values in labels.items()})


def read_counts(file: str, n_images: int, trials: bool) -> Counts:
    """Read the spike counts of a session.

    Args:
        file: .npy, `AXES`, NaN for a repeat that was not shown; or the means over repeats.
        n_images: number of images that the session showed.
        trials: which of the two.

    Returns:
        (neuroid, image, repeat); one repeat if they are means.

    Raises:
        InputError: if the file is damaged or of another shape.
    """
    with refusing(file, "array", "not a complete .npy file of numbers", REMEDY):
        counts = as_numbers(np.load(file, allow_pickle=False), file, "array")
    axes = AXES if trials else AXES[:2]
    if counts.ndim != len(axes):
        raise InputError(file, "array", f"shape {counts.shape}, not ({', '.join(axes)})", REMEDY)
    check_pairing(n_images, counts.shape[1], file)
    return counts if trials else counts[..., None]


def session_responses(
    counts: Counts, stimulus_id: NDArray[np.str_], session: str, subject: str, file: str, seed: int
) -> xr.Dataset:
    """Average the presentations of one session, and estimate signal and noise.

    Args:
        counts: (neuroid, image, repeat), from `read_counts`.
        stimulus_id: (image,).
        session: its name.
        subject: the animal.
        file: named in messages.
        seed: of the halves.

    Returns:
        The responses in Hz, without splits. Neuroids that always respond alike are left out.

    Raises:
        InputError: if no neuroid is left.
    """
    n, n_images, repeats = counts.shape
    rows = counts.transpose(2, 1, 0).reshape(-1, n) / WINDOW_S
    stimulus, shown = np.tile(np.arange(n_images), repeats), np.isfinite(rows).any(axis=1)
    responses = make_responses(
        reduce_presentations(rows[shown], stimulus[shown], n_images, seed),
        {"stimulus_id": stimulus_id},
        {
            "neuroid_id": [f"{session}_{i}" for i in range(n)],
            "region": np.full(n, "V4"),
            "subject": np.full(n, subject),
            "session": np.full(n, session),
        },
        source="Cowley et al. 2023",
        units="Hz",
        window_ms=None,
    )
    varies = (responses["rate"].max("stimulus") > responses["rate"].min("stimulus")).values
    if not varies.any():
        raise InputError(file, "array", "no neuroid whose responses to two images differ", REMEDY)
    if not varies.all():
        alike = listed(responses["neuroid_id"].values[~varies])
        print(f"{file}: neuroids that respond alike to all images, left out: {alike}", file=sys.stderr)
    return responses.isel(neuroid=varies)
