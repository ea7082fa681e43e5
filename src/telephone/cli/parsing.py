"""Reads what a person types for an option: lists with commas, levels, names for files."""

import re
from collections.abc import Iterable
from pathlib import Path

from telephone.core.errors import UsageError
from telephone.core.records import LEVELS, Level


def refs(given: Iterable[str]) -> tuple[str, ...]:
    """Returns the addresses of players in options that may each hold several, parted by commas.

    A comma inside the options of an address (`fake/painter?a=1,2`) belongs to them.
    """
    found: list[str] = []
    for text in given:
        pieces: list[str] = []
        for piece in text.split(","):
            if pieces and "?" in pieces[-1] and "/" not in piece:
                pieces[-1] += f",{piece}"
            else:
                pieces.append(piece)
        found += [piece.strip() for piece in pieces if piece.strip()]
    return tuple(dict.fromkeys(found))


def levels(given: Iterable[str]) -> tuple[Level, ...]:
    """Returns the levels in options that may each hold several, parted by commas, from easy to impossible.

    Raises:
        UsageError: a word is no level.
    """
    words = {word.strip().lower() for text in given for word in text.split(",") if word.strip()}
    strange = sorted(words - set(LEVELS))
    if strange:
        raise UsageError(f"{strange[0]!r} is no level: take one of {', '.join(LEVELS)}.")
    return tuple(level for level in LEVELS if level in words)


def slug(text: str, most: int = 40) -> str:
    """Returns a text as part of a file name: small letters and digits with hyphens, whole words."""
    name = re.sub(r"[^\w]+", "-", text.lower()).strip("-_")
    return name if len(name) <= most else name[:most].rpartition("-")[0] or name[:most]


def free_path(path: Path) -> Path:
    """Returns the path, or the first of `name-2`, `name-3` and so on that is not taken."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free


def counted(number: int, word: str) -> str:
    """Returns a number with its noun: `1 game`, `1,200 games`."""
    return f"{number:,} {word}" + ("" if number == 1 else "s")


def money(dollars: float) -> str:
    """Returns US dollars with two decimals, small sums with two digits that count: `12.50`, `0.0032`."""
    return f"{dollars:.2f}" if not dollars or dollars >= 0.1 else f"{dollars:.2g}"
