"""Colours of a picture: families with names in English and Chinese, and a palette in CIELAB."""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.search.schema import FAMILIES, PALETTE

CHINESE = ("红", "橙", "黄", "绿", "青", "蓝", "紫", "粉", "棕", "黑", "灰", "白")
"""The families in Chinese, in the order of `FAMILIES`; with or without 色."""
_SYNONYMS = {"gray": "grey", "violet": "purple", "turquoise": "cyan", "teal": "cyan", "magenta": "pink", "褐": "brown"}
_D65 = np.array([0.95047, 1.0, 1.08883])
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
NEAR = 20.0
"""CIE76 distance up to which a palette colour counts as the colour that was asked for."""
_HUES = (
    (15, "red"), (40, "orange"), (68, "yellow"), (165, "green"), (195, "cyan"), (258, "blue"), (290, "purple"),
    (340, "pink"), (361, "red"),
)  # fmt: skip
"""Upper bounds of hue (HSV, degrees) of each family."""


class Palette(NamedTuple):
    """The main colours of a picture, the largest share first."""

    colours: tuple[int, ...]
    """0xRRGGBB"""
    shares: tuple[float, ...]
    """0 to 1"""


def to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns CIELAB [..., 3] (D65) of sRGB pixels [..., 3]: L in 0..100 (IEC 61966-2-1, CIE 15:2004)."""
    value = pixels.astype(np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T / _D65
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def family_shares(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns the share of each colour family, float32 [12], together 1, of pixels [n, 3]."""
    counts = np.bincount(families_of(pixels), minlength=len(FAMILIES))
    return np.asarray(counts / max(1, len(pixels)), dtype=np.float32)


def families_of(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Returns the index of the colour family of each pixel [n, 3]."""
    value = pixels.astype(np.float64)
    most, least = value.max(axis=1), value.min(axis=1)
    chroma = most - least
    r, g, b = value.T
    safe = np.maximum(chroma, 1e-9)
    hue = np.select([most == r, most == g], [(g - b) / safe % 6, (b - r) / safe + 2], (r - g) / safe + 4) * 60
    index = {name: number for number, name in enumerate(FAMILIES)}
    bounds = np.array([bound for bound, _ in _HUES])
    of_hue = np.array([index[name] for _, name in _HUES])[
        np.searchsorted(bounds, hue, side="right").clip(max=len(_HUES) - 1)
    ]
    lab = to_lab(pixels)
    strength = np.hypot(lab[:, 1], lab[:, 2])
    found: NDArray[np.int64] = of_hue.astype(np.int64)
    orange = np.isin(of_hue, [index["orange"], index["red"], index["yellow"]])
    found[orange & (lab[:, 0] < 45) & (hue > 12) & (hue < 60) & (strength < 55)] = index["brown"]
    found[(of_hue == index["red"]) & (lab[:, 0] > 65)] = index["pink"]
    found[(strength < 12) & (lab[:, 0] >= 20)] = index["grey"]
    found[(strength < 12) & (lab[:, 0] > 88)] = index["white"]
    found[(lab[:, 0] < 20) & (strength < 25)] = index["black"]
    return found


def palette_of(pixels: NDArray[np.uint8], most: int = PALETTE) -> Palette:
    """Returns the main colours of pixels [n, 3]: cells of a coarse grid in CIELAB, near ones joined."""
    lab = to_lab(pixels)
    cells = np.floor(lab / np.array([12.5, 20.0, 20.0])).astype(np.int64) + 64
    keys, inverse, counts = np.unique(cells @ np.array([1, 128, 16384]), return_inverse=True, return_counts=True)
    sums = np.zeros((len(keys), 3))
    np.add.at(sums, inverse, pixels.astype(np.float64))
    means = sums / counts[:, None]
    places = to_lab(means.round().astype(np.uint8))
    chosen: list[int] = []
    weights: dict[int, float] = {}
    for each in np.argsort(-counts, kind="stable"):
        near = [other for other in chosen if np.linalg.norm(places[each] - places[other]) < NEAR / 2]
        if near:
            weights[near[0]] += counts[each]
        elif len(chosen) < 4 * most:
            chosen.append(int(each))
            weights[int(each)] = float(counts[each])
    best = sorted(chosen, key=lambda each: -weights[each])[:most]
    colours = tuple(int(red) << 16 | int(green) << 8 | int(blue) for red, green, blue in means[best].round())
    return Palette(colours, tuple(round(weights[each] / len(pixels), 4) for each in best))


def share_of_colour(palettes: NDArray[np.int64], shares: NDArray[np.float32], colour: int) -> NDArray[np.float32]:
    """Returns the share of each picture that has a colour or one near to it.

    Args:
        palettes: 0xRRGGBB [n, PALETTE]; -1 where a palette has fewer colours.
        shares: of each palette colour [n, PALETTE].
        colour: 0xRRGGBB.
    """
    known = np.maximum(palettes, 0)
    rgb = np.stack([known >> 16, known >> 8 & 255, known & 255], axis=-1).astype(np.uint8)
    wanted = to_lab(np.array([colour >> 16, colour >> 8 & 255, colour & 255], dtype=np.uint8))
    near = (np.linalg.norm(to_lab(rgb) - wanted, axis=-1) <= NEAR) & (palettes >= 0)
    return np.asarray((shares * near).sum(axis=-1), dtype=np.float32)


def parse_colour(text: str) -> int | str:
    """Returns a colour as 0xRRGGBB, or the name of a family, from `#E60012`, `red`, `红` or `红色`.

    Raises:
        UsageError: it is neither.
    """
    plain = text.strip().lower()
    if match := re.fullmatch(r"#?([0-9a-f]{6})", plain):
        return int(match[1], 16)
    if match := re.fullmatch(r"#([0-9a-f])([0-9a-f])([0-9a-f])", plain):
        return int("".join(digit * 2 for digit in match.groups()), 16)
    plain = _SYNONYMS.get(plain.removesuffix("色"), plain.removesuffix("色"))
    names = dict(zip(CHINESE, FAMILIES, strict=True)) | {name: name for name in FAMILIES}
    if plain in names:
        return names[plain]
    raise UsageError(f"{text!r} is no colour: give #RRGGBB, or one of {', '.join(FAMILIES)} ({'、'.join(CHINESE)}).")
