"""The format of every recording's responses: `responses/{dataset}.nc`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ventral.data.selection import require_train, stimulus_groups
from ventral.data.splits import SPLITS, protocol_splits
from ventral.files.atomic import enduring, reading, writing
from ventral.files.errors import InputError, listed, refuse_all
from ventral.scores.ceilings import average_rows, covariance, noise_ceiling, squared_errors, variance_components

Floats = NDArray[np.float64]

N_HALVES = 100  # pairs of random halves behind the standard deviation of a reliability
N_PAIRS = 5  # pairs of halves that are kept, for RDMs
OF_NEUROIDS = ("signal_variance", "noise_variance", "reliability", "reliability_sd")


def random_halves(
    stimulus: NDArray[np.intp], presentation: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Split the presentations of every stimulus at random into two equal halves; all rows of one stay together.

    Args:
        stimulus: (rows,) index of the stimulus of each row.
        presentation: (rows,) identifier of the presentation of each row.
        rng: source of randomness.

    Returns:
        (rows,) 0 or 1; -1 for a presentation that is left out at random because a stimulus has an odd number of them.
    """
    _, first, back = np.unique(presentation, return_index=True, return_inverse=True)
    shown = stimulus[first]
    order = np.lexsort((rng.random(len(first)), shown))
    place = np.arange(len(first)) - np.searchsorted(shown[order], shown[order])
    paired = 2 * (np.bincount(shown)[shown[order]] // 2)
    half = np.empty(len(first), dtype=np.intp)
    half[order] = np.where(place < paired, place % 2, -1)
    return half[back]


def halve_rows(
    values: NDArray[np.floating],
    stimulus: NDArray[np.intp],
    n_stimuli: int,
    seed: int,
    presentation: NDArray[np.intp],
) -> tuple[NDArray[np.float32], Floats]:
    """Mean responses in equal random halves of the presentations, and how much their covariance varies by chance.

    Args:
        values: (rows, neuroid), as are the others, of `reduce_presentations`.
        stimulus: (rows,).
        n_stimuli: number of stimuli n.
        seed: of the halves.
        presentation: (rows,).

    Returns:
        (2 `N_PAIRS`, n, neuroid) means of the first pairs, halves 2k and 2k + 1 of one pair, NaN where a stimulus was
        not repeated; and the (neuroid,) standard deviation of the covariance within a pair, over `N_HALVES` pairs.
    """
    kept = np.full((2 * N_PAIRS, n_stimuli, values.shape[1]), np.nan, dtype=np.float32)
    shown = stimulus[np.unique(presentation, return_index=True)[1]]
    again = np.bincount(shown, minlength=n_stimuli) > 1  # others have no halves, and are many in large recordings
    rows = np.flatnonzero(again[stimulus])
    if not rows.size:
        return kept, np.full(values.shape[1], np.nan)
    values, presentation = values[rows], presentation[rows]
    repeated, of = np.unique(stimulus[rows], return_inverse=True)
    rng = np.random.default_rng(seed)
    covariances = []
    for draw in range(max(N_HALVES, N_PAIRS)):
        half = random_halves(of, presentation, rng)
        means, _ = average_rows(values, np.where(half < 0, -1, of + len(repeated) * half), 2 * len(repeated))
        pair = means.reshape(2, len(repeated), -1)
        covariances.append(covariance(pair[0], pair[1]))
        if draw < N_PAIRS:
            kept[2 * draw : 2 * draw + 2, repeated] = pair
    return kept, np.std(covariances, axis=0)


def reduce_presentations(
    values: NDArray[np.floating],
    stimulus: NDArray[np.intp],
    n_stimuli: int,
    seed: int,
    presentation: NDArray[np.intp] | None = None,
) -> dict[str, NDArray]:
    """Average repetitions and estimate signal, noise and reliability of every neuroid.

    Args:
        values: (rows, neuroid) response to each presentation (or to each fixation within one), NaN where missing.
        stimulus: (rows,) index of the stimulus of each row.
        n_stimuli: number of stimuli n.
        seed: seed of the random halves.
        presentation: (rows,) presentation of each row; halves never divide one. None if every row is its own
            presentation.

    Returns:
        `rate` (stimulus, neuroid), means over rows; `n_presentations` (stimulus, neuroid) behind them; `rate_half` (2
        `N_PAIRS`, stimulus, neuroid) as of `halve_rows`, whose halves are equal but for missing trials; and for each
        neuroid `signal_variance` and `noise_variance` (`ventral.scores.ceilings.variance_components`), the
        `reliability` of the means over the repeated stimuli, from these two, and `reliability_sd`, the standard
        deviation of estimates from single pairs of random halves. The last four are NaN if no stimulus was repeated.
    """
    rate, rows = average_rows(values, stimulus, n_stimuli)
    if presentation is None:
        presentation, shown, of, rows = np.arange(len(stimulus)), values, stimulus, np.isfinite(values)
    else:
        _, first, presentation = np.unique(presentation, return_index=True, return_inverse=True)
        shown, rows = average_rows(values, presentation, len(first))
        of = stimulus[first]
    errors, n = squared_errors(shown, rows, of, n_stimuli)
    signal, noise = variance_components(rate, errors, n)
    halves, spread = halve_rows(values, stimulus, n_stimuli, seed, presentation)
    repeated = np.where(n > 1, rate, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = covariance(repeated, repeated)
        deviation = np.where(variance > 0, spread / variance, np.nan)
    return {
        "rate": rate,
        "rate_half": halves,
        "n_presentations": n,
        "signal_variance": signal,
        "noise_variance": noise,
        "reliability": noise_ceiling(signal, noise, np.where(n > 1, n, 0)),
        "reliability_sd": deviation,
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
        reduced: `rate`, `rate_half`, `n_presentations` and `OF_NEUROIDS`.
        stimulus: coordinates of the stimuli: `stimulus_id`, `split`, and `object_name`, `category_name` if known.
        neuroid: coordinates of the neuroids: `neuroid_id`, `region`, `subject`, `session`.
        source: where the recordings come from, or "simulated".
        units: "Hz", or "normalised" if the publisher normalised the values.
        window_ms: start and end of the counting window after stimulus onset; None if unknown.
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
            **{name: ("neuroid", reduced[name]) for name in OF_NEUROIDS},
        },
        attrs={"source": source, "units": units} | ({"window_ms": window_ms} if window_ms else {}),
    )


def check_responses(responses: xr.Dataset, file: str | Path, split_is_given: bool = False) -> None:
    """Refuse responses to which no encoder can be fitted.

    Args:
        responses: as `make_responses` returns them.
        file: named in errors.
        split_is_given: whether somebody chose the split, who may hold out whole objects on purpose.

    Raises:
        InputError: naming `file`, on duplicate ids of stimuli or neuroids, on neuroids without a value or without
            variance, or if an object has images enough for train, val and test, and none of them in train. All that
            is wrong is on its line.
    """
    faults = []
    ids, counts = np.unique(responses["stimulus_id"].values, return_counts=True)
    if (counts > 1).any():
        twice = listed(ids[counts > 1])
        faults.append(InputError(file, "stimulus_id", f"duplicate ids {twice}", "give every image its own id"))
    names = responses["neuroid_id"].values
    ids, counts = np.unique(names.astype(str), return_counts=True)
    if (counts > 1).any():
        twice = listed(ids[counts > 1], 3)
        faults.append(InputError(file, "neuroid_id", f"duplicate ids {twice}", "give every neuroid its own id"))
    rate = responses["rate"].values
    empty = np.isnan(rate).all(axis=0)
    if empty.any():
        faults.append(
            InputError(file, f"neuroid {listed(names[empty])}", "all values are NaN", "leave the neuroid out")
        )
    low, high = (np.where(np.isnan(rate), end, rate) for end in (np.inf, -np.inf))
    flat = low.min(axis=0) == high.max(axis=0)
    if flat.any():
        faults.append(
            InputError(file, f"neuroid {listed(names[flat])}", "all values are equal", "leave the neuroid out")
        )
    if "object_name" in responses and not split_is_given:
        objects, n_images = np.unique(responses["object_name"].values, return_counts=True)
        trained = np.isin(objects, responses["object_name"].values[responses["split"].values == "train"])
        lost = objects[~trained & (n_images >= len(SPLITS))]
        if lost.size:
            what = f"leaves no train image of {listed(lost, 3)}"
            faults.append(InputError(file, "split", what, "hold out fewer images"))
    refuse_all(faults)


def check_splits(responses: xr.Dataset, dataset: str, protocols: Sequence[str], seed: int) -> None:
    """Refuse responses to which a protocol of the study cannot be fitted, before any network runs for it.

    Args:
        responses: as `responses/{dataset}.nc`.
        dataset: its name.
        protocols: as for `draw_splits`.
        seed: of the folds.

    Raises:
        InputError: with all of: a protocol with too few stimuli, a neuroid with fewer than two train stimuli, `holdout`
            without a response to a validation stimulus.
    """
    faults = []
    for protocol in protocols:
        try:
            for split in draw_splits(responses, protocol, seed):
                require_train(responses, split)
        except InputError as fault:
            faults.append(InputError(f"responses of {dataset}", fault.field, fault.problem, fault.remedy))
    val = responses["rate"].values[responses["split"].values == "val"]
    if "holdout" in protocols and not np.isfinite(val).any():
        what = f"leaves {dataset} no response to a validation stimulus"
        faults.append(InputError(f"responses of {dataset}", "split.val", what, "give a larger share"))
    refuse_all(faults)


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
    """All splits of the stimuli of a `responses/{dataset}.nc` by a protocol, with equal shares of objects or
    categories.

    Args:
        responses: with coordinates `split` and, if known, `object_name` or `category_name` and `stimulus_group`.
        protocol: as for `protocol_splits`.
        seed: of the folds.

    Returns:
        (repeat, stimulus) of "train", "val" and "test"; "" for a stimulus without any response, if the protocol draws
        its own splits.

    Raises:
        InputError: if there are too few stimuli for the protocol.
    """
    split = responses["split"].values
    if protocol == "holdout":
        return protocol_splits(protocol, split, seed)
    observed = np.isfinite(responses["rate"].values).any(axis=1)
    labels = {name: responses[name].values[observed] for name in ("object_name", "category_name") if name in responses}
    groups = stimulus_groups(responses)
    groups = None if groups is None else groups[observed]
    try:
        drawn = protocol_splits(protocol, split[observed], seed, next(iter(labels.values()), None), groups)
    except ValueError as error:
        raise InputError("config", f"protocols: {protocol}", str(error), "leave the protocol out") from None
    splits = np.full((len(drawn), len(split)), "", dtype=drawn.dtype)
    splits[:, observed] = drawn
    return splits
