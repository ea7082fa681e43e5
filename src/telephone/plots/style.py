"""The style of all figures: colours that colour-blind readers can distinguish, markers, sizes, titles and legends.

In figures of pairs every text-to-image model has its own panel, and an image-to-text model has the same colour and the
same marker in all of them. matplotlib is imported inside functions, so that importing this module stays fast.
"""

from __future__ import annotations

import re
import textwrap
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
"""Inches; the width of all figures but those of several panels."""
ABOVE = 0.86
"""Inches above the axes, for title and subtitle."""
MARGIN = 0.14
"""Inches left of title and legend."""
ROW_NAME = 26
"""Characters of a line of a name left of the axes."""
_LEGEND_ROW = 0.2


@dataclass(frozen=True)
class Encoding:
    """The order of the text-to-image models' panels, and colour and marker of each image-to-text model."""

    panels: tuple[str, ...]
    colours: Mapping[str, str]
    markers: Mapping[str, str]

    @classmethod
    def of(cls, t2i_models: Iterable[str], i2t_models: Iterable[str]) -> Encoding:
        """Returns an encoding of these models in this order; after eight models, colours and markers repeat."""
        described = list(dict.fromkeys(i2t_models))
        colours = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(described)}
        markers = {name: MARKERS[(i + i // len(PALETTE)) % len(MARKERS)] for i, name in enumerate(described)}
        return cls(tuple(dict.fromkeys(t2i_models)), colours, markers)


def short_names(refs: Iterable[str]) -> dict[str, str]:
    """Returns a short name for each model address: without the provider, unless two models would get the same name.

    Args:
        refs: Addresses such as `pocket/blip` or `openai/dall-e-3?size=512`.
    """
    names = list(dict.fromkeys(refs))
    tails = [name.partition("/")[2] or name for name in names]
    return {name: tail if tails.count(tail) == 1 else name for name, tail in zip(names, tails, strict=True)}


def wrapped(name: str, width: int, lines: int = 3) -> str:
    """Returns a name in lines of at most `width` characters, broken before options and after hyphens if possible.

    Args:
        name: Such as `dall-e-3?size=512`.
        width: Characters of a line.
        lines: Largest number of lines; a longer name ends in an ellipsis.
    """
    made = [""]
    for part in re.findall(r"[?&]?[^?&/_ -]*[/_ -]?", name):
        for piece in [part[at : at + width] for at in range(0, len(part), width)]:
            fits = len(made[-1]) + len(piece) <= width
            made = [*made[:-1], made[-1] + piece] if fits else [*made, piece]
    kept = [line.strip() for line in made[:lines]]
    if len(made) > lines:
        kept[-1] = kept[-1][: width - 1] + "…"
    return "\n".join(kept)


def wrapped_text(text: str, width: int, lines: int = 3) -> str:
    """Returns a text in lines of at most `width` characters; a longer one than `lines` ends in an ellipsis."""
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …")) or " "


def left_of(names: Iterable[str]) -> float:
    """Returns where the axes begin, as a share of the width, if wrapped names stand left of them."""
    longest = max((len(line) for name in names for line in name.split("\n")), default=0)
    return 0.05 + longest * 0.0122


def new_figure(height: float, rows: int = 0) -> tuple[Figure, Axes]:
    """Returns an empty figure with one styled pair of axes and room for a title above and a legend below.

    Args:
        height: Height of the axes in inches.
        rows: Lines of the legend; 0 is no legend.
    """
    from matplotlib.figure import Figure

    above, below = ABOVE, 0.62 + (0.26 + rows * _LEGEND_ROW if rows else 0.0)
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
    width, height = (float(size) for size in figure.get_size_inches())
    text: dict[str, Any] = {"family": FONT, "ha": "left", "va": "top"}
    left = MARGIN / width
    figure.text(left, 1 - 0.16 / height, title, fontsize=13.5, fontweight="bold", color=TEXT, **text)
    figure.text(left, 1 - 0.46 / height, subtitle, fontsize=9.5, color=MUTED, **text)


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


def figure_inches(axes: Axes) -> tuple[float, float]:
    """Returns width and height of the figure that axes belong to, in inches."""
    figure = axes.get_figure(root=True)
    if figure is None:
        raise ValueError("The axes belong to no figure.")
    width, height = figure.get_size_inches()
    return float(width), float(height)
