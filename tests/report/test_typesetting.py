import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from telephone.report.media import fonts, typesetting
from telephone.report.media.fonts import Face, face_of, readable, usual_face
from telephone.report.media.typesetting import TextStyle, draw_lines, one_line

STYLE = TextStyle(15)


def test_lines_fit_the_width_and_lose_no_word():
    text = "A grand medieval banquet hall filled with elegantly dressed lords and ladies, feasting."
    lines = STYLE.wrap(text, 160)
    assert len(lines) > 3
    assert all(STYLE.width(line) <= 160 for line in lines)
    assert " ".join(lines) == text


def test_long_words_and_chinese_are_broken_to_fit():
    # As after a fallback: without a Chinese font the characters themselves would be replaced by words.
    chinese = readable("一只红色的小苹果在沙滩上旁边有一棵绿色的大树" * 3).replace(" ", "")
    for text in ("x" * 200, chinese, "https://" + "abc/" * 40):
        lines = STYLE.wrap(text, 120)
        assert all(STYLE.width(line) <= 120 for line in lines)
        assert "".join(lines) == text


def test_more_lines_than_wanted_end_in_an_ellipsis():
    lines = STYLE.wrap("word " * 100, 120, max_lines=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…") and STYLE.width(lines[-1]) <= 120


def test_fit_cuts_only_what_is_too_wide():
    assert STYLE.fit("short", 200) == "short"
    cut = STYLE.fit("a rather long sentence that goes on", 100)
    assert cut.endswith("…") and STYLE.width(cut) <= 100


def test_clean_keeps_one_line_without_control_characters():
    assert one_line("a\n\tb\x00\x1b[31m  c\u202e") == "a b[31m c"


def test_bold_and_size_change_the_pixels():
    def ink(style: TextStyle) -> int:
        image = Image.new("L", (300, 60), 255)
        end = draw_lines(ImageDraw.Draw(image), (2, 2), ["telephone"], style, "black")
        assert end == 2 + style.line_height
        return sum(255 - level for level in image.tobytes())

    assert ink(TextStyle(15)) < ink(TextStyle(15, bold=True)) < ink(TextStyle(30, bold=True))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_wrapped(text):
    lines = STYLE.wrap(text, 90)
    assert all(STYLE.width(line) <= 90 or len(line) == 1 for line in lines)
    kept = readable(one_line(text))
    assert "".join(lines).replace(" ", "") == "".join(kept.split())


@pytest.mark.parametrize("text", ["A red boat", "Ein Boot, größer als Ω", "лодка", "a…b — “c”"])
def test_what_every_machine_can_draw_stays(text):
    assert readable(text) == text


def test_what_no_font_has_is_named(monkeypatch):
    """With DejaVu Sans alone, as on a server; no box is drawn for any of them."""
    monkeypatch.setattr(fonts, "_system_faces", lambda bold: ())
    fonts.face_of.cache_clear()
    try:
        assert readable("A 🚗 and 🦊🦊") == "A [automobile] and [fox face][fox face]"
        assert readable("แมวดำ") == "[Thai: 5 characters]"
        assert readable("लाल नाव") == "[Hindi: 3 characters] [Hindi: 3 characters]"
        assert readable("狗, 一只") == "[Chinese: 1 character], [Chinese: 2 characters]"
    finally:
        fonts.face_of.cache_clear()


def test_a_font_of_the_system_is_taken_where_it_has_the_character(monkeypatch, tmp_path):
    """A font under another name stands for one of the system."""
    usual = usual_face(True).path
    other = tmp_path / "NotoSansTest.ttf"
    other.write_bytes(usual.read_bytes())
    monkeypatch.setattr(fonts, "_system_faces", lambda bold: (Face(other),))
    real = fonts._characters
    monkeypatch.setattr(fonts, "_characters", lambda face: {0x1F697} if face.path == other else real(face))
    fonts.face_of.cache_clear()
    try:
        assert face_of("🚗") == Face(other)
        assert readable("A 🚗") == "A 🚗"
        drawn = [face for _, face in typesetting._runs("A 🚗!", False)]
        assert drawn == [usual_face(False), Face(other), usual_face(False)]
    finally:
        fonts.face_of.cache_clear()
