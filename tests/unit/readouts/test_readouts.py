"""Kinds of readouts are found by name, each with its keys; one file adds a new one."""

import numpy as np
import pytest
import xarray as xr
import yaml

from ventral import readouts
from ventral.encoders.fit import fit_encoder
from ventral.files.errors import InputError
from ventral.gram.matrix import centre_on, gram_of
from ventral.gram.spectra import Decomposition
from ventral.readouts.catalogue import kind_of, kinds, readout_class, readout_of
from ventral.readouts.contract import Readout
from ventral.readouts.mlp import Mlp
from ventral.readouts.pls import Pls
from ventral.readouts.ridge import Ridge
from ventral.study.faults import check_config
from ventral.study.reference import reference
from ventral.study.schema import schema_of

NEIGHBOURS = '''
"""The mean response to the train images that are nearest in feature space."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ventral.files.keys import key
from ventral.readouts.contract import Fitted, Readout


@dataclass(frozen=True)
class Neighbours(Readout):
    """Nearest neighbours."""

    neighbours: Annotated[int, key("number of nearest train images", ge=1)]

    def fit(self, decomposition, responses, seed):
        """As `Readout.fit`."""
        length2 = np.diag(decomposition.inner)

        def mean_of_nearest(cross, left_out=0.0):
            distance = length2 - 2 * cross + left_out
            return responses[np.argsort(distance, axis=1)[:, : self.neighbours]].mean(axis=1)

        held_out = mean_of_nearest(decomposition.inner, np.diag(np.full(len(responses), np.inf)))
        return Fitted(mean_of_nearest, held_out, n_directions=len(responses) - 1)


READOUT = Neighbours
'''


@pytest.fixture
def neighbours(tmp_path, monkeypatch):
    """A kind of readout that somebody added as one file."""
    (tmp_path / "neighbours.py").write_text(NEIGHBOURS)
    monkeypatch.setattr(readouts, "__path__", [*readouts.__path__, str(tmp_path)])


N_TRAIN, N = 160, 200


def study(n_neuroids=3):
    """Features (n, 4) and responses to them that no linear readout predicts."""
    rng = np.random.default_rng(0)
    features = rng.integers(0, 2, (N, 4)) * 2.0 - 1
    rate = np.stack([features[:, 0] * features[:, i + 1] for i in range(n_neuroids)], axis=1)
    coords = {
        "stimulus_id": ("stimulus", [f"s{i}" for i in range(N)]),
        "split": ("stimulus", np.where(np.arange(N) < N_TRAIN, "train", "val")),
        "neuroid_id": ("neuroid", [f"n{i}" for i in range(n_neuroids)]),
        "region": ("neuroid", ["IT"] * n_neuroids),
    }
    features += 0.1 * rng.normal(size=features.shape)
    return features, xr.Dataset({"rate": (("stimulus", "neuroid"), rate)}, coords)


def test_every_kind_is_found_by_the_name_of_its_file():
    assert kinds() == ["mlp", "pls", "ridge"]
    assert [readout_class(kind) for kind in kinds()] == [Mlp, Pls, Ridge]


@pytest.mark.parametrize(
    "entry, readout",
    [
        ({"alpha": "loo"}, Ridge("loo")),
        ({"alpha": 0, "components": 100}, Ridge(0, components=100)),
        ({"alpha": 0, "rank_cut": 0, "kind": "ridge"}, Ridge(0, rank_cut=0, kind="ridge")),
        ({"per": "subject", "pls": 25}, Pls(25, per="subject")),
        ({"mlp": [128], "components": 100}, Mlp([128], components=100)),
    ],
)
def test_an_entry_is_of_the_kind_that_it_names_or_that_one_of_its_keys_names(entry, readout):
    assert readout_of(entry) == readout


def test_a_kind_that_is_not_there_is_named():
    assert kind_of({"kind": "rigde", "alpha": 0}) == "rigde"
    with pytest.raises(InputError, match=r"^config: readouts: no readout of kind 'rigde'; did you mean ridge\?$"):
        readout_of({"kind": "rigde", "alpha": 0})
    with pytest.raises(InputError, match="known are: mlp, pls, ridge"):
        readout_class("contract")


@pytest.mark.parametrize("kind", kinds())
def test_every_key_of_every_kind_says_what_it_means(kind):
    keys = schema_of(readout_class(kind))["properties"]
    assert {"kind", "per", "networks"} < set(keys)
    assert all(each["description"] and "default" not in each for each in keys.values())


def test_a_readout_that_takes_minutes_or_is_not_linear_says_so():
    assert [(each.is_slow, each.is_linear) for each in map(readout_class, kinds())] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@pytest.mark.parametrize("readout", [Ridge(1.0), Ridge("cv", components=2), Pls(2)])
def test_linear_readouts_are_weights_of_the_train_images(readout):
    features, responses = study()
    inner, cross = centre_on(gram_of(features).inner, np.arange(N_TRAIN), np.arange(N_TRAIN, N))
    fitted = readout.fit(Decomposition(inner), responses["rate"].values[:N_TRAIN], seed=0)
    assert readout.is_linear and fitted.weights.dual.shape == (N_TRAIN, 3)
    expected = cross @ fitted.weights.dual + fitted.weights.intercept
    np.testing.assert_array_equal(fitted.predict(cross), expected)


def test_a_new_kind_is_one_file(neighbours):
    assert kinds() == ["mlp", "neighbours", "pls", "ridge"]
    config = {"datasets": {"majaj": {"source": "simulated"}}, "readouts": {"nearest": {"neighbours": 3}}}
    assert check_config(config) == []
    config["readouts"]["nearest"]["neighbours"] = 0
    (fault,) = check_config(config)
    assert fault.startswith("readouts.nearest.neighbours: 0 ")
    assert "### Kind `neighbours`\n\nNearest neighbours." in reference()
    readout = readout_of(yaml.safe_load("{neighbours: 3, per: region}"))
    assert isinstance(readout, Readout) and not readout.is_linear and not readout.is_slow
    features, responses = study()
    layers = [("layer", gram_of(features))]
    nearest, linear = (fit_encoder(layers, responses, each) for each in (readout, Ridge("loo")))
    assert (nearest["train_r2"].values > 0.9).all() and (linear["train_r2"].values < 0.5).all()
    rates = responses["rate"].values[N_TRAIN:]
    np.testing.assert_allclose(nearest["prediction"].values[0], rates, atol=1e-6)
    assert np.isnan(nearest["alpha"]).all() and nearest.attrs == {}
