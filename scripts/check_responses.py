"""Check that encoders can be fitted to responses with a protocol, and write a stamp if they can."""

from ventral.data.responses import check_splits, read_responses
from ventral.files.atomic import writing
from ventral.files.console import logged

with logged(snakemake.log[0]):
    dataset, protocol = snakemake.wildcards.dataset, snakemake.wildcards.protocol
    check_splits(read_responses(snakemake.input.responses), dataset, [protocol], snakemake.params.seed)
    with writing(snakemake.output.checked) as temporary:
        temporary.write_text(f"{protocol} can be fitted to {dataset}\n")
