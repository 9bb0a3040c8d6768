"""Record what the results depend on: config, versions, hashes of inputs from outside, and the commit of the code."""

import json

from ventral.files.atomic import writing
from ventral.files.console import logged
from ventral.study.provenance import provenance
from ventral.study.versions import versions

with logged(snakemake.log[0]):
    params = snakemake.params
    told = provenance(params.config, params.recordings, params.weights, params.git, versions(snakemake.input.project))
    with writing(snakemake.output.provenance) as temporary:
        temporary.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
