"""The leaderboards in a terminal: a row a model, a column a level, every number with its interval and its n."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from telephone.cli.output import echo, plain, print_table, print_text, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from telephone.analysis import Leaderboard, RunSummary

SHOWN = ("distance", "recall")
"""Measures that fit on a screen."""


def print_boards(summary: "RunSummary") -> None:
    """Writes the leaderboards after the last turn, the answers and the warnings of a run to stdout."""
    shown = _worth_showing(summary.leaderboards)
    for board in shown:
        print_table(_table(board))
        echo()
    if shown:
        echo("Below means and ranks: 95 % intervals. wins: the share of resampled battles in which a model is first.")
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
            {"question": each.question, "answer": each.answer, "told": each.significant} for each in summary.answers
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


def _worth_showing(boards: "Iterable[Leaderboard]") -> "list[Leaderboard]":
    """Leaves out boards without numbers, and boards with the same content as another one; the report has them all."""
    final = [board for board in boards if board.when == "final" and board.measure.name in SHOWN]
    scored = [board for board in final if board.table["mean"].notna().any()]
    alone = {board.side for board in scored if len(board.overall) == 1}
    # With one model on a side, the pairs are the models of the other side; a pair alone is both sides.
    duplicates = alone - {"pair"} if "pair" in alone or not alone else {*alone, "pair"}
    return [board for board in scored if board.side not in duplicates]


def _table(board: "Leaderboard") -> "Table":
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in board.table.to_dict("records"):
        rows.setdefault(tuple(str(record[name]) for name in board.names), {})[str(record["level"])] = record
    sizes = {str(level): set(own["n"]) for level, own in board.table.groupby("level", sort=False)}
    heads = [_head(level, sizes[level]) for level in dict.fromkeys(map(str, board.table["level"]))]
    several = len(rows) > 1
    more = ("wins",) if several else ()
    made = table("", *(name.removesuffix("_model") for name in board.names), *heads, *more, numbers=("", *heads, *more))
    best = "less is better" if board.measure.low_is_best else "more is better"
    made.title = f"{board.title}  [not bold dim]{board.measure.words}, {best}[/]"
    for names, cells in rows.items():
        last = list(cells.values())[-1]
        shown = [_cell(cells[level], board.measure.name == "distance", len(own) > 1) for level, own in sizes.items()]
        wins = [_percent(last["p_best"])] if several else []
        made.add_row(_rank(last), *(f"[bold]{plain(name)}[/]" for name in names), *shown, *wins)
    return made


def _rank(record: dict[str, Any]) -> str:
    """The rank above its interval, which is left out where it is one rank."""
    low, high = record["rank_low"], record["rank_high"]
    if record["rank"] != record["rank"]:
        return ""
    return f"{record['rank']:.0f}" + (f"\n[dim]{low:.0f}–{high:.0f}[/]" if low < high else "")


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.0%}"


def _head(level: str, sizes: set[int]) -> str:
    return f"{level}, n {min(sizes)}" if len(sizes) == 1 else level


def _cell(record: dict[str, Any], distance: bool, with_n: bool) -> str:
    """A mean above its interval, and the number of prompts where it is not that of the column; a dash is no number."""
    if record["mean"] != record["mean"]:
        return "–"
    spell = "{:.2f}".format if distance else "{:.0%}".format
    interval = f"{spell(record['low'])} to {spell(record['high'])}" if record["low"] == record["low"] else ""
    below = ", ".join(part for part in (interval, f"n {record['n']:.0f}" if with_n else "") if part)
    return f"{spell(record['mean'])}\n[dim]{below}[/]"
