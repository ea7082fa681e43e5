"""The tables of the report on how games end: convergence with the regime of each pair, and motifs of long games."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.report.html.report_data import TextTable
from telephone.report.html.tables import ShortNames, interval, number, pair, percent

if TYPE_CHECKING:
    import pandas as pd

    from telephone.analysis.convergence.overview import Convergence

LONG = 20
"""Turns from which on the motifs of each pair are counted."""


def fixed_points(found: Convergence, names: ShortNames) -> TextTable:
    """Returns how many games of each pair reach a fixed point or a cycle, exactly or nearly, and the pair's regime.

    The note states what rest says with the noise of the run.

    Args:
        found: The convergence of a battle.
        names: Short names of models.
    """
    table = found.table
    last = table[table["level"] == table["level"].iloc[-1]] if len(table) else table
    words = _regimes(found.regimes, str(last["level"].iloc[0]) if len(last) else "")
    rows = tuple(
        (pair(row, names), str(row["games"]), str(row["fixed"]), str(row["cycle2"]), str(row["longer"]),
         str(row["near_fixed"]), str(row["near_cycle2"]), number(row["since_median"], 0),
         *words.get((str(row["t2i_model"]), str(row["i2t_model"])), ("–", "too few turns")))
        for row in last.to_dict("records")
    )  # fmt: skip
    head = ("pair", "games", "fixed point", "cycle of two", "longer cycle", "nearly fixed", "nearly a cycle of two",
            "median start turn", "most frequent regime of a prompt", "regime of the pair")  # fmt: skip
    note = (
        "games whose last texts repeat, over all levels. Contractive: the late texts stay within the floor; "
        "oscillatory: they return to earlier ones; exploratory: neither. A pair has a regime if more than half of all "
        "such prompts would take it (test over prompts, corrected over the pairs; the intervals are not)."
    )
    note = note if found.evidence is None else f"{note} {found.evidence.words}"
    return TextTable("Do games converge?", note, head, rows)


def motif_counts(table: pd.DataFrame, turns: int, names: ShortNames) -> TextTable:
    """Returns in how many motifs the prompts of each pair end; without rows for games of fewer turns than `LONG`.

    Args:
        table: As `telephone.analysis.convergence.motifs.motif_counts` gives it.
        turns: Of a game.
        names: Short names of models.
    """
    shown = table if turns >= LONG else table.iloc[:0]
    rows = tuple(
        ("all pairs" if row["t2i_model"] == row["i2t_model"] == "all" else pair(row, names), str(row["prompts"]),
         str(row["motifs_first"]), str(row["motifs_last"]), str(row["most_first"]), str(row["most_last"]),
         number(row["effective_last"], 1))
        for row in shown.to_dict("records")
    )  # fmt: skip
    head = ("pair", "prompts", "motifs after turn 1", f"motifs after turn {turns}", "most prompts in one, turn 1",
            f"most prompts in one, turn {turns}", "effective number at the end")  # fmt: skip
    note = (
        "descriptions of all games of a pair, clustered with one cut; if different prompts end in one motif, there are "
        "fewer motifs at the end than after the first turn"
    )
    return TextTable("Do different prompts end in the same motif?", note, head, rows)


def _regimes(table: pd.DataFrame, level: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Returns the most frequent regime with the interval of its share, and the label, by pair."""
    found = {}
    for row in table[table["level"] == level].to_dict("records"):
        share = interval({"share": row[row["leading"]], "low": row["low"], "high": row["high"]}, "share", percent)
        found[str(row["t2i_model"]), str(row["i2t_model"])] = (f"{row['leading']}: {share}", str(row["label"]))
    return found
