"""Fixtures that several tests share: the real recordings beside the project."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; without it the test is skipped, but in CI it fails."""
    folder = Path(__file__).parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        reason = f"real recordings absent: no folder {folder}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
