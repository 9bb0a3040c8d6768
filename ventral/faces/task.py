"""The task of face detection: which stimuli it is learnt on, and which it is tested on."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.selection import stimulus_groups
from ventral.files.csv import read_columns
from ventral.files.errors import InputError
from ventral.scores.classification import beside_baselines, score_sets

LABELLED = ("face", "nonface")
HIGH_VARIATION = "high_variation"  # the set of ambiguous images: pareidolia, metamers, clutter, occluded faces
SETS = ("train", "val", "test", HIGH_VARIATION)
COLUMNS = ["stimulus_id", "label", "category", "set", "group"]


def face_task(responses: xr.Dataset, regions: pd.DataFrame) -> pd.DataFrame:
    """Label and set of every stimulus of the sessions.

    Args:
        responses: `responses/xiao.nc`. The task keeps its split, so that it learns on no stimulus that encoders are
            tested on.
        regions: from `ventral.data.xiao.labels.list_regions`.

    Returns:
        One row for each stimulus: `stimulus_id`; `label` face, nonface, ambiguous or unknown; `category` of its first
            region, else its label; `set` train, val or test, `HIGH_VARIATION` for ambiguous stimuli that are not near
            duplicates of others, or none; `group` of near duplicates.
    """
    ids, label = responses["stimulus_id"].values.astype(str), responses["category_name"].values.astype(str)
    found = stimulus_groups(responses)
    groups = ids if found is None else found
    task = pd.DataFrame({"stimulus_id": ids, "label": label, "group": groups.astype(str)})
    # If an image shows a real face and something else, the face counts.
    first = regions.sort_values("face", ascending=False, kind="stable").drop_duplicates("stem").set_index("stem")
    known = task["label"].isin(LABELLED)
    task["category"] = task["stimulus_id"].map(first["category"]).where(label != "unknown").fillna(task["label"])
    task["set"] = np.where(known, responses["split"].values.astype(str), "none")
    alone = ~task["group"].isin(task.loc[known, "group"])
    task.loc[(task["label"] == "ambiguous") & alone, "set"] = HIGH_VARIATION
    return task[COLUMNS]


def read_face_task(path: str | Path) -> pd.DataFrame:
    """Read what `face_task` returned.

    Raises:
        InputError: if train has not both faces and other images.
    """
    task = read_columns(path, COLUMNS)
    train = task[task["set"] == "train"]
    if set(train["label"]) != set(LABELLED):
        problem = f"{(train['label'] == 'face').sum()} faces among {len(train)} images to learn from"
        raise InputError(path, "label", problem, "choose sessions of monkeys Pa, Bo and Re, whose faces are labelled")
    return task


class FaceTask(NamedTuple):
    """The task for n images, in their order.

    Attributes:
        face: (n,) whether there is a face.
        set: (n,) one of `SETS`, or none.
        category: (n,) what is in each.
        group: (n,) of near duplicates.
    """

    face: NDArray[np.bool_]
    set: NDArray[np.str_]
    category: NDArray[np.str_]
    group: NDArray[np.str_]

    @property
    def train(self) -> NDArray[np.bool_]:
        """(n,) whether each image belongs to train."""
        return self.set == "train"


def task_of(stimulus_id: NDArray[np.str_], path: str | Path) -> FaceTask:
    """The task for images with the given (n,) stimuli. Stimuli that are not in the table at `path` are in no set.

    Raises:
        InputError: as `read_face_task`.
    """
    task = read_face_task(path).set_index("stimulus_id").reindex(stimulus_id).fillna({"set": "none"})
    parts = (task[name].to_numpy(dtype=str) for name in ("set", "category", "group"))
    return FaceTask((task["label"] == "face").to_numpy(), *parts)


def first_of_group(groups: NDArray[np.str_]) -> NDArray[np.bool_]:
    """(n,) True for the first member of every group of near duplicates."""
    first = np.zeros(len(groups), dtype=bool)
    first[np.unique(groups, return_index=True)[1]] = True
    return first


def score_detection(name: str, called: NDArray[np.bool_], pixels: NDArray[np.floating], task: FaceTask) -> pd.DataFrame:
    """How well a classifier detects faces, beside two baselines: a classifier of pixels, and the more frequent answer.

    Args:
        name: of the classifier.
        called: (n,) whether it sees a face in each image.
        pixels: (n, ...) the images.
        task: of these images.

    Returns:
        Rows as of `ventral.scores.classification.score_sets`, for the sets in `SETS`.
    """
    answers = beside_baselines(name, called, pixels, task.face, task.train)
    return pd.DataFrame(score_sets(answers, task.face, task.set, task.category, SETS))
