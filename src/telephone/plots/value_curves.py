"""Curves over any number, such as a dose, a scale or a number of candidates: one line a name, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.plots import style
from telephone.plots.line_figures import add_curve_legend, curve_look, legend_columns, legend_lines, percent_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 2.5
_MAX_BANDS = 5
_LOG_FROM = 16.0
"""Positive values whose largest is so many times the smallest are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class ValueCurveOptions:
    """Texts and scale of a figure with curves over a number."""

    title: str
    x_label: str
    """What the numbers on the x axis are, such as `theta`."""
    subtitle: str = ""
    percent: bool = False
    """True shows shares in [0, 1] as percentages, on a scale from 0 to 1."""


def value_curves_figure(table: pd.DataFrame, options: ValueCurveOptions) -> Figure:
    """Draws one line for each named curve, in the order of the table.

    Args:
        table: `curve` (its name), `x`, `mean`, and optionally `low` and `high`, the bounds of an interval. Without a
            name there is no legend.
        options: Texts and scale.

    Raises:
        UsageError: a column is missing.
    """
    style.require_columns(table, ("curve", "x", "mean"))
    names = [str(name) for name in table["curve"].drop_duplicates()]
    labels = [style.wrapped(name, 24, lines=2) for name in names]
    columns = legend_columns(labels)
    shown = any(names)
    figure, axes = style.new_figure(_HEIGHT, legend_lines(labels, columns) if shown else 0)
    for position, name in enumerate(names):
        _draw(axes, table[table["curve"] == name].dropna(subset=["mean"]), position, len(names))
    _scale_x(axes, [float(each) for each in table["x"]], options.x_label)
    if options.percent:
        percent_axis(axes)
        axes.set_ylim(-0.02, 1.02)
    style.add_title(figure, options.title, options.subtitle)
    if shown:
        add_curve_legend(figure, labels, columns)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, position: int, curves: int) -> None:
    colour, marker = curve_look(position)
    rows = rows.sort_values("x")
    axes.plot(
        rows["x"], rows["mean"], color=colour, marker=marker, linewidth=1.8, markersize=5.5,
        markeredgecolor=style.BACKGROUND, markeredgewidth=0.8, clip_on=False, zorder=3,
    )  # fmt: skip
    if curves <= _MAX_BANDS and {"low", "high"} <= set(rows.columns):
        known = rows.dropna(subset=["low", "high"])
        axes.fill_between(
            known["x"].astype(float), known["low"].astype(float), known["high"].astype(float),
            color=(colour, max(0.06, 0.16 / curves**0.5)), linewidth=0, zorder=1,
        )  # fmt: skip


def _scale_x(axes: Axes, values: list[float], label: str) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    distinct = sorted(set(values))
    if distinct and distinct[0] > 0 and distinct[-1] >= _LOG_FROM * distinct[0]:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    if len(distinct) <= 9:
        axes.xaxis.set_major_locator(FixedLocator(distinct))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlabel(label, color=style.MUTED, fontsize=9.5, family=style.FONT, labelpad=7)
