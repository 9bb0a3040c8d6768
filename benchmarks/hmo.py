"""Measure the seconds to draw HMO modules, run them, and score them by cross-validated classification.

python -m benchmarks.hmo [n_modules n_images image_size]
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from ventral.data.images import fit_square
from ventral.data.scenes.compose import draw_scenes
from ventral.faces.hmo import BATCH, choose_modules, held_out, module_gram, to_input, weighted_accuracy
from ventral.files.console import progress
from ventral.networks.hmo import FILTERS, build_module, draw_modules

BAR_S = 300  # most seconds for 200 modules on two cores
TOGETHER = 8


def seconds(function: Callable[[], object], runs: int = 3) -> float:
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def compare_grouped(n_images: int, side: int, filters: int) -> None:
    """Compare the second layers of several modules of one shape: as one grouped convolution, and one by one."""
    x = torch.randn(n_images, TOGETHER * filters, side, side)
    weight = torch.randn(TOGETHER * filters, filters, 5, 5)
    parts = [part.contiguous() for part in x.chunk(TOGETHER, 1)]
    with torch.no_grad():
        together = seconds(lambda: functional.conv2d(x, weight, padding=2, groups=TOGETHER))
        apart = seconds(
            lambda: [
                functional.conv2d(part, w, padding=2) for part, w in zip(parts, weight.chunk(TOGETHER), strict=True)
            ]
        )
    print(f"{TOGETHER} modules of {filters:2} filters: together {together:.3f} s, one by one {apart:.3f} s")


def main(n_modules: int = 200, n_images: int = 150, size: int = 64) -> None:
    scenes, _ = draw_scenes(n_images, np.random.default_rng(0))
    images = to_input(np.array([fit_square(scene.image, size) for scene in scenes]), size)
    target = np.array([1.0 if any(p.category == "Faces" for p in scene.objects) else -1.0 for scene in scenes])

    print(f"{n_images} images of {size} x {size} pixels, {torch.get_num_threads()} threads")
    start, busy = time.perf_counter(), time.process_time()
    plans = draw_modules(n_modules, seed=0)
    inners = [module_gram(build_module(plan, i), images) for i, plan in enumerate(progress(plans, "modules run"))]
    ran = time.perf_counter() - start
    chosen = {selection: choose_modules(inners, target, 5, selection) for selection in ("random", "boosting")}
    took, busy = time.perf_counter() - start, time.process_time() - busy
    print(f"{n_modules} modules: run {ran:.1f} s, chosen twice {took - ran:.1f} s; {busy:.0f} s of processors in all")
    if n_modules == 200:
        print(f"bar {BAR_S} s: {'met' if took <= BAR_S else 'missed'}")
    accuracy = [weighted_accuracy(held_out(inner, target), target) for inner in inners]
    print(f"left-out accuracy of single modules: median {np.median(accuracy):.2f}, best {max(accuracy):.2f}")
    for selection, indices in chosen.items():
        values = held_out(np.sum([inners[i] for i in indices], axis=0), target)
        print(f"of the five that {selection} chooses, together: {weighted_accuracy(values, target):.2f}")
    for filters in FILTERS:
        compare_grouped(BATCH, size // 2, filters)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
