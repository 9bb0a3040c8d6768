"""`similarity/{dataset}.h5`: RDMs of regions and of layers, and how alike they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.atomic import reading, writing
from ventral.cka import Kernel, linear_cka, make_kernel
from ventral.errors import InputError
from ventral.gram import Gram
from ventral.scores import bootstrap_weights, interval
from ventral.similarity import RankedRDM, correlation_rdm, neural_gram, rank_rdm, rdm_reliability, spearman

Floats = NDArray[np.float64]
COMPARISON = (
    *("region", "compared_with", "layer", "depth", "n_stimuli", "spearman", "low", "high", "ceiling"),
    *("cka", "cka_low", "cka_high", "cka_unbiased", "cka_unbiased_low", "cka_unbiased_high"),
)


class RegionRDM(NamedTuple):
    """The RDM of a region.

    Attributes:
        region: its name.
        rdm: (m, m) over the stimuli that all its neuroids were recorded for.
        stimuli: (m,) indices of these stimuli.
        reliability: of the RDM, NaN where stimuli were not repeated.
        inner: (m, m) Gram matrix of the z-scored rates; None where only the RDM is known.
    """

    region: str
    rdm: Floats
    stimuli: NDArray[np.intp]
    reliability: float
    inner: Floats | None = None


def region_rdms(responses: xr.Dataset) -> list[RegionRDM]:
    """The RDM of every region of a `responses/{dataset}.nc`: as published where it holds `rdm`, else from the rates.

    Where the attribute `sessions` says "apart", every session has RDMs of its own: in free viewing, what its monkey
    looked at and how awake it was is in all its neuroids.

    Raises:
        InputError: if fewer than three stimuli were shown to all neuroids of a region.
    """
    if "rdm" in responses:
        everything = np.arange(responses.sizes["stimulus"])
        names = responses["region"].values
        return [RegionRDM(str(n), r, everything, np.nan) for n, r in zip(names, responses["rdm"].values, strict=True)]
    found = []
    names = responses["region"].values
    if responses.attrs.get("sessions") == "apart":
        names = np.array(
            [f"{region} {session}" for region, session in zip(names, responses["session"].values, strict=True)]
        )
    for name in np.unique(names):
        here = responses.isel(neuroid=names == name)
        rates = here["rate"].values
        stimuli = np.flatnonzero(np.isfinite(rates).all(axis=1))
        if len(stimuli) < 3:
            raise InputError("responses", str(name), "no three stimuli shown to all neuroids", "leave sessions out")
        reliability = rdm_reliability(here["rate_half"].values[:, stimuli])
        gram = neural_gram(rates[stimuli])
        found.append(RegionRDM(str(name), correlation_rdm(gram), stimuli, reliability, gram.inner))
    return found


@dataclass(frozen=True)
class _Geometry:
    """What comparisons need of a region or a layer, under every weighting of its stimuli."""

    ranked: RankedRDM
    kernel: Kernel | None


def _geometry(rdm: Floats, inner: Floats | None, weights: NDArray) -> _Geometry:
    return _Geometry(rank_rdm(rdm, weights), None if inner is None else make_kernel(inner, weights))


def _row(a: _Geometry, b: _Geometry, reliability: float) -> dict[str, float]:
    """The columns of a comparison that are numbers, but for its depth."""
    row: dict[str, float] = {"n_stimuli": len(a.ranked.ranks)}
    row |= _with_interval("spearman", "", spearman(a.ranked, b.ranked))
    row["ceiling"] = np.sqrt(reliability) if reliability > 0 else np.nan
    if a.kernel is not None and b.kernel is not None:
        biased, unbiased = linear_cka(a.kernel, b.kernel)
        row |= _with_interval("cka", "cka_", biased) | _with_interval("cka_unbiased", "cka_unbiased_", unbiased)
    return row


def _with_interval(name: str, prefix: str, draws: Floats) -> dict[str, float]:
    """A value, the first of the draws, and the interval that the others give."""
    low, high = interval(draws[0], draws[1:])
    return {name: draws[0], f"{prefix}low": low, f"{prefix}high": high}


def write_similarity(
    path: str | Path,
    responses: xr.Dataset,
    regions: list[RegionRDM],
    models: Iterable[tuple[str, str, Gram]],
    n_draws: int,
    seed: int,
) -> None:
    """Compare every layer with every region, and the regions with one another; write RDMs and comparisons.

    Args:
        path: file to write.
        responses: as `responses/{dataset}.nc`.
        regions: from `region_rdms`.
        models: network, layer and Gram matrix of the n stimuli, network after network, early layers first.
        n_draws: bootstrap resamples of the stimuli.
        seed: of the resamples.
    """
    subsets = {region.stimuli.tobytes(): region.stimuli for region in regions}
    weights = {
        key: np.vstack([np.ones(len(s), dtype=int), bootstrap_weights(len(s), n_draws, seed)])
        for key, s in subsets.items()
    }
    known = [_geometry(region.rdm, region.inner, weights[region.stimuli.tobytes()]) for region in regions]
    rows = []
    for (a, of_a), (b, of_b) in combinations(zip(regions, known, strict=True), 2):
        if np.array_equal(a.stimuli, b.stimuli):
            about = {"region": a.region, "compared_with": b.region, "layer": "", "depth": -1}
            rows.append(about | _row(of_a, of_b, a.reliability * b.reliability))
    with writing(path) as temporary, h5py.File(temporary, "w", track_order=True) as file:
        file.attrs["source"] = responses.attrs["source"]
        for label in ("stimulus_id", "category_name", "object_name"):
            if label in responses.coords:
                file.create_dataset(label, data=responses[label].values.astype(object), dtype=h5py.string_dtype())
        for i, region in enumerate(regions):
            group = file.create_group(f"regions/{i:03d}")  # a name may hold a slash
            group.attrs["region"] = region.region
            group.create_dataset("rdm", data=squareform(region.rdm, checks=False), dtype=np.float32)
            group.create_dataset("stimuli", data=region.stimuli)
            group.attrs["reliability"] = region.reliability
        depth: dict[str, int] = {}
        for network, layer, gram in models:
            rdm, inner = correlation_rdm(gram), np.zeros_like(gram.inner) if gram.dead else gram.inner
            depth[network] = depth.get(network, -1) + 1
            file.create_dataset(f"layers/{network}/{layer}", data=squareform(rdm, checks=False), dtype=np.float32)
            here = {key: np.ix_(s, s) for key, s in subsets.items()}
            of_layer = {key: _geometry(rdm[at], inner[at], weights[key]) for key, at in here.items()}
            for region, of_region in zip(regions, known, strict=True):
                about = {"region": region.region, "compared_with": network, "layer": layer, "depth": depth[network]}
                rows.append(about | _row(of_region, of_layer[region.stimuli.tobytes()], region.reliability))
        table = pd.DataFrame(rows, columns=list(COMPARISON))
        for column in COMPARISON:
            text = column in ("region", "compared_with", "layer")
            values = table[column].to_numpy(object if text else np.float64)
            kind = h5py.string_dtype() if text else np.float64
            file.create_dataset(f"comparisons/{column}", data=values, dtype=kind)


def read_comparisons(path: str | Path, dataset: str) -> pd.DataFrame:
    """Rows of `rsa.csv`: one a region and layer, and one a pair of regions (its `layer` empty)."""
    with reading(path), h5py.File(path) as file:
        group = file["comparisons"]
        columns = {name: group[name] for name in COMPARISON}
        table = pd.DataFrame(
            {name: c.asstr()[:] if h5py.check_string_dtype(c.dtype) else c[:] for name, c in columns.items()}
        )
        table.insert(0, "source", file.attrs["source"])
    table.insert(0, "dataset", dataset)
    return table.astype({"depth": int, "n_stimuli": int})


def read_rdms(path: str | Path) -> tuple[list[RegionRDM], dict[str, NDArray[np.str_]], str]:
    """The RDMs of the regions, the labels of the stimuli (`stimulus_id`, others where known), and the source."""
    with reading(path), h5py.File(path) as file:
        regions = [
            RegionRDM(
                str(group.attrs["region"]),
                squareform(group["rdm"][:]),
                group["stimuli"][:],
                float(group.attrs["reliability"]),
            )
            for group in file["regions"].values()
        ]
        labels = ("stimulus_id", "object_name", "category_name")
        found = {name: file[name].asstr()[:].astype(str) for name in labels if name in file}
        return regions, found, str(file.attrs["source"])


def read_layer_rdm(path: str | Path, network: str, layer: str) -> Floats:
    """(n, n) RDM of one layer."""
    with reading(path), h5py.File(path) as file:
        return squareform(file[f"layers/{network}/{layer}"][:])
