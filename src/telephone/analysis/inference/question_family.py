"""The three questions of a battle as one family of claims, so that all claims together hold with 95 %.

Each question has a p-value: of each side, that its first model is better than every other one; and that the sides
differ. They are tested by Holm's procedure: the clearest one at a third of the error rate, and so on. A question that
the battle cannot ask (one model on a side) is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pandas.util import hash_pandas_object

from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.inference.score_tensor import ScoreTensor, score_tensor
from telephone.analysis.inference.side_shares import compare_sides
from telephone.analysis.inference.sign_flips import ERROR_RATE, first_at, flip_chances
from telephone.analysis.tables.prompt_scores import KEYS, Side, prompt_by_model
from telephone.analysis.tables.score_frames import get_measure, without_controls

Question = Literal["t2i", "i2t", "sides"]
_SIDES: tuple[Literal["t2i", "i2t"], ...] = ("t2i", "i2t")

_KEYS = ["prompt_id", "level", "repeat", "t2i_model", "i2t_model"]
_REMEMBERED = 16
_FOUND: dict[tuple[str, int, int], QuestionFamily] = {}
"""The last families by column, hash of the games and their number: a summary needs each of them several times."""


@dataclass(frozen=True)
class QuestionFamily:
    """The p-value of each question that can be asked, and the error rate at which Holm's procedure tests it."""

    p: dict[Question, float]
    levels: dict[Question, float]
    """0.05 divided by the number of questions that were not yet answered when this one was tested."""

    def level(self, question: Question) -> float:
        """Returns the error rate of a question; 0.05 of one that cannot be asked."""
        return self.levels.get(question, ERROR_RATE)


def question_family(
    games: pd.DataFrame, measure: str = "distance", when: str = "final", tensor: ScoreTensor | None = None
) -> QuestionFamily:
    """Returns the p-values of the three questions and the error rates at which they are tested.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        measure: A name of `MEASURES`.
        when: final or mean.
        tensor: `score_tensor(games, measure, when)`, if the caller has it already.

    Raises:
        UsageError: there is no such measure.
    """
    what = get_measure(measure)
    own = without_controls(games)
    column = f"{what.name}_{when}"
    key = (column, int(hash_pandas_object(own[[*_KEYS, column]], index=False).sum()), len(own))
    if key not in _FOUND:
        if len(_FOUND) >= _REMEMBERED:
            _FOUND.pop(next(iter(_FOUND)))
        _FOUND[key] = _family(own, measure, when, tensor)
    return _FOUND[key]


def _family(games: pd.DataFrame, measure: str, when: str, tensor: ScoreTensor | None) -> QuestionFamily:
    what = get_measure(measure)
    found: dict[Question, float] = {}
    for side in _SIDES:
        wide, _ = prompt_by_model(games, KEYS[side], f"{what.name}_{when}")
        found[side] = p_of_first(wide.to_numpy(dtype=float), what.low_is_best)
    test = compare_sides(score_tensor(games, measure, when) if tensor is None else tensor)
    found["sides"] = float("nan") if test is None else test.p
    return holm_levels(found)


def error_rates(
    games: pd.DataFrame, side: Side, levels: Sequence[str], measure: str = "distance", when: str = "final"
) -> dict[str, float]:
    """Returns the family-wise error rate of the comparisons of a side's models, by level.

    Over all levels (the last one) they belong to one of the three questions, and are tested at its error rate; each
    level, and the pairs of models, are a family of their own.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        side: t2i, i2t or pair.
        levels: Levels in their order; the last one is that of the question.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    rates = dict.fromkeys(levels, ERROR_RATE)
    if side != "pair" and rates:
        rates[levels[-1]] = question_family(games, measure, when).level(side)
    return rates


def p_of_first(values: Floats, low_is_best: bool) -> float:
    """Returns the p-value of the claim that the first model is better than every other one; NaN with one model.

    It is the largest of the p-values against each other model, which needs no adjustment for their number, as
    `compare_pairs` explains.

    Args:
        values: [prompts, models]; NaN is unscored.
        low_is_best: Whether the first model has the lowest mean.
    """
    values = values[:, ~np.isnan(values).all(axis=0)]
    best = first_at(values, low_is_best)
    if best is None or values.shape[1] < 2:
        return float("nan")
    gaps = np.delete(values, best, axis=1) - values[:, [best]]
    ahead = np.nansum(gaps, axis=0) * (1.0 if low_is_best else -1.0) > 0
    return float(np.where(ahead, flip_chances(gaps), 1.0).max())


def holm_levels(chances: dict[Question, float]) -> QuestionFamily:
    """Returns the family of these p-values; NaN is a question that cannot be asked.

    Args:
        chances: P-value by question.
    """
    known = {name: chance for name, chance in chances.items() if chance == chance}
    levels: dict[Question, float] = {}
    left = len(known)
    going = True
    for name in sorted(known, key=known.__getitem__):
        levels[name] = ERROR_RATE / left
        going = going and known[name] <= levels[name]
        left -= going
    return QuestionFamily(known, levels)
