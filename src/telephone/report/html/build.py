"""Collects what the report of a run shows; the only module of the report that calls the analysis of a whole run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.plots import short_names
from telephone.report.games import games_of
from telephone.report.html import sections, sentences
from telephone.report.html.chosen_games import opening_game
from telephone.report.html.figures import FigureContext, figure_tables
from telephone.report.html.findings import collect_findings
from telephone.report.html.page import write_page
from telephone.report.html.report_data import (
    AnswerText,
    LeaderboardTable,
    ReportData,
    VarianceShare,
    leaderboard_table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telephone.analysis import Leaderboard, QuestionAnswer, RunSummary, VarianceShares
    from telephone.store import Run

_OTHERS = ("recall", "similarity", "distance", "complete", "f1")
"""Measures whose leaderboards are folded away where another measure answers the questions."""
_SOURCES = {
    "drawing": "text-to-image model",
    "describing": "image-to-text model",
    "prompt": "prompt",
    "chance": "chance",
}


def write_report(
    run: Run, path: Path | str | None = None, distance_judge: str | None = None, summary: RunSummary | None = None
) -> Path:
    """Writes the report of a run as one HTML file that loads nothing from the network, and returns its path.

    Args:
        run: A run at any stage; unfinished games and missing scores are reported as such.
        path: The file; `report.html` in the run's folder if None.
        distance_judge: Part of the name of the judge whose distances are shown; the first one if None.
        summary: The summary of the run for this judge; computed if None.

    Raises:
        UsageError: no judge, or more than one, has such a name.
        StoreError: the file cannot be written.
    """
    target = Path(path) if path is not None else run.folder / "report.html"
    return write_page(collect_report(run, distance_judge, summary), target)


def collect_report(run: Run, distance_judge: str | None = None, summary: RunSummary | None = None) -> ReportData:
    """Returns everything that the report of a run shows; arguments as for `write_report`."""
    from telephone.analysis import summarise

    summary = summary or summarise(run, distance_judge)
    findings, spec = collect_findings(run, summary, distance_judge), run.spec
    games = tuple(games_of(summary.frame, spec.turns, run.images.path))
    opening = opening_game(games)
    names = short_names([name for game in games for name in (game.t2i, game.i2t)])
    scored = any(each.rankable for each in summary.leaderboards) or not summary.drift["mean"].isna().all()
    return ReportData(
        title=sentences.title(spec, summary.counts.planned),
        subtitle=sentences.subtitle(spec),
        counts=sentences.counts(summary.counts),
        answers=tuple(_answer(each) for each in summary.answers),
        measure=summary.primary.words,
        leaderboards=_leaderboards(summary, [(summary.primary.name, "final")]) if scored else (),
        folded_leaderboards=_leaderboards(summary, _folded(summary)) if scored else (),
        variance_shares=_variance_shares(summary.variance_shares),
        figures=figure_tables(FigureContext(run, summary, findings, opening.game if opening else None)),
        games=games,
        settings=sentences.settings(spec, [row.identity for row in run.scorers()], summary.frame),
        warnings=(*summary.warnings, *(leak.words for leak in findings.leaks)),
        answer_details=sections.answer_details(summary) if scored else (),
        comparisons=sections.comparisons(summary, names),
        losses=sections.losses(findings, names),
        endings=sections.endings(findings, names),
        motifs=sections.motifs(findings),
        observations=sections.observations(findings),
        judge_checks=sections.judge_checks(findings, names),
        controls=sections.controls(summary, findings),
    )


def _answer(found: QuestionAnswer) -> AnswerText:
    verdict = "Not settled by this run" if not found.significant else "Answered"
    alone = found.significant and found.measure == "distance"
    return AnswerText(
        found.question, found.answer, found.significant, f"{verdict} by distance alone" if alone else verdict
    )


def _folded(summary: RunSummary) -> list[tuple[str, str]]:
    """Returns measure and time of the leaderboards that are folded away."""
    others = [(name, "final") for name in _OTHERS if name != summary.primary.name]
    return [*others, (summary.primary.name, "mean")]


def _leaderboards(summary: RunSummary, wanted: Sequence[tuple[str, str]]) -> tuple[LeaderboardTable, ...]:
    return tuple(
        _leaderboard(each) for kind in wanted for each in summary.leaderboards if (each.measure.name, each.when) == kind
    )


def _leaderboard(board: Leaderboard) -> LeaderboardTable:
    from telephone.analysis.tables.score_frames import WHENS

    better = "lower is better" if board.measure.low_is_best else "higher is better"
    measure = f"{board.measure.words}, {WHENS[board.when]}; {better}"
    made = leaderboard_table(board.title, measure, board.table, board.names, share=board.measure.limits == (0.0, 1.0))
    return replace(made, note=board.note)


def _variance_shares(found: VarianceShares) -> tuple[VarianceShare, ...]:
    """Returns the Shapley shares, which are those that the answer states."""
    rows = found.shapley.to_dict("records")
    return tuple(VarianceShare(_SOURCES[row["source"]], row["share"], row["low"], row["high"]) for row in rows)
