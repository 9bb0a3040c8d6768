"""Score every encoder on held-out stimuli: tidy scores, one row an encoder, one row a layer, and a page to read."""

from ventral.atomic import writing
from ventral.console import logged, progress
from ventral.data.responses import read_responses
from ventral.tables import gather_scores, score_encoder, summary_markdown, write_csv

with logged(snakemake.log[0]):
    params, output = snakemake.params, snakemake.output
    responses = dict(zip(params.datasets, map(read_responses, snakemake.input.responses), strict=True))
    encoders = list(zip(params.owners, snakemake.input.predictions, strict=True))
    least = -float("inf") if params.min_reliability is None else params.min_reliability
    parts = [
        score_encoder(dataset, read_responses(path), responses[dataset], params.bootstrap, params.seed, least)
        for dataset, path in progress(encoders, "encoders scored")
    ]
    scores, summary, layers = gather_scores(parts)
    for table, path in ((scores, output.scores), (summary, output.summary), (layers, output.layers)):
        write_csv(table, path)
    with writing(output.markdown) as temporary:
        temporary.write_text(summary_markdown(summary))
