"""Build the 64 objects of the simulated set: eight categories of solids, each put together from a few parts.

Coordinates: x points right, y up, z towards the viewer. Every object has a radius of about 1 around the origin.
Animals, vehicles and furniture face +x until the view of their category turns them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Triple = tuple[float, float, float]
Floats = NDArray[np.float64]

OBJECTS = {
    "Animals": ("bear", "cow", "dog", "elephant", "gorilla", "hedgehog", "lioness", "turtle"),
    "Boats": tuple(f"ship{k}" for k in range(8)),
    "Cars": ("car_alfa", "car_astra", "car_beetle", "car_bmw", "car_bora", "car_celica", "car_clio", "car_z3"),
    "Chairs": tuple(f"chair{k}" for k in range(8)),
    "Faces": tuple(f"face{k}" for k in range(8)),
    "Fruits": ("apple", "apricot", "peach", "pear", "raspberry", "strawberry", "walnut", "watermelon"),
    "Planes": tuple(f"airplane{k}" for k in range(8)),
    "Tables": tuple(f"table{k}" for k in range(8)),
}

DARK: Triple = (0.12, 0.12, 0.14)
GLASS: Triple = (0.22, 0.28, 0.34)
WHITE: Triple = (0.92, 0.91, 0.88)


@dataclass(frozen=True)
class Part:
    """A convex solid: the points p with `sum(round * p**2) <= 1` and `low <= p <= high`.

    The coordinates p are distances from `centre`, in units of `half` along each axis.

    Attributes:
        centre: in radii of the object.
        half: half-axes, in radii of the object.
        colour: red, green and blue from 0 to 1.
        round: 1 for the axes that curve. Three make an ellipsoid, two a cylinder, none a box.
        low, high: cuts along the axes, from -1 to 1.
        turn: rotation of the part, see `rotation`.
        bands: number of dark bands around the y axis.
    """

    centre: Triple
    half: Triple
    colour: Triple
    round: Triple = (1, 1, 1)
    low: Triple = (-1, -1, -1)
    high: Triple = (1, 1, 1)
    turn: Triple = (0, 0, 0)
    bands: int = 0

    @property
    def axes(self) -> Floats:
        """(3, 3) half-axes of the part in the coordinates of the object, one in each column."""
        return rotation(*self.turn) * self.half


def rod(centre: Triple, half: Triple, colour: Triple, turn: Triple = (0, 0, 0)) -> Part:
    """Make a cylinder along y."""
    return Part(centre, half, colour, round=(1, 0, 1), turn=turn)


def box(centre: Triple, half: Triple, colour: Triple) -> Part:
    """Make a box."""
    return Part(centre, half, colour, round=(0, 0, 0))


def tint(rng: np.random.Generator, strength: float) -> Triple:
    """Draw a colour of random hue and brightness. `strength` 0 is grey, 1 fully saturated."""
    hue = 2 * np.pi * (rng.random() + np.arange(3) / 3)
    red, green, blue = rng.uniform(0.5, 0.85) * (1 - strength * (0.5 - 0.5 * np.cos(hue)))
    return float(red), float(green), float(blue)


def rotation(rxy: float, rxz: float, ryz: float) -> Floats:
    """Make a (3, 3) rotation by `rxz` degrees about y, then `ryz` about x, then `rxy` about z (in the image plane)."""
    (cz, cy, cx), (sz, sy, sx) = np.cos(np.deg2rad([rxy, rxz, ryz])), np.sin(np.deg2rad([rxy, rxz, ryz]))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


# name: half length and height of the body, length of the legs, height and radius of the head, snout, ears, tail, coat
ANIMALS: dict[str, tuple[float, float, float, float, float, float, float, float, Triple]] = {
    "bear": (0.70, 0.42, 0.34, 0.20, 0.27, 0.14, 0.10, 0.05, (0.36, 0.25, 0.17)),
    "cow": (0.80, 0.36, 0.50, 0.28, 0.22, 0.20, 0.12, 0.45, (0.86, 0.82, 0.76)),
    "dog": (0.55, 0.22, 0.46, 0.40, 0.21, 0.20, 0.17, 0.36, (0.72, 0.55, 0.34)),
    "elephant": (0.72, 0.50, 0.52, 0.22, 0.32, 0.12, 0.34, 0.25, (0.52, 0.52, 0.55)),
    "gorilla": (0.52, 0.46, 0.46, 0.42, 0.27, 0.08, 0.06, 0.02, (0.20, 0.20, 0.22)),
    "hedgehog": (0.62, 0.42, 0.10, -0.12, 0.20, 0.22, 0.06, 0.02, (0.45, 0.36, 0.28)),
    "lioness": (0.76, 0.28, 0.42, 0.24, 0.24, 0.12, 0.09, 0.60, (0.80, 0.66, 0.42)),
    "turtle": (0.62, 0.34, 0.10, -0.14, 0.17, 0.06, 0.00, 0.15, (0.40, 0.48, 0.28)),
}


def animal(name: str, rng: np.random.Generator) -> list[Part]:
    """Build an animal: a body on four legs with a head, eyes, ears, a snout and a tail."""
    length, height, leg, lift, head, snout, ear, tail, coat = ANIMALS[name]
    shade: Triple = (0.72 * coat[0], 0.72 * coat[1], 0.72 * coat[2])
    width, x, y = 0.8 * height, length + 0.55 * head, lift + 0.1
    parts = [
        Part((0, 0, 0), (length, height, width), coat, bands=14 if name in ("hedgehog", "turtle") else 0),
        Part((0.85 * length, y / 2, 0), (0.35 * head + 0.12, 0.5 * abs(y) + 0.12, 0.8 * head), coat, turn=(-25, 0, 0)),
        Part((x, y, 0), (head, 0.9 * head, 0.85 * head), coat),
        Part((x + head + 0.4 * snout, y - 0.25 * head, 0), (snout, 0.42 * head, 0.42 * head), shade),
        Part((x + head + 1.35 * snout, y - 0.2 * head, 0), (0.05, 0.06, 0.07), DARK),
        Part((-length - 0.6 * tail, 0.1, 0), (tail + 0.02, 0.06, 0.06), shade, turn=(35, 0, 0)),
    ]
    for side in (-1, 1):
        for foot in (-0.68, 0.62):
            paw = (foot * length, -0.6 * height - leg / 2, side * 0.6 * width)
            parts.append(rod(paw, (0.13, leg / 2 + 0.25 * height, 0.13), shade))
        tip = (x - 0.2 * head, y + 0.55 * head + 0.4 * ear, side * 0.75 * head)
        parts += [
            Part((x + 0.6 * head, y + 0.3 * head, side * 0.5 * head), (0.07, 0.07, 0.07), DARK),
            Part(tip, (0.4 * ear + 0.02, ear + 0.02, 0.05), shade),
        ]
    if name == "elephant":
        parts.append(rod((x + head + 0.18, y - 0.5, 0), (0.1, 0.42, 0.1), coat, turn=(12, 0, 0)))
    if name == "cow":
        parts.append(Part((-0.15, 0.02, 0.06), (0.34, 0.33, 0.27), DARK))
    return parts


def boat(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a boat: a hull with a deck, and either cabins and funnels or a mast and sails."""
    length, depth, beam = 1.0, rng.uniform(0.24, 0.36), rng.uniform(0.22, 0.32)
    hull, paint = tint(rng, 0.6), tint(rng, 0.25)
    parts = [
        Part((0, 0, 0), (length, depth, beam), hull, high=(1, 0, 1)),
        Part((0, 0.02, 0), (length, 0.05, beam), paint, round=(1, 0, 1)),
    ]
    if int(name[-1]) % 2:
        tall = rng.uniform(1.0, 1.4)
        parts.append(rod((0.05, tall / 2, 0), (0.035, tall / 2, 0.035), (0.45, 0.3, 0.18)))
        for way, reach in ((1, rng.uniform(0.5, 0.85)), (-1, rng.uniform(0.4, 0.8))):
            low, high = ((0, 0, -1), (1, 1, 1)) if way > 0 else ((-1, 0, -1), (0, 1, 1))
            parts.append(Part((0.05 + 0.06 * way, 0.14, 0), (reach, tall - 0.2, 0.09), WHITE, low=low, high=high))
    else:
        for floor in range(int(rng.integers(1, 4))):
            half = rng.uniform(0.4, 0.55) - 0.12 * floor
            parts += [
                box((-0.2, 0.18 + 0.24 * floor, 0), (half, 0.12, 0.7 * beam), WHITE),
                box((-0.2, 0.2 + 0.24 * floor, 0), (half + 0.01, 0.045, 0.72 * beam), GLASS),
            ]
        parts += [rod((-0.45 + 0.3 * i, 0.6, 0), (0.08, 0.28, 0.08), hull) for i in range(int(rng.integers(1, 3)))]
    return parts


def car(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a car: a body with a cabin, windows, four wheels and lamps."""
    paint, tall, cabin = tint(rng, 0.6), rng.uniform(0.24, 0.56), rng.uniform(0.4, 0.75)
    bonnet, rear, wheel = rng.uniform(0.12, 0.18), rng.uniform(-0.3, 0.0), rng.uniform(0.17, 0.22)
    parts = [
        Part((0, 0, 0), (1.12, 0.34, 0.46), paint, high=(0.9, bonnet / 0.34, 0.95), low=(-0.9, -0.55, -0.95)),
        Part((rear, bonnet - 0.03, 0), (cabin, tall, 0.4), GLASS, low=(-1, 0, -1)),
        Part((rear, bonnet + 0.05, 0), (0.9 * cabin, tall - 0.05, 0.37), paint, low=(-1, 0.62, -1)),
        box((rear, bonnet + 0.4 * tall, 0), (0.035, 0.42 * tall, 0.385), paint),
    ]
    for side in (-1, 1):
        parts += [Part((0.97, 0.02, side * 0.24), (0.06, 0.06, 0.09), (1, 1, 0.85))]
        for x in (-0.62, 0.62):
            parts += [
                rod((x, -0.2, side * 0.4), (wheel, 0.08, wheel), DARK, turn=(0, 0, 90)),
                rod((x, -0.2, side * 0.42), (0.5 * wheel, 0.08, 0.5 * wheel), (0.7, 0.7, 0.72), turn=(0, 0, 90)),
            ]
    return parts


def chair(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a chair: a seat on four legs with a back, solid or of slats, and sometimes arms."""
    k, wood, cloth = int(name[-1]), tint(rng, 0.4), tint(rng, 0.5)
    wide, tall, leg, thick = rng.uniform(0.38, 0.52), rng.uniform(0.5, 0.85), rng.uniform(0.55, 0.75), 0.045
    shape = rod if k % 4 == 3 else box
    parts = [shape((0, 0, 0), (wide, 0.07, wide), cloth)]
    for x in (-0.86, 0.86):
        parts += [rod((x * wide, -leg / 2, z * wide), (thick, leg / 2, thick), wood) for z in (-0.86, 0.86)]
    if k % 2:
        parts += [
            box((-0.9 * wide, tall / 2, z * wide), (0.04, tall / 2, 0.05), wood) for z in (-0.8, -0.27, 0.27, 0.8)
        ]
        parts.append(box((-0.9 * wide, tall, 0), (0.05, 0.09, wide), wood))
    else:
        curve: Triple = (0, 1, 1) if k % 4 else (0, 0, 0)
        parts.append(Part((-0.92 * wide, tall / 2 + 0.05, 0), (0.06, tall / 2, wide), cloth, round=curve))
    if k >= 5:
        for z in (-1, 1):
            parts += [
                box((0, 0.3, z * wide), (wide, 0.04, 0.05), wood),
                box((0.8 * wide, 0.15, z * wide), (0.04, 0.15, 0.04), wood),
            ]
    return parts


def face(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a face that looks at the viewer: a head with eyes, brows, a nose, a mouth, ears, hair and a neck."""
    tone = rng.uniform(0.35, 1.05)
    skin: Triple = (0.25 + 0.68 * tone, 0.16 + 0.58 * tone, 0.12 + 0.48 * tone)
    hair: Triple = [DARK, (0.35, 0.22, 0.12), (0.72, 0.56, 0.28), (0.55, 0.54, 0.53)][int(rng.integers(4))]
    wide, tall, apart = rng.uniform(0.6, 0.74), rng.uniform(0.82, 0.98), rng.uniform(0.24, 0.32)
    brow, nose, lips, line = (rng.uniform(*span) for span in ((0.2, 0.26), (0.14, 0.24), (0.18, 0.3), (0.25, 0.5)))
    long = bool(int(name[-1]) % 2)
    parts = [
        Part((0, 0, 0), (wide, tall, 0.7), skin),
        rod((0, -0.9, -0.1), (0.3, 0.4, 0.3), skin),
        Part((0, 0.08, -0.06), (wide + 0.08, tall + 0.04, 0.76), hair, low=(-1, line, -1)),
        Part((0, 0.08, -0.25), (wide + 0.12, tall + 0.02, 0.66), hair, low=(-1, -0.85 if long else 0, -1)),
        Part((0, -0.1, 0.68), (0.08, nose, 0.12), skin),
        Part((0, -0.17 - 0.4 * nose, 0.72), (0.12, 0.08, 0.1), skin),
        Part((0, -0.5, 0.54), (lips, 0.07, 0.1), (0.66, 0.26, 0.25)),
        box((0, -0.5, 0.62), (0.85 * lips, 0.012, 0.03), (0.3, 0.1, 0.1)),
    ]
    for side in (-1, 1):
        parts += [
            Part((side * apart, 0.1, 0.56), (0.14, 0.075, 0.08), WHITE),
            Part((side * apart, 0.1, 0.63), (0.062, 0.068, 0.04), DARK),
            Part((side * apart, 0.1 + brow, 0.6), (0.17, 0.035, 0.06), hair, turn=(-side * 6, 0, 0)),
            Part((side * wide, -0.02, 0), (0.08, 0.18, 0.12), skin),
        ]
    return parts


# name: half width and height, colour of the flesh
FRUITS: dict[str, tuple[float, float, Triple]] = {
    "apple": (0.85, 0.78, (0.72, 0.14, 0.12)),
    "apricot": (0.68, 0.64, (0.93, 0.62, 0.24)),
    "peach": (0.80, 0.80, (0.93, 0.58, 0.45)),
    "pear": (0.62, 0.60, (0.70, 0.74, 0.26)),
    "raspberry": (0.58, 0.68, (0.70, 0.13, 0.26)),
    "strawberry": (0.62, 0.82, (0.82, 0.12, 0.14)),
    "walnut": (0.70, 0.62, (0.60, 0.43, 0.25)),
    "watermelon": (1.00, 0.76, (0.28, 0.50, 0.22)),
}


def fruit(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a fruit: a round body, with the stem, leaves, seeds or drupelets of its kind."""
    wide, tall, flesh = FRUITS[name]
    green: Triple = (0.22, 0.42, 0.16)
    bands = {"watermelon": 9, "walnut": 13}.get(name, 0)
    parts = [
        Part((0, 0, 0), (wide, tall, min(wide, 0.8)), flesh, bands=bands, turn=(90 if name == "walnut" else 0, 0, 0))
    ]
    # A spiral from pole to pole spreads seeds and drupelets evenly over the body.
    heights = 1 - (np.arange(60) + 0.5) / 30
    around = 2.4 * np.arange(60)
    spread = np.stack([np.sqrt(1 - heights**2) * np.cos(around), heights, np.sqrt(1 - heights**2) * np.sin(around)], 1)
    if name == "pear":
        parts.append(Part((0, 0.58, 0), (0.36, 0.56, 0.36), flesh))
    if name in ("peach", "apricot"):
        parts.append(Part((0.25 * wide, 0, 0), (0.82 * wide, 1.01 * tall, 0.86 * wide), flesh))
    if name == "raspberry":
        parts += [Part((x * wide, y * tall, z * wide), (0.15, 0.15, 0.15), flesh) for x, y, z in spread]
    if name == "strawberry":
        seed: Triple = (0.95, 0.82, 0.4)
        parts.append(Part((0, -0.3, 0), (0.42, 0.8, 0.42), flesh))
        parts += [Part((x * wide, y * tall, z * wide), (0.035, 0.05, 0.035), seed) for x, y, z in spread]
    if name in ("raspberry", "strawberry"):
        for angle in range(0, 360, 72):
            x, z = 0.24 * np.cos(np.deg2rad(angle)), 0.24 * np.sin(np.deg2rad(angle))
            parts.append(Part((x, tall, z), (0.3, 0.05, 0.13), green, turn=(0, -angle, 0)))
    if name in ("apple", "pear", "peach", "apricot"):
        top = 1.1 if name == "pear" else tall
        parts.append(rod((0, top + 0.08, 0), (0.04, 0.2, 0.04), (0.35, 0.24, 0.13), turn=(-10, 0, 0)))
    if name in ("apple", "peach"):
        parts.append(Part((0.25, tall + 0.16, 0), (0.26, 0.05, 0.12), green, turn=(25, 0, 20)))
    return parts


def plane(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a plane: a fuselage with wings, a tail, windows, and jet engines or a propeller."""
    k, body, trim = int(name[-1]), tint(rng, 0.15), tint(rng, 0.6)
    girth, span, chord = rng.uniform(0.12, 0.19), rng.uniform(0.7, 1.0), rng.uniform(0.18, 0.28)
    sweep, height = rng.uniform(5, 35), 0.12 if k % 4 == 1 else -0.05
    parts = [
        Part((0, 0, 0), (1.0, girth, girth), body),
        Part((0.72, 0.45 * girth, 0), (0.16, 0.5 * girth, 0.6 * girth), GLASS),
        Part((-0.88, 0.24, 0), (0.16, 0.32, 0.03), trim, low=(-1, -0.6, -1), turn=(15, 0, 0)),
        box((0.0, 0.25 * girth, 0), (0.62, 0.16 * girth, 0.93 * girth), GLASS),
    ]
    for side in (-1, 1):
        wing = (-0.1, height, side * span / 2)
        parts += [
            Part(wing, (chord, 0.035, 0.62 * span), body, turn=(0, side * sweep, 0)),
            Part((-0.88, 0.05, side * 0.2), (0.11, 0.03, 0.26), trim, turn=(0, side * sweep, 0)),
        ]
        if k % 2 == 0:
            parts.append(rod((0.08, height - 0.12, side * 0.42 * span), (0.09, 0.18, 0.09), trim, turn=(90, 0, 0)))
    if k % 2:
        parts += [
            Part((1.0, 0, 0), (0.1, 0.06, 0.06), DARK),
            Part((1.05, 0, 0), (0.02, 0.42, 0.05), DARK, turn=(0, 0, rng.uniform(0, 90))),
        ]
    return parts


def table(name: str, rng: np.random.Generator) -> list[Part]:
    """Build a table: a square or round top on four legs or on one column with a foot."""
    k, wood, cloth = int(name[-1]), tint(rng, 0.45), tint(rng, 0.4)
    wide, deep, leg = rng.uniform(0.8, 1.0), rng.uniform(0.45, 0.75), rng.uniform(0.55, 0.9)
    deep, shape = (wide, rod) if k % 2 else (deep, box)
    thick, inset = rng.uniform(0.045, 0.09), 0.62 if k % 2 else 0.88
    parts = [shape((0, 0, 0), (wide, 0.06, deep), cloth)]
    if k % 4 == 3:
        parts += [
            rod((0, -leg / 2, 0), (0.09, leg / 2, 0.09), wood),
            Part((0, -leg, 0), (0.5, 0.14, 0.5), wood, low=(-1, 0, -1)),
        ]
    else:
        corners = [(x * inset * wide, z * inset * deep) for x in (-1, 1) for z in (-1, 1)]
        parts += [shape((x, -leg / 2, z), (thick, leg / 2, thick), wood) for x, z in corners]
        parts.append(shape((0, -0.12, 0), (inset * wide, 0.06, inset * deep), wood))
    if k in (2, 4):
        parts.append(box((0, -0.7 * leg, 0), (inset * wide, 0.03, inset * deep), wood))
    return parts


# The function that builds the objects of each category, and their pose at variation 0.
FAMILIES: dict[str, tuple[Callable[[str, np.random.Generator], list[Part]], Triple]] = {
    "Animals": (animal, (0, -30, 10)),
    "Boats": (boat, (0, -25, 12)),
    "Cars": (car, (0, -32, 16)),
    "Chairs": (chair, (0, -50, 20)),
    "Faces": (face, (0, 12, 2)),
    "Fruits": (fruit, (0, 15, 18)),
    "Planes": (plane, (6, -38, 30)),
    "Tables": (table, (0, -30, 22)),
}


def build(category: str, name: str) -> list[Part]:
    """Build the parts of an object, centred and scaled to a radius of about 1. They are the same in every simulation.

    Args:
        category: a key of `OBJECTS`.
        name: one of its objects.
    """
    make, _ = FAMILIES[category]
    parts = make(name, np.random.default_rng([list(OBJECTS).index(category), OBJECTS[category].index(name)]))
    reach = np.array([np.abs(p.axes).sum(axis=1) for p in parts])
    centres = np.array([p.centre for p in parts])
    low, high = (centres - reach).min(axis=0), (centres + reach).max(axis=0)
    scale = 2.7 / np.linalg.norm(high - low)  # gives a cube edges of 1.56, and a thin rod a length of 2.7
    middle = (low + high) / 2
    return [replace(p, centre=tuple(scale * (p.centre - middle)), half=tuple(scale * np.array(p.half))) for p in parts]
