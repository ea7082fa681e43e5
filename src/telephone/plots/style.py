"""The style of all figures: colours that colour-blind readers can distinguish, markers, sizes, titles and legends.

A pair of models always looks the same: the colour stands for the text-to-image model, the marker for the image-to-text
model. matplotlib is imported inside functions, so that importing this module stays fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from telephone.core.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT = "#1f2d3a"
"""Titles and numbers. These four colours are used for nothing else, so that a report can replace them in dark mode."""
MUTED = "#6a7884"
"""Axis labels, ticks, second lines of titles."""
GRID = "#e4e9ed"
"""Grid lines."""
BACKGROUND = "#fefefe"
"""Background, and the thin edge around markers."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", TEXT)
"""The palette of Okabe and Ito; its yellow is darkened here because a thin yellow line is invisible on white."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
FONT = "DejaVu Sans"
"""Part of matplotlib, so a figure looks the same on every machine."""

WIDTH = 6.8
"""Inches; all figures have the same width."""
_LEGEND_ROW = 0.2


@dataclass(frozen=True)
class Encoding:
    """The colour of each text-to-image model and the marker of each image-to-text model."""

    colours: Mapping[str, str]
    markers: Mapping[str, str]

    @classmethod
    def of(cls, t2i_models: Iterable[str], i2t_models: Iterable[str]) -> Encoding:
        """Returns an encoding of these models in this order; after eight models, colours and markers repeat."""
        colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(t2i_models))}
        markers = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(dict.fromkeys(i2t_models))}
        return cls(colours, markers)

    @property
    def rows(self) -> int:
        """Number of rows of the longer part of the legend."""
        return max(len(self.colours), len(self.markers), 1)


def short_names(refs: Iterable[str]) -> dict[str, str]:
    """Returns a short name for each model address: without the provider, unless two models would get the same name.

    Args:
        refs: Addresses such as `pocket/blip` or `openai/dall-e-3?size=512`.
    """
    names = list(dict.fromkeys(refs))
    tails = [name.partition("/")[2] or name for name in names]
    return {name: tail if tails.count(tail) == 1 else name for name, tail in zip(names, tails, strict=True)}


def new_figure(height: float, rows: int = 0) -> tuple[Figure, Axes]:
    """Returns an empty figure with one styled pair of axes and room for a title above and a legend below.

    Args:
        height: Height of the axes in inches.
        rows: Rows of the legend; 0 is no legend.
    """
    from matplotlib.figure import Figure

    above, below = 0.86, 0.62 + (0.26 + rows * _LEGEND_ROW if rows else 0.0)
    total = above + height + below
    figure = Figure(figsize=(WIDTH, total), dpi=160, facecolor=BACKGROUND)
    axes = figure.add_axes((0.095, below / total, 0.885, height / total))
    style_axes(axes)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """Removes the frame, the tick marks and the vertical grid lines."""
    axes.set_facecolor(BACKGROUND)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(axis="y", color=GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=MUTED, pad=6, labelfontfamily=FONT)


def add_title(figure: Figure, title: str, subtitle: str) -> None:
    """Writes a title and a subtitle (what is measured), both aligned to the left edge."""
    height = float(figure.get_size_inches()[1])
    text: dict[str, Any] = {"family": FONT, "ha": "left", "va": "top"}
    figure.text(0.02, 1 - 0.16 / height, title, fontsize=13.5, fontweight="bold", color=TEXT, **text)
    figure.text(0.02, 1 - 0.46 / height, subtitle, fontsize=9.5, color=MUTED, **text)


def add_legend(figure: Figure, encoding: Encoding) -> None:
    """Writes the legend below the axes: colours of text-to-image models, then markers of image-to-text models."""
    from matplotlib.lines import Line2D

    t2i, i2t = short_names(encoding.colours), short_names(encoding.markers)
    colours = [Line2D([], [], color=colour, linewidth=3, label=t2i[name]) for name, colour in encoding.colours.items()]
    markers = [
        Line2D([], [], color=MUTED, linewidth=0, marker=marker, markersize=6.5, label=i2t[name])
        for name, marker in encoding.markers.items()
    ]
    _add_legend_part(figure, colours, 0.02, "Colour: text-to-image model")
    _add_legend_part(figure, markers, 0.52, "Marker: image-to-text model")


def _add_legend_part(figure: Figure, handles: list[Any], left: float, title: str) -> None:
    height = float(figure.get_size_inches()[1])
    top = figure.axes[0].get_position().y0 - 0.6 / height
    legend = figure.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=(left, top),
        frameon=False,
        alignment="left",
        borderpad=0,
        borderaxespad=0,
        handlelength=1.6,
        prop={"family": FONT, "size": 9.5},
        title_fontproperties={"family": FONT, "size": 9.5},
        labelcolor=TEXT,
    )
    legend.get_title().set_color(MUTED)


def add_note(axes: Axes, text: str) -> None:
    """Writes a sentence in the centre of empty axes."""
    centre = axes.transAxes
    axes.text(0.5, 0.5, text, transform=centre, ha="center", va="center", color=MUTED, family=FONT, fontsize=10.5)


def require_columns(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Checks that a table has the columns that a figure needs.

    Raises:
        UsageError: a column is missing.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise UsageError(f"A figure needs the column {missing[0]!r}: pass a table of telephone.analysis.")
