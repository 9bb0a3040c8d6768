"""Read the spikes of one session's units from its rasters, once for everything that counts them."""

from ventral.console import logged
from ventral.data.spikes import write_spikes
from ventral.data.xiao_files import read_spike_times

with logged(snakemake.log[0]):
    write_spikes(snakemake.output.spikes, *read_spike_times(snakemake.input.rasters))
