"""Download a file of Majaj & Hong 2015 from the first mirror that has the right one."""

from ventral.files.console import logged
from ventral.files.fetch import fetch

with logged(snakemake.log[0]):
    fetch(snakemake.params.urls, snakemake.output.file, digest=f"sha1:{snakemake.params.sha1}")
