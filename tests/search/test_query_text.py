"""The one-line form of a query."""

import pytest

from telephone.core.errors import UsageError
from telephone.search.query_text import WordPart, parse_query_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beach", [("beach", 1)]),
        ("beach --not people", [("beach", 1), ("people", -1)]),
        ("海滩 --not 人 --not 车:0.5", [("海滩", 1), ("人", -1), ("车", -0.5)]),
        ("red apple:2 | blue boat:.5", [("red apple", 2), ("blue boat", 0.5)]),
        ("--not people", [("people", -1)]),
        ("a picture not of people", [("a picture not of people", 1)]),
        ("at 12:30", [("at 12", 30)]),
        ("   ", []),
    ],
)
def test_parts_and_weights(text, expected):
    assert parse_query_text(text) == tuple(WordPart(*each) for each in expected)


@pytest.mark.parametrize("text", ["beach |", "| beach", "beach --not ", "beach:0", "a || b"])
def test_empty_parts_are_refused(text):
    with pytest.raises(UsageError):
        parse_query_text(text)
