"""`predict` on the image files of a study gives its predictions, for any dataset and any encoder."""

import h5py
import numpy as np
import pytest
import yaml
from PIL import Image

from ventral.data.images import find_stimuli, open_images
from ventral.data.responses import read_responses
from ventral.data.xiao.simulation import simulate_dandiset
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.keep.reading import predict_images

N, SIDE = 48, 40
SESSION = "Sa240101"
# Folders of images, by the names of the datasets; sizes are (width, height).
SIZES = {"wide": lambda i: (SIDE, 24), "mixed": lambda i: (20 + 7 * (i % 5), 60 - 9 * (i % 4))}
# One network that takes images as they are, one that resizes them; a readout each, and one that is trained.
ENCODERS = ("pixels-ridge_loo", "net-pls", "cnn-linear")
STUDY = {
    "bootstrap": 100,
    "device": "cpu",
    "networks": {
        "net": {"architecture": "cornet_z", "layers": ["V1.output", "V2.output"], "image_size": 32},
        "pixels": {"architecture": "pixels"},
    },
    "readouts": {"ridge_loo": {"alpha": "loo"}, "pls": {"pls": 3}},
    "trained": {"cnn": {"network": "cnn", "cnn": {"channels": [4, 8]}, "epochs": 2}},
}


def predictions_differ(folder, dataset, encoder, files):
    """The largest difference between what the study predicted and what `predict` does, in sd of a neuroid's rates.

    `files` gives the image file of a stimulus.
    """
    predicted = read_responses(folder / f"results/predictions/{dataset}/holdout/{encoder}.nc")
    rates = read_responses(folder / f"results/responses/{dataset}.nc")["rate"].values
    shown = [files(stimulus) for stimulus in predicted["stimulus_id"].values]
    _, again, _ = predict_images(folder / f"results/encoders/{dataset}/holdout/{encoder}", shown)
    return np.nanmax(np.abs(again - chosen_predictions(predicted)) / np.nanstd(rates, axis=0))


def cards(datasets):
    return [f"results/encoders/{dataset}/holdout/{encoder}/card.json" for dataset in datasets for encoder in ENCODERS]


@pytest.fixture(scope="module")
def own(snakemake, tmp_path_factory):
    """A finished study of recordings of one's own, of two folders of images."""
    folder, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    study = STUDY | {"datasets": {}}
    for name, size in SIZES.items():
        (folder / name).mkdir()
        colours = rng.integers(0, 256, (N, 5, 5, 3), dtype=np.uint8)
        for i, image in enumerate(colours):
            Image.fromarray(image).resize(size(i), Image.Resampling.BICUBIC).save(folder / name / f"{i}.png")
        rates = colours.reshape(N, -1) / 64 @ rng.normal(size=(75, 3))
        np.save(folder / f"{name}.npy", rates + rng.normal(0, 0.5, rates.shape))
        study["datasets"][name] = {"images": name, "responses": f"{name}.npy"}
        study["datasets"][name] |= {"image_size": 36} if name == "mixed" else {}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    done = snakemake(folder, *cards(SIZES), "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("dataset", SIZES)
def test_images_of_ones_own(own, dataset, encoder):
    assert predictions_differ(own, dataset, encoder, lambda stimulus: own / dataset / stimulus) < 1e-4


@pytest.mark.parametrize("dataset, side", [("wide", SIDE), ("mixed", 36)])
def test_images_of_ones_own_are_squares_on_grey(own, dataset, side):
    with h5py.File(own / f"results/images/{dataset}.h5") as file:
        assert file["images"].shape == (N, side, side, 3)
        image = file["images"][0]
    corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 128).all() and (image != 128).any()


@pytest.fixture(scope="module")
def free_viewing(snakemake, tmp_path_factory):
    """A finished study of one free-viewing session."""
    folder = tmp_path_factory.mktemp("free_viewing")
    simulate_dandiset(folder / "simulated", n_stimuli=40, minutes=1.5, n_units=4, seed=0)
    parts = {"path": "000628", "tables": "db", "stimuli": "Stimuli"}
    xiao = {"source": "files", "sessions": [SESSION], "image_size": 32}
    xiao |= {name: f"simulated/{part}" for name, part in parts.items()}
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | {"datasets": {"xiao": xiao}}))
    done = snakemake(folder, *cards(["xiao"]), "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.mark.parametrize("encoder", ENCODERS)
def test_images_of_free_viewing(free_viewing, encoder):
    images = free_viewing / "simulated" / "Stimuli"
    names, _ = open_images(images)

    def file_of(stimulus):
        return images / find_stimuli(names, [stimulus], images)[0][stimulus]

    assert predictions_differ(free_viewing, "xiao", encoder, file_of) < 1e-4
