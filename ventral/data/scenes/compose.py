"""Draw the scenes of the simulated free-viewing recordings: several objects, some of them faces, on one background."""

import csv
import hashlib
import io
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ventral.data.scenes.objects import (
    DARK,
    FAMILIES,
    FRUITS,
    OBJECTS,
    WHITE,
    Floats,
    Part,
    box,
    build,
    fruit,
    rotation,
)
from ventral.data.scenes.render import VIEW, background, render

SIZE = 160  # width and height of the images in pixels
MARGIN = 8  # pixels that stay free along the edges, so that a near duplicate can shift and keep all objects
TILES = (44, 78)  # smallest and largest width of the squares in which objects are drawn, in pixels
PORTRAIT = 110  # width of the square of a monkey's portrait, in pixels
REACH = 1.35  # upper bound of the size of an object in any pose, in radii
ATTEMPTS = 40  # places that are tried for one object before it is left out
TILT = 12  # degrees by which an object's pose varies about each axis
MONKEY = "macaque"  # the only face that is not in `OBJECTS`
PAREIDOLIA = "Pareidolia"  # category of objects that look like a face but are not one
EYED = ("apple", "apricot", "peach", "watermelon")  # fruits that can have eyes and a mouth
RESEMBLES = {PAREIDOLIA: ("Faces", "Fruits")}  # categories of `OBJECTS` to which a neuron responds in their place
STIMULI_A_GROUP = 30  # there is one group of near duplicates for every so many stimuli
FACE_TABLE, SIMILAR = "ROIs/Stimuli/face.csv", "similar_images.txt"
MASKS = {"Faces": "ROIs/Stimuli/primate_face", PAREIDOLIA: "ROIs/Stimuli/pareidolia"}  # of categories without boxes


class Placed(NamedTuple):
    """An object in a scene, with the upper left corner, width and height of the box of pixels that it covers."""

    category: str
    name: str
    x: int
    y: int
    w: int
    h: int


class Scene(NamedTuple):
    """An image (H, W, 3) uint8 and the objects in it."""

    image: NDArray[np.uint8]
    objects: list[Placed]

    def places(self, width: float) -> Floats:
        """(k, 3) centre x, y (up) from the middle, and mean radius of each object, in an image of this width."""
        boxes = [[p.x + p.w / 2 - SIZE / 2, SIZE / 2 - p.y - p.h / 2, (p.w + p.h) / 4] for p in self.objects]
        return np.array(boxes) * width / SIZE

    def covers(self, categories: Collection[str], x: Floats, y: Floats, width: float) -> NDArray[np.bool_]:
        """Whether points x, y (up) from the middle of an image of this width lie in a box of one of the categories."""
        column, row = SIZE / 2 + x * SIZE / width, SIZE / 2 - y * SIZE / width
        found = np.zeros(x.shape, dtype=bool)
        for p in (placed for placed in self.objects if placed.category in categories):
            found |= (column >= p.x) & (column < p.x + p.w) & (row >= p.y) & (row < p.y + p.h)
        return found


def macaque() -> list[Part]:
    """Build the head of a monkey that faces the viewer: round ears, a bare face with close-set eyes, and a muzzle."""
    fur, bare, muzzle = (0.58, 0.55, 0.46), (0.86, 0.66, 0.6), (0.8, 0.6, 0.54)
    parts = [
        Part((0, 0, 0), (0.78, 0.8, 0.7), fur),
        Part((0, -0.06, 0.2), (0.52, 0.6, 0.56), bare),
        Part((0, 0.36, 0.34), (0.5, 0.2, 0.42), fur),
        Part((0, -0.36, 0.5), (0.34, 0.3, 0.42), muzzle),
        box((0, -0.48, 0.84), (0.2, 0.014, 0.08), DARK),
    ]
    for side in (-1, 1):
        parts += [
            Part((side * 0.84, 0.1, -0.1), (0.26, 0.3, 0.1), fur),
            Part((side * 0.84, 0.1, 0), (0.16, 0.2, 0.06), bare),
            Part((side * 0.2, 0.12, 0.7), (0.12, 0.1, 0.08), (0.62, 0.4, 0.16)),
            Part((side * 0.2, 0.12, 0.76), (0.06, 0.07, 0.05), DARK),
            Part((side * 0.07, -0.24, 0.88), (0.035, 0.05, 0.05), DARK),
        ]
    return parts


def eyed_fruit(name: str) -> list[Part]:
    """Build a fruit of `FRUITS` with eyes and a mouth on its front."""
    wide, tall, _ = FRUITS[name]
    parts = fruit(name, np.random.default_rng(0))  # `fruit` does not use the generator

    def front(x: float, y: float) -> tuple[float, float, float]:
        return x * wide, y * tall, min(wide, 0.8) * (1 - x**2 - y**2) ** 0.5

    parts.append(Part(front(0, -0.4), (0.34 * wide, 0.07, 0.08), DARK))
    for side in (-1, 1):
        x, y, z = front(side * 0.36, 0.24)
        parts += [Part((x, y, z), (0.16, 0.14, 0.1), WHITE), Part((x, y, z + 0.08), (0.07, 0.08, 0.05), DARK)]
    return parts


def parts_of(category: str, name: str) -> list[Part]:
    """Build the parts of an object of a scene."""
    if category == PAREIDOLIA:
        return eyed_fruit(name)
    return macaque() if name == MONKEY else build(category, name)


def choose_objects(i: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Choose the objects of scene i: category and name of each.

    Of every ten scenes, four have one to three faces and up to two other objects. One is a monkey's portrait. Four have
    one to four objects and no face. One has a fruit with eyes and a mouth, and up to two other objects.
    """
    if i % 10 == 4:
        return [("Faces", MONKEY)]
    eyed = [(PAREIDOLIA, str(rng.choice(EYED)))] if i % 10 == 9 else []
    n_faces = rng.integers(1, 4) if i % 10 < 4 else 0
    n_others = rng.integers(0, 3) if n_faces or eyed else rng.integers(1, 5)
    others = rng.choice([category for category in OBJECTS if category != "Faces"], n_others)
    return eyed + [(str(c), str(rng.choice(OBJECTS[c]))) for c in ["Faces"] * int(n_faces) + list(others)]


def free_place(tile: int, taken: NDArray[np.bool_], rng: np.random.Generator) -> tuple[int, int] | None:
    """Find the upper left corner of a square of `tile` pixels, none of them `taken` (H, W); None if there is none."""
    for left, top in rng.integers(MARGIN, SIZE - MARGIN - tile + 1, (ATTEMPTS, 2)):
        if not taken[top : top + tile, left : left + tile].any():
            return int(left), int(top)
    return None


def draw_scene(i: int, rng: np.random.Generator) -> Scene:
    """Draw the objects of scene i in squares that do not overlap."""
    image = np.rint(255 * background(SIZE, rng)).astype(np.uint8)
    taken, objects = np.zeros((SIZE, SIZE), dtype=bool), []
    for category, name in choose_objects(i, rng):
        tile = PORTRAIT if name == MONKEY else int(rng.integers(*TILES))
        place = free_place(tile, taken, rng)
        if place is None:
            continue
        square = (slice(place[1], place[1] + tile), slice(place[0], place[0] + tile))
        pose = rotation(*rng.uniform(-TILT, TILT, 3)) @ rotation(*FAMILIES[RESEMBLES.get(category, (category,))[0]][1])
        drawn = render(parts_of(category, name), pose, VIEW / REACH, (0, 0), image[square] / 255)
        rows, columns = np.nonzero((drawn != image[square]).any(axis=2))
        image[square], taken[square] = drawn, True
        corner = int(columns.min()) + place[0], int(rows.min()) + place[1]
        objects.append(Placed(category, name, *corner, int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1))
    return Scene(image, objects)


def near_duplicate(scene: Scene, rng: np.random.Generator) -> Scene:
    """Shift a scene by a few pixels, and change its colours slightly."""
    right, down = (int(step) for step in rng.choice([-1, 1], 2) * rng.integers(2, MARGIN - 2, 2))
    shifted = np.roll(scene.image, (down, right), axis=(0, 1)) * rng.uniform(0.88, 1.08, 3)
    moved = [placed._replace(x=placed.x + right, y=placed.y + down) for placed in scene.objects]
    return Scene(np.clip(np.rint(shifted), 0, 255).astype(np.uint8), moved)


def draw_scenes(n_stimuli: int, rng: np.random.Generator) -> tuple[list[Scene], list[list[int]]]:
    """Draw scenes, and near duplicates of the first few: two of the first scene, one of each other.

    Returns:
        `n_stimuli` scenes, and the groups of near duplicates as lists of indices.
    """
    n_groups = max(n_stimuli // STIMULI_A_GROUP, 1)
    origins = [0, *range(n_groups)]
    scenes = [draw_scene(i, rng) for i in range(n_stimuli - len(origins))]
    scenes += [near_duplicate(scenes[origin], rng) for origin in origins]
    copies = n_stimuli - len(origins) + np.arange(len(origins))
    return scenes, [[g, *(int(c) for c, o in zip(copies, origins, strict=True) if o == g)] for g in range(n_groups)]


def draw_mask(placed: Placed) -> Image.Image:
    """Draw a mask: a white ellipse in the box of a face, or of an object that looks like one, on black."""
    mask = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(mask).ellipse((placed.x, placed.y, placed.x + placed.w - 1, placed.y + placed.h - 1), fill=255)
    return mask


def write_stimuli(images: Path, tables: Path, n_stimuli: int, rng: np.random.Generator) -> dict[str, Scene]:
    """Draw scenes, and write them with the tables that the authors of the real recordings publish.

    Args:
        images: folder of the PNGs, each named by the MD5 sum of its bytes.
        tables: folder of the tables: near duplicates, boxes of human faces, and masks of monkeys' faces and of objects
            that look like a face.
        n_stimuli: number of images, with near duplicates.
        rng: source of randomness.

    Returns:
        The scenes by file stem, sorted.
    """
    for folder in (images, *(tables / masks for masks in MASKS.values())):
        folder.mkdir(parents=True)
    scenes, groups = draw_scenes(n_stimuli, rng)
    stems, boxes = [], []
    for scene in scenes:
        png = io.BytesIO()
        Image.fromarray(scene.image).save(png, format="PNG")
        stems.append(hashlib.md5(png.getvalue(), usedforsecurity=False).hexdigest())
        (images / f"{stems[-1]}.png").write_bytes(png.getvalue())
        for face in (placed for placed in scene.objects if placed.category in MASKS):
            if face.name == MONKEY or face.category == PAREIDOLIA:  # one an image
                draw_mask(face).save(tables / MASKS[face.category] / f"{stems[-1]}.png")
            else:
                boxes.append([f"{stems[-1]}.png", *map(float, (face.x, face.y, face.w, face.h, SIZE, SIZE))])
    with (tables / FACE_TABLE).open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("Filename", "x", "y", "w", "h", "W", "H"), *boxes])
    lines = ["\t".join(f"{stems[i]}.png" for i in group) + "\n" for group in groups]
    (tables / SIMILAR).write_text("".join(lines))
    return dict(sorted(zip(stems, scenes, strict=True)))
