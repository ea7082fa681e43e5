"""Plain data that a run folder holds beside its specification: games, spending, scorers, scores and problems."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from telephone.core.records import Outcome
from telephone.core.seeds import digest


@dataclass(frozen=True, slots=True)
class GameRow:
    """One game of a run."""

    key: str
    """Full hash of everything that decides the game."""
    conversation: str
    """Its short name, unique in the run."""
    t2i: str
    """Address of the text-to-image model."""
    i2t: str
    """Address of the image-to-text model."""
    prompt_id: str
    seed: int
    repeat: int = 0


@dataclass(frozen=True)
class GameProgress:
    """How far a game has been played."""

    steps: int = 0
    """Number of hops written."""
    outcome: Outcome = Outcome.OK
    """Outcome of the last hop."""
    result: str | None = None
    """Content hash of the result of the last hop."""


class ScorerKind(StrEnum):
    """What the scores of a scorer mean."""

    DISTANCE = "distance"
    """Distance of a text to the words of the prompt."""
    TEXT_FACTS = "text_facts"
    """Facts of the prompt that a text keeps, counted."""
    IMAGE_FACTS = "image_facts"
    """Facts of the prompt that an image keeps, counted."""
    FLOOR = "floor"
    """Distance between two good renderings of one prompt: the smallest distance that can be expected."""
    REPEAT_CAPTION = "repeat_caption"
    """A second caption of an image by the same model."""
    OMISSION_PROBE = "omission_probe"
    """Answers of an image-to-text model about facts that its caption omits."""
    OPINION = "opinion"
    """Answers of a model to yes-or-no questions about an image."""
    IMAGE_DISTANCE = "image_distance"
    """Distance between two images of a game, of pixels and of objects."""
    VOTE = "vote"
    """Which of two images shows more of the prompt, by a model or a person."""
    CALIBRATION = "calibration"
    """What the distances of a judge mean: its measured share of facts kept, by distance."""


COLUMN_KINDS = (ScorerKind.DISTANCE, ScorerKind.TEXT_FACTS, ScorerKind.IMAGE_FACTS, ScorerKind.OPINION)
"""The kinds of scorers whose scores are columns of `Run.frame()`."""


@dataclass(frozen=True)
class ScorerRow:
    """A scorer that has written scores into a run."""

    kind: ScorerKind
    name: str
    """For people; part of the names of columns."""
    fingerprint: str = ""
    """Hash of everything that decides its scores."""
    model: str = ""
    """Address or name of the model behind it; empty if there is none."""

    @property
    def identity(self) -> str:
        """Name and fingerprint, as in the columns of exports."""
        return _identity(self.name, self.fingerprint)


@dataclass(frozen=True)
class EmbedderRow:
    """An embedder that has written vectors into a run."""

    name: str
    fingerprint: str = ""
    """Hash of its weights, preprocessing and options."""

    @property
    def identity(self) -> str:
        """Name and fingerprint."""
        return _identity(self.name, self.fingerprint)


_FLOOR_LABEL = ("yardstick", 1)
"""Part of stored fingerprints: never change it."""


def floor_scorer(embedder: EmbedderRow) -> ScorerRow:
    """Returns the scorer under which the floors of an embedder are kept."""
    fingerprint = digest(*_FLOOR_LABEL, embedder.fingerprint)
    return ScorerRow(ScorerKind.FLOOR, f"floor of {embedder.name}", fingerprint, embedder.name)


@dataclass(frozen=True)
class Score:
    """One number about one artefact compared with another, or the reason why there is none."""

    subject: str
    """Content hash of the scored artefact."""
    reference: str
    """Content hash of what it is compared with, as a rule the prompt's."""
    kind: str
    """What the number is, such as `distance` or `facts_recall`."""
    value: float | None
    """None is unscored, which is not 0."""
    unscored: str = ""
    """Why there is no value; empty if there is one."""
    detail: Any = None
    """Anything that JSON can hold."""
    item: int = 0
    """Number of the fact or question, where a pair of artefacts has several scores of one kind."""

    def __post_init__(self) -> None:
        """Checks that there is a value or a reason, not both.

        Raises:
            ValueError: there is a value and a reason why there is none.
        """
        if self.value is not None and self.unscored:
            raise ValueError(f"A score of {self.value} cannot be unscored as well ({self.unscored}).")


@dataclass(frozen=True)
class ScoreColumn:
    """What a column of `Run.frame()` holds."""

    scorer: ScorerRow
    kind: str
    """The kind of the scores."""
    first: bool
    """Whether no earlier scorer has a column of this kind; if not, the column's name ends in `@` and the scorer."""
    of_images: bool
    """Whether images are scored, and not texts."""


@dataclass(frozen=True)
class Problem:
    """Something that `verify` found."""

    where: str
    """A file, or a game and a step."""
    what: str
    """One sentence."""
    grave: bool = True
    """False for harmless leftovers, such as the image of a call that was killed before its row was written."""


def _identity(name: str, fingerprint: str) -> str:
    return f"{name} #{fingerprint}" if fingerprint else name
