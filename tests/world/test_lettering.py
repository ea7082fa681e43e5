"""Printed words: every letter differs, labels stay inside of the picture and touch nothing else."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.world.lettering import Label, label_size, letter_mask, print_label
from telephone.world.scene import KINDS

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_no_two_letters_are_alike():
    masks = {letter: letter_mask(letter) for letter in ALPHABET}
    for one, other in itertools.combinations(ALPHABET, 2):
        assert (masks[one] != masks[other]).sum() >= 2


def test_a_letter_is_drawn_as_expected():
    shown = ["".join("#" if bit else "." for bit in row) for row in letter_mask("t")]
    assert shown == [
        ".......", ".#####.", "...#...", "...#...", "...#...", "...#...", "...#...", "...#...", ".......",
    ]  # fmt: skip


def test_every_kind_fits_into_a_picture():
    for kind in KINDS:
        assert letter_mask(kind).shape[::-1] == label_size(kind)
        assert label_size(kind)[0] <= 64


@given(
    word=st.text("abc xyzKQ", min_size=1, max_size=14).filter(str.strip),
    left=st.integers(-20, 90),
    top=st.integers(-20, 90),
    size=st.tuples(st.integers(1, 80), st.integers(1, 80)),
)
def test_a_label_lies_inside_of_the_picture_and_changes_nothing_else(word, left, top, size):
    pixels = np.full((*size, 3), 90, np.uint8)
    made = print_label(pixels, Label(word, left, top, ink=(1, 2, 3), paper=(200, 201, 202)))
    width, height = label_size(word)
    changed = (made != pixels).any(axis=2)
    assert changed.sum() == min(height, size[0]) * min(width, size[1])
    assert (pixels == 90).all()
    colours = {tuple(colour) for colour in made[changed]}
    assert colours <= {(1, 2, 3), (200, 201, 202)}


@pytest.mark.parametrize("word", ["", "  ", "苹果", "a1", "a-b"])
def test_what_cannot_be_printed_is_an_error(word):
    with pytest.raises(ValueError, match="Latin letters"):
        letter_mask(word)
