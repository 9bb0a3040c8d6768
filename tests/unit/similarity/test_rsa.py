"""Comparisons of regions, sessions and layers: labels, reported rows, and the confound of pooling sessions."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.spatial.distance import pdist
from scipy.stats import false_discovery_control, spearmanr

from ventral.gram.matrix import gram_of
from ventral.similarity.ceilings import noise_ceiling
from ventral.similarity.comparisons import COMPARISON, Comparisons
from ventral.similarity.confound import confound_panels, simulate_confound
from ventral.similarity.inference import permutation_p
from ventral.similarity.rdms import correlation_rdm, crossnobis_rdm
from ventral.similarity.regions import category_models, region_ceilings, region_rdms
from ventral.similarity.sessions import average_sessions, draw_sessions, is_confounded, pool_sessions

N = 30
SESSIONS = {"Pa1": range(20), "Pa2": range(10, 30)}


def recorded(shared: bool = False, signal: float = 1.0) -> tuple[xr.Dataset, np.ndarray]:
    """Two sessions of one region that see partly or wholly the same images, and the features that drive them."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(N, 4))
    half = np.full((2, N, 16), np.nan)
    for k, shown in enumerate(SESSIONS.values()):
        rows = np.arange(N) if shared else np.array(shown)
        response = signal * features[rows] @ rng.normal(size=(4, 8)) + rng.normal(size=8)
        half[:, rows, 8 * k : 8 * k + 8] = response + 0.5 * rng.normal(size=(2, len(rows), 8))
    labels = np.where(features[:, 0] > 0, "face", "nonface")
    responses = xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), half.mean(axis=0)),
            "rate_half": (("half", "stimulus", "neuroid"), half),
            "n_presentations": (("stimulus", "neuroid"), 2 * np.isfinite(half[0])),
        },
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
            "category_name": ("stimulus", labels),
            "region": ("neuroid", ["CIT"] * 16),
            "noise_variance": ("neuroid", np.full(16, 0.25)),
            "session": ("neuroid", np.repeat(list(SESSIONS), 8)),
        },
        attrs={"source": "simulated", "sessions": "apart"},
    )
    return responses, features


def compared(responses: xr.Dataset, layers: dict[str, np.ndarray], n_draws: int = 100) -> pd.DataFrame:
    comparisons, rdms = Comparisons(region_rdms(responses), n_draws, 0), {}
    for layer, features in layers.items():
        gram = gram_of(features)
        rdms[layer] = correlation_rdm(gram)
        comparisons.add("net", layer, rdms[layer], gram.inner)
    for layer, rdm, inner, known in category_models(responses) if "category_name" in responses.coords else ():
        rdms[layer] = rdm
        comparisons.add("category", layer, rdm, inner, known)
    return comparisons.table(lambda _, layer: rdms[layer])


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    responses, features = recorded()
    noise = np.random.default_rng(1).normal(size=(N, 10))
    return compared(responses, {"driving": features @ np.random.default_rng(2).normal(size=(4, 50)), "noise": noise})


def test_sessions_come_first_and_their_area_last(table):
    assert list(table.columns) == list(COMPARISON)
    assert list(table["region"]) == ["CIT Pa1", "CIT Pa2"] * 3 + ["CIT"] * 3
    layers = ["driving", "noise", "category_name"]
    assert list(table["layer"]) == [*np.repeat(layers, 2), *layers]
    assert list(table["n_stimuli"]) == [20] * 6 + [30] * 3


def test_an_area_is_the_average_of_its_sessions(table):
    for layer, rows in table.groupby("layer"):
        *sessions, area = rows.to_dict("records")
        for name in ("spearman", "pearson", "kendall", "cosine", "crossnobis", "cka", "ceiling"):
            assert area[name] == pytest.approx(np.mean([session[name] for session in sessions]), abs=1e-6), layer
        assert (area["within"], area["within_low"]) == (area["spearman"], area["low"])
        assert all(np.isnan(session["within"]) and np.isnan(session["pooled"]) for session in sessions)


def test_what_drives_the_responses_is_found_within_sessions(table):
    area = table[table["region"] == "CIT"].set_index("layer")
    assert area.loc["driving", "within_low"] > 0.3
    assert area.loc["driving", "p"] == pytest.approx(1 / 101)
    assert area.loc["noise", "p"] > 0.05
    assert (area["flag"] == "").all()
    assert area.loc["category_name", "spearman"] > 0


def test_intervals_of_the_layer_most_alike_are_exact(table):
    for _, rows in table[table["compared_with"] == "net"].groupby("region"):
        assert list(rows["interval"]) == ["exact", "fixed ranks"]
    assert (table[table["compared_with"] == "category"]["interval"] == "exact").all()
    assert (table["low"] <= table["spearman"]).all()
    assert (table["spearman"] <= table["high"]).all()


def test_false_discovery_rate_is_kept_over_the_layers_of_a_region(table):
    for _, rows in table.groupby("region"):
        np.testing.assert_allclose(rows["q"], false_discovery_control(rows["p"]))


def test_ceilings_are_of_sessions_that_saw_the_same_else_of_halves(table):
    halves = table[table["layer"] == "driving"]
    np.testing.assert_allclose(halves["ceiling_low"], halves["ceiling_high"] ** 2, rtol=0.01)
    responses, features = recorded(shared=True)
    found = compared(responses, {"driving": features}).iloc[-1]
    first, second = (region.rdm[np.triu_indices(N, 1)] for region in region_rdms(responses))
    assert found["ceiling_low"] == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)
    assert found["ceiling_low"] < found["ceiling_high"] < 1


def test_of_more_than_two_sessions_the_ceiling_leaves_each_out():
    """Of two it is that of their halves: neither is the mean of anything."""
    two, features = recorded(shared=True)
    found = compared(two, {"driving": features}).iloc[-1]
    assert found["ceiling"] == pytest.approx(np.mean([np.sqrt(r.reliability) for r in region_rdms(two)]))
    third = two.isel(neuroid=slice(0, 8)).assign_coords(session=("neuroid", ["Pa3"] * 8))
    noise = np.random.default_rng(5).normal(size=third["rate"].shape)
    three = xr.concat([two, third.assign(rate=third["rate"] + noise)], dim="neuroid")
    found = compared(three, {"driving": features}).iloc[-1]
    rdms = np.stack([region.rdm[np.triu_indices(N, 1)] for region in region_rdms(three)])
    assert (found["ceiling_low"], found["ceiling_high"]) == noise_ceiling(rdms)
    assert found["ceiling"] == found["ceiling_low"]
    assert region_ceilings([region._replace(inner=None, crossnobis=None) for region in region_rdms(three)])[
        0
    ].ceiling == pytest.approx(found["ceiling_low"])


def test_crossnobis_compares_squared_distances_of_the_repeated_stimuli(table):
    responses, features = recorded(shared=True)
    responses = responses.isel(neuroid=slice(0, 8))
    responses["rate_half"].values[:, 3:6] = np.nan  # shown once
    responses["n_presentations"].values[3:6] = 1
    found = compared(responses, {"driving": features}).iloc[0]
    kept = np.delete(np.arange(N), range(3, 6))
    neural = crossnobis_rdm(responses["rate_half"].values[:, kept], responses["noise_variance"].values)
    upper, model = np.triu_indices(len(kept), 1), pdist(features[kept], "sqeuclidean")
    assert found["crossnobis"] == pytest.approx(np.corrcoef(neural[upper], model)[0, 1], abs=1e-6)
    assert found["n_stimuli"] == N
    responses["rate_half"].values[:] = np.nan
    assert np.isnan(compared(responses, {"driving": features}).iloc[0]["crossnobis"])
    area = table[table["region"] == "CIT"].set_index("layer")["crossnobis"]
    assert area["driving"] > 0.5 > 0.2 > abs(area["noise"])


def test_sessions_of_the_same_images_are_compared_with_one_another():
    responses, features = recorded(shared=True)
    first = compared(responses, {"driving": features}).iloc[0]
    assert (first["region"], first["compared_with"], first["interval"]) == ("CIT Pa1", "CIT Pa2", "exact")
    assert np.isnan(first["q"])
    assert first["p"] < 0.05


def test_labels_that_nobody_knows_are_no_model():
    responses, features = recorded()
    responses["category_name"].values[25] = "unknown"  # the second session's
    table = compared(responses, {"driving": features})
    assert list(table[table["compared_with"] == "category"]["region"]) == ["CIT Pa1", "CIT"]


def test_category_rdm():
    responses, _ = recorded()
    ((name, rdm, inner, known),) = category_models(responses)
    labels = responses["category_name"].values
    assert name == "category_name"
    np.testing.assert_array_equal(rdm, labels[:, None] != labels)
    np.testing.assert_array_equal(inner, 1 - rdm)
    assert known.all()


def test_a_single_session_has_no_pooled_number():
    responses, features = recorded()
    row = compared(responses.isel(neuroid=slice(0, 8)), {"driving": features}).iloc[-1]
    assert row["region"] == "CIT"
    assert np.isnan(row[["pooled", "partial"]].astype(float)).all()
    assert row["within"] == row["spearman"]


@pytest.mark.parametrize("seed", range(3))
def test_the_confound(seed):
    """Pooled high, within sessions zero, and flagged."""
    responses, gram = simulate_confound(seed)
    comparisons, rdm = Comparisons(region_rdms(responses), 200, seed), correlation_rdm(gram)
    comparisons.add("model", "features", rdm, gram.inner)
    row = comparisons.table(lambda network, layer: rdm).iloc[-1]
    assert row["pooled"] > 0.4
    assert abs(row["within"]) < 0.05
    assert row["within_low"] < 0 < row["within_high"]
    assert abs(row["partial"]) < 0.1
    assert row["p"] > 0.05
    assert row["flag"] == "confounded"


def test_panels_of_the_confound():
    panels = confound_panels(0, 100)
    assert panels.pooled > 0.4 > 0.05 > abs(panels.within)
    assert panels.confounded
    assert list(np.unique(panels.session)) == ["S1", "S2", "S3", "S4"]
    assert panels.neural.shape == panels.model.shape == (240, 240)
    apart = panels.session[:, None] != panels.session
    for rdm in (panels.neural, panels.model):
        assert rdm[apart].mean() > rdm[~apart].mean() + 0.2


def test_pairs_of_an_image_with_itself_are_not_pooled():
    rates = [np.random.default_rng(k).normal(size=(4, 5 + k)) for k in range(2)]
    pooled = pool_sessions(rates, [np.arange(4), np.arange(2, 6)], 0)
    assert len(pooled.neural) == 8 * 7 // 2 - 2
    assert (pooled.first != pooled.second).all()
    assert np.bincount(pooled.sessions).tolist() == [6, 14, 0, 6]
    expected = 1 - np.corrcoef(rates[0][0], rates[1][1][:5])[0, 1]
    at = np.flatnonzero((pooled.first == 0) & (pooled.second == 3) & (pooled.sessions == 1))
    assert pooled.neural[at[0]] == pytest.approx(expected)
    assert pool_sessions(rates[:1], [np.arange(4)], 0) is None


def test_averages_of_sessions_are_weighted_by_pairs():
    values = np.array([[0.5, 0.5, np.nan], [0.1, 0.1, 0.1]])
    counts = np.array([[1, 1], [2, 0], [1, 1]])
    found = average_sessions(values, [4, 3], counts)
    np.testing.assert_allclose(found, [(6 * 0.5 + 3 * 0.1) / 9, 0.5, 0.1])
    drawn = draw_sessions(3, 50, 0)
    assert drawn[0].tolist() == [1, 1, 1]
    assert (drawn.sum(axis=1) == 3).all()


@pytest.mark.parametrize(
    ("pooled", "low", "high", "flagged"),
    [(0.5, -0.02, 0.03, True), (0.5, 0.01, 0.3, False), (0.05, -0.02, 0.03, False), (0.2, -0.1, 0.3, False)],
)
def test_a_pooled_number_above_an_interval_that_holds_zero_is_flagged(pooled, low, high, flagged):
    assert is_confounded(pooled, low, high) == flagged


def test_permutation_p_counts_the_estimate_itself():
    assert permutation_p(0.5, np.array([0.1, 0.5, 0.6])) == 0.75
    assert permutation_p(0.9, np.zeros(99)) == 0.01
