"""Write simulated free-viewing recordings in the files of DANDI 000628, and the truth about them."""

from pathlib import Path

from ventral.console import logged
from ventral.data.simulate_xiao import simulate_dandiset

with logged(snakemake.log[0]):
    folder = Path(snakemake.output.stimuli).parent
    simulate_dandiset(folder, **snakemake.params.simulation, seed=snakemake.params.seed)
