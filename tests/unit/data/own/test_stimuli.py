"""What the user's own files say about the stimuli: labels, a publisher's split, groups."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from ventral.data.own.recordings import read_recordings
from ventral.data.own.stimuli import read_image_labels
from ventral.files.errors import InputError

SETTINGS = {"name": "mine", "layout": ["stimulus", "neuroid"], "region": "IT", "subject": "Tito", "units": "Hz"}
SPLIT = {"val": 0.2, "test": 0.3}
N = 10
NAMES = [f"im{i}.png" for i in range(N)]
KNOWN = pd.DataFrame(
    {
        "object_name": ["cup", "dog"] * 5,
        "category_name": ["things", "animals"] * 5,
        "split": ["train"] * 6 + ["val"] * 2 + ["test"] * 2,
        "stimulus_group": [f"g{i // 2}" for i in range(N)],
    }
)
RATES = np.random.default_rng(0).normal(size=(N, 3))
ORDER = np.random.default_rng(1).permutation(N)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images").mkdir()
    for i, name in enumerate(NAMES):
        Image.new("L", (4, 4), i).save(tmp_path / "images" / name)
    return tmp_path


def write_npy(folder, rows):
    np.save(folder / "r.npy", RATES)
    KNOWN.assign(image=NAMES).iloc[rows].to_csv(folder / "r_stimuli.csv", index=False)
    return folder / "r.npy"


def write_csv(folder, rows):
    table = pd.DataFrame(RATES, columns=list("abc"))
    table.insert(0, "image", NAMES)
    table.iloc[ORDER].to_csv(folder / "r.csv", index=False)
    KNOWN.assign(file_name=NAMES).iloc[rows].to_csv(folder / "stimuli.csv", index=False)
    return folder / "r.csv"


def write_nc(folder, rows):
    labels = {name: ("stimulus", KNOWN[name].to_numpy(dtype=str)[rows]) for name in KNOWN}
    labels["image"] = ("stimulus", np.array(NAMES)[rows])
    rates = xr.Dataset({"rate": (("stimulus", "neuroid"), RATES[rows])}, labels)
    rates.to_netcdf(folder / "r.nc", engine="h5netcdf")
    return folder / "r.nc"


def read(folder, responses, split=None, copies=None, **settings):
    return read_recordings(folder / "images", responses, SETTINGS | settings, split, 0, copies)


@pytest.mark.parametrize("write", [write_npy, write_csv, write_nc])
def test_labels_split_and_groups_go_to_the_images_that_they_are_of(folder, write):
    responses = write(folder, ORDER if write is not write_npy else np.arange(N))
    found = read(folder, responses)
    assert found["stimulus_id"].values.tolist() == NAMES
    for name in KNOWN:
        assert found[name].values.tolist() == KNOWN[name].tolist(), name
    np.testing.assert_allclose(found["rate"], RATES)
    said_in = responses if write is write_nc else next(folder.glob("*stimuli.csv"))
    labels = read_image_labels(said_in, NAMES)
    assert {name: values.tolist() for name, values in labels.items()} == {
        name: KNOWN[name].tolist() for name in ("object_name", "category_name")
    }


def test_a_table_without_names_has_a_row_an_image_in_their_order(folder):
    np.save(folder / "r.npy", RATES)
    KNOWN[["object_name"]].to_csv(folder / "stimuli.csv", index=False)
    assert read(folder, folder / "r.npy", SPLIT)["object_name"].values.tolist() == KNOWN["object_name"].tolist()


def test_a_split_that_is_drawn_takes_equal_shares_of_objects(folder):
    np.save(folder / "r.npy", RATES)
    KNOWN[["object_name"]].to_csv(folder / "stimuli.csv", index=False)
    shares = {"val": 0.2, "test": 0.4}
    found = read(folder, folder / "r.npy", shares)
    counts = pd.crosstab(found["object_name"].values, found["split"].values)
    assert counts["test"].tolist() == [2, 2] and counts["val"].tolist() == [1, 1]


def test_a_split_that_is_given_may_hold_out_whole_objects(folder):
    np.save(folder / "r.npy", RATES)
    given = KNOWN.assign(split=["train", "val"] * 2 + ["train", "test"] * 3)
    given[["object_name", "split"]].to_csv(folder / "stimuli.csv", index=False)
    assert read(folder, folder / "r.npy")["split"].values.tolist() == given["split"].tolist()


def test_images_without_responses_are_unknown_and_train(folder):
    found = read(folder, write_nc(folder, np.arange(1, N)))
    assert found["object_name"].values[0] == "unknown" and found["split"].values[0] == "train"
    assert np.isnan(found["rate"].values[0]).all() and found["object_name"].values[1] == "dog"
    assert len(set(found["stimulus_group"].values[:2])) == 2


def rewritten(**columns):
    def spoil(folder):
        KNOWN.assign(image=NAMES, **columns).to_csv(folder / "r_stimuli.csv", index=False)

    return spoil


def append(text):
    def spoil(folder):
        with open(folder / "r_stimuli.csv", "a") as file:
            file.write(text)

    return spoil


def without_names(n):
    return lambda folder: KNOWN.iloc[:n].to_csv(folder / "r_stimuli.csv", index=False)


def other_order(folder):
    KNOWN.to_csv(folder / "r_stimuli.csv", index=False)
    pd.DataFrame({"image": np.array(NAMES)[ORDER]}).to_csv(folder / "r_images.csv", index=False)


@pytest.mark.parametrize(
    "spoil, said",
    [
        (rewritten(split="fit"), "split: 'fit' is not allowed; one of train, val, test"),
        (rewritten(split="train"), "split: no stimulus of val, test; add some, or leave the column out"),
        (rewritten(object_name=["cup"] * 9 + [""]), "object_name: empty in row 10; fill it in, or leave the column"),
        (append("dog,things,train,g0,im0.png\n"), "object_name: 'cup' in row 1, but 'dog' in another row of the same"),
        (append("dog,things,train,g0\n"), "line 12: 4 cells for 5 columns; write one cell a column"),
        (append("dog,things,train,g0,im99.png\n"), "image im99.png: not among the images; correct name or add image"),
        (without_names(9), "table of stimuli: 9 rows for 10 images, and no column that names the images; add a column"),
        (other_order, "table of stimuli: no column that names the images, whose order differs from that of the resp"),
    ],
)
def test_a_bad_table_is_one_line(folder, spoil, said):
    responses = write_npy(folder, np.arange(N))
    spoil(folder)
    with pytest.raises(InputError) as fault:
        read(folder, responses)
    assert f"r_stimuli.csv: {said}" in str(fault.value) and "\n" not in str(fault.value)


def test_an_image_with_responses_of_which_nothing_is_said_is_named(folder):
    with pytest.raises(InputError, match=r"stimuli.csv: object_name: no value for images with responses: im3.png"):
        read(folder, write_csv(folder, [i for i in range(N) if i != 3]))


def test_labels_of_netcdf_are_over_stimuli(folder):
    rates = xr.Dataset({"rate": (("stimulus", "neuroid"), RATES)}, {"object_name": ("neuroid", ["a", "b", "c"])})
    rates.to_netcdf(folder / "r.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=r"r\.nc: object_name: not one value a stimulus; write it over `stimulus`"):
        read(folder, folder / "r.nc", SPLIT)


def test_copies_of_one_picture_are_of_one_group(folder):
    responses = write_npy(folder, np.arange(N))
    assert read(folder, responses, copies={"im1.png": "im0.png"})["stimulus_group"].values[0] == "g0"
    with pytest.raises(InputError, match=r"stimulus_group: im0\.png and im2.png have the same pixels but different gr"):
        read(folder, responses, copies={"im2.png": "im0.png"})
