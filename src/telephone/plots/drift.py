"""Distance from the prompt by turn: a panel for each text-to-image model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telephone.plots.pair_figures import PairFigureOptions, pair_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from telephone.plots.style import Encoding

_REFERENCES = ("chance", "floor")


def drift_figure(table: pd.DataFrame, level: str = "", encoding: Encoding | None = None) -> Figure:
    """Draws the mean distance from the prompt by turn.

    Args:
        table: One row for each pair and turn: `t2i_model`, `i2t_model`, `step_number` (from 0), `mean` (cosine
            distance in [0, 2]; NaN is unscored and is left out), and optionally `low` and `high` (bounds of an
            interval), `floor` (distance of two wordings of one scene) and `chance` (distance of a description from the
            prompt of another game); floor and chance are drawn as reference lines. If there is a column `level`, only
            the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all levels.
        encoding: Order of the panels, colours and markers, shared by several figures; derived from the table if None.

    Raises:
        UsageError: a column is missing.
    """
    options = PairFigureOptions(
        start=0.0,
        title="How far the meaning drifts",
        subtitle="Mean cosine distance from the prompt to each description; lower keeps more",
        empty="No description has been scored yet.",
        scale=_scale,
        references=_references(table, level),
    )
    return pair_figure(table, level, encoding, options)


def _references(table: pd.DataFrame, level: str) -> tuple[tuple[float, str], ...]:
    own = table[table["level"] == level] if level and "level" in table.columns else table
    columns = [name for name in ("level", *_REFERENCES) if name in own.columns]
    own = own.drop_duplicates(columns) if columns else own
    known = [name for name in _REFERENCES if name in own.columns and own[name].notna().any()]
    return tuple((float(own[name].mean()), name) for name in known)


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    columns = [name for name in ("mean", "high") if name in table.columns]
    highest = table[columns].max().max() if len(table) else 0.0
    top = 1.0 if not highest > 1.0 else min(2.0, float(highest) * 1.04)
    axes.set_ylim(0, top)
