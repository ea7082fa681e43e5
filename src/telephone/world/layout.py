"""Positions of the things of a scene: one of six cells each, such that places and relations hold if possible."""

from functools import lru_cache

from telephone.world.scene import PLACES, RELATIONS, SKY_KINDS, Relation, Scene, Thing

COLUMNS = 3
ROWS = 2

_GROUND_FIRST = ("middle", "left", "right", "top", "top left", "top right")
_SKY_FIRST = ("top", "top left", "top right", "middle", "left", "right")


def cell_of(place: str) -> tuple[int, int]:
    """Returns column (0 left to 2 right) and row (0 top, 1 bottom) of a place."""
    index = PLACES.index(place)
    return index % COLUMNS, 1 - index // COLUMNS


def holds(name: str, subject: str, anchor: str) -> bool:
    """Returns whether a thing in place `subject` is left of, right of, above or below one in place `anchor`."""
    (column, row), (other_column, other_row) = cell_of(subject), cell_of(anchor)
    return {
        "left of": column < other_column,
        "right of": column > other_column,
        "above": row < other_row,
        "below": row > other_row,
    }[name]


@lru_cache(maxsize=4096)
def layout(scene: Scene) -> tuple[str, ...]:
    """Returns the place of each thing; of relations that cannot hold together, the last ones are dropped first."""
    for kept in range(len(scene.relations), -1, -1):
        found = _place(scene.things, scene.relations[:kept])
        if found is not None:
            return found
    raise AssertionError("things without relations always find room")


def _place(things: tuple[Thing, ...], relations: tuple[Relation, ...]) -> tuple[str, ...] | None:
    """Backtracks over at most 6! arrangements, preferred places first."""
    reserved = {thing.place for thing in things if thing.place}
    related = {relation.subject: relation for relation in relations}

    def extend(placed: tuple[str, ...]) -> tuple[str, ...] | None:
        index = len(placed)
        if index == len(things):
            return placed
        for place in _choices(things[index], related.get(index), placed):
            taken = place in placed or (place in reserved and place != things[index].place)
            relation = related.get(index)
            if taken or (relation and not holds(relation.name, place, placed[relation.anchor])):
                continue
            found = extend((*placed, place))
            if found is not None:
                return found
        return None

    return extend(())


def _choices(thing: Thing, relation: Relation | None, placed: tuple[str, ...]) -> tuple[str, ...]:
    if thing.place:
        return (thing.place,)
    if relation is None:
        return _SKY_FIRST if thing.kind in SKY_KINDS else _GROUND_FIRST
    column, row = cell_of(placed[relation.anchor])
    sideways = RELATIONS.index(relation.name) < 2  # beside the anchor, else in its column
    return tuple(sorted(PLACES, key=lambda place: _distance(place, column, row, sideways)))


def _distance(place: str, column: int, row: int, sideways: bool) -> tuple[int, int]:
    across, down = abs(cell_of(place)[0] - column), abs(cell_of(place)[1] - row)
    return (down, across) if sideways else (across, down)
