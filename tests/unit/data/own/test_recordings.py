"""The user's own recordings in each kind of file."""

import itertools

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from ventral.data.own.recordings import read_recordings
from ventral.files.errors import InputError

SETTINGS = {
    "name": "mine",
    "layout": ["stimulus", "neuroid", "repeat"],
    "region": "IT",
    "subject": "Tito",
    "units": "Hz",
}
SPLIT = {"val": 0.1, "test": 0.2}
N, K, R = 12, 3, 4


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i in range(N):
        Image.new("L", (4, 4), i).save(folder / f"im{i}.png")
    return folder


@pytest.fixture
def rates():
    """(stimulus, neuroid, repeat); repeats of each stimulus that were never shown are NaN."""
    values = np.random.default_rng(0).normal(size=(N, K, R)) + np.arange(N)[:, None, None]
    values[::3, :, -1] = np.nan
    values[1, :, 1:] = np.nan
    values[4, 2, 0] = np.nan  # one neuroid alone
    return values


def read(images, path, **settings):
    return read_recordings(images, path, SETTINGS | settings, SPLIT, seed=0)


def write_npy(path, array, dtype=float):
    np.save(path, array.astype(dtype))
    return path


def write_table(path, values, seed=None):
    """One row a presentation, in random order with a seed."""
    rows = [
        {"image": f"im{i}.png"} | {f"unit {k}": values[i, k, r] for k in range(values.shape[1])}
        for r in range(values.shape[2])
        for i in range(len(values))
        if np.isfinite(values[i, :, r]).any()
    ]
    table = pd.DataFrame(rows)
    (table if seed is None else table.sample(frac=1, random_state=seed)).to_csv(path, index=False)
    return path


def write_nc(path, values, dims=("stimulus", "neuroid", "repeat"), name="rate", **coords):
    xr.Dataset({name: (dims, values)}, {key: ("neuroid", v) for key, v in coords.items()}).to_netcdf(
        path, engine="h5netcdf"
    )
    return path


@pytest.mark.parametrize("layout", list(itertools.permutations(["stimulus", "neuroid", "repeat"])))
def test_an_array_in_any_layout(tmp_path, images, rates, layout):
    axes = [SETTINGS["layout"].index(name) for name in layout]
    found = read(images, write_npy(tmp_path / "a.npy", rates.transpose(axes)), layout=list(layout))
    np.testing.assert_allclose(found["rate"], np.nanmean(rates, axis=2))
    np.testing.assert_array_equal(found["n_presentations"], np.isfinite(rates).sum(axis=2))
    assert (found["reliability"] > 0.8).all()
    assert list(found["stimulus_id"].values) == [f"im{i}.png" for i in range(N)]
    assert list(found["neuroid_id"].values) == ["mine_0", "mine_1", "mine_2"]
    assert set(found["region"].values) == {"IT"}
    assert set(found["subject"].values) == {"Tito"}
    assert found.attrs == {"source": "files: a.npy", "units": "Hz"}


@pytest.mark.parametrize("layout", [["stimulus", "neuroid"], ["neuroid", "stimulus"]])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_an_array_without_repeats(tmp_path, images, layout, dtype):
    once = np.arange(N * K).reshape(N, K)
    path = write_npy(tmp_path / "a.npy", once if layout[0] == "stimulus" else once.T, dtype)
    found = read(images, path, layout=layout)
    np.testing.assert_array_equal(found["rate"], once)
    assert np.isnan(found["reliability"]).all()


def test_the_three_files_of_the_same_data_give_the_same_rates(tmp_path, images, rates):
    array = read(images, write_npy(tmp_path / "a.npy", rates))
    in_order = read(images, write_table(tmp_path / "a.csv", rates))
    shuffled = read(images, write_table(tmp_path / "b.csv", rates, seed=1))
    netcdf = read(images, write_nc(tmp_path / "a.nc", rates))
    turned = read(images, write_nc(tmp_path / "b.nc", rates.transpose(2, 1, 0), SETTINGS["layout"][::-1]))
    for other in (in_order, netcdf, turned):
        for name in ("rate", "rate_half", "n_presentations", "reliability", "split"):
            np.testing.assert_allclose(
                *(np.asarray(d[name].values if name != "split" else d[name] == "test", float) for d in (array, other)),
                rtol=1e-12,
            )
    np.testing.assert_allclose(shuffled["rate"], array["rate"], rtol=1e-12)
    np.testing.assert_allclose(shuffled["reliability"], array["reliability"], atol=0.05)
    assert list(in_order["neuroid_id"].values) == ["unit 0", "unit 1", "unit 2"]


def test_coordinates_of_a_netcdf_are_kept(tmp_path, images, rates):
    coords = {"neuroid_id": ["a", "b", "c"], "region": ["V4", "V4", "IT"], "subject": ["Tito", "Chabo", "Tito"]}
    found = read(images, write_nc(tmp_path / "a.nc", rates, **coords))
    for name, values in coords.items():
        assert list(found[name].values) == values
    assert set(found["session"].values) == {"mine"}


def test_a_coordinate_may_stand_for_all_neuroids(tmp_path, images, rates):
    data = xr.Dataset({"rate": (SETTINGS["layout"], rates)}, {"region": "V1", "session": ("stimulus", ["s"] * N)})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    found = read(images, tmp_path / "a.nc")
    assert list(found["region"].values) == ["V1"] * K
    assert list(found["session"].values) == ["mine"] * K


def test_names_of_digits_stay_text(tmp_path, rates):
    (tmp_path / "images").mkdir()
    for i in range(N):
        Image.new("L", (4, 4), i).save(tmp_path / "images" / f"{i:03d}", "PNG")
    table = pd.DataFrame({"image": [f"{i:03d}" for i in range(N)], "a": rates[:, 0, 0]})
    table.to_csv(tmp_path / "a.csv", index=False)
    found = read(tmp_path / "images", tmp_path / "a.csv")
    np.testing.assert_allclose(found["rate"].values[:, 0], rates[:, 0, 0])


def truncated(path):
    path.write_bytes(path.read_bytes()[:-9])


def spoilt_header(path):
    path.write_bytes(path.read_bytes().replace(b"}", b" ", 1))


def of_objects(path):
    np.save(path, np.full((N, K, R), None), allow_pickle=True)


def of_text(path):
    np.save(path, np.full((N, K, R), "x"))


@pytest.mark.parametrize(
    "spoil, fragments",
    [
        (lambda path: write_npy(path, np.ones((N, K))), ["layout", "shape (12, 3) but 3 axes named"]),
        (lambda path: write_npy(path, np.ones((N + 1, K, R))), ["stimuli", "13 in the responses, 12 images"]),
        (lambda path: write_npy(path, np.ones((N, 0, R))), ["responses", "no value is a number"]),
        (lambda path: write_npy(path, np.full((N, K, R), np.nan)), ["responses", "no value is a number"]),
        (truncated, ["array", "not a complete .npy file of numbers"]),
        (spoilt_header, ["array", "not a complete .npy file of numbers"]),
        (of_objects, ["array", "not a complete .npy file of numbers"]),
        (of_text, ["array", "text, not real numbers"]),
        (lambda path: path.write_bytes(b""), ["array", "not a complete .npy file of numbers"]),
        (lambda path: path.unlink(), ["responses", "no such file", "correct the path"]),
        (lambda path: path.with_suffix(".npy").unlink(), ["no such file"]),
    ],
)
def test_faults_of_an_array(tmp_path, images, rates, spoil, fragments):
    path = write_npy(tmp_path / "a.npy", rates)
    spoil(path)
    with pytest.raises(InputError) as error:
        read(images, path)
    assert all(part in str(error.value) for part in ["a.npy", *fragments])


@pytest.mark.parametrize("layout", [["neuroid", "repeat"], ["stimulus", "repeat"]])
def test_a_layout_without_stimuli_or_neuroids(tmp_path, images, layout):
    with pytest.raises(InputError, match=r"layout: axes .*name a stimulus and a neuroid axis"):
        read(images, write_npy(tmp_path / "a.npy", np.ones((N, K))), layout=layout)


@pytest.mark.parametrize("value, words", [(np.nan, "all values are NaN"), (2.0, "all values are equal")])
def test_neuroids_without_variance_are_named(tmp_path, images, rates, value, words):
    rates[:, 1] = value
    for path in (
        write_npy(tmp_path / "a.npy", rates),
        write_nc(tmp_path / "a.nc", rates, neuroid_id=["mine_0", "mine_1", "mine_2"]),
    ):
        with pytest.raises(InputError, match=f"neuroid mine_1: {words}; leave the neuroid out"):
            read(images, path)
    with pytest.raises(InputError, match=f"neuroid unit 1: {words}"):
        read(images, write_table(tmp_path / "a.csv", rates))


@pytest.mark.parametrize(
    "text, fragments",
    [
        ("image,a\nim0.png,1\nim99.png,2\n", ["image im99.png", "not among the images"]),
        ("image,a,b\nim0.png,1,x\nim1.png,2,y\n", ["column b", "not of numbers"]),
        ("image\nim0.png\n", ["column", "not of numbers"]),
        ("image,a\n", ["column a", "not of numbers"]),
        ("", ["table", "not a readable csv"]),
        ("image,a\nim0.png,1\nim1.png,2,3,4\n", ["table", "not a readable csv"]),
        ("image,a\n,1\nzz.png,2\n", ["image nan, zz.png", "not among the images"]),
        ("image,a\nim0.png,1,2\nim1.png,3,4\n", ["table", "rows longer than the header"]),
    ],
)
def test_faults_of_a_table(tmp_path, images, text, fragments):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError) as error:
        read(images, tmp_path / "a.csv")
    assert all(part in str(error.value) for part in ["a.csv", *fragments])


def test_a_table_of_other_bytes(tmp_path, images):
    (tmp_path / "a.csv").write_bytes(b"image,a\n\xff\xfe\x00,1\n")
    with pytest.raises(InputError, match="not a readable csv"):
        read(images, tmp_path / "a.csv")


@pytest.mark.parametrize(
    "write, fragments",
    [
        (lambda path, rates: write_nc(path, rates, name="rates"), ["rate", "no such variable", "name the responses"]),
        (lambda path, rates: write_nc(path, rates, ("image", "neuroid", "repeat")), ["dimensions image, neuroid"]),
        (lambda path, rates: write_nc(path, rates[:, 0], ("stimulus", "repeat")), ["dimensions stimulus, repeat"]),
        (lambda path, rates: write_nc(path, rates.astype(str)), ["rate", "text, not real numbers"]),
        (lambda path, rates: write_nc(path, rates[:-1]), ["stimuli", "11 in the responses, 12 images"]),
        (lambda path, rates: path.write_bytes(b"no netCDF"), ["netCDF", "not a complete netCDF-4 file"]),
        (lambda path, rates: truncated(write_nc(path, rates)), ["netCDF", "not a complete netCDF-4 file"]),
    ],
)
def test_faults_of_a_netcdf(tmp_path, images, rates, write, fragments):
    write(tmp_path / "a.nc", rates)
    with pytest.raises(InputError) as error:
        read(images, tmp_path / "a.nc")
    assert all(part in str(error.value) for part in ["a.nc", *fragments])


def test_an_unknown_suffix(tmp_path, images):
    (tmp_path / "a.mat").write_bytes(b"")
    with pytest.raises(InputError, match=r"unknown suffix '\.mat'; give a \.npy, \.csv or \.nc file"):
        read(images, tmp_path / "a.mat")


def test_images_of_one_name_in_two_folders(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "images" / folder / "im.png")
    with pytest.raises(InputError, match=r"stimulus_id: duplicate ids im\.png"):
        read(tmp_path / "images", write_npy(tmp_path / "a.npy", np.eye(2)), layout=["stimulus", "neuroid"])
