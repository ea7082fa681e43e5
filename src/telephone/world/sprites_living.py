"""Sprites of fruit, plants and animals, each a few shapes on a sheet of 100 x 100 units."""

import math

from telephone.world.shapes import Sprite, arc, blob, box, curve, edged, line, mirror, oval, poly, turn


def apple() -> Sprite:
    """Two lobes, a stem and a leaf."""
    return (
        curve("wood", 7, 50, 34, 51, 20, 57, 8),
        blob("main", 50, 32, 68, 23, 88, 32, 93, 56, 82, 82, 64, 96, 50, 91, 36, 96, 18, 82, 7, 56, 12, 32, 32, 23),
        edged(blob("leaf", 54, 20, 64, 5, 86, 4, 77, 19, 64, 24)),
        blob("glint", 20, 44, 27, 35, 35, 37, 31, 49, 23, 56),
    )


def banana() -> Sprite:
    """A fat crescent."""
    return (
        blob("main", 80, 6, 90, 8, 95, 32, 82, 64, 52, 87, 16, 88, 5, 77, 30, 68, 54, 50, 70, 28, 76, 10),
        poly("wood", 76, 2, 90, 0, 93, 14, 77, 16),
        curve("shade", 5, 87, 32, 73, 60, 46, 77, 17, 81),
        curve("glint", 4, 76, 30, 62, 53, 42, 67),
        oval("ink", 2, 74, 12, 86),
    )


def bird() -> Sprite:
    """A round songbird that looks to the right."""
    return (
        line("beak", 5, 44, 80, 42, 97, 50, 97),
        line("beak", 5, 57, 80, 57, 97, 65, 97),
        poly("main", 30, 52, -4, 34, 2, 46, -6, 54, 4, 60, 22, 72),
        blob("main", 18, 54, 34, 40, 54, 26, 64, 13, 80, 12, 92, 26, 86, 46, 80, 66, 64, 82, 42, 85, 24, 74),
        poly("beak", 90, 22, 112, 32, 90, 39),
        edged(blob("shade", 24, 54, 44, 46, 60, 54, 56, 68, 40, 72, 26, 64)),
        curve("ink", 2.5, 34, 60, 44, 62, 54, 58),
        oval("pale", 68, 20, 83, 35),
        oval("ink", 73, 23, 82, 33),
    )


def butterfly() -> Sprite:
    """Four wide wings about a dark body."""
    wing = edged(blob("main", 48, 48, 36, 18, 12, 6, 0, 22, 8, 46, 30, 56))
    lower = edged(blob("main", 48, 54, 24, 54, 8, 68, 16, 90, 34, 92, 46, 72))
    spots = (oval("pale", 11, 18, 27, 34), oval("pale", 20, 66, 33, 80), oval("shade", 27, 34, 37, 44))
    half = (lower, wing, *spots, curve("ink", 3.5, 49, 32, 42, 14, 32, 8))
    return (*half, *map(mirror, half), oval("ink", 44, 28, 56, 92))


def cactus() -> Sprite:
    """A column with two arms."""
    spines = tuple(line("pale", 3, x, y, x, y + 7) for x, y in ((44, 20), (56, 32), (44, 46), (56, 60), (44, 74)))
    return (
        line("main", 20, 16, 40, 16, 58, 44, 62),
        line("main", 20, 84, 26, 84, 46, 56, 50),
        line("main", 30, 50, 14, 50, 88),
        box("main", 35, 80, 65, 100),
        curve("shade", 4, 59, 16, 60, 60, 59, 94),
        *spines,
        line("pale", 3, 15, 42, 15, 48),
        line("pale", 3, 85, 30, 85, 36),
        edged(blob("beak", 50, 4, 42, -5, 46, -3, 50, -9, 54, -3, 58, -5)),
    )


def cat() -> Sprite:
    """A seated cat with pointed ears and a raised tail."""
    whiskers = tuple(line("ink", 2, 40 + s * 14, 39, 40 + s * 32, y) for s in (-1, 1) for y in (35, 43))
    return (
        curve("main", 12, 66, 92, 88, 88, 92, 68, 82, 54, 88, 42),
        blob("main", 40, 44, 58, 50, 69, 72, 71, 97, 40, 100, 9, 97, 11, 72, 22, 50),
        poly("main", 12, 30, 11, -2, 34, 12),
        poly("main", 68, 30, 69, -2, 46, 12),
        poly("pale", 17, 18, 16, 7, 25, 13),
        poly("pale", 63, 18, 64, 7, 55, 13),
        edged(blob("main", 40, 9, 58, 12, 70, 30, 62, 48, 40, 55, 18, 48, 10, 30, 22, 12)),
        *(oval("pale", x - 7, 23, x + 7, 37) for x in (27, 53)),
        *(oval("ink", x - 3.5, 24, x + 3.5, 37) for x in (27, 53)),
        poly("ink", 36, 40, 44, 40, 40, 45),
        *whiskers,
        line("shade", 4, 30, 78, 30, 96),
        line("shade", 4, 50, 78, 50, 96),
    )


def dog() -> Sprite:
    """A dog on four legs that looks to the right, with a hanging ear."""
    return (
        curve("main", 10, 16, 52, 4, 42, 3, 26),
        line("shade", 12, 32, 70, 32, 92),
        line("shade", 12, 62, 70, 62, 92),
        line("main", 13, 20, 62, 18, 92),
        line("main", 13, 70, 60, 72, 92),
        blob("main", 12, 54, 24, 44, 50, 46, 64, 34, 80, 40, 79, 62, 66, 74, 42, 72, 22, 76),
        blob("main", 58, 22, 72, 10, 86, 18, 102, 28, 103, 42, 88, 47, 68, 50, 58, 40),
        line("beak", 6, 61, 50, 79, 52),
        edged(blob("shade", 58, 16, 68, 14, 73, 30, 67, 46, 56, 44, 53, 28)),
        oval("pale", 76, 19, 87, 30),
        oval("ink", 80, 21, 87, 29),
        oval("ink", 95, 25, 106, 35),
        curve("ink", 2.5, 100, 39, 94, 42, 88, 40),
    )


def fish() -> Sprite:
    """A fish that swims to the left."""
    return (
        poly("main", 40, 28, 52, 6, 72, 12, 68, 34),
        poly("main", 42, 72, 56, 92, 66, 84, 62, 68),
        blob("main", 70, 50, 82, 34, 104, 18, 98, 50, 104, 82, 82, 66),
        edged(blob("main", -2, 52, 12, 30, 38, 20, 64, 32, 80, 50, 64, 70, 38, 80, 12, 72)),
        curve("shade", 6, 34, 24, 40, 50, 34, 77),
        curve("pale", 5, 54, 29, 59, 50, 54, 72),
        line("shade", 3, 84, 44, 96, 34),
        line("shade", 3, 84, 56, 96, 66),
        oval("pale", 9, 34, 26, 51),
        oval("ink", 12, 38, 21, 48),
        curve("ink", 3, 2, 59, 8, 62, 14, 60),
    )


def flower() -> Sprite:
    """Six petals on a stem with two leaves."""
    petals = []
    for step in range(6):
        angle = math.radians(60 * step + 30)
        x, y = 50 + 22 * math.cos(angle), 34 + 22 * math.sin(angle)
        petals.append(edged(oval("main", x - 16, y - 16, x + 16, y + 16)))
    leaf = blob("leaf", 50, 94, 40, 76, 20, 70, 24, 86, 38, 96)
    return (
        line("leaf", 7, 50, 50, 50, 100),
        leaf,
        mirror(leaf),
        *petals,
        edged(oval("glow", 37, 21, 63, 47)),
        *(oval("wood", x - 2, y - 2, x + 2, y + 2) for x, y in ((46, 30), (54, 30), (46, 38), (54, 38), (50, 34))),
    )


def mushroom() -> Sprite:
    """A wide dotted cap on a pale foot."""
    return (
        blob("pale", 36, 50, 64, 50, 66, 76, 72, 97, 50, 101, 28, 97, 34, 76),
        curve("shade", 3, 36, 66, 50, 71, 64, 66),
        edged(blob("main", 0, 52, 8, 26, 30, 5, 50, 0, 70, 5, 92, 26, 100, 52, 90, 62, 50, 58, 10, 62)),
        oval("pale", 38, 10, 58, 28),
        oval("pale", 12, 32, 29, 48),
        oval("pale", 68, 22, 84, 36),
        oval("pale", 48, 38, 62, 51),
    )


def tree() -> Sprite:
    """A fir of three storeys."""
    return (
        box("wood", 41, 80, 59, 102),
        edged(blob("main", 50, 38, 72, 66, 94, 86, 72, 90, 50, 86, 28, 90, 6, 86, 28, 66)),
        edged(blob("main", 50, 18, 68, 44, 84, 60, 68, 64, 50, 61, 32, 64, 16, 60, 32, 44)),
        edged(blob("main", 50, -4, 62, 18, 74, 34, 62, 38, 50, 36, 38, 38, 26, 34, 38, 18)),
        *(curve("glint", 3.5, 40, y, 33, y + 9) for y in (21, 44, 68)),
        *(curve("shade", 3.5, 56, y, 64, y + 9) for y in (20, 45, 69)),
    )


def heart() -> Sprite:
    """A plump heart."""
    return (
        blob("main", 50, 24, 62, 8, 80, 5, 97, 20, 96, 44, 78, 70, 50, 95, 22, 70, 4, 44, 3, 20, 20, 5, 38, 8),
        blob("glint", 16, 36, 17, 22, 28, 16, 34, 20, 25, 27, 22, 38),
    )


def star() -> Sprite:
    """Five round points and a smile."""
    numbers: list[float] = []
    for step in range(10):
        angle, radius = math.radians(36 * step - 90), 54 if step % 2 == 0 else 26
        numbers += [50 + radius * math.cos(angle), 52 + radius * math.sin(angle)]
    eyes = (oval("ink", 39, 43, 45, 52), oval("ink", 55, 43, 61, 52))
    smile = arc("ink", 3, (50, 55), (8, 7), (20, 160))
    return (*turn((poly("main", *numbers),), 0), line("main", 5, *numbers, *numbers[:2]), *eyes, smile)
