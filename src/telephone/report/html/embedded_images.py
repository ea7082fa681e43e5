"""The images of a report, each embedded once, compressed as far as needed to keep the file small."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from telephone.report.media.canvas import ImageCache

BUDGET = 9_500_000
"""Bytes of all images of a page together, in base64."""
_SAMPLE = 48
_PIXELATED_UP_TO = 96


@dataclass(frozen=True)
class ImageEncoding:
    """Longest side in pixels, and WebP quality; quality 0 is lossless."""

    side: int
    quality: int


ENCODINGS = tuple(
    ImageEncoding(side, quality)
    for side, quality in ((384, 0), (384, 88), (256, 82), (192, 76), (128, 70), (96, 60), (64, 50))
)
"""From lossless to coarse; a report takes the first one with which all its images fit the budget."""


class EmbeddedImages:
    """Assigns a CSS class to each distinct image, and returns the CSS rules that hold the images.

    Args:
        paths: Image files in display order; equal paths are embedded once. Missing and damaged files get no class.
        budget: Largest number of bytes of all images together, in base64.
        cache: Loads the files.
    """

    def __init__(self, paths: Iterable[Path | None], budget: int = BUDGET, cache: ImageCache | None = None) -> None:
        self._cache = cache or ImageCache()
        distinct = list(dict.fromkeys(path for path in paths if path is not None))
        self._uris: dict[Path, str] = {}
        self._pixelated: set[Path] = set()
        for encoding in ENCODINGS[self._first_encoding(distinct, budget) :]:
            self._encode_all(distinct, encoding)
            if sum(map(len, self._uris.values())) <= budget:
                break
        self._classes = {path: f"p{position}" for position, path in enumerate(self._uris)}

    def css_class(self, path: Path | None) -> str | None:
        """Returns the class that shows this image as a background, or None if there is no image to show."""
        return self._classes.get(path) if path is not None else None

    def css(self) -> str:
        """Returns one rule for each image."""
        rules = []
        for path, name in self._classes.items():
            crisp = ";image-rendering:pixelated" if path in self._pixelated else ""
            rules.append(f".{name}{{background-image:url({self._uris[path]}){crisp}}}")
        return "\n".join(rules)

    def _encode_all(self, paths: list[Path], encoding: ImageEncoding) -> None:
        self._uris, self._pixelated = {}, set()
        for path in paths:
            image = self._cache.load(path)
            if image is None:
                continue
            if max(image.size) <= _PIXELATED_UP_TO:
                self._pixelated.add(path)
            self._uris[path] = "data:image/webp;base64," + base64.b64encode(webp(image, encoding)).decode()

    def _first_encoding(self, paths: list[Path], budget: int) -> int:
        """Estimates the encoding from a sample, because encoding all images in every way would take minutes."""
        chosen = paths[:: max(1, len(paths) // _SAMPLE)]
        sample = [image for path in chosen if (image := self._cache.load(path)) is not None]
        if not sample:
            return 0
        for position, encoding in enumerate(ENCODINGS):
            mean = sum(len(webp(image, encoding)) for image in sample) / len(sample)
            if mean * len(paths) * 4 / 3 + 30 * len(paths) <= budget * 0.97:
                return position
        return len(ENCODINGS) - 1


def webp(image: Image.Image, encoding: ImageEncoding) -> bytes:
    """Returns an image as WebP, scaled down if it is larger than the side of the encoding."""
    if max(image.size) > encoding.side:
        image = image.copy()
        image.thumbnail((encoding.side, encoding.side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    if encoding.quality:
        image.save(buffer, "WEBP", quality=encoding.quality, method=3)
    else:
        image.save(buffer, "WEBP", lossless=True, quality=40, method=3)
    return buffer.getvalue()
