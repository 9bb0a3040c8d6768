"""Each number of the literature beside ours: `tables/reproduction.csv`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ventral.files.errors import InputError, nearest
from ventral.scores.catalogue import MEDIAN, columns_of, heading_of, higher_is_better
from ventral.tables.pages import Column, Page, Section, section
from ventral.tables.phrases import bounded, rounded

COLUMNS = ("report", "dataset", "region", "encoder", "split", "metric", "value", "ours", "layer", "note")
ACCURACY = {"mean": "accuracy", "low": "low", "high": "high"}  # columns of the classifiers' scores
PROTOCOL = "holdout"  # the reports fit on train and report val


def read_reported(path: str | Path) -> pd.DataFrame:
    """Read the literature's numbers, one row each.

    Returns:
        Columns of `COLUMNS`: `value` as reported, NaN where no figure was given; `ours` the encoder here that repeats
        it and `layer` its layer, empty for the one chosen on train.

    Raises:
        InputError: if the file lacks a column or a value is no number.
    """
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column in COLUMNS:
        if column not in table.columns:
            raise InputError(path, column, "column missing", nearest(column, list(table.columns)))
    values = pd.to_numeric(table["value"].replace("", "nan"), errors="coerce")
    wrong = table["value"][values.isna() & (table["value"] != "")]
    if len(wrong):
        raise InputError(path, "value", f"{wrong.iloc[0]!r} in row {wrong.index[0] + 2}", "give a number, or nothing")
    return table.assign(value=values)[list(COLUMNS)]


def of_datasets(reported: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The reported numbers once for each dataset of their kind of recordings; under the kind where there is none.

    Args:
        reported: from `read_reported`; its `dataset` is a kind of recordings.
        kinds: the kind of each dataset of the study, by name.
    """
    rows = [
        row | {"dataset": name}
        for row in reported.to_dict("records")
        for name in [name for name, kind in kinds.items() if kind == row["dataset"]] or [row["dataset"]]
    ]
    return pd.DataFrame(rows, columns=reported.columns)


def reproduce(reported: pd.DataFrame, summary: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """Put ours beside each reported number, and say how the two compare.

    Args:
        reported: from `by_dataset`.
        summary: as `tables/summary.csv`.
        layers: as `tables/layers.csv`.

    Returns:
        One row a reported number, in its order: `reported`, `value` (ours) with its 95 % interval, their `difference`,
        and `status`: matched (the reported number lies in our interval), better, worse, not comparable or not run, the
        last two with the reason in `why`.
    """
    rows = []
    for row in reported.to_dict("records"):
        table = layers if row["layer"] else summary.assign(depth=0)
        found = _ours(row, table)
        mine = _number(row, found)
        about = {key: row[key] for key in ("report", "dataset", "region", "encoder", "split", "metric")}
        about |= {"reported": row["value"], "ours": row["ours"], "layer": row["layer"]}
        about |= {key: "" if found is None else found[key] for key in ("source", "weights")} | mine
        status, why = _status(row, found, mine, summary)
        rows.append(about | {"status": status, "why": why, "note": row["note"]})
        rows[-1]["difference"] = mine["value"] - row["value"]
    order = [*about, "difference", "status", "why", "note"]
    return pd.DataFrame(rows)[order]


def hmo_rows(
    classified: pd.DataFrame, rsa: pd.DataFrame, dataset: str, regions: Iterable[str], source: str
) -> pd.DataFrame:
    """What report 004 gives beside the scores of encoders, as rows of the summary: accuracy and similarity of RDMs.

    Args:
        classified: as `tables/faces.csv`.
        rsa: as `tables/rsa.csv`.
        dataset: on whose images HMO learned to detect faces.
        regions: its regions; the accuracy belongs to none of them, and is repeated for each.
        source: of its recordings.
    """
    test = classified[(classified["set"] == "test") & (classified["category"] == "all")].set_index("classifier")
    accuracy = {f"accuracy_{part}": float(test[name]["hmo"]) for part, name in ACCURACY.items()}
    rows: list[dict[str, Any]] = []
    for region in regions:
        about: dict[str, Any] = {"dataset": dataset, "protocol": PROTOCOL, "source": source, "region": region}
        about["encoder"] = "hmo"
        rows.append(about | {"weights": "trained on faces", "split": "test", "metric": "accuracy", **accuracy})
        here = (rsa["dataset"] == dataset) & (rsa["region"] == region) & (rsa["compared_with"] == "hmo")
        for top in rsa[here & (rsa["layer"] == "top") & rsa["pooled"].notna()].to_dict("records"):
            within = f"{top['within']:.3f} [{top['within_low']:.3f}, {top['within_high']:.3f}]"
            caveat = (
                f"pooled over sessions that saw different images, which alone can cause it; within sessions {within}"
            )
            about |= {"weights": "trained on faces", "split": "test", "metric": "rdm_spearman", "caveat": caveat}
            rows.append(about | {"rdm_spearman_mean": top["pooled"]})
    return pd.DataFrame(rows)


def _ours(row: dict, table: pd.DataFrame) -> pd.Series | None:
    """Our row for a reported one, or none."""
    here = (table["dataset"] == row["dataset"]) & (table["region"] == row["region"])
    here &= (table["protocol"] == PROTOCOL) & (table["encoder"] == row["ours"])
    if row["layer"]:
        here &= table["layer"] == row["layer"]  # layers are scored on val, and so reported
    else:
        here &= table["split"] == row["split"]
    if "metric" in table:
        here &= table["metric"].isna() | (table["metric"] == row["metric"])
    return table[here].iloc[0] if here.any() else None


def _number(row: dict, found: pd.Series | None) -> dict[str, float]:
    """Our value of the reported metric with its interval; NaN where there is none."""
    names = dict(zip(("value", "low", "high"), columns_of(row["metric"]), strict=True))
    if row["metric"].endswith(MEDIAN):  # a median over neuroids has no interval here
        names = {"value": row["metric"], "low": "", "high": ""}
    return {key: np.nan if found is None else float(found.get(name, np.nan)) for key, name in names.items()}


def _status(row: dict, found: pd.Series | None, mine: dict[str, float], summary: pd.DataFrame) -> tuple[str, str]:
    if row["dataset"] not in set(summary["dataset"]):
        return "not run", f"no dataset {row['dataset']} in this study"
    if found is None or np.isnan(mine["value"]):
        return "not run", f"no {row['ours']} of {row['region']} on {row['split']} in this study"
    if found["source"] == "simulated":
        caveat = f"; {found['caveat']}" if pd.notna(found.get("caveat")) else ""
        return "not comparable", "ours are simulated recordings" + _weights_differ(found) + caveat
    if _weights_differ(found):
        return "not comparable", _weights_differ(found).removeprefix(", with ")
    if np.isnan(row["value"]):
        return "not comparable", "the report gives no figure"
    if pd.notna(found.get("caveat")):
        return "not comparable", str(found["caveat"])
    if mine["low"] <= row["value"] <= mine["high"]:
        return "matched", ""
    higher = mine["value"] > row["value"]
    return ("better" if higher == higher_is_better(row["metric"]) else "worse"), ""


def _weights_differ(found: pd.Series) -> str:
    """What to say of weights that are not those the report used."""
    return f", with {found['weights']} weights" if "in place of" in str(found["weights"]) else ""


def reproduction_page(table: pd.DataFrame) -> Page:
    """The table to read: every report with its numbers, ours and what became of them."""
    return Page(
        "Reported and reproduced", [_section(str(name), rows) for name, rows in table.groupby("report", sort=False)]
    )


def statuses(table: pd.DataFrame) -> str:
    """How many numbers have each status: "3 matched, 2 worse"."""
    return ", ".join(f"{n} {status}" for status, n in table["status"].value_counts().items())


REPRODUCTION = [
    Column("encoder", 0.22, lambda row: row["encoder"]),
    Column("metric", 0.16, lambda row: heading_of(row["metric"])),
    Column("reported", "r", lambda row: rounded(row["reported"])),
    Column("ours", "r", lambda row: bounded(row["value"], row["low"], row["high"])),
    Column("status", 0.28, lambda row: row["status"] + (f": {row['why']}" if row["why"] else "")),
]


def _section(report: str, table: pd.DataFrame) -> Section:
    sources = list(dict.fromkeys(table["source"][table["source"] != ""]))
    note = f"Ours, with 95 % intervals, are from {' and '.join(sources)} recordings." if sources else ""
    return section(report, note, REPRODUCTION, table.to_dict("records"))
