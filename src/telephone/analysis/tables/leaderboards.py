"""Leaderboards: models ranked at each level and over all levels, and those not distinguishable from the best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, estimate_means
from telephone.analysis.inference.question_family import error_rates
from telephone.analysis.inference.sign_flips import compare_pairs, first_at, rank_bounds
from telephone.analysis.tables.prompt_scores import ALL, KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import WHENS, Measure, get_measure, ordered_levels, without_controls
from telephone.core.errors import UsageError

_COLUMNS = ("mean", "low", "high", "se", "n", "rank", "rank_low", "rank_high", "p_best")
TITLES: dict[Side, str] = {"t2i": "Text-to-image models", "i2t": "Image-to-text models", "pair": "Pairs"}


@dataclass(frozen=True)
class Leaderboard:
    """Models or pairs ranked by a measure, the best first."""

    side: Side
    measure: Measure
    when: str
    """final or mean: after the last turn, or over all turns."""
    table: pd.DataFrame
    """One row a level and model, best model first, levels from easy to impossible and then `all`.

    Columns: `level`, those of `names`, `mean`, `low`, `high` (95 % interval), `se`, `n` (prompts), `games`, `unscored`
    (games without a number), `rank`, `rank_low`, `rank_high` (simultaneous 95 % interval of the rank) and `p_best`
    (share of resampled battles in which it ranks first)."""
    note: str = ""
    """A caveat, such as that there is nothing to rank."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that name the model or the pair."""
        return KEYS[self.side]

    @property
    def title(self) -> str:
        """Title for people."""
        return TITLES[self.side]

    @property
    def overall(self) -> pd.DataFrame:
        """The rows over all levels (of the only level, if there is one), best first."""
        return self.table[self.table["level"] == self.table["level"].iloc[-1]] if len(self.table) else self.table

    @property
    def rankable(self) -> bool:
        """Whether two or more rows have a score."""
        return int(self.overall["mean"].notna().sum()) > 1


def leaderboard(games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final") -> Leaderboard:
    """Returns the marginal mean of each model over its partners and prompts, by level and over all levels.

    The prompt is the unit: a model's games on one prompt are averaged, first over repeats, then over partners. Rank
    intervals are simultaneous: they follow from the significant differences between models, as `pairwise_differences`
    gives them.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair.
        measure: A name of `MEASURES`, such as distance or recall.
        when: final or mean.

    Raises:
        UsageError: there is no such side, measure or time.
    """
    what = get_measure(measure)
    if side not in KEYS or when not in WHENS:
        raise UsageError(f"There is no leaderboard {side!r} {when!r}: choose t2i, i2t or pair, and final or mean.")
    games = without_controls(games)
    column = f"{what.name}_{when}"
    wide, levels_of_prompts = prompt_by_model(games, KEYS[side], column)
    strata = np.array(levels_of_prompts)
    levels = ordered_levels(games)
    levels += [ALL] if len(levels) > 1 else []
    rates = error_rates(games, side, levels, what.name, when)
    blocks = [_block(wide[strata == level] if level != ALL else wide, strata, level, what, rates) for level in levels]
    models = wide.columns.to_frame(index=False).set_axis(list(KEYS[side]), axis=1)
    table = pd.DataFrame(
        {
            "level": np.repeat(np.array(levels, dtype=object), len(models)),
            **{key: np.tile(models[key].to_numpy(), len(levels)) for key in KEYS[side]},
            **{name: np.concatenate([block[name] for block in blocks] or [np.empty(0)]) for name in _COLUMNS},
        }
    )
    table[["games", "unscored"]] = _counts(games, table, column)
    board = Leaderboard(side, what, when, _sorted(table, KEYS[side]))
    return replace(board, note=_note(board))


def indistinguishable_from_best(
    games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final"
) -> list[str]:
    """Returns the best model or pair and all that are not distinguishable from it, best first.

    The differences to the best, paired by prompt, are tested by random signs, adjusted for all models and, of the
    models of a side, for the three questions of the battle.
    """
    what = get_measure(measure)
    wide, _ = prompt_by_model(games, KEYS[side], f"{what.name}_{when}")
    wide = wide.loc[:, wide.notna().any()]
    if wide.shape[1] == 0:
        return []
    values = wide.to_numpy(dtype=float)
    rate = error_rates(games, side, [ALL], measure, when)[ALL]
    found = compare_pairs(values, rate, first_at(values, what.low_is_best), intervals=False)
    means = np.nanmean(values, axis=0)
    order = np.argsort(means if what.low_is_best else -means, kind="stable")
    better = found.better(len(order), what.low_is_best)[order[0]]
    return [_name(wide.columns[at]) for at in order if at == order[0] or not better[at]]


def _block(
    wide: pd.DataFrame, strata: NDArray[Any], level: str, what: Measure, rates: dict[str, float]
) -> dict[str, NDArray[Any]]:
    """Returns the columns of one level, an entry a model; `rates` has the error rate of each level."""
    chosen = [str(each) for each in strata if level in (ALL, each)]
    found = estimate_means(wide.to_numpy(dtype=float), chosen, what.limits)
    sign = 1.0 if what.low_is_best else -1.0
    low, high, best = (np.full(len(found.mean), np.nan) for _ in range(3))
    ranked = _ranked(found.n)
    if ranked.any():
        values = wide.loc[:, found.n > 0].to_numpy(dtype=float)
        first = first_at(values, what.low_is_best) if level == list(rates)[-1] else None
        compared = compare_pairs(values, rates[level], first, intervals=False)
        low[found.n > 0], high[found.n > 0] = rank_bounds(compared.better(values.shape[1], what.low_is_best))
        low[~ranked] = high[~ranked] = np.nan
        best[ranked] = _shares_of_first(sign * found.draws[:, ranked])
    rank = pd.Series(sign * found.mean).rank(method="min").to_numpy()
    columns = (found.mean, found.low, found.high, found.se, found.n, rank, low, high, best)
    return dict(zip(_COLUMNS, columns, strict=True))


def _shares_of_first(draws: Floats) -> Floats:
    """Returns the share of draws in which each column is lowest; ties are divided, and draws with NaN are left out."""
    scored = draws[~np.isnan(draws).any(axis=1)]
    if not len(scored):
        return np.full(draws.shape[1], np.nan)
    winners = scored == scored.min(axis=1, keepdims=True)
    return np.asarray((winners / winners.sum(axis=1, keepdims=True)).mean(axis=0))


def _ranked(n: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which models have a rank interval: those with a score on as many prompts as any, two or more."""
    ranked = (n >= 2) & (n == n.max(initial=0))
    return ranked if ranked.sum() > 1 else np.zeros_like(ranked)


def _counts(games: pd.DataFrame, table: pd.DataFrame, column: str) -> NDArray[np.int64]:
    """Returns [rows, 2]: the number of games of each row, and of those without a score."""
    keys = [key for key in table.columns if key in ("t2i_model", "i2t_model")]
    counted = games[[*keys, "level"]].assign(games=1, unscored=games[column].isna().astype(int))
    summed = pd.concat([counted, counted.assign(level=ALL)]).groupby(["level", *keys])[["games", "unscored"]].sum()
    rows = pd.MultiIndex.from_frame(table[["level", *keys]])
    return summed.reindex(rows, fill_value=0).to_numpy(dtype=np.int64)


def _sorted(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Returns the rows sorted by the overall rank of the model, then by level; models without a score are last."""
    if not len(table):
        return table
    last = table["level"].iloc[-1]
    overall = table[table["level"] == last].sort_values(["rank", *names], na_position="last", kind="stable")
    order = {_name(key): place for place, key in enumerate(overall[list(names)].itertuples(index=False, name=None))}
    places = [order[_name(key)] for key in table[list(names)].itertuples(index=False, name=None)]
    return table.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def _name(key: object) -> str:
    return " + ".join(str(part) for part in key) if isinstance(key, tuple) else str(key)


def _note(board: Leaderboard) -> str:
    overall = board.overall
    if not len(overall) or overall["mean"].isna().all():
        return "No game has a score."
    if len(overall) == 1:
        return f"Only one of the {TITLES[board.side].lower()} played: there is nothing to rank."
    if overall["mean"].notna().sum() == 1:
        return "Only one has a score: there is nothing to rank."
    missing = int(overall["unscored"].sum())
    if missing:
        total = int(overall["games"].sum())
        return f"{missing} of {total} games have no score; they are in no mean and do not count as 0."
    return ""
