"""Find which packages the project needs, and which versions are installed."""

import platform
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from ventral import __version__


def required(project: str | Path) -> list[Requirement]:
    """List the packages that a pyproject.toml asks for, with their ranges of versions."""
    return [Requirement(line) for line in tomllib.loads(Path(project).read_text())["project"]["dependencies"]]


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def versions(project: str | Path) -> dict[str, str | None]:
    """Return the installed versions of Python, ventral and every package that a pyproject.toml asks for, by name."""
    found = {requirement.name: installed(requirement.name) for requirement in required(project)}
    return {"python": platform.python_version(), "ventral": __version__} | found
