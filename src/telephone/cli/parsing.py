"""Parses options that hold lists: addresses of models, levels."""

from collections.abc import Iterable

from telephone.core.errors import UsageError
from telephone.core.records import LEVELS, Level


def refs(given: Iterable[str]) -> tuple[str, ...]:
    """Returns the addresses of models in options that may each hold several, comma-separated.

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
    """Returns the levels in options that may each hold several, comma-separated, from easy to impossible.

    Raises:
        UsageError: a word is no level.
    """
    words = {word.strip().lower() for text in given for word in text.split(",") if word.strip()}
    strange = sorted(words - set(LEVELS))
    if strange:
        raise UsageError(f"{strange[0]!r} is no level: use one of {', '.join(LEVELS)}.")
    return tuple(level for level in LEVELS if level in words)
