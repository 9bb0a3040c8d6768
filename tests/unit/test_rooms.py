"""The house: packages without loops, and arrows between them that run down only."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# From the ground up: what a floor imports lies below it, or is on the same floor and does not import it.
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


GRAPH = {name: imports(path, modules()) for name, path in modules().items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_is_on_a_floor():
    rooms = {room(name) for name in GRAPH} - {"", "__main__"}
    assert rooms == set().union(*FLOORS) and len(rooms) + 2 <= MOST_ROOMS
    assert all(not low & high for low, high in pairwise(FLOORS))


def test_arrows_between_rooms_run_down_only():
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    arrows = {(room(name), room(other)) for name, others in GRAPH.items() for other in others}
    arrows = {(a, b) for a, b in arrows if a != b and a in floor and b in floor}
    assert not {(a, b) for a, b in arrows if floor[b] > floor[a]}, "an arrow up"
    assert not {(a, b) for a, b in arrows if floor[b] == floor[a]}, "an arrow on one floor"


@pytest.mark.parametrize("name", sorted(GRAPH))
def test_no_module_imports_itself_through_others(name):
    reached, waiting = set(), list(GRAPH[name])
    while waiting:
        other = waiting.pop()
        if other not in reached:
            reached.add(other)
            waiting += GRAPH[other]
    assert name not in reached
