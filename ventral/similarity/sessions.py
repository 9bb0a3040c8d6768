"""Sessions are not exchangeable: averages of what holds within them, beside the pooled number that does not.

In free viewing a session has its own images, gains and baselines. An RDM over all sessions is then mostly about which
session an image was shown in, and so is that of any model whose features differ between their images: the two agree
without one neuron that knows an image. Unit j of one session is no unit of another either.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

from ventral.scores.resampling import bootstrap_weights
from ventral.similarity.measures import partial_spearman, spearman

Floats = NDArray[np.float64]

HIGH = 0.1  # a pooled correlation below this claims nothing
MAX_ITEMS = 3000  # images in sessions that a pooled RDM is made of, at random where there are more


@dataclass(frozen=True)
class Pooled:
    """Every image in every session that showed it, as if of one session: what report 004 did, and no evidence.

    Pairs of an image with itself in another session are left out: a model cannot but call them alike.

    Attributes:
        neural: (pairs,) dissimilarities.
        sessions: (pairs,) which two sessions a pair is of, or one twice.
        first: (pairs,) stimulus of one side of each pair.
        second: (pairs,) that of the other.
    """

    neural: Floats
    sessions: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]

    def compare(self, rdm: Floats) -> tuple[float, float]:
        """Spearman correlation with the (n, n) RDM of a model, and the partial one given the sessions of each pair.

        A session RDM of 0 (same) and 1 (another) would not do: two sessions whose baselines are near to one another
        are by chance also two whose images are, or not, and some correlation of the simulated confound is left.
        """
        model = rdm[self.first, self.second]
        return spearman(self.neural, model), partial_spearman(self.neural, model, self.sessions)


def pool_sessions(
    rates: Sequence[NDArray[np.floating]], stimuli: Sequence[NDArray[np.intp]], seed: int
) -> Pooled | None:
    """Stack the responses of k sessions, unit j on unit j, and make one RDM of them.

    Args:
        rates: for each session (n_k stimuli, units_k) responses as recorded; of the units, as many as all have.
        stimuli: for each session (n_k,) indices of its stimuli.
        seed: of the choice where there are more than `MAX_ITEMS` images.

    Returns:
        None where there is one session only, or fewer than three units in one.
    """
    n_units = min((rate.shape[1] for rate in rates), default=0)
    if len(rates) < 2 or n_units < 3:
        return None
    stacked = np.concatenate([rate[:, :n_units] for rate in rates]).astype(np.float64)
    session = np.repeat(np.arange(len(rates)), [len(rate) for rate in rates])
    item = np.concatenate(list(stimuli))
    varied = np.flatnonzero(np.ptp(stacked, axis=1) > 0)  # a response alike in all units correlates with none
    chosen = np.sort(np.random.default_rng(seed).permutation(varied)[:MAX_ITEMS])
    i, j = np.triu_indices(len(chosen), 1)
    distance = pdist(stacked[chosen], "correlation")
    first, second = item[chosen][i], item[chosen][j]
    differ = first != second
    pair = session[chosen][i] * len(rates) + session[chosen][j]  # i comes before j, and so does its session
    return Pooled(distance[differ], pair[differ], first[differ], second[differ])


def draw_sessions(n_sessions: int, n_draws: int, seed: int) -> NDArray[np.int64]:
    """(1 + draw, session) how often each session counts: once, then as drawn with replacement."""
    return np.vstack([np.ones((1, n_sessions), dtype=np.int64), bootstrap_weights(n_sessions, n_draws, seed)])


def average_sessions(values: Floats, n_stimuli: Sequence[int], counts: NDArray[np.integer]) -> Floats:
    """(draw,) mean over sessions, each weighted by its number of pairs of stimuli.

    Args:
        values: (session, draw) a comparison within each session; NaN is left out.
        n_stimuli: of each session.
        counts: (draw, session) how often each session counts.
    """
    n = np.asarray(n_stimuli, dtype=np.float64)
    weights = counts * (n * (n - 1) / 2)
    known = np.isfinite(values.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (weights * np.where(known, values.T, 0)).sum(axis=1) / (weights * known).sum(axis=1)


def is_confounded(pooled: float, low: float, high: float) -> bool:
    """Whether a pooled correlation stands on nothing: above all that the sessions allow, which allow for none at all.

    Args:
        pooled: over all sessions taken as one.
        low: lower bound of the average within sessions.
        high: upper bound of it.
    """
    return pooled > max(HIGH, high) and low <= 0
