"""Say of all responses what no protocol could be fitted to, and leave a stamp where there is nothing to say."""

import sys

from ventral.atomic import writing
from ventral.console import logged
from ventral.data.responses import check_splits, read_responses
from ventral.errors import InputError

with logged(snakemake.log[0]):
    params, faults = snakemake.params, []
    for dataset, path in zip(params.datasets, snakemake.input.responses, strict=True):
        try:
            check_splits(read_responses(path), dataset, params.protocols, params.seed)
        except InputError as fault:
            faults.append(fault)
    for fault in faults[:-1]:
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        raise faults[-1]
    with writing(snakemake.output.checked) as temporary:
        temporary.write_text(f"fit for {', '.join(params.protocols)}: {', '.join(params.datasets)}\n")
