"""What sessions with images of their own make of a comparison of RDMs."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from ventral.figures.style import STYLE
from ventral.similarity.confound import Panels


def draw_confound(panels: Panels) -> Figure:
    """Sessions that saw images of their own: RDMs alike between sessions and unlike within, and the numbers of both.

    Args:
        panels: from `confound_panels`.
    """
    first = np.flatnonzero(np.r_[True, panels.session[1:] != panels.session[:-1]])
    middle = (first + np.r_[first[1:], len(panels.session)]) / 2
    with plt.rc_context(STYLE):
        figure, (left, right, bars) = plt.subplots(1, 3, figsize=(10, 3.4), layout="constrained")
        for axes, rdm, title in (
            (left, panels.neural, "responses, sessions stacked"),
            (right, panels.model, "features"),
        ):
            axes.imshow(rdm, cmap="viridis", interpolation="none")
            axes.set(title=title, yticks=[], xlabel="images by session")
            axes.set_xticks(middle, panels.session[first], rotation=45)
            for edge in first[1:]:
                axes.axhline(edge - 0.5, color="w", linewidth=0.6)
                axes.axvline(edge - 0.5, color="w", linewidth=0.6)
        values = [panels.pooled, panels.partial, panels.within]
        error = np.zeros((2, 3))
        error[:, 2] = panels.within - panels.low, panels.high - panels.within
        bars.bar(["pooled", "given\nsessions", "within\nsessions"], values, yerr=error, color=["C3", "C0", "C0"])
        bars.axhline(0, color="k", linewidth=0.6)
        bars.set(ylabel="Spearman correlation of RDMs", title="features say nothing about responses")
        figure.suptitle("simulated: what sessions with images of their own do to a pooled comparison")
    return figure
