"""Tables of scored encoders, and the summary to read."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import pearsonr

from ventral.files.csv import read_table, write_csv
from ventral.files.errors import InputError
from ventral.scores.catalogue import METRICS
from ventral.scores.ceilings import ceiled_r2
from ventral.scores.scoring import score
from ventral.tables.gather import ENCODER, gather_checks, gather_faces, gather_scores, mark_untrained
from ventral.tables.pages import summary_page, to_markdown
from ventral.tables.scoring import score_encoder

N, SPLIT = 90, np.array(["train", "val", "test"] * 30)
REGION = np.array(["V4", "IT", "IT", "V4", "IT"])
CHOSEN = {"V4": "zeta", "IT": "alpha"}  # names whose order is not that of depth
LAYERS = ["zeta", "mid", "alpha"]
STATISTICS = (*METRICS, "ceiled_r2")
RELATIVE = np.array([1, 1, 1, 1, 0.5])  # reliability of the neuroids
REPEATED = ["prediction", "train_r2", "alpha", "split", "chosen_layer"]  # all but the last two are data


def encoder(network="resnet", readout="ols", seed=0, reliability=0.8):
    """Predictions and responses as the files hold them, with one missing response and a neuroid of constant test."""
    rng = np.random.default_rng(seed)
    rate = np.random.default_rng(99).normal(size=(N, 5)) + 2
    rate[1, 0] = np.nan
    rate[SPLIT == "test", 4] = 3.0
    held_out = SPLIT != "train"
    chosen = np.array([CHOSEN[name] for name in REGION])
    prediction = np.nan_to_num(rate[held_out], nan=0) + rng.normal(size=(3, 60, 5)) * np.array([1, 2, 3])[:, None, None]
    hidden = (chosen != np.array(LAYERS)[:, None])[:, None, :] & (SPLIT[held_out] == "test")[:, None]
    ids = np.array([f"s{i}" for i in range(N)])
    predictions = xr.Dataset(
        {
            "prediction": (("layer", "stimulus", "neuroid"), np.where(hidden, np.nan, prediction)),
            "train_r2": (("layer", "neuroid"), rng.random((3, 5))),
            "alpha": (("layer", "neuroid"), np.ones((3, 5))),
        },
        coords={
            "layer": LAYERS,
            "dead": ("layer", [False, True, False]),
            "stimulus_id": ("stimulus", ids[held_out]),
            "split": ("stimulus", SPLIT[held_out]),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(5)]),
            "region": ("neuroid", REGION),
            "chosen_layer": ("neuroid", chosen),
        },
        attrs={"network": network, "readout": readout, "protocol": "holdout", "weights": "random"},
    )
    repeated = {name: (("repeat", *predictions[name].dims), predictions[name].values[None]) for name in REPEATED}
    predictions = (
        predictions.drop_vars(REPEATED)
        .assign({name: repeated[name] for name in REPEATED[:3]})
        .assign_coords({name: repeated[name] for name in REPEATED[3:]})
    )
    responses = xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), rate),
            "n_presentations": (("stimulus", "neuroid"), np.isfinite(rate).astype(int)),
        },
        coords={
            "stimulus_id": ("stimulus", ids),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(5)]),
            "region": ("neuroid", REGION),
            "reliability": ("neuroid", reliability * RELATIVE),
            "signal_variance": ("neuroid", reliability * RELATIVE),
            "noise_variance": ("neuroid", 1 - reliability * RELATIVE),
            "reliability_sd": ("neuroid", np.full(5, 0.01)),
        },
        attrs={"source": "simulated"},
    )
    return predictions, responses


def tables(**options):
    return score_encoder("majaj", *encoder(**options))


def lower(found):
    """An encoder's mean r, .5 lower."""
    summary = found[1]
    summary["pearson_r_mean"] -= 0.5
    summary["estimate"] = [replace(one, value=one.value - 0.5) for one in summary["estimate"]]


@pytest.mark.parametrize("split", ["val", "test"])
def test_scores_are_those_of_the_chosen_layer(split):
    predictions, responses = encoder()
    tidy, _, _ = score_encoder("majaj", predictions, responses)
    held = tidy[tidy["split"] == split].set_index(["metric", "neuroid"])
    y = responses["rate"].values[split == SPLIT]
    at = predictions["split"].values[0] == split
    for k in range(5):
        layer = CHOSEN[REGION[k]]
        p = predictions["prediction"].values[0, LAYERS.index(layer), at, k]
        seen = np.isfinite(y[:, k])
        direct = score(y[seen, k : k + 1], p[seen, None])
        for metric in METRICS:
            row = held.loc[(metric, f"n{k}")]
            assert row["layer"] == layer
            assert row["region"] == REGION[k]
            np.testing.assert_allclose(row["value"], direct[metric][0, 0], rtol=1e-9)
            assert np.isnan(row["value"]) or row["low"] <= row["high"]
        if not (k == 4 and split == "test"):
            r = pearsonr(y[seen, k], p[seen]).statistic
            assert held.loc[("pearson_r", f"n{k}"), "value"] == pytest.approx(r)
            expected = ceiled_r2(np.array([r]), responses["reliability"].values[k : k + 1])[0]
            assert held.loc[("ceiled_r2", f"n{k}"), "value"] == pytest.approx(expected)
    assert set(tidy["metric"]) == set(STATISTICS)
    assert len(tidy) == 2 * 5 * len(STATISTICS)
    assert set(tidy["encoder"]) == {"resnet-ols"}
    assert set(tidy["source"]) == {"simulated"}


def test_the_summary_averages_neuroids_and_counts_those_without_a_score():
    tidy, summary, _ = tables()
    for row in summary.to_dict("records"):
        here = tidy[(tidy["split"] == row["split"]) & (tidy["region"] == row["region"])]
        for metric in STATISTICS:
            values = here.loc[here["metric"] == metric, "value"]
            assert row[f"{metric}_median"] == pytest.approx(values.median())
            if metric in METRICS:
                assert row[f"{metric}_mean"] == pytest.approx(values.mean())  # pandas leaves NaN out
                assert row[f"{metric}_low"] < row[f"{metric}_mean"] < row[f"{metric}_high"]
        assert row["n_stimuli"] == 30
        assert row["interval_over"] == ("both" if row["n_scored"] > 1 else "stimuli")
        r = here[here["metric"] == "pearson_r"]
        share = (r["value"] * r["value"].abs()).sum() / r.loc[r["value"].notna(), "ceiling"].sum()
        assert abs(row["ceiled_r2"]) < abs(share)  # less what chance adds to a square: tests/validity has the truth
        assert row["ceiled_r2_low"] < row["ceiled_r2"] < row["ceiled_r2_high"]
        assert row["n_ceiled"] == row["n_scored"] and row["n_ceiling_below_zero"] == 0
    counts = summary.set_index(["region", "split"])
    assert counts["n_neuroids"].to_dict() == {
        **{("IT", "val"): 3, ("IT", "test"): 3},
        **{("V4", "val"): 2, ("V4", "test"): 2},
    }
    assert counts.loc[("IT", "test"), "n_scored"] == 2  # the fifth neuroid is constant in test
    assert counts.loc[("IT", "val"), "n_scored"] == 3
    assert counts.loc[("IT", "val"), "reliability_median"] == 0.8


def test_layers_are_scored_on_val():
    predictions, responses = encoder()
    _, _, layers = score_encoder("majaj", predictions, responses)
    y = responses["rate"].values[SPLIT == "val"]
    for row in layers.to_dict("records"):
        here = row["region"] == REGION
        p = predictions["prediction"].values[0, row["depth"], predictions["split"].values[0] == "val"]
        direct = score(y[:, here], p[:, here])
        for metric in ("explained_variance", "pearson_r"):
            assert row[f"{metric}_mean"] == pytest.approx(np.nanmean(direct[metric]))
        assert row["layer"] == LAYERS[row["depth"]]
        assert row["chosen"] == (row["layer"] == CHOSEN[row["region"]])
        assert row["dead"] == (row["layer"] == "mid")
        assert row["train_r2_mean"] == pytest.approx(predictions["train_r2"].values[0, row["depth"], here].mean())
    assert len(layers) == 6


def test_several_splits_are_averaged():
    """Ten splits of a protocol without val: scores are means over splits, the layer the one that most of them chose."""
    predictions, responses = encoder()
    ours = predictions["split"].values[0] == "test"
    both = xr.concat([predictions, predictions.copy(deep=True)], dim="repeat").isel(stimulus=ours)
    both["prediction"].values[1] *= -1
    both["chosen_layer"] = both["chosen_layer"].astype(object)
    both.attrs["protocol"] = "brainscore"
    tidy, summary, layers = score_encoder("majaj", both, responses)
    assert layers.empty and set(tidy["split"]) == {"test"} and set(summary["protocol"]) == {"brainscore"}
    np.testing.assert_allclose(tidy.loc[tidy["metric"] == "pearson_r", "value"].dropna(), 0, atol=1e-12)
    single = both.isel(repeat=[0])
    _, one, _ = score_encoder("majaj", single, responses)
    r = one["pearson_r_median"] ** 2 / one["reliability_median"]  # of the medians, as Brain-Score has it
    np.testing.assert_allclose(one["brainscore"], r)
    # The same split ten times tells no more than once: intervals must not shrink.
    _, ten, _ = score_encoder("majaj", xr.concat([single] * 10, dim="repeat"), responses)
    for bound in ("low", "high"):
        np.testing.assert_allclose(ten[f"pearson_r_{bound}"], one[f"pearson_r_{bound}"])


def test_a_group_tells_as_much_as_one_of_its_members():
    predictions, responses = encoder()
    groups = ("stimulus", [f"g{i}" for i in range(responses.sizes["stimulus"])])
    _, once, _ = score_encoder("majaj", predictions, responses.assign_coords(stimulus_group=groups))
    both = [each.isel(stimulus=np.repeat(np.arange(each.sizes["stimulus"]), 2)) for each in (predictions, responses)]
    for each in both:  # names of their own
        each["stimulus_id"] = (
            "stimulus",
            np.char.add(each["stimulus_id"].values, np.tile(["a", "b"], len(each["stimulus_id"]) // 2)),
        )
    grouped = both[1].assign_coords(stimulus_group=("stimulus", np.repeat(groups[1], 2)))
    for given, same in ((grouped, True), (both[1], False)):
        _, twice, _ = score_encoder("majaj", both[0], given)
        np.testing.assert_allclose(twice["pearson_r_mean"], once["pearson_r_mean"])
        assert np.allclose(twice["pearson_r_low"], once["pearson_r_low"]) == same


def test_no_validation_stimuli_are_said():
    predictions, responses = encoder()
    test = predictions.isel(stimulus=predictions["split"].values[0] == "test")
    with pytest.raises(InputError, match=r"split\.val: leaves majaj no validation stimulus"):
        score_encoder("majaj", test, responses)


def test_without_test_stimuli_val_is_shown():
    predictions, responses = encoder()
    val = predictions.isel(stimulus=predictions["split"].values[0] == "val")
    _, summary, _ = gather_scores([score_encoder("majaj", val, responses)], [], 500, 0)
    assert set(summary["split"]) == {"val"}
    assert "30 held-out stimuli (val)" in to_markdown(summary_page(summary))


def test_tables_do_not_depend_on_the_order_of_encoders():
    parts = [
        tables(network=n, readout=r, seed=s) for s, (n, r) in enumerate([("b", "ols"), ("a", "ols"), ("a", "pls")])
    ]
    for one, other in zip(gather_scores(parts, [], 500, 0), gather_scores(parts[::-1], [], 500, 0), strict=True):
        pd.testing.assert_frame_equal(one, other)
        assert list(one.columns[: len(ENCODER)]) == ENCODER
        assert one["encoder"].drop_duplicates().tolist() == ["a-ols", "a-pls", "b-ols"]
        assert list(one.index) == list(range(len(one)))


def test_the_page_names_source_ceiling_and_the_best_encoder_first():
    worse = tables(network="worse", seed=1)
    lower(worse)
    _, summary, _ = gather_scores([worse, tables(network="better")], [], 500, 0)
    page = to_markdown(summary_page(summary))
    assert "## majaj, IT (simulated)" in page
    assert "3 neuroids, 30 held-out stimuli (test), median reliability 0.80." in page
    assert page.index("| **better-ols** | random | alpha |") < page.index("| worse-ols | random | alpha |")
    row = summary[(summary["encoder"] == "better-ols") & (summary["region"] == "V4") & (summary["split"] == "test")]
    mean, low, high = (row[f"pearson_r_{part}"].item() for part in ("mean", "low", "high"))
    assert f"| {mean:.3f} [{low:.3f}, {high:.3f}] |" in page
    share, low, high, median = (row[f"ceiled_r2{part}"].item() for part in ("", "_low", "_high", "_median"))
    assert f"| {share:.2f} [{low:.2f}, {high:.2f}] | {median:.2f} |" in page


def test_unreliable_neuroids_are_counted_and_left_out_of_means():
    predictions, responses = encoder()  # reliability .8, of the last neuroid .4
    _, summary, _ = score_encoder("majaj", predictions, responses, min_reliability=0.6)
    last = responses["region"].values[-1]
    assert summary["n_unreliable"].tolist() == (summary["region"] == last).astype(int).tolist()
    _, alone, _ = score_encoder("majaj", predictions.isel(neuroid=slice(4)), responses.isel(neuroid=slice(4)))
    for column in ("n_scored", "pearson_r_mean", "pearson_r_low", "explained_variance_median"):
        assert summary[column].tolist() == alone[column].tolist()


def test_the_best_and_what_cannot_be_told_from_it_are_marked():
    best, same, worse = (
        score_encoder("majaj", *encoder(network=network, seed=network == "worse"), over="stimuli")
        for network in ("best", "same", "worse")
    )
    lower(worse)
    _, summary, _ = gather_scores([best, same, worse], [], 500, 0)
    marked = summary.groupby("network")["among_best"]
    assert marked.all().to_dict() == {"best": True, "same": True, "worse": False}
    assert (summary.loc[summary["network"] == "worse", "p_best"] < 0.05).all()
    assert "estimate" not in summary


def test_without_repetitions_there_is_no_ceiling(tmp_path):
    gathered = gather_scores([tables(reliability=np.nan)], [], 500, 0)
    page = to_markdown(summary_page(gathered[1]))
    assert "no repetitions, so no ceiling" in page
    assert "| none |" in page
    assert "nan" not in page.lower()
    for table in gathered:
        write_csv(table, tmp_path / "a.csv")
        assert "nan" not in (tmp_path / "a.csv").read_text().lower()
    assert gathered[1]["ceiled_r2"].isna().all()


def test_a_region_without_any_score_has_no_nan_on_its_page():
    predictions, responses = encoder()
    responses["rate"].values[:, REGION == "IT"] = 3.0
    _, summary, _ = gather_scores([score_encoder("majaj", predictions, responses)], [], 500, 0)
    assert summary.loc[summary["region"] == "IT", "n_scored"].eq(0).all()
    assert "nan" not in to_markdown(summary_page(summary)).lower()


def test_six_significant_digits(tmp_path):
    write_csv(pd.DataFrame({"a": [1 / 3, 123456789.0, np.nan], "n": [1, 2, 3]}), tmp_path / "t" / "a.csv")
    assert (tmp_path / "t" / "a.csv").read_bytes() == b"a,n\n0.333333,1\n1.23457e+08,2\n,3\n"


def test_spread_over_seeds():
    """An encoder of several seeds is scored by their mean prediction; the sd of their mean r stands beside."""
    predictions, responses = encoder()
    seeds = np.random.default_rng(5).normal(size=(1, 3, 60, 5)) + predictions["prediction"].values[:, :1].clip(-9, 9)
    trained = predictions.assign(prediction_of_seed=(("repeat", "seed", "stimulus", "neuroid"), np.nan_to_num(seeds)))
    _, summary, _ = score_encoder("majaj", trained, responses)
    row = summary[(summary["split"] == "val") & (summary["region"] == "V4")].iloc[0]
    val, here = predictions["split"].values[0] == "val", REGION == "V4"
    y = responses["rate"].values[SPLIT == "val"][:, here]
    means = [np.nanmean(score(y, seed[val][:, here])["pearson_r"]) for seed in np.nan_to_num(seeds)[0]]
    assert row["n_seeds"] == 3
    assert row["pearson_r_seed_sd"] == pytest.approx(np.std(means, ddof=1))
    _, summary, _ = score_encoder("majaj", predictions, responses)
    assert set(summary["n_seeds"]) == {1} and summary["pearson_r_seed_sd"].isna().all()


def test_networks_that_only_claim_to_be_trained_are_marked(tmp_path):
    for name, passed in {"resnet": False, "alexnet": True}.items():
        row = {"network": name, "weights": "pretrained", "accuracy": 0.4, "accuracy_random": 0.4, "passed": passed}
        pd.DataFrame([row]).to_csv(tmp_path / f"{name}.csv", index=False)
    checks = gather_checks([tmp_path / "resnet.csv", tmp_path / "alexnet.csv"])
    assert checks["network"].tolist() == ["alexnet", "resnet"]
    summary = gather_scores([tables(network="resnet"), tables(network="alexnet")], [], 500, 0)[1]
    marked = mark_untrained(summary, checks).groupby("network")["weights"].first()
    assert marked.to_dict() == {"alexnet": "random", "resnet": "random (NO better than its random copy)"}
    assert mark_untrained(summary, gather_checks([])).equals(summary)
    assert "(NO better than its random copy)" in to_markdown(summary_page(mark_untrained(summary, checks)))


def test_how_far_below_the_best():
    parts = [tables(network=f"n{s}", seed=s) for s in range(3)]
    summary = gather_scores(parts, [], 500, 0)[1]
    for _, rows in summary.groupby(["region", "split"]):
        best = rows["pearson_r_mean"].max()
        np.testing.assert_allclose(rows["below_best"], best - rows["pearson_r_mean"])
        lower = rows["below_best"] > 0
        assert lower.sum() == 2
        inside = (rows["below_best_low"] <= rows["below_best"]) & (rows["below_best"] <= rows["below_best_high"])
        assert inside[lower].all()
        assert rows.loc[~lower, ["below_best_low", "below_best_high"]].isna().all(axis=None)  # nothing varies


def test_classifiers_of_faces_stand_beside_the_baselines_once():
    def scores(network):
        names = (network, "pixels", "majority", f"{network} - pixels", f"{network} - majority")
        places = [("val", "all"), ("test", "all")]
        return pd.DataFrame([{"set": s, "category": c, "classifier": n, "n": 9} for s, c in places for n in names])

    table = gather_faces([scores("hmo"), scores("cnn")], "viewing", "simulated")
    assert list(table.columns) == ["dataset", "source", "set", "category", "classifier", "n"]
    order = ["hmo", "cnn", "pixels", "majority", "hmo - pixels", "hmo - majority", "cnn - pixels", "cnn - majority"]
    assert table["classifier"].tolist() == 2 * order and set(table["source"]) == {"simulated"}
    assert table["set"].tolist() == ["val"] * 8 + ["test"] * 8


def test_references_stand_apart_from_models_in_every_ranking():
    """Labels that predict better than any model are no model, and none is told from them."""
    parts = [tables(network=name, seed=seed) for seed, name in enumerate(["model", "other", "labels"])]
    for part in parts[:2]:
        lower(part)
    summary = gather_scores(parts, ["labels"], 500, 0)[1]
    apart = summary[summary["network"] != "labels"]
    assert summary.loc[summary["network"] == "labels", "p_best"].isna().all()
    assert not summary.loc[summary["network"] == "labels", "among_best"].any()
    assert (summary.loc[summary["network"] == "labels", "below_best"] < 0).all()
    alone = gather_scores(parts[:2], [], 500, 0)[1]
    columns = ["encoder", "region", "split", "p_best", "below_best", "below_best_low", "among_best"]
    pd.testing.assert_frame_equal(apart[columns].reset_index(drop=True), alone[columns])
    page = to_markdown(summary_page(summary))
    assert page.index("model-ols") < page.index("labels-ols (reference)")
    only = gather_scores(parts[2:], ["labels"], 500, 0)[1]
    assert only["among_best"].all()


def test_without_a_protocol_that_has_a_val_the_table_of_layers_is_empty_but_for_its_header(tmp_path):
    predictions, responses = encoder()
    test = predictions.isel(stimulus=predictions["split"].values[0] == "test")
    test.attrs["protocol"] = "kfold"
    scores, summary, layers = gather_scores([score_encoder("majaj", test, responses)], [], 500, 0)
    assert len(scores) and len(summary) and not len(layers)
    checks = pd.DataFrame({"network": ["resnet"], "passed": [False]})
    write_csv(mark_untrained(layers, checks), tmp_path / "layers.csv")
    assert {"dataset", "encoder", "weights", "layer", "depth"} <= set(read_table(tmp_path / "layers.csv"))
