"""The reader of the course file, on simulated files of the same layout."""

import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

from ventral.data.majaj import course_files
from ventral.data.majaj.course import match_course, read_course_responses
from ventral.data.majaj.course_files import MEAN, SD, denormalise, read_course_images
from ventral.data.majaj.files import read_majaj_images
from ventral.data.majaj.responses import read_majaj_responses
from ventral.data.majaj.simulation import simulate
from ventral.data.responses import OF_NEUROIDS
from ventral.data.scenes.objects import OBJECTS
from ventral.encoders.fit import fit_encoder
from ventral.files.errors import InputError
from ventral.gram.matrix import Gram
from ventral.readouts.ridge import Ridge

FILES = ("assembly.nc", "stimuli.csv", "images.zip", "truth.nc", "IT_data.h5")
SPLITS = {"train": 65, "val": 7, "test": 8}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    simulate(*(folder / name for name in FILES), n_images=80, image_size=24, n_sites=9, repetitions=4, seed=1)
    return folder


@pytest.fixture
def course(made, tmp_path):
    """The course file, for a test to spoil."""
    return shutil.copy(made / "IT_data.h5", tmp_path / "IT_data.h5")


@pytest.fixture(scope="module")
def responses(made):
    return read_course_responses(made / "IT_data.h5")


@pytest.fixture(scope="module")
def assembly(made):
    """What the other reader makes of the same recording: responses of IT, and images."""
    found = read_majaj_responses(made / "assembly.nc", made / "stimuli.csv", {"val": 0, "test": 0}, seed=0)
    images, _ = read_majaj_images(made / "assembly.nc", made / "stimuli.csv", made / "images.zip")
    return found.isel(neuroid=found["region"].values == "IT"), images


def replace(path, **arrays):
    """Put other arrays in place of datasets, or none for those given as None."""
    with h5py.File(path, "a") as file:
        for name, values in arrays.items():
            del file[name]
            if values is not None:
                file[name] = values


def array(path, name):
    with h5py.File(path) as file:
        return file[name][:]


def test_the_split_of_the_file_is_kept(responses):
    names, counts = np.unique(responses["split"], return_counts=True)
    assert dict(zip(names, counts, strict=True)) == SPLITS
    assert list(responses["split"].values) == [name for name, n in SPLITS.items() for _ in range(n)]
    assert list(responses["stimulus_id"].values[[0, 64, 65, 79]]) == [
        *("course_train_0000", "course_train_0064", "course_val_0000", "course_test_0007")
    ]


def test_rates_are_those_of_the_file_and_test_has_none(made, responses):
    test = responses["split"].values == "test"
    given = np.concatenate([array(made / "IT_data.h5", f"spikes_{name}") for name in ("train", "val")])
    np.testing.assert_array_equal(responses["rate"].values[~test], given)
    assert np.isnan(responses["rate"].values[test]).all()
    assert (responses["n_presentations"].values[test] == 0).all()
    assert (responses["n_presentations"].values[~test] == 1).all()
    assert all(np.isnan(responses[name]).all() for name in ("rate_half", *OF_NEUROIDS))


def test_labels_and_attributes(made, responses):
    category = {name: kind for kind, names in OBJECTS.items() for name in names}
    np.testing.assert_array_equal(responses["category_name"], [category[n] for n in responses["object_name"].values])
    names = [name.decode() for name in array(made / "IT_data.h5", "object_val")]
    np.testing.assert_array_equal(responses["object_name"].values[65:72], names)
    assert list(responses["neuroid_id"].values[:2]) == ["course_000", "course_001"]
    assert {name: set(responses[name].values) for name in ("region", "subject", "session")} == {
        **{"region": {"IT"}, "subject": {"unknown"}, "session": {"course"}}
    }
    assert responses.attrs == {"source": "simulated", "units": "normalised", "window_ms": (70, 170)}


def test_what_is_not_simulated_is_the_course_file(course):
    with h5py.File(course, "a") as file:
        del file.attrs["source"]
    assert read_course_responses(course).attrs["source"] == "Majaj & Hong 2015, course file"


def test_objects_may_be_strings_of_any_length(course, responses):
    for split in SPLITS:
        names = array(course, f"object_{split}").astype(object)
        replace(course, **{f"object_{split}": None})
        with h5py.File(course, "a") as file:
            file.create_dataset(f"object_{split}", data=names, dtype=h5py.string_dtype("ascii"))
    xr.testing.assert_identical(read_course_responses(course), responses)


def test_images_come_back_to_the_last_bit_in_the_order_of_the_responses(made, responses, assembly, monkeypatch):
    images, labels = read_course_images(made / "IT_data.h5")
    assert images.shape == (80, 24, 24, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(labels["stimulus_id"], responses["stimulus_id"])
    known = responses["split"].values != "test"
    index = match_course(responses["rate"].values[known], assembly[0]["rate"].values, "IT_data.h5")
    np.testing.assert_array_equal(images[known], assembly[1][index])
    np.testing.assert_array_equal(responses["object_name"][known], assembly[0]["object_name"][index])
    monkeypatch.setattr(course_files, "IMAGES_AT_A_TIME", 3)
    np.testing.assert_array_equal(read_course_images(made / "IT_data.h5")[0], images)


def test_every_grey_level_survives_normalisation():
    levels = np.broadcast_to(np.arange(256).reshape(1, 16, 16, 1), (1, 16, 16, 3))
    normalised = np.moveaxis((levels / 255 - MEAN) / SD, -1, 1).astype(np.float32)
    np.testing.assert_array_equal(denormalise(normalised, "f", "stimulus_train"), levels)


def test_the_assembly_gives_reliabilities(made, responses, assembly):
    found = read_course_responses(made / "IT_data.h5", (made / "assembly.nc", made / "stimuli.csv"))
    np.testing.assert_array_equal(found["rate"], responses["rate"])
    for name in OF_NEUROIDS:
        np.testing.assert_array_equal(found[name], assembly[0][name])
    np.testing.assert_array_equal(found["subject"], assembly[0]["subject"])
    known = found["split"].values != "test"
    np.testing.assert_allclose(found["rate_half"].values[:, known].mean(axis=0), found["rate"][known], atol=1e-5)
    assert set(np.unique(found["n_presentations"][known])) == {2, 4}
    assert np.isnan(found["rate_half"][:, ~known]).all() and (found["n_presentations"][~known] == 0).all()


def test_rows_are_matched_by_their_rates():
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(50, 6))
    index = rng.permutation(50)[:30]
    near = (whole[index] + rng.uniform(-5e-6, 5e-6, (30, 6))).astype(np.float32)
    np.testing.assert_array_equal(match_course(near, whole, "f"), index)
    with pytest.raises(InputError, match="f: spikes: rows 3 match no stimulus"):
        match_course(near + 1e-3 * (np.arange(30) == 3)[:, None], whole, "f")
    with pytest.raises(InputError, match="f: spikes: rows 0, 5 are not of different stimuli"):
        match_course(near[[0, 1, 2, 3, 4, 0]], whole, "f")
    with pytest.raises(InputError, match="f: spikes_train: 5 sites, 6 of IT"):
        match_course(near[:, :5], whole, "f")


def test_test_stimuli_are_predicted_though_never_recorded(responses):
    features = np.random.default_rng(0).normal(size=(80, 5))
    features -= features.mean(axis=0)
    gram = Gram(features @ features.T, features.sum(axis=1), np.zeros(80), 0.0, 0.0, 5)
    predictions = fit_encoder([("layer", gram)], responses, Ridge(1.0))
    assert np.isfinite(predictions["prediction"]).all()
    assert (predictions["split"].values == "test").sum() == SPLITS["test"]


def truncate(path):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def as_pixels(path, dtype, scale):
    values = array(path, "stimulus_train")
    pixels = scale * (values * SD[:, None, None] + MEAN[:, None, None])
    replace(path, stimulus_train=np.rint(pixels).astype(dtype) if scale > 1 else pixels.astype(dtype))


def with_nan(path, name):
    values = array(path, name)
    values.flat[5] = np.nan
    replace(path, **{name: values})


def rename_object(path):
    names = array(path, "object_val").astype("S20")
    names[0] = b"airplaen0"
    replace(path, object_val=names)


SPOILT = {
    "no file": (lambda p: p.unlink(), "IT_data.h5: course_file: no such file"),
    "truncated": (truncate, "IT_data.h5: course_file: not a complete HDF5 file"),
    "no images": (lambda p: replace(p, stimulus_test=None), "IT_data.h5: stimulus_test: dataset missing"),
    "no spikes": (lambda p: replace(p, spikes_val=None), "spikes_val: dataset missing; did you mean spikes_train?"),
    "no objects": (lambda p: replace(p, object_train=None), "object_train: dataset missing"),
    "turned": (
        lambda p: replace(p, spikes_train=array(p, "spikes_train").T),
        r"spikes_train: shape \(6, 65\), axes swapped; give \(stimulus, site\)",
    ),
    "one axis": (lambda p: replace(p, spikes_train=np.ones(65)), r"spikes_train: shape \(65,\); give an array of 2"),
    "few spikes": (
        lambda p: replace(p, spikes_val=array(p, "spikes_val")[1:]),
        "spikes_val: 6 rows for 7 objects",
    ),
    "few sites": (
        lambda p: replace(p, spikes_val=array(p, "spikes_val")[:, 1:]),
        "spikes_val: 5 sites, 6 in spikes_train",
    ),
    "few images": (
        lambda p: replace(p, stimulus_val=array(p, "stimulus_val")[1:]),
        "stimulus_val: 6 images of 7 objects",
    ),
    "NaN spike": (lambda p: with_nan(p, "spikes_train"), "spikes_train: 1 values are NaN or infinite"),
    "NaN pixel": (lambda p: with_nan(p, "stimulus_val"), "stimulus_val: pixels that are NaN"),
    "bytes": (lambda p: as_pixels(p, np.uint8, 255), "stimulus_train: uint8 pixels, not normalised"),
    "0 to 255": (lambda p: as_pixels(p, np.float32, 255), r"stimulus_train: values from .* to .*, not normalised"),
    "0 to 1": (
        lambda p: [replace(p, **{f"stimulus_{s}": np.full((n, 3, 24, 24), 0.2)}) for s, n in SPLITS.items()],
        "no value below 0, so not normalised",
    ),
    "channels last": (
        lambda p: replace(p, stimulus_train=np.moveaxis(array(p, "stimulus_train"), 1, -1)),
        r"stimulus_train: channels last; give images as \(image, 3, height, width\)",
    ),
    "two sizes": (
        lambda p: replace(p, stimulus_test=array(p, "stimulus_test")[..., :20]),
        "stimulus_test: images of 24 x 24 and 20 x 24 pixels",
    ),
    "unknown object": (rename_object, "object_name: unknown airplaen0; did you mean airplane"),
    "objects by number": (lambda p: replace(p, object_val=np.arange(7)), "object_val: not of names but int64"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_bad_input_is_named_in_one_line(course, case):
    spoil, message = SPOILT[case]
    spoil(course)
    with pytest.raises(InputError, match=message) as error:
        read_course_responses(course)
        read_course_images(course)
    assert "\n" not in str(error.value)
