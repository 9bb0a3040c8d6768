"""Session An220105 through the scripts: visually selective units, their latencies, and faces in images."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from ventral.data.responses import read_responses
from ventral.data.xiao.fixations import read_fixations, used_fixations
from ventral.data.xiao.labels import in_face_region, label_stimuli, list_regions, similar_groups
from ventral.data.xiao.responses import fixation_rates
from ventral.data.xiao.selectivity import self_consistency_test
from ventral.data.xiao.spikes import read_spikes

SESSION = "An220105"
STEM = "sub-An/sub-An_ses-20220105T173929"
SCRIPTS = Path(__file__).parents[2] / "scripts"
# Table unit_sel/visually_selective.csv.gz of the authors.
SELECTIVE = ["7", "9", "13", "20", "21", "25", "27", "30", "30a", "30b", "30c", "31"]


@pytest.fixture(scope="module")
def xiao(shared_data: Path) -> Path:
    return shared_data / "xiao"


@pytest.fixture(scope="module")
def session(xiao, tmp_path_factory) -> Path:
    """A folder with all that the scripts write for the session."""
    folder, db, stem = tmp_path_factory.mktemp("session"), xiao / "db", xiao / "000628" / STEM
    tables = {
        "rig_info": db / "sess_rig_info.csv",
        "eye_latency": db / "rig_eye_latency.csv",
        "bank_regions": db / "bank_array_regions.csv",
        "unit_latency": db / "per_unit_latency-fix_on.csv.gz",
        "unit_rf": db / "per_unit_rf.csv.gz",
        "rois": db / "ROIs" / "Stimuli",
        "similar": db / "similar_images.txt",
    }
    made = {
        "fixations": folder / "fixations.csv",
        "spikes": folder / "spikes.h5",
        "responses": folder / "responses.nc",
        "psth": folder / "psth.nc",
    }
    files = {"images": f"{stem}_image.nwb", "rasters": f"{stem}.nwb", **tables, **made, "sessions": [made["responses"]]}
    params = {"latency_ms": "table", "window_ms": 200, "fixations": "all", "bin_ms": 10, "seed": 1}
    params |= {"rois": str(tables["rois"]), "source": "Xiao et al. 2024", "fixations_per_session": None}
    params |= {"permutations": 1000, "bootstrap": 200, "split": {"val": 0.1, "test": 0.2}}
    steps = ("align_fixations", "read_rasters", "count_responses", "bin_psth", "describe_units", "assemble_units")
    for script in (*steps, "join_sessions"):
        out = {"units": folder / f"{script}.csv", "responses": folder / f"{script}.nc"}
        job = SimpleNamespace(
            wildcards=SimpleNamespace(session=SESSION),
            input=SimpleNamespace(**files, units=[folder / "describe_units.csv"]),
            output=SimpleNamespace(
                **(made | out | {"responses": made["responses"]} if script != "join_sessions" else out)
            ),
            params=SimpleNamespace(**params),
            log=[str(folder / "log")],
        )
        runpy.run_path(str(SCRIPTS / f"{script}.py"), {"snakemake": job})
    return folder


def test_responses_of_the_session(session):
    assert read_fixations(session / "fixations.csv")["selected"].sum() == 3420
    written = read_responses(session / "responses.nc")
    assert written["rate"].shape == (300, 35)
    assert written.attrs["units"] == "Hz"
    assert written.attrs["window_ms"].tolist() == [60, 260]


def test_the_authors_twelve_visually_selective_units(session):
    names, spikes, recording_ms = read_spikes(session / "spikes.h5")
    assert (recording_ms, sum(map(len, spikes))) == (3_383_185, 1_148_257)
    used = used_fixations(read_fixations(session / "fixations.csv"), "all")
    rates = fixation_rates(used["onset_ms"].to_numpy(), spikes, np.full(35, 60.0), 200, recording_ms)
    place = used["stimulus_id"].to_numpy(), used["x_dva"].to_numpy(), used["y_dva"].to_numpy()
    r, p = self_consistency_test(rates, *place, n_permutations=10_000, seed=0)
    assert [name for name, a, b in zip(names, r, p, strict=True) if a >= 0.1 and b <= 0.005] == SELECTIVE
    golden = {"30b": 0.425, "30": 0.279, "31": 0.229}
    assert [r[names.index(name)] for name in golden] == pytest.approx(list(golden.values()), abs=5e-4)


def test_units_of_the_session(session):
    units = pd.read_csv(session / "assemble_units.csv", dtype={"unit": str})
    assert units.columns.tolist() == [
        *("session", "unit", "neuroid_id", "channel", "bank", "array", "hemisphere", "region", "stable", "n_spikes"),
        *("rate_hz", "reliability", "latency_table_ms", "latency_psth_ms", "latency_consistency_ms"),
        *("self_consistency", "p", "q", "visually_selective"),
        *("face_selectivity", "face_selectivity_low", "face_selectivity_high"),
    ]
    assert len(units) == 35 and units["stable"].all() and (units["region"] == "V1").all()
    assert units["n_spikes"].sum() == 1_148_257
    assert units.loc[units["visually_selective"], "unit"].tolist() == SELECTIVE
    assert units["latency_table_ms"].unique().tolist() == [60]
    # Rates in V1 change most steeply at 30 to 60 ms; the authors' 60 is of another measure, over sessions.
    found = units["latency_psth_ms"].dropna()
    assert len(found) >= 15 and found.between(20, 80).all() and 30 <= found.median() <= 60
    with xr.open_dataset(session / "responses.nc", engine="h5netcdf") as responses:
        np.testing.assert_allclose(units["reliability"], responses["reliability"], rtol=1e-5)


def test_psth_of_the_session(session):
    with xr.open_dataset(session / "psth.nc", engine="h5netcdf") as psth:
        assert dict(psth.sizes) == {"event": 2, "unit": 35, "time": 60}
        assert psth["n_events"].values.tolist()[0] == 3420
        rate = psth["rate"].sel(event="stimulus", unit=SELECTIVE).mean("unit")
        before = rate.sel(time=slice(-100, -10))
        assert rate.sel(time=slice(50, 90)).max() > before.mean() + 10 * before.std()
        assert 30 <= float(rate["time"][rate > before.mean() + 5 * before.std()][0]) <= 60


def test_splits_keep_near_duplicates_together(session, xiao):
    groups = similar_groups(xiao / "db" / "similar_images.txt")
    assert (len(set(groups.values())), len(groups)) == (35, 125)
    responses = read_responses(session / "join_sessions.nc")
    own = [groups.get(name, name) for name in responses["stimulus_id"].values]
    assert (pd.Series(responses["split"].values).groupby(own).nunique() == 1).all()


def test_labels_of_all_annotated_stimuli(xiao):
    regions = list_regions(xiao / "db" / "ROIs" / "Stimuli")
    stems = sorted(set(regions["stem"]))
    labels = label_stimuli([*stems, "0" * 32], regions, "Pa210119")
    assert dict(zip(*np.unique(labels, return_counts=True), strict=True)) == {
        "ambiguous": 560,
        "face": 1125,
        "nonface": 1,
    }


def test_the_session_shows_no_faces_and_nobody_looked_for_them(session, xiao):
    regions = list_regions(xiao / "db" / "ROIs" / "Stimuli")
    shown = read_responses(session / "responses.nc")["stimulus_id"].values
    assert set(label_stimuli(shown, regions, SESSION)) == {"unknown"}
    units = pd.read_csv(session / "describe_units.csv")
    assert units[["face_selectivity", "face_selectivity_low", "face_selectivity_high"]].isna().all(axis=None)


def test_a_real_box_and_a_real_mask(xiao):
    """The box is of a picture 771 x 512 px that was squeezed into a square; the mask covers its share of the image."""
    regions = list_regions(xiao / "db" / "ROIs" / "Stimuli")
    size, field = np.array([16.0, 16.0]), pd.DataFrame({"x": [0.0], "y": [0.0], "r": [0.0]})
    x, y = (80.5 / 771 - 0.5) * 16, (0.5 - 98 / 512) * 16
    places = np.array([[x, y], [-x, y], [x, -y], [x + 0.6, y], [x, y + 1]])
    box = np.full(5, "45637cdf3c6f8e684ae1c035f1095644")
    assert in_face_region(box, *places.T, field, size, regions)[:, 0].tolist() == [True, False, False, False, False]
    stem = "a80e4aaa9bc840d1c96607e2e29e3cd5"
    with Image.open(xiao / "db" / "ROIs" / "Stimuli" / "primate_face" / f"{stem}.png") as mask:
        bright = np.asarray(mask.convert("RGB"))[:, :, 0] > 127
    x, y = np.random.default_rng(0).uniform(-8, 8, (2, 20_000))
    inside = in_face_region(np.full(20_000, stem), x, y, field, size, regions)[:, 0]
    rows, columns = ((0.5 - y / 16) * len(bright)).astype(int), ((0.5 + x / 16) * bright.shape[1]).astype(int)
    assert 0.005 < bright.mean() < 0.5
    assert (inside == bright[rows, columns]).mean() > 0.995
