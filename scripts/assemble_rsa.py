"""Gather the comparisons of RDMs of all datasets in one table."""

import pandas as pd

from ventral.console import logged
from ventral.similarity_file import read_comparisons
from ventral.tables import write_csv

with logged(snakemake.log[0]):
    tables = [
        read_comparisons(path, dataset)
        for dataset, path in zip(snakemake.params.datasets, snakemake.input.similarity, strict=True)
    ]
    write_csv(pd.concat(tables, ignore_index=True), snakemake.output.rsa)
