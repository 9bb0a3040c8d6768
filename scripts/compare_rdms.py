"""Make the RDM of every region and of every layer, and compare them."""

import sys

from ventral.data.responses import read_responses
from ventral.files.console import logged
from ventral.similarity.file import write_similarity
from ventral.similarity.models import pair_layers
from ventral.similarity.regions import left_out, region_rdms

with logged(snakemake.log[0]):
    files, params = snakemake.input, snakemake.params
    responses, models = pair_layers(read_responses(files.responses), files.grams)
    lacking = left_out(responses)
    for region, why in lacking.items():
        print(f"{files.responses}: {region}: no RDM: {why}", file=sys.stderr)
    regions = region_rdms(responses)
    options = params.bootstrap, params.seed, snakemake.threads
    write_similarity(snakemake.output.similarity, responses, regions, models, *options, lacking)
