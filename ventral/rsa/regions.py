"""The RDMs of a dataset: of its regions, each session apart where sessions are, and of the labels of its stimuli."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.ceilings import halves_in_whole
from ventral.errors import InputError
from ventral.rsa.ceilings import Ceiling, shared_ceiling, split_half_ceiling
from ventral.rsa.sessions import average_sessions
from ventral.similarity import correlation_rdm, crossnobis_rdm, neural_gram, rdm_reliability

Floats = NDArray[np.float64]

N_SHARED = 20  # stimuli that all sessions of a region showed, from which on these give its noise ceiling


class RegionRDM(NamedTuple):
    """The RDM of a region.

    Attributes:
        region: its name; where sessions are apart, with that of the session.
        rdm: (m, m) over the stimuli that all its neuroids were recorded for.
        stimuli: (m,) indices of these stimuli.
        reliability: of the RDM, NaN where stimuli were not repeated.
        inner: (m, m) Gram matrix of the z-scored rates; None where only the RDM is known.
        area: the region without the session; empty where sessions are not apart.
        rates: (m, neuroid) responses, where sessions are apart.
        crossnobis: (m, m) crossvalidated squared distances, NaN in the rows and columns of stimuli that were not
            repeated; None where only the RDM is known.
    """

    region: str
    rdm: Floats
    stimuli: NDArray[np.intp]
    reliability: float
    inner: Floats | None = None
    area: str = ""
    rates: Floats | None = None
    crossnobis: Floats | None = None


def region_rdms(responses: xr.Dataset) -> list[RegionRDM]:
    """The RDM of every region of a `responses/{dataset}.nc`: as published where it holds `rdm`, else from the rates.

    Where the attribute `sessions` says "apart", every session has RDMs of its own: in free viewing, what its monkey
    looked at and how awake it was is in all its neuroids.

    Raises:
        InputError: if fewer than three stimuli were shown to all neuroids of a region.
    """
    names = responses["region"].values.astype(str)
    if "rdm" in responses:
        everything = np.arange(responses.sizes["stimulus"])
        return [RegionRDM(str(n), r, everything, np.nan) for n, r in zip(names, responses["rdm"].values, strict=True)]
    apart = responses.attrs.get("sessions") == "apart"
    sessions = responses["session"].values.astype(str) if apart else np.full(len(names), "")
    found = []
    for area, session in sorted(set(zip(names, sessions, strict=True))):
        name = f"{area} {session}" if apart else str(area)
        here = responses.isel(neuroid=(names == area) & (sessions == session))
        rates = here["rate"].values
        stimuli = np.flatnonzero(np.isfinite(rates).all(axis=1))
        if len(stimuli) < 3:
            raise InputError("responses", name, "no three stimuli shown to all neuroids", "leave sessions out")
        halves, times = here["rate_half"].values[:, stimuli], halves_in_whole(here["n_presentations"].values[stimuli])
        gram = neural_gram(rates[stimuli])
        found.append(
            RegionRDM(
                name,
                correlation_rdm(gram),
                stimuli,
                rdm_reliability(halves, times),
                gram.inner,
                str(area) if apart else "",
                rates[stimuli] if apart else None,
                crossnobis_rdm(halves, here["noise_variance"].values),
            )
        )
    return found


def category_models(responses: xr.Dataset) -> Iterator[tuple[str, Floats, Floats, NDArray[np.bool_]]]:
    """The RDMs that labels alone predict: 0 for stimuli of one category, 1 for others.

    Yields:
        The label's name, the (n, n) RDM, the (n, n) inner products of one-hot labels, and which stimuli have one that
        is known.
    """
    for name in ("object_name", "category_name"):
        if name in responses.coords:
            labels = responses[name].values.astype(str)
            same = labels[:, None] == labels
            yield name, (~same).astype(np.float64), same.astype(np.float64), labels != "unknown"


def region_ceilings(regions: list[RegionRDM]) -> list[Ceiling]:
    """Ceiling of each region: by its split halves; of published RDMs, by one another."""
    if len(regions) > 1 and all(region.inner is None for region in regions):
        return [shared_ceiling(np.stack([squareform(region.rdm, checks=False) for region in regions]))] * len(regions)
    return [split_half_ceiling(region.reliability) for region in regions]


def area_ceiling(sessions: list[RegionRDM]) -> Ceiling:
    """Ceiling of an area: over its sessions, on the stimuli that all showed; else their mean by split halves."""
    ceilings = np.array([split_half_ceiling(session.reliability) for session in sessions]).T
    once = np.ones((3, len(sessions)), dtype=np.int64)
    halves = Ceiling(*average_sessions(ceilings.T, [len(session.stimuli) for session in sessions], once).tolist())
    shared = sessions[0].stimuli
    for session in sessions[1:]:
        shared = np.intersect1d(shared, session.stimuli)
    if len(sessions) < 2 or len(shared) < N_SHARED:
        return halves
    at = [np.searchsorted(session.stimuli, shared) for session in sessions]
    both = zip(sessions, at, strict=True)
    return shared_ceiling(np.stack([squareform(s.rdm[np.ix_(i, i)], checks=False) for s, i in both]), halves.ceiling)
