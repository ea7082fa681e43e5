"""From a run to what its report says: the one place where the report asks the analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.plots import short_names
from telephone.report.games import games_of
from telephone.report.html import sections, sentences
from telephone.report.html.findings import findings
from telephone.report.html.page import write_page
from telephone.report.html.report_data import AnswerText, Board, ReportData, VarianceShare, board

if TYPE_CHECKING:
    from telephone.analysis import Leaderboard, RunSummary, VarianceShares
    from telephone.store import Run

_MAIN = ("distance", "final")
_MORE = (("recall", "final"), ("distance", "mean"))
"""Measure and time of the leaderboards that are shown, and of those that are folded away."""
_SOURCES = {
    "drawing": "who draws",
    "describing": "who describes",
    "pair": "the pair, beyond its two models",
    "prompt": "the prompt",
    "rest": "the rest, chance among it",
}


def write_report(
    run: Run, path: Path | str | None = None, distance_judge: str | None = None, found: RunSummary | None = None
) -> Path:
    """Writes the report of a run as one HTML file that loads nothing from outside, and returns its path.

    Args:
        run: A run at any stage: unfinished games and missing scores are told as such.
        path: The file; `report.html` in the run's folder if None.
        distance_judge: Part of the name of the judge whose distances are shown; the first one if None.
        found: The run's summary with this judge, if the caller has it already.

    Raises:
        StoreError: the file cannot be written.
    """
    target = Path(path) if path is not None else run.folder / "report.html"
    return write_page(report_data(run, distance_judge, found), target)


def report_data(run: Run, distance_judge: str | None = None, found: RunSummary | None = None) -> ReportData:
    """Returns all that the report of a run says; `found` is its summary with this judge, made if None."""
    from telephone.analysis import summarise

    found = summarise(run, distance_judge) if found is None else found
    description = run.spec
    more = findings(run, found)
    games = tuple(games_of(found.frame, description.turns, run.pictures.path))
    names = short_names([name for game in games for name in (game.t2i, game.i2t)])
    scored = any(one.rankable for one in found.leaderboards) or not found.drift["mean"].isna().all()
    return ReportData(
        title=sentences.title(description, found.counts.planned),
        lead=sentences.lead(description),
        counts=sentences.counts(found.counts),
        answers=tuple(AnswerText(one.question, one.answer, one.significant) for one in found.answers),
        boards=_boards(found.leaderboards, (_MAIN,)) if scored else (),
        more_boards=_boards(found.leaderboards, _MORE) if scored else (),
        shares=_shares(found.variance_shares),
        drift=found.drift,
        facts=found.facts,
        games=games,
        settings=sentences.settings(description, run.judges(), found.frame),
        warnings=(*found.warnings, *(leak.words for leak in more.leaks)),
        yardsticks=sections.yardsticks(more, distance_judge),
        matters=sections.matters(found) if scored else (),
        more_tables=sections.differences(found, names),
        lost=sections.lost(more, names),
        ends=sections.ends(more, names),
        motifs=sections.motifs(more),
        observations=sections.observations(more),
        decides=sections.decides(more, found.levels),
        judged=sections.judged(more, names),
        controls=sections.controls(found, more),
    )


def _boards(found: tuple[Leaderboard, ...], wanted: tuple[tuple[str, str], ...]) -> tuple[Board, ...]:
    return tuple(_board(one) for kind in wanted for one in found if (one.measure.name, one.when) == kind)


def _board(found: Leaderboard) -> Board:
    from telephone.analysis.tables.score_frames import WHENS

    better = "lower keeps more" if found.measure.low_is_best else "higher keeps more"
    measure = f"{found.measure.words}, {WHENS[found.when]}; {better}"
    made = board(found.title, measure, found.table, found.names, share=not found.measure.low_is_best)
    return replace(made, note=found.note)


def _shares(matters: VarianceShares) -> tuple[VarianceShare, ...]:
    rows = matters.shares.to_dict("records")
    return tuple(VarianceShare(_SOURCES[row["source"]], row["share"], row["low"], row["high"]) for row in rows)
