"""Odd recordings: what cannot be compared or drawn is left out and named, and the study still ends."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml
from PIL import Image

N, TIMES = 40, 3
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 6, 6, 3), dtype=np.uint8)


def tuned(n: int) -> np.ndarray:
    """(stimulus, neuroid, repeat) responses of n neuroids to the images."""
    rng = np.random.default_rng(1)
    means = IMAGES.reshape(N, -1) / 255 @ rng.normal(size=(108, n))
    return means[..., None] + 0.3 * rng.normal(size=(N, n, TIMES))


def apart(first: int) -> np.ndarray:
    """Five neuroids of one session saw the first images, five of another the others."""
    rates = tuned(10)
    rates[first:, :5] = np.nan
    rates[:first, 5:] = np.nan
    return rates


def silent() -> np.ndarray:
    """Of four neuroids one fires once, one in two trials, one to every image alike but in one trial."""
    rates = tuned(4)
    rates[:, 1:] = 0
    rates[5, 1, 0] = rates[7, 2, 1] = rates[20, 2, 2] = 1
    rates[:, 3] = 5
    rates[11, 3, 1] = 6
    return rates


def scattered() -> np.ndarray:
    rates = tuned(30)
    rates[np.random.default_rng(2).random(rates.shape) < 0.5] = np.nan
    return rates


def one_image_never_shown() -> np.ndarray:
    rates = tuned(6)
    rates[3] = np.nan
    return rates


ODD = {
    "halves": (apart(20), list("AAAAABBBBB")),
    "few": (np.concatenate([tuned(10)[:, :5], np.where(np.arange(N)[:, None, None] < 38, np.nan, tuned(10)[:, 5:])], 1),
            list("AAAAABBBBB")),
    "singles": (np.where(np.arange(N)[:, None, None] % 4 == np.arange(4)[:, None], tuned(4), np.nan), list("ABCD")),
    "one": (tuned(1), ["A"]),
    "scattered": (scattered(), ["A"] * 30),
    "never": (one_image_never_shown(), ["A"] * 6),
    "silent": (silent(), ["A"] * 4),
}  # fmt: skip


def write_study(folder, names, **config):
    (folder / "im").mkdir(exist_ok=True)
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(folder / "im" / f"{i:02d}.png")
    for name in names:
        rates, session = ODD[name]
        labels = {"session": ("neuroid", session), "region": ("neuroid", ["V4"] * len(session))}
        responses = xr.Dataset({"rate": (("stimulus", "neuroid", "repeat"), rates)}, coords=labels)
        responses.to_netcdf(folder / f"{name}.nc", engine="h5netcdf")
    config = {
        "bootstrap": 100,
        "datasets": {name: {"images": "im", "responses": f"{name}.nc"} for name in names},
        "networks": {"pixels": {"architecture": "pixels"}},
        "readouts": {"ridge_loo": {"alpha": "loo"}},
    } | config
    (folder / "study.yaml").write_text(yaml.safe_dump(config))


@pytest.fixture(scope="module")
def odd(tmp_path_factory, snakemake):
    """A study of all odd recordings at once, run whole."""
    folder = tmp_path_factory.mktemp("odd")
    write_study(folder, list(ODD))
    done = snakemake(folder, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    return folder, done.stdout


def test_all_tables_and_the_page_are_made(odd):
    results = odd[0] / "results"
    summary = pd.read_csv(results / "tables" / "summary.csv")
    assert set(summary["dataset"]) == set(ODD)
    rsa = pd.read_csv(results / "tables" / "rsa.csv")
    regions = rsa.groupby("dataset")["region"].agg(set).to_dict()
    whole = {name: {"V4"} for name in ("scattered", "never", "silent")}
    assert regions == {"halves": {"V4 A", "V4 B", "V4"}, "few": {"V4 A", "V4"}} | whole
    assert rsa["spearman"].notna().all()


def test_what_has_no_rdm_or_figure_is_named_in_the_log_and_on_the_page(odd):
    folder, said = odd
    page = (folder / "results" / "report.html").read_text()
    left_out = pd.read_csv(folder / "results" / "tables" / "left_out.csv")
    assert sorted(zip(left_out["dataset"], left_out["region"], strict=True)) == [
        ("few", "V4 B"), ("one", "V4"), *(("singles", f"V4 {session}") for session in "ABCD"),
    ]  # fmt: skip
    for dataset in ("one", "singles"):
        assert f"rdms_{dataset}: no figure: no region has an RDM" in said
        assert f"Figure rdms_{dataset} was not drawn: no region has an RDM." in page
        assert f'id="figure-rdms_{dataset}"' not in page
        assert f'id="figure-scores_{dataset}"' in page
    assert "one, V4: no RDM, and so no representational similarity: only 1 neuroid" in page
    assert 'id="figure-rdms_halves"' in page
    assert page.count("not drawn") == 2


def test_intervals_of_units_that_hardly_fire_are_sound(odd):
    scores = pd.read_csv(odd[0] / "results" / "tables" / "scores.csv").query("dataset == 'silent'")
    bounds = scores[scores["metric"].isin(["explained_variance", "r2", "pearson_r"])][["low", "value", "high"]]
    known = bounds.dropna()
    assert len(known) and (known["low"] <= known["value"]).all() and (known["value"] <= known["high"]).all()
    assert known.abs().to_numpy().max() < 1e4
    assert scores["reliability"].between(-1, 1).all()


def test_where_no_neuroid_is_reliable_enough_the_page_says_so(tmp_path, snakemake):
    write_study(tmp_path, ["silent"], min_reliability=0.9999)
    done = snakemake(tmp_path, "--configfile", "study.yaml")
    assert done.returncode == 0, done.stdout
    page = (tmp_path / "results" / "report.html").read_text()
    assert (
        "silent, V4 (holdout): no encoder has a score: none of 4 neuroids reaches the minimum reliability (0.9999)"
        in page
    )
    assert "Figure scores_silent was not drawn: no encoder has a score." in page
    summary = (tmp_path / "results" / "tables" / "summary.md").read_text()
    assert "no repetitions" not in summary and "no neuroid is reliable enough" in summary


@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_fault_of_responses_is_told_before_any_network_runs(tmp_path, snakemake, cores):
    """Of the two images that a session saw, a fold that holds out one leaves one to fit to."""
    write_study(tmp_path, ["halves", "few"], protocols=["kfold"])
    done = snakemake(tmp_path, "--configfile", "study.yaml", "--cores", cores)
    assert done.returncode != 0
    which = ", ".join(f"few_{i}" for i in range(5, 10))
    assert f"error: responses of few: neuroid {which}: fewer than two train stimuli" in done.stdout
    assert not (tmp_path / "results" / "activations").exists()
