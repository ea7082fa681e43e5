"""Images of a run for strips, films and pages: loading with a check and a cache, colours, and square tiles."""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path

from PIL import Image, ImageDraw

from telephone.core import images
from telephone.core.errors import ModelError
from telephone.report.games import Turn
from telephone.report.media.typesetting import TextStyle, draw_lines

BACKGROUND = "#fdfcfa"
CARD = "#f3f1ec"
TEXT = "#1f2d3a"
MUTED = "#71797f"
LINE = "#e2dfd8"
RED = "#b3261e"
"""The text that an image was generated from."""
GREEN = "#14713f"
"""The description of the image."""
AMBER = "#8a5a00"
"""Errors and refusals."""
LARGEST_SIDE = 512
"""Pixels; the longer side of a cached image. No strip, film or page shows an image larger."""
_CRISP_BELOW = 160
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ImageCache:
    """Loads image files of a run, each of them decoded once as long as the cache has room.

    The store names image files by the sha256 of their content. A file with such a name is checked before it is
    decoded, so that exchanged or altered files are not shown under the wrong texts.

    Args:
        max_bytes: Memory for decoded images; the least recently used ones are dropped first.
    """

    def __init__(self, max_bytes: int = 256 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._images: OrderedDict[Path, Image.Image | None] = OrderedDict()

    def load(self, path: Path) -> Image.Image | None:
        """Returns an image in RGB, its longer side at most `LARGEST_SIDE` pixels; None if it is missing or damaged."""
        if path in self._images:
            self._images.move_to_end(path)
            return self._images[path]
        image = _decode(path)
        self._images[path] = image
        self._bytes += _size(image)
        while self._bytes > self._max_bytes and len(self._images) > 1:
            self._bytes -= _size(self._images.popitem(last=False)[1])
        return image


def _decode(path: Path) -> Image.Image | None:
    try:
        if not path.is_file():  # reading a named pipe would wait for ever
            return None
        data = path.read_bytes()
        if _SHA256.fullmatch(path.stem) and images.content_hash(data) != path.stem:
            return None
        image = images.decode(data)
    except (OSError, ModelError):
        return None
    if max(image.size) > LARGEST_SIDE:
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image


def _size(image: Image.Image | None) -> int:
    return 0 if image is None else 3 * image.width * image.height


def fit_square(image: Image.Image, side: int) -> Image.Image:
    """Returns the image in a square of `side` pixels; small images are scaled by whole factors to keep sharp pixels."""
    square = Image.new("RGB", (side, side), CARD)
    longest = max(image.size)
    if longest <= _CRISP_BELOW and longest <= side:
        factor = side // longest
        fitted = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    else:
        scale = side / longest
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        fitted = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    square.paste(fitted, ((side - fitted.width) // 2, (side - fitted.height) // 2))
    return square


def missing_reason(turn: Turn) -> str:
    """Returns the text that stands in place of a missing image or description."""
    if turn.outcome == "pending":
        return "not played yet"
    if turn.outcome != "ok":
        return f"{turn.outcome}: {turn.reason}" if turn.reason else turn.outcome
    return "the image file is missing or damaged" if turn.image else "no image"


def tile(turn: Turn, side: int, cache: ImageCache) -> Image.Image:
    """Returns the image of a turn in a square of `side` pixels, or a placeholder with the reason why there is none."""
    image = cache.load(turn.image) if turn.image else None
    return fit_square(image, side) if image is not None else placeholder(missing_reason(turn), side)


def placeholder(text: str, side: int) -> Image.Image:
    """Returns a hatched square of `side` pixels with a text in its centre."""
    square = Image.new("RGB", (side, side), CARD)
    draw = ImageDraw.Draw(square)
    for start in range(-side, side, 16):
        draw.line([(start, side), (start + side, 0)], fill=LINE, width=2)
    style = TextStyle(min(20, max(11, side // 18)))
    lines = style.wrap(text, side * 0.78, max_lines=8)
    height = len(lines) * style.line_height
    pad, top = side * 0.07, (side - height) / 2
    box = (pad, top - pad / 2, side - pad, top + height + pad / 2)
    draw.rounded_rectangle(box, radius=side // 32, fill=BACKGROUND)
    draw_lines(draw, (side * 0.11, top), lines, style, AMBER)
    return square
