"""Describe every unit of one session: where it was, how it fired, whether, when and to what it responds."""

import numpy as np

from ventral.data.responses import read_responses
from ventral.data.xiao.files import locate_units, read_image_file
from ventral.data.xiao.fixations import read_fixations, used_fixations
from ventral.data.xiao.labels import in_face_region, in_regions, label_stimuli, list_regions, read_fields
from ventral.data.xiao.responses import fixation_rates, is_stable, unit_latencies
from ventral.data.xiao.selectivity import consistency_latency, face_selectivity, psth_latency, self_consistency_test
from ventral.data.xiao.spikes import read_spikes
from ventral.files.console import logged
from ventral.files.csv import write_csv

FACE_WINDOW_MS = 150

with logged(snakemake.log[0]):
    session, files, params = snakemake.wildcards.session, snakemake.input, snakemake.params
    names, spikes, recording_ms = read_spikes(files.spikes)
    units = locate_units(session, names, files.bank_regions, files.spikes)
    used = used_fixations(read_fixations(files.fixations), params.fixations)
    onset, x, y = (used[name].to_numpy() for name in ("onset_ms", "x_dva", "y_dva"))
    stimulus = used["stimulus_id"].to_numpy(dtype=str)
    latency = unit_latencies(session, units, files.unit_latency, params.latency_ms)
    reliability = read_responses(files.responses).set_index(neuroid="neuroid_id")["reliability"].to_series()

    units.insert(0, "session", session)
    units.insert(2, "neuroid_id", [f"{session}_{unit}" for unit in units["unit"]])
    units["stable"] = [is_stable(times, recording_ms) for times in spikes]
    units["n_spikes"] = [len(times) for times in spikes]
    units["rate_hz"] = units["n_spikes"] / (recording_ms / 1000)
    units["reliability"] = reliability.reindex(units["neuroid_id"]).to_numpy()
    units["latency_table_ms"] = unit_latencies(session, units, files.unit_latency, "table")
    units["latency_psth_ms"] = psth_latency(spikes, onset)
    units["latency_consistency_ms"] = consistency_latency(spikes, onset, stimulus, x, y)

    rates = fixation_rates(onset, spikes, latency, params.window_ms, recording_ms)
    r, p = self_consistency_test(rates, stimulus, x, y, params.permutations, params.seed)
    units["self_consistency"], units["p"] = r, p

    regions = list_regions(params.rois)
    fields = read_fields(session, names, files.unit_rf)
    size_dva = read_image_file(files.images).size_dva
    known = (label_stimuli(stimulus, regions, session) != "unknown")[:, None] & fields.notna().all(axis=1).to_numpy()
    in_face = in_face_region(stimulus, x, y, fields, size_dva, regions)
    in_none = known & ~in_regions(stimulus, x, y, fields, size_dva, regions)
    rates = fixation_rates(onset, spikes, latency, FACE_WINDOW_MS, recording_ms)
    index = face_selectivity(rates, in_face, in_none, used["trial_id"].to_numpy(), params.bootstrap, params.seed)
    for column, values in zip(("", "_low", "_high"), index, strict=True):
        units[f"face_selectivity{column}"] = np.asarray(values)
    write_csv(units, snakemake.output.units)
