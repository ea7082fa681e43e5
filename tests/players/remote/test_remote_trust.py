"""Bytes and words from elsewhere: only four formats are opened, nothing hidden stays, nothing endless is read."""

import base64
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from provider_shapes import bomb

from telephone.errors import PlayerError
from telephone.images import encode_png
from telephone.players.remote import trust

RED = Image.new("RGB", (20, 10), (200, 10, 10))


def saved(kind: str, **more: object) -> bytes:
    buffer = io.BytesIO()
    RED.save(buffer, format=kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_formats_are_opened_whatever_they_are_called(kind):
    data = saved(kind)
    assert trust.sniff(data) == kind
    made = trust.picture(data)
    assert (made.size, made.mode) == ((20, 10), "RGB")
    assert max(abs(a - b) for a, b in zip(made.getpixel((5, 5)), (200, 10, 10), strict=True)) < 12


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "PPM", "ICO", "EPS", "PDF"])
def test_no_other_format_is_even_tried(kind):
    with pytest.raises(PlayerError, match="not a PNG, JPEG, WebP or GIF"):
        trust.picture(saved(kind))


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "empty"), (b"<!DOCTYPE html>", "HTML"), (b'{"a": 1}', "JSON"), (b"abc", "3 bytes")]
)
def test_what_it_is_instead_is_told(data, says):
    with pytest.raises(PlayerError, match=says):
        trust.picture(data)


def test_a_bomb_is_not_opened():
    assert len(bomb()) < 1000
    with pytest.raises(PlayerError, match="too large"):
        trust.picture(bomb())
    with pytest.raises(PlayerError, match="9000 x 9000"):
        trust.picture(bomb(9000))


def test_metadata_is_gone():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "who I am")
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    made = trust.picture(saved("PNG", pnginfo=info, exif=exif))
    assert not made.info
    assert b"who I am" not in encode_png(made)
    assert b"where I live" not in encode_png(made)


@given(st.binary(max_size=60), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.integers(0, 400))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_file_is_a_picture_or_a_player_error(noise, kind, at):
    data = saved(kind)
    at %= len(data)
    damaged = data[:at] + noise + data[at + len(noise) :]
    try:
        assert trust.picture(damaged).mode == "RGB"
    except PlayerError as error:
        assert str(error).endswith(".")


def test_text_loses_what_cannot_be_seen_and_keeps_what_can():
    raw = "\ufeff A \x1b[31mred\x00 kite\u202e etik \u2066x\u2069\r\nنامه\u200cها 👩\u200d🚀\u2028end \U000e0041\u200b "
    assert trust.text(raw) == "A [31mred kite etik x\nنامه\u200cها 👩\u200d🚀\nend"
    assert len(trust.text("ab " * 100_000)) <= trust.MAX_TEXT


@pytest.mark.parametrize("nothing", ["", " \n", "\u200b\u202e", None, 4, ["a"], {"a": 1}])
def test_no_text_is_an_error(nothing):
    with pytest.raises(PlayerError):
        trust.text(nothing)


@given(st.text(max_size=300))
def test_a_cleaned_text_stays_as_it_is(raw):
    once = trust.clean(raw, 100)
    assert trust.clean(once, 100) == once
    assert len(once) <= 100
    once.encode()


@pytest.mark.parametrize("wrong", ["!!!", "YWJ", None, 5, "A" * 200])
def test_bad_base64_is_an_error(wrong):
    with pytest.raises(PlayerError):
        trust.base64_bytes(wrong, 64)


def test_data_addresses():
    data = saved("PNG")
    assert trust.embedded("data:image/png;base64," + base64.b64encode(data).decode(), 10_000) == data
    assert trust.embedded("data:,a%20b", 100) == b"a b"
    for wrong in ("data:image/png;base64", "http://x,", "data:;base64," + "A" * 1000):
        with pytest.raises(PlayerError):
            trust.embedded(wrong, 100)


def test_a_note_is_json_of_what_is_known():
    assert json.loads(trust.note(id="x", usage={"a": 1}, nothing=None, empty="")) == {"id": "x", "usage": {"a": 1}}
    assert trust.note(a=None) == ""
    assert len(trust.note(long="y" * 100_000)) <= trust.MAX_NOTE
