"""Crops of images at receptive fields: the pixels that they show, and grey outside the image."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ventral.data.images import open_images
from ventral.data.pixels import BACKGROUND
from ventral.data.xiao.crops import (
    CENTRE,
    crop_fixations,
    crop_square,
    cut_crops,
    field_centre,
    pixels_per_degree,
    place_crops,
)
from ventral.files.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


@given(left=st.integers(-60, 60), top=st.integers(-60, 60), side=st.integers(1, 50))
def test_at_its_own_scale_a_crop_is_a_cut_with_grey_beyond(left, top, side):
    padded = np.full((200, 220, 3), BACKGROUND, dtype=np.uint8)
    padded[80:110, 80:120] = PIXELS
    expected = padded[80 + top : 80 + top + side, 80 + left : 80 + left + side]
    found = crop_square(PIXELS, np.array([left, top]) + side / 2, side, side)
    np.testing.assert_array_equal(found, expected)


@given(
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    width=st.floats(0.5, 60),
    side=st.integers(8, 64),
    seed=st.integers(0, 9),
)
def test_of_grey_nothing_but_grey_is_cut(x, y, width, side, seed):
    shape = (*np.random.default_rng(seed).integers(1, 60, 2), 3)
    found = crop_square(np.full(shape, BACKGROUND, np.uint8), np.array([x, y]), width, side)
    assert found.shape == (side, side, 3)
    assert (found == BACKGROUND).all()


@pytest.mark.parametrize("shape", [(60, 80), (120, 160), (80, 80)])  # the last does not fill its 8 x 6 degrees
def test_a_place_in_degrees_is_in_the_middle_of_its_crop(shape, tmp_path):
    height, width = shape
    scale = max(width / 8, height / 6)
    image = np.zeros((height, width, 3), np.uint8)
    column, row = width / 2 + 1.5 * scale, height / 2 - 1 * scale  # 1.5 degrees right, 1 up
    half = 0.4 * scale
    image[round(row - half) : round(row + half), round(column - half) : round(column + half)] = 255
    Image.fromarray(image).save(tmp_path / "a.png")
    names, read = open_images(tmp_path)
    table = pd.DataFrame([[names[0], 1.5, 1.0], [names[0], 1.5, 40.0]], columns=["file", *CENTRE], index=[7, 3])
    ((rows, crops),) = cut_crops(table, np.array([8.0, 6.0]), 2.0, 32, tmp_path, read)
    assert pixels_per_degree(image, np.array([8.0, 6.0])) == scale
    assert rows.tolist() == [7, 3]
    bright = np.argwhere(crops[0][:, :, 0] > 127)
    np.testing.assert_allclose(bright.mean(axis=0), 15.5, atol=0.6)  # the middle of 32
    np.testing.assert_allclose(np.ptp(bright, axis=0) + 1, 12.8, atol=1.5)  # 0.8 degrees of two
    assert (crops[1] == BACKGROUND).all()


def test_an_image_that_is_missing_is_named(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    table = pd.DataFrame([["b.png", 0.0, 0.0]], columns=["file", *CENTRE])
    with pytest.raises(InputError, match=r"b\.png: image missing"):
        list(cut_crops(table, np.array([8.0, 6.0]), 2.0, 32, tmp_path, open_images(tmp_path)[1]))


def test_the_centre_of_the_fields_is_the_median_over_units(tmp_path):
    rows = [("An1", "1", 0, 0), ("An1", "2", 2, -1), ("An1", "3", 9, -4), ("Pa1", "1", 5, 5)]
    table = tmp_path / "per_unit_rf.csv.gz"
    pd.DataFrame(rows, columns=["Session", "Name", "x", "y"]).to_csv(table, index=False)
    assert field_centre("An1", table).tolist() == [2, -1]
    assert field_centre("Bo1", table) is None
    table.unlink()
    with pytest.raises(InputError, match="no such file"):
        field_centre("An1", table)


def test_crops_are_taken_from_the_gaze_or_from_the_fields():
    fixations = pd.DataFrame({"session": "An1", "stimulus_id": ["a", "b"], "x_dva": [1.0, -1.0], "y_dva": [0.5, 0.0]})
    fixations["fixation_id"] = ["An1_00003", "An1_00007"]
    placed = place_crops(fixations, np.array([2.0, -1.0]))
    assert placed["stimulus_id"].tolist() == ["An1_00003", "An1_00007"]
    assert placed["image_id"].tolist() == ["a", "b"]
    assert placed[CENTRE].to_numpy().tolist() == [[3, -0.5], [1, -1]]
    assert set(placed["around"]) == {"field"}
    at_gaze = place_crops(fixations, None)
    assert at_gaze[CENTRE].to_numpy().tolist() == [[1, 0.5], [-1, 0]]
    assert set(at_gaze["around"]) == {"fovea"}


def test_crops_are_in_order_of_their_ids_and_missing_images_are_listed(tmp_path):
    """Two sessions whose images were shown at different sizes: each is cut at its own scale."""
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    places = pd.DataFrame(
        [["Pa_1", "Pa", "a", 0.0, 0.0], ["Bo_1", "Bo", "a", 0.0, 0.0], ["Bo_0", "Bo", "lost", 0.0, 0.0]],
        columns=["stimulus_id", "session", "image_id", *CENTRE],
    )
    size = {"Pa": np.array([40.0, 30.0]), "Bo": np.array([20.0, 15.0])}
    found = crop_fixations(places, size, 10.0, 10, tmp_path)
    assert found.table["stimulus_id"].tolist() == ["Bo_1", "Pa_1"] and found.missing == ["lost"]
    np.testing.assert_array_equal(found.images[1], PIXELS[10:20, 15:25])  # 1 pixel a degree
    np.testing.assert_array_equal(found.images[0], crop_square(PIXELS, np.array([20, 15]), 20, 10))
