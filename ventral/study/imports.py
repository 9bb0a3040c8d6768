"""Which files a script or a user's code really imports, so that an edit reruns the rules it touches and no others."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path

PACKAGE = "ventral"
Module = tuple[int, str]  # how many folders up a relative import begins, 0 where it is absolute; and the dotted name


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """Files of the package under `root` that `file` imports, directly or through others, found by reading them."""
    return frozenset(path for path in reached_files(file, (root,)) if (root / PACKAGE) in path.parents)


def reached_files(file: Path, roots: Sequence[Path]) -> list[Path]:
    """Files under any of the roots that `file` imports, directly or through others, and those of their packages.

    A module is looked for as Python looks: in the roots in order. What cannot be parsed imports nothing, and is left
    for the rule that runs it to name.
    """
    found: dict[Path, None] = {}
    waiting = [file]
    while waiting:
        importing = waiting.pop()
        for level, name in sorted(_modules(importing)):
            places = [importing.resolve().parents[level - 1]] if level else roots
            for candidate in next(filter(None, (_files(name, place) for place in places)), []):
                if candidate not in found and candidate != file:
                    found[candidate] = None
                    waiting.append(candidate)
    return list(found)


def own_code(source: str, roots: Sequence[Path]) -> list[Path]:
    """The file of somebody's own `package.module` or `path/to/file.py`, and all under the roots that it imports."""
    if source.endswith(".py"):
        files, roots = [Path(source)], (*roots, Path(source).parent)
    else:
        files = next(filter(None, (_files(source, root) for root in roots)), [])
    return [path for file in files if file.is_file() for path in (file, *reached_files(file, roots))]


@cache
def _modules(file: Path) -> frozenset[Module]:
    try:
        tree = ast.parse(file.read_bytes(), file)
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    found: set[Module] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {(0, alias.name) for alias in names}
            case ast.ImportFrom(module=module, names=names, level=level):
                found |= {(level, ".".join(filter(None, (module, alias.name)))) for alias in names}
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                found.add((0, name))
    return frozenset(found)


def _files(module: str, root: Path) -> list[Path]:
    """The file of a module, or of the module that it is a name in, and those of the packages around it."""
    parts = [part for part in module.split(".") if part]
    found = []
    for depth in range(1, len(parts) + 1):
        path = root.joinpath(*parts[:depth])
        found += [file for file in (path.with_name(f"{path.name}.py"), path / "__init__.py") if file.is_file()]
    return found
