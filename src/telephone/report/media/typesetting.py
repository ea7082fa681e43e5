"""Letters on pictures: fonts that come with matplotlib, a system font for Chinese, and words wrapped to a width."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

_FALLBACKS = ("NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-", "PingFang", "Hiragino Sans GB", "msyh", "simhei")
_LEADING = 1.32
_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_BREAKS = re.compile(rf"[{_WIDE}]|[^\s{_WIDE}]+\s?|\s")


@dataclass(frozen=True)
class Hand:
    """A way to write: size in pixels and weight."""

    size: int
    bold: bool = False

    @property
    def leading(self) -> int:
        """Pixels from one line to the next."""
        return round(self.size * _LEADING)

    def width(self, text: str) -> float:
        """Returns how many pixels wide the text is in one line."""
        return sum(_length(self, part, foreign) for part, foreign in _runs(text))

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
        """Writes one line; `at` is its left end and the top of its letters."""
        left, top = at
        base = top + self.size
        for part, foreign in _runs(text):
            draw.text((left, base), part, font=_font(self, foreign), fill=colour, anchor="ls")
            left += _length(self, part, foreign)

    def wrap(self, text: str, width: float, most: int = 0) -> list[str]:
        """Returns the text in lines of at most `width` pixels; what needs more than `most` lines ends in an ellipsis.

        Args:
            text: Any text; line breaks count as spaces and control characters are dropped.
            width: Pixels.
            most: Highest number of lines; 0 is any.
        """
        lines = [""]
        for piece in self._pieces(clean(text), width):
            joined = lines[-1] + piece
            if self.width(joined.rstrip()) <= width or not lines[-1]:
                lines[-1] = joined if lines[-1] else piece.lstrip()
            else:
                lines.append(piece.lstrip())
            if most and len(lines) > most:
                return [*(line.rstrip() for line in lines[: most - 1]), self._shortened(lines[most - 1], width)]
        return [line.rstrip() for line in lines]

    def fit(self, text: str, width: float) -> str:
        """Returns the text in one line, cut with an ellipsis if it is wider than `width` pixels."""
        text = clean(text)
        return text if self.width(text) <= width else self._shortened(text, width)

    def _pieces(self, text: str, width: float) -> list[str]:
        """Splits where a line may break: after spaces, beside Chinese characters, inside words that are too wide."""
        pieces: list[str] = []
        for word in _BREAKS.findall(text):
            pieces += [word] if self.width(word.rstrip()) <= width else list(word)
        return pieces

    def _shortened(self, line: str, width: float) -> str:
        line = line.rstrip()
        while line and self.width(line + "…") > width:
            line = line[:-1].rstrip()
        return line + "…"


def clean(text: str) -> str:
    """Returns the text in one line: runs of white space as one space, no control characters."""
    spaced = " ".join(text.split())
    return "".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C")


def write_lines(draw: ImageDraw.ImageDraw, at: tuple[float, float], lines: list[str], hand: Hand, colour: str) -> float:
    """Writes lines one under the other and returns the y where the next line would start."""
    left, top = at
    for line in lines:
        hand.write(draw, (left, top), line, colour)
        top += hand.leading
    return top


@lru_cache(maxsize=20_000)
def _length(hand: Hand, part: str, foreign: bool) -> float:
    return float(_font(hand, foreign).getlength(part))


def _runs(text: str) -> list[tuple[str, bool]]:
    """Splits a text into runs that one font can write; True marks those for the fallback."""
    known = _coverage()
    runs: list[tuple[str, bool]] = []
    for letter in text:
        foreign = ord(letter) not in known
        if runs and runs[-1][1] == foreign:
            runs[-1] = (runs[-1][0] + letter, foreign)
        else:
            runs.append((letter, foreign))
    return runs


@cache
def _font(hand: Hand, foreign: bool) -> ImageFont.FreeTypeFont:
    fallback = _fallback(hand.bold) if foreign else None
    if fallback is not None:
        return ImageFont.truetype(str(fallback[0]), hand.size, index=fallback[1])
    return ImageFont.truetype(str(_dejavu(hand.bold)), hand.size)


@cache
def _dejavu(bold: bool) -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")


@cache
def _coverage() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(_dejavu(False))).get_charmap())


@cache
def _fallback(bold: bool) -> tuple[Path, int] | None:
    """Returns file and index of a system font that writes Chinese, or None where the system has none."""
    from matplotlib.font_manager import findSystemFonts

    found = sorted(Path(path) for path in findSystemFonts())
    for name in _FALLBACKS:
        faces = [path for path in found if path.name.startswith(name)]
        if faces:
            path = min(faces, key=lambda face: ("Bold" in face.name) != bold)
            return path, _simplified(path)
    return None


def _simplified(path: Path) -> int:
    """Collections hold Japanese, Korean and Chinese forms of the same characters: picks the simplified Chinese ones."""
    for index in range(10 if path.suffix.lower() in (".ttc", ".otc") else 0):
        try:
            family = ImageFont.truetype(str(path), 12, index=index).getname()[0] or ""
        except OSError:
            break
        if family.endswith(" SC"):
            return index
    return 0
