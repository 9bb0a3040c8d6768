"""Arrays of odd types, misspelt labels, files in use, and folders that hold more than images."""

import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import xarray as xr
from PIL import Image

from ventral.data.images import open_images
from ventral.data.own.recordings import read_recordings
from ventral.data.xiao.files import find_sessions_folder, find_tables_folder
from ventral.files.atomic import reading
from ventral.files.errors import InputError
from ventral.files.hdf5 import open_hdf5

N, K = 8, 3
RATES = np.random.default_rng(0).normal(10, 3, (N, K))
SETTINGS = {"name": "mine", "layout": ["stimulus", "neuroid"], "region": "all", "subject": "A", "units": "Hz"}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i in range(N):
        Image.new("L", (4, 4), i).save(folder / f"{i}.png")
    return folder


def read(images, path):
    return read_recordings(images, path, SETTINGS, {"val": 0.2, "test": 0.2}, seed=0)


def write_nc(path, rate=RATES, coords=None, **variables):
    data = xr.Dataset({"rate": (("stimulus", "neuroid"), rate), **variables}, coords)
    data.to_netcdf(path, engine="h5netcdf")
    return path


def write_npy(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    "array, words",
    [
        (RATES + 1j, "array: complex numbers, not real numbers"),
        (RATES.astype(np.complex64), "array: complex numbers"),
        (RATES.astype("datetime64[s]"), "array: dates, not real numbers"),
        (RATES.astype("timedelta64[ms]"), "array: lengths of time, not real numbers"),
        (RATES.astype(str), "array: text, not real numbers"),
        (RATES.astype("S"), "array: text, not real numbers"),
        (np.full((N, K), np.inf), "responses: no value is a number"),
    ],
)
def test_arrays_of_anything_but_real_numbers(tmp_path, images, array, words):
    with pytest.raises(InputError) as error:
        read(images, write_npy(tmp_path / "r.npy", array))
    assert words in str(error.value)


@pytest.mark.parametrize("unit", ["datetime64[ns]", "timedelta64[ns]"])
def test_dates_in_a_netcdf(tmp_path, images, unit):
    with pytest.raises(InputError, match=r"rate: (dates|lengths of time), not real numbers"):
        read(images, write_nc(tmp_path / "r.nc", (RATES * 1e9).astype(unit)))


@pytest.mark.parametrize("suffix", [".npy", ".NPY", ".nc", ".NC", ".csv", ".CSV"])
def test_infinite_values_are_left_out_and_counted_in_every_file(tmp_path, images, suffix, capsys):
    rates = RATES.copy()
    rates[2, 1], rates[5, 0] = np.inf, -np.inf
    path = tmp_path / f"r{suffix}"
    if suffix.lower() == ".npy":
        with open(path, "wb") as file:
            np.save(file, rates)
    elif suffix.lower() == ".nc":
        write_nc(path, rates)
    else:
        lines = [f"{i}.png," + ",".join(map(str, row)) for i, row in enumerate(rates)]
        path.write_text("\n".join(["image,a,b,c", *lines]))
    found = read(images, path)
    np.testing.assert_array_equal(np.isnan(found["rate"]), ~np.isfinite(rates))
    assert "2 infinite values are left out" in capsys.readouterr().err


def test_truth_values_are_said(tmp_path, images, capsys):
    np.testing.assert_array_equal(read(images, write_npy(tmp_path / "r.npy", RATES > 10))["rate"], RATES > 10)
    assert "true and false are taken as 1 and 0" in capsys.readouterr().err


def test_neuroids_of_one_id_are_refused(tmp_path, images):
    for ids in (["a", "b", "a"], [1, 2, 1]):
        with pytest.raises(InputError, match=r"neuroid_id: duplicate ids (a|1); give every neuroid its own id"):
            read(images, write_nc(tmp_path / "r.nc", coords={"neuroid_id": ("neuroid", ids)}))


@pytest.mark.parametrize("name", ["Region", "regions", "REGION", "Subject", "sessions", "neuroid_ids"])
def test_labels_by_nearly_a_known_name_are_named(tmp_path, images, name):
    for kind in ({"coords": {name: ("neuroid", list("abc"))}}, {name: ("neuroid", list("abc"))}):
        with pytest.raises(InputError, match=rf"r.nc: {name}: unknown name of a label; did you mean \w+\? rename it"):
            read(images, write_nc(tmp_path / "r.nc", **kind))


def test_labels_may_be_variables_and_neuroids_an_axis(tmp_path, images):
    path = write_nc(
        tmp_path / "r.nc",
        region=("neuroid", ["V4", "IT", "IT"]),
        coords={"neuroid": ["u1", "u2", "u3"], "subject": "B"},
    )
    found = read(images, path)
    assert found["region"].values.tolist() == ["V4", "IT", "IT"]
    assert found["neuroid_id"].values.tolist() == ["u1", "u2", "u3"]
    assert set(found["subject"].values) == {"B"}


HOLD = "import h5py, sys; f = h5py.File(sys.argv[1], 'a'); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def held(tmp_path):
    """A file that another process holds open to write."""
    path = write_nc(tmp_path / "r.nc")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield path
    process.communicate("")


def test_a_file_that_another_process_holds_is_in_use_and_not_damaged(held, images):
    said = "r.nc: file: in use: another program, such as a notebook, holds it open; close it there"
    with pytest.raises(InputError) as error:
        read(images, held)
    assert said in str(error.value)
    with pytest.raises(InputError, match="in use"), open_hdf5(held, "NWB file", "damaged", "download it again"):
        pass


def test_a_file_of_the_study_that_a_notebook_holds_is_not_to_be_deleted(tmp_path, monkeypatch):
    from ventral.files.atomic import writing

    with writing(tmp_path / "grams.h5", sealed=True) as temporary:
        h5py.File(temporary, "w").close()
    with pytest.raises(InputError, match=r"grams.h5: file: in use.*close it there"), reading(tmp_path / "grams.h5"):
        raise BlockingIOError(11, "unable to lock file")


@pytest.mark.parametrize("number", [37, 38, 95])
def test_disks_without_locks_are_read(tmp_path, monkeypatch, number):
    path = write_nc(tmp_path / "r.nc")
    opened = h5py.File

    def lockless(name, *arguments, locking=None, **settings):
        if locking is not False:
            raise OSError(f"Unable to synchronously open file (unable to lock file, errno = {number})")
        return opened(name, *arguments, locking=locking, **settings)

    monkeypatch.setattr(h5py, "File", lockless)
    with open_hdf5(path, "rates", "damaged", "copy it again") as file:
        np.testing.assert_array_equal(file["rate"][:], RATES)


def test_what_lies_beside_images_is_passed_over(tmp_path, images, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "more").symlink_to(images)
    Image.new("L", (4, 4)).save(folder / "UPPER.PNG")
    (folder / "{brace}.png").write_bytes((folder / "UPPER.PNG").read_bytes())
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini", "notes.txt", "labels.CSV", "._UPPER.PNG"):
        (folder / name).write_bytes(b"no image")
    names, _ = open_images(folder)
    assert names == ["UPPER.PNG", *(f"more/{i}.png" for i in range(N)), "{brace}.png"]
    assert "no images, passed over: labels.CSV, notes.txt" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name in ("a/1.png", "a/Thumbs.db", "__MACOSX/a/._1.png", "readme.md"):
            archive.writestr(name, b"x")
    assert open_images(tmp_path / "images.zip")[0] == ["a/1.png"]


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(InputError, match=r"1.png: a link to a file that is not there; mend the link, or remove it"):
        open_images(tmp_path / "images")


@pytest.fixture
def dandiset(tmp_path):
    folder = tmp_path / "disk" / "downloads" / "000628"
    (folder / "sub-An").mkdir(parents=True)
    (folder / "sub-An" / "sub-An_ses-20220105T173929.nwb").touch()
    (tmp_path / "disk" / "repository" / "db").mkdir(parents=True)
    (tmp_path / "disk" / "repository" / "db" / "sessions.txt").touch()
    return folder


def test_the_folder_of_sessions_is_found_around_the_path(dandiset):
    for path in (dandiset, dandiset.parent, dandiset.parent.parent, dandiset / "sub-An"):
        assert find_sessions_folder(path) == str(dandiset)


def test_no_folder_of_sessions_or_two(dandiset, tmp_path):
    with pytest.raises(InputError, match=r"repository: path: holds no sub-\*/ with sessions; give the folder"):
        find_sessions_folder(tmp_path / "disk" / "repository")
    (dandiset.parent / "copy" / "sub-An").mkdir(parents=True)
    (dandiset.parent / "copy" / "sub-An" / "sub-An_ses-20220105T173929.nwb").touch()
    with pytest.raises(InputError, match=r"holds no sub-\*/ with sessions, but .*000628, .*copy do"):
        find_sessions_folder(dandiset.parent)


def test_the_folder_of_tables_is_found_in_the_repository(tmp_path, dandiset):
    repository = tmp_path / "disk" / "repository"
    assert find_tables_folder(repository) == find_tables_folder(repository / "db") == str(repository / "db")
    assert find_tables_folder(tmp_path / "elsewhere") == str(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", ["caf\u00e9", "\u753b\u50cf", "\u0444\u043e\u0442\u043e", "\U0001f435"])
def test_names_in_any_script_are_read_from_a_netcdf(tmp_path, name):
    order = np.random.default_rng(1).permutation(N)
    (tmp_path / "images").mkdir()
    for i in range(N):
        Image.new("L", (4, 4), i).save(tmp_path / "images" / f"{name} {i}.png")
    coords = {"stimulus_id": ("stimulus", [f"{name} {i}.png" for i in order]), "region": ("neuroid", [name] * K)}
    found = read(tmp_path / "images", write_nc(tmp_path / "r.nc", RATES[order], coords))
    np.testing.assert_allclose(found["rate"].values, RATES)
    assert set(found["region"].values) == {name}
