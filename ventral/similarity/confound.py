"""A simulated session confound: sessions have their own images and baselines, and no neuron responds to an image."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.gram.matrix import Gram, gram_of
from ventral.similarity.comparisons import CONFOUNDED, Comparisons
from ventral.similarity.rdms import correlation_rdm
from ventral.similarity.regions import region_rdms

Floats = NDArray[np.float64]

N_SESSIONS, N_IMAGES, N_UNITS = 4, 60, 24  # sessions, and images and units of each
N_FEATURES = 200
OFFSET_SD = 3.0  # SD of the units' baselines between sessions, in SDs of the responses
NOISE_SD = 0.5  # SD of the noise of one of two presentations, in SDs of the responses
STATISTICS_SD = 1.5  # SD of the features' means between sessions, in SDs within a session
NUMBERS = ("pooled", "partial", "within", "within_low", "within_high")


class Panels(NamedTuple):
    """The content of the figure of the confound.

    Attributes:
        session: (n,) session of each image, in order.
        neural: (n, n) RDM of the stacked responses.
        model: (n, n) RDM of the features.
        pooled: Spearman correlation of the two.
        partial: the same, given the sessions of each pair.
        within: its average within sessions.
        low: lower bound of that average.
        high: upper bound of it.
        confounded: whether the pooled number is flagged.
    """

    session: NDArray[np.str_]
    neural: Floats
    model: Floats
    pooled: float
    partial: float
    within: float
    low: float
    high: float
    confounded: bool


def simulate_confound(seed: int) -> tuple[xr.Dataset, Gram]:
    """Simulate sessions with their own images, and with responses that do not depend on the features of the images.

    Both differ between sessions: responses by the units' baselines, features by the statistics of the images.

    Returns:
        Responses as of `join_sessions`, with one region "IT", and the Gram matrix of the features of the images.
    """
    rng = np.random.default_rng(seed)
    n = N_SESSIONS * N_IMAGES
    session = np.repeat([f"S{k + 1}" for k in range(N_SESSIONS)], N_IMAGES)
    half = np.full((2, n, N_SESSIONS * N_UNITS), np.nan)
    features = rng.normal(size=(n, N_FEATURES))
    for k in range(N_SESSIONS):
        rows, units = slice(k * N_IMAGES, (k + 1) * N_IMAGES), slice(k * N_UNITS, (k + 1) * N_UNITS)
        response = rng.normal(size=(N_IMAGES, N_UNITS)) + OFFSET_SD * rng.normal(size=N_UNITS)
        half[:, rows, units] = response + NOISE_SD * rng.normal(size=(2, N_IMAGES, N_UNITS))
        features[rows] += STATISTICS_SD * rng.normal(size=N_FEATURES)
    unit = np.repeat([f"S{k + 1}" for k in range(N_SESSIONS)], N_UNITS)
    responses = xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), half.mean(axis=0)),
            "rate_half": (("half", "stimulus", "neuroid"), half),
            "n_presentations": (("stimulus", "neuroid"), 2 * np.isfinite(half[0])),
        },
        coords={
            "stimulus_id": ("stimulus", [f"{s}_{i:04d}" for i, s in enumerate(session)]),
            "session": ("neuroid", unit),
            "region": ("neuroid", np.full(len(unit), "IT")),
            "noise_variance": ("neuroid", np.full(len(unit), NOISE_SD**2)),
        },
        attrs={"source": "simulated", "sessions": "apart"},
    )
    return responses, gram_of(features)


def confound_panels(seed: int, n_draws: int = 1000) -> Panels:
    """Compare the simulated sessions, pooled and within sessions, for the figure."""
    responses, gram = simulate_confound(seed)
    regions = region_rdms(responses)
    model = correlation_rdm(gram)
    stacked = np.concatenate([region.rates for region in regions if region.rates is not None])
    neural = 1 - np.corrcoef(stacked)
    np.fill_diagonal(neural, 0)
    comparisons = Comparisons(regions, n_draws, seed)
    comparisons.add("model", "features", model, gram.inner)
    row = comparisons.table(lambda network, layer: model).iloc[-1]  # the last row is that of all sessions
    session = np.repeat([region.region.removeprefix("IT ") for region in regions], [len(r.stimuli) for r in regions])
    pooled, partial, within, low, high = (float(row[name]) for name in NUMBERS)
    return Panels(session, neural, model, pooled, partial, within, low, high, row["flag"] == CONFOUNDED)
