"""Intervals: against Student's by hand, by how often they hold, and where there is too little to say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephone.analysis.inference.bootstrap import (
    MIN_PROMPTS,
    bootstrap_weights,
    estimate_means,
    merge_strata,
    student_quantile,
)


def test_student() -> None:
    assert student_quantile(1) == 12.7062
    assert student_quantile(9) == 2.2622
    assert student_quantile(21) == pytest.approx(2.0796, abs=1e-4)
    assert student_quantile(100) == pytest.approx(1.9840, abs=1e-4)
    assert student_quantile(10**9) == pytest.approx(1.959964, abs=1e-4)


@pytest.mark.parametrize(
    ("strata", "expected"),
    [
        (["easy", "easy", "hard", "hard"], ["easy", "easy", "hard", "hard"]),
        (["easy", "easy", "impossible"], ["easy", "easy", "easy"]),
        (["impossible", "easy", "hard"], ["easy", "easy", "easy"]),
        (["easy", "hard", "hard"], ["easy", "easy", "easy"]),
        (["hard"], ["hard"]),
        ([], []),
    ],
)
def test_a_level_of_one_prompt_joins_its_neighbour(strata: list[str], expected: list[str]) -> None:
    assert merge_strata(strata) == expected


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["easy", "medium", "hard", "impossible"]), min_size=1, max_size=12))
def test_weights(strata: list[str]) -> None:
    weights = bootstrap_weights(tuple(strata), draws=200)
    assert weights.shape == (200, len(strata))
    assert (weights >= 0).all()
    groups = np.array(merge_strata(strata))
    for group in set(groups):
        assert weights[:, groups == group].sum(axis=1) == pytest.approx(np.full(200, (groups == group).sum()))
    assert (weights == bootstrap_weights.__wrapped__(tuple(strata), draws=200)).all()


def test_mean_and_error_by_hand() -> None:
    values = np.array([[0.1, np.nan], [0.3, 0.2], [0.5, np.nan]])
    found = estimate_means(values, ["easy"] * 3)
    assert found.mean == pytest.approx([0.3, 0.2])
    assert list(found.n) == [3, 1]
    assert found.se[0] == pytest.approx(0.2 / np.sqrt(3), rel=0.05)
    assert np.isnan([found.se[1], found.low[1], found.high[1]]).all()


def test_interval_is_students_for_many_prompts() -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, size=(60, 1))
    found = estimate_means(values, ["easy"] * 60)
    half = student_quantile(59) * values.std(ddof=1) / np.sqrt(60)
    assert found.high[0] - found.mean[0] == pytest.approx(half, rel=0.08)
    assert found.mean[0] - found.low[0] == pytest.approx(half, rel=0.08)


@pytest.mark.parametrize("size", [8, 10, 30])
def test_intervals_hold_in_95_of_100_cases(size: int) -> None:
    values = np.random.default_rng(size).normal(size=(size, 1500))
    found = estimate_means(values, ["easy"] * size)
    assert ((found.low <= 0) & (found.high >= 0)).mean() == pytest.approx(0.95, abs=0.025)


def test_intervals_hold_over_levels() -> None:
    generator = np.random.default_rng(1)
    strata = ["easy"] * 3 + ["medium"] * 3 + ["hard"] * 3 + ["impossible"]
    centre = np.array([0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0])[:, None]
    found = estimate_means(generator.normal(size=(10, 1500)) + centre, strata)
    assert ((found.low <= centre.mean()) & (found.high >= centre.mean())).mean() == pytest.approx(0.95, abs=0.03)
    assert (found.high - found.low).mean() < 2.0  # the differences between levels are no noise


def test_bounds_stay_in_the_limits() -> None:
    found = estimate_means(np.array([[0.0]] * 6 + [[0.05], [0.3]]), ["easy"] * 8, (0.0, 1.0))
    assert found.low[0] == 0.0
    assert 0.1 < found.high[0] < 1.0


def test_few_prompts_have_no_interval_and_equal_values_only_within_limits() -> None:
    values = np.random.default_rng(0).random(size=(MIN_PROMPTS, 1))
    assert np.isnan(estimate_means(values[:-1], ["easy"] * (MIN_PROMPTS - 1)).low[0])
    assert estimate_means(values, ["easy"] * MIN_PROMPTS).low[0] < values.mean()
    equal = np.full((10, 1), 1.0)
    assert np.isnan(estimate_means(equal, ["easy"] * 10).low[0])
    found = estimate_means(equal, ["easy"] * 10, (0.0, 1.0))
    # Wilson's interval of 10 of 10, with the quantile of Student's t: 10 / (10 + 2.2622 ** 2).
    assert found.low[0] == pytest.approx(10 / (10 + 2.2622**2), abs=1e-4)
    assert found.high[0] == 1.0


@pytest.mark.parametrize("size", [8, 10, 25])
@pytest.mark.parametrize("kind", ["gaussian", "exponential", "beta", "ceiling"])
def test_intervals_of_skewed_and_discrete_scores_hold(kind: str, size: int) -> None:
    generator = np.random.default_rng(size)
    shape = (size, 4000)
    values, truth, limits = {
        "gaussian": (generator.normal(size=shape), 0.0, (-np.inf, np.inf)),
        "exponential": (generator.exponential(size=shape), 1.0, (-np.inf, np.inf)),
        "beta": (generator.beta(1, 8, size=shape), 1 / 9, (0.0, 1.0)),
        "ceiling": (1 - 0.5 * (generator.random(shape) < 0.1), 0.95, (0.0, 1.0)),
    }[kind]
    found = estimate_means(values, ["easy"] * size, limits)
    # Three standard errors of 93 % below it.
    assert ((found.low <= truth) & (truth <= found.high)).mean() >= 0.93 - 3 * np.sqrt(0.93 * 0.07 / 4000)


def test_one_prompt_or_none() -> None:
    one = estimate_means(np.array([[0.4, 0.6]]), ["hard"])
    assert one.mean == pytest.approx([0.4, 0.6])
    assert np.isnan(one.low).all()
    none = estimate_means(np.empty((0, 2)), [])
    assert np.isnan(none.mean).all()
    assert list(none.n) == [0, 0]


def test_all_models_meet_the_same_prompts() -> None:
    base = np.random.default_rng(2).normal(size=(8, 1))
    found = estimate_means(np.hstack([base, base + 0.01]), ["easy"] * 8)
    assert found.draws[:, 1] - found.draws[:, 0] == pytest.approx(np.full(len(found.draws), 0.01))
