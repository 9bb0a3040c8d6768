"""Gather the comparisons of RDMs of all datasets in one table, and list the regions without an RDM in another."""

import pandas as pd

from ventral.files.console import logged
from ventral.files.csv import write_csv
from ventral.similarity.file import read_comparisons, read_left_out

with logged(snakemake.log[0]):
    for read, table in ((read_comparisons, snakemake.output.rsa), (read_left_out, snakemake.output.left_out)):
        files = zip(snakemake.input.similarity, snakemake.params.datasets, strict=True)
        write_csv(pd.concat([read(*file) for file in files], ignore_index=True), table)
