"""One leaderboard in a terminal: a row a model, a column a level, every number with its interval and its n."""

from typing import TYPE_CHECKING, Any

from telephone.cli.formatting import INTERVAL, NARROW_INTERVAL
from telephone.cli.output import plain
from telephone.cli.tables import print_table, score_bar, table

if TYPE_CHECKING:
    from rich.table import Table

    from telephone.analysis import Leaderboard


def print_board(board: "Leaderboard") -> None:
    """Writes a leaderboard to stdout, with as many intervals as there is room for."""
    full, short = _table(board), _table(board, intervals=False)
    best = "less is better" if board.measure.low_is_best else "more is better"
    full.title = f"{board.title}  [not bold dim]{board.measure.words}, {best}[/]"
    print_table(full, short, lead=1 + len(board.names))


def _table(board: "Leaderboard", intervals: bool = True) -> "Table":
    """Returns a row a model: rank, name, means by level, wins.

    Args:
        board: one leaderboard.
        intervals: whether each level has intervals and sizes, or only the last column, which is that of all levels.
    """
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for record in board.table.to_dict("records"):
        rows.setdefault(tuple(str(record[name]) for name in board.names), {})[str(record["level"])] = record
    sizes = {str(level): set(own["n"]) for level, own in board.table.groupby("level", sort=False)}
    main = list(sizes)[-1]
    whole = {level for level in sizes if intervals or level == main}
    heads = [_head(level, sizes[level] if level in whole else set()) for level in sizes]
    several = len(rows) > 1
    more = ("wins",) if several else ()
    sides = [name.removesuffix("_model") for name in board.names]
    made = table("", *sides, *heads, *more, numbers=("", *heads, *more), names=sides)
    distance = board.measure.limits != (0.0, 1.0)
    for names, cells in rows.items():
        last = cells[main]
        shown = [
            _cell(cells[level], distance, len(own) > 1, intervals) if level in whole else _mean(cells[level], distance)
            for level, own in sizes.items()
        ]
        wins = [_percent(last["p_best"])] if several else []
        made.add_row(_rank(last, intervals), *_names(board, names, last["mean"]), *shown, *wins)
    return made


def _names(board: "Leaderboard", names: tuple[str, ...], mean: float) -> list[str]:
    """Returns the names of a row; below that of a single model a bar as long as its mean."""
    bold = [f"[bold]{plain(name)}[/]" for name in names]
    if len(bold) > 1:
        return bold
    largest = board.overall["mean"].max() if board.measure.low_is_best else 1.0
    return [f"{bold[0]}\n[cyan]{score_bar(mean, largest)}[/]"]


def _rank(record: dict[str, Any], wide: bool) -> str:
    """The rank with its interval, which is left out where it is one rank."""
    low, high = record["rank_low"], record["rank_high"]
    if record["rank"] != record["rank"]:
        return ""
    interval = f"{low:.0f}–{high:.0f}"
    more = f"\n[dim]{interval}[/]" if wide else f" [dim]({interval})[/]"
    return f"{record['rank']:.0f}" + (more if low < high else "")


def _percent(share: float) -> str:
    return "–" if share != share else f"{share:.0%}"


def _head(level: str, sizes: set[int]) -> str:
    return f"{level}\nn {min(sizes)}" if len(sizes) == 1 else level


def _cell(record: dict[str, Any], distance: bool, with_n: bool, wide: bool) -> str:
    """A mean above its interval, and the number of prompts where it is not that of the column; a dash is no number."""
    if record["mean"] != record["mean"]:
        return "–"
    spell = "{:.2f}".format if distance else "{:.0%}".format
    low, high = spell(record["low"]), spell(record["high"])
    interval = (INTERVAL if wide else NARROW_INTERVAL).format(low, high) if record["low"] == record["low"] else ""
    below = ", ".join(part for part in (interval, f"n {record['n']:.0f}" if with_n else "") if part)
    return f"{_mean(record, distance)}\n[dim]{below}[/]" if below else _mean(record, distance)


def _mean(record: dict[str, Any], distance: bool) -> str:
    if record["mean"] != record["mean"]:
        return "–"
    return f"{record['mean']:.2f}" if distance else f"{record['mean']:.0%}"
