"""Render the page: text, tables and figures of a study in one file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ventral.report import words
from ventral.report.cells import TABLES, networks_table, readouts_table, tables
from ventral.report.pictures import Picture
from ventral.report.results import Results
from ventral.report.stages import draw_stages
from ventral.tables.reproduction import statuses

PARTS = Path(__file__).parent / "parts"


def render(
    results: Results,
    pictures: Sequence[Picture],
    stages: Sequence[Mapping[str, Any]],
    files: Sequence[str],
    undrawn: Mapping[str, str],
) -> str:
    """Render the report as HTML that loads no other file.

    Args:
        results: of the finished study.
        pictures: its figures.
        stages: `rule`, `says` and `after` of every rule of the study; empty if they are not known.
        files: tables and figures, as paths relative to the page.
        undrawn: name of each figure that could not be drawn -> reason.
    """
    environment = Environment(
        loader=FileSystemLoader(PARTS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    by_dataset = {
        name: [picture for picture in pictures if picture.dataset == name] for name in ["", *results.responses]
    }
    graph = {stage["rule"]: stage["after"] for stage in stages}
    return environment.get_template("page.html").render(
        results=results,
        words=words,
        style=Markup((PARTS / "page.css").read_text()),
        script=Markup((PARTS / "page.js").read_text()),
        made=tables(results, TABLES),
        statuses=statuses(results.table("reproduction")) if "reproduction" in results.tables else "",
        gaps=[*words.gaps(results), *(f"Figure {name} was not drawn: {why}." for name, why in undrawn.items())],
        settings=tables(results, (networks_table, readouts_table)),
        pictures={name: of_name for name, of_name in by_dataset.items() if of_name},
        stages=stages,
        drawing=draw_stages(graph, f"The {len(graph)} rules of the study, each below the rules whose files it reads.")
        if graph
        else "",
        files=files,
    )
