"""How long facts live: the share that no description has lost yet, turn by turn, a curve a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.curves import require
from telephone.plots.lines import LinesLook, lines_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def survival_figure(table: pd.DataFrame, by: str, words: str) -> Figure:
    """Draws survival curves.

    Args:
        table: Column `by`, `turn` (0 is the start), `survival` (share in [0, 1]), and perhaps `low` and `high`, as
            `telephone.analysis.facts.survival` gives them.
        by: What a curve stands for, such as attribute or level.
        words: The same for the title, such as `by kind of fact`.

    Raises:
        UsageError: a column is missing.
    """
    require(table, (by, "turn", "survival"))
    look = LinesLook(
        f"How long facts live, {words}",
        "Share of facts that no description has dropped yet, even for a while",
        "No prompt here states facts that can be followed.",
        top=1.0,
        percent=True,
    )
    return lines_figure(table.rename(columns={by: "curve", "survival": "mean"}), look)
