"""Figures of pairs by turn: a panel for each text-to-image model, in it a curve for each image-to-text model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.plots import style
from telephone.plots.line_figures import format_turn_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAIR_COLUMNS = ("t2i_model", "i2t_model", "step_number", "mean")
WIDE = 10.4
"""Inches; the width of a figure of two and more panels."""
_HEIGHT, _TITLE, _BELOW, _LEFT, _RIGHT = 2.05, 0.3, 0.62, 0.5, 0.1
"""Inches: height of a panel, its title, room for turns below it, for the scale left of it, and at the right edge."""
_COLUMNS = {1: 1, 2: 2, 4: 2}
_MOST_COLUMNS = 3
_SHORT, _LONG, _CHARACTER, _LINE = 15, 19, 0.066, 0.145
"""Characters of a label that leaves room for three columns, and of a line of a longer one; inches of a character, and
from a line to the next."""
_BESIDE, _BAR = 0.34, 0.085
"""Inches between the curves and their labels, and from a bar of an interval to the next."""
_MOST_BANDS = 2
"""With more curves in a panel their bands would cover each other: the last interval of each is a bar, and its band is
invisible until a page shows it."""
_INVISIBLE = 0.001
_BOLD_CHARACTER = 0.098
"""Inches of a character of a panel's title."""


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


def pair_figure(table: pd.DataFrame, level: str, encoding: style.Encoding | None, options: PairFigureOptions) -> Figure:
    """Draws a panel for each text-to-image model, with a labelled curve for each image-to-text model.

    All panels have the same scales. A curve is labelled at its right end; its band is the interval.

    Args:
        table: `PAIR_COLUMNS` (`step_number` counts from 0), and optionally `low` and `high`, the bounds of an interval.
            NaN is unscored and is left out. If there is a column `level`, only the rows of `level` are drawn.
        level: Level of the prompts; empty is all levels.
        encoding: Order of the panels, colours and markers; derived from the table if None.
        options: Texts and scale.

    Raises:
        UsageError: a column is missing.
    """
    style.require_columns(table, PAIR_COLUMNS)
    encoding = encoding or _encoding_of(table)
    if level and "level" in table.columns:
        table = table[table["level"] == level]
    scored = table.dropna(subset=["mean"]).sort_values("step_number")
    panels = [name for name in encoding.panels if (scored["t2i_model"] == name).any()]
    labels = {name: style.wrapped(label, _LONG) for name, label in _short(encoding, scored).items()}
    names = style.short_names(encoding.panels)
    bars = len(labels) if len(labels) > _MOST_BANDS and _has_intervals(scored) else 0
    figure, axes = _panels([names[name] for name in panels] or [""], list(labels.values()), bars)
    last = int(scored["step_number"].max()) + 1 if len(scored) else 0
    for each in axes:
        options.scale(each, table)
        format_turn_axis(each, last, "turn")
    for each, name in zip(axes, panels, strict=False):
        for height, label in options.references:
            _draw_reference(each, height, label)
        _draw_panel(each, scored[scored["t2i_model"] == name], encoding, options.start)
        if bars:
            _draw_bars(each, scored[scored["t2i_model"] == name], encoding)
        _label_curves(each, scored[scored["t2i_model"] == name], encoding, labels, bars)
    if not panels:
        style.add_note(axes[0], options.empty)
    title = f"{level.capitalize()} prompts: {options.title[0].lower()}{options.title[1:]}" if level else options.title
    style.add_title(figure, title, options.subtitle + ("; bars: intervals after the last turn" if bars else ""))
    return figure


def _has_intervals(table: pd.DataFrame) -> bool:
    return {"low", "high"} <= set(table.columns) and bool(table[["low", "high"]].notna().all(axis=1).any())


def _encoding_of(table: pd.DataFrame) -> style.Encoding:
    """Returns an encoding of the models of a table, sorted by name."""
    return style.Encoding.of(sorted(table["t2i_model"].unique()), sorted(table["i2t_model"].unique()))


def _short(encoding: style.Encoding, scored: pd.DataFrame) -> dict[str, str]:
    """Returns the short names of the image-to-text models that have scores, in the order of the encoding."""
    names = style.short_names(encoding.colours)
    return {name: names[name] for name in encoding.colours if (scored["i2t_model"] == name).any()}


def _panels(names: Sequence[str], labels: Sequence[str], bars: int) -> tuple[Figure, list[Axes]]:
    """Returns a figure with titled axes for each panel, row by row, with room for the labels right of each."""
    from matplotlib.figure import Figure

    lines = [line for label in labels for line in label.split("\n")]
    longest = max((len(line) for line in lines), default=0)
    most = 3 if longest <= _SHORT else 2
    columns = min(most, _COLUMNS.get(len(names), most))
    rows = -(-len(names) // columns)
    width = style.WIDTH if len(names) == 1 else WIDE
    cell = (width - style.MARGIN) / columns
    titles = [style.wrapped(name, int((cell - 0.3) / _BOLD_CHARACTER), lines=2) for name in names]
    above = _TITLE + (0.18 if any("\n" in title for title in titles) else 0.0)
    high = max(_HEIGHT, _LINE * len(lines) + 0.05 * len(labels))  # all labels below each other
    row = above + high + _BELOW
    total = style.ABOVE - 0.2 + rows * row
    figure = Figure(figsize=(width, total), dpi=160, facecolor=style.BACKGROUND)
    made = []
    for number, title in enumerate(titles):
        down, across = divmod(number, columns)
        left, bottom = style.MARGIN + across * cell + _LEFT - 0.1, (rows - down - 1) * row + _BELOW
        room = cell - _LEFT - _RIGHT - _BESIDE - _BAR * bars - _CHARACTER * longest
        axes = figure.add_axes((left / width, bottom / total, room / width, high / total))
        style.style_axes(axes)
        look: dict[str, Any] = {"color": style.TEXT, "fontsize": 10.5, "fontweight": "bold", "family": style.FONT}
        axes.set_title(title, loc="left", pad=8, **look)
        made.append(axes)
    return figure, made


def _draw_panel(axes: Axes, scored: pd.DataFrame, encoding: style.Encoding, start: float) -> None:
    """Draws the curves of one text-to-image model, each followed by its band, so that a page can pair them."""
    own = dict(list(scored.groupby("i2t_model", sort=True)))
    alpha = 0.15 if len(own) <= _MOST_BANDS else _INVISIBLE
    for place, name in enumerate(name for name in encoding.colours if name in own):
        rows, order = own[name], 3 + place / 50
        turns = [0, *(int(step) + 1 for step in rows["step_number"])]
        means = [start, *(float(value) for value in rows["mean"])]
        (line,) = axes.plot(
            turns, means, color=encoding.colours[name], marker=encoding.markers[name], label=name, linewidth=1.8,
            markersize=5.5, markeredgecolor=style.BACKGROUND, markeredgewidth=0.8, markevery=slice(1, None),
            clip_on=False, zorder=order,
        )  # fmt: skip
        line.set_gid(f"curve--{place}")
        _draw_band(axes, rows, start, (encoding.colours[name], alpha), order)
    axes.plot([0], [start], color=style.TEXT, marker="o", markersize=6.5, label="prompt", clip_on=False, zorder=4.5)


def _draw_band(axes: Axes, rows: pd.DataFrame, start: float, colour: tuple[str, float], order: float) -> None:
    if "low" not in rows.columns or "high" not in rows.columns:
        return
    known = rows.dropna(subset=["low", "high"])
    if known.empty:
        return
    turns = [0, *(int(step) + 1 for step in known["step_number"])]
    low = [start, *(float(value) for value in known["low"])]
    high = [start, *(float(value) for value in known["high"])]
    band = axes.fill_between(turns, low, high, color=colour, linewidth=0, zorder=order + 0.01)
    band.set_gid(f"band--{order}")


def _draw_bars(axes: Axes, scored: pd.DataFrame, encoding: style.Encoding) -> None:
    """Draws the interval of each curve after its last turn as a bar right of the axes."""
    width = axes.get_position().width * style.figure_inches(axes)[0]
    for place, name in enumerate(encoding.colours):
        known = scored[scored["i2t_model"] == name].dropna(subset=["low", "high"])
        if known.empty:
            continue
        at, end = 1 + (place + 0.8) * _BAR / width, known.iloc[-1]
        look: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "color": encoding.colours[name]}
        axes.plot([at, at], [end["low"], end["high"]], linewidth=2.2, alpha=0.55, clip_on=False, label="_bar", **look)
        axes.plot([at], [end["mean"]], marker="o", markersize=3.4, clip_on=False, label="_", **look)


def _label_curves(
    axes: Axes, scored: pd.DataFrame, encoding: style.Encoding, labels: dict[str, str], bars: int
) -> None:
    """Writes the name of each curve beside its right end, moved as far as needed to overlap no other name."""
    ends = {str(name): rows.iloc[-1] for name, rows in scored.groupby("i2t_model", sort=True)}
    names = sorted(ends, key=lambda name: (float(ends[name]["mean"]), list(encoding.colours).index(name)))
    low, high = axes.get_ylim()
    inch = (high - low) / (axes.get_position().height * style.figure_inches(axes)[1])
    sizes = [inch * (0.05 + _LINE * (labels[name].count("\n") + 1)) for name in names]
    heights = spread([float(ends[name]["mean"]) for name in names], sizes, low, high)
    for name, height in zip(names, heights, strict=True):
        end = (int(ends[name]["step_number"]) + 1, float(ends[name]["mean"]))
        _label_curve(axes, end, height, labels[name], (encoding.colours[name], encoding.markers[name]), _BAR * bars)


def _label_curve(
    axes: Axes, end: tuple[float, float], height: float, label: str, look: tuple[str, str], gap: float
) -> None:
    """Writes a name at a height right of the axes, after its marker, with a thin line to the end of the curve.

    Args:
        axes: The panel.
        end: Last turn of the curve and its value.
        height: Where the name stands.
        label: The name.
        look: Colour and marker.
        gap: Inches of the bars between the axes and the names.
    """
    colour, marker = look
    width = axes.get_position().width * style.figure_inches(axes)[0]
    at, text = 1 + (0.2 + gap) / width, 1 + (_BESIDE + gap) / width
    scale = axes.get_yaxis_transform()
    low, high = axes.get_xlim()
    axes.plot(
        [(end[0] - low) / (high - low), 1 + gap / width, at], [end[1], end[1], height], transform=scale, color=colour,
        linewidth=0.8, clip_on=False, zorder=2.5, label="_",
    )  # fmt: skip
    axes.plot(
        [at], [height], transform=scale, color=colour, marker=marker, linewidth=0, markersize=5.5, clip_on=False,
        label="_",
    )  # fmt: skip
    axes.text(
        text, height, label, transform=scale, va="center", ha="left", color=style.TEXT, fontsize=8.8,
        family=style.FONT, linespacing=1.0,
    )  # fmt: skip


def spread(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Returns centres of labels near the wanted ones that do not overlap, in the same order.

    Args:
        wanted: Wanted centres, ascending.
        sizes: Size of each label.
        low: Where the first label may begin.
        high: Where the last label may end, if there is room for all of them.
    """
    made: list[float] = []
    edge = low
    for centre, size in zip(wanted, sizes, strict=True):
        made.append(max(centre, edge + size / 2))
        edge = made[-1] + size / 2
    edge = max(high, low + sum(sizes))
    for at in reversed(range(len(made))):
        made[at] = min(made[at], edge - sizes[at] / 2)
        edge = made[at] - sizes[at] / 2
    return made


def _draw_reference(axes: Axes, height: float, label: str) -> None:
    """Draws a dashed horizontal line with its label above the end that is farther from the curves."""
    low, high = axes.get_ylim()
    above = height > (low + high) / 2
    axes.axhline(height, color=style.MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=2)
    axes.annotate(
        label, (0.0 if above else 1.0, height), xycoords=("axes fraction", "data"), xytext=(4 if above else 0, 3),
        textcoords="offset points", ha="left" if above else "right", va="bottom", color=style.MUTED, fontsize=8.5,
        family=style.FONT, zorder=5,
    )  # fmt: skip
