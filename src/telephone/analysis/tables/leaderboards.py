"""Leaderboards: models ranked at each level and over all levels, and those not distinguishable from the best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.inference.bootstrap import Floats, MeanEstimate, estimate_means, interval_bounds
from telephone.analysis.tables.score_frames import WHENS, Measure, get_measure, ordered_levels, without_controls
from telephone.core.errors import UsageError

Side = Literal["t2i", "i2t", "pair"]
SIDES: tuple[Side, ...] = ("t2i", "i2t", "pair")

ALL = "all"
"""The level of rows that pool all levels."""
KEYS: dict[Side, tuple[str, ...]] = {
    "t2i": ("t2i_model",),
    "i2t": ("i2t_model",),
    "pair": ("t2i_model", "i2t_model"),
}
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
    (games without a number), `rank`, `rank_low`, `rank_high` (95 % interval of the rank) and `p_best` (share of
    resampled battles in which it ranks first)."""
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

    The prompt is the unit: a model's games on one prompt are averaged, first over repeats, then over partners. All
    models share the resampled prompts, so that rank intervals are paired.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair.
        measure: distance, recall or precision.
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
    blocks = [_block(wide[strata == level] if level != ALL else wide, strata, level, what) for level in levels]
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

    The differences to the best, paired by prompt, have simultaneous 95 % intervals.
    """
    what = get_measure(measure)
    wide, strata = prompt_by_model(games, KEYS[side], f"{what.name}_{when}")
    wide = wide.loc[:, wide.notna().any()]
    if wide.shape[1] == 0:
        return []
    overall = estimate_means(wide.to_numpy(dtype=float), strata)
    order = np.argsort(overall.mean if what.low_is_best else -overall.mean, kind="stable")
    best = wide.iloc[:, order[0]]
    worse = wide.iloc[:, order[1:]]
    differences = estimate_means(worse.sub(best, axis=0).to_numpy(dtype=float), strata)
    names = [_name(wide.columns[at]) for at in order]
    return names[:1] + [name for name, apart in zip(names[1:], _apart(differences), strict=True) if not apart]


def _apart(differences: MeanEstimate) -> list[bool]:
    """Returns which differences are significant by simultaneous 95 % intervals; none with too few prompts."""
    enough = (differences.n >= 2) & (differences.se > 0)
    exact = (differences.n >= 2) & (differences.se == 0) & (differences.mean != 0)
    if not enough.any():
        return [bool(each) for each in exact]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(differences.draws - differences.mean) / differences.se
        farthest = np.fmax.reduce(np.where(enough, off, np.nan), axis=1)  # NaN for a draw in which none has a score
        size = np.abs(differences.mean) / differences.se
    limit = np.nanquantile(farthest, 0.95)
    return [bool(each) for each in np.where(enough, size > limit, exact)]


def prompt_by_model(games: pd.DataFrame, keys: tuple[str, ...], column: str) -> tuple[pd.DataFrame, list[str]]:
    """Returns a table of prompts x models, averaged over repeats, then partners, and the level of each prompt.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        keys: Columns that name the model or the pair.
        column: The score that is averaged; NaN is unscored.
    """
    games = without_controls(games)
    pairs = games.groupby(["prompt_id", "t2i_model", "i2t_model"], sort=True)[column].mean()
    models = pairs.groupby(["prompt_id", *keys], sort=True).mean()
    wide = models.unstack(list(keys)).sort_index(axis=1)  # noqa: PD010
    return wide, prompt_levels(games, wide.index)


def prompt_levels(games: pd.DataFrame, prompts: pd.Index) -> list[str]:
    """Returns the level of each prompt."""
    levels = games.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    return [str(level) for level in levels.reindex(prompts)]


def _block(wide: pd.DataFrame, strata: NDArray[Any], level: str, what: Measure) -> dict[str, NDArray[Any]]:
    """Returns the columns of one level, an entry a model."""
    chosen = [str(each) for each in strata if level in (ALL, each)]
    found = estimate_means(wide.to_numpy(dtype=float), chosen, what.limits)
    sign = 1.0 if what.low_is_best else -1.0
    low, high, best = (np.full(len(found.mean), np.nan) for _ in range(3))
    ranked = (found.n >= 2) & (found.n == found.n.max(initial=0))
    if ranked.sum() > 1:
        ranks = _ranks(sign * found.draws[:, ranked])
        low[ranked], high[ranked] = np.rint(interval_bounds(ranks))
        winners = ranks == ranks.min(axis=1, keepdims=True)
        best[ranked] = (winners / winners.sum(axis=1, keepdims=True)).mean(axis=0)
    rank = pd.Series(sign * found.mean).rank(method="min").to_numpy()
    columns = (found.mean, found.low, found.high, found.se, found.n, rank, low, high, best)
    return dict(zip(_COLUMNS, columns, strict=True))


def _ranks(draws: Floats) -> Floats:
    """Returns the rank of each column in each draw, 1 is the lowest; ties share the better rank."""
    smaller = draws[:, None, :] < draws[:, :, None]
    return np.asarray(1.0 + smaller.sum(axis=2))


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
