"""A canvas for backdrops, measured in 64 x 64 units at any size in pixels."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from telephone.world.palette import Rgb
from telephone.world.shapes import OVER

UNITS = 64


class Canvas:
    """A square image whose drawing methods take units; `size` is its final side in pixels."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.side = size * OVER
        self.scale = self.side / UNITS
        self._renew(Image.new("RGB", (self.side, self.side)))

    def _renew(self, picture: Image.Image) -> None:
        self.picture = picture
        # RGBA drawing on RGB blends: a brush may be translucent.
        self._draw = ImageDraw.Draw(picture, "RGBA")

    def _points(self, numbers: Sequence[float]) -> list[tuple[float, float]]:
        return [(x * self.scale, y * self.scale) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]

    def poly(self, paint: Rgb, *numbers: float, alpha: int = 255) -> None:
        """Fills a polygon through x, y, x, y, ..."""
        self._draw.polygon(self._points(numbers), fill=(*paint, alpha))

    def box(self, paint: Rgb, left: float, top: float, right: float, bottom: float, *, alpha: int = 255) -> None:
        """Fills a rectangle."""
        self.poly(paint, left, top, right, top, right, bottom, left, bottom, alpha=alpha)

    def oval(self, paint: Rgb, left: float, top: float, right: float, bottom: float, *, alpha: int = 255) -> None:
        """Fills an ellipse."""
        self._draw.ellipse([v * self.scale for v in (left, top, right, bottom)], fill=(*paint, alpha))

    def line(self, paint: Rgb, width: float, *numbers: float, alpha: int = 255) -> None:
        """Draws a stroke through x, y, x, y, ..."""
        thick = max(1, round(width * self.scale))
        self._draw.line(self._points(numbers), fill=(*paint, alpha), width=thick, joint="curve")

    def hill(self, paint: Rgb, *numbers: float) -> None:
        """Fills the ground below a smooth ridge through x, y, x, y, ... from the left side to the right side."""
        xs, ys = np.array(numbers[::2]), np.array(numbers[1::2])
        along = np.linspace(-1, UNITS + 1, 67)
        ridge = _eased(along, xs, ys)
        numbers = tuple(v for point in zip(along.tolist(), ridge.tolist(), strict=True) for v in point)
        self.poly(paint, *numbers, UNITS + 1, UNITS + 1, -1, UNITS + 1)

    def gradient(self, stops: Sequence[tuple[float, Rgb]], top: float = 0, bottom: float = UNITS) -> None:
        """Fills full rows from `top` to `bottom` with colours between stops (position 0 to 1, colour)."""
        first, last = round(top * self.scale), round(bottom * self.scale)
        at = np.linspace(0, 1, last - first)
        places = [place for place, _ in stops]
        bands = [np.interp(at, places, [paint[i] for _, paint in stops]) for i in range(3)]
        column = np.rint(np.stack(bands, axis=-1)).astype(np.uint8)[:, None]
        self.picture.paste(Image.fromarray(column.repeat(self.side, 1)), (0, first))

    def pixels(self) -> NDArray[np.float32]:
        """Returns the canvas as float32 [side, side, 3] in [0, 255]."""
        return np.asarray(self.picture, dtype=np.float32)

    def put(self, pixels: NDArray[np.float32]) -> None:
        """Replaces the content of the canvas."""
        self._renew(Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8)))

    def finish(self) -> Image.Image:
        """Returns the image at its final size."""
        return self.picture.reduce(OVER)


def _eased(along: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolates with horizontal tangents at every point, which gives rolling ridges."""
    index = np.clip(np.searchsorted(xs, along, side="right") - 1, 0, len(xs) - 2)
    t = np.clip((along - xs[index]) / (xs[index + 1] - xs[index]), 0, 1)
    eased: NDArray[np.float64] = ys[index] + (ys[index + 1] - ys[index]) * t * t * (3 - 2 * t)
    return eased


def scattered(count: int, seed: int, box: tuple[float, float, float, float]) -> Iterable[tuple[float, float]]:
    """Yields points spread evenly but not regularly over a box (left, top, right, bottom), deterministic."""
    left, top, right, bottom = box
    for number in range(count):
        # Two irrational steps fill a square evenly (an additive recurrence).
        x, y = (0.7548776662 * (number + 1) + 0.13 * seed) % 1, (0.5698402910 * (number + 1) + 0.29 * seed) % 1
        yield round(left + x * (right - left), 3), round(top + y * (bottom - top), 3)
