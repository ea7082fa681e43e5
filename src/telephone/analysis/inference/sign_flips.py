"""Sign-flip tests of paired differences: exact for a few prompts, without an assumption about the distribution.

If two models are equal, the difference between them on a prompt is as likely to have one sign as the other. The sum of
the differences is compared with its values under random signs (Fisher's randomisation test). All comparisons share the
signs of a draw, so their dependence is taken into account where several are made (Westfall and Young 1993, step-down
max T; Romano and Wolf 2005). Identical differences are no certainty: n prompts give no p-value below 2 / 2 ** n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats
from telephone.core import seeds

ERROR_RATE = 0.05
"""Family-wise error rate of the claims of a battle."""
EXACT = 12
"""Up to this many prompts all signs are tried; above, a random sample of them."""
_FLIPS = 9999
_FLIPS_OF_MANY = 999
_MANY = 100
"""Above this number of comparisons fewer random signs are tried."""
_CHUNK = 128
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Comparisons:
    """All pairs of models compared over the same prompts; arrays have one entry a pair."""

    pairs: tuple[tuple[int, int], ...]
    """Columns that are compared: the difference is the first minus the second."""
    difference: Floats
    """Mean over the prompts on which both have a score; NaN without any."""
    n: NDArray[np.int64]
    """These prompts."""
    p: Floats
    """Two-sided p-value of no difference; 1 for a single prompt, NaN without prompts."""
    p_adjusted: Floats
    """Adjusted for all pairs."""
    significant: NDArray[np.bool_]
    """Whether `p_adjusted` is not above the error rate."""
    low: Floats
    """Bounds of the adjusted interval: it excludes 0 if and only if the pair is significant. NaN where the prompts are
    too few for a significant difference."""
    high: Floats

    def better(self, models: int, low_is_best: bool) -> NDArray[np.bool_]:
        """Returns [models, models]: whether the row is significantly better than the column."""
        found = np.zeros((models, models), dtype=bool)
        for (one, other), difference, significant in zip(self.pairs, self.difference, self.significant, strict=True):
            if significant:
                first = (difference < 0) == low_is_best
                found[(one, other) if first else (other, one)] = True
        return found


def sign_flip_test(values: Floats) -> float:
    """Returns the two-sided p-value of the hypothesis that each value's sign is random; NaN without values.

    Args:
        values: One difference a prompt. Up to `EXACT` of them all signs are tried, above 9,999 random ones.
    """
    if not len(values):
        return float("nan")
    return float(flip_chances(np.asarray(values, dtype=float)[:, None])[0])


def flip_chances(gaps: Floats) -> Floats:
    """Returns the two-sided p-value of each column of differences; NaN is no difference, and a column without any is 1.

    Args:
        gaps: [prompts, comparisons]
    """
    found = _statistics(np.nan_to_num(gaps), _signs(len(gaps), _FLIPS))
    return _tail(found, found[0])


def compare_pairs(
    values: Floats, level: float = ERROR_RATE, best: int | None = None, intervals: bool = True
) -> Comparisons:
    """Returns all pairs of columns compared, with p-values and intervals that are adjusted for all pairs.

    The best model may also be compared with each other one without adjustment: it is first if it is better than every
    single other one at the error rate (Gutmann and Maymin 1987, "Is the selected population the best?"; Hung and
    Fithian 2019, "Rank verification for exponential families", theorem 1). If so, its pairs are significant.

    Args:
        values: [prompts, models]; NaN is unscored. A pair is compared on the prompts that both have scores on.
        level: Family-wise error rate of these comparisons.
        best: The column of the model that may be claimed to be first; None adjusts for all pairs alike.
        intervals: Whether to compute the intervals, which take most of the time; else they are NaN.
    """
    pairs = tuple(combinations(range(values.shape[1]), 2))
    one, other = (np.array([pair[at] for pair in pairs], dtype=int) for at in (0, 1))
    gaps = values[:, one] - values[:, other]
    signs = _signs(len(values), _FLIPS if len(pairs) <= _MANY else _FLIPS_OF_MANY)
    known = ~np.isnan(gaps)
    n = known.sum(axis=0)
    filled = np.where(known, gaps, 0.0)
    p, adjusted, limit = _step_down(filled, signs, level)
    if best is not None and len(pairs):
        own = (one == best) | (other == best)
        adjusted[own] = np.minimum(adjusted[own], p[own].max())
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = filled.sum(axis=0) / n
    p, adjusted = (np.where(n > 0, each, np.nan) for each in (p, adjusted))
    significant = adjusted <= level + _TOLERANCE
    low, high = np.full((2, len(pairs)), np.nan)
    if intervals:
        critical = _shares_beyond(filled, signs, limit)
        share = np.where(significant, np.fmax(p, critical), critical)
        low, high = _agreeing(*_inverted(filled, known, signs, share), difference, significant)
    return Comparisons(pairs, difference, n, p, adjusted, significant, low, high)


def rank_bounds(better: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Returns the simultaneous interval of each model's rank (Klein, Wright and Wieczorek 2020; Mogstad et al. 2024).

    A rank is at least 1 plus the number of models that are significantly better, and at most the number of models minus
    those that are significantly worse.

    Args:
        better: [models, models]: whether the row is significantly better than the column.
    """
    return 1.0 + better.sum(axis=0), float(len(better)) - better.sum(axis=1)


def holm_adjust(chances: Floats) -> Floats:
    """Returns p-values adjusted for multiple tests (Holm); NaN stays NaN and counts as no test."""
    made = np.full(len(chances), np.nan)
    known = np.flatnonzero(~np.isnan(chances))
    order = known[np.argsort(chances[known], kind="stable")]
    left = np.arange(len(order), 0, -1)
    made[order] = np.minimum(1.0, np.maximum.accumulate(chances[order] * left))
    return made


@lru_cache(maxsize=16)
def _signs(n: int, flips: int) -> Floats:
    """Returns [draws, n], read-only: signs of n prompts, the first draw all plus, the same for every pair of models.

    A draw and its opposite give the same statistic, so that half of all signs are enough where all are tried.
    """
    if n <= EXACT:
        bits = (np.arange(2 ** max(n - 1, 0))[:, None] >> np.arange(n)) & 1
        signs = 1.0 - 2.0 * bits
    else:
        generator = np.random.default_rng(seeds.derive("sign flips", n))
        signs = 2.0 * generator.integers(0, 2, size=(flips, n)).astype(np.float64) - 1.0
        signs = np.vstack([np.ones((1, n)), signs])
    signs.flags.writeable = False
    return np.asarray(signs)


def _statistics(gaps: Floats, signs: Floats) -> Floats:
    """Returns [draws, pairs]: the size of the sum of flipped differences, in units of their root sum of squares.

    The root sum of squares is the same for all signs, so this is a monotone function of Student's t.
    """
    length = np.sqrt((gaps**2).sum(axis=0))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(signs @ (gaps / np.where(length > 0, length, 1.0))))


def _tail(found: Floats, observed: Floats) -> Floats:
    return np.asarray((found >= observed - _TOLERANCE).mean(axis=0))


def _step_down(gaps: Floats, signs: Floats, level: float) -> tuple[Floats, Floats, float]:
    """Returns by pair its p-value and the step-down p-value, and the single-step critical value of the statistic."""
    observed = _statistics(gaps, signs[:1])[0]
    order = np.argsort(observed, kind="stable")
    p, stepped = np.ones(len(order)), np.ones(len(order))
    largest = np.zeros(len(signs))
    for start in range(0, len(order), _CHUNK):
        chosen = order[start : start + _CHUNK]
        found = _statistics(gaps[:, chosen], signs)
        p[chosen] = _tail(found, observed[chosen])
        found[:, 0] = np.maximum(found[:, 0], largest)
        np.maximum.accumulate(found, axis=1, out=found)
        stepped[chosen] = _tail(found, observed[chosen])
        largest = found[:, -1].copy()
    stepped[order[::-1]] = np.maximum.accumulate(stepped[order[::-1]])
    return p, stepped, _critical(largest, level)


def _shares_beyond(gaps: Floats, signs: Floats, limit: float) -> Floats:
    """Returns by pair the share of draws that reach the critical value."""
    found = np.zeros(gaps.shape[1])
    for start in range(0, len(found), _CHUNK):
        part = slice(start, start + _CHUNK)
        found[part] = (_statistics(gaps[:, part], signs) >= limit - _TOLERANCE).mean(axis=0)
    return found


def _critical(largest: Floats, level: float) -> float:
    """Returns the smallest value that at most this share of draws reach; infinity where there is none."""
    values = np.sort(largest)[::-1]
    allowed = int(np.floor(level * len(values) + _TOLERANCE))
    if not allowed or allowed >= len(values):
        return float("inf")
    inside = values[:allowed]
    above = inside[inside > values[allowed] + 2 * _TOLERANCE]
    return float(above[-1]) if len(above) else float("inf")


def _inverted(gaps: Floats, known: NDArray[np.bool_], signs: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Returns the bounds of the intervals that the test inverts to, each at its own level.

    A difference below the mean is rejected if too few draws have it above the mean of their flipped values or of the
    others (Hartigan 1969): the bounds are order statistics of the means of subsets of the prompts.
    """
    flipped = (signs < 0).astype(np.float64)
    low, high = np.full((2, gaps.shape[1]), np.nan)
    for start in range(0, gaps.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        size = flipped @ known[:, part].astype(np.float64)
        total = flipped @ gaps[:, part]
        with np.errstate(invalid="ignore", divide="ignore"):
            own, rest = total / size, (gaps[:, part].sum(axis=0) - total) / (known[:, part].sum(axis=0) - size)
        below = np.sort(np.where(np.isnan(own) | np.isnan(rest), -np.inf, np.minimum(own, rest)), axis=0)
        above = np.sort(np.where(np.isnan(own) | np.isnan(rest), np.inf, np.maximum(own, rest)), axis=0)[::-1]
        at = np.minimum(np.floor(share[part] * len(signs) + _TOLERANCE).astype(int), len(signs) - 1)
        columns = np.arange(len(at))
        low[part], high[part] = below[at, columns], above[at, columns]
    return tuple(np.where(np.isfinite(each), each, np.nan) for each in (low, high))  # type: ignore[return-value]


def _agreeing(low: Floats, high: Floats, difference: Floats, significant: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Returns the bounds, moved where rounding has put one on the wrong side of 0."""
    tiny = np.finfo(float).tiny
    low = np.where(significant & (difference > 0), np.maximum(low, tiny), low)
    high = np.where(significant & (difference < 0), np.minimum(high, -tiny), high)
    return np.where(significant, low, np.minimum(low, 0.0)), np.where(significant, high, np.maximum(high, 0.0))


def first_at(values: Floats, low_is_best: bool, columns: Sequence[int] | None = None) -> int | None:
    """Returns the column with the best mean over its scored prompts; None without any score."""
    chosen = range(values.shape[1]) if columns is None else columns
    known = [at for at in chosen if not np.isnan(values[:, at]).all()]
    if not known:
        return None
    means = [float(np.nanmean(values[:, at])) for at in known]
    return known[int(np.argmin(means) if low_is_best else np.argmax(means))]
