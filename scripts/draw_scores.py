"""Draw what the best encoders of a dataset reach, neuroid by neuroid and stimulus by stimulus."""

from pathlib import Path

from ventral.console import logged
from ventral.data.responses import read_responses
from ventral.figures import save
from ventral.score_figures import best_encoders, draw_scores, draw_targets
from ventral.tables import read_table

with logged(snakemake.log[0]):
    dataset = snakemake.wildcards.dataset
    tables = (snakemake.input.scores, snakemake.input.summary)
    scores, summary = map(read_table, tables)
    scores, summary = (table[table["dataset"] == dataset] for table in (scores, summary))
    figure = draw_scores(scores, summary, dataset, snakemake.params.min_reliability)
    save(figure, snakemake.output.scores)
    regions = best_encoders(summary)
    files = {Path(path).stem: path for path in snakemake.input.predictions}
    predictions = {best.encoder: read_responses(files[best.encoder]) for best in regions}
    figure = draw_targets(read_responses(snakemake.input.responses), predictions, regions, dataset)
    save(figure, snakemake.output.targets)
