"""The reader of the published files, on simulated files of the same layout."""

import io
import shutil
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from ventral.data.majaj import responses as majaj
from ventral.data.majaj.files import VARIABLE, check_published, read_majaj_images
from ventral.data.majaj.responses import read_majaj_responses
from ventral.data.majaj.simulation import simulate
from ventral.files.errors import InputError

SPLIT = {"val": 0.1, "test": 0.2}


def read_majaj(assembly, stimuli, images, fractions, seed):
    responses = read_majaj_responses(assembly, stimuli, fractions, seed)
    return read_majaj_images(assembly, stimuli, images)[0], responses


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    paths = [folder / name for name in ("assembly.nc", "stimuli.csv", "images.zip", "truth.nc")]
    simulate(*paths, n_images=80, image_size=24, n_sites=9, repetitions=4, seed=1)
    return paths[:3]


@pytest.fixture
def files(original, tmp_path):
    """The assembly, csv and zip, for a test to spoil."""
    return [shutil.copy(path, tmp_path / path.name) for path in original]


@pytest.fixture(scope="module")
def read(original):
    return read_majaj(*original, SPLIT, seed=3)


def rewrite(path, **spoilt):
    """Replace coordinates of the assembly, or drop those given as None."""
    assembly = xr.load_dataarray(path, engine="h5netcdf")
    for name, values in spoilt.items():
        dims = assembly[name].dims
        assembly = assembly.drop_vars(name)
        if values is not None:
            assembly = assembly.assign_coords({name: (dims, values)})
    assembly.to_netcdf(path, engine="h5netcdf")


def retable(path, change):
    change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)


def test_rates_are_means_over_repetitions_in_order_of_image_id(original, read):
    assembly = xr.load_dataarray(original[0], engine="h5netcdf").squeeze("time_bin")
    expected = assembly.groupby("image_id").mean("presentation").transpose("image_id", "neuroid")
    responses = read[1]
    np.testing.assert_array_equal(responses["stimulus_id"].values, expected["image_id"].values)
    np.testing.assert_allclose(responses["rate"].values, expected.values, atol=1e-6)
    assert set(np.unique(responses["n_presentations"])) == {2, 4}


def test_labels_and_attributes(original, read):
    responses, table = read[1], pd.read_csv(original[1], index_col="image_id")
    for name in ("object_name", "category_name"):
        np.testing.assert_array_equal(responses[name], table.loc[responses["stimulus_id"].values, name])
    assert pd.Series(responses["split"]).value_counts().to_dict() == {"train": 56, "test": 16, "val": 8}
    assert set(responses["region"].values) == {"V4", "IT"}
    np.testing.assert_array_equal(responses["session"], responses["subject"])
    assert responses.attrs == {"source": "simulated", "units": "normalised", "window_ms": (70, 170)}


def test_metadata_of_images_and_sites_are_coordinates(original, read):
    responses, table = read[1], pd.read_csv(original[1], index_col="image_id").loc[read[1]["stimulus_id"].values]
    assembly = xr.load_dataarray(original[0], engine="h5netcdf")
    for name in ("variation", "s", "ty", "tz", "rxy", "rxz", "ryz", "size", "background_id"):
        np.testing.assert_array_equal(responses[name].values, table[name])
        assert responses[name].dims == ("stimulus",)
    for name in ("arr", "row", "col", "hemisphere", "subregion", "x", "y"):
        np.testing.assert_array_equal(responses[name].values, assembly[name].values)
        assert responses[name].dims == ("neuroid",)


def test_metadata_may_be_absent(files, read):
    retable(files[1], lambda table: table.drop(columns=["ty", "size"]))
    rewrite(files[0], hemisphere=None)
    xr.testing.assert_identical(read_majaj(*files, SPLIT, seed=3)[1], read[1].drop_vars(["ty", "size", "hemisphere"]))


def test_a_nan_trial_is_a_missing_trial(files, read, capsys):
    """It is counted in one line, and left out of its mean, of the halves and of the number of presentations."""
    with h5py.File(files[0], "a") as file:
        image_id = file["image_id"].asstr()[:]
        trials = np.flatnonzero(image_id == read[1]["stimulus_id"].values[5])
        file[VARIABLE][2, trials[0], 0] = np.nan
        expected = file[VARIABLE][2, trials[1:], 0].mean()
    capsys.readouterr()
    found = read_majaj(*files, SPLIT, seed=3)[1]
    assert f"{files[0]}: 1 trials are NaN, left out of the means\n" in capsys.readouterr().err
    assert found["rate"].values[5, 2] == pytest.approx(expected, abs=1e-6)
    assert found["n_presentations"].values[5, 2] == len(trials) - 1
    others = np.delete(np.arange(9), 2)
    xr.testing.assert_identical(found.isel(neuroid=others), read[1].isel(neuroid=others))


def test_a_site_with_one_repetition_has_rates_and_no_ceiling(files, read):
    with h5py.File(files[0], "a") as file:
        _, first = np.unique(file["image_id"].asstr()[:], return_index=True)
        trials = file[VARIABLE][4, :, 0]
        kept = trials[first]
        trials[np.setdiff1d(np.arange(len(trials)), first)] = np.nan
        file[VARIABLE][4, :, 0] = trials
    found = read_majaj(*files, SPLIT, seed=3)[1]
    np.testing.assert_array_equal(found["rate"].values[:, 4], kept)
    assert (found["n_presentations"].values[:, 4] == 1).all()
    assert np.isnan(found["reliability"].values[4]) and np.isfinite(np.delete(found["reliability"].values, 4)).all()


def test_a_split_that_leaves_an_object_without_a_train_image_is_refused(files):
    retable(files[1], lambda table: table.assign(object_name=table["category_name"]))  # ten images each
    with pytest.raises(InputError, match=r"assembly.nc: split: leaves no train image of .*; hold out fewer images"):
        read_majaj_responses(*files[:2], {"val": 0.49, "test": 0.5}, seed=0)


def test_images_follow_the_responses(original, read):
    images, responses = read
    assert images.shape == (80, 24, 24, 3) and images.dtype == np.uint8
    with zipfile.ZipFile(original[2]) as archive:
        for i in (0, 41, 79):
            data = archive.read(f"{responses['stimulus_id'].values[i]}.png")
            np.testing.assert_array_equal(images[i], np.asarray(Image.open(io.BytesIO(data))))


def test_what_is_not_simulated_is_published(files):
    with h5py.File(files[0], "a") as file:
        del file[VARIABLE].attrs["source"]
    assert read_majaj(*files, SPLIT, seed=3)[1].attrs["source"] == "Majaj & Hong 2015"


def test_blocks_of_sites_change_nothing(original, read, monkeypatch):
    monkeypatch.setattr(majaj, "SITES_AT_A_TIME", 4)
    xr.testing.assert_allclose(read_majaj(*original, SPLIT, seed=3)[1], read[1])


def test_strings_of_fixed_length_read_alike(files, read):
    with h5py.File(files[0], "a") as file:
        regions, scale = file["region"].asstr()[:].astype("S2"), file["neuroid"]
        del file["region"]
        file.create_dataset("region", data=regions).dims[0].attach_scale(scale)
    xr.testing.assert_identical(read_majaj(*files, SPLIT, seed=3)[1], read[1])


def test_images_are_found_by_filename_in_a_folder(files, read, tmp_path):
    retable(files[1], lambda table: table.drop(columns="image_file_name"))
    with zipfile.ZipFile(files[2]) as archive:
        archive.extractall(tmp_path / "all" / "stimuli")
    np.testing.assert_array_equal(read_majaj(files[0], files[1], tmp_path / "all", SPLIT, seed=3)[0], read[0])


def test_images_never_shown_are_left_out(files, read):
    retable(files[1], lambda table: pd.concat([table, table[:1].assign(image_id="f" * 40)]))
    xr.testing.assert_identical(read_majaj(*files, SPLIT, seed=3)[1], read[1])


def truncate(files):
    data = files[0].read_bytes()
    files[0].write_bytes(data[: len(data) // 2])


def drop_variable(files):
    with h5py.File(files[0], "a") as file:
        file.move(VARIABLE, "other")


def drop_image(files):
    with zipfile.ZipFile(files[2]) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()[1:]}
    with zipfile.ZipFile(files[2], "w") as archive:
        for name, data in kept.items():
            archive.writestr(name, data)


def turn_dimensions(files):
    xr.load_dataarray(files[0]).transpose("presentation", "neuroid", "time_bin").to_netcdf(files[0], engine="h5netcdf")


def two_windows(files):
    assembly = xr.load_dataarray(files[0], engine="h5netcdf")
    xr.concat([assembly, assembly], "time_bin").to_netcdf(files[0], engine="h5netcdf")


def flatten_site(files):
    with h5py.File(files[0], "a") as file:
        file[VARIABLE][0] = 1


SPOILT = {
    "no assembly": (lambda f: f[0].unlink(), "assembly.nc: assembly: no such file"),
    "truncated": (truncate, "assembly.nc: assembly: not a complete netCDF-4 file"),
    "no variable": (drop_variable, f"assembly.nc: {VARIABLE}: variable missing"),
    "no image_id": (
        lambda f: rewrite(f[0], image_id=None),
        "assembly.nc: image_id: coordinate of presentation missing",
    ),
    "no animal": (lambda f: rewrite(f[0], animal=None), "assembly.nc: animal: coordinate of neuroid missing"),
    "no window": (
        lambda f: rewrite(f[0], time_bin_end=None),
        "assembly.nc: time_bin_end: coordinate of time_bin missing",
    ),
    "turned": (
        turn_dimensions,
        r"dimensions \(presentation, neuroid, time_bin\); give neuroid, presentation, time_bin",
    ),
    "windows": (two_windows, "assembly.nc: time_bin: 2 counting windows"),
    "flat site": (flatten_site, "assembly.nc: neuroid Chabo_L_P_0_0: all values are equal"),
    "no csv": (lambda f: f[1].unlink(), "stimuli.csv: stimuli: no such file"),
    "empty csv": (lambda f: f[1].write_text(""), "stimuli.csv: stimuli: not a csv file"),
    "no column": (
        lambda f: retable(f[1], lambda t: t.rename(columns={"object_name": "objectname"})),
        "stimuli.csv: object_name: column missing; did you mean objectname?",
    ),
    "no file column": (
        lambda f: retable(f[1], lambda t: t.drop(columns=["image_file_name", "filename"])),
        "stimuli.csv: image_file_name: column missing",
    ),
    "unknown id": (
        lambda f: retable(f[1], lambda t: t[1:]),
        "stimuli.csv: image_id: no row for [0-9a-f]{40} of .*nc; use",
    ),
    "duplicate": (lambda f: retable(f[1], lambda t: pd.concat([t, t[:1]])), "stimuli.csv: image_id: duplicate ids"),
    "no image": (drop_image, r"images.zip: [0-9a-f]{40}.png: image [0-9a-f]{40} missing from the archive"),
    "no zip": (lambda f: f[2].unlink(), "images.zip: images: no such file or folder"),
    "broken zip": (lambda f: f[2].write_bytes(b"PK"), "images.zip: archive: not a complete zip file"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_bad_input_is_named_in_one_line(files, case):
    spoil, message = SPOILT[case]
    spoil(files)
    with pytest.raises(InputError, match=message) as error:
        read_majaj(*files, SPLIT, seed=0)
    assert "\n" not in str(error.value)


def published():
    """Regions, table of images and number of presentations as in the paper."""
    variation = np.repeat([0, 3], [640, 2560])
    names = np.array([f"object{k}" for k in range(64)])[np.arange(3200) % 64]
    table = pd.DataFrame({"object_name": names, "variation": variation.astype(str)})
    table["category_name"] = [f"category{int(name[6:]) // 8}" for name in names]
    return np.repeat(["IT", "V4"], [168, 88]), table, np.where(variation == 0, 28, 51)


def test_the_published_assembly_is_as_published():
    check_published("assembly.nc", *published())


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda region, table, n: region.__setitem__(0, "V4"), "167 IT sites for 168, 89 V4 sites for 88"),
        (lambda region, table, n: table.drop(index=0), "3199 images for 3200, 639 images of variation 0"),
        (lambda region, table, n: table.replace("object1", "object0"), "63 objects for 64"),
        (lambda region, table, n: table.replace("category1", "category0"), "7 categories for 8"),
        (lambda region, table, n: table.replace("3", "6"), "0 images of variation 3 for 2560"),
        (
            lambda region, table, n: n.__setitem__([0, 3199], [27, 52]),
            "639 images of variation 0 with 28 repetitions for 640, 2559 images of variation 3 with 51 repetitions for",
        ),
        (lambda region, table, n: table.drop(columns="variation"), "variation: no such column"),
    ],
)
def test_what_differs_from_the_published_assembly_is_named(spoil, message):
    region, table, n = published()
    changed = spoil(region, table, n)
    table = table if changed is None else changed
    with pytest.raises(InputError, match=message) as error:
        check_published("assembly.nc", region, table, n[table.index])
    assert "\n" not in str(error.value)


def test_only_an_assembly_of_the_published_size_is_held_to_it(files, monkeypatch):
    with h5py.File(files[0], "a") as file:
        del file[VARIABLE].attrs["source"]
        shape = file[VARIABLE].shape
    read_majaj(*files, SPLIT, seed=3)  # a cut of it
    monkeypatch.setattr("ventral.data.majaj.files.SHAPE", shape)
    for read_one in (lambda: read_majaj_responses(*files[:2], SPLIT, 3), lambda: read_majaj_images(*files)):
        with pytest.raises(InputError, match=r"assembly.nc: assembly: not as published: 6 IT sites for 168"):
            read_one()


def test_a_simulation_of_the_published_size_is_not(files, monkeypatch):
    with h5py.File(files[0]) as file:
        monkeypatch.setattr("ventral.data.majaj.files.SHAPE", file[VARIABLE].shape)
    read_majaj(*files, SPLIT, seed=3)
