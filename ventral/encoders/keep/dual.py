"""The readout of one layer of a linear encoder, fitted as in the study and kept as weights of images."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.selection import stimulus_groups
from ventral.encoders.fit import decompositions, fit_apart, fitted_together
from ventral.encoders.keep.primal import Dual
from ventral.gram.matrix import Gram
from ventral.readouts.contract import Readout


def fit_duals(
    gram_of: Callable[[str], Gram],
    responses: xr.Dataset,
    split: NDArray[np.str_],
    readout: Readout,
    chosen_layer: NDArray[np.str_],
    seed: int = 0,
) -> dict[str, Dual]:
    """Fit the readouts of an encoder, one layer at a time.

    Args:
        gram_of: the name of a layer -> its Gram matrix of the n stimuli of `responses`.
        responses: as in `responses/{dataset}.nc`.
        split: (n,) "train" or another.
        readout: a linear one.
        chosen_layer: (neuroid,) layer of each neuroid, the same for all of a region.
        seed: of the readout.

    Returns:
        For each layer that was chosen, the readout of its neuroids.
    """
    layers = dict.fromkeys(chosen_layer.tolist())
    return {layer: fit_dual(gram_of(layer), responses, split, readout, chosen_layer == layer, seed) for layer in layers}


def fit_dual(
    gram: Gram,
    responses: xr.Dataset,
    split: NDArray[np.str_],
    readout: Readout,
    wanted: NDArray[np.bool_],
    seed: int = 0,
) -> Dual:
    """Fit the readout of one layer as `fit_protocol` does, and keep its weights of the train stimuli.

    Args:
        gram: of the n stimuli of `responses`.
        responses: as in `responses/{dataset}.nc`.
        split: (n,) "train" or another.
        readout: a linear one.
        wanted: (neuroid,) whether this is the layer of a neuroid; all neuroids of a region or none.
        seed: of the readout.
    """
    rates, groups = responses["rate"].values, stimulus_groups(responses)
    weights, shares, intercept = np.zeros(rates.shape), np.zeros(rates.shape), np.zeros(rates.shape[1])
    together = fitted_together(responses, readout.per)
    for neuroids, train, decomposition, _ in decompositions(gram.kernel, rates, split, gram.n_units, groups):
        neuroids = neuroids[wanted[neuroids]]
        y = rates[np.ix_(train, neuroids)]
        for own, fitted in fit_apart(readout, decomposition, y, together[neuroids], seed):
            found = fitted.weights
            assert found is not None  # `check_linear` refused readouts that are not linear
            place = np.ix_(train, neuroids[own])
            # The dual weights are of features about their train mean; centred, they are of the features themselves.
            weights[place] = found.dual - found.dual.mean(axis=0)
            shares[place] = 1 / len(train)
            intercept[neuroids[own]] = found.intercept
    return Dual(np.flatnonzero(wanted), weights[:, wanted], shares[:, wanted], intercept[wanted])
