"""Single fixations as stimuli, through Snakemake: one simulated session from files to scores."""

import h5py
import numpy as np
import pandas as pd
import yaml

from ventral.data.responses import read_responses
from ventral.data.splits import SPLITS
from ventral.data.xiao.simulation import simulate_dandiset

SESSION, N = "Sa240101", 60


def test_readouts_of_crops_are_grouped_by_image(snakemake, tmp_path):
    simulate_dandiset(tmp_path / "simulated", n_stimuli=24, minutes=1.5, n_units=5, seed=0)
    xiao = {
        name: f"simulated/{folder}" for name, folder in (("path", "000628"), ("tables", "db"), ("stimuli", "Stimuli"))
    }
    xiao |= {"source": "files", "sessions": [SESSION], "crop_degrees": 4, "fixations_per_session": N, "image_size": 24}
    networks = {"pixels": {"architecture": "pixels"}, "hmo": {"architecture": "hmo"}}
    config = {"datasets": {"xiao": xiao}, "networks": networks, "readouts": {"ridge_loo": {"alpha": "loo"}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config | {"bootstrap": 100}))
    done = snakemake(tmp_path, "results/tables/summary.csv", "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    results = tmp_path / "results"

    responses = read_responses(results / "responses" / "xiao.nc")
    assert responses.sizes["stimulus"] == N and np.isfinite(responses["reliability"]).all()
    parts = {name: set(responses["stimulus_group"].values[responses["split"].values == name]) for name in SPLITS}
    assert all(parts.values()) and sum(map(len, parts.values())) == len(set.union(*parts.values())) < N
    crops = pd.read_csv(results / "sessions" / "xiao" / "crops.csv")
    assert crops["image_id"].tolist() == responses["image_id"].values.tolist()
    assert set(crops["around"]) == {"field"}
    with h5py.File(results / "images" / "xiao.h5") as file:
        assert file["images"].shape == (N, 24, 24, 3)
        assert file["stimulus_id"].asstr()[:].tolist() == responses["stimulus_id"].values.tolist()
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert set(summary["encoder"]) == {"pixels-ridge_loo"}  # HMO learns faces from whole images
    test = summary[summary["split"] == "test"].iloc[0]
    assert test["n_stimuli"] == (responses["split"] == "test").sum()
    assert np.isfinite(test[["pearson_r_low", "pearson_r_high", "reliability_median"]].astype(float)).all()

    planned = snakemake(tmp_path, "--dry-run", "--configfile", "study.yaml").stdout
    assert "figures/categories_xiao.png" in planned and "figures/gaze_xiao.png" in planned
    assert not any(f"rule {name}" in planned for name in ("compare_rdms", "train_hmo", "pack_xiao_images"))
    assert "figures/levels_xiao.png" not in planned
