"""What a fit needs of responses; apart from how they are read, so that an edit there runs no network again."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ventral.files.errors import InputError, listed


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
