"""The renderer: draws a scene graph; equal scene, size and seed give equal bytes."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from telephone.core.errors import WorldError
from telephone.core.seeds import derive
from telephone.world.backdrops import backdrop
from telephone.world.layout import cell_of, layout
from telephone.world.scene import Scene
from telephone.world.shapes import OVER
from telephone.world.skies import Light, veil
from telephone.world.sprites import TWO_FACED
from telephone.world.styles import Cutout, StyleSpec, cutout, measure

_UNITS = 64
_KEPT_SIZE = 96
"""Larger images are drawn without a cache of their parts, which would take too much memory."""
_ALONE = {"small": (11.0, 12.0), "medium": (16.0, 18.0), "big": (22.0, 25.0)}
"""Most width and height of a single thing, in pixels of a 64 x 64 image."""
_GROUPED = {"small": (8.0, 8.5), "medium": (9.4, 10.0), "big": (11.0, 11.6)}
"""The same for each thing of a group."""
_CENTRES = (11.5, 32.0, 52.5)
_SKY_MIDDLE = 14.5
_BASELINE = {"small": 58.0, "medium": 59.5, "big": 61.0}
_GAP = 1.4
_ROWS = {1: (1,), 2: (2,), 3: (1, 2), 4: (2, 2)}
"""Number of things in each row of a group, the upper row first."""
_VARIANTS = 4


class Placed(NamedTuple):
    """One drawn object: where it is, and which thing of the scene it belongs to."""

    thing: int
    """Index into `scene.things`."""
    left: int
    top: int
    width: int
    height: int
    flipped: bool
    grounded: bool
    """Whether it stands on the ground and casts a shadow."""


def render(scene: Scene, size: int = 64, seed: int = 0) -> Image.Image:
    """Draws a scene.

    Args:
        scene: What to draw.
        size: Side of the square image in pixels, at least 16.
        seed: Changes small details only: shifts by a pixel, mirrored animals, a few drops and flakes.

    Returns:
        RGB, `size` x `size`; equal arguments give equal pixels.

    Raises:
        WorldError: `size` is too small for a picture.
    """
    parts = _KEPT if size <= _KEPT_SIZE else _FRESH
    picture = parts.backdrop(scene.setting, scene.time, scene.weather, scene.style, size).copy()
    placed = placements(scene, size, seed)
    for item in placed:
        if item.grounded:
            shade = parts.shadow(item.width, scene.style, scene.time == "night" or scene.setting == "space", size)
            spot = (item.left + item.width // 2 - shade.width // 2, item.top + item.height - shade.height // 2 - 1)
            picture.paste(shade, spot, shade)
    for item in placed:
        thing = scene.things[item.thing]
        look = StyleSpec(thing.kind, thing.colour, scene.style, *_room(thing.size, thing.count, size), size / _UNITS)
        image, margin = parts.thing(look, item.flipped)
        picture.paste(image, (item.left - margin, item.top - margin), image)
    if scene.setting not in ("room", "space") and scene.weather in ("rain", "snow", "fog"):
        air = parts.veil(scene.time, scene.weather, scene.style, size, derive("veil", seed) % _VARIANTS)
        picture.paste(air, (0, 0), air)
    return picture


def render_array(scenes: Sequence[Scene], seeds: Sequence[int], size: int = 64) -> NDArray[np.uint8]:
    """Draws many scenes, one seed a scene.

    Returns:
        uint8 [n, size, size, 3].

    Raises:
        ValueError: the number of seeds differs from the number of scenes.
    """
    pictures = np.empty((len(scenes), size, size, 3), dtype=np.uint8)
    for number, (scene, seed) in enumerate(zip(scenes, seeds, strict=True)):
        pictures[number] = np.asarray(render(scene, size, seed))
    return pictures


def placements(scene: Scene, size: int = 64, seed: int = 0) -> tuple[Placed, ...]:
    """Returns where `render` draws each object, in the order of drawing: back to front."""
    if size < 16:
        raise WorldError(f"An image of {size} pixels is too small: give a size of at least 16.")
    found: list[Placed] = []
    for index, place in enumerate(layout(scene)):
        found.extend(_group(scene, index, place, size, seed))
    return tuple(sorted(found, key=lambda item: (item.top + item.height, item.left)))


def _group(scene: Scene, index: int, place: str, size: int, seed: int) -> list[Placed]:
    thing, unit = scene.things[index], size / _UNITS
    wide, high = measure(thing.kind, *_room(thing.size, thing.count, size), unit)
    draw = derive("placement", seed, index)
    jitter = round((draw % 3 - 1) * unit), round((draw // 3 % 3 - 1) * unit)
    flipped = bool(draw // 9 % 2) and thing.kind in TWO_FACED
    rows = _ROWS[thing.count]
    step_x, step_y = wide + max(1, round(_GAP * unit)), high + max(1, round(_GAP * unit))
    column, row = cell_of(place)
    total_x, total_y = step_x * (max(rows) - 1) + wide, step_y * (len(rows) - 1) + high
    middle = _CENTRES[column] * unit
    edge = round(unit)  # a pixel of air at the border: nothing is cut off
    left = _between(round(middle - total_x / 2) + jitter[0], edge, size - edge - total_x)
    base = _SKY_MIDDLE * unit - total_y / 2 if row == 0 else _BASELINE[thing.size] * unit - total_y
    top = _between(round(base) + jitter[1], edge, size - edge - total_y)
    found = []
    for level, number in enumerate(rows):
        start = left + (total_x - step_x * (number - 1) - wide) // 2
        for place_in_row in range(number):
            x, y = start + step_x * place_in_row, top + step_y * level
            found.append(Placed(index, x, y, wide, high, flipped, row == 1))
    return found


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _room(size_name: str, count: int, size: int) -> tuple[float, float]:
    width, height = (_ALONE if count == 1 else _GROUPED)[size_name]
    return width * size / _UNITS, height * size / _UNITS


def _draw_shadow(width: int, style: str, dim: bool, size: int) -> Image.Image:
    """Returns a soft shadow (RGBA) for a thing of this width in pixels."""
    unit = size / _UNITS
    wide, high = round(width * 1.04 + 4 * unit), round(width * 0.2 + 4 * unit)
    mask = Image.new("L", (wide * OVER, high * OVER))
    inset = 2 * unit * OVER
    box = (inset, inset, mask.width - inset, mask.height - inset)
    ImageDraw.Draw(mask).ellipse(box, fill={"flat": 96, "sketch": 90, "pastel": 70, "neon": 170}[style] + 40 * dim)
    soft = mask.filter(ImageFilter.GaussianBlur(0.7 * unit * OVER)).reduce(OVER)
    shadow = Image.new("RGBA", soft.size, (30, 26, 56) if style != "neon" else (4, 2, 12))
    shadow.putalpha(soft)
    return shadow


def _draw_backdrop(setting: str | None, time: str, weather: str, style: str, size: int) -> Image.Image:
    return backdrop(setting, Light(time, weather), style, size)


def _draw_veil(time: str, weather: str, style: str, size: int, variant: int) -> Image.Image:
    drawn = veil(Light(time, weather), style, size, variant)
    assert drawn is not None, "only asked for where something falls"
    return drawn


def _draw_thing(look: StyleSpec, flipped: bool) -> Cutout:
    drawn = cutout(look)
    return Cutout(drawn.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), drawn.margin) if flipped else drawn


class _Parts(NamedTuple):
    """The layers of an image."""

    backdrop: Callable[[str | None, str, str, str, int], Image.Image]
    shadow: Callable[[int, str, bool, int], Image.Image]
    veil: Callable[[str, str, str, int, int], Image.Image]
    thing: Callable[[StyleSpec, bool], Cutout]


_FRESH = _Parts(_draw_backdrop, _draw_shadow, _draw_veil, _draw_thing)
_KEPT = _Parts(
    lru_cache(maxsize=1024)(_draw_backdrop),
    lru_cache(maxsize=1024)(_draw_shadow),
    lru_cache(maxsize=1024)(_draw_veil),
    lru_cache(maxsize=1 << 15)(_draw_thing),
)
"""Caches the parts: it makes thousands of training images a second possible."""
