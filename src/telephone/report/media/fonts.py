"""Fonts of this machine: which one has a character, and words in place of characters that none has."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageFont

_PREFERRED = (
    "NotoSansCJK", "NotoSansSC", "SourceHanSans", "wqy-", "PingFang", "Hiragino Sans GB", "msyh", "simhei", "Noto",
)  # fmt: skip
"""How the names of fonts begin that are tried first, those with the simplified Chinese forms before the others."""
_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
_SCRIPTS = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean", "DEVANAGARI": "Hindi"}
"""Languages by the first word of the names of their characters; other scripts are named as in Unicode."""


@dataclass(frozen=True)
class Face:
    """A font file and the number of a face in it."""

    path: Path
    index: int = 0


@cache
def usual_face(bold: bool) -> Face:
    """Returns DejaVu Sans, which comes with matplotlib."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Face(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name)


@lru_cache(maxsize=10_000)
def face_of(character: str, bold: bool = False) -> Face | None:
    """Returns the font for a character: DejaVu Sans, else one of the system; None if no font has it.

    Args:
        character: one character.
        bold: whether a bold font is preferred.
    """
    usual = usual_face(bold)
    if ord(character) in _characters(usual_face(False)):
        return usual
    return next((face for face in _system_faces(bold) if ord(character) in _characters(face)), None)


def readable(text: str) -> str:
    """Returns a text with words in place of characters that no font here has, which would be drawn as boxes.

    A symbol is replaced by its name in Unicode, such as `[automobile]`; letters by their script and number, such as
    `[Thai: 5 characters]`.
    """
    if all(face_of(character) for character in text):
        return text
    parts = []
    for kind, run in groupby(text, key=_missing):
        found = list(run)
        if kind is None:
            parts.append("".join(found))
        elif kind.islower():
            parts += [f"[{kind}]"] * len(found)
        else:
            parts.append(f"[{kind}: {len(found)} character{'s' if len(found) > 1 else ''}]")
    return "".join(parts)


def _missing(character: str) -> str | None:
    """Returns None for a character that a font has, the name of a symbol in lower case, else the name of a script."""
    if face_of(character) is not None:
        return None
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    if unicodedata.category(character)[0] in "LMN" and " " in name:
        first = name.split()[0]
        return _SCRIPTS.get(first, first.title())
    return name.lower()


@cache
def _characters(face: Face) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        # Fonts of bitmaps, as some of emoji are, exist in one size only.
        ImageFont.truetype(str(face.path), 15, index=face.index)
        return frozenset(FT2Font(str(face.path)).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()


@cache
def _system_faces(bold: bool) -> tuple[Face, ...]:
    """Returns the fonts of the system, the preferred ones first, and of equal ones those of the wanted weight."""
    from matplotlib.font_manager import findSystemFonts

    def order(path: Path) -> tuple[int, bool, str]:
        first = next((at for at, name in enumerate(_PREFERRED) if path.name.startswith(name)), len(_PREFERRED))
        return first, ("Bold" in path.name) != bold, path.name

    found = [Path(path) for path in findSystemFonts() if path.lower().endswith(_ENDINGS)]
    return tuple(Face(path, _simplified(path)) for path in sorted(found, key=order))


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
