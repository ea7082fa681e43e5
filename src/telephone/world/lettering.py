"""Words printed into pictures: labels in capital letters of 5 x 7 pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LETTER_WIDTH, LETTER_HEIGHT = 5, 7
MARGIN = 1
"""Pixels of paper around the letters."""

_ROWS = {
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "B": "11110 10001 10001 11110 10001 10001 11110",
    "C": "01110 10001 10000 10000 10000 10001 01110",
    "D": "11110 10001 10001 10001 10001 10001 11110",
    "E": "11111 10000 10000 11110 10000 10000 11111",
    "F": "11111 10000 10000 11110 10000 10000 10000",
    "G": "01110 10001 10000 10111 10001 10001 01110",
    "H": "10001 10001 10001 11111 10001 10001 10001",
    "I": "01110 00100 00100 00100 00100 00100 01110",
    "J": "00111 00010 00010 00010 00010 10010 01100",
    "K": "10001 10010 10100 11000 10100 10010 10001",
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "M": "10001 11011 10101 10101 10001 10001 10001",
    "N": "10001 11001 10101 10011 10001 10001 10001",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "Q": "01110 10001 10001 10001 10101 10010 01101",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "T": "11111 00100 00100 00100 00100 00100 00100",
    "U": "10001 10001 10001 10001 10001 10001 01110",
    "V": "10001 10001 10001 10001 10001 01010 00100",
    "W": "10001 10001 10001 10101 10101 11011 10001",
    "X": "10001 10001 01010 00100 01010 10001 10001",
    "Y": "10001 10001 01010 00100 00100 00100 00100",
    "Z": "11111 00001 00010 00100 01000 10000 11111",
    " ": "00000 00000 00000 00000 00000 00000 00000",
}  # fmt: skip
_GLYPHS = {
    letter: np.array([[bit == "1" for bit in row] for row in rows.split()], dtype=bool)
    for letter, rows in _ROWS.items()
}

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """A word on a piece of paper, and where it lies in a picture."""

    word: str
    """Latin letters and spaces; lower-case ones are printed as capitals."""
    left: int = 0
    """Pixels from the left edge of the picture; the label is moved inwards until all of it is in the picture."""
    top: int = 0
    ink: Colour = (0, 0, 0)
    paper: Colour = (255, 255, 255)


def letter_mask(word: str) -> NDArray[np.bool_]:
    """Returns which pixels of a label are ink [9, 6 n + 1] for n letters, with a margin of one pixel.

    Raises:
        ValueError: the word is empty, or holds something that is no Latin letter.
    """
    unknown = sorted({letter for letter in word.upper() if letter not in _GLYPHS})
    if not word.strip() or unknown:
        what = f"{', '.join(map(repr, unknown))} cannot be printed" if unknown else "the word is empty"
        raise ValueError(f"{what}: use Latin letters")
    gap = np.zeros((LETTER_HEIGHT, 1), dtype=bool)
    parts = [part for letter in word.upper() for part in (_GLYPHS[letter], gap)]
    return np.pad(np.concatenate(parts[:-1], axis=1), MARGIN)


def label_size(word: str) -> tuple[int, int]:
    """Returns width and height of a label in pixels."""
    return len(word) * (LETTER_WIDTH + 1) - 1 + 2 * MARGIN, LETTER_HEIGHT + 2 * MARGIN


def print_label(pixels: NDArray[np.uint8], label: Label) -> NDArray[np.uint8]:
    """Returns a copy of a picture with a label on it; a label that is wider than the picture loses its end.

    Args:
        pixels: uint8 [h, w, 3].
        label: word, place and colours.

    Raises:
        ValueError: the word cannot be printed.
    """
    ink = letter_mask(label.word)
    height, width = pixels.shape[:2]
    left = max(0, min(label.left, width - ink.shape[1]))
    top = max(0, min(label.top, height - ink.shape[0]))
    ink = ink[: height - top, : width - left]
    made = pixels.copy()
    area = made[top : top + ink.shape[0], left : left + ink.shape[1]]
    area[:] = np.where(ink[..., None], np.array(label.ink, np.uint8), np.array(label.paper, np.uint8))
    return made
