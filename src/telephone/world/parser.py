"""Parses a text to a scene: exactly for captions of the grammar, best effort for any other string.

Four passes, one a module: `tokens` cuts the text into words, `negation` leaves out what the text denies, `mentions`
reads the noun phrases with their adjectives, places and relations, and `resolution` decides which of them are the same
thing. The scene is always valid, and does not depend on the order of sentences that are complete in themselves.
"""

from typing import NamedTuple

from telephone.world.mentions import MentionReader
from telephone.world.negation import stated
from telephone.world.resolution import resolve
from telephone.world.scene import Scene
from telephone.world.tokens import tokens


class ParseResult(NamedTuple):
    """The scene of a text, and the words that were not understood."""

    scene: Scene
    unknown: tuple[str, ...]
    """The content words without a meaning in this world, each once, in order; lower case."""


def parse(text: str) -> Scene:
    """Returns the scene of a text; any string gives a valid scene, in the worst case an empty one."""
    return read(text).scene


def read(text: str) -> ParseResult:
    """Returns the scene of a text (English or Chinese), and the words that were not understood.

    What a text denies ("no boat", "not red", "没有船") is not stated. Two phrases of one kind and colour are two groups
    if they stand in different places, otherwise one; "the boat" and "it" refer back, and "another boat" is one more. A
    number that is not exact ("several boats", or the plural alone) is read as `several`.
    """
    reader = MentionReader(stated(tokens(text)))
    reader.read()
    return ParseResult(resolve(reader.mentions, reader.facts), tuple(reader.unknown))
