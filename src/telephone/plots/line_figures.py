"""Line figures by turn: a few curves with names, with intervals as bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE_COLUMNS = ("curve", "turn", "mean")
_CURVE_HEIGHT = 2.9
_LEGEND_WIDTH = 92
"""Characters of a row of the legend, lines and gaps included."""
_MAX_BANDS = 5
"""With more curves the bands would cover each other and are left out."""


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
    labels = [style.wrapped(name, 24, lines=2) for name in names]
    columns = legend_columns(labels)
    figure, axes = style.new_figure(_CURVE_HEIGHT, legend_lines(labels, columns))
    last = _draw_curves(axes, table, names)
    axes.set_ylim(options.bottom, options.top)
    if options.percent:
        percent_axis(axes)
    format_turn_axis(axes, last)
    if not last:
        style.add_note(axes, options.empty)
    style.add_title(figure, options.title, options.subtitle)
    add_curve_legend(figure, labels, columns)
    return figure


def percent_axis(axes: Axes) -> None:
    """Labels the y axis, shares in [0, 1], as percentages."""
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def _draw_curves(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> int:
    """Draws named curves; returns the last turn, or 0 if the table has no values."""
    last = 0
    for position, name in enumerate(names):
        rows = table[table["curve"] == name].dropna(subset=["mean"]).sort_values("turn")
        if rows.empty:
            continue
        colour, marker = curve_look(position)
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


def format_turn_axis(axes: Axes, last: int, label: str = "turn (0 is the prompt itself)") -> None:
    """Labels the x axis with whole turns, at most about a dozen labels, fewer on narrow axes."""
    from matplotlib.ticker import MaxNLocator

    inches = axes.get_position().width * style.figure_inches(axes)[0]
    axes.set_xlim(-0.15, max(last, 1) + 0.15)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=max(2, min(11, int(inches * 4))), integer=True))
    axes.set_xlabel(label, color=style.MUTED, fontsize=9.5, family=style.FONT, labelpad=7)


def legend_columns(labels: Sequence[str]) -> int:
    """Returns how many columns of the legend the width of a figure has room for, five at most."""
    longest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    return max(1, min(5, len(labels), _LEGEND_WIDTH // (longest + 7)))


def legend_lines(labels: Sequence[str], columns: int) -> int:
    """Returns the number of lines of the highest column; matplotlib fills columns from the top."""
    rows = max(1, -(-len(labels) // columns))
    heights = [label.count("\n") + 1 for label in labels]
    return max((sum(heights[at : at + rows]) for at in range(0, len(heights), rows)), default=0)


def add_curve_legend(figure: Figure, labels: Sequence[str], columns: int) -> None:
    """Writes the legend below the axes."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for position, label in enumerate(labels):
        colour, marker = curve_look(position)
        handles.append(Line2D([], [], color=colour, marker=marker, linewidth=2.2, markersize=6, label=label))
    width, height = (float(size) for size in figure.get_size_inches())
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(style.MARGIN / width, figure.axes[0].get_position().y0 - 0.62 / height),
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.4,
        prop={"family": style.FONT, "size": 9.5},
        labelcolor=style.TEXT,
    )


def curve_look(position: int) -> tuple[str, str]:
    """Returns colour and marker; markers shift after each round of colours, so that sixty curves differ."""
    return style.PALETTE[position % len(style.PALETTE)], style.MARKERS[(position + position // 8) % len(style.MARKERS)]
