from hypothesis import given
from hypothesis import strategies as st

from telephone.nets.tokenizer import BOS, EOS, PAD, UNKNOWN, WordTokenizer

TOKENIZER = WordTokenizer.learn(["A red apple, on the left.", "It is raining."])


def test_a_known_text_comes_back():
    text = "A red apple, on the left. It is raining."
    (row,) = TOKENIZER.batch([text], limit=50).tolist()
    assert row[0] == BOS
    assert row[-1] == EOS
    assert TOKENIZER.decode(row) == text


def test_unknown_words_and_padding():
    rows = TOKENIZER.batch(["red dragon", "red"], limit=50).tolist()
    assert rows[0][2] == UNKNOWN
    assert rows[1] == [BOS, TOKENIZER.encode("red")[0], EOS, PAD]


def test_what_is_cut_is_counted():
    assert TOKENIZER.batch(["red " * 10], limit=6).shape == (1, 6)
    assert TOKENIZER.cut("red " * 10, limit=6) == 6
    assert TOKENIZER.cut("red", limit=6) == 0


@given(st.text(), st.integers(2, 20))
def test_any_text_fits(text, limit):
    tokens = TOKENIZER.batch([text], limit)
    assert 2 <= tokens.shape[1] <= limit
    assert TOKENIZER.cut(text, limit) == max(0, len(TOKENIZER.encode(text)) + 2 - limit)
    TOKENIZER.decode(tokens[0].tolist())
