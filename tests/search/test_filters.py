"""Filters on a small library: every field, both kinds of segments, and what cannot be a filter."""

from pathlib import Path

import numpy as np
import pytest

from telephone.core.errors import UsageError
from telephone.search.columns import Columns
from telephone.search.filters import FIELDS, parse_filter, passing
from telephone.search.library import NewPicture, create_library

ONE_FREE = [1.0] + [0.0] * 8


def picture(name: str, **properties) -> NewPicture:
    known = {
        "width": 100,
        "height": 100,
        "bytes": 5000,
        "format": "PNG",
        "tags": [],
        "free_space": ONE_FREE,
    } | properties
    vectors = {1: np.array([1, 0], dtype=np.float32)}
    return NewPicture(Path("/pictures"), name.encode(), 1, 2, "00", None, known, vectors)


PICTURES = [
    picture("sea/wide.png", width=1920, height=1080, tags=["Beach", "summer"], taken=1714521600),
    picture("sea/tall.jpg", width=600, height=1200, format="JPEG", bytes=3_000_000, caption="A tall tower"),
    picture("square.png", families=[0.7] + [0.0] * 10 + [0.3], palette=[0xE60012, 0xFFFFFF], palette_shares=[0.7, 0.3]),
]


@pytest.fixture(params=["live", "sealed", "mixed"])
def columns(request, tmp_path):
    with create_library(tmp_path / "library") as library:
        library.add_encoder("own/encoder", "1", 2)
        library.add(PICTURES[:2])
        if request.param == "mixed":
            library.seal()
        library.add(PICTURES[2:])
        if request.param == "sealed":
            library.seal()
        yield Columns(library)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [1, 2, 3]),
        ("width>=1000", [1]),
        ("width<1000 and height>100", [2]),
        ("orientation=portrait", [2]),
        ("orientation!=square", [1, 2]),
        ("aspect>=16:9", [1]),
        ("megapixels>0.7", [1, 2]),
        ("bytes>1MB", [2]),
        ("tag=beach", [1]),
        ("tag=sum* ; width>5", [1]),
        ("tag!=beach", [2, 3]),
        ("format=jpeg", [2]),
        ("taken>=2024-05 and taken<2024-06-01", [1]),
        ("folder=sea", [1, 2]),
        ("name=*.png", [1, 3]),
        ('caption="a tall tower"', [2]),
        ("colour(#E60012)>=20%", [3]),
        ("color(红色)>=0.5", [3]),
        ("colour(white)>=50%", []),
        ("free(top-left)>=90% and width=100", [3]),
        ("free(bottom right)>0", []),
    ],
)
def test_filters(columns, text, expected):
    mask = passing(parse_filter(text), columns)
    kept = columns.ids if mask is None else columns.ids[mask]
    assert kept.tolist() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("widht>5", "Did you mean width"),
        ("width", "no condition"),
        ("width>=wide", "no number"),
        ("taken>yesterday", "no date"),
        ("taken>2024-13", "no date"),
        ("colour>=20%", r"colour\(red\)>=20%"),
        ("colour(loud)>=20%", "no colour"),
        ("free(attic)>=20%", "no place"),
        ("width(3)>5", "write it as width>"),
        ("tag>beach", "use = or !="),
        ("name<b", "use = or !="),
    ],
)
def test_what_cannot_be_a_filter_is_explained(columns, text, said):
    with pytest.raises(UsageError, match=said):
        passing(parse_filter(text), columns)


def test_every_field_is_tried_above():
    tried = " ".join(case[0] for case in test_filters.pytestmark[0].args[1]).replace("color", "colour")
    assert [name for name in FIELDS if name not in tried] == ["complexity", "mode", "camera"]


def test_rows_are_in_the_order_of_the_blocks(columns):
    blocks = columns.library.blocks(columns.library.encoder("1"))
    assert [len(block.ids) for block in blocks] == columns.sizes
    assert np.concatenate([block.ids for block in blocks]).tolist() == columns.ids.tolist()
