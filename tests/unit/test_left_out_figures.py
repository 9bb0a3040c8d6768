"""A figure that cannot be drawn costs no other: it says so itself, in the log, and to the page."""

import pytest
from matplotlib import pyplot as plt

from ventral.figures.style import NothingToDraw, draw, draw_rdms
from ventral.files.console import logged
from ventral.report.pictures import left_out


def nothing():
    raise NothingToDraw("no neuroid fired")


def broken():
    plt.figure()
    return [][3]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nothing, "no neuroid fired"),
        (broken, "IndexError: list index out of range"),
        (lambda: draw_rdms("mine", "files", [], None, []), "no region has an RDM"),
    ],
)
def test_it_is_written_and_named(tmp_path, capsys, make, why):
    paths = [str(tmp_path / f"rdms_mine.{suffix}") for suffix in ("png", "svg", "pdf")]
    with logged(tmp_path / "log"):
        draw(make, paths)
    assert all((tmp_path / f"rdms_mine.{suffix}").stat().st_size for suffix in ("png", "svg", "pdf"))
    assert capsys.readouterr().err == f"rdms_mine: no figure: {why}\n"
    assert ("Traceback" in (tmp_path / "log").read_text()) == (make is broken)
    assert left_out(paths) == {"rdms_mine": why}
    assert plt.get_fignums() == []


def test_one_that_is_drawn_is_not_left_out(tmp_path):
    draw(plt.figure, [str(tmp_path / "scores_mine.png")])
    assert left_out(tmp_path.glob("*")) == {}
