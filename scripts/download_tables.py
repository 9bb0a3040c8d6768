"""Download the tables and regions of interest of Xiao et al. 2024 from the authors' repository."""

from pathlib import Path

from ventral.data.xiao.dandi import fetch_tables
from ventral.files.console import logged

with logged(snakemake.log[0]):
    fetch_tables(snakemake.params.urls, Path(snakemake.output[0]).parent, snakemake.input.manifest)
