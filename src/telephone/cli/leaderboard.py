"""`telephone leaderboard`: one table of models over all runs under a folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from telephone.cli.compare import Judge, Measure, When
from telephone.cli.formatting import INTERVAL, NARROW_INTERVAL, counted
from telephone.cli.options import Json
from telephone.cli.output import echo, plain, print_json, print_text
from telephone.cli.tables import print_table, score_bar, table

if TYPE_CHECKING:
    from rich.table import Table

    from telephone.analysis import CrossRunLeaderboard

NAME = "leaderboard"
_TITLES = {"t2i": "Text-to-image models", "i2t": "Image-to-text models"}


_SIZES = {"prompts": "n", "games": "games"}
_SHORTER = (
    (INTERVAL, INTERVAL, ("prompts", "games")),
    ("", INTERVAL, ("prompts", "games")),
    ("", INTERVAL, ("prompts",)),
    ("", NARROW_INTERVAL, ("prompts",)),
    ("", NARROW_INTERVAL, ()),
    ("", INTERVAL, ("prompts", "games")),
)
"""Interval of each level and over all levels, and numbers, of ever narrower tables; the last one is for records."""


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Every run under it counts, however deep.", show_default=False)
    ],
    measure: Measure = None,
    when: When = "final",
    judge: Judge = "",
    json: Json = False,
) -> None:
    """Rank all models of all runs under a folder, whatever prompts and partners each of them had."""
    from telephone import pipeline

    found = pipeline.leaderboard(folder, measure or "", when, judge)
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
    if board.table.empty:
        return
    full, *shorter = (_table(board, *how) for how in _SHORTER)
    better = "less is better" if board.measure.low_is_best else "more is better"
    full.title = (
        f"{_TITLES[board.side]}  [not bold dim]{board.measure.words}, adjusted for partners and prompts; {better}[/]"
    )
    print_table(full, *shorter, lead=2)
    echo()


def _table(board: "CrossRunLeaderboard", each: str, last_column: str, sizes: tuple[str, ...]) -> "Table":
    """Returns a row a model.

    Args:
        board: one side.
        each: form of the interval of each level; empty for none.
        last_column: form of the interval over all levels.
        sizes: the last columns: `prompts`, `games`.
    """
    levels = board.levels
    made = table("", "model", *levels, *sizes, numbers=("", *levels, *sizes), names=("model",))
    rows = {str(model): own.to_dict("records") for model, own in board.table.groupby("model", sort=False)}
    shown = {model: {row["level"]: row for row in own} for model, own in rows.items()}
    last = {model: cells.get(levels[-1]) or list(cells.values())[-1] for model, cells in shown.items()}
    largest = max(row["mean"] for row in last.values()) if board.measure.low_is_best else 1.0
    group = 0
    for model, cells in shown.items():
        main = last[model]
        if main["group"] > group:
            made.add_section()
            group = main["group"]
        values = [_cell(cells.get(level), each) for level in levels[:-1]]
        values.append(_cell(cells.get(levels[-1]), last_column))
        name = f"[bold]{plain(model)}[/]\n[cyan]{score_bar(main['mean'], largest)}[/]"
        made.add_row(_rank(main), name, *values, *(str(main[_SIZES[size]]) for size in sizes))
    return made


def _rank(row: dict[Any, Any]) -> str:
    low, high = row["rank_low"], row["rank_high"]
    if low != low:
        return "–"
    return f"{low:.0f}" if low == high else f"{low:.0f}–{high:.0f}"


def _cell(row: dict[Any, Any] | None, interval: str) -> str:
    if row is None or row["mean"] != row["mean"]:
        return "–"
    if not interval or row["low"] != row["low"]:
        return f"{row['mean']:.2f}"
    return f"{row['mean']:.2f}\n[dim]{interval.format(*(f'{row[name]:.2f}' for name in ('low', 'high')))}[/]"
