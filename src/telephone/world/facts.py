"""Converts a scene to class indices, facts of the six cells and facts of the scene, and back."""

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import WorldError
from telephone.world.layout import layout
from telephone.world.scene import (
    COLOURS,
    COUNTS,
    KINDS,
    PLACES,
    SETTINGS,
    SIZES,
    STYLES,
    TIMES,
    WEATHERS,
    Scene,
    Thing,
)

CELL_FACTS = {"kind": len(KINDS) + 1, "colour": len(COLOURS) + 1, "size": len(SIZES), "count": len(COUNTS)}
"""Facts of each of the six cells with their number of classes; kind 0 is an empty cell, colour 0 unpainted."""
SCENE_FACTS = {"setting": len(SETTINGS) + 1, "time": len(TIMES), "weather": len(WEATHERS), "style": len(STYLES)}
"""Facts of the scene with their number of classes; setting 0 is none."""


def cell_targets(scene: Scene) -> NDArray[np.int64]:
    """Returns the facts of the six cells, [6, 4] in the order of `PLACES` and `CELL_FACTS`; -1 is undefined."""
    rows = np.full((len(PLACES), len(CELL_FACTS)), -1, dtype=np.int64)
    rows[:, 0] = 0
    for place, thing in zip(layout(scene), scene.things, strict=True):
        colour = 0 if thing.colour is None else COLOURS.index(thing.colour) + 1
        facts = KINDS.index(thing.kind) + 1, colour, SIZES.index(thing.size), thing.count - 1
        rows[PLACES.index(place)] = facts
    return rows


def scene_targets(scene: Scene) -> NDArray[np.int64]:
    """Returns the facts of the scene, [4] in the order of `SCENE_FACTS`."""
    setting = 0 if scene.setting is None else SETTINGS.index(scene.setting) + 1
    values = setting, TIMES.index(scene.time), WEATHERS.index(scene.weather), STYLES.index(scene.style)
    return np.array(values, dtype=np.int64)


def scene_of(cells: NDArray[np.int64], whole: NDArray[np.int64]) -> Scene:
    """Returns the scene of the class indices, every thing with its place, in the order of `PLACES`.

    No sampled scene has two groups of one kind and colour: only the first of two is kept. In space
    time and weather are ignored.

    Args:
        cells: [6, 4] as `cell_targets` makes it; facts of an empty cell other than its kind are ignored.
        whole: [4] as `scene_targets` makes it.

    Raises:
        WorldError: the answers have another shape, or one of them is none of those that there are.
    """
    _check(cells, np.where(cells[..., :1] == 0, 0, cells), CELL_FACTS, len(PLACES))
    _check(whole, whole, SCENE_FACTS)
    things: dict[tuple[str, str | None], Thing] = {}
    for place, (kind, colour, size, count) in zip(PLACES, cells.tolist(), strict=True):
        if kind:
            paint = COLOURS[colour - 1] if colour else None
            thing = Thing(KINDS[kind - 1], paint, SIZES[size], COUNTS[count], place)
            things.setdefault((thing.kind, thing.colour), thing)
    setting, time, weather, style = whole.tolist()
    if setting and SETTINGS[setting - 1] == "space":
        time = weather = 0
    where = SETTINGS[setting - 1] if setting else None
    return Scene(where, TIMES[time], WEATHERS[weather], STYLES[style], tuple(things.values()))


def _check(answers: NDArray[np.int64], asked: NDArray[np.int64], facts: dict[str, int], *rows: int) -> None:
    if answers.shape != (*rows, len(facts)):
        raise WorldError(f"These class indices have the shape {answers.shape}: give them as {(*rows, len(facts))}.")
    for index, (name, size) in enumerate(facts.items()):
        if not ((asked[..., index] >= 0) & (asked[..., index] < size)).all():
            raise WorldError(f"A class index of the {name} is out of range: give numbers from 0 to {size - 1}.")


def described_scene(scene: Scene, every_place: bool = False) -> Scene:
    """Returns the scene as described from the image alone: things from left to right, lower row first.

    Relations are left out, as the places imply them.

    Args:
        scene: what the image shows.
        every_place: whether every thing has its place. Otherwise a thing that is alone at its default place has none,
        as in the captions that the pocket models are trained on.
    """
    placed = sorted(zip(layout(scene), scene.things, strict=True), key=lambda pair: PLACES.index(pair[0]))
    things = tuple(_at(thing, place) for place, thing in placed)
    if len(things) == 1 and not every_place:
        bare = Scene(things=(_at(things[0], None),))
        if layout(bare)[0] == placed[0][0]:
            things = bare.things
    return Scene(scene.setting, scene.time, scene.weather, scene.style, things)


def _at(thing: Thing, place: str | None) -> Thing:
    return Thing(thing.kind, thing.colour, thing.size, thing.count, place)
