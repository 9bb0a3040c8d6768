"""Scores layer by layer, as figures show them: of which readout, and under which noise ceiling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ventral.data.selection import is_reliable
from ventral.scores.catalogue import HEADLINES
from ventral.scores.ceilings import noise_ceiling

PROTOCOL = "holdout"  # of all protocols the one whose layers figures show


@dataclass(frozen=True)
class Ceiling:
    """How well the neuroids of a region could be predicted.

    Attributes:
        n_neuroids: that are reliable enough to count in means.
        values: mean over them of the highest attainable value of each headline metric, NaN where unknown.
    """

    n_neuroids: int
    values: dict[str, float]


def read_layers(layers: pd.DataFrame, dataset: str, networks: Sequence[str]) -> pd.DataFrame:
    """The rows that figures show: the layers of networks of one dataset, by the readout that predicts best.

    Args:
        layers: as `layers.csv`.
        dataset: its name.
        networks: those to show; encoders trained on the neurons have one layer each and are left out.
    """
    here = (layers["dataset"] == dataset) & (layers["protocol"] == PROTOCOL) & layers["network"].isin(networks)
    shown = layers[here]
    return shown[shown["readout"] == best_readout(shown)]


def best_readout(layers: pd.DataFrame) -> str:
    """Of the readouts that most networks have, the one whose best layers predict train best, on average over all.

    Where every neuroid is too unreliable to tell, it is the first by name.
    """
    networks = layers.groupby("readout")["network"].nunique()
    layers = layers[layers["readout"].isin(networks[networks == networks.max()].index)]
    best = layers.groupby(["readout", "region", "network"])["train_r2_mean"].max()
    return str(best.groupby("readout").mean().fillna(-np.inf).idxmax())


def region_ceilings(responses: xr.Dataset, min_reliability: float) -> dict[str, Ceiling]:
    """The noise ceiling of each region on the validation stimuli.

    Args:
        responses: as in `responses/{dataset}.nc`.
        min_reliability: neuroids of less reliability are left out, as in the means of the summary.
    """
    val = responses.isel(stimulus=responses["split"].values == "val")
    components = (val[name].values for name in ("signal_variance", "noise_variance", "n_presentations"))
    ceiling, region = noise_ceiling(*components), responses["region"].values
    counted = is_reliable(responses, min_reliability)
    left = np.isfinite(ceiling) & np.isfinite(responses["reliability"].values) & counted
    return {
        str(name): Ceiling(int((counted & (region == name)).sum()), _means(ceiling[(region == name) & left]))
        for name in np.unique(region)
    }


def _means(ceiling: NDArray[np.float64]) -> dict[str, float]:
    """Mean over neuroids of the highest attainable value of each headline metric."""
    known = np.clip(ceiling, 0, 1)
    return {
        name: float(metric.ceiling(known).mean()) if known.size and metric.ceiling else np.nan
        for name, metric in HEADLINES.items()
    }
