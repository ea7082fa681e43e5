"""Which share of the prompt's facts is still told, turn by turn: drawn as the drift is, but counted exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots import curves, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def facts_figure(table: pd.DataFrame, level: str = "", encoding: style.Encoding | None = None) -> Figure:
    """Draws the mean share of facts kept by turn, one curve a pair of players.

    Args:
        table: One row a pair and turn: `t2i_model`, `i2t_model`, `step_number` (from 0), `mean` (share in [0, 1];
            NaN is unscored and left out), and perhaps `low` and `high`, the bounds of an interval.
            With a column `level` too, only the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all.
        encoding: Colours and markers, so that several figures agree; made from the table if None.

    Raises:
        UsageError: a column is missing.
    """
    look = curves.CurveStyle(
        start=1.0,
        title="Facts that survive",
        subtitle="Share of the prompt's facts that each description still tells; higher keeps more",
        empty="No prompt here states facts that can be counted.",
        scale=_scale,
    )
    return curves.figure(table, level, encoding, look)


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
