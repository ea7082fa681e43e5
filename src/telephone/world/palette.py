"""The RGB values of each colour of a thing, and of each fixed detail, in each of the four styles."""

from functools import cache
from typing import NamedTuple

from telephone.world.shapes import Role

Rgb = tuple[int, int, int]

PAPER: Rgb = (254, 253, 248)
"""Paper colour of sketches."""
_FLAT: dict[str | None, Rgb] = {
    "red": (222, 40, 44),
    "orange": (249, 137, 28),
    "yellow": (252, 217, 44),
    "green": (62, 166, 70),
    "blue": (44, 100, 218),
    "purple": (132, 62, 184),
    "pink": (252, 142, 190),
    "brown": (128, 78, 44),
    "black": (42, 40, 50),
    "white": (252, 252, 250),
    None: (176, 178, 184),
}
_PASTEL: dict[str | None, Rgb] = {
    "red": (228, 98, 98),
    "orange": (248, 172, 104),
    "yellow": (250, 230, 126),
    "green": (134, 198, 136),
    "blue": (118, 160, 228),
    "purple": (172, 130, 208),
    "pink": (252, 180, 212),
    "brown": (168, 126, 98),
    "black": (84, 82, 92),
    "white": (254, 253, 250),
    None: (194, 196, 202),
}
_LIT: dict[str | None, Rgb] = {
    "red": (255, 52, 60),
    "orange": (255, 148, 32),
    "yellow": (255, 240, 70),
    "green": (66, 240, 96),
    "blue": (66, 128, 255),
    "purple": (178, 84, 255),
    "pink": (255, 140, 206),
    "brown": (152, 94, 58),
    "black": (104, 100, 122),
    "white": (255, 255, 255),
    None: (172, 174, 184),
}
_FIXED: dict[str, Rgb] = {
    "ink": (44, 38, 50),
    "pale": (250, 248, 242),
    "leaf": (98, 152, 82),
    "wood": (142, 102, 70),
    "metal": (186, 190, 200),
    "glow": (255, 228, 140),
    "beak": (240, 160, 66),
}


class Paints(NamedTuple):
    """The colours of one thing."""

    roles: dict[Role, Rgb]
    outline: Rgb
    halo: Rgb
    """What surrounds the outline: a light rim, or the glow of neon."""


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Returns the colour between two, `share` (0 to 1) of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def scaled(paint: Rgb, factors: tuple[float, float, float]) -> Rgb:
    """Returns the colour with each channel multiplied by its factor (0 to 1)."""
    red, green, blue = (round(level * factor) for level, factor in zip(paint, factors, strict=True))
    return red, green, blue


@cache
def paints(colour: str | None, style: str) -> Paints:
    """Returns the paints of a thing of one colour (None: unpainted) in one style."""
    return {"flat": _flat, "sketch": _sketch, "pastel": _pastel, "neon": _neon}[style](colour)


def _flat(colour: str | None) -> Paints:
    outline = _FIXED["ink"] if colour is not None else (104, 104, 112)
    return Paints(_roles(colour, _FLAT[colour], _FIXED), outline, (255, 255, 255))


def _sketch(colour: str | None) -> Paints:
    fixed = {role: mix(paint, PAPER, 0.15) for role, paint in _FIXED.items()}
    main = mix(_FLAT[colour], PAPER, 0.06)
    return Paints(_roles(colour, main, fixed), (84, 80, 88) if colour is not None else (122, 120, 126), PAPER)


def _pastel(colour: str | None) -> Paints:
    fixed = {role: mix(paint, (255, 255, 255), 0.32) for role, paint in _FIXED.items()}
    main = _PASTEL[colour]
    outline = mix(main, (70, 60, 90), 0.55 if colour == "white" else 0.36)
    return Paints(_roles(colour, main, fixed), outline, (255, 255, 255))


def _neon(colour: str | None) -> Paints:
    fixed = {role: mix(paint, (20, 14, 36), 0.3) for role, paint in _FIXED.items()}
    light = _LIT[colour]
    share = {"white": 0.12, None: 0.5, "black": 0.97, "brown": 0.44, "yellow": 0.3, "orange": 0.34}.get(colour, 0.42)
    main = mix(light, (8, 6, 16), share)
    roles = _roles(colour, main, fixed)
    roles["glint"] = light
    roles["ink"] = mix(light, (255, 255, 255), 0.25) if colour != "white" else (60, 58, 74)
    return Paints(roles, light, light)


def _roles(colour: str | None, main: Rgb, fixed: dict[str, Rgb]) -> dict[Role, Rgb]:
    """Keeps details visible: dark ones on a black thing turn grey, white ones on a white thing bluish."""
    shade, glint = mix(main, (30, 14, 60), 0.24), mix(main, (255, 255, 255), 0.5)
    ink, pale = fixed["ink"], fixed["pale"]
    if colour == "black":
        shade, glint, ink = mix(main, (255, 255, 255), 0.16), mix(main, (255, 255, 255), 0.45), (128, 124, 140)
    if colour == "white":
        shade, glint, pale = mix(main, (120, 130, 170), 0.26), main, mix(main, (110, 130, 170), 0.4)
    return {
        "main": main,
        "shade": shade,
        "glint": glint,
        "ink": ink,
        "pale": pale,
        "leaf": fixed["leaf"],
        "wood": fixed["wood"],
        "metal": fixed["metal"],
        "glow": fixed["glow"],
        "beak": fixed["beak"],
    }
