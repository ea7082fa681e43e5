"""All pictures of a report, each embedded once: as small as needed to keep the whole file easy to send."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.report.media.canvas import load

BUDGET = 9_500_000
"""Bytes that all pictures together may take in the page, in base64."""
_SAMPLE = 48
_PIXELATED_UP_TO = 96


@dataclass(frozen=True)
class Rung:
    """A way to embed a picture: longest side in pixels, and WebP quality; quality 0 is lossless."""

    side: int
    quality: int


LADDER = (Rung(384, 0), Rung(384, 88), Rung(256, 82), Rung(192, 76), Rung(128, 70), Rung(96, 60), Rung(64, 50))
"""From exact to coarse; a report takes the first rung on which all its pictures fit the budget."""


class Album:
    """Hands out a CSS class for each distinct picture, and the rules that hold the pictures.

    Args:
        paths: Files of pictures in the order in which they are shown; equal paths count once (the store names files by
            their content). Files that are gone or damaged get no class.
        budget: Highest number of bytes of all pictures together, in base64.
    """

    def __init__(self, paths: Iterable[Path | None], budget: int = BUDGET) -> None:
        distinct = list(dict.fromkeys(path for path in paths if path is not None))
        self._uris: dict[Path, str] = {}
        self._pixelated: set[Path] = set()
        for rung in LADDER[_first_rung(distinct, budget) :]:
            self._fill(distinct, rung)
            if sum(map(len, self._uris.values())) <= budget:
                break
        self._classes = {path: f"p{place}" for place, path in enumerate(self._uris)}

    def css_class(self, path: Path | None) -> str | None:
        """Returns the class that shows this picture as a background, or None if there is no picture to show."""
        return self._classes.get(path) if path is not None else None

    def css(self) -> str:
        """Returns one rule for each picture."""
        rules = []
        for path, name in self._classes.items():
            crisp = ";image-rendering:pixelated" if path in self._pixelated else ""
            rules.append(f".{name}{{background-image:url({self._uris[path]}){crisp}}}")
        return "\n".join(rules)

    def _fill(self, paths: list[Path], rung: Rung) -> None:
        self._uris, self._pixelated = {}, set()
        for path in paths:
            image = load(path)
            if image is None:
                continue
            if max(image.size) <= _PIXELATED_UP_TO:
                self._pixelated.add(path)
            self._uris[path] = "data:image/webp;base64," + base64.b64encode(encoded(image, rung)).decode()


def encoded(image: Image.Image, rung: Rung) -> bytes:
    """Returns a picture as WebP bytes, brought down to the rung's size; small pictures keep their size."""
    if max(image.size) > rung.side:
        image = image.copy()
        image.thumbnail((rung.side, rung.side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    if rung.quality:
        image.save(buffer, "WEBP", quality=rung.quality, method=3)
    else:
        image.save(buffer, "WEBP", lossless=True, quality=40, method=3)
    return buffer.getvalue()


def _first_rung(paths: list[Path], budget: int) -> int:
    """Guesses the rung from some pictures, because encoding all of them on every rung would take minutes."""
    sample = [image for path in paths[:: max(1, len(paths) // _SAMPLE)] if (image := load(path)) is not None]
    if not sample:
        return 0
    for place, rung in enumerate(LADDER):
        mean = sum(len(encoded(image, rung)) for image in sample) / len(sample)
        if mean * len(paths) * 4 / 3 + 30 * len(paths) <= budget * 0.97:
            return place
    return len(LADDER) - 1
