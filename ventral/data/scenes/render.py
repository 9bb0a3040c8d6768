"""Draw an object of the simulated set in any pose over a textured background, by ray casting."""

import numpy as np
from numpy.typing import NDArray

from ventral.data.scenes.objects import Floats, Part

SUPERSAMPLE = 3  # rays a pixel along each side
VIEW = 1.6  # half the width of an image, in radii of an object of size 1
LIGHT = np.array([-0.45, 0.7, 0.55])
LIGHT /= np.linalg.norm(LIGHT)
HALFWAY = LIGHT + np.array([0, 0, 1])  # direction halfway between the light and the viewer
HALFWAY /= np.linalg.norm(HALFWAY)
AMBIENT, DIFFUSE, GLOSS = 0.46, 0.66, 0.2
PARALLEL = 1e-6  # replaces zero where a ray runs parallel to a surface


def _hit(part: Part, inverse: Floats, origin: Floats) -> tuple[NDArray[np.bool_], Floats, Floats, Floats]:
    """Find where rays along z first meet a part, seen from the viewer.

    Args:
        part: the convex solid.
        inverse: (3, 3) matrix from the axes of the image to those of the part.
        origin: (3, h, w) start of each ray on the image plane, in the axes of the part.

    Returns:
        (h, w) whether each ray hits, (h, w) height of the hit above the image plane, (3, h, w) the point that is hit in
        the axes of the part, and (3, h, w) the surface normal in the axes of the image.
    """
    ray = np.where(np.abs(inverse[:, 2]) < PARALLEL, PARALLEL, inverse[:, 2])[:, None, None]
    curved = np.array(part.round)[:, None, None]
    a = max(float((curved * ray**2).sum()), PARALLEL**2)
    b = (curved * ray * origin).sum(axis=0)
    root = b**2 - a * ((curved * origin**2).sum(axis=0) - 1)
    half = np.sqrt(np.maximum(root, 0)) / a
    to_low, to_high = ((np.array(cut)[:, None, None] - origin) / ray for cut in (part.low, part.high))
    leave = np.concatenate([(-b / a + half)[None], np.maximum(to_low, to_high)])
    enter = np.maximum(-b / a - half, np.minimum(to_low, to_high).max(axis=0))
    surface = leave.argmin(axis=0)
    height = leave.min(axis=0)
    point = origin + ray * height
    flat = np.sign(ray) * (surface == np.arange(1, 4)[:, None, None])
    normal = np.tensordot(inverse.T, np.where(surface == 0, curved * point, flat), axes=1)
    return (root >= 0) & (height > enter), height, point, normal / (np.linalg.norm(normal, axis=0) + PARALLEL)


def _shade(part: Part, point: Floats, normal: Floats) -> Floats:
    """Compute the (h, w, 3) colour of points of a part: mottled, banded, lit from the upper left, with a highlight."""
    x, y, z = point * np.array(part.half)[:, None, None]
    mottle = 1 + 0.09 * np.sin(17 * x + 1) * np.sin(19 * y + 2) * np.sin(18 * z + 3)
    if part.bands:
        mottle = mottle * (0.8 + 0.25 * np.cos(part.bands * np.arctan2(point[2], point[0])))
    light = mottle * (AMBIENT + DIFFUSE * np.maximum(np.tensordot(LIGHT, normal, axes=1), 0))
    gloss = GLOSS * np.maximum(np.tensordot(HALFWAY, normal, axes=1), 0) ** 24
    return light[..., None] * np.array(part.colour) + gloss[..., None]


def cast(parts: list[Part], pose: Floats, scale: float, centre: tuple[float, float], n: int) -> tuple[Floats, Floats]:
    """Cast n x n parallel rays at an object.

    Args:
        parts: the object.
        pose: (3, 3) rotation of the object.
        scale: radius of the object, in halves of the image's width.
        centre: x and y of the object, in halves of the image's width from its middle.
        n: rays along each side.

    Returns:
        (n, n, 3) colour, 0 where no ray hits; and (n, n) mask, 1 where the object is and 0 elsewhere.
    """
    colour, depth = np.zeros((n, n, 3)), np.full((n, n), -np.inf)
    for part in parts:
        axes = scale * pose @ part.axes
        at = scale * pose @ part.centre + [*centre, 0]
        inverse = np.linalg.inv(axes).astype(np.float64)
        reach = np.abs(axes).sum(axis=1)
        left, right = np.clip([(at[0] - reach[0] + 1) * n / 2, (at[0] + reach[0] + 1) * n / 2 + 1], 0, n).astype(int)
        top, bottom = np.clip([(1 - at[1] - reach[1]) * n / 2, (1 - at[1] + reach[1]) * n / 2 + 1], 0, n).astype(int)
        x = (np.arange(left, right) + 0.5) * 2 / n - 1 - at[0]
        y = 1 - (np.arange(top, bottom) + 0.5) * 2 / n - at[1]
        start = inverse @ [0, 0, -at[2]]
        origin = start[:, None, None] + inverse[:, 0, None, None] * x + inverse[:, 1, None, None] * y[:, None]
        hit, height, point, normal = _hit(part, inverse, origin)
        window = (slice(top, bottom), slice(left, right))
        nearer = hit & (height > depth[window])
        depth[window][nearer] = height[nearer]
        colour[window][nearer] = _shade(part, point, normal)[nearer]
    return colour, np.isfinite(depth).astype(float)


def background(size: int, rng: np.random.Generator) -> Floats:
    """Draw a faintly coloured (size, size, 3) texture from 0 to 1, with 1/f amplitudes like natural scenes.

    Source: Field 1987.
    """
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)) * size
    filters = np.maximum(frequency, 1) ** -rng.uniform(1.1, 1.7)
    noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((3, size, size))) * filters, s=(size, size))
    brightness, *tints = (noise - noise.mean(axis=(1, 2), keepdims=True)) / noise.std(axis=(1, 2), keepdims=True)
    warm, green = (0.12 * tint + 0.3 * rng.standard_normal() for tint in tints)
    layers = np.stack([brightness + warm, brightness + green, brightness - warm], axis=-1)
    return np.clip(rng.uniform(0.35, 0.6) + rng.uniform(0.06, 0.13) * layers, 0, 1)


def render(
    parts: list[Part], pose: Floats, scale: float, centre: tuple[float, float], ground: Floats
) -> NDArray[np.uint8]:
    """Draw an object over a background, with smooth edges.

    Args:
        parts: the object, within a unit sphere.
        pose: (3, 3) rotation of the object.
        scale: size of the object, 1 at variation 0.
        centre: x and y of the object, in halves of the image's width from its middle.
        ground: (size, size, 3) background.

    Returns:
        (size, size, 3) uint8 image.
    """
    size, n = len(ground), SUPERSAMPLE
    colour, cover = cast(parts, pose, scale / VIEW, centre, n * size)
    drawn = colour.reshape(size, n, size, n, 3).mean(axis=(1, 3))
    alpha = cover.reshape(size, n, size, n).mean(axis=(1, 3))[..., None]
    return np.rint(255 * np.clip(drawn + (1 - alpha) * ground, 0, 1)).astype(np.uint8)
