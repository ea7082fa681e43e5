"""Vector drawings of the 32 kinds of things, independent of colour, size and style."""

from collections.abc import Callable, Mapping
from functools import cache

from telephone.world import sprites_indoor as house
from telephone.world import sprites_living as living
from telephone.world import sprites_outdoor as abroad
from telephone.world.shapes import Sprite

_DRAWN: Mapping[str, Callable[[], Sprite]] = {
    "apple": living.apple,
    "balloon": abroad.balloon,
    "banana": living.banana,
    "bell": house.bell,
    "bird": living.bird,
    "boat": abroad.boat,
    "book": house.book,
    "butterfly": living.butterfly,
    "cactus": living.cactus,
    "car": abroad.car,
    "castle": abroad.castle,
    "cat": living.cat,
    "chair": house.chair,
    "clock": house.clock,
    "crown": house.crown,
    "cup": house.cup,
    "dog": living.dog,
    "fish": living.fish,
    "flower": living.flower,
    "hat": house.hat,
    "heart": living.heart,
    "house": abroad.house,
    "key": house.key,
    "kite": abroad.kite,
    "lamp": house.lamp,
    "mushroom": living.mushroom,
    "plane": abroad.plane,
    "robot": abroad.robot,
    "rocket": abroad.rocket,
    "star": living.star,
    "tree": living.tree,
    "umbrella": house.umbrella,
}

TWO_FACED = frozenset(
    {"banana", "bird", "boat", "book", "car", "cat", "chair", "cup", "dog", "fish", "key", "kite", "plane", "umbrella"}
)
"""Kinds that may be drawn mirrored, because they face to one side."""


@cache
def sprite(kind: str) -> Sprite:
    """Returns the shapes of a kind, bottom to top.

    Raises:
        KeyError: there is no such kind.
    """
    return _DRAWN[kind]()
