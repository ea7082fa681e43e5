"""Intervals cover the truth in 93 to 97 of 100 simulated battles, and too few models give a warning."""

from itertools import combinations

import numpy as np
import pytest
from simulated_battles import Truth, new_roster

from telephone.analysis.inference.bootstrap import estimate_means
from telephone.analysis.inference.bradley_terry import _interval, fit_strengths
from telephone.analysis.inference.score_tensor import ScoreTensor
from telephone.analysis.inference.sign_flips import holm_adjust, sign_flip_test
from telephone.analysis.inference.variance_components import (
    anova_components,
    estimate_variance_components,
    variance_ratio_factor,
)
from telephone.analysis.inference.variance_shares import _answer

BATTLES = 500
LOW, HIGH = 0.93, 0.97


@pytest.mark.slow
def test_means_and_differences_hold_in_500_battles() -> None:
    truth, generator = Truth(), np.random.default_rng(1)
    pairs = list(combinations(range(3), 2))
    gaps = np.array([truth.drawing[one] - truth.drawing[other] for one, other in pairs])
    means, differences = [], []
    for _ in range(BATTLES):
        by_prompt = truth.battle(generator).scores.mean((1, 3)).T
        found = estimate_means(by_prompt, truth.levels)
        means.append((found.low <= truth.marginal) & (truth.marginal <= found.high))
        paired = estimate_means(np.stack([by_prompt[:, a] - by_prompt[:, b] for a, b in pairs], axis=1), truth.levels)
        differences.append((paired.low <= gaps) & (gaps <= paired.high))
    assert LOW <= np.mean(means) <= HIGH
    assert LOW <= np.mean(differences) <= HIGH


@pytest.mark.slow
@pytest.mark.parametrize("repeats", [1, 2])
def test_shapley_shares_hold_in_500_battles(repeats: int) -> None:
    truth, generator = Truth(levels=("easy",) * 12, level_means=(0.5,), repeats=repeats), np.random.default_rng(2)
    share, held, gap = truth.shapley, [], []
    for _ in range(BATTLES):
        found = _answer(truth.battle(generator))
        low, high = found.shapley["low"].to_numpy(), found.shapley["high"].to_numpy()
        held.append((low[:2] <= share[:2]) & (share[:2] <= high[:2]))
        assert found.low is not None
        assert found.high is not None
        gap.append(found.low <= share[0] - share[1] <= found.high)
    assert LOW <= np.mean(held) <= HIGH
    assert LOW <= np.mean(gap) <= HIGH + 0.005


@pytest.mark.slow
def test_no_false_alarm_of_equal_models_in_500_battles() -> None:
    truth, generator = Truth(drawing=np.zeros(3)), np.random.default_rng(3)
    alarms = 0
    for _ in range(BATTLES):
        by_prompt = truth.battle(generator).scores.mean((1, 3)).T
        chances = [sign_flip_test(by_prompt[:, a] - by_prompt[:, b]) for a, b in combinations(range(3), 2)]
        alarms += bool((holm_adjust(np.array(chances)) < 0.05).any())
    assert alarms / BATTLES <= 0.07


@pytest.mark.slow
def test_variance_components_hold_in_500_rosters() -> None:
    generator = np.random.default_rng(4)
    held = []
    for _ in range(BATTLES):
        rows = estimate_variance_components(new_roster(generator, 6, 6)).table.set_index("source")
        held.append([
            rows.loc["drawing", "low"] <= 0.08**2 <= rows.loc["drawing", "high"],
            rows.loc["describing", "low"] <= 0.05**2 <= rows.loc["describing", "high"],
            rows.loc["chance", "low"] <= 0.05**2 <= rows.loc["chance", "high"],
        ])  # fmt: skip
    found = np.mean(held, axis=0)
    # Of a variance between few models the interval is a little too wide, never too narrow.
    assert (found >= LOW).all()
    assert (found <= [0.985, 0.985, HIGH]).all()


@pytest.mark.slow
def test_bradley_terry_holds() -> None:
    generator = np.random.default_rng(5)
    power = np.exp(np.array([0.6, 0.0, -0.6]))
    chance = power[:, None] / (power[:, None] + power[None, :])
    truth, held = np.log(power), []
    for _ in range(200):
        upper = np.triu(generator.binomial(4, chance, size=(30, 3, 3)), 1)
        wins = upper + np.transpose(np.triu(4 - upper, 1), (0, 2, 1))
        low, high = _interval(fit_strengths(wins.sum(0).astype(float)), wins.astype(float), ["easy"] * 30)
        held.append((low <= truth) & (truth <= high))
    assert 0.92 <= np.mean(held) <= 0.98


@pytest.mark.parametrize(("t", "c", "warned"), [(3, 4, True), (2, 2, True), (6, 6, True), (20, 20, False)])
def test_the_warning_for_too_few_models(t: int, c: int, warned: bool) -> None:
    generator = np.random.default_rng(t)
    for _ in range(3):
        found = estimate_variance_components(new_roster(generator, t, c))
        assert bool(found.warning) is warned
        assert not (warned and found.significant)
    if warned:
        assert found.warning.startswith(f"TOO FEW MODELS: {t} drawing and {c} describing models do not show")


def test_the_factor_is_that_of_fishers_distribution() -> None:
    # Upper 2.5 % points of F: 16.04 at 2 and 3 degrees of freedom, 39.17 at 3 and 2; 2.526 at 19 and 19.
    assert variance_ratio_factor(3, 4) == pytest.approx(39.2, rel=0.06)
    assert variance_ratio_factor(20, 20) == pytest.approx(2.53, rel=0.03)
    assert variance_ratio_factor(1, 4) == np.inf


def test_twenty_models_a_side_name_the_right_one() -> None:
    generator = np.random.default_rng(0)
    chances = [estimate_variance_components(new_roster(generator, 20, 20)).p_drawing or 0.0 for _ in range(20)]
    assert np.mean([chance > 0.5 for chance in chances]) >= 0.9


def test_components_by_hand() -> None:
    mean = {"t": 30.0, "c": 24.0, "p": 44.0, "tc": 8.0, "tp": 6.0, "cp": 5.0, "tcp": 2.0, "e": 1.0}
    found = anova_components(mean, (3, 4, 5, 2))
    expected = {
        "t": (30 - 8 - 6 + 2) / 40, "c": (24 - 8 - 5 + 2) / 30, "p": (44 - 6 - 5 + 2) / 24, "tc": (8 - 2) / 10,
        "tp": (6 - 2) / 8, "cp": (5 - 2) / 6, "tcp": (2 - 1) / 2, "e": 1.0,
    }  # fmt: skip
    assert {name: float(value) for name, value in found.items()} == pytest.approx(expected)
    assert float(anova_components(mean, (3, 4, 5, 1))["tcp"]) == 2.0


def test_components_are_right_on_average() -> None:
    generator = np.random.default_rng(7)
    found = []
    for _ in range(300):
        table = in_general_values(new_roster(generator, 5, 5, 6))
        found.append([table["t"], table["c"], table["tp"]])
    assert np.mean(found, axis=0) == pytest.approx([0.0064, 0.0025, 0.0009], rel=0.12)


def in_general_values(cube: ScoreTensor) -> dict[str, float]:
    from telephone.analysis.inference.score_tensor import mean_squares

    mean = {name: float(value[0]) for name, value in mean_squares(cube.scores).mean.items()}
    return {name: float(value) for name, value in anova_components(mean, cube.sizes).items()}
