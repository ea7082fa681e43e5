"""What a run folder holds, as plain data: the description of the run, its games, scores, and what a check finds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from telephone.errors import StoreDamaged
from telephone.images import content_hash
from telephone.records import Outcome, Prompt
from telephone.seeds import digest

FORMAT = 1
"""Number of the description's layout."""


@dataclass(frozen=True)
class PlayerRow:
    """A player as it was when the run began."""

    ref: str
    """Its address, with options."""
    kind: Literal["text2image", "image2text"]
    name: str
    """What tables call it; unique in the run."""
    fingerprint: str
    seeds: bool = True
    device: str = "cpu"
    batch_size: int = 1
    concurrency: int = 1
    max_tokens: int | None = None
    price: float | None = None

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """What decides its answers and the names of its rows."""
        return (self.ref, self.name, self.fingerprint, self.seeds)


@dataclass(frozen=True)
class Description:
    """A run, resolved: enough to play it again, and written before its first call."""

    players: tuple[PlayerRow, ...]
    lines: tuple[tuple[str, str], ...]
    """Addresses of the drawing and the describing player, a pair a line."""
    prompts: tuple[Prompt, ...]
    turns: int = 10
    repeats: int = 1
    seed: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of Python and of the packages that decide results, when the run began."""
    commit: str = ""
    """Git commit of this package, if it runs from a checkout."""

    @property
    def identity(self) -> str:
        """Hash of what may not change in a run; more turns and more repeats continue it."""
        prompts = [(p.id, p.text, p.level, p.first, _picture_hash(p)) for p in self.prompts]
        return digest(FORMAT, sorted(p.identity for p in self.players), self.lines, prompts, self.seed)

    def player(self, ref: str) -> PlayerRow:
        """Returns the player of this address; KeyError if there is none."""
        return {row.ref: row for row in self.players}[ref]

    def longer(self, other: "Description") -> "Description":
        """Returns this description with the longer of both lengths."""
        return replace(self, turns=max(self.turns, other.turns), repeats=max(self.repeats, other.repeats))

    def to_json(self) -> str:
        """Returns the description as JSON; pictures of prompts are named by their hash."""
        plain = asdict(self) | {"format": FORMAT, "versions": dict(self.versions)}
        plain["prompts"] = [
            {"id": p.id, "text": p.text, "level": p.level, "source": p.source, "image": _picture_hash(p)}
            for p in self.prompts
        ]
        return json.dumps(plain, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str, read_picture: Callable[[str], bytes]) -> "Description":
        """Returns the description that `to_json` wrote.

        Args:
            text: the JSON.
            read_picture: gives the PNG bytes of a content hash, for image-first prompts.

        Raises:
            StoreDamaged: the text is not such a description, or a picture of it is missing.
        """
        try:
            plain: dict[str, Any] = json.loads(text)
            plain.pop("format")
            plain["players"] = tuple(PlayerRow(**row) for row in plain["players"])
            plain["lines"] = tuple((t2i, i2t) for t2i, i2t in plain["lines"])
            plain["prompts"] = tuple(
                Prompt(**(row | {"image": read_picture(row["image"]) if row["image"] else None}))
                for row in plain["prompts"]
            )
            return cls(**plain)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreDamaged(
                f"The description of the run cannot be read ({error}): restore it from a copy."
            ) from error


@dataclass(frozen=True)
class GameRow:
    """One game of a run."""

    key: str
    """Full hash of what decides the game."""
    conversation: str
    """Its short name, unique in the run."""
    t2i: str
    """Address of the player that draws."""
    i2t: str
    """Address of the player that describes."""
    prompt_id: str
    seed: int
    repeat: int = 0


@dataclass(frozen=True)
class Tail:
    """Where a game stands on disk."""

    steps: int = 0
    """Number of hops written."""
    outcome: Outcome = Outcome.OK
    """How the last one ended."""
    result: str | None = None
    """Content hash of what the last one made."""


@dataclass(frozen=True)
class Score:
    """What a judge says of one artefact compared with another."""

    subject: str
    """Content hash of what is judged."""
    reference: str
    """Content hash of what it is compared with, as a rule the prompt's."""
    name: str
    """`distance`, or the name of a fact."""
    value: float | None
    """None is unscored, which is not 0; the detail says why."""
    detail: Any = None
    """Anything that JSON can hold."""


@dataclass(frozen=True)
class Problem:
    """Something that `verify` found."""

    where: str
    """A file, or a game and a step."""
    what: str
    """One sentence."""
    grave: bool = True
    """False for leftovers that harm nothing, such as the picture of a call that was cut off before its row."""


def _picture_hash(prompt: Prompt) -> str | None:
    return None if prompt.image is None else content_hash(prompt.image)
