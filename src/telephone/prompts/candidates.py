"""Samples scenes by category, from which the pocket sets are selected: what image models find difficult, on purpose.

Every scene has at least one thing that is held out from all training, so no pocket model has seen it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from telephone import world
from telephone.core.errors import WorldError
from telephone.core.records import LEVELS
from telephone.core.seeds import derive
from telephone.world.layout import holds
from telephone.world.scene import (
    COLOURS,
    KINDS,
    PLACES,
    RELATIONS,
    SETTINGS,
    TIMES,
    WEATHERS,
    Relation,
    Scene,
    Thing,
    held_out,
)

WORDINGS = ("plain", "detailed", "story", "short")
"""The wordings of the candidates: those with whole sentences or phrases."""
LOOK_ALIKES = (
    ("apple", "cup", "heart"), ("bell", "tree", "rocket"), ("bird", "dog", "plane"), ("cat", "castle", "robot"),
    ("crown", "star", "fish"), ("lamp", "cactus", "umbrella"), ("house", "boat", "bell"), ("butterfly", "heart", "cup"),
    ("book", "chair", "clock"), ("key", "kite", "balloon"), ("mushroom", "umbrella", "lamp"),
)  # fmt: skip
"""Kinds whose silhouettes overlap most."""
_DARK = ("black", "blue", "purple", "brown", "green")
_HELD_OUT = {kind: next(colour for colour in COLOURS if held_out(kind, colour)) for kind in KINDS}


@dataclass(frozen=True)
class Candidate:
    """A scene with the wording of its sentence."""

    category: str
    """One of `CATEGORIES`."""
    seed: int
    wording: str
    scene: Scene

    @property
    def text(self) -> str:
        """The sentence; `world.parse` reads it back as the scene."""
        return world.caption(self.scene, wording=self.wording)


def candidate(category: str, seed: int) -> Candidate:
    """Returns the candidate with this seed; the same arguments always give the same one.

    Args:
        category: One of `CATEGORIES`.
        seed: Any whole number.

    Raises:
        WorldError: there is no such category.
    """
    if category not in CATEGORIES:
        raise WorldError(f"There is no category {category!r} of scenes: take one of {', '.join(CATEGORIES)}.")
    draw = random.Random(derive("prompt candidate", category, seed))
    return Candidate(category, seed, draw.choice(WORDINGS), CATEGORIES[category](draw))


def _any(draw: random.Random) -> Scene:
    """Returns an ordinary scene of the sampler, of any level."""
    return world.sample(draw.choice(LEVELS), draw.randrange(2**31), "test")


def _rare_colours(draw: random.Random) -> Scene:
    """Returns one to four things, all of them in the colour that no training scene has."""
    kinds = draw.sample(KINDS, draw.choice((1, 2, 2, 3, 4)))
    return _scene(draw, [Thing(kind, _HELD_OUT[kind]) for kind in kinds])


def _look_alikes(draw: random.Random) -> Scene:
    """Returns two or three things of one colour whose silhouettes overlap, with or without a fourth."""
    kinds = draw.sample(draw.choice(LOOK_ALIKES), draw.choice((2, 3)))
    things = [Thing(kind, _HELD_OUT[kinds[0]]) for kind in kinds]
    if draw.random() < 0.3:
        other = draw.choice([kind for kind in KINDS if kind not in kinds])
        things.append(Thing(other, draw.choice(COLOURS)))
    return _scene(draw, things)


def _groups(draw: random.Random) -> Scene:
    """Returns one or two groups of three or four, with or without a single thing."""
    names = _names(draw, draw.choice((1, 1, 2, 2, 3)))
    counts = (draw.choice((3, 4)), draw.choice((3, 4)), 1)
    return _scene(draw, [Thing(*name, count=count) for name, count in zip(names, counts, strict=False)])


def _small(draw: random.Random) -> Scene:
    """Returns one to four small things, some of them in groups."""
    names = _names(draw, draw.choice((1, 2, 2, 3, 4)))
    things = [Thing(*name, size="small", count=draw.choice((1, 1, 2, 3))) for name in names]
    return _scene(draw, things, place=0.4)


def _night(draw: random.Random) -> Scene:
    """Returns one to three things at night, mostly in dark colours."""
    names = _names(draw, draw.choice((1, 2, 2, 3)), _DARK)
    return _scene(draw, [Thing(*name) for name in names], time="night", weather=0.4)


def _neon(draw: random.Random) -> Scene:
    """Returns one to four things as a neon picture."""
    names = _names(draw, draw.choice((1, 2, 2, 3, 4)))
    return _scene(draw, [_detailed(draw, Thing(*name)) for name in names], style="neon")


def _sketch(draw: random.Random) -> Scene:
    """Returns one to four things as a pencil sketch."""
    names = _names(draw, draw.choice((1, 2, 2, 3, 4)))
    return _scene(draw, [_detailed(draw, Thing(*name)) for name in names], style="sketch")


def _weather(draw: random.Random) -> Scene:
    """Returns one to three things, one of them pale, in snow, fog or rain."""
    names = _names(draw, draw.choice((1, 2, 2, 3)), ("white", "pink", "yellow"))
    return _scene(draw, [Thing(*name) for name in names], weather=1.0)


def _relations(draw: random.Random) -> Scene:
    """Returns a chain of three or four things, each related to the one before; all relations can hold."""
    names = _names(draw, draw.choice((2, 3, 3, 4)))
    cells = draw.sample(PLACES, len(names))
    relations = []
    for index in range(1, len(names)):
        true = [name for name in RELATIONS if holds(name, cells[index], cells[index - 1])]
        relations.append(Relation(index, draw.choice(true), index - 1))
    scene = _scene(draw, [Thing(*name) for name in names], place=0.0)
    return Scene(scene.setting, scene.time, scene.weather, scene.style, scene.things, tuple(relations))


def _crowded(draw: random.Random) -> Scene:
    """Returns four to six groups with sizes, numbers and places."""
    names = _names(draw, draw.choice((4, 5, 5, 6)))
    return _scene(draw, [_detailed(draw, Thing(*name)) for name in names], place=0.7, weather=0.3)


CATEGORIES: dict[str, Callable[[random.Random], Scene]] = {
    "any": _any,
    "rare colours": _rare_colours,
    "look-alikes": _look_alikes,
    "groups": _groups,
    "small": _small,
    "night": _night,
    "neon": _neon,
    "sketch": _sketch,
    "weather": _weather,
    "relations": _relations,
    "crowded": _crowded,
}
"""A function that samples a scene, by category."""


def _names(draw: random.Random, size: int, colours: tuple[str, ...] = COLOURS) -> list[tuple[str, str]]:
    """Returns distinct kinds with colours, at least one of them held out; `colours` are those of the others."""
    kinds = draw.sample(KINDS, size)
    kept_out = draw.randrange(size)
    return [(kind, _HELD_OUT[kind] if index == kept_out else draw.choice(colours)) for index, kind in enumerate(kinds)]


def _detailed(draw: random.Random, thing: Thing) -> Thing:
    """Returns a thing with a size and a number more often than not."""
    size = draw.choice(("medium", "medium", "small", "big"))
    return Thing(thing.kind, thing.colour, size, draw.choice((1, 1, 1, 2, 3)))


def _scene(
    draw: random.Random,
    things: list[Thing],
    *,
    time: str = "",
    style: str = "flat",
    weather: float = 0.1,
    place: float = 0.2,
) -> Scene:
    """Returns a scene of these things somewhere.

    Args:
        draw: The random numbers.
        things: At most six things without places.
        time: A time of day; "" is any.
        style: One of `STYLES`.
        weather: Probability of a weather that is stated, where the setting has one.
        place: Probability that a thing has a stated place.
    """
    settings = [setting for setting in SETTINGS if setting != "space" or not (time or weather == 1.0)]
    setting = draw.choice(settings) if draw.random() < 0.8 or time else None
    time = time or (draw.choice(TIMES[1:]) if draw.random() < 0.3 else TIMES[0])
    sky = draw.choice(WEATHERS[1:]) if draw.random() < weather else WEATHERS[0]
    if setting == "space":
        time, sky = TIMES[0], WEATHERS[0]
    places = draw.sample(PLACES, len(things))
    placed = tuple(
        Thing(thing.kind, thing.colour, thing.size, thing.count, where if draw.random() < place else None)
        for thing, where in zip(things, places, strict=True)
    )
    return Scene(setting, time, sky, style, placed)
