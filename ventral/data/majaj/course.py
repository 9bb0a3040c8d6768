"""The course file of Majaj & Hong 2015: its rates and its own split; with the assembly, also reliabilities."""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.data.majaj.course_files import open_course, read_course_labels, read_course_rates
from ventral.data.majaj.responses import SOURCE, read_majaj_responses
from ventral.data.responses import N_PAIRS, OF_NEUROIDS, check_responses, make_responses
from ventral.data.splits import SPLITS
from ventral.files.errors import InputError, listed

WINDOW_MS = (70.0, 170.0)
SAME_RATE = 1e-5  # means of the same presentations differ by less in float32
REMEDY = "give the assembly that the file was made from, or leave assembly and stimuli out"


def read_course_responses(
    path: str | Path, published: tuple[str | Path, str | Path] | None = None, seed: int = 0
) -> xr.Dataset:
    """Read the rates of IT with the file's own split.

    Args:
        path: the course file.
        published: assembly and csv from which the file was made; None if they are not available.
        seed: of the random halves behind the reliabilities.

    Returns:
        The dataset of `make_responses`, with the stimuli of train, then val, then test. The rates of test are NaN, with
        no presentations: they can be predicted, but not scored. Without the assembly, `n_presentations` of the others
        is 1, because the file does not say, and `rate_half` and the estimates from repetitions (`OF_NEUROIDS`) are NaN.
        The assembly gives all of these, and the animal of each site.

    Raises:
        InputError: naming file and dataset, if the file is missing or damaged, lacks a dataset, has transposed or NaN
            rates or not one row for each stimulus, or if the assembly does not contain the rates.
    """
    with open_course(path) as file:
        labels = read_course_labels(file, path)
        counts = {split: int((labels["split"] == split).sum()) for split in SPLITS}
        given = [split for split in SPLITS if split != "test" or "spikes_test" in file]
        rates = {split: read_course_rates(file, path, split, counts[split]) for split in given}
        source = f"{SOURCE}, course file" if file.attrs.get("source") != "simulated" else "simulated"
    n_sites = rates["train"].shape[1]
    for split, values in rates.items():
        if values.shape[1] != n_sites:
            problem = f"{values.shape[1]} sites, {n_sites} in spikes_train"
            raise InputError(path, f"spikes_{split}", problem, "give the same sites")
    rate = np.concatenate([rates.get(split, np.full((counts[split], n_sites), np.nan)) for split in SPLITS])
    known = np.isin(labels["split"], given)
    reduced = {
        "rate": rate,
        "rate_half": np.full((2 * N_PAIRS, *rate.shape), np.nan, dtype=np.float32),
        "n_presentations": np.repeat(known[:, None].astype(np.int64), n_sites, axis=1),
        **{name: np.full(n_sites, np.nan) for name in OF_NEUROIDS},
    }
    sites = {
        "neuroid_id": [f"course_{j:03d}" for j in range(n_sites)],
        "region": ["IT"] * n_sites,
        "subject": ["unknown"] * n_sites,
        "session": ["course"] * n_sites,
    }
    if published:
        whole = read_majaj_responses(*published, {"val": 0, "test": 0}, seed)
        whole = whole.isel(neuroid=whole["region"].values == "IT")
        index = match_course(rate[known], whole["rate"].values, path)
        for name in ("rate_half", "n_presentations"):
            reduced[name][..., known, :] = whole[name].values[..., index, :]
        reduced |= {name: whole[name].values for name in OF_NEUROIDS}
        sites["subject"] = list(whole["subject"].values)
    responses = make_responses(reduced, labels, sites, source=source, units="normalised", window_ms=WINDOW_MS)
    check_responses(responses, path)
    return responses


def match_course(
    course_rates: NDArray[np.floating], assembly_rates: NDArray[np.floating], file: str | Path
) -> NDArray[np.intp]:
    """Find the stimulus of the assembly behind each row of the course file, by its rates.

    Args:
        course_rates: (n, site) of the course file.
        assembly_rates: (m, site) means over presentations, of the same sites in the same order.
        file: named in errors.

    Returns:
        (n,) for each row the row of `assembly_rates` that differs by at most `SAME_RATE`; no row twice.

    Raises:
        InputError: if the two have different sites, or if a row matches no row or the same row as another.
    """
    if course_rates.shape[1] != assembly_rates.shape[1]:
        problem = f"{course_rates.shape[1]} sites, {assembly_rates.shape[1]} of IT in the assembly"
        raise InputError(file, "spikes_train", problem, REMEDY)
    # In |a - b|^2 = |a|^2 + |b|^2 - 2 ab, the first term is the same for all b.
    squares = np.einsum("ij,ij->i", assembly_rates, assembly_rates)
    index = np.argmin(squares - 2 * course_rates @ assembly_rates.T, axis=1)
    far = np.flatnonzero(np.abs(assembly_rates[index] - course_rates).max(axis=1) > SAME_RATE)
    if far.size:
        raise InputError(file, "spikes", f"rows {listed(far, 3)} match no stimulus of the assembly", REMEDY)
    rows, times = np.unique(index, return_counts=True)
    if (times > 1).any():
        twice = np.flatnonzero(np.isin(index, rows[times > 1]))
        raise InputError(file, "spikes", f"rows {listed(twice, 3)} are not of different stimuli", REMEDY)
    return index
