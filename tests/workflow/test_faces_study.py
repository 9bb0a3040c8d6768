"""Networks that the study trains on faces are trained before they run, left out without faces, reported with HMO."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import yaml

NETWORKS = {
    "pixels": {"architecture": "pixels"},
    "hmo": {"architecture": "hmo"},
    "net": {"architecture": "cnn", "weights": "faces", "image_size": 16},
}
FACES = {"xiao": {"source": "simulated"}}


@pytest.fixture
def run(recordings, snakemake):
    """Run, or plan, a study in the folder of somebody's recordings; the finished process."""

    def run_study(datasets: Mapping, networks: Mapping, *arguments: str):
        mine = {"mine": {"images": "images.zip", "responses": "responses.npy"}}
        study = {"datasets": mine | datasets, "networks": networks, "readouts": {"ols": {"alpha": 0}}}
        (recordings / "study.yaml").write_text(yaml.safe_dump(study))
        return snakemake(recordings, *arguments, "--configfile", "study.yaml")

    return run_study


def test_a_network_learns_faces_before_it_is_run(run):
    done = run(FACES, NETWORKS, "--dry-run", "results/activations/mine/net.h5", "results/tables/faces.csv")
    assert done.returncode == 0, done.stdout
    planned = re.findall(r"^rule (\w+):\n +input: (.*)\n +output: (.*)\n", done.stdout, re.MULTILINE)
    rules = [name for name, _, _ in planned]
    assert rules.index("label_faces") < rules.index("train_on_faces") < rules.index("extract_activations")
    inputs = {name: given for name, given, _ in planned}
    assert "results/faces/net/state.pt" in inputs["extract_activations"]
    assert {"results/hmo/scores.csv", "results/faces/net/scores.csv"} <= set(inputs["assemble_faces"].split(", "))


def test_without_labelled_faces_such_networks_are_left_out(run):
    done = run({}, NETWORKS, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert "results/activations/mine/pixels.h5" in done.stdout
    assert not re.search(r"train_on_faces|train_hmo|faces\.csv|mine/(net|hmo)", done.stdout)


def test_nothing_but_such_networks_is_one_line(run):
    done = run({}, {"net": NETWORKS["net"]}, "--dry-run")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "study.yaml: networks: all of them learn to detect faces, and no dataset has images" in done.stdout


def scores(network: str, accuracy: float) -> pd.DataFrame:
    rows = [(name, value) for name, value in ((network, accuracy), ("pixels", 0.6), (f"{network} - pixels", 0.2))]
    table = pd.DataFrame(rows, columns=["classifier", "accuracy"])
    return table.assign(set="test", category="all", n=30, low=table["accuracy"] - 0.1, high=table["accuracy"] + 0.1)


def test_numbers_of_hmo_reach_the_reproduction_through_the_rules(run, recordings):
    tables = recordings / "results" / "tables"
    encoder = {"dataset": "xiao", "protocol": "holdout", "source": "simulated", "region": "AIT", "encoder": "hmo-ols"}
    encoder |= {"network": "hmo", "weights": "trained on faces", "readout": "ols", "layer": "top", "split": "test"}
    likeness = {"dataset": "xiao", "region": "AIT", "compared_with": "hmo", "layer": "top", "pooled": 0.4}
    made = {
        recordings / "results" / "hmo" / "scores.csv": scores("hmo", 0.8),
        recordings / "results" / "faces" / "net" / "scores.csv": scores("net", 0.7),
        tables / "summary.csv": pd.DataFrame([encoder | {"r2_median": np.nan}]),
        tables / "layers.csv": pd.DataFrame([encoder]),
        tables / "rsa.csv": pd.DataFrame([likeness | {"within": 0.1, "within_low": 0.0, "within_high": 0.2}]),
    }
    for path, table in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False)
    only = ("--allowed-rules", "assemble_faces", "assemble_reproduction")
    done = run(FACES, NETWORKS, "results/tables/reproduction.csv", *only)
    assert done.returncode == 0, done.stdout
    faces = pd.read_csv(tables / "faces.csv")
    assert set(faces["source"]) == {"simulated"} and set(faces["classifier"]) >= {"hmo", "net", "pixels"}
    found = pd.read_csv(tables / "reproduction.csv").query("ours == 'hmo'").set_index("metric")
    assert found["value"].to_dict() == {"accuracy": 0.8, "rdm_spearman": 0.4}
    assert (found["status"] == "not comparable").all()
    assert found.loc["rdm_spearman", "why"].endswith("within sessions 0.100 [0.000, 0.200]")
