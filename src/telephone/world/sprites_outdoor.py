"""Outdoor sprites: vehicles, houses and toys on a sheet of 100 x 100 units."""

from telephone.world.shapes import Sprite, arc, blob, box, curve, edged, line, mirror, oval, poly, turn


def balloon() -> Sprite:
    """A round balloon on a string."""
    return (
        curve("ink", 4, 50, 78, 43, 90, 57, 108, 47, 124),
        poly("main", 41, 80, 59, 80, 50, 66),
        blob("main", 50, -2, 78, 8, 88, 34, 74, 60, 50, 74, 26, 60, 12, 34, 22, 8),
        blob("glint", 24, 34, 28, 18, 40, 10, 44, 14, 34, 24, 31, 38),
        curve("shade", 4, 78, 36, 70, 53, 56, 64),
    )


def boat() -> Sprite:
    """A sailing boat with two sails."""
    return (
        line("wood", 5, 46, 2, 46, 72),
        edged(blob("main", 52, 4, 58, 8, 82, 34, 92, 60, 86, 63, 54, 63, 52, 58)),
        edged(poly("pale", 40, 14, 40, 62, 12, 62)),
        blob("main", 0, 69, 6, 68, 94, 68, 100, 69, 92, 86, 78, 98, 26, 98, 10, 88),
        line("pale", 5, 10, 78, 92, 78),
        poly("beak", 46, 0, 62, -5, 46, -10),
        curve("shade", 4, 18, 89, 50, 92, 84, 89),
    )


def car() -> Sprite:
    """A small car from the side."""
    wheels = []
    for x in (25, 76):
        wheels += [edged(oval("ink", x - 14, 56, x + 14, 84)), oval("metal", x - 6, 64, x + 6, 76)]
    return (
        blob("main", 0, 66, 2, 50, 16, 43, 28, 24, 42, 16, 64, 17, 80, 40, 98, 47, 102, 62, 98, 73, 50, 74, 6, 74),
        poly("pale", 26, 41, 35, 26, 46, 23, 46, 41),
        poly("pale", 52, 41, 52, 23, 63, 24, 72, 41),
        line("ink", 2, 49, 22, 49, 70),
        line("shade", 4, 6, 68, 96, 68),
        line("ink", 3, 54, 49, 60, 49),
        edged(oval("glow", 93, 48, 103, 58)),
        *wheels,
    )


def castle() -> Sprite:
    """Three towers with battlements, a gate and a flag."""
    side = (
        edged(box("main", 0, 34, 28, 100)),
        *(box("main", x, 25, x + 8, 36) for x in (-2, 10, 22)),
        box("main", -2, 32, 30, 41),
        box("ink", 10, 50, 18, 64),
    )
    return (
        line("ink", 3, 50, 12, 50, -14),
        poly("beak", 51, -15, 68, -9, 51, -3),
        box("main", 24, 48, 76, 100),
        edged(box("main", 33, 20, 67, 100)),
        *(box("main", x, 8, x + 9, 20) for x in (30, 45.5, 61)),
        box("main", 30, 16, 70, 26),
        *side,
        *map(mirror, side),
        box("ink", 46, 32, 54, 46, round_by=4),
        edged(blob("wood", 38, 101, 38, 98, 38, 76, 50, 64, 62, 76, 62, 98, 62, 101)),
        *(line("shade", 3, x, y, x + 8, y) for x, y in ((4, 76), (12, 86), (80, 78), (88, 90), (38, 54), (56, 58))),
    )


def house() -> Sprite:
    """A cottage with a chimney, a door and two windows."""
    windows = []
    for x in (27, 73):
        windows += [
            edged(box("glow", x - 9, 56, x + 9, 74)),
            line("ink", 2, x, 56, x, 74),
            line("ink", 2, x - 9, 65, x + 9, 65),
        ]
    return (
        edged(box("main", 68, 6, 82, 40)),
        box("main", 12, 44, 88, 100),
        *windows,
        edged(poly("shade", -4, 48, 50, 2, 104, 48)),
        curve("main", 3, 22, 40, 50, 16, 78, 40),
        edged(box("wood", 41, 66, 59, 101, round_by=3)),
        oval("glow", 53, 82, 57, 86),
    )


def kite() -> Sprite:
    """A diamond with a tail of bows."""
    return turn(
        (
            curve("main", 7, 50, 80, 60, 94, 42, 108, 56, 124, 46, 138),
            poly("main", 50, -6, 90, 34, 50, 84, 10, 34),
            poly("shade", 50, -6, 90, 34, 50, 34),
            poly("shade", 50, 84, 10, 34, 50, 34),
            line("ink", 2, 50, -6, 50, 84),
            line("ink", 2, 10, 34, 90, 34),
        ),
        20,
    )


def plane() -> Sprite:
    """An airliner that flies to the right."""
    return (
        edged(poly("shade", 46, 40, 60, 40, 46, 16, 36, 16)),
        poly("main", 4, 48, -6, 18, 8, 18, 28, 44),
        blob("main", -2, 48, 20, 40, 74, 38, 96, 46, 104, 55, 92, 63, 40, 66, 8, 60),
        edged(poly("shade", 4, 50, 22, 50, 10, 62, 0, 62)),
        *(oval("pale", x - 3.5, 44, x + 3.5, 52) for x in (34, 46, 58, 70)),
        blob("pale", 83, 44, 92, 47, 97, 52, 86, 53),
        edged(poly("main", 38, 56, 62, 56, 36, 92, 22, 92)),
        line("shade", 4, 40, 62, 28, 88),
    )


def robot() -> Sprite:
    """A friendly robot with an antenna."""
    arm = line("main", 10, 18, 60, 5, 70, 6, 84)
    leg = edged(box("main", 28, 88, 45, 106, round_by=4))
    return (
        line("ink", 4, 50, 14, 50, 0),
        edged(oval("beak", 43, -10, 57, 4)),
        arm,
        mirror(arm),
        leg,
        mirror(leg),
        box("shade", 42, 48, 58, 60),
        box("shade", 14, 22, 86, 38, round_by=4),
        edged(box("main", 20, 10, 80, 52, round_by=9)),
        edged(box("main", 18, 56, 82, 92, round_by=7)),
        *(edged(oval("pale", x - 9, 20, x + 9, 38)) for x in (37, 63)),
        *(oval("ink", x - 4, 25, x + 4, 34) for x in (38, 62)),
        line("ink", 3.5, 38, 45, 62, 45),
        edged(box("pale", 32, 64, 68, 80, round_by=3)),
        *(oval("main", x - 4, 68, x + 4, 76) for x in (40, 60)),
        oval("shade", 46, 68, 54, 76),
    )


def rocket() -> Sprite:
    """A rocket that takes off, with a round window and a flame."""
    fin = edged(blob("shade", 32, 54, 14, 66, 8, 90, 20, 84, 36, 78))
    return (
        blob("beak", 34, 80, 66, 80, 62, 96, 50, 112, 38, 96),
        blob("glow", 42, 80, 58, 80, 56, 92, 50, 101, 44, 92),
        fin,
        mirror(fin),
        blob("main", 50, -6, 66, 14, 74, 42, 68, 74, 62, 83, 38, 83, 32, 74, 26, 42, 34, 14),
        blob("shade", 50, -6, 61, 8, 66, 17, 50, 21, 34, 17, 39, 8),
        edged(oval("metal", 36, 28, 64, 56)),
        oval("pale", 40, 32, 60, 52),
        arc("glint", 3, (50, 42), (6, 6), (180, 270)),
        edged(box("shade", 46, 62, 54, 92, round_by=4)),
        curve("glint", 4, 34, 34, 33, 52, 37, 68),
    )
