"""Draw what the best encoders of a dataset reach, neuroid by neuroid and stimulus by stimulus."""

from pathlib import Path

from matplotlib.figure import Figure

from ventral.data.responses import read_responses
from ventral.figures.scores import best_encoders, draw_scores, draw_targets
from ventral.figures.style import NothingToDraw, draw
from ventral.files.console import logged
from ventral.files.csv import read_table

with logged(snakemake.log[0]):
    dataset, least = snakemake.wildcards.dataset, snakemake.params.min_reliability
    tables = (snakemake.input.scores, snakemake.input.summary)
    scores, summary = map(read_table, tables)
    scores, summary = (table[table["dataset"] == dataset] for table in (scores, summary))
    responses, regions = read_responses(snakemake.input.responses), best_encoders(summary)
    files = {Path(path).stem: path for path in snakemake.input.predictions}
    predictions = {best.encoder: read_responses(files[best.encoder]) for best in regions}

    def scored(figure: Figure) -> Figure:
        if not regions:
            raise NothingToDraw("no encoder has a score")
        return figure

    draw(lambda: scored(draw_scores(scores, summary, dataset, least)), snakemake.output.scores)
    draw(lambda: scored(draw_targets(responses, predictions, regions, dataset)), snakemake.output.targets)
