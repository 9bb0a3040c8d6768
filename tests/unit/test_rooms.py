"""The structure of the library: packages import only from lower floors, and one module names all files of a study."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the ground up. A package imports only from lower floors.
FLOORS = [
    {"files"},
    {"scores", "gram"},
    {"data", "networks", "similarity"},
    {"training"},
    {"readouts"},
    {"faces"},
    {"encoders"},
    {"study"},
    {"tables"},
    {"figures"},
    {"report"},
]
MOST_ROOMS = 20


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def modules() -> dict[str, Path]:
    """Every module of the library, by its dotted name."""
    paths = sorted((ROOT / "ventral").rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the library that a file imports, at its top or within a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & set(known)


def texts(path: Path) -> list[str]:
    """All texts in the code of a file, without docstrings."""
    tree = ast.parse(path.read_text())
    documented = [node for node in ast.walk(tree) if isinstance(node, DOCUMENTED) and ast.get_docstring(node)]
    docstrings = {node.body[0].value for node in documented}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docstrings]
    return [node.value for node in nodes if isinstance(node.value, str)]


GRAPH = {name: imports(path, modules()) for name, path in modules().items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_on_a_floor():
    rooms = {room(name) for name in GRAPH} - {"", "__main__"}
    assert rooms == set().union(*FLOORS) and len(rooms) + 2 <= MOST_ROOMS
    assert all(not low & high for low, high in pairwise(FLOORS))


def test_rooms_import_only_from_lower_floors():
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    arrows = {(room(name), room(other)) for name, others in GRAPH.items() for other in others}
    arrows = {(a, b) for a, b in arrows if a != b and a in floor and b in floor}
    assert not {(a, b) for a, b in arrows if floor[b] > floor[a]}, "an import from a higher floor"
    assert not {(a, b) for a, b in arrows if floor[b] == floor[a]}, "an import from the same floor"


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_no_module_imports_itself_through_others(name):
    reached, waiting = set(), list(GRAPH[name])
    while waiting:
        other = waiting.pop()
        if other not in reached:
            reached.add(other)
            waiting += GRAPH[other]
    assert name not in reached


@pytest.mark.parametrize("name", sorted(set(GRAPH) - {"ventral.study.paths"}))
def test_only_the_module_of_paths_names_files_of_a_study(name):
    assert [text for text in texts(modules()[name]) if re.search(r"\b(results|resources)/", text)] == []
