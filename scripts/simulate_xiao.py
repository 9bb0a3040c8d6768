"""Simulate free-viewing recordings with known tuning, in the format of DANDI 000628, and write the tuning too."""

from pathlib import Path

from ventral.data.xiao.simulation import simulate_dandiset
from ventral.files.console import logged

with logged(snakemake.log[0]):
    folder = Path(snakemake.output.stimuli).parent
    simulate_dandiset(folder, **snakemake.params.simulation, seed=snakemake.params.seed)
