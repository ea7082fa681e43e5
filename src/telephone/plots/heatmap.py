"""All pairs at one glance: who draws down the side, who describes along the top, the final distance in the cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from telephone.plots import style
from telephone.plots.curves import require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_LONGEST = 14
"""Letters of a column's name in one line."""
_NEAR, _MIDDLE, _FAR = "#08519c", "#7fb5d6", "#f4f1ea"


def heatmap_figure(table: pd.DataFrame, level: str = "") -> Figure:
    """Draws the final distance of each pair as a coloured cell with its number; the darker, the more was kept.

    Args:
        table: One row a pair: `t2i_model`, `i2t_model`, `mean` (cosine distance in [0, 2], or NaN for a pair without
            scores). With a column `level` too, only the rows of `level` are drawn.
        level: Level of the prompts, for the title; empty is all.

    Raises:
        UsageError: a column is missing.
    """
    require(table, ("t2i_model", "i2t_model", "mean"))
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    grid = table.pivot_table(index="t2i_model", columns="i2t_model", values="mean", dropna=False)
    figure, axes = style.new_figure(max(len(grid.index), 1) * 0.62 + 0.5)
    title = f"{level.capitalize()} prompts: where the pairs end" if level else "Where the pairs end"
    style.add_title(figure, title, "Mean cosine distance after the last turn; dark cells keep more")
    if grid.empty:
        style.add_note(axes, "No game has been scored yet.")
        return figure
    _cells(axes, grid)
    _names(figure, axes, grid)
    return figure


def _cells(axes: Axes, grid: pd.DataFrame) -> None:
    values = grid.to_numpy(dtype=float)
    known = [value for value in values.flat if not math.isnan(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    axes.imshow(values, cmap=_colours(), vmin=low, vmax=high, aspect="auto")
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = float(values[row, column])
            best = value == low
            axes.text(
                column, row, "–" if math.isnan(value) else f"{value:.2f}", ha="center", va="center",
                color=_readable(value, low, high), family=style.FONT,
                fontsize=12, fontweight="bold" if best else "normal",
            )  # fmt: skip


def _names(figure: Figure, axes: Axes, grid: pd.DataFrame) -> None:
    t2i, i2t = style.short_names(grid.index), style.short_names(grid.columns)
    axes.set_xticks(range(len(grid.columns)), [_broken(i2t[name]) for name in grid.columns])
    axes.set_yticks(range(len(grid.index)), [t2i[name] for name in grid.index])
    axes.tick_params(labelcolor=style.INK)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    for edge in range(1, len(grid.columns)):
        axes.axvline(edge - 0.5, color=style.PAPER, linewidth=2.5)
    for edge in range(1, len(grid.index)):
        axes.axhline(edge - 0.5, color=style.PAPER, linewidth=2.5)
    words: dict[str, Any] = {"color": style.MUTED, "fontsize": 9.5, "family": style.FONT}
    axes.set_xlabel("image-to-text (describes)", labelpad=8, **words)
    place = axes.get_position()
    longest = max(len(name) for name in t2i.values())
    left = min(0.4, 0.05 + longest * 0.0122)
    axes.set_position((left, place.y0, 0.98 - left, place.height * 0.95))
    figure.text(0.02, place.y1 - 0.035 * place.height, "text-to-image (draws)", ha="left", va="bottom", **words)


def _broken(name: str) -> str:
    """Options go on a line of their own where a name would run into its neighbour."""
    return name.replace("?", "\n?") if len(name) > _LONGEST else name


def _colours() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("kept", [_NEAR, _MIDDLE, _FAR]).with_extremes(bad=style.GRID)


def _readable(value: float, low: float, high: float) -> str:
    return "#ffffff" if value <= low + 0.4 * (high - low) else "#12202c"
