"""The vector shapes that sprites are made of: outlines on a sheet of 100 x 100 units, y pointing down."""

import math
from typing import Literal, NamedTuple

from PIL import ImageDraw

Role = Literal["main", "shade", "glint", "ink", "pale", "leaf", "wood", "metal", "glow", "beak"]
"""Colour of a shape: the thing's own colour (`main`, darker `shade`, lighter `glint`) or a fixed detail."""
Point = tuple[float, float]


class Mark(NamedTuple):
    """One shape: a filled outline, or a stroke with round ends."""

    role: Role
    points: tuple[Point, ...]
    width: float = 0.0
    """Width of the stroke in units of the sheet; 0 for a filled outline."""
    edge: bool = False
    """Whether a thin line of the outline's colour goes around it, to separate it from shapes below."""


Sprite = tuple[Mark, ...]
_FINE = 4.0
"""Half the width in pixels below which a stroke may have whole pixels for its width."""
OVER = 4
"""Everything is drawn this many times larger and scaled down, which makes soft edges."""


def _pairs(numbers: tuple[float, ...]) -> tuple[Point, ...]:
    return tuple((round(x, 2), round(y, 2)) for x, y in zip(numbers[::2], numbers[1::2], strict=True))


def poly(role: Role, *numbers: float) -> Mark:
    """Returns a filled polygon through x, y, x, y, ..."""
    return Mark(role, _pairs(numbers))


def line(role: Role, width: float, *numbers: float) -> Mark:
    """Returns a stroke through x, y, x, y, ..."""
    return Mark(role, _pairs(numbers), width)


def oval(role: Role, left: float, top: float, right: float, bottom: float) -> Mark:
    """Returns a filled ellipse inside a box."""
    return Mark(role, _ring((left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2))


def _ring(x: float, y: float, across: float, down: float, start: float = 0, stop: float = 360) -> tuple[Point, ...]:
    steps = 36
    angles = (math.radians(start + (stop - start) * step / steps) for step in range(steps + 1))
    return tuple((round(x + across * math.cos(a), 2), round(y + down * math.sin(a), 2)) for a in angles)


def arc(role: Role, width: float, centre: Point, radii: Point, span: Point = (0, 360)) -> Mark:
    """Returns a stroke along an ellipse; `span` is from and to in degrees, clockwise from the right."""
    return Mark(role, _ring(*centre, *radii, *span), width)


def box(role: Role, left: float, top: float, right: float, bottom: float, *, round_by: float = 0) -> Mark:
    """Returns a filled rectangle with rounded corners."""
    if not round_by:
        return poly(role, left, top, right, top, right, bottom, left, bottom)
    corners = ((right, bottom, 0), (left, bottom, 90), (left, top, 180), (right, top, 270))
    points: list[Point] = []
    for x, y, start in corners:
        inner_x = x - round_by if x == right else x + round_by
        inner_y = y - round_by if y == bottom else y + round_by
        points.extend(_ring(inner_x, inner_y, round_by, round_by, start, start + 90)[::4])
    return Mark(role, tuple(points))


def blob(role: Role, *numbers: float) -> Mark:
    """Returns a filled outline that runs smoothly through all points and closes."""
    points = _pairs(numbers)
    return Mark(role, _smooth((points[-1], *points, points[0], points[1])))


def curve(role: Role, width: float, *numbers: float) -> Mark:
    """Returns a stroke that runs smoothly through all points."""
    points = _pairs(numbers)
    return Mark(role, (*_smooth((points[0], *points, points[-1])), points[-1]), width)


def _smooth(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Catmull-Rom spline from the second point to the last but one."""
    steps = 8
    found: list[Point] = []
    for a, b, c, d in zip(points, points[1:], points[2:], points[3:], strict=False):
        for step in range(steps):
            t = step / steps
            x, y = (_spline(t, (a[i], b[i], c[i], d[i])) for i in (0, 1))
            found.append((round(x, 2), round(y, 2)))
    return tuple(found)


def _spline(t: float, at: tuple[float, float, float, float]) -> float:
    a, b, c, d = at
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def edged(mark: Mark) -> Mark:
    """Returns the shape with a thin line around it."""
    return mark._replace(edge=True)


def mirror(mark: Mark) -> Mark:
    """Returns the shape mirrored about the middle of the sheet, x = 50."""
    return mark._replace(points=tuple((round(100 - x, 2), y) for x, y in mark.points))


def turn(sprite: Sprite, degrees: float) -> Sprite:
    """Returns all shapes turned clockwise about the middle of the sheet."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def turned(point: Point) -> Point:
        x, y = point[0] - 50, point[1] - 50
        return round(50 + x * cos - y * sin, 2), round(50 + x * sin + y * cos, 2)

    return tuple(mark._replace(points=tuple(map(turned, mark.points))) for mark in sprite)


def extent(sprite: Sprite) -> tuple[float, float, float, float]:
    """Returns left, top, right and bottom of all shapes together, strokes included."""
    lefts, tops, rights, bottoms = [], [], [], []
    for mark in sprite:
        xs, ys = zip(*mark.points, strict=True)
        half = mark.width / 2
        lefts.append(min(xs) - half)
        tops.append(min(ys) - half)
        rights.append(max(xs) + half)
        bottoms.append(max(ys) + half)
    return min(lefts), min(tops), max(rights), max(bottoms)


class Placing(NamedTuple):
    """How units of the sheet become pixels: `pixel = unit * scale + shift`."""

    scale: float
    x: float
    y: float


def stamp(draw: ImageDraw.ImageDraw, mark: Mark, place: Placing, fill: int | tuple[int, ...], grow: float = 0) -> None:
    """Draws a shape, made thicker by `grow` pixels on every side."""
    points = [(x * place.scale + place.x, y * place.scale + place.y) for x, y in mark.points]
    thick = mark.width * place.scale + 2 * grow
    if not mark.width:
        draw.polygon(points, fill=fill)
        points.append(points[0])
    if thick >= 1:
        _stroke(draw, points, thick / 2, fill)


def _stroke(draw: ImageDraw.ImageDraw, points: list[Point], half: float, fill: int | tuple[int, ...]) -> None:
    """Draws bars with discs between them: Pillow's own joints are uneven on curves of many short pieces."""
    if half < _FINE:
        draw.line(points, fill=fill, width=max(1, round(2 * half)))
    else:  # bars that start and end between pixels
        for (x, y), (next_x, next_y) in zip(points, points[1:], strict=False):
            length = math.hypot(next_x - x, next_y - y) or 1.0
            dx, dy = (next_y - y) / length * half, (x - next_x) / length * half
            corners = [(x + dx, y + dy), (next_x + dx, next_y + dy), (next_x - dx, next_y - dy), (x - dx, y - dy)]
            draw.polygon(corners, fill=fill)
    for (x, y), bends in zip(points, _bends(points, half), strict=True):
        if bends:
            draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)


def _bends(points: list[Point], half: float) -> list[bool]:
    """Returns for each point whether the bars that meet there leave a visible notch; the ends count as notches."""
    ways = [(next_x - x, next_y - y) for (x, y), (next_x, next_y) in zip(points, points[1:], strict=False)]
    found = [True]
    for (ax, ay), (bx, by) in zip(ways, ways[1:], strict=False):
        lengths = math.hypot(ax, ay) * math.hypot(bx, by)
        found.append(ax * bx + ay * by <= 0 or half * abs(ax * by - ay * bx) > 0.3 * lengths)
    return [*found, True]
