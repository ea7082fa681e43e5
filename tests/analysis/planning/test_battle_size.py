"""Power analysis: sizes of battles, checked by hand and by simulation."""

import numpy as np
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores
from telephone.analysis.planning.battle_size import (
    PlanGoal,
    ScoreDeviations,
    estimate_deviations,
    plan_battle,
    prompts_for,
    smallest_gap,
)
from telephone.core.errors import UsageError


def test_the_smallest_gap_is_that_of_the_notes() -> None:
    # sd 0.10: 10 prompts 0.099, 30: 0.053, 100: 0.028 (by simulation).
    assert [round(smallest_gap(0.1, n), 3) for n in (10, 30, 100)] == [0.099, 0.053, 0.028]
    assert smallest_gap(0.1, 1) == np.inf
    assert prompts_for(0.053, 0.1) in (30, 31)
    assert smallest_gap(0.1, prompts_for(0.01, 0.1)) <= 0.01


def test_sd_by_hand() -> None:
    # Twice (0.05 squared + 0.08 squared / 4 + 0.06 squared / 8).
    spread = ScoreDeviations(0.05, 0.07, 0.08, 0.06)
    assert spread.of_difference("t2i", 4, 2) ** 2 == pytest.approx(2 * (0.0025 + 0.0016 + 0.00045))


def test_plans() -> None:
    plan = plan_battle(PlanGoal(0.05, 3, 4))
    assert max(plan.gap.values()) <= 0.05
    assert plan.games == plan.prompts * plan.seeds * 12
    assert plan.calls == 20 * plan.games
    assert any("TOO FEW MODELS" in warning for warning in plan.warnings)
    assert not any("TOO FEW" in warning for warning in plan_battle(PlanGoal(0.05, 20, 20)).warnings)
    assert plan_battle(PlanGoal(0.02)).prompts > plan.prompts
    small = plan_battle(PlanGoal(0.05), prompts=3)
    assert any("CANNOT SHOW ANYTHING" in warning for warning in small.warnings)
    assert any("detect no difference" in w for w in plan_battle(PlanGoal(0.05), prompts=1).warnings)
    assert any("not the requested 0.05" in w for w in plan_battle(PlanGoal(0.05), prompts=12).warnings)
    assert any("one describing model" in w for w in plan_battle(PlanGoal(0.05, 2, 1)).warnings)
    for wish in (PlanGoal(0), PlanGoal(power=1.0), PlanGoal(t2i_models=1, i2t_models=1), PlanGoal(turns=0)):
        with pytest.raises(UsageError):
            plan_battle(wish)


def test_a_plan_keeps_its_promise() -> None:
    spread = ScoreDeviations(0.05, 0.05, 0.06, 0.04)
    plan = plan_battle(PlanGoal(0.06, 2, 3, seeds=1), spread)
    generator = np.random.default_rng(4)
    sd = spread.of_difference("t2i", 3, 1)
    draws = generator.normal(0.06, sd, size=(2000, plan.prompts))
    t = draws.mean(1) / draws.std(1, ddof=1) * np.sqrt(plan.prompts)
    from telephone.analysis.inference.bootstrap import student_quantile

    assert 0.78 <= np.mean(t > student_quantile(plan.prompts - 1)) < 0.9


def test_spreads_of_a_battle() -> None:
    generator = np.random.default_rng(0)
    own: dict[tuple[str, str], float] = {}

    def distance(d: str, w: str, p: str, turn: int) -> float:
        view = own.setdefault((d, p), generator.normal(0, 0.2)) + own.setdefault((w, p), generator.normal(0, 0.1))
        return 1 + view + generator.normal(0, 0.05)

    games = game_scores(frame(distance, levels(60), t2i=list("abcd"), i2t=list("wxyz"), turns=1, repeats=2))
    found = estimate_deviations(games)
    assert (found.drawing_prompt, found.describing_prompt, found.chance) == pytest.approx((0.2, 0.1, 0.05), rel=0.15)
    assert found.rest < 0.03
    with pytest.raises(UsageError, match="too small to estimate"):
        estimate_deviations(games[games["t2i_model"] == "a"])
