"""Find the files that a script or a user's code imports, so that an edit reruns only the rules that depend on it."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = "ventral"
ANY = "**"  # every module of a package: what `import_module(f"package.{name}")` may import
STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)
Module = tuple[int, str]  # level of a relative import (0: absolute) and dotted name


@cache
def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """Find the files of the package under `root` that `file` imports, directly or through others."""
    return frozenset(path for path in reached_files(file, (root,)) if (root / PACKAGE) in path.parents)


@cache
def method_files(file: Path, method: str, root: Path) -> frozenset[Path]:
    """Find the files of the package under `root` that one method of a module needs, without the module itself."""
    return frozenset(path for path in reached_files(file, (root,), method) if (root / PACKAGE) in path.parents)


@cache
def method_hash(file: Path, method: str) -> str:
    """Hash the statements of its own module that a method needs. Edits of other statements do not change the hash."""
    return hashlib.sha256(ast.unparse(_needed(file, method)).encode()).hexdigest()


def reached_files(file: Path, roots: Sequence[Path], method: str | None = None) -> list[Path]:
    """Find the files under any of the roots that `file` imports, directly or through others, with their packages.

    Modules are searched in the roots in order, as Python does. A file that cannot be parsed imports nothing here; the
    rule that runs it reports the error.

    Args:
        file: where the walk begins.
        roots: folders in which modules are searched.
        method: start only from what this method of a class in `file` needs.
    """
    found: dict[Path, None] = {}
    waiting = [file]
    while waiting:
        importing = waiting.pop()
        for level, name in sorted(_modules(importing, method if importing == file else None)):
            places = [importing.resolve().parents[level - 1]] if level else roots
            for candidate in next(filter(None, (_files(name, place) for place in places)), []):
                if candidate not in found and candidate != file:
                    found[candidate] = None
                    waiting.append(candidate)
    return list(found)


def own_code(source: str, roots: Sequence[Path]) -> list[Path]:
    """Find the file of a user's `package.module` or `path/to/file.py`, and all that it imports under the roots."""
    if source.endswith(".py"):
        files, roots = [Path(source)], (*roots, Path(source).parent)
    else:
        files = next(filter(None, (_files(source, root) for root in roots)), [])
    return [path for file in files if file.is_file() for path in (file, *reached_files(file, roots))]


@cache
def _modules(file: Path, method: str | None = None) -> frozenset[Module]:
    try:
        source = file.read_bytes()
        tree = _needed(file, method) if method else ast.parse(source, file)
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    found: set[Module] = set()
    for node in _executed(tree, with_expressions=b"import_module" in source):
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


def _executed(tree: ast.AST, with_expressions: bool) -> Iterator[ast.AST]:
    """Walk over the statements of a tree, without the imports that only a type checker reads.

    Expressions are most of a tree, and the walk is part of every start of Snakemake.
    """
    waiting = [tree]
    while waiting:
        match node := waiting.pop():
            case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=otherwise):
                waiting += otherwise
            case _:
                yield node
                parts = ast.iter_child_nodes(node)
                waiting += parts if with_expressions else (part for part in parts if isinstance(part, STATEMENTS))


def _needed(file: Path, method: str) -> ast.Module:
    """Reduce a module to one method and the statements that it uses, directly or through others.

    A module whose classes inherit the method is returned whole.
    """
    tree = ast.parse(file.read_bytes(), file)
    inside = [node for owner in tree.body if isinstance(owner, ast.ClassDef) for node in owner.body]
    needed: list[ast.stmt] = [node for node in inside if isinstance(node, ast.FunctionDef) and node.name == method]
    if not needed:
        return tree
    statements = {name: node for node in tree.body for name in _bound(node)}
    for node in needed:  # the list grows meanwhile
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        needed += [found for name, found in statements.items() if name in names and found not in needed]
    return ast.Module(sorted(needed, key=lambda node: node.lineno), type_ignores=[])


def _bound(node: ast.stmt) -> list[str]:
    """List the names that a top-level statement of a module binds."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [alias.asname or alias.name.partition(".")[0] for alias in names]
        case ast.Assign(targets=targets):
            return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
    return []


@cache
def _files(module: str, root: Path) -> list[Path]:
    """Find the file of a module, or of the module that defines a name, and the files of the packages around it."""
    parts = [part for part in module.split(".") if part]
    found = []
    for depth in range(1, len(parts) + 1):
        path = root.joinpath(*parts[:depth])
        if parts[depth - 1] == ANY:
            found += sorted(path.parent.glob("*.py"))
        else:
            found += [file for file in (path.with_name(f"{path.name}.py"), path / "__init__.py") if file.is_file()]
    return found
