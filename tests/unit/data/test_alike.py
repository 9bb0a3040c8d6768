"""Copies of an image stay together in every split, and images that look nearly alike are named."""

import io

import numpy as np
import pytest
from PIL import Image

from ventral.data.alike import first_alike, nearly_alike, tell_alike
from ventral.data.images import open_images, read_groups, read_images, stimulus_ids, write_images
from ventral.data.own.recordings import read_recordings
from ventral.data.responses import draw_splits

SETTINGS = {"name": "mine", "layout": ["stimulus", "neuroid"], "region": "V4", "subject": "m", "units": "Hz"}
SPLIT = {"val": 0.2, "test": 0.3}
N, SIDE = 60, 48


def picture(seed: int) -> Image.Image:
    """Blobs of colour, as smooth as a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def again(image: Image.Image, kind: str, **options) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures, of which 0 and 20 have copies in other formats and under other names."""
    path = tmp_path / "images"
    path.mkdir()
    for i in range(N):
        kind = {7: "bmp", 31: "tif"}.get(i, "png")
        picture({7: 0, 31: 0, 44: 20}.get(i, i)).save(path / f"{i}.{kind}")
    np.save(tmp_path / "responses.npy", np.random.default_rng(0).normal(size=(N, 3)))
    return path


def packed_groups(folder, capsys):
    names, read = open_images(folder)
    images, ids = read_images(folder, names, read), stimulus_ids(names)
    write_images(folder.parent / "mine.h5", images, ids, {"stimulus_group": tell_alike(images, ids, folder).tolist()})
    return read_groups(folder.parent / "mine.h5"), capsys.readouterr().err


def test_copies_in_any_format_are_found_and_said(folder, capsys):
    copies, said = packed_groups(folder, capsys)
    assert copies == {"7.bmp": "0.png", "31.tif": "0.png", "44.png": "20.png"}
    assert "identical pixels, each copies of one picture: 0.png = 7.bmp = 31.tif, 20.png = 44.png\n" in said
    assert "warning" not in said


@pytest.mark.parametrize("protocol", ["holdout", "kfold", "brainscore"])
@pytest.mark.parametrize("seed", range(5))
def test_no_split_parts_copies(folder, capsys, protocol, seed):
    copies, _ = packed_groups(folder, capsys)
    responses = read_recordings(folder, folder.parent / "responses.npy", SETTINGS, SPLIT, seed, copies)
    assert "images: 3 of 60 stimuli are copies, kept on one side of every split\n" in capsys.readouterr().err
    place = {name: i for i, name in enumerate(responses["stimulus_id"].values)}
    splits = draw_splits(responses, protocol, seed)
    for copy, first in copies.items():
        np.testing.assert_array_equal(splits[:, place[copy]], splits[:, place[first]])
    assert len(np.unique(responses["stimulus_group"].values)) == N - 3


def test_without_copies_nothing_changes(folder, capsys):
    responses = folder.parent / "responses.npy"
    plain = read_recordings(folder, responses, SETTINGS, SPLIT, 0)
    assert plain.identical(read_recordings(folder, responses, SETTINGS, SPLIT, 0, {}))
    assert "stimulus_group" not in plain.coords and "images are copies" not in capsys.readouterr().err


def test_one_picture_alone_and_all_alike():
    one = pixels(picture(0))
    assert first_alike([one]).tolist() == [0] and nearly_alike([one]) == []
    assert first_alike([one] * 4).tolist() == [0] * 4
    flat = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 90, 180)]
    assert first_alike(flat).tolist() == [0, 1, 2] and nearly_alike(flat) == []


ALTERED = {
    "compressed": lambda image: again(image, "JPEG", quality=40),
    "of another size": lambda image: image.resize((31, 31)).resize(image.size),
    "with few colours": lambda image: again(image.quantize(64), "GIF"),
    "a little brighter": lambda image: image.point(lambda level: min(level + 4, 255)),
    "with a dot": lambda image: dotted(image),
}


def dotted(image: Image.Image) -> Image.Image:
    changed = image.copy()
    changed.paste((255, 0, 0), (20, 20, 24, 24))
    return changed


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_pictures_that_differ_a_little_are_warned_of_but_are_not_one(alter, capsys):
    images = [picture(i) for i in range(20)]
    images.append(alter(images[3]))
    stack, ids = np.stack(list(map(pixels, images))), [f"{i}.png" for i in range(21)]
    assert tell_alike(stack, ids, "images").tolist() == ids
    said = capsys.readouterr().err
    assert said == "warning: images: images that look nearly alike, which a split may separate: 3.png and 20.png\n"


def test_different_pictures_turned_and_mirrored_ones_are_not_alike(capsys):
    images = [picture(i) for i in range(200)]
    images += [images[0].rotate(90), images[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    assert nearly_alike(map(pixels, images)) == []


def test_many_copies_are_counted_and_a_few_named(capsys):
    stack = np.stack([pixels(picture(i // 2)) for i in range(20)])
    tell_alike(stack, [f"{i}" for i in range(20)], "images")
    assert capsys.readouterr().err.endswith("0 = 1, 2 = 3, 4 = 5, 6 = 7, 8 = 9, ... (10 in all)\n")
