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
ENCODER = ["dataset", "source", "region", "encoder", "network", "readout"]


def all_scores(
    responses: NDArray[np.floating],
    predictions: NDArray[np.floating],
    reliability: NDArray[np.float64],
    n_draws: int,
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Score predictions once as they are and once for each bootstrap resample of the stimuli.

    Args:
        responses: (n, neuroid).
        predictions: (n, neuroid).
        reliability: (neuroid,), NaN where unknown.
        n_draws: number of resamples. The same seed and n give the same resamples, so that encoders can be compared.
        seed: of the resamples.

    Returns:
        For each of `STATISTICS` a (1 + n_draws, neuroid) array, the score itself first.
    """
    weights = np.vstack([np.ones(len(responses), dtype=int), bootstrap_weights(len(responses), n_draws, seed)])
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
    """Score one encoder.

    Args:
        dataset: its name.
        predictions: as `predictions/{dataset}/{encoder}.nc`.
        responses: as `responses/{dataset}.nc`.
        n_draws: bootstrap resamples of the stimuli.
        seed: of the resamples.
        min_reliability: neuroids of less are counted, but left out of means; those of unknown reliability never are.

    Returns:
        Rows of `scores.csv` (one a neuroid, split and metric, the chosen layer), of `summary.csv` (one a region and
        split; `draws` has the mean r and that of every resample, for `gather_scores`) and of `layers.csv` (one a region
        and layer, on val).

    Raises:
        InputError: if no stimulus is held out for val.
    """
    if not (predictions["split"] == "val").any():
        raise InputError("config", "split.val", f"leaves {dataset} no validation stimulus", "give a larger share")
    network, readout = predictions.attrs["network"], predictions.attrs["readout"]
    held_out = responses["rate"].values[np.isin(responses["stimulus_id"], predictions["stimulus_id"])]
    layers = predictions["layer"].values
    index = np.searchsorted(layers, predictions["chosen_layer"].values, sorter=np.argsort(layers))
    chosen = np.argsort(layers)[index]
    neuroid, region = responses["neuroid_id"].values, responses["region"].values
    reliability = responses["reliability"].values
    counted = ~(reliability < min_reliability)
    fixed = {"dataset": dataset, "source": responses.attrs["source"], "network": network, "readout": readout}
    fixed |= {"encoder": f"{network}-{readout}"}
    tidy, summary, curve = [], [], []
    for split in ("val", "test"):
        stimuli = predictions["split"].values == split
        if not stimuli.any():
            continue
        values = predictions["prediction"].values[:, stimuli]
        y = held_out[stimuli]
        best = all_scores(y, values[chosen, :, np.arange(len(neuroid))].T, reliability, n_draws, seed)
        for metric, draws in best.items():
            low, high = interval(draws[0], draws[1:])
            frame = {"region": region, "neuroid": neuroid, "layer": layers[chosen], "split": split, "metric": metric}
            frame |= {"value": draws[0], "low": low, "high": high, "reliability": reliability}
            tidy.append(pd.DataFrame(fixed | frame))
        for name in np.unique(region):
            here = region == name
            about = fixed | {"region": name, "layer": layers[chosen[here][0]], "split": split}
            about |= {"n_stimuli": int(stimuli.sum()), "n_neuroids": int(here.sum())}
            about |= {"n_unreliable": int((here & ~counted).sum())}
            here &= counted
            about |= {"n_scored": int(np.isfinite(best["pearson_r"][0, here]).sum())}
            row = {key: value for metric in STATISTICS for key, value in _mean(best[metric][:, here], metric).items()}
            known = reliability[here][np.isfinite(reliability[here])]
            row |= {"reliability_median": np.median(known) if known.size else np.nan}
            summary.append(about | row | {"draws": _means(best["pearson_r"][:, here])})
        if split == "val":
            kept = {"values": values[:, :, counted], "responses": y[:, counted], "reliability": reliability[counted]}
            curve = _layer_rows(fixed, predictions.isel(neuroid=counted), **kept, n_draws=n_draws, seed=seed)
    return pd.concat(tidy), pd.DataFrame(summary), pd.DataFrame(curve)


def _layer_rows(
    fixed: dict[str, str],
    predictions: xr.Dataset,
    values: NDArray[np.floating],
    responses: NDArray[np.floating],
    reliability: NDArray[np.float64],
    n_draws: int,
    seed: int,
) -> list[dict]:
    rows, region = [], predictions["region"].values
    for i, layer in enumerate(predictions["layer"].values):
        scores = all_scores(responses, values[i], reliability, n_draws, seed)
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

    In the summary `p_from_best` tells whether an encoder's mean r is below that of the best of its dataset, region and
    split, and `among_best` marks those of which it cannot be told.
    """
    keys = (["split", "metric", "neuroid"], ["split"], ["depth"])
    gathered = []
    for tables, within in zip(zip(*parts, strict=True), keys, strict=True):
        table = pd.concat(tables, ignore_index=True)
        rest = [column for column in table.columns if column not in ENCODER]
        gathered.append(table[ENCODER + rest].sort_values(ENCODER + within, kind="stable", ignore_index=True))
    summary = gathered[1]
    summary["p_from_best"] = np.nan
    for rows in summary.groupby(["dataset", "region", "split"]).indices.values():
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
    for (dataset, region), group in summary.groupby(["dataset", "region"], sort=False):
        split = "test" if (group["split"] == "test").any() else "val"
        shown = group[group["split"] == split].sort_values("pearson_r_mean", ascending=False, kind="stable")
        first = shown.iloc[0]
        ceiling = (
            "no repetitions, so no ceiling"
            if np.isnan(first["reliability_median"])
            else f"median reliability {first['reliability_median']:.2f}"
        )
        lines += [
            f"## {dataset}, {region} ({first['source']})",
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
