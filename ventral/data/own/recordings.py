"""Read the user's own recordings: images in a folder or zip archive, and responses in one file."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.images import LABELS, open_images, stimulus_ids
from ventral.data.own.arrays import images_of_rows, read_array, rows_of
from ventral.data.own.stimuli import check_stimuli, said_of_images
from ventral.data.responses import check_responses, make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.files.errors import InputError, refusing

Labels = NDArray[np.str_]


def read_recordings(
    images: str | Path,
    responses: str | Path,
    settings: Mapping[str, Any],
    split: Mapping[str, float] | None,
    seed: int,
    copies: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Read the user's own responses to their own images.

    Args:
        images: folder or zip archive. Its images in natural order are the stimuli of the array.
        responses: .npy, .csv or .nc file.
        settings: `name`, `layout`, `region`, `subject`, `units` from the config.
        split: shares of val and test. Objects or categories, if known, get equal shares. None if the files give the
            split of every stimulus.
        seed: of splits and halves.
        copies: id of each image that is a copy -> id of its original. A drawn split keeps both on one side.

    Returns:
        The dataset of `make_responses`, with the labels that the files give to the stimuli.

    Raises:
        InputError: if a file cannot be read, or the files do not fit together.
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
            name: np.broadcast_to(array[name].values.astype(str), n)  # the file gives one for all, or one each
            for name in labels
            if name in array.coords and array[name].dims in ((), ("neuroid",))
        }
    source, said = said_of_images(array, index, names, responses)
    said = check_stimuli(said, names, stimulus, source)
    if copies:
        where = "in the given split" if "split" in said else "kept on one side of every split"
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
    """Make the (n,) coordinates of the stimuli: id, split, known labels, and groups if any group has two members."""
    ids = stimulus_ids(names)
    groups = said.get("stimulus_group", np.array([copies.get(name, name) for name in ids]))
    group_of = dict(zip(ids, groups.tolist(), strict=True))
    for copy, first in copies.items():
        if group_of[copy] != group_of[first]:
            problem = f"{first} and {copy} have the same pixels but different groups"
            raise InputError(source, "stimulus_group", problem, "give both one group")
    found = {"stimulus_id": np.array(ids)} | {name: said[name] for name in LABELS if name in said}
    if "split" in said:
        found["split"] = said["split"]
    else:
        strata = next((said[name] for name in LABELS if name in said), None)
        found["split"] = assign_splits(len(ids), split or {}, seed, strata, groups)
    return found | ({"stimulus_group": groups} if copies or "stimulus_group" in said else {})
