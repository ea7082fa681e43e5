"""Byte pairs: every text survives, merges are those of a plain search, dropout keeps the text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.nets.byte_pairs import BYTES, BytePairTokenizer

TEXTS = ["A red apple on a beach.", "A red boat and a red apple, at night.", "Three blue cats on a beach."] * 2
LEARNED = BytePairTokenizer.learn(TEXTS, 40)
ANY = st.text(st.characters(exclude_categories=("Cs",)))


@given(ANY)
def test_every_text_survives_in_lower_case(text):
    tokens = LEARNED.encode(text)
    assert LEARNED.decode(tokens) == text.lower()
    assert all(0 <= token < len(LEARNED) for token in tokens)
    assert len(tokens) <= len(text.lower().encode())


@given(ANY, st.floats(0, 1), st.integers(0, 2**32))
def test_dropout_changes_the_tokens_and_not_the_text(text, dropout, seed):
    tokens = LEARNED.encode(text, dropout, np.random.default_rng(seed))
    assert LEARNED.decode(tokens) == text.lower()
    assert len(tokens) >= len(LEARNED.encode(text))


def test_complete_dropout_leaves_bytes_and_none_the_merges():
    rng = np.random.default_rng(0)
    assert LEARNED.encode("a red boat", 1.0, rng) == list(b"a red boat")
    assert LEARNED.encode("a red boat", 0.0, rng) == LEARNED.encode("a red boat")
    spellings = {tuple(LEARNED.encode("apple", 0.1, rng)) for _ in range(300)}
    assert tuple(LEARNED.encode("apple")) in spellings
    assert len(spellings) > 2


def test_merges_are_the_most_frequent_pairs_and_of_equal_ones_the_first():
    found = BytePairTokenizer.learn(["aaab aab"], 3)
    # "a" + "a" is there three times. Then all are there once; " " + "aa" and "a" + "b" have the lowest numbers.
    assert found.merges == ((ord("a"), ord("a")), (ord(" "), BYTES), (ord("a"), ord("b")))
    assert [found.decode([BYTES + index]) for index in range(3)] == ["aa", " aa", "ab"]
    assert found.encode("aaab aab") == [BYTES, BYTES + 2, BYTES + 1, ord("b")]


def test_frequent_words_become_one_token_and_learning_ends_by_itself():
    assert BytePairTokenizer.learn(["on on on"], 100).merges == ((ord("o"), ord("n")), (ord(" "), BYTES))
    words = BytePairTokenizer.learn(TEXTS, 1000)
    assert len(words.encode(TEXTS[0])) == 7  # six words and a full stop
    assert len(BytePairTokenizer.learn([], 10)) == BYTES


def test_learning_does_not_depend_on_the_order_of_texts():
    assert BytePairTokenizer.learn(TEXTS[::-1], 40).merges == LEARNED.merges


def test_the_merges_make_the_tokenizer_again():
    again = BytePairTokenizer([list(pair) for pair in LEARNED.merges])
    assert again.encode(TEXTS[1]) == LEARNED.encode(TEXTS[1])


def test_a_cut_counts_words():
    words = BytePairTokenizer.learn(TEXTS, 1000)
    assert words.cut("A red apple", 3) == 0
    assert words.cut("A red apple", 2) == 1
    assert words.cut("", 0) == 0


@pytest.mark.parametrize("merges", [[(0, 256)], [(-1, 0)], [(97, 98), (97, 98)]])
def test_merges_that_cannot_be(merges):
    with pytest.raises(ValueError, match="earlier tokens"):
        BytePairTokenizer(merges)


def test_dropout_needs_random_numbers():
    with pytest.raises(ValueError, match="rng"):
        LEARNED.encode("a", 0.1)
