import pytest
from PIL import Image

from telephone.core.errors import UsageError
from telephone.world.contact_sheet import _pieces, _wrapped, contact_sheet, font_for


def pictures(count: int, size: tuple[int, int] = (64, 64)) -> list[tuple[Image.Image, str]]:
    return [(Image.new("RGB", size, (200, 30, 30)), f"Picture number {number}") for number in range(count)]


def test_a_sheet_grows_by_rows():
    one_row = contact_sheet(pictures(3), columns=3, tile=128)
    two_rows = contact_sheet(pictures(4), columns=3, tile=128)
    assert one_row.width == two_rows.width
    assert two_rows.height > one_row.height + 128
    assert contact_sheet(pictures(3), columns=3, tile=128, title="Three").height > one_row.height


def test_pictures_stand_on_the_sheet_with_hard_pixels():
    sheet = contact_sheet(pictures(1), tile=128)
    assert sum(count for count, colour in sheet.getcolors(1 << 20) if colour == (200, 30, 30)) == 128 * 128


def test_long_captions_are_wrapped_and_make_room():
    short = contact_sheet([(Image.new("RGB", (64, 64)), "a cat")])
    long = contact_sheet([(Image.new("RGB", (64, 64)), "a cat and a dog " * 12)])
    assert long.height > short.height + 60
    font = font_for("a", 12)
    lines = _wrapped("a cat and a dog " * 12, 160, 12)
    assert " ".join(lines) == ("a cat and a dog " * 12).strip()
    assert max(map(font.getlength, lines)) <= 160


def test_chinese_is_broken_between_characters_but_not_before_a_comma():
    text = "海滩上有三只红色的猫，还有一只大狗。"
    assert "".join(_pieces(text)) == text
    lines = _wrapped(text, 40, 12)
    assert "".join(lines) == text
    assert len(lines) > 2
    assert not any(line.startswith(("，", "。")) for line in lines)


def test_any_shape_fits_its_tile():
    sheet = contact_sheet(
        [(Image.new("RGB", (300, 40), (200, 30, 30)), ""), (Image.new("L", (10, 400)), "thin")], tile=100
    )
    assert sheet.width < 400


def test_an_empty_sheet_is_refused():
    with pytest.raises(UsageError, match="at least one image"):
        contact_sheet([])
