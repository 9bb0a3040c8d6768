"""Download a file of recordings from the first mirror that has the right one."""

from ventral.data.kinds import find_kind
from ventral.files.console import logged
from ventral.files.fetch import fetch

with logged(snakemake.log[0]):
    params, by_hand = snakemake.params, find_kind(snakemake.wildcards.kind).by_hand
    fetch(params.urls, snakemake.output.file, digest=params.digest, size=params.size, otherwise=by_hand)
