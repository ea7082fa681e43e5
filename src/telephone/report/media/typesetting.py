"""Text on images: wrapped to a width in pixels, each character in a font of this machine that has it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

from PIL import ImageDraw, ImageFont

from telephone.report.media.fonts import Face, face_of, readable, usual_face

_LINE_HEIGHT = 1.32
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_BREAKS = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+\s?|\s")


@dataclass(frozen=True)
class TextStyle:
    """Size in pixels and weight of a text."""

    size: int
    bold: bool = False

    @property
    def line_height(self) -> int:
        """Pixels from one line to the next."""
        return round(self.size * _LINE_HEIGHT)

    def width(self, text: str) -> float:
        """Returns how many pixels wide the text is in one line."""
        return sum(_length(self, part, face) for part, face in _runs(text, self.bold))

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
        """Draws one line; `at` is the left end and the top of its characters."""
        left, top = at
        base = top + self.size
        for part, face in _runs(text, self.bold):
            draw.text((left, base), part, font=_font(self, face), fill=colour, anchor="ls")
            left += _length(self, part, face)

    def wrap(self, text: str, width: float, max_lines: int = 0) -> list[str]:
        """Returns the text as lines of at most `width` pixels; a longer text than `max_lines` ends in an ellipsis.

        Args:
            text: Any text; line breaks become spaces and control characters are removed.
            width: Pixels.
            max_lines: Largest number of lines; 0 is unlimited.
        """
        lines = [""]
        for part in self._parts(readable(one_line(text)), width):
            joined = lines[-1] + part
            if self.width(joined.rstrip()) <= width or not lines[-1]:
                lines[-1] = joined if lines[-1] else part.lstrip()
            else:
                lines.append(part.lstrip())
            if max_lines and len(lines) > max_lines:
                return [
                    *(line.rstrip() for line in lines[: max_lines - 1]),
                    self._shortened(lines[max_lines - 1], width),
                ]
        return [line.rstrip() for line in lines]

    def fit(self, text: str, width: float) -> str:
        """Returns the text in one line, cut with an ellipsis if it is wider than `width` pixels."""
        text = readable(one_line(text))
        return text if self.width(text) <= width else self._shortened(text, width)

    def _parts(self, text: str, width: float) -> list[str]:
        """Splits where a line may break: after spaces, next to Chinese characters, inside words that are too wide."""
        parts: list[str] = []
        for word in _BREAKS.findall(text):
            parts += [word] if self.width(word.rstrip()) <= width else list(word)
        return parts

    def _shortened(self, line: str, width: float) -> str:
        line = line.rstrip()
        while line and self.width(line + "…") > width:
            line = line[:-1].rstrip()
        return line + "…"


def one_line(text: str) -> str:
    """Returns the text as one line: white space collapsed to single spaces, control characters removed."""
    spaced = " ".join(text.split())
    return "".join(character for character in spaced if unicodedata.category(character)[0] != "C")


def draw_lines(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], lines: list[str], style: TextStyle, colour: str
) -> float:
    """Draws lines below each other and returns the y coordinate where the next line would start."""
    left, top = at
    for line in lines:
        style.write(draw, (left, top), line, colour)
        top += style.line_height
    return top


@lru_cache(maxsize=20_000)
def _length(style: TextStyle, part: str, face: Face) -> float:
    return float(_font(style, face).getlength(part))


def _runs(text: str, bold: bool) -> list[tuple[str, Face]]:
    """Splits a text into runs of one font."""
    usual = usual_face(bold)
    runs: list[tuple[str, Face]] = []
    for character in text:
        face = face_of(character, bold) or usual
        if runs and runs[-1][1] == face:
            runs[-1] = (runs[-1][0] + character, face)
        else:
            runs.append((character, face))
    return runs


@cache
def _font(style: TextStyle, face: Face) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(face.path), style.size, index=face.index)
