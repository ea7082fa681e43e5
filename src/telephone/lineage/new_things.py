"""Things that are added to scenes: in which cell they go, and the mask of the cell."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from telephone.core.seeds import derive
from telephone.world import Scene, Thing
from telephone.world.layout import cell_of, layout
from telephone.world.scene import COLOURS, KINDS, PLACES, SKY_KINDS

COLUMNS, ROWS = 3, 2


@dataclass(frozen=True)
class Addition:
    """A scene before and after a thing was added."""

    before: Scene
    """Every thing has its place."""
    after: Scene
    new: Thing

    @property
    def mask(self) -> Image.Image:
        """The cell of the new thing in white, 64 x 64."""
        return cell_mask(self.new.place or PLACES[0])


def placed(scene: Scene) -> Scene:
    """Returns a scene whose things have the places at which they are rendered, without relations."""
    things = [replace(thing, place=place) for thing, place in zip(scene.things, layout(scene), strict=True)]
    return replace(scene, things=tuple(things), relations=())


def add_thing(scene: Scene, *key: object) -> Addition | None:
    """Returns a scene with a new thing of another kind in an empty cell: in the sky what flies, on the ground the rest.

    Args:
        scene: with an empty cell.
        key: decides about the new thing.

    Returns:
        None if no cell is empty.
    """
    before = placed(scene)
    random = np.random.default_rng(derive("new thing", *key))
    used, kinds = {thing.place for thing in before.things}, {thing.kind for thing in before.things}
    for kind in random.permutation([kind for kind in KINDS if kind not in kinds]).tolist():
        row = 0 if kind in SKY_KINDS else 1
        free = [place for place in PLACES if place not in used and cell_of(place)[1] == row]
        if free:
            new = Thing(kind, str(random.choice(COLOURS)), place=str(random.choice(free)))
            return Addition(before, replace(before, things=(*before.things, new)), new)
    return None


def cell_mask(place: str, side: int = 64) -> Image.Image:
    """Returns a mask that is white in one of the six cells of a picture."""
    column, row = cell_of(place)
    box = (column / COLUMNS, row / ROWS, (column + 1) / COLUMNS, (row + 1) / ROWS)
    mask = Image.new("L", (side, side))
    left, top, right, bottom = (round(side * each) for each in box)
    mask.paste(255, (left, top, right, bottom))
    return mask


def is_there(new: Thing, seen: Scene) -> bool:
    """Returns whether a thing of this kind and colour is seen, wherever it stands."""
    return any(thing.kind == new.kind and thing.colour == new.colour for thing in seen.things)


def outside_is_equal(before: Image.Image, after: Image.Image, mask: Image.Image) -> bool:
    """Returns whether all pixels are equal where the mask is black."""
    outside = np.asarray(mask) == 0
    return bool((np.asarray(before)[outside] == np.asarray(after)[outside]).all())
