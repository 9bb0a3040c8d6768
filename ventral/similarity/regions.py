"""The RDMs of a dataset: of its regions, or of each session of a region, and of the labels of its stimuli."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.distance import squareform

from ventral.scores.ceilings import halves_in_whole
from ventral.similarity.ceilings import Ceiling, shared_ceiling, split_half_ceiling
from ventral.similarity.rdms import LEAST, correlation_rdm, crossnobis_rdm, neural_gram, paired_rdm, rdm_reliability
from ventral.similarity.rdms import shared_stimuli as shared
from ventral.similarity.sessions import average_sessions

Floats = NDArray[np.float64]

N_SHARED = 20  # with so many stimuli that all sessions of a region showed, these give its noise ceiling


class RegionRDM(NamedTuple):
    """The RDM of a region.

    Attributes:
        region: name of the region, followed by that of the session if sessions are apart.
        rdm: (m, m) over the stimuli that all neuroids saw. If these are few, over stimuli such that every two were seen
            by enough neuroids, each entry using these neuroids (`ventral.similarity.rdms.shared_stimuli`).
        stimuli: (m,) indices of these stimuli.
        reliability: of the RDM; NaN if stimuli were not repeated.
        inner: (m, m) Gram matrix of the z-scored rates; None if rates are missing or only the RDM is known.
        area: the region without the session; empty if sessions are not apart.
        rates: (m, neuroid) responses, if sessions are apart and no response is missing.
        crossnobis: (m, m) crossvalidated squared distances, NaN in the rows and columns of stimuli that were not
            repeated; None if only the RDM is known.
    """

    region: str
    rdm: Floats
    stimuli: NDArray[np.intp]
    reliability: float
    inner: Floats | None = None
    area: str = ""
    rates: Floats | None = None
    crossnobis: Floats | None = None


class Part(NamedTuple):
    """The neuroids that have an RDM together: those of a region, or of one of its sessions.

    Attributes:
        name: of the region, followed by that of the session if sessions are apart.
        area: the region if sessions are apart, else empty.
        neuroids: (neuroid,) whether each is one of them.
        stimuli: (m,) indices of the stimuli of the RDM.
        lacks: why there is no RDM; empty if there is one.
    """

    name: str
    area: str
    neuroids: NDArray[np.bool_]
    stimuli: NDArray[np.intp]
    lacks: str


def region_parts(responses: xr.Dataset) -> list[Part]:
    """The groups of neuroids that have an RDM together, by region and session.

    Sessions are kept apart if the attribute `sessions` says "apart": in free viewing, the images and the state of the
    animal affect all neuroids of a session. They are also kept apart if the sessions of a region share less than half
    of their stimuli.
    """
    names = responses["region"].values.astype(str)
    sessions = responses["session"].values.astype(str) if "session" in responses.coords else np.full(len(names), "")
    seen, found = np.isfinite(responses["rate"].values), []
    for area in map(str, np.unique(names)):
        here = names == area
        own = [here & (sessions == session) for session in np.unique(sessions[here])]
        shown = np.array([seen[:, part].any(axis=1) for part in own])
        apart = responses.attrs.get("sessions") == "apart" or 2 * shown.all(axis=0).sum() < shown.any(axis=0).sum()
        for part in own if apart else [here]:
            stimuli, n, lacks = shared(seen[:, part]), int(part.sum()), ""
            if n < LEAST:
                lacks = f"only {n} neuroid{'s' * (n > 1)}, but an RDM needs {LEAST}"
            elif len(stimuli) < LEAST:
                lacks = f"no {LEAST} stimuli were seen by the same {LEAST} neuroids"
            session = f" {sessions[part][0]}" if apart else ""
            found.append(Part(f"{area}{session}", area if apart else "", part, stimuli, lacks))
    return found


def left_out(responses: xr.Dataset) -> dict[str, str]:
    """The regions, and sessions of them, of a `responses/{dataset}.nc` that have no RDM, and why."""
    return {} if "rdm" in responses else {part.name: part.lacks for part in region_parts(responses) if part.lacks}


def region_rdms(responses: xr.Dataset) -> list[RegionRDM]:
    """The RDM of every region of a `responses/{dataset}.nc`: its `rdm` if it has published ones, else from the rates.

    The regions that `left_out` lists have none.
    """
    if "rdm" in responses:
        everything = np.arange(responses.sizes["stimulus"])
        published = zip(responses["region"].values.astype(str), responses["rdm"].values, strict=True)
        return [RegionRDM(str(name), rdm, everything, np.nan) for name, rdm in published]
    return [_part_rdm(responses, part) for part in region_parts(responses) if not part.lacks]


def _part_rdm(responses: xr.Dataset, part: Part) -> RegionRDM:
    here = responses.isel(neuroid=part.neuroids, stimulus=part.stimuli)
    rates, halves = here["rate"].values, here["rate_half"].values
    whole = bool(np.isfinite(rates).all())
    gram = neural_gram(rates) if whole else None
    return RegionRDM(
        part.name,
        paired_rdm(rates) if gram is None else correlation_rdm(gram),
        part.stimuli,
        rdm_reliability(halves, halves_in_whole(here["n_presentations"].values)),
        None if gram is None else gram.inner,
        part.area,
        rates if part.area and whole else None,
        crossnobis_rdm(halves, here["noise_variance"].values),
    )


def category_models(responses: xr.Dataset) -> Iterator[tuple[str, Floats, Floats, NDArray[np.bool_]]]:
    """The RDMs that labels alone predict: 0 for stimuli of the same category, 1 for others.

    Yields:
        The label's name, the (n, n) RDM, the (n, n) inner products of one-hot labels, and which stimuli have a known
        label.
    """
    for name in ("object_name", "category_name"):
        if name in responses.coords:
            labels = responses[name].values.astype(str)
            same = labels[:, None] == labels
            yield name, (~same).astype(np.float64), same.astype(np.float64), labels != "unknown"


def region_ceilings(regions: list[RegionRDM]) -> list[Ceiling]:
    """Ceiling of each region: from its split halves; for published RDMs, from one another."""
    if len(regions) > 1 and all(region.crossnobis is None for region in regions):
        return [shared_ceiling(np.stack([squareform(region.rdm, checks=False) for region in regions]))] * len(regions)
    return [split_half_ceiling(region.reliability) for region in regions]


def area_ceiling(sessions: list[RegionRDM]) -> Ceiling:
    """Ceiling of an area: on stimuli that all its sessions showed, else the mean of split-half ceilings."""
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
