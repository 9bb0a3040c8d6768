"""Kept encoders: the same predictions after a round trip, and no file is read that was changed."""

import json
import sys
import tomllib
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image
from torch import nn

import ventral
from ventral.__main__ import main
from ventral.data.pixels import fit_square, fitting
from ventral.encoders.chosen import chosen_predictions
from ventral.encoders.fit import fit_protocol
from ventral.encoders.keep.dual import fit_dual, fit_duals
from ventral.encoders.keep.linear import StudyData, check_deviation, check_linear, keep_from_study, keep_linear
from ventral.encoders.keep.primal import primal_weights
from ventral.encoders.keep.reading import predict_images, read_card, read_encoder
from ventral.encoders.keep.trained import keep_trained
from ventral.encoders.keep.writing import digest_of, write_encoder
from ventral.encoders.trained import build_trained, make_recipe
from ventral.files.download import sha256_of
from ventral.files.errors import InputError
from ventral.gram.matrix import gram_of
from ventral.networks.activations import prepare
from ventral.networks.hmo import LayerPlan, build_hmo, make_card
from ventral.networks.zoo import Network, build_network
from ventral.readouts.mlp import Mlp
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import Ridge
from ventral.training.engine import predict
from ventral.training.loader import Inputs

CPU = torch.device("cpu")
N, SIDE = 48, 16
NETS = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3), nn.Flatten())
"""
SETTINGS = {"architecture": "nets.py:net", "weights": "random", "layers": ["0", "3"], "image_size": 20}
READOUTS = {
    "ols": Ridge(0.0),
    "ridge_loo": Ridge("loo"),
    "pca5-ols": Ridge(0.0, components=5),
    "ridge_cv": Ridge("cv"),
    "pls3": Pls(3),
}


@pytest.fixture
def images(tmp_path, monkeypatch):
    """(n, side, side, 3) images, each also a PNG in `images`; `nets.py` is in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "nets.py").write_text(NETS)
    pixels = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
    (tmp_path / "images").mkdir()
    for i, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "images" / f"{i}.png")
    return pixels


@pytest.fixture
def responses(images):
    """Rates of seven neuroids of two regions, linear in different layers; two recorded for some stimuli only."""
    rng = np.random.default_rng(1)
    network = build_network("net", SETTINGS, weights_file=None, seed=0)
    early, late = (features_of(network, images, layer) for layer in ("0", "3"))
    rates = np.hstack([f @ rng.normal(size=(f.shape[1], k)) for f, k in ((early, 3), (late, 4))])
    rates = 10 + 3 * (rates - rates.mean(axis=0)) / rates.std(axis=0) + rng.normal(size=rates.shape)
    rates[:9, 2] = rates[30:, 5] = np.nan
    split = np.repeat(["train", "val", "test"], [32, 6, 10])
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rates)},
        coords={
            "stimulus_id": ("stimulus", [f"{i}.png" for i in range(N)]),
            "split": ("stimulus", split),
            "neuroid_id": ("neuroid", [f"n{i}" for i in range(7)]),
            "region": ("neuroid", np.repeat(["V4", "IT"], [3, 4])),
            "reliability": ("neuroid", [0.9, 0.8, np.nan, 0.7, 0.6, 0.5, 0.4]),
        },
        attrs={"units": "Hz", "source": "made up"},
    )


def features_of(network: Network, images, layer):
    found = []
    handle = network.model.get_submodule(layer).register_forward_hook(
        lambda _module, _inputs, out: found.append(out.flatten(1).clone())
    )
    with torch.inference_mode():
        network.model(prepare(torch.from_numpy(images), network))
    handle.remove()
    return found[0].double().numpy()


def fit_and_keep(folder, images, responses, readout):
    """Fit as the study does, keep; give the predictions as the study writes them."""
    network = build_network("net", SETTINGS, weights_file=None, seed=0)
    grams = {layer: gram_of(features_of(network, images, layer)) for layer in network.layers}
    split = responses["split"].values
    # One layer at a time, so that each predicts everything: which layer is whose is set by hand, for both to be used.
    alone = [fit_protocol([item], responses, readout, split[None]) for item in grams.items()]
    chosen = np.where(responses["region"].values == "V4", "0", "3")
    predictions = xr.concat(alone, "layer", coords="minimal", compat="override")
    predictions = predictions.assign_coords(chosen_layer=(("repeat", "neuroid"), chosen[None]))
    duals = fit_duals(grams.__getitem__, responses, split, readout, chosen)
    predictions.attrs = {"protocol": "holdout", "weights": network.weights}
    data = StudyData(images, np.arange(N), responses, predictions)
    keep_from_study(folder, network, duals, data, settings=SETTINGS, card={"name": "net-x"}, device=CPU)
    return predictions


def relative(rates, expected, responses):
    return (np.abs(rates - expected) / np.nanstd(responses["rate"].values, axis=0)).max()


@pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
def test_a_linear_encoder_predicts_as_the_study_did(images, responses, tmp_path, readout):
    predictions = fit_and_keep("kept", images, responses, readout)
    names, rates, neuroids = predict_images("kept", "images", own_code=True)
    assert names == [f"{i}.png" for i in range(N)] and neuroids == [f"n{i}" for i in range(7)]
    assert relative(rates[32:], chosen_predictions(predictions), responses) < 1e-5
    assert sorted(path.name for path in Path("kept").iterdir()) == [
        *("card.json", "network.safetensors", "readout.safetensors")
    ]


def test_the_card_says_what_the_encoder_is(images, responses):
    predictions = fit_and_keep("kept", images, responses, Ridge("loo"))
    card = read_card("kept")
    assert (card["kind"], card["units"], card["source"], card["protocol"]) == ("linear", "Hz", "made up", "holdout")
    assert card["region"] == ["V4"] * 3 + ["IT"] * 4 and card["reliability"][:3] == [0.9, 0.8, None]
    assert card["layer"] == predictions["chosen_layer"].values[0].tolist()
    r = card["scores"]["test"]["pearson_r"]
    y, p = responses["rate"].values[38:, 0], chosen_predictions(predictions)[6:, 0]
    assert r[0] == pytest.approx(np.corrcoef(y, p)[0, 1], abs=1e-6)
    assert r[5] is None and card["scores"]["val"]["pearson_r"][5] is None  # never recorded there
    assert set(card["versions"]) == {"ventral", "torch", "numpy"} and len(card["files"]) == 2


def test_the_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parents[4] / "pyproject.toml").read_text())
    assert ventral.__version__ == project["project"]["version"]


def test_images_in_any_shape_and_container(images, responses, tmp_path):
    fit_and_keep("kept", images, responses, Ridge("loo"))
    first = predict_images("kept", "images/0.png", own_code=True)[1]
    with zipfile.ZipFile("images.zip", "w") as archive:
        archive.write("images/0.png", "0.png")
    np.testing.assert_allclose(predict_images("kept", "images.zip", own_code=True)[1], first, rtol=1e-6)
    grey = Image.open("images/1.png").convert("L")
    grey.save("grey.png")
    grey.convert("RGB").save("rgb.png")
    grey.resize((31, 12)).save("wide.png")
    Image.fromarray(np.dstack([images[0], np.full((SIDE, SIDE), 255, np.uint8)])).save("opaque.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names, rates, _ = predict_images("kept", ["grey.png", "rgb.png", "wide.png", "opaque.png"], own_code=True)
    assert names == ["grey.png", "rgb.png", "wide.png", "opaque.png"] and np.isfinite(rates).all()
    np.testing.assert_allclose(rates[0], rates[1], rtol=1e-6)
    np.testing.assert_allclose(rates[3], first[0], rtol=1e-6)


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_trained_encoder_predicts_as_its_members_do_on_average(images, tmp_path, seeds):
    entry = {"network": "cnn", "head": "linear", "cnn": {"layers": 2, "channels": [4, 4], "kernel": 3}}
    recipe, _ = make_recipe(entry, None, SIDE, 5)
    members = [build_trained(recipe, seed) for seed in range(seeds)]
    for member in members:
        nn.init.normal_(member.head.rates.weight)
        member.mean.fill_(3.0)
        member.std.fill_(2.0)
    keep_trained("kept", members, recipe, {"neuroid_id": list("abcde"), "units": "Hz", "fitting": fitting(SIDE)})
    network = Network("", nn.Identity(), (), SIDE, tuple(recipe["mean"]), tuple(recipe["std"]))
    inputs = Inputs(images, prepare=lambda raw: prepare(torch.from_numpy(raw), network))
    expected = np.mean([predict(member, inputs) for member in members], axis=0)
    names, rates, neuroids = predict_images("kept", "images")
    assert neuroids == list("abcde") and len(names) == N
    assert np.abs(rates - expected).max() < 1e-5 * expected.std()
    assert len(read_card("kept")["files"]) == seeds and not list(tmp_path.glob(".kept*"))


def test_an_hmo_is_built_from_the_card_it_was_trained_with(images, responses):
    small = LayerPlan(4, 3, 0.0, None, 3, 2, 3, 0.1)
    card = json.loads(json.dumps(make_card([(small,)], [5], image_size=SIDE, seed=1)))
    model = build_hmo(card)
    mean, std = tuple(card["mean"]), tuple(card["std"])
    network = Network("hmo", model, ("n1",), SIDE, mean, std, weights="trained on faces")
    gram = gram_of(features_of(network, images, "n1"))
    split = responses["split"].values
    duals = {"n1": fit_dual(gram, responses, split, Ridge("loo"), np.ones(7, bool))}
    primals = primal_weights(network, images, np.arange(N), duals, device=CPU)
    settings = {"architecture": "hmo", "weights": "random", "layers": "auto", "card": card}
    keep_linear("kept", network, primals, settings, {"neuroid_id": list("abcdefg"), "fitting": fitting(SIDE)})
    rates = predict_images("kept", "images")[1]
    expected = fit_protocol([("n1", gram)], responses, Ridge("loo"), split[None])
    assert relative(rates[32:], chosen_predictions(expected), responses) < 1e-5


def test_a_network_that_takes_images_as_they_are_gets_them_in_the_size_of_the_study(images, responses):
    pixels = {"architecture": "pixels", "weights": "random", "layers": "auto"}
    network = build_network("pixels", pixels, weights_file=None, seed=0)
    gram = gram_of(images.reshape(N, -1) / 255.0)
    split, readout = responses["split"].values, Ridge("loo")
    duals = {"pixels": fit_dual(gram, responses, split, readout, np.ones(7, bool))}
    primals = primal_weights(network, images, np.arange(N), duals, device=CPU)
    card = {"neuroid_id": list("abcdefg"), "region": [], "units": "Hz", "fitting": fitting(SIDE)}
    keep_linear("kept", network, primals, pixels, card)
    wide = Image.open("images/0.png").resize((40, 30), Image.Resampling.BICUBIC)
    wide.save("wide.png")
    Image.fromarray(fit_square(np.asarray(wide), SIDE)).save("fitted.png")
    rates = predict_images("kept", ["wide.png", "fitted.png"])[1]
    np.testing.assert_array_equal(*rates)
    assert np.isfinite(rates).all()


def test_an_encoder_that_does_not_say_how_images_were_fitted_is_refused(images, responses):
    fit_and_keep("kept", images, responses, Ridge("loo"))
    card = read_card("kept")
    for fitted in (None, fitting(SIDE) | {"background": 0}, fitting(SIDE) | {"side": "large"}):
        changed = {name: value for name, value in (card | {"fitting": fitted}).items() if value is not None}
        Path("kept", "card.json").write_text(json.dumps(changed | {"sha256": digest_of(changed)}))
        with pytest.raises(
            InputError, match=r"card.json: does not describe an encoder that can be made here; make the"
        ):
            predict_images("kept", "images", own_code=True)


@pytest.mark.parametrize(
    "change, line",
    [
        (lambda kept: flip(kept / "readout.safetensors"), "kept: readout.safetensors: changed or damaged"),
        (lambda kept: flip(kept / "network.safetensors"), "kept: network.safetensors: changed or damaged"),
        (lambda kept: (kept / "network.safetensors").unlink(), "kept: network.safetensors: missing; "),
        (lambda kept: (kept / "card.json").unlink(), "kept: card.json: no encoder here; "),
        (lambda kept: (kept / "card.json").write_text("{"), "kept: card.json: changed or damaged"),
        (lambda kept: (kept / "card.json").write_text("[1]"), "kept: card.json: changed or damaged"),
        (lambda kept: rewrite(kept / "card.json", units="mV"), "kept: card.json: changed or damaged"),
        (lambda kept: (kept.parent / "nets.py").unlink(), "config: networks.net.architecture: no such file 'nets.py'"),
        (
            lambda kept: (kept.parent / "nets.py").write_text(NETS.replace("(8, 4", "(8, 5")),
            "network.safetensors: weights: do not fit the network as it is made here; ",
        ),
        (lambda kept: (kept.parent / "images" / "7.png").write_bytes(b"GIF8"), "images: 7.png: not a readable image; "),
        (lambda kept: (kept.parent / "images").rename("moved"), "images: images: no such file; "),
    ],
)
def test_faults_are_one_line(images, responses, tmp_path, capsys, change, line):
    fit_and_keep("kept", images, responses, Ridge(10.0))
    change(tmp_path / "kept")
    capsys.readouterr()
    assert main(["predict", "kept", "images", "--own-code"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and "Traceback" not in said.err
    assert line in said.err.splitlines()[-1] and said.err.splitlines()[-1].startswith("error: ")


def test_code_that_a_card_names_is_not_run_unasked(images, responses, tmp_path):
    fit_and_keep("kept", images, responses, Ridge(10.0))
    (tmp_path / "nets.py").write_text(f"open('ran', 'w')\n{NETS}")
    with pytest.raises(InputError, match=r"card.json: its network is made by code, nets.py:net, .*; say --own-code "):
        predict_images("kept", "images")
    assert not Path("ran").exists()


def test_a_card_names_files_of_its_folder_alone(images, responses, tmp_path):
    fit_and_keep("kept", images, responses, Ridge(10.0))
    card = json.loads((tmp_path / "kept" / "card.json").read_text())
    card["files"]["../images/0.png"] = sha256_of(tmp_path / "images" / "0.png")
    (tmp_path / "kept" / "card.json").write_text(json.dumps(card | {"sha256": digest_of(card)}))
    with pytest.raises(InputError, match=r"'../images/0.png' is not the name of a file in its folder"):
        read_card("kept")


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def rewrite(path, **entries):
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


OTHER = {
    "another function": ("nn.ReLU(inplace=True)", "nn.GELU()"),
    "another order": ("nn.Flatten()", "nn.Sequential(nn.Flatten(), Turned())"),
    "noise": ("nn.Flatten()", "nn.Sequential(nn.Flatten(), Noise())"),
    "not a number": ("nn.ReLU(inplace=True)", "nn.Threshold(1e9, float('nan'))"),
}
NOISE = """
import torch
class Noise(nn.Module):
    def forward(self, x):
        return x + 0.3 * torch.randn_like(x)
class Turned(nn.Module):
    def forward(self, x):
        return x.flip(1)
"""


@pytest.mark.parametrize("readout", READOUTS.values(), ids=READOUTS)
def test_an_encoder_repeats_its_predictions_for_probes(images, responses, readout):
    fit_and_keep("kept", images, responses, readout)
    card = read_card("kept")
    assert np.shape(card["probes"]) == (3, 7) and np.isfinite(card["probes"]).all()
    assert len({tuple(rates) for rates in card["probes"]}) == 3
    np.testing.assert_allclose(card["sd"], np.nanstd(responses["rate"].values, axis=0))
    read_encoder("kept", own_code=True)


@pytest.mark.parametrize("old, new", OTHER.values(), ids=OTHER)
def test_code_that_predicts_something_else_is_refused(images, responses, old, new):
    fit_and_keep("kept", images, responses, Ridge("loo"))
    assert old in NETS
    Path("nets.py").write_text(NETS.replace(old, new) + NOISE)
    sys.modules.pop("own_nets", None)
    with pytest.raises(InputError, match=r"kept: card\.json: it does not predict for its probe images.* \(ventral "):
        predict_images("kept", "images", own_code=True)


def test_a_trained_encoder_is_tried_on_probes_too(images, monkeypatch):
    recipe, _ = make_recipe(
        {"network": "cnn", "head": "linear", "cnn": {"channels": [4, 4], "kernel": 3}}, None, SIDE, 5
    )
    member = build_trained(recipe, 0)
    nn.init.normal_(member.head.rates.weight)
    keep_trained("kept", [member], recipe, {"neuroid_id": list("abcde"), "units": "Hz", "fitting": fitting(SIDE)})
    read_encoder("kept")
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, x: x.tanh())
    monkeypatch.setattr(nn.ELU, "forward", lambda self, x: x.tanh())
    with pytest.raises(InputError, match=r"kept: card\.json: it does not predict for its probe images"):
        read_encoder("kept")


@pytest.mark.parametrize("precision, deviation", [("float32", 0.02), ("bfloat16", 0.2), ("float32", float("nan"))])
def test_predictions_that_are_not_the_studys_are_an_error(precision, deviation):
    check_deviation("net-ols", 0.001, precision)
    with pytest.raises(InputError, match=r"net-ols: deviation_in_sd: .* sd from the study's own predictions"):
        check_deviation("net-ols", deviation, precision)


def test_a_state_of_other_things_than_tensors_is_not_kept(images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    quantised = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
    with pytest.raises(InputError, match=r"kept: state dict: 1\..* is no tensor of numbers, as in quantised networks"):
        write_encoder("kept", {"network.safetensors": quantised.state_dict()}, {})
    assert not Path("kept").exists()


def test_predictions_as_a_table(images, responses, capsys):
    fit_and_keep("kept", images, responses, Ridge(10.0))
    capsys.readouterr()
    assert main(["predict", "kept", "images/0.png", "images/1.png", "--device", "cpu", "--own-code"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "image,n0,n1,n2,n3,n4,n5,n6" and said.out.count("\n") == 3
    assert said.err.startswith("units: Hz\n")
    assert main(["predict", "kept", "images", "--output", "rates.csv", "--own-code"]) == 0
    assert capsys.readouterr().out == "rates.csv: 48 images, 7 neuroids, units: Hz\n"
    table = pd.read_csv("rates.csv", index_col="image")
    np.testing.assert_allclose(table, predict_images("kept", "images", own_code=True)[1])
    with pytest.raises(SystemExit):
        main(["predict", "--help"])
    assert "example: python -m ventral predict " in capsys.readouterr().out


def test_what_is_written_over_is_replaced_whole(images, responses):
    fit_and_keep("kept", images, responses, Ridge(10.0))
    Path("kept", "left.over").write_text("")
    fit_and_keep("kept", images, responses, Ridge(20.0))
    assert len(list(Path("kept").iterdir())) == 3
    before = Path("kept", "card.json").read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_encoder("kept", {}, {"scores": float("nan")})
    assert Path("kept", "card.json").read_bytes() == before


@pytest.mark.parametrize(
    "settings, readout, line",
    [
        ({"architecture": "labels"}, Ridge(0.0), "it needs labels beside an image"),
        ({"architecture": "resnet18", "with_category": "object_name"}, Ridge(0.0), "it needs labels"),
        ({"architecture": "resnet18"}, Mlp([8], components=9), "its readout is not linear, so it has no weights of"),
    ],
)
def test_encoders_that_are_no_weighting_of_units_are_refused(settings, readout, line):
    with pytest.raises(InputError, match=f"config: a-b: {line}"):
        check_linear("a-b", settings, readout)
