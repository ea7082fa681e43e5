"""What a report says, as plain data: made from a run in one place, laid out by templates in another."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.plots import short_names
from telephone.report.games import PlayedGame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Count:
    """A number with the words that follow it, such as 120 and `games planned`."""

    number: int
    words: str
    alarming: bool = False
    """True for what a reader should not overlook, such as failed games."""


@dataclass(frozen=True)
class AnswerText:
    """One of the three questions and what this run says about it."""

    question: str
    answer: str
    """A sentence, with its interval; or why it cannot be told."""
    told: bool = True
    """False where this run cannot tell."""


@dataclass(frozen=True)
class Cell:
    """A mean with its interval; without bounds if there was too little to say."""

    mean: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Number of prompts behind the mean."""


@dataclass(frozen=True)
class BoardRow:
    """A model or a pair, and its score at each level; a level without scores has no cell."""

    names: tuple[str, ...]
    cells: dict[str, Cell]
    rank: str = ""
    """Its rank over all levels, with its interval, such as `1 to 3`; empty if there is nothing to rank."""


@dataclass(frozen=True)
class Board:
    """A leaderboard: the best first, levels side by side, and all levels together never alone."""

    title: str
    measure: str
    """What the numbers are, in words."""
    levels: tuple[str, ...]
    rows: tuple[BoardRow, ...]
    share: bool = False
    """True for shares in [0, 1], shown as percentages; False for distances in [0, 2]."""
    note: str = ""

    @property
    def top(self) -> float:
        """The end of the scale of the small bars."""
        if self.share:
            return 1.0
        ends = [cell.high or cell.mean for row in self.rows for cell in row.cells.values()]
        return max([1.0, *ends])


@dataclass(frozen=True)
class VarianceShare:
    """A part of the differences between games, and what explains it."""

    words: str
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Table:
    """A small table of words: the first column names the rows."""

    title: str
    note: str
    """What the numbers are."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Motif:
    """A kind of end that several games have come to."""

    text: str
    """The description in its middle."""
    picture: Path | None
    size: int
    """Games."""
    share: float
    """Of all games."""
    prompts: int
    pairs: int
    """How many different prompts and pairs lead there."""


@dataclass(frozen=True)
class Observation:
    """An observation of the article, and what this run says of it."""

    said: str
    test: str
    """What is measured, and when it counts as true."""
    verdict: str
    why: str
    """The numbers, or what is lacking."""
    figure: str = ""
    """The number that decides, with its interval; empty where there is none."""


@dataclass(frozen=True)
class ReportPart:
    """A section that some runs have: a heading, what it shows, tables, and figures that the page draws."""

    key: str
    """For links."""
    title: str
    note: str = ""
    tables: tuple[Table, ...] = ()
    figures: tuple[Drawn, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """A figure that is not drawn yet: what to draw, from which table."""

    kind: str
    """survival, losses or importance."""
    table: pd.DataFrame
    by: str
    """The column, or the level, that the figure is about."""
    words: str
    """For the title, and for those who cannot see it."""


@dataclass(frozen=True)
class ReportData:
    """All that a report shows."""

    title: str
    lead: str
    """A sentence or two under the title."""
    counts: tuple[Count, ...]
    answers: tuple[AnswerText, ...]
    boards: tuple[Board, ...]
    """The main leaderboards; `more_boards` are folded away."""
    drift: pd.DataFrame
    """One row a level, pair and turn: `level, t2i_model, i2t_model, step_number, mean`, and perhaps `low, high`."""
    facts: pd.DataFrame
    """The same for the share of facts kept; empty if no prompt states countable facts."""
    games: tuple[PlayedGame, ...]
    settings: tuple[tuple[str, str], ...] = ()
    """How it was played, and with what: pairs of label and value."""
    warnings: tuple[str, ...] = field(default=())
    """Sentences that a reader must know before the numbers."""
    more_boards: tuple[Board, ...] = ()
    shares: tuple[VarianceShare, ...] = ()
    """What explains the differences between games; empty if it cannot be said."""
    matters: tuple[tuple[str, str], ...] = ()
    """More answers to what matters more: pairs of label and words."""
    yardsticks: pd.DataFrame | None = None
    """`level, floor, chance` of the distances that are shown."""
    more_tables: tuple[Table, ...] = ()
    """Tables that are folded away under the leaderboards."""
    lost: ReportPart | None = None
    """Where facts are lost."""
    ends: ReportPart | None = None
    """Where games end."""
    motifs: tuple[Motif, ...] = ()
    observations: tuple[Observation, ...] = ()
    """Those of the article, tested."""
    decides: tuple[Drawn, ...] = ()
    """Figures that belong to them."""
    judged: ReportPart | None = None
    """The judges, checked."""
    controls: tuple[Table, ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """Short names of all players."""
        return short_names([name for game in self.games for name in (game.t2i, game.i2t)])

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that were played, from easy to impossible."""
        return tuple(dict.fromkeys(game.level for game in self.games))


@dataclass(frozen=True)
class Featured:
    """A game worth showing large, and why."""

    why: str
    game: PlayedGame


def featured(games: tuple[PlayedGame, ...]) -> tuple[Featured, ...]:
    """Returns the games that kept most, about half, and least, by the distance after their last turn.

    Games that broke off or are not scored are left out; with fewer than three scored games there are fewer.
    """
    scored = [(game.distance, place) for place, game in enumerate(games) if game.distance is not None]
    ranked = [games[place] for _, place in sorted(scored)]
    if not ranked:
        return ()
    chosen = {"The game that kept most": ranked[0]}
    if len(ranked) > 2:
        chosen["The game in the middle"] = ranked[(len(ranked) - 1) // 2]
    if len(ranked) > 1:
        chosen["The game that lost most"] = ranked[-1]
    return tuple(Featured(why, game) for why, game in chosen.items())


def board(title: str, measure: str, table: pd.DataFrame, names: tuple[str, ...], share: bool = False) -> Board:
    """Returns a leaderboard of a long table.

    Args:
        title: Heading.
        measure: What the numbers are.
        table: Columns `level` and `mean`, those of `names`, and perhaps `low`, `high`, `n`, `rank_low` and `rank_high`,
            one row a level and model, the rows of the best model first. NaN is unscored and gives no cell. Ranks are
            those of the last level of the table.
        names: Columns that name the model or the pair.
        share: True for shares, where more is better.
    """
    rows: dict[tuple[str, ...], dict[str, Cell]] = {}
    for record in table.to_dict("records"):
        key = tuple(str(record[name]) for name in names)
        cells = rows.setdefault(key, {})
        if record["mean"] == record["mean"]:
            low, high, n = (_known(record.get(name)) for name in ("low", "high", "n"))
            cells[str(record["level"])] = Cell(float(record["mean"]), low, high, int(n or 0))
    levels = tuple(dict.fromkeys(str(level) for level in table["level"]))
    ranks = _ranks(table[table["level"] == levels[-1]], names) if levels else {}
    made = tuple(BoardRow(key, cells, ranks.get(key, "")) for key, cells in rows.items())
    return Board(title, measure, levels, made, share)


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
