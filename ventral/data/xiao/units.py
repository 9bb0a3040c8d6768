"""Tables of units: where each was, how it fired, whether, when and to what it responds."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.xiao.labels import in_face_region, in_regions, label_stimuli
from ventral.data.xiao.responses import fixation_rates, is_stable
from ventral.data.xiao.selectivity import (
    consistency_latency,
    face_selectivity,
    psth_latency,
    self_consistency_test,
    visually_selective,
)

Floats = NDArray[np.float64]

FACE_WINDOW_MS = 150  # spikes are counted for so long where faces are compared with other places


class Session(NamedTuple):
    """What was recorded in one session, and where the monkey looked.

    Attributes:
        name: the authors' name of the session.
        units: from `locate_units`, one row for each of U units.
        spikes: U arrays of ascending spike times in ms.
        recording_ms: length T of the recording.
        used: n fixations from `used_fixations`.
        latency_ms: (U,) latency from which spikes are counted, from `unit_latencies`.
    """

    name: str
    units: pd.DataFrame
    spikes: Sequence[NDArray[np.integer]]
    recording_ms: int
    used: pd.DataFrame
    latency_ms: Floats

    @property
    def onset_ms(self) -> Floats:
        """(n,) onset of each fixation."""
        return self.used["onset_ms"].to_numpy(dtype=np.float64)

    @property
    def looked_at(self) -> tuple[NDArray[np.str_], Floats, Floats]:
        """(n,) image of each fixation, and (n,) x and y on it in degrees."""
        x, y = (self.used[name].to_numpy(dtype=np.float64) for name in ("x_dva", "y_dva"))
        return self.used["stimulus_id"].to_numpy(dtype=str), x, y

    def rates(self, window_ms: int) -> Floats:
        """(n, U) rate of every unit after every fixation in Hz, over `window_ms`."""
        return fixation_rates(self.onset_ms, self.spikes, self.latency_ms, window_ms, self.recording_ms)


def describe_units(
    session: Session,
    *,
    table_latency_ms: Floats,
    reliability: pd.Series,
    fields: pd.DataFrame,
    size_dva: Floats,
    regions: pd.DataFrame,
    window_ms: int,
    permutations: int,
    bootstrap: int,
    seed: int,
) -> pd.DataFrame:
    """Describe every unit of one session.

    Args:
        session: the session.
        table_latency_ms: (U,) latencies of the authors' table.
        reliability: of the responses, by `neuroid_id`; a unit that is not in it gets NaN.
        fields: (U rows) receptive fields from `read_fields`.
        size_dva: (2,) width and height of the images in degrees.
        regions: from `list_regions`.
        window_ms: width of the counting window for self-consistency.
        permutations: number of permutations behind p.
        bootstrap: number of resamples behind the interval of face selectivity.
        seed: of both.

    Returns:
        The rows of `units` with `session` and `neuroid_id`; whether each is `stable`; `n_spikes`, `rate_hz`,
        `reliability`; three estimates of its latency in ms; `self_consistency` with its `p`; and `face_selectivity`
        with its 95 % interval.

    Raises:
        InputError: if a window reaches over an end of the recording.
    """
    table, spikes = session.units.copy(), session.spikes
    table.insert(0, "session", session.name)
    table.insert(2, "neuroid_id", [f"{session.name}_{unit}" for unit in table["unit"]])
    table["stable"] = [is_stable(times, session.recording_ms) for times in spikes]
    table["n_spikes"] = [len(times) for times in spikes]
    table["rate_hz"] = table["n_spikes"] / (session.recording_ms / 1000)
    table["reliability"] = reliability.reindex(table["neuroid_id"]).to_numpy()
    table["latency_table_ms"] = table_latency_ms
    table["latency_psth_ms"] = psth_latency(spikes, session.onset_ms)
    table["latency_consistency_ms"] = consistency_latency(spikes, session.onset_ms, *session.looked_at)
    rates = session.rates(window_ms)
    table["self_consistency"], table["p"] = self_consistency_test(rates, *session.looked_at, permutations, seed)
    index = prefer_faces(session, fields, size_dva, regions, bootstrap, seed)
    for column, values in zip(("", "_low", "_high"), index, strict=True):
        table[f"face_selectivity{column}"] = values
    return table


def prefer_faces(
    session: Session, fields: pd.DataFrame, size_dva: Floats, regions: pd.DataFrame, bootstrap: int, seed: int
) -> Floats:
    """(3, U) face selectivity of every unit, with its 95 % interval; arguments as for `describe_units`.

    Fixations with the receptive field in a face are compared with those with it in no region at all. Images that nobody
    looked through for faces, and units without a receptive field, count for neither.
    """
    stimulus, x, y = session.looked_at
    labelled = label_stimuli(stimulus, regions, session.name) != "unknown"
    known = labelled[:, None] & fields.notna().all(axis=1).to_numpy()
    in_face = in_face_region(stimulus, x, y, fields, size_dva, regions)
    in_none = known & ~in_regions(stimulus, x, y, fields, size_dva, regions)
    presentation = session.used["trial_id"].to_numpy()
    return face_selectivity(session.rates(FACE_WINDOW_MS), in_face, in_none, presentation, bootstrap, seed)


def join_units(sessions: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The units of all sessions, with `q` (the p value adjusted over all of them) and whether each is selective."""
    units = pd.concat(sessions, ignore_index=True)
    q, selective = visually_selective(units["self_consistency"].to_numpy(), units["p"].to_numpy())
    after = list(units.columns).index("p") + 1
    units.insert(after, "q", q)
    units.insert(after + 1, "visually_selective", selective)
    return units
