"""Which side decides, turn by turn: how far models that draw differ, and how far models that describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.curves import require
from telephone.plots.lines import LinesLook, lines_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SIDES = {"drawing": "who draws", "describing": "who describes"}


def importance_figure(table: pd.DataFrame, level: str) -> Figure:
    """Draws the standard deviation between models of each side by turn, of one level.

    Args:
        table: `level`, `step_number` (from 0), `drawing` and `describing` (standard deviations), as
            `telephone.analysis.inference.side_importance` gives them.
        level: Only its rows are drawn.

    Raises:
        UsageError: a column is missing.
    """
    require(table, ("level", "step_number", *_SIDES))
    own = table[table["level"] == level]
    long = own.melt(id_vars=["step_number"], value_vars=list(_SIDES), var_name="side", value_name="mean")
    long = long.assign(curve=long["side"].map(_SIDES), turn=long["step_number"] + 1)
    look = LinesLook(
        f"{level.capitalize()} prompts: who decides",
        "How far models of each side differ in distance (standard deviation, chance taken out)",
        "It takes two models on each side to tell.",
    )
    return lines_figure(long, look)
