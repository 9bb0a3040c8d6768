import numpy as np
import pandas as pd
import pytest
import yaml

from ventral.files.errors import InputError
from ventral.tables.pages import to_markdown
from ventral.tables.reproduction import COLUMNS, hmo_rows, of_datasets, read_reported, reproduce, reproduction_page


def reported(**changes):
    row = {"report": "A (report 1)", "dataset": "majaj", "region": "IT", "encoder": "theirs", "split": "val"}
    row |= {"metric": "pearson_r", "value": 0.5, "ours": "net-ols", "layer": "", "note": ""}
    return pd.DataFrame([row | changes])


def ours(**changes):
    row = {"dataset": "majaj", "protocol": "holdout", "source": "published", "region": "IT", "encoder": "net-ols"}
    row |= {"weights": "pretrained", "layer": "layer3", "split": "val", "explained_variance_median": 0.3}
    row |= {f"pearson_r_{k}": v for k, v in {"mean": 0.5, "low": 0.45, "high": 0.55}.items()}
    row |= {f"mse_{k}": v for k, v in {"mean": 0.1, "low": 0.09, "high": 0.11}.items()}
    return pd.DataFrame([row | changes])


def status(theirs, mine):
    return reproduce(theirs, mine, mine).loc[0, "status"]


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ({}, "matched"),
        ({"value": 0.4}, "better"),
        ({"value": 0.6}, "worse"),
        ({"metric": "mse", "value": 0.2}, "better"),
        ({"metric": "mse", "value": 0.05}, "worse"),
        ({"value": np.nan}, "not comparable"),
        ({"layer": "layer3"}, "matched"),
        ({"layer": "layer4"}, "not run"),
        ({"ours": "other-ols"}, "not run"),
        ({"dataset": "xiao"}, "not run"),
        ({"split": "test"}, "not run"),
        ({"metric": "explained_variance_median", "value": 0.2}, "better"),
    ],
)
def test_status(theirs, expected):
    assert status(reported(**theirs), ours()) == expected


@pytest.mark.parametrize(
    ("mine", "why"),
    [
        ({"source": "simulated"}, "ours are simulated recordings"),
        ({"weights": "random in place of pretrained"}, "random in place of pretrained weights"),
        (
            {"source": "simulated", "weights": "random in place of pretrained"},
            "ours are simulated recordings, with random in place of pretrained weights",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(mine, why):
    row = reproduce(reported(), ours(**mine), ours(**mine)).loc[0]
    assert (row["status"], row["why"]) == ("not comparable", why)
    assert row["value"] == 0.5


def test_other_protocols_and_regions_are_not_taken_for_the_reports():
    mine = pd.concat([ours(protocol="brainscore"), ours(region="V4"), ours(pearson_r_mean=0.9, pearson_r_high=0.95)])
    assert reproduce(reported(), mine, mine).loc[0, "value"] == 0.9


def test_own_table_is_whole(request):
    table = read_reported(request.config.rootpath / "config" / "reported.csv")
    assert len(table) == 66
    assert set(table["split"]) == {"val", "test"}
    assert (table["ours"] != "").all()


def test_every_dataset_of_a_kind_is_compared_with_the_numbers_of_its_kind():
    kinds = {"first": "majaj", "second": "majaj", "majaj": "files"}
    assert list(of_datasets(reported(), kinds)["dataset"]) == ["first", "second"]
    assert list(of_datasets(reported(), {"mine": "files"})["dataset"]) == ["majaj"]  # not run


def test_page_has_every_number():
    page = to_markdown(reproduction_page(reproduce(reported(), ours(), ours())))
    assert "| theirs | r | 0.500 | 0.500 [0.450, 0.550] | matched |" in page


def test_faulty_table_is_refused(tmp_path):
    path = tmp_path / "reported.csv"
    reported(value="much").to_csv(path, index=False)
    with pytest.raises(InputError, match="'much' in row 2"):
        read_reported(path)
    reported().drop(columns="ours").to_csv(path, index=False)
    with pytest.raises(InputError, match="ours: column missing"):
        read_reported(path)
    assert set(COLUMNS) == set(reported().columns)


def test_the_real_study_has_an_encoder_for_every_reported_number(request):
    root = request.config.rootpath
    study = yaml.safe_load((root / "config" / "published.yaml").read_text())
    encoders = {
        f"{network}-{readout}"
        for readout, settings in study["readouts"].items()
        for network in settings.get("networks", study["networks"])
    }
    encoders |= {f"{name}-{settings.get('head', 'linear')}" for name, settings in study["trained"].items()}
    assert set(read_reported(root / "config" / "reported.csv")["ours"]) <= encoders | {"hmo"}


def test_numbers_of_the_hmo_report_stand_beside_ours_with_their_caveat():
    classified = pd.DataFrame(
        {"set": ["val", "test", "test"], "category": "all", "classifier": ["hmo", "hmo", "pixels"]}
        | {"accuracy": [0.9, 0.8, 0.6], "low": [0.8, 0.7, 0.5], "high": [1, 0.9, 0.7]}
    )
    rsa = pd.DataFrame(
        {"dataset": ["xiao", "xiao"], "region": ["AIT", "AIT Sc1"], "compared_with": "hmo", "layer": "top"}
        | {
            "pooled": [0.5, np.nan],
            "within": [0.01, np.nan],
            "within_low": [-0.1, np.nan],
            "within_high": [0.1, np.nan],
        }
    )
    mine = ours(dataset="xiao", region="AIT", encoder="hmo-pls5", split="test", r2_median=-0.02)
    rows = hmo_rows(classified, rsa, "xiao", ["AIT"], "published")
    table = pd.concat([mine, rows], ignore_index=True)
    theirs = {"dataset": "xiao", "region": "AIT", "split": "test"}
    given = pd.concat(
        [
            reported(**theirs, metric="accuracy", value=0.84, ours="hmo"),
            reported(**theirs, metric="rdm_spearman", value=0.527, ours="hmo"),
            reported(**theirs, metric="r2_median", value=-0.038, ours="hmo-pls5"),
        ],
        ignore_index=True,
    )
    accuracy, likeness, r2 = reproduce(given, table, mine).to_dict("records")
    assert (accuracy["value"], accuracy["status"]) == (0.8, "matched")
    assert (likeness["value"], likeness["status"]) == (0.5, "not comparable")
    assert "within sessions 0.010 [-0.100, 0.100]" in likeness["why"]
    assert (r2["value"], r2["status"]) == (-0.02, "better")
