"""An encoder is the features of a network and a readout: fitted on train, its layer chosen on train."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.errors import InputError, listed
from ventral.gram import Gram, centre_on
from ventral.linear import Readout, Spectrum, decompose, fit, fit_pls

Floats = NDArray[np.float64]

# Penalties to choose from by leave-one-out, in units of the mean eigenvalue of a layer's Gram matrix: one grid then
# serves layers of a thousand and of a million units.
ALPHAS = np.logspace(-4, 4, 17)


@dataclass(frozen=True)
class ReadoutPlan:
    """What is fitted on the features.

    Attributes:
        alpha: ridge penalty as in scikit-learn, 0 for OLS of minimum norm; "loo" for one per neuroid, chosen by
            leave-one-out on train.
        components: number of principal components of the features used; None for all.
        pls: number of components of partial least squares, in place of the other two.
    """

    alpha: float | Literal["loo"] = 0.0
    components: int | None = None
    pls: int | None = None

    def fit(self, inner: Floats, responses: NDArray[np.floating]) -> Readout:
        """Fit the readout on (n, n) inner products about the train mean and (n, t) train responses."""
        if self.pls is not None:
            return fit_pls(inner, responses, self.pls)
        spectrum = decompose(inner)
        return fit(spectrum, responses, self.alphas(spectrum, len(responses)), self.components)

    def alphas(self, spectrum: Spectrum, n_train: int) -> Sequence[float]:
        """The penalties to try on features of this spectrum."""
        if self.alpha != "loo":
            return [float(self.alpha)]
        scale = float(spectrum.values.sum()) / n_train
        return list(ALPHAS * (scale if scale > 0 else 1.0))


def observed_alike(rates: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group the neuroids of (stimulus, neuroid) rates by the stimuli that they were recorded for.

    Yields:
        Indices of neuroids, and the (stimulus,) mask of those observed by all of them and no others.
    """
    seen = np.isfinite(rates)
    patterns, group = np.unique(seen, axis=1, return_inverse=True)
    for i in range(patterns.shape[1]):
        yield np.flatnonzero(group == i), patterns[:, i]


def fit_layer(
    inner: Floats, rates: NDArray[np.floating], split: NDArray[np.str_], plan: ReadoutPlan
) -> dict[str, Floats]:
    """Fit a readout of one layer to every neuroid, on the train stimuli that it was recorded for.

    Args:
        inner: (n, n) Gram matrix of all stimuli.
        rates: (n, neuroid), NaN where not recorded.
        split: (n,) "train" or another.
        plan: the readout.

    Returns:
        `prediction` (held-out stimulus, neuroid); `train_r2` (neuroid,), R2 of the leave-one-out predictions of
        train, 0 where train is constant; `alpha` (neuroid,) as chosen.
    """
    test = np.flatnonzero(split != "train")
    prediction = np.full((len(test), rates.shape[1]), np.nan)
    train_r2, alpha = np.full(rates.shape[1], np.nan), np.full(rates.shape[1], np.nan)
    for neuroids, seen in observed_alike(rates):
        train = np.flatnonzero((split == "train") & seen)
        train_inner, cross = centre_on(inner, train, test)
        y = rates[np.ix_(train, neuroids)]
        readout = plan.fit(train_inner, y)
        prediction[:, neuroids] = readout.predict(cross)
        alpha[neuroids] = readout.alpha
        variance, error = y.var(axis=0), ((y - readout.loo) ** 2).mean(axis=0)
        varies = variance > 1e-24 * (y**2).mean(axis=0)  # else what is left is rounding, in error as in variance
        train_r2[neuroids] = np.where(varies, 1 - error / np.where(varies, variance, 1), 0)
    return {"prediction": prediction, "train_r2": train_r2, "alpha": alpha}


def choose_layers(train_r2: Floats, region: NDArray[np.str_]) -> NDArray[np.intp]:
    """(neuroid,) index of the layer whose mean leave-one-out R2 over the neuroid's region is highest.

    Args:
        train_r2: (layer, neuroid) of train stimuli.
        region: (neuroid,).
    """
    chosen = np.zeros(train_r2.shape[1], dtype=np.intp)
    for name in np.unique(region):
        chosen[region == name] = np.argmax(train_r2[:, region == name].mean(axis=1))
    return chosen


def fit_encoder(layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, plan: ReadoutPlan) -> xr.Dataset:
    """Fit a readout of every layer, and choose the layer of each region on train.

    Args:
        layers: names and Gram matrices, early to late, of the stimuli of `responses`.
        responses: as in `responses/{dataset}.nc`.
        plan: the readout.

    Returns:
        `prediction` (layer, stimulus, neuroid) of the held-out stimuli, those of `test` for the chosen layer alone;
        `train_r2`, `alpha` (layer, neuroid); coordinates `chosen_layer` (neuroid), `dead` (layer).

    Raises:
        InputError: if a neuroid has fewer than two train stimuli.
    """
    rates, split = responses["rate"].values, responses["split"].values
    few = np.isfinite(rates[split == "train"]).sum(axis=0) < 2
    if few.any():
        which = listed(responses["neuroid_id"].values[few])
        raise InputError(
            "responses", f"neuroid {which}", "fewer than two train stimuli", "leave it out, or lower split"
        )
    names, dead, fits = [], [], []
    for layer, gram in layers:
        names.append(layer)
        dead.append(gram.dead)
        fits.append(fit_layer(np.zeros_like(gram.inner) if gram.dead else gram.inner, rates, split, plan))
    stacked = {key: np.stack([layer[key] for layer in fits]) for key in fits[0]}
    chosen = choose_layers(stacked["train_r2"], responses["region"].values)
    held_out = split != "train"
    is_chosen = np.arange(len(names))[:, None] == chosen
    shown = is_chosen[:, None, :] | (split[held_out] != "test")[:, None]
    return xr.Dataset(
        {
            "prediction": (
                ("layer", "stimulus", "neuroid"),
                np.where(shown, stacked["prediction"], np.nan).astype(np.float32),
            ),
            "train_r2": (("layer", "neuroid"), stacked["train_r2"]),
            "alpha": (("layer", "neuroid"), stacked["alpha"]),
        },
        coords={
            "layer": names,
            "dead": ("layer", np.asarray(dead)),
            "stimulus_id": ("stimulus", responses["stimulus_id"].values[held_out]),
            "split": ("stimulus", split[held_out]),
            "neuroid_id": ("neuroid", responses["neuroid_id"].values),
            "region": ("neuroid", responses["region"].values),
            "chosen_layer": ("neuroid", np.asarray(names)[chosen]),
        },
    )


def fit_protocol(
    load: Callable[[], Iterable[tuple[str, Gram]]],
    responses: xr.Dataset,
    plan: ReadoutPlan,
    splits: NDArray[np.str_],
) -> xr.Dataset:
    """Fit an encoder once for every split of a protocol.

    Args:
        load: gives the layers anew for every split.
        responses: as in `responses/{dataset}.nc`.
        plan: the readout.
        splits: (repeat, n) as `protocol_splits` draws them.

    Returns:
        What `fit_encoder` returns for each split, along a first dimension `repeat`; stimuli are those that any split
        holds out, NaN in the others, where `split` is "train".
    """
    held_out = (splits != "train").any(axis=0)
    ids = responses["stimulus_id"].values[held_out]
    fits = []
    for labels in splits:
        one = fit_encoder(load(), responses.assign_coords(split=("stimulus", labels)), plan)
        rows = np.flatnonzero((labels != "train")[held_out])
        shape = (one.sizes["layer"], len(ids), one.sizes["neuroid"])
        prediction = np.full(shape, np.nan, dtype=np.float32)
        prediction[:, rows] = one["prediction"].values
        one = one.drop_vars(["prediction", "stimulus_id", "split"])
        one["prediction"] = (("layer", "stimulus", "neuroid"), prediction)
        fits.append(one.assign_coords(split=("stimulus", labels[held_out])))
    shared = ["layer", "neuroid_id", "region", "dead"]
    joined = {
        name: np.stack([one[name].values for one in fits]) for name in (*fits[0].data_vars, "split", "chosen_layer")
    }
    dims = {name: ("repeat", *fits[0][name].dims) for name in joined}
    return xr.Dataset(
        {name: (dims[name], joined[name]) for name in fits[0].data_vars},
        coords={
            **{name: fits[0][name].variable for name in shared},
            **{name: (dims[name], joined[name]) for name in ("split", "chosen_layer")},
            "stimulus_id": ("stimulus", ids),
        },
    )
