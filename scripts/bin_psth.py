"""Bin the spikes of one session's units around the onsets of fixations and of images."""

import numpy as np
import xarray as xr

from ventral.data.responses import write_responses
from ventral.data.xiao.fixations import read_fixations, used_fixations
from ventral.data.xiao.selectivity import psth
from ventral.data.xiao.spikes import read_spikes
from ventral.files.console import logged

START_MS, STOP_MS = -200, 400

with logged(snakemake.log[0]):
    bin_ms = snakemake.params.bin_ms
    names, spikes, recording_ms = read_spikes(snakemake.input.spikes)
    used = used_fixations(read_fixations(snakemake.input.fixations), snakemake.params.fixations)
    images = used.drop_duplicates("trial_id")
    onsets = {"fixation": used["onset_ms"], "stimulus": images["onset_ms"] - images["trial_time_ms"]}
    onsets = {event: times[times.between(-START_MS, recording_ms - STOP_MS)] for event, times in onsets.items()}
    stop_ms = STOP_MS - (STOP_MS - START_MS) % bin_ms  # a whole number of bins
    rates = [psth(spikes, times.to_numpy(), (START_MS, stop_ms), bin_ms) for times in onsets.values()]
    dataset = xr.Dataset(
        {"rate": (("event", "unit", "time"), np.stack(rates))},
        coords={
            "event": list(onsets),
            "unit": names,
            "time": ("time", np.arange(START_MS, stop_ms, bin_ms), {"units": "ms", "long_name": "start of the bin"}),
            "n_events": ("event", list(map(len, onsets.values()))),
        },
        attrs={"session": snakemake.wildcards.session, "units": "Hz", "bin_ms": bin_ms},
    )
    write_responses(dataset, snakemake.output.psth)
