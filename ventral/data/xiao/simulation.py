"""Simulated free-viewing recordings with known tuning, in the file formats of Xiao et al. 2024, with the truth.

A monkey looks at scenes, mostly at the faces in them; its eye tracker reports late. One scene in ten has a fruit with
eyes and a mouth, which is not a face: the ambiguous images. The units are in `ventral.data.xiao.simulated_units`.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ventral.data.scenes.compose import Scene, write_stimuli
from ventral.data.scenes.objects import Floats
from ventral.data.xiao.fixations import MARGIN_MS, SHORTEST_MS
from ventral.data.xiao.simulated_files import Behaviour, write_image_file, write_rasters, write_tables
from ventral.data.xiao.simulated_sessions import RECORDED, RECORDINGS, STIMULI, TABLES, TRUTH, Recording
from ventral.data.xiao.simulated_units import RESPONSE_MS, draw_units, drive_units, noiseless_rate, window_means
from ventral.files.console import progress

SHOWN_SHARE = 2 / 3  # share of all stimuli that each session shows
ERRORS = {0: 0.85, 3: 0.12, 4: 0.03}  # probabilities of the error codes of a trial
ABORTED = 0.4  # share of the trials with code 3 whose image had come on
HELD = 0.8  # share of the presentations that begin while the monkey still fixates the spot
FIRST_MS, LAST_MS = 600, 5000  # without trials: so long at the start, and at the end
FACE_WINDOW_MS = 150
# How much a face and the background attract the gaze, relative to an object; and the share of gazes off the image.
FACE_PULL, BACKGROUND_PULL, AWAY = 3.0, 1.0, 0.06


def look(scene: Scene, width: float, rng: np.random.Generator) -> Floats:
    """(2,) target of the gaze in degrees from the image's centre: a face, an object, anywhere, or off the image."""
    if rng.random() < AWAY:
        side = rng.choice([-1, 1])
        return rng.permutation([side * rng.uniform(0.52, 0.7), rng.uniform(-0.5, 0.5)]) * width
    pull = [FACE_PULL if placed.category == "Faces" else 1.0 for placed in scene.objects] + [BACKGROUND_PULL]
    target = rng.choice(len(pull), p=np.array(pull) / sum(pull))
    if target == len(scene.objects):
        return rng.uniform(-0.48, 0.48, 2) * width
    x, y, radius = scene.places(width)[target]
    return np.array([x, y]) + rng.normal(0, 0.35 * radius, 2)


def fixation_times(start: int, end: int, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Onset and end in ms of fixations that begin before `end`; a few are too short to be selected.

    They are not at whole ms, at which images come and go, so that no comparison depends on the last bit of a float.
    """
    while start < end:
        duration = int(rng.integers(40, 99) if rng.random() < 0.08 else rng.integers(150, 401))
        yield start + 0.25, start + duration + 0.75
        start += duration + int(rng.integers(25, 55))


def behave(scenes: Sequence[Scene], recording: Recording, length_ms: int, rng: np.random.Generator) -> Behaviour:
    """Simulate trials for `length_ms`: a spot to fixate, then an image for 1.5 s; some trials fail."""
    trials: list[tuple[int, int, int]] = []
    shown: list[tuple[int, int, int, float, float, int, bool]] = []
    gaze: list[tuple[float, float, int, float, float]] = []
    queue: list[int] = []
    clock = FIRST_MS
    while clock < length_ms - LAST_MS:
        error = int(rng.choice(list(ERRORS), p=list(ERRORS.values())))
        due = spot_end = clock + int(rng.integers(350, 500))
        on = off = length_ms  # stays so if no image is shown
        image, place = -1, np.zeros(2)
        if error == 0 or (error == 3 and rng.random() < ABORTED):
            queue = queue or rng.permutation(len(scenes)).tolist()
            image, place = queue.pop(), np.rint(rng.uniform(-1, 1, 2) * 2 * recording.spread) / 2
            on, off = due, due + int(rng.integers(15, 600) if error else rng.integers(1495, 1550))
            shown.append((on, off, len(trials), *place, image, error != 0))
            spot_end = on + int(rng.integers(110, 260) if rng.random() < HELD else -rng.integers(20, 90))
        end = off + int(rng.integers(0, 200)) if image >= 0 else due + int(rng.integers(50, 300))
        spans = [(clock + 40.25, spot_end + 0.75), *fixation_times(spot_end + int(rng.integers(25, 55)), end, rng)]
        for start, stop in spans:
            if start <= on:
                spot = rng.normal(0, 0.3, 2)
            else:
                spot = place + look(scenes[image], recording.width_dva, rng) if start <= off else rng.uniform(-9, 9, 2)
            gaze.append((start, stop, len(trials), *spot))
        last = int(spans[-1][1]) + 1
        trials.append((clock, last, error))
        clock = last + int(rng.integers(80, 250))
    return Behaviour(
        pd.DataFrame(trials, columns=["start", "stop", "error_code"]),
        pd.DataFrame(shown, columns=["start", "stop", "trial_id", "x", "y", "stimulus", "aborted"]),
        pd.DataFrame(gaze, columns=["start", "stop", "trial_id", "x", "y"]),
    )


def true_fixations(session: str, behaviour: Behaviour, recording: Recording, length_ms: int) -> pd.DataFrame:
    """The true fixations on images, and which of them an analysis should select.

    Returns:
        One row for each fixation: `session`, `trial_id`, `stimulus` index, `onset_ms` (of the image if the fixation
            began before it) and `offset_ms`, `x_dva`, `y_dva` from the image's centre, `zeroth`, `selected`.
    """
    rows = behaviour.fixations.merge(behaviour.presentations, on="trial_id", suffixes=("", "_image"))
    rows = rows[(rows["stop"] > rows["start_image"]) & (rows["start"] <= rows["stop_image"])].reset_index(drop=True)
    onset = np.maximum(rows["start"], rows["start_image"])
    x, y, edge = rows["x"] - rows["x_image"], rows["y"] - rows["y_image"], round(recording.width_dva, 1) / 2
    inside = (x.abs() < edge) & (y.abs() < edge)
    recorded = (onset >= MARGIN_MS) & (rows["stop"] <= length_ms - MARGIN_MS)
    return pd.DataFrame(
        {
            "session": session,
            "trial_id": rows["trial_id"],
            "stimulus": rows["stimulus"],
            "onset_ms": onset,
            "offset_ms": rows["stop"],
            "x_dva": x,
            "y_dva": y,
            "zeroth": rows["start"] <= rows["start_image"],
            "selected": inside & recorded & (rows["stop"] - onset >= SHORTEST_MS),
        }
    )


def simulate_session(
    folder: Path, session: str, scenes: dict[str, Scene], *, minutes: float, n_units: int, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Write the two files of a session below `folder`.

    Returns:
        Its units as of `draw_units`, with `face_selectivity`; its fixations as of `true_fixations`, with
        `stimulus_id`; and the (stimulus, unit) noiseless mean rates after the selected fixations.
    """
    recording, length, stems = RECORDINGS[session], round(minutes * 60_000), list(scenes)
    pictures = list(scenes.values())
    behaviour = behave(pictures, recording, length, rng)
    units = draw_units(session, recording, n_units, rng)
    fixations = true_fixations(session, behaviour, recording, length)
    drive, on_face, on_region = drive_units(pictures, fixations, units, recording.width_dva, rng)
    used = fixations["selected"].to_numpy()
    onset = np.rint(fixations.loc[used, "onset_ms"]).to_numpy(dtype=int)

    counts, means, selectivity = np.empty((length, n_units), dtype=np.uint8), np.empty((used.sum(), n_units)), []
    for u, (latency, baseline) in enumerate(zip(units["latency_ms"], units["baseline_hz"], strict=True)):
        rate = noiseless_rate(fixations, drive[:, u], int(latency), float(baseline), length)
        means[:, u] = window_means(rate, onset + latency, RESPONSE_MS)
        early = window_means(rate, onset + latency, FACE_WINDOW_MS)
        face, other = early[on_face[used, u]].mean(), early[~on_region[used, u]].mean()
        selectivity.append((face - other) / (face + other))
        counts[:, u] = rng.poisson(rate / 1000)
    counts[length // 2 :, units["dies"]] = 0

    write_rasters(folder / f"{recording.stem}.nwb", recording, behaviour, units["unit"].tolist(), counts)
    write_image_file(folder / f"{recording.stem}_image.nwb", recording, behaviour, stems, rng)
    fixations["stimulus_id"] = np.array(stems)[fixations.pop("stimulus")]
    responses = pd.DataFrame(means, columns=units["neuroid_id"]).groupby(fixations.loc[used, "stimulus_id"].to_numpy())
    return units.assign(face_selectivity=selectivity), fixations, responses.mean()


def write_dandiset(folder: Path, *, n_stimuli: int, minutes: float, n_units: int, seed: int) -> None:
    """Write the simulated dandiset of `simulate_dandiset` into an empty folder."""
    stimuli_rng, *session_rngs = np.random.default_rng(seed).spawn(1 + len(RECORDINGS))
    scenes = write_stimuli(folder / STIMULI, folder / TABLES, n_stimuli, stimuli_rng)
    order = stimuli_rng.permutation(list(scenes))
    simulated = []
    for k, session in enumerate(progress(RECORDINGS, "sessions simulated")):
        rng, first = session_rngs[k], k * n_stimuli // len(RECORDINGS)
        shown = np.roll(order, -first)[: round(SHOWN_SHARE * n_stimuli)]
        some = {stem: scenes[stem] for stem in sorted(shown.tolist())}
        simulated.append(simulate_session(folder / RECORDED, session, some, minutes=minutes, n_units=n_units, rng=rng))
    units, fixations, responses = zip(*simulated, strict=True)
    write_tables(folder / TABLES, pd.concat(units))
    objects = [{"stimulus_id": stem, **placed._asdict()} for stem, s in scenes.items() for placed in s.objects]
    truth = {
        "units": pd.concat(units),
        "fixations": pd.concat(fixations),
        "responses": pd.concat(responses, axis=1).sort_index().rename_axis("stimulus_id").reset_index(),
        "objects": pd.DataFrame(objects).rename(columns={"name": "object"}),
    }
    (folder / TRUTH).mkdir()
    for name, table in truth.items():
        table.to_csv(folder / TRUTH / f"{name}.csv", index=False)


def simulate_dandiset(folder: Path, *, n_stimuli: int, minutes: float, n_units: int, seed: int) -> None:
    """Write simulated recordings in the file formats of Xiao et al. 2024, with the truth.

    Writes `simulated_files()` and `SIMULATED_FOLDERS` below `folder`: the sessions of `RECORDINGS` in `000628`, the
    authors' tables in `db`, the images in `Stimuli`, and `truth`: `units.csv` (see `simulate_session`),
    `fixations.csv`, `responses.csv` (noiseless mean rates in Hz from each unit's latency on for 200 ms, over the
    selected fixations on each stimulus; empty if there is none) and `objects.csv` (boxes in pixels; the category
    `Pareidolia` only looks like faces). The four folders are replaced when everything is written.

    Args:
        folder: of the dandiset; made if it does not exist.
        n_stimuli: number of images, including near duplicates; every session shows two thirds.
        minutes: length of each recording.
        n_units: number of units of each session, at most 48; the last one dies halfway.
        seed: of all random numbers; the same seed gives the same bytes.
    """
    folder = Path(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        write_dandiset(temporary, n_stimuli=n_stimuli, minutes=minutes, n_units=n_units, seed=seed)
        folder.mkdir(parents=True, exist_ok=True)
        for part in (RECORDED, TABLES, STIMULI, TRUTH):
            shutil.rmtree(folder / part, ignore_errors=True)
            os.replace(temporary / part, folder / part)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
