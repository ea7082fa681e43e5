"""Hard negatives: captions that differ from the true one in a single fact (Yuksekgonul et al. 2023, section 4)."""

from dataclasses import replace

import numpy as np

from telephone import world
from telephone.core.errors import WorldError
from telephone.train.common import data
from telephone.world.scene import COLOURS, COUNTS, KINDS, SETTINGS, SIZES, Scene, Thing


def caption_pair(scene: Scene, rng: np.random.Generator) -> tuple[str, str]:
    """Returns a caption of the scene and a hard negative in the same wording."""
    other, seed = changed_scene(scene, rng), rng.integers(2**32)
    first, second = (data.any_caption(one, np.random.default_rng(seed)) for one in (scene, other))
    return first, second


def changed_scene(scene: Scene, rng: np.random.Generator) -> Scene:
    """Returns a scene that differs in one fact: a thing's kind, colour, size or count, or else the setting.

    Like a training scene, it has no held-out pair of kind and colour.
    """
    for _ in range(10):
        try:
            other = _changed(scene, rng)
        except WorldError:
            continue
        if other != scene and not any(world.held_out(thing.kind, thing.colour) for thing in other.things):
            return other
    return replace(scene, setting=None if scene.setting else SETTINGS[0], time="day", weather="clear")


def _changed(scene: Scene, rng: np.random.Generator) -> Scene:
    if not scene.things or rng.random() < 0.1:
        return replace(scene, setting=SETTINGS[rng.integers(len(SETTINGS))])
    index = rng.integers(len(scene.things))
    things = [_changed_thing(thing, rng) if i == index else thing for i, thing in enumerate(scene.things)]
    return replace(scene, things=tuple(things))


def _changed_thing(thing: Thing, rng: np.random.Generator) -> Thing:
    name = rng.choice(["kind", "colour", "size", "count"], p=[0.4, 0.4, 0.1, 0.1])
    if name == "kind":
        return replace(thing, kind=KINDS[rng.integers(len(KINDS))])
    if name == "colour":
        return replace(thing, colour=COLOURS[rng.integers(len(COLOURS))])
    if name == "size":
        return replace(thing, size=SIZES[rng.integers(len(SIZES))])
    return replace(thing, count=COUNTS[rng.integers(len(COUNTS))])
