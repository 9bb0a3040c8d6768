"""Which stimuli and neuroids count; apart from how responses are read, so that an edit there runs no network again."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.files.errors import InputError, listed


def stimulus_groups(responses: xr.Dataset) -> NDArray[np.str_] | None:
    """(n,) group of each stimulus, such as near duplicates, which no split divides; None where each is its own."""
    return responses["stimulus_group"].values if "stimulus_group" in responses else None


def is_reliable(responses: xr.Dataset, least: float = -np.inf) -> NDArray[np.bool_]:
    """(neuroid,) whether the reliability is at least `least`, or not known; -inf asks for none."""
    n_neuroids = responses.sizes["neuroid"]
    known = responses["reliability"].values if "reliability" in responses else np.full(n_neuroids, np.nan)
    return ~(known < least)


def require_train(responses: xr.Dataset, split: NDArray[np.str_]) -> None:
    """Refuse responses of which a neuroid has fewer than two train stimuli.

    Args:
        responses: as `responses/{dataset}.nc`.
        split: (n,) "train", "val" or "test" of each stimulus.

    Raises:
        InputError: naming the neuroids.
    """
    few = np.isfinite(responses["rate"].values[split == "train"]).sum(axis=0) < 2
    if few.any():
        which = listed(responses["neuroid_id"].values[few])
        raise InputError(
            "responses", f"neuroid {which}", "fewer than two train stimuli", "leave it out, or lower split"
        )
