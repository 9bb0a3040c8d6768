"""The report of a results folder as it lies there, wherever it was made and whatever of it is finished."""

import json
from pathlib import Path

from ventral.files.atomic import writing
from ventral.files.errors import InputError, refusing
from ventral.report.alts import ALTS
from ventral.report.page import render
from ventral.report.pictures import kind_of, left_out, pictures
from ventral.report.results import read_study

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
PROVENANCE = "tables/provenance.json"


def report_folder(folder: str | Path, page: str | Path | None = None) -> Path:
    """Write the page of a results folder, without the drawing of the rules, which only the workflow knows.

    Args:
        folder: with `tables/` and what there is of `figures/` and `responses/`.
        page: the file to write; `report.html` in the folder if None, where alone its links lead to tables.

    Returns:
        The file.

    Raises:
        InputError: if the folder does not say what study it is of, or a file in it is damaged.
    """
    folder = Path(folder)
    told = folder / PROVENANCE
    if not told.is_file():
        raise InputError(folder, PROVENANCE, "not there", "give the results folder of a study whose tables are made")
    with refusing(told, "config", "damaged or incomplete", "run the study again"):
        config = json.loads(told.read_text())["config"]
        paths = {name: folder / "responses" / f"{name}.nc" for name in config["datasets"]}
    responses = {name: str(path) for name, path in paths.items() if path.is_file()}
    tables = [*sorted(map(str, folder.glob("tables/*"))), *map(str, folder.glob("sessions/*/missing_stimuli.csv"))]
    figures = [
        str(path)
        for path in sorted(folder.glob("figures/[!.]*"))
        if kind_of(path.stem, responses)[0] in ALTS and path.with_suffix(".png").is_file()
    ]
    study = read_study(config, responses, tables)
    shown = pictures(study, figures, map(str, CAPTIONS.glob("*.rst")))
    files = [str(Path(path).relative_to(folder)) for path in (*tables, *figures)]
    page = Path(page or folder / "report.html")
    with writing(page) as temporary:
        temporary.write_text(render(study, shown, [], files, left_out(figures)))
    return page
