"""How far the meaning drifts from the first prompt, turn by turn: one figure a level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots import curves, style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def drift_figure(
    table: pd.DataFrame,
    level: str = "",
    encoding: style.Encoding | None = None,
    yardsticks: pd.DataFrame | None = None,
) -> Figure:
    """Draws the mean distance to the prompt by turn, one curve a pair of players.

    Args:
        table: One row a pair and turn: `t2i_model`, `i2t_model`, `step_number` (from 0), `mean` (cosine distance in
            [0, 2]; NaN is unscored and left out), and perhaps `low` and `high`, the bounds of an interval.
            With a column `level` too, only the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all.
        encoding: Colours and markers, so that several figures agree; made from the table if None.
        yardsticks: `level`, `floor` (distance of two tellings of one picture) and `chance` (of a description and
            another game's prompt), one row a level; both are drawn as lines.

    Raises:
        UsageError: a column is missing.
    """
    look = curves.CurveStyle(
        start=0.0,
        title="How far the meaning drifts",
        subtitle="Mean cosine distance from the prompt to each description; lower keeps more",
        empty="No description has been scored yet.",
        scale=_scale,
        lines=_lines(yardsticks, level),
    )
    return curves.figure(table, level, encoding, look)


def _lines(yardsticks: pd.DataFrame | None, level: str) -> tuple[tuple[float, str], ...]:
    if yardsticks is None or yardsticks.empty:
        return ()
    own = yardsticks[yardsticks["level"] == level] if level else yardsticks
    words = (("chance", "chance: the prompt of another game"), ("floor", "floor: another wording"))
    return tuple((float(own[name].mean()), told) for name, told in words if own[name].notna().any())


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    columns = [name for name in ("mean", "high") if name in table.columns]
    highest = table[columns].max().max() if len(table) else 0.0
    top = 1.0 if not highest > 1.0 else min(2.0, float(highest) * 1.04)
    axes.set_ylim(0, top)
