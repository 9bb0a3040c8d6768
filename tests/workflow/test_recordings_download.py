"""Recordings of one's own at addresses: the same as at paths; downloaded once, resumed, refused."""

import hashlib

import numpy as np
import pytest
import xarray as xr
import yaml

from tests.loopback import Loopback
from ventral.data.responses import read_responses

TARGETS = ("results/responses/web.nc", "results/images/web.h5")


@pytest.fixture
def server():
    with Loopback() as server:
        yield server


@pytest.fixture
def run(recordings, snakemake, server):
    """Run a study of the recordings at addresses (`web`) and at paths (`own`); the finished process."""

    def run(*arguments, responses="responses.npy", faults=(), pinned=None):
        files = {"images": recordings / "images.zip", "responses": recordings / responses}
        at = {key: server.add(f"/{file.name}", file.read_bytes(), *faults) for key, file in files.items()}
        hashes = {key: hashlib.sha256(file.read_bytes()).hexdigest() for key, file in files.items()}
        study = {
            "datasets": {
                "web": at | {"sha256": hashes | (pinned or {})},
                "own": {k: str(file) for k, file in files.items()},
            },
            "networks": {"pixels": {"architecture": "pixels"}, "labels": {"architecture": "labels"}},
            "device": "cpu",
        }
        (recordings / "study.yaml").write_text(yaml.safe_dump(study))
        return snakemake(recordings, *arguments, "--configfile", "study.yaml")

    return run


def downloads(folder):
    return sorted(path.name for path in (folder / "resources" / "files").rglob("*") if path.is_file())


def test_an_address_and_a_path_give_the_same_and_a_cut_download_goes_on(run, server, recordings):
    done = run(*TARGETS, "results/responses/own.nc", faults=["cut"])
    assert done.returncode == 0, done.stdout
    assert downloads(recordings) == ["images.zip", "responses.npy"]
    assert any(span for _, span in server.asked)
    web, own = (read_responses(recordings / f"results/responses/{name}.nc") for name in ("web", "own"))
    labels = ["neuroid_id", "session"]  # which hold the dataset's name
    xr.testing.assert_identical(web.drop_vars(labels), own.drop_vars(labels))
    asked = len(server.asked)
    assert "Nothing to be done" in run(*TARGETS).stdout and len(server.asked) == asked


def test_another_file_than_pinned_is_one_line_and_no_file(run, recordings):
    done = run(*TARGETS, pinned={"responses": "0" * 64})
    assert done.returncode != 0 and "Traceback" not in done.stdout
    (line,) = {line for line in done.stdout.splitlines() if line.startswith("error: ")}
    assert line.endswith(
        "wrong sha256; check the connection and run again, or copy the file to this machine and give its path"
    )
    assert "responses.npy" not in downloads(recordings)


def test_labels_in_netcdf_at_an_address_shape_the_plan(run, server, recordings):
    rates = np.load(recordings / "responses.npy")
    labels = {"category_name": ("stimulus", ["cups", "dogs"] * (len(rates) // 2))}
    xr.Dataset({"rate": (("stimulus", "neuroid"), rates)}, labels).to_netcdf(recordings / "rates.nc", engine="h5netcdf")
    planned = run("--dry-run", "results/tables/scores.csv", responses="rates.nc").stdout
    assert "results/activations/web/labels.h5" in planned and "results/activations/own/labels.h5" in planned
    assert downloads(recordings) == ["rates.nc"]
    server.files.clear()
    (recordings / "resources").rename(recordings / "moved")
    done = run("--dry-run", responses="rates.nc", pinned={"responses": "1" * 64})
    assert done.returncode != 0 and done.stdout.count("wrong sha256; check the connection") == 1
