"""Compare the seconds of one exact bootstrap draw of RDM comparisons with rsatoolbox, and check that numbers agree.

python -m benchmarks.rdms [n_images ...]      # without a number: 3200, and 300 with more draws

A draw resamples the images, leaves out pairs of an image with its own copies, ranks both RDMs again and correlates
them. rsatoolbox does so with `subsample_pattern` and `compare(..., "spearman")`. Both get the same draws. Ours sorts
both RDMs once for all draws, which has a line of its own. Times are processor seconds with one thread: for rsatoolbox
the smallest of all draws, for ours the smallest of five batches of 20.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rsatoolbox
from scipy.spatial.distance import squareform
from threadpoolctl import threadpool_limits

from ventral.similarity.inference import exact_spearman, order_rdm
from ventral.similarity.measures import MEASURES
from ventral.similarity.rdms import correlate, neural_rdm, rank_rdm

N_UNITS = 168
N_DRAWS = {3200: 4}  # draws of rsatoolbox by number of images; else 20
THEIRS = {"spearman": "spearman", "pearson": "corr", "cosine": "cosine", "kendall": "tau-a"}


def simulate(n_images: int) -> list[np.ndarray]:
    """Simulate the RDMs of two populations that share a signal."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(n_images, 20)) @ rng.normal(size=(20, N_UNITS))
    return [neural_rdm(signal + 5 * rng.normal(size=signal.shape)) for _ in range(2)]


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Call a function. Return processor seconds and its result."""
    start = time.process_time()
    found = function(*arguments)
    return time.process_time() - start, found


def draw_of_rsatoolbox(data: rsatoolbox.rdm.RDMs, model: rsatoolbox.rdm.RDMs, draw: np.ndarray) -> float:
    """Compute one draw as `eval_bootstrap_pattern` of rsatoolbox does, without noise ceilings."""
    both = [rdm.subsample_pattern("index", draw) for rdm in (data, model)]
    return float(rsatoolbox.rdm.compare(*both, method="spearman")[0, 0])


def compare(n_images: int) -> None:
    """Print the times of rsatoolbox and ours side by side."""
    rdms = simulate(n_images)
    vectors = np.stack([squareform(rdm, checks=False) for rdm in rdms])
    theirs = [rsatoolbox.rdm.RDMs(vector[None]) for vector in vectors]
    print(f"\n{n_images} images, {vectors.shape[1]} pairs")
    print(f"{'':42}{'rsatoolbox':>12}{'ours':>12}{'ratio':>8}{'difference':>13}")
    for name, function in MEASURES.items():
        took, expected = timed(rsatoolbox.rdm.compare, *theirs, THEIRS[name])
        mine, found = timed(function, *vectors)
        _row(name, took, mine, abs(float(expected[0, 0]) - found))
    rng = np.random.default_rng(1)
    draws = [rng.integers(0, n_images, n_images) for _ in range(N_DRAWS.get(n_images, 20))]
    weights = np.stack([np.bincount(draw, minlength=n_images) for draw in draws])
    took_each, expected_each = zip(*(timed(draw_of_rsatoolbox, *theirs, draw) for draw in draws), strict=True)
    sorting, orders = timed(lambda: [order_rdm(rdm) for rdm in rdms])
    many = np.tile(weights, (20 // len(draws), 1))
    first = min(timed(exact_spearman, orders[0], orders[1:], many[:1])[0] for _ in range(3))
    print(f"{'sorting both RDMs and one draw, once':42}{'':12}{sorting + first:11.3f}s")
    parts = [timed(exact_spearman, orders[0], orders[1:], many) for _ in range(5)]
    further = (min(seconds for seconds, _ in parts) - first) / (len(many) - 1)
    error = np.abs(np.array(expected_each) - parts[0][1][: len(draws), 0]).max()
    _row("exact Spearman, each further draw", min(took_each), further, error)
    many = np.tile(weights, (5, 1))
    screen, found = timed(lambda: correlate(*(rank_rdm(rdm, many) for rdm in rdms)))
    error = np.abs(np.array(expected_each) - found[: len(draws)]).max()
    _row("ranks of the full set (the screen), a draw", min(took_each), screen / len(many), error)


def _row(name: str, library: float, own: float, difference: float) -> None:
    print(f"{name:42}{library:11.4f}s{own:11.4f}s{library / own:7.1f}x{difference:13.1e}", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        for size in map(int, sys.argv[1:] or ("300", "3200")):
            compare(size)
