"""Fitting a readout to each neuroid, and choosing the layer of a region on train."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.model_selection import LeaveOneOut, StratifiedShuffleSplit, cross_val_predict

from ventral.data.splits import protocol_splits
from ventral.encoders.fit import (
    choose_layers,
    fit_encoder,
    fit_layer,
    fit_protocol,
    fit_readouts,
    observed_alike,
)
from ventral.files.errors import InputError
from ventral.gram.matrix import gram_of
from ventral.gram.spectra import RANK_CUT, Decomposition, decompose
from ventral.readouts.mlp import Mlp
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import ALPHAS, Ridge
from ventral.scores.metrics.pearson_r import pearson_r
from ventral.scores.scoring import score

N = 60
READOUTS = [Ridge(1.0), Ridge("loo"), Ridge(0.0, components=5), Ridge("loo", components=8)]


def study(seed: int = 0, regions=("IT", "IT", "V4", "V4")) -> tuple[dict[str, np.ndarray], xr.Dataset]:
    """Features of an early and a late layer; V4 is linear in the early one, IT in the late one."""
    rng = np.random.default_rng(seed)
    features = {"early": rng.normal(size=(N, 10)), "late": rng.normal(size=(N, 10))}
    source = {"IT": "late", "V4": "early"}
    rate = np.stack([features[source[r]] @ rng.normal(size=10) for r in regions], axis=1)
    rate += 0.3 * rng.normal(size=rate.shape)
    split = np.array(["train"] * 40 + ["val"] * 8 + ["test"] * 12)
    responses = xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rate)},
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
            "split": ("stimulus", rng.permutation(split)),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(len(regions))]),
            "region": ("neuroid", list(regions)),
        },
    )
    return features, responses


def grams(features):
    return [(name, gram_of(x)) for name, x in features.items()]


def fit_one(inner, rate, split, readout, seed=0):
    """One readout of one layer, all neuroids together."""
    return fit_layer(inner, rate, split, [(readout, np.full(rate.shape[1], "IT"))], seed=seed)[0]


def spoil(responses, seed=1):
    """Take some stimuli away: the same for the first two neuroids, others for the rest."""
    rate = responses["rate"].values
    gone = np.random.default_rng(seed).random((N, rate.shape[1])) < 0.2
    gone[:, 1] = gone[:, 0]
    rate[gone] = np.nan
    return responses


@pytest.mark.parametrize("readout", [*READOUTS, Ridge("cv"), Pls(8)])
def test_each_region_takes_the_layer_that_explains_it(readout):
    features, responses = study()
    found = fit_encoder(grams(features), responses, readout)
    assert list(found["chosen_layer"].values) == ["late", "late", "early", "early"]
    assert list(found["layer"].values) == ["early", "late"]
    assert not found["dead"].any()
    held_out = responses["split"].values != "train"
    np.testing.assert_array_equal(found["stimulus_id"], responses["stimulus_id"].values[held_out])
    np.testing.assert_array_equal(found["split"], responses["split"].values[held_out])


def test_the_choice_is_made_on_train_alone():
    features, responses = study()
    before = fit_encoder(grams(features), responses, Ridge("loo"))
    rate = responses["rate"].values
    rate[responses["split"].values != "train"] = 1e6
    after = fit_encoder(grams(features), responses, Ridge("loo"))
    for name in ("prediction", "train_r2", "alpha"):
        np.testing.assert_array_equal(before[name], after[name])
    assert (before["chosen_layer"] == after["chosen_layer"]).all()


def test_a_region_has_one_layer():
    train_r2 = np.array([[0.9, 0.0, 0.2], [0.5, 0.5, 0.1]])
    np.testing.assert_array_equal(choose_layers(train_r2, np.array(["IT", "IT", "V4"])), [1, 1, 0])


def test_predictions_of_test_are_shown_for_the_chosen_layer_alone():
    features, responses = study()
    found = fit_encoder(grams(features), responses, Ridge(1.0))
    test = found["split"].values == "test"
    for i, layer in enumerate(found["layer"].values):
        shown = np.isfinite(found["prediction"].values[i])
        assert shown[~test].all()
        np.testing.assert_array_equal(shown[test].all(axis=0), found["chosen_layer"].values == layer)
        np.testing.assert_array_equal(shown[test].any(axis=0), found["chosen_layer"].values == layer)


@pytest.mark.parametrize("readout", READOUTS)
def test_missing_stimuli_are_left_out_neuroid_by_neuroid(readout):
    features, responses = study()
    rate, split = spoil(responses)["rate"].values, responses["split"].values
    inner = gram_of(features["late"]).inner
    together = fit_one(inner, rate, split, readout)
    held_out = np.flatnonzero(split != "train")
    for k in range(rate.shape[1]):
        kept = np.flatnonzero(np.isfinite(rate[:, k]))
        alone = fit_one(inner[np.ix_(kept, kept)], rate[kept, k : k + 1], split[kept], readout)
        at = np.isin(held_out, kept)
        np.testing.assert_allclose(together["prediction"][at, k], alone["prediction"][:, 0], rtol=1e-8, atol=1e-10)
        for name in ("train_r2", "alpha"):
            np.testing.assert_allclose(together[name][k], alone[name][0], rtol=1e-8)
    # Stimuli of the held-out splits that were not shown are predicted all the same.
    assert np.isfinite(together["prediction"]).all()


def test_ridge_is_that_of_scikit_learn():
    features, responses = study()
    rate, split, x = spoil(responses)["rate"].values, responses["split"].values, features["late"]
    found = fit_one(gram_of(x).inner, rate, split, Ridge(2.5))
    for k in range(rate.shape[1]):
        train = (split == "train") & np.isfinite(rate[:, k])
        model = linear_model.Ridge(alpha=2.5).fit(x[train], rate[train, k])
        np.testing.assert_allclose(found["prediction"][:, k], model.predict(x[split != "train"]), rtol=1e-6, atol=1e-8)
        loo = cross_val_predict(linear_model.Ridge(alpha=2.5), x[train], rate[train, k], cv=LeaveOneOut())
        r2 = 1 - ((rate[train, k] - loo) ** 2).mean() / rate[train, k].var()
        assert found["train_r2"][k] == pytest.approx(r2, rel=1e-6)


def test_deep_head_sees_the_scores_of_the_components(monkeypatch):
    """Those of train as PCA gives them, those of held-out stimuli projected; R2 is of what it left out."""
    features, responses = study()
    rate, split, x = responses["rate"].values, responses["split"].values, features["late"].astype(float)
    train, seen = split == "train", {}

    class Head:
        def __init__(self, scores, responses, **options):
            seen.update(scores=scores, options=options)
            held_out = np.arange(len(scores)) % 3 == 0
            self.training = SimpleNamespace(held_out=held_out, predictions=responses[held_out] + 1)

        def predict(self, scores):
            seen["held_out"] = scores
            return np.zeros((len(scores), rate.shape[1]), np.float32)

    monkeypatch.setattr("ventral.training.engine.fit_mlp", Head)
    found = fit_one(gram_of(x.astype(np.float32)).inner, rate, split, Mlp([8], components=5), seed=3)
    pca = PCA(5).fit(x[train])
    signs = np.sign((pca.transform(x[train]) * seen["scores"]).sum(axis=0))
    np.testing.assert_allclose(seen["scores"] * signs, pca.transform(x[train]), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(seen["held_out"] * signs, pca.transform(x[~train]), rtol=1e-4, atol=1e-4)
    assert seen["options"]["seed"] == 3 and seen["options"]["head"].hidden == (8,)
    np.testing.assert_allclose(found["train_r2"], 1 - 1 / rate[train][::3].var(axis=0))


def test_deep_head_fits_what_a_linear_readout_cannot():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    rate = np.stack([np.abs(x[:, 0]), x[:, 1]], axis=1)
    split = np.where(np.arange(300) < 240, "train", "test")
    found = {
        name: fit_one(gram_of(x.astype(np.float32)).inner, rate, split, readout)["prediction"]
        for name, readout in {"linear": Ridge("loo"), "deep": Mlp([64])}.items()
    }
    r = {name: pearson_r(rate[240:], prediction) for name, prediction in found.items()}
    assert r["deep"].min() > 0.7 and r["linear"][0] < 0.5


def test_deep_head_of_dead_features_predicts_the_mean():
    _, responses = study()
    rate, split = responses["rate"].values, responses["split"].values
    found = fit_one(np.zeros((N, N)), rate, split, Mlp([8]))
    np.testing.assert_allclose(
        found["prediction"], np.tile(rate[split == "train"].mean(axis=0), (N - (split == "train").sum(), 1))
    )


@given(st.integers(0, 2**32 - 1))
def test_neuroids_are_grouped_by_what_they_were_shown(seed):
    rng = np.random.default_rng(seed)
    rates = np.where(rng.random((6, 10)) < 0.4, np.nan, 1.0)
    groups = list(observed_alike(rates))
    np.testing.assert_array_equal(np.sort(np.concatenate([members for members, _ in groups])), range(10))
    for members, seen in groups:
        np.testing.assert_array_equal(np.isfinite(rates[:, members]), np.repeat(seen[:, None], len(members), axis=1))
    assert len({seen.tobytes() for _, seen in groups}) == len(groups)


@pytest.mark.parametrize("dead", [np.zeros((N, 7)), np.full((N, 7), 3.0), np.tile(np.arange(7.0), (N, 1))])
@pytest.mark.parametrize("readout", [*READOUTS, Ridge(0.0)])
def test_dead_layers_predict_the_mean_and_score_zero(dead, readout):
    features, responses = study()
    found = fit_encoder(grams({"dead": dead.astype(np.float32)} | features), responses, readout)
    assert list(found["dead"].values) == [True, False, False]
    assert "dead" not in found["chosen_layer"].values
    assert np.isfinite(found["train_r2"]).all()
    val = found["split"].values == "val"
    prediction = found["prediction"].values[0, val].astype(float)
    y = responses["rate"].values[responses["split"].values == "val"]
    mean = responses["rate"].values[responses["split"].values == "train"].mean(axis=0)
    np.testing.assert_allclose(prediction, np.broadcast_to(mean, prediction.shape), rtol=1e-6)
    np.testing.assert_array_equal(pearson_r(y, prediction), 0)
    np.testing.assert_allclose(score(y, prediction)["explained_variance"], 0, atol=1e-6)


@pytest.mark.parametrize("factor", [1e-3, 1e3])
@pytest.mark.parametrize("components", [None, 4])
def test_loo_is_blind_to_the_scale_of_the_features(factor, components):
    features, responses = study()
    spoil(responses)
    readout = Ridge("loo", components=components)
    one = fit_encoder(grams(features), responses, readout)
    other = fit_encoder(grams({name: factor * x for name, x in features.items()}), responses, readout)
    np.testing.assert_allclose(other["prediction"], one["prediction"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(other["train_r2"], one["train_r2"], rtol=1e-7)
    np.testing.assert_allclose(other["alpha"], factor**2 * one["alpha"], rtol=1e-7)


def test_the_penalties_tried():
    spectrum = Decomposition(gram_of(np.random.default_rng(0).normal(size=(20, 5))).inner).spectrum()
    assert Ridge(0.5).alphas(spectrum, 20) == [0.5]
    np.testing.assert_allclose(Ridge("loo").alphas(spectrum, 20), ALPHAS * spectrum.values.sum() / 20)
    empty = Decomposition(np.zeros((5, 5))).spectrum()
    np.testing.assert_allclose(Ridge("loo").alphas(empty, 5), ALPHAS)


def test_loo_takes_the_penalty_of_least_error_for_each_neuroid():
    features, responses = study(regions=("IT", "V4"))
    split, rate = responses["split"].values, responses["rate"].values
    inner = gram_of(features["late"]).inner
    chosen = fit_one(inner, rate, split, Ridge("loo"))
    train = np.flatnonzero(split == "train")
    centred = features["late"][train] - features["late"][train].mean(axis=0)
    grid = ALPHAS * (centred**2).sum() / len(train)
    by_hand = [fit_one(inner, rate, split, Ridge(alpha))["train_r2"] for alpha in grid]
    np.testing.assert_allclose(chosen["alpha"], grid[np.argmax(by_hand, axis=0)], rtol=1e-7)
    assert chosen["alpha"][0] < chosen["alpha"][1]  # V4 has nothing to do with the late layer


def test_one_penalty_for_all_neuroids_is_that_of_least_error_over_them():
    features, responses = study(regions=("IT", "V4"))
    split, rate = responses["split"].values, responses["rate"].values
    train, inner = split == "train", gram_of(features["late"]).inner
    chosen = fit_one(inner, rate, split, Ridge("cv"))
    centred = features["late"][train] - features["late"][train].mean(axis=0)
    grid = ALPHAS * (centred**2).sum() / train.sum()
    r2 = np.array([fit_one(inner, rate, split, Ridge(alpha))["train_r2"] for alpha in grid])
    error = ((1 - r2) * rate[train].var(axis=0)).sum(axis=1)
    np.testing.assert_allclose(chosen["alpha"], grid[np.argmin(error)], rtol=1e-7)


@pytest.mark.parametrize("readout", [Pls(8), Ridge("loo"), Ridge("cv", components=30), Ridge(0.0)])
def test_near_duplicates_in_train_flatter_no_readout(readout):
    responses = study()[1]
    train = np.flatnonzero(responses["split"].values == "train")
    noise = np.random.default_rng(4).normal(size=(N, 100))  # has nothing to do with the responses
    groups = np.arange(N).astype(str)
    for a, b in train.reshape(-1, 2):  # every stimulus twice
        noise[b], groups[b] = noise[a], groups[a]
        responses["rate"].values[b] = responses["rate"].values[a]
    flattered = fit_encoder(grams({"noise": noise}), responses, readout)
    honest = fit_encoder(grams({"noise": noise}), responses.assign_coords(stimulus_group=("stimulus", groups)), readout)
    assert (flattered["train_r2"] > 0.5).all()
    assert (honest["train_r2"] < 0.2).all()


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
@pytest.mark.parametrize("readout", [*READOUTS, Ridge(0.0)])
def test_a_neuroid_constant_on_train_does_not_choose_the_layer(constant, readout):
    features, responses = study(seed=1, regions=("V4", "V4"))
    responses["rate"].values[responses["split"].values == "train", 1] = constant
    found = fit_encoder(grams(features | {"wide": np.random.default_rng(5).normal(size=(N, 200))}), responses, readout)
    np.testing.assert_array_equal(found["train_r2"].values[:, 1], 0)
    assert set(found["chosen_layer"].values) == {"early"}


@pytest.mark.parametrize("readout", [*READOUTS, Ridge("cv"), Pls(3), Mlp([4])])
def test_what_is_predicted_of_a_region_does_not_depend_on_which_others_are_in_the_file(readout):
    features, responses = study(regions=("V4", "IT", "V4", "V4", "IT", "V4"))
    spoil(responses)
    responses["region"].values[3] = "V1"
    splits = protocol_splits("kfold", responses["split"].values, 0)[:2]
    layers = grams({"early": features["early"], "late": features["late"]})
    together = fit_protocol(layers, responses, readout, splits)
    own = responses["region"].values == "V4"
    alone = fit_protocol(layers, responses.isel(neuroid=own), readout, splits)
    for name in ("prediction", "train_r2", "alpha", "chosen_layer"):
        assert together[name].values[..., own].tobytes() == alone[name].values.tobytes(), name


@pytest.mark.parametrize("readout", [Ridge("cv", per="subject"), Pls(3, per="subject")])
def test_a_region_of_one_subject_is_fitted_and_has_a_layer_of_its_own_on_request(readout):
    features, responses = study(regions=("IT", "IT", "IT", "IT"))
    late = np.array([True, False, True, False])
    responses["rate"].values[:, ~late] = (features["early"] @ np.random.default_rng(1).normal(size=(10, 2))) * 5
    responses = responses.assign_coords(subject=("neuroid", np.where(late, "a", "b")))
    found = fit_encoder(grams(features), responses, readout)
    assert list(found["chosen_layer"].values) == ["late", "early", "late", "early"]
    alone = fit_encoder(grams(features), responses.isel(neuroid=late), readout)
    assert found["prediction"].values[..., late].tobytes() == alone["prediction"].values.tobytes()


def test_neuroids_that_are_too_noisy_have_no_say_in_the_layer():
    train_r2 = np.array([[0.9, 0.2, 0.3, 0.5], [0.1, 0.4, 0.4, 0.6]])
    region = np.array(["IT", "IT", "IT", "V4"])
    np.testing.assert_array_equal(choose_layers(train_r2, region), [0, 0, 0, 1])
    np.testing.assert_array_equal(choose_layers(train_r2, region, np.array([False, True, True, False])), [1, 1, 1, 1])
    features, responses = study(regions=("IT", "IT", "V4", "V4", "V4"))
    responses["region"].values[:] = "IT"
    responses = responses.assign_coords(reliability=("neuroid", [0.9, np.nan, 0.1, 0.1, 0.1]))
    layers = list(grams(features))
    for least, chosen in ((-np.inf, "early"), (0.3, "late")):
        found = fit_readouts(layers, responses, {"ridge": Ridge("loo")}, responses["split"].values[None], least)
        assert set(found["ridge"]["chosen_layer"].values.flat) == {chosen}


def test_a_neuroid_or_layer_without_r2_chooses_nothing():
    nan = np.nan
    region = np.array(["IT", "IT", "V4"])
    np.testing.assert_array_equal(choose_layers(np.array([[nan, 0.1, 0.2], [0.1, 0.2, nan]]), region), [1, 1, 0])
    np.testing.assert_array_equal(choose_layers(np.array([[nan, nan, nan], [-2.0, -3.0, nan]]), region), [1, 1, 0])


def test_readouts_fitted_together_are_those_fitted_alone_and_decompose_a_layer_once(monkeypatch):
    features, responses = study()
    wide = features | {"wide": np.random.default_rng(5).normal(size=(N, 200))}
    readouts = {"pca5": Ridge(0.0, components=5), "ridge": Ridge("loo"), "pca8": Ridge("loo", components=8)}
    readouts |= {"uncut": Ridge(0.0, rank_cut=0), "pls": Pls(3)}
    splits = responses["split"].values[None]
    decomposed = []

    def counted(inner, n_units):
        decomposed.append(len(inner))
        return decompose(inner, n_units)

    monkeypatch.setattr("ventral.gram.spectra.decompose", counted)
    together = fit_readouts(grams(wide), responses, readouts, splits)
    n_train = (splits == "train").sum()
    assert sorted(decomposed) == sorted(3 * ([n_train] + 5 * [n_train * 4 // 5]))
    for name, readout in readouts.items():
        xr.testing.assert_identical(together[name], fit_protocol(grams(wide), responses, readout, splits))
    assert together["pca5"]["n_directions"].values.tolist() == [[5, 5, 5]]
    assert together["ridge"]["n_directions"].values.tolist() == [[10, 10, n_train - 1]]
    assert together["uncut"].attrs == {"rank_cut": 0} and together["ridge"].attrs == {"rank_cut": RANK_CUT}
    assert "rank_cut" not in together["pls"].attrs


def test_readouts_fitted_together_are_those_fitted_alone_with_gaps_groups_and_several_splits():
    features, responses = study()
    wide = features | {"wide": np.random.default_rng(5).normal(size=(N, 200))}
    pairs = np.repeat(np.arange(N // 2), 2).astype(str)
    responses = spoil(responses).assign_coords(
        stimulus_group=("stimulus", pairs), subject=("neuroid", ["a", "b", "a", "a"])
    )
    splits = protocol_splits("kfold", responses["split"].values, 0)[:3]
    readouts = {"ols": Ridge(0.0), "uncut": Ridge(0.0, rank_cut=0), "cv": Ridge("cv"), "pls": Pls(3)}
    readouts |= {"subject": Ridge("cv", per="subject")}
    for k in (5, 8, 15):  # the layers early and late have 10 components
        readouts |= {f"pca{k}-{alpha}": Ridge(alpha, components=k) for alpha in (0.0, 1.0, "loo", "cv")}
    together = fit_readouts(grams(wide), responses, readouts, splits)
    for name, readout in readouts.items():
        alone = fit_protocol(grams(wide), responses, readout, splits)
        xr.testing.assert_allclose(together[name], alone, rtol=0, atol=1e-9)


def test_a_neuroid_without_train_stimuli_is_named():
    features, responses = study()
    responses["rate"].values[responses["split"].values == "train", 1] = np.nan
    with pytest.raises(InputError, match="responses: neuroid n1: fewer than two train stimuli; leave it out"):
        fit_encoder(grams(features), responses, Ridge(1.0))


def test_brainscore_protocol_is_that_of_scikit_learn():
    """PLS on ten stratified splits: the same r at every site as scikit-learn's own pieces give."""
    features, responses = study(regions=["IT"] * 4)  # which it fits together
    x, strata = features["late"] @ np.random.default_rng(2).normal(size=(10, 200)), np.repeat(list("abcdef"), 10)
    y = responses["rate"].values
    splits = protocol_splits("brainscore", responses["split"].values, 0, strata)
    found = fit_protocol([("late", gram_of(x))], responses, Pls(5), splits)
    assert found["prediction"].dims == ("repeat", "layer", "stimulus", "neuroid")
    oracle = StratifiedShuffleSplit(n_splits=10, train_size=0.9, random_state=1).split(x, strata)
    for one, (train, test) in zip((found.isel(repeat=i) for i in range(10)), oracle, strict=True):
        pls = PLSRegression(5, scale=False).fit(x[train], y[train])
        shown = [list(one["stimulus_id"].values).index(f"s{i}") for i in test]
        ours = pearson_r(y[test], one["prediction"].values[0, shown])
        np.testing.assert_allclose(ours, pearson_r(y[test], pls.predict(x[test])), atol=1e-6)
        assert (one["split"].values[shown] == "test").all() and (one["split"].values == "test").sum() == len(test)


def test_a_layer_is_read_once_for_all_splits_and_each_is_fitted_as_if_alone():
    features, responses = study()
    splits = protocol_splits("kfold", responses["split"].values, 0)
    read = []

    def layers():
        for name, gram in grams(features):
            read.append(name)
            yield name, gram

    found = fit_protocol(layers(), responses, Ridge("loo"), splits)
    assert read == ["early", "late"]
    for i, split in enumerate(splits):
        alone = fit_encoder(grams(features), responses.assign_coords(split=("stimulus", split)), Ridge("loo"))
        one = found.isel(repeat=i)
        for name in ("train_r2", "alpha", "chosen_layer"):
            np.testing.assert_array_equal(one[name], alone[name])
        at = np.flatnonzero(one["split"].values != "train")
        np.testing.assert_array_equal(one["prediction"].values[:, at], alone["prediction"])
        np.testing.assert_array_equal(one["stimulus_id"].values[at], alone["stimulus_id"])
        assert np.isnan(one["prediction"].values[:, one["split"].values == "train"]).all()


def test_one_split_of_a_protocol_is_the_fit_of_that_split():
    features, responses = study()
    readout = Ridge("loo")
    one = fit_encoder(grams(features), responses, readout)
    found = fit_protocol(grams(features), responses, readout, responses["split"].values[None]).isel(repeat=0)
    for name in ("prediction", "train_r2", "alpha", "split", "stimulus_id", "chosen_layer", "dead"):
        np.testing.assert_array_equal(found[name].values, one[name].values)


@pytest.mark.parametrize("far", [0.0, 1e4, 1e7])
def test_predictions_are_as_fine_for_rates_far_from_zero(far):
    features, responses = study()
    near = fit_encoder(grams(features), responses, Ridge(1.0))["prediction"].values
    shifted = fit_encoder(grams(features), responses.assign(rate=responses["rate"] + far), Ridge(1.0))
    np.testing.assert_allclose(shifted["prediction"].values - far, near, atol=1e-5 * responses["rate"].values.std())
