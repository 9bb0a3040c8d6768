"""Sessions are not exchangeable: averages of comparisons within sessions, beside the misleading pooled value.

In free viewing a session has its own images, gains and baselines. An RDM over all sessions is then mostly about which
session an image was shown in, and so is that of any model whose features differ between their images. The two agree
even if no neuron responds to an image. Also, unit j of one session is not unit j of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from ventral.scores.resampling import bootstrap_weights
from ventral.similarity.measures import partial_spearman, spearman

Floats = NDArray[np.float64]

HIGH = 0.1  # a lower pooled correlation is never flagged
MAX_ITEMS = 3000  # most images in sessions for a pooled RDM; more are sampled at random


@dataclass(frozen=True)
class Pooled:
    """All images of all sessions, treated as one session. Report 004 did this; it is not evidence.

    Pairs of an image with itself in another session are left out, because they are equal for every model.

    Attributes:
        neural: (pairs,) dissimilarities.
        sessions: (pairs,) the two sessions of each pair, which may be the same.
        first: (pairs,) stimulus of one side of each pair.
        second: (pairs,) that of the other.
    """

    neural: Floats
    sessions: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    def compare(self, rdm: Floats) -> tuple[float, float]:
        """Spearman correlation with the (n, n) RDM of a model, and the partial one given the sessions of each pair.

        A session RDM of 0 (same) and 1 (different) would not be enough: two sessions with similar baselines may by
        chance have similar images too, and some of the simulated confound's correlation would remain.
        """
        model = rdm[self.first, self.second]
        return spearman(self.neural, model), partial_spearman(self.neural, model, self.sessions)


def pool_sessions(
    rates: Sequence[NDArray[np.floating]], stimuli: Sequence[NDArray[np.intp]], seed: int
) -> Pooled | None:
    """Stack the responses of k sessions, unit j on unit j, and make one RDM of them.

    Args:
        rates: for each session (n_k stimuli, units_k) responses as recorded. As many units are used as every session
            has.
        stimuli: for each session (n_k,) indices of its stimuli.
        seed: of the sample if there are more than `MAX_ITEMS` images.

    Returns:
        None if there is only one session, or if one has fewer than three units.
    """
    n_units = min((rate.shape[1] for rate in rates), default=0)
    if len(rates) < 2 or n_units < 3:
        return None
    stacked = np.concatenate([rate[:, :n_units] for rate in rates]).astype(np.float64)
    session = np.repeat(np.arange(len(rates)), [len(rate) for rate in rates])
    item = np.concatenate(list(stimuli))
    varied = np.flatnonzero(np.ptp(stacked, axis=1) > 0)  # without images whose response is the same in all units
    chosen = np.sort(np.random.default_rng(seed).permutation(varied)[:MAX_ITEMS])
    i, j = np.triu_indices(len(chosen), 1)
    distance = pdist(stacked[chosen], "correlation")
    first, second = item[chosen][i], item[chosen][j]
    differ = first != second
    pair = session[chosen][i] * len(rates) + session[chosen][j]  # i < j, so the sessions are in order too
    return Pooled(distance[differ], pair[differ], first[differ], second[differ])


def draw_sessions(n_sessions: int, n_draws: int, seed: int) -> NDArray[np.int64]:
    """(1 + draw, session) how often each session counts: first once each, then as drawn with replacement."""
    return np.vstack([np.ones((1, n_sessions), dtype=np.int64), bootstrap_weights(n_sessions, n_draws, seed)])


def average_sessions(values: Floats, n_stimuli: Sequence[int], counts: NDArray[np.integer]) -> Floats:
    """(draw,) mean over sessions, each weighted by its number of pairs of stimuli.

    Args:
        values: (session, draw) a comparison within each session; NaN does not count.
        n_stimuli: of each session.
        counts: (draw, session) how often each session counts.
    """
    n = np.asarray(n_stimuli, dtype=np.float64)
    weights = counts * (n * (n - 1) / 2)
    known = np.isfinite(values.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights * np.where(known, values.T, 0)).sum(axis=1) / (weights * known).sum(axis=1)


def is_confounded(pooled: float, low: float, high: float) -> bool:
    """Whether only sessions explain a pooled correlation: it is above the interval within sessions, which includes 0.

    Args:
        pooled: over all sessions taken as one.
        low: lower bound of the average within sessions.
        high: upper bound of it.
    """
    return pooled > max(HIGH, high) and low <= 0
