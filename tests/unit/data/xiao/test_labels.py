"""Faces in stimuli: labels, distances to boxes and masks, receptive fields, and near duplicates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ventral.data.splits import assign_splits
from ventral.data.xiao.labels import (
    in_face_region,
    in_regions,
    label_stimuli,
    list_regions,
    read_fields,
    region_distance,
    similar_groups,
)
from ventral.files.errors import InputError

SIZE = np.array([20.0, 10.0])  # degrees
HEADER = "Filename,x,y,w,h,W,H\n"


@pytest.fixture
def rois(tmp_path):
    """A box in `a`, 100 x 50 px; masks of `b` and of two ambiguous categories, `c` and `a`, 40 x 20 px."""
    folder = tmp_path / "Stimuli"
    masks = {"primate_face/b.png": "L", "pareidolia/c.jpg": "RGB", "occluded_face/a.png": "RGBA"}
    for name, mode in masks.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        bright = np.zeros((20, 40), np.uint8)
        bright[2:5, 30:36] = 255
        Image.fromarray(bright).convert(mode).save(folder / name, quality=95)
    (folder / "face.csv").write_text(HEADER + "a.jpg,10,20,30,10,100,50\n")
    (folder / "face_metamer.csv").write_text(HEADER + "d.png,0,0,100,50,100,50\n")
    (folder / "README.txt").write_text("not a region")
    return folder


def test_regions_of_all_categories(rois):
    regions = list_regions(rois)
    found = sorted(zip(regions["stem"], regions["category"], regions["face"], strict=True))
    assert found == [
        ("a", "face", True),
        ("a", "occluded_face", False),
        ("b", "primate_face", True),
        ("c", "pareidolia", False),
        ("d", "face_metamer", False),
    ]


def test_labels_by_stem_and_by_monkey(rois):
    regions = list_regions(rois)
    assert label_stimuli(list("abcde"), regions, "Pa210119").tolist() == ["face"] * 2 + ["ambiguous"] * 2 + ["nonface"]
    assert label_stimuli(list("abcde"), regions, "An220105").tolist()[3:] == ["ambiguous", "unknown"]


@given(st.floats(-12, 12), st.floats(-7, 7), st.floats(0, 3))
def test_a_box_grows_on_both_sides(x, y, d):
    box = pd.DataFrame({"stem": ["a"], "mask": [np.nan], "x": 10, "y": 20, "w": 30, "h": 10, "W": 100, "H": 50})
    distance = region_distance(np.array(["a", "e"]), np.array([x, x]), np.array([y, y]), SIZE, box)
    assert distance[1] == np.inf
    # The box in degrees, from the top left: x 2 to 8, y 4 to 6.
    left, top = x + 10, 5 - y
    margin = 1e-9
    if 2 - d + margin <= left <= 8 + d - margin and 4 - d + margin <= top <= 6 + d - margin:
        assert distance[0] <= d
    if not (2 - d - margin <= left <= 8 + d + margin and 4 - d - margin <= top <= 6 + d + margin):
        assert distance[0] > d
    if 2 <= left <= 8 and 4 <= top <= 6:
        assert distance[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("stem", ["b", "c"])
def test_distance_to_a_mask(rois, stem):
    """Columns 30 to 35 and rows 2 to 4 are bright, half a degree each: x 15 to 18 and y 1 to 2.5 from the top left."""
    rng = np.random.default_rng(0)
    left, top = rng.uniform(0, 20, 300), rng.uniform(0, 10, 300)
    distance = region_distance(np.full(300, stem), left - 10, 5 - top, SIZE, list_regions(rois))
    sides = np.maximum([15 - left, 1 - top], [left - 18, top - 2.5]).clip(min=0)
    np.testing.assert_allclose(distance, np.hypot(*sides), atol=0.15)  # pixels of half a degree have corners


def test_of_several_regions_the_nearest_counts(rois):
    regions = list_regions(rois)
    places = np.array([-5.0, 6.5]), np.array([0.0, 3.25])
    assert (region_distance(np.array(["a", "a"]), *places, SIZE, regions) == 0).all()
    faces = region_distance(np.array(["a", "a"]), *places, SIZE, regions[regions["face"]])
    assert faces[0] == 0 and faces[1] == pytest.approx(8.5)


def test_receptive_fields_move_with_the_gaze(rois):
    regions = list_regions(rois)
    fields = pd.DataFrame({"x": [0, -5, -5, np.nan], "y": [0.0, 0, 0, 0], "r": [2.0, 2, 8, 2]})
    stimulus, x, y = np.array(["a", "a", "d"]), np.array([-5.0, 1.0, 0]), np.zeros(3)
    # Fields of the second image lie at 1, -4, -4 degrees; the box ends at -2: 3 degrees are more than 1, less than 4.
    face = in_face_region(stimulus, x, y, fields, SIZE, regions)
    assert face.tolist() == [[True, False, True, False], [False, True, True, False], [False] * 4]
    assert in_regions(stimulus, x, y, fields, SIZE, regions)[2].tolist() == [True, True, True, False]


def test_fields_of_units(tmp_path):
    path = tmp_path / "rf.csv"
    path.write_text("Session,Name,x,y,r,Source\nPa1,30,1,2,3,Unit\nPa1,30a,4,5,6,Unit\nPa2,30,7,8,9,Unit\n")
    fields = read_fields("Pa1", ["30a", "31", "30"], path)
    np.testing.assert_array_equal(fields, [[4, 5, 6], [np.nan] * 3, [1, 2, 3]])


def test_folders_without_regions_and_masks_that_are_no_images(rois, tmp_path):
    with pytest.raises(InputError, match=r"none: regions: no tables of boxes and no folders of masks; "):
        list_regions(tmp_path / "none")
    (rois / "primate_face" / "b.png").write_text("not an image")
    with pytest.raises(InputError, match=r"b\.png: mask: not a readable image; "):
        region_distance(np.array(["b"]), np.zeros(1), np.zeros(1), SIZE, list_regions(rois))
    (rois / "face.csv").write_text(HEADER + "a.jpg,ten,20,30,10,100,50\n")
    with pytest.raises(InputError, match=r"face\.csv: table: not a readable CSV table"):
        list_regions(rois)


# ---- near duplicates


def test_groups_of_near_duplicates(tmp_path):
    path = tmp_path / "similar.txt"
    path.write_text("a.jpg\tb.png\n\nc.png\tc.jpg\td.png\n")
    assert similar_groups(path) == {"a": "a", "b": "a", "c": "c", "d": "c"}
    path.write_text("a.jpg\tb.png\nb.jpg\tc.png\n")
    with pytest.raises(InputError, match=r"similar\.txt: b: in two lines; "):
        similar_groups(path)
    with pytest.raises(InputError, match=r"none\.txt: similar images: cannot be read; "):
        similar_groups(tmp_path / "none.txt")


shares = st.fixed_dictionaries({"val": st.floats(0, 0.4), "test": st.floats(0, 0.4)})


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60), shares, st.integers(0, 2**32 - 1))
def test_groups_are_split_as_one(sizes, fractions, seed):
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat([f"group {i}" for i in range(len(sizes))], sizes))
    strata = np.array([f"object {len(name)}" for name in groups])
    for labels in (None, strata):
        split = assign_splits(len(groups), fractions, seed, labels, groups)
        _, first = np.unique(groups, return_index=True)
        for name, side in zip(groups[first], split[first], strict=True):
            assert set(split[groups == name]) == {side}
        for side, share in fractions.items():
            assert (split[first] == side).sum() == round(len(sizes) * share)


@given(st.integers(1, 100), shares, st.integers(0, 2**32 - 1))
def test_groups_of_one_change_no_split(n, fractions, seed):
    groups = np.random.default_rng(seed).permutation(n).astype(str)
    plain = assign_splits(n, fractions, seed)
    np.testing.assert_array_equal(assign_splits(n, fractions, seed, groups=groups), plain)
