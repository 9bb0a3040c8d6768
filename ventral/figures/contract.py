"""What a figure says about itself: where it comes from, when it exists, how it is drawn, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ventral.study.plan import Study

Data = TypeVar("Data")
Files = Mapping[str, str | list[str]]
PROTOCOL = "holdout"  # the protocol that figures show


def no_settings(study: Study, dataset: str) -> dict[str, Any]:
    """The settings of a figure that reads nothing of the config."""
    return {}


@dataclass(frozen=True)
class FigureKind(Generic[Data]):
    """A kind of figure, of which a study has one, or one for each dataset.

    A module `ventral/figures/NAME.py` holds one as `FIGURE`. The workflow imports all of them to ask what exists, so
    that they import matplotlib and its like within functions; a job that draws imports its own alone.

    Attributes:
        title: what it shows, in a few words.
        category: where the report of Snakemake files it: one of `ventral.figures.catalogue.CATEGORIES`.
        caption: a paragraph below it, with ``code`` and *stress* marked; `{dataset}` stands for the dataset's name.
        exists: whether a study has it (for a dataset, "" where it is of no single one).
        inputs: the files that it is made from, by name.
        settings: the values of the config that it depends on, by name.
        read: makes what is drawn from files and settings, given by their names (and `dataset`, where it is of one).
        draw: draws what `read` returns.
        describe: says in words what `draw` shows, with its main numbers, for those who cannot see it.
        of_dataset: whether there is one for each dataset.
        memory: megabytes that a job needs, and megabytes more for each megabyte of its inputs.
    """

    title: str
    category: str
    caption: str
    exists: Callable[[Study, str], bool]
    inputs: Callable[[Study, str], Files]
    read: Callable[..., Data]
    draw: Callable[[Data], Figure]
    describe: Callable[[Data], str]
    settings: Callable[[Study, str], dict[str, Any]] = no_settings
    of_dataset: bool = True
    memory: tuple[float, float] = (1000, 0)
