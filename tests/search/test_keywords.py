"""Keyword search in both languages, over captions, tags and file names."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephone.search.keywords import keyword_search, split_words
from telephone.search.library import NewPicture, create_library


def picture(name: str, caption: str = "", tags: tuple[str, ...] = ()) -> NewPicture:
    properties = {"caption": caption, "tags": list(tags)}
    return NewPicture(Path("/pictures"), name.encode(), 1, 2, "", None, properties, {1: np.ones(1, dtype=np.float32)})


@pytest.fixture
def library(tmp_path):
    with create_library(tmp_path / "library") as made:
        made.add_encoder("own/encoder", "1", 1)
        made.add(
            [
                picture("IMG_0001.png", "一个红色的苹果在沙滩上", ("水果",)),
                picture("redBoat2.png", "A red boat on a café terrace"),
                picture("green-apple.jpg", "", ("fruit",)),
                picture("空.png", "桃"),
            ]
        )
        yield made


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("苹果", [1]), ("红苹果", [1]), ("水果", [1]), ("果", [1]), ("桃", [4]), ("RED", [2]), ("boat", [2]),
        ("cafe", [2]), ("apple", [3]), ("img", [1]), ("fruit 桃子", [3]), ("dragon", []), ("!?", []), ("", []),
        ('" OR *', []), ("空", [4]),
    ],
)  # fmt: skip
def test_pictures_are_found_by_their_words(library, text, expected):
    assert [key for key, _ in keyword_search(library.catalog, text)] == expected


def test_more_words_in_common_rank_higher_and_removed_pictures_are_gone(library):
    library.add([picture("both.png", "a red apple"), picture("one.png", "a red house and many other things")])
    found = keyword_search(library.catalog, "red apple")
    order = [key for key, _ in found]
    assert order.index(5) < order.index(6)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    library.seal()
    library.remove([5])
    assert 5 not in dict(keyword_search(library.catalog, "red apple"))
    library.add([picture("one.png", "now something else")])
    assert 6 not in dict(keyword_search(library.catalog, "house"))


@given(st.text())
def test_any_text_is_a_query(text):
    assert all(word and not word.isspace() for word in split_words(text))
