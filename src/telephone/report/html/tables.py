"""Numbers as rows of words: the small tables of a report, each from one table of the analysis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from telephone.core.records import LEVELS
from telephone.report.html.report_data import Table

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[Any, Any]
Short = Mapping[str, str]
"""Short names of players."""


def half_lives(table: pd.DataFrame, names: Short) -> Table:
    """Returns after how many turns each pair has lost half of the facts, a column a level."""
    return _by_level(
        "Half-lives of facts",
        "turns until half of the facts were dropped at least once; a 95 % interval over prompts in brackets",
        table,
        lambda row: pair(row, names),
        _life,
    )


def fact_check(table: pd.DataFrame) -> Table:
    """Returns how well each judge follows the exact facts, a column a level."""
    return _by_level(
        "Do the judges follow the facts?",
        "rank correlation of what an embedder says was kept with the share of exact facts in the same text or picture; "
        "1 is perfect, 0 is chance",
        table,
        lambda row: str(row["judge"]),
        lambda row: between(row, "spearman"),
    )


def agreement(table: pd.DataFrame) -> Table:
    """Returns how alike judges order the players."""
    known = table[table["kendall"].notna()]
    sides = {"t2i": "who draws", "i2t": "who describes", "pair": "pairs"}
    rows = tuple(
        (f"{row['one']} and {row['other']}", sides[row["side"]], str(row["players"]), number(row["kendall"]),
         number(row["spearman"]))
        for row in known.to_dict("records")
    )  # fmt: skip
    note = "how alike two judges rank the players; 1 is the same order, -1 the opposite one"
    head = ("judges", "order of", "players", "Kendall's tau", "Spearman's rho")
    return Table("Do the judges agree?", note, head, rows)


def published(table: pd.DataFrame, names: Short) -> Table:
    """Returns the published scores of each pair: similarities, so that more is better."""
    known = table.dropna(subset=["value"])
    measures = list(dict.fromkeys(known["measure"]))
    head = ("pair", "embedder", *(_MEASURES.get(name, f"MCD {name}") for name in measures))
    rows = []
    for (embedder, t2i, i2t), own in known.groupby(["embedder", "t2i_model", "i2t_model"], sort=False):
        values = dict(zip(own["measure"], own["value"], strict=True))
        cells = (number(values.get(name)) for name in measures)
        rows.append((pair({"t2i_model": t2i, "i2t_model": i2t}, names), str(embedder), *cells))
    note = "mean cosine with the start over all turns; a similarity in spite of its name, so higher keeps more"
    return Table("Published scores: mean cumulative drift and GC@T", note, head, tuple(rows))


_MEASURES = {"mcd_avg": "MCD, mean of four", "gc_at_t": "GC@T"}


def bits(table: pd.DataFrame) -> Table:
    """Returns whether a description can be matched to its own prompt, at the first, a middle and the last turn."""
    turns = sorted(int(turn) for turn in table["turn"].unique())
    shown = sorted({turns[0], turns[(len(turns) - 1) // 2], turns[-1]}) if turns else []
    rows = tuple(
        (str(row["embedder"]), str(row["turn"]), f"{row['candidates']:.0f}", between(row, "top1", percent),
         number(row["mrr"]), number(row["bits"]))
        for row in table[table["turn"].isin(shown)].to_dict("records")
    )  # fmt: skip
    note = "a description is matched to the nearest of all prompts; bits are what it must still tell (Fano's bound)"
    head = ("embedder", "turn", "prompts", "matched to its own", "mean reciprocal rank", "bits kept, at least")
    return Table("Can a description still be matched to its prompt?", note, head, rows)


def unsaid(table: pd.DataFrame, names: Short) -> Table:
    """Returns for each describer how much of what it left out it had seen."""
    rows = tuple(
        (names.get(str(row["player"]), str(row["player"])), str(row["asked"]), str(row["not_seen"]),
         str(row["not_said"]), str(row["unsure"]), between(row, "share_not_said", percent))
        for row in table.to_dict("records")
    )  # fmt: skip
    note = "facts that the picture has and the description leaves out, asked for one by one"
    head = ("describer", "asked", "not seen", "seen, not said", "no clear answer", "share seen")
    return Table("Not seen, or not said?", note, head, rows)


def differences(tables: Mapping[str, pd.DataFrame], names: Short) -> tuple[Table, ...]:
    """Returns who differs from whom, a table a side; `tables` as `Summary.differences`, of which pairs are left out."""
    titles = {"t2i": "Who draws: differences", "i2t": "Who describes: differences"}
    head = ("models", "level", "difference", "keeps more on", "p", "told apart")
    note = "first minus second, on the same prompts; p from a sign-flip test, held for all pairs of a level (Holm)"
    made = []
    for side, title in titles.items():
        own = tables.get(side)
        if own is None or own.empty:
            continue
        rows = tuple(
            (f"{names.get(row['one'], row['one'])} and {names.get(row['other'], row['other'])}", str(row["level"]),
             between(row, "difference"), percent(row["better"]), number(row["p_holm"], 3),
             "yes" if row["significant"] else "")
            for row in own.to_dict("records")
        )  # fmt: skip
        made.append(Table(title, note, head, rows))
    return tuple(made)


def settling(table: pd.DataFrame, names: Short) -> Table:
    """Returns how many games of each pair come to rest, word for word or nearly."""
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    rows = tuple(
        (pair(row, names), str(row["games"]), str(row["fixed"]), str(row["cycle2"]), str(row["longer"]),
         str(row["near_fixed"]), str(row["near_cycle2"]), number(row["since_median"], 0))
        for row in last.to_dict("records")
    )  # fmt: skip
    head = ("pair", "games", "one text for good", "two in turn", "longer cycles", "nearly one text", "nearly two",
            "since turn")  # fmt: skip
    return Table("Do games come to rest?", "games whose last texts repeat, over all levels", head, rows)


def contraction(table: pd.DataFrame, names: Short) -> Table:
    """Returns whether different prompts come together, or each only forgets its own."""
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    rows = tuple(
        (pair(row, names), between(row, "attraction"),
         between({"f": row["forgetting"], "low": row["forgetting_low"], "high": row["forgetting_high"]}, "f"),
         str(row["verdict"]))
        for row in last.to_dict("records")
    )  # fmt: skip
    note = (
        "attraction: how much nearer different prompts come to each other; forgetting: how much farther from their own"
    )
    return Table("Do different prompts come together?", note, ("pair", "attraction", "forgetting", ""), rows)


def style(table: pd.DataFrame, names: Short) -> Table:
    """Returns how much of the style and of the content is there at the end, of each pair."""
    last = table[table["turn"] == table["turn"].max()] if len(table) else table
    rows = []
    for (t2i, i2t), own in last.groupby(["t2i_model", "i2t_model"], sort=True):
        by_kind = {row["kind"]: row for row in own.to_dict("records")}
        cells = [
            between(by_kind[kind], "style_kept", percent) if kind in by_kind else "–" for kind in ("image", "text")
        ]
        content = percent(by_kind["text"]["content_kept"]) if "text" in by_kind else "–"
        rows.append((pair({"t2i_model": t2i, "i2t_model": i2t}, names), *cells, content))
    head = ("pair", "pictures in the style", "descriptions that tell it", "other facts kept")
    note = "share of games that end in the drawing style of the prompt (plain counts as one), beside the rest"
    return Table("Style apart from content", note, head, tuple(rows))


def controls(table: pd.DataFrame) -> Table:
    """Returns what the controls end with, a column a level."""
    return _by_level(
        "Controls",
        "final distance of games in which one thing was taken out: what remains is due to the other",
        _last(table, ["control", "line"]),
        lambda row: f"{row['control']}: {row['line']}",
        lambda row: between(row, "mean"),
    )


def reencoded(table: pd.DataFrame) -> Table:
    """Returns how far pictures move that are only saved again, a column a level."""
    return _by_level(
        "Control: a picture that is only saved again",
        "image-image distance of the last picture from the first; a drawn picture cannot be told nearer than this",
        _last(table.rename(columns={"turn": "step_number"}), ["embedder"]),
        lambda row: str(row["embedder"]),
        lambda row: between(row, "mean", lambda value: number(value, 3)),
    )


def strengths(tables: Mapping[str, pd.DataFrame], names: Short) -> tuple[Table, ...]:
    """Returns the second opinion on the ranking, a table a side and a column a level; `Summary.bradley_terry`."""
    titles = {"t2i": "Who draws: a second opinion", "i2t": "Who describes: a second opinion"}
    note = "Bradley-Terry: models meet on every prompt with every partner, less loss wins; natural logarithms around 0"
    made = (
        _by_level(
            title, note, own, lambda row: names.get(str(row["model"]), str(row["model"])),
            lambda row: between(row, "strength"),
        )
        for side, title in titles.items()
        if (own := tables.get(side)) is not None and len(own)
    )  # fmt: skip
    return tuple(made)


def seeds(table: pd.DataFrame, names: Short) -> Table:
    """Returns how far the ends of one prompt's games are apart, beside those of different prompts."""
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    rows = tuple(
        (pair(row, names), number(row["between_seeds"]), number(row["between_prompts"]), percent(row["ratio"]))
        for row in last.to_dict("records")
    )
    head = ("pair", "between seeds", "between prompts", "chance's part")
    return Table("How much of an end is chance?", "mean distance between last descriptions", head, rows)


def _last(table: pd.DataFrame, line: list[str]) -> pd.DataFrame:
    return table[table["step_number"] == table.groupby(line)["step_number"].transform("max")]


def _by_level(
    title: str, note: str, table: pd.DataFrame, name: Callable[[Row], str], cell: Callable[[Row], str]
) -> Table:
    """Returns a table with a row a name and a column a level."""
    levels = ordered(str(level) for level in table["level"])
    rows: dict[str, dict[str, str]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(name(row), {})[str(row["level"])] = cell(row)
    made = tuple((key, *(cells.get(level, "–") for level in levels)) for key, cells in rows.items())
    return Table(title, note, ("", *("all levels" if level == "all" else level for level in levels)), made)


def ordered(levels: Iterable[str]) -> tuple[str, ...]:
    """Returns distinct levels from easy to impossible; others, such as `all`, stand behind."""
    there = tuple(dict.fromkeys(levels))
    return (*(level for level in LEVELS if level in there), *(level for level in there if level not in LEVELS))


def pair(row: Row, names: Short) -> str:
    """Returns the short names of a pair."""
    return " + ".join(names.get(str(row[side]), str(row[side])) for side in ("t2i_model", "i2t_model"))


def between(row: Row, column: str, spell: Callable[[Any], str] | None = None) -> str:
    """Returns a number with its interval, such as `0.31 (0.20 to 0.42)`."""
    spell = spell or number
    low, high = row.get("low"), row.get("high")
    known = low is not None and high is not None and low == low and high == high
    return f"{spell(row[column])} ({spell(low)} to {spell(high)})" if known else spell(row[column])


def number(value: Any, digits: int = 2) -> str:
    """Returns a number with two decimals, a dash for none."""
    return "–" if value is None or value != value else f"{value:.{digits}f}"


def percent(value: Any) -> str:
    """Returns a share in percent, a dash for none."""
    return "–" if value is None or value != value else f"{100 * value:.0f}\u00a0%"


def _life(row: Row) -> str:
    turns = row["turns"]
    value = f"> {turns}" if row["beyond"] else number(row["half_life"], 1)
    low, high = row["low"], row["high"]
    if low != low or high != high or low == float("inf"):
        return value
    return f"{value} ({low:.1f} to {f'{high:.1f}' if high != float('inf') else f'> {turns}'})"


def nonempty(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Returns those that have rows."""
    return tuple(table for table in tables if table.rows)
