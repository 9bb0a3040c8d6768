"""Options of simulations with known truth, and a table of their results.

`VENTRAL_VALIDITY_SCALE` multiplies the number of simulated studies (default 1). Above 1, a table of all recorded
numbers follows the tests.
"""

import os
from collections.abc import Callable

import pytest

SCALE = int(os.environ.get("VENTRAL_VALIDITY_SCALE", "1"))


@pytest.fixture(scope="session")
def scale() -> int:
    """How many times as many simulated studies as in an ordinary run."""
    return SCALE


@pytest.fixture
def figures(record_property) -> Callable[..., None]:
    """Record a line of the table: a name, and figures by name."""

    def record(name: str, **found: float) -> None:
        said = ", ".join(f"{key} {value:.3f}" for key, value in found.items())
        record_property("figures", f"{name:<60} {said}")

    return record


def pytest_terminal_summary(terminalreporter) -> None:
    if SCALE == 1:
        return
    terminalreporter.section("validity")
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, line in report.user_properties:
            if name == "figures":
                terminalreporter.write_line(line)
