"""The one contract of every recording: `responses/{dataset}.nc`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ventral.atomic import enduring, reading, writing
from ventral.data.splits import SPLITS, protocol_splits
from ventral.errors import InputError, listed
from ventral.scores import pearson_r, spearman_brown

N_HALVES = 100  # random halves behind a reliability; its standard error from the choice of halves is then negligible


def random_halves(
    stimulus: NDArray[np.intp], presentation: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Deal the presentations of every stimulus into two halves at random, all rows of one presentation together.

    Args:
        stimulus: (rows,) index of the stimulus of each row.
        presentation: (rows,) identifier of the presentation of each row.
        rng: source of randomness.

    Returns:
        (rows,) 0 or 1. A stimulus with an odd number of presentations has one more in a random half.
    """
    _, first, back = np.unique(presentation, return_index=True, return_inverse=True)
    shown = stimulus[first]
    order = np.lexsort((rng.random(len(first)), shown))
    starts = np.searchsorted(shown[order], shown[order])
    coin = rng.integers(0, 2, shown.max() + 1)
    half = np.empty(len(first), dtype=np.intp)
    half[order] = (np.arange(len(first)) - starts + coin[shown[order]]) % 2
    return half[back]


def average_rows(
    values: NDArray[np.floating], group: NDArray[np.intp], n_groups: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean and number of the observed values of every group of rows.

    Args:
        values: (rows, neuroid), NaN where nothing was recorded.
        group: (rows,) group of each row, from 0.
        n_groups: number of groups.

    Returns:
        (group, neuroid) means, NaN where nothing was observed, and (group, neuroid) counts.
    """
    rows = np.arange(len(group))
    sum_rows = sparse.csr_array((np.ones(len(group)), (group, rows)), shape=(n_groups, len(group)))
    observed = np.isfinite(values)
    if observed.all():  # as nearly always: one product in place of two, which are what takes the time
        counts = np.repeat(np.bincount(group, minlength=n_groups)[:, None], values.shape[1], axis=1)
        sums = sum_rows @ values
    else:
        counts = np.rint(sum_rows @ observed.astype(np.float32)).astype(np.int64)
        sums = sum_rows @ np.where(observed, values, 0)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / counts, np.nan), counts


def reduce_presentations(
    values: NDArray[np.floating],
    stimulus: NDArray[np.intp],
    n_stimuli: int,
    seed: int,
    presentation: NDArray[np.intp] | None = None,
) -> dict[str, NDArray]:
    """Average repetitions and estimate the reliability of every neuroid.

    Args:
        values: (rows, neuroid) response to each presentation (or to each fixation within one), NaN where missing.
        stimulus: (rows,) index of the stimulus of each row.
        n_stimuli: number of stimuli n.
        seed: seed of the random halves.
        presentation: (rows,) presentation of each row; halves never divide one. None: every row is its own.

    Returns:
        `rate` (stimulus, neuroid); `rate_half` (2, stimulus, neuroid), one random pair of halves; `n_presentations`
        (stimulus, neuroid), rows behind each rate; `reliability` (neuroid,), the correlation of the two halves over
        stimuli, averaged over random halves and corrected by Spearman-Brown, NaN where no stimulus was repeated;
        `reliability_sd` (neuroid,), how much it varies from one pair of random halves to another.
    """
    presentation = np.arange(len(stimulus)) if presentation is None else presentation
    rate, counts = average_rows(values, stimulus, n_stimuli)
    rng = np.random.default_rng(seed)
    halves = np.full((2, *rate.shape), np.nan)
    correlations = []
    for draw in range(N_HALVES):
        half = random_halves(stimulus, presentation, rng)
        means, _ = average_rows(values, stimulus + n_stimuli * half, 2 * n_stimuli)
        pair = means.reshape(2, n_stimuli, -1)
        correlations.append(pearson_r(pair[0], pair[1]))
        if draw == 0:
            halves = pair
    return {
        "rate": rate,
        "rate_half": halves,
        "n_presentations": counts,
        "reliability": spearman_brown(np.mean(correlations, axis=0)),
        "reliability_sd": np.std(spearman_brown(np.array(correlations)), axis=0),
    }


def make_responses(
    reduced: Mapping[str, NDArray],
    stimulus: Mapping[str, ArrayLike],
    neuroid: Mapping[str, ArrayLike],
    *,
    source: str,
    units: str,
    window_ms: tuple[float, float] | None,
) -> xr.Dataset:
    """Gather what `reduce_presentations` returns and the labels of stimuli and neuroids into one dataset.

    Args:
        reduced: `rate`, `rate_half`, `n_presentations`, `reliability` and `reliability_sd`.
        stimulus: coordinates of the stimuli: `stimulus_id`, `split`, and `object_name`, `category_name` where known.
        neuroid: coordinates of the neuroids: `neuroid_id`, `region`, `subject`, `session`.
        source: where the recordings come from; "simulated" where they are.
        units: "Hz", or "normalised" where the publisher's values are.
        window_ms: start and end of the counting window after stimulus onset, None where unknown.
    """
    return xr.Dataset(
        {
            "rate": (("stimulus", "neuroid"), reduced["rate"]),
            "rate_half": (("half", "stimulus", "neuroid"), reduced["rate_half"]),
            "n_presentations": (("stimulus", "neuroid"), reduced["n_presentations"]),
        },
        coords={
            **{name: ("stimulus", np.asarray(values)) for name, values in stimulus.items()},
            **{name: ("neuroid", np.asarray(values)) for name, values in neuroid.items()},
            **{name: ("neuroid", reduced[name]) for name in ("reliability", "reliability_sd")},
        },
        attrs={"source": source, "units": units} | ({"window_ms": window_ms} if window_ms else {}),
    )


def check_responses(responses: xr.Dataset, file: str | Path) -> None:
    """Refuse responses that no encoder can be fitted to.

    Raises:
        InputError: naming `file`, on duplicate ids of stimuli or neuroids, on neuroids without a value or without
            variance, or if an object has images enough for train, val and test, and none of them in train.
    """
    ids, counts = np.unique(responses["stimulus_id"].values, return_counts=True)
    if (counts > 1).any():
        raise InputError(file, "stimulus_id", f"duplicate ids {listed(ids[counts > 1])}", "give every image its own id")
    names = responses["neuroid_id"].values
    ids, counts = np.unique(names.astype(str), return_counts=True)
    if (counts > 1).any():
        twice = listed(ids[counts > 1], 3)
        raise InputError(file, "neuroid_id", f"duplicate ids {twice}", "give every neuroid its own id")
    rate = responses["rate"].values
    empty = np.isnan(rate).all(axis=0)
    if empty.any():
        raise InputError(file, f"neuroid {listed(names[empty])}", "all values are NaN", "leave the neuroid out")
    flat = np.nanmax(rate, axis=0) == np.nanmin(rate, axis=0)
    if flat.any():
        raise InputError(file, f"neuroid {listed(names[flat])}", "all values are equal", "leave the neuroid out")
    if "object_name" in responses:
        objects, n_images = np.unique(responses["object_name"].values, return_counts=True)
        trained = np.isin(objects, responses["object_name"].values[responses["split"].values == "train"])
        lost = objects[~trained & (n_images >= len(SPLITS))]
        if lost.size:
            raise InputError(file, "split", f"leaves no train image of {listed(lost, 3)}", "hold out fewer images")


def write_responses(responses: xr.Dataset, path: str | Path) -> None:
    """Write the dataset as compressed netCDF, complete or not at all."""
    encoding = {name: {"zlib": True, "complevel": 4} for name in responses.data_vars}
    with writing(path, sealed=True) as temporary, enduring(temporary) as file:
        responses.to_netcdf(file, engine="h5netcdf", encoding=encoding)


def read_responses(path: str | Path) -> xr.Dataset:
    """Read a `responses/{dataset}.nc`, or another netCDF file of the study, into memory.

    Raises:
        InputError: if the file is damaged.
    """
    with reading(path):
        return xr.load_dataset(path, engine="h5netcdf")


def draw_splits(responses: xr.Dataset, protocol: str, seed: int) -> NDArray[np.str_]:
    """Every split of the stimuli of a `responses/{dataset}.nc` by a protocol, in equal shares of objects or categories.

    Args:
        responses: with coordinates `split` and, where known, `object_name` or `category_name` and `stimulus_group`.
        protocol: as for `protocol_splits`.
        seed: of the folds.

    Returns:
        (repeat, stimulus) of "train", "val" and "test"; "" for a stimulus without any response, which a protocol that
        draws its own splits leaves out.

    Raises:
        InputError: if the stimuli are too few for the protocol.
    """
    split = responses["split"].values
    if protocol == "holdout":
        return protocol_splits(protocol, split, seed)
    observed = np.isfinite(responses["rate"].values).any(axis=1)
    labels = {name: responses[name].values[observed] for name in ("object_name", "category_name") if name in responses}
    groups = responses["stimulus_group"].values[observed] if "stimulus_group" in responses else None
    try:
        drawn = protocol_splits(protocol, split[observed], seed, next(iter(labels.values()), None), groups)
    except ValueError as error:
        raise InputError("config", f"protocols: {protocol}", str(error), "leave the protocol out") from None
    splits = np.full((len(drawn), len(split)), "", dtype=drawn.dtype)
    splits[:, observed] = drawn
    return splits
