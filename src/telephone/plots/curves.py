"""What figures by turn have in common: one curve a pair of players, from the prompt itself to the last turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telephone.core.errors import UsageError
from telephone.plots import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("t2i_model", "i2t_model", "step_number", "mean")


@dataclass(frozen=True)
class CurveStyle:
    """What tells one figure by turn from another."""

    start: float
    """What the prompt itself has, at turn 0."""
    title: str
    subtitle: str
    empty: str
    """What is written where nothing has been scored."""
    scale: Callable[[Axes, pd.DataFrame], None]
    """Sets the limits and labels of the upright axis."""
    lines: tuple[tuple[float, str], ...] = ()
    """Heights that a curve is measured against, and what they are."""


def figure(table: pd.DataFrame, level: str, encoding: style.Encoding | None, look: CurveStyle) -> Figure:
    """Draws a figure by turn: the curves of a level, or of all where it is empty.

    Raises:
        UsageError: a column is missing.
    """
    require(table, COLUMNS)
    encoding = encoding or encoding_of(table)
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    made, axes = style.new_figure(3.3, encoding.rows)
    last = draw(axes, table, encoding, look.start)
    look.scale(axes, table)
    finish(axes, last)
    for height, words in look.lines if last else ():
        guide(axes, height, words)
    if not last:
        style.add_note(axes, look.empty)
    title = f"{level.capitalize()} prompts: {look.title[0].lower()}{look.title[1:]}" if level else look.title
    style.add_title(made, title, look.subtitle)
    style.add_legend(made, encoding)
    return made


def require(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Checks that a table has the columns that a figure is drawn from.

    Raises:
        UsageError: a column is missing.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise UsageError(f"A figure needs the column {missing[0]!r}: hand it a table of telephone.analysis.")


def encoding_of(table: pd.DataFrame) -> style.Encoding:
    """Returns the encoding of the pairs of a table, models in the order of their names."""
    return style.Encoding.of(sorted(table["t2i_model"].unique()), sorted(table["i2t_model"].unique()))


def draw(axes: Axes, table: pd.DataFrame, encoding: style.Encoding, start: float) -> int:
    """Draws a curve for each pair of a table, with its interval as a band where the table has one.

    Args:
        axes: Where to draw.
        table: `COLUMNS`, and perhaps `low` and `high`; `step_number` counts turns from 0.
        encoding: Colours and markers.
        start: What the prompt itself has, at turn 0.

    Returns:
        The number of the last turn with a number, counted from 1; 0 if nothing is scored.
    """
    last = 0
    scored = table.dropna(subset=["mean"]).sort_values("step_number")
    pairs = scored.groupby(["t2i_model", "i2t_model"], sort=True)
    alpha = max(0.03, 0.16 / max(1, len(pairs)) ** 0.5)  # many bands on each other must not become a fog
    for pair, rows in pairs:
        t2i, i2t = (str(name) for name in pair)
        turns = [0, *(int(step) + 1 for step in rows["step_number"])]
        means = [start, *(float(value) for value in rows["mean"])]
        colour, marker = encoding.colours[t2i], encoding.markers[i2t]
        axes.plot(
            turns, means, color=colour, marker=marker, label=f"{t2i} + {i2t}", linewidth=1.7, markersize=6,
            markeredgecolor=style.PAPER, markeredgewidth=0.8, markevery=slice(1, None), clip_on=False, zorder=3,
        )  # fmt: skip
        _band(axes, rows, start, (colour, alpha))
        last = max(last, turns[-1])
    if last:
        axes.plot([0], [start], color=style.INK, marker="o", markersize=7, label="prompt", clip_on=False, zorder=4)
    return last


def _band(axes: Axes, rows: pd.DataFrame, start: float, colour: tuple[str, float]) -> None:
    if "low" not in rows.columns or "high" not in rows.columns:
        return
    known = rows.dropna(subset=["low", "high"])
    if known.empty:
        return
    turns = [0, *(int(step) + 1 for step in known["step_number"])]
    low = [start, *(float(value) for value in known["low"])]
    high = [start, *(float(value) for value in known["high"])]
    axes.fill_between(turns, low, high, color=colour, linewidth=0, zorder=1)


def guide(axes: Axes, height: float, words: str) -> None:
    """Draws a dashed line across the axes with its meaning above its right end."""
    axes.axhline(height, color=style.MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
    axes.annotate(
        words, (1.0, height), xycoords=("axes fraction", "data"), xytext=(0, 3), textcoords="offset points", ha="right",
        va="bottom", color=style.MUTED, fontsize=8.5, family=style.FONT, zorder=5,
    )  # fmt: skip


def finish(axes: Axes, last: int) -> None:
    """Lays out the axis of turns: whole numbers, at most about a dozen labels."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(-0.15, max(last, 1) + 0.15)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=11, integer=True))
    axes.set_xlabel("turn (0 is the prompt itself)", color=style.MUTED, fontsize=9.5, family=style.FONT, labelpad=7)
