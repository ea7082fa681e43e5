"""Backdrops of the eight settings and the blank sheet, with low contrast so that the things stand out."""

from collections.abc import Callable, Iterable

from PIL import Image

from telephone.world.canvas import Canvas, scattered
from telephone.world.palette import Rgb, mix, scaled
from telephone.world.shapes import Point
from telephone.world.skies import HORIZON, Light, drawn_late, fall, sky
from telephone.world.style_filters import wash

WINDOW = (7.0, 4.0, 57.0, 27.0)
"""Left, top, right and bottom of the window in a room, in 64 x 64 units."""
_PANES = ((7.0, 17.2), (18.8, 46.6), (48.2, 57.0))


def backdrop(setting: str | None, light: Light, style: str, size: int) -> Image.Image:
    """Paints an empty scene.

    Args:
        setting: One of the settings of the world, or None for a blank sheet.
        light: Time of day and weather.
        style: One of the styles of the world.
        size: Side of the picture in pixels.

    Returns:
        RGB, `size` x `size`.
    """
    canvas = Canvas(size)
    _SETTINGS[setting](canvas, light)
    outside = setting not in ("room", "space")
    if outside and not drawn_late(light, style):
        fall(canvas, light)
    wash(canvas, style)
    if outside and drawn_late(light, style):
        fall(canvas, light, style)
    if setting == "room":
        _fall_outside(canvas, light, style)
    return canvas.finish()


def _specks(canvas: Canvas, paint: Rgb, spots: Iterable[Point], radii: Point) -> None:
    for x, y in spots:
        canvas.oval(paint, x - radii[0], y - radii[1], x + radii[0], y + radii[1])


def _paper(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, paper=True)


def _beach(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=HORIZON)
    sea, foam = light.tint((98, 170, 190)), light.tint((226, 240, 240))
    canvas.box(sea, 0, 34, 64, 50)
    canvas.box(mix(sea, (255, 255, 255), 0.16), 0, 34, 64, 36.5)
    for x, y in scattered(12, 4, (2, 36.5, 60, 43)):
        canvas.line(mix(sea, (255, 255, 255), 0.34), 0.5, x - 2, y, x + 2, y)
    canvas.hill(foam, 0, 44.4, 14, 45.6, 30, 43.6, 48, 45.4, 64, 43.8)
    canvas.hill(light.ground((214, 194, 150)), 0, 45.5, 14, 46.7, 30, 44.7, 48, 46.5, 64, 45)
    canvas.hill(light.ground((232, 214, 172)), 0, 47.5, 14, 48.5, 30, 46.8, 48, 48.6, 64, 47)
    _specks(canvas, light.ground((206, 184, 138)), scattered(26, 7, (1, 50, 63, 63)), (0.4, 0.3))
    shell = light.tint((244, 226, 214))
    canvas.poly(shell, 20.4, 62.6, 23.6, 62.6, 24.2, 60.9, 22, 59.8, 19.8, 60.9)
    for x in (21, 22, 23):
        canvas.line(light.tint((206, 168, 154)), 0.3, 22, 62.4, x, 60.4)


def _park(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=46)
    canvas.hill(light.tint((142, 176, 146)), 0, 35, 12, 33, 28, 36, 44, 33, 64, 36)
    for x, radius in ((-1, 6), (8, 4.4), (25, 5), (33, 4), (50, 5), (58, 4), (65, 6)):
        canvas.oval(light.tint((104, 146, 108)), x - radius, 41 - radius, x + radius, 41 + radius)
        canvas.oval(light.tint((122, 164, 120)), x - radius * 0.7, 40.2 - radius, x + radius * 0.4, 40 - radius * 0.2)
    canvas.hill(light.ground((150, 190, 118)), 0, 41, 24, 39.5, 64, 41)
    canvas.hill(light.ground((160, 200, 126)), 0, 50, 22, 47, 40, 51, 64, 47.5)
    path = light.ground((226, 210, 174))
    canvas.poly(path, 38.5, 40.3, 41.5, 40.3, 43, 44, 40, 48, 36.5, 54, 38, 64, 21, 64, 25, 54, 33, 47.5, 39, 43.4)
    _specks(canvas, light.ground((150, 190, 116)), scattered(14, 9, (1, 46, 63, 63)), (1.6, 0.45))


def _city(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=50)
    lit = light.time == "night" or (light.time == "sunset" and light.weather != "clear")
    far, near = light.tint((176, 182, 200)), light.tint((148, 152, 176))
    for x, wide, top in ((0, 7, 22), (9, 6, 15), (17, 8, 24), (27, 6, 12), (36, 8, 21), (46, 6, 14), (54, 9, 20)):
        canvas.box(mix(far, light.dull, 0.15), x, top, x + wide, 50)
    for x, wide, top in ((-1, 9, 31), (10, 8, 26), (20, 9, 33), (31, 8, 27), (41, 9, 32), (52, 8, 25), (61, 5, 31)):
        canvas.box(near, x, top, x + wide, 50)
        for row in range(3):
            for column in range(int(wide // 2.4)):
                left, upper = x + 1.1 + 2.4 * column, top + 1.8 + 3.4 * row
                glowing = lit and (row * 5 + column * 3 + x) % 4 != 0
                pane = (238, 206, 124) if glowing else light.tint((196, 206, 222))
                canvas.box(pane, left, upper, left + 1.2, upper + 1.7)
    canvas.box(light.ground((190, 190, 192)), 0, 43, 64, 47)
    canvas.box(light.tint((150, 150, 156)), 0, 46.4, 64, 47)
    canvas.box(light.ground((136, 138, 148)), 0, 47, 64, 64)
    for x in (-2, 12, 26, 40, 54):
        canvas.box(light.ground((214, 212, 200)), x, 54.4, x + 8, 55.5)


def _desert(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=46)
    mesa = light.tint((206, 158, 128))
    canvas.poly(mesa, 3, 40, 6, 31, 17, 31, 20, 40)
    canvas.poly(mix(mesa, (255, 255, 255), 0.14), 44, 40, 46.5, 33.5, 58, 33.5, 61, 40)
    canvas.hill(light.ground((226, 190, 138)), 0, 38, 16, 40.5, 36, 37, 64, 40)
    canvas.hill(light.ground((216, 176, 122)), 0, 45, 20, 41.5, 44, 47, 64, 42)
    canvas.hill(light.ground((232, 198, 146)), 0, 46, 20, 43, 44, 48.5, 64, 44)
    canvas.hill(light.ground((220, 182, 130)), 0, 54, 26, 57.5, 50, 51.5, 64, 54)
    canvas.hill(light.ground((236, 204, 154)), 0, 55.2, 26, 59, 50, 53, 64, 55.2)
    for x, y in scattered(9, 6, (3, 46, 60, 62)):
        canvas.line(light.ground((206, 166, 114)), 0.4, x - 2.4, y, x, y - 0.6, x + 2.4, y)


def _forest(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=46)
    far, near = light.tint((134, 164, 146)), light.tint((92, 126, 108))
    for across, middle, wide in ((2.0, 27.0, 9.0), (14, 31, 8), (27, 28, 8), (40, 31, 8), (52, 27, 9), (63, 30, 8)):
        canvas.oval(far, across - wide, middle - wide, across + wide, middle + wide)
    canvas.box(far, 0, 30, 64, 44)
    trunk = light.tint((128, 108, 92))
    for x, wide in ((1.0, 3.4), (21.3, 2.4), (42.2, 2.6), (62, 3.6), (11, 1.3), (32, 1.2), (53, 1.3)):
        paint = trunk if wide > 2 else mix(trunk, far, 0.45)
        canvas.poly(paint, x - wide / 2, 0, x + wide / 2, 0, x + wide * 0.62, 43.5, x - wide * 0.62, 43.5)
    for x, radius in ((-2.0, 7.0), (9, 5), (20, 6.6), (31, 5), (42, 6.8), (54, 5), (65, 7)):
        canvas.oval(near, x - radius, -5 - radius * 0.5, x + radius, radius * 0.92)
    canvas.hill(light.ground((116, 138, 98)), 0, 42, 16, 40.6, 40, 42.4, 64, 41)
    canvas.hill(light.ground((136, 152, 108)), 0, 50, 20, 47.5, 44, 51, 64, 48)
    _specks(canvas, light.ground((124, 140, 98)), scattered(14, 3, (1, 46, 63, 63)), (2, 0.6))


def _snowfield(canvas: Canvas, light: Light) -> None:
    sky(canvas, light, bottom=46)
    canvas.poly(light.tint((182, 194, 216)), -6, 42, 8, 27, 15, 33, 25, 22, 38, 35, 50, 26, 70, 42)
    for x, y in ((8, 27), (25, 22), (50, 26)):
        cap = (x - 3.2, y + 3.6, x, y, x + 3.4, y + 3.5, x + 1.4, y + 2.9, x, y + 4.1, x - 1.4, y + 2.8)
        canvas.poly(light.tint((236, 241, 248)), *cap)
    canvas.hill(light.tint((222, 230, 242)), 0, 38, 18, 40, 42, 37, 64, 39.5)
    canvas.hill(light.tint((206, 217, 235)), 0, 47, 24, 43.6, 46, 48, 64, 45)
    canvas.hill(light.tint((238, 243, 250)), 0, 48, 24, 44.6, 46, 49.2, 64, 46)
    canvas.hill(light.tint((212, 222, 238)), 0, 56, 20, 58.6, 44, 54, 64, 56.6)
    canvas.hill(light.tint((244, 247, 252)), 0, 57, 20, 60, 44, 55, 64, 57.6)


def _room(canvas: Canvas, light: Light) -> None:
    left, top, right, bottom = WINDOW
    sky(canvas, light, bottom=34, moon=(41.6, 10))
    canvas.hill(light.ground((150, 180, 128)), 0, 24.5, 20, 22.5, 44, 25, 64, 23)
    if light.weather == "snow":
        canvas.hill((248, 250, 254), 0, 26, 20, 24.6, 44, 26, 64, 25)
    wall = _indoors(light, (226, 208, 184))
    for box in ((0, 0, 64, top), (0, bottom, 64, 45), (0, 0, left, 45), (right, 0, 64, 45)):
        canvas.box(wall, *box)
    for number in range(8):
        x = 1.5 + 8 * number
        canvas.box(mix(wall, (255, 255, 255), 0.13), x, bottom + 2, x + 3, 42.5)
    frame = _indoors(light, (248, 244, 234))
    for bar in ((left - 1.6, top - 1.6, right + 1.6, top), (left - 2.6, bottom, right + 2.6, bottom + 2)):
        canvas.box(frame, *bar)
    for x in (left - 0.8, 18, 47.4, right + 0.8):
        canvas.box(frame, x - 0.8, top - 1, x + 0.8, bottom)
    _floor(canvas, light)


def _fall_outside(canvas: Canvas, light: Light, style: str) -> None:
    """Draws rain or snow behind the window panes only."""
    before = canvas.picture.copy()
    fall(canvas, light, style)
    _, top, _, bottom = WINDOW
    for left, right in _PANES:
        pane = [round(value * canvas.scale) for value in (left, top, right, bottom)]
        before.paste(canvas.picture.crop((pane[0], pane[1], pane[2], pane[3])), (pane[0], pane[1]))
    canvas.picture.paste(before)


def _floor(canvas: Canvas, light: Light) -> None:
    wood = _indoors(light, (196, 156, 116))
    canvas.box(_indoors(light, (244, 236, 222)), 0, 42.5, 64, 45)
    canvas.box(wood, 0, 45, 64, 64)
    seam = mix(wood, (60, 30, 20), 0.16)
    for y in (48, 52, 57):
        canvas.line(seam, 0.45, 0, y, 64, y)
    for x, y, lower in (
        (14, 45, 48),
        (46, 45, 48),
        (28, 48, 52),
        (58, 48, 52),
        (8, 52, 57),
        (40, 52, 57),
        (22, 57, 64),
    ):
        canvas.line(seam, 0.45, x, y, x, lower)
    shine: dict[str, tuple[Rgb, int]] = {
        "day": ((255, 246, 214), 90),
        "sunset": ((255, 176, 96), 110),
        "night": ((150, 170, 220), 50),
    }
    paint, alpha = shine[light.time]
    if light.weather == "clear":
        for x in (12, 32, 52):
            canvas.poly(paint, x - 7, 47, x + 7, 47, x + 4, 62, x - 12, 62, alpha=alpha)


def _indoors(light: Light, paint: Rgb) -> Rgb:
    """Returns the appearance of a colour in the room, which depends on the weather outside."""
    mood: dict[str, tuple[Rgb, float]] = {
        "clear": ((255, 255, 255), 0.0),
        "cloudy": ((120, 124, 140), 0.2),
        "rain": ((76, 96, 140), 0.48),
        "snow": ((206, 222, 250), 0.36),
        "fog": ((190, 194, 192), 0.5),
    }
    paint = mix(paint, *mood[light.weather])
    factors = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.8, 0.64), "night": (0.46, 0.44, 0.6)}[light.time]
    return scaled(paint, factors)


def _space(canvas: Canvas, _light: Light) -> None:
    canvas.gradient([(0, (20, 14, 44)), (0.6, (48, 30, 84)), (1, (74, 48, 110))])
    for number, (x, y) in enumerate(scattered(64, 8, (0, 0, 64, 46))):
        radius = (0.32, 0.5, 0.38, 0.3)[number % 4]
        canvas.oval((228, 226, 244), x - radius, y - radius, x + radius, y + radius, alpha=220)
    canvas.oval((104, 78, 138), 16.5, 28, 25.5, 37)
    canvas.oval((122, 94, 152), 17.2, 28.4, 23.6, 34.4)
    canvas.line((158, 136, 182), 0.7, 12.6, 34.8, 17, 33.9, 25, 31.4, 29.4, 30)
    canvas.hill((134, 128, 152), 0, 45, 32, 40, 64, 45)
    canvas.hill((148, 142, 164), 0, 47, 32, 42, 64, 47)
    for x, y, wide in ((6, 52, 4), (22, 47.5, 2.4), (43, 48.6, 3.2), (59, 55, 4), (22, 61.6, 4), (42.4, 60.6, 2.6)):
        canvas.oval((120, 114, 138), x - wide, y - wide * 0.36, x + wide, y + wide * 0.36)
        canvas.oval((132, 126, 150), x - wide * 0.84, y - wide * 0.2, x + wide * 0.84, y + wide * 0.36)


_SETTINGS: dict[str | None, Callable[[Canvas, Light], None]] = {
    None: _paper,
    "beach": _beach,
    "park": _park,
    "city": _city,
    "desert": _desert,
    "forest": _forest,
    "snowfield": _snowfield,
    "room": _room,
    "space": _space,
}
