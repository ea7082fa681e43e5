"""The scene graph of the pocket world: the values of each attribute, and the valid combinations.

Every scene is complete. What a caption does not mention has a *default* value (an unpainted thing is grey, a day is
bright and clear), and only a value other than the default is a *fact*; the number of facts ("atoms") is the difficulty.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from telephone.core.errors import WorldError
from telephone.core.records import Level

KINDS = (
    "apple", "balloon", "banana", "bell", "bird", "boat", "book", "butterfly",
    "cactus", "car", "castle", "cat", "chair", "clock", "crown", "cup",
    "dog", "fish", "flower", "hat", "heart", "house", "key", "kite",
    "lamp", "mushroom", "plane", "robot", "rocket", "star", "tree", "umbrella",
)  # fmt: skip
SKY_KINDS = frozenset({"balloon", "bird", "butterfly", "kite", "plane", "rocket", "star"})
"""Kinds whose default place is in the upper row."""
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
SIZES = ("medium", "small", "big")
"""The first one is the default, as in `TIMES`, `WEATHERS` and `STYLES`."""
COUNTS = (1, 2, 3, 4)
SEVERAL = "several"
"""The count of a text that says only that there are more than one, such as "some boats"."""
PLACES = ("left", "middle", "right", "top left", "top", "top right")
SETTINGS = ("beach", "park", "city", "desert", "forest", "snowfield", "room", "space")
"""No setting at all (None) is a blank sheet of paper."""
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
STYLES = ("flat", "sketch", "pastel", "neon")
RELATIONS = ("left of", "right of", "above", "below")
MAX_THINGS = len(PLACES)


@dataclass(frozen=True)
class Thing:
    """A group of one to four equal objects."""

    kind: str
    colour: str | None = None
    """None is unpainted: drawn in grey."""
    size: str = "medium"
    count: int = 1
    place: str | None = None
    """None is any free place."""
    several: bool = field(default=False, compare=False, repr=False)
    """Whether a text says only that there are more than one; `count` is then how many are drawn."""

    def __post_init__(self) -> None:
        """Raises `WorldError` for values that the world does not have."""
        _require(self.kind in KINDS, f"there is no kind {self.kind!r}")
        _require(self.colour is None or self.colour in COLOURS, f"there is no colour {self.colour!r}")
        _require(self.size in SIZES, f"there is no size {self.size!r}")
        _require(self.count in COUNTS, f"a count is 1 to 4, not {self.count!r}")
        _require(self.place is None or self.place in PLACES, f"there is no place {self.place!r}")


class Relation(NamedTuple):
    """`things[subject]` is `name` (such as "left of") `things[anchor]`; the anchor comes earlier."""

    subject: int
    name: str
    anchor: int


class Atom(NamedTuple):
    """The smallest thing that a scene states."""

    thing: int | None
    """Index of the thing; None for a fact of the scene."""
    attribute: str
    """setting, time, weather, style, kind, colour, size, count, place or relation."""
    value: str | int


@dataclass(frozen=True)
class Scene:
    """A scene: setting, time, weather, style, and its things in order."""

    setting: str | None = None
    time: str = "day"
    weather: str = "clear"
    style: str = "flat"
    things: tuple[Thing, ...] = ()
    relations: tuple[Relation, ...] = ()

    def __post_init__(self) -> None:
        """Raises `WorldError` for invalid scenes."""
        _require(self.setting is None or self.setting in SETTINGS, f"there is no setting {self.setting!r}")
        _require(self.time in TIMES, f"there is no time {self.time!r}")
        _require(self.weather in WEATHERS, f"there is no weather {self.weather!r}")
        _require(self.style in STYLES, f"there is no style {self.style!r}")
        if self.setting == "space":
            _require((self.time, self.weather) == ("day", "clear"), "space has neither a time of day nor a weather")
        _require(len(self.things) <= MAX_THINGS, f"there is room for {MAX_THINGS} groups of things")
        self._check_names()
        places = [thing.place for thing in self.things if thing.place]
        _require(len(set(places)) == len(places), "two groups cannot stand in one place")
        self._check_relations()

    def _check_names(self) -> None:
        names = [(thing.kind, thing.colour) for thing in self.things]
        beside = {relation.subject: relation[1:] for relation in self.relations}
        anchors = {relation.anchor for relation in self.relations}
        named = [
            (name, thing.place or beside.get(index))
            for index, (name, thing) in enumerate(zip(names, self.things, strict=True))
        ]
        alike = [index for index, name in enumerate(names) if names.count(name) > 1]
        _require(
            all(named[index][1] and named.count(named[index]) == 1 and index not in anchors for index in alike),
            "groups of one kind and colour are distinguished by their places, and no relation refers to one of them",
        )

    def _check_relations(self) -> None:
        subjects = [relation.subject for relation in self.relations]
        _require(subjects == sorted(set(subjects)), "relations are sorted by subject, one a subject")
        for subject, name, anchor in self.relations:
            _require(name in RELATIONS, f"there is no relation {name!r}")
            _require(0 <= anchor < subject < len(self.things), "a relation refers to an earlier thing")
            _require(self.things[subject].place is None, "a thing has a place or a relation, not both")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WorldError(f"The scene is invalid: {otherwise}.")


def atoms(scene: Scene) -> tuple[Atom, ...]:
    """Returns every fact that the scene states, default values left out."""
    return tuple(_atoms(scene))


def _atoms(scene: Scene) -> Iterator[Atom]:
    if scene.setting is not None:
        yield Atom(None, "setting", scene.setting)
    for attribute, values in (("time", TIMES), ("weather", WEATHERS), ("style", STYLES)):
        value = getattr(scene, attribute)
        if value != values[0]:
            yield Atom(None, attribute, value)
    related = {relation.subject: relation for relation in scene.relations}
    for index, thing in enumerate(scene.things):
        yield Atom(index, "kind", thing.kind)
        if thing.colour is not None:
            yield Atom(index, "colour", thing.colour)
        if thing.size != SIZES[0]:
            yield Atom(index, "size", thing.size)
        if thing.count > 1:
            yield Atom(index, "count", SEVERAL if thing.several else thing.count)
        if thing.place is not None:
            yield Atom(index, "place", thing.place)
        if index in related:
            yield Atom(index, "relation", related[index].name)


def level_of(scene: Scene) -> Level:
    """Returns the level by number of atoms: easy up to 5, medium up to 9, hard up to 16, impossible above."""
    count = len(atoms(scene))
    return "easy" if count <= 5 else "medium" if count <= 9 else "hard" if count <= 16 else "impossible"


def held_out(kind: str, colour: str | None) -> bool:
    """Returns whether this kind in this colour is held out from all training: one colour in ten of every kind."""
    return colour is not None and COLOURS.index(colour) == (3 * KINDS.index(kind) + 1) % len(COLOURS)
