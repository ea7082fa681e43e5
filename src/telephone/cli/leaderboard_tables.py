"""Leaderboards, answers and warnings of a run in a terminal and in JSON documents."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from telephone.cli.leaderboard_rows import print_board
from telephone.cli.output import echo, plain, print_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telephone.analysis import Leaderboard, RunSummary


def print_boards(summary: "RunSummary") -> None:
    """Writes the leaderboards after the last turn, the answers and the warnings of a run to stdout."""
    shown = _worth_showing(summary.leaderboards, {summary.primary.name, "distance"})
    for board in shown:
        print_board(board)
        echo()
    if shown:
        echo("Below means: 95 % intervals; below ranks: intervals adjusted for all models.")
        echo("wins: the share of resampled battles in which a model is first, which is no test.")
        echo()
    for answer in summary.answers:
        print_text(f"[bold]{answer.question}[/] {plain(answer.answer)}")
    echo()
    for warning in summary.warnings:
        print_text(f"[yellow]Note:[/] {plain(warning)}")


def boards_json(summary: "RunSummary") -> dict[str, Any]:
    """Returns the summary for a JSON document; NaN becomes null there."""
    return {
        "counts": asdict(summary.counts),
        "answers": [
            {"question": each.question, "answer": each.answer, "told": each.significant, "measure": each.measure}
            for each in summary.answers
        ],
        "warnings": list(summary.warnings),
        "judges": list(summary.judges),
        "boards": [
            {
                "side": board.side,
                "measure": board.measure.name,
                "when": board.when,
                "note": board.note,
                "rows": board.table.to_dict("records"),
            }
            for board in summary.leaderboards
        ],
    }


def _worth_showing(boards: "Iterable[Leaderboard]", measures: set[str]) -> "list[Leaderboard]":
    """Leaves out boards without numbers, and boards with the same content as another one; the report has them all."""
    final = [board for board in boards if board.when == "final" and board.measure.name in measures]
    scored = [board for board in final if board.table["mean"].notna().any()]
    alone = {board.side for board in scored if len(board.overall) == 1}
    # With one model on a side, the pairs are the models of the other side; a pair alone is both sides.
    duplicates = alone - {"pair"} if "pair" in alone or not alone else {*alone, "pair"}
    return [board for board in scored if board.side not in duplicates]
