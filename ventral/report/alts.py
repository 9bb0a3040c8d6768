"""Texts in place of figures, for those who do not see them: what each shows, with its main numbers."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from ventral.report.results import SIMULATED, Study
from ventral.report.words import counted, highest, kind, layer_rows, named, statuses
from ventral.similarity.confound import confound_panels
from ventral.tables.pages import bounded, rounded

PROTOCOL = "holdout"  # of the figures


def _highest(rows: pd.DataFrame, value: str, name: Callable[[Mapping], str]) -> Iterator[str]:
    """For each region the row of the highest value: "IT 0.63 (resnet layer4)"."""
    for region, here in rows[rows[value].notna()].groupby("region", sort=False):
        best = highest(here, value).to_dict()
        yield f"{region} {rounded(best[value], 2)} ({name(best)})"


def _of_layers(study: Study, dataset: str) -> pd.DataFrame:
    """Rows of `layers.csv` that the figures of layers show: one readout, networks of several layers."""
    from ventral.figures.style import best_readout

    layers = study.table("layers", dataset)
    layers = layers[(layers["protocol"] == PROTOCOL) & layers["network"].isin(study.config["networks"])]
    return layers[layers["readout"] == best_readout(layers)]


def _layers(study: Study, dataset: str) -> str:
    rows = _of_layers(study, dataset)
    deep = rows[rows.groupby("network")["layer"].transform("nunique") > 1]
    if deep.empty:
        return f"Explained variance and r of networks of one layer each, {kind(study, dataset)}: {_ranked(rows)}."
    random = deep[deep["weights"].str.startswith("random")]
    said = [
        f"Curves of explained variance and of r across the layers of {named(sorted(deep['network'].unique()))}, "
        f"{kind(study, dataset)}, readout {deep['readout'].iloc[0]}, validation stimuli.",
        f"Highest r of a layer: {'; '.join(_highest(deep, 'pearson_r_mean', _layer))}.",
    ]
    if len(random) and len(random) < len(deep):
        said.append(f"Highest with random weights: {'; '.join(_highest(random, 'pearson_r_mean', _layer))}.")
    return " ".join(said)


def _layer(row: Mapping) -> str:
    network = row.get("network") or row["compared_with"]
    return f"{network} {row['layer']}" if row["layer"] != network else str(network)


def _ranked(rows: pd.DataFrame) -> str:
    return "; ".join(_highest(rows, "pearson_r_mean", _layer))


def _levels(study: Study, dataset: str) -> str:
    said = [f"Heat maps of every layer against every region, {kind(study, dataset)}."]
    said.append(f"Highest r of a layer on validation stimuli: {_ranked(_of_layers(study, dataset))}.")
    rsa = layer_rows(study, dataset)
    for name, value in (("Spearman correlation of RDMs", "spearman"), ("unbiased CKA", "cka_unbiased")):
        if rsa[value].notna().any():
            said.append(f"Highest {name}: {'; '.join(_highest(_whole(rsa), value, _layer))}.")
    return " ".join(said)


def _whole(rsa: pd.DataFrame) -> pd.DataFrame:
    """Rows of regions, without those of one session each where there are any of both."""
    regions = set(rsa["region"])
    return rsa[[not any(region.startswith(f"{other} ") for other in regions) for region in rsa["region"]]]


def _scores(study: Study, dataset: str) -> str:
    said = [f"Histograms of the scores of neuroids, and each neuroid's r against its ceiling, {kind(study, dataset)}."]
    for group in study.groups(dataset, PROTOCOL):
        best, random = group.best, group.rows[group.rows["weights"].str.startswith("random")]
        beside = "" if random.empty else f"; with random weights at most {_median(dict(random.iloc[0]))}"
        said.append(
            f"{group.region}, {counted(int(best['n_scored']), 'neuroid')}: {_median(best)}, median reliability "
            f"{rounded(best['reliability_median'], 2)}{beside}."
        )
    return " ".join(said)


def _median(row: Mapping) -> str:
    return (
        f"{row['encoder']}, median explained variance {rounded(row['explained_variance_median'], 2)}, "
        f"median r {rounded(row['pearson_r_median'], 2)}"
    )


def _r2(study: Study, dataset: str) -> str:
    readouts, networks = study.config["readouts"], study.config["networks"]
    said = [f"Histograms of R² over neuroids, HMO read out by partial least squares, {kind(study, dataset)}."]
    for group in study.groups(dataset, PROTOCOL):
        for row in group.rows.to_dict("records"):
            if networks.get(row["network"], {}).get("architecture") == "hmo" and "pls" in readouts[row["readout"]]:
                median = f"median R² {rounded(row['r2_median'], 2)}"
                said.append(f"{group.region}, {counted(int(row['n_scored']), 'neuroid')}: {row['encoder']}, {median}.")
    return " ".join(said)


def _faces(study: Study, _: str) -> str:
    table = study.table("faces")
    test = table[(table["set"] == "test") & (table["category"] == "all") & ~table["classifier"].str.contains(" - ")]
    right = "; ".join(f"{row['classifier']} {row['accuracy']:.2f}" for row in test.to_dict("records"))
    kind = "simulated" if (table["source"] == SIMULATED).all() else "real"
    whose = f"{table['dataset'].iloc[0]} ({kind})"
    return (
        f"Points: the share of images of {whose} whose face, or lack of one, is told rightly, by set of images; "
        f"and what is taken for a face, by category. Of the test images: {right}."
    )


def _targets(study: Study, dataset: str) -> str:
    said = [f"One point a held-out stimulus: target rate against the predicted one, {kind(study, dataset)}."]
    for group in study.groups(dataset, PROTOCOL):
        best = group.best
        r = bounded(*(best[f"pearson_r_{part}"] for part in ("mean", "low", "high")))
        said.append(
            f"{group.region}, {int(best['n_stimuli'])} stimuli, {best['encoder']}: mean r of single neuroids {r}."
        )
    return " ".join(said)


def _rdms(study: Study, dataset: str) -> str:
    rows = layer_rows(study, dataset)
    said = (
        f"Matrices of dissimilarity between stimuli, {kind(study, dataset)}: each region beside the layer most like it"
    )
    return (
        f"{said}. Spearman correlation: {'; '.join(_highest(rows, 'spearman', _layer))}." if len(rows) else f"{said}."
    )


def _categories(study: Study, dataset: str) -> str:
    responses = study.responses[dataset]
    categories = responses["category_name"].values.astype(str)
    said = [f"Mean response to each of {counted(len(set(categories)), 'category', 'categories')}, "]
    said[0] += f"{kind(study, dataset)}: the most reliable neuroid of each region, and a heat map of all."
    for region in np.unique(responses["region"].values):
        here = responses.isel(neuroid=responses["region"].values == region)
        one = here.isel(neuroid=int(np.nan_to_num(here["reliability"].values, nan=-1).argmax()))
        means = one["rate"].to_series().groupby(categories).mean().sort_values()
        said.append(
            f"{region} {one['neuroid_id'].item()}: most to {means.index[-1]} ({means.iloc[-1]:.2f}), least to "
            f"{means.index[0]} ({means.iloc[0]:.2f} {responses.attrs['units']})."
        )
    return " ".join(said)


def _training(study: Study, dataset: str) -> str:
    trained = study.table("summary", dataset)
    trained = trained[trained["network"].isin(study.config["trained"]) & (trained["split"] == "val")]
    trained = trained[trained["protocol"] == trained["protocol"].iloc[0]] if len(trained) else trained
    said = f"Learning curves of {named(sorted(trained['encoder'].unique()), 8)}, {kind(study, dataset)}."
    return f"{said} Highest r on validation stimuli: {'; '.join(_highest(trained, 'pearson_r_mean', _encoder))}."


def _encoder(row: Mapping) -> str:
    return str(row["encoder"])


def _reproduction(study: Study, _: str) -> str:
    table = study.table("reproduction")
    reports = counted(table["report"].nunique(), "report")
    return f"Dot plot of the {len(table)} numbers of {reports} beside ours: {statuses(study)}."


def _psth(study: Study, dataset: str) -> str:
    said = [
        f"Curves of rate from 200 ms before to 400 ms after the onset of fixations and images, {kind(study, dataset)}."
    ]
    for region, units in study.table("units", dataset).groupby("region"):
        latency = units["latency_psth_ms"].median()
        onset = "" if np.isnan(latency) else f", median latency {latency:.0f} ms"
        said.append(f"{region}: {counted(len(units), 'unit')}{onset}.")
    return " ".join(said)


def _gaze(study: Study, dataset: str) -> str:
    sessions = sorted({str(name) for name in study.responses[dataset]["session"].values})
    return (
        f"Fixations as points on the image that was looked at most, {kind(study, dataset)}, one panel for each of "
        f"{counted(len(sessions), 'session')}: {named(sessions, 9)}."
    )


def _confound(study: Study, _: str) -> str:
    panels = confound_panels(study.config["seed"], study.config["bootstrap"])
    return (
        f"Simulated: RDMs of responses and of features that say nothing about them, {len(np.unique(panels.session))} "
        "sessions stacked, both with a square for each session. Bars of their Spearman correlation: pooled "
        f"{rounded(panels.pooled, 2)}, given the sessions {rounded(panels.partial, 2)}, within sessions "
        f"{bounded(panels.within, panels.low, panels.high)}."
    )


ALTS: dict[str, Callable[[Study, str], str]] = {
    "layers": _layers,
    "levels": _levels,
    "scores": _scores,
    "targets": _targets,
    "r2": _r2,
    "faces": _faces,
    "rdms": _rdms,
    "categories": _categories,
    "training": _training,
    "reproduction": _reproduction,
    "psth": _psth,
    "gaze": _gaze,
    "confound": _confound,
}
