"""Leaderboards: who keeps most, at each level and over all, and who cannot be told from the best."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from telephone.analysis.frames import WHENS, Measure, measure_of
from telephone.analysis.resampling import Estimate, Floats, bounds, estimate
from telephone.analysis.tables import levels_of
from telephone.errors import UsageError

Side = Literal["t2i", "i2t", "pair"]
SIDES: tuple[Side, ...] = ("t2i", "i2t", "pair")

ALL = "all"
"""The level of rows that pool all levels."""
KEYS: dict[Side, tuple[str, ...]] = {
    "t2i": ("t2i_model",),
    "i2t": ("i2t_model",),
    "pair": ("t2i_model", "i2t_model"),
}
TITLES: dict[Side, str] = {"t2i": "Text-to-image models", "i2t": "Image-to-text models", "pair": "Pairs"}


@dataclass(frozen=True)
class Leaderboard:
    """Models or pairs by what they keep, the best first."""

    side: Side
    measure: Measure
    when: str
    """final or mean: after the last turn, or over all turns."""
    table: pd.DataFrame
    """One row a level and model, best model first, levels from easy to impossible and then `all`.

    Columns: `level`, those of `names`, `mean`, `low`, `high` (95 % interval), `se`, `n` (prompts), `games`, `unscored`
    (games without a number), `rank`, `rank_low`, `rank_high` (95 % interval of the rank) and `p_best` (share of
    resampled battles that it wins)."""
    note: str = ""
    """What a reader must know, such as that there is nothing to rank."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that name the model or the pair."""
        return KEYS[self.side]

    @property
    def title(self) -> str:
        """For people."""
        return TITLES[self.side]

    @property
    def overall(self) -> pd.DataFrame:
        """The rows over all levels (over the only one, if there is one), best first."""
        return self.table[self.table["level"] == self.table["level"].iloc[-1]] if len(self.table) else self.table

    @property
    def rankable(self) -> bool:
        """Whether there are two or more with a number."""
        return int(self.overall["mean"].notna().sum()) > 1


def leaderboard(games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final") -> Leaderboard:
    """Returns who keeps most: the marginal mean of each model over its partners and prompts, by level and over all.

    The prompt is the unit: a model's games on one prompt are averaged, first over repeats, then over partners. All
    models meet the same resampled prompts, so that ranks are compared fairly.

    Args:
        games: One row a game, as `by_game` gives it.
        side: t2i, i2t or pair.
        measure: distance, recall or precision.
        when: final or mean.

    Raises:
        UsageError: there is no such side, measure or time.
    """
    what = measure_of(measure)
    if side not in KEYS or when not in WHENS:
        raise UsageError(f"There is no leaderboard {side!r} {when!r}: take t2i, i2t or pair, and final or mean.")
    column = f"{what.name}_{when}"
    wide = _wide(games, KEYS[side], column)
    blocks = list(_blocks(games, wide, side, what, column))
    table = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame(columns=["level", *KEYS[side], "mean"])
    board = Leaderboard(side, what, when, _sorted(table, KEYS[side]))
    return replace(board, note=_note(board))


def not_told_apart(games: pd.DataFrame, side: Side, measure: str = "distance", when: str = "final") -> list[str]:
    """Returns the best model or pair and all those that this battle cannot tell from it, best first.

    Each one's difference to the best, prompt by prompt, has an interval that holds for all differences at once.
    """
    what = measure_of(measure)
    wide = _wide(games, KEYS[side], f"{what.name}_{when}")
    wide = wide.loc[:, wide.notna().any()]
    if wide.shape[1] == 0:
        return []
    overall = estimate(wide.to_numpy(dtype=float), _strata(games, wide))
    order = np.argsort(overall.mean if what.low_is_best else -overall.mean, kind="stable")
    best = wide.iloc[:, order[0]]
    worse = wide.iloc[:, order[1:]]
    differences = estimate(worse.sub(best, axis=0).to_numpy(dtype=float), _strata(games, wide))
    names = [_name(wide.columns[at]) for at in order]
    return names[:1] + [name for name, apart in zip(names[1:], _apart(differences), strict=True) if not apart]


def _apart(differences: Estimate) -> list[bool]:
    """Tells which differences are surely not 0, all together in 95 of 100 battles; too few prompts tell nothing."""
    enough = (differences.n >= 2) & (differences.se > 0)
    exact = (differences.n >= 2) & (differences.se == 0) & (differences.mean != 0)
    if not enough.any():
        return [bool(each) for each in exact]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.abs(differences.draws - differences.mean) / differences.se
        farthest = np.nanmax(np.where(enough, off, np.nan), axis=1)
        size = np.abs(differences.mean) / differences.se
    limit = np.nanquantile(farthest, 0.95)
    return [bool(each) for each in np.where(enough, size > limit, exact)]


def _wide(games: pd.DataFrame, keys: tuple[str, ...], column: str) -> pd.DataFrame:
    """Returns prompts x models: repeats averaged first, then partners; NaN where nothing is scored."""
    pairs = games.groupby(["prompt_id", "t2i_model", "i2t_model"], sort=True)[column].mean()
    models = pairs.groupby(["prompt_id", *keys], sort=True).mean()
    return models.unstack(list(keys)).sort_index(axis=1)  # noqa: PD010


def _strata(games: pd.DataFrame, wide: pd.DataFrame) -> list[str]:
    levels = games.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    return [str(level) for level in levels.reindex(wide.index)]


def _blocks(games: pd.DataFrame, wide: pd.DataFrame, side: Side, what: Measure, column: str) -> Iterator[pd.DataFrame]:
    strata = np.array(_strata(games, wide))
    levels = levels_of(games)
    for level in [*levels, *([ALL] if len(levels) > 1 else [])]:
        rows = np.full(len(wide), True) if level == ALL else strata == level
        found = estimate(wide.to_numpy(dtype=float)[rows], strata[rows].tolist(), what.limits)
        block = wide.columns.to_frame(index=False)
        block.columns = pd.Index(KEYS[side])
        block.insert(0, "level", level)
        inside = games if level == ALL else games[games["level"] == level]
        yield _ranked(block, found, what).assign(**_counts(block, inside, side, column))


def _ranked(block: pd.DataFrame, found: Estimate, what: Measure) -> pd.DataFrame:
    sign = 1.0 if what.low_is_best else -1.0
    rank = pd.Series(sign * found.mean).rank(method="min").to_numpy()
    low, high, best = (np.full(len(rank), np.nan) for _ in range(3))
    sure = (found.n >= 2) & (found.n == found.n.max(initial=0))
    if sure.sum() > 1:
        ranks = _ranks(sign * found.draws[:, sure])
        low[sure], high[sure] = np.rint(bounds(ranks))
        winners = ranks == ranks.min(axis=1, keepdims=True)
        best[sure] = (winners / winners.sum(axis=1, keepdims=True)).mean(axis=0)
    return block.assign(
        mean=found.mean, low=found.low, high=found.high, se=found.se, n=found.n,
        rank=rank, rank_low=low, rank_high=high, p_best=best,
    )  # fmt: skip


def _ranks(draws: Floats) -> Floats:
    """Returns the rank of each column in each draw, 1 the lowest; equal ones share the better rank."""
    smaller = draws[:, None, :] < draws[:, :, None]
    return np.asarray(1.0 + smaller.sum(axis=2))


def _counts(block: pd.DataFrame, games: pd.DataFrame, side: Side, column: str) -> dict[str, Any]:
    grouped = games.groupby(list(KEYS[side]), sort=True)[column]
    counted = pd.DataFrame({"games": grouped.size(), "scored": grouped.count()})
    index = pd.MultiIndex.from_frame(block[list(KEYS[side])]) if side == "pair" else pd.Index(block[KEYS[side][0]])
    counted = counted.reindex(index).fillna(0).astype(int)
    return {"games": counted["games"].to_numpy(), "unscored": (counted["games"] - counted["scored"]).to_numpy()}


def _sorted(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Models in the order of their overall rank, levels inside; models without a number last."""
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
        return "Nothing is scored yet."
    if len(overall) == 1:
        return f"Only one of the {TITLES[board.side].lower()} played: there is nothing to rank."
    if overall["mean"].notna().sum() == 1:
        return "Only one has a score: there is nothing to rank."
    missing = int(overall["unscored"].sum())
    if missing:
        total = int(overall["games"].sum())
        return f"{missing} of {total} games have no score and are in no mean; they are not counted as 0."
    return ""
