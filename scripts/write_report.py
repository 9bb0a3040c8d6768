"""Write the report: the answer, what was run, tables and figures on one page."""

import os
from pathlib import Path

from ventral.files.atomic import writing
from ventral.files.console import logged
from ventral.report.page import render
from ventral.report.pictures import left_out, pictures
from ventral.report.results import read_results

with logged(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    results = read_results(params.config, {Path(path).stem: path for path in given.responses}, given.tables)
    page = snakemake.output.page
    files = [os.path.relpath(path, Path(page).parent) for path in (*given.tables, *given.figures)]
    with writing(page) as temporary:
        temporary.write_text(render(results, pictures(given.figures), params.stages, files, left_out(given.figures)))
