"""Every encoder scored on held-out stimuli: rows of the tables, with intervals and ceilings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.errors import InputError
from ventral.scores import METRICS, bootstrap_weights, ceiled_r2, interval, score

Floats = NDArray[np.float64]
Row = dict[str, Any]

STATISTICS = (*METRICS, "ceiled_r2")


def resamples(n_stimuli: int, n_draws: int, seed: int, groups: NDArray[np.str_] | None = None) -> NDArray[np.int64]:
    """(1 + n_draws, n) weights: every stimulus once, then bootstrap resamples; equal for equal n, seed and groups.

    Encoders of the same stimuli are therefore compared on the same resamples. `groups` are as for `bootstrap_weights`.
    """
    return np.vstack([np.ones(n_stimuli, dtype=np.int64), bootstrap_weights(n_stimuli, n_draws, seed, groups)])


def all_scores(
    responses: NDArray[np.floating],
    predictions: NDArray[np.floating],
    reliability: Floats,
    weights: NDArray[np.int64],
) -> dict[str, Floats]:
    """Score predictions under every weighting of the stimuli.

    Args:
        responses: (n, neuroid).
        predictions: (n, neuroid).
        reliability: (neuroid,), NaN where unknown.
        weights: (draw, n), from `resamples`.

    Returns:
        For each of `STATISTICS` a (draw, neuroid) array, the score itself first.
    """
    scores = score(responses, predictions, weights)
    return scores | {"ceiled_r2": ceiled_r2(scores["pearson_r"], reliability)}


def _means(scores: Floats) -> Floats:
    """(draw,) mean over the neuroids that have a score, NaN where none has."""
    defined = scores[:, np.isfinite(scores[0])]
    return np.nanmean(defined, axis=1) if defined.size else np.full(len(scores), np.nan)


def _mean(scores: Floats, prefix: str) -> dict[str, float]:
    """Mean over neuroids with its bootstrap interval, and the median; neuroids without a score are left out."""
    defined = scores[0, np.isfinite(scores[0])]
    if not defined.size:
        return {f"{prefix}_{name}": np.nan for name in ("mean", "low", "high", "median")}
    means = _means(scores)
    low, high = interval(means[0], means[1:])
    return {
        f"{prefix}_mean": means[0],
        f"{prefix}_low": low,
        f"{prefix}_high": high,
        f"{prefix}_median": float(np.median(defined)),
    }


@dataclass(frozen=True)
class Judged:
    """One encoder on the stimuli of one split (val or test), in every repeat of the protocol.

    Attributes:
        split: its name.
        held_out: (repeat, stimulus) whether a stimulus belongs to the split.
        weights: (draw, stimulus), from `resamples`: a stimulus that several repeats test is drawn by all or by none,
            and so is a group of stimuli.
        parts: of each repeat, `all_scores` of the chosen layers.
        mean: the same, averaged over repeats.
    """

    split: str
    held_out: NDArray[np.bool_]
    weights: NDArray[np.int64]
    parts: list[dict[str, Floats]]
    mean: dict[str, Floats]


def score_encoder(
    dataset: str,
    predictions: xr.Dataset,
    responses: xr.Dataset,
    n_draws: int,
    seed: int,
    min_reliability: float = -np.inf,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Score one encoder; over several splits of a protocol, scores and resamples are averaged.

    Args:
        dataset: its name.
        predictions: as `predictions/{dataset}/{protocol}/{encoder}.nc`, from `fit_protocol`.
        responses: as `responses/{dataset}.nc`.
        n_draws: bootstrap resamples of the stimuli.
        seed: of the resamples.
        min_reliability: neuroids of less are counted, but left out of means; those of unknown reliability never are.

    Returns:
        Rows of `scores.csv` (one a neuroid, split and metric, the chosen layer), of `summary.csv` (one a region and
        split; `draws` has the mean r and that of every resample, for `gather_scores`) and of `layers.csv` (one a region
        and layer, on val).

    Raises:
        InputError: if the protocol is to have a val and no stimulus is held out for it.
    """
    about = {"dataset": dataset, "source": responses.attrs["source"]} | {
        key: predictions.attrs[key] for key in ("protocol", "network", "readout", "weights")
    }
    about["encoder"] = f"{about['network']}-{about['readout']}"
    if about["protocol"] == "holdout" and not (predictions["split"] == "val").any():
        raise InputError("config", "split.val", f"leaves {dataset} no validation stimulus", "give a larger share")
    predicted = np.isin(responses["stimulus_id"], predictions["stimulus_id"])
    rates = responses["rate"].values[predicted]
    groups = responses["stimulus_group"].values[predicted] if "stimulus_group" in responses else None
    counted = ~(responses["reliability"].values < min_reliability)
    tidy, summary, curve = [], [], []
    for split in ("val", "test"):
        held_out = predictions["split"].values == split
        if not np.isfinite(rates[held_out.any(axis=0)]).any():  # a course file has no responses to its test
            continue
        judged = _judge(split, held_out, predictions, rates, responses["reliability"].values, groups, n_draws, seed)
        tidy += _neuroid_rows(about, judged, predictions, responses)
        summary += _region_rows(about, judged, predictions, rates, responses["reliability"].values, counted)
        if split == "val":
            curve = _layer_rows(about, judged, predictions, rates, responses["reliability"].values, counted)
    return pd.concat(tidy), pd.DataFrame(summary), pd.DataFrame(curve)


def _judge(
    split: str,
    held_out: NDArray[np.bool_],
    predictions: xr.Dataset,
    rates: NDArray[np.floating],
    reliability: Floats,
    groups: NDArray[np.str_] | None,
    n_draws: int,
    seed: int,
) -> Judged:
    drawn = held_out.any(axis=0)
    weights = np.zeros((1 + n_draws, len(rates)), dtype=np.int64)
    weights[:, drawn] = resamples(int(drawn.sum()), n_draws, seed, None if groups is None else groups[drawn])
    parts = [
        _chosen_scores(predictions.isel(repeat=i), rates, here, reliability, weights) for i, here in enumerate(held_out)
    ]
    mean = {metric: _average([part[metric] for part in parts]) for metric in STATISTICS}
    return Judged(split, held_out, weights, parts, mean)


def _neuroid_rows(about: Row, judged: Judged, predictions: xr.Dataset, responses: xr.Dataset) -> list[pd.DataFrame]:
    """Rows of `scores.csv`: one a neuroid and metric."""
    fixed = about | {"region": responses["region"].values, "neuroid": responses["neuroid_id"].values}
    fixed |= {"layer": _most_common(predictions["chosen_layer"].values), "split": judged.split}
    ceiling = {name: responses[name].values for name in ("reliability", "reliability_sd")}
    frames = []
    for metric, draws in judged.mean.items():
        low, high = interval(draws[0], draws[1:])
        row = fixed | {"metric": metric, "value": draws[0], "low": low, "high": high}
        frames.append(pd.DataFrame(row | ceiling))
    return frames


def _region_rows(
    about: Row,
    judged: Judged,
    predictions: xr.Dataset,
    rates: NDArray[np.floating],
    reliability: Floats,
    counted: NDArray[np.bool_],
) -> list[Row]:
    """Rows of `summary.csv`: one a region."""
    rows, region = [], predictions["region"].values
    layer = _most_common(predictions["chosen_layer"].values)
    for name in np.unique(region):
        all_here = region == name
        here = all_here & counted
        row = about | {"region": name, "layer": _most_common(layer[all_here][:, None])[0], "split": judged.split}
        row |= {"n_stimuli": int(judged.held_out[0].sum()), "n_neuroids": int(all_here.sum())}
        row |= {"n_unreliable": int((all_here & ~counted).sum())}
        row |= {"n_scored": int(np.isfinite(judged.mean["pearson_r"][0, here]).sum())}
        for metric in STATISTICS:
            row |= _mean(judged.mean[metric][:, here], metric)
        row |= {"reliability_median": _median(reliability[here])}
        row |= _seed_spread(predictions, rates, judged.held_out, here)
        medians = [_median(part["pearson_r"][0, here]) for part in judged.parts]
        row |= {"brainscore": float(ceiled_r2(float(np.mean(medians)), row["reliability_median"]))}
        rows.append(row | {"draws": _means(judged.mean["pearson_r"][:, here])})
    return rows


def _chosen_scores(
    predictions: xr.Dataset,
    y: NDArray[np.floating],
    stimuli: NDArray[np.bool_],
    reliability: Floats,
    weights: NDArray[np.int64],
) -> dict[str, Floats]:
    """`all_scores` of some stimuli of one split, each neuroid's predictions from the layer chosen for it."""
    index = {name: i for i, name in enumerate(predictions["layer"].values)}
    chosen = [index[name] for name in predictions["chosen_layer"].values]
    values = predictions["prediction"].values[chosen, :, np.arange(len(chosen))].T
    return all_scores(y[stimuli], values[stimuli], reliability, weights[:, stimuli])


def _seed_spread(
    predictions: xr.Dataset, y: NDArray[np.floating], held_out: NDArray[np.bool_], neuroids: NDArray[np.bool_]
) -> dict[str, float]:
    """How far an encoder trained from several seeds depends on them: their number, and the sd of their mean r."""
    if "prediction_of_seed" not in predictions:
        return {"n_seeds": 1, "pearson_r_seed_sd": np.nan}
    means = []
    for i, here in enumerate(held_out):
        values = predictions["prediction_of_seed"].values[i][:, here][:, :, neuroids]
        once = np.ones((1, here.sum()), dtype=np.int64)
        means.append([_means(score(y[here][:, neuroids], seed, once)["pearson_r"])[0] for seed in values])
    of_seeds = np.mean(means, axis=0)
    return {"n_seeds": len(of_seeds), "pearson_r_seed_sd": float(of_seeds.std(ddof=1)) if len(of_seeds) > 1 else np.nan}


def _average(parts: list[Floats]) -> Floats:
    """Mean over splits, of those that are not NaN; NaN where all are."""
    stacked = np.stack(parts)
    known = np.isfinite(stacked)
    total = known.sum(axis=0)
    return np.where(total > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(total, 1), np.nan)


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _most_common(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """(k,) most frequent name in each column of (m, k) names; of equals, the first by name."""
    columns = []
    for column in names.T:
        found, counts = np.unique(column, return_counts=True)
        columns.append(found[np.argmax(counts)])
    return np.array(columns)


def _layer_rows(
    about: Row,
    judged: Judged,
    predictions: xr.Dataset,
    rates: NDArray[np.floating],
    reliability: Floats,
    counted: NDArray[np.bool_],
) -> list[Row]:
    """Rows of `layers.csv`: one a region and layer, of the first repeat."""
    here = judged.held_out[0]
    of_layers = predictions.isel(repeat=0, neuroid=counted, stimulus=here)
    rows, region = [], of_layers["region"].values
    for i, layer in enumerate(of_layers["layer"].values):
        values = of_layers["prediction"].values[i]
        scores = all_scores(rates[here][:, counted], values, reliability[counted], judged.weights[:, here])
        for name in np.unique(region):
            own = region == name
            row = about | {"region": name, "layer": layer, "depth": i, "dead": bool(of_layers["dead"][i])}
            row |= {"chosen": bool((of_layers["chosen_layer"].values[own] == layer).all())}
            row |= {"train_r2_mean": float(of_layers["train_r2"].values[i, own].mean())}
            for metric in METRICS:
                row |= _mean(scores[metric][:, own], metric)
            rows.append(row)
    return rows
