"""R2 of some encoders over neuroids, beside what their noise allows: figure 2 of report 004, with its ceilings."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ventral.figures.scores import PROTOCOL, Best, draw_distribution, neuroid_scores, region_panels
from ventral.figures.style import STYLE, titled
from ventral.scores.resampling import interval

NAMED = 2  # neuroids without a ceiling that are named; of more, their number


def median_interval(values: np.ndarray, n_draws: int, seed: int) -> tuple[float, float, float]:
    """Median of (n,) values, and its 95 % interval over resamples of them."""
    drawn = np.random.default_rng(seed).integers(0, len(values), (n_draws, len(values)))
    median = float(np.median(values))
    low, high = interval(median, np.median(values[drawn], axis=1))
    return median, float(low), float(high)


def held_out_regions(summary: pd.DataFrame, encoder: str) -> list[Best]:
    """The regions for which an encoder was fitted, each with the stimuli held out: test where there is one, else val.

    Args:
        summary: rows of `summary.csv` of one dataset.
        encoder: its name.
    """
    rows = summary[(summary["protocol"] == PROTOCOL) & (summary["encoder"] == encoder)]
    last = rows.sort_values("split").groupby("region").first()  # test comes before val
    return [Best(str(region), row["split"], int(row["n_stimuli"]), encoder, None) for region, row in last.iterrows()]


def with_ceiling(table: pd.DataFrame) -> str:
    """Of which neuroids there is a ceiling; the others lack repetitions or any reliability."""
    names = [str(name) for name in table.index[~(table["ceiling_r2"] > 0)]]
    if not names:
        return "of all"
    return f"of all but {', '.join(names)}" if len(names) <= NAMED else f"of {len(table) - len(names)} neuroids"


def _draw_region(axes: Axes, best: Best, tables: Mapping[str, pd.DataFrame], n_draws: int, seed: int) -> None:
    first = next(iter(tables.values()))
    known = first["ceiling_r2"].where(first["ceiling_r2"] > 0)
    ceiling = f"noise ceiling: median {known.median():.2f}, {with_ceiling(first)}" if known.notna().any() else None
    handles = draw_distribution(axes, tables, "r2", "ceiling_r2" if ceiling else None)
    labels = []
    for name, table in tables.items():
        median, low, high = median_interval(table["r2"].to_numpy(), n_draws, seed)
        labels.append(f"{name}: median {median:z.2f} [{low:z.2f}, {high:z.2f}]")
    about = f"{best.region}: {len(first)} neuroids, {best.n_stimuli} stimuli ({best.split})"
    axes.set_xlabel("R²")
    axes.legend(
        handles,
        labels + ([ceiling] if ceiling else []),
        title=about if ceiling else f"{about}\nno noise ceiling is known",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.22),
        fontsize=7,
        title_fontsize=8,
        alignment="left",
    )


def draw_r2(
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    encoders: Sequence[str],
    dataset: str,
    n_draws: int,
    seed: int,
    least: float = -np.inf,
) -> Figure:
    """Histograms over the neuroids of each region, with medians and their intervals over resampled neuroids.

    Args:
        scores: rows of `scores.csv` of one dataset.
        summary: rows of `summary.csv` of it.
        encoders: one or two, of which the first is filled.
        dataset: its name.
        n_draws: resamples of the neuroids.
        seed: of these.
        least: neuroids of less reliability are left out.
    """
    found = []
    for best in held_out_regions(summary, encoders[0]):
        tables = {name: neuroid_scores(scores, best, name, least) for name in encoders}
        if all(len(table) for table in tables.values()):
            found.append((best, tables))
    with plt.rc_context(STYLE):
        figure, panels, _ = region_panels(len(found), (3.2, 3.2), (0.4, 0.4))
        for axes, (best, tables) in zip(panels, found, strict=True):
            _draw_region(axes, best, tables, n_draws, seed)
        figure.suptitle(titled(dataset, summary["source"].iloc[0], "R² over neuroids"))
    return figure
