"""The figures of a page: each drawn from a table of the report and handed over as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from telephone.plots import (
    Encoding,
    drift_figure,
    facts_figure,
    heatmap_figure,
    importance_figure,
    losses_figure,
    survival_figure,
)
from telephone.report.html.svg_embedding import inline_svg

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup
    from matplotlib.figure import Figure

    from telephone.report.html.report_data import Drawn, ReportData


def players(data: ReportData, side: str) -> list[str]:
    """Returns the models of a side, t2i or i2t, by name."""
    return sorted({getattr(game, side) for game in data.games})


def drift(data: ReportData, encoding: Encoding) -> list[Markup]:
    """Draws the distance by turn, a figure a level, with its floor and its chance line."""
    return [
        inline_svg(
            drift_figure(data.drift, level, encoding, data.yardsticks),
            f"drift-{level}",
            f"Mean distance to the prompt by turn, {level} prompts",
        )
        for level in _scored_levels(data.drift, data.levels)
    ]


def facts(data: ReportData, encoding: Encoding) -> list[Markup]:
    """Draws the share of facts kept by turn, a figure a level."""
    return [
        inline_svg(
            facts_figure(data.facts, level, encoding),
            f"facts-{level}",
            f"Share of facts kept by turn, {level} prompts",
        )
        for level in _scored_levels(data.facts, data.levels)
    ]


def heat(data: ReportData) -> list[Markup]:
    """Draws a heat map a level, of the last turn that was scored; one pair alone needs no map."""
    if data.drift.empty or len(players(data, "t2i")) * len(players(data, "i2t")) < 2:
        return []
    last = data.drift[data.drift["step_number"] == data.drift.dropna(subset=["mean"])["step_number"].max()]
    return [
        inline_svg(heatmap_figure(last, level), f"heat-{level}", f"Final distance of each pair, {level} prompts")
        for level in _scored_levels(last, data.levels)
    ]


def figures(wanted: Sequence[Drawn]) -> list[Markup]:
    """Draws the figures of a section."""
    return [inline_svg(_figure(each), f"{each.kind}-{each.by}", _label(each)) for each in wanted]


def _figure(wanted: Drawn) -> Figure:
    if wanted.kind == "importance":
        return importance_figure(wanted.table, wanted.by)
    make = {"survival": survival_figure, "losses": losses_figure}[wanted.kind]
    return make(wanted.table, wanted.by, wanted.words)


def _label(wanted: Drawn) -> str:
    says = {"survival": "Share of facts not dropped yet", "losses": "Share of facts lost in a call"}
    return f"{says.get(wanted.kind, 'How far models of each side differ by turn')}, {wanted.words}"


def _scored_levels(table: pd.DataFrame, levels: Sequence[str]) -> list[str]:
    return [level for level in levels if len(table) and table.loc[table["level"] == level, "mean"].notna().any()]
