"""What matters more, drawing or describing? The part of the differences between games that each side explains."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from telephone.analysis.inference.bootstrap import Floats, bounds, draw_weights, student_stretch
from telephone.analysis.inference.score_tensor import Cube, cube_of, squares
from telephone.analysis.inference.shapley import PARTS, PLAYERS, parts, shapley
from telephone.analysis.inference.variance_components import General, in_general

SOURCES = ("drawing", "describing", "pair", "prompt", "rest")
"""Which model draws, which describes, what the two have beyond that, which prompt it is, and all else: chance, and what
a model makes of one prompt and not of another."""
MIN_MODELS = 2
MIN_PROMPTS = 4


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
    """Shapley share of drawing minus that of describing, with its 95 % interval."""
    low: float | None = None
    high: float | None = None
    prompts: int = 0
    """Prompts on which every pair has a score."""
    left_out: int = 0
    """Prompts that lack one."""
    shapley: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["source", "share", "low", "high", "own"])
    )
    """This roster: one row for each of `PLAYERS`, its fair share of the variance (with half of each interaction of two
    and a third of that of all three), a 95 % interval, and its own share without any interaction."""
    parts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["source", "share"]))
    """The same split into all main effects and interactions; without repeats `all three` is inside `chance`."""
    general: General = field(default_factory=General)
    """Models in general, of which the roster is a sample."""


def which_matters(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> WhichMatters:
    """Returns how much of the differences between games comes from who draws and from who describes.

    The scores stand in a table of drawing model x describing model x prompt x repeat; its variance is split into main
    effects and interactions, what chance alone puts into them is taken out, and the interactions are divided fairly.
    Intervals come from prompts that are drawn again within their levels.

    Args:
        games: One row a game, as `by_game` gives it; controls are left out.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: there is no such measure.
    """
    cube = cube_of(games, measure, when)
    t, c, prompts, _ = cube.sizes
    if min(t, c) < MIN_MODELS:
        return WhichMatters(False, f"{_models(t, c)} are too few models to say: take two or more of each kind.")
    if prompts < MIN_PROMPTS:
        said = f"{prompts} prompts on which every pair has a score are too few to say: play {MIN_PROMPTS} or more."
        return WhichMatters(False, said, prompts=prompts, left_out=cube.left_out)
    if np.ptp(cube.scores) < 1e-9:
        return WhichMatters(False, "All games end alike: there is nothing to explain.", prompts=prompts)
    return _answer(cube)


def _drawn(cube: Cube) -> tuple[Floats, Floats]:
    return parts(squares(cube.scores)), parts(squares(cube.scores, draw_weights(cube.levels)))


def _fair(made: Floats) -> Floats:
    return np.asarray(shapley(made) / made.sum(axis=-1, keepdims=True))


def _own(made: Floats) -> Floats:
    """Returns the shares of `SOURCES` in parts of the variance."""
    share = made / made.sum(axis=-1, keepdims=True)
    first = share[..., [0, 1, 3, 2]]
    return np.concatenate([first, 1 - first.sum(axis=-1, keepdims=True)], axis=-1)


def _spread(estimate: Floats, draws: Floats, levels: tuple[str, ...]) -> Floats:
    """Returns draws about the estimate, stretched from the normal to Student's distribution."""
    return np.asarray(estimate + (draws - np.nanmean(draws, axis=0)) * student_stretch(levels))


def _answer(cube: Cube) -> WhichMatters:
    made, again = _drawn(cube)
    own, fair = _own(made)[0], _fair(made)[0]
    low, high = np.clip(bounds(_spread(own, _own(again), cube.levels)), -1, 1)
    table = pd.DataFrame({"source": SOURCES, "share": own, "low": low, "high": high})
    draws = _spread(fair, _fair(again), cube.levels)
    low, high = np.clip(bounds(draws), -1, 1)
    whole = made[0] / made[0].sum()
    divided = pd.DataFrame({"source": PLAYERS, "share": fair, "low": low, "high": high, "own": whole[[0, 1, 2, 7]]})
    gap = bounds(draws[:, :1] - draws[:, 1:2])[:, 0]
    difference = float(fair[0] - fair[1])
    told = bool(gap[0] > 0 or gap[1] < 0)
    words = _sentence(divided, difference, (float(gap[0]), float(gap[1])), told)
    words += f" This holds for {_models(*cube.sizes[:2])} on {cube.sizes[2]} prompts, not for models in general."
    return WhichMatters(
        told, words, table, difference, float(gap[0]), float(gap[1]), cube.sizes[2], cube.left_out,
        divided, _all_parts(whole, cube.sizes[3]), in_general(cube),
    )  # fmt: skip


def _all_parts(whole: Floats, repeats: int) -> pd.DataFrame:
    table = pd.DataFrame({"source": list(PARTS), "share": whole})
    return table if repeats > 1 else table[table["source"] != "all three"].reset_index(drop=True)


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
