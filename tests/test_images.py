"""Every form of picture comes out as RGB; what is no picture, or too large, is told before it is decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from telephone import images
from telephone.errors import PlayerError

RED = Image.new("RGB", (4, 6), (255, 0, 0))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1", "CMYK", "I;16", "I", "F", "YCbCr", "HSV"])
def test_any_mode_becomes_rgb(mode):
    grey = Image.fromarray(np.full((6, 4), 40000, dtype=np.uint16)) if mode == "I;16" else RED.convert("L")
    made = images.to_rgb(
        grey if mode == "I;16" else RED.convert(mode) if mode not in ("I", "F") else grey.convert(mode)
    )
    assert (made.mode, made.size) == ("RGB", (4, 6))
    if mode == "I;16":
        assert abs(made.getpixel((0, 0))[0] - 40000 / 257) <= 1
    elif mode in ("RGB", "RGBA", "CMYK"):
        assert made.getpixel((0, 0)) == (255, 0, 0)


def test_transparency_is_laid_on_white():
    assert images.to_rgb(Image.new("RGBA", (1, 1), (0, 0, 0, 0))).getpixel((0, 0)) == (255, 255, 255)


def test_the_picture_is_turned_upright_and_forgets_its_metadata():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010E] = "a secret"
    buffer = io.BytesIO()
    RED.save(buffer, "JPEG", exif=exif)
    made = images.decode(buffer.getvalue())
    assert made.size == (6, 4)
    assert b"secret" not in images.encode_png(made)
    assert not made.getexif()


def test_png_bytes_are_a_function_of_the_pixels():
    twin = images.decode(images.encode_png(RED))
    assert images.encode_png(twin) == images.encode_png(RED)
    assert len(images.content_hash(images.encode_png(RED))) == 64


def test_arrays_and_pictures_undo_each_other():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    assert np.array_equal(np.asarray(images.from_array(images.to_array(picture))), pixels)
    assert images.to_array(picture, 8).shape == (3, 8, 8)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    try:
        images.decode(data)
    except PlayerError as error:
        assert "0x" not in str(error)


def test_a_picture_that_would_be_huge_is_refused_unread():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
    with pytest.raises(PlayerError, match="too large|limit"):
        images.decode(bomb)


def test_a_cut_off_picture_is_told():
    whole = images.encode_png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)))
    with pytest.raises(PlayerError, match="not a picture that can be decoded"):
        images.decode(whole[: len(whole) // 2])
