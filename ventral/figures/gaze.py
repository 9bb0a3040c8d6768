"""Where the animals looked: fixations on the most viewed image of every session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ventral.figures.contract import FigureKind, Files
from ventral.study import paths

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ventral.data.sources.xiao import Xiao
    from ventral.study.plan import Study

COLUMNS = 4


@dataclass(frozen=True)
class Panel:
    """One session.

    Attributes:
        session: its name.
        fixations: rows of `fixations.csv` on one image.
        image: (height, width, 3), None where it is not at hand.
        size_dva: (2,) its width and height in degrees of visual angle.
    """

    session: str
    fixations: pd.DataFrame
    image: NDArray[np.uint8] | None
    size_dva: NDArray[np.float64]


@dataclass(frozen=True)
class Gaze:
    """What the figure shows.

    Attributes:
        panels: of each session.
        dataset: its name.
        source: of the recordings.
    """

    panels: Sequence[Panel]
    dataset: str
    source: str


def exists(study: Study, dataset: str) -> bool:
    """Where animals viewed images freely, in sessions."""
    return dataset in study.with_sessions


def inputs(study: Study, dataset: str) -> Files:
    """The fixations and the image file of every session, and the folder of images where there is one."""
    source = cast("Xiao", study.datasets[dataset])
    fixations = [paths.FIXATIONS.format(dataset=dataset, session=name) for name in source.stems]
    files: dict[str, str | list[str]] = {"fixations": fixations, "images": source.session_files("_image")}
    return files | ({"stimuli": source.stimulus_folder} if source.stimulus_folder else {})


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """The names of the sessions and of their source."""
    source = cast("Xiao", study.datasets[dataset])
    return {"sessions": list(source.stems), "source": source.name}


def read(
    fixations: Sequence[str],
    images: Sequence[str],
    sessions: Sequence[str],
    source: str,
    dataset: str,
    stimuli: str | None = None,
) -> Gaze:
    """Find the image with the most fixations in every session."""
    import pandas as pd

    from ventral.data.xiao.files import read_image_file

    panels = []
    for session, table, file in zip(sessions, fixations, images, strict=True):
        selected = pd.read_csv(table).query("selected")
        stimulus = str(selected["stimulus_id"].value_counts().sort_index().idxmax())
        here = selected[selected["stimulus_id"] == stimulus]
        panels.append(Panel(session, here, _image_of(stimulus, stimuli), read_image_file(file).size_dva))
    return Gaze(panels, dataset, source)


def _image_of(stimulus: str, folder: str | None) -> NDArray[np.uint8] | None:
    """The pixels of one stimulus; None where there is no folder, or the stimulus is not in it."""
    from ventral.data.images import find_stimuli, open_images, read_image
    from ventral.files.errors import InputError

    if folder is None:
        return None
    names, read_file = open_images(folder)
    try:
        found, _ = find_stimuli(names, [stimulus], folder)
    except InputError:
        return None
    return read_image(folder, found[stimulus], read_file)


def draw(gaze: Gaze) -> Figure:
    """One panel a session: fixations coloured by their rank in the trial, sized by duration."""
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE, titled

    columns = min(COLUMNS, len(gaze.panels))
    rows = -(-len(gaze.panels) // columns)
    with plt.rc_context(STYLE):
        size = (3.4 * columns + 0.8, 3.4 * rows + 0.4)
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
        for axes in grid.flat[len(gaze.panels) :]:
            axes.set_axis_off()
        for axes, panel in zip(grid.flat, gaze.panels, strict=False):
            width, height = panel.size_dva
            extent = (-width / 2, width / 2, -height / 2, height / 2)
            if panel.image is not None:
                axes.imshow(panel.image, extent=extent, alpha=0.8)
            at = panel.fixations
            shown = axes.scatter(
                at["x_dva"], at["y_dva"], s=at["duration_ms"] / 5, c=at["fixation"],
                cmap="plasma", vmin=0, vmax=8, alpha=0.8, edgecolors="w", linewidths=0.5,
            )  # fmt: skip
            axes.set(title=panel.session, xlim=extent[:2], ylim=extent[2:], aspect="equal")
            axes.set(xlabel="horizontal position (degrees)", ylabel="vertical position (degrees)")
        figure.colorbar(shown, ax=grid, label="rank of the fixation in its trial", shrink=0.7)
        figure.suptitle(titled(gaze.dataset, gaze.source, FIGURE.title))
    return figure


def describe(gaze: Gaze) -> str:
    """The sessions and their fixations."""
    from ventral.tables.phrases import counted, labelled, named

    sessions = [f"{panel.session} ({counted(len(panel.fixations), 'fixation')})" for panel in gaze.panels]
    return (
        f"Fixations as points on the image that was viewed most, {labelled(gaze.dataset, gaze.source)}, one panel for "
        f"each of {counted(len(sessions), 'session')}: {named(sessions, 9)}."
    )


FIGURE = FigureKind(
    title="fixations on the most viewed images",
    category="Responses",
    caption=(
        "Where the animals of {dataset} looked: the selected fixations on the image with the most fixations in each "
        "session. Colour: rank of the fixation in its trial. Size: duration."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
)
