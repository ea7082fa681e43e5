"""The content of a report as plain data, independent of the run it comes from and of the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from telephone.plots import short_names
from telephone.report.games import PlayedGame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Count:
    """A number with the words after it, such as 120 and `games planned`."""

    number: int
    words: str
    alarming: bool = False
    """True for numbers that a reader should not overlook, such as failed games."""


@dataclass(frozen=True)
class AnswerText:
    """One of the three questions with the answer of this run."""

    question: str
    answer: str
    """A sentence with its interval, or the reason why this run cannot answer."""
    settled: bool = True
    """False if this run cannot answer."""
    verdict: str = "Answered"
    """Whether and by what it is answered, in a few words."""


@dataclass(frozen=True)
class ScoreCell:
    """A mean with its interval; the bounds are None if there is too little data."""

    mean: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Number of prompts."""


@dataclass(frozen=True)
class LeaderboardRow:
    """A model or a pair with its score at each level; a level without scores has no cell."""

    names: tuple[str, ...]
    cells: dict[str, ScoreCell]
    rank: str = ""
    """Interval of its rank over all levels, such as `1 to 3`; empty if it cannot be ranked."""


@dataclass(frozen=True)
class LeaderboardTable:
    """A leaderboard: the best row first, one column for each level."""

    title: str
    measure: str
    """What the numbers are, in words."""
    levels: tuple[str, ...]
    rows: tuple[LeaderboardRow, ...]
    share: bool = False
    """True for shares in [0, 1], shown as percentages; False for distances in [0, 2]."""
    note: str = ""

    @property
    def top(self) -> float:
        """Upper end of the scale of the small bars."""
        if self.share:
            return 1.0
        ends = [cell.high or cell.mean for row in self.rows for cell in row.cells.values()]
        return max([1.0, *ends])


@dataclass(frozen=True)
class VarianceShare:
    """A share of the variance between games, with its part of the interactions, and its source."""

    words: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class TextTable:
    """A small table of texts; the first column names the rows."""

    title: str
    note: str
    """What the numbers are."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Motif:
    """An ending that several games share."""

    text: str
    """The description at the centre of the cluster."""
    image: Path | None
    size: int
    """Number of games."""
    share: float
    """Share of all games, in [0, 1]."""
    prompts: int
    pairs: int
    """Number of different prompts and pairs that lead to it."""


@dataclass(frozen=True)
class Observation:
    """An observation of the article, tested on this run."""

    statement: str
    test: str
    """What is measured, and when the statement counts as true."""
    verdict: str
    reason: str
    """The numbers, or the data that is missing."""
    value: str = ""
    """The deciding number with its interval; empty if there is none."""


@dataclass(frozen=True)
class ReportSection:
    """A section that only some runs have; its figures are registered in `telephone.report.html.figures`."""

    title: str
    note: str = ""
    tables: tuple[TextTable, ...] = ()


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows."""

    title: str
    subtitle: str
    """One or two sentences below the title."""
    counts: tuple[Count, ...]
    answers: tuple[AnswerText, ...]
    measure: str
    """What the answers, the boards and the comparisons of models are measured by, in words."""
    leaderboards: tuple[LeaderboardTable, ...]
    """The main leaderboards; `folded_leaderboards` are folded away."""
    games: tuple[PlayedGame, ...]
    figures: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """The table of each figure by its key in `telephone.report.html.figures.FIGURES`."""
    settings: tuple[tuple[str, str], ...] = ()
    """Settings of the run: pairs of label and value."""
    warnings: tuple[str, ...] = ()
    """Sentences that a reader must know before the numbers."""
    folded_leaderboards: tuple[LeaderboardTable, ...] = ()
    variance_shares: tuple[VarianceShare, ...] = ()
    """Sources of the variance between games; empty if it cannot be estimated."""
    answer_details: tuple[tuple[str, str], ...] = ()
    """Further answers to which side matters more: pairs of label and text."""
    comparisons: tuple[TextTable, ...] = ()
    """Tables that are folded away below the leaderboards."""
    losses: ReportSection | None = None
    endings: ReportSection | None = None
    motifs: tuple[Motif, ...] = ()
    observations: tuple[Observation, ...] = ()
    judge_checks: ReportSection | None = None
    controls: tuple[TextTable, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """Short names of all models."""
        return short_names([name for game in self.games for name in (game.t2i, game.i2t)])

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that were played, from easy to impossible."""
        return tuple(dict.fromkeys(game.level for game in self.games))

    def models(self, side: Literal["t2i", "i2t"]) -> list[str]:
        """Returns the models of a side, sorted by name."""
        return sorted({game.t2i if side == "t2i" else game.i2t for game in self.games})


def leaderboard_table(
    title: str, measure: str, table: pd.DataFrame, names: tuple[str, ...], share: bool = False
) -> LeaderboardTable:
    """Returns a leaderboard made from a long table.

    Args:
        title: Heading.
        measure: What the numbers are.
        table: One row for each level and model, the best model first: `level`, `mean`, the columns of `names`, and
            optionally `low`, `high`, `n`, `rank_low` and `rank_high`. NaN is unscored and gives no cell. Ranks are
            those of the last level of the table.
        names: Columns that name the model or the pair.
        share: True for shares in [0, 1], where higher is better.
    """
    rows: dict[tuple[str, ...], dict[str, ScoreCell]] = {}
    for record in table.to_dict("records"):
        key = tuple(str(record[name]) for name in names)
        cells = rows.setdefault(key, {})
        if record["mean"] == record["mean"]:
            low, high, n = (_known(record.get(name)) for name in ("low", "high", "n"))
            cells[str(record["level"])] = ScoreCell(float(record["mean"]), low, high, int(n or 0))
    levels = tuple(dict.fromkeys(str(level) for level in table["level"]))
    ranks = _ranks(table[table["level"] == levels[-1]], names) if levels else {}
    made = tuple(LeaderboardRow(key, cells, ranks.get(key, "")) for key, cells in rows.items())
    return LeaderboardTable(title, measure, levels, made, share)


def _ranks(table: pd.DataFrame, names: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    ranks = {}
    for record in table.to_dict("records"):
        low, high = (_known(record.get(name)) for name in ("rank_low", "rank_high"))
        if low is not None and high is not None:
            span = f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"
            ranks[tuple(str(record[name]) for name in names)] = span
    return ranks


def _known(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
