"""Write the report of a results folder, even an unfinished one or one from another machine."""

import json
from pathlib import Path

from ventral.files.atomic import writing
from ventral.files.errors import InputError, refusing
from ventral.report.page import render
from ventral.report.pictures import left_out, pictures
from ventral.report.results import read_results

PROVENANCE = "tables/provenance.json"


def report_folder(folder: str | Path, page: str | Path | None = None) -> Path:
    """Write the report of a results folder. It has no drawing of the rules, which only the workflow knows.

    Args:
        folder: with `tables/`, and `figures/` and `responses/` as far as they exist.
        page: the file to write. None: `report.html` in the folder. Links to tables work only there.

    Returns:
        The file.

    Raises:
        InputError: if the folder has no provenance.json, or if a file in it is damaged.
    """
    folder = Path(folder)
    record = folder / PROVENANCE
    if not record.is_file():
        raise InputError(folder, PROVENANCE, "not there", "give the results folder of a study whose tables are made")
    with refusing(record, "config", "damaged or incomplete", "run the study again"):
        config = json.loads(record.read_text())["config"]
        paths = {name: folder / "responses" / f"{name}.nc" for name in config["datasets"]}
    responses = {name: str(path) for name, path in paths.items() if path.is_file()}
    tables = [*sorted(folder.glob("tables/*")), *sorted(folder.glob("sessions/*/missing_stimuli.csv"))]
    figures = [path for path in sorted(folder.glob("figures/[!.]*")) if path.with_suffix(".png").is_file()]
    results = read_results(config, responses, list(map(str, tables)))
    files = [str(path.relative_to(folder)) for path in (*tables, *figures)]
    page = Path(page or folder / "report.html")
    with writing(page) as temporary:
        temporary.write_text(render(results, pictures(figures), [], files, left_out(figures)))
    return page
