"""What matters more, drawing or describing? The part of the differences between games that each side explains."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from telephone import seeds
from telephone.analysis.frames import measure_of
from telephone.analysis.resampling import Floats, bounds, merged, student

SOURCES = ("drawing", "describing", "pair", "prompt", "rest")
"""Which model draws, which describes, what the two have beyond that, which prompt it is, and all else: chance, and what
a model makes of one prompt and not of another."""
MIN_MODELS = 2
MIN_PROMPTS = 4
_DRAWS = 1000
_NORMAL = student(10**9)


@dataclass(frozen=True)
class WhichMatters:
    """An answer about these models and these prompts; models in general are another question."""

    told: bool
    """Whether one side surely explains more than the other."""
    answer: str
    """A sentence or two, or why it cannot be said."""
    shares: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["source", "share", "low", "high"]))
    """One row for each of `SOURCES`: its share of the variance, with a 95 % interval; empty if it cannot be said."""
    difference: float | None = None
    """Share of drawing minus share of describing, with its 95 % interval."""
    low: float | None = None
    high: float | None = None
    prompts: int = 0
    """Prompts on which every pair has a score."""
    left_out: int = 0
    """Prompts that lack one."""


def which_matters(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> WhichMatters:
    """Returns how much of the differences between games comes from who draws and from who describes.

    The scores stand in a table of drawing model x describing model x prompt; its sum of squares is split as in an
    analysis of variance, and what chance alone puts into the parts of the models is taken out of them (so a part can be
    a little below 0). Intervals come from prompts that are drawn again within their levels.

    Args:
        games: One row a game, as `by_game` gives it.
        measure: distance, recall or precision.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    column = f"{measure_of(measure).name}_{when}"
    drawers, describers = games["t2i_model"].nunique(), games["i2t_model"].nunique()
    if min(drawers, describers) < MIN_MODELS:
        return WhichMatters(
            False, f"{_models(drawers, describers)} are too few models to say: take two or more of each kind."
        )
    scores, levels, left_out = _cube(games, column, drawers * describers)
    prompts = scores.shape[2]
    if prompts < MIN_PROMPTS:
        said = f"{prompts} prompts on which every pair has a score are too few to say: play {MIN_PROMPTS} or more."
        return WhichMatters(False, said, prompts=prompts, left_out=left_out)
    if np.ptp(scores) < 1e-9:
        return WhichMatters(False, "All games end alike: there is nothing to explain.", prompts=prompts)
    return _answer(scores, levels, left_out)


def split(scores: Floats) -> Floats:
    """Returns [..., 5]: the shares of `SOURCES` in the variance of a table; they add up to 1.

    Args:
        scores: [..., drawing models, describing models, prompts], no entry missing.
    """
    t, c, p = scores.shape[-3:]
    mean = scores.mean((-3, -2, -1), keepdims=True)
    by_t, by_c, by_p = (scores.mean(axes, keepdims=True) - mean for axes in ((-2, -1), (-3, -1), (-3, -2)))
    by_tc = scores.mean(-1, keepdims=True) - mean - by_t - by_c
    by_tp = scores.mean(-2, keepdims=True) - mean - by_t - by_p
    by_cp = scores.mean(-3, keepdims=True) - mean - by_c - by_p
    total = _squares(scores - mean)
    drawing, describing, pair, prompt = c * p * _squares(by_t), t * p * _squares(by_c), p * _squares(by_tc), by_p
    prompts = t * c * _squares(prompt)
    with_t, with_c = c * _squares(by_tp), t * _squares(by_cp)
    rest = total - drawing - describing - pair - prompts - with_t - with_c
    drawing = drawing - with_t / (p - 1)
    describing = describing - with_c / (p - 1)
    pair = pair - rest / (p - 1)
    parts = np.stack([drawing, describing, pair, prompts, total - drawing - describing - pair - prompts], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(parts / total[..., None])


def _squares(values: Floats) -> Floats:
    return np.asarray((values**2).sum((-3, -2, -1)))


def _cube(games: pd.DataFrame, column: str, pairs: int) -> tuple[Floats, list[str], int]:
    """Returns scores [drawing, describing, prompt] of the prompts that every pair has a score on, and their levels."""
    means = games.groupby(["prompt_id", "t2i_model", "i2t_model"], sort=True)[column].mean()
    wide = means.unstack(["t2i_model", "i2t_model"]).sort_index(axis=1)  # noqa: PD010
    whole = wide.dropna() if wide.shape[1] == pairs else wide.iloc[:0]
    of_prompt = games.drop_duplicates("prompt_id").set_index("prompt_id")["level"]
    sides = (games["t2i_model"].nunique(), games["i2t_model"].nunique(), len(whole))
    scores = whole.to_numpy(dtype=float).T.reshape(sides)
    return scores, [str(level) for level in of_prompt.reindex(whole.index)], len(wide) - len(whole)


def _answer(scores: Floats, levels: list[str], left_out: int) -> WhichMatters:
    prompts = scores.shape[2]
    estimate = split(scores)
    draws = split(np.moveaxis(scores[:, :, _picks(levels)], 2, 0))
    size = prompts / len(set(merged(levels)))
    stretch = student(prompts - len(set(merged(levels)))) / _NORMAL * np.sqrt(size / (size - 1))
    # A table of repeated prompts has fewer distinct ones, which shifts its shares; only their spread is of use.
    draws = estimate + (draws - np.nanmean(draws, axis=0)) * stretch
    low, high = np.clip(bounds(draws), -1, 1)
    table = pd.DataFrame({"source": SOURCES, "share": estimate, "low": low, "high": high})
    gap = bounds(draws[:, :1] - draws[:, 1:2])[:, 0]
    difference = float(estimate[0] - estimate[1])
    told = bool(gap[0] > 0 or gap[1] < 0)
    words = _sentence(table, difference, (float(gap[0]), float(gap[1])), told)
    words += f" This holds for {_models(*scores.shape[:2])} on {prompts} prompts, not for models in general."
    return WhichMatters(told, words, table, difference, float(gap[0]), float(gap[1]), prompts, left_out)


def _picks(levels: list[str]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Returns [draws, prompts]: which prompts a draw has, drawn with replacement within their levels."""
    generator = np.random.default_rng(seeds.derive("which matters", *levels))
    groups = np.array(merged(levels))
    picks = np.empty((_DRAWS, len(levels)), dtype=np.int64)
    for group in dict.fromkeys(groups.tolist()):
        members = np.flatnonzero(groups == group)
        picks[:, members] = generator.choice(members, size=(_DRAWS, len(members)))
    return picks


def _sentence(table: pd.DataFrame, difference: float, gap: tuple[float, float], told: bool) -> str:
    share = dict(zip(table["source"], map(_percent, table["share"]), strict=True))
    facts = (
        f"who draws explains {share['drawing']} of the differences between games, who describes {share['describing']}"
    )
    interval = f"difference {100 * difference:+.0f} points, 95 % interval {100 * gap[0]:+.0f} to {100 * gap[1]:+.0f}"
    if told:
        return f"{'Drawing' if difference > 0 else 'Describing'} matters more: {facts} ({interval})."
    return f"It cannot be told apart: {facts} ({interval})."


def _percent(share: float) -> str:
    return f"{100 * max(share, 0):.0f} %"


def _models(drawers: int, describers: int) -> str:
    return f"{drawers} drawing and {describers} describing model{'s' if drawers + describers > 2 else ''}"
