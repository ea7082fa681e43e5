"""How a battle is played and judged: judges, report, budget and limits."""

from dataclasses import dataclass
from pathlib import Path

from telephone.battle import Limits


@dataclass(frozen=True)
class PlayOptions:
    """Options of one call of `play` or `resume`; they do not change what a game gives."""

    embedders: tuple[str, ...] = ()
    """Addresses of the embedders that measure distances; none takes the multilingual Universal Sentence
    Encoder, and CLIP for prompts of the pocket world.
    """
    report: bool = True
    """Whether `report.html` is written into the run's folder."""
    retry_failed: bool = False
    """Whether games that ended with a failed or refused call are continued."""
    budget: float | None = None
    """US dollars for the whole run, earlier calls of `play` and `resume` included; None is no limit."""
    allow_unknown_cost: bool = False
    """Whether models of unknown price may be called under a budget."""
    in_flight: int | None = None
    """Simultaneous calls to one service at most; None is what the service allows."""

    def limits(self) -> Limits:
        """Returns the limits for the engine."""
        return Limits(in_flight=self.in_flight)


@dataclass(frozen=True)
class JudgeOptions:
    """What `judge` measures beside the facts of texts and images."""

    embedders: tuple[str, ...] = ()
    """Addresses of embedders; none takes the default ones of the run."""
    questions: int = 0
    """Questions to each image-to-text model, at most, about facts that it left out."""
    repeat_captions: int = 0
    """Images that each image-to-text model describes a second time, at most."""
    opinion: str | None = None
    """Address of a model that answers yes-or-no questions about prompts outside the pocket world."""
    images: bool = False
    """Whether images are compared with earlier images of their games, by pixels and by objects."""
    calibrate: bool = False
    """Whether the calibrated similarity of each embedder is measured and stored in the run."""
    votes: str | None = None
    """Address of a model that votes on pairs of last images, or the path of a JSON file with votes of a person."""
    vote_page: Path | None = None
    """Where a page is written on which a person votes; None writes none."""
