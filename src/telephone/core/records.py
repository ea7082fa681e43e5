"""The records that every package shares: prompts, artefacts, requests, calls and hops. Plain data."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Literal

from telephone._moved import renamed
from telephone.core.seeds import content_hash, digest

__getattr__ = renamed(__name__)

Level = Literal["easy", "medium", "hard", "impossible"]
LEVELS: tuple[Level, ...] = ("easy", "medium", "hard", "impossible")

Kind = Literal["image", "text"]
"""What an artefact is."""

Noise = Literal["fresh", "fixed"]
"""Where the seeds of a game come from: `fresh` gives every turn a seed of its own, `fixed` all turns the same."""
NOISES: tuple[Noise, ...] = ("fresh", "fixed")

Task = Literal["text2image", "image2text", "edit"]
"""What a call does."""

RESULT_KIND: Mapping[Task, Kind] = {"text2image": "image", "image2text": "text", "edit": "image"}
"""The kind of artefact that each task makes."""
TASK_OF: Mapping[Kind, Task] = {"image": "text2image", "text": "image2text"}
"""The task of a game that makes each kind of artefact."""

EditInput = Literal["image", "text", "mask", "reference"]
"""What a parent of an edit is; the option `inputs` of its request lists them, comma-separated."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What starts a game: a text, or an image for an image-first chain."""

    text: str
    """The sentence; for an image-first prompt a label for readers, never shown to a model."""
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
    """How a call ended. A failure is a row, not an exception."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Artefact:
    """What a call takes or makes: bytes only, no metadata and no history."""

    kind: Kind
    data: bytes
    """UTF-8 text, or PNG bytes."""

    @classmethod
    def known(cls, kind: Kind, data: bytes, sha256: str) -> "Artefact":
        """Returns an artefact whose content hash has been computed already."""
        made = cls(kind, data)
        made.__dict__["sha256"] = sha256
        return made

    @cached_property
    def sha256(self) -> str:
        """The content hash in 64 hexadecimal digits; computed once."""
        return content_hash(self.data)

    @property
    def text(self) -> str:
        """The text of a text artefact."""
        return self.data.decode()


@dataclass(frozen=True, slots=True)
class Request:
    """A model call that is wanted: everything that decides its result, and nothing else."""

    model: str
    """Address of the model, such as `pocket/blip`."""
    fingerprint: str
    """Fingerprint that the model is expected to have."""
    task: Task
    parents: tuple[Artefact, ...]
    """Inputs of the model: one text for `text2image`, one image for `image2text`; for `edit` those that the option
    `inputs` names, in its order."""
    seed: int
    """In [0, 2**32)."""
    key: str
    """What `request_key` returns. Requests of equal keys are answered by one call."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of this call alone; those of the model are part of its address."""

    @property
    def kind(self) -> Kind:
        """The kind of artefact that is wanted."""
        return RESULT_KIND[self.task]

    @property
    def parent(self) -> Artefact:
        """The first input."""
        return self.parents[0]


def request_key(
    kind: Kind,
    fingerprint: str,
    parents: Sequence[str],
    *,
    seed: int | None,
    repeat: int = 0,
    draw: int | None = None,
    options: Mapping[str, str] | None = None,
) -> str:
    """Returns the key of a request, 64 hexadecimal digits.

    Args:
        kind: what is wanted.
        fingerprint: of the model.
        parents: content hashes of its inputs.
        seed: of the call; None for a model that takes no seed.
        repeat: number of the repetition, which tells apart the calls of a model that takes no seed.
        draw: tells apart the calls of a model that takes no seed and is asked again at every turn; None where equal
            inputs are asked about once a repeat.
        options: of this call.
    """
    which: tuple[object, ...] = ("seed", seed)
    if seed is None:
        which = ("repeat", repeat) if draw is None else ("draw", draw)
    more = ("options", *sorted(options.items())) if options else ()
    return digest("ask", kind, fingerprint, *parents, *which, *more)


@dataclass(frozen=True, slots=True)
class Call:
    """A model call that has ended, however it ended."""

    request: Request
    outcome: Outcome
    result: Artefact | None = None
    """What the model made; None unless the outcome is ok."""
    reason: str = ""
    """Why it was refused or failed, in one sentence."""
    raw: str = ""
    """What the provider returned beside the result, or the last lines of the traceback; cut to a sensible length."""
    started: float = 0.0
    """Seconds since the epoch, UTC; for people, never part of a key."""
    seconds: float = 0.0
    """Wall-clock seconds of the call (a batch's time divided by its size)."""
    attempts: int = 1
    """Calls of the model for this request; above 1 where some had no answer."""
    cost: float | None = None
    """US dollars of the attempts whose cost is known; None where none is known, which is not 0."""
    unpriced: int = 0
    """Attempts of unknown cost beside those that `cost` covers; not counted where `cost` is None."""
    tokens_cut: int = 0
    """Tokens of the text that the model's encoder could not take."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a game: a call, made for this step or shared with an equal request."""

    game: str
    """Key of the game, a full hash."""
    step: int
    """Number of the hop in its game, from 0."""
    call: Call
    shared: bool = False
    """Whether the call was made for another hop."""

    @property
    def turn(self) -> int:
        """Number of the turn, from 0: a turn is two hops."""
        return self.step // 2

    @property
    def request(self) -> Request:
        """The request of the call."""
        return self.call.request

    @property
    def outcome(self) -> Outcome:
        """How the call ended."""
        return self.call.outcome

    @property
    def result(self) -> Artefact | None:
        """What the model made; None unless the outcome is ok."""
        return self.call.result

    @property
    def reason(self) -> str:
        """Why the call was refused or failed."""
        return self.call.reason

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the call; 0 if it was made for another hop."""
        return 0.0 if self.shared else self.call.seconds

    @property
    def attempts(self) -> int:
        """Calls of the model; 0 if they were made for another hop."""
        return 0 if self.shared else self.call.attempts

    @property
    def cost(self) -> float | None:
        """US dollars, None if unknown; 0 if they were paid for another hop."""
        return 0.0 if self.shared else self.call.cost


@dataclass(frozen=True)
class WriteOff:
    """Calls for which no `Call` will be recorded: they had no answer, or none that was waited for."""

    model: str
    """Address."""
    calls: int
    cost: float | None
    """US dollars of all of them, None if unknown."""
    key: str = ""
    """Key of the request whose reservation ends with it, empty if there is none."""


@dataclass(frozen=True)
class Spending:
    """What the calls of one model have cost and how long they took, over all sessions of a run."""

    model: str
    """Address."""
    calls: int = 0
    known: float = 0.0
    """US dollars of the calls whose cost is known."""
    unknown: int = 0
    """Number of the calls whose cost is unknown, which is not 0."""
    highest: float | None = None
    """US dollars of the dearest call; None if no cost is known."""
    seconds: float | None = None
    """Mean seconds of the calls that went well; None if there is none."""

    @property
    def mean(self) -> float | None:
        """Mean US dollars of the calls whose cost is known; None if there is none."""
        priced = self.calls - self.unknown
        return self.known / priced if priced and self.highest is not None else None

    def plus(self, calls: int, cost: float | None, unpriced: int = 0) -> "Spending":
        """Returns the sum with more calls.

        Args:
            calls: number of the calls.
            cost: US dollars, None if the cost of all of them is unknown.
            unpriced: how many of them `cost` does not cover.
        """
        unknown = calls if cost is None else unpriced
        known, highest = self.known, self.highest
        if cost is not None and calls > unknown:
            each = cost / (calls - unknown)
            known, highest = known + cost, each if highest is None else max(highest, each)
        return replace(self, calls=self.calls + calls, known=known, unknown=self.unknown + unknown, highest=highest)
