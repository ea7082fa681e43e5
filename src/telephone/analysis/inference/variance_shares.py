"""Variance shares: how much of the differences between games each side explains, with a Shapley decomposition."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats, interval_bounds, student_quantile, student_stretch
from telephone.analysis.inference.question_family import question_family
from telephone.analysis.inference.score_tensor import EFFECT_NAMES, ScoreTensor, score_tensor
from telephone.analysis.inference.side_shares import MIN_MODELS, MIN_PROMPTS, compare_sides, shapley_ratio
from telephone.analysis.inference.sign_flips import ERROR_RATE
from telephone.analysis.inference.variance_components import VarianceComponents, estimate_variance_components

SOURCES = ("drawing", "describing", "pair", "prompt", "rest")
"""Text-to-image model, image-to-text model, their interaction, the prompt, and the rest: chance and the interactions of
models with prompts."""
SHAPLEY_SOURCES = ("drawing", "describing", "prompt", "chance")
"""Sources between which the variance is divided."""


@dataclass(frozen=True)
class VarianceShares:
    """Variance shares of these models and prompts, and variance components of models in general."""

    significant: bool
    """Whether the interval of the difference between the sides excludes 0."""
    answer: str
    """One or two sentences, or the reason for no answer."""
    shares: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["source", "share", "low", "high"]))
    """One row for each of `SOURCES`: its share of the variance with a 95 % interval; empty without an estimate."""
    difference: float | None = None
    """Shapley share of drawing minus that of describing, with its interval, adjusted for the three questions of the
    battle: of 95 % only where the other two are answered, else wider."""
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
    p: float | None = None
    """P-value of no difference between the sides, not adjusted."""


def variance_shares(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> VarianceShares:
    """Returns how much of the differences between games each side explains.

    The scores form a tensor of text-to-image model x image-to-text model x prompt x repeat. Its variance is decomposed
    into main effects and interactions with divisors n - 1, so that the side with more models is not favoured; the
    expected part of chance is subtracted, and the interactions are divided by Shapley's rule. Intervals come from
    prompts that are resampled within their levels; the difference between the sides is tested by Student's t with the
    standard error of these.

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
    return _answer(tensor, question_family(games, measure, when, tensor).level("sides"))


def _own(made: Floats) -> Floats:
    """Returns the shares of `SOURCES` in parts of the variance."""
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw of prompts with equal scores has no shares
        share = made / made.sum(axis=-1, keepdims=True)
    first = share[..., [0, 1, 3, 2]]
    return np.concatenate([first, 1 - first.sum(axis=-1, keepdims=True)], axis=-1)


def _scaled(estimate: Floats, draws: Floats, levels: tuple[str, ...]) -> Floats:
    """Returns draws around the estimate, scaled from the normal to Student's t distribution."""
    return np.asarray(estimate + (draws - np.nanmean(draws, axis=0)) * student_stretch(levels))


def _answer(tensor: ScoreTensor, error_rate: float = ERROR_RATE) -> VarianceShares:
    test = compare_sides(tensor)
    assert test is not None
    made, resampled = test.parts, test.resampled
    table = _with_interval(SOURCES, _own(made), _own(resampled), tensor.levels)
    divided = _with_interval(SHAPLEY_SOURCES, shapley_ratio(made), shapley_ratio(resampled), tensor.levels)
    share = made / made.sum()
    divided["own"] = share[[0, 1, 2, 7]]
    significant = test.p <= error_rate
    half = student_quantile(test.freedom, 1 - error_rate) * test.se
    low, high = _agreeing(test.difference - half, test.difference + half, significant)
    words = _sentence(divided, test.difference, (low, high), significant)
    words += f" This holds for {_models(*tensor.sizes[:2])} on {tensor.sizes[2]} prompts, not for models in general."
    return VarianceShares(
        significant, words, table, test.difference, low, high, tensor.sizes[2], tensor.left_out, divided,
        _all_parts(share, tensor.sizes[3]), estimate_variance_components(tensor), test.p,
    )  # fmt: skip


def _with_interval(sources: tuple[str, ...], share: Floats, resampled: Floats, levels: tuple[str, ...]) -> pd.DataFrame:
    low, high = np.clip(interval_bounds(_scaled(share, resampled, levels)), -1, 1)
    return pd.DataFrame({"source": sources, "share": share, "low": low, "high": high})


def _agreeing(low: float, high: float, significant: bool) -> tuple[float, float]:
    """Returns the bounds, which include 0 where the difference is not significant, in spite of rounding."""
    return (low, high) if significant else (min(low, 0.0), max(high, 0.0))


def _all_parts(share: Floats, repeats: int) -> pd.DataFrame:
    table = pd.DataFrame({"source": list(EFFECT_NAMES), "share": share})
    return table if repeats > 1 else table[table["source"] != "all three"].reset_index(drop=True)


def _sentence(table: pd.DataFrame, difference: float, gap: tuple[float, float], significant: bool) -> str:
    share = dict(zip(table["source"], map(_percent, table["share"]), strict=True))
    facts = (
        f"the text-to-image model explains {share['drawing']} of the differences between games, "
        f"the image-to-text model {share['describing']}"
    )
    interval = (
        f"difference {100 * difference:+.0f} points, adjusted interval {100 * gap[0]:+.0f} to {100 * gap[1]:+.0f}"
    )
    if significant:
        return f"{'Drawing' if difference > 0 else 'Describing'} matters more: {facts} ({interval})."
    return f"The sides are not distinguishable: {facts} ({interval})."


def _percent(share: float) -> str:
    return f"{100 * max(share, 0):.0f} %"


def _models(t2i_models: int, i2t_models: int) -> str:
    return f"{t2i_models} drawing and {i2t_models} describing model{'s' if t2i_models + i2t_models > 2 else ''}"
