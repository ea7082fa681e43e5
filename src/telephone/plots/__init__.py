"""Figures: functions from a table to a matplotlib figure, in one style and without the global state of pyplot."""

from telephone.plots.drift import drift_figure
from telephone.plots.fact_paths import fact_paths_figure
from telephone.plots.facts import facts_figure
from telephone.plots.heatmap import heatmap_figure
from telephone.plots.importance import importance_figure
from telephone.plots.losses import losses_figure
from telephone.plots.style import Encoding, short_names
from telephone.plots.survival import survival_figure
from telephone.plots.value_curves import ValueCurveOptions, value_curves_figure

__all__ = [
    "Encoding",
    "ValueCurveOptions",
    "drift_figure",
    "fact_paths_figure",
    "facts_figure",
    "heatmap_figure",
    "importance_figure",
    "losses_figure",
    "short_names",
    "survival_figure",
    "value_curves_figure",
]
