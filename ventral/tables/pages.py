"""Tables to read: numbers rounded once, then set as Markdown or as LaTeX for a paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ventral.files.atomic import writing
from ventral.scores.catalogue import METRICS
from ventral.scores.intervals import OVER
from ventral.tables.gather import best_first

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
    """One table of a page: a title, what there is to know of it, and rows of rounded cells.

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


def rounded(value: float, digits: int = 3) -> str:
    """A number as every table shows it, or "none"."""
    return "none" if np.isnan(value) else f"{value:.{digits}f}"


def bounded(value: float, low: float, high: float, digits: int = 3) -> str:
    """A number and its interval as every table shows them; without an interval the number alone."""
    interval = "" if np.isnan(value) or np.isnan(low) else f" [{rounded(low, digits)}, {rounded(high, digits)}]"
    return rounded(value, digits) + interval


def summary_page(summary: pd.DataFrame) -> Page:
    """The summary to read: a table a dataset, protocol and region, the best encoder first.

    Args:
        summary: as `summary.csv`; the rows of the last split at hand (test where there is one) are shown.
    """
    groups = summary.groupby(["dataset", "protocol", "region"], sort=False)
    return Page("Which models predict the neurons", [_summary_section(rows) for _, rows in groups])


def _summary_section(group: pd.DataFrame) -> Section:
    split = "test" if (group["split"] == "test").any() else "val"
    shown = best_first(group[group["split"] == split])
    first = shown.iloc[0]
    rows = [
        [
            f"{row['encoder']} (reference)" if row["reference"] else row["encoder"],
            row["weights"],
            row["layer"],
            *(bounded(*(row[f"{metric}_{part}"] for part in ("mean", "low", "high"))) for metric in METRICS[:3:2]),
            bounded(row["ceiled_r2"], row["ceiled_r2_low"], row["ceiled_r2_high"], 2),
            rounded(row["ceiled_r2_median"], 2),
        ]
        for row in shown.to_dict("records")
    ]
    return Section(
        f"{first['dataset']}, {first['region']} ({first['source']})"
        + ("" if first["protocol"] == "holdout" else f", {first['protocol']}"),
        f"{first['n_neuroids']} neuroids, {first['n_stimuli']} held-out stimuli ({split}), {_reliability(first)}. "
        f"Means over neuroids with 95 % intervals over {OVER[first['interval_over']]}. Share of the ceiling: the sum "
        f"of r² over the sum of noise ceilings of {first['n_ceiled']} neuroids; beside it, the median over neuroids. "
        "Bold: the model confidence set, the best encoder by r and those that it cannot be told from. References "
        "(pixels, labels, random weights) are ranked after the models.",
        ["encoder", "weights", "layer", "explained variance", "r", "share of the ceiling", "median"],
        [0.18, 0.11, 0.1, "r", "r", "r", "r"],
        rows,
        shown["among_best"].astype(bool).tolist(),
    )


def _reliability(row: pd.Series) -> str:
    """The reliability of a region, or why none is known."""
    if not np.isnan(row["reliability_median"]):
        return f"median reliability {row['reliability_median']:.2f}"
    if row["n_unreliable"] == row["n_neuroids"]:
        return "no neuroid of the reliability that is asked for"
    return "too few stimuli repeated for a ceiling" if row["n_repeated"] else "no repetitions, so no ceiling"


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
