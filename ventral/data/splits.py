"""Which stimuli an encoder is fitted on, chosen on, and judged on."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")


def assign_splits(
    n_stimuli: int,
    fractions: Mapping[str, float],
    seed: int,
    strata: NDArray[np.str_] | None = None,
    groups: NDArray[np.str_] | None = None,
) -> NDArray[np.str_]:
    """Assign every stimulus to train, val or test, at random and in equal shares of every stratum.

    Args:
        n_stimuli: number of stimuli n.
        fractions: share of the stimuli in `val` and in `test`; the rest is `train`.
        seed: seed of the shuffle.
        strata: (n,) label of each stimulus, such as its object; None for one stratum.
        groups: (n,) group of each stimulus, such as near duplicates; a group is never divided and has the stratum of
            its first member. None: every stimulus is its own.

    Returns:
        (n,) array of "train", "val" and "test", with round(n * fraction) stimuli in val and in test; of g groups,
        round(g * fraction) groups.
    """
    if groups is not None:
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        order = np.sort(first)  # groups in order of appearance: those of one stimulus change no split
        split = assign_splits(len(order), fractions, seed, None if strata is None else strata[order])
        return split[np.searchsorted(order, first)[group]]
    labels = np.zeros(n_stimuli, dtype="U1") if strata is None else strata
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_stimuli)
    order = order[np.argsort(labels[order], kind="stable")]
    # Stimuli lie stratum by stratum; picking at even steps from a random start takes equal shares of each.
    split = np.full(n_stimuli, "train", dtype="U5")
    free = order
    for name in ("test", "val"):
        count = round(n_stimuli * fractions[name])
        if count:
            steps = np.floor((np.arange(count) + rng.random()) * len(free) / count).astype(int)
            split[free[steps]] = name
            free = np.delete(free, steps)
    return split
