"""Means with bootstrap intervals: prompts are resampled within their levels, and few prompts give wide intervals.

All models play the same prompts, so a prompt is one observation and its games are not independent. Each draw takes one
prompt fewer than a level has, with weight n / (n - 1) (Rao and Wu's rescaled bootstrap), which makes the variance of
the draws that of the mean. Deviations are then scaled from the normal to Student's t distribution, which matters
below about thirty prompts. Intervals of means come from the same variance, corrected for skewness; of a measure with
limits they are at least as wide as those of a share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from telephone.core import seeds
from telephone.core.records import LEVELS

DRAWS = 2000
CONFIDENCE = 0.95
MIN_PROMPTS = 8
"""Fewer prompts give a mean without an interval: of skewed scores it would cover the truth in less than 93 of 100
cases (docs/statistics.md; at eight `tests/analysis/inference/test_bootstrap.py`)."""

Floats = NDArray[np.float64]

NORMAL_QUANTILE = round(float(ndtri((1 + CONFIDENCE) / 2)), 6)
"""The 97.5 % quantile of the normal distribution, to six decimals as printed tables have it."""


@dataclass(frozen=True)
class MeanEstimate:
    """Means of several quantities over the same prompts; all arrays have one entry a quantity."""

    mean: Floats
    """NaN where nothing is scored."""
    low: Floats
    """Bounds of the 95 % interval; NaN where there are fewer than `MIN_PROMPTS` prompts, and where all values are
    equal, unless the measure has limits."""
    high: Floats
    se: Floats
    """Standard error over prompts; NaN where there are fewer than two."""
    n: NDArray[np.int64]
    """Prompts with a score."""
    draws: Floats
    """[draws, quantities]: scaled means of resampled prompts; all quantities share the prompts of a draw."""


def estimate_means(
    values: Floats, strata: Sequence[str], limits: tuple[float, float] = (-np.inf, np.inf)
) -> MeanEstimate:
    """Returns the mean of each column over prompts, each prompt with the same weight, and its interval.

    Args:
        values: [prompts, quantities], one number a prompt; NaN is unscored and left out.
        strata: The level of each prompt; prompts are resampled within it.
        limits: Range of the measure; bounds of intervals are clipped to it.
    """
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / n
        weights = bootstrap_weights(tuple(strata))
        raw = (weights @ filled) / (weights @ known)
    groups = len(set(merge_strata(strata)))
    freedom = [int(count) - groups if count >= 2 else None for count in n]
    stretch = np.array([np.nan if each is None else student_quantile(each) / NORMAL_QUANTILE for each in freedom])
    draws = mean + (raw - mean) * stretch
    se, skewness = _moments_of_mean(values, np.array(merge_strata(strata)))
    quantile = np.array([np.nan if each is None else student_quantile(each) for each in freedom])
    low, high = _skew_corrected(mean, se, skewness, quantile)
    if np.isfinite(limits).all():
        low, high = _widened_to_share(mean, se, n, quantile, limits, (low, high))
    shown = (n >= MIN_PROMPTS) & (low < high)
    low, high = (np.where(shown, np.clip(each, *limits), np.nan) for each in (low, high))
    return MeanEstimate(mean, low, high, se, n, draws)


def interval_bounds(draws: Floats) -> Floats:
    """Returns [2, quantities]: the bounds of the 95 % interval of each column; NaN draws are left out."""
    tail = (1 - CONFIDENCE) / 2
    if np.isnan(draws).any():
        return np.nanquantile(draws, [tail, 1 - tail], axis=0)
    return np.quantile(draws, [tail, 1 - tail], axis=0)


@lru_cache(maxsize=64)
def bootstrap_weights(strata: tuple[str, ...], draws: int = DRAWS) -> Floats:
    """Returns [draws, prompts], read-only: the weight of each prompt in each draw, equal for equal strata.

    A single prompt cannot be resampled, so its weight is 1 in every draw.
    """
    generator = np.random.default_rng(seeds.derive("bootstrap", *strata))
    weights = np.ones((draws, len(strata)))
    groups = np.array(merge_strata(strata))
    for group in dict.fromkeys(groups.tolist()):
        members = np.flatnonzero(groups == group)
        size = len(members)
        if size > 1:
            taken = generator.multinomial(size - 1, np.full(size, 1 / size), size=draws)
            weights[:, members] = taken * (size / (size - 1))
    weights.flags.writeable = False
    return weights


def merge_strata(strata: Sequence[str]) -> list[str]:
    """Returns the strata; one with a single prompt is merged with a neighbour, the easier one if possible."""
    order = sorted(set(strata), key=_difficulty)
    groups: list[list[str]] = []
    for name in order:
        single = list(strata).count(name) == 1
        if groups and (single or sum(list(strata).count(other) for other in groups[-1]) == 1):
            groups[-1].append(name)
        else:
            groups.append([name])
    joined = {name: group[0] for group in groups for name in group}
    return [joined[name] for name in strata]


@lru_cache(maxsize=4096)
def student_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Returns the half width of a two-sided interval by Student's t distribution, in standard errors.

    With less than 1 degree of freedom it is that of 1; at a confidence of 95 % it is the 97.5 % quantile.

    It is rounded to four decimals, as printed tables have it, so that results are equal on all platforms.
    """
    return round(float(stdtrit(max(freedom, 1), (1 + confidence) / 2)), 4)


def student_stretch(strata: Sequence[str]) -> float:
    """Returns the factor from the normal to Student's t distribution for prompts of these strata."""
    return student_quantile(student_freedom(strata)) / NORMAL_QUANTILE


def student_freedom(strata: Sequence[str]) -> int:
    """Returns the degrees of freedom of prompts of these strata: their number without one for each stratum."""
    return len(strata) - len(set(merge_strata(strata)))


def _moments_of_mean(values: Floats, groups: NDArray[np.str_]) -> tuple[Floats, Floats]:
    """Returns the standard error of each column's mean, and the skewness of the mean, from deviations within groups."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    second, third = np.zeros((2, values.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        grand = np.where(known, values, 0.0).sum(axis=0) / n
        for group in dict.fromkeys(groups.tolist()):
            own, inside = values[groups == group], known[groups == group]
            size = inside.sum(axis=0)
            centre = np.where(size > 1, np.where(inside, own, 0.0).sum(axis=0) / size, grand)
            away = np.where(inside, own - centre, 0.0)
            second += (away**2).sum(axis=0) * np.where(size > 1, size / (size - 1), 1.0)
            third += (away**3).sum(axis=0)
        second = np.where(second > 1e-24, second, 0.0)
        se = np.where(n >= 2, np.sqrt(second) / n, np.nan)
        return se, np.where(second > 0, third / second**1.5, 0.0)


def _skew_corrected(mean: Floats, se: Floats, skewness: Floats, quantile: Floats) -> tuple[Floats, Floats]:
    """Returns the bounds of Student's interval, corrected for skewness: the side of the long tail is wider.

    Hall 1992, "On the removal of skewness by transformation", the cubic transformation and its inverse.
    """

    def inverse(t: Floats) -> Floats:
        small = np.abs(skewness) < 1e-3
        factor = np.where(small, 1.0, skewness)
        return np.where(small, t, 3 / factor * (np.cbrt(1 + factor * (t - factor / 6)) - 1))

    return mean - se * inverse(quantile), mean - se * inverse(-quantile)


def _widened_to_share(
    mean: Floats, se: Floats, n: NDArray[np.int64], quantile: Floats, limits: tuple[float, float],
    bounds: tuple[Floats, Floats],
) -> tuple[Floats, Floats]:  # fmt: skip
    """Returns the bounds, at least as wide as Wilson's for a share with the same standard error.

    Scores at the end of their scale vary little until a rare loss is seen, so that an interval from their variance is
    too narrow, and of equal scores a point.
    """
    low, width = limits[0], limits[1] - limits[0]
    share = (mean - low) / width
    with np.errstate(invalid="ignore", divide="ignore"):
        worth = np.where(se > 0, share * (1 - share) / (se / width) ** 2, n)
        worth = np.maximum(np.where(np.isfinite(worth), worth, n), n)
        middle = (share + quantile**2 / (2 * worth)) / (1 + quantile**2 / worth)
        size = share * (1 - share) / worth + quantile**2 / (4 * worth**2)
        half = quantile * np.sqrt(np.maximum(size, 0.0)) / (1 + quantile**2 / worth)
    first, last = low + width * (middle - half), low + width * (middle + half)
    return np.fmin(bounds[0], first), np.fmax(bounds[1], last)


def _difficulty(level: str) -> tuple[int, str]:
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS), level)
