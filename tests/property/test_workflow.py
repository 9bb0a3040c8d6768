"""A few of the random studies through Snakemake: rules give scripts what the other tests give them by hand."""

from pathlib import Path

import pytest
import yaml

from tests.property.draws import draw_study
from tests.property.stages import DATASET, OF_NETWORK, apart, deviation
from tests.property.test_property import LEAST, SEED
from tests.workflow.conftest import run_snakemake


@pytest.mark.parametrize("number", range(6))
def test_a_random_study_runs_whole_or_ends_in_one_line_before_any_network_runs(number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = draw_study(SEED, number, tmp_path)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(draw.config))
    names = [
        (protocol, f"{network}-{readout}")
        for protocol in draw.config.get("protocols", ["holdout"])
        for network in draw.config["networks"]
        for readout in draw.config["readouts"]
    ]
    folders = {name: f"results/encoders/{DATASET}/{name[0]}/{name[1]}" for name in names}
    cards = [f"{folder}/card.json" for folder in folders.values()]
    done = run_snakemake(tmp_path, "all", *cards, "--configfile", "study.yaml")
    assert "Traceback" not in done.stdout, f"{draw}\n{done.stdout}"
    if done.returncode:
        assert draw.odds.faults or draw.odds.risks, f"{draw}\n{done.stdout}"
        assert "error: " in done.stdout or "study.yaml: " in done.stdout, done.stdout
        # The modules of a network can forbid to keep its encoders; they are fitted all the same.
        assert f": {OF_NETWORK}: " in done.stdout or not list(Path("results").glob("predictions/**/*.nc"))
        return
    assert not draw.odds.faults, draw
    with apart():
        for (protocol, encoder), folder in folders.items():
            predictions = f"results/predictions/{DATASET}/{protocol}/{encoder}.nc"
            responses, images = f"results/responses/{DATASET}.nc", draw.config["datasets"][DATASET]["images"]
            assert deviation(images, responses, predictions, folder) < LEAST, draw
