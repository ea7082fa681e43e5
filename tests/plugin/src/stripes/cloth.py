"""Letters as colours and back: one stripe a letter, sixteen hues by four shades."""

import colorsys

import numpy as np
from numpy.typing import NDArray

LETTERS = " abcdefghijklmnopqrstuvwxyz0123456789.,;:!?'\"()-ABCDEFGHIJKLMNOP"
"""The 64 characters that can be written; another one is written as its lower-case form if listed, else as a space."""
UNKNOWN = LETTERS.index(" ")


def _colour(number: int) -> tuple[int, int, int]:
    hue, shade = divmod(number, 4)
    red, green, blue = colorsys.hsv_to_rgb(hue / 16, 0.4 + 0.5 * (shade % 2), 0.6 + 0.4 * (shade // 2))
    return round(255 * red), round(255 * green), round(255 * blue)


COLOURS: NDArray[np.uint8] = np.array([_colour(number) for number in range(len(LETTERS))], dtype=np.uint8)
"""The colour of each letter: uint8 [64, 3]."""


def weave(text: str, width: int, height: int) -> NDArray[np.uint8]:
    """Returns an image of `width` x (`height` a letter) pixels as uint8 [rows, width, 3]."""
    numbers = [_number(sign) for sign in text]
    rows = COLOURS[numbers].repeat(height, axis=0)
    return np.repeat(rows[:, None, :], width, axis=1)


def unpick(pixels: NDArray[np.uint8], height: int) -> str:
    """Returns the text of an image; each stripe is the letter whose colour is nearest to that of its middle row."""
    middle = pixels[height // 2 :: height].astype(np.float64).mean(axis=1)
    distance = ((middle[:, None, :] - COLOURS[None].astype(np.float64)) ** 2).sum(axis=2)
    return "".join(LETTERS[number] for number in distance.argmin(axis=1))


def _number(sign: str) -> int:
    found = LETTERS.find(sign)
    return found if found >= 0 else max(LETTERS.find(sign.lower()), UNKNOWN)
