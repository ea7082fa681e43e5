"""How far the meaning drifts from the first prompt, turn by turn: one figure a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots import curves, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def drift_figure(table: pd.DataFrame, level: str = "", encoding: style.Encoding | None = None) -> Figure:
    """Draws the mean distance to the prompt by turn, one curve a pair of players.

    Args:
        table: One row a pair and turn: `t2i_model`, `i2t_model`, `step_number` (from 0), `mean` (cosine distance in
            [0, 2]; NaN is unscored and left out), and perhaps `low` and `high`, the bounds of an interval.
            With a column `level` too, only the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all.
        encoding: Colours and markers, so that several figures agree; made from the table if None.

    Raises:
        UsageError: a column is missing.
    """
    curves.require(table, curves.COLUMNS)
    encoding = encoding or curves.encoding_of(table)
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    figure, axes = style.new_figure(3.3, encoding.rows)
    last = curves.draw(axes, table, encoding, start=0.0)
    _scale(axes, table)
    curves.finish(axes, last)
    if not last:
        style.add_note(axes, "No description has been scored yet.")
    title = f"{level.capitalize()} prompts: how far the meaning drifts" if level else "How far the meaning drifts"
    style.add_title(figure, title, "Mean cosine distance from the prompt to each description; lower keeps more")
    style.add_legend(figure, encoding)
    return figure


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    columns = [name for name in ("mean", "high") if name in table.columns]
    highest = table[columns].max().max() if len(table) else 0.0
    top = 1.0 if not highest > 1.0 else min(2.0, float(highest) * 1.04)
    axes.set_ylim(0, top)
