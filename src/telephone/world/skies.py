"""Light and weather: the sky at each time of day, clouds, rain, snow and fog, behind the things and before them."""

import math
from dataclasses import dataclass

from PIL import Image

from telephone.world.canvas import Canvas, scattered
from telephone.world.palette import Rgb, mix, scaled
from telephone.world.shapes import Point

HORIZON = 38.0

_SKIES: dict[str, tuple[tuple[float, Rgb], ...]] = {
    "day": ((0, (150, 198, 232)), (0.6, (206, 230, 240)), (1, (222, 236, 240))),
    "sunset": ((0, (112, 92, 150)), (0.3, (222, 132, 130)), (0.58, (250, 190, 128)), (1, (252, 216, 160))),
    "night": ((0, (16, 22, 56)), (0.6, (44, 54, 104)), (1, (52, 62, 112))),
}
_PAPERS: dict[str, tuple[tuple[float, Rgb], ...]] = {
    "day": ((0, (250, 243, 222)), (1, (246, 236, 212))),
    "sunset": ((0, (226, 150, 150)), (0.5, (250, 198, 146)), (1, (252, 220, 172))),
    "night": ((0, (26, 32, 70)), (1, (58, 64, 108))),
}
_DULL: dict[str, Rgb] = {"day": (172, 180, 190), "sunset": (188, 138, 130), "night": (38, 42, 60)}


@dataclass(frozen=True)
class Light:
    """Time of day and weather, and their effect on colours."""

    time: str
    weather: str

    @property
    def dull(self) -> Rgb:
        """The grey of an overcast sky at this time."""
        return _DULL[self.time]

    @property
    def cover(self) -> float:
        """How much of the sky's colour is lost to clouds, 0 to 1."""
        return {"clear": 0.0, "cloudy": 0.42, "rain": 0.8, "snow": 0.8, "fog": 0.95}[self.weather]

    def tint(self, paint: Rgb) -> Rgb:
        """Returns the appearance of a ground colour in this light."""
        by_weather = {"clear": 0.0, "cloudy": 0.16, "rain": 0.34, "snow": 0.1, "fog": 0.1}[self.weather]
        paint = mix(paint, (120, 126, 138), by_weather)
        factors = {"day": (1.0, 1.0, 1.0), "sunset": (1.0, 0.84, 0.76), "night": (0.36, 0.41, 0.62)}[self.time]
        return scaled(paint, factors)

    def ground(self, paint: Rgb) -> Rgb:
        """Returns the appearance of open ground: as `tint`, with white patches after snow."""
        return self.tint(mix(paint, (244, 247, 252), 0.55) if self.weather == "snow" else paint)


def sky(canvas: Canvas, light: Light, *, paper: bool = False, bottom: float = 64, moon: Point = (42.4, 5.4)) -> None:
    """Paints the sky, or a sheet of paper in the same light, with its moon, sun and clouds."""
    stops = (_PAPERS if paper else _SKIES)[light.time]
    canvas.gradient([(at, mix(paint, light.dull, light.cover)) for at, paint in stops], 0, bottom)
    if light.weather == "clear":
        _lights(canvas, light, paper, moon)
    elif light.weather != "fog":
        _clouds(canvas, light)


def _lights(canvas: Canvas, light: Light, paper: bool, moon: Point) -> None:
    if light.time == "sunset":
        level = 56 if paper else HORIZON
        for radius, alpha in ((15, 50), (11, 70), (7.5, 255)):
            canvas.oval((255, 226, 160), 42 - radius, level - radius, 42 + radius, level + radius, alpha=alpha)
    if light.time == "night":
        for number, (x, y) in enumerate(scattered(26, 3, (1, 1, 63, 34))):
            radius = 0.42 if number % 3 else 0.6
            canvas.oval((236, 236, 214), x - radius, y - radius, x + radius, y + radius, alpha=210)
        _crescent(canvas, *moon, 4.2)


def _crescent(canvas: Canvas, x: float, y: float, radius: float) -> None:
    halo = radius * 1.7
    canvas.oval((210, 214, 220), x - halo, y - halo, x + halo, y + halo, alpha=34)
    outer = [math.radians(40 + 280 * step / 24) for step in range(25)]
    inner = [math.radians(300 - 240 * step / 24) for step in range(25)]
    points = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in outer]
    points += [(x + radius * (0.55 + 0.74 * math.cos(a)), y + radius * 0.74 * math.sin(a)) for a in inner]
    canvas.poly((246, 240, 208), *(value for point in points for value in point))


def _clouds(canvas: Canvas, light: Light) -> None:
    heavy = light.weather == "rain"
    lift = {"day": 0.62, "sunset": 0.34, "night": 0.2}[light.time]
    pale = mix(light.dull, (255, 255, 255), lift * (0.35 if heavy else 1.0))
    dark = mix(light.dull, (58, 62, 84), 0.34 if heavy else 0.2)
    spots = ((8, 5, 1.0), (31, 3.6, 1.15), (55, 5.4, 1.0), (20, 13, 0.8), (44, 12.4, 0.85), (64, 17, 0.7), (1, 19, 0.7))
    for x, y, size in spots:
        for paint, drop in ((dark, 1.3), (pale, 0)):
            for dx, dy, rx, ry in ((-5.5, 0.8, 5, 2.6), (0, -0.6, 5.4, 3.8), (5.5, 0.8, 5, 2.6)):
                cx, cy = x + dx * size, y + dy * size + drop
                canvas.oval(paint, cx - rx * size, cy - ry * size, cx + rx * size, cy + ry * size)


def drawn_late(light: Light, style: str) -> bool:
    """Returns whether rain or snow is drawn after the style filter, which would blur or exaggerate it."""
    late = {"flat": (), "sketch": ("rain",), "pastel": ("rain", "snow"), "neon": ("rain", "snow")}
    return light.weather in late[style]


def _drop_paint(light: Light, style: str) -> Rgb:
    if style == "neon":
        return 86, 150, 220
    if light.time == "night":
        return 206, 212, 232
    return (112, 118, 138) if style == "sketch" else (124, 138, 186)


def fall(canvas: Canvas, light: Light, style: str = "flat") -> None:
    """Draws rain, snow and fog behind the things."""
    if light.weather == "rain":
        by_time = {"day": (96, 118, 152), "sunset": (228, 206, 214), "night": (138, 158, 200)}
        paint = by_time[light.time] if style == "flat" else _drop_paint(light, style)
        for x, y in scattered(110, 1, (-4, -4, 68, 62)):
            canvas.line(paint, 0.62, x, y, x - 1.7, y + 4.6, alpha=150 if style == "neon" else 205)
    elif light.weather == "snow":
        for number, (x, y) in enumerate(scattered(110, 2, (0, 0, 64, 64))):
            radius = (0.6, 0.9, 0.72)[number % 3]
            canvas.oval(
                (252, 253, 255), x - radius, y - radius, x + radius, y + radius, alpha=150 if style == "neon" else 235
            )
    elif light.weather == "fog":
        paint = fog_paint(light)
        _fog(canvas, mix(paint, (52, 44, 92), 0.72) if style == "neon" else paint)


def fog_paint(light: Light) -> Rgb:
    """Returns the colour of fog in this light."""
    return {"day": (230, 233, 235), "sunset": (250, 202, 166), "night": (112, 118, 140)}[light.time]


def _fog(canvas: Canvas, paint: Rgb) -> None:
    canvas.box(paint, 0, 0, 64, 64, alpha=118)
    for y, left, right, thick in ((9, -6, 46, 4), (19, 14, 72, 5), (29, -8, 54, 4.5), (38, 8, 74, 6), (49, -9, 50, 5)):
        for grow, alpha in ((1.0, 80), (0.55, 130)):
            canvas.oval(paint, left, y - thick * grow, right, y + thick * grow, alpha=alpha)


def veil(light: Light, style: str, size: int, variant: int) -> Image.Image | None:
    """Returns the weather in front of the things (RGBA), or None if there is none.

    Args:
        light: The weather and the light.
        style: The drawing style.
        size: Side of the image in pixels.
        variant: Index of the pattern of drops and flakes.
    """
    if light.weather not in ("rain", "snow", "fog"):
        return None
    paint, alpha = _veil_paint(light, style)
    mask = Canvas(size)
    white = (255, 255, 255)
    if light.weather == "rain":
        for x, y in scattered(13, 5 + variant, (0, -2, 66, 60)):
            mask.line(white, 0.6, x, y, x - 1.7, y + 4.6)
    elif light.weather == "snow":
        for x, y in scattered(15, 5 + variant, (1, 1, 63, 63)):
            mask.oval(white, x - 0.8, y - 0.8, x + 0.8, y + 0.8)
    else:
        for y in (14.0 + variant, 47.0 + variant):
            mask.oval((120, 120, 120), -10, y - 3.4, 74, y + 3.4)
            mask.oval(white, 2, y - 1.8, 62, y + 1.8)
    alphas = mask.finish().convert("L").point([round(level * alpha) for level in range(256)])
    layer = Image.new("RGBA", (size, size), paint)
    layer.putalpha(alphas)
    return layer


def _veil_paint(light: Light, style: str) -> tuple[Rgb, float]:
    if light.weather == "fog":
        paint = fog_paint(light)
        return (mix(paint, (70, 60, 110), 0.5), 0.3) if style == "neon" else (paint, 0.34)
    if light.weather == "snow":
        return (252, 253, 255), 0.95
    return {"sketch": (112, 120, 140), "neon": (120, 200, 255)}.get(style, (170, 196, 228)), 0.72
