"""Kinds of recordings: what each declares from its keys alone."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ventral.data import sources
from ventral.data.kinds import find_kind, kind_of, kinds
from ventral.data.source import Source
from ventral.study.faults import check_config
from ventral.study.recordings import reader_settings, source_of, sources_of

ROOT = Path(__file__).parents[3]
CONFIG = {"split": {"val": 0.1, "test": 0.2}, "seed": 3}
OWN = {"images": "images.zip", "responses": "rates.npy"}


def test_every_module_of_the_folder_is_a_kind():
    assert {"cowley_v4", "files", "kriegeskorte92", "majaj", "xiao"} <= set(kinds())
    for kind in kinds():
        assert issubclass(find_kind(kind), Source) and find_kind(kind).__module__.endswith(f".{kind}")


@pytest.mark.parametrize(
    "dataset, settings, kind",
    [
        ("majaj", {}, "majaj"),
        ("mine", {}, "files"),
        ("mine", {"kind": "xiao"}, "xiao"),
        ("majaj", {"kind": "files"}, "files"),
        ("majaj", None, "majaj"),
    ],
)
def test_a_name_stands_for_a_kind_only_where_no_kind_is_given(dataset, settings, kind):
    assert kind_of(dataset, settings) == kind


def test_reported_numbers_are_of_kinds():
    with open(ROOT / "config" / "reported.csv") as file:
        assert {row["dataset"] for row in csv.DictReader(file)} & set(kinds()) == {"majaj", "xiao"}


def test_entries_of_a_kind_share_downloads_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    two = {name: source_of(name, {"kind": "majaj", "source": "published"}) for name in ("one", "two")}
    assert two["one"].from_outside() == two["two"].from_outside()
    assert list(two["one"].downloads()) == list(two["two"].downloads()) and len(list(two["one"].downloads())) == 3
    simulated = [source_of(name, {"kind": "majaj", "source": "simulated"}) for name in ("one", "two")]
    assert not set(simulated[0].image_files().values()) & set(simulated[1].image_files().values())
    assert all(source.is_simulated and not source.from_outside() for source in simulated)


def test_what_comes_from_outside_is_that_of_the_own_kind_whatever_the_name():
    """Once every published dataset but two was given the provenance of one."""
    config = {
        "majaj": {"kind": "files"} | OWN,
        "mine": {"kind": "kriegeskorte92"},
        "course": {"kind": "majaj", "source": "course_file", "course_file": "IT.h5"},
        "viewing": {"kind": "xiao", "source": "simulated"},
    }
    found = {name: source.from_outside() for name, source in sources_of({"datasets": config}).items()}
    assert found == {
        "majaj": ["images.zip", "rates.npy"],
        "mine": ["resources/kriegeskorte92.mat"],
        "course": ["IT.h5"],
        "viewing": [],
    }


def test_a_job_has_the_keys_that_its_reader_takes_and_no_others():
    course = source_of("a", {"kind": "majaj", "source": "course_file", "course_file": "IT.h5"})
    assert reader_settings(course, "read_responses", CONFIG) == {"seed": 3}  # it brings its own split
    whole = source_of("a", {"kind": "majaj", "source": "simulated"})
    assert reader_settings(whole, "read_responses", CONFIG) == CONFIG
    assert reader_settings(whole, "read_images", CONFIG) == {}
    mine = source_of("mine", OWN | {"image_size": 32, "region": "V4"})
    assert reader_settings(mine, "read_images", CONFIG) == {"image_size": 32}
    assert reader_settings(mine, "read_responses", CONFIG) == CONFIG | {
        "dataset": "mine",
        "layout": ("stimulus", "neuroid"),
        "region": "V4",
        "subject": "unknown",
        "units": "Hz",
    }
    assert reader_settings(source_of("k", {"kind": "kriegeskorte92"}), "read_responses", CONFIG) == {}


def test_sessions_of_simulated_free_viewing_can_be_chosen():
    chosen = source_of("v4", {"kind": "xiao", "source": "simulated", "sessions": ["Sa240101"]})
    assert list(chosen.stems) == ["Sa240101"] and chosen.has_faces
    assert chosen.session_file("Sa240101", "_image").startswith("resources/v4_simulated/000628/sub-Sa/")
    wrong = source_of("v4", {"kind": "xiao", "source": "simulated", "sessions": ["Sa240102"], "path": "a"})
    assert list(wrong.faults()) == [
        "path: is only for source: files or dandi; leave it out",
        "sessions: no simulated session 'Sa240102'; did you mean Sa240101?",
    ]


def test_an_unknown_session_is_named_with_the_nearest():
    wrong = source_of("it", {"kind": "xiao", "source": "dandi", "sessions": ["Pa210111"]})
    (fault,) = wrong.faults()
    assert fault.startswith("sessions: unknown 'Pa210111'; did you mean Pa21")


def test_crops_have_no_rdms_and_no_faces_to_learn():
    crops = source_of("crops", {"kind": "xiao", "source": "simulated", "crop_degrees": 4})
    assert (crops.has_images, crops.has_rdms, crops.has_faces) == (True, False, False)
    assert source_of("plain", {"kind": "xiao", "source": "files", "sessions": ["An220105"]}).has_images is False


@pytest.mark.parametrize("beside", ["r_stimuli.csv", "stimuli.tsv", "none.csv"])
def test_labels_of_own_recordings_are_found_out_from_their_files(tmp_path, beside):
    np.save(tmp_path / "r.npy", np.zeros((2, 2)))
    separator = "\t" if beside.endswith("tsv") else ","
    rows = ["image", "object_name", "split"], ["a.png", "cup", "train"]
    (tmp_path / beside).write_text("".join(separator.join(row) + "\n" for row in rows))
    mine = source_of("mine", {"images": str(tmp_path), "responses": str(tmp_path / "r.npy")})
    is_known = beside != "none.csv"
    assert mine.labels == ({"object_name"} if is_known else set()) and not mine.has_categories
    assert ("split" in mine.keys_of("read_responses")) != is_known
    assert mine.image_files()["labels"] == ([str(tmp_path / beside)] if is_known else [])
    assert (str(tmp_path / beside) in mine.from_outside()) == is_known


def test_labels_of_netcdf_are_its_coordinates(tmp_path):
    labels = {"category_name": ("stimulus", ["cups", "dogs"]), "object_name": "cup"}
    responses = xr.Dataset({"rate": (("stimulus", "neuroid"), np.zeros((2, 3)))}, labels)
    responses.to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    mine = source_of("mine", {"images": str(tmp_path), "responses": str(tmp_path / "r.nc")})
    assert mine.labels == {"category_name"} and mine.has_categories
    assert mine.image_files()["labels"] == [str(tmp_path / "r.nc")]
    (tmp_path / "r.nc").write_bytes(b"damaged")
    broken = source_of("mine", {"images": str(tmp_path), "responses": str(tmp_path / "r.nc")})
    assert broken.labels == frozenset()  # the reader refuses it


TOY = '''
"""Brightness: neurons that respond to the mean of an image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ventral.data.images import Pictures
from ventral.data.source import Source
from ventral.files.keys import key


@dataclass(frozen=True, kw_only=True)
class Brightness(Source):
    """Neurons that respond to the mean of an image."""

    file: Annotated[Path, key("array of the images, (n, side, side, 3) uint8, .npy")]
    gain: Annotated[float, key("spikes per grey level", gt=0)] = 1.0

    def image_files(self):
        return {"images": str(self.file)}

    def response_files(self):
        return {"images": str(self.file)}

    def from_outside(self):
        return [str(self.file)]

    @staticmethod
    def read_images(files):
        import numpy as np

        pixels = np.load(files["images"])
        return Pictures(pixels, [f"image_{i}" for i in range(len(pixels))])

    @staticmethod
    def read_responses(files, *, gain, split, seed):
        import numpy as np

        from ventral.data.responses import make_responses, reduce_presentations
        from ventral.data.splits import assign_splits

        rates = gain * np.load(files["images"]).mean(axis=(1, 2))
        n, k = rates.shape
        return make_responses(
            reduce_presentations(rates, np.arange(n), n, seed),
            {"stimulus_id": [f"image_{i}" for i in range(n)], "split": assign_splits(n, split, seed)},
            {"neuroid_id": list("rgb"), "region": ["V1"] * k, "subject": ["toy"] * k, "session": ["toy"] * k},
            source="toy",
            units="spikes",
            window_ms=None,
        )


SOURCE = Brightness
'''


def test_one_file_adds_a_kind(tmp_path, monkeypatch):
    (tmp_path / "brightness.py").write_text(TOY)
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8))
    settings = {"kind": "brightness", "file": str(tmp_path / "images.npy")}
    assert "brightness" in kinds()
    assert check_config({"datasets": {"toy": settings}}) == []
    (fault,) = check_config({"datasets": {"toy": settings | {"gain": 0}}})
    assert fault.startswith("datasets.toy.gain: 0 is not allowed")
    toy = source_of("toy", settings | {"gain": 2})
    assert (toy.kind, toy.labels, toy.has_rates, toy.from_outside()) == ("brightness", set(), True, [settings["file"]])
    assert reader_settings(toy, "read_responses", CONFIG) == {"gain": 2.0} | CONFIG
    pictures = toy.read_images(toy.image_files(), **reader_settings(toy, "read_images", CONFIG))
    responses = toy.read_responses(toy.response_files(), **reader_settings(toy, "read_responses", CONFIG))
    np.testing.assert_allclose(responses["rate"], 2 * pictures.pixels.mean(axis=(1, 2)))
