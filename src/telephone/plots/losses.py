"""Where facts are lost: a row for each model or kind of fact, a dot for each kind of call, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from telephone.plots import style
from telephone.plots.style import require_columns

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {
    "image": ("in text-to-image calls", style.PALETTE[0], "o"),
    "text": ("in image-to-text calls", style.PALETTE[1], "s"),
}
_ROW = 0.34


def losses_figure(table: pd.DataFrame, by: str, group: str) -> Figure:
    """Draws the share of the remaining facts that one call loses.

    Args:
        table: `kind` (image or text: what the call makes), column `by`, `hazard` (share in [0, 1]), and optionally
            `low` and `high`, as returned by `telephone.analysis.hazards`.
        by: The column that names the rows, such as `player` or `attribute`.
        group: The same in words for the title, such as `model`.

    Raises:
        UsageError: a column is missing.
    """
    require_columns(table, ("kind", by, "hazard"))
    known = table[table["kind"].isin(list(KINDS))].dropna(subset=["hazard"])
    order = known.groupby(by)["hazard"].max().sort_values(ascending=False).index
    figure, axes = style.new_figure(max(len(order), 1) * _ROW + 0.35, 1)
    title = f"Where facts are lost, by {group}"
    style.add_title(figure, title, "Share of the remaining facts that one call loses or changes")
    if known.empty:
        style.add_note(axes, "No prompt of this run states facts that can be followed.")
        return figure
    _draw_dots(axes, known, by, {name: row for row, name in enumerate(order)})
    _label(figure, axes, [str(name) for name in order])
    return figure


def _draw_dots(axes: Axes, table: pd.DataFrame, by: str, positions: dict[object, int]) -> None:
    both = table.groupby(by)["kind"].nunique().max() > 1
    for kind, (label, colour, marker) in KINDS.items():
        rows = table[table["kind"] == kind]
        offset = (0.13 if kind == "text" else -0.13) if both else 0.0
        heights = rows[by].map(positions).to_numpy(dtype=float) + offset
        if {"low", "high"} <= set(rows.columns):
            low, high = (rows[name].to_numpy(dtype=float) for name in ("low", "high"))
            axes.hlines(heights, low, high, color=colour, linewidth=2, alpha=0.45, zorder=2)
        axes.plot(
            rows["hazard"], heights, color=colour, marker=marker, linewidth=0, markersize=7, label=label,
            markeredgecolor=style.BACKGROUND, markeredgewidth=0.8, clip_on=False, zorder=3,
        )  # fmt: skip


def _label(figure: Figure, axes: Axes, names: list[str]) -> None:
    from matplotlib.ticker import PercentFormatter

    short = {name: style.wrapped(label, style.ROW_NAME, lines=2) for name, label in style.short_names(names).items()}
    axes.set_yticks(range(len(names)), [short[name] for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(0.02, float(np.ceil(axes.get_xlim()[1] * 20) / 20)))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", labelcolor=style.TEXT)
    box = axes.get_position()
    left = style.left_of(short.values())
    axes.set_position((left, box.y0, 0.97 - left, box.height))
    height = float(figure.get_size_inches()[1])
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper left", ncols=2, frameon=False, borderpad=0, borderaxespad=0,
        bbox_to_anchor=(0.02, box.y0 - 0.42 / height), prop={"family": style.FONT, "size": 9.5},
        labelcolor=style.TEXT,
    )  # fmt: skip
