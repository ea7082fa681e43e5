"""How far the models of each side differ by turn: text-to-image beside image-to-text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.line_figures import CurveFigureOptions, curve_figure
from telephone.plots.style import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SIDES = {"drawing": "text-to-image models", "describing": "image-to-text models"}


def importance_figure(table: pd.DataFrame, level: str) -> Figure:
    """Draws the standard deviation between the models of each side by turn, for one level.

    Args:
        table: `level`, `step_number` (from 0), `drawing` and `describing` (standard deviations), as returned by
            `telephone.analysis.side_importance`.
        level: Only its rows are drawn.

    Raises:
        UsageError: a column is missing.
    """
    require_columns(table, ("level", "step_number", *_SIDES))
    own = table[table["level"] == level]
    long = own.melt(id_vars=["step_number"], value_vars=list(_SIDES), var_name="side", value_name="mean")
    long = long.assign(curve=long["side"].map(_SIDES), turn=long["step_number"] + 1)
    options = CurveFigureOptions(
        title=f"{level.capitalize()} prompts: which side matters more",
        subtitle="Standard deviation of the distance between models of a side, chance removed",
        empty="This needs two models on each side.",
    )
    return curve_figure(long, options)
