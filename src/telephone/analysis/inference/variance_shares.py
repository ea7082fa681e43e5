"""Variance shares: how much of the differences between games each side explains, with a Shapley decomposition."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats, bootstrap_weights, interval_bounds, student_stretch
from telephone.analysis.inference.score_tensor import EFFECT_NAMES, MeanSquares, ScoreTensor, mean_squares, score_tensor
from telephone.analysis.inference.variance_components import VarianceComponents, estimate_variance_components

SOURCES = ("drawing", "describing", "pair", "prompt", "rest")
"""Text-to-image model, image-to-text model, their interaction, the prompt, and the rest: chance and the interactions of
models with prompts."""
SHAPLEY_SOURCES = ("drawing", "describing", "prompt", "chance")
"""Sources between which the variance is divided."""
MIN_MODELS = 2
MIN_PROMPTS = 4


@dataclass(frozen=True)
class VarianceShares:
    """Variance shares of these models and prompts, and variance components of models in general."""

    significant: bool
    """Whether the 95 % interval of the difference between the sides excludes 0."""
    answer: str
    """One or two sentences, or the reason for no answer."""
    shares: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["source", "share", "low", "high"]))
    """One row for each of `SOURCES`: its share of the variance with a 95 % interval; empty without an estimate."""
    difference: float | None = None
    """Shapley share of drawing minus that of describing, with its 95 % interval."""
    low: float | None = None
    high: float | None = None
    prompts: int = 0
    """Prompts on which every pair has a score."""
    left_out: int = 0
    """Prompts on which a pair has no score."""
    shapley: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["source", "share", "low", "high", "own"])
    )
    """This roster: one row for each of `SHAPLEY_SOURCES`, its Shapley share of the variance (with half of each
    interaction of two and a third of that of all three), a 95 % interval, and its own share without interactions."""
    decomposition: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["source", "share"]))
    """The same split into all main effects and interactions; without repeats `all three` is inside `chance`."""
    components: VarianceComponents = field(default_factory=VarianceComponents)
    """Models in general, of which the roster is a sample."""


def variance_shares(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> VarianceShares:
    """Returns how much of the differences between games each side explains.

    The scores form a tensor of text-to-image model x image-to-text model x prompt x repeat. Its variance is decomposed
    into main effects and interactions, the expected part of chance is subtracted, and the interactions are divided by
    Shapley's rule. Intervals come from prompts that are resampled within their levels.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    tensor = score_tensor(games, measure, when)
    t, c, prompts, _ = tensor.sizes
    if min(t, c) < MIN_MODELS:
        return VarianceShares(False, f"{_models(t, c)} are too few: use two or more of each kind.")
    if prompts < MIN_PROMPTS:
        answer = f"{prompts} prompts on which every pair has a score are too few: play {MIN_PROMPTS} or more."
        return VarianceShares(False, answer, prompts=prompts, left_out=tensor.left_out)
    if np.ptp(tensor.scores) < 1e-9:
        return VarianceShares(False, "All games have the same score: there is no variance to explain.", prompts=prompts)
    return _answer(tensor)


def variance_parts(found: MeanSquares) -> Floats:
    """Returns [draws, 8]: the part of each of `EFFECT_NAMES` in the variance of a game's score, in squared units.

    Args:
        found: Mean squares of a table [t, c, p, r]; two or more models of each kind.
    """
    t, c, p, r = found.sizes
    m, chance = found.mean, found.chance
    made = {
        "t": (t - 1) * (m["t"] - m["tp"]) / (t * c * p * r),
        "c": (c - 1) * (m["c"] - m["cp"]) / (t * c * p * r),
        "p": (m["p"] - chance) / (t * c * r),
        "tc": (t - 1) * (c - 1) * (m["tc"] - m["tcp"]) / (t * c * p * r),
        "tp": (t - 1) / t * (m["tp"] - chance) / (c * r),
        "cp": (c - 1) / c * (m["cp"] - chance) / (t * r),
        "tcp": (t - 1) * (c - 1) / (t * c) * (m["tcp"] - chance) / r,
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


def _drawn(tensor: ScoreTensor) -> tuple[Floats, Floats]:
    return variance_parts(mean_squares(tensor.scores)), variance_parts(
        mean_squares(tensor.scores, bootstrap_weights(tensor.levels))
    )


def _shapley_share(made: Floats) -> Floats:
    return np.asarray(shapley_shares(made) / made.sum(axis=-1, keepdims=True))


def _own(made: Floats) -> Floats:
    """Returns the shares of `SOURCES` in parts of the variance."""
    share = made / made.sum(axis=-1, keepdims=True)
    first = share[..., [0, 1, 3, 2]]
    return np.concatenate([first, 1 - first.sum(axis=-1, keepdims=True)], axis=-1)


def _scaled(estimate: Floats, draws: Floats, levels: tuple[str, ...]) -> Floats:
    """Returns draws around the estimate, scaled from the normal to Student's t distribution."""
    return np.asarray(estimate + (draws - np.nanmean(draws, axis=0)) * student_stretch(levels))


def _answer(tensor: ScoreTensor) -> VarianceShares:
    made, resampled = _drawn(tensor)
    own, shapley = _own(made)[0], _shapley_share(made)[0]
    low, high = np.clip(interval_bounds(_scaled(own, _own(resampled), tensor.levels)), -1, 1)
    table = pd.DataFrame({"source": SOURCES, "share": own, "low": low, "high": high})
    draws = _scaled(shapley, _shapley_share(resampled), tensor.levels)
    low, high = np.clip(interval_bounds(draws), -1, 1)
    share = made[0] / made[0].sum()
    divided = pd.DataFrame(
        {"source": SHAPLEY_SOURCES, "share": shapley, "low": low, "high": high, "own": share[[0, 1, 2, 7]]}
    )
    gap = interval_bounds(draws[:, :1] - draws[:, 1:2])[:, 0]
    difference = float(shapley[0] - shapley[1])
    significant = bool(gap[0] > 0 or gap[1] < 0)
    words = _sentence(divided, difference, (float(gap[0]), float(gap[1])), significant)
    words += f" This holds for {_models(*tensor.sizes[:2])} on {tensor.sizes[2]} prompts, not for models in general."
    return VarianceShares(
        significant, words, table, difference, float(gap[0]), float(gap[1]), tensor.sizes[2], tensor.left_out,
        divided, _all_parts(share, tensor.sizes[3]), estimate_variance_components(tensor),
    )  # fmt: skip


def _all_parts(share: Floats, repeats: int) -> pd.DataFrame:
    table = pd.DataFrame({"source": list(EFFECT_NAMES), "share": share})
    return table if repeats > 1 else table[table["source"] != "all three"].reset_index(drop=True)


def _sentence(table: pd.DataFrame, difference: float, gap: tuple[float, float], significant: bool) -> str:
    share = dict(zip(table["source"], map(_percent, table["share"]), strict=True))
    facts = (
        f"the text-to-image model explains {share['drawing']} of the differences between games, "
        f"the image-to-text model {share['describing']}"
    )
    interval = f"difference {100 * difference:+.0f} points, 95 % interval {100 * gap[0]:+.0f} to {100 * gap[1]:+.0f}"
    if significant:
        return f"{'Drawing' if difference > 0 else 'Describing'} matters more: {facts} ({interval})."
    return f"The sides are not distinguishable: {facts} ({interval})."


def _percent(share: float) -> str:
    return f"{100 * max(share, 0):.0f} %"


def _models(t2i_models: int, i2t_models: int) -> str:
    return f"{t2i_models} drawing and {i2t_models} describing model{'s' if t2i_models + i2t_models > 2 else ''}"
