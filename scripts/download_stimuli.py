"""Download the images that Xiao et al. 2024 showed, and keep those that are what their names say."""

from ventral.data.xiao.dandi import fetch_stimuli
from ventral.files.console import logged

with logged(snakemake.log[0]):
    fetch_stimuli(snakemake.params.listing_url, snakemake.output.stimuli)
