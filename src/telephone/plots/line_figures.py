"""Line figures by turn: one curve for each pair of models, or a few curves with names, with intervals as bands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAIR_COLUMNS = ("t2i_model", "i2t_model", "step_number", "mean")
CURVE_COLUMNS = ("curve", "turn", "mean")
_PAIR_HEIGHT, _CURVE_HEIGHT = 3.3, 2.9
_LEGEND_COLUMNS = 5
_MAX_BANDS = 5
"""With more curves the bands would cover each other and are left out."""


@dataclass(frozen=True)
class PairFigureOptions:
    """Texts and scale of a figure with one curve for each pair of models."""

    start: float
    """The value of the prompt itself, at turn 0."""
    title: str
    subtitle: str
    empty: str
    """The text shown if nothing is scored."""
    scale: Callable[[Axes, pd.DataFrame], None]
    """Sets limits and labels of the y axis."""
    references: tuple[tuple[float, str], ...] = ()
    """Horizontal reference lines: height and label."""


@dataclass(frozen=True)
class CurveFigureOptions:
    """Texts and scale of a figure with named curves."""

    title: str
    subtitle: str
    empty: str
    """The text shown if the table has no values."""
    bottom: float | None = 0.0
    """Limits of the y axis; None fits them to the data."""
    top: float | None = None
    percent: bool = False
    """True shows shares in [0, 1] as percentages."""


def pair_figure(table: pd.DataFrame, level: str, encoding: style.Encoding | None, options: PairFigureOptions) -> Figure:
    """Draws one curve for each pair of models.

    Args:
        table: `PAIR_COLUMNS` (`step_number` counts from 0), and optionally `low` and `high`, the bounds of an interval.
            NaN is unscored and is left out. If there is a column `level`, only the rows of `level` are drawn.
        level: Level of the prompts; empty is all levels.
        encoding: Colours and markers of the models; derived from the table if None.
        options: Texts and scale.

    Raises:
        UsageError: a column is missing.
    """
    style.require_columns(table, PAIR_COLUMNS)
    encoding = encoding or _encoding_of(table)
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    figure, axes = style.new_figure(_PAIR_HEIGHT, encoding.rows)
    last = _draw_pairs(axes, table, encoding, options.start)
    options.scale(axes, table)
    _format_turn_axis(axes, last)
    for height, label in options.references if last else ():
        _draw_reference(axes, height, label)
    if not last:
        style.add_note(axes, options.empty)
    title = f"{level.capitalize()} prompts: {options.title[0].lower()}{options.title[1:]}" if level else options.title
    style.add_title(figure, title, options.subtitle)
    style.add_legend(figure, encoding)
    return figure


def curve_figure(table: pd.DataFrame, options: CurveFigureOptions) -> Figure:
    """Draws one line for each named curve, in the order of the table.

    Args:
        table: `curve` (its name), `turn`, `mean`, and optionally `low` and `high`, the bounds of an interval.
        options: Texts and scale.

    Raises:
        UsageError: a column is missing.
    """
    style.require_columns(table, CURVE_COLUMNS)
    names = [str(name) for name in table["curve"].drop_duplicates()]
    rows = -(-len(names) // _LEGEND_COLUMNS)
    figure, axes = style.new_figure(_CURVE_HEIGHT, rows)
    last = _draw_curves(axes, table, names)
    axes.set_ylim(options.bottom, options.top)
    if options.percent:
        percent_axis(axes)
    _format_turn_axis(axes, last)
    if not last:
        style.add_note(axes, options.empty)
    style.add_title(figure, options.title, options.subtitle)
    _add_curve_legend(figure, names)
    return figure


def percent_axis(axes: Axes) -> None:
    """Labels the y axis, shares in [0, 1], as percentages."""
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def _encoding_of(table: pd.DataFrame) -> style.Encoding:
    """Returns an encoding of the models of a table, sorted by name."""
    return style.Encoding.of(sorted(table["t2i_model"].unique()), sorted(table["i2t_model"].unique()))


def _draw_pairs(axes: Axes, table: pd.DataFrame, encoding: style.Encoding, start: float) -> int:
    """Draws the curves of all pairs; returns the last scored turn, counted from 1, or 0 if nothing is scored."""
    last = 0
    scored = table.dropna(subset=["mean"]).sort_values("step_number")
    pairs = scored.groupby(["t2i_model", "i2t_model"], sort=True)
    alpha = max(0.03, 0.16 / max(1, len(pairs)) ** 0.5)  # keeps curves readable where many bands overlap
    for pair, rows in pairs:
        t2i, i2t = (str(name) for name in pair)
        turns = [0, *(int(step) + 1 for step in rows["step_number"])]
        means = [start, *(float(value) for value in rows["mean"])]
        colour, marker = encoding.colours[t2i], encoding.markers[i2t]
        axes.plot(
            turns, means, color=colour, marker=marker, label=f"{t2i} + {i2t}", linewidth=1.7, markersize=6,
            markeredgecolor=style.BACKGROUND, markeredgewidth=0.8, markevery=slice(1, None), clip_on=False, zorder=3,
        )  # fmt: skip
        _draw_pair_band(axes, rows, start, (colour, alpha))
        last = max(last, turns[-1])
    if last:
        axes.plot([0], [start], color=style.TEXT, marker="o", markersize=7, label="prompt", clip_on=False, zorder=4)
    return last


def _draw_pair_band(axes: Axes, rows: pd.DataFrame, start: float, colour: tuple[str, float]) -> None:
    if "low" not in rows.columns or "high" not in rows.columns:
        return
    known = rows.dropna(subset=["low", "high"])
    if known.empty:
        return
    turns = [0, *(int(step) + 1 for step in known["step_number"])]
    low = [start, *(float(value) for value in known["low"])]
    high = [start, *(float(value) for value in known["high"])]
    axes.fill_between(turns, low, high, color=colour, linewidth=0, zorder=1)


def _draw_reference(axes: Axes, height: float, label: str) -> None:
    """Draws a dashed horizontal line with its label above the right end."""
    axes.axhline(height, color=style.MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
    axes.annotate(
        label, (1.0, height), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", ha="right",
        va="bottom", color=style.MUTED, fontsize=8.5, family=style.FONT, zorder=5,
    )  # fmt: skip


def _draw_curves(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> int:
    """Draws named curves; returns the last turn, or 0 if the table has no values."""
    last = 0
    for position, name in enumerate(names):
        rows = table[table["curve"] == name].dropna(subset=["mean"]).sort_values("turn")
        if rows.empty:
            continue
        colour, marker = _curve_look(position)
        axes.plot(
            rows["turn"], rows["mean"], color=colour, marker=marker, label=name, linewidth=1.8, markersize=5.5,
            markeredgecolor=style.BACKGROUND, markeredgewidth=0.8, clip_on=False, zorder=3,
        )  # fmt: skip
        if len(names) <= _MAX_BANDS and {"low", "high"} <= set(rows.columns):
            known = rows.dropna(subset=["low", "high"])
            axes.fill_between(
                known["turn"].astype(float), known["low"].astype(float), known["high"].astype(float),
                color=(colour, max(0.06, 0.16 / len(names) ** 0.5)), linewidth=0, zorder=1,
            )  # fmt: skip
        last = max(last, int(rows["turn"].max()))
    return last


def _format_turn_axis(axes: Axes, last: int) -> None:
    """Labels the x axis with whole turns, at most about a dozen labels."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(-0.15, max(last, 1) + 0.15)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=11, integer=True))
    axes.set_xlabel("turn (0 is the prompt itself)", color=style.MUTED, fontsize=9.5, family=style.FONT, labelpad=7)


def _add_curve_legend(figure: Figure, names: Sequence[str]) -> None:
    """Writes the legend below the axes, at most five names in a row."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for position, name in enumerate(names):
        colour, marker = _curve_look(position)
        handles.append(Line2D([], [], color=colour, marker=marker, linewidth=2.2, markersize=6, label=name))
    height = float(figure.get_size_inches()[1])
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.02, figure.axes[0].get_position().y0 - 0.62 / height),
        ncols=_LEGEND_COLUMNS,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.4,
        prop={"family": style.FONT, "size": 9.5},
        labelcolor=style.TEXT,
    )


def _curve_look(position: int) -> tuple[str, str]:
    """Returns colour and marker; markers shift after each round of colours, so that sixty curves differ."""
    return style.PALETTE[position % len(style.PALETTE)], style.MARKERS[(position + position // 8) % len(style.MARKERS)]
