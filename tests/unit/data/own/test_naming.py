"""Rows of responses belong to the images that they name, in whatever way people write names."""

import unicodedata

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from ventral.data.own.naming import match_names
from ventral.data.own.recordings import read_recordings
from ventral.files.errors import InputError

IMAGES = ["cat/c1.png", "cat/c2.png", "dog/Bär.png", "dog/d2.png"]
NFD = [unicodedata.normalize("NFD", name) for name in IMAGES]
SETTINGS = {"name": "mine", "layout": ["stimulus", "neuroid"], "region": "IT", "subject": "Tito", "units": "Hz"}
N = 6


@pytest.mark.parametrize("images", [IMAGES, NFD])
@pytest.mark.parametrize(
    "given",
    [
        IMAGES,
        NFD,
        [name.rpartition("/")[2] for name in IMAGES],
        [name.replace("/", "\\") for name in IMAGES],
        [f"C:\\study\\images\\{name}".replace("/", "\\") for name in IMAGES],
        [f"/home/someone/images/{name}" for name in NFD],
        [f"./{name}" for name in IMAGES],
        [name.upper() for name in IMAGES],
        [name.removesuffix(".png") for name in IMAGES],
        [f" {name} " for name in IMAGES],
    ],
)
def test_names_as_people_write_them(given, images):
    assert match_names(given[::-1], images, "r.csv", "image").tolist() == [3, 2, 1, 0]


@pytest.mark.parametrize(
    "given, images, words",
    [
        (["c1.png"], ["cat/c1.png", "dog/c1.png"], "c1.png: may be any of cat/c1.png, dog/c1.png; write it with its"),
        (["C1.PNG"], ["c1.png", "c1.PNG"], "C1.PNG: may be any of"),
        (["c1"], ["c1.png", "c1.jpg"], "c1: may be any of c1.png, c1.jpg"),
        (["cat/c1.png"], ["dog/c1.png"], "not among the images: dog/c1.png lies in another folder"),
        (["c1.bmp"], ["c1.png"], "not among the images, which hold c1.png"),
        (["cat/c1.png", "dog/c1.png"], ["c1.png"], "cat/c1.png names the image c1.png too"),
        (["c3.png", "", np.nan], IMAGES, "image , c3.png, nan: not among the images"),
    ],
)
def test_names_that_are_not_plain(given, images, words):
    with pytest.raises(InputError, match=r"^r\.csv: ") as error:
        match_names(given, images, "r.csv", "image")
    assert words in str(error.value)


def test_letters_of_the_very_name_come_first():
    assert match_names(["a.png", "A.png", "a"], ["A.png", "a.png", "a"], "r.csv", "image").tolist() == [1, 0, 2]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for i in range(N):
        Image.new("L", (4, 4), i).save(folder / f"{i + 1}.png")
    return folder


RATES = np.random.default_rng(0).normal(10, 3, (N, 3))
ORDER = np.array([3, 0, 5, 1, 4, 2])  # of the images, as the rows are shuffled


def read(images, path):
    return read_recordings(images, path, SETTINGS, {"val": 0.2, "test": 0.2}, seed=0)["rate"].values


def write_nc(path, values, **variables):
    """`rate` of `values`, with coordinates, or with variables where a name begins with `var_`."""
    coords = {name: item for name, item in variables.items() if not name.startswith("var_")}
    others = {name.removeprefix("var_"): item for name, item in variables.items() if name.startswith("var_")}
    data = xr.Dataset({"rate": (("stimulus", "neuroid"), values), **others}, coords)
    data.to_netcdf(path, engine="h5netcdf")
    return path


FILES = [f"{i + 1}.png" for i in ORDER]


@pytest.mark.parametrize(
    "carried",
    [
        {"stimulus_id": ("stimulus", FILES)},
        {"stimulus": ("stimulus", FILES)},
        {"var_image_file_name": ("stimulus", FILES)},
        {"picture": ("stimulus", FILES)},  # by its values alone
        {"stimulus_id": ("stimulus", [name.removesuffix(".png") for name in FILES])},
        {"stimulus_id": ("stimulus", ORDER + 1)},
        {"stimulus": ("stimulus", ORDER + 1.0)},
        {"stimulus_id": ("stimulus", FILES), "object_name": ("stimulus", list("abcabc"))},
        {"Image": ("stimulus", FILES)},
    ],
)
def test_names_in_a_netcdf_decide(tmp_path, images, carried, capsys):
    path = write_nc(tmp_path / "r.nc", RATES[ORDER], **carried)
    np.testing.assert_allclose(read(images, path), RATES)
    assert "rows go to the images that" in capsys.readouterr().err


@pytest.mark.parametrize("carried", [{}, {"stimulus": ("stimulus", np.arange(N))}, {"x": ("stimulus", np.ones(N))}])
def test_without_names_the_order_decides_and_is_said(tmp_path, images, carried, capsys):
    np.testing.assert_allclose(read(images, write_nc(tmp_path / "r.nc", RATES, **carried)), RATES)
    assert "no names of images, so rows are taken in the order of the images" in capsys.readouterr().err


def test_an_image_that_is_named_twice_was_shown_twice(tmp_path, images):
    path = write_nc(tmp_path / "r.nc", np.concatenate([RATES, RATES + 2]), stimulus_id=("stimulus", 2 * FILES))
    shown = read_recordings(images, path, SETTINGS, {"val": 0.2, "test": 0.2}, seed=0)
    np.testing.assert_allclose(shown["rate"].values[ORDER], RATES + 1)
    assert (shown["n_presentations"] == 2).all()


@pytest.mark.parametrize(
    "carried, words",
    [
        ({"stimulus_id": ("stimulus", [*FILES[:-1], "9.png"])}, "stimulus_id 9.png: not among the images"),
        ({"image": ("stimulus", [f"a{i}" for i in range(N)])}, "image a0, a1, a2, ... (6 in all): not among"),
        (
            {"picture": ("stimulus", [f"a{name}" for name in FILES])},
            "picture a1.png, a2.png, a3.png, ... (6 in all): not",
        ),
        ({"x": ("stimulus", [f"D:\\old\\{i}.JPG" for i in ORDER])}, "x D:\\old\\0.JPG"),
        ({"stimulus_id": ("stimulus", ORDER * 10)}, "stimulus_id: numbers that are not names of images"),
        (
            {"stimulus_id": ("stimulus", FILES), "image": ("stimulus", FILES[::-1])},
            "names 3.png in row 1, where stimulus_id names 4.png",
        ),
    ],
)
def test_names_that_do_not_fit(tmp_path, images, carried, words):
    with pytest.raises(InputError) as error:
        read(images, write_nc(tmp_path / "r.nc", RATES[ORDER], **carried))
    assert words in str(error.value)


@pytest.mark.parametrize(
    "name, text",
    [
        ("r.csv", "image,object\n" + "".join(f"{file},x\n" for file in FILES)),
        ("r_stimuli.tsv", "trial\timage_file_name\n" + "".join(f"{i}\t{file}\n" for i, file in enumerate(FILES))),
        ("stimuli.csv", "stimulus_id;object\n" + "".join(f"{file};x\n" for file in FILES)),
        ("images.txt", "\n".join(FILES)),
    ],
)
def test_a_table_beside_an_array_names_its_stimuli(tmp_path, images, name, text, capsys):
    np.save(tmp_path / "r.npy", RATES[ORDER])
    (tmp_path / name).write_text(text)
    np.testing.assert_allclose(read(images, tmp_path / "r.npy"), RATES)
    assert f"rows go to the images that {name}" in capsys.readouterr().err


def test_a_table_of_other_length_beside_an_array_names_nothing(tmp_path, images, capsys):
    np.save(tmp_path / "r.npy", RATES)
    (tmp_path / "r.csv").write_text("image,a\n" + "".join(f"{file},1\n" for file in FILES * 2))
    np.testing.assert_allclose(read(images, tmp_path / "r.npy"), RATES)
    said = capsys.readouterr().err
    assert "it has 13 rows for 6 stimuli" in said and "in the order of the images" in said


@pytest.mark.parametrize("names", [[f"no {file}" for file in FILES], [f"set/{file}x.jpg" for file in FILES]])
def test_a_table_of_other_images_beside_an_array_is_refused_without_a_header_too(tmp_path, images, names):
    np.save(tmp_path / "r.npy", RATES[ORDER])
    (tmp_path / "stimuli.csv").write_text("\n".join(names))
    with pytest.raises(InputError, match=r"r.npy: stimuli.csv column_1 .*: not among the images"):
        read(images, tmp_path / "r.npy")


def test_names_of_other_files_beside_those_of_the_images_are_no_matter(tmp_path, images):
    masks = [f"mask_{file}" for file in FILES]
    path = write_nc(tmp_path / "r.nc", RATES[ORDER], image=("stimulus", FILES), mask=("stimulus", masks))
    np.testing.assert_allclose(read(images, path), RATES)
