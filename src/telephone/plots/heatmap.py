"""Final distance of all pairs: text-to-image models as rows, image-to-text models as columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from telephone.plots import style
from telephone.plots.style import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from telephone.plots.style import Encoding

_CHARACTER = 0.082
"""Inches of a character of a name."""
_LINES = 4
"""Largest number of lines of a name."""
_NEAR, _MIDDLE, _FAR = "#08519c", "#7fb5d6", "#f4f1ea"


def heatmap_figure(table: pd.DataFrame, level: str = "", encoding: Encoding | None = None) -> Figure:
    """Draws the final distance of each pair as a coloured cell with its number; darker cells keep more.

    Args:
        table: One row for each pair: `t2i_model`, `i2t_model`, `mean` (cosine distance in [0, 2], or NaN for a pair
            without scores). If there is a column `level`, only the rows of `level` are drawn; if there is a column
            `step_number`, only those of the last turn with a score.
        level: Level of the prompts, for the title; empty is all levels.
        encoding: Not used; all figures of pairs take the same arguments.

    Raises:
        UsageError: a column is missing.
    """
    require_columns(table, ("t2i_model", "i2t_model", "mean"))
    if "step_number" in table.columns:
        table = table[table["step_number"] == table.dropna(subset=["mean"])["step_number"].max()]
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    grid = table.pivot_table(index="t2i_model", columns="i2t_model", values="mean", dropna=False)
    figure, axes = style.new_figure(max(len(grid.index), 1) * 0.62 + 0.5, rows=_lines(grid) - 1)
    title = f"{level.capitalize()} prompts: final distance of each pair" if level else "Final distance of each pair"
    style.add_title(figure, title, "Mean cosine distance after the last turn; dark cells keep more")
    if grid.empty:
        style.add_note(axes, "No game has been scored yet.")
        return figure
    _draw_cells(axes, grid)
    _label_axes(figure, axes, grid)
    return figure


def _draw_cells(axes: Axes, grid: pd.DataFrame) -> None:
    values = grid.to_numpy(dtype=float)
    known = [value for value in values.flat if not math.isnan(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    axes.imshow(values, cmap=_colour_map(), vmin=low, vmax=high, aspect="auto")
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            value = float(values[row, column])
            best = value == low
            axes.text(
                column, row, "–" if math.isnan(value) else f"{value:.2f}", ha="center", va="center",
                color=_text_colour(value, low, high), family=style.FONT,
                fontsize=12, fontweight="bold" if best else "normal",
            )  # fmt: skip


def _label_axes(figure: Figure, axes: Axes, grid: pd.DataFrame) -> None:
    t2i, i2t = style.short_names(grid.index), style.short_names(grid.columns)
    rows = {name: style.wrapped(t2i[name], style.ROW_NAME) for name in grid.index}
    left = style.left_of(rows.values())
    axes.set_xticks(range(len(grid.columns)), _column_names(grid, i2t))
    axes.set_yticks(range(len(grid.index)), list(rows.values()))
    axes.tick_params(labelcolor=style.TEXT)
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    for edge in range(1, len(grid.columns)):
        axes.axvline(edge - 0.5, color=style.BACKGROUND, linewidth=2.5)
    for edge in range(1, len(grid.index)):
        axes.axhline(edge - 0.5, color=style.BACKGROUND, linewidth=2.5)
    text: dict[str, Any] = {"color": style.MUTED, "fontsize": 9.5, "family": style.FONT}
    axes.set_xlabel("image-to-text model", labelpad=8, **text)
    box = axes.get_position()
    axes.set_position((left, box.y0, 0.98 - left, box.height * 0.95))
    figure.text(0.02, box.y1 - 0.035 * box.height, "text-to-image model", ha="left", va="bottom", **text)


def _column_names(grid: pd.DataFrame, names: dict[str, str]) -> list[str]:
    """Returns the names of the columns in lines that the width of a column has room for."""
    left = style.left_of(style.wrapped(name, style.ROW_NAME) for name in style.short_names(grid.index).values())
    room = (0.98 - left) * style.WIDTH / max(1, len(grid.columns))
    return [style.wrapped(names[name], max(6, int(room / _CHARACTER)), _LINES) for name in grid.columns]


def _lines(grid: pd.DataFrame) -> int:
    """Returns the number of lines of the highest column name."""
    if grid.empty:
        return 1
    return max(name.count("\n") + 1 for name in _column_names(grid, style.short_names(grid.columns)))


def _colour_map() -> Colormap:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("distance", [_NEAR, _MIDDLE, _FAR]).with_extremes(bad=style.GRID)


def _text_colour(value: float, low: float, high: float) -> str:
    return "#ffffff" if value <= low + 0.4 * (high - low) else "#12202c"
