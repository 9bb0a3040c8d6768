"""Draw the rules of a study as a graph. Each rule is below the rules whose output it reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

# In pixels: height of a box, distances of boxes down and across, width of a letter, margin of the drawing.
HEIGHT, DOWN, ASIDE, LETTER, MARGIN = 26, 30, 14, 6.8, 10
SWEEPS = 8  # passes of the ordering, down and up in turn

Graph = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Box:
    """The place of a rule, or of the bend of a line that passes a row.

    Attributes:
        x, y: centre in pixels.
        width: in pixels; 0 for a bend.
    """

    x: float
    y: float
    width: float


def without_shortcuts(after: Graph) -> dict[str, list[str]]:
    """Remove edges between rules that a longer path connects too.

    Args:
        after: for each rule, the rules whose output it reads. There are no cycles.
    """
    above: dict[str, set[str]] = {}

    def all_above(rule: str) -> set[str]:
        if rule not in above:
            above[rule] = set(after[rule]).union(*map(all_above, after[rule]))
        return above[rule]

    return {
        rule: [one for one in before if not any(one in all_above(other) for other in before)]
        for rule, before in after.items()
    }


def ranks(after: Graph) -> dict[str, int]:
    """Count the rules above each rule on the longest path to it."""
    found: dict[str, int] = {}

    def rank(rule: str) -> int:
        if rule not in found:
            found[rule] = 1 + max(map(rank, after[rule]), default=-1)
        return found[rule]

    return {rule: rank(rule) for rule in after}


def _with_bends(after: Graph) -> tuple[list[list[str]], dict[str, list[str]], list[list[str]]]:
    """Add bends to edges that pass rows, so that all edges join neighbouring rows.

    Returns:
        Rows of rules and bends, the names above each, and the path of every edge.
    """
    rank = ranks(after)
    rows: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for rule in after:
        rows[rank[rule]].append(rule)
    above: dict[str, list[str]] = {rule: [] for rule in after}
    ways = []
    for rule, before in after.items():
        for first in before:
            bends = [f"{first}>{rule}>{row}" for row in range(rank[first] + 1, rank[rule])]
            for bend, row in zip(bends, range(rank[first] + 1, rank[rule]), strict=True):
                rows[row].append(bend)
            way = [first, *bends, rule]
            for upper, lower in pairwise(way):
                above.setdefault(lower, []).append(upper)
            ways.append(way)
    return rows, above, ways


def _order(rows: list[list[str]], above: Graph) -> None:
    """Sort every row, in place, by the places of its neighbours, down and up in turn, so that fewer lines cross."""
    below: dict[str, list[str]] = {}
    for lower, uppers in above.items():
        for upper in uppers:
            below.setdefault(upper, []).append(lower)
    for sweep in range(SWEEPS):
        neighbours = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            place = {name: i / len(each) for each in rows for i, name in enumerate(each)}
            middle = {
                name: sum(place[one] for one in near) / len(near) if (near := neighbours.get(name)) else place[name]
                for name in row
            }
            row.sort(key=middle.__getitem__)


def _place(rows: list[list[str]], after: Graph) -> tuple[dict[str, Box], float]:
    """Place the boxes of rules and bends, with centred rows. Return them and the width of the drawing."""
    widths = [[LETTER * len(name) + 16 if name in after else 0 for name in row] for row in rows]
    whole = max((sum(row) + ASIDE * (len(row) - 1) for row in widths), default=0)
    boxes = {}
    for i, (row, wide) in enumerate(zip(rows, widths, strict=True)):
        gap = (whole - sum(wide)) / (len(row) + 1)
        x = MARGIN + gap
        for name, width in zip(row, wide, strict=True):
            boxes[name] = Box(x + width / 2, MARGIN + i * (HEIGHT + DOWN) + HEIGHT / 2, width)
            x += width + gap
    return boxes, whole + 2 * MARGIN


def _line(way: list[Box]) -> str:
    """Make the SVG path of an edge, from the lower side of one box through its bends to the upper side of another."""
    x, y = way[0].x, way[0].y + HEIGHT / 2
    path = f"M{x:.0f} {y:.0f}"
    for box in way[1:]:
        top = box.y - HEIGHT / 2
        half = (y + top) / 2
        path += f"C{x:.0f} {half:.0f} {box.x:.0f} {half:.0f} {box.x:.0f} {top:.0f}"
        x, y = box.x, top
        if not box.width:
            y = box.y + HEIGHT / 2
            path += f"V{y:.0f}"
    return path


def draw_stages(after: Graph, label: str) -> Markup:
    """Draw the rules as an SVG element, in the colours of the page.

    Args:
        after: for each rule, the rules whose output it reads. There are no cycles.
        label: alternative text of the drawing.
    """
    rows, above, ways = _with_bends(without_shortcuts(after))
    _order(rows, above)
    boxes, width = _place(rows, after)
    height = len(rows) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    parts = [
        f'<svg viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" role="img" '
        f'aria-label="{escape(label)}">'
    ]
    parts += [f'<path d="{_line([boxes[name] for name in way])}"/>' for way in ways]
    for rule in after:
        box = boxes[rule]
        left, top = box.x - box.width / 2, box.y - HEIGHT / 2
        parts.append(f'<rect x="{left:.0f}" y="{top:.0f}" width="{box.width:.0f}" height="{HEIGHT}" rx="5"/>')
        parts.append(f'<text x="{box.x:.0f}" y="{box.y + 4:.0f}">{escape(rule)}</text>')
    return Markup("".join([*parts, "</svg>"]))
