"""Variance components: which side differs more among models in general, of which the roster is a sample.

A variance that is estimated from three models is known within a factor of a hundred, whatever the number of prompts. So
the answer always has the probability that it is right, and a warning below about ten models a side.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats, interval_bounds
from telephone.analysis.inference.score_tensor import EFFECT_NAMES, MeanSquares, ScoreTensor, mean_squares
from telephone.core import seeds

MOST_FACTOR = 4.0
"""Above this factor of uncertainty of the ratio with unlimited prompts, the models are too few."""
_DRAWS = 10_000


@dataclass(frozen=True)
class VarianceComponents:
    """An answer about models in general, of which the roster is a sample."""

    table: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["source", "variance", "low", "high", "sd"])
    )
    """One row a component: its variance (the unbiased estimate, which may be below 0), its 95 % interval, and the
    square root of the variance. Without repeats there is no row `all three`: it is inside `chance`."""
    p_drawing: float | None = None
    """Probability that text-to-image models differ more than image-to-text models; None if it cannot be estimated."""
    factor: float = float("inf")
    """Factor, up or down, within which the ratio of the two variances is known with unlimited prompts."""
    warning: str = ""
    """A sentence if the models are too few."""
    answer: str = ""
    """A sentence."""
    repeats: int = 1

    @property
    def significant(self) -> bool:
        """Whether one side differs more with 95 % confidence, and there are enough models."""
        return not self.warning and self.p_drawing is not None and not 0.025 < self.p_drawing < 0.975


def estimate_variance_components(tensor: ScoreTensor) -> VarianceComponents:
    """Returns the variance components of a score tensor, with intervals.

    Intervals and the probability come from generalised pivotal quantities: each mean square divided by a chi-square
    variable over its degrees of freedom. They reflect the small number of models; a bootstrap over prompts does not.

    Args:
        tensor: Two or more models of each kind and two or more prompts.
    """
    t, c, _, r = tensor.sizes
    found = mean_squares(tensor.scores)
    names = [name for name, code in EFFECT_NAMES.items() if not (code == "e" and r == 1)]
    names = [name for name in names if not (name == "all three" and r == 1)] + (["chance"] if r == 1 else [])
    values = anova_components({code: float(mean[0]) for code, mean in found.mean.items()}, found.sizes)
    drawn = anova_components(generalised_pivots(found), found.sizes)
    rows = [_row(name, EFFECT_NAMES[name], values, drawn, r) for name in names]
    p_drawing = float(np.mean(drawn["t"] > drawn["c"]))
    factor = variance_ratio_factor(t, c)
    warning = "" if factor <= MOST_FACTOR else _warning(t, c, factor)
    table = pd.DataFrame(rows, columns=["source", "variance", "low", "high", "sd"])
    return VarianceComponents(table, p_drawing, factor, warning, _answer(table, p_drawing, warning), r)


def anova_components(mean: dict[str, Floats] | dict[str, float], sizes: tuple[int, int, int, int]) -> dict[str, Floats]:
    """Returns the variance components of mean squares with all effects random.

    Args:
        mean: Mean squares by effect, numbers or arrays of one shape.
        sizes: Numbers of text-to-image models t, image-to-text models c, prompts p and repeats r.

    Returns:
        By effect; without repeats `tcp` is the interaction of all three and chance together, and `e` is NaN.
    """
    t, c, p, r = sizes
    m = {name: np.asarray(value, dtype=float) for name, value in mean.items()}
    return {
        "t": (m["t"] - m["tc"] - m["tp"] + m["tcp"]) / (c * p * r),
        "c": (m["c"] - m["tc"] - m["cp"] + m["tcp"]) / (t * p * r),
        "p": (m["p"] - m["tp"] - m["cp"] + m["tcp"]) / (t * c * r),
        "tc": (m["tc"] - m["tcp"]) / (p * r),
        "tp": (m["tp"] - m["tcp"]) / (c * r),
        "cp": (m["cp"] - m["tcp"]) / (t * r),
        "tcp": m["tcp"] if r == 1 else (m["tcp"] - m["e"]) / r,
        "e": m["e"],
    }


def generalised_pivots(found: MeanSquares) -> dict[str, Floats]:
    """Returns draws of the generalised pivots of the expected mean squares: [draws] by effect."""
    generator = np.random.default_rng(seeds.derive("pivots", *found.sizes))
    drawn = {}
    for name, freedom in found.freedom.items():
        scale = generator.chisquare(freedom, _DRAWS) / freedom if freedom else np.ones(_DRAWS)
        drawn[name] = found.mean[name][0] / scale
    return drawn


@lru_cache(maxsize=256)
def variance_ratio_factor(t2i_models: int, i2t_models: int) -> float:
    """Returns the factor, up or down, within which 95 % of ratios of two equal variances of so many models lie."""
    if min(t2i_models, i2t_models) < 2:
        return float("inf")
    generator = np.random.default_rng(seeds.derive("ratio of variances", t2i_models, i2t_models))
    one, other = (generator.chisquare(n - 1, 100_000) / (n - 1) for n in (t2i_models, i2t_models))
    low, high = np.quantile(one / other, [0.025, 0.975])
    return float(max(high, 1 / low))


def _row(name: str, code: str, values: dict[str, Floats], drawn: dict[str, Floats], r: int) -> tuple[object, ...]:
    code = "tcp" if name == "chance" and r == 1 else code
    low, high = interval_bounds(np.maximum(drawn[code], 0.0)[:, None])[:, 0]
    variance = float(values[code])
    return (name, variance, float(low), float(high), float(np.sqrt(max(variance, 0.0))))


def _warning(t: int, c: int, factor: float) -> str:
    size = f"{factor:.0f}" if np.isfinite(factor) else "anything"
    return (
        f"TOO FEW MODELS: {t} drawing and {c} describing models do not show which side matters more in general; "
        f"even with unlimited prompts the ratio of the two sides is known only within a factor of {size}. "
        "Use about twelve or more of each kind."
    )


def _answer(table: pd.DataFrame, p_drawing: float, warning: str) -> str:
    sd = dict(zip(table["source"], table["sd"], strict=True))
    drawing, describing = (
        f"by a standard deviation of {sd[side]:.3f}" if sd[side] >= 0.0005 else "no more than by chance"
        for side in ("drawing", "describing")
    )
    words = (
        f"drawing models differ {drawing}, describing models {describing}; the probability that drawing matters more "
        f"is {100 * p_drawing:.0f} %"
    )
    if warning:
        return f"Among models in general the sides are not distinguishable: {words}, from too few models."
    if 0.025 < p_drawing < 0.975:
        return f"Among models in general the sides are not distinguishable: {words}."
    return f"Among models in general {'drawing' if p_drawing > 0.5 else 'describing'} matters more: {words}."
