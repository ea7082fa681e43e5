"""The level of a prompt without a stated level: by its number of facts, else by its challenge."""

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
"""Number of words from which a prompt of the challenge "imagination" is impossible."""


def counted_level(text: str) -> Level | None:
    """Returns the level by the number of facts, or None if a word of the text is unknown to the pocket world."""
    reading = world.read(text)
    if reading.unknown or not world.atoms(reading.scene):
        return None
    return world.level_of(reading.scene)


def challenge_level(challenge: str, text: str) -> Level | None:
    """Returns the level of a PartiPrompts challenge, or None if the challenge is unknown."""
    challenge = challenge.strip().lower()
    if challenge == "imagination" and len(text.split()) >= LONG:
        return "impossible"
    return CHALLENGES.get(challenge)
