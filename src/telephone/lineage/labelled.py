"""Pictures of one painted thing in a setting, with its kind as their label: what CLIP's classifiers are measured on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.seeds import derive
from telephone.lineage.context import LineageContext
from telephone.world import Scene, Thing
from telephone.world.scene import COLOURS, KINDS, SETTINGS, SIZES


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of one thing each."""

    scenes: list[Scene]
    images: list[Image.Image]
    """RGB, 64 x 64."""

    @property
    def kinds(self) -> list[str]:
        """The kind of the thing in each picture."""
        return [scene.things[0].kind for scene in self.scenes]


def one_thing_scenes(n: int, held_out: bool, seed: int = 0, kinds: Sequence[str] = KINDS) -> list[Scene]:
    """Returns scenes of one painted thing in a setting; kinds and sizes take turns, so that all are equally frequent.

    Args:
        n: how many, 1 or more.
        held_out: whether the pairs of kind and colour are those that no training scene has; else only others.
        seed: chooses settings and colours.
        kinds: of the things.

    Raises:
        UsageError: n is below 1.
    """
    if n < 1:
        raise UsageError(f"n is {n}: ask for at least one picture.")
    made = []
    for number in range(n):
        random = np.random.default_rng(derive("one thing", seed, held_out, number))
        kind = kinds[number % len(kinds)]
        colours = [colour for colour in COLOURS if world.held_out(kind, colour) == held_out]
        size = SIZES[number // len(kinds) % len(SIZES)]
        thing = Thing(kind, colours[int(random.integers(len(colours)))], size)
        made.append(Scene(SETTINGS[int(random.integers(len(SETTINGS)))], things=(thing,)))
    return made


def labelled_pictures(
    context: LineageContext, n: int, held_out: bool, seed: int = 0, kinds: Sequence[str] = KINDS
) -> LabelledPictures:
    """Returns the true pictures of `one_thing_scenes`, with its arguments."""
    scenes = one_thing_scenes(n, held_out, seed, kinds)
    return LabelledPictures(scenes, context.pictures(scenes))
