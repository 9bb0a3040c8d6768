"""Join recordings of several sessions, each with its own neuroids."""

from collections.abc import Sequence

import numpy as np
import xarray as xr


def side_by_side(sessions: Sequence[xr.Dataset]) -> xr.Dataset:
    """Put the neuroids of several sessions side by side, over all stimuli that any of them showed.

    Unit j of one session is not unit j of another: every session keeps its own neuroids, with NaN for stimuli that it
    did not show.

    Args:
        sessions: as `ventral.data.responses.make_responses` returns them; the only coordinate of stimuli is
            `stimulus_id`.

    Returns:
        The same over all neuroids, with stimuli in the order of their ids.
    """
    # As objects, because concatenation cuts text of fixed width to that of the first session.
    indexed = [
        session.assign_coords(
            {name: c.astype(object) for name, c in session.coords.items() if c.dtype.kind == "U"}
        ).set_index(stimulus="stimulus_id")
        for session in sessions
    ]
    joined = xr.concat(indexed, dim="neuroid", join="outer", combine_attrs="drop_conflicts", data_vars="all")
    joined = joined.sortby("stimulus").reset_index("stimulus").rename_vars(stimulus="stimulus_id")
    joined = joined.assign_coords({name: c.astype(str) for name, c in joined.coords.items() if c.dtype.kind == "O"})
    joined["n_presentations"] = joined["n_presentations"].fillna(0).astype(np.int64)
    return joined
