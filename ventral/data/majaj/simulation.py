"""Simulated recordings with known tuning, in the publisher's file formats and as a course file, with the truth.

V4 sites respond to oriented energy and curvature in the pixels of their receptive field. IT sites respond to the
object, with tolerance to its position and size. The reliability of every site is set, so that estimates can be checked.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from PIL import Image

from ventral.data.majaj.course_files import write_course
from ventral.data.majaj.files import VARIABLE
from ventral.data.pixels import decode_image
from ventral.data.scenes.objects import FAMILIES, OBJECTS, Floats, build, rotation
from ventral.data.scenes.render import background, render
from ventral.data.splits import assign_splits
from ventral.files.atomic import enduring, writing
from ventral.files.console import progress

# Proportions of the published data: 640 of 3,200 images, 88 of 256 sites, 28 repetitions instead of 51, 70 to 170 ms.
CANONICAL_SHARE = 640 / 3200
V4_SHARE = 88 / 256
CANONICAL_REPETITIONS = 28 / 51
WINDOW_MS = (70, 170)
COURSE_SHARES = {"val": 288 / 3200, "test": 320 / 3200}

RELIABILITY = (0.4, 0.95)  # true reliabilities are evenly spaced between these
OBJECT_WEIGHT = 0.7  # standard deviation of an IT site's tuning to objects; that of its tuning to categories is 1
ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that the archive has the same bytes every time
LUMINANCE = np.array([0.299, 0.587, 0.114])
SPARSENESS = 0.6  # an IT site's rate grows as exp(SPARSENESS * preference)


def draw_scenes(n_images: int, image_size: int, rng: np.random.Generator) -> pd.DataFrame:
    """Choose object and pose of every image; objects are equally frequent at each variation.

    Returns:
        One row per image with the publisher's columns: `s` scale; `rxy`, `rxz`, `ryz` rotation in degrees; `ty` (right)
        and `tz` (up) position in halves of the image's width; `size` of the image in pixels; `variation` 0 (centred,
        upright, scale 1) or 3 (position within .4, rotation within 45 degrees, scale within a factor of 1.5).
    """
    n_canonical = round(n_images * CANONICAL_SHARE)
    labels = [(category, name) for category, names in OBJECTS.items() for name in names]
    index = np.concatenate([np.arange(n_canonical), np.arange(n_images - n_canonical)]) % len(labels)
    moved = np.arange(n_images) >= n_canonical
    scenes = pd.DataFrame([labels[i] for i in index], columns=["category_name", "object_name"])
    scenes["variation"] = np.where(moved, 3, 0)
    for axis in ("rxy", "rxz", "ryz"):
        scenes[axis] = np.where(moved, rng.uniform(-45, 45, n_images), 0.0)
    for axis in ("ty", "tz"):
        scenes[axis] = np.where(moved, rng.uniform(-0.4, 0.4, n_images), 0.0)
    scenes["s"] = np.where(moved, 1.5 ** rng.uniform(-1, 1, n_images), 1.0)
    scenes["size"] = image_size
    return scenes.round(6)


def draw_images(scenes: pd.DataFrame, seed: int) -> Iterator[tuple[NDArray[np.uint8], str]]:
    """Yield the (H, W, 3) uint8 image of every scene and the sha1 of its background."""
    objects = {name: build(category, name) for category, names in OBJECTS.items() for name in names}
    views = {category: rotation(*view) for category, (_, view) in FAMILIES.items()}
    for i, scene in enumerate(scenes.to_dict("records")):
        ground = background(scene["size"], np.random.default_rng([seed, i]))
        pose = rotation(scene["rxy"], scene["rxz"], scene["ryz"]) @ views[scene["category_name"]]
        image = render(objects[scene["object_name"]], pose, scene["s"], (scene["ty"], scene["tz"]), ground)
        yield image, hashlib.sha1(ground.tobytes()).hexdigest()


def place_sites(n_sites: int) -> dict[str, NDArray]:
    """The publisher's coordinates of the sites, V4 before IT, alternating between two animals.

    Returns:
        (neuroid,) `neuroid_id`, `animal`, `hemisphere`, `region`, `subregion`, `arr` (array), `row` and `col` of the
        electrode, and its place on the array, `x` and `y` in mm.
    """
    site, n_v4 = np.arange(n_sites), round(n_sites * V4_SHARE)
    v4, second = site < n_v4, site % 2 == 1
    rank = np.where(v4, site, site - n_v4) // 2  # rank among the sites of the animal in the region
    arr = np.where(v4, "P", np.where(rank % 2, "A", "M"))
    row, col = np.divmod(np.where(v4, rank, rank // 2), 10)
    animal, hemisphere = np.where(second, "Tito", "Chabo"), np.where(second, "R", "L")
    names = ["_".join(map(str, parts)) for parts in zip(animal, hemisphere, arr, row, col, strict=True)]
    return {
        "neuroid_id": np.array(names),
        "animal": animal,
        "hemisphere": hemisphere,
        "region": np.where(v4, "V4", "IT"),
        "subregion": np.where(v4, "V4", np.where(arr == "A", "aIT", "cIT")),
        "arr": arr,
        "row": row,
        "col": col,
        "x": 0.4 * col,
        "y": 0.4 * row,
    }


def draw_sites(n_sites: int, rng: np.random.Generator) -> xr.Dataset:
    """Choose the tuning of every site.

    Returns:
        Over `neuroid`, with the coordinates of `place_sites`: `reliability` and `baseline`; for V4 the centre of the
        receptive field `receptive_x`, `receptive_y` (image widths from the middle, y up), `orientation` and `bend`
        (radians; 0 for every second site) and `frequency` (cycles per image); for IT `size_exponent`, `tolerance`
        (halves of the image's width), `category_weight` (category, neuroid) and `object_weight` (object, neuroid).
        NaN where a region has no such tuning.
    """
    placed = place_sites(n_sites)
    v4 = placed["region"] == "V4"
    names = [name for members in OBJECTS.values() for name in members]
    corner = rng.uniform(np.pi / 6, np.pi / 2, n_sites) * rng.choice([-1, 1], n_sites)
    every = {
        "reliability": rng.permutation(np.linspace(*RELIABILITY, n_sites)),
        "baseline": rng.uniform(0, 0.5, n_sites),
    }
    of_v4 = {
        "receptive_x": rng.uniform(-0.3, 0.3, n_sites),
        "receptive_y": rng.uniform(-0.3, 0.3, n_sites),
        "orientation": rng.uniform(0, np.pi, n_sites),
        "bend": np.where(np.arange(n_sites) // 2 % 2, corner, 0),
        "frequency": rng.permutation(np.geomspace(4, 16, n_sites)),
    }
    of_it = {
        "size_exponent": rng.uniform(0, 0.3, n_sites),
        "tolerance": rng.uniform(0.8, 1.6, n_sites),
        "category_weight": rng.standard_normal((len(OBJECTS), n_sites)),
        "object_weight": OBJECT_WEIGHT * rng.standard_normal((len(names), n_sites)),
    }
    tuning = {
        **every,
        **{name: np.where(v4, values, np.nan) for name, values in of_v4.items()},
        **{name: np.where(v4, np.nan, values) for name, values in of_it.items()},
    }
    dims = {"category_weight": ("category", "neuroid"), "object_weight": ("object", "neuroid")}
    return xr.Dataset(
        {name: (dims.get(name, ("neuroid",)), values) for name, values in tuning.items()},
        coords={
            "category": list(OBJECTS),
            "object": names,
            **{name: ("neuroid", values) for name, values in placed.items()},
        },
    )


def gabors(size: int, x: Floats, y: Floats, orientation: Floats, frequency: Floats) -> Floats:
    """Quadrature pairs of Gabor filters, an octave and a half wide and blind to uniform light.

    Args:
        size: width of the image in pixels.
        x, y: (filter,) centre in image widths from the middle, y up.
        orientation: (filter,) of the stripes, in radians from horizontal, anticlockwise.
        frequency: (filter,) cycles per image.

    Returns:
        (2, filter, size * size) even and odd filters; each pair has an envelope of sum 1.
    """
    along = (np.arange(size) + 0.5) / size - 0.5
    u, v = along[None, None, :] - x[:, None, None], -along[None, :, None] - y[:, None, None]
    cycles = frequency[:, None, None]
    across = -u * np.sin(orientation)[:, None, None] + v * np.cos(orientation)[:, None, None]
    envelope = np.exp(-(u**2 + v**2) / 2 * (cycles / 0.5) ** 2)
    envelope /= envelope.sum(axis=(1, 2), keepdims=True)
    pair = np.stack([np.cos(2 * np.pi * cycles * across), np.sin(2 * np.pi * cycles * across)])
    pair -= (pair * envelope).sum(axis=(2, 3), keepdims=True)
    return (pair * envelope).reshape(2, len(x), size * size)


def v4_arms(sites: xr.Dataset, size: int) -> NDArray[np.float32]:
    """Filters of V4 sites: two arms, at plus and minus half a site's `bend` from its orientation.

    Args:
        sites: V4 sites of `draw_sites`.
        size: width of the image in pixels.

    Returns:
        (arm, phase, neuroid, size * size). Without bend both arms are one filter at the receptive field's centre; the
        arms of a corner lie half a cycle to either side of it, each along its own orientation.
    """
    x, y, orientation, bend, frequency = (
        sites[name].values for name in ("receptive_x", "receptive_y", "orientation", "bend", "frequency")
    )
    arms = np.empty((2, 2, len(x), size * size), dtype=np.float32)
    for arm, side in enumerate((-1, 1)):
        angle = orientation + side * bend / 2
        step = side * 0.5 / frequency * (bend != 0)
        arms[arm] = gabors(size, x + step * np.cos(angle), y + step * np.sin(angle), angle, frequency)
    return arms


def v4_drive(image: NDArray[np.uint8], arms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Signal of V4 sites: amplitude of local oriented contrast, or of two contrasts that make a corner.

    Each arm has the quadrature energy of its filters (Adelson & Bergen 1985); the drive is the geometric mean of the
    arms' amplitudes, so that a corner site needs both.

    Args:
        image: (H, W, 3).
        arms: filters of `v4_arms`.

    Returns:
        (neuroid,).
    """
    luminance = (image @ LUMINANCE / 255).astype(np.float32)
    energy = ((arms @ luminance.ravel()) ** 2).sum(axis=1)
    return (energy[0] * energy[1]) ** 0.25


def it_drive(scenes: pd.DataFrame, sites: xr.Dataset) -> Floats:
    """Signal of IT sites: exponential in a site's weights for category and object, tolerant to position and size.

    Args:
        scenes: rows of `draw_scenes`.
        sites: IT sites of `draw_sites`.

    Returns:
        (n, neuroid): weights, times s^`size_exponent`, times a Gaussian of the eccentricity of width `tolerance`.
    """
    category = sites["category_weight"].sel(category=scenes["category_name"].to_numpy()).values
    preference = category + sites["object_weight"].sel(object=scenes["object_name"].to_numpy()).values
    eccentricity = np.hypot(scenes[["ty"]].to_numpy(), scenes[["tz"]].to_numpy())
    gain = scenes[["s"]].to_numpy() ** sites["size_exponent"].values
    return gain * np.exp(SPARSENESS * preference - eccentricity**2 / (2 * sites["tolerance"].values ** 2))


def draw_stimuli(
    scenes: pd.DataFrame, arms: NDArray[np.float32], archive: str | Path, seed: int
) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """Draw every scene into a zip archive of PNGs.

    Returns:
        The scenes with the publisher's columns `image_id` (sha1 of the PNG), `id`, `image_file_name`, `filename` and
        `background_id`, and the (n, neuroid) drive of V4.
    """
    ids, grounds, drives = [], [], []
    with writing(archive) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for image, ground in progress(draw_images(scenes, seed), "images drawn", total=len(scenes)):
            png = io.BytesIO()
            Image.fromarray(image).save(png, format="PNG")
            ids.append(hashlib.sha1(png.getvalue()).hexdigest())
            file.writestr(zipfile.ZipInfo(f"{ids[-1]}.png", ZIP_DATE), png.getvalue())
            grounds.append(ground)
            drives.append(v4_drive(image, arms))
    names = [f"{image_id}.png" for image_id in ids]
    columns = {"image_id": ids, "id": ids, "image_file_name": names, "filename": names, "background_id": grounds}
    return scenes.assign(**columns), np.array(drives)


def simulate_presentations(
    response: Floats, n_presentations: NDArray[np.intp], noise_sd: Floats, rng: np.random.Generator
) -> xr.Dataset:
    """Present every image several times, in random order, and add independent Gaussian noise to each response.

    Args:
        response: (n, neuroid) noiseless responses.
        n_presentations: (n,) of each image.
        noise_sd: (neuroid,) of one presentation.
        rng: source of randomness.

    Returns:
        `values` (neuroid, presentation) float32, with `stimulus` (index of the image) and `repetition`.
    """
    stimulus = np.repeat(np.arange(len(response)), n_presentations)
    repetition = np.concatenate([np.arange(n) for n in n_presentations])
    order = rng.permutation(len(stimulus))
    values = rng.standard_normal((response.shape[1], len(stimulus)), dtype=np.float32)
    values *= noise_sd[:, None].astype(np.float32)
    values += response.T.astype(np.float32)[:, stimulus[order]]
    coords = {"stimulus": ("presentation", stimulus[order]), "repetition": ("presentation", repetition[order])}
    return xr.Dataset({"values": (("neuroid", "presentation"), values)}, coords=coords)


def write_assembly(path: str | Path, recording: xr.Dataset, ids: NDArray[np.str_], sites: dict[str, NDArray]) -> None:
    """Write the recording as the publisher does: one variable, and a coordinate for every level of an index."""
    assembly = xr.DataArray(
        recording["values"].values[..., None],
        dims=("neuroid", "presentation", "time_bin"),
        coords={
            **{name: ("neuroid", values) for name, values in sites.items()},
            "image_id": ("presentation", ids[recording["stimulus"].values]),
            "repetition": ("presentation", recording["repetition"].values),
            "stimulus": ("presentation", recording["stimulus"].values),
            "time_bin_start": ("time_bin", [WINDOW_MS[0]]),
            "time_bin_end": ("time_bin", [WINDOW_MS[1]]),
        },
        name=VARIABLE,
        attrs={"source": "simulated"},
    )
    with writing(path) as temporary, enduring(temporary) as file:
        assembly.to_dataset().to_netcdf(file, engine="h5netcdf", encoding={VARIABLE: {"zlib": True, "complevel": 1}})


def write_simulated_course(
    path: str | Path, recording: xr.Dataset, table: pd.DataFrame, archive: str | Path, seed: int
) -> None:
    """Write the course file: images of the archive, mean rates of the recording's sites, and a split."""
    objects = table["object_name"].to_numpy(dtype=str)
    split = assign_splits(len(table), COURSE_SHARES, seed, strata=objects)
    stimulus = recording["stimulus"].values
    order, starts = np.argsort(stimulus), np.searchsorted(np.sort(stimulus), np.arange(len(table)))
    sums = np.add.reduceat(recording["values"].values[:, order], starts, axis=1, dtype=np.float64)
    rate = (sums / np.bincount(stimulus)).T
    with zipfile.ZipFile(archive) as file:
        names = list(table["image_file_name"])
        write_course(
            path, lambda i: decode_image(file.read(names[i]), archive, names[i]), objects, split, rate, "simulated"
        )


def simulate(
    assembly: str | Path,
    stimuli: str | Path,
    images: str | Path,
    truth: str | Path,
    course: str | Path | None = None,
    *,
    n_images: int,
    image_size: int,
    n_sites: int,
    repetitions: int,
    seed: int,
) -> None:
    """Write a simulated recording and its true parameters.

    Args:
        assembly: netCDF with the response to every presentation, in the publisher's layout.
        stimuli: csv with one row per image, in the publisher's columns.
        images: zip of PNGs.
        truth: netCDF with the noiseless `response` (stimulus, neuroid) in order of image id, `n_presentations`,
            `noise_sd` of one presentation, `reliability` of the mean over presentations and the tuning of `draw_sites`.
        course: HDF5 with the same images and the mean rates of IT, in the layout of the course file; None for none.
        n_images: number of images n, a fifth of them of variation 0.
        image_size: width and height of the images in pixels.
        n_sites: number of sites, a third of them in V4.
        repetitions: presentations of an image of variation 3; an image of variation 0 has 28/51 of them, two at least.
        seed: of all random numbers but those of the objects, which are always the same.
    """
    scene_rng, site_rng, noise_rng = np.random.default_rng(seed).spawn(3)
    sites = draw_sites(n_sites, site_rng)
    v4 = sites["region"].values == "V4"
    arms = v4_arms(sites.isel(neuroid=v4), image_size)
    table, v4_signal = draw_stimuli(draw_scenes(n_images, image_size, scene_rng), arms, images, seed)
    signal = np.empty((n_images, n_sites))
    signal[:, v4], signal[:, ~v4] = v4_signal, it_drive(table, sites.isel(neuroid=~v4))
    response = (signal - signal.mean(axis=0)) / signal.std(axis=0) + sites["baseline"].values

    few = max(round(repetitions * CANONICAL_REPETITIONS), 2)
    n_presentations = np.where(table["variation"] == 0, few, repetitions)
    # The signal has variance 1; the noise of the mean has variance noise_sd^2 mean(1 / n_presentations).
    noise_sd = np.sqrt((1 / sites["reliability"].values - 1) / np.mean(1 / n_presentations))
    recording = simulate_presentations(response, n_presentations, noise_sd, noise_rng)

    ids = table["image_id"].to_numpy(dtype=str)
    write_assembly(assembly, recording, ids, place_sites(n_sites))
    with writing(stimuli) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
    if course is not None:
        write_simulated_course(course, recording.isel(neuroid=~v4), table, images, seed)
    known = sites.assign(
        response=(("stimulus", "neuroid"), response),
        n_presentations=("stimulus", n_presentations),
        noise_sd=("neuroid", noise_sd),
    ).assign_coords(stimulus_id=("stimulus", ids))
    with writing(truth) as temporary, enduring(temporary) as file:
        known.isel(stimulus=np.argsort(ids)).to_netcdf(file, engine="h5netcdf")
