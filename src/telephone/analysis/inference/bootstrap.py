"""Means with bootstrap intervals: prompts are resampled within their levels, and few prompts give wide intervals.

All models play the same prompts, so a prompt is one observation and its games are not independent. Each draw takes one
prompt fewer than a level has, with weight n / (n - 1) (Rao and Wu's rescaled bootstrap), which makes the variance of
the draws that of the mean. Deviations are then scaled from the normal to Student's t distribution, which matters
below about thirty prompts.
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

Floats = NDArray[np.float64]

NORMAL_QUANTILE = round(float(ndtri((1 + CONFIDENCE) / 2)), 6)
"""The 97.5 % quantile of the normal distribution, to six decimals as printed tables have it."""


@dataclass(frozen=True)
class MeanEstimate:
    """Means of several quantities over the same prompts; all arrays have one entry a quantity."""

    mean: Floats
    """NaN where nothing is scored."""
    low: Floats
    """Bounds of the 95 % interval; NaN where there are fewer than two prompts."""
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
    deviation = raw - mean
    draws = mean + deviation * stretch
    low, high = (np.full(len(mean), np.nan) for _ in range(2))
    enough = n >= 2
    low[enough], high[enough] = np.clip(interval_bounds(draws[:, enough]), *limits)
    se = np.where(enough, np.sqrt(_mean_of_known(deviation**2)), np.nan)
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


def _mean_of_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


def _difficulty(level: str) -> tuple[int, str]:
    return (LEVELS.index(level) if level in LEVELS else len(LEVELS), level)
