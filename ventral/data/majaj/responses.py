"""Responses of IT and V4, from the published assembly and csv of Majaj, Hong, Solomon & DiCarlo 2015."""

import sys
from collections.abc import Mapping
from pathlib import Path

import h5netcdf
import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ventral.data.majaj.files import (
    AGAIN,
    VARIABLE,
    coordinate,
    counting_window,
    open_assembly,
    read_stimuli,
    response_variable,
    shown_stimuli,
    texts,
)
from ventral.data.responses import check_responses, make_responses, reduce_presentations
from ventral.data.splits import assign_splits
from ventral.files.console import progress
from ventral.files.errors import InputError

SOURCE = "Majaj & Hong 2015"
IMAGE_METADATA = ("variation", "s", "ty", "tz", "rxy", "rxz", "ryz", "size", "background_id")  # of the csv
SITE_METADATA = ("arr", "row", "col", "hemisphere", "subregion", "x", "y")  # of the assembly
SITES_AT_A_TIME = 64  # 38 MB with the published 148,480 presentations; averaging takes a few times as much


def read_majaj_responses(
    assembly: str | Path, stimuli: str | Path, fractions: Mapping[str, float], seed: int
) -> xr.Dataset:
    """Average the repetitions in the published assembly, or in a simulated one with the same layout.

    Args:
        assembly: netCDF-4 with normalised rates of every presentation.
        stimuli: csv with the labels of the images.
        fractions: share of the stimuli in `val` and in `test`, stratified by object.
        seed: seed of the split and of the random halves behind the reliabilities.

    Returns:
        The dataset of `make_responses`, in order of image id. The session of a site is its animal. The publisher's
        metadata of images and sites become coordinates, if the files have them. Trials that are NaN do not count.

    Raises:
        InputError: naming file and field, if a file is missing or damaged, lacks a variable, coordinate or column, or
            if the two do not match.
    """
    table = read_stimuli(stimuli)
    with open_assembly(assembly) as file:
        shown, stimulus = shown_stimuli(file, assembly, table, stimuli)
        animal = texts(coordinate(file, assembly, "animal", "neuroid"))
        sites = {name: texts(coordinate(file, assembly, name, "neuroid")) for name in ("neuroid_id", "region")}
        known = [name for name in SITE_METADATA if name in file.variables]
        sites |= {name: plain(coordinate(file, assembly, name, "neuroid")) for name in known}
        window_ms = counting_window(file, assembly)
        values = response_variable(file, assembly)
        source = str(values.attrs.get("source", SOURCE))
        reduced = reduce_sites(values, stimulus, len(shown), seed)
        if reduced["rate"].shape[1] != len(animal):
            raise InputError(assembly, VARIABLE, f"{reduced['rate'].shape[1]} rows for {len(animal)} sites", AGAIN)
    missing = len(stimulus) * len(animal) - int(reduced["n_presentations"].sum())
    if missing:
        print(f"{assembly}: {missing} trials are NaN, left out of the means", file=sys.stderr)
    labels = {name: table[name].reindex(shown).to_numpy(dtype=str) for name in ("object_name", "category_name")}
    metadata = {name: plain(table[name].reindex(shown)) for name in IMAGE_METADATA if name in table.columns}
    split = assign_splits(len(shown), fractions, seed, strata=labels["object_name"])
    responses = make_responses(
        reduced,
        {"stimulus_id": shown, "split": split, **labels, **metadata},
        {**sites, "subject": animal, "session": animal},
        source=source,
        units="normalised",
        window_ms=window_ms,
    )
    check_responses(responses, assembly)
    return responses


def plain(values: ArrayLike) -> NDArray:
    """Metadata as numbers if all of them are numbers, else as text."""
    text = texts(np.asarray(values, dtype=object))
    try:
        return text.astype(np.float64)
    except ValueError:
        return text


def reduce_sites(
    values: h5netcdf.Variable, stimulus: NDArray[np.intp], n_stimuli: int, seed: int
) -> dict[str, NDArray]:
    """Average the repetitions of all sites; only a block of sites is in memory at a time.

    Args:
        values: (neuroid, presentation, 1) on disk.
        stimulus: (presentation,) index of the stimulus of each presentation.
        n_stimuli: number of stimuli n.
        seed: seed of the random halves, which are the same for every block.

    Returns:
        As `reduce_presentations`.
    """
    starts = range(0, values.shape[0], SITES_AT_A_TIME)
    blocks = [
        reduce_presentations(values[start : start + SITES_AT_A_TIME, :, 0].T, stimulus, n_stimuli, seed)
        for start in progress(starts, f"blocks of {SITES_AT_A_TIME} sites averaged")
    ]
    return {name: np.concatenate([block[name] for block in blocks], axis=-1) for name in blocks[0]}
