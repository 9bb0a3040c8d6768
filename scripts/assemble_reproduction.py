"""Put each number of the literature beside ours."""

import pandas as pd

from ventral.files.console import logged
from ventral.files.csv import read_table, write_csv
from ventral.tables.pages import write_page
from ventral.tables.reproduction import hmo_rows, read_reported, reproduce, reproduction_page

with logged(snakemake.log[0]):
    summary, layers = map(read_table, (snakemake.input.summary, snakemake.input.layers))
    if snakemake.input.faces:
        of_xiao = summary[summary["dataset"] == "xiao"]
        hmo = hmo_rows(
            *map(read_table, (snakemake.input.faces, snakemake.input.rsa)),
            of_xiao["region"].unique(),
            of_xiao["source"].iloc[0],
        )
        summary = pd.concat([summary, hmo], ignore_index=True)
    table = reproduce(read_reported(snakemake.input.reported), summary, layers)
    write_csv(table, snakemake.output.table)
    write_page(reproduction_page(table), snakemake.output.markdown, snakemake.output.latex)
