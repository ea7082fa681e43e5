"""Draws a thing in each style: outline, fill, shade, hatching, chalk or glow."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from telephone.world.palette import PAPER, Paints, Rgb, mix, paints
from telephone.world.shapes import OVER, Placing, Sprite, extent, stamp
from telephone.world.sprites import sprite


class StyleSpec(NamedTuple):
    """Which thing is drawn, and how large."""

    kind: str
    colour: str | None
    style: str
    width: float
    """Room for the thing in pixels; it fills the width or the height."""
    height: float
    unit: float
    """Pixels of the finished picture for one pixel of a 64 x 64 picture."""


class Cutout(NamedTuple):
    """A drawn thing with a transparent surround."""

    image: Image.Image
    """RGBA; the thing is in its middle."""
    margin: int
    """Pixels around the thing that only hold halo or glow."""


class _Plan(NamedTuple):
    """A sprite fitted into its canvas, at `OVER` times the size."""

    sprite: Sprite
    paints: Paints
    place: Placing
    size: tuple[int, int]
    line: float
    """Width of the outline."""
    rim: float
    """Width of the halo."""


def measure(kind: str, width: float, height: float, unit: float) -> tuple[int, int]:
    """Returns the width and height in integer pixels of a thing that is fitted into a box, outline included."""
    left, top, right, bottom = extent(sprite(kind))
    line = _line(min(width, height), unit)
    scale = min((width - 2 * line) / (right - left), (height - 2 * line) / (bottom - top))
    return (
        max(3, round((right - left) * scale + 2 * line)),
        max(3, round((bottom - top) * scale + 2 * line)),
    )


def _line(room: float, unit: float) -> float:
    return 0.42 * unit + 0.022 * room


def cutout(look: StyleSpec) -> Cutout:
    """Draws a thing in a style."""
    margin = round((3 if look.style == "neon" else 1.6) * look.unit) or 1
    plan = _plan(look, margin)
    silhouette = _mask(plan, grow=plan.line)
    draw_style = {"flat": _flat, "sketch": _sketch, "pastel": _pastel, "neon": _neon}[look.style]
    return Cutout(draw_style(plan, silhouette).reduce(OVER), margin)


def _plan(look: StyleSpec, margin: int) -> _Plan:
    drawn = sprite(look.kind)
    left, top, right, bottom = extent(drawn)
    wide, high = measure(look.kind, look.width, look.height, look.unit)
    line = _line(min(look.width, look.height), look.unit)
    scale = min((wide - 2 * line) / (right - left), (high - 2 * line) / (bottom - top)) * OVER
    size = ((wide + 2 * margin) * OVER, (high + 2 * margin) * OVER)
    x = size[0] / 2 - (left + right) / 2 * scale
    y = size[1] - (margin + line) * OVER - bottom * scale
    rim = 0.7 * look.unit * OVER
    return _Plan(drawn, paints(look.colour, look.style), Placing(scale, x, y), size, line * OVER, rim)


def _mask(plan: _Plan, grow: float) -> Image.Image:
    mask = Image.new("L", plan.size)
    draw = ImageDraw.Draw(mask)
    for mark in plan.sprite:
        # A string with a full outline on both sides would be a rope.
        thread = mark.role == "ink" and mark.width > 0
        stamp(draw, mark, plan.place, 255, grow * 0.35 if thread else grow)
    return mask


def _fills(plan: _Plan, ground: Rgb, edge: Rgb) -> Image.Image:
    """Returns an RGB image of all shapes on a ground; shapes with an edge are separated by a thin line."""
    picture = Image.new("RGB", plan.size, ground)
    draw = ImageDraw.Draw(picture)
    for mark in plan.sprite:
        if mark.edge:
            stamp(draw, mark, plan.place, edge, plan.line * 0.55)
        stamp(draw, mark, plan.place, plan.paints.roles[mark.role])
    return picture


def _shaded(plan: _Plan, picture: Image.Image, amount: float) -> Image.Image:
    """Darkens the lower right rim, as if the light came from the upper left."""
    inner = _mask(plan, grow=0)
    step = round(6 * plan.place.scale)
    lit = ImageChops.offset(inner, -step, -step)
    rim = ImageChops.subtract(inner, lit).point([round(level * amount) for level in range(256)])
    return Image.composite(Image.new("RGB", plan.size, (40, 20, 80)), picture, rim)


def _layer(colour: Rgb, mask: Image.Image, strength: float = 1.0) -> Image.Image:
    layer = Image.new("RGBA", mask.size, colour)
    layer.putalpha(mask.point([round(level * strength) for level in range(256)]) if strength < 1 else mask)
    return layer


def _flat(plan: _Plan, silhouette: Image.Image) -> Image.Image:
    """Clean colours, a dark outline and a thin light halo."""
    halo = _layer(plan.paints.halo, _mask(plan, plan.line + plan.rim), 0.5)
    body = _shaded(plan, _fills(plan, plan.paints.outline, plan.paints.outline), 0.13).convert("RGBA")
    body.putalpha(silhouette)
    return Image.alpha_composite(halo, body)


def _sketch(plan: _Plan, silhouette: Image.Image) -> Image.Image:
    """Crayon strokes inside two loose pencil lines."""
    halo = _layer(PAPER, _mask(plan, plan.line + plan.rim), 0.75)
    fills = _fills(plan, plan.paints.roles["main"], plan.paints.outline)
    washed = Image.blend(fills, Image.new("RGB", plan.size, PAPER), 0.3)
    crayon = Image.composite(washed, fills, _hatching(plan.size, plan.rim)).convert("RGBA")
    crayon.putalpha(_mask(plan, grow=0))
    picture = Image.alpha_composite(halo, crayon)
    for number, shift in enumerate(((0.0, 0.0), (0.45, -0.3))):
        ring = _ring(plan, silhouette)
        moved = ImageChops.offset(ring, round(shift[0] * plan.line), round(shift[1] * plan.line))
        picture = Image.alpha_composite(picture, _layer(plan.paints.outline, moved, 0.85 - 0.35 * number))
    return picture


def _hatching(size: tuple[int, int], pitch: float) -> Image.Image:
    """Returns the gaps between slanted strokes."""
    across, down = np.arange(size[0]), np.arange(size[1])[:, None]
    period = max(4, round(2.6 * pitch))
    gaps = ((across * 2 + down) // 2) % period < period * 0.36
    return Image.fromarray((gaps * 255).astype(np.uint8))


def _ring(plan: _Plan, silhouette: Image.Image) -> Image.Image:
    return ImageChops.subtract(silhouette, _mask(plan, grow=0))


def _pastel(plan: _Plan, silhouette: Image.Image) -> Image.Image:
    """Soft chalk with a rim of the thing's own colour and a white bloom around it."""
    bloom = _mask(plan, plan.line + plan.rim * 0.7).filter(ImageFilter.GaussianBlur(plan.rim * 0.5))
    picture = _shaded(plan, _fills(plan, plan.paints.outline, plan.paints.outline), 0.06)
    body = _grained(picture, 5).convert("RGBA")
    body.putalpha(silhouette)
    return Image.alpha_composite(_layer(plan.paints.halo, bloom, 0.62), body)


def _grained(picture: Image.Image, amount: int) -> Image.Image:
    """Adds the grain of chalk: the same one in every picture of this size."""
    wide, high = picture.width // OVER, picture.height // OVER
    noise = np.random.Generator(np.random.PCG64(wide * 4099 + high)).integers(-amount, amount + 1, (high, wide))
    pixels = np.asarray(picture, dtype=np.int16) + noise.repeat(OVER, 0).repeat(OVER, 1)[:, :, None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _neon(plan: _Plan, silhouette: Image.Image) -> Image.Image:
    """A bright tube along every outline, dark glass within, and a glow around."""
    ring = _ring(plan, silhouette)
    glow = silhouette.filter(ImageFilter.GaussianBlur(plan.rim * 1.3))
    body = _fills(plan, plan.paints.outline, mix(plan.paints.outline, plan.paints.roles["main"], 0.2)).convert("RGBA")
    body.putalpha(silhouette)
    picture = Image.alpha_composite(_layer(plan.paints.halo, glow, 0.55), body)
    return Image.alpha_composite(picture, _layer(plan.paints.outline, ring))
