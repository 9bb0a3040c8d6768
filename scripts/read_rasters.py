"""Read the spike times of every unit of a session from its rasters."""

from ventral.data.xiao.files import read_spike_times
from ventral.data.xiao.spikes import write_spikes
from ventral.files.console import logged

with logged(snakemake.log[0]):
    write_spikes(snakemake.output.spikes, *read_spike_times(snakemake.input.rasters))
