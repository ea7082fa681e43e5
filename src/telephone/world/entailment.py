"""What follows from the stated places and relations of a scene, wherever its other things stand.

`layout` must put every thing somewhere; that says nothing about what a text states. Here a thing without a stated
position may be anywhere, so nothing about it holds. Columns and rows are systems of difference constraints (x_j - x_i
>= d), solved by longest paths; a thing beside another stands in its row, one above or below another in its column.
"""

from functools import lru_cache

from telephone.world.layout import COLUMNS, ROWS, cell_of
from telephone.world.scene import PLACES, Scene

_NEVER = -1000
"""Lower bound of a difference of which nothing is known."""
_AXIS = {"left of": 0, "right of": 0, "above": 1, "below": 1}
_ASCENDING = ("left of", "above")
"""Relations whose subject has the smaller column or row."""
_PLACE_OF = {cell_of(place): place for place in PLACES}

_Bounds = tuple[tuple[int, ...], ...]


class Positions:
    """What is known of the columns and rows of the things of a scene."""

    def __init__(self, scene: Scene, beside: bool) -> None:
        """Takes a scene; `beside`: a thing left of another stands in its row, one above another in its column."""
        size = len(scene.things)
        columns = [[_NEVER] * (size + 1) for _ in range(size + 1)]
        rows = [[_NEVER] * (size + 1) for _ in range(size + 1)]
        for index, thing in enumerate(scene.things):
            cell = cell_of(thing.place) if thing.place else None
            _limit(columns, index, (0, COLUMNS - 1) if cell is None else (cell[0], cell[0]))
            _limit(rows, index, (0, ROWS - 1) if cell is None else (cell[1], cell[1]))
        self.least = (_closed(columns), _closed(rows))
        for subject, name, anchor in scene.relations:
            axis = _AXIS[name]
            low, high = (subject, anchor) if name in _ASCENDING else (anchor, subject)
            (columns, rows)[axis][low][high] = 1
            if beside:
                (columns, rows)[1 - axis][subject][anchor] = (columns, rows)[1 - axis][anchor][subject] = 0
        related = (_closed(columns), _closed(rows))
        self.consistent = all(bounds[index][index] <= 0 for bounds in related for index in range(size + 1))
        if self.consistent:
            self.least = related

    def place(self, index: int) -> str | None:
        """Returns the place of a thing if nothing else is possible."""
        found = []
        for bounds in self.least:
            low, high = bounds[-1][index], -bounds[index][-1]
            if low != high:
                return None
            found.append(low)
        return _PLACE_OF[found[0], found[1]]

    def may_be(self, index: int, place: str) -> bool:
        """Returns whether a thing may stand in a place."""
        return all(
            bounds[-1][index] <= value <= -bounds[index][-1]
            for bounds, value in zip(self.least, cell_of(place), strict=True)
        )

    def holds(self, name: str, subject: int, anchor: int) -> bool:
        """Returns whether a relation holds wherever the things stand."""
        low, high = (subject, anchor) if name in _ASCENDING else (anchor, subject)
        return self.least[_AXIS[name]][low][high] >= 1

    def may_hold(self, name: str, subject: int, anchor: int) -> bool:
        """Returns whether a relation is possible."""
        low, high = (subject, anchor) if name in _ASCENDING else (anchor, subject)
        return self.least[_AXIS[name]][high][low] <= -1


def _limit(bounds: list[list[int]], index: int, between: tuple[int, int]) -> None:
    """Sets the smallest and the largest value of a thing; the last row and column are the origin."""
    bounds[-1][index], bounds[index][-1] = between[0], -between[1]


def _closed(bounds: list[list[int]]) -> _Bounds:
    """Returns the largest lower bounds that follow (Floyd and Warshall's algorithm, for longest paths)."""
    size = len(bounds)
    found = [row[:] for row in bounds]
    for index in range(size):
        found[index][index] = max(found[index][index], 0)
    for middle in range(size):
        through = found[middle]
        for row in found:
            first = row[middle]
            if first > _NEVER // 2:
                for end in range(size):
                    if first + through[end] > row[end]:
                        row[end] = first + through[end]
    return tuple(map(tuple, found))


@lru_cache(maxsize=4096)
def implied(scene: Scene) -> Positions:
    """Returns what the statements of a scene imply, things beside each other standing in one row or column."""
    return Positions(scene, beside=True)


@lru_cache(maxsize=4096)
def possible(scene: Scene) -> Positions:
    """Returns what the statements of a scene leave possible."""
    return Positions(scene, beside=False)
