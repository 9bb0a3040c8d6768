"""Gather the units of all chosen sessions, and mark those that are visually selective."""

from ventral.data.xiao.units import join_units
from ventral.files.console import logged
from ventral.files.csv import read_table, write_csv

with logged(snakemake.log[0]):
    write_csv(join_units([read_table(path) for path in snakemake.input.units]), snakemake.output.units)
