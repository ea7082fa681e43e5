"""Share of the prompt's facts kept by turn: a panel for each text-to-image model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.line_figures import percent_axis
from telephone.plots.pair_figures import PairFigureOptions, pair_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from telephone.plots.style import Encoding


def facts_figure(table: pd.DataFrame, level: str = "", encoding: Encoding | None = None) -> Figure:
    """Draws the mean share of facts kept by turn.

    Args:
        table: One row for each pair and turn: `t2i_model`, `i2t_model`, `step_number` (from 0), `mean` (share in
            [0, 1]; NaN is unscored and is left out), and optionally `low` and `high`, the bounds of an interval. If
            there is a column `level`, only the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all levels.
        encoding: Order of the panels, colours and markers, shared by several figures; derived from the table if None.

    Raises:
        UsageError: a column is missing.
    """
    options = PairFigureOptions(
        start=1.0,
        title="Facts that survive",
        subtitle="Share of the prompt's facts that each description still states; higher keeps more",
        empty="No prompt of this run states countable facts.",
        scale=_scale,
    )
    return pair_figure(table, level, encoding, options)


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    axes.set_ylim(0, 1)
    percent_axis(axes)
