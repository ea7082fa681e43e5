import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from telephone.report.media.typesetting import Hand, clean, write_lines

HAND = Hand(15)


def test_lines_fit_the_width_and_lose_no_word():
    text = "A grand medieval banquet hall filled with elegantly dressed lords and ladies, feasting."
    lines = HAND.wrap(text, 160)
    assert len(lines) > 3
    assert all(HAND.width(line) <= 160 for line in lines)
    assert " ".join(lines) == text


def test_long_words_and_chinese_are_broken_to_fit():
    for text in ("x" * 200, "一只红色的小苹果在沙滩上旁边有一棵绿色的大树" * 3, "https://" + "abc/" * 40):
        lines = HAND.wrap(text, 120)
        assert all(HAND.width(line) <= 120 for line in lines)
        assert "".join(lines) == text


def test_more_lines_than_wanted_end_in_an_ellipsis():
    lines = HAND.wrap("word " * 100, 120, most=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…") and HAND.width(lines[-1]) <= 120


def test_fit_cuts_only_what_is_too_wide():
    assert HAND.fit("short", 200) == "short"
    cut = HAND.fit("a rather long sentence that goes on", 100)
    assert cut.endswith("…") and HAND.width(cut) <= 100


def test_clean_keeps_one_line_without_control_characters():
    assert clean("a\n\tb\x00\x1b[31m  c\u202e") == "a b[31m c"


def test_bold_and_size_change_the_pixels():
    def ink(hand: Hand) -> int:
        image = Image.new("L", (300, 60), 255)
        end = write_lines(ImageDraw.Draw(image), (2, 2), ["telephone"], hand, "black")
        assert end == 2 + hand.leading
        return sum(255 - level for level in image.tobytes())

    assert ink(Hand(15)) < ink(Hand(15, bold=True)) < ink(Hand(30, bold=True))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_wrapped(text):
    lines = HAND.wrap(text, 90)
    assert all(HAND.width(line) <= 90 or len(line) == 1 for line in lines)
    kept = "".join(letter for letter in text if not letter.isspace() and unicodedata.category(letter)[0] != "C")
    assert "".join(lines).replace(" ", "") == kept
