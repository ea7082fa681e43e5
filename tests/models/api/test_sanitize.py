"""Checks of responses: four image formats, no hidden characters, limits of size."""

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from provider_shapes import bomb

from telephone.core.errors import ModelError
from telephone.core.images import encode_png
from telephone.models.api import sanitize

RED = Image.new("RGB", (20, 10), (200, 10, 10))


def saved(kind: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    RED.save(buffer, format=kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
def test_the_five_formats_are_opened_whatever_they_are_called(kind):
    data = saved(kind)
    assert sanitize.image_format(data) == kind
    made = sanitize.decode_image(data)
    assert (made.size, made.mode) == ((20, 10), "RGB")
    assert max(abs(a - b) for a, b in zip(made.getpixel((5, 5)), (200, 10, 10), strict=True)) < 12


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO", "EPS", "PDF"])
def test_no_other_format_is_even_tried(kind):
    with pytest.raises(ModelError, match="not a PNG, JPEG, WebP, GIF or AVIF"):
        sanitize.decode_image(saved(kind))


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "empty"), (b"<!DOCTYPE html>", "HTML"), (b'{"a": 1}', "JSON"), (b"abc", "3 bytes")]
)
def test_the_type_of_another_file_is_named(data, message):
    with pytest.raises(ModelError, match=message):
        sanitize.decode_image(data)


def test_a_bomb_is_not_opened():
    assert len(bomb()) < 1000
    with pytest.raises(ModelError, match="too large"):
        sanitize.decode_image(bomb())
    with pytest.raises(ModelError, match="9000 x 9000"):
        sanitize.decode_image(bomb(9000))


def test_metadata_is_gone():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "who I am")
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    made = sanitize.decode_image(saved("PNG", pnginfo=info, exif=exif))
    assert not made.info
    assert b"who I am" not in encode_png(made)
    assert b"where I live" not in encode_png(made)


@given(st.binary(max_size=60), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "AVIF"]), st.integers(0, 400))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_file_is_an_image_or_a_model_error(noise, kind, at):
    data = saved(kind)
    at %= len(data)
    damaged = data[:at] + noise + data[at + len(noise) :]
    try:
        assert sanitize.decode_image(damaged).mode == "RGB"
    except ModelError as error:
        assert str(error).endswith(".")


def test_text_loses_what_cannot_be_seen_and_keeps_what_can():
    raw = "\ufeff A \x1b[31mred\x00 kite\u202e etik \u2066x\u2069\r\nنامه\u200cها 👩\u200d🚀\u2028end \U000e0041\u200b "
    assert sanitize.clean_text(raw) == "A [31mred kite etik x\nنامه\u200cها 👩\u200d🚀\nend"
    assert len(sanitize.clean_text("ab " * 100_000)) <= sanitize.MAX_TEXT


@pytest.mark.parametrize("nothing", ["", " \n", "\u200b\u202e", None, 4, ["a"], {"a": 1}])
def test_no_text_is_an_error(nothing):
    with pytest.raises(ModelError):
        sanitize.clean_text(nothing)


@given(st.text(max_size=300))
def test_a_cleaned_text_stays_as_it_is(raw):
    once = sanitize.clean(raw, 100)
    assert sanitize.clean(once, 100) == once
    assert len(once) <= 100
    once.encode()


@pytest.mark.parametrize("wrong", ["!!!", "YWJjY", None, 5, "A" * 200])
def test_bad_base64_is_an_error(wrong):
    with pytest.raises(ModelError):
        sanitize.base64_bytes(wrong, 64)


def test_data_addresses():
    data = saved("PNG")
    assert sanitize.data_url_bytes("data:image/png;base64," + base64.b64encode(data).decode(), 10_000) == data
    assert sanitize.data_url_bytes("data:,a%20b", 100) == b"a b"
    for wrong in ("data:image/png;base64", "http://x,", "data:;base64," + "A" * 1000):
        with pytest.raises(ModelError):
            sanitize.data_url_bytes(wrong, 100)


def test_a_note_is_json_of_what_is_known():
    assert json.loads(sanitize.metadata_json(id="x", usage={"a": 1}, nothing=None, empty="")) == {
        "id": "x",
        "usage": {"a": 1},
    }
    assert sanitize.metadata_json(a=None) == ""
    assert len(sanitize.metadata_json(long="y" * 100_000)) <= sanitize.MAX_METADATA
