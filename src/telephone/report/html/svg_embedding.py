"""Figures inside a page: SVG that takes the page's font and, on a dark page, its inks."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from telephone.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VARIABLES = {
    style.INK: "var(--ink)",
    style.MUTED: "var(--muted)",
    style.GRID: "var(--grid)",
    style.PAPER: "var(--card)",
    **{colour: f"var(--c{place})" for place, colour in enumerate(style.PALETTE[:-1])},
}
"""Colours of the figures and the page's variables in their place."""


def inline_svg(figure: Figure, key: str, label: str) -> Markup:
    """Returns a figure as SVG to stand inside HTML.

    Args:
        figure: The figure.
        key: Unique on the page; keeps the names inside one figure from meeting those of another.
        label: What the figure shows, for those who cannot see it.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Markup(_adapted(buffer.getvalue(), key, label))  # noqa: S704 (matplotlib escapes the texts that it writes)


def _adapted(svg: str, key: str, label: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    box = re.search(r"viewBox=\"([\d. -]+)\"", svg)
    opening = f'<svg viewBox="{box[1] if box else "0 0 1 1"}" role="img" aria-label="{escape(label)}">'
    svg = opening + svg[svg.index(">") + 1 :]
    svg = _shared_names(svg, key)
    svg = re.sub(rf"'{style.FONT}'[^;\"]*", "system-ui, sans-serif", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return re.sub(r"\n\s*", "\n", svg)


def _shared_names(svg: str, key: str) -> str:
    """Keeps the ids that something points to, with the key before them, and drops the others."""
    used = set(re.findall(r"(?:href=\"#|url\(#)([\w.-]+)", svg))
    svg = re.sub(r"\s+id=\"([\w.-]+)\"", lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r"(?:xlink:)?href=\"#([\w.-]+)\"", rf'href="#{key}-\1"', svg)
    return re.sub(r"url\(#([\w.-]+)\)", rf"url(#{key}-\1)", svg)
