"""Describe every unit of a session: place, rate, reliability, latencies, self-consistency, face selectivity."""

from ventral.data.responses import read_responses
from ventral.data.xiao.files import locate_units, read_image_file
from ventral.data.xiao.fixations import read_fixations, used_fixations
from ventral.data.xiao.labels import list_regions, read_fields
from ventral.data.xiao.responses import unit_latencies
from ventral.data.xiao.spikes import read_spikes
from ventral.data.xiao.units import Session, describe_units
from ventral.files.console import logged
from ventral.files.csv import write_csv

with logged(snakemake.log[0]):
    name, files, params = snakemake.wildcards.session, snakemake.input, snakemake.params
    names, spikes, recording_ms = read_spikes(files.spikes)
    units = locate_units(name, names, files.bank_regions, files.spikes)
    used = used_fixations(read_fixations(files.fixations), params.fixations)
    latency = unit_latencies(name, units, files.unit_latency, params.latency_ms)
    described = describe_units(
        Session(name, units, spikes, recording_ms, used, latency),
        table_latency_ms=unit_latencies(name, units, files.unit_latency, "table"),
        reliability=read_responses(files.responses).set_index(neuroid="neuroid_id")["reliability"].to_series(),
        fields=read_fields(name, names, files.unit_rf),
        size_dva=read_image_file(files.images).size_dva,
        regions=list_regions(params.rois),
        window_ms=params.window_ms,
        permutations=params.permutations,
        bootstrap=params.bootstrap,
        seed=params.seed,
    )
    write_csv(described, snakemake.output.units)
