"""The table of the report that says how much the prompts of each level distinguish the models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.report.html import tables
from telephone.report.html.report_data import TextTable

if TYPE_CHECKING:
    import pandas as pd


def prompt_information(table: pd.DataFrame, measure: str) -> tuple[TextTable, ...]:
    """Returns one row a level, or no table without prompts that two pairs played.

    Args:
        table: As `telephone.analysis.prompt_information` gives it.
        measure: What its scores are, in words.
    """
    from telephone.analysis import information_by_level

    rows = tuple(
        (str(row["level"]), str(row["prompts"]), str(row["ceiling"]), str(row["floor"] + row["equal"]),
         *(tables.number(row[name]) for name in ("range", "t2i_range", "i2t_range")))
        for row in information_by_level(table).to_dict("records")
    )  # fmt: skip
    head = ("level", "prompts", "kept whole by every pair", "otherwise equal for every pair", "range over pairs",
            "over text-to-image models", "over image-to-text models")  # fmt: skip
    note = (
        f"{measure} after the last turn; where it is the same for all pairs, a prompt cannot distinguish models. "
        "Range: highest minus lowest on one prompt, mean over prompts"
    )
    return (TextTable("Do the prompts distinguish the models?", note, head, rows),) if rows else ()
