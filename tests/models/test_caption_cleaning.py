"""Stock openings: gone once at the start, and not a letter more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone import world
from telephone.models.caption_cleaning import clean_caption, strip_opening

OPENINGS = [
    "The image shows ",
    "This image depicts ",
    "In the image, there is ",
    "In this picture we can see ",
    "an image of ",
    "This is a picture of ",
    "Sure! Here is a detailed description of the image: ",
    "这张图片展示了",
]


@pytest.mark.parametrize("opening", OPENINGS)
def test_an_opening_is_taken_off_once(opening):
    assert strip_opening(opening + "a Red boat, and the image shows a cat.") == "a Red boat, and the image shows a cat."
    assert strip_opening(opening.upper() + "A dog") == "A dog"


@pytest.mark.parametrize(
    "text",
    [
        "a painting of a boat",
        "a photo of a boat",
        "The imageshows a boat",
        "The image showsomething",
        "A boat in the image shows its sail.",
        "The image",
        "The image shows",
        "The image shows  ",
        "an image of",
        "",
        "图书馆里有一只猫",
        "Sure, a boat",
    ],
)
def test_what_is_no_opening_stays(text):
    assert strip_opening(text) == text


@given(st.sampled_from(["", *OPENINGS]), st.text())
def test_only_the_start_is_ever_lost(opening, rest):
    text = opening + rest
    made = strip_opening(text)
    assert text.endswith(made)
    assert bool(made.strip()) == bool(text.strip())
    if opening and any(sign.isalnum() for sign in rest):
        assert len(made) <= len(rest)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_the_world_says_itself_stays_in_pocket_answers(lang):
    for seed, level in enumerate(["easy", "medium", "hard", "impossible"] * 10):
        text = world.caption(world.sample(level, seed), lang, "detailed")
        assert clean_caption(f" {text}\n") == text


def test_a_pocket_answer_loses_a_stock_opening_and_no_fact():
    text = world.caption(world.sample("medium", 1), "en", "plain")
    assert clean_caption(f"The image shows {text}") == text
    assert clean_caption("In the picture, there is a Red boat.") == "a Red boat."
    assert clean_caption("A beach. The image shows a boat.") == "A beach. The image shows a boat."
    assert clean_caption("   ") == ""
