"""Does a network that claims to be trained tell objects apart better than its copy with random weights?"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ventral.encoders.check import LATE, CategoryCheck, compare_with_random
from ventral.networks.activations import Images
from ventral.networks.extraction import late_grams
from ventral.networks.zoo import build_network


def check_claim(
    name: str,
    settings: Mapping[str, Any],
    images: Images,
    categories: NDArray[np.str_],
    *,
    weights_file: str | None,
    seed: int,
    **options: Any,
) -> tuple[CategoryCheck, dict[str, Any]]:
    """Compare a network of the config with its copy of random weights, by their late layers.

    Args:
        name: of the network.
        settings: its entry in the config; its layers do not matter.
        images: (n, H, W, 3) uint8 images of objects.
        categories: (n,) category of the object in each.
        weights_file: as for `build_network`.
        seed: of random weights, where the entry has none of its own.
        options: those of `extract_grams`.

    Returns:
        The comparison, and the same as a row of `weights.csv`.

    Raises:
        InputError: as `build_network` and `extract_grams`.
    """
    entry, seed = {**settings, "layers": "auto"}, settings.get("seed", seed)
    network = build_network(name, entry, weights_file=weights_file, seed=seed)
    copy = build_network(name, {**entry, "weights": "random"}, weights_file=None, seed=seed)
    late, late_of_copy = (late_grams(each, LATE, images, **options) for each in (network, copy))
    check = compare_with_random(late, late_of_copy, categories)
    return check, {"network": name, "weights": network.weights, **asdict(check)}
