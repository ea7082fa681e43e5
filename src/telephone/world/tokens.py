"""Cuts a text of any kind into understood and unknown words, English and Chinese side by side, in linear time."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from telephone.world.lexicon import UNKNOWN, Meaning, chinese, english
from telephone.world.traditional import simplified

MAX_CHARACTERS = 20_000
MAX_TOKENS = 2_000
"""What comes later in a text is not read."""

_PIECES = re.compile(
    r"(?P<han>[\u4e00-\u9fff]+)|(?P<word>[^\W\d_\u4e00-\u9fff]+|\d+)|(?P<break>[.!?;。！？\n])|(?P<comma>[,、:()])"
)
_IS = re.compile(r"\b(it|that|there|he|she|what|here|this|which|who)'s\b")
_NOT = re.compile(r"(?<=[a-z])n't\b")


class Token(NamedTuple):
    """A word or a phrase of the lexicon, a mark, or an unknown word."""

    text: str
    meaning: Meaning


def tokens(text: str) -> list[Token]:
    """Returns the words of a text, lower case; a repeated word ("the the") is returned once."""
    plain = _plain(text[:MAX_CHARACTERS])
    pieces = [match for match, _ in zip(_PIECES.finditer(plain), range(MAX_TOKENS), strict=False)]
    found: list[Token] = []
    for token in _tokens(pieces):
        if not found or token.text != found[-1].text:
            found.append(token)
    return found[:MAX_TOKENS]


def _plain(text: str) -> str:
    """Returns a text in lower case and simplified characters, its contractions written out."""
    plain = simplified(unicodedata.normalize("NFKC", text)).lower().replace("’", "'")
    if "'" not in plain:
        return plain
    plain = plain.replace("can't", "cannot").replace("won't", "will not")
    return _NOT.sub(" not", _IS.sub(r"\1 is", plain)).replace("'s", "")


def _tokens(pieces: list[re.Match[str]]) -> Iterator[Token]:
    words: list[str] = []
    for piece in pieces:
        if piece.lastgroup == "word":
            if words[-1:] != [piece.group()]:
                words.append(piece.group())
            continue
        yield from _english(words)
        words = []
        if piece.lastgroup == "han":
            yield from _chinese(piece.group())
        else:
            yield Token(piece.group(), Meaning(str(piece.lastgroup)))
    yield from _english(words)


@cache
def _longest_phrases() -> dict[str, int]:
    """Returns for each word the number of words of the longest phrase that begins with it."""
    longest: dict[str, int] = {}
    for phrase in english():
        words = phrase.split()
        longest[words[0]] = max(longest.get(words[0], 1), len(words))
    return longest


def _english(words: list[str]) -> Iterator[Token]:
    lexicon, longest, index = english(), _longest_phrases(), 0
    while index < len(words):
        for length in range(longest.get(words[index], 0), 0, -1):
            phrase = " ".join(words[index : index + length])
            if phrase in lexicon:
                yield Token(phrase, lexicon[phrase])
                break
        else:
            length = 1
            yield Token(words[index], UNKNOWN)
        index += length


@cache
def _chinese_words() -> re.Pattern[str]:
    known = sorted(chinese(), key=len, reverse=True)
    return re.compile("|".join(known))


def _chinese(signs: str) -> Iterator[Token]:
    end = 0
    for match in _chinese_words().finditer(signs):
        if match.start() > end:
            yield Token(signs[end : match.start()], UNKNOWN)
        yield Token(match.group(), chinese()[match.group()])
        end = match.end()
    if end < len(signs):
        yield Token(signs[end:], UNKNOWN)
