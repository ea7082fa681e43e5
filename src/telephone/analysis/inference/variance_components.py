"""What matters more among models in general: variance components, and how little few models can say of them.

The models of a roster are taken as drawn from all models. A variance that is estimated from three of them is known
within a factor of a hundred, whatever the number of prompts; so the answer always comes with the chance that it is
right, and with a warning below some ten models a side.
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
"""If the ratio of the two sides cannot be known better than this even with endless prompts, the models are too few."""
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
    """The chance that drawing models differ more than describing models do; None if it cannot be said."""
    factor: float = float("inf")
    """Within which factor, up or down, the ratio of the two variances could be known with endless prompts."""
    warning: str = ""
    """A loud sentence if the models are too few to say."""
    answer: str = ""
    """A sentence."""
    repeats: int = 1

    @property
    def significant(self) -> bool:
        """Whether one side surely differs more, with models enough to say so."""
        return not self.warning and self.p_drawing is not None and not 0.025 < self.p_drawing < 0.975


def estimate_variance_components(tensor: ScoreTensor) -> VarianceComponents:
    """Returns the variance components of a table, with intervals.

    Intervals and the chance come from generalised pivotal quantities: each mean square divided by a chi-square of its
    degrees of freedom, which keeps the small number of models in view where a bootstrap over prompts would not.

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
    """Returns the variance components of mean squares, all effects taken as drawn from populations.

    Args:
        mean: Mean squares by effect, numbers or arrays of one shape.
        sizes: Numbers of drawing models t, describing models c, prompts p and repeats r.

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
    """Returns draws of the expected mean squares that could have given these mean squares: [draws] by effect."""
    generator = np.random.default_rng(seeds.derive("pivots", *found.sizes))
    drawn = {}
    for name, freedom in found.freedom.items():
        scale = generator.chisquare(freedom, _DRAWS) / freedom if freedom else np.ones(_DRAWS)
        drawn[name] = found.mean[name][0] / scale
    return drawn


@lru_cache(maxsize=256)
def variance_ratio_factor(drawers: int, describers: int) -> float:
    """Returns the factor, up or down, within which 95 % of ratios of two equal variances of so many models lie."""
    if min(drawers, describers) < 2:
        return float("inf")
    generator = np.random.default_rng(seeds.derive("ratio of variances", drawers, describers))
    one, other = (generator.chisquare(n - 1, 100_000) / (n - 1) for n in (drawers, describers))
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
        f"TOO FEW MODELS: {t} drawing and {c} describing models cannot say what matters more among models in general; "
        f"even with endless prompts the ratio of the two sides is known only within a factor of {size}. "
        "Take about twelve or more of each kind."
    )


def _answer(table: pd.DataFrame, p_drawing: float, warning: str) -> str:
    sd = dict(zip(table["source"], table["sd"], strict=True))
    words = f"drawing models differ by {sd['drawing']:.3f} (standard deviation), describing models by "
    words += f"{sd['describing']:.3f}; the chance that drawing matters more is {100 * p_drawing:.0f} %"
    if warning:
        return f"Of models in general it cannot be told: {words}, from too few models."
    if 0.025 < p_drawing < 0.975:
        return f"Of models in general it cannot be told: {words}."
    return f"Among models in general {'drawing' if p_drawing > 0.5 else 'describing'} matters more: {words}."
