"""Which stimuli an encoder is fitted on (train), and which it is scored on (val, test)."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "val", "test")
REPEATS = 10  # random splits of `brainscore`, and folds of `kfold`
BRAINSCORE_SEED = 1  # Brain-Score's own seed, whatever that of the study


def assign_splits(
    n_stimuli: int,
    fractions: Mapping[str, float],
    seed: int,
    strata: NDArray[np.str_] | None = None,
    groups: NDArray[np.str_] | None = None,
) -> NDArray[np.str_]:
    """Assign every stimulus to train, val or test, at random and with equal shares of every stratum.

    Args:
        n_stimuli: number of stimuli n.
        fractions: share of the stimuli in `val` and in `test`; the rest is `train`.
        seed: seed of the shuffle.
        strata: (n,) label of each stimulus, such as its object; None for one stratum.
        groups: (n,) group of each stimulus, such as near duplicates. A group is never divided, and has the stratum of
            its first member. None if every stimulus is its own group.

    Returns:
        (n,) array of "train", "val" and "test", with round(n * fraction) stimuli in val and in test; with g groups,
        round(g * fraction) groups.
    """
    if groups is not None:
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        # Groups in order of appearance, so that groups of one stimulus give the same split as no groups.
        order = np.sort(first)
        split = assign_splits(len(order), fractions, seed, None if strata is None else strata[order])
        return split[np.searchsorted(order, first)[group]]
    labels = np.zeros(n_stimuli, dtype="U1") if strata is None else strata
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_stimuli)
    order = order[np.argsort(labels[order], kind="stable")]
    # Stimuli are sorted by stratum; equal steps from a random start take equal shares of each.
    split = np.full(n_stimuli, "train", dtype="U5")
    free = order
    for name in ("test", "val"):
        count = round(n_stimuli * fractions[name])
        if count:
            steps = np.floor((np.arange(count) + rng.random()) * len(free) / count).astype(int)
            split[free[steps]] = name
            free = np.delete(free, steps)
    return split


def protocol_splits(
    protocol: str,
    split: NDArray[np.str_],
    seed: int,
    strata: NDArray[np.str_] | None = None,
    groups: NDArray[np.str_] | None = None,
) -> NDArray[np.str_]:
    """All splits of the stimuli by a protocol.

    Args:
        protocol: "holdout", the given split; "brainscore", ten random splits into 90 % train and 10 % test, as
            Brain-Score draws them; or "kfold", ten folds, each of which is test once. The last two have no val.
        split: (n,) the study's own split.
        seed: of the folds.
        strata: (n,) label of each stimulus; every split takes equal shares of every label (`kfold` only if each has ten
            members). None for one stratum.
        groups: (n,) group of each stimulus; a group is never divided. None if every stimulus is its own group.

    Returns:
        (repeat, n) of "train", "val" and "test".

    Raises:
        ValueError: if a stratum has too few stimuli for the protocol, or there are too few groups.
    """
    if protocol == "holdout":
        return split[None]
    # Imported here because it takes a second, which every job that reads responses would lose.
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, StratifiedShuffleSplit

    labels = np.zeros(len(split), dtype="U1") if strata is None else strata
    whole = groups is None or len(np.unique(groups)) == len(groups)
    if protocol == "brainscore":
        options = {"n_splits": REPEATS, "train_size": 0.9, "random_state": BRAINSCORE_SEED}
        draw = StratifiedShuffleSplit(**options) if whole else GroupShuffleSplit(**options)
    else:
        draw = StratifiedGroupKFold(REPEATS, shuffle=True, random_state=seed)
        if np.unique(labels, return_counts=True)[1].min() < REPEATS:  # too few for every fold to have one
            labels = np.zeros(len(split), dtype="U1")
    together = np.arange(len(split)) if groups is None else groups
    draws = draw.split(labels, labels, None if isinstance(draw, StratifiedShuffleSplit) else together)
    tests = [test for _, test in draws]
    splits = np.full((len(tests), len(split)), "train", dtype="U5")
    for repeat, test in zip(splits, tests, strict=True):
        repeat[test] = "test"
    return splits
