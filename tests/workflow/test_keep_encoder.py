"""An encoder of a finished study is kept on demand, and used on the images of that study."""

import io
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ventral.__main__ import main
from ventral.data.responses import read_responses
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.keep.reading import read_card

KEPT = "results/encoders/majaj/holdout"
LINEAR = ("efficientnet_lite0-ridge_loo", "pixels-pca20-ols")


@pytest.fixture(scope="module")
def kept(study, snakemake, tmp_path_factory) -> Path:
    """A copy of the finished study with two encoders kept, and its images as PNG files in `shown`."""
    folder = tmp_path_factory.mktemp("kept") / "study"
    shutil.copytree(study, folder)
    cards = [f"{KEPT}/{name}/card.json" for name in LINEAR]
    done = snakemake(folder, "--configfile", "config/small.yaml", "--rerun-triggers", "mtime", "--", *cards)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("predictions of held-out stimuli as in the study to ") == 2
    with h5py.File(folder / "results" / "images" / "majaj.h5") as file:
        names, images = file["stimulus_id"].asstr()[:], file["images"][:]
    (folder / "shown").mkdir()
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(folder / "shown" / f"{name}.png")
    return folder


@pytest.mark.parametrize("name", [*LINEAR, "cnn_2-linear"])
def test_a_kept_encoder_predicts_what_the_study_predicted(kept, name, capsys, monkeypatch):
    monkeypatch.chdir(kept)
    assert main(["predict", f"{KEPT}/{name}", "shown", "--device", "cpu"]) == 0
    said = capsys.readouterr()
    card = read_card(f"{KEPT}/{name}")
    assert f"units: {card['units']}\n" in said.err
    table = pd.read_csv(io.StringIO(said.out), index_col="image")
    assert list(table) == card["neuroid_id"]
    predictions = read_responses(f"results/predictions/majaj/holdout/{name}.nc")
    responses = read_responses("results/responses/majaj.nc")
    rates = table.loc[[f"{stimulus}.png" for stimulus in predictions["stimulus_id"].values]].values
    deviation = np.abs(rates - chosen_predictions(predictions)) / np.nanstd(responses["rate"].values, axis=0)
    assert deviation.max() < 1e-5
    assert card["dataset"] == "majaj" and (card["kind"] == "trained" or card["deviation_in_sd"] < 1e-5)


def test_a_kept_encoder_needs_nothing_of_the_study(kept, tmp_path, capsys, monkeypatch):
    shutil.copytree(kept / KEPT / "efficientnet_lite0-ridge_loo", tmp_path / "encoder")
    shutil.copy2(next((kept / "shown").iterdir()), tmp_path / "photograph.png")
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "encoder", "photograph.png", "--output", "rates.csv"]) == 0
    table = pd.read_csv("rates.csv", index_col="image")
    assert list(table.index) == ["photograph.png"] and np.isfinite(table.values).all()
    card = json.loads(Path("encoder", "card.json").read_text())
    Path("encoder", "card.json").write_text(json.dumps(card | {"units": "mV"}))
    assert main(["predict", "encoder", "photograph.png"]) == 1
    assert "card.json: changed or damaged since it was written; " in capsys.readouterr().err


def test_labels_are_not_kept(kept, snakemake):
    arguments = ("--config", 'networks={"labels": {"architecture": "labels"}}', "--rerun-triggers", "mtime")
    done = snakemake(kept, "--configfile", "config/small.yaml", *arguments, "--", f"{KEPT}/labels-ridge_loo/card.json")
    assert done.returncode != 0
    assert "error: config: labels-ridge_loo: it needs labels beside an image" in done.stdout
