"""Files of figures contain their words. A figure that cannot be drawn stops no other, and gives its reason."""

import re

import pytest
from matplotlib import pyplot as plt
from PIL import Image

from ventral.figures import rdms
from ventral.figures.contract import FigureKind
from ventral.figures.rdms import RDMs
from ventral.figures.style import NothingToDraw, draw
from ventral.files.console import logged
from ventral.report.pictures import left_out, pictures


def kind_of(make, read=lambda dataset: None):
    return FigureKind(
        title="r² of neuroids",
        category="Encoders",
        caption="Scores of {dataset}: ``r``.",
        exists=lambda study, dataset: True,
        inputs=lambda study, dataset: {},
        read=read,
        draw=make,
        describe=lambda data: "One point: r² = 0.5.",
    )


def nothing(data=None, dataset=""):
    raise NothingToDraw("no neuroid fired")


def broken(data):
    plt.figure()
    return [][3]


def without_regions(data):
    return rdms.draw(RDMs([], [], None, "mine", "files"))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (kind_of(nothing), "no neuroid fired"),
        (kind_of(broken), "IndexError: list index out of range"),
        (kind_of(without_regions), "no region has an RDM"),
        (kind_of(lambda data: plt.figure(), nothing), "no neuroid fired"),
    ],
)
def test_it_is_written_and_named(tmp_path, capsys, kind, why):
    paths = [str(tmp_path / f"rdms_mine.{suffix}") for suffix in ("png", "svg", "pdf")]
    with logged(tmp_path / "log"):
        draw(kind, {}, "mine", paths)
    assert all((tmp_path / f"rdms_mine.{suffix}").stat().st_size for suffix in ("png", "svg", "pdf"))
    assert capsys.readouterr().err == f"rdms_mine: no figure: {why}\n"
    assert ("Traceback" in (tmp_path / "log").read_text()) == (kind.draw is broken)
    assert left_out(paths) == {"rdms_mine": why} and pictures(paths) == []
    assert plt.get_fignums() == []


def test_one_that_is_drawn_carries_its_words(tmp_path):
    paths = [str(tmp_path / f"scores_mine.{suffix}") for suffix in ("png", "svg", "pdf")]
    draw(kind_of(lambda data: plt.figure()), {}, "mine", paths)
    assert left_out(paths) == {}
    (picture,) = pictures(paths)
    assert (picture.name, picture.dataset, picture.alt) == ("scores_mine", "mine", "One point: r² = 0.5.")
    assert picture.caption == "Scores of mine: <code>r</code>."
    with Image.open(paths[0]) as image:
        assert image.info["Title"] == "r² of neuroids"
    svg = (tmp_path / "scores_mine.svg").read_text()
    assert re.search(r"<dc:title>r² of neuroids<.*One point: r² = 0.5.", svg, re.DOTALL)
