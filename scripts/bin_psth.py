"""Bin the spikes of every unit of a session around the onsets of fixations and of images."""

from ventral.data.responses import write_responses
from ventral.data.xiao.fixations import read_fixations, used_fixations
from ventral.data.xiao.psth import session_psth
from ventral.data.xiao.spikes import read_spikes
from ventral.files.console import logged

with logged(snakemake.log[0]):
    used = used_fixations(read_fixations(snakemake.input.fixations), snakemake.params.fixations)
    spikes = read_spikes(snakemake.input.spikes)
    binned = session_psth(snakemake.wildcards.session, used, *spikes, snakemake.params.bin_ms)
    write_responses(binned, snakemake.output.psth)
