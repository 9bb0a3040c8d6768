"""Draw the RDM of every region beside that of the layer most like it."""

import numpy as np

from ventral.figures.style import draw, draw_rdms
from ventral.files.console import logged
from ventral.files.csv import read_table
from ventral.similarity import CATEGORY
from ventral.similarity.file import read_layer_rdm, read_rdms

with logged(snakemake.log[0]):
    dataset = snakemake.wildcards.dataset
    table = read_table(snakemake.input.rsa)
    table = table[(table["dataset"] == dataset) & table["layer"].notna() & (table["compared_with"] != CATEGORY)]
    regions, labels, source = read_rdms(snakemake.input.similarity)
    models = []
    for region in regions:
        rows = table[(table["region"] == region.region) & table["spearman"].notna()]
        if rows.empty:
            models.append(None)
            continue
        best = rows.loc[rows["spearman"].idxmax()]
        rdm = read_layer_rdm(snakemake.input.similarity, best["compared_with"], best["layer"])
        title = f"{best['compared_with']} {best['layer']}, Spearman {best['spearman']:.2f}"
        models.append((title, rdm[np.ix_(region.stimuli, region.stimuli)]))
    draw(lambda: draw_rdms(dataset, source, regions, labels.get("category_name"), models), snakemake.output)
