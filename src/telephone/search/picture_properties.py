"""What a library measures of each picture besides its content: size, colours, edges, free space, a perceptual hash."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from telephone.core.errors import ModelError
from telephone.core.images import decode
from telephone.search.colours import family_shares, palette_of
from telephone.search.schema import CELLS

MEASURED = 96
"""Longer side of the copy in which colours and edges are measured, in pixels."""
EDGE = 24.0
"""Difference of neighbouring grey levels (0 to 255) from which a pixel counts as an edge."""
THUMBNAIL = 256
"""Longer side of thumbnails, in pixels."""


@dataclass(frozen=True)
class MeasuredPicture:
    """A decoded picture and what was measured of it."""

    image: Image.Image
    """RGB, upright."""
    properties: dict[str, Any]
    """Values of `schema.SCHEMA` without id, caption and tags."""


def measure(data: bytes) -> MeasuredPicture:
    """Decodes a file and measures it.

    Raises:
        ModelError: it is no picture, is damaged, or has too many pixels; the message is one sentence.
    """
    image = decode(data)
    small = _small(image)
    pixels = np.asarray(small)
    grey = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    edges = _edges(grey)
    palette = palette_of(pixels.reshape(-1, 3))
    header = _header(data)
    found = {
        "width": image.width,
        "height": image.height,
        "bytes": len(data),
        "format": header.get("format", ""),
        "mode": header.get("mode", ""),
        "taken": header.get("taken"),
        "camera": header.get("camera"),
        "complexity": round(float(edges.mean()), 4),
        "free_space": [round(float(each), 3) for each in free_space(edges)],
        "families": [round(float(each), 4) for each in family_shares(pixels.reshape(-1, 3))],
        "palette": list(palette.colours),
        "palette_shares": list(palette.shares),
        "fingerprint": difference_hash(image),
    }
    return MeasuredPicture(image, found)


def thumbnail(image: Image.Image, side: int = THUMBNAIL) -> Image.Image:
    """Returns a smaller copy whose longer side is `side` pixels at most."""
    copy = image.copy()
    copy.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return copy


def difference_hash(image: Image.Image) -> int:
    """Returns a perceptual hash of 64 bits: each bit says whether a pixel of a 9 x 8 copy is darker than the next."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).reshape(-1)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def free_space(edges: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Returns the share without edges of each cell of a 3 x 3 grid, row by row, float32 [9]."""
    rows = np.array_split(edges, 3, axis=0)
    cells = [cell for row in rows for cell in np.array_split(row, 3, axis=1)]
    assert len(cells) == CELLS
    return np.array([1 - cell.mean() if cell.size else 1.0 for cell in cells], dtype=np.float32)


def _small(image: Image.Image) -> Image.Image:
    scale = MEASURED / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


def _edges(grey: NDArray[np.float32]) -> NDArray[np.bool_]:
    across = np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))
    down = np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.asarray(np.maximum(across, down) >= EDGE)


def _header(data: bytes) -> Mapping[str, Any]:
    """Returns format, mode, time and camera as far as the file states them; a header that is damaged states nothing."""
    try:
        with Image.open(io.BytesIO(data)) as file:
            found: dict[str, Any] = {"format": file.format or "", "mode": file.mode}
            exif = file.getexif()
            found["camera"] = _text(exif.get(ExifTags.Base.Model))
            detail = exif.get_ifd(ExifTags.IFD.Exif)
            taken = detail.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
            found["taken"] = _seconds(_text(taken))
            return found
    except Exception:  # noqa: BLE001 - damaged metadata lead Pillow into errors of any type; the pixels were decoded
        return {}


def _text(value: object) -> str | None:
    """Returns a text of the file without control characters and of a sensible length; files are not trusted."""
    if not isinstance(value, str):
        return None
    plain = "".join(each for each in value if each.isprintable()).strip()
    return plain[:100] or None


def _seconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None


def reason_of(error: Exception) -> str:
    """Returns why a file cannot be used, in one sentence."""
    if isinstance(error, ModelError):
        return " ".join(str(error).split())[:300]
    if isinstance(error, OSError):
        return f"The file cannot be read ({error.strerror or error})."
    return f"The file cannot be used ({type(error).__name__}): save it again as PNG or JPEG."
