"""Four lines of config add a second dataset to every table and figure, without a change of code."""

import json
import re

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

CONFIG = "config/small.yaml"
N_IMAGES, N_NEUROIDS, N_REPEATS = 40, 4, 3
KINDS = ("layers", "levels", "scores", "targets", "rdms", "training")  # categories: images of one's own have no labels
TABLES = ("scores.csv", "summary.csv", "summary.md", "summary.tex", "layers.csv", "rsa.csv", "weights.csv")


@pytest.fixture
def both(finished, snakemake):
    """The finished small study, and recordings of the same images' brightness added to it."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (N_IMAGES, 4, 4, 3), dtype=np.uint8)
    (finished / "photographs").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image).resize((32, 32)).save(finished / "photographs" / f"{i}.png")
    rates = pixels.reshape(N_IMAGES, -1) / 255 @ rng.normal(size=(48, N_NEUROIDS))
    np.save(finished / "responses.npy", rates[..., None] + rng.normal(0, 0.3, (*rates.shape, N_REPEATS)))
    config = yaml.safe_load((finished / CONFIG).read_text())
    config["datasets"]["mine"] = {
        "images": "photographs",
        "responses": "responses.npy",
        "layout": ["stimulus", "neuroid", "repeat"],
        "region": "V2",
    }
    (finished / CONFIG).write_text(yaml.safe_dump(config))
    targets = [f"results/tables/{name}" for name in (*TABLES, "reproduction.csv", "provenance.json")]
    targets += [f"results/figures/{kind}_mine.svg" for kind in KINDS]
    done = snakemake(finished, *targets, "--configfile", CONFIG)
    assert done.returncode == 0, done.stdout
    return finished


def test_it_is_in_every_table_and_figure(both, snakemake):
    tables = {path.stem: pd.read_csv(path) for path in (both / "results" / "tables").glob("*.csv")}
    for name in ("scores", "summary", "layers", "rsa"):
        table = tables[name]
        assert set(table["dataset"]) == {"majaj", "mine"}, name
        mine = table[table["dataset"] == "mine"]
        assert set(mine["region"]) == {"V2"} and "simulated" not in set(mine["source"])
    summary = tables["summary"].query("dataset == 'mine' and split == 'test'")
    theirs = tables["summary"].query("dataset == 'majaj' and split == 'test'")
    assert set(summary["encoder"]) == set(theirs["encoder"])
    ranked = summary.sort_values("pearson_r_mean")
    assert ranked.iloc[-1]["pearson_r_low"] > 0 and ranked.iloc[-1]["reliability_median"] > 0.5
    assert ranked[~ranked["reference"]].iloc[-1]["among_best"]  # references are ranked apart from models
    assert tables["scores"].query("dataset == 'mine'")["neuroid"].nunique() == N_NEUROIDS
    assert set(tables["rsa"].query("dataset == 'mine'")["compared_with"]) == {"pixels", "efficientnet_lite0"}
    assert "mine" not in set(tables["reproduction"]["dataset"])  # no report has numbers of it
    assert list(tables["weights"]["network"]) == ["efficientnet_lite0"]  # of networks, whatever they are shown
    for page in ("summary.md", "summary.tex"):
        assert "mine, V2 (" in (both / "results" / "tables" / page).read_text()
    told = json.loads((both / "results" / "tables" / "provenance.json").read_text())["datasets"]
    assert told["majaj"] == {"simulated": True, "inputs": []}
    assert [entry.get("files", 1) for entry in told["mine"]["inputs"]] == [N_IMAGES, 1]
    for kind in KINDS:
        root = (both / "results" / "figures" / f"{kind}_mine.svg").read_text()
        assert "<svg" in root
    left = snakemake(both, "--dry-run", "--configfile", CONFIG).stdout
    # All of it is made; the first's figures are drawn anew.
    assert re.search("figure=.*_majaj", left) and not re.search("(figure=.*_|dataset=)mine", left)
