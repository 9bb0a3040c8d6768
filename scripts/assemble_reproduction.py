"""Put each number of the literature beside ours."""

import pandas as pd

from ventral.files.console import logged
from ventral.tables.gather import read_table, write_csv
from ventral.tables.pages import write_page
from ventral.tables.reproduction import by_dataset, hmo_rows, read_reported, reproduce, reproduction_page

with logged(snakemake.log[0]):
    summary, layers = map(read_table, (snakemake.input.summary, snakemake.input.layers))
    if snakemake.input.faces:
        dataset = snakemake.params.faces_dataset
        learnt_on = summary[summary["dataset"] == dataset]
        hmo = hmo_rows(
            *map(read_table, (snakemake.input.faces, snakemake.input.rsa)),
            learnt_on["region"].unique(),
            dataset,
            learnt_on["source"].iloc[0],
        )
        summary = pd.concat([summary, hmo], ignore_index=True)
    reported = by_dataset(read_reported(snakemake.input.reported), snakemake.params.kinds)
    table = reproduce(reported, summary, layers)
    write_csv(table, snakemake.output.table)
    write_page(reproduction_page(table), snakemake.output.markdown, snakemake.output.latex)
