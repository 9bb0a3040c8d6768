"""`similarity/{dataset}.h5`: RDMs of regions and layers, and their comparisons."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.files.atomic import enduring, reading, writing
from ventral.gram.file import entry_of
from ventral.gram.matrix import Gram
from ventral.similarity import CATEGORY
from ventral.similarity.comparisons import COMPARISON, TEXT, Comparisons
from ventral.similarity.rdms import correlation_rdm
from ventral.similarity.regions import RegionRDM, category_models

Floats = NDArray[np.float64]


def write_similarity(
    path: str | Path,
    responses: xr.Dataset,
    regions: list[RegionRDM],
    models: Iterable[tuple[str, str, Gram]],
    n_draws: int,
    seed: int,
    threads: int = 1,
    lacking: Mapping[str, str] | None = None,
) -> None:
    """Compare every layer with every region, and the regions with one another; write RDMs and comparisons.

    Args:
        path: file to write.
        responses: as `responses/{dataset}.nc`.
        regions: from `ventral.similarity.regions.region_rdms`.
        models: network, layer and Gram matrix of the n stimuli, network after network, early layers first.
        n_draws: bootstrap resamples of stimuli and sessions, and permutations of stimuli.
        seed: of these.
        threads: number of threads.
        lacking: from `ventral.similarity.regions.left_out`.
    """
    comparisons = Comparisons(regions, n_draws, seed, threads)
    with (
        writing(path, sealed=True) as temporary,
        enduring(temporary) as raw,
        h5py.File(raw, "w", track_order=True) as file,
    ):
        file.attrs["source"] = responses.attrs["source"]
        for label in ("stimulus_id", "category_name", "object_name"):
            if label in responses.coords:
                file.create_dataset(label, data=responses[label].values.astype(object), dtype=h5py.string_dtype())
        for i, region in enumerate(regions):
            group = file.create_group(f"regions/{i:03d}")  # the name of a region may contain a slash
            group.attrs["region"] = region.region
            group.create_dataset("rdm", data=squareform(region.rdm, checks=False), dtype=np.float32)
            group.create_dataset("stimuli", data=region.stimuli)
            group.attrs["reliability"] = region.reliability

        for column, names in (("region", lacking or {}), ("why", (lacking or {}).values())):
            file.create_dataset(f"left_out/{column}", data=np.array([*names], dtype=object), dtype=h5py.string_dtype())

        def add(network: str, layer: str, rdm: Floats, inner: Floats, known: NDArray[np.bool_] | None = None) -> None:
            comparisons.add(network, layer, rdm, inner, known)
            file.create_dataset(
                f"layers/{network}/{entry_of(layer)}", data=squareform(rdm, checks=False), dtype=np.float32
            )

        for network, layer, gram in models:
            add(network, layer, correlation_rdm(gram), gram.kernel)
        for label, rdm, inner, known in category_models(responses):
            add(CATEGORY, label, rdm, inner, known)
        table = comparisons.table(lambda network, layer: squareform(file[f"layers/{network}/{entry_of(layer)}"][:]))
        for column in COMPARISON:
            text = column in TEXT
            values = table[column].to_numpy(object if text else np.float64)
            file.create_dataset(f"comparisons/{column}", data=values, dtype=h5py.string_dtype() if text else np.float64)


def read_comparisons(path: str | Path, dataset: str) -> pd.DataFrame:
    """Rows of `rsa.csv`: one for each region and layer, and one for each pair of regions (with an empty `layer`)."""
    with reading(path), h5py.File(path) as file:
        group = file["comparisons"]
        columns = {name: group[name] for name in COMPARISON}
        table = pd.DataFrame(
            {name: c.asstr()[:] if h5py.check_string_dtype(c.dtype) else c[:] for name, c in columns.items()}
        )
        table.insert(0, "source", file.attrs["source"])
    table.insert(0, "dataset", dataset)
    return table.astype({"depth": int, "n_stimuli": int})


def read_left_out(path: str | Path, dataset: str) -> pd.DataFrame:
    """Rows of `left_out.csv`: one for each region, or session of a region, without an RDM, with the reason `why`."""
    with reading(path), h5py.File(path) as file:
        columns = {name: file[f"left_out/{name}"].asstr()[:] for name in ("region", "why")}
    return pd.DataFrame({"dataset": dataset} | columns, columns=["dataset", "region", "why"])


def read_rdms(path: str | Path) -> tuple[list[RegionRDM], dict[str, NDArray[np.str_]], str]:
    """The RDMs of the regions, the labels of the stimuli (`stimulus_id` and others if known), and the source."""
    with reading(path), h5py.File(path) as file:
        regions = [
            RegionRDM(
                str(group.attrs["region"]),
                squareform(group["rdm"][:]),
                group["stimuli"][:],
                float(group.attrs["reliability"]),
            )
            for group in file.get("regions", {}).values()
        ]
        labels = ("stimulus_id", "object_name", "category_name")
        found = {name: file[name].asstr()[:].astype(str) for name in labels if name in file}
        return regions, found, str(file.attrs["source"])


def read_layer_rdm(path: str | Path, network: str, layer: str) -> Floats:
    """(n, n) RDM of one layer."""
    with reading(path), h5py.File(path) as file:
        return squareform(file[f"layers/{network}/{entry_of(layer)}"][:])
