"""The figures of the report: one registration for each, drawn as SVG that follows the colours of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from telephone.plots import (
    drift_figure,
    fact_paths_figure,
    facts_figure,
    heatmap_figure,
    importance_figure,
    losses_figure,
    style,
    survival_figure,
)
from telephone.report.html.tables import ordered

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from telephone.analysis import RunSummary
    from telephone.report.games import PlayedGame
    from telephone.report.html.findings import Findings
    from telephone.store import Run


@dataclass(frozen=True)
class FigureContext:
    """What the table of a figure can be made from."""

    run: Run
    summary: RunSummary
    findings: Findings
    opening: PlayedGame | None = None
    """The game at the top of the page."""


@dataclass(frozen=True)
class ReportFigure:
    """The registration of a figure."""

    key: str
    """Unique among all figures; letters, digits and hyphens."""
    section: str
    """Key of the section it stands in; see `telephone.report.html.page.SECTIONS`."""
    label: str
    """What the figure shows, for readers who cannot see it."""
    table: Callable[[FigureContext], pd.DataFrame | None]
    """Returns the table to draw; None or an empty table leaves the figure out."""
    draw: Callable[[pd.DataFrame, str, style.Encoding], Figure]
    """Draws the table, for a level (empty if not `by_level`), with the panels, colours and markers of the models."""
    by_level: bool = True
    """True draws one figure for each level of the column `level` that has values."""
    heading: str = ""
    """Written above the figure; empty continues the block of the figure before."""
    note: str = ""
    """A sentence below the heading."""


def _drift(context: FigureContext) -> pd.DataFrame:
    drift, references = context.summary.drift, context.findings.references
    if references is None:
        return drift
    # Two versions of an embedder may have calibrated the run; the first one is drawn.
    return drift.merge(references[["level", "floor", "chance"]].drop_duplicates("level"), "left", on="level")


def _pairs(context: FigureContext) -> pd.DataFrame | None:
    drift = context.summary.drift
    return drift if len(drift[["t2i_model", "i2t_model"]].drop_duplicates()) > 1 else None


def _fact_paths(context: FigureContext) -> pd.DataFrame | None:
    from telephone.analysis.facts.fact_paths import fact_paths

    game = context.opening
    if game is None:
        return None
    return fact_paths(context.run, context.summary.frame, game.key).assign(prompt=game.prompt)


def _survival(context: FigureContext, by: str) -> pd.DataFrame | None:
    """Returns survival curves in the order of the legend: levels by difficulty, others by their last value."""
    table = context.findings.survival.get(by)
    if table is None:
        return None
    if by == "level":
        order = list(ordered(table[by]))
    else:
        order = list(table.groupby(by)["survival"].min().sort_values(ascending=False, kind="stable").index)
    return table.sort_values(by, key=lambda names: names.map(order.index), kind="stable")


FIGURES = (
    ReportFigure(
        "drift",
        "curves",
        "Mean distance from the prompt by turn",
        _drift,
        drift_figure,
        note="Dashed lines, where they are known, give the scale. At the floor, a description is as close to the "
        "prompt as another wording of it, which does not exclude lost facts; "
        "at chance, it is no closer than to the prompt of another game. Bars "
        "right of a panel are 95 % intervals after the last turn; point at a curve to see its interval at every turn.",
    ),
    ReportFigure(
        "facts",
        "curves",
        "Share of facts kept by turn",
        lambda context: context.summary.facts,
        facts_figure,
        heading="Counted facts",
    ),
    ReportFigure("heatmap", "curves", "Final distance of each pair", _pairs, heatmap_figure, heading="All pairs"),
    ReportFigure(
        "survival-attribute",
        "losses",
        "Share of facts not lost yet, by kind of fact",
        lambda context: _survival(context, "attribute"),
        lambda table, level, encoding: survival_figure(table, "attribute", "kind of fact"),
        by_level=False,
    ),
    ReportFigure(
        "survival-level",
        "losses",
        "Share of facts not lost yet, by level",
        lambda context: _survival(context, "level"),
        lambda table, level, encoding: survival_figure(table, "level", "level"),
        by_level=False,
    ),
    ReportFigure(
        "losses-model",
        "losses",
        "Share of facts lost in one call, by model",
        lambda context: context.findings.losses.get("player"),
        lambda table, level, encoding: losses_figure(table, "player", "model"),
        by_level=False,
    ),
    ReportFigure(
        "losses-attribute",
        "losses",
        "Share of facts lost in one call, by kind of fact",
        lambda context: context.findings.losses.get("attribute"),
        lambda table, level, encoding: losses_figure(table, "attribute", "kind of fact"),
        by_level=False,
    ),
    ReportFigure(
        "fact-paths",
        "losses",
        "Where each fact of the opening game went, call by call",
        _fact_paths,
        lambda table, level, encoding: fact_paths_figure(table, str(table["prompt"].iloc[0])),
        by_level=False,
        heading="Where each fact of the opening game went",
    ),
    ReportFigure(
        "importance",
        "claims",
        "How far the models of each side differ, by turn",
        lambda context: context.findings.importance,
        lambda table, level, encoding: importance_figure(table, level),
    ),
)
"""All figures, in the order in which they stand in their sections."""


@dataclass(frozen=True)
class FigureBlock:
    """Figures under one heading, ready for the page."""

    heading: str
    note: str
    svgs: tuple[Markup, ...]


def figure_tables(context: FigureContext) -> dict[str, pd.DataFrame]:
    """Returns the table of each figure by its key; figures without values are left out."""
    made = {figure.key: figure.table(context) for figure in FIGURES}
    return {key: table for key, table in made.items() if table is not None and len(table)}


def draw_section(
    section: str, tables: Mapping[str, pd.DataFrame], levels: Sequence[str], encoding: style.Encoding
) -> list[FigureBlock]:
    """Draws the figures of a section.

    Args:
        section: Key of the section.
        tables: Tables by key of the figure.
        levels: Levels of the run, in order.
        encoding: Colours and markers of all models of the run.

    Returns:
        Blocks in order; a figure without a heading of its own joins the block before.
    """
    blocks: list[FigureBlock] = []
    for figure in FIGURES:
        if figure.section != section or figure.key not in tables:
            continue
        svgs = _draw(figure, tables[figure.key], levels, encoding)
        if not svgs:
            continue
        if blocks and not figure.heading:
            last = blocks.pop()
            blocks.append(FigureBlock(last.heading, last.note or figure.note, (*last.svgs, *svgs)))
        else:
            blocks.append(FigureBlock(figure.heading, figure.note, svgs))
    return blocks


def _draw(
    figure: ReportFigure, table: pd.DataFrame, levels: Sequence[str], encoding: style.Encoding
) -> tuple[Markup, ...]:
    if not figure.by_level:
        return (inline_svg(figure.draw(table, "", encoding), figure.key, figure.label),)
    known = table.dropna(subset=["mean"]) if "mean" in table.columns else table
    drawn = [level for level in levels if (known["level"] == level).any()]
    return tuple(
        inline_svg(figure.draw(table, level, encoding), f"{figure.key}-{level}", f"{figure.label}, {level} prompts")
        for level in drawn
    )


_VARIABLES = {
    style.TEXT: "var(--text)",
    style.MUTED: "var(--muted)",
    style.GRID: "var(--grid)",
    style.BACKGROUND: "var(--card)",
    **{colour: f"var(--c{position})" for position, colour in enumerate(style.PALETTE[:-1])},
}
"""Colours of the figures and the CSS variables that replace them."""


_POINTS_OF_HALF_A_PAGE = 600
_SMALLEST_SCALE = 0.96
"""Pixels of the page for one point of a figure, below which the box of a figure scrolls."""


def inline_svg(figure: Figure, key: str, label: str) -> Markup:
    """Returns a figure as SVG that can stand inside HTML.

    Args:
        figure: The figure.
        key: Unique on the page; a prefix of all ids inside the SVG.
        label: What the figure shows, for readers who cannot see it.
    """
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Markup(_adapted(buffer.getvalue(), key, label))  # noqa: S704 (matplotlib escapes the texts that it writes)


def is_wide(svg: str) -> bool:
    """Returns whether a figure needs the whole width of the page."""
    box = re.search(r"viewBox=\"[\d.-]+ [\d.-]+ ([\d.]+)", svg)
    return box is not None and float(box[1]) > _POINTS_OF_HALF_A_PAGE


def _adapted(svg: str, key: str, label: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    box = re.search(r"viewBox=\"([\d. -]+)\"", svg)
    view = box[1] if box else "0 0 1 1"
    # A figure that is scaled down too far cannot be read: its box scrolls instead.
    smallest = round(float(view.split()[2]) * _SMALLEST_SCALE)
    opening = f'<svg viewBox="{view}" style="min-width: {smallest}px" role="img" aria-label="{escape(label)}">'
    svg = opening + svg[svg.index(">") + 1 :]
    svg = re.sub(r"id=\"(curve|band)--[\w.-]+\"", r'class="\1"', svg)
    svg = _prefixed_ids(svg, key)
    svg = re.sub(rf"'{style.FONT}'[^;\"]*", "system-ui, sans-serif", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return re.sub(r"\n\s*", "\n", svg)


def _prefixed_ids(svg: str, key: str) -> str:
    """Removes ids that nothing refers to and puts the key before the others."""
    used = set(re.findall(r"(?:href=\"#|url\(#)([\w.-]+)", svg))
    svg = re.sub(r"\s+id=\"([\w.-]+)\"", lambda m: f' id="{key}-{m[1]}"' if m[1] in used else "", svg)
    svg = re.sub(r"(?:xlink:)?href=\"#([\w.-]+)\"", rf'href="#{key}-\1"', svg)
    return re.sub(r"url\(#([\w.-]+)\)", rf"url(#{key}-\1)", svg)
