"""Encodes bytes as an image and decodes them: how fake models pass a text through an image without any weights."""

import zlib

import numpy as np
from PIL import Image

_MAGIC = b"TG"
_HEADER = len(_MAGIC) + 4 + 4  # magic, length, checksum
_CELLS = (8, 4, 2, 1)
_INKS = ((24, 50, 94), (122, 30, 44), (20, 84, 66), (84, 40, 110), (120, 64, 8), (38, 44, 52))
_PAPER = (250, 247, 240)


def draw(data: bytes, size: int = 64) -> Image.Image:
    """Returns the bytes as dark cells on a light background, in the largest cells that fit.

    Args:
        data: any bytes.
        size: side of the square image in pixels, a multiple of 8; doubled until the data fit.
    """
    payload = _MAGIC + len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data
    bits = np.unpackbits(np.frombuffer(payload, dtype=np.uint8))
    while (size * size) < bits.size:
        size *= 2
    cell = next(cell for cell in _CELLS if (size // cell) ** 2 >= bits.size)
    grid = np.zeros((size // cell) ** 2, dtype=np.uint8)
    grid[: bits.size] = bits
    dark = np.kron(grid.reshape(size // cell, size // cell), np.ones((cell, cell), dtype=np.uint8))
    palette = np.array([_PAPER, _INKS[zlib.crc32(data) % len(_INKS)]], dtype=np.uint8)
    return Image.fromarray(palette[dark])


def read(image: Image.Image) -> bytes | None:
    """Returns the bytes that `draw` encoded in the image, or None if it is any other image."""
    luminance = np.asarray(image.convert("L"))
    for cell in _CELLS:
        bits = luminance[cell // 2 :: cell, cell // 2 :: cell] < 128
        found = _unpack(np.packbits(bits.ravel()).tobytes())
        if found is not None:
            return found
    return None


def _unpack(payload: bytes) -> bytes | None:
    if payload[:2] != _MAGIC:
        return None
    length = int.from_bytes(payload[2:6], "big")
    data = payload[_HEADER : _HEADER + length]
    intact = len(data) == length and zlib.crc32(data) == int.from_bytes(payload[6:10], "big")
    return data if intact else None
