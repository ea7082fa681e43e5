"""`telephone leaderboard`: one table of models over all runs under a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.compare import Judge, Measure, When
from telephone.cli.formatting import counted
from telephone.cli.options import Json
from telephone.cli.output import echo, plain, print_json, print_table, print_text, table

if TYPE_CHECKING:
    from telephone.analysis import CrossRunLeaderboard

NAME = "leaderboard"
_TITLES = {"t2i": "Text-to-image models", "i2t": "Image-to-text models"}


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Every run under it counts, however deep.", show_default=False)
    ],
    measure: Measure = "distance",
    when: When = "final",
    judge: Judge = "",
    json: Json = False,
) -> None:
    """Rank all models of all runs under a folder, whatever prompts and partners each of them had."""
    from telephone import pipeline

    found = pipeline.leaderboard(folder, measure, when, judge)
    if json:
        print_json({
            "judge": found.judge, "runs": found.runs, "notes": found.pool_notes,
            "boards": [_as_json(board) for board in found.boards],
        })  # fmt: skip
        return
    for board in found.boards:
        _print(board)
    echo(f"{counted(found.games, 'game')} of {counted(len(found.runs), 'run')}.")
    for note in found.notes:
        print_text(f"[yellow]Note:[/] {plain(note)}")


def _as_json(board: "CrossRunLeaderboard") -> dict[str, Any]:
    head = {"side": board.side, "measure": board.measure.name, "when": board.when, "note": board.note}
    return head | {"rows": board.table.to_dict("records")}


def _print(board: "CrossRunLeaderboard") -> None:
    found = board.table
    if found.empty:
        return
    levels = board.levels
    made = table("", "model", *levels, "prompts", "games", numbers=("", *levels, "prompts", "games"))
    better = "less is better" if board.measure.low_is_best else "more is better"
    made.title = (
        f"{_TITLES[board.side]}  [not bold dim]{board.measure.words}, adjusted for partners and prompts; {better}[/]"
    )
    group = 0
    for model, rows in found.groupby("model", sort=False):
        cells = {row["level"]: row for row in rows.to_dict("records")}
        last = cells.get(levels[-1]) or list(cells.values())[-1]
        if last["group"] > group:
            made.add_section()
            group = last["group"]
        shown = [_cell(cells.get(level)) for level in levels]
        made.add_row(_rank(last), f"[bold]{plain(str(model))}[/]", *shown, str(last["n"]), str(last["games"]))
    print_table(made)
    echo()


def _rank(row: dict[Any, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    if low != low:
        return "–"
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def _cell(row: dict[Any, Any] | None) -> str:
    if row is None or row["mean"] != row["mean"]:
        return "–"
    interval = f"\n[dim]{row['low']:.2f} to {row['high']:.2f}[/]" if row["low"] == row["low"] else ""
    return f"{row['mean']:.2f}{interval}"
