"""Pairwise differences between models, paired by prompt, with a sign-flip test that assumes no distribution."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, estimate_means
from telephone.analysis.tables.leaderboards import ALL, KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import Measure, get_measure, ordered_levels
from telephone.core import seeds

COLUMNS = ("level", "one", "other", "difference", "low", "high", "n", "better", "p", "p_holm", "significant")
EXACT = 12
"""Up to this many prompts all signs are tried; above, a random sample of them."""
_FLIPS = 9999


def pairwise_differences(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final"
) -> pd.DataFrame:
    """Returns the difference of each two models, at each level and over all levels.

    Columns: `level` (`all` is last), `one`, `other`, `difference` (mean over prompts of one minus other), `low`, `high`
    (95 % interval), `n` (prompts on which both have a score), `better` (share of these on which the first keeps more;
    ties count half), `p` (sign-flip test of no difference), `p_holm` (adjusted for all pairs of the level) and
    `significant` (whether `p_holm` is below 0.05). The smallest `p` of n prompts is 2 / 2 ** n, so five prompts cannot
    give a significant difference.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    what = get_measure(measure)
    wide, strata = prompt_by_model(games, KEYS[side], f"{what.name}_{when}")
    levels = ordered_levels(games)
    tables = [_level(wide, strata, level, what) for level in levels + ([ALL] if len(levels) > 1 else [])]
    found = [table for table in tables if len(table)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def sign_flip_test(values: Floats) -> float:
    """Returns the two-sided p-value of the hypothesis that each value's sign is random; NaN without values.

    Args:
        values: One difference a prompt. Up to `EXACT` of them all signs are tried, above 9,999 random ones.
    """
    from scipy.stats import monte_carlo_test, permutation_test

    n = len(values)
    if n < 2:
        return 1.0 if n else float("nan")
    if n <= EXACT:
        found = permutation_test(
            (values,), _size_of_sum, permutation_type="samples", vectorized=True, n_resamples=_FLIPS,
            alternative="greater",
        )  # fmt: skip
        return float(found.pvalue)
    drawn = monte_carlo_test(
        np.ones(n), lambda size: _signs(size[-1]), lambda signs, axis: np.abs(signs @ values), vectorized=True,
        n_resamples=_FLIPS, alternative="greater",
    )  # fmt: skip
    return float(drawn.pvalue)


def _size_of_sum(values: Floats, axis: int = -1) -> Floats:
    return np.asarray(np.abs(values.sum(axis=axis)))


def holm_adjust(chances: Floats) -> Floats:
    """Returns p-values adjusted for multiple tests (Holm); NaN stays NaN and counts as no test."""
    made = np.full(len(chances), np.nan)
    known = np.flatnonzero(~np.isnan(chances))
    order = known[np.argsort(chances[known], kind="stable")]
    left = np.arange(len(order), 0, -1)
    made[order] = np.minimum(1.0, np.maximum.accumulate(chances[order] * left))
    return made


@lru_cache(maxsize=8)
def _signs(n: int) -> Floats:
    """Returns [9999, n], read-only: random signs of n prompts, the same ones for every pair of models."""
    generator = np.random.default_rng(seeds.derive("sign flips", n))
    signs: Floats = 2.0 * generator.integers(0, 2, size=(_FLIPS, n)).astype(np.float64) - 1.0
    signs.flags.writeable = False
    return signs


def _level(wide: pd.DataFrame, strata: list[str], level: str, what: Measure) -> pd.DataFrame:
    inside = np.array([level in (ALL, each) for each in strata], dtype=bool)
    chosen = [each for each in strata if level in (ALL, each)]
    rows = list(_rows(wide[inside], chosen, what))
    table = pd.DataFrame(rows, columns=["one", "other", "difference", "low", "high", "n", "better", "p"])
    table.insert(0, "level", level)
    table["p_holm"] = holm_adjust(table["p"].to_numpy(dtype=float))
    table["significant"] = table["p_holm"] < 0.05
    return table[list(COLUMNS)]


def _rows(wide: pd.DataFrame, strata: list[str], what: Measure) -> Iterator[tuple[Any, ...]]:
    values: NDArray[np.float64] = wide.to_numpy(dtype=float)
    names = [" + ".join(name) if isinstance(name, tuple) else str(name) for name in wide.columns]
    pairs = list(combinations(range(len(names)), 2))
    if not pairs or not len(values):
        return
    gaps = np.stack([values[:, one] - values[:, other] for one, other in pairs], axis=1)
    found = estimate_means(gaps, strata)
    for at, (one, other) in enumerate(pairs):
        known = gaps[:, at][~np.isnan(gaps[:, at])]
        kept = -known if what.low_is_best else known
        better = float(np.mean((kept > 0) + 0.5 * (kept == 0))) if len(known) else float("nan")
        numbers = (float(found.mean[at]), float(found.low[at]), float(found.high[at]), int(found.n[at]))
        yield (names[one], names[other], *numbers, better, sign_flip_test(known))
