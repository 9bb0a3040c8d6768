"""One real session of Xiao et al. 2024 through the workflow, from files of the dandiset to responses and a figure."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from ventral.data.responses import read_responses
from ventral.scores.ceilings import halves_in_whole
from ventral.similarity.file import read_rdms
from ventral.similarity.rdms import rdm_reliability

REPO = Path(__file__).parents[2]
TARGETS = ("results/responses/xiao.nc", "results/figures/rdms_xiao.png")


def test_session_through_the_workflow(shared_data, tmp_path):
    xiao = shared_data / "xiao"
    files = {"source": "files", "path": str(xiao / "000628"), "tables": str(xiao / "db"), "sessions": ["An220105"]}
    config = {
        "datasets": {"xiao": files},
        "networks": {"pixels": {"architecture": "pixels"}},
        "readouts": {"ols": {"alpha": 0}},
        "bootstrap": 100,
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--cores", "all", "--snakefile", REPO / "Snakefile"]
    subprocess.run([*command, "--directory", tmp_path, "--configfile", tmp_path / "study.yaml"], check=True)
    responses = read_responses(tmp_path / TARGETS[0])
    assert responses["rate"].dims == ("stimulus", "neuroid") and responses["split"].dims == ("stimulus",)
    assert responses["rate"].shape == (300, 35)
    assert set(responses["region"].values) == {"V1"}
    assert float(responses["rate"].mean()) == pytest.approx(11.2, abs=1.5)  # 11.18 with one latency for all units
    (region,), _, source = read_rdms(tmp_path / "results/similarity/xiao.h5")
    assert region.region == "V1 An220105" and not source.startswith("simulated")
    times = halves_in_whole(responses["n_presentations"].values)
    assert 2.5 < times < 3  # most images were presented three times
    assert region.reliability == pytest.approx(rdm_reliability(responses["rate_half"].values, times), abs=1e-9)
    assert abs(region.reliability) < 0.2  # halves by presentation; by fixation it would be above .7
    with Image.open(tmp_path / TARGETS[1]) as figure:
        assert min(figure.size) > 100
