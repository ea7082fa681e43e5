"""Intervals of shares over prompts that do not shrink to a point where every prompt agrees.

A share of facts is a proportion whose cases come in clusters: facts of one prompt are kept or lost together. The
variance between prompts gives an effective number of independent cases (Kish's design effect), and the interval is
Wilson's (1927) for that number, with Student's quantile for few prompts. A bootstrap of three prompts that all keep
everything has the interval 100 % to 100 %, which covers the true share in about half of such samples only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, merge_strata, student_quantile


def clustered_proportion(events: Floats, risks: Floats, strata: Sequence[str]) -> tuple[float, float, float]:
    """Returns a proportion over clusters (prompts) and its 95 % Wilson interval with an effective sample size.

    Facts of one prompt are not independent. The variance between prompts gives the number of independent facts with the
    same precision, and the interval is Wilson's for that number. It does not shrink to a point at 0 or 1.

    Args:
        events: Number of events of each prompt.
        risks: Number of cases at risk of each prompt, not less than its events.
        strata: The level of each prompt.

    Returns:
        Share, lower and upper bound; NaN without cases at risk; the bounds are NaN for a single prompt.
    """
    at_risk = risks > 0
    events, risks = events[at_risk], risks[at_risk]
    groups = np.array(merge_strata([each for each, inside in zip(strata, at_risk, strict=True) if inside]))
    n, total = len(risks), float(risks.sum())
    if not n:
        return float("nan"), float("nan"), float("nan")
    share = float(events.sum()) / total
    if n < 2:
        return share, float("nan"), float("nan")
    variance = _variance(events - share * risks, groups) / total**2
    freedom = n - len(set(groups.tolist()))
    low, high = wilson_bounds(np.array([share]), np.array([variance]), np.array([total]), freedom)
    return share, float(low[0]), float(high[0])


def wilson_bounds(shares: Floats, variances: Floats, cases: Floats, freedom: int) -> tuple[Floats, Floats]:
    """Returns Wilson's bounds for shares whose variance over clusters was estimated; arrays have equal shapes.

    Args:
        shares: In [0, 1].
        variances: Of the shares, over clusters; 0 where no difference between clusters was seen.
        cases: Number of cases, the most that a share can be worth.
        freedom: Degrees of freedom of the variances.

    Returns:
        Lower and upper bounds in [0, 1].
    """
    spread = shares * (1 - shares)
    estimated = (variances > 0) & (spread > 0)
    worth = np.where(estimated, np.minimum(spread / np.where(estimated, variances, 1.0), cases), cases)
    # Wilson's centre and half width, with Student's quantile in place of the normal one.
    z = student_quantile(freedom)
    middle = (shares + z * z / (2 * worth)) / (1 + z * z / worth)
    half = z * np.sqrt(spread / worth + z * z / (4 * worth**2)) / (1 + z * z / worth)
    # At 0 and 1 the bound equals the share up to rounding.
    return np.clip(middle - half, 0.0, shares), np.clip(middle + half, shares, 1.0)


def mean_share_bounds(shares: Floats, sizes: Floats, strata: Sequence[str]) -> tuple[Floats, Floats]:
    """Returns the 95 % bounds of the mean over prompts of each column of shares, every prompt with the same weight.

    The interval is that of `clustered_proportion` for prompts of equal size, the mean number of cases of a prompt.

    Args:
        shares: [prompts, quantities] in [0, 1]; NaN is unscored and left out.
        sizes: [prompts]: number of cases, such as facts, behind each share; NaN or 0 counts as one case.
        strata: The level of each prompt.

    Returns:
        Lower and upper bounds, [quantities] each; NaN below two prompts.
    """
    low, high = (np.full(shares.shape[1], np.nan) for _ in range(2))
    cases = np.where(np.isnan(sizes) | (sizes < 1), 1.0, sizes)
    for at in range(shares.shape[1]):
        known = ~np.isnan(shares[:, at])
        if known.sum() < 2:
            continue
        each = np.full(int(known.sum()), float(cases[known].mean()))
        own = [stratum for stratum, inside in zip(strata, known, strict=True) if inside]
        _, low[at], high[at] = clustered_proportion(shares[known, at] * each, each, own)
    return low, high


def _variance(residuals: Floats, groups: NDArray[Any]) -> float:
    """Returns the variance of the sum of residuals, one a prompt, with prompts sampled within their groups."""
    total = 0.0
    for group in set(groups.tolist()):
        own = residuals[groups == group]
        if len(own) > 1:
            total += len(own) / (len(own) - 1) * float(((own - own.mean()) ** 2).sum())
    return total
