"""Which files a script or a user's code really imports, so that an edit reruns the rules it touches and no others."""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = "ventral"
ANY = "**"  # every module of a package, as `import_module(f"package.{name}")` may import
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
    for node in _run(tree):
        match node:
            case ast.Import(names=names):
                found |= {(0, alias.name) for alias in names}
            case ast.ImportFrom(module=module, names=names, level=level):
                found |= {(level, ".".join(filter(None, (module, alias.name)))) for alias in names}
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                found.add((0, name))
            case ast.Call(
                func=ast.Name("import_module") | ast.Attribute(attr="import_module"),
                args=[ast.JoinedStr(values=[ast.Constant(value=str(start)), *_]), *_],
            ) if start.endswith("."):
                found.add((0, f"{start}{ANY}"))
    return frozenset(found)


def _run(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes of a tree that a run may reach: all but those that only a type checker reads."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        typed = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        waiting += node.orelse if typed else ast.iter_child_nodes(node)  # type: ignore[attr-defined]


def _files(module: str, root: Path) -> list[Path]:
    """The file of a module, or of the module that it is a name in, and those of the packages around it."""
    parts = [part for part in module.split(".") if part]
    found = []
    for depth in range(1, len(parts) + 1):
        path = root.joinpath(*parts[:depth])
        if parts[depth - 1] == ANY:
            found += sorted(path.parent.glob("*.py"))
        else:
            found += [file for file in (path.with_name(f"{path.name}.py"), path / "__init__.py") if file.is_file()]
    return found
