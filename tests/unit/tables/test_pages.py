"""Pages of tables: LaTeX shows the same as Markdown, and compiles."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text
from pylatexenc.latexwalker import LatexWalker

from ventral.tables.pages import Page, Section, escaped, to_latex, to_markdown, write_page
from ventral.tables.phrases import bounded, rounded

PAGE = Page(
    "Which",
    [
        Section(
            "majaj, IT (simulated), brainscore",
            "r² & 95 % of it.",
            ["encoder", "r", "status"],
            [0.2, "r", 0.3],
            [["a_b-ols", "-0.278 [-0.397, -0.098]", "50 % worse: #1 {x} ~ ^ \\ $"], ["c", "none", "matched"]],
            [True, False],
        ),
        Section("mine, V4", "", ["encoder", "r"], ["l", "r"], [["d", "0.100"]], [False]),
    ],
)
DOCUMENT = r"\documentclass{article}\usepackage{array, booktabs, longtable}\begin{document}\input{page}\end{document}"


def shown(latex):
    """What a piece of LaTeX shows, by an independent parser that refuses what does not close."""
    return LatexNodes2Text(math_mode="text", strict_latex_spaces=True).latex_to_text(latex).replace("\u02c6", "^")


def tables(latex):
    """Rows of cells of every longtable, as shown."""
    nodes, _, _ = LatexWalker(latex, tolerant_parsing=False).get_latex_nodes()
    bodies = [node for group in nodes for node in _environments(group)]
    for body in bodies:
        rows = body.latex_verbatim().split(r"\endfoot")[1].split(r"\end{longtable}")[0]
        yield [[shown(cell).strip() for cell in re.split(r"(?<!\\)&", row)] for row in rows.split(r"\\")[:-1]]


def _environments(node):
    return [node] if getattr(node, "environmentname", "") == "longtable" else []


def test_latex_shows_the_cells_that_markdown_shows():
    assert list(tables(to_latex(PAGE))) == [[list(row) for row in section.rows] for section in PAGE.sections]
    page = to_markdown(PAGE)
    for section in PAGE.sections:
        assert f"\n## {section.title}\n" in page
        for row in section.rows:
            assert all(f" {cell} |" in page or f" **{cell}** |" in page for cell in row)


def test_caption_says_simulated_and_the_best_are_bold():
    latex = to_latex(PAGE)
    assert r"\caption{majaj, IT (simulated), brainscore. r\textsuperscript{2} \& 95 \% of it.}" in latex
    assert r"\label{tab:majaj-it-simulated-brainscore}" in latex
    assert r"\textbf{a\_\allowbreak{}b-ols} & $-$0.278 [$-$0.397, $-$0.098] & " in latex
    assert latex.count(r"\textbf") == 1


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"])).map(lambda text: " ".join(text.split())))
def test_every_text_is_shown_as_it_is(text):
    LatexWalker(escaped(text), tolerant_parsing=False).get_latex_nodes()
    ligatures = re.search(r"''|``|--|!`|\?`", text)  # a typesetter's, harmless in names
    assert ligatures or shown(escaped(text)) == text


def test_numbers_are_rounded_alike():
    assert (rounded(0.12345), rounded(np.nan), rounded(0.5, 2)) == ("0.123", "none", "0.50")
    assert bounded(0.1, 0.05, 0.2) == "0.100 [0.050, 0.200]"
    assert bounded(0.1, np.nan, np.nan) == "0.100"
    assert bounded(np.nan, 0, 1) == "none"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine; the parser checks the page")
def test_latex_compiles(tmp_path):
    write_page(PAGE, tmp_path / "page.md", tmp_path / "page.tex")
    (tmp_path / "main.tex").write_text(DOCUMENT)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
