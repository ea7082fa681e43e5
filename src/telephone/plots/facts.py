"""Which share of the prompt's facts is still told, turn by turn: drawn as the drift is, but counted exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots import curves, style

if TYPE_CHECKING:
    import pandas as pd
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
    from matplotlib.ticker import PercentFormatter

    curves.require(table, curves.COLUMNS)
    encoding = encoding or curves.encoding_of(table)
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    figure, axes = style.new_figure(3.3, encoding.rows)
    last = curves.draw(axes, table, encoding, start=1.0)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    curves.finish(axes, last)
    if not last:
        style.add_note(axes, "No prompt here states facts that can be counted.")
    title = f"{level.capitalize()} prompts: facts that survive" if level else "Facts that survive"
    style.add_title(figure, title, "Share of the prompt's facts that each description still tells; higher keeps more")
    style.add_legend(figure, encoding)
    return figure
