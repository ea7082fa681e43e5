"""Swaps, losses of hops and plans with numbers worked by hand."""

import numpy as np
import pandas as pd
import pytest
from analysis_frames import frame, levels

from telephone.analysis import game_scores
from telephone.analysis.facts.hop_losses import hop_losses
from telephone.analysis.inference.oracle_swaps import oracle_swaps, shapley_losses, swap_gain
from telephone.analysis.planning.battle_size import (
    PlanGoal,
    ScoreDeviations,
    estimate_deviations,
    plan_battle,
    prompts_for,
    smallest_gap,
)
from telephone.core.errors import UsageError

LOSS = {"d": 0.3, "renderer": 0.0, "w": 0.1, "reader": 0.0}


def swapped(noise: float = 0.0, together: float = 0.0) -> pd.DataFrame:
    """A line of a real drawer and a real describer; a share of 0.3 and of 0.1 is lost, and more where both play."""
    generator = np.random.default_rng(2)

    def distance(t2i: str, i2t: str, prompt: str, turn: int) -> float:
        both = together if (t2i, i2t) == ("d", "w") else 0.0
        return 2 * (LOSS[t2i] + LOSS[i2t] + both + generator.normal(0, noise))

    table = frame(distance, levels(12), t2i=["d", "renderer"], i2t=["w", "reader"], turns=1)
    real = (table["t2i_model"] == "d") & (table["i2t_model"] == "w")
    return table.assign(control=np.where(real, "", "oracle"))


def test_shapley_of_two_by_hand() -> None:
    # Real 0.5, perfect reader 0.3, perfect renderer 0.1, both 0.0: 0.1 is lost only together.
    assert shapley_losses(np.array([0.5, 0.3, 0.1, 0.0])) == pytest.approx([0.35, 0.15, 0.1])


def test_swaps() -> None:
    found = oracle_swaps(game_scores(swapped(together=0.1)))
    (row,) = found.table[found.table["level"] == "all"].to_dict("records")
    assert [row[name] for name in ("loss_real", "loss_drawn", "loss_described", "loss_oracle")] == pytest.approx(
        [0.5, 0.3, 0.1, 0.0]
    )
    assert [row[name] for name in ("drawing", "describing", "together")] == pytest.approx([0.35, 0.15, 0.1])
    noisy = oracle_swaps(game_scores(swapped(noise=0.02)))
    assert noisy.significant
    assert noisy.answer.startswith("Drawing loses more: with a lossless partner drawing loses 0.3")
    overall = noisy.overall[noisy.overall["level"] == "all"].set_index("source")
    assert overall.loc["difference", "low"] < 0.2 < overall.loc["difference", "high"]


def test_no_swaps() -> None:
    found = oracle_swaps(game_scores(frame(lambda *_: 0.5, levels(4))))
    assert not found.significant
    assert "add --controls" in found.note
    assert len(found.table) == 0
    unscored = oracle_swaps(game_scores(swapped().assign(facts_recall=np.nan)))
    assert "no score" in unscored.note


def test_gain() -> None:
    values = {"a": 0.2, "b": 0.5, "c": 0.4}
    games = game_scores(frame(lambda d, w, p, _: values[d] + (0.01 if p == "p00" else 0.0), levels(6), t2i=list("abc")))
    gain = swap_gain(games, "t2i")
    assert gain is not None
    assert (gain.best, gain.worst, gain.n) == ("a", "b", 6)
    assert gain.gain == pytest.approx(0.3)
    assert swap_gain(games[games["t2i_model"] == "a"], "t2i") is None


def test_hop_losses_by_hand() -> None:
    # Of ten facts the first picture has nine and its description eight; then nine come back, and six are left.
    table = frame(lambda *_: 0.0, {"p": "easy", "q": "easy"}, t2i=["d"], i2t=["w"])
    table["image_facts_recall"] = np.where(table["step_number"] == 0, 0.9, 0.9)
    table["facts_recall"] = np.where(table["step_number"] == 0, 0.8, 0.6)
    found = hop_losses(table).set_index(["kind", "step_number"])["loss"]
    assert found["image", 0] == pytest.approx(0.1)
    assert found["text", 0] == pytest.approx(0.1)
    assert found["image", 1] == pytest.approx(-0.1)
    assert found["text", 1] == pytest.approx(0.3)
    assert found["image", -1] == pytest.approx(0.0)
    assert found["text", -1] == pytest.approx(0.2)
    distances = table.assign(x_dist=1 - table["facts_recall"], y_dist=1 - table["image_facts_recall"] + 0.25)
    same = hop_losses(distances, "x_dist", "y_dist", offset=0.25).set_index(["kind", "step_number"])["loss"]
    assert same.to_numpy() == pytest.approx(found.to_numpy())
    assert len(hop_losses(table, image="nothing")) == 0


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
