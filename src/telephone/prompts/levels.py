"""The level of a prompt that states none: by its facts where they can be counted, else by what its set says of it."""

from telephone import world
from telephone.core.records import Level

CHALLENGES: dict[str, Level] = {
    "basic": "easy",
    "simple detail": "easy",
    "fine-grained detail": "medium",
    "quantity": "medium",
    "properties & positioning": "medium",
    "style & format": "medium",
    "complex": "hard",
    "perspective": "hard",
    "linguistic structures": "hard",
    "writing & symbols": "hard",
    "imagination": "hard",
}
"""The challenges of PartiPrompts, in lower case."""

LONG = 30
"""Words; an imagined scene that is told in as many is impossible."""


def counted_level(text: str) -> Level | None:
    """Returns the level by the number of facts, or None if the pocket world does not know all words of the text."""
    reading = world.read(text)
    if reading.unknown or not world.atoms(reading.scene):
        return None
    return world.level_of(reading.scene)


def challenge_level(challenge: str, text: str) -> Level | None:
    """Returns the level of a PartiPrompts challenge, or None if there is no such challenge."""
    challenge = challenge.strip().lower()
    if challenge == "imagination" and len(text.split()) >= LONG:
        return "impossible"
    return CHALLENGES.get(challenge)
