"""The pictures of a strip as a film, one after the other."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import to_rgb
from telephone.lineage.result import OperationResult
from telephone.report.media.output import write_film

SIDE = 384
"""Side of a frame, in pixels."""
_EACH, _LAST = 400, 1600
"""Milliseconds of a picture, and of the first and the last one."""


def write_strip_film(result: OperationResult, path: Path) -> Path:
    """Writes the longest strip of an operation as a film and returns its path.

    Args:
        result: of the operation.
        path: ends in .webp, .gif or .mp4.

    Raises:
        UsageError: no strip has two pictures, or there is no encoder for the format.
        StoreError: the file cannot be written.
    """
    longest = max(result.strips, key=lambda strip: len(strip.cells), default=None)
    if longest is None or len(longest.cells) < 2:
        raise UsageError(f"{result.operation} has no strip of several pictures: write a .png instead.")
    frames = strip_frames([cell.image for cell in longest.cells])
    times = [_LAST, *[_EACH] * (len(frames) - 2), _LAST]
    return write_film(frames, times, path)


def strip_frames(images: Sequence[Image.Image]) -> list[Image.Image]:
    """Returns frames of one size, RGB: small pictures enlarged without smoothing, others scaled, on white."""
    frames = []
    for image in images:
        rgb = to_rgb(image)
        scale = SIDE / max(rgb.size)
        size = (max(1, round(rgb.width * scale)), max(1, round(rgb.height * scale)))
        made = rgb.resize(size, Image.Resampling.NEAREST if scale > 1.5 else Image.Resampling.LANCZOS)
        frame = Image.new("RGB", (SIDE, SIDE), "white")
        frame.paste(made, ((SIDE - made.width) // 2, (SIDE - made.height) // 2))
        frames.append(frame)
    return frames
