"""`telephone leaderboard`: one table of players over all runs under a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.compare import Judge, Measure, When
from telephone.cli.options import Json
from telephone.cli.output import plain, print_json, print_table, print_text, say, table
from telephone.cli.parsing import counted
from telephone.core.errors import UsageError

if TYPE_CHECKING:
    from telephone.analysis.tables.cross_run_leaderboard import CrossRunLeaderboard

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
    """Rank all players of all runs under a folder, whatever prompts and partners each of them met."""
    from telephone.analysis.tables.cross_run_leaderboard import cross_run_leaderboard, pool_games
    from telephone.store import Run

    paths = sorted(path.parent for path in folder.rglob("run.sqlite"))
    if not paths:
        raise UsageError(f"There is no run under {folder}: give the folder that holds the folders of runs.")
    runs: dict[str, Run] = {}
    try:
        for path in paths:
            runs[str(path.relative_to(folder)) if path != folder else path.resolve().name] = Run.open(path)
        pool = pool_games(runs, measure, judge)
    finally:
        for run in runs.values():
            run.close()
    boards = [cross_run_leaderboard(pool.games, side, measure, when) for side in ("t2i", "i2t")]
    if json:
        print_json({
            "judge": pool.judge, "runs": pool.runs, "notes": pool.notes,
            "boards": [_as_json(board) for board in boards],
        })  # fmt: skip
        return
    for board in boards:
        _print(board)
    say(f"{counted(len(pool.games), 'game')} of {counted(len(pool.runs), 'run')}.")
    for note in dict.fromkeys((*pool.notes, *(board.note for board in boards if board.note))):
        print_text(f"[yellow]Note:[/] {plain(note)}")


def _as_json(board: "CrossRunLeaderboard") -> dict[str, Any]:
    head = {"side": board.side, "measure": board.measure.name, "when": board.when, "note": board.note}
    return head | {"rows": board.table.to_dict("records")}


def _print(board: "CrossRunLeaderboard") -> None:
    found = board.table
    if found.empty:
        return
    levels = list(dict.fromkeys(found["level"]))
    made = table("", "model", *levels, "prompts", "games", numbers=("", *levels, "prompts", "games"))
    better = "less is better" if board.measure.low_is_best else "more is better"
    made.title = f"{_TITLES[board.side]}  [not bold dim]{board.measure.words}, partners and prompts even; {better}[/]"
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
    say()


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
