"""Put into sentences what a study did, what it found, and what is missing."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from ventral.networks.published import is_reference
from ventral.report.results import Results
from ventral.scores.catalogue import CEILED, RANKED_BY, columns_of
from ventral.scores.intervals import OVER
from ventral.tables.gather import BEST_P
from ventral.tables.groups import Group
from ventral.tables.phrases import bounded, counted, labelled, named, rounded

STIMULI = ("stimulus", "stimuli")
PROTOCOLS = {
    "holdout": "holdout: encoders are fitted on train stimuli, and judged on validation and test stimuli",
    "brainscore": "brainscore: ten random splits, 90 % of the stimuli to fit and 10 % to test",
    "kfold": "kfold: ten folds, each tested once by encoders fitted to the others",
}


def kind(results: Results, dataset: str) -> str:
    """Return the name of a dataset, with a note if it is simulated."""
    return labelled(dataset, results.source(dataset))


def what_is_simulated(results: Results) -> str:
    """Write the first sentences of the answer: which recordings are simulated, and which are real."""
    simulated = [name for name in results.responses if results.is_simulated(name)]
    real = [name for name in results.responses if name not in simulated]
    said = []
    if simulated:
        said.append(
            f"The recordings of {named(simulated)} are simulated from known tuning; they say nothing about animals."
        )
    if real:
        said.append(f"Those of {named(real)} are real." if simulated else f"The recordings of {named(real)} are real.")
    return " ".join(said)


def answers(results: Results) -> Iterator[tuple[str, str, str]]:
    """Say which encoder predicts each region best, or which layer has the most similar RDM.

    Yields:
        Dataset and region, the name of the best, and details.
    """
    scored = {group.dataset for group in results.groups()}
    for group in results.groups():
        yield _best_encoder(results, group)
    for dataset in [name for name in results.responses if name not in scored]:
        rows = layer_rows(results, dataset)
        for region, here in rows.groupby("region", sort=False) if len(rows) else []:
            references = [
                name
                for name, network in results.config["networks"].items()
                if is_reference(network, results.config["download_weights"])
            ]
            models = here[~here["compared_with"].isin(references)]
            best = highest(models if len(models) else here, "spearman")
            yield (
                f"{kind(results, dataset)}, {region}",
                f"{best['compared_with']} {best['layer']}",
                f" has the most similar RDM, Spearman {bounded(best['spearman'], best['low'], best['high'])}"
                f"{rdm_ceiling(best)}, over {counted(int(best['n_stimuli']), 'image')}.",
            )


def _best_encoder(results: Results, group: Group) -> tuple[str, str, str]:
    """Return dataset and region, the best encoder, and its scores compared with the others."""
    best, columns = group.best, columns_of(RANKED_BY)
    protocol = "" if group.protocol == "holdout" else f", {group.protocol}"
    place = f"{kind(results, group.dataset)}, {group.region}{protocol}"
    if not group.is_scored:
        return place, "no encoder", " has a score."
    low, share, high = (100 * best[f"{CEILED}{part}"] for part in ("_low", "", "_high"))
    of_ceiling = (
        "noise ceiling unknown" if np.isnan(share) else f"{bounded(share, low, high, 0)} % of the noise ceiling"
    )
    r = bounded(*(best[column] for column in columns))
    n = counted(int(best["n_scored"]), "neuroid")
    shown = counted(int(best["n_stimuli"]), "held-out stimulus", "held-out stimuli")
    said = f"{_beyond(results, best['network'])}, r {r}, {of_ceiling}, over {n} and {shown} ({group.split})."
    beside = ""
    if reference := group.reference:
        name = f"{reference['encoder']}{_beyond(results, reference['network'])}"
        beside = f" The best reference, {name}, reaches {bounded(*(reference[column] for column in columns))}."
    return place, str(best["encoder"]), f"{said} {_among_rivals(group)}{beside}"


def _among_rivals(group: Group) -> str:
    """Say whether the best encoder can be distinguished from the others."""
    if group.tied:
        return f"It cannot be distinguished from {named(group.tied)} (model confidence set)."
    if len(group.rivals):
        others = counted(len(group.rivals), "other encoder")
        return f"It is better than {others}: it alone is in the model confidence set."
    return "No other encoder was fitted."


def layer_rows(results: Results, dataset: str | None = None) -> pd.DataFrame:
    """Select the rows of `rsa.csv` that compare a region with a layer of a network."""
    rsa = results.table("rsa", dataset)
    if rsa.empty:
        return rsa
    of_network = rsa["compared_with"].isin(results.config["networks"])
    return rsa[of_network & rsa["layer"].notna() & rsa["spearman"].notna()]


def _beyond(results: Results, network: str) -> str:
    """Write a note on a network that sees more than the images, or no images at all. Empty for models of vision."""
    settings = results.config["networks"].get(network, {})
    if settings.get("architecture") == "labels":
        return " (the labels of the images, in place of a network)"
    return f" (which also gets the {settings['with_category']})" if settings.get("with_category") else ""


def highest(rows: pd.DataFrame, value: str) -> pd.Series:
    """Return the row with the highest value, the first of them if there are several."""
    return rows.sort_values(value, ascending=False, kind="stable").iloc[0]


def rdm_ceiling(row: pd.Series) -> str:
    """Write the noise ceiling of a comparison of RDMs as the end of a sentence. Empty if it is not known."""
    if pd.notna(row["ceiling"]):
        return f", noise ceiling {rounded(row['ceiling'])}"
    return (
        f", noise ceiling {rounded(row['ceiling_low'])} to {rounded(row['ceiling_high'])}"
        if pd.notna(row["ceiling_low"])
        else ""
    )


def about_dataset(results: Results, dataset: str) -> str:
    """Describe a dataset: neuroids, regions, subjects, sessions, and stimuli."""
    responses, source = results.responses[dataset], results.source(dataset)
    of = "Simulated recordings" if results.is_simulated(dataset) else f"Real recordings ({source})"
    if "neuroid" not in responses.dims:
        regions = [f"{region}" for region in responses["region"].values]
        return f"{of}, published as RDMs: {named(regions)} on {counted(responses.sizes['stimulus'], *STIMULI)}."
    said = [f"{counted(responses.sizes['neuroid'], 'neuroid')} ({_counts(responses['region'])})"]
    said += [
        counted(len(names), what)
        for what in ("subject", "session")
        if what in responses.coords and (names := {str(name) for name in responses[what].values} - {""})
    ]
    shown = responses["n_presentations"].values
    times = f", each shown {np.median(shown[shown > 0]):g} times in the median" if (shown > 1).any() else ""
    split = f" ({_counts(responses['split'])})" if "split" in responses.coords else ""
    return f"{of}: {', '.join(said)}, {counted(responses.sizes['stimulus'], *STIMULI)}{split}{times}."


def _counts(names: xr.DataArray) -> str:
    found, numbers = np.unique(names.values.astype(str), return_counts=True)
    return ", ".join(f"{name} {number:,}" for name, number in zip(found, numbers, strict=True))


def about_method(results: Results) -> list[str]:
    """Describe how encoders were fitted and scored."""
    config = results.config
    said = [f"{PROTOCOLS[protocol]}." for protocol in config["protocols"]]
    if "holdout" in config["protocols"]:
        said.append(
            f"Of the stimuli, {100 * config['split']['val']:g} % are held out for validation and "
            f"{100 * config['split']['test']:g} % for the test."
        )
    said.append(
        f"Intervals cover 95 %: those of regions over {OVER[config['interval_over']]} where there are several, those "
        "of single neuroids over stimuli. Penalties and layers are chosen on the train stimuli alone. The best "
        f"encoders are those in the model confidence set (p of at least {BEST_P:g}, "
        f"{counted(config['bootstrap'], 'resample')}): if all encoders are equally good, it calls one of them worse "
        "in about one study of twenty, however many there are."
    )
    said.append(f"Means leave out neuroids with a reliability below {config['min_reliability']:g}.")
    said.append(f"Random seed: {config['seed']}.")
    return said


def about_code(results: Results) -> list[str]:
    """List the versions of the packages and the commit of the code, as far as the study knows them."""
    versions, code = results.provenance.get("versions", {}), results.provenance.get("code")
    said = [", ".join(f"{name} {version}" for name, version in versions.items() if version) + "."] if versions else []
    if code:
        said.append(f"Commit {code['commit']}{', with uncommitted changes' if code['changed'] else ''}.")
    return said


def gaps(results: Results) -> list[str]:
    """List what is missing: downloads, images, trained weights, regions without scores or RDMs."""
    said = []
    layers = results.table("layers")
    if not layers.empty:
        rows = layers[["network", "weights"]].drop_duplicates()
        instead = rows[rows["weights"].str.contains("in place of", na=False)]
        said += [f"{row['network']}: {row['weights']} weights." for row in instead.to_dict("records")]
    if not results.config["download_weights"]:
        said.append("No weights were downloaded (download_weights: false).")
    checks = results.table("weights")
    for row in checks.to_dict("records"):
        if not row["passed"]:
            said.append(
                f"{row['network']} ({row['weights']}) classifies objects no better than its random copy: "
                f"{row['accuracy']:.3f} against {row['accuracy_random']:.3f} of "
                f"{counted(int(row['n_images']), 'image')}. Its weights may be damaged."
            )
    for row in results.table("left_out").to_dict("records"):
        said.append(f"{row['dataset']}, {row['region']}: no RDM, and so no representational similarity: {row['why']}.")
    for group in results.groups():
        if not (group.rows["n_scored"] > 0).any():
            said.append(_unscored(results, group))
    for dataset, names in results.missing_stimuli.items():
        if names:
            said.append(
                f"{dataset}: {counted(len(names), 'image')} of the chosen sessions were not found. Encoders and RDMs "
                f"of layers leave them out: {named(names)}."
            )
    return said


def _unscored(results: Results, group: Group) -> str:
    """Say why no encoder of a region has a mean score."""
    place, left = f"{group.dataset}, {group.region} ({group.protocol})", int(group.best["n_unreliable"])
    why = (
        f"none of {counted(left, 'neuroid')} reaches the minimum reliability ({results.config['min_reliability']:g})"
        if left == group.best["n_neuroids"]
        else "the responses to held-out stimuli do not vary"
    )
    return f"{place}: no encoder has a score: {why}."


def checked(results: Results) -> list[str]:
    """List the networks whose weights passed the check that they are trained."""
    return [
        f"{row['network']} ({row['weights']}) classifies objects better than its random copy: {row['accuracy']:.3f} "
        f"against {row['accuracy_random']:.3f} of {counted(int(row['n_images']), 'image')}, a difference of "
        f"{bounded(row['difference'], row['low'], row['high'])}."
        for row in results.table("weights").to_dict("records")
        if row["passed"]
    ]
