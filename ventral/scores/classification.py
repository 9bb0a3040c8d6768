"""How often a classifier is right, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from ventral.scores.resampling import COVERAGE

Floats = NDArray[np.float64]


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of the share `right` of n (Wilson 1927); NaN if n is 0. It also holds for shares of 0 and 1."""
    if n == 0:
        return float("nan"), float("nan")
    z2 = ndtri((1 + COVERAGE) / 2) ** 2
    share = right / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return float(middle - half), float(middle + half)


def share_right(right: NDArray[np.bool_]) -> dict[str, Any]:
    """`n`, `accuracy` and its 95 % interval `low`, `high`, from (n,) whether each image was classified rightly."""
    n = len(right)
    if n == 0:
        return {"n": 0} | dict.fromkeys(("accuracy", "low", "high"), float("nan"))
    low, high = wilson(int(right.sum()), n)
    return {"n": n, "accuracy": float(right.mean()), "low": low, "high": high}


def accuracy_gain(right: NDArray[np.bool_], baseline: NDArray[np.bool_]) -> dict[str, Any]:
    """Difference of two accuracies on the same images, paired by image, as `accuracy` with `low` and `high`.

    The interval adds half an image to each of the four outcomes (Agresti & Min 2005), so that it has a width even if
    both classifiers are always right.
    """
    n = len(right)
    if n == 0:
        return {"n": 0} | dict.fromkeys(("accuracy", "low", "high"), float("nan"))
    gained, lost = int((right & ~baseline).sum()), int((~right & baseline).sum())
    gain, adjusted = (gained - lost) / n, (gained - lost) / (n + 2)
    error = np.sqrt(gained + lost + 1 - (gained - lost) ** 2 / (n + 2)) / (n + 2)
    half = float(ndtri((1 + COVERAGE) / 2) * error)
    return {"n": n, "accuracy": gain, "low": max(adjusted - half, -1.0), "high": min(adjusted + half, 1.0)}


def beside_baselines(
    name: str,
    called: NDArray[np.bool_],
    pixels: NDArray[np.floating],
    face: NDArray[np.bool_],
    train: NDArray[np.bool_],
) -> dict[str, NDArray[np.bool_]]:
    """The answers of a classifier for n images, with those of `classify_pixels` and the more frequent answer in train.

    Args:
        name: of the classifier.
        called: (n,) whether it sees a face.
        pixels: (n, ...) the images.
        face: (n,) whether there is a face.
        train: (n,) whether an image belongs to train.
    """
    majority = np.full(len(face), face[train].mean() >= 0.5)
    return {name: called, "pixels": classify_pixels(pixels[train], face[train], pixels), "majority": majority}


def score_sets(
    called: Mapping[str, NDArray[np.bool_]],
    truth: NDArray[np.bool_],
    sets: NDArray[np.str_],
    categories: NDArray[np.str_],
    names: Sequence[str],
) -> list[dict[str, Any]]:
    """How well classifiers detect faces, in every set of images and every category within it.

    Args:
        called: for each classifier, (n,) whether it sees a face in each image. The first one is compared with the
            others.
        truth: (n,) whether there is a face; False for images that only look like faces.
        sets: (n,) set of each image.
        categories: (n,) category of each image.
        names: the sets to score.

    Returns:
        One row for each set, `category` ("all", and each one) and `classifier`, as of `share_right`, with
        `called_face`, the share of images that it calls faces. For each whole set, also one row for the gain of the
        first classifier over each other ("hmo - pixels"), as of `accuracy_gain`.
    """
    right = {name: answer == truth for name, answer in called.items()}
    first, *others = right
    rows: list[dict[str, Any]] = []
    for name in names:
        within = sets == name
        for category in ["all", *np.unique(categories[within]).tolist()]:
            here = within if category == "all" else within & (categories == category)
            place = {"set": name, "category": category}
            for classifier, hit in right.items():
                share = float(called[classifier][here].mean()) if here.any() else float("nan")
                score = share_right(hit[here])
                rows.append(place | {"classifier": classifier} | score | {"called_face": share})
            for other in others if category == "all" else ():
                gain = accuracy_gain(right[first][here], right[other][here])
                rows.append(place | {"classifier": f"{first} - {other}"} | gain)
    return rows


def classify_pixels(
    train: NDArray[np.floating], face: NDArray[np.bool_], images: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """The pixels baseline: a linear (ridge) classifier of pixels, with its penalty chosen on train by leave-one-out.

    Args:
        train: (n, ...) train images.
        face: (n,) whether there is a face.
        images: (m, ...) images to classify.

    Returns:
        (m,) whether it sees a face.
    """
    from sklearn.linear_model import RidgeClassifierCV

    flat = train.reshape(len(train), -1).astype(np.float64)
    scale = flat.var(axis=0).sum() or 1.0  # the mean eigenvalue of the inner products
    classifier = RidgeClassifierCV(alphas=scale * np.logspace(-4, 4, 17)).fit(flat, face)
    return classifier.predict(images.reshape(len(images), -1).astype(np.float64)).astype(bool)
