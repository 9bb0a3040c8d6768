"""An encoder is the features of a network and a readout: fitted on train, its layer chosen on train."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.train_stimuli import require_train
from ventral.gram.matrix import Gram, centre_on
from ventral.gram.spectra import RANK_CUT, Decomposition, Spectrum
from ventral.readouts.linear import Readout, fit
from ventral.readouts.pls import fit_pls

Floats = NDArray[np.float64]

# Penalties to choose from on held-out train stimuli, in units of the mean eigenvalue of a layer's Gram matrix: one grid
# then serves layers of a thousand and of a million units.
ALPHAS = np.logspace(-4, 4, 17)
FINE = 1e-5  # of a neuroid's standard deviation, what predictions may be rounded by


@dataclass(frozen=True)
class ReadoutPlan:
    """What is fitted on the features.

    Attributes:
        alpha: ridge penalty as in scikit-learn, 0 for OLS of minimum norm; chosen on held-out stimuli of train, "loo"
            for one per neuroid, "cv" for one for all neuroids (of those fitted together).
        components: number of principal components of the features used; None for all.
        pls: number of components of partial least squares, in place of the other two.
        mlp: sizes of the hidden layers of a deep head on the components, in place of a linear readout.
        seed: of the deep head.
        rank_cut: share of the largest eigenvalue below which directions are not used; none for `pls`.
        per: whose neuroids are fitted together and have one layer: those of a region, or of a region of one subject.
    """

    alpha: float | Literal["loo", "cv"] = 0.0
    components: int | None = None
    pls: int | None = None
    mlp: Sequence[int] | None = None
    seed: int = 0
    rank_cut: float = RANK_CUT
    per: Literal["region", "subject"] = "region"

    def fit(self, decomposition: Decomposition, responses: NDArray[np.floating]) -> "Readout | DeepReadout":
        """Fit the readout on n train images to their (n, t) responses. A deep head on dead features is a linear one."""
        if self.pls is not None:
            return fit_pls(decomposition, responses, self.pls)
        spectrum = decomposition.spectrum(self.rank_cut)
        if self.mlp is not None and spectrum.values.size:
            return fit_deep(spectrum.first(self.components), responses, self.mlp, self.seed, decomposition.groups)
        alphas, shared = self.alphas(spectrum, len(responses)), self.alpha == "cv"
        return fit(decomposition, responses, alphas, self.components, shared=shared, rank_cut=self.rank_cut)

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
        held_out: (n, t) predictions of the train images held out to choose the epoch, NaN of the others.
    """

    spectrum: Spectrum
    head: Callable[[Floats], NDArray[np.floating]]
    alpha: Floats
    held_out: Floats

    @property
    def n_directions(self) -> int:
        """Number of directions of feature space used."""
        return self.spectrum.values.size

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
    from ventral.training.engine import fit_mlp
    from ventral.training.heads import HeadPlan

    scores = spectrum.vectors * np.sqrt(spectrum.values)
    plan = HeadPlan("mlp", hidden=tuple(hidden), dropout=0.5)
    fitted = fit_mlp(scores, responses, head=plan, seed=seed, groups=groups, name="deep head")
    held_out = np.full(responses.shape, np.nan)
    held_out[fitted.training.held_out] = fitted.training.predictions
    return DeepReadout(spectrum, fitted.predict, np.full(responses.shape[1], np.nan), held_out)


def observed_alike(rates: NDArray[np.floating]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Group the neuroids of (stimulus, neuroid) rates by the stimuli that they were recorded for.

    Yields:
        Indices of neuroids, and the (stimulus,) mask of those observed by all of them and no others.
    """
    seen = np.isfinite(rates)
    patterns, group = np.unique(seen, axis=1, return_inverse=True)
    for i in range(patterns.shape[1]):
        yield np.flatnonzero(group == i), patterns[:, i]


def fitted_together(responses: xr.Dataset, per: str) -> NDArray[np.str_]:
    """(neuroid,) name of the neuroids that each is fitted with: its region, or its region in its own subject.

    So what is said of a region does not depend on which others are in the file.
    """
    regions = responses["region"].values.astype(str)
    if per == "region":
        return regions
    return np.char.add(np.char.add(responses["subject"].values.astype(str), " "), regions)


def decompositions(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Decomposition, Floats]]:
    """Decompose a layer for each group of neuroids that were recorded for the same stimuli; see `fit_layer`.

    Yields:
        Indices of the neuroids, indices of their train stimuli, these decomposed, and the inner products of the
        held-out stimuli with the train stimuli, about the mean of these.
    """
    for neuroids, seen in observed_alike(rates):
        train = np.flatnonzero((split == "train") & seen)
        train_inner, cross = centre_on(inner, train, np.flatnonzero(split != "train"))
        own = None if groups is None else groups[train]
        yield neuroids, train, Decomposition(train_inner, n_units, own), cross


def fit_apart(
    plan: ReadoutPlan, decomposition: Decomposition, rates: NDArray[np.floating], together: NDArray[np.str_]
) -> Iterator[tuple[NDArray[np.intp], Readout | DeepReadout]]:
    """Fit a readout to the neuroids of each region on its own.

    Args:
        plan: the readout.
        decomposition: of the train stimuli.
        rates: (train stimulus, neuroid), complete.
        together: (neuroid,) from `fitted_together`.

    Yields:
        Indices of the neuroids, and their readout.
    """
    for name in np.unique(together):
        own = np.flatnonzero(together == name)
        yield own, plan.fit(decomposition, rates[:, own])


def fit_layer(
    inner: Floats,
    rates: NDArray[np.floating],
    split: NDArray[np.str_],
    plans: Sequence[tuple[ReadoutPlan, NDArray[np.str_]]],
    n_units: int | None = None,
    groups: NDArray[np.str_] | None = None,
) -> list[dict[str, Floats]]:
    """Fit readouts of one layer to every neuroid, on the train stimuli that it was recorded for.

    Args:
        inner: (n, n) Gram matrix of all stimuli.
        rates: (n, neuroid), NaN where not recorded.
        split: (n,) "train" or another.
        plans: the readouts, each with the (neuroid,) names of those that it fits together.
        n_units: of the layer, where known.
        groups: (n,) group of each stimulus, such as near duplicates, that are left out of train together.

    Returns:
        For each readout `prediction` (held-out stimulus, neuroid); `train_r2` (neuroid,), R2 of the predictions of
        train stimuli by readouts fitted without them (of a deep head those held out of train to choose the epoch), 0
        where train is constant; `alpha` (neuroid,) as chosen; `n_directions` (), the most that were used.
    """
    n_neuroids = rates.shape[1]
    found = [
        {
            "prediction": np.full(((split != "train").sum(), n_neuroids), np.nan),
            "train_r2": np.full(n_neuroids, np.nan),
            "alpha": np.full(n_neuroids, np.nan),
            "n_directions": np.zeros((), dtype=np.int64),
        }
        for _ in plans
    ]
    # Those on most components first: what they need of a fold serves the others.
    order = sorted(zip(plans, found, strict=True), key=lambda one: -(one[0][0].components or len(inner)))
    for neuroids, train, decomposition, cross in decompositions(inner, rates, split, n_units, groups):
        y = rates[np.ix_(train, neuroids)]
        for (plan, together), one in order:
            for own, readout in fit_apart(plan, decomposition, y, together[neuroids]):
                one["prediction"][:, neuroids[own]] = readout.predict(cross)
                one["alpha"][neuroids[own]] = readout.alpha
                one["train_r2"][neuroids[own]] = _train_r2(y[:, own], readout.held_out)
                one["n_directions"][...] = max(one["n_directions"], readout.n_directions)
    return found


def _train_r2(y: NDArray[np.floating], held_out: Floats) -> Floats:
    """(neuroid,) R2 of (train stimulus, neuroid) predictions, of the stimuli that were held out."""
    judged = np.isfinite(held_out).all(axis=1)  # all of train, but for deep heads
    y, held_out = y[judged], held_out[judged]
    variance, error = y.var(axis=0), ((y - held_out) ** 2).mean(axis=0)
    varies = variance > 1e-24 * (y**2).mean(axis=0)  # else what is left is rounding, in error as in variance
    return np.where(varies, 1 - error / np.where(varies, variance, 1), 0)


def choose_layers(
    train_r2: Floats, together: NDArray[np.str_], counts: NDArray[np.bool_] | None = None
) -> NDArray[np.intp]:
    """(neuroid,) index of the layer whose mean R2 of held-out train stimuli over the neuroid's region is highest.

    A neuroid without R2 has no say in a layer, and a layer without any is never chosen.

    Args:
        train_r2: (layer, neuroid) of train stimuli.
        together: (neuroid,) region, from `fitted_together`.
        counts: (neuroid,) whether it has a say; all where absent, and in a region where none has.
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


def fit_encoder(layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, plan: ReadoutPlan) -> xr.Dataset:
    """Fit an encoder for the split of the responses themselves: `fit_protocol` without its dimension `repeat`."""
    return fit_protocol(layers, responses, plan, responses["split"].values[None]).isel(repeat=0)


def fit_protocol(
    layers: Iterable[tuple[str, Gram]], responses: xr.Dataset, plan: ReadoutPlan, splits: NDArray[np.str_]
) -> xr.Dataset:
    """Fit one readout of every layer for every split of a protocol: `fit_readouts` of one."""
    return fit_readouts(layers, responses, {"": plan}, splits)[""]


def fit_readouts(
    layers: Iterable[tuple[str, Gram]],
    responses: xr.Dataset,
    plans: Mapping[str, ReadoutPlan],
    splits: NDArray[np.str_],
    min_reliability: float | None = None,
) -> dict[str, xr.Dataset]:
    """Fit readouts of every layer for every split of a protocol, and choose the layer of each region on train.

    A layer is decomposed once a split (and fold) for all readouts.

    Args:
        layers: names and Gram matrices, early to late, of the stimuli of `responses`; one is held at a time.
        responses: as in `responses/{dataset}.nc`.
        plans: the readouts, by name.
        splits: (repeat, n) as `protocol_splits` draws them.
        min_reliability: neuroids of less have no say in which layer is chosen; those of unknown reliability have.

    Returns:
        For each readout `prediction` (repeat, layer, stimulus, neuroid) of the stimuli that any split holds out, NaN
        where this one does not, and those of `test` for the chosen layer alone; `train_r2`, `alpha` (repeat, layer,
        neuroid); `n_directions` (repeat, layer), the number of directions of feature space used; coordinates `split`
        (repeat, stimulus), `chosen_layer` (repeat, neuroid), `dead` (layer); attribute `rank_cut`, but of PLS.

    Raises:
        InputError: if a neuroid has fewer than two train stimuli.
    """
    rates = responses["rate"].values
    groups = responses["stimulus_group"].values if "stimulus_group" in responses else None
    for split in splits:
        require_train(responses, split)
    pairs = [(plan, fitted_together(responses, plan.per)) for plan in plans.values()]
    names, dead = [], []
    fits: list[list[dict[str, Floats]]] = [[] for _ in plans]  # of each readout, layer by layer
    for layer, gram in layers:
        names.append(layer)
        dead.append(gram.dead)
        inner = np.zeros_like(gram.inner) if gram.dead else gram.inner
        repeats = [fit_layer(inner, rates, split, pairs, gram.n_units, groups) for split in splits]
        for k, found in enumerate(fits):
            found.append(_join_repeats([repeat[k] for repeat in repeats], splits, precision_for(rates)))
    counts = None if min_reliability is None else ~(responses["reliability"].values < min_reliability)
    layer_coords = {"layer": names, "dead": ("layer", np.asarray(dead))}
    datasets = {}
    for name, (plan, together), found in zip(plans, pairs, fits, strict=True):
        joined = {key: np.stack([one[key] for one in found], axis=1) for key in found[0]}
        chosen = np.stack([choose_layers(train_r2, together, counts) for train_r2 in joined["train_r2"]])
        datasets[name] = _as_dataset(joined, chosen, splits, responses).assign_coords(
            layer_coords | {"chosen_layer": (("repeat", "neuroid"), np.asarray(names)[chosen])}
        )
        if plan.pls is None:
            datasets[name].attrs["rank_cut"] = plan.rank_cut
    return datasets


def precision_for(rates: NDArray[np.floating]) -> type[np.floating]:
    """The type in which to keep predictions of (stimulus, neuroid) rates: float32 where that is fine enough.

    It is not for rates far from zero beside what they vary, as fluorescence can be: they would come in steps.
    """
    step = np.finfo(np.float32).eps * np.nanmax(np.abs(rates), axis=0)
    return np.float32 if (step <= FINE * np.nanstd(rates, axis=0)).all() else np.float64


def _join_repeats(
    repeats: list[dict[str, Floats]], splits: NDArray[np.str_], dtype: type[np.floating]
) -> dict[str, Floats]:
    """What was fitted for each split, stacked; predictions are of the stimuli that any split holds out."""
    held_out = (splits != "train").any(axis=0)
    for split, one in zip(splits, repeats, strict=True):
        prediction = np.full((held_out.sum(), one["alpha"].size), np.nan, dtype=dtype)
        prediction[(split != "train")[held_out]] = one["prediction"]
        one["prediction"] = prediction
    return {key: np.stack([one[key] for one in repeats]) for key in repeats[0]}


def _as_dataset(
    found: dict[str, Floats], chosen: NDArray[np.intp], splits: NDArray[np.str_], responses: xr.Dataset
) -> xr.Dataset:
    """What was fitted with its dimensions, without predictions of test stimuli but those of the chosen layers.

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
