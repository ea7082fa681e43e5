"""Survival of facts: the share that no description has lost yet, by turn, one curve for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.line_figures import CurveFigureOptions, curve_figure
from telephone.plots.style import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def survival_figure(table: pd.DataFrame, by: str, group: str) -> Figure:
    """Draws survival curves.

    Args:
        table: Column `by`, `turn` (0 is the prompt), `survival` (share in [0, 1]), and optionally `low` and `high`, as
            returned by `telephone.analysis.survival`.
        by: The column that names the curves, such as `attribute` or `level`.
        group: The same in words for the title, such as `kind of fact`.

    Raises:
        UsageError: a column is missing.
    """
    require_columns(table, (by, "turn", "survival"))
    options = CurveFigureOptions(
        title=f"How long facts survive, by {group}",
        subtitle="Share of facts that no description has lost yet, not even for a while",
        empty="No prompt of this run states facts that can be followed.",
        top=1.0,
        percent=True,
    )
    return curve_figure(table.rename(columns={by: "curve", "survival": "mean"}), options)
