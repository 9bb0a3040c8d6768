"""Sessions of Cowley et al. 2023, in small files of the repository's layout."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ventral.data.alike import tell_alike
from ventral.data.images import write_images
from ventral.data.sources.cowley_v4 import FILES
from ventral.files.errors import InputError
from ventral.similarity.regions import region_rdms
from ventral.study.faults import check_config
from ventral.study.recordings import reader_settings, source_of

N, K, R = 12, 4, 5  # images, sites, repeats of a session
STUDY = {"split": {"val": 0.2, "test": 0.2}, "seed": 0}


def picture(seed: int, side: int = 112) -> bytes:
    """A JPEG that differs from those of other seeds."""
    rng, buffer = np.random.default_rng(seed), io.BytesIO()
    blocks = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST).save(buffer, "JPEG")
    return buffer.getvalue()


def write_session(folder: Path, session: str, seed: int = 0, inside: str = "", **changes) -> np.ndarray:
    """Write the three files of a session; returns the (site, image, repeat) counts.

    Args:
        folder: that of the repository.
        session: its name.
        seed: of images and counts.
        inside: folder in the archive.
        changes: `members` of the archive, by name; `counts`.
    """
    files = {kind: folder / "data_V4_responses" / name.format(session) for kind, name in FILES.items()}
    for file in files.values():
        file.parent.mkdir(parents=True, exist_ok=True)
    counts = np.random.default_rng(seed).poisson(3.0, (K, N, R)).astype(float)
    counts[:, ::2, 3:] = np.nan
    counts = changes.get("counts", counts)
    numbered = {f"image{i:04d}.jpg": picture(100 * seed + i) for i in (10, 11, 12, 3, 2, 1, 9, 8, 7, 6, 5, 4)}
    with zipfile.ZipFile(files["images"], "w") as archive:
        if inside:
            archive.writestr(f"{inside}/", b"")
        for name, data in changes.get("members", numbered).items():
            archive.writestr(f"{inside}/{name}" if inside else name, data)
    np.save(files["raw"], counts)
    if "counts" not in changes:
        np.save(files["mean"], np.nanmean(counts, axis=2))
    return counts


def read(folder: Path, packed: Path, **settings):
    """What the two rules make of a dataset."""
    source = source_of("cowley_v4", {"source": "files", "path": str(folder), **settings})
    assert list(source.faults()) == []
    pictures = source.read_images(source.image_files(), **reader_settings(source, "read_images", STUDY))
    groups = tell_alike(pictures.pixels, pictures.stimulus_id, "test")
    write_images(packed, pictures.pixels, pictures.stimulus_id, {"stimulus_group": groups})
    files = source.response_files() | {"packed": str(packed)}
    return pictures, source.read_responses(files, **reader_settings(source, "read_responses", STUDY))


@pytest.fixture
def packed(tmp_path):
    return tmp_path / "images.h5"


@pytest.mark.parametrize("inside", ["", "images_210325"])
def test_image_k_is_column_k_minus_1_whatever_the_order_and_folder(tmp_path, packed, inside):
    counts = write_session(tmp_path, "210325", inside=inside)
    pictures, responses = read(tmp_path, packed)
    assert list(pictures.stimulus_id) == [f"210325_image{i:04d}" for i in range(1, N + 1)]
    assert list(responses["stimulus_id"].values) == list(pictures.stimulus_id)
    for i in range(N):
        with Image.open(io.BytesIO(picture(i + 1))) as image:
            np.testing.assert_array_equal(pictures.pixels[i], image)
    np.testing.assert_allclose(responses["rate"], 10 * np.nanmean(counts, axis=2).T)
    np.testing.assert_array_equal(responses["n_presentations"].values[:, 0], [3, 5] * (N // 2))
    assert np.isfinite(responses["reliability"]).all() and responses.attrs["units"] == "Hz"
    assert set(responses["region"].values) == {"V4"} and set(responses["subject"].values) == {"PE"}
    assert [(responses["split"] == name).sum().item() for name in ("train", "val", "test")] == [8, 2, 2]


def test_means_are_the_same_rates_without_ceilings(tmp_path, packed):
    write_session(tmp_path, "210325")
    trials, means = (read(tmp_path, packed, trials=trials)[1] for trials in (True, False))
    np.testing.assert_allclose(trials["rate"], means["rate"])
    np.testing.assert_array_equal(trials["split"], means["split"])
    assert (means["n_presentations"] == 1).all() and np.isnan(means["reliability"]).all()


def test_sessions_are_joined_side_by_side(tmp_path, packed):
    counts = {name: write_session(tmp_path, name, seed) for seed, name in enumerate(("190923", "210225", "210325"))}
    pictures, responses = read(tmp_path, packed, sessions=[210325, 190923, "210225"])
    assert list(responses["stimulus_id"].values) == list(pictures.stimulus_id) == sorted(pictures.stimulus_id)
    session = np.array([name.partition("_")[0] for name in pictures.stimulus_id])
    for name, own in counts.items():
        here = responses.isel(neuroid=responses["session"].values == name)
        np.testing.assert_allclose(here["rate"].values[session == name], 10 * np.nanmean(own, axis=2).T)
        assert np.isnan(here["rate"].values[session != name]).all()
        assert (here["n_presentations"].values[session != name] == 0).all()
        assert (responses["split"].values[session == name] == "test").sum() in (2, 3)
    assert set(responses["subject"].values) == {"WE", "PE"}
    assert [part.region for part in region_rdms(responses)] == [f"V4 {name}" for name in counts]


def test_copies_of_a_picture_stay_on_one_side_of_the_split_within_and_across_sessions(tmp_path, packed):
    members = {f"image{i:04d}.jpg": picture(i % 6) for i in range(1, N + 1)}
    for name in ("210312", "210315"):
        write_session(tmp_path, name, members=members)
    _, responses = read(tmp_path, packed, sessions=[210312, 210315])
    groups, splits = responses["stimulus_group"].values, responses["split"].values
    assert len(np.unique(groups)) == 6
    assert all(len(set(splits[groups == group])) == 1 for group in np.unique(groups))


def test_sites_that_do_not_respond_are_left_out_and_named(tmp_path, packed, capsys):
    counts = np.random.default_rng(0).poisson(3.0, (K, N, R)).astype(float)
    counts[1], counts[2] = 0, np.nan
    write_session(tmp_path, "210325", counts=counts)
    _, responses = read(tmp_path, packed)
    assert list(responses["neuroid_id"].values) == ["210325_0", "210325_3"]
    assert "left out: 210325_1, 210325_2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"counts": np.ones((K, N))}, "responses_210325.npy: array: shape (4, 12), not (neuroid, image, repeat)"),
        ({"counts": np.ones((K, N - 1, R))}, "responses_210325.npy: stimuli: 11 in the responses, 12 images"),
        ({"counts": np.zeros((K, N, R))}, "no neuroid whose responses to two images differ"),
        ({"counts": np.full((K, N, R), "a")}, "array: text, not real numbers"),
        ({"counts": np.full((K, N, R), None)}, "array: not a complete .npy file of numbers"),
        ({"members": {"image0001.jpg": picture(1), "image0003.jpg": picture(3)}}, "image 2: not there, or there twice"),
        (
            {"members": {"image0001.jpg": picture(1), "a/image0001.jpg": picture(3)}},
            "image 1: not there, or there twice",
        ),
        ({"members": {"image0001.jpg": picture(1), "other.jpg": picture(3)}}, "other.jpg: not called imageNNNN.jpg"),
        ({"members": {"image0001.jpg": picture(1, side=64)}}, "images: 64 pixels a side, not 112"),
        ({"members": {"image0001.jpg": picture(1), "image0002.jpg": b"?"}}, "image0002.jpg: not a readable image"),
    ],
)
def test_files_that_are_not_those_published_are_one_line(tmp_path, packed, changes, problem):
    write_session(tmp_path, "210325", **changes)
    with pytest.raises(InputError) as error:
        read(tmp_path, packed)
    assert problem in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({}, ["210325"]),
        ({"sessions": {"role": "test"}}, ["190923", "201025", "210225", "210325", "211022"]),
        ({"sessions": {"role": "test", "subject": "PE"}}, ["201025", "210225", "210325"]),
        ({"sessions": {"role": "validation"}}, ["210224"]),
    ],
)
def test_sessions_are_chosen_by_name_role_or_subject(settings, expected):
    assert check_config({"datasets": {"cowley_v4": settings}}) == []
    assert list(source_of("cowley_v4", settings).chosen) == expected


def test_all_sessions_are_those_with_images():
    every = list(source_of("cowley_v4", {"sessions": "all"}).chosen)
    assert len(every) == 45 and not {f"2010{day}" for day in range(16, 21)} & set(every)
    assert (
        sum(len(source_of("a", {"kind": "cowley_v4", "sessions": {"subject": s}}).chosen) for s in ("WE", "PE", "RA"))
        == 45
    )


@pytest.mark.parametrize(
    "settings, fault",
    [
        (
            {"sessions": [210326, 210324, 21]},
            "sessions: [210326, 210324, 21] is not allowed; give session names such as",
        ),
        ({"sessions": [210327]}, "sessions: no session 210327; did you mean 211027?"),
        ({"sessions": [201016]}, "sessions: the images of 201016 are not published; leave it out"),
        ({"sessions": [210325, "210325"]}, "sessions: one is named twice; name it once"),
        ({"sessions": {}}, "sessions: has no condition; give role or subject"),
        ({"sessions": {"role": "validation", "subject": "RA"}}, "sessions: no session meets both conditions"),
        ({"sessions": {"role": "tset"}}, "sessions"),
        ({"source": "files"}, "source: files needs path; add the path of the folder"),
        ({"path": "repository"}, "path: is only for source: files; leave it out"),
        ({"server": "http://lab.example/a"}, "server: http://lab.example/a could be changed on its way; give an https"),
        ({"source": "files", "path": "a", "server": "https://lab.example"}, "server: is only for source: published"),
    ],
)
def test_keys_that_cannot_be_are_one_line(settings, fault):
    (line,) = check_config({"datasets": {"cowley_v4": settings}})
    assert line.startswith(f"datasets.cowley_v4.{fault}")


def test_files_that_a_folder_lacks_are_named_and_means_may_do(tmp_path):
    write_session(tmp_path, "210325")
    folder = tmp_path / "data_V4_responses"
    (folder / FILES["raw"].format("210325")).unlink()
    settings = {"source": "files", "path": str(tmp_path)}
    (line,) = check_config({"datasets": {"cowley_v4": settings}})
    assert line.endswith("responses_raw/responses_210325.npy; copy it there, or set trials: false")
    (line,) = check_config({"datasets": {"cowley_v4": settings | {"path": str(folder), "sessions": [190923]}}})
    assert "images_190923.zip" in line and line.endswith("copy it there")
    assert check_config({"datasets": {"cowley_v4": settings | {"trials": False}}}) == []
