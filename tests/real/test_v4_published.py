"""The study of `config/v4.yaml` from downloads on: its published files, served on loopback by a server that falters."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.loopback import Loopback
from ventral.data.responses import read_responses
from ventral.data.sources.cowley_v4 import FILES
from ventral.files.fetch import difference
from ventral.study.recordings import source_of

REPO = Path(__file__).parents[2]
SESSION = "210325"
# Test r of ridge at 112 px, as another program has it.
EXPECTED = {
    "squeezenet": 0.58,
    "mobilenet": 0.57,
    "efficientnet_lite0": 0.55,
    "squeezenet_random": 0.39,
    "pixels": 0.24,
}


@pytest.fixture(scope="module")
def results(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    config = yaml.safe_load((REPO / "config" / "v4.yaml").read_text())
    named = {"images": f"images_{SESSION}.zip", "raw": f"responses_raw_{SESSION}.npy"}
    with Loopback() as server:
        for (kind, name), fault in zip(named.items(), ("cut", "503"), strict=True):
            server.add(f"/{FILES[kind].format(SESSION)}", (shared_data / "v4" / name).read_bytes(), fault)
        config["datasets"]["cowley_v4"]["server"] = server.url
        (folder / "v4.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--snakefile", REPO / "Snakefile"]
        subprocess.run([*command, "--configfile", "v4.yaml"], cwd=folder, check=True)
    return folder / "results"


@pytest.fixture(scope="module")
def summary(results):
    table = pd.read_csv(results / "tables" / "summary.csv")
    return table[table["split"] == "test"].set_index("encoder")


def test_every_network_predicts_as_well_as_it_should(summary):
    r = summary["pearson_r_mean"]
    found = {network: r[f"{network}-ridge_loo"] for network in EXPECTED}
    assert found == pytest.approx(EXPECTED, abs=0.02)
    assert r["squeezenet_random-ridge_loo"] < r["cnn-factorised"] < r["efficientnet_lite0-ridge_loo"]
    assert summary["reliability_median"].to_numpy() == pytest.approx(0.764, abs=0.005)


def test_what_was_downloaded_is_what_was_published(results, shared_data):
    downloads = results.parent / "resources" / "cowley_v4"
    wanted = source_of("cowley_v4", {}).fetched()
    found = {str(path.relative_to(downloads)) for path in downloads.rglob("*") if path.is_file()}
    assert found == set(wanted)
    assert all(difference(downloads / name, entry.digest, entry.size) == "" for name, entry in wanted.items())


def test_the_responses_are_the_means_of_the_authors(results, shared_data):
    responses = read_responses(results / "responses" / "cowley_v4.nc")
    means = np.load(shared_data / "v4" / f"responses_{SESSION}.npy")
    np.testing.assert_allclose(responses["rate"], 10 * means.T)
    assert responses.attrs == {"source": "Cowley et al. 2023", "units": "Hz"}


def test_three_sessions_from_a_folder_are_joined_and_one_has_a_folder_in_its_archive(shared_data, tmp_path):
    sessions = {"190923": (1200, 33), "210224": (800, 67), "210325": (640, 50)}
    for session in sessions:
        for kind, name in {"images": f"images_{session}.zip", "mean": f"responses_{session}.npy"}.items():
            file = tmp_path / FILES[kind].format(session)
            file.parent.mkdir(exist_ok=True)
            file.symlink_to(shared_data / "v4" / name)
    dataset = {"source": "files", "path": str(tmp_path), "trials": False, "sessions": list(map(int, sessions))}
    config = {"datasets": {"cowley_v4": dataset}, "networks": {"pixels": {"architecture": "pixels"}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "results/responses/cowley_v4.nc", "--snakefile", REPO / "Snakefile"]
    subprocess.run([*command, "--cores", "all", "--configfile", "study.yaml"], cwd=tmp_path, check=True)
    responses = read_responses(tmp_path / "results" / "responses" / "cowley_v4.nc")
    shown = np.isfinite(responses["rate"].values)
    for session, (n_images, n_sites) in sessions.items():
        own = responses["session"].values == session
        assert own.sum() == n_sites and (shown[:, own].sum(axis=0) == n_images).all()
    assert (shown.sum(axis=1) > 0).all() and responses.sizes["stimulus"] == 2640
    counts = pd.Series(responses["split"].values).value_counts(normalize=True)
    assert counts.to_dict() == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.01)
