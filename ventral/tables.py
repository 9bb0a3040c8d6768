"""From predictions to tables: tidy scores, one row an encoder, and a summary to read."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.atomic import writing
from ventral.errors import InputError
from ventral.scores import METRICS, bootstrap_weights, ceiled_r2, interval, score, tell_from_best

STATISTICS = (*METRICS, "ceiled_r2")
TOLD = 0.05  # adjusted p below which an encoder is told from the best
ENCODER = ["dataset", "protocol", "source", "region", "encoder", "network", "readout"]


def resamples(n_stimuli: int, n_draws: int, seed: int) -> NDArray[np.int64]:
    """(1 + n_draws, n) weights: every stimulus once, then bootstrap resamples; equal for equal n and seed.

    Encoders of the same stimuli are therefore compared on the same resamples.
    """
    return np.vstack([np.ones(n_stimuli, dtype=np.int64), bootstrap_weights(n_stimuli, n_draws, seed)])


def all_scores(
    responses: NDArray[np.floating],
    predictions: NDArray[np.floating],
    reliability: NDArray[np.float64],
    weights: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
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


def _means(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draw,) mean over the neuroids that have a score, NaN where none has."""
    defined = scores[:, np.isfinite(scores[0])]
    return np.nanmean(defined, axis=1) if defined.size else np.full(len(scores), np.nan)


def _mean(scores: NDArray[np.float64], prefix: str) -> dict[str, float]:
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
    network, readout = predictions.attrs["network"], predictions.attrs["readout"]
    protocol = predictions.attrs["protocol"]
    if protocol == "holdout" and not (predictions["split"] == "val").any():
        raise InputError("config", "split.val", f"leaves {dataset} no validation stimulus", "give a larger share")
    y = responses["rate"].values[np.isin(responses["stimulus_id"], predictions["stimulus_id"])]
    repeats = [predictions.isel(repeat=i) for i in range(predictions.sizes["repeat"])]
    layer = _most_common(predictions["chosen_layer"].values)
    region, reliability = responses["region"].values, responses["reliability"].values
    counted = ~(reliability < min_reliability)
    fixed = {"dataset": dataset, "protocol": protocol, "source": responses.attrs["source"]}
    fixed |= {"network": network, "readout": readout, "encoder": f"{network}-{readout}"}
    tidy, summary, curve = [], [], []
    for split in ("val", "test"):
        held_out = predictions["split"].values == split
        if not np.isfinite(y[held_out.any(axis=0)]).any():  # a course file has no responses to its test
            continue
        # A stimulus that several splits test is drawn by all of them or by none.
        weights = np.zeros((1 + n_draws, len(y)), dtype=np.int64)
        weights[:, held_out.any(axis=0)] = resamples(int(held_out.any(axis=0).sum()), n_draws, seed)
        parts = [
            _chosen_scores(one, y, here, reliability, weights) for one, here in zip(repeats, held_out, strict=True)
        ]
        best = {metric: _average([part[metric] for part in parts]) for metric in STATISTICS}
        for metric, draws in best.items():
            low, high = interval(draws[0], draws[1:])
            frame = {"region": region, "neuroid": responses["neuroid_id"].values, "layer": layer, "split": split}
            frame |= {"metric": metric, "value": draws[0], "low": low, "high": high, "reliability": reliability}
            tidy.append(pd.DataFrame(fixed | frame))
        for name in np.unique(region):
            here = region == name
            about = fixed | {"region": name, "layer": _most_common(layer[here][:, None])[0], "split": split}
            about |= {"n_stimuli": int(held_out[0].sum()), "n_neuroids": int(here.sum())}
            about |= {"n_unreliable": int((here & ~counted).sum())}
            here &= counted
            about |= {"n_scored": int(np.isfinite(best["pearson_r"][0, here]).sum())}
            row = {key: value for metric in STATISTICS for key, value in _mean(best[metric][:, here], metric).items()}
            row |= {"reliability_median": _median(reliability[here])}
            medians = [_median(part["pearson_r"][0, here]) for part in parts]
            row |= {"brainscore": float(ceiled_r2(float(np.mean(medians)), row["reliability_median"]))}
            summary.append(about | row | {"draws": _means(best["pearson_r"][:, here])})
        if split == "val":
            val = repeats[0].isel(neuroid=counted, stimulus=held_out[0])
            observed = y[held_out[0]][:, counted]
            curve = _layer_rows(fixed, val, observed, reliability[counted], weights[:, held_out[0]])
    return pd.concat(tidy), pd.DataFrame(summary), pd.DataFrame(curve)


def _chosen_scores(
    predictions: xr.Dataset,
    y: NDArray[np.floating],
    stimuli: NDArray[np.bool_],
    reliability: NDArray[np.float64],
    weights: NDArray[np.int64],
) -> dict[str, NDArray[np.float64]]:
    """`all_scores` of some stimuli of one split, each neuroid's predictions from the layer chosen for it."""
    index = {name: i for i, name in enumerate(predictions["layer"].values)}
    chosen = [index[name] for name in predictions["chosen_layer"].values]
    values = predictions["prediction"].values[chosen, :, np.arange(len(chosen))].T
    return all_scores(y[stimuli], values[stimuli], reliability, weights[:, stimuli])


def _average(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Mean over splits, of those that are not NaN; NaN where all are."""
    stacked = np.stack(parts)
    known = np.isfinite(stacked)
    total = known.sum(axis=0)
    return np.where(total > 0, np.where(known, stacked, 0).sum(axis=0) / np.maximum(total, 1), np.nan)


def _median(values: NDArray[np.float64]) -> float:
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
    fixed: dict[str, str],
    predictions: xr.Dataset,
    responses: NDArray[np.floating],
    reliability: NDArray[np.float64],
    weights: NDArray[np.int64],
) -> list[dict]:
    rows, region = [], predictions["region"].values
    for i, layer in enumerate(predictions["layer"].values):
        scores = all_scores(responses, predictions["prediction"].values[i], reliability, weights)
        for name in np.unique(region):
            here = region == name
            row = fixed | {"region": name, "layer": layer, "depth": i, "dead": bool(predictions["dead"][i])}
            row |= {"chosen": bool((predictions["chosen_layer"].values[here] == layer).all())}
            row |= {"train_r2_mean": float(predictions["train_r2"].values[i, here].mean())}
            for metric in ("explained_variance", "pearson_r"):
                row |= _mean(scores[metric][:, here], metric)
            rows.append(row)
    return rows


def gather_scores(parts: Iterable[Sequence[pd.DataFrame]]) -> list[pd.DataFrame]:
    """Join what `score_encoder` returns for each encoder: `scores.csv`, `summary.csv` and `layers.csv`, sorted.

    In the summary `p_from_best` tells whether an encoder's mean r is below that of the best of its dataset, protocol,
    region and split, and `among_best` marks those of which it cannot be told.
    """
    keys = (["split", "metric", "neuroid"], ["split"], ["depth"])
    gathered = []
    for tables, within in zip(zip(*parts, strict=True), keys, strict=True):
        table = pd.concat(tables, ignore_index=True)
        rest = [column for column in table.columns if column not in ENCODER]
        gathered.append(table[ENCODER + rest].sort_values(ENCODER + within, kind="stable", ignore_index=True))
    summary = gathered[1]
    summary["p_from_best"] = np.nan
    for rows in summary.groupby(["dataset", "protocol", "region", "split"]).indices.values():
        summary.loc[rows, "p_from_best"] = tell_from_best(np.stack(list(summary["draws"].iloc[rows])))
    summary["among_best"] = summary["p_from_best"] >= TOLD
    gathered[1] = summary.drop(columns="draws")
    return gathered


def _bounded(mean: float, low: float, high: float) -> str:
    return "none" if np.isnan(mean) else f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def summary_markdown(summary: pd.DataFrame) -> str:
    """The summary as a page to read: a table a dataset and region, the best encoder first.

    Args:
        summary: as `summary.csv`; the rows of the last split at hand (test where there is one) are shown.
    """
    lines = ["# Which models predict the neurons", ""]
    for (dataset, protocol, region), group in summary.groupby(["dataset", "protocol", "region"], sort=False):
        split = "test" if (group["split"] == "test").any() else "val"
        shown = group[group["split"] == split].sort_values("pearson_r_mean", ascending=False, kind="stable")
        first = shown.iloc[0]
        ceiling = (
            "no repetitions, so no ceiling"
            if np.isnan(first["reliability_median"])
            else f"median reliability {first['reliability_median']:.2f}"
        )
        lines += [
            f"## {dataset}, {region} ({first['source']}){'' if protocol == 'holdout' else f', {protocol}'}",
            "",
            f"{first['n_neuroids']} neuroids, {first['n_stimuli']} held-out stimuli ({split}), {ceiling}. "
            "Means over neuroids with 95 % intervals from resampled stimuli; share of the ceiling is the median r² / "
            "reliability. Bold: the best by r, and what cannot be told from it.",
            "",
            "| encoder | layer | explained variance | r | share of the ceiling |",
            "|---|---|---|---|---|",
        ]
        for row in shown.to_dict("records"):
            share = row["ceiled_r2_median"]
            cells = [
                f"**{row['encoder']}**" if row["among_best"] else row["encoder"],
                row["layer"],
                *(_bounded(*(row[f"{m}_{part}"] for part in ("mean", "low", "high"))) for m in METRICS[:3:2]),
                "none" if np.isnan(share) else f"{share:.2f}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def write_csv(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table as csv; six significant digits, so that rounding of the last bits never shows."""
    with writing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
