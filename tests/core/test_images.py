"""Every form of picture comes out as RGB; what is no picture, or too large, is told before it is decoded."""

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from telephone.core import images
from telephone.core.errors import ModelError

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


ROWS = np.add.outer(np.arange(48) * 4, np.arange(64)).astype(np.uint8)
SCENE = Image.fromarray(np.stack([ROWS, ROWS[::-1], 255 - ROWS], axis=-1))
GREY = np.asarray(SCENE.convert("L"))


def saved(picture, kind, **how):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()


def lab():
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.applyTransform(SCENE, ImageCms.buildTransform(*profiles, "RGB", "LAB"))


FILES = {
    "PNG": (SCENE, "PNG", "rgb"),
    "PNG with a palette": (SCENE.quantize(64), "PNG", "about rgb"),
    "PNG with alpha": (SCENE.convert("RGBA"), "PNG", "rgb"),
    "PNG grey with alpha": (SCENE.convert("LA"), "PNG", "grey"),
    "PNG of 16 bits": (Image.fromarray(GREY.astype(np.uint16) * 257), "PNG", "grey"),
    "PNG of 1 bit": (SCENE.convert("1"), "PNG", "any"),
    "JPEG in CMYK": (SCENE.convert("CMYK"), "JPEG", "about rgb"),
    "JPEG in grey": (SCENE.convert("L"), "JPEG", "about grey"),
    "GIF": (SCENE.quantize(64), "GIF", "about rgb"),
    "WEBP": (SCENE, "WEBP", "about rgb"),
    "BMP": (SCENE, "BMP", "rgb"),
    "TIFF in CMYK": (SCENE.convert("CMYK"), "TIFF", "rgb"),
    "TIFF in LAB": (lab(), "TIFF", "about rgb"),
    "TIFF of 32 bits": (Image.fromarray(GREY.astype(np.int32) * 257), "TIFF", "grey"),
    "TIFF with a point, to 1": (Image.fromarray(GREY.astype(np.float32) / 255), "TIFF", "grey"),
    "TIFF with a point, to 255": (Image.fromarray(GREY.astype(np.float32)), "TIFF", "grey"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_sort_shows_what_it_shows(name):
    picture, kind, what = FILES[name]
    made = images.decode(saved(picture, kind))
    assert (made.mode, made.size) == ("RGB", SCENE.size)
    truth = np.asarray(SCENE if "rgb" in what else SCENE.convert("L").convert("RGB")).astype(int)
    off = np.abs(np.asarray(made).astype(int) - truth).mean()
    assert off <= (1 if "about" not in what else 12) or what == "any"


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_every_orientation_tag_is_obeyed(turned, kind):
    exif = Image.Exif()
    exif[0x0112] = turned
    lain = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[turned]  # how a camera that lay so keeps the scene
    kept = SCENE if lain is None else SCENE.transpose(Image.Transpose(lain))
    assert np.array_equal(np.asarray(images.decode(saved(kept, kind, exif=exif))), np.asarray(SCENE))


def test_a_broken_orientation_tag_costs_nothing():
    png = saved(SCENE, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense")
    assert np.array_equal(np.asarray(images.decode(png)), np.asarray(SCENE))


@pytest.mark.parametrize("mode", ["La", "RGBa", "RGBX", "PA", "LAB", "I;16B", "I;16L"])
def test_rare_modes_become_rgb(mode):
    assert images.to_rgb(Image.new(mode, (3, 2))).mode == "RGB"


def test_numbers_that_are_none_are_black():
    levels = np.array([[np.nan, np.inf], [0.5, 1.0]], dtype=np.float32)
    made = images.to_rgb(Image.fromarray(levels))
    assert [made.getpixel(at)[0] for at in ((0, 0), (1, 0), (0, 1), (1, 1))] == [0, 0, 127, 255]


@pytest.mark.parametrize("kind", ["tEXt", "zTXt", "iTXt", "iCCP"])
def test_large_metadata_of_a_png_is_dropped(kind):
    info = PngImagePlugin.PngInfo()
    large = "workflow " * 600_000
    if kind == "iCCP":
        info.add(b"iCCP", b"p\0\0" + zlib.compress(b"x" * 5_000_000))
    elif kind == "iTXt":
        info.add_itxt("prompt", large, zip=True)
    else:
        info.add_text("prompt", large, zip=kind == "zTXt")
    data = saved(SCENE, "PNG", pnginfo=info)
    made = images.decode(data)
    assert np.array_equal(np.asarray(made), np.asarray(SCENE))
    assert not made.info


def test_dropping_metadata_keeps_every_other_byte():
    for data in (saved(SCENE, "PNG"), saved(SCENE, "PNG")[:50], b"", saved(SCENE, "JPEG"), images._PNG + b"\xff" * 20):
        assert images.without_metadata(data) == data


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_array_that_holds_no_numbers_is_no_picture(value):
    with pytest.raises(ModelError, match="not a number"):
        images.from_array(np.full((3, 2, 2), value, dtype=np.float32))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (7, 3), (1999, 1777)])
def test_a_picture_of_any_size_is_brought_to_one(size):
    made = images.to_array(Image.new("RGB", size, (255, 0, 0)), 64)
    assert made.shape == (3, 64, 64)
    assert np.allclose(made[0], 1) and np.allclose(made[1:], -1)


def test_a_moving_picture_shows_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert images.decode(moving).getpixel((0, 0)) == (255, 0, 0)


def test_a_program_is_no_picture():
    with pytest.raises(ModelError, match="cannot identify"):
        images.decode(saved(SCENE, "EPS"))


def test_a_lazily_opened_picture_is_checked_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    opened = Image.open(io.BytesIO(saved(SCENE, "PNG")))
    monkeypatch.setattr(opened, "load", lambda: pytest.fail("it was decoded"))
    with pytest.raises(ModelError, match=r"64 x 48; give one .* at most 1,000"):
        images.to_rgb(opened)


def test_a_lazily_opened_picture_that_is_broken_or_empty_is_told():
    whole = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)), "PNG")
    with pytest.raises(ModelError, match="save it again as PNG or JPEG"):
        images.to_rgb(Image.open(io.BytesIO(whole[: len(whole) // 2])))
    with pytest.raises(ModelError, match="give one that has pixels"):
        images.to_rgb(Image.new("RGB", (0, 3)))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TGA", "PPM"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
    st.none() | st.integers(0, 400),
)
def test_no_damaged_file_raises_anything_else(kind, changes, end):
    small = bytearray(saved(SCENE.resize((9, 7)).convert("P" if kind == "GIF" else "RGB"), kind))
    for at, value in changes:
        small[at % len(small)] = value
    try:
        assert images.decode(bytes(small[:end])).mode == "RGB"
    except ModelError as error:
        assert "0x" not in str(error)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    try:
        images.decode(data)
    except ModelError as error:
        assert "0x" not in str(error)


def test_a_picture_that_would_be_huge_is_refused_unread():
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )
    with pytest.raises(ModelError, match="too large|limit"):
        images.decode(bomb)


def test_a_cut_off_picture_is_told():
    whole = images.encode_png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)))
    with pytest.raises(ModelError, match="not a picture that can be decoded"):
        images.decode(whole[: len(whole) // 2])


def test_threads_that_decode_leave_the_filters_of_warnings_alone():
    data, before = images.encode_png(Image.new("RGB", (200, 200))), list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(images.decode, [data] * 200))
    assert warnings.filters == before
