"""What the functions of the pipeline return, and the events that they report while they work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.battle import Event as EngineEvent
from telephone.battle import Forecast
from telephone.store import Problem, RunSpec

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis import RunSummary
    from telephone.battle import RunResult
    from telephone.judge import Scored


@dataclass(frozen=True)
class PlannedRun:
    """What `play` or `resume` would do."""

    folder: Path
    spec: RunSpec
    """What the run is afterwards, earlier games included."""
    started: bool
    """Whether the run exists already."""
    forecast: Forecast
    """Calls, cost and time of what is left to play."""

    @property
    def games(self) -> int:
        """Number of games, finished ones included."""
        return len(self.spec.lines) * len(self.spec.prompts) * self.spec.repeats


@dataclass(frozen=True)
class DistanceJudging:
    """Which judge measured the distances that tables and report show."""

    scored: tuple[Scored, ...] = ()
    """One entry a judge, facts included."""
    identity: str | None = None
    """The judge of distances, with its fingerprint; None if it scored nothing."""
    missing: str = ""
    """Why distances are missing; empty if they are not."""


@dataclass(frozen=True)
class PlayResult:
    """A run after `play` or `resume`."""

    folder: Path
    run: RunResult
    """How the games stand, and what the calls cost."""
    judging: DistanceJudging
    summary: RunSummary | None
    """Leaderboards and answers; None if the games were interrupted, because nothing is judged then."""
    report: Path | None
    """The report's file; None if none was written."""

    @property
    def interrupted(self) -> bool:
        """Whether the games were stopped; `resume` continues them."""
        return self.run.interrupted

    @property
    def complete(self) -> bool:
        """Whether every game was played to its last turn and judged."""
        return not (self.run.failed or self.run.refused or self.run.unfinished or self.judging.missing)


@dataclass(frozen=True)
class JudgeResult:
    """A run after `judge`."""

    folder: Path
    scored: tuple[Scored, ...]
    """One entry a judge."""
    agreement: pd.DataFrame
    """How alike two judges order models and pairs, as `telephone.analysis.rank_agreement`."""
    fact_check: pd.DataFrame
    """How well each embedder follows the exact facts, as `telephone.analysis.fact_correlation`."""
    retrieval: pd.DataFrame
    """Bits by which captions identify prompts, by embedder and turn, as `telephone.analysis.caption_retrieval_bits`."""
    omissions: pd.DataFrame
    """Facts that image-to-text models left out, and what they answer when asked; empty if none was asked."""
    questions: dict[str, int] | None
    """New answers by address of the model; None if no question was to be asked."""
    missing: str
    """Why not every model could be asked; empty if it could."""
    warnings: tuple[str, ...]
    """Sentences on scores that rise along a game, which they cannot do in a fair run."""


@dataclass(frozen=True)
class ReportResult:
    """A report on disk."""

    folder: Path
    """The run's."""
    path: Path
    """The HTML file."""


@dataclass(frozen=True)
class VerifyResult:
    """What a check of a run's folder found."""

    folder: Path
    problems: tuple[Problem, ...]

    @property
    def damage(self) -> tuple[Problem, ...]:
        """The problems that change what was written; the others are harmless."""
        return tuple(problem for problem in self.problems if problem.grave)

    @property
    def ok(self) -> bool:
        """Whether nothing is damaged."""
        return not self.damage


@dataclass(frozen=True)
class TableExport:
    """A table of turns in one file."""

    path: Path
    rows: int
    columns: int


@dataclass(frozen=True)
class ImageFolderExport:
    """A Hugging Face image folder."""

    path: Path
    images: int
    left_out: int
    """Turns without an image."""


@dataclass(frozen=True)
class DriftExport:
    """Folders for the published drift scorer."""

    path: Path
    lines: int
    games: int
    generations: int
    left_out: int
    """Games that were not played to their last turn."""


@dataclass(frozen=True)
class MggExport:
    """Folders for the published scorer of multi-generation GenEval."""

    path: Path
    lines: int
    games: int
    left_out: int
    """Games that are incomplete, begin with an image, or whose prompt has words outside the pocket world."""


@dataclass(frozen=True)
class PreferenceExport:
    """Pairs of answers to the same input, with the one that keeps more."""

    path: Path
    pairs: int
    ties: int
    unscored: int
    """Answers without a score, which are in no pair."""


@dataclass(frozen=True)
class FiftyOneExport:
    """A persistent FiftyOne dataset."""

    name: str
    added: int
    renewed: int
    """Samples that were in the dataset and were written again."""
    left_out: int
    """Turns without an image."""
    vectors: tuple[str, ...]
    """Fields that hold vectors; none if the run was not judged."""


ExportResult = TableExport | ImageFolderExport | DriftExport | MggExport | PreferenceExport | FiftyOneExport


@dataclass(frozen=True)
class ForecastReady:
    """Calls, cost and time are estimated; nothing was called or written yet."""

    forecast: Forecast
    budget: float | None
    """US dollars, as in the options."""


@dataclass(frozen=True)
class RunOpened:
    """The run's folder is there; games start next."""

    folder: Path
    spec: RunSpec


@dataclass(frozen=True)
class JudgeProgress:
    """A judge has scored some of its cases."""

    judge: str
    done: int
    total: int


Event = ForecastReady | RunOpened | EngineEvent | JudgeProgress
Progress = Callable[[Event], None]
"""Called with each event, in the calling thread."""


def ignore(event: Event) -> None:
    """Is the callback where the caller gives none."""
