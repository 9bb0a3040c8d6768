"""The simulation of Majaj & Hong 2015: the files that it writes, and whether the reader recovers the true tuning."""

import hashlib
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ventral.data.majaj.files import VARIABLE
from ventral.data.majaj.responses import read_majaj_responses
from ventral.data.majaj.simulation import draw_scenes, draw_sites, gabors, simulate, v4_arms, v4_drive
from ventral.data.scenes.objects import OBJECTS, build, rotation
from ventral.data.scenes.render import render
from ventral.scores.metrics.pearson_r import pearson_r

FILES = ("assembly.nc", "stimuli.csv", "images.zip", "truth.nc", "IT_data.h5")
SIZES = {"n_images": 320, "image_size": 48, "n_sites": 32, "repetitions": 12}


def run(folder: Path, **options) -> list[Path]:
    paths = [folder / name for name in FILES]
    simulate(*paths, **options)
    return paths


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return run(tmp_path_factory.mktemp("simulated"), **SIZES, seed=0)


@pytest.fixture(scope="module")
def responses(files):
    return read_majaj_responses(*files[:2], {"val": 0.1, "test": 0.1}, seed=0)


@pytest.fixture(scope="module")
def truth(files):
    return xr.load_dataset(files[3], engine="h5netcdf")


@pytest.fixture(scope="module")
def stimuli(files):
    return pd.read_csv(files[1]).sort_values("image_id", ignore_index=True)


def test_assembly_has_the_published_layout(files):
    assembly = xr.load_dataarray(files[0], engine="h5netcdf")
    n_presentations = 64 * 7 + 256 * 12
    assert assembly.name == VARIABLE and assembly.dtype == np.float32
    assert dict(assembly.sizes) == {"neuroid": 32, "presentation": n_presentations, "time_bin": 1}
    neuroid = {"neuroid_id", "arr", "col", "row", "hemisphere", "subregion", "animal", "x", "y", "region"}
    coordinates = {name: coordinate.dims for name, coordinate in assembly.coords.items()}
    assert {name for name, dims in coordinates.items() if dims == ("neuroid",)} == neuroid
    assert {name for name, dims in coordinates.items() if dims == ("presentation",)} >= {"image_id", "repetition"}
    assert (assembly["time_bin_start"], assembly["time_bin_end"]) == (70, 170)
    assert assembly.attrs["source"] == "simulated"
    assert (assembly < 0).any()


def test_course_file_has_the_published_layout(files, responses):
    with h5py.File(files[4]) as file:
        shapes = {name: values.shape for name, values in file.items()}
        n_it = int((responses["region"] == "IT").sum())
        assert shapes == {
            **{"stimulus_train": (259, 3, 48, 48), "stimulus_val": (29, 3, 48, 48), "stimulus_test": (32, 3, 48, 48)},
            **{"object_train": (259,), "object_val": (29,), "object_test": (32,)},
            **{"spikes_train": (259, n_it), "spikes_val": (29, n_it)},
        }
        assert {values.dtype for name, values in file.items() if "object" not in name} == {np.dtype(np.float32)}
        assert {file[f"object_{split}"].dtype.kind for split in ("train", "val", "test")} == {"S"}
        assert file.attrs["source"] == "simulated"
        objects, counts = np.unique(file["object_train"][:], return_counts=True)
    assert len(objects) == 64 and set(counts) <= {3, 4, 5}


def test_no_course_file_unless_asked_for(tmp_path):
    simulate(*(tmp_path / name for name in FILES[:4]), n_images=12, image_size=24, n_sites=6, repetitions=3, seed=4)
    assert {path.name for path in tmp_path.iterdir()} == set(FILES[:4])


def test_sites_have_the_published_names_and_shares():
    sites = draw_sites(256, np.random.default_rng(0))
    assert (sites["region"] == "V4").sum() == 88
    assert len(set(sites["neuroid_id"].values)) == 256
    assert sites["neuroid_id"].values[0] == "Chabo_L_P_0_0"
    assert set(sites["animal"].values) == {"Chabo", "Tito"}


def test_stimuli_have_the_published_columns(stimuli):
    pose = {"s", "rxy", "rxz", "ryz", "ty", "tz", "size", "variation"}
    names = {"image_id", "id", "background_id", "image_file_name", "filename", "category_name", "object_name"}
    assert set(stimuli.columns) == pose | names
    counts = stimuli.groupby(["variation", "object_name"]).size()
    assert len(counts[0]) == len(counts[3]) == 64
    assert (counts[0] == 1).all() and (counts[3] == 4).all()
    assert stimuli.groupby("category_name")["object_name"].nunique().to_dict() == dict.fromkeys(OBJECTS, 8)


def test_variation_0_is_canonical_and_variation_3_varies():
    scenes = draw_scenes(3200, 256, np.random.default_rng(0))
    assert (scenes["variation"] == 0).sum() == 640
    pose = scenes[["rxy", "rxz", "ryz", "ty", "tz"]]
    assert (pose[scenes["variation"] == 0] == 0).all().all()
    assert (scenes.loc[scenes["variation"] == 0, "s"] == 1).all()
    assert (pose[scenes["variation"] == 3].std() > [20, 20, 20, 0.2, 0.2]).all()


def test_image_ids_are_the_sha1_of_the_files(files, stimuli):
    with zipfile.ZipFile(files[2]) as archive:
        for name, image_id in zip(stimuli["image_file_name"], stimuli["image_id"], strict=True):
            assert hashlib.sha1(archive.read(name)).hexdigest() == image_id


def test_same_seed_same_bytes(tmp_path):
    small = {"n_images": 12, "image_size": 24, "n_sites": 6, "repetitions": 3}
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    first, again = (run(tmp_path / name, **small, seed=4) for name in "ab")
    other = run(tmp_path / "c", **small, seed=5)
    for file in (1, 2, 4):
        assert first[file].read_bytes() == again[file].read_bytes() != other[file].read_bytes()
    for file in (0, 3):
        xr.testing.assert_identical(*(xr.load_dataset(paths[file], engine="h5netcdf") for paths in (first, again)))


@pytest.mark.parametrize("category", OBJECTS)
def test_every_object_shows_in_the_picture_and_differs_from_its_kin(category):
    ground = np.full((48, 48, 3), 0.5)
    drawn = [render(build(category, name), rotation(0, 20, 20), 1, (0, 0), ground) for name in OBJECTS[category]]
    for image in drawn:
        share = (image != 128).any(axis=2).mean()
        assert 0.04 < share < 0.7
    assert len({image.tobytes() for image in drawn}) == 8


def test_position_and_size_move_the_picture():
    ground = np.zeros((60, 60, 3))

    def extent(scale, centre):
        rows, columns = np.nonzero(render(build("Fruits", "apricot"), np.eye(3), scale, centre, ground).any(axis=2))
        return columns.mean(), rows.mean(), len(rows)

    x, y, area = extent(1, (0, 0))
    right, up, _ = extent(1, (0.2, 0.2))
    assert (right - x, y - up) == pytest.approx((6, 6), abs=0.3)
    assert extent(1.3, (0, 0))[2] / area == pytest.approx(1.69, rel=0.05)


def test_gabor_energy_is_blind_to_phase_and_uniform_light():
    size, frequency, orientation = 64, 8.0, 0.6
    even, odd = gabors(size, *(np.array([v]) for v in (0.1, -0.05, orientation, frequency)))[:, 0]
    u = (np.arange(size) + 0.5) / size - 0.5
    across = -u * np.sin(orientation) - u[:, None] * np.cos(orientation)
    gratings = [np.cos(2 * np.pi * frequency * across + phase).ravel() for phase in np.linspace(0, 3, 7)]
    energy = [(even @ g) ** 2 + (odd @ g) ** 2 for g in gratings]
    assert np.ptp(energy) < 0.05 * np.mean(energy)
    assert abs(even.sum()) + abs(odd.sum()) < 1e-10


def test_v4_site_prefers_its_orientation_at_its_place():
    sites = draw_sites(48, np.random.default_rng(0)).isel(neuroid=[0])
    arms = v4_arms(sites, 96)
    u = (np.arange(96) + 0.5) / 96 - 0.5

    def drive(turn, shift=0.0):
        angle = sites["orientation"].item() + turn
        x, y = u - sites["receptive_x"].item() - shift, (-u - sites["receptive_y"].item() - shift)[:, None]
        wave = np.cos(2 * np.pi * sites["frequency"].item() * (-x * np.sin(angle) + y * np.cos(angle)))
        patch = 127 + 100 * wave * np.exp(-(x**2 + y**2) / 0.01)
        return v4_drive(np.repeat(patch[..., None], 3, axis=2).astype(np.uint8), arms)[0]

    assert drive(0) > 4 * drive(np.pi / 2)
    assert drive(0) > 4 * drive(0, shift=0.4)


def test_truth_is_in_the_order_of_the_responses(responses, truth):
    np.testing.assert_array_equal(truth["stimulus_id"].values, responses["stimulus_id"].values)
    np.testing.assert_array_equal(truth["neuroid_id"].values, responses["neuroid_id"].values)
    np.testing.assert_array_equal(truth["n_presentations"].values, responses["n_presentations"].values[:, 0])


def test_reliability_comes_back(responses, truth):
    known = truth["reliability"].values
    assert (known.min(), known.max()) == pytest.approx((0.4, 0.95))
    error = responses["reliability"].values - known
    assert np.abs(error).mean() < 0.025
    assert abs(error.mean()) < 0.015


def test_rates_correlate_with_the_noiseless_response_as_reliability_says(responses, truth):
    r = pearson_r(truth["response"].values, responses["rate"].values)
    assert np.abs(r**2 - truth["reliability"].values).mean() < 0.025


def pairs_of_views(stimuli, values):
    """Two moved views of every object, each (object, neuroid)."""
    moved = stimuli[stimuli["variation"] == 3].groupby("object_name")
    return (values[moved.nth(i).sort_values("object_name").index] for i in (0, 1))


def test_it_is_tolerant_to_position_and_v4_is_not(stimuli, truth):
    r = pearson_r(*pairs_of_views(stimuli, truth["response"].values))
    it = truth["region"].values == "IT"
    assert r[it].min() > 0.7
    assert r[~it].mean() < 0.4


def test_it_rdm_has_blocks_of_categories(stimuli, responses):
    rate = responses["rate"].values[:, responses["region"].values == "IT"]
    distance = 1 - np.corrcoef((rate - rate.mean(axis=0)) / rate.std(axis=0))
    category = stimuli["category_name"].to_numpy()
    same = category[:, None] == category
    off = ~np.eye(len(rate), dtype=bool)
    assert distance[same & off].mean() < 0.75 * distance[~same].mean()
