"""One look for every figure: inks, a palette that colour-blind readers can tell apart, markers, sizes and titles.

A pair of players is always drawn the same way: the colour says who draws (text-to-image), the marker says who
describes (image-to-text). matplotlib is imported where a figure is made, so that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2d3a"
"""Titles and numbers. The four inks occur nowhere else, so that a report may swap them for those of a dark page."""
MUTED = "#6a7884"
"""Axis labels, ticks, second lines of titles."""
GRID = "#e4e9ed"
"""Lines that guide the eye."""
PAPER = "#fefefe"
"""The ground, and the thin edge around markers."""

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a00", INK)
"""Okabe and Ito's colours; their yellow is darkened here because a thin yellow line cannot be seen on paper."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
FONT = "DejaVu Sans"
"""Comes with matplotlib, so a figure looks the same on every machine."""

WIDTH = 6.8
"""Inches; all figures are as wide as each other."""
_LEGEND_ROW = 0.2


@dataclass(frozen=True)
class Encoding:
    """Which colour stands for which text-to-image model, and which marker for which image-to-text model."""

    colours: Mapping[str, str]
    markers: Mapping[str, str]

    @classmethod
    def of(cls, t2i_models: Iterable[str], i2t_models: Iterable[str]) -> Encoding:
        """Returns an encoding of these models in the order given; beyond eight, colours and markers repeat."""
        colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(t2i_models))}
        markers = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(dict.fromkeys(i2t_models))}
        return cls(colours, markers)

    @property
    def rows(self) -> int:
        """Number of rows that the longer part of the legend has."""
        return max(len(self.colours), len(self.markers), 1)


def short_names(refs: Iterable[str]) -> dict[str, str]:
    """Returns a short name for each address: without the provider where two players do not become one by it.

    Args:
        refs: Addresses such as `pocket/blip` or `openai/dall-e-3?size=512`.
    """
    names = list(dict.fromkeys(refs))
    tails = [name.partition("/")[2] or name for name in names]
    return {name: tail if tails.count(tail) == 1 else name for name, tail in zip(names, tails, strict=True)}


def new_figure(height: float, rows: int = 0) -> tuple[Figure, Axes]:
    """Returns an empty figure with one dressed pair of axes, room for a title above and a legend of `rows` below.

    Args:
        height: Inches of the axes alone.
        rows: Rows of the legend; 0 is no legend.
    """
    from matplotlib.figure import Figure

    above, below = 0.86, 0.62 + (0.26 + rows * _LEGEND_ROW if rows else 0.0)
    total = above + height + below
    figure = Figure(figsize=(WIDTH, total), dpi=160, facecolor=PAPER)
    axes = figure.add_axes((0.095, below / total, 0.885, height / total))
    dress(axes)
    return figure, axes


def dress(axes: Axes) -> None:
    """Takes away what no reader needs: frame, tick marks, vertical grid lines."""
    axes.set_facecolor(PAPER)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GRID)
    axes.grid(axis="y", color=GRID, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9.5, labelcolor=MUTED, pad=6, labelfontfamily=FONT)


def add_title(figure: Figure, title: str, subtitle: str) -> None:
    """Writes a title and, under it, what is measured; both start at the left edge."""
    height = float(figure.get_size_inches()[1])
    words: dict[str, Any] = {"family": FONT, "ha": "left", "va": "top"}
    figure.text(0.02, 1 - 0.16 / height, title, fontsize=13.5, fontweight="bold", color=INK, **words)
    figure.text(0.02, 1 - 0.46 / height, subtitle, fontsize=9.5, color=MUTED, **words)


def add_legend(figure: Figure, encoding: Encoding) -> None:
    """Writes the legend under the axes in two parts: colours for those who draw, markers for those who describe."""
    from matplotlib.lines import Line2D

    t2i, i2t = short_names(encoding.colours), short_names(encoding.markers)
    lines = [Line2D([], [], color=ink, linewidth=3, label=t2i[name]) for name, ink in encoding.colours.items()]
    marks = [
        Line2D([], [], color=MUTED, linewidth=0, marker=mark, markersize=6.5, label=i2t[name])
        for name, mark in encoding.markers.items()
    ]
    _part(figure, lines, 0.02, "Colour: text-to-image (draws)")
    _part(figure, marks, 0.52, "Marker: image-to-text (describes)")


def _part(figure: Figure, handles: list[Any], left: float, title: str) -> None:
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
        labelcolor=INK,
    )
    legend.get_title().set_color(MUTED)


def add_note(axes: Axes, words: str) -> None:
    """Writes a sentence in the middle of axes that have nothing to show."""
    place = axes.transAxes
    axes.text(0.5, 0.5, words, transform=place, ha="center", va="center", color=MUTED, family=FONT, fontsize=10.5)
