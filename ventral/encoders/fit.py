"""An encoder is the features of a network and a readout: fitted on train, its layer chosen on train."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.selection import is_reliable, require_train, stimulus_groups
from ventral.gram.matrix import Gram, centre_on
from ventral.gram.spectra import Decomposition
from ventral.readouts.contract import Fitted, Readout
from ventral.scores.r2 import r2

Floats = NDArray[np.float64]

FINE = 1e-5  # share of a neuroid's standard deviation to which predictions may be rounded


def observed_alike(rates: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group the neuroids of (stimulus, neuroid) rates by the stimuli that they were recorded for.

    Yields:
        Indices of neuroids, and the (stimulus,) mask of those observed by all of them and no others.
    """
    seen = np.isfinite(rates)
    patterns, group = np.unique(seen, axis=1, return_inverse=True)
    for i in range(patterns.shape[1]):
        yield np.flatnonzero(group == i), patterns[:, i]


def fitted_together(responses: xr.Dataset, per: str | None) -> NDArray[np.str_]:
    """(neuroid,) name of the neuroids that each is fitted with: its region, or its region in its own subject.

    The encoder of a region then does not depend on which other regions are in the file.
    """
    regions = responses["region"].values.astype(str)
    if per == "subject":
        return np.char.add(np.char.add(responses["subject"].values.astype(str), " "), regions)
    return regions


def decompositions(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Decomposition, Floats]]:
    """Decompose a layer for each group of neuroids that were recorded for the same stimuli; see `fit_layer`.

    Yields:
        Indices of the neuroids, indices of their train stimuli, the decomposition of these, and the inner products of
        the held-out stimuli with the train stimuli, about the mean of the train stimuli.
    """
    for neuroids, seen in observed_alike(rates):
        train = np.flatnonzero((split == "train") & seen)
        train_inner, cross = centre_on(inner, train, np.flatnonzero(split != "train"))
        own = None if groups is None else groups[train]
        yield neuroids, train, Decomposition(train_inner, n_units, own), cross


def fit_apart(
    readout: Readout,
    decomposition: Decomposition,
    rates: NDArray[np.floating],
    together: NDArray[np.str_],
    seed: int = 0,
) -> Iterator[tuple[NDArray[np.intp], Fitted]]:
    """Fit a readout to the neuroids of each region on its own.

    Args:
        readout: what is fitted.
        decomposition: of the train stimuli.
        rates: (train stimulus, neuroid), complete.
        together: (neuroid,) from `fitted_together`.
        seed: of the readout.

    Yields:
        Indices of the neuroids, and the readout fitted to them.
    """
    for name in np.unique(together):
        own = np.flatnonzero(together == name)
        yield own, readout.fit(decomposition, rates[:, own], seed)


def fit_layer(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    readouts: Sequence[tuple[Readout, NDArray[np.str_]]],
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
    seed: int = 0,
) -> list[dict[str, Floats]]:
    """Fit readouts of one layer to every neuroid, on the train stimuli that it was recorded for.

    Args:
        inner: (n, n) Gram matrix of all stimuli.
        rates: (n, neuroid), NaN where not recorded.
        split: (n,) "train" or another.
        readouts: each with the (neuroid,) names of the neuroids that it fits together, from `fitted_together`.
        n_units: of the layer, where known.
        groups: (n,) group of each stimulus, such as near duplicates, that are left out of train together.
        seed: of the readouts.

    Returns:
        For each readout `prediction` (held-out stimulus, neuroid); `train_r2` (neuroid,), R2 of the predictions of
        train stimuli by readouts fitted without them, 0 where train is constant; `alpha` (neuroid,), the penalty used,
        NaN where the readout has none; `n_directions` (), the most that were used.
    """
    n_neuroids = rates.shape[1]
    found = [
        {
            "prediction": np.full(((split != "train").sum(), n_neuroids), np.nan),
            "train_r2": np.full(n_neuroids, np.nan),
            "alpha": np.full(n_neuroids, np.nan),
            "n_directions": np.zeros((), dtype=np.int64),
        }
        for _ in readouts
    ]
    # Readouts on most components first: what they compute of a fold serves the others.
    order = sorted(zip(readouts, found, strict=True), key=lambda one: -one[0][0].most_components(len(inner)))
    for neuroids, train, decomposition, cross in decompositions(inner, rates, split, n_units, groups):
        y = rates[np.ix_(train, neuroids)]
        for (readout, together), one in order:
            for own, fitted in fit_apart(readout, decomposition, y, together[neuroids], seed):
                one["prediction"][:, neuroids[own]] = fitted.predict(cross)
                one["train_r2"][neuroids[own]] = r2(y[:, own], fitted.held_out)
                one["n_directions"][...] = max(one["n_directions"], fitted.n_directions)
                if fitted.alpha is not None:
                    one["alpha"][neuroids[own]] = fitted.alpha
    return found


def choose_layers(
    train_r2: Floats, together: NDArray[np.str_], counts: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """(neuroid,) index of the layer whose mean R2 of held-out train stimuli over the neuroid's region is highest.

    A neuroid without R2 in a layer does not count there, and a layer without any R2 is never chosen.

    Args:
        train_r2: (layer, neuroid) of train stimuli.
        together: (neuroid,) region, from `fitted_together`.
        counts: (neuroid,) whether it counts; all do where this is absent, and in a region where none would.
    """
    chosen = np.zeros(train_r2.shape[1], dtype=np.intp)
    for name in np.unique(together):
        members = together == name
        voting = members if counts is None or not (members & counts).any() else members & counts
        known = np.isfinite(train_r2[:, voting])
        total = np.where(known, train_r2[:, voting], 0).sum(axis=1)
        means = np.where(known.any(axis=1), total / np.maximum(known.sum(axis=1), 1), -np.inf)
        chosen[members] = np.argmax(means)
    return chosen


def fit_encoder(layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, readout: Readout) -> xr.Dataset:
    """Fit an encoder for the split of the responses themselves: `fit_protocol` without its dimension `repeat`."""
    return fit_protocol(layers, responses, readout, responses["split"].values[None]).isel(repeat=0)


def fit_protocol(
    layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, readout: Readout, splits: NDArray[np.str_]
) -> xr.Dataset:
    """Fit one readout of every layer for every split of a protocol, as `fit_readouts` fits several."""
    return fit_readouts(layers, responses, {"": readout}, splits)[""]


def fit_readouts(
    layers: Iterable[tuple[str, Gram]],
    responses: xr.Dataset,
    readouts: Mapping[str, Readout],
    splits: NDArray[np.str_],
    min_reliability: float = -np.inf,
    seed: int = 0,
) -> dict[str, xr.Dataset]:
    """Fit readouts of every layer for every split of a protocol, and choose the layer of each region on train.

    A layer is decomposed once for each split (and fold), whatever the number of readouts.

    Args:
        layers: names and Gram matrices, early to late, of the stimuli of `responses`; one is in memory at a time.
        responses: as in `responses/{dataset}.nc`.
        readouts: by name.
        splits: (repeat, n) as `protocol_splits` draws them.
        min_reliability: neuroids of less do not count when a layer is chosen; those of unknown reliability do.
        seed: of the readouts.

    Returns:
        For each readout `prediction` (repeat, layer, stimulus, neuroid) of the stimuli that any split holds out, NaN
        where this split does not, and those of `test` for the chosen layer alone; `train_r2`, `alpha` (repeat, layer,
        neuroid); `n_directions` (repeat, layer), the number of directions of feature space used; coordinates `split`
        (repeat, stimulus), `chosen_layer` (repeat, neuroid), `dead` (layer); as attributes those of the readout.

    Raises:
        InputError: if a neuroid has fewer than two train stimuli.
    """
    rates, groups = responses["rate"].values, stimulus_groups(responses)
    for split in splits:
        require_train(responses, split)
    pairs = [(readout, fitted_together(responses, readout.per)) for readout in readouts.values()]
    names, dead = [], []
    fits: list[list[dict[str, Floats]]] = [[] for _ in readouts]  # of each readout, layer by layer
    for layer, gram in layers:
        names.append(layer)
        dead.append(gram.dead)
        repeats = [fit_layer(gram.kernel, rates, split, pairs, gram.n_units, groups, seed) for split in splits]
        for k, found in enumerate(fits):
            found.append(_join_repeats([repeat[k] for repeat in repeats], splits, precision_for(rates)))
    counts = is_reliable(responses, min_reliability)
    layer_coords = {"layer": names, "dead": ("layer", np.asarray(dead))}
    datasets = {}
    for name, (readout, together), found in zip(readouts, pairs, fits, strict=True):
        joined = {key: np.stack([one[key] for one in found], axis=1) for key in found[0]}
        chosen = np.stack([choose_layers(train_r2, together, counts) for train_r2 in joined["train_r2"]])
        datasets[name] = _as_dataset(joined, chosen, splits, responses).assign_coords(
            layer_coords | {"chosen_layer": (("repeat", "neuroid"), np.asarray(names)[chosen])}
        )
        datasets[name].attrs |= readout.attributes()
    return datasets


def precision_for(rates: NDArray[np.floating]) -> type[np.floating]:
    """The type in which to keep predictions of (stimulus, neuroid) rates: float32 where that is fine enough.

    It is too coarse for rates whose mean is far larger than their variation, as fluorescence can have.
    """
    step = np.finfo(np.float32).eps * np.nanmax(np.abs(rates), axis=0)
    return np.float32 if (step <= FINE * np.nanstd(rates, axis=0)).all() else np.float64


def _join_repeats(
    repeats: list[dict[str, Floats]], splits: NDArray[np.str_], dtype: type[np.floating]
) -> dict[str, Floats]:
    """Stack what was fitted for each split; predictions are of the stimuli that any split holds out."""
    held_out = (splits != "train").any(axis=0)
    for split, one in zip(splits, repeats, strict=True):
        prediction = np.full((held_out.sum(), one["alpha"].size), np.nan, dtype=dtype)
        prediction[(split != "train")[held_out]] = one["prediction"]
        one["prediction"] = prediction
    return {key: np.stack([one[key] for one in repeats]) for key in repeats[0]}


def _as_dataset(
    found: dict[str, Floats], chosen: NDArray[np.intp], splits: NDArray[np.str_], responses: xr.Dataset
) -> xr.Dataset:
    """Name the dimensions of what was fitted; of test stimuli, keep the predictions of the chosen layers only.

    Args:
        found: of (repeat, layer) first, from `_join_repeats`.
        chosen: (repeat, neuroid) index of the layer.
        splits: (repeat, n).
        responses: of the n stimuli.
    """
    held_out = (splits != "train").any(axis=0)
    is_chosen = np.arange(found["alpha"].shape[1])[:, None] == chosen[:, None, :]
    judged = (splits == "test")[:, held_out]
    found["prediction"][judged[:, None, :, None] & ~is_chosen[:, :, None, :]] = np.nan
    return xr.Dataset(
        {
            "prediction": (("repeat", "layer", "stimulus", "neuroid"), found["prediction"]),
            "train_r2": (("repeat", "layer", "neuroid"), found["train_r2"]),
            "alpha": (("repeat", "layer", "neuroid"), found["alpha"]),
            "n_directions": (("repeat", "layer"), found["n_directions"]),
        },
        coords={
            "stimulus_id": ("stimulus", responses["stimulus_id"].values[held_out]),
            "split": (("repeat", "stimulus"), splits[:, held_out]),
            "neuroid_id": ("neuroid", responses["neuroid_id"].values),
            "region": ("neuroid", responses["region"].values),
        },
    )
