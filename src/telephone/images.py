"""Between bytes and pixels: everything that decodes, strips or encodes a picture is here, and nowhere else."""

import hashlib
import io
import re
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from telephone.errors import PlayerError

MAX_PIXELS = 64_000_000
"""A picture with more pixels than this is refused before it is decoded."""


def to_rgb(image: Image.Image) -> Image.Image:
    """Returns the picture upright, in RGB and without metadata; transparency is laid on white."""
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        levels = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") and levels.max(initial=0.0) > 255 else 255.0
        image = Image.fromarray((levels * (255.0 / top)).clip(0, 255).astype(np.uint8))
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    pixels = np.asarray(image.convert("RGB"))
    return Image.fromarray(pixels)  # a fresh picture carries no metadata of the old one


def encode_png(image: Image.Image) -> bytes:
    """Returns the picture as PNG bytes: RGB, no metadata, the same bytes for the same pixels."""
    buffer = io.BytesIO()
    to_rgb(image).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def decode(data: bytes, formats: tuple[str, ...] | None = None) -> Image.Image:
    """Returns the picture that the bytes hold, upright and in RGB.

    Args:
        data: a file's content.
        formats: the formats that are tried, by Pillow's names; None is all that it knows.

    Raises:
        PlayerError: the bytes are no picture, are cut off, or would decode to more than `MAX_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=formats)
            if image.width * image.height > MAX_PIXELS:
                raise PlayerError(f"The picture is {image.width} x {image.height}; the limit is {MAX_PIXELS} pixels.")
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PlayerError(f"The picture is too large to decode: {error}") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # Pillow names the buffer by its address in memory, which would make two equal failures differ.
        why = re.sub(r"\s*<_io\.BytesIO object at 0x[0-9a-f]+>", "", str(error))
        raise PlayerError(f"These {len(data)} bytes are not a picture that can be decoded: {why}.") from error
    return to_rgb(image)


def content_hash(data: bytes) -> str:
    """Returns the sha256 of the bytes in 64 hexadecimal digits: the name under which the store keeps them."""
    return hashlib.sha256(data).hexdigest()


def to_array(image: Image.Image, size: int | None = None) -> NDArray[np.float32]:
    """Returns the picture as float32 [3, height, width] in [-1, 1], resized to `size` x `size` if given."""
    image = to_rgb(image)
    if size is not None and image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.asarray(image, dtype=np.float32).transpose(2, 0, 1)
    return pixels / np.float32(127.5) - np.float32(1)


def from_array(pixels: NDArray[np.float32]) -> Image.Image:
    """Returns float32 [3, height, width] in [-1, 1] as an RGB picture; values outside are clipped."""
    levels = np.rint((np.clip(pixels, -1, 1) + 1) * 127.5).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
