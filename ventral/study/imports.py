"""Which files a script or a user's code really imports, so that an edit reruns the rules it touches and no others."""

import ast
import hashlib
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


@cache
def method_files(file: Path, method: str, root: Path) -> frozenset[Path]:
    """Files of the package under `root` that a method of a module needs, directly or through others; not the module."""
    return frozenset(path for path in reached_files(file, (root,), method) if (root / PACKAGE) in path.parents)


@cache
def method_hash(file: Path, method: str) -> str:
    """A hash of what a method needs of its own module: an edit of another part of the module leaves it as it is."""
    return hashlib.sha256(ast.unparse(_needed(file, method)).encode()).hexdigest()


def reached_files(file: Path, roots: Sequence[Path], method: str | None = None) -> list[Path]:
    """Files under any of the roots that `file` imports, directly or through others, and those of their packages.

    A module is looked for as Python looks: in the roots in order. What cannot be parsed imports nothing, and is left
    for the rule that runs it to name.

    Args:
        file: where the walk begins.
        roots: folders that modules are looked for in.
        method: walk only from what this method of a class in `file` needs.
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
    """The file of somebody's own `package.module` or `path/to/file.py`, and all under the roots that it imports."""
    if source.endswith(".py"):
        files, roots = [Path(source)], (*roots, Path(source).parent)
    else:
        files = next(filter(None, (_files(source, root) for root in roots)), [])
    return [path for file in files if file.is_file() for path in (file, *reached_files(file, roots))]


@cache
def _modules(file: Path, method: str | None = None) -> frozenset[Module]:
    try:
        tree = _needed(file, method) if method else ast.parse(file.read_bytes(), file)
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    found: set[Module] = set()
    for node in _executed(tree):
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


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node of a tree but those that only a type checker reads."""
    waiting = [tree]
    while waiting:
        match node := waiting.pop():
            case ast.If(test=ast.Name("TYPE_CHECKING"), orelse=otherwise):
                waiting += otherwise
            case _:
                yield node
                waiting += ast.iter_child_nodes(node)


def _needed(file: Path, method: str) -> ast.Module:
    """A method of a class, and what it names of its module, directly or through other statements there.

    A module whose classes inherit the method is needed whole.
    """
    tree = ast.parse(file.read_bytes(), file)
    inside = [node for owner in tree.body if isinstance(owner, ast.ClassDef) for node in owner.body]
    needed: list[ast.stmt] = [node for node in inside if isinstance(node, ast.FunctionDef) and node.name == method]
    if not needed:
        return tree
    statements = {name: node for node in tree.body for name in _bound(node)}
    for node in needed:  # which grows
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        needed += [found for name, found in statements.items() if name in names and found not in needed]
    return ast.Module(sorted(needed, key=lambda node: node.lineno), type_ignores=[])


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module binds."""
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
