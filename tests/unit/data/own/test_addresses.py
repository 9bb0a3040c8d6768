"""Recordings of one's own at addresses: what the keys must say, where the files go, and what is known of them."""

import hashlib

import numpy as np
import pytest
import xarray as xr

from tests.loopback import Loopback
from ventral.files.errors import InputError
from ventral.study.config import complete
from ventral.study.faults import check_config
from ventral.study.recordings import source_of

A, B = "a" * 64, "b" * 64
HASHES = {"images": A, "responses": B}
LAB = {"images": "https://lab.example/v4/images.zip", "responses": "https://lab.example/r.npy?id=3", "sha256": HASHES}


def test_files_at_addresses_go_to_folders_of_their_hashes():
    lab = source_of("lab", LAB)
    assert list(lab.faults()) == []
    assert lab.from_outside() == [f"resources/files/{A[:16]}/images.zip", f"resources/files/{B[:16]}/r.npy"]
    assert lab.image_files() == {"images": f"resources/files/{A[:16]}/images.zip", "labels": []}
    assert {name: (entry.urls, entry.digest) for name, entry in lab.fetched().items()} == {
        f"{A[:16]}/images.zip": (("https://lab.example/v4/images.zip",), f"sha256:{A}"),
        f"{B[:16]}/r.npy": (("https://lab.example/r.npy?id=3",), f"sha256:{B}"),
    }
    other = source_of("other", LAB | {"region": "V4"})
    assert list(other.downloads()) == list(lab.downloads())


def test_a_path_and_an_address_go_together():
    mixed = source_of("lab", {**LAB, "images": "images.zip", "sha256": {"responses": B}})
    assert list(mixed.faults()) == [] and mixed.image_files()["images"] == "images.zip"
    assert list(mixed.fetched()) == [f"{B[:16]}/r.npy"]


@pytest.mark.parametrize(
    "address, name",
    [
        ("https://lab.example/a/../r.npy", "r.npy"),
        ("https://osf.io/abcde/download#r.csv", "r.csv"),
        ("https://lab.example/a%20{b}.nc", "a_20_b_.nc"),
        ("https://lab.example/x#../../r.npy", "r.npy"),
        ("https://lab.example/a/..", "responses"),
    ],
)
def test_the_name_of_a_download_is_plain_and_keeps_its_suffix(address, name):
    assert list(source_of("lab", LAB | {"images": "a.zip", "responses": address}).fetched()) == [f"{B[:16]}/{name}"]


@pytest.mark.parametrize(
    "keys, fault",
    [
        ({"sha256": {"images": A}}, "responses: an address needs the hash of its file; add sha256: {responses: ..}"),
        ({"images": "images.zip"}, "sha256.images: is for a file at an address; leave it out"),
        (
            {"images": "http://lab.example/i.zip"},
            "images: http://lab.example/i.zip could be changed on its way; give an",
        ),
        (
            {"responses": "https://osf.io/abcde/download"},
            "responses: the address does not say the format; add the name",
        ),
        ({"sha256": HASHES | {"images": "ab"}}, "sha256.images: 'ab' is not allowed; give its sha256, 64 digits"),
        ({"images": 5}, "images: 5 is not allowed; give a path or an https address"),
    ],
)
def test_addresses_that_cannot_be_used_are_one_line(keys, fault):
    (line,) = check_config({"datasets": {"lab": LAB | keys}})
    assert line.startswith(f"datasets.lab.{fault}")


def test_an_address_is_no_path_of_the_config():
    config = {"datasets": {"lab": dict(LAB)}, "networks": {"pixels": {"architecture": "pixels"}}}
    assert complete(config) == [] and config["datasets"]["lab"]["images"] == LAB["images"]
    config = {"datasets": {"lab": LAB | {"images": "none.zip", "sha256": {"responses": B}}}}
    assert complete(config) == ["datasets.lab.images: no such file or folder 'none.zip'; correct the path"]


def test_labels_of_netcdf_at_an_address_are_known_before_any_job(tmp_path, monkeypatch):
    labels = {"category_name": ("stimulus", ["cups", "dogs"])}
    xr.Dataset({"rate": (("stimulus", "neuroid"), np.zeros((2, 3)))}, labels).to_netcdf(tmp_path / "r.nc")
    body = (tmp_path / "r.nc").read_bytes()
    monkeypatch.chdir(tmp_path)
    with Loopback() as server:
        url = server.add("/r.nc", body)
        right, wrong = (
            source_of("lab", {"images": "a.zip", "responses": url, "sha256": {"responses": digest}})
            for digest in (hashlib.sha256(body).hexdigest(), B)
        )
        right.prepare()
        assert right.labels == {"category_name"} and not list(right.downloads())
        right.prepare()
        assert len(server.asked) == 1
        with pytest.raises(InputError, match=r"wrong sha256; .* give its path$"):
            wrong.prepare()
    source_of("lab", LAB).prepare()  # an array has no labels of its own
