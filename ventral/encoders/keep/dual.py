"""The readout of one layer of a linear encoder, fitted as in the study and kept as weights of images."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.encoders.fit import ReadoutPlan, decompositions, fit_apart, fitted_together
from ventral.encoders.keep.primal import Dual
from ventral.gram.matrix import Gram
from ventral.readouts.linear import Readout


def fit_dual(
    gram: Gram,
    responses: xr.Dataset,
    split: NDArray[np.str_],
    plan: ReadoutPlan,
    wanted: NDArray[np.bool_],
) -> Dual:
    """Fit the readout of one layer as `fit_protocol` does, and keep its weights of the train stimuli.

    Args:
        gram: of the n stimuli of `responses`.
        responses: as in `responses/{dataset}.nc`.
        split: (n,) "train" or another.
        plan: the readout.
        wanted: (neuroid,) whose layer it is, all neuroids of a region or none.
    """
    rates = responses["rate"].values
    groups = responses["stimulus_group"].values if "stimulus_group" in responses else None
    inner = np.zeros_like(gram.inner) if gram.dead else gram.inner
    weights, shares, intercept = np.zeros(rates.shape), np.zeros(rates.shape), np.zeros(rates.shape[1])
    together = fitted_together(responses, plan.per)
    for neuroids, train, decomposition, _ in decompositions(inner, rates, split, gram.n_units, groups):
        neuroids = neuroids[wanted[neuroids]]
        y = rates[np.ix_(train, neuroids)]
        for own, readout in fit_apart(plan, decomposition, y, together[neuroids]):
            assert isinstance(readout, Readout)  # `check_linear` refused the others
            place = np.ix_(train, neuroids[own])
            # Features are centred on their train mean: the same for them is to centre the weights.
            weights[place] = readout.dual - readout.dual.mean(axis=0)
            shares[place] = 1 / len(train)
            intercept[neuroids[own]] = readout.intercept
    return Dual(np.flatnonzero(wanted), weights[:, wanted], shares[:, wanted], intercept[wanted])
