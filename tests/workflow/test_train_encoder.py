"""An encoder trained by the workflow: killed in the middle of an epoch and continued, with one seed and another."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from PIL import Image

from ventral.encoders.keep.reading import read_card

REPO = Path(__file__).parents[2]
N = 64
FILES = ("results/predictions/mine/holdout/net-linear.nc", "results/training/mine/holdout/net-linear.csv")
CHECKPOINTS = "resources/training/mine/holdout/net-linear"
STUDY = {
    "device": "cpu",
    "datasets": {"mine": {"images": "images", "responses": "responses.npy"}},
    "networks": {"pixels": {"architecture": "pixels"}},
    "readouts": {"ridge": {"alpha": 1}},
    "trained": {"net": {"network": "cnn", "image_size": 64, "shift": 2, "dropout": 0.2, "epochs": 12, "patience": 12}},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with recordings that hang on colour, and a study of them."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "images").mkdir()
    pixels = np.repeat(np.repeat(rng.integers(0, 256, (N, 4, 4, 3), dtype=np.uint8), 8, axis=1), 8, axis=2)
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "images" / f"{i:02}.png")
    np.save(folder / "responses.npy", pixels.mean(axis=(1, 2)) + rng.normal(0, 3, (N, 3)))
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    return folder


@pytest.fixture(scope="module")
def trained(inputs, snakemake, tmp_path_factory):
    """A folder in which the encoder was trained, undisturbed."""
    folder = tmp_path_factory.mktemp("trained") / "study"
    shutil.copytree(inputs, folder)
    done = snakemake(folder, *FILES, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    return folder


def epochs_saved(folder, n):
    """Tells, asked all the time, whether the checkpoint has been written n times."""
    checkpoint, written = folder / CHECKPOINTS / "split0" / "seed0" / "checkpoint.pt", set()

    def ready():
        written.update([checkpoint.stat().st_mtime_ns] if checkpoint.exists() else [])
        return len(written) >= n

    return ready


def hashes(folder):
    """sha256 of the encoder's weights and of its predictions."""
    encoder = folder / "results" / "encoders" / "mine" / "holdout" / "net-linear"
    return {name: hashlib.sha256((encoder / name).read_bytes()).hexdigest() for name in read_card(encoder)["files"]}


def predictions(folder):
    with xr.open_dataset(folder / FILES[0], engine="h5netcdf") as dataset:
        return dataset["prediction"].values


def test_it_leaves_curves_predictions_and_an_encoder_but_no_checkpoint(trained):
    assert not (trained / CHECKPOINTS).exists()
    assert np.isfinite(predictions(trained)).all() and len(hashes(trained)) == 1
    card = read_card(trained / "results" / "encoders" / "mine" / "holdout" / "net-linear")
    assert card["dataset"] == "mine" and card["name"] == "net-linear" and card["entry"]["epochs"] == 12
    assert np.mean(card["scores"]["test"]["explained_variance"]) > 0  # the untrained start, the mean rate, has 0


def test_killed_in_mid_epoch_it_ends_with_the_same_weights(inputs, trained, snakemake, kill_when, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(inputs, folder)
    kill_when(epochs_saved(folder, 3), folder, *FILES, "--configfile", "study.yaml")
    assert not (folder / FILES[0]).exists()
    assert snakemake(folder, *FILES, "--configfile", "study.yaml", "--unlock").returncode == 0
    again = snakemake(folder, *FILES, "--configfile", "study.yaml", "--rerun-incomplete")
    assert again.returncode == 0, again.stdout
    assert "resumes after epoch" in again.stdout
    assert hashes(folder) == hashes(trained)
    for file in FILES:
        assert (folder / file).read_bytes() == (trained / file).read_bytes()


def test_another_seed_gives_others(inputs, trained, snakemake, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(inputs, folder)
    done = snakemake(folder, *FILES, "--configfile", "study.yaml", "--config", "seed=1")
    assert done.returncode == 0, done.stdout
    assert hashes(folder) != hashes(trained)


@pytest.mark.parametrize(
    "change, fault",
    [
        ({"network": "resnet5"}, "trained.net.network: no network 'resnet5'; known are: cnn, hybrid, pixels"),
        ({"learning_rate": 1e12}, "the loss is"),
    ],
)
def test_bad_input_is_one_line(inputs, snakemake, tmp_path, change, fault):
    folder = tmp_path / "study"
    shutil.copytree(inputs, folder)
    entry = STUDY["trained"]["net"] | change
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | {"trained": {"net": entry}}))
    done = snakemake(folder, FILES[0], "--configfile", "study.yaml")
    assert done.returncode != 0
    lines = [line for line in done.stdout.splitlines() if fault in line]
    assert lines and "Traceback" not in done.stdout
