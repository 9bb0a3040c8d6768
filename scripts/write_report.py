"""Write what was run, the answer, tables and figures on one page."""

import os
from pathlib import Path

from ventral.files.atomic import writing
from ventral.files.console import logged
from ventral.report.page import render
from ventral.report.pictures import left_out, pictures
from ventral.report.results import read_study

with logged(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    study = read_study(params.config, {Path(path).stem: path for path in given.responses}, given.tables)
    page = snakemake.output.page
    files = [os.path.relpath(path, Path(page).parent) for path in (*given.tables, *given.figures)]
    with writing(page) as temporary:
        shown, undrawn = pictures(study, given.figures, given.captions), left_out(given.figures)
        temporary.write_text(render(study, shown, params.stages, files, undrawn))
