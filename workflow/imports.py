"""Which library files a script really imports, so that an edit reruns the rules it touches and no others."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = "ventral"


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """Files of the package under `root` that `file` imports, directly or through others, found by reading them."""
    found: set[Path] = set()
    for module in _modules(file):
        for candidate in _files(module, root):
            if candidate != file and candidate not in found:
                found |= {candidate, *imported_files(candidate, root)}
    return frozenset(found)


def _modules(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(), file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _files(module: str, root: Path) -> list[Path]:
    path = root.joinpath(*module.split("."))
    return [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
