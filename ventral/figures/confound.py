"""A simulated confound: sessions that showed different images make unrelated RDMs correlate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ventral.figures.contract import FigureKind, Files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ventral.similarity.confound import Panels
    from ventral.study.plan import Study


def exists(study: Study, dataset: str) -> bool:
    """Where RDMs of several sessions are compared."""
    return bool(study.with_sessions)


def inputs(study: Study, dataset: str) -> Files:
    """None: everything is simulated."""
    return {}


def settings(study: Study, dataset: str) -> dict[str, Any]:
    """What the simulation draws by."""
    return {name: study.config[name] for name in ("bootstrap", "seed")}


def read(bootstrap: int, seed: int) -> Panels:
    """Simulate the sessions and compare their RDMs."""
    from ventral.similarity.confound import confound_panels

    return confound_panels(seed, bootstrap)


def draw(panels: Panels) -> Figure:
    """The RDMs of stacked sessions and of unrelated features, and three correlations of them."""
    import numpy as np
    from matplotlib import pyplot as plt

    from ventral.figures.style import STYLE

    first = np.flatnonzero(np.r_[True, panels.session[1:] != panels.session[:-1]])
    middle = (first + np.r_[first[1:], len(panels.session)]) / 2
    with plt.rc_context(STYLE):
        figure, (left, right, bars) = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
        for axes, rdm, title in (
            (left, panels.neural, "RDM of responses, sessions stacked"),
            (right, panels.model, "RDM of unrelated features"),
        ):
            axes.imshow(rdm, cmap="viridis", interpolation="none")
            axes.set(title=title, yticks=[], xlabel="images, by session")
            axes.set_xticks(middle, panels.session[first], rotation=45)
            for edge in first[1:]:
                axes.axhline(edge - 0.5, color="w", linewidth=0.6)
                axes.axvline(edge - 0.5, color="w", linewidth=0.6)
        values = [panels.pooled, panels.partial, panels.within]
        error = np.zeros((2, 3))
        error[:, 2] = panels.within - panels.low, panels.high - panels.within
        names = ["sessions\npooled", "sessions\npartialled out", "within\nsessions"]
        bars.bar(names, values, yerr=error, color=["C3", "C0", "C0"])
        bars.axhline(0, color="k", linewidth=0.6)
        bars.set(ylabel="Spearman correlation of the RDMs", title="correlation of the two RDMs")
        figure.suptitle(f"simulated: {FIGURE.title}")
    return figure


def describe(panels: Panels) -> str:
    """The three correlations."""
    from ventral.tables.phrases import bounded, rounded

    return (
        f"Simulated: RDMs of responses and of features that are unrelated to them, {len(set(panels.session))} sessions "
        "stacked; both show one square for each session. Bars of their Spearman correlation: "
        f"{rounded(panels.pooled, 2)} pooled over sessions, {rounded(panels.partial, 2)} with the sessions partialled "
        f"out, {bounded(panels.within, panels.low, panels.high)} within sessions."
    )


FIGURE = FigureKind(
    title="unrelated RDMs correlate when sessions are pooled",
    category="Similarity",
    caption=(
        "A simulation. Each session showed images of its own, and the features of the images are unrelated to the "
        "responses. Where unit j of one session is stacked on unit j of another, the two RDMs correlate nevertheless, "
        "because both differ between sessions; within sessions they do not. The pooled number is therefore no evidence."
    ),
    exists=exists,
    inputs=inputs,
    settings=settings,
    read=read,
    draw=draw,
    describe=describe,
    of_dataset=False,
)
