"""What a study did, found and lacks, in words."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from ventral.networks.published import is_reference
from ventral.report.results import Group, Study
from ventral.scores.intervals import OVER
from ventral.tables.gather import TOLD
from ventral.tables.pages import bounded, rounded

STIMULI = ("stimulus", "stimuli")
MOST_NAMES = 4  # more would make a sentence that nobody reads
PROTOCOLS = {
    "holdout": "holdout: one part of the stimuli to fit on and to choose on, one for validation, one for the test",
    "brainscore": "brainscore: ten random divisions, 90 % to fit on and 10 % to test",
    "kfold": "kfold: ten parts, each tested once by a fit to the others",
}


def named(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names in a row: "a, b and c", or "a, b and 7 more"."""
    shown = list(names) if len(names) <= most else [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else "none"


def counted(number: int, what: str, many: str = "") -> str:
    """A number of things: "1 image", "2 images", "2 stimuli" where `many` says so."""
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"


def kind(study: Study, dataset: str) -> str:
    """The name of a dataset, with the word that says what it is."""
    return f"{dataset} ({'simulated' if study.is_simulated(dataset) else 'real'})"


def what_is_simulated(study: Study) -> str:
    """The first sentence of the answer: which recordings are of animals, and which are not."""
    simulated = [name for name in study.responses if study.is_simulated(name)]
    real = [name for name in study.responses if name not in simulated]
    said = []
    if simulated:
        said.append(
            f"The recordings of {named(simulated)} are simulated: drawn from known tuning, they say nothing about "
            "animals."
        )
    if real:
        said.append(f"Those of {named(real)} are real." if simulated else f"The recordings of {named(real)} are real.")
    return " ".join(said)


def answers(study: Study) -> Iterator[tuple[str, str, str]]:
    """What predicts every region of every dataset best, or is most like it: place, name of the best, what follows."""
    scored = {group.dataset for group in study.groups()}
    for group in study.groups():
        yield _best_encoder(study, group)
    for dataset in [name for name in study.responses if name not in scored]:
        rows = layer_rows(study, dataset)
        for region, here in rows.groupby("region", sort=False) if len(rows) else []:
            references = [
                name
                for name, network in study.config["networks"].items()
                if is_reference(network, study.config["download_weights"])
            ]
            models = here[~here["compared_with"].isin(references)]
            best = highest(models if len(models) else here, "spearman")
            yield (
                f"{kind(study, dataset)}, {region}",
                f"{best['compared_with']} {best['layer']}",
                f" has the RDM most like it, Spearman {bounded(best['spearman'], best['low'], best['high'])}"
                f"{rdm_ceiling(best)}, over {counted(int(best['n_stimuli']), 'image')}.",
            )


def _best_encoder(study: Study, group: Group) -> tuple[str, str, str]:
    best = group.best
    protocol = "" if group.protocol == "holdout" else f", {group.protocol}"
    if np.isnan(best["pearson_r_mean"]):
        return f"{kind(study, group.dataset)}, {group.region}{protocol}", "no encoder", " has a score."
    share = [100 * best[f"ceiled_r2{part}"] for part in ("", "_low", "_high")]
    of_ceiling = (
        "no ceiling is known"
        if np.isnan(share[0])
        else f"{bounded(share[0], share[1], share[2], 0)} % of the noise ceiling"
    )
    r = bounded(*(best[f"pearson_r_{part}"] for part in ("mean", "low", "high")))
    tied = (
        f"It cannot be told from {named(group.tied)} (model confidence set)."
        if group.tied
        else f"Told apart from {counted(len(group.rivals), 'other encoder')}: alone in the model confidence set."
        if len(group.rivals)
        else "No other encoder was fitted."
    )
    if beside := group.reference:
        of_reference = bounded(*(beside[f"pearson_r_{part}"] for part in ("mean", "low", "high")))
        tied += f" The best reference, {beside['encoder']}{_told(study, beside['network'])}, reaches {of_reference}."
    return (
        f"{kind(study, group.dataset)}, {group.region}{protocol}",
        str(best["encoder"]),
        f"{_told(study, best['network'])}, r {r}, {of_ceiling}, over {counted(int(best['n_scored']), 'neuroid')} and "
        f"{counted(int(best['n_stimuli']), 'held-out stimulus', 'held-out stimuli')} ({group.split}). {tied}",
    )


def layer_rows(study: Study, dataset: str | None = None) -> pd.DataFrame:
    """Rows of `rsa.csv` that compare a region with a layer of a network, and not with another region or with labels."""
    rsa = study.table("rsa", dataset)
    if rsa.empty:
        return rsa
    of_network = rsa["compared_with"].isin(study.config["networks"])
    return rsa[of_network & rsa["layer"].notna() & rsa["spearman"].notna()]


def _told(study: Study, network: str) -> str:
    """A word on networks that are no models of vision: what they are told beside the images, or in place of them."""
    settings = study.config["networks"].get(network, {})
    if settings.get("architecture") == "labels":
        return " (the labels of the images, in place of a network)"
    return f" (told the {settings['with_category']} too)" if settings.get("with_category") else ""


def highest(rows: pd.DataFrame, value: str) -> pd.Series:
    """The row of the highest value; of equals, the first."""
    return rows.sort_values(value, ascending=False, kind="stable").iloc[0]


def rdm_ceiling(row: pd.Series) -> str:
    """The noise ceiling of a comparison of RDMs, as the end of a sentence; empty where none is known."""
    if pd.notna(row["ceiling"]):
        return f", noise ceiling {rounded(row['ceiling'])}"
    return (
        f", noise ceiling {rounded(row['ceiling_low'])} to {rounded(row['ceiling_high'])}"
        if pd.notna(row["ceiling_low"])
        else ""
    )


def about_dataset(study: Study, dataset: str) -> str:
    """What was recorded: of whom, where, and while they saw how many images."""
    responses, source = study.responses[dataset], study.source(dataset)
    of = "Simulated recordings" if study.is_simulated(dataset) else f"Real recordings ({source})"
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


def about_method(study: Study) -> list[str]:
    """How encoders were fitted and judged."""
    config = study.config
    said = [f"{PROTOCOLS[protocol]}." for protocol in config["protocols"]]
    if "holdout" in config["protocols"]:
        said.append(
            f"Held out for validation {100 * config['split']['val']:g} %, for the test "
            f"{100 * config['split']['test']:g} %."
        )
    said.append(
        f"Intervals of regions are of 95 %, over {OVER[config['interval_over']]} where there are several; those of "
        "single neuroids are over stimuli. Penalties and layers are chosen on the train stimuli alone. The best "
        f"encoders are those of a model confidence set (p of at least {TOLD:g}, "
        f"{counted(config['bootstrap'], 'resample')}): of equally good encoders it marks one as worse in about one "
        "study of twenty, however many there are."
    )
    said.append(f"Neuroids of a reliability below {config['min_reliability']:g} are left out of means.")
    said.append(f"Seed of everything random: {config['seed']}.")
    return said


def about_code(study: Study) -> list[str]:
    """Versions of what computed, and the commit of the code; nothing where the study does not know them."""
    versions, code = study.provenance.get("versions", {}), study.provenance.get("code")
    said = [", ".join(f"{name} {version}" for name, version in versions.items() if version) + "."] if versions else []
    if code:
        said.append(f"Commit {code['commit']}{', with changes that were not committed' if code['changed'] else ''}.")
    return said


def gaps(study: Study) -> list[str]:
    """What is missing: downloads not made, images not found, networks that are not what they claim to be, regions."""
    said = []
    layers = study.table("layers")
    if not layers.empty:
        rows = layers[["network", "weights"]].drop_duplicates()
        instead = rows[rows["weights"].str.contains("in place of", na=False)]
        said += [f"{row['network']}: {row['weights']} weights." for row in instead.to_dict("records")]
    if not study.config["download_weights"]:
        said.append("Downloads of weights are switched off (download_weights: false).")
    checks = study.table("weights")
    for row in checks.to_dict("records"):
        if not row["passed"]:
            said.append(
                f"{row['network']} ({row['weights']}) tells objects apart no better than its random copy: "
                f"{row['accuracy']:.3f} against {row['accuracy_random']:.3f} of "
                f"{counted(int(row['n_images']), 'image')}. Its weights may be damaged."
            )
    for row in study.table("left_out").to_dict("records"):
        said.append(f"{row['dataset']}, {row['region']}: no RDM, hence no representational similarity: {row['why']}.")
    for group in study.groups():
        if not (group.rows["n_scored"] > 0).any():
            said.append(_unscored(study, group))
    missing = study.table("missing_stimuli")
    for dataset, rows in missing.groupby("dataset") if len(missing) else ():
        names = rows["stimulus_id"].astype(str).tolist()
        said.append(
            f"{dataset}: {counted(len(names), 'image')} of the chosen sessions are not in the archive of stimuli, and "
            f"are left out of encoders and of RDMs of layers: {named(names)}."
        )
    return said


def _unscored(study: Study, group: Group) -> str:
    """Why no encoder of a region has a mean score."""
    place, left = f"{group.dataset}, {group.region} ({group.protocol})", int(group.best["n_unreliable"])
    why = (
        f"none of {counted(left, 'neuroid')} is of the reliability that means ask for "
        f"({study.config['min_reliability']:g})"
        if left == group.best["n_neuroids"]
        else "no response to held-out stimuli varies"
    )
    return f"{place}: no encoder has a score, for {why}."


def checked(study: Study) -> list[str]:
    """Networks that do claim to be trained, and are."""
    return [
        f"{row['network']} ({row['weights']}) tells objects apart better than its random copy: {row['accuracy']:.3f} "
        f"against {row['accuracy_random']:.3f} of {counted(int(row['n_images']), 'image')}, a difference of "
        f"{bounded(row['difference'], row['low'], row['high'])}."
        for row in study.table("weights").to_dict("records")
        if row["passed"]
    ]


def statuses(study: Study) -> str:
    """How many numbers of the literature came out how: "3 matched, 2 worse"."""
    return ", ".join(f"{n} {status}" for status, n in study.table("reproduction")["status"].value_counts().items())
