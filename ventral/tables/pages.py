"""Tables to read: numbers rounded once, then set as Markdown or as LaTeX for a paper."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ventral.files.atomic import writing
from ventral.scores.catalogue import CEILED, HEADLINES, MEDIAN, columns_of, heading_of
from ventral.scores.intervals import OVER
from ventral.tables.groups import Group, groups
from ventral.tables.phrases import bounded, rounded

LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#{}"},
    "_": r"\_\allowbreak{}",  # names are long
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "²": r"\textsuperscript{2}",
}


@dataclass(frozen=True)
class Section:
    """One table of a page: a title, a note, and rows of rounded cells.

    `align` has for each column "l", "r", or for text that wraps the share of a line. The first cell of rows in
    `marked` is bold.
    """

    title: str
    note: str
    columns: Sequence[str]
    align: Sequence[str | float]
    rows: Sequence[Sequence[str]]
    marked: Sequence[bool]


@dataclass(frozen=True)
class Page:
    """Tables under one title."""

    title: str
    sections: Sequence[Section]


@dataclass(frozen=True)
class Column:
    """One column: its heading and its cells in one place, so that no number can stand under another's heading.

    `align` is "l", "r", or for text that wraps the share of a line; `cell` makes the cell of a row.
    """

    heading: str
    align: str | float
    cell: Callable[[Mapping[Any, Any]], str]


def section(
    title: str,
    note: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[Any, Any]],
    marked: Sequence[bool] | None = None,
) -> Section:
    """Fill a table's columns with rows."""
    cells = [[column.cell(row) for column in columns] for row in rows]
    headings, align = [column.heading for column in columns], [column.align for column in columns]
    return Section(title, note, headings, align, cells, [False] * len(cells) if marked is None else marked)


def metric_column(name: str) -> Column:
    """The column of a metric: its mean over neuroids with the interval."""
    mean, low, high = columns_of(name)
    return Column(heading_of(name), "r", lambda row: bounded(row[mean], row[low], row[high]))


def summary_page(summary: pd.DataFrame) -> Page:
    """The summary to read: a table a dataset, protocol and region, the best encoder first.

    Args:
        summary: as `summary.csv`; the rows of the last split at hand (test where there is one) are shown.
    """
    return Page("Which models predict the neurons", list(map(_summary_section, groups(summary))))


def summary_columns() -> list[Column]:
    """The columns of the summary, those of the headline metrics among them."""
    return [
        Column("encoder", 0.18, lambda row: f"{row['encoder']} (reference)" if row["reference"] else row["encoder"]),
        Column("weights", 0.11, lambda row: row["weights"]),
        Column("layer", 0.1, lambda row: row["layer"]),
        *map(metric_column, HEADLINES),
        Column(
            heading_of(CEILED), "r", lambda row: bounded(row[CEILED], row[f"{CEILED}_low"], row[f"{CEILED}_high"], 2)
        ),
        Column("median", "r", lambda row: rounded(row[f"{CEILED}{MEDIAN}"], 2)),
    ]


def _summary_section(group: Group) -> Section:
    first = group.rows.iloc[0]
    protocol = "" if group.protocol == "holdout" else f", {group.protocol}"
    note = (
        f"{first['n_neuroids']} neuroids, {first['n_stimuli']} held-out stimuli ({group.split}), "
        f"{_reliability(first)}. Means over neuroids with 95 % intervals over {OVER[first['interval_over']]}. Share of "
        f"the ceiling: the sum of r² over the sum of noise ceilings of {first['n_ceiled']} neuroids; beside it, the "
        "median over neuroids. Bold: the model confidence set, which is the encoder with the highest mean r and all "
        "that cannot be distinguished from it. References (pixels, labels, random weights) are ranked after the "
        "models."
    )
    title = f"{group.dataset}, {group.region} ({group.source}){protocol}"
    marked = group.rows["among_best"].astype(bool).tolist()
    return section(title, note, summary_columns(), group.rows.to_dict("records"), marked)


def _reliability(row: pd.Series) -> str:
    """The reliability of a region, or why none is known."""
    if not np.isnan(row["reliability_median"]):
        return f"median reliability {row['reliability_median']:.2f}"
    if row["n_unreliable"] == row["n_neuroids"]:
        return "no neuroid is reliable enough"
    return "too few stimuli were repeated for a ceiling" if row["n_repeated"] else "no repetitions, so no ceiling"


def to_markdown(page: Page) -> str:
    """A page in Markdown."""
    lines = [f"# {page.title}", ""]
    for section in page.sections:
        lines += [f"## {section.title}", ""] + ([section.note, ""] if section.note else [])
        lines += [_piped(section.columns), "|" + "---|" * len(section.columns)]
        for row, marked in zip(section.rows, section.marked, strict=True):
            lines.append(_piped([f"**{row[0]}**" if marked else row[0], *row[1:]]))
        lines.append("")
    return "\n".join(lines)


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def to_latex(page: Page) -> str:
    r"""A page as LaTeX to \input: a longtable with booktabs' rules for each section, its title and note the caption."""
    lines = [f"% {page.title}", r"% \usepackage{array, booktabs, longtable}", r"\begingroup\scriptsize"]
    lines.append(r"\setlength{\tabcolsep}{3pt}")
    for section in page.sections:
        head = " & ".join(map(escaped, section.columns))
        caption = escaped(f"{section.title}. {section.note}".strip())
        label = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")
        lines += [
            rf"\begin{{longtable}}{{{''.join(map(_column, section.align))}}}",
            rf"\caption{{{caption}}}\label{{tab:{label}}}\\",
            rf"\toprule {head} \\ \midrule \endfirsthead",
            rf"\toprule {head} \\ \midrule \endhead",
            r"\bottomrule \endfoot",
        ]
        for row, marked in zip(section.rows, section.marked, strict=True):
            first, *others = map(escaped, row)
            lines.append(" & ".join([rf"\textbf{{{first}}}" if marked else first, *others]) + r" \\")
        lines.append(r"\end{longtable}")
    return "\n".join([*lines, r"\endgroup", ""])


def _column(align: str | float) -> str:
    return align if isinstance(align, str) else rf">{{\raggedright\arraybackslash}}p{{{align}\linewidth}}"


def escaped(text: str) -> str:
    """Text as LaTeX shows it: special characters escaped, a minus before a number set as one."""
    parts = re.split(r"((?<!\w)-(?=\d))", text)
    return "".join("$-$" if i % 2 else "".join(LATEX.get(mark, mark) for mark in part) for i, part in enumerate(parts))


def write_page(page: Page, markdown: str | Path, latex: str | Path) -> None:
    """Write a page in both forms."""
    for path, text in ((markdown, to_markdown(page)), (latex, to_latex(page))):
        with writing(path) as temporary:
            temporary.write_text(text)
