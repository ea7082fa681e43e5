"""What plain line figures have in common: a few named curves with their intervals, and a legend in one row or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.plots import style
from telephone.plots.curves import finish, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("curve", "turn", "mean")
_HEIGHT = 2.9
_PER_ROW = 5
_MOST_BANDS = 5
"""More bands than this on each other are a fog."""


@dataclass(frozen=True)
class LinesLook:
    """What tells one figure of lines from another."""

    title: str
    subtitle: str
    empty: str
    """What is written where there is nothing to draw."""
    bottom: float | None = 0.0
    """Limits of the upright axis; None leaves them to the data."""
    top: float | None = None
    percent: bool = False
    """Whether shares are written in percent."""


def lines_figure(table: pd.DataFrame, look: LinesLook) -> Figure:
    """Draws a line for each curve of a table, in the order of the table.

    Args:
        table: `curve` (its name), `turn`, `mean`, and perhaps `low` and `high`, the bounds of an interval.
        look: Words and limits.

    Raises:
        UsageError: a column is missing.
    """
    require(table, COLUMNS)
    names = [str(name) for name in table["curve"].drop_duplicates()]
    rows = -(-len(names) // _PER_ROW)
    figure, axes = style.new_figure(_HEIGHT, rows)
    last = _draw(axes, table, names)
    _scale(axes, look)
    finish(axes, last)
    if not last:
        style.add_note(axes, look.empty)
    style.add_title(figure, look.title, look.subtitle)
    _legend(figure, names)
    return figure


def _draw(axes: Axes, table: pd.DataFrame, names: Sequence[str]) -> int:
    """Draws the curves and returns the last turn."""
    last = 0
    for place, name in enumerate(names):
        rows = table[table["curve"] == name].dropna(subset=["mean"]).sort_values("turn")
        if rows.empty:
            continue
        colour, marker = _look_of(place)
        axes.plot(
            rows["turn"], rows["mean"], color=colour, marker=marker, label=name, linewidth=1.8, markersize=5.5,
            markeredgecolor=style.PAPER, markeredgewidth=0.8, clip_on=False, zorder=3,
        )  # fmt: skip
        if len(names) <= _MOST_BANDS and {"low", "high"} <= set(rows.columns):
            known = rows.dropna(subset=["low", "high"])
            axes.fill_between(
                known["turn"].astype(float), known["low"].astype(float), known["high"].astype(float),
                color=(colour, max(0.06, 0.16 / len(names) ** 0.5)), linewidth=0, zorder=1,
            )  # fmt: skip
        last = max(last, int(rows["turn"].max()))
    return last


def _scale(axes: Axes, look: LinesLook) -> None:
    axes.set_ylim(look.bottom, look.top)
    if look.percent:
        from matplotlib.ticker import PercentFormatter

        axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))


def _legend(figure: Figure, names: Sequence[str]) -> None:
    """Writes the legend under the axes, all names in rows of at most five."""
    from matplotlib.lines import Line2D

    handles: list[Any] = []
    for place, name in enumerate(names):
        colour, marker = _look_of(place)
        handles.append(Line2D([], [], color=colour, marker=marker, linewidth=2.2, markersize=6, label=name))
    height = float(figure.get_size_inches()[1])
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.02, figure.axes[0].get_position().y0 - 0.62 / height),
        ncols=_PER_ROW,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        handlelength=1.8,
        columnspacing=1.4,
        prop={"family": style.FONT, "size": 9.5},
        labelcolor=style.INK,
    )


def _look_of(place: int) -> tuple[str, str]:
    """Colour and marker: after one round of colours the markers go on, so that sixty curves differ."""
    return style.PALETTE[place % len(style.PALETTE)], style.MARKERS[(place + place // 8) % len(style.MARKERS)]
