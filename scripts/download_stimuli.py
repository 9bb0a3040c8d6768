"""Download the images of Xiao et al. 2024, and keep those whose name is their MD5."""

from ventral.data.xiao.dandi import fetch_stimuli
from ventral.files.console import logged

with logged(snakemake.log[0]):
    fetch_stimuli(snakemake.params.listing_url, snakemake.output.stimuli)
