"""The scores of a battle as a tensor: text-to-image model x image-to-text model x prompt x repeat; mean squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats
from telephone.analysis.tables.score_frames import get_measure, without_controls

EFFECT_NAMES = {
    "drawing": "t", "describing": "c", "prompt": "p", "drawing x describing": "tc", "drawing x prompt": "tp",
    "describing x prompt": "cp", "all three": "tcp", "chance": "e",
}  # fmt: skip
"""Effects by name: text-to-image model, image-to-text model, prompt, their interactions, and repeats of one game.
Without repeats the interaction of all three is inside `chance`."""
EFFECTS = tuple(EFFECT_NAMES.values())

_MIN_COMPLETE = 0.8
"""Minimum share of prompts with all repeats scored among those with at least one; below it repeats are averaged."""


@dataclass(frozen=True)
class ScoreTensor:
    """A tensor of scores without missing values."""

    scores: Floats
    """[text-to-image models, image-to-text models, prompts, repeats]"""
    t2i_models: tuple[str, ...]
    i2t_models: tuple[str, ...]
    levels: tuple[str, ...]
    """The level of each prompt."""
    left_out: int = 0
    """Prompts on which some pair has no score."""

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Numbers of text-to-image models, image-to-text models, prompts and repeats."""
        t, c, p, r = self.scores.shape
        return t, c, p, r


def score_tensor(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> ScoreTensor:
    """Returns the tensor of the prompts on which every pair has a score; it has no prompt if a pair never played.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    games = without_controls(games)
    column = f"{get_measure(measure).name}_{when}"
    keys = ["prompt_id", "repeat", "t2i_model", "i2t_model"]
    t2i_models, i2t_models = (tuple(sorted(games[side].unique())) for side in keys[2:])
    cells = pd.MultiIndex.from_product([t2i_models, i2t_models], names=keys[2:])
    each = games.groupby(keys, sort=True)[column].mean()
    wide = each.unstack(keys[2:]).reindex(columns=cells)  # noqa: PD010
    found, repeats = _complete(wide)
    prompts = found.index.get_level_values(0).unique()
    level = games.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    shape = (len(prompts), repeats, len(t2i_models), len(i2t_models))
    scores = found.to_numpy(dtype=float).reshape(shape).transpose(2, 3, 0, 1)
    names = tuple(str(each) for each in level.reindex(prompts))
    return ScoreTensor(scores, t2i_models, i2t_models, names, int(games["prompt_id"].nunique()) - len(prompts))


def _complete(wide: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Returns the rows (prompt, repeat) of prompts without missing values, and the number of repeats."""
    repeats = wide.index.get_level_values("repeat").nunique() if len(wide) else 1
    full = wide.dropna()
    size = full.groupby("prompt_id").size()
    complete = size.index[size == repeats]
    averaged = wide.groupby("prompt_id").mean().dropna()
    if repeats > 1 and len(complete) >= _MIN_COMPLETE * max(len(averaged), 1):
        return full[full.index.get_level_values("prompt_id").isin(complete)], repeats
    return averaged, 1


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a tensor, each effect [draws]; `e` is NaN without repeats."""

    mean: dict[str, Floats]
    freedom: dict[str, int]
    sizes: tuple[int, int, int, int]

    @property
    def chance(self) -> Floats:
        """The residual; without repeats it includes the three-way interaction."""
        return self.mean["tcp"] if self.sizes[3] == 1 else self.mean["e"]


def mean_squares(scores: Floats, weights: Floats | None = None) -> MeanSquares:
    """Returns the mean squares of a tensor, for each weighting of its prompts.

    Args:
        scores: [t, c, p, r], without missing values.
        weights: [draws, p], weight of each prompt; None is one draw with equal weights.
    """
    t, c, p, r = scores.shape
    weights = np.ones((1, p)) if weights is None else weights
    weights = weights / weights.sum(axis=1, keepdims=True)
    centred = scores - scores.mean()
    cells = centred.mean(axis=3)
    within = ((centred - cells[..., None]) ** 2).mean(axis=(0, 1, 3))
    by_prompt = np.stack(
        [
            (cells**2).mean((0, 1)),
            (cells.mean(1) ** 2).mean(0),
            (cells.mean(0) ** 2).mean(0),
            cells.mean((0, 1)) ** 2,
            within,
        ],
        axis=1,
    )
    tcp, tp, cp, prompt, inside = (weights @ by_prompt).T
    mean = (weights @ cells.reshape(t * c, p).T).reshape(-1, t, c)
    tc, one, other = (mean**2).mean((1, 2)), (mean.mean(2) ** 2).mean(1), (mean.mean(1) ** 2).mean(1)
    grand = mean.mean((1, 2)) ** 2
    parts = {
        "t": one - grand,
        "c": other - grand,
        "p": prompt - grand,
        "tc": tc - one - other + grand,
        "tp": tp - one - prompt + grand,
        "cp": cp - other - prompt + grand,
        "tcp": tcp - tc - tp - cp + one + other + prompt - grand,
        "e": inside,
    }
    freedom = {
        "t": t - 1, "c": c - 1, "p": p - 1, "tc": (t - 1) * (c - 1), "tp": (t - 1) * (p - 1),
        "cp": (c - 1) * (p - 1), "tcp": (t - 1) * (c - 1) * (p - 1), "e": t * c * p * (r - 1),
    }  # fmt: skip
    sums = {name: np.maximum(part, 0.0) * scores.size for name, part in parts.items()}
    mean_squares = {n: sums[n] / freedom[n] if freedom[n] else np.full(len(weights), np.nan) for n in EFFECTS}
    return MeanSquares(mean_squares, freedom, (t, c, p, r))
