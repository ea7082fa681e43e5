"""Power analysis: how many prompts a battle needs to detect a difference, and what a given size can detect."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
from scipy.special import stdtrit

from telephone.analysis.inference.bootstrap import student_quantile
from telephone.analysis.inference.score_tensor import mean_squares, score_tensor
from telephone.analysis.inference.variance_components import MOST_FACTOR, anova_components, variance_ratio_factor
from telephone.core.errors import UsageError

ALPHA = 0.05
MOST_PROMPTS = 100_000
MOST_SEEDS = 5
LARGE = 0.2
"""A battle that detects only differences above this, in a measure from 0 to 1, is too small."""


@dataclass(frozen=True)
class ScoreDeviations:
    """Standard deviations of a game's score by source: the assumptions of a plan."""

    drawing_prompt: float = 0.06
    """Interaction of text-to-image model and prompt."""
    describing_prompt: float = 0.06
    """Interaction of image-to-text model and prompt."""
    rest: float = 0.08
    """Interaction of both models and the prompt."""
    chance: float = 0.08
    """Variation between seeds."""
    source: str = "assumed: give --run RUN to estimate them from a run"

    def of_difference(self, side: str, partners: int, seeds: int) -> float:
        """Returns the standard deviation over prompts of the difference of two models of a side, t2i or i2t."""
        own = self.drawing_prompt if side == "t2i" else self.describing_prompt
        return math.sqrt(2 * (own**2 + self.rest**2 / partners + self.chance**2 / (partners * seeds)))


@dataclass(frozen=True)
class PlanGoal:
    """The difference that a battle should detect."""

    gap: float = 0.05
    """The smallest difference between two models to detect, in units of the measure."""
    t2i_models: int = 3
    i2t_models: int = 4
    power: float = 0.8
    """The probability of detecting it."""
    turns: int = 10
    seeds: int | None = None
    """Games of each pair and prompt; None chooses the cheapest number."""


@dataclass(frozen=True)
class PlanOption:
    """One size of a battle that detects the difference."""

    seeds: int
    prompts: int
    games: int
    calls: int


@dataclass(frozen=True)
class BattlePlan:
    """The size of a battle that detects a difference."""

    goal: PlanGoal
    prompts: int
    seeds: int
    games: int
    calls: int
    """At most; equal calls are made once."""
    sd: dict[str, float]
    """By side, t2i and i2t: standard deviation over prompts of the difference of two models."""
    gap: dict[str, float]
    """By side: the smallest difference that this many prompts detect."""
    options: tuple[PlanOption, ...]
    """Other numbers of seeds."""
    factor: float
    """Factor of uncertainty of the comparison between sides for models in general."""
    warnings: tuple[str, ...]
    deviations: ScoreDeviations


def plan_battle(goal: PlanGoal, deviations: ScoreDeviations | None = None, prompts: int | None = None) -> BattlePlan:
    """Returns the smallest battle that detects a difference, or the difference that a number of prompts detects.

    Two models are compared by prompt, so that the difficulty of a prompt cancels. The test is the two-sided paired
    t-test at 0.05 for two models that were chosen in advance.

    Args:
        goal: The difference to detect and the roster.
        deviations: Standard deviations of scores; None takes the defaults.
        prompts: Number of prompts; None takes as many as the goal needs.

    Raises:
        UsageError: a number of the goal is out of range.
    """
    _check(goal, prompts)
    deviations = deviations or ScoreDeviations()
    tried = [goal.seeds] if goal.seeds is not None else list(range(1, MOST_SEEDS + 1))
    options = [_option(goal, deviations, seeds, prompts) for seeds in tried]
    best = min(options, key=lambda option: (option.calls, option.seeds))
    sides = _sides(goal)
    sd = {side: deviations.of_difference(side, partners, best.seeds) for side, partners in sides.items()}
    gap = {side: smallest_gap(value, best.prompts, goal.power) for side, value in sd.items()}
    factor = variance_ratio_factor(goal.t2i_models, goal.i2t_models)
    return BattlePlan(
        goal, best.prompts, best.seeds, best.games, best.calls, sd, gap, tuple(options), factor,
        _warnings(goal, best, gap, factor), deviations,
    )  # fmt: skip


def smallest_gap(sd: float, prompts: int, power: float = 0.8) -> float:
    """Returns the smallest mean difference that a paired t-test at 0.05 detects with this power.

    Args:
        sd: Standard deviation of the difference over prompts.
        prompts: Number of prompts.
        power: In (0, 1).

    Returns:
        The difference; infinite below 2 prompts.
    """
    if prompts < 2:
        return math.inf
    freedom = prompts - 1
    return (student_quantile(freedom) + float(stdtrit(freedom, power))) * sd / math.sqrt(prompts)


def prompts_for(gap: float, sd: float, power: float = 0.8) -> int:
    """Returns the smallest number of prompts that detects a difference; at most `MOST_PROMPTS`."""
    low, high = 2, 4
    while smallest_gap(sd, high, power) > gap and high < MOST_PROMPTS:
        low, high = high, min(2 * high, MOST_PROMPTS)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if smallest_gap(sd, middle, power) <= gap else (middle + 1, high)
    return high


def estimate_deviations(games: pd.DataFrame, measure: str = "distance", when: str = "final") -> ScoreDeviations:
    """Returns the standard deviations of a played battle; without repeats, `rest` includes chance.

    Args:
        games: One row a game, as `game_scores` gives it; controls are left out.
        measure: A name of `MEASURES`.
        when: final or mean.

    Raises:
        UsageError: the battle is too small, or there is no such measure.
    """
    tensor = score_tensor(games, measure, when)
    t, c, p, r = tensor.sizes
    if min(t, c) < 2 or p < 3:
        raise UsageError(
            f"A battle of {t} x {c} models and {p} prompts with scores is too small to estimate standard "
            "deviations: give a run of 2 x 2 models and 3 prompts or more, or omit --run."
        )
    found = anova_components(
        {name: float(value[0]) for name, value in mean_squares(tensor.scores).mean.items()}, tensor.sizes
    )
    sd = {name: math.sqrt(max(float(value), 0.0)) if value == value else 0.0 for name, value in found.items()}
    source = f"a battle of {t} x {c} models on {p} prompts with {r} seed{'s' if r > 1 else ''}"
    return ScoreDeviations(sd["tp"], sd["cp"], sd["tcp"], sd["e"], source)


def _sides(goal: PlanGoal) -> dict[str, int]:
    """Returns the sides with two or more models, with the number of partners."""
    sides = {"t2i": (goal.t2i_models, goal.i2t_models), "i2t": (goal.i2t_models, goal.t2i_models)}
    return {side: partners for side, (models, partners) in sides.items() if models > 1}


def _option(goal: PlanGoal, deviations: ScoreDeviations, seeds: int, prompts: int | None) -> PlanOption:
    sds = [deviations.of_difference(side, partners, seeds) for side, partners in _sides(goal).items()]
    number = prompts or max(prompts_for(goal.gap, sd, goal.power) for sd in sds)
    games = number * seeds * goal.t2i_models * goal.i2t_models
    return PlanOption(seeds, number, games, 2 * goal.turns * games)


def _check(goal: PlanGoal, prompts: int | None) -> None:
    if not goal.gap > 0:
        raise UsageError(f"A difference of {goal.gap:g} cannot be detected: give one above 0, such as --gap 0.05.")
    if not 0.5 <= goal.power < 1:
        raise UsageError(f"A power of {goal.power:g} is out of range: give one from 0.5 to below 1.")
    if min(goal.t2i_models, goal.i2t_models) < 1 or max(goal.t2i_models, goal.i2t_models) < 2:
        raise UsageError("One pair alone cannot be compared: plan for 2 x 1, 1 x 2 or more models.")
    if goal.turns < 1 or (goal.seeds is not None and goal.seeds < 1) or (prompts is not None and prompts < 1):
        raise UsageError("Turns, seeds and prompts must be 1 or more: correct them.")


def _warnings(goal: PlanGoal, best: PlanOption, gap: dict[str, float], factor: float) -> tuple[str, ...]:
    warnings = []
    widest = max(gap.values())
    if widest > LARGE:
        seen = "no difference" if math.isinf(widest) else f"only differences above {widest:.2f}"
        warnings.append(f"THIS BATTLE CANNOT SHOW ANYTHING: {best.prompts} prompts detect {seen}; play more prompts.")
    elif widest > goal.gap * 1.0001:
        warnings.append(
            f"{best.prompts} prompts detect differences above {widest:.3f}, not the requested {goal.gap:g}."
        )
    if best.prompts >= MOST_PROMPTS:
        warnings.append(f"More than {MOST_PROMPTS:,} prompts would be needed: plan for a larger difference.")
    for side, models in (("drawing", goal.t2i_models), ("describing", goal.i2t_models)):
        if models == 1:
            warnings.append(f"With one {side} model that side cannot be ranked, and the sides cannot be compared.")
    if min(goal.t2i_models, goal.i2t_models) > 1 and factor > MOST_FACTOR:
        warnings.append(
            f"TOO FEW MODELS to generalise: {goal.t2i_models} x {goal.i2t_models} models compare the two "
            f"sides only within a factor of {factor:.0f}, whatever the number of prompts; the answer holds for this "
            "roster."
        )
    if best.seeds == 1:
        warnings.append(
            "With one seed, chance and the interaction of a pair with a prompt are not distinguishable: use two seeds."
        )
    return tuple(warnings)
