"""Gather the units of all chosen sessions and tell which of them are visually selective."""

import pandas as pd

from ventral.data.xiao.selectivity import visually_selective
from ventral.files.console import logged
from ventral.files.csv import write_csv

NAMES = ("session", "unit", "neuroid_id", "array", "hemisphere", "region")

with logged(snakemake.log[0]):
    parts = [pd.read_csv(path, dtype=dict.fromkeys(NAMES, str)) for path in snakemake.input.units]
    units = pd.concat(parts, ignore_index=True)
    q, selective = visually_selective(units["self_consistency"].to_numpy(), units["p"].to_numpy())
    units.insert(units.columns.get_loc("p") + 1, "q", q)
    units.insert(units.columns.get_loc("q") + 1, "visually_selective", selective)
    write_csv(units, snakemake.output.units)
