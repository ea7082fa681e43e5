"""Text on images: the fonts of matplotlib, a system font for Chinese, and line wrapping to a width in pixels."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

_FALLBACKS = ("NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-", "PingFang", "Hiragino Sans GB", "msyh", "simhei")
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
        return sum(_length(self, part, fallback) for part, fallback in _runs(text))

    def write(self, draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str) -> None:
        """Draws one line; `at` is the left end and the top of its characters."""
        left, top = at
        base = top + self.size
        for part, fallback in _runs(text):
            draw.text((left, base), part, font=_font(self, fallback), fill=colour, anchor="ls")
            left += _length(self, part, fallback)

    def wrap(self, text: str, width: float, max_lines: int = 0) -> list[str]:
        """Returns the text as lines of at most `width` pixels; a longer text than `max_lines` ends in an ellipsis.

        Args:
            text: Any text; line breaks become spaces and control characters are removed.
            width: Pixels.
            max_lines: Largest number of lines; 0 is unlimited.
        """
        lines = [""]
        for part in self._parts(one_line(text), width):
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
        text = one_line(text)
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
def _length(style: TextStyle, part: str, fallback: bool) -> float:
    return float(_font(style, fallback).getlength(part))


def _runs(text: str) -> list[tuple[str, bool]]:
    """Splits a text into runs of one font; True marks runs for the fallback font."""
    known = _coverage()
    runs: list[tuple[str, bool]] = []
    for character in text:
        fallback = ord(character) not in known
        if runs and runs[-1][1] == fallback:
            runs[-1] = (runs[-1][0] + character, fallback)
        else:
            runs.append((character, fallback))
    return runs


@cache
def _font(style: TextStyle, fallback: bool) -> ImageFont.FreeTypeFont:
    found = _fallback(style.bold) if fallback else None
    if found is not None:
        return ImageFont.truetype(str(found[0]), style.size, index=found[1])
    return ImageFont.truetype(str(_dejavu(style.bold)), style.size)


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
    """Returns file and face index of a system font with Chinese characters, or None if the system has none."""
    from matplotlib.font_manager import findSystemFonts

    found = sorted(Path(path) for path in findSystemFonts())
    for name in _FALLBACKS:
        faces = [path for path in found if path.name.startswith(name)]
        if faces:
            path = min(faces, key=lambda face: ("Bold" in face.name) != bold)
            return path, _simplified(path)
    return None


def _simplified(path: Path) -> int:
    """Returns the face of a font collection that has the simplified Chinese forms; 0 if none is named so."""
    for index in range(10 if path.suffix.lower() in (".ttc", ".otc") else 0):
        try:
            family = ImageFont.truetype(str(path), 12, index=index).getname()[0] or ""
        except OSError:
            break
        if family.endswith(" SC"):
            return index
    return 0
