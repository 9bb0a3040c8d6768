"""Every encoder scored on held-out stimuli: rows of the tables, with intervals and ceilings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.selection import is_reliable, stimulus_groups
from ventral.encoders.chosen import chosen_predictions
from ventral.files.errors import InputError
from ventral.scores.catalogue import METRICS, RANKED_BY
from ventral.scores.ceilings import ceiled_r2, noise_ceiling
from ventral.scores.intervals import Estimate, bounds, estimate, interval_of
from ventral.scores.scoring import influence, score

Floats = NDArray[np.float64]
Row = dict[str, Any]
By = dict[str, Floats]

SIGNED = "signed_r2"  # r |r|
CORRECTED = "corrected_r2"  # the same, unbiased: of it a region's share of the ceiling is made


@dataclass(frozen=True)
class Judged:
    """One encoder on the stimuli of one split (val or test), averaged over the repeats of the protocol.

    Attributes:
        split: its name.
        held_out: (repeat, stimulus) whether a stimulus belongs to the split.
        parts: of each repeat, the scores (neuroid,) of the chosen layers by metric.
        values: the same, averaged over repeats.
        influences: by metric, (group of stimuli, neuroid): how much each moves the average. A stimulus that several
            repeats test has one influence, so that more splits of the same stimuli make no interval narrower.
        ceiling: (neuroid,) noise ceiling of the stimuli of the split, NaN where unknown.
    """

    split: str
    held_out: NDArray[np.bool_]
    parts: list[By]
    values: By
    influences: By
    ceiling: Floats


def score_encoder(
    dataset: str,
    predictions: xr.Dataset,
    responses: xr.Dataset,
    min_reliability: float = -np.inf,
    over: str = "both",
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Score one encoder; over several splits of a protocol, scores are averaged.

    Args:
        dataset: its name.
        predictions: as `predictions/{dataset}/{protocol}/{encoder}.nc`, from `fit_protocol`.
        responses: as `responses/{dataset}.nc`.
        min_reliability: neuroids of less are counted, but left out of means; those of unknown reliability never are.
        over: what intervals of regions are over, one of `ventral.scores.intervals.OVER`; of neuroids, stimuli.

    Returns:
        Rows of `scores.csv` (one a neuroid, split and metric, the chosen layer), of `summary.csv` (one a region and
        split; `estimate` has the mean r and what moves it, for `gather_scores`) and of `layers.csv` (one a region
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
    shown = responses.isel(stimulus=np.isin(responses["stimulus_id"], predictions["stimulus_id"]))
    counted = is_reliable(responses, min_reliability)
    tidy, summary, curve = [], [], []
    for split in ("val", "test"):
        held_out = predictions["split"].values == split
        if not np.isfinite(shown["rate"].values[held_out.any(axis=0)]).any():
            continue  # a course file has no responses to its test
        judged = _judge(split, held_out, predictions, shown)
        tidy += _neuroid_rows(about, judged, predictions, responses)
        summary += _region_rows(about, judged, predictions, shown, counted, over)
        if split == "val":
            curve = _layer_rows(about, judged, predictions, shown, counted, over)
    return pd.concat(tidy), pd.DataFrame(summary), pd.DataFrame(curve)


def _groups(shown: xr.Dataset) -> NDArray[np.intp]:
    """(n,) number of the group of each stimulus."""
    groups = stimulus_groups(shown)
    return np.unique(shown["stimulus_id"].values if groups is None else groups, return_inverse=True)[1]


def _judge(split: str, held_out: NDArray[np.bool_], predictions: xr.Dataset, shown: xr.Dataset) -> Judged:
    rates, group = shown["rate"].values, _groups(shown)
    parts = []
    influences = {metric: np.zeros((group.max() + 1, rates.shape[1])) for metric in (*METRICS, SIGNED)}
    for i, here in enumerate(held_out):
        predicted = chosen_predictions(predictions, i)
        scores, moved = influence(rates[here], predicted[here], group[here])
        r = scores["pearson_r"]
        scores[SIGNED], moved[SIGNED] = r * np.abs(r), 2 * np.abs(np.nan_to_num(r)) * moved["pearson_r"]
        # The square of an estimate is too large by its variance.
        scores[CORRECTED] = scores[SIGNED] - np.sign(r) * (moved["pearson_r"] ** 2).sum(axis=0)
        for metric, part in moved.items():
            influences[metric][np.unique(group[here])] += part
        parts.append(scores)
    values = {metric: _average([part[metric] for part in parts]) for metric in parts[0]}
    scored = np.maximum(np.isfinite([part["pearson_r"] for part in parts]).sum(axis=0), 1)
    mean = {metric: total / scored for metric, total in influences.items()}
    tested = held_out.any(axis=0)
    signal, noise = shown["signal_variance"].values, shown["noise_variance"].values
    ceiling = noise_ceiling(signal, noise, shown["n_presentations"].values[tested])
    return Judged(split, held_out, parts, values, mean, ceiling)


def _neuroid_rows(about: Row, judged: Judged, predictions: xr.Dataset, responses: xr.Dataset) -> list[pd.DataFrame]:
    """Rows of `scores.csv`: one a neuroid and metric, intervals over stimuli."""
    fixed = about | {"region": responses["region"].values, "neuroid": responses["neuroid_id"].values}
    fixed |= {"layer": _most_common(predictions["chosen_layer"].values), "split": judged.split}
    ceiling = {name: responses[name].values for name in ("reliability", "reliability_sd")} | {"ceiling": judged.ceiling}

    def spread(metric: str, value: Floats) -> tuple[Floats, Floats]:
        moved = judged.influences[metric]
        df = np.maximum(np.count_nonzero(moved, axis=0) - 1, 1)
        low, high = bounds(value, np.sqrt((moved**2).sum(axis=0)), df, METRICS[metric].scale)
        return low, high

    rows = {metric: (judged.values[metric], *spread(metric, judged.values[metric])) for metric in METRICS}
    r = _root(judged.values[SIGNED])
    rows["ceiled_r2"] = tuple(ceiled_r2(each, judged.ceiling) for each in (r, *spread("pearson_r", r)))
    return [
        pd.DataFrame(fixed | {"metric": metric, "value": value, "low": low, "high": high} | ceiling)
        for metric, (value, low, high) in rows.items()
    ]


def _mean(values: Floats, influences: Floats, metric: str, **over: Any) -> tuple[Row, Estimate]:
    """Mean over neuroids with its interval, and the median; neuroids without a score are left out."""
    mean = estimate(values, influences, **over)
    low, high = interval_of(mean, METRICS[metric].scale)
    row = {f"{metric}_mean": mean.value, f"{metric}_low": low, f"{metric}_high": high}
    return row | {f"{metric}_median": _median(values)}, mean


def _region_rows(
    about: Row,
    judged: Judged,
    predictions: xr.Dataset,
    shown: xr.Dataset,
    counted: NDArray[np.bool_],
    over: str,
) -> list[Row]:
    """Rows of `summary.csv`: one a region."""
    rows, region = [], predictions["region"].values
    layer = _most_common(predictions["chosen_layer"].values)
    used, names = predictions.get("n_directions"), predictions["layer"].values.tolist()
    about = about | {"rank_cut": predictions.attrs.get("rank_cut", np.nan)}
    for name in np.unique(region):
        all_here = region == name
        here = all_here & counted
        row = about | {"region": name, "layer": _most_common(layer[all_here][:, None])[0], "split": judged.split}
        row |= {"n_stimuli": int(judged.held_out.any(axis=0).sum()), "n_neuroids": int(all_here.sum())}
        row |= {"n_unreliable": int((all_here & ~counted).sum())}
        row |= {"n_directions": np.nan if used is None else used.values[:, names.index(row["layer"])].max()}
        row |= {"n_scored": int(np.isfinite(judged.values["pearson_r"][here]).sum())}
        drawn = _over(shown, here, over)
        for metric in METRICS:
            found, mean = _mean(judged.values[metric][here], judged.influences[metric][:, here], metric, **drawn)
            row |= found
            if metric == RANKED_BY:
                row |= {"interval_over": mean.over, "estimate": mean}
        row |= _ceiled(judged, here, drawn)
        row |= {"reliability_median": _median(shown["reliability"].values[here])}
        row |= {"n_repeated": int((shown["n_presentations"].values[:, all_here] > 1).any(axis=0).sum())}
        row |= _seed_spread(predictions, shown["rate"].values, judged.held_out, here)
        medians = [_median(part["pearson_r"][here]) for part in judged.parts]
        own = about["protocol"] == "brainscore"  # of another protocol it would not be Brain-Score's
        row |= {"brainscore": float(ceiled_r2(float(np.mean(medians)), row["reliability_median"])) if own else np.nan}
        rows.append(row)
    return rows


def _over(shown: xr.Dataset, neuroids: NDArray[np.bool_], over: str) -> Row:
    """What an interval is over, as arguments of `estimate`."""
    cluster = {"subjects": "subject", "sessions": "session"}.get(over)
    return {"over": over, "clusters": shown[cluster].values[neuroids] if cluster else None}


def _ceiled(judged: Judged, here: NDArray[np.bool_], over: Row) -> Row:
    """Share of what can be explained that is, in a region: a ratio of sums over the neuroids with a ceiling.

    A mean of ratios would hang on the few neuroids whose ceiling is nearly 0. Estimated ceilings that fall below 0
    count in the sum, for leaving them out would raise it.
    """
    r2, ceiling = judged.values[CORRECTED][here], judged.ceiling[here]
    share = estimate(r2, judged.influences[SIGNED][:, here], ceilings=ceiling, **over)
    low, high = interval_of(share)
    known = np.isfinite(ceiling) & np.isfinite(r2)
    each = ceiled_r2(_root(judged.values[SIGNED][here]), ceiling)
    row = {"ceiled_r2": share.value, "ceiled_r2_low": low, "ceiled_r2_high": high, "ceiled_r2_median": _median(each)}
    row |= {"n_ceiled": int(known.sum()), "n_ceiling_below_zero": int((ceiling[known] <= 0).sum())}
    return row | {"ceiling_median": _median(ceiling)}


def _root(signed: Floats) -> Floats:
    """r of r |r|."""
    return np.sign(signed) * np.sqrt(np.abs(signed))


def _seed_spread(
    predictions: xr.Dataset, y: NDArray[np.floating], held_out: NDArray[np.bool_], neuroids: NDArray[np.bool_]
) -> dict[str, float]:
    """How far an encoder trained from several seeds depends on them: their number, and the sd of their mean r."""
    if "prediction_of_seed" not in predictions:
        return {"n_seeds": 1, "pearson_r_seed_sd": np.nan}
    means = []
    for i, here in enumerate(held_out):
        values = predictions["prediction_of_seed"].values[i][:, here][:, :, neuroids]
        means.append([_known_mean(score(y[here][:, neuroids], seed)["pearson_r"]) for seed in values])
    of_seeds = np.mean(means, axis=0)
    return {"n_seeds": len(of_seeds), "pearson_r_seed_sd": float(of_seeds.std(ddof=1)) if len(of_seeds) > 1 else np.nan}


def _average(parts: list[Floats]) -> Floats:
    """Mean over splits, of those that are not NaN; NaN where all are."""
    stacked = np.stack(parts)
    known = np.isfinite(stacked)
    total = known.sum(axis=0)
    return np.where(total > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(total, 1), np.nan)


def _known_mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


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
    shown: xr.Dataset,
    counted: NDArray[np.bool_],
    over: str,
) -> list[Row]:
    """Rows of `layers.csv`: one a region and layer, of the first repeat."""
    here = judged.held_out[0]
    of_layers, seen = predictions.isel(repeat=0, stimulus=here), shown.isel(stimulus=here)
    rates, group = seen["rate"].values, _groups(seen)
    rows, region = [], of_layers["region"].values
    for i, layer in enumerate(of_layers["layer"].values):
        values, influences = influence(rates, of_layers["prediction"].values[i], group)
        for name in np.unique(region):
            own = (region == name) & counted
            row = about | {"region": name, "layer": layer, "depth": i, "dead": bool(of_layers["dead"][i])}
            row |= {"chosen": bool((of_layers["chosen_layer"].values[region == name] == layer).all())}
            row |= {"train_r2_mean": _known_mean(of_layers["train_r2"].values[i, own])}
            drawn = _over(seen, own, over)
            for metric in METRICS:
                row |= _mean(values[metric][own], influences[metric][:, own], metric, **drawn)[0]
            rows.append(row)
    return rows
