"""Put each number of the literature beside ours."""

import pandas as pd

from ventral.atomic import writing
from ventral.console import logged
from ventral.reproduction import read_reported, reproduce, reproduction_markdown
from ventral.tables import write_csv

with logged(snakemake.log[0]):
    tables = [pd.read_csv(path) for path in (snakemake.input.summary, snakemake.input.layers)]
    table = reproduce(read_reported(snakemake.input.reported), *tables)
    write_csv(table, snakemake.output.table)
    with writing(snakemake.output.markdown) as temporary:
        temporary.write_text(reproduction_markdown(table))
