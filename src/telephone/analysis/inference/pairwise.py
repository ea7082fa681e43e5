"""Pairwise differences between models, paired by prompt, with a sign-flip test that assumes no distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, estimate_means
from telephone.analysis.inference.question_family import error_rates
from telephone.analysis.inference.sign_flips import ERROR_RATE, compare_pairs, first_at
from telephone.analysis.tables.prompt_scores import ALL, KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import Measure, get_measure, ordered_levels

COLUMNS = (
    "level", "one", "other", "difference", "low", "high", "low_adjusted", "high_adjusted", "n", "better", "p", "p_holm",
    "significant",
)  # fmt: skip


def pairwise_differences(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final"
) -> pd.DataFrame:
    """Returns the difference of each two models, at each level and over all levels.

    Columns: `level` (`all` is last), `one`, `other`, `difference` (mean over prompts of one minus other), `low`, `high`
    (95 % interval of this pair alone), `low_adjusted`, `high_adjusted` (interval that is adjusted as `p_holm` is; it
    excludes 0 if and only if the difference is significant; NaN where there are too few prompts for that), `n` (prompts
    on which both have a score), `better` (share of these on which the first keeps more; ties count half), `p`
    (sign-flip test of no difference), `p_holm` and `significant` (whether `p_holm` is at most 0.05).

    `p_holm` is adjusted for all pairs of the level by Holm's step-down procedure with the dependence between pairs (max
    T). Over all levels a side's first model needs no adjustment for the number of others, and all p-values are adjusted
    for the three questions of the battle. The smallest `p` of n prompts is 2 / 2 ** n, so five prompts cannot give a
    significant difference.

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
    levels += [ALL] if len(levels) > 1 else []
    rates = error_rates(games, side, levels, what.name, when)
    tables = [_level(wide, strata, level, what, rates) for level in levels]
    found = [table for table in tables if len(table)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def _level(wide: pd.DataFrame, strata: list[str], level: str, what: Measure, rates: dict[str, float]) -> pd.DataFrame:
    inside = np.array([level in (ALL, each) for each in strata], dtype=bool)
    chosen = [each for each in strata if level in (ALL, each)]
    values: NDArray[np.float64] = wide[inside].to_numpy(dtype=float)
    names = [" + ".join(name) if isinstance(name, tuple) else str(name) for name in wide.columns]
    if len(names) < 2 or not len(values):
        return pd.DataFrame(columns=list(COLUMNS))
    first = first_at(values, what.low_is_best) if level == list(rates)[-1] else None
    found = compare_pairs(values, rates[level], first)
    one, other = (np.array([pair[at] for pair in found.pairs]) for at in (0, 1))
    gaps = values[:, one] - values[:, other]
    alone = estimate_means(gaps, chosen)
    return pd.DataFrame({
        "level": level, "one": [names[at] for at in one], "other": [names[at] for at in other],
        "difference": alone.mean, "low": alone.low, "high": alone.high, "low_adjusted": found.low,
        "high_adjusted": found.high, "n": alone.n, "better": _better(gaps, what.low_is_best), "p": found.p,
        "p_holm": np.minimum(found.p_adjusted * ERROR_RATE / rates[level], 1.0), "significant": found.significant,
    })  # fmt: skip


def _better(gaps: Floats, low_is_best: bool) -> Floats:
    """Returns the share of prompts on which the first of each pair keeps more; ties count half."""
    kept = -gaps if low_is_best else gaps
    points = np.where(np.isnan(kept), 0.0, (kept > 0) + 0.5 * (kept == 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(points.sum(axis=0) / (~np.isnan(kept)).sum(axis=0))
