"""Gather the face detection accuracy of all networks that learned to detect faces."""

from ventral.files.console import logged
from ventral.files.csv import read_table, write_csv
from ventral.tables.gather import gather_faces

with logged(snakemake.log[0]):
    table = gather_faces(map(read_table, snakemake.input.scores), snakemake.params.dataset, snakemake.params.source)
    write_csv(table, snakemake.output.table)
