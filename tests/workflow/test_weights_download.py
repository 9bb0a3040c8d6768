"""Weights at an address: downloaded, checked, refused, resumed, left out; only trained weights pass the check."""

import hashlib
import io
import runpy
from pathlib import Path
from types import SimpleNamespace

import h5py
import pandas as pd
import pytest
import torch
import yaml

from tests.loopback import Loopback
from ventral.networks.published import weights_key
from ventral.networks.zoo import build_network

SCRIPTS = Path(__file__).parents[2] / "scripts"
GRAMS = "results/activations/mine/net.h5"
NETWORK = """
from torch import nn


def net():
    return nn.Sequential(nn.Conv2d(3, 400, 3, stride=8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def conv_state() -> bytes:
    """A state dict that fits the network, larger than a chunk of a download."""
    torch.manual_seed(1)
    buffer = io.BytesIO()
    torch.save({"0.weight": torch.randn(400, 3, 3, 3), "0.bias": torch.randn(400)}, buffer)
    return buffer.getvalue()


BODY = conv_state()
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server():
    with Loopback() as server:
        yield server


@pytest.fixture
def run(recordings, snakemake):
    """Run a study of the user's own network, with weights and sha256 as given; the finished process."""
    (recordings / "net.py").write_text(NETWORK)

    def run(weights, *arguments, download_weights=True, **settings):
        network = {"architecture": "net.py:net", "weights": weights, "layers": ["2"], "image_size": 32, **settings}
        study = {
            "datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}},
            "networks": {"net": network},
            "download_weights": download_weights,
            "device": "cpu",
        }
        (recordings / "study.yaml").write_text(yaml.safe_dump(study))
        return snakemake(recordings, *arguments, "--configfile", "study.yaml")

    return run


def downloads(folder):
    return [path for path in (folder / "resources" / "weights").glob("*")]


def test_weights_at_an_address_are_fetched_once_and_used(run, server, recordings):
    url = server.add("/net.pth", BODY)
    done = run(url, GRAMS, sha256=SHA256)
    assert done.returncode == 0, done.stdout
    (file,) = downloads(recordings)
    assert file.read_bytes() == BODY
    with h5py.File(recordings / GRAMS) as grams:
        assert grams.attrs["weights"] == "file"
    log = recordings / "results" / "logs" / "download_weights" / f"{file.name}.log"
    assert f"{file.name}: 0.0 of 0.0 MB in " in log.read_text()
    assert "Nothing to be done" in run(url, "-n", GRAMS, sha256=SHA256).stdout
    assert "check_weights" in run(url, "-n", "results/weights/net.csv", sha256=SHA256).stdout


def test_other_weights_than_pinned_are_one_line_and_no_file(run, server, recordings):
    done = run(server.add("/net.pth", BODY), GRAMS, sha256=SHA256[::-1])
    assert done.returncode != 0 and "Traceback" not in done.stdout
    (line,) = {line for line in done.stdout.splitlines() if line.startswith("error: ")}
    assert line.endswith("wrong sha256; check the connection and run again")
    assert downloads(recordings) == []


def test_an_interrupted_download_is_taken_up_by_the_next_run(run, server, recordings):
    url = server.add("/net.pth", BODY, "cut", always="403")
    done = run(url, GRAMS, sha256=SHA256)
    assert done.returncode != 0
    (part,) = downloads(recordings)
    assert part.suffix == ".part" and 0 < part.stat().st_size < len(BODY)
    server.always["/net.pth"] = ""
    done = run(url, GRAMS, sha256=SHA256)
    assert done.returncode == 0, done.stdout
    assert server.asked[-1][1].startswith("bytes=")
    assert [file.read_bytes() for file in downloads(recordings)] == [BODY]


def test_killed_in_mid_download_it_is_taken_up_by_the_next_run(run, server, recordings, kill_when, snakemake):
    url = server.add("/net.pth", BODY, "stall")
    run(url, "-n", GRAMS, sha256=SHA256)  # writes the study
    arguments = (GRAMS, "--configfile", "study.yaml")
    kill_when(lambda: any(file.stat().st_size for file in downloads(recordings)), recordings, *arguments)
    (part,) = downloads(recordings)
    assert part.suffix == ".part" and 0 < (arrived := part.stat().st_size) < len(BODY)
    assert snakemake(recordings, *arguments, "--unlock").returncode == 0
    done = snakemake(recordings, *arguments)
    assert done.returncode == 0, done.stdout
    assert server.asked[-1][1] == f"bytes={arrived}-"
    assert [file.read_bytes() for file in downloads(recordings)] == [BODY]


def test_without_a_hash_it_says_how_to_pin(run, server):
    url = server.add("/net.pth", BODY)
    done = run(url, f"resources/weights/{weights_key('net.py:net', url)}")
    assert done.returncode == 0, done.stdout
    assert f"not checked; to pin these weights, set sha256: {SHA256}" in done.stdout


def test_a_page_in_place_of_weights_is_not_kept_and_a_signed_address_works(run, server, recordings):
    url = server.add("/net.pth", b"<!doctype html><title>Log in</title>") + f"?X-Amz-Signature={'0{a}%2F' * 60}&id=1"
    done = run(url, GRAMS)
    assert done.returncode != 0 and "Traceback" not in done.stdout and "to pin it" not in done.stdout
    assert ": a web page came in its place; check the connection and run again" in done.stdout
    assert downloads(recordings) == []
    server.add("/net.pth", BODY)
    done = run(url, GRAMS)
    assert done.returncode == 0, done.stdout
    (file,) = downloads(recordings)
    assert file.read_bytes() == BODY and "Signature" not in file.name


def test_where_downloads_are_off_weights_are_random_and_called_so(run, server, recordings):
    url = server.add("/net.pth", BODY)
    done = run(url, GRAMS, download_weights=False, sha256=SHA256)
    assert done.returncode == 0, done.stdout
    assert not server.asked and not downloads(recordings)
    with h5py.File(recordings / GRAMS) as grams:
        assert grams.attrs["weights"] == "random in place of pretrained"
    again = run(url, "-n", GRAMS, sha256=SHA256)
    assert "rule download_weights" in again.stdout and "rule extract_activations" in again.stdout


def test_faults_are_told_before_any_job(recordings, snakemake):
    faults = {
        ("pretrained", None): "nobody publishes 'pretrained' of net.py:net; give random",
        ("http://example.org/net.pth", None): "http://example.org/net.pth could be changed on its way; give an https",
        ("random", SHA256): "sha256 is for weights at an https address; leave it out",
    }
    networks = {
        f"net{i}": {"architecture": "net.py:net", "weights": weights} | ({"sha256": sha256} if sha256 else {})
        for i, (weights, sha256) in enumerate(faults)
    }
    study = {"datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}}, "networks": networks}
    (recordings / "study.yaml").write_text(yaml.safe_dump(study))
    done = snakemake(recordings, "-n", "--configfile", "study.yaml")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    for i, fault in enumerate(faults.values()):
        assert f"study.yaml: networks.net{i}.weights: {fault}" in done.stdout


def render_objects(folder, n_images, image_size):
    """Draw the images of the check where the rule would, but fewer and smaller."""
    output = folder / "resources" / "objects.h5"
    job = SimpleNamespace(
        params=SimpleNamespace(n_images=n_images, image_size=image_size),
        output=SimpleNamespace(images=str(output)),
        log=[str(folder / "objects.log")],
    )
    runpy.run_path(str(SCRIPTS / "render_objects.py"), {"snakemake": job})
    with h5py.File(output) as file:
        assert file["images"].shape == (n_images, image_size, image_size, 3)
        assert len(set(file["category_name"].asstr()[:])) == 8


def test_trained_weights_are_told_from_random_ones_posing_as_trained(recordings, snakemake):
    random = {"architecture": "efficientnet_lite0", "weights": "random", "layers": "auto"}
    model = build_network("random", random, weights_file=None, seed=5).model
    torch.save(model.state_dict(), recordings / "posing.pth")
    lite = {"architecture": "efficientnet_lite0", "image_size": 96}
    study = {
        "datasets": {"mine": {"images": "images.zip", "responses": "responses.npy"}},
        "networks": {"trained": lite | {"weights": "pretrained"}, "posing": lite | {"weights": "posing.pth"}},
    }
    (recordings / "study.yaml").write_text(yaml.safe_dump(study))
    render_objects(recordings, 80, 64)
    checks = [f"results/weights/{name}.csv" for name in ("trained", "posing")]
    done = snakemake(recordings, *checks, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    trained, posing = (pd.read_csv(recordings / check).iloc[0] for check in checks)
    assert list(trained.index) == [
        *("network", "weights", "layer", "n_images", "accuracy", "accuracy_random", "difference", "low", "high"),
        "passed",
    ]
    assert (trained["weights"], trained["n_images"], trained["passed"]) == ("pretrained", 80, True)
    assert (posing["weights"], posing["passed"]) == ("file", False)
    assert "right, its random copy" in done.stdout and "NO better than its random copy" in done.stdout
