"""Whether the models of one side differ more than those of the other: the variance of a game's score, by effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from telephone.analysis.inference.bootstrap import Floats, bootstrap_weights, student_freedom
from telephone.analysis.inference.score_tensor import EFFECT_NAMES, MeanSquares, ScoreTensor, mean_squares

MIN_MODELS = 2
MIN_PROMPTS = 4


@dataclass(frozen=True)
class SidesTest:
    """The Shapley share of drawing minus that of describing, tested against 0."""

    difference: float
    se: float
    """Standard error over prompts that are resampled within their levels."""
    freedom: int
    """Degrees of freedom of Student's t distribution."""
    p: float
    """1 where the resampled prompts do not vary."""
    parts: Floats
    """[8]: as `variance_parts`, of the battle."""
    resampled: Floats
    """[draws, 8]: of resampled prompts."""


def compare_sides(tensor: ScoreTensor) -> SidesTest | None:
    """Returns the test of the sides of a battle; None with too few models or prompts, or equal scores."""
    t, c, prompts, _ = tensor.sizes
    if min(t, c) < MIN_MODELS or prompts < MIN_PROMPTS or np.ptp(tensor.scores) < 1e-9:
        return None
    parts = variance_parts(mean_squares(tensor.scores))[0]
    resampled = variance_parts(mean_squares(tensor.scores, bootstrap_weights(tensor.levels)))
    shares, drawn = shapley_ratio(parts), shapley_ratio(resampled)
    difference = float(shares[0] - shares[1])
    se = float(np.nanstd(drawn[:, 0] - drawn[:, 1]))
    freedom = student_freedom(tensor.levels)
    p = float(2 * stdtr(freedom, -abs(difference) / se)) if se > 1e-12 else 1.0
    return SidesTest(difference, se, freedom, p, parts, resampled)


def variance_parts(found: MeanSquares) -> Floats:
    """Returns [draws, 8]: the part of each of `EFFECT_NAMES` in the variance of a game's score, in squared units.

    Variances between models have divisor n - 1, and interactions with models are scaled in the same way. Otherwise
    the side with more models would have the larger part where all models are alike.

    Args:
        found: Mean squares of a table [t, c, p, r]; two or more models of each kind.
    """
    t, c, p, r = found.sizes
    m, chance = found.mean, found.chance
    made = {
        "t": (m["t"] - m["tp"]) / (c * p * r),
        "c": (m["c"] - m["cp"]) / (t * p * r),
        "p": (m["p"] - chance) / (t * c * r),
        "tc": (m["tc"] - m["tcp"]) / (p * r),
        "tp": (m["tp"] - chance) / (c * r),
        "cp": (m["cp"] - chance) / (t * r),
        "tcp": (m["tcp"] - chance) / r,
        "e": chance,
    }
    return np.stack([made[name] for name in EFFECT_NAMES.values()], axis=-1)


def shapley_shares(made: Floats) -> Floats:
    """Returns [draws, 4]: the variance divided between `SHAPLEY_SOURCES`, in the units of `variance_parts`.

    Each source has its own part, half of each two-way interaction that it is in and a third of the three-way
    interaction, which is the Shapley value of a balanced design; chance keeps its own.
    """
    t, c, p, tc, tp, cp, tcp, chance = np.moveaxis(made, -1, 0)
    return np.stack(
        [t + tc / 2 + tp / 2 + tcp / 3, c + tc / 2 + cp / 2 + tcp / 3, p + tp / 2 + cp / 2 + tcp / 3, chance], axis=-1
    )


def shapley_ratio(made: Floats) -> Floats:
    """Returns [draws, 4]: the shares of `SHAPLEY_SOURCES` in the sum of all parts; NaN where nothing varies."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shapley_shares(made) / made.sum(axis=-1, keepdims=True))
