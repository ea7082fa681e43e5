"""Correlations over texts, images or facts that come in clusters (prompts), with an interval that contains them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import NORMAL_QUANTILE, Floats, bootstrap_weights, student_stretch

MIN_PROMPTS = 3
"""Number of prompts below which a correlation has no interval."""
_DRAWS = 1000
_NEARLY_ONE = 1 - 1e-6


def clustered_correlation(
    one: Floats, other: Floats, prompt: NDArray[np.int64], strata: Sequence[str]
) -> tuple[float, float, float]:
    """Returns Pearson's correlation and its 95 % interval over prompts, symmetric on Fisher's z scale.

    Prompts are resampled; values, such as ranks, stay those of the full sample. Without an interval are fewer than
    three prompts, and samples in which one prompt decides: without it, a variable is constant.

    Args:
        one: [cases].
        other: [cases].
        prompt: [cases]: the number of each case's prompt, from 0.
        strata: The level of each prompt.

    Returns:
        Correlation, lower and upper bound; NaN where there is none.
    """
    sums = np.zeros((len(strata), 6))
    np.add.at(sums, prompt, np.stack([np.ones(len(one)), one, other, one * one, other * other, one * other], axis=1))
    value = float(_of_sums(sums.sum(axis=0)[None])[0])
    left_out = _of_sums(sums.sum(axis=0) - sums)
    if value != value or len(strata) < MIN_PROMPTS or np.isnan(left_out).any():
        return value, float("nan"), float("nan")
    draws = _fisher(_of_sums(bootstrap_weights(tuple(strata), _DRAWS) @ sums))
    half = NORMAL_QUANTILE * student_stretch(strata) * float(np.nanstd(draws))
    centre = float(_fisher(np.array([value]))[0])
    return value, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _fisher(correlations: Floats) -> Floats:
    return np.asarray(np.arctanh(np.clip(correlations, -_NEARLY_ONE, _NEARLY_ONE)))


def _of_sums(sums: Floats) -> Floats:
    """Returns Pearson's correlation of each row of sums: 1, x, y, xx, yy, xy; NaN where one is constant."""
    n, x, y, xx, yy, xy = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (xx - x * x / n) * (yy - y * y / n)
        return np.where(spread > 1e-9, (xy - x * y / n) / np.sqrt(np.where(spread > 0, spread, 1.0)), np.nan)
