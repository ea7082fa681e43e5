"""The nouns that every room shares: levels, prompts, hops and their outcomes. Plain data, no behaviour to speak of."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Level = Literal["easy", "medium", "hard", "impossible"]
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard", "impossible")

Kind = Literal["image", "text"]
"""What a hop makes: an image (a text-to-image call) or a text (an image-to-text call)."""


@dataclass(frozen=True)
class Prompt:
    """What starts a game: a text, or an image for an image-first chain."""

    text: str
    """The sentence; for an image-first prompt a label for people, never shown to a player."""
    level: str = "easy"
    """How much the prompt asks to be kept: easy, medium, hard or impossible."""
    id: str = ""
    """A short name that is unique in its set; made from the content if left empty."""
    image: bytes | None = field(default=None, repr=False)
    """The picture (PNG bytes) that starts an image-first chain; None for a text-first one."""
    source: str = ""
    """Where the prompt comes from: the name of a set, or file and line."""

    def __post_init__(self) -> None:
        """Fills in the id from the content."""
        if not self.id:
            content = self.text.encode() + b"\0" + (self.image or b"")
            object.__setattr__(self, "id", hashlib.sha256(content).hexdigest()[:12])

    @property
    def first(self) -> Kind:
        """What the chain starts with."""
        return "text" if self.image is None else "image"


class Outcome(StrEnum):
    """How a hop ended. A failure is a row, not an exception."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Artefact:
    """What a hop hands to the next one: bytes only, no metadata and no history."""

    kind: Kind
    data: bytes
    """UTF-8 text, or PNG bytes."""

    @property
    def sha256(self) -> str:
        """The content hash in 64 hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def text(self) -> str:
        """The text of a text artefact."""
        return self.data.decode()


@dataclass(frozen=True)
class Request:
    """A call that a game waits for; everything that decides its result, and nothing else."""

    game: str
    """Key of the game, a full hash."""
    step: int
    """Number of the hop in its game, from 0."""
    turn: int
    """Number of the turn, from 0: a turn is two hops."""
    kind: Kind
    """What is asked for."""
    player: str
    """Address of the player, such as `pocket/blip`."""
    seed: int
    """Seed of the call, in [0, 2**32)."""
    parent: Artefact
    """What the player is shown."""
    key: str
    """Ask key: hash of parent content, player fingerprint and seed. Two asks with one key have one answer."""


@dataclass(frozen=True)
class Hop:
    """One model call that has ended, however it ended."""

    ask: Request
    outcome: Outcome
    result: Artefact | None
    """What the player made; None unless the outcome is ok."""
    reason: str = ""
    """Why it was refused or failed, in one sentence."""
    raw: str = ""
    """The provider's own answer or the traceback's last lines, cut to a sensible length."""
    started: float = 0.0
    """Seconds since the epoch, UTC; for people, never part of a key."""
    seconds: float = 0.0
    """Wall-clock seconds of the call (a batch's time divided by its size)."""
    attempts: int = 1
    """Calls made to the player; 0 where an equal ask had already been answered."""
    cost: float | None = None
    """US dollars; None is unknown, which is not 0."""
    tokens_cut: int = 0
    """Tokens of the text that the player's encoder could not take."""
