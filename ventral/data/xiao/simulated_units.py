"""Units of the simulated free-viewing recordings: their tuning, drive and rate.

A unit responds to every fixation, from its latency after the onset on, as long as the fixation lasts but at most 200
ms. It responds to the content of its receptive field, which moves with the eye.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ventral.data.majaj.simulation import LUMINANCE
from ventral.data.scenes.compose import MASKS, RESEMBLES, SIZE, Scene
from ventral.data.scenes.objects import OBJECTS, Floats
from ventral.data.xiao.layout import CHANNELS_PER_BANK, REGION_LATENCY_MS
from ventral.data.xiao.simulated_sessions import Recording

RESPONSE_MS = 200
RECEPTIVE_RADIUS = {"V4": 1.0, "CIT": 2.0, "AIT": 3.0}  # degrees
BANDWIDTH = 0.35  # of a V4 unit, as a standard deviation relative to its frequency
IMAGE_GAIN = 0.15  # standard deviation of the log of an image's own gain
OTHERS = [category for category in OBJECTS if category != "Faces"]


def draw_units(session: str, recording: Recording, n_units: int, rng: np.random.Generator) -> pd.DataFrame:
    """Choose the tuning of a session's units. The last but one responds to nothing; the last dies halfway.

    Returns:
        One row for each unit: `session`, `unit`, `neuroid_id`, `region`, `channel` (from 1), `bank`, `array`;
            `latency_ms`,
        `baseline_hz`, and `gain_hz` of a mean (V4) or full (IT) drive; receptive field `rf_x_dva`, `rf_y_dva` from the
        fovea and radius `rf_r_dva`; `preferred` category, or in V4 orientation; `orientation_deg` of stripes from
        horizontal, anticlockwise, and `cycles_per_degree` (NaN outside V4); `dies`.
    """
    i = np.arange(n_units)
    bank = i * len(recording.regions) // n_units
    rank = i - np.searchsorted(bank, bank)
    channel = CHANNELS_PER_BANK * bank + 1 + 2 * (rank // 3) + (rank % 3 == 2)  # two of three units share a channel
    region = np.array(recording.regions)[bank]
    v4, silent = region == "V4", i == n_units - 2
    gain = np.where(v4, rng.uniform(25, 45, n_units), rng.uniform(60, 95, n_units))
    latency = [REGION_LATENCY_MS[name] for name in region] + rng.integers(-8, 13, n_units)
    orientation, cycles = np.rint(180 * rng.permutation(i) / n_units), rng.uniform(0.6, 1.6, n_units).round(2)
    category = np.where(i % 2, np.array(OTHERS)[i // 2 % len(OTHERS)], "Faces")
    unit = [f"{c}{'a' if r % 3 == 1 else ''}" for c, r in zip(channel, rank, strict=True)]
    field = rng.uniform(-1, 1, (2, n_units))
    table = {
        "session": session,
        "unit": unit,
        "neuroid_id": [f"{session}_{name}" for name in unit],
        "region": region,
        "channel": channel,
        "bank": bank,
        "array": bank + 1,
        "latency_ms": latency.astype(int),
        "baseline_hz": rng.uniform(5, 20, n_units).round(1),
        "gain_hz": np.where(silent, 0, gain).round(),
        "rf_x_dva": field[0].round(2),
        "rf_y_dva": field[1].round(2),
        "rf_r_dva": [RECEPTIVE_RADIUS[r] for r in region],
        "preferred": np.where(silent, "none", np.where(v4, [f"{o:.0f} deg" for o in orientation], category)),
        "orientation_deg": np.where(v4, orientation, np.nan),
        "cycles_per_degree": np.where(v4, cycles, np.nan),
        "dies": i == n_units - 1,
    }
    return pd.DataFrame(table)


def v4_drive(image: NDArray[np.uint8], units: pd.DataFrame, x: Floats, y: Floats, width: float) -> Floats:
    """Amplitude of oriented contrast in an image at the receptive fields of V4 units, 0 off the image.

    Args:
        image: (H, W, 3).
        units: rows of `draw_units`, of U units in V4.
        x, y: (n, U) centres of the receptive fields in degrees from the image's centre, y up.
        width: of the image in degrees.

    Returns:
        (n, U).
    """
    frequency = units["cycles_per_degree"].to_numpy()[:, None, None] * width
    angle = np.deg2rad(units["orientation_deg"].to_numpy())[:, None, None]
    across, down = np.fft.fftfreq(SIZE, 1 / SIZE)[None, None, :], np.fft.fftfreq(SIZE, 1 / SIZE)[None, :, None]
    distance = (across + frequency * np.sin(angle)) ** 2 + (down + frequency * np.cos(angle)) ** 2
    light = image @ LUMINANCE / 255
    # A one-sided filter in the spectrum gives the amplitude of a quadrature pair directly.
    spectrum = np.fft.fft2(light - light.mean()) * np.exp(-distance / 2 / (BANDWIDTH * frequency) ** 2)
    amplitude = np.abs(np.fft.ifft2(spectrum))
    column, row = (np.floor(SIZE / 2 + way * SIZE / width).astype(int) for way in (x, -y))
    inside = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    unit = np.broadcast_to(np.arange(len(units)), x.shape)
    return np.where(inside, amplitude[unit, row.clip(0, SIZE - 1), column.clip(0, SIZE - 1)], 0)


def it_drive(scene: Scene, weights: Floats, radius: Floats, x: Floats, y: Floats, width: float) -> Floats:
    """Summed weights of the objects in the receptive fields of IT units; weights fall with the distance from the
    centres.

    The weight of a fruit with the features of a face is the mean of a face's and a fruit's.

    Args:
        scene: the image.
        weights: (category, U) of `OBJECTS`.
        radius: (U,) of the receptive fields in degrees.
        x, y: (n, U) centres of the receptive fields in degrees from the image's centre, y up.
        width: of the image in degrees.

    Returns:
        (n, U).
    """
    drive = np.zeros_like(x)
    for placed, (at_x, at_y, size) in zip(scene.objects, scene.places(width), strict=True):
        reach = (radius + size) / 2
        overlap = np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 2 / reach**2)
        alike = [list(OBJECTS).index(name) for name in RESEMBLES.get(placed.category, (placed.category,))]
        drive += weights[alike].mean(axis=0) * overlap
    return drive


def category_weights(preferred: NDArray[np.str_], rng: np.random.Generator) -> Floats:
    """(category, U) weights of `OBJECTS` for units: 1 for the preferred category, small ones for the others."""
    faces, categories = preferred == "Faces", np.array(list(OBJECTS))[:, None]
    weights = rng.uniform(0, np.where(faces, 0.2, 0.6), (len(OBJECTS), len(preferred)))
    weights[(categories == "Faces") & ~faces] *= 0.2
    return np.where(categories == preferred, 1, weights)


def drive_units(
    scenes: Sequence[Scene], fixations: pd.DataFrame, units: pd.DataFrame, width: float, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    """Rate that every fixation adds to every unit, and whether the unit's receptive field was then on a face.

    Args:
        scenes: images that `stimulus` indexes.
        fixations: rows of `true_fixations`.
        units: rows of `draw_units`.
        width: of the images in degrees.
        rng: of the weights for categories and the gains of images.

    Returns:
        (n, U) rates in Hz; (n, U) whether on a face; (n, U) whether on a face or something with the features of one.
    """
    x = fixations[["x_dva"]].to_numpy() + units["rf_x_dva"].to_numpy()
    y = fixations[["y_dva"]].to_numpy() + units["rf_y_dva"].to_numpy()
    weights = category_weights(units["preferred"].to_numpy(dtype=str), rng)
    own_gain = np.exp(rng.normal(0, IMAGE_GAIN, (len(scenes), len(units))))
    drive, on_face, on_region = np.zeros(x.shape), *np.zeros((2, *x.shape), dtype=bool)
    v4, radius = (units["region"] == "V4").to_numpy(), units["rf_r_dva"].to_numpy()
    on_v4, on_it = np.flatnonzero(v4), np.flatnonzero(~v4)
    for stimulus, scene in enumerate(scenes):
        rows = np.flatnonzero(fixations["stimulus"] == stimulus)
        at = rows[:, None]
        on_face[rows] = scene.covers(("Faces",), x[rows], y[rows], width)
        on_region[rows] = scene.covers(MASKS, x[rows], y[rows], width)
        drive[at, on_it] = it_drive(scene, weights[:, ~v4], radius[~v4], x[at, on_it], y[at, on_it], width)
        if v4.any():
            drive[at, on_v4] = v4_drive(scene.image, units[v4], x[at, on_v4], y[at, on_v4], width)
        drive[rows] *= own_gain[stimulus]
    drive[:, v4] /= drive[:, v4].mean(axis=0)
    return drive * units["gain_hz"].to_numpy(), on_face, on_region


def noiseless_rate(fixations: pd.DataFrame, drive: Floats, latency_ms: int, baseline: float, length_ms: int) -> Floats:
    """(T,) rate of a unit in Hz in every ms, as its baseline plus what each of n fixations adds."""
    onset = np.rint(fixations["onset_ms"]).astype(int)
    duration = (np.rint(fixations["offset_ms"]).astype(int) - onset).clip(upper=RESPONSE_MS)
    change = np.zeros(length_ms + 1)
    np.add.at(change, onset + latency_ms, drive)
    np.add.at(change, onset + latency_ms + duration, -drive)
    return np.maximum(baseline + np.cumsum(change[:-1]), 0)


def window_means(rate: Floats, start: NDArray[np.intp], width: int) -> Floats:
    """(n,) mean of a (T,) rate over [start, start + width)."""
    total = np.concatenate([[0], np.cumsum(rate)])
    return (total[start + width] - total[start]) / width
