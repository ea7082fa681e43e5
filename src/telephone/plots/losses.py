"""Where facts are lost: a row a player or a kind of fact, a dot for drawing, a dot for describing, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from telephone.plots import style
from telephone.plots.curves import require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {"image": ("when it is drawn", style.PALETTE[0], "o"), "text": ("when it is described", style.PALETTE[1], "s")}
_ROW = 0.34


def losses_figure(table: pd.DataFrame, by: str, words: str) -> Figure:
    """Draws which share of the facts that are still there gets lost in one call.

    Args:
        table: `kind` (image or text: which call), column `by`, `hazard` (share in [0, 1]), and perhaps `low` and
            `high`, as `telephone.analysis.facts.hazards` gives them.
        by: What a row stands for: player or attribute.
        words: The same for the title, such as `by player`.

    Raises:
        UsageError: a column is missing.
    """
    require(table, ("kind", by, "hazard"))
    known = table[table["kind"].isin(list(KINDS))].dropna(subset=["hazard"])
    order = known.groupby(by)["hazard"].max().sort_values(ascending=False).index
    figure, axes = style.new_figure(max(len(order), 1) * _ROW + 0.35, 1)
    title = f"Where facts are lost, {words}"
    style.add_title(figure, title, "Share of the facts still there that one call drops or changes")
    if known.empty:
        style.add_note(axes, "No prompt here states facts that can be followed.")
        return figure
    _dots(axes, known, by, {name: place for place, name in enumerate(order)})
    _dress(figure, axes, [str(name) for name in order])
    return figure


def _dots(axes: Axes, table: pd.DataFrame, by: str, places: dict[object, int]) -> None:
    doubled = table.groupby(by)["kind"].nunique().max() > 1
    for kind, (label, colour, marker) in KINDS.items():
        rows = table[table["kind"] == kind]
        aside = (0.13 if kind == "text" else -0.13) if doubled else 0.0
        heights = rows[by].map(places).to_numpy(dtype=float) + aside
        if {"low", "high"} <= set(rows.columns):
            low, high = (rows[name].to_numpy(dtype=float) for name in ("low", "high"))
            axes.hlines(heights, low, high, color=colour, linewidth=2, alpha=0.45, zorder=2)
        axes.plot(
            rows["hazard"], heights, color=colour, marker=marker, linewidth=0, markersize=7, label=label,
            markeredgecolor=style.PAPER, markeredgewidth=0.8, clip_on=False, zorder=3,
        )  # fmt: skip


def _dress(figure: Figure, axes: Axes, names: list[str]) -> None:
    from matplotlib.ticker import PercentFormatter

    short = style.short_names(names)
    axes.set_yticks(range(len(names)), [short[name] for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, max(0.02, float(np.ceil(axes.get_xlim()[1] * 20) / 20)))
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1))
    axes.grid(axis="x", color=style.GRID, linewidth=0.9)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", labelcolor=style.INK)
    place = axes.get_position()
    left = min(0.42, 0.05 + max(len(name) for name in short.values()) * 0.0122)
    axes.set_position((left, place.y0, 0.97 - left, place.height))
    height = float(figure.get_size_inches()[1])
    figure.legend(
        *axes.get_legend_handles_labels(), loc="upper left", ncols=2, frameon=False, borderpad=0, borderaxespad=0,
        bbox_to_anchor=(0.02, place.y0 - 0.42 / height), prop={"family": style.FONT, "size": 9.5},
        labelcolor=style.INK,
    )  # fmt: skip
