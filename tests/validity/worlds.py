"""Simulate neuroids and encoders of known quality, in the files that the workflow scores."""

from functools import cache

import numpy as np
import xarray as xr

from ventral.data.splits import protocol_splits

SIZES = {"one": 1, "few": 8, "many": 40}  # neuroids by region
N_SIGNALS, N_HIDDEN = 12, 6  # latent features that encoders know, and that they do not


class Neuroids:
    """Neuroids that share signals and unexplained variance, and how well an encoder captures each."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        """Draw n neuroids."""
        self.signal = rng.normal(size=(N_SIGNALS, n)) / np.sqrt(N_SIGNALS) * rng.uniform(0.3, 1, n)
        self.hidden = rng.normal(size=(N_HIDDEN, n)) / np.sqrt(N_HIDDEN) * rng.uniform(0.2, 0.8, n)
        self.noise = rng.uniform(0.3, 1.2, n)
        self.error = rng.normal(size=(N_SIGNALS, n)) / np.sqrt(N_SIGNALS) * 0.3
        self.offset = rng.normal(size=n) * 0.1

    def respond(self, rng: np.random.Generator, n_stimuli: int) -> tuple[np.ndarray, np.ndarray]:
        """(n_stimuli, neuroid) responses, with heavy tails, and an encoder's predictions of them."""
        features = rng.normal(size=(n_stimuli, N_SIGNALS))
        hidden = rng.standard_t(5, size=(n_stimuli, N_HIDDEN)) / np.sqrt(5 / 3)
        signal = features @ self.signal
        noise = self.noise * rng.normal(size=signal.shape)
        return signal + hidden @ self.hidden + noise, 0.8 * signal + features @ self.error + self.offset


def recorded(rates: np.ndarray, region: np.ndarray, **neuroid: np.ndarray) -> xr.Dataset:
    """Responses as in `responses/{dataset}.nc`, of stimuli shown once unless `neuroid` says more."""
    n, m = rates.shape
    coordinates = {"neuroid_id": np.arange(m).astype(str), "region": region, "reliability_sd": np.full(m, np.nan)}
    unknown = dict.fromkeys(("reliability", "signal_variance", "noise_variance"), np.full(m, np.nan))
    return xr.Dataset(
        {"rate": (("stimulus", "neuroid"), rates), "n_presentations": (("stimulus", "neuroid"), np.ones((n, m), int))},
        coords={"stimulus_id": ("stimulus", np.arange(n).astype(str))}
        | {name: ("neuroid", values) for name, values in {**coordinates, **unknown, **neuroid}.items()},
        attrs={"source": "simulated"},
    )


@cache
def splits_of(n: int, protocol: str) -> np.ndarray:
    """(repeat, n) splits of a protocol: the same in every study, for its stimuli are drawn at random."""
    draw = np.random.default_rng(0).random(n).argsort()
    split = np.where(draw < round(0.2 * n), "test", np.where(draw < round(0.3 * n), "val", "train"))
    return protocol_splits(protocol, split, 0)


def predicted(predictions: np.ndarray, responses: xr.Dataset, protocol: str) -> xr.Dataset:
    """Predictions of held-out stimuli as `fit_protocol` leaves them, of one layer and the same in every split."""
    n, m = predictions.shape
    splits = splits_of(n, protocol)
    held_out = (splits != "train").any(axis=0)
    values = np.broadcast_to(predictions[held_out], (len(splits), 1, held_out.sum(), m))
    return xr.Dataset(
        {
            "prediction": (("repeat", "layer", "stimulus", "neuroid"), values),
            "train_r2": (("repeat", "layer", "neuroid"), np.zeros((len(splits), 1, m))),
        },
        coords={
            "layer": ["features"],
            "dead": ("layer", [False]),
            "stimulus_id": ("stimulus", responses["stimulus_id"].values[held_out]),
            "split": (("repeat", "stimulus"), splits[:, held_out]),
            "region": ("neuroid", responses["region"].values),
            "chosen_layer": (("repeat", "neuroid"), np.full((len(splits), m), "features")),
        },
        attrs={"protocol": protocol, "network": "model", "readout": "true", "weights": "none"},
    )
