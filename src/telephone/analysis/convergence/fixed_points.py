"""Fixed points and cycles of games, exact and approximate, and contraction of different prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telephone.analysis.convergence.text_space import TextTrajectories, paired_distances
from telephone.analysis.inference.bootstrap import Floats, bootstrap_weights, interval_bounds, student_stretch
from telephone.analysis.inference.sign_flips import holm_adjust, sign_flip_test
from telephone.analysis.tables.prompt_scores import ALL
from telephone.analysis.tables.score_frames import ordered_levels
from telephone.core.records import Noise

WINDOW = 3
"""Number of consecutive near turns of an approximate fixed point or cycle."""
FLOOR = 0.05
"""Cosine distance below which two texts are near, unless a floor is measured."""
_LEVEL = 0.05
_LINE = ["t2i_model", "i2t_model"]


def find_fixed_points(trajectories: TextTrajectories, floor: float = FLOOR, noise: Noise | None = None) -> pd.DataFrame:
    """Returns how each game ends: at a fixed point, in a cycle, or without convergence.

    Columns: those of `TextTrajectories.games`, `turns` (descriptions made), `period` (0 none, 1 a fixed point, 2 a
    cycle of two texts, and so on; one full period of equal bytes), `since` (number of turns before it; 0 is the
    prompt), `near_period` (1 or 2: for `WINDOW` turns or more the distance to the previous text, or to the one before
    it, is below the floor) and `near_since`. An exact fixed point or cycle is an approximate one as well.

    With fresh noise, equal bytes at two turns do not keep a game where it is: a period is one only if it has lasted for
    `WINDOW` turns, and rest is judged by distances alone.

    Args:
        trajectories: The texts of each game.
        floor: Cosine distance below which two texts are near.
        noise: Of the run; None, unknown, as fixed.
    """
    lasting = WINDOW if noise == "fresh" else 1
    rows = [_end_state(trajectories, game, floor, lasting) for game in range(len(trajectories.games))]
    columns = ["turns", "period", "since", "near_period", "near_since"]
    return pd.concat([trajectories.games, pd.DataFrame(rows, columns=columns)], axis=1)


def ending_period(states: Sequence[int]) -> tuple[int, float]:
    """Returns the shortest period at the end of a sequence of states, and where it begins; 0 and NaN for none.

    A period counts after one repetition: the last `k` states equal the `k` states before them.
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
    """Returns how many games of each level and line converge.

    Columns: `level` (`all` is last), `t2i_model`, `i2t_model`, `games`, `fixed`, `cycle2`, `longer` (exact ones),
    `near_fixed`, `near_cycle2` (approximate ones, including the exact ones) and `since_median` (of the exact ones,
    turns).

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
    """Whether the descriptions of different prompts approach each other, or only move away from their own prompt."""

    curves: pd.DataFrame
    """Columns `level, t2i_model, i2t_model, step_number` (-1 is the prompts), `between` (mean distance of descriptions
    of different prompts), `between_low`, `between_high`, `own` (to the own prompt), `own_low`, `own_high` and
    `prompts`."""
    change: pd.DataFrame
    """From the first description to the last. Columns `level, t2i_model, i2t_model, attraction` (fall of `between`),
    `low`, `high`, `forgetting` (rise of `own`), `forgetting_low`, `forgetting_high` (95 % intervals of one line),
    `attraction_p`, `forgetting_p` (adjusted for both statements on all lines of the level), `verdict` and
    `significant`."""
    space: str
    """Name of the vectors."""


def measure_contraction(trajectories: TextTrajectories) -> Contraction:
    """Returns the mean distance between descriptions of different prompts, and to the own prompt, at each turn.

    Only a fall of the first indicates an attractor. Descriptions have more similar wording than prompts, so the change
    is measured from the first description. Games that stopped early are left out; repeats of a prompt are averaged.

    The verdict follows a permutation test, in which first and last description of each prompt change places, with
    Holm's correction over both statements on all lines of a level: the smallest p of n prompts is 1 / 2 ** n.
    """
    curves: list[pd.DataFrame] = []
    changes: list[dict[str, object]] = []
    levels = ordered_levels(trajectories.games)
    for level in levels + ([ALL] if len(levels) > 1 else []):
        inside = pd.DataFrame(
            trajectories.games[
                trajectories.complete & (trajectories.games["level"].isin([level]) | (level == ALL)).to_numpy()
            ]
        )
        own: list[dict[str, object]] = []
        for line, games in inside.groupby(_LINE, sort=True):
            curve, change = _line(trajectories, games)
            named = {"level": level, "t2i_model": str(line[0]), "i2t_model": str(line[1])}
            curves.append(curve.assign(**named))
            own.append({**named, **change})
        changes += _with_verdicts(own)
    heads = ["level", *_LINE]
    table = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=heads)
    return Contraction(table[heads + [c for c in table if c not in heads]], pd.DataFrame(changes), trajectories.space)


def _end_state(
    trajectories: TextTrajectories, game: int, floor: float, lasting: int
) -> tuple[int, int, float, int, float]:
    states = trajectories.states[game][trajectories.states[game] >= 0]
    period, since = ending_period(states.tolist())
    if period and len(states) - period - since < lasting:
        period, since = 0, float("nan")
    near, near_since = _near(trajectories.vectors[states], floor)
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
    """Returns the length of the final run of true values."""
    return len(flags) if flags.all() else int(np.argmin(flags[::-1]))


def _line(trajectories: TextTrajectories, games: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, object]]:
    """Returns the curve of one line at one level, and the change from its first description to its last."""
    number, prompts = pd.factorize(games["prompt_id"])
    level = games.drop_duplicates("prompt_id")["level"].astype(str).tolist()
    share = (np.arange(len(prompts))[:, None] == number) / np.bincount(number)[:, None]
    weights = np.vstack([np.ones(len(prompts)), bootstrap_weights(tuple(level))])
    states = trajectories.states[games.index.to_numpy()]
    means = [share @ trajectories.vectors[states[:, step]] for step in range(states.shape[1])]
    between = np.stack([_between(each, weights) for each in means], axis=1)
    away = np.stack([share @ paired_distances(trajectories.vectors[states[:, step]], trajectories.vectors[states[:, 0]])
                     for step in range(states.shape[1])], axis=1)  # fmt: skip
    own = weights @ away / weights.sum(axis=1, keepdims=True)
    between, own = (_stretched(each, level) for each in (between, own))
    steps = np.arange(states.shape[1]) - 1
    curve = pd.DataFrame({"step_number": steps, **_columns("between", between), **_columns("own", own)})
    chances = (_swap_chance(_attraction_parts(means[1], means[-1])), _swap_chance(away[:, -1] - away[:, 1]))
    change = _change(between[:, 1] - between[:, -1], own[:, -1] - own[:, 1])
    return curve.assign(prompts=len(prompts)), {**change, "attraction_p": chances[0], "forgetting_p": chances[1]}


def _attraction_parts(first: Floats, last: Floats) -> Floats:
    """Returns one number a prompt whose sum is proportional to the attraction.

    If first and last description of a prompt change places, its number changes its sign and the others stay: the mean
    distance between prompts is 1 - (|sum x|^2 - sum |x|^2) / (n (n - 1)), and the sum of both places does not change.
    """
    return np.asarray((first**2).sum(axis=1) - (last**2).sum(axis=1) - (first - last) @ (first + last).sum(axis=0))


def _swap_chance(parts: Floats) -> float:
    """Returns the one-sided p-value of the hypothesis that first and last descriptions are exchangeable."""
    if len(parts) < 2 or np.isnan(parts).any():
        return float("nan")
    chance = sign_flip_test(parts)
    return chance / 2 if parts.sum() > 0 else 1.0 - chance / 2


def _with_verdicts(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Returns the changes of the lines of one level with adjusted chances and verdicts."""
    names = ("attraction_p", "forgetting_p")
    adjusted = holm_adjust(np.array([row[name] for row in rows for name in names], dtype=float)).reshape(-1, 2)
    return [
        row | dict(zip(names, map(float, two), strict=True)) | _verdict(*two)
        for row, two in zip(rows, adjusted, strict=True)
    ]


def _verdict(attraction: float, forgetting: float) -> dict[str, object]:
    converge, diverge = attraction < _LEVEL, forgetting < _LEVEL
    words = {
        (True, True): "different prompts converge and move away from themselves: an attractor",
        (True, False): "different prompts converge",
        (False, True): "games move away from their prompt, but different prompts do not converge",
        (False, False): "no change is significant" if attraction == attraction else "too few prompts",
    }[bool(converge), bool(diverge)]
    return {"verdict": words, "significant": bool(converge or diverge)}


def _between(means: Floats, weights: Floats) -> Floats:
    """Returns [draws]: the mean distance between different prompts, given the mean vector of each."""
    apart = 1.0 - means @ means.T
    np.fill_diagonal(apart, 0.0)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((weights @ apart) * weights).sum(axis=1) / pairs)


def _stretched(values: Floats, strata: list[str]) -> Floats:
    """Returns the estimate in the first row and scaled draws around it; NaN draws with fewer than two prompts."""
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
    return {
        "attraction": float(attraction[0]), "low": float(low), "high": float(high),
        "forgetting": float(forgetting[0]), "forgetting_low": float(lower), "forgetting_high": float(upper),
    }  # fmt: skip
