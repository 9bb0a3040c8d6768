"""Compare each number of the literature with ours."""

import pandas as pd

from ventral.files.console import logged
from ventral.files.csv import read_table, write_csv
from ventral.tables.pages import write_page
from ventral.tables.reproduction import hmo_rows, of_datasets, read_reported, reproduce, reproduction_page

with logged(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    summary, layers = read_table(given.summary), read_table(given.layers)
    if given.faces:
        here = summary[summary["dataset"] == params.faces_dataset]
        told = params.faces_dataset, here["region"].unique(), here["source"].iloc[0]
        hmo = hmo_rows(read_table(given.faces), read_table(given.rsa), *told)
        summary = pd.concat([summary, hmo], ignore_index=True)
    table = reproduce(of_datasets(read_reported(given.reported), params.kinds), summary, layers)
    write_csv(table, snakemake.output.table)
    write_page(reproduction_page(table), snakemake.output.markdown, snakemake.output.latex)
