import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ventral.faces.task import COLUMNS, SETS, face_task, first_of_group, read_face_task, task_of
from ventral.files.errors import InputError

STIMULI = pd.DataFrame(
    [
        ("a", "face", "train", "a"),
        ("b", "nonface", "train", "b"),
        ("c", "ambiguous", "train", "c"),
        ("d", "ambiguous", "test", "a"),  # nearly an image that is learnt
        ("e", "unknown", "train", "e"),
        ("f", "face", "test", "f"),
        ("g", "nonface", "val", "g"),
    ],
    columns=["stimulus_id", "category_name", "split", "stimulus_group"],
)
REGIONS = pd.DataFrame(
    {
        "stem": ["a", "a", "c", "d", "e", "f"],
        "category": ["pareidolia", "face", "metamer", "pareidolia", "metamer", "primate_face"],
        "face": [False, True, False, False, False, True],
    }
)


@pytest.fixture
def task():
    coords = {name: ("stimulus", STIMULI[name].to_numpy(dtype=str)) for name in STIMULI}
    return face_task(xr.Dataset(coords=coords), REGIONS)


def test_ambiguous_images_are_never_learnt_and_unknown_ones_left_out(task):
    assert list(task) == COLUMNS
    assert task.set_index("stimulus_id")["set"].to_dict() == {
        "a": "train", "b": "train", "c": "high_variation", "d": "none", "e": "none", "f": "test", "g": "val",
    }  # fmt: skip


def test_categories_are_the_authors(task):
    known = ["face", "nonface", "metamer", "pareidolia", "unknown", "primate_face", "nonface"]
    assert task["category"].tolist() == known


def test_the_table_is_read_as_it_was_written(task, tmp_path):
    task.to_csv(tmp_path / "faces.csv", index=False)
    pd.testing.assert_frame_equal(read_face_task(tmp_path / "faces.csv"), task.astype(str), check_dtype=False)


def test_faces_alone_teach_nothing(task, tmp_path):
    task[task["label"] != "nonface"].to_csv(tmp_path / "faces.csv", index=False)
    with pytest.raises(InputError, match="1 faces among 1 images to learn from; choose sessions of monkeys Pa"):
        read_face_task(tmp_path / "faces.csv")


def test_the_task_is_in_the_order_of_the_images(task, tmp_path):
    task.to_csv(tmp_path / "faces.csv", index=False)
    found = task_of(np.array(["f", "x", "b", "a", "c"]), tmp_path / "faces.csv")
    assert found.set.tolist() == ["test", "none", "train", "train", "high_variation"]
    assert found.face.tolist() == [True, False, False, True, False]
    assert found.train.tolist() == [False, False, True, True, False]
    assert (found.category[0], found.group[3]) == ("primate_face", "a") and set(found.set) - {"none"} <= set(SETS)


def test_one_of_each_group():
    assert first_of_group(np.array(["x", "y", "x", "z", "y"])).tolist() == [True, True, False, True, False]
