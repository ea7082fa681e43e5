"""Colour families, palettes and the share of a colour."""

import numpy as np
import pytest

from telephone.core.errors import UsageError
from telephone.search.colours import (
    CHINESE,
    families_of,
    family_shares,
    palette_of,
    parse_colour,
    share_of_colour,
    to_lab,
)
from telephone.search.schema import FAMILIES

NAMED = {
    "#e60012": "red", "#ff8800": "orange", "#ffe000": "yellow", "#2e9e3e": "green", "#00b8b8": "cyan",
    "#1e50c8": "blue", "#7b2fbe": "purple", "#ff8fb0": "pink", "#7a4a21": "brown", "#0a0a0a": "black",
    "#808080": "grey", "#fafafa": "white",
}  # fmt: skip


def rgb(text: str) -> list[int]:
    value = int(text[1:], 16)
    return [value >> 16, value >> 8 & 255, value & 255]


def test_lab_agrees_with_published_values():
    lab = to_lab(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 0, 255]], dtype=np.uint8))
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
    np.testing.assert_allclose(lab, expected, atol=0.02)


@pytest.mark.parametrize(("colour", "family"), NAMED.items())
def test_typical_colours_have_the_family_of_their_name(colour, family):
    assert FAMILIES[families_of(np.array([rgb(colour)], dtype=np.uint8))[0]] == family


def test_every_colour_has_one_family():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(-1, 3).astype(np.uint8)
    shares = family_shares(grid)
    assert shares.sum() == pytest.approx(1)
    assert (shares > 0).all()


def test_the_palette_states_colours_with_their_shares():
    pixels = np.array([rgb("#e60012")] * 30 + [rgb("#ffffff")] * 60 + [rgb("#1e50c8")] * 10, dtype=np.uint8)
    palette = palette_of(pixels)
    assert palette.colours == (0xFFFFFF, 0xE60012, 0x1E50C8)
    assert palette.shares == pytest.approx((0.6, 0.3, 0.1))
    table = np.array([[*palette.colours, -1]], dtype=np.int64)
    shares = np.array([[*palette.shares, 0]], dtype=np.float32)
    assert share_of_colour(table, shares, 0xE00018)[0] == pytest.approx(0.3)
    assert share_of_colour(table, shares, 0x000000)[0] == 0


def test_colours_are_read_in_both_languages():
    assert parse_colour("#E60012") == parse_colour("e60012") == 0xE60012
    assert parse_colour("#f0a") == 0xFF00AA
    assert [parse_colour(name) for name in CHINESE] == list(FAMILIES)
    assert parse_colour("红色") == parse_colour("Red") == "red"
    assert parse_colour("gray") == "grey"
    with pytest.raises(UsageError, match="#RRGGBB"):
        parse_colour("colourful")
