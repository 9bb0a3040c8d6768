"""Download the two files of a session of Xiao et al. 2024 that the study reads, without the raw eye traces."""

from ventral.data.xiao.dandi import fetch_asset
from ventral.data.xiao.sessions import FILES
from ventral.files.console import logged

with logged(snakemake.log[0]):
    for kind, suffix in FILES.items():
        fetch_asset(
            f"{snakemake.wildcards.stem}{suffix}",
            snakemake.output[kind],
            **snakemake.params.expected[kind],
            api_url=snakemake.params.api_url,
        )
