"""Draw random responses to images: arrays, tables and netCDF files as people write them, with labels of images."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import xarray as xr

from tests.property.odds import Odds

TYPES = ("float64", "float32", "longdouble", ">f8", "float16", "int16", "uint8")
REFUSED_TYPES = ("complex128", "datetime64[ns]", "object", "str")
WHOLE = ("int16", "uint8", "bool")  # types without NaN
HOLES = ("none", "none", "none", "a trial missed")
DOUBTFUL_HOLES = (
    "a stimulus never shown",
    "an infinite value",
    "one in ten",
    "half of all",
    "a neuroid shown five images",
)
REFUSED_HOLES = ("a neuroid without values", "a neuroid always alike", "nothing at all")


@dataclass(frozen=True)
class Recorded:
    """What was recorded: (stimulus, neuroid, repeat) values, NaN where missing, and the images' names in order."""

    values: np.ndarray
    names: list[str]

    def means(self) -> dict[str, np.ndarray]:
        """(neuroid,) mean response to each image, by its file's name; what a study has to find."""
        if self.values.dtype.kind not in "fiub":
            return {}
        finite = np.where(np.isfinite(self.values), self.values, np.nan).astype(float)
        counts = np.isfinite(finite).sum(axis=2)
        totals = np.nansum(finite, axis=2)
        means = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
        return {PurePosixPath(name).name: row for name, row in zip(self.names, means, strict=True)}


def draw_recordings(odds: Odds, folder: Path, names: list[str]) -> tuple[dict[str, Any], Recorded]:
    """Write responses to images of these names; the entries of the dataset in the config, and what was recorded."""
    form = odds.pick("responses", ["npy", "csv", "nc"])
    values = draw_values(odds, len(names), form)
    recorded = Recorded(values, names)
    settings: dict[str, Any] = {"region": odds.one_of(["IT", "17", "V4/IT é", "NA", "a region"])}
    write = {"npy": write_npy, "csv": write_csv, "nc": write_nc}[form]
    return settings | write(odds, folder, recorded), recorded


def draw_values(odds: Odds, n: int, form: str) -> np.ndarray:
    """(stimulus, neuroid, repeat) as of one type, with the holes that it can have."""
    k, repeats = int(odds.rng.integers(1, 5)), int(odds.one_of([1, 1, 2, 3, 5]))
    odds.chosen["shape"] = f"{k} neuroids, {repeats} repeats"
    signal, noise = odds.rng.normal(size=(n, k, 1)), odds.rng.normal(size=(n, k, repeats))
    size = odds.pick("sizes of rates", ["usual", "usual", "huge", "tiny", "far from zero"], doubtful=["a few spikes"])
    values = {
        "usual": 10 + 3 * signal + noise,
        "huge": 1e7 * (signal + noise),
        "tiny": 1e-9 * (signal + noise),
        "far from zero": 1e4 + signal + noise,
        "a few spikes": odds.rng.poisson(0.1 * np.exp(signal), (n, k, repeats)).astype(float),
    }[size]
    refused = REFUSED_TYPES if form == "npy" else ()
    usual = TYPES if form == "npy" else ("float64", "float32") if form == "nc" else ("float64",)
    if size in ("huge", "tiny", "far from zero"):
        usual, refused = ("float64",), ()
    type_ = odds.pick("type", usual, doubtful=["bool"] if size == "usual" and form == "npy" else (), refused=refused)
    if type_ in WHOLE:
        return (values > 10).astype(bool) if type_ == "bool" else values.clip(0, 255).astype(type_)
    make_holes(odds, values)
    if type_ in ("object", "str"):
        return values.astype(type_)
    return values.astype("int64").astype(type_) if type_.startswith("datetime") else values.astype(type_)


def make_holes(odds: Odds, values: np.ndarray) -> None:
    """Leave values out, in place."""
    n, k, repeats = values.shape
    holes = odds.pick("holes", HOLES, DOUBTFUL_HOLES, REFUSED_HOLES)
    stimulus, neuroid = int(odds.rng.integers(n)), int(odds.rng.integers(k))
    if holes == "a trial missed" and repeats > 1:
        values[stimulus, :, -1] = np.nan
    elif holes == "a stimulus never shown":
        values[stimulus] = np.nan
    elif holes == "an infinite value":
        values[stimulus, neuroid, 0] = np.inf
    elif holes in ("one in ten", "half of all"):
        values[odds.rng.random(values.shape) < (0.1 if holes == "one in ten" else 0.5)] = np.nan
    elif holes == "a neuroid shown five images":
        values[odds.rng.permutation(n)[5:], neuroid] = np.nan
    elif holes == "a neuroid without values":
        values[:, neuroid] = np.nan
    elif holes == "a neuroid always alike":
        values[:, neuroid] = 2.0
    elif holes == "nothing at all":
        values[:] = np.nan


def write_npy(odds: Odds, folder: Path, recorded: Recorded) -> dict[str, Any]:
    """An array with its axes in any order, in the order of the images or as a table beside it says."""
    axes = ["stimulus", "neuroid"] + (["repeat"] if recorded.values.shape[2] > 1 or odds.often(0.3) else [])
    values = recorded.values if len(axes) == 3 else recorded.values[:, :, 0]
    kinds = ["none", "none", "stimuli.csv", "rates_images.tsv", "images.txt", "rates.csv"]
    table = odds.pick("table beside", kinds, doubtful=["other length"], refused=["unknown names", "a row less"])
    if table == "a row less":
        values = values[1:]
    elif table == "other length":
        (folder / "stimuli.csv").write_text("image\n" + "\n".join(recorded.names[:-2]) + "\n")
    elif table != "none":
        order = odds.rng.permutation(len(values))
        values = values[order]
        named = spelt(odds, recorded.names)
        written = [named[i] if table != "unknown names" else f"no {named[i]}.png" for i in order]
        write_names(odds, folder / ("stimuli.csv" if table == "unknown names" else table), written)
    layout = [axes[i] for i in odds.rng.permutation(len(axes))]
    values = values.transpose([axes.index(axis) for axis in layout])
    values = np.asfortranarray(values) if odds.often(0.2) else np.ascontiguousarray(values)
    name = odds.one_of(["rates.npy", "rates.NPY"]) if table != "rates.csv" else "rates.npy"
    np.save(folder / "x.npy", values, allow_pickle=True)
    (folder / "x.npy").rename(folder / name)
    if odds.pick("layout", ["right"], refused=["too short"]) == "too short":
        layout = layout[:-1]
    return {"responses": name, "layout": layout}


def spelt(odds: Odds, names: list[str]) -> list[str]:
    """Names of images as people write them in tables."""
    only_file = [PurePosixPath(name).name for name in names]
    ways = {
        "as they are": names,
        "without folders": only_file,
        "behind folders": [f"C:\\data\\{name}".replace("/", "\\") for name in names],
        "without suffix": [str(PurePosixPath(name).with_suffix("")) for name in names],
        "in capitals": [name.upper() for name in names],
    }
    if len({str(PurePosixPath(name).with_suffix("")) for name in names}) < len(names):
        del ways["without suffix"]
    return ways[odds.pick("names in tables", list(ways))]


def write_names(odds: Odds, path: Path, names: list[str]) -> None:
    """A table of one row a stimulus: names, and perhaps a header and labels beside them."""
    header = odds.one_of([["image"], ["filename"], ["stimulus_id"], []])
    labels = odds.often(0.3)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t" if path.suffix == ".tsv" else ",")
    rows = [[name, f"kind {i % 3}"] if labels else [name] for i, name in enumerate(names)]
    writer.writerows(([[*header, "category"] if labels else header] if header else []) + rows)
    path.write_bytes(encoded(odds, buffer.getvalue(), "the table beside"))


def encoded(odds: Odds, text: str, what: str) -> bytes:
    """A text in one of the usual encodings that has all of its characters."""
    encoding = odds.pick(f"encoding of {what}", ["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"])
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode()


def write_csv(odds: Odds, folder: Path, recorded: Recorded) -> dict[str, Any]:
    """A table of one row a presentation, in any order, as a spreadsheet of some country writes it."""
    separator = odds.one_of([",", ",", ";", "\t"])
    decimal = "," if separator != "," and odds.often(0.5) else "."
    spoilt = odds.pick("table", ["sound"], refused=["an unknown image", "a column twice", "a column of text"])
    k, named = recorded.values.shape[1], spelt(odds, recorded.names)
    rows = []
    for name, by_neuroid in zip(named, recorded.values, strict=True):
        shown = [trial for trial in by_neuroid.T if not np.isnan(trial).all()]
        rows += [[name, *(written(value, decimal) for value in trial)] for trial in shown]
    rows = [rows[i] for i in odds.rng.permutation(len(rows))]
    header = [odds.one_of(["image", "filename", "stimulus", "what was shown"]), *(f"unit {i}" for i in range(k))]
    if odds.often(0.3):
        header, rows = [*header, "trial"], [[*row, str(i)] for i, row in enumerate(rows)]
    if spoilt == "an unknown image":
        rows.append(["another.png", *rows[0][1:]] if rows else ["another.png", *["1"] * (len(header) - 1)])
    elif spoilt == "a column twice":
        header, rows = [*header, header[1]], [[*row, row[1]] for row in rows]
    elif spoilt == "a column of text":
        header, rows = [*header, "who"], [[*row, "me"] for row in rows]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerows([header, *rows])
    name = odds.one_of(["rates.csv", "rates.CSV"]) if separator != "\t" else "rates.tsv"
    (folder / name).write_bytes(encoded(odds, buffer.getvalue(), "the table"))
    return {"responses": name}


def written(value: float, decimal: str) -> str:
    """A cell; empty where there is no value."""
    return "" if np.isnan(value) else repr(float(value)).replace(".", decimal)


def write_nc(odds: Odds, folder: Path, recorded: Recorded) -> dict[str, Any]:
    """A netCDF file with its dimensions in any order, and names of images in a coordinate or none."""
    values, (n, k, repeats) = recorded.values, recorded.values.shape
    labels: dict[str, Any] = {}
    coordinate = odds.pick("names in the file", ["none", "stimulus_id", "image", "stimulus", "filename", "a variable"])
    if coordinate != "none":
        order = odds.rng.permutation(n)
        values, named = values[order], spelt(odds, recorded.names)
        labels["image_name" if coordinate == "a variable" else coordinate] = ("stimulus", [named[i] for i in order])
    which = ["none", "of each neuroid", "one for all"]
    regions = odds.pick("regions", which, refused=["a near miss", "ids twice"] if k > 1 else ["a near miss"])
    if regions == "of each neuroid":
        labels["region"] = ("neuroid", [["V4", "IT"][i % 2] for i in range(k)])
        labels["subject"] = ("neuroid", ["A", "A", "B", "B"][:k])
    elif regions == "one for all":
        labels["region"] = "PIT"
    elif regions == "a near miss":
        labels["Region"] = ("neuroid", ["V4"] * k)
    elif regions == "ids twice":
        labels["neuroid_id"] = ("neuroid", [7] * k)
    elif odds.often(0.5):
        labels["neuroid_id"] = ("neuroid", odds.one_of([list(range(k)), [f"unit/{i} é" for i in range(k)]]))
    variables = {"image_name": labels.pop("image_name")} if "image_name" in labels else {}
    dims = ["stimulus", "neuroid", "repeat"]
    rate = xr.DataArray(values, dims=dims)
    if repeats == 1 and odds.often(0.7):
        rate = rate.isel(repeat=0)
    rate = rate.transpose(*(str(rate.dims[i]) for i in odds.rng.permutation(rate.ndim)))
    dataset = xr.Dataset({"rate": rate, **variables}, coords=labels)
    name = odds.one_of(["rates.nc", "rates.NC"])
    dataset.to_netcdf(folder / name, engine="h5netcdf")
    return {"responses": name}
