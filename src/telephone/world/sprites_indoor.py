"""Indoor sprites: furniture, vessels and clothes on a sheet of 100 x 100 units."""

import math

from telephone.world.shapes import Sprite, arc, blob, box, curve, edged, line, mirror, oval, poly, turn


def bell() -> Sprite:
    """A hand bell with a wide rim."""
    return (
        arc("main", 8, (50, 8), (9, 9)),
        edged(oval("shade", 38, 80, 62, 102)),
        blob("main", 50, 12, 68, 18, 78, 40, 82, 64, 96, 82, 50, 86, 4, 82, 18, 64, 22, 40, 32, 18),
        edged(box("main", 2, 77, 98, 90, round_by=6)),
        curve("shade", 4, 22, 64, 50, 68, 78, 64),
        curve("glint", 6, 36, 26, 30, 42, 28, 56),
    )


def book() -> Sprite:
    """A thick closed book that leans back a little."""
    return turn(
        (
            box("shade", 14, 4, 90, 100, round_by=5),
            box("pale", 20, 78, 93, 95),
            *(line("metal", 1.5, 24, y, 92, y) for y in (83, 87, 91)),
            edged(box("main", 14, 0, 90, 82, round_by=4)),
            box("shade", 14, 0, 27, 98, round_by=4),
            edged(box("pale", 40, 18, 78, 40, round_by=3)),
            line("ink", 3, 46, 26, 72, 26),
            line("ink", 3, 50, 33, 68, 33),
            poly("beak", 66, 80, 76, 80, 76, 108, 71, 102, 66, 108),
        ),
        7,
    )


def chair() -> Sprite:
    """A chair seen from the side, with a tall back."""
    return (
        line("shade", 9, 36, 60, 36, 92),
        line("shade", 9, 64, 60, 64, 92),
        line("main", 12, 20, 6, 22, 96),
        line("main", 12, 80, 58, 82, 96),
        poly("shade", 22, 12, 42, 16, 42, 50, 22, 50),
        *(line("main", 8, 22, y, 42, y + 2) for y in (12, 28, 43)),
        line("main", 7, 42, 14, 42, 54),
        edged(box("main", 14, 50, 90, 65, round_by=6)),
        line("glint", 3, 28, 55, 78, 55),
    )


def clock() -> Sprite:
    """An alarm clock with two bells."""
    ticks = []
    for step in range(12):
        across, down = math.cos(math.radians(30 * step)), math.sin(math.radians(30 * step))
        ticks.append(line("ink", 2, 50 + 21 * across, 58 + 21 * down, 50 + 24 * across, 58 + 24 * down))
    foot = line("main", 10, 26, 88, 16, 99)
    ear = edged(turn((oval("main", 4, 8, 40, 32),), 0)[0])
    return (
        foot,
        mirror(foot),
        line("ink", 5, 50, 18, 50, 4),
        line("ink", 6, 42, 4, 58, 4),
        ear,
        mirror(ear),
        edged(oval("main", 6, 14, 94, 102)),
        edged(oval("pale", 24, 32, 76, 84)),
        *ticks,
        line("ink", 4.5, 50, 58, 50, 42),
        line("ink", 4.5, 50, 58, 62, 64),
        arc("glint", 5, (50, 58), (35, 35), (190, 240)),
    )


def crown() -> Sprite:
    """Three high points with pearls."""
    return (
        poly("main", 2, 30, 27, 54, 50, 14, 73, 54, 98, 30, 88, 92, 12, 92),
        *(edged(oval("main", x - 8, y - 8, x + 8, y + 8)) for x, y in ((4, 28), (50, 10), (96, 28))),
        edged(box("shade", 10, 76, 90, 94, round_by=4)),
        *(oval("pale", x - 5, 80, x + 5, 90) for x in (26, 50, 74)),
        poly("pale", 50, 48, 58, 60, 50, 72, 42, 60),
        line("glint", 4, 14, 46, 18, 66),
    )


def cup() -> Sprite:
    """A mug with a handle, filled to the brim."""
    return (
        arc("main", 11, (76, 56), (19, 19), (-100, 100)),
        blob("main", 6, 22, 8, 20, 78, 20, 80, 22, 78, 60, 70, 92, 62, 98, 24, 98, 16, 92, 8, 60),
        edged(oval("main", 5, 10, 81, 34)),
        oval("wood", 13, 15, 73, 29),
        curve("pale", 6, 10, 52, 43, 60, 76, 52),
        line("glint", 5, 18, 64, 24, 84),
    )


def hat() -> Sprite:
    """A top hat with a ribbon."""
    return (
        edged(oval("main", -4, 66, 104, 96)),
        blob("main", 20, 8, 24, 6, 76, 6, 80, 8, 76, 40, 76, 80, 50, 86, 24, 80, 24, 40),
        poly("pale", 24, 58, 76, 58, 76, 73, 62, 76, 38, 76, 24, 73),
        edged(oval("shade", 19, 0, 81, 16)),
        line("glint", 5, 33, 24, 34, 50),
    )


def key() -> Sprite:
    """An old door key: a ring, a stem and two teeth."""
    return turn(
        (
            arc("main", 15, (50, 18), (20, 20)),
            line("main", 14, 50, 40, 50, 102),
            box("main", 52, 70, 80, 82, round_by=3),
            box("main", 52, 92, 76, 105, round_by=3),
            edged(box("shade", 38, 42, 62, 51, round_by=3)),
            arc("glint", 4, (50, 18), (21, 21), (160, 260)),
        ),
        28,
    )


def lamp() -> Sprite:
    """A table lamp with a wide shade."""
    return (
        line("main", 11, 50, 50, 50, 92),
        oval("glow", 14, 44, 86, 62),
        edged(box("main", 24, 88, 76, 101, round_by=6)),
        edged(oval("shade", 40, 62, 60, 78)),
        line("ink", 2.5, 74, 54, 74, 72),
        edged(poly("main", 30, 0, 70, 0, 96, 52, 4, 52)),
        poly("glint", 36, 6, 46, 6, 34, 46, 18, 46),
        line("shade", 5, 8, 49, 92, 49),
    )


def umbrella() -> Sprite:
    """An open umbrella with a hooked handle."""
    dome = blob("main", 50, 4, 78, 14, 96, 36, 101, 58, 84, 51, 67, 58, 50, 51, 33, 58, 16, 51, -1, 58, 4, 36, 22, 14)
    return (
        curve("wood", 7, 50, 10, 50, 60, 50, 88, 58, 99, 69, 97, 72, 86),
        line("ink", 5, 50, -3, 50, 8),
        dome,
        blob("shade", 50, 5, 62, 24, 67, 56, 50, 50, 33, 56, 38, 24),
        curve("ink", 2, 50, 5, 76, 24, 84, 51),
        curve("ink", 2, 50, 5, 24, 24, 16, 51),
        curve("glint", 4, 14, 38, 20, 26, 30, 17),
    )
