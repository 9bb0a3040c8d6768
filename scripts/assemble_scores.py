"""Score every encoder on held-out stimuli: tables of scores, encoders and layers, and pages to read."""

from ventral.data.responses import read_responses
from ventral.files.console import logged, progress
from ventral.files.csv import write_csv
from ventral.tables.gather import gather_checks, gather_scores, mark_untrained
from ventral.tables.pages import summary_page, write_page
from ventral.tables.scoring import score_encoder

with logged(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    responses = dict(zip(params.datasets, map(read_responses, snakemake.input.responses), strict=True))
    encoders = list(zip(params.owners, snakemake.input.predictions, strict=True))
    parts = [
        score_encoder(dataset, read_responses(path), responses[dataset], params.min_reliability, params.interval_over)
        for dataset, path in progress(encoders, "encoders scored")
    ]
    weights = gather_checks(snakemake.input.checks)
    gathered = gather_scores(parts, params.references, params.bootstrap, params.seed)
    scores, summary, layers = (mark_untrained(table, weights) for table in gathered)
    written = {"scores": scores, "summary": summary, "layers": layers, "weights": weights}
    for name, table in written.items():
        write_csv(table, output[name])
    write_page(summary_page(summary), output.markdown, output.latex)
