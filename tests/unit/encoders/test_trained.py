"""Entries under `trained`: from the config to a recipe, an encoder, and predictions of held-out stimuli."""

import json

import numpy as np
import pytest
import torch
import xarray as xr

from ventral.encoders.keep.reading import read_encoder
from ventral.encoders.train import train_encoder
from ventral.encoders.trained import (
    Job,
    build_trained,
    count_categories,
    fit_trained,
    make_recipe,
    make_trained_plan,
    preparation,
    with_settings,
)
from ventral.files.errors import InputError
from ventral.networks.weights import fingerprint
from ventral.study.config import find_misnamed
from ventral.study.faults import check_config
from ventral.study.schema import fill_defaults
from ventral.tables.scoring import score_encoder

N, SIDE, NEUROIDS = 80, 16, 4
RNG = np.random.default_rng(0)
IMAGES = np.repeat(np.repeat(RNG.integers(0, 256, (N, 4, 4, 3), dtype=np.uint8), 4, axis=1), 4, axis=2)
RATES = 20 + IMAGES.reshape(N, 2, 8, 2, 8, 3).mean(axis=(2, 4)).reshape(N, -1)[:, :NEUROIDS] / 10
SPLIT = np.array(["train", "train", "train", "val", "test"] * (N // 5))
NETWORKS = {"pixels": {"architecture": "pixels"}, "labels": {"architecture": "labels"}}
CNN = {"network": "cnn", "cnn": {"layers": 2, "channels": [4, 8], "kernel": 3}, "epochs": 3, "patience": 3, "batch": 16}


def config_of(**entry):
    """A config with one trained encoder, not yet checked."""
    study = {"datasets": {"majaj": {"source": "simulated"}}, "networks": NETWORKS, "readouts": {"ols": {"alpha": 0}}}
    return study | {"trained": {"net": entry}}


def filled(**entry):
    """An entry with defaults filled in."""
    config = json.loads(json.dumps(config_of(**entry)))
    assert check_config(config) == []
    fill_defaults(config)
    assert find_misnamed(config) == []
    return config["trained"]["net"]


def responses_of(rates=RATES):
    return xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), rates),
            "n_presentations": (("stimulus", "neuroid"), np.ones(rates.shape, dtype=int)),
        },
        coords={
            "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
            "split": ("stimulus", SPLIT),
            "category_name": ("stimulus", np.tile(["cars", "faces"], N // 2)),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(NEUROIDS)]),
            "region": ("neuroid", ["V4", "V4", "IT", "IT"]),
            "reliability": ("neuroid", np.full(NEUROIDS, 0.8)),
            "reliability_sd": ("neuroid", np.full(NEUROIDS, 0.01)),
            "signal_variance": ("neuroid", np.full(NEUROIDS, 0.8)),
            "noise_variance": ("neuroid", np.full(NEUROIDS, 0.2)),
        },
        attrs={"source": "simulated"},
    )


def job_of(folder, seed=0, responses=None, settings=None, **entry):
    entry = filled(**entry)
    responses = responses_of() if responses is None else responses
    n_categories = count_categories(responses, entry)
    recipe, weights = make_recipe(entry, settings, SIDE, NEUROIDS, n_categories=n_categories, seed=seed)
    return Job("net", entry, recipe, weights, [], seed, folder)


def fitted(job, responses=None, splits=SPLIT[None]):
    responses = responses_of() if responses is None else responses
    return fit_trained(job, IMAGES, np.arange(N), responses, splits)


def test_predictions_are_those_of_a_fitted_encoder(tmp_path):
    predictions, curves, trained = fitted(job_of(tmp_path, **CNN))
    assert dict(predictions.sizes) == {"repeat": 1, "layer": 1, "stimulus": 32, "neuroid": NEUROIDS}
    assert predictions["layer"].item() == "trained" and set(predictions["chosen_layer"].values.flat) == {"trained"}
    assert np.isfinite(predictions["prediction"]).all() and predictions.attrs["weights"] == "trained from random"
    assert list(curves["epoch"]) == [1, 2, 3] and curves["best"].sum() == 1
    assert set(curves) == {"split", "seed", "epoch", "train_loss", "stop_loss", "stop_r", "learning_rate", "best"}
    predictions.attrs |= {"network": "net", "readout": "linear", "protocol": "holdout"}
    _, summary, layers = score_encoder("mine", predictions, responses_of())
    assert set(summary["split"]) == {"val", "test"} and list(layers["layer"].unique()) == ["trained"]
    training = trained.trainings[0]
    rates = RATES[SPLIT == "train"][training.held_out]
    expected = 1 - ((rates - training.predictions) ** 2).sum(axis=0) / ((rates - rates.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(predictions["train_r2"].values[0, 0], expected, rtol=1e-5)


def test_held_out_responses_reach_no_weight(tmp_path):
    other = RATES.copy()
    other[SPLIT != "train"] = RNG.normal(size=other[SPLIT != "train"].shape)
    responses = responses_of(other)
    one, _, _ = fitted(job_of(tmp_path / "a", **CNN))
    two, _, _ = fitted(job_of(tmp_path / "b", **CNN), responses)
    np.testing.assert_array_equal(one["prediction"], two["prediction"])


def test_one_seed_gives_the_same_and_another_does_not(tmp_path):
    runs = [fitted(job_of(tmp_path / str(i), seed=seed, **CNN))[0]["prediction"] for i, seed in enumerate((0, 0, 1))]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_an_ensemble_is_the_mean_of_its_seeds(tmp_path):
    predictions, curves, trained = fitted(job_of(tmp_path / "all", seeds=2, **CNN))
    assert predictions["prediction_of_seed"].shape == (1, 2, 32, NEUROIDS) and len(trained.members) == 2
    np.testing.assert_allclose(
        predictions["prediction"][:, 0], predictions["prediction_of_seed"].mean("seed"), rtol=1e-6
    )
    alone, _, _ = fitted(job_of(tmp_path / "alone", seed=1, **CNN))
    np.testing.assert_array_equal(predictions["prediction_of_seed"][:, 1], alone["prediction"][:, 0])
    assert set(curves["seed"]) == {0, 1}


def test_every_split_of_a_protocol_is_trained_on_its_own_train(tmp_path):
    splits = np.stack([SPLIT, np.roll(SPLIT, 1)])
    splits[1, 0] = ""  # without any response
    predictions, curves, _ = fitted(job_of(tmp_path, **CNN), splits=splits)
    held_out = (splits != "train").any(axis=0)
    known = np.isfinite(predictions["prediction"].values[:, 0]).all(axis=2)
    np.testing.assert_array_equal(known, (splits != "train")[:, held_out])
    assert set(curves["split"]) == {0, 1}


def test_missing_cells_and_stimuli_without_any_response(tmp_path):
    rates = RATES.copy()
    rates[:40, 0] = np.nan
    rates[6] = np.nan
    responses = responses_of(rates)
    predictions, _, trained = fitted(job_of(tmp_path, responses=responses, **CNN), responses)
    assert np.isfinite(predictions["prediction"]).all() and np.isfinite(predictions["train_r2"]).all()
    assert len(trained.trainings[0].held_out) == (SPLIT == "train").sum() - 1


def test_a_finished_training_is_taken_up_not_done_again(tmp_path, capsys):
    one, curves, _ = fitted(job_of(tmp_path, **CNN))
    capsys.readouterr()
    two, again, _ = fitted(job_of(tmp_path, **CNN))
    assert "resumes after epoch 3" in capsys.readouterr().err
    np.testing.assert_array_equal(one["prediction"], two["prediction"])
    assert curves.equals(again)


def test_searched_settings_are_trained_with_and_told(tmp_path):
    over = {"layers": [1, 2], "learning_rate": [1e-3, 1e-2]}
    entry = CNN | {"cnn": {"layers": 2, "kernel": 3}, "search": {"trials": 3, "over": over}}
    predictions, _, trained = fitted(job_of(tmp_path, **entry))
    assert json.loads(predictions.attrs["searched"]) == [trained.found.settings]
    assert trained.entry["learning_rate"] == trained.found.settings["learning_rate"]
    assert len(trained.members[0].backbone) == trained.found.settings["layers"] == trained.recipe["network"]["layers"]
    # The encoder that was kept is the best trial's, trained again.
    assert min(row["stop_loss"] for row in trained.trainings[0].history) == pytest.approx(trained.found.loss)


def test_an_encoder_made_of_its_recipe_and_weights_is_the_same(tmp_path):
    for name, entry in {
        "cnn": CNN,
        "pixels": {"network": "pixels", "head": "mlp", "hidden": [5], "grid": "all", "epochs": 1},
        "factorised": CNN | {"head": "factorised"},
        "cotrained": CNN | {"category_weight": 0.5},
    }.items():
        settings = None if entry["network"] == "cnn" else {**NETWORKS["pixels"], "weights": "random", "layers": "auto"}
        _, _, trained = fitted(job_of(tmp_path / name, settings=settings, **entry))
        encoder = build_trained(json.loads(json.dumps(trained.recipe)), seed=99)
        encoder.load_state_dict(trained.members[0].state_dict())
        assert fingerprint(encoder) == fingerprint(trained.members[0])
        images = preparation(trained.recipe)(IMAGES[:3])
        assert images.shape == (3, 3, SIDE, SIDE)
        torch.testing.assert_close(encoder.eval()(images)[0], trained.members[0].eval()(images)[0])


def test_co_training_has_an_output_a_category(tmp_path):
    job = job_of(tmp_path, category_weight=0.5, **CNN)
    assert job.recipe["n_categories"] == 2
    assert build_trained(job.recipe, 0).head.categories.out_features == 2
    assert job_of(tmp_path, **CNN).recipe["n_categories"] == 0


def test_the_plan_has_what_the_entry_says():
    entry = filled(
        **CNN, shift=3, trainable=["block2"], backbone_learning_rate=1e-4, optimizer="sgd", clip=1.0, stop_share=0.2
    )
    plan = make_trained_plan(entry, seed=7)
    assert (plan.shift, plan.trainable, plan.backbone_learning_rate) == (3, ("block2",), 1e-4)
    assert (plan.optimizer, plan.clip, plan.seed, plan.epochs, plan.patience) == ("sgd", 1.0, 7, 3, 3)
    assert plan.stop_share == 0.2 and make_trained_plan(filled(**CNN), seed=7).stop_share == 0.1


def test_the_factorised_head_has_the_penalties_of_the_entry(tmp_path):
    entry = CNN | {"head": "factorised", "sparsity": 0.5, "smoothness": 0.25}
    rates = build_trained(job_of(tmp_path, **entry).recipe, 0).head.rates
    assert (rates.sparsity, rates.smoothness) == (0.5, 0.25)


def test_grid_is_all_of_a_cnn_and_the_average_of_other_networks(tmp_path):
    assert job_of(tmp_path, **CNN).recipe["head"]["grid"] is None
    settings = {"architecture": "pixels", "weights": "random", "layers": "auto"}
    assert job_of(tmp_path, settings=settings, network="pixels").recipe["head"]["grid"] == 1
    assert job_of(tmp_path, grid=2, **CNN).recipe["head"]["grid"] == 2


def test_settings_found_take_the_place_of_the_entry_s():
    entry = with_settings({"cnn": {"layers": 2, "kernel": 3}, "batch": 8}, {"layers": 3, "batch": 16})
    assert entry == {"cnn": {"layers": 3, "kernel": 3}, "batch": 16}
    assert with_settings({"batch": 8}, {"batch": 16}) == {"batch": 16}


def test_a_layer_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no layer 'block7'; the layers are block1"):
        fitted(job_of(tmp_path, layer="block7", **CNN))


@pytest.mark.parametrize(
    "entry, fault",
    [
        (
            {"network": "cnn", "head": "deep"},
            "trained.net.head: 'deep' is not allowed; give one of linear, mlp, factorised",
        ),
        ({"network": "cnn", "cnn": {"depth": 2}}, "trained.net.cnn.depth: unknown key; known are: layers"),
        (
            {"network": "cnn", "cnn": {"layers": 0}},
            "trained.net.cnn.layers: 0 is not allowed; give a whole number from 1 to 4",
        ),
        (
            {"network": "cnn", "learning_rate": "1e-3"},
            "trained.net.learning_rate: '1e-3' is not allowed; give a number",
        ),
        ({"network": "cnn", "batch": 0}, "trained.net.batch: 0 is not allowed; give a whole number from 1"),
        ({"network": "cnn", "epoch": 3}, "trained.net.epoch: unknown key; did you mean epochs?"),
        ({"network": "cnn", "trainable": "some"}, "trained.net.trainable: 'some' is not allowed; give all, none"),
        (
            {"network": "cnn", "search": {"over": {"batc": [1, 2]}}},
            "trained.net.search.over.batc: unknown key; did you",
        ),
        (
            {"network": "cnn", "search": {"over": {"batch": 8}}},
            "trained.net.search.over.batch: 8 is not allowed; give a list of two",
        ),
        ({"head": "mlp"}, "trained.net: missing network; add it"),
    ],
)
def test_a_wrong_entry_is_one_line(entry, fault):
    faults = check_config(config_of(**entry))
    assert len(faults) == 1 and faults[0].startswith(fault)


@pytest.mark.parametrize(
    "entry, fault",
    [
        ({"network": "pixel"}, "trained.net.network: no network 'pixel'; did you mean pixels?"),
        ({"network": "labels"}, "trained.net.network: labels sees no images; name another"),
        ({"network": "pixels", "cnn": {"layers": 2}}, "trained.net.cnn: is only for network: cnn; leave it out"),
        ({"network": "cnn", "weights": "pretrained"}, "trained.net.weights: is only for network: hybrid; leave it out"),
        ({"network": "cnn", "cnn": {"channels": [4]}}, "trained.net.cnn.channels: 1 for 2 layers; give one a layer"),
        (
            {"network": "pixels", "search": {"over": {"layers": [1, 2]}}},
            "trained.net.search.over.layers: is only for network: cnn without channels; leave it out",
        ),
        (
            {"network": "cnn", "search": {"over": {"batch": [64, 128, 256]}}},
            "trained.net.search.over.batch: lacks the entry's own 32, which is tried first; add it",
        ),
        (
            {"network": "cnn", "search": {"over": {"learning_rate": [0.01, 0.1]}}},
            "trained.net.search.over.learning_rate: lacks the entry's own 0.001, which is tried first; add it",
        ),
    ],
)
def test_an_entry_that_names_what_is_not_there_is_one_line(entry, fault):
    config = config_of(**entry)
    faults = check_config(config)
    fill_defaults(config)
    assert faults + find_misnamed(config) == [fault]


def test_names_of_readouts_and_of_trained_encoders():
    config = config_of(network="cnn") | {"readouts": {"deep": {"mlp": [8], "networks": ["pixle"]}}}
    config["trained"]["pixels"] = {"network": "cnn"}
    assert check_config(config) == []
    fill_defaults(config)
    assert find_misnamed(config) == [
        "readouts.deep.networks: no network 'pixle'; did you mean pixels?",
        "trained.pixels: a network has this name too; rename one",
    ]


@pytest.mark.parametrize(
    "readout, fault",
    [
        ({"pls": 5, "mlp": [8]}, "readouts.deep.pls: unknown key of kind mlp; known are: mlp, "),
        ({"alpha": 1, "mlp": [8]}, "readouts.deep.alpha: unknown key of kind mlp; known are: mlp, "),
        ({"mlp": 8}, "readouts.deep.mlp: 8 is not allowed; give a list of sizes"),
        ({"networks": ["pixels"]}, "readouts.deep: missing alpha; add it"),
    ],
)
def test_a_wrong_readout_is_one_line(readout, fault):
    faults = check_config(config_of(network="cnn") | {"readouts": {"deep": readout}})
    assert len(faults) == 1 and faults[0].startswith(fault)


def test_an_encoder_is_trained_scored_and_kept(tmp_path):
    trained = train_encoder(
        "net-linear",
        filled(**CNN),
        None,
        IMAGES,
        np.arange(N),
        responses_of().assign_attrs(units="Hz"),
        dataset="mine",
        protocol="holdout",
        weights_files=[],
        seed=0,
        checkpoints=tmp_path / "checkpoints",
        device=torch.device("cpu"),
        memory_mb=500,
    )
    expected, curves, _ = fitted(job_of(tmp_path / "other", **CNN))
    np.testing.assert_array_equal(trained.predictions["prediction"], expected["prediction"])
    assert trained.curves.equals(curves) and trained.predictions.attrs["network"] == "net"
    assert (trained.predictions.attrs["readout"], trained.predictions.attrs["protocol"]) == ("linear", "holdout")
    trained.keep(tmp_path / "kept")
    kept = read_encoder(tmp_path / "kept")
    assert (kept.card["name"], kept.card["dataset"], kept.card["seed"]) == ("net-linear", "mine", 0)
    assert kept.card["precision"] == "float32" and set(kept.card["scores"]) == {"val", "test"}
