"""Whether games settle: texts that come back, exactly or nearly, and prompts that are drawn together or forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.convergence.text_space import TextTrajectories, paired_distances
from telephone.analysis.inference.bootstrap import Floats, bootstrap_weights, interval_bounds, student_stretch
from telephone.analysis.tables.leaderboards import ALL
from telephone.analysis.tables.score_frames import ordered_levels

WINDOW = 3
"""Turns in a row that must be near, for a near fixed point or cycle."""
FLOOR = 0.05
"""Cosine distance below which two texts say the same, unless a noise floor is measured."""
_LINE = ["t2i_model", "i2t_model"]


def find_fixed_points(paths: TextTrajectories, floor: float = FLOOR) -> pd.DataFrame:
    """Returns how each game ends: at a text that comes back, in a cycle, or still moving.

    Columns: those of `Paths.games`, `turns` (descriptions made), `period` (0 none, 1 a fixed point, 2 a cycle of two
    texts, and so on; seen once around, byte for byte), `since` (turns after which the game was there; 0 is the prompt),
    `near_period` (1 or 2: for `WINDOW` turns or more each text is nearer than the floor to the one before it, or to the
    one before that) and `near_since`. What is settled exactly is settled nearly too.

    Args:
        paths: The texts of each game.
        floor: Cosine distance of two texts that say the same.
    """
    rows = [_settled(paths, game, floor) for game in range(len(paths.games))]
    columns = ["turns", "period", "since", "near_period", "near_since"]
    return pd.concat([paths.games, pd.DataFrame(rows, columns=columns)], axis=1)


def ending_period(states: Sequence[int]) -> tuple[int, float]:
    """Returns the shortest period that a row of states ends in, and the place where it begins; 0 and NaN for none.

    A period counts if it has gone around once: the last `k` states are those `k` before them.
    """
    n = len(states)
    for k in range(1, n // 2 + 1):
        if all(states[n - i] == states[n - i - k] for i in range(1, k + 1)):
            since = n - k - 1
            while since >= 0 and states[since] == states[since + k]:
                since -= 1
            return k, float(since + 1)
    return 0, float("nan")


def convergence_table(table: pd.DataFrame) -> pd.DataFrame:
    """Returns how many games of each level and line settle.

    Columns: `level` (`all` is last), `t2i_model`, `i2t_model`, `games`, `fixed`, `cycle2`, `longer` (exact ones),
    `near_fixed`, `near_cycle2` (near ones, the exact ones among them) and `since_median` (of the exact ones, turns).

    Args:
        table: As `find_fixed_points` gives it.
    """
    flags = table.assign(
        games=1,
        fixed=table["period"] == 1,
        cycle2=table["period"] == 2,
        longer=table["period"] > 2,
        near_fixed=table["near_period"] == 1,
        near_cycle2=table["near_period"] == 2,
    )
    counted = ["games", "fixed", "cycle2", "longer", "near_fixed", "near_cycle2"]
    both = pd.concat([flags, flags.assign(level=ALL)]) if flags["level"].nunique() > 1 else flags
    grouped = both.groupby(["level", *_LINE], sort=True)
    found = grouped[counted].sum().astype(int).assign(since_median=grouped["since"].median()).reset_index()
    order = {level: place for place, level in enumerate([*ordered_levels(table), ALL])}
    return found.sort_values("level", key=lambda level: level.map(order), kind="stable").reset_index(drop=True)


@dataclass(frozen=True)
class Contraction:
    """Do different prompts come together, or does each only move away from itself?"""

    curves: pd.DataFrame
    """Columns `level, t2i_model, i2t_model, step_number` (-1 is the prompts), `between` (mean distance of descriptions
    of different prompts), `between_low`, `between_high`, `own` (to the own prompt), `own_low`, `own_high` and
    `prompts`."""
    change: pd.DataFrame
    """From the first description to the last. Columns `level, t2i_model, i2t_model, attraction` (fall of `between`),
    `low`, `high`, `forgetting` (rise of `own`), `forgetting_low`, `forgetting_high`, `verdict` and `significant`."""
    space: str
    """In which vectors."""


def measure_contraction(paths: TextTrajectories) -> Contraction:
    """Returns how far descriptions of different prompts are from each other, and from their own prompt, at each turn.

    Only the first is a sign of an attractor. Descriptions are worded more alike than prompts are, so the change counts
    from the first description. Games that broke off are left out; repeats of a prompt are averaged.
    """
    curves, changes = [], []
    levels = ordered_levels(paths.games)
    for level in levels + ([ALL] if len(levels) > 1 else []):
        inside = pd.DataFrame(
            paths.games[paths.whole & (paths.games["level"].isin([level]) | (level == ALL)).to_numpy()]
        )
        for line, games in inside.groupby(_LINE, sort=True):
            curve, change = _line(paths, games)
            named = {"level": level, "t2i_model": str(line[0]), "i2t_model": str(line[1])}
            curves.append(curve.assign(**named))
            changes.append({**named, **change})
    heads = ["level", *_LINE]
    table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=heads)
    return Contraction(table[heads + [c for c in table if c not in heads]], pd.DataFrame(changes), paths.space)


def _settled(paths: TextTrajectories, game: int, floor: float) -> tuple[int, int, float, int, float]:
    states = paths.states[game][paths.states[game] >= 0]
    period, since = ending_period(states.tolist())
    near, near_since = _near(paths.vectors[states], floor)
    if period in (1, 2):
        near, near_since = period, since if near != period else min(since, near_since)
    return len(states) - 1, period, since, near, near_since


def _near(vectors: Floats, floor: float) -> tuple[int, float]:
    one = _trail(paired_distances(vectors[1:], vectors[:-1]) < floor)
    two = _trail(paired_distances(vectors[2:], vectors[:-2]) < floor)
    if one >= WINDOW:
        return 1, float(len(vectors) - 1 - one)
    if two >= WINDOW:
        return 2, float(len(vectors) - 2 - two)
    return 0, float("nan")


def _trail(flags: NDArray[np.bool_]) -> int:
    """Returns how many of the last ones are true in a row."""
    return len(flags) if flags.all() else int(np.argmin(flags[::-1]))


def _line(paths: TextTrajectories, games: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, object]]:
    """Returns the curve of one line at one level, and the change from its first description to its last."""
    number, prompts = pd.factorize(games["prompt_id"])
    level = games.drop_duplicates("prompt_id")["level"].astype(str).tolist()
    share = (np.arange(len(prompts))[:, None] == number) / np.bincount(number)[:, None]
    weights = np.vstack([np.ones(len(prompts)), bootstrap_weights(tuple(level))])
    states = paths.states[games.index.to_numpy()]
    middle = [share @ paths.vectors[states[:, step]] for step in range(states.shape[1])]
    between = np.stack([_between(each, weights) for each in middle], axis=1)
    away = np.stack([share @ paired_distances(paths.vectors[states[:, step]], paths.vectors[states[:, 0]])
                     for step in range(states.shape[1])], axis=1)  # fmt: skip
    own = weights @ away / weights.sum(axis=1, keepdims=True)
    between, own = (_stretched(each, level) for each in (between, own))
    steps = np.arange(states.shape[1]) - 1
    curve = pd.DataFrame({"step_number": steps, **_columns("between", between), **_columns("own", own)})
    return curve.assign(prompts=len(prompts)), _change(between[:, 1] - between[:, -1], own[:, -1] - own[:, 1])


def _between(middle: Floats, weights: Floats) -> Floats:
    """Returns [draws]: the mean distance between different prompts, given the mean vector of each."""
    apart = 1.0 - middle @ middle.T
    np.fill_diagonal(apart, 0.0)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((weights @ apart) * weights).sum(axis=1) / pairs)


def _stretched(values: Floats, strata: list[str]) -> Floats:
    """Returns the estimate in the first row and draws about it; NaN draws where there are fewer than two prompts."""
    draws = values[1:]
    if len(strata) < 2:
        return np.vstack([values[:1], np.full_like(draws, np.nan)])
    with np.errstate(invalid="ignore"):
        centre = np.nansum(draws, axis=0) / np.maximum((~np.isnan(draws)).sum(axis=0), 1)
    return np.vstack([values[:1], values[0] + (draws - centre) * student_stretch(strata)])


def _columns(name: str, values: Floats) -> dict[str, Floats]:
    low, high = _interval(values)
    return {name: values[0], f"{name}_low": low, f"{name}_high": high}


def _interval(values: Floats) -> Floats:
    known = ~np.isnan(values[1:]).all(axis=0)
    found = np.full((2, values.shape[1]), np.nan)
    found[:, known] = interval_bounds(values[1:][:, known])
    return found


def _change(attraction: Floats, forgetting: Floats) -> dict[str, object]:
    (low, high), (lower, upper) = (_interval(each[:, None])[:, 0] for each in (attraction, forgetting))
    together, forgets = bool(low > 0), bool(lower > 0)
    words = {
        (True, True): "different prompts are drawn together, and each is forgotten: an attractor",
        (True, False): "different prompts are drawn together",
        (False, True): "each prompt is forgotten, but different ones do not come together",
        (False, False): "neither is seen" if low == low else "too few prompts to say",
    }[together, forgets]
    return {
        "attraction": float(attraction[0]), "low": float(low), "high": float(high),
        "forgetting": float(forgetting[0]), "forgetting_low": float(lower), "forgetting_high": float(upper),
        "verdict": words, "significant": together or forgets,
    }  # fmt: skip
