"""Figures: a table in, a matplotlib figure out, all in one look and without pyplot's global state."""

from telephone.plots.drift import drift_figure
from telephone.plots.facts import facts_figure
from telephone.plots.heatmap import heatmap_figure
from telephone.plots.style import Encoding, short_names

__all__ = ["Encoding", "drift_figure", "facts_figure", "heatmap_figure", "short_names"]
