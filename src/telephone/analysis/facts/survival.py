"""Survival analysis of facts: survival curves, half-lives in turns, and a paired test between groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from telephone.analysis.facts.hazards import check_groups
from telephone.analysis.inference.bootstrap import (
    Floats,
    bootstrap_weights,
    estimate_means,
    merge_strata,
    student_stretch,
)
from telephone.analysis.inference.share_interval import wilson_bounds
from telephone.analysis.inference.sign_flips import holm_adjust, sign_flip_test

PAIR = ("t2i_model", "i2t_model")
HALF = 0.5
_DRAWS = 1000
MIN_PROMPTS = 3
"""Number of prompts below which a half-life has no interval: two of them give two distinct draws."""


def survival_curves(table: pd.DataFrame, by: Sequence[str] = PAIR) -> pd.DataFrame:
    """Returns the share of facts that no description has lost yet, by turn (Kaplan-Meier estimate).

    A fact is lost at the first description (in an image-first game: image) that does not keep it, even if it is
    restored later; facts of a game that stopped early are censored there. Columns: those of `by`, `turn` (0 is
    the start), `at_risk` (facts), `lost`, `survival` (0 to 1), `low`, `high` (95 % interval over prompts; NaN for one).

    Args:
        table: As `track_facts` gives it.
        by: Some of the groups of `hazard_rates`; not `kind`, `player` or `turn`, which change during a game.

    Raises:
        UsageError: there is no such group.
    """
    rows: list[dict[str, Any]] = []
    for head, lives in _groups(table, by):
        curve, draws = _curve(lives)
        low, high = _bounds(curve, draws, lives)
        risk, lost = lives.risk.sum(axis=0), lives.lost.sum(axis=0)
        rows.append(head | {"turn": 0, "at_risk": int(risk[0]), "lost": 0, "survival": 1.0, "low": 1.0, "high": 1.0})
        rows += [
            head
            | {"turn": at + 1, "at_risk": int(risk[at]), "lost": int(lost[at])}
            | {"survival": float(curve[at]), "low": float(low[at]), "high": float(high[at])}
            for at in range(len(curve))
        ]
    return pd.DataFrame(rows, columns=[*by, "turn", "at_risk", "lost", "survival", "low", "high"])


def half_lives(table: pd.DataFrame, by: Sequence[str] = PAIR) -> pd.DataFrame:
    """Returns the turn at which half of the facts are lost, interpolated linearly between two turns.

    Columns: those of `by`, `half_life` (turns; NaN if more than half survive the game), `low`, `high` (95 % interval
    over prompts; infinite where it exceeds the game, NaN below three prompts), `beyond` (whether the half-life
    is longer than the game) and `turns` (length of the game).

    Args:
        table: As `track_facts` gives it.
        by: As for `survival_curves`.

    Raises:
        UsageError: there is no such group.
    """
    rows = []
    for head, lives in _groups(table, by):
        curve, draws = _curve(lives)
        life = float(_crossing(curve[None])[0])
        low, high = (float("nan"), float("nan"))
        if len(lives.strata) >= MIN_PROMPTS:
            tails = np.sort(_crossing(_stretched(draws, curve, lives)))
            low, high = float(tails[int(0.025 * len(tails))]), float(tails[int(0.975 * len(tails)) - 1])
            low, high = min(low, life), max(high, life)  # clipped draws are skewed, and may all lie on one side
        beyond = bool(np.isinf(life))
        found = {"half_life": float("nan") if beyond else life, "low": low, "high": high, "beyond": beyond}
        rows.append(head | found | {"turns": len(curve)})
    return pd.DataFrame(rows, columns=[*by, "half_life", "low", "high", "beyond", "turns"])


def survival_test(table: pd.DataFrame, by: str = "t2i_model") -> pd.DataFrame:
    """Returns which of each two groups keeps facts longer, paired by prompt.

    The mean number of turns that a fact survives within the game is compared (a game that stopped early counts up to
    that turn). Columns: `one, other, difference` (turns, one minus other), `low, high` (95 % interval over prompts),
    `prompts` (on which both have facts), `p` (sign-flip test over prompts), `holm` (adjusted for all pairs).

    Args:
        table: As `track_facts` gives it.
        by: One of the groups of `survival_curves`.

    Raises:
        UsageError: there is no such group.
    """
    check_groups([by])
    lives = _lives(table, [by])
    levels = lives.groupby("prompt_id")["level"].first()
    wide = lives.groupby(["prompt_id", by])["turns"].mean().unstack(by)  # noqa: PD010
    rows = []
    for one, other in combinations(wide.columns, 2):
        gaps = (wide[one] - wide[other]).dropna()
        values = gaps.to_numpy(dtype=float)
        found = estimate_means(values[:, None], [str(levels[prompt]) for prompt in gaps.index])
        numbers = {"difference": float(found.mean[0]), "low": float(found.low[0]), "high": float(found.high[0])}
        rows.append({"one": one, "other": other, **numbers, "prompts": len(values), "p": sign_flip_test(values)})
    made = pd.DataFrame(rows, columns=["one", "other", "difference", "low", "high", "prompts", "p"])
    return made.assign(holm=holm_adjust(made["p"].to_numpy(dtype=float)))


class _RiskTable:
    """Facts at risk and lost of one group: [prompts, turns] each, with the prompts' levels."""

    def __init__(self, lives: pd.DataFrame, turns: int) -> None:
        by_prompt = lives.groupby("prompt_id", sort=True)
        self.strata = [str(level) for level in by_prompt["level"].first()]
        number = by_prompt.ngroup().to_numpy()
        turn = np.arange(1, turns + 1)
        reached = lives["reached"].to_numpy()[:, None] >= turn  # the turn was played while the fact was still kept
        fell = lives["fell"].to_numpy()[:, None] == turn
        self.risk: Floats = np.zeros((len(self.strata), turns))
        self.lost: Floats = np.zeros((len(self.strata), turns))
        np.add.at(self.risk, number, reached)
        np.add.at(self.lost, number, fell)


def _groups(table: pd.DataFrame, by: Sequence[str]) -> list[tuple[dict[str, Any], _RiskTable]]:
    keys = check_groups(by)
    lives = _lives(table, keys)
    turns = int(lives["played"].max()) if len(lives) else 0
    if not keys:
        return [({}, _RiskTable(lives, turns))] if len(lives) else []
    return [
        (dict(zip(keys, own if isinstance(own, tuple) else (own,), strict=True)), _RiskTable(part, turns))
        for own, part in lives.groupby(keys, sort=True)
    ]


def _lives(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Returns one row a fact and game: `fell` (turn of its loss, 0 if there is none), `reached` (last turn at risk)."""
    # Artefacts of the kind that the game began with; images where the questions were about images only.
    even = (table["generation"] % 2 == 0).to_numpy(dtype=bool)
    same = even if even.any() else ~even
    columns = ["game", "atom", "prompt_id", "level", *(key for key in keys if key not in ("level",))]
    known = table[same & (table["state"] != "unknown")]
    gone = known[known["state"] != "kept"].groupby(["game", "atom"])["turn"].min()
    made = known.groupby(["game", "atom"], sort=False).agg(
        **{name: (name, "first") for name in columns[2:]}, played=("turn", "max")
    )
    made["fell"] = gone.reindex(made.index).fillna(0).astype(int)
    made["reached"] = made["fell"].where(made["fell"] > 0, made["played"])
    made["turns"] = (made["fell"] - 1).where(made["fell"] > 0, made["played"])
    return made.reset_index()


def _curve(lives: _RiskTable) -> tuple[Floats, Floats]:
    """Returns the survival after each turn, and [draws, turns] of it over resampled prompts."""
    weights = bootstrap_weights(tuple(lives.strata), _DRAWS)
    return _product(lives.risk.sum(axis=0), lives.lost.sum(axis=0)), _product(
        weights @ lives.risk, weights @ lives.lost
    )


def _product(risk: Floats, lost: Floats) -> Floats:
    """Returns the product of 1 - lost / risk over turns; the curve stays constant once no fact is at risk."""
    share = np.divide(lost, risk, out=np.zeros_like(risk), where=risk > 0)
    return np.asarray(np.cumprod(1 - share, axis=-1))


def _stretched(draws: Floats, curve: Floats, lives: _RiskTable) -> Floats:
    stretch = student_stretch(lives.strata)
    return np.asarray(np.clip(curve + (draws - curve) * stretch, 0.0, 1.0))


def _bounds(curve: Floats, draws: Floats, lives: _RiskTable) -> tuple[Floats, Floats]:
    """Returns bounds that do not shrink to a point while no fact is lost; like the curve, they never rise."""
    if len(lives.strata) < 2:
        return np.full(len(curve), np.nan), np.full(len(curve), np.nan)
    facts = np.full(len(curve), float(lives.risk[:, 0].sum()))
    freedom = len(lives.strata) - len(set(merge_strata(lives.strata)))
    low, high = wilson_bounds(curve, ((draws - curve) ** 2).mean(axis=0), facts, freedom)
    return np.minimum.accumulate(low), np.minimum.accumulate(high)


def _crossing(curves: Floats) -> Floats:
    """Returns where each curve, which begins with 1 at turn 0, first falls to one half; infinite if it does not."""
    whole = np.concatenate([np.ones((len(curves), 1)), curves], axis=1)
    whole = np.minimum.accumulate(whole, axis=1)  # a stretched draw may rise
    below = whole <= HALF
    at = np.where(below.any(axis=1), below.argmax(axis=1), whole.shape[1] - 1)
    rows = np.arange(len(whole))
    before, after = whole[rows, np.maximum(at - 1, 0)], whole[rows, at]
    drop = np.where(before > after, before - after, 1.0)
    return np.where(below.any(axis=1), at - 1 + (before - HALF) / drop, np.inf)
