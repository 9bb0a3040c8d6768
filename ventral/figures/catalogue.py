"""The kinds of figures, each a module of this folder, and the figures of a study."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, NamedTuple

from ventral.figures.contract import FigureKind, Files

if TYPE_CHECKING:
    from ventral.study.plan import Study

HERE = Path(__file__).parent
NO_FIGURES = {"catalogue", "contract", "style"}  # modules of this folder that serve all figures
CATEGORIES = ("Encoders", "Similarity", "Responses", "Faces")  # in the order in which a reader meets them


class StudyFigure(NamedTuple):
    """One figure of a study, with what its kind says of this study.

    Attributes:
        kind: the name of its kind.
        dataset: its name, "" where the figure is of no single one.
        category, caption, memory: as of `FigureKind`, the caption with the dataset's name.
        files: that it is made from, by name.
        settings: values of the config that it depends on, by name.
    """

    kind: str
    dataset: str
    category: str
    caption: str
    memory: tuple[float, float]
    files: Files
    settings: dict[str, Any]


def kinds() -> list[str]:
    """The names of all kinds of figures."""
    return sorted({module.name for module in iter_modules([str(HERE)])} - NO_FIGURES)


def figure_kind(name: str) -> FigureKind[Any]:
    """A kind of figure by its name, which is that of its module."""
    # The package is no constant here, so that who draws one figure does not depend on the code of all.
    found: FigureKind[Any] = import_module(f"{__package__}.{name}").FIGURE
    return found


def figures_of(study: Study) -> dict[str, StudyFigure]:
    """Every figure of a study by the name of its files, in the order in which a reader meets them."""
    found: dict[str, StudyFigure] = {}
    for name in sorted(kinds(), key=lambda name: CATEGORIES.index(figure_kind(name).category)):
        kind = figure_kind(name)
        for dataset in study.datasets if kind.of_dataset else [""]:
            if kind.exists(study, dataset):
                found[f"{name}_{dataset}" if dataset else name] = StudyFigure(
                    name,
                    dataset,
                    kind.category,
                    kind.caption.format(dataset=dataset),
                    kind.memory,
                    kind.inputs(study, dataset),
                    kind.settings(study, dataset),
                )
    return found
