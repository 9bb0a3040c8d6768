"""An encoder is the features of a network and a readout: fitted on train, its layer chosen on train."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.errors import InputError, listed
from ventral.gram import Gram, centre_on
from ventral.linear import Readout, Spectrum, decompose, fit
from ventral.pls import fit_pls

Floats = NDArray[np.float64]

# Penalties to choose from by leave-one-out, in units of the mean eigenvalue of a layer's Gram matrix: one grid then
# serves layers of a thousand and of a million units.
ALPHAS = np.logspace(-4, 4, 17)


@dataclass(frozen=True)
class ReadoutPlan:
    """What is fitted on the features.

    Attributes:
        alpha: ridge penalty as in scikit-learn, 0 for OLS of minimum norm; chosen by leave-one-out on train, "loo" for
            one per neuroid, "cv" for one for all neuroids (that were recorded for the same stimuli).
        components: number of principal components of the features used; None for all.
        pls: number of components of partial least squares, in place of the other two.
        mlp: sizes of the hidden layers of a deep head on the components, in place of a linear readout.
        seed: of the deep head.
    """

    alpha: float | Literal["loo", "cv"] = 0.0
    components: int | None = None
    pls: int | None = None
    mlp: Sequence[int] | None = None
    seed: int = 0

    def fit(
        self,
        inner: Floats,
        responses: NDArray[np.floating],
        n_units: int | None = None,
        groups: NDArray[np.str_] | None = None,
    ) -> "Readout | DeepReadout":
        """Fit the readout on (n, n) inner products about the train mean and (n, t) train responses.

        `n_units` and `groups` are as for `decompose` and `fit`. Of dead features a deep head is a linear one.
        """
        if self.pls is not None:
            return fit_pls(inner, responses, self.pls, groups)
        spectrum = decompose(inner, n_units)
        if self.mlp is not None and spectrum.values.size:
            return fit_deep(spectrum.first(self.components), responses, self.mlp, self.seed, groups)
        alphas = self.alphas(spectrum, len(responses))
        return fit(spectrum, responses, alphas, self.components, shared=self.alpha == "cv", groups=groups)

    def alphas(self, spectrum: Spectrum, n_train: int) -> Sequence[float]:
        """The penalties to try on features of this spectrum."""
        if self.alpha not in ("loo", "cv"):
            return [float(self.alpha)]
        scale = float(spectrum.values.sum()) / n_train
        return list(ALPHAS * (scale if scale > 0 else 1.0))


@dataclass(frozen=True)
class DeepReadout:
    """A deep head on principal components, used as a `Readout` is.

    Attributes:
        spectrum: (n, k) components of the train images.
        head: (m, k) scores of the components -> (m, t) predictions.
        alpha: (t,) NaN, for it has no penalty.
        loo: (n, t) predictions of the train images held out to choose the epoch, NaN of the others.
    """

    spectrum: Spectrum
    head: Callable[[Floats], NDArray[np.floating]]
    alpha: Floats
    loo: Floats

    def predict(self, cross: Floats) -> Floats:
        """(m, t) predictions from (m, n) inner products with the train images, about the train mean."""
        scores = cross @ (self.spectrum.vectors / np.sqrt(self.spectrum.values))
        return self.head(scores).astype(np.float64)


def fit_deep(
    spectrum: Spectrum,
    responses: NDArray[np.floating],
    hidden: Sequence[int],
    seed: int,
    groups: NDArray[np.str_] | None = None,
) -> DeepReadout:
    """Fit a deep head on the components of the n train images to their (n, t) responses; see `fit_mlp`."""
    # Here, not above: torch takes seconds to import, and no other readout needs it.
    from ventral.networks.heads import HeadPlan
    from ventral.training.engine import fit_mlp

    scores = spectrum.vectors * np.sqrt(spectrum.values)
    plan = HeadPlan("mlp", hidden=tuple(hidden), dropout=0.5)
    fitted = fit_mlp(scores, responses, head=plan, seed=seed, groups=groups, name="deep head")
    loo = np.full(responses.shape, np.nan)
    loo[fitted.training.held_out] = fitted.training.predictions
    return DeepReadout(spectrum, fitted.predict, np.full(responses.shape[1], np.nan), loo)


def observed_alike(rates: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group the neuroids of (stimulus, neuroid) rates by the stimuli that they were recorded for.

    Yields:
        Indices of neuroids, and the (stimulus,) mask of those observed by all of them and no others.
    """
    seen = np.isfinite(rates)
    patterns, group = np.unique(seen, axis=1, return_inverse=True)
    for i in range(patterns.shape[1]):
        yield np.flatnonzero(group == i), patterns[:, i]


def fit_groups(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    plan: ReadoutPlan,
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Readout | DeepReadout, Floats]]:
    """Fit a readout of one layer to each group of neuroids that were recorded for the same stimuli; see `fit_layer`.

    Yields:
        Indices of the neuroids, indices of their train stimuli, their readout, and the inner products of the held-out
        stimuli with the train stimuli, about the mean of these.
    """
    for neuroids, seen in observed_alike(rates):
        train = np.flatnonzero((split == "train") & seen)
        train_inner, cross = centre_on(inner, train, np.flatnonzero(split != "train"))
        own = None if groups is None else groups[train]
        yield neuroids, train, plan.fit(train_inner, rates[np.ix_(train, neuroids)], n_units, own), cross


def fit_layer(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    plan: ReadoutPlan,
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> dict[str, Floats]:
    """Fit a readout of one layer to every neuroid, on the train stimuli that it was recorded for.

    Args:
        inner: (n, n) Gram matrix of all stimuli.
        rates: (n, neuroid), NaN where not recorded.
        split: (n,) "train" or another.
        plan: the readout.
        n_units: of the layer, where known.
        groups: (n,) group of each stimulus, such as near duplicates, that are left out of train together.

    Returns:
        `prediction` (held-out stimulus, neuroid); `train_r2` (neuroid,), R2 of the leave-one-out predictions of
        train (of a deep head those held out of it to choose the epoch), 0 where train is constant; `alpha` (neuroid,)
        as chosen.
    """
    prediction = np.full(((split != "train").sum(), rates.shape[1]), np.nan)
    train_r2, alpha = np.full(rates.shape[1], np.nan), np.full(rates.shape[1], np.nan)
    for neuroids, train, readout, cross in fit_groups(inner, rates, split, plan, n_units, groups):
        left_out = np.isfinite(readout.loo).all(axis=1)  # all of train, but for deep heads
        y, loo = rates[np.ix_(train[left_out], neuroids)], readout.loo[left_out]
        prediction[:, neuroids] = readout.predict(cross)
        alpha[neuroids] = readout.alpha
        variance, error = y.var(axis=0), ((y - loo) ** 2).mean(axis=0)
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
    """Fit an encoder for the split of the responses themselves: `fit_protocol` without its dimension `repeat`."""
    return fit_protocol(layers, responses, plan, responses["split"].values[None]).isel(repeat=0)


def fit_protocol(
    layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, plan: ReadoutPlan, splits: NDArray[np.str_]
) -> xr.Dataset:
    """Fit a readout of every layer for every split of a protocol, and choose the layer of each region on train.

    Args:
        layers: names and Gram matrices, early to late, of the stimuli of `responses`; one is held at a time.
        responses: as in `responses/{dataset}.nc`.
        plan: the readout.
        splits: (repeat, n) as `protocol_splits` draws them.

    Returns:
        `prediction` (repeat, layer, stimulus, neuroid) of the stimuli that any split holds out, NaN where this one
        does not, and those of `test` for the chosen layer alone; `train_r2`, `alpha` (repeat, layer, neuroid);
        coordinates `split` (repeat, stimulus), `chosen_layer` (repeat, neuroid), `dead` (layer).

    Raises:
        InputError: if a neuroid has fewer than two train stimuli.
    """
    rates, region = responses["rate"].values, responses["region"].values
    groups = responses["stimulus_group"].values if "stimulus_group" in responses else None
    for split in splits:
        _require_train(responses, split)
    held_out = (splits != "train").any(axis=0)
    names, dead, fits = [], [], []
    for layer, gram in layers:
        names.append(layer)
        dead.append(gram.dead)
        inner = np.zeros_like(gram.inner) if gram.dead else gram.inner
        repeats = [fit_layer(inner, rates, split, plan, gram.n_units, groups) for split in splits]
        for split, one in zip(splits, repeats, strict=True):
            prediction = np.full((held_out.sum(), rates.shape[1]), np.nan, dtype=np.float32)
            prediction[(split != "train")[held_out]] = one["prediction"]
            one["prediction"] = prediction
        fits.append({key: np.stack([one[key] for one in repeats]) for key in repeats[0]})
    found = {key: np.stack([layer[key] for layer in fits], axis=1) for key in fits[0]}
    chosen = np.stack([choose_layers(train_r2, region) for train_r2 in found["train_r2"]])
    is_chosen = np.arange(len(names))[:, None] == chosen[:, None, :]
    judged = (splits == "test")[:, held_out]
    found["prediction"][judged[:, None, :, None] & ~is_chosen[:, :, None, :]] = np.nan
    return xr.Dataset(
        {
            "prediction": (("repeat", "layer", "stimulus", "neuroid"), found["prediction"]),
            "train_r2": (("repeat", "layer", "neuroid"), found["train_r2"]),
            "alpha": (("repeat", "layer", "neuroid"), found["alpha"]),
        },
        coords={
            "layer": names,
            "dead": ("layer", np.asarray(dead)),
            "stimulus_id": ("stimulus", responses["stimulus_id"].values[held_out]),
            "split": (("repeat", "stimulus"), splits[:, held_out]),
            "neuroid_id": ("neuroid", responses["neuroid_id"].values),
            "region": ("neuroid", region),
            "chosen_layer": (("repeat", "neuroid"), np.asarray(names)[chosen]),
        },
    )


def _require_train(responses: xr.Dataset, split: NDArray[np.str_]) -> None:
    """Refuse responses of which a neuroid has fewer than two train stimuli."""
    few = np.isfinite(responses["rate"].values[split == "train"]).sum(axis=0) < 2
    if few.any():
        which = listed(responses["neuroid_id"].values[few])
        raise InputError(
            "responses", f"neuroid {which}", "fewer than two train stimuli", "leave it out, or lower split"
        )
