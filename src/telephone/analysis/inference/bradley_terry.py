"""The Bradley-Terry model: a ranking that does not depend on the scale of the measure.

Two models are compared on every prompt with every partner that both played with, and the one that keeps more wins. The
probability that one beats the other is e^a / (e^a + e^b) of their strengths, which are fitted by maximum likelihood.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import (
    MIN_PROMPTS,
    Floats,
    bootstrap_weights,
    interval_bounds,
    student_stretch,
)
from telephone.analysis.tables.prompt_scores import ALL, KEYS, Side, prompt_levels
from telephone.analysis.tables.score_frames import get_measure, ordered_levels, without_controls

COLUMNS = ("level", "model", "strength", "low", "high", "rank", "chance", "wins", "ties", "losses")
PRIOR = 0.5
"""Weight of a tie with each other model that is added to the results, so that strengths stay finite."""
_DRAWS = 500
_ROUNDS = 200
_SAME = 1e-6


def bradley_terry(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final", tie: float = 0.0
) -> pd.DataFrame:
    """Returns the strength of each model, at each level and over all, the strongest first.

    Columns: `level` (`all` is last), `model`, `strength` (natural logarithm; those of a level add up to 0), `low`,
    `high` (95 % interval over prompts resampled within levels; NaN below `MIN_PROMPTS` prompts
    and where all have the same result), `rank`, `chance` (probability of beating a model of strength 0), `wins`, `ties`
    and `losses`.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair; pairs are compared by prompt.
        measure: A name of `MEASURES`.
        when: final or mean.
        tie: A smaller difference than this is a tie; 0 counts only equal scores as ties.

    Raises:
        UsageError: there is no such measure.
    """
    what = get_measure(measure)
    games = without_controls(games)
    names, prompts, results = _meetings(games, side, f"{what.name}_{when}", tie, what.low_is_best)
    strata = prompt_levels(games, pd.Index(prompts))
    levels = ordered_levels(games)
    tables = []
    for level in levels + ([ALL] if len(levels) > 1 else []):
        inside = np.array([level in (ALL, each) for each in strata], dtype=bool)
        if len(names) > 1 and inside.any():
            tables.append(_table(names, results[inside], [s for s in strata if level in (ALL, s)], level))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def fit_strengths(wins: Floats, rounds: int = _ROUNDS) -> Floats:
    """Returns [..., m]: log strengths that add up to 0, of results [..., m, m]: how often the row beat the column.

    Uses Hunter's MM iteration; `PRIOR` of a tie is added to each pair.
    """
    m = wins.shape[-1]
    away = 1.0 - np.eye(m)
    won = (wins + PRIOR / 2) * away
    met = won + np.swapaxes(won, -1, -2)
    log = np.zeros(wins.shape[:-1])
    total = won.sum(-1)
    for _ in range(rounds):
        power = np.exp(log)
        share = met / (power[..., :, None] + power[..., None, :])
        new = np.log(total) - np.log(share.sum(-1))
        new -= new.mean(-1, keepdims=True)
        if np.abs(new - log).max(initial=0.0) < 1e-8:
            return np.asarray(new)
        log = new
    return np.asarray(log)


def _meetings(
    games: pd.DataFrame, side: Side, column: str, tie: float, low_is_best: bool
) -> tuple[list[str], list[str], Floats]:
    """Returns models, prompts and [prompts, models, models]: how often the row beat the column; a tie counts half."""
    means = games.groupby(["prompt_id", "t2i_model", "i2t_model"], sort=True)[column].mean()
    if side == "pair":
        wide = means.unstack(["t2i_model", "i2t_model"]).sort_index(axis=1)  # noqa: PD010
        blocks = wide.index.to_numpy()
    else:
        (own,) = KEYS[side]
        wide = means.unstack(own).sort_index(axis=1)  # noqa: PD010
        blocks = wide.index.get_level_values("prompt_id").to_numpy()
    values = wide.to_numpy(dtype=float) * (-1.0 if low_is_best else 1.0)
    gap = values[:, :, None] - values[:, None, :]
    result = np.where(np.isnan(gap), 0.0, np.where(np.abs(gap) <= tie, 0.5, (gap > 0) * 1.0))
    prompts, place = np.unique(blocks, return_inverse=True)
    summed = np.zeros((len(prompts), *result.shape[1:]))
    np.add.at(summed, place, result)
    halves = np.zeros_like(summed)
    np.add.at(halves, place, (result == 0.5) * 1.0)
    names = [" + ".join(name) if isinstance(name, tuple) else str(name) for name in wide.columns]
    return names, [str(each) for each in prompts], np.stack([summed, halves])[:, :, :, :].transpose(1, 0, 2, 3)


def _table(names: list[str], results: Floats, strata: list[str], level: str) -> pd.DataFrame:
    wins, ties = results[:, 0].sum(0), results[:, 1].sum(0)
    away = 1.0 - np.eye(len(names))
    ties = ties * away
    found = fit_strengths(wins)
    low, high = _interval(found, results[:, 0], strata)
    table = pd.DataFrame(
        {
            "level": level,
            "model": names,
            "strength": found,
            "low": low,
            "high": high,
            "rank": pd.Series(-found).round(9).rank(method="min"),
            "chance": 1 / (1 + np.exp(-found)),
            "wins": ((wins * away).sum(1) - ties.sum(1) / 2).round().astype(int),
            "ties": ties.sum(1).round().astype(int),
            "losses": ((wins.T * away).sum(1) - ties.sum(1) / 2).round().astype(int),
        }
    )
    return table.sort_values(["rank", "model"], kind="stable")[list(COLUMNS)]


def _interval(found: Floats, wins: Floats, strata: list[str]) -> Floats:
    """Returns [2, models]; NaN with fewer than `MIN_PROMPTS` prompts, or where all prompts have the same result.

    Resampling equal results gives no variance, although the strength of a model that never lost has no upper bound.
    """
    if len(strata) < MIN_PROMPTS:
        return np.full((2, len(found)), np.nan)
    weights = bootstrap_weights(tuple(strata))[:_DRAWS]
    draws = fit_strengths(np.tensordot(weights, wins, axes=1))
    found_bounds = interval_bounds(found + (draws - draws.mean(0)) * student_stretch(strata))
    return np.where(np.ptp(draws, axis=0) > _SAME, found_bounds, np.nan)
