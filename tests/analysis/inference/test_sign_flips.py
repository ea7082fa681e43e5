"""Sign-flip tests: by hand, and by their error rates in simulated battles."""

import numpy as np
import pytest

from telephone.analysis.inference.sign_flips import compare_pairs, first_at, holm_adjust, rank_bounds, sign_flip_test


def test_sign_flips_by_hand() -> None:
    # Of the 8 ways to sign 1, 2 and 3, only all plus and all minus give a sum as far from 0 as 6.
    assert sign_flip_test(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8)
    # With 1, 2 and -3 the sum is 0, and every sum is as far from 0.
    assert sign_flip_test(np.array([1.0, 2.0, -3.0])) == 1.0
    assert sign_flip_test(np.array([0.5] * 10)) == pytest.approx(2 / 1024)
    assert np.isnan(sign_flip_test(np.array([])))


def test_many_prompts_take_a_sample_of_the_signs() -> None:
    assert sign_flip_test(np.full(40, 0.1)) == pytest.approx(1e-4)
    values = np.random.default_rng(0).normal(size=60)
    values -= values.mean()
    assert sign_flip_test(values) > 0.99


def test_the_test_errs_in_5_of_100_cases() -> None:
    draws = np.random.default_rng(3).normal(size=(400, 11))
    assert np.mean([sign_flip_test(row) < 0.05 for row in draws]) == pytest.approx(0.05, abs=0.03)


def test_holm_by_hand() -> None:
    found = holm_adjust(np.array([0.01, 0.04, np.nan, 0.03, 0.9]))
    assert found[[0, 1, 3, 4]] == pytest.approx([0.04, 0.09, 0.09, 0.9])
    assert np.isnan(found[2])


def test_identical_differences_are_no_certainty() -> None:
    found = compare_pairs(np.array([[0.1, 0.2], [0.3, 0.4]]))
    assert found.p[0] == 0.5
    assert not found.significant[0]
    assert np.isnan([found.low[0], found.high[0]]).all()
    six = compare_pairs(np.tile([0.1, 0.2], (6, 1)))
    assert six.p[0] == pytest.approx(2 / 64)
    assert six.significant[0]
    assert (six.low[0], six.high[0]) == pytest.approx((-0.1, -0.1))


def test_the_interval_inverts_the_test() -> None:
    values = np.random.default_rng(1).exponential(size=(9, 1))
    found = compare_pairs(np.hstack([values, np.zeros((9, 1))]))
    for shift in np.linspace(-1, 3, 80):
        inside = found.low[0] <= shift <= found.high[0]
        assert inside == (sign_flip_test(values[:, 0] - shift) > 0.05)


def test_pairs_are_adjusted_for_all_pairs_by_hand() -> None:
    # Three prompts, four assignments of signs up to the opposite. The differences of a and b, a and c, b and c:
    values = np.array([[0.0, 1.0, 3.0], [0.0, 2.0, 5.0], [0.0, -1.0, 4.0]])
    found = compare_pairs(values)
    # In units of the root sum of squares: a - c has 12 / sqrt(50) = 1.70, which no pair reaches with other signs; b - c
    # has 10 / sqrt(38) = 1.62, which a - b reaches with the last sign flipped (4 / sqrt(6) = 1.63); a - b has 0.82.
    assert found.p == pytest.approx([3 / 4, 1 / 4, 1 / 4])
    assert found.p_adjusted == pytest.approx([3 / 4, 1 / 4, 1 / 2])
    crowned = compare_pairs(values, best=0)
    assert (crowned.p_adjusted <= found.p_adjusted).all()


def test_unscored_prompts_are_left_out_of_a_pair() -> None:
    values = np.random.default_rng(0).normal(size=(8, 3))
    values[:2, 0] = np.nan
    found = compare_pairs(values)
    assert found.n.tolist() == [6, 6, 8]
    assert found.p[0] == pytest.approx(sign_flip_test(values[2:, 0] - values[2:, 1]))
    alone = compare_pairs(values[:, 1:])
    assert found.difference[2] == pytest.approx(alone.difference[0])
    nothing = compare_pairs(np.full((4, 2), np.nan))
    assert np.isnan(nothing.p[0])
    assert not nothing.significant[0]


def test_ranks_follow_from_significant_differences() -> None:
    better = np.array([[False, False, True], [False, False, True], [False, False, False]])
    low, high = rank_bounds(better)
    assert low.tolist() == [1, 1, 3]
    assert high.tolist() == [2, 2, 3]


def test_many_pairs_are_compared_in_parts() -> None:
    values = np.random.default_rng(2).normal(size=(20, 18))
    found = compare_pairs(values)
    assert len(found.pairs) == 153
    assert (found.p_adjusted >= found.p - 1e-12).all()
    assert (((found.low > 0) | (found.high < 0)) == found.significant).all()


def test_the_first_model() -> None:
    values = np.array([[0.3, np.nan, 0.1], [0.2, np.nan, 0.3]])
    assert first_at(values, low_is_best=True) == 2
    assert first_at(values, low_is_best=False) == 0
    assert first_at(np.full((2, 2), np.nan), low_is_best=True) is None


@pytest.mark.parametrize("kind", ["gaussian", "skewed", "ceiling"])
@pytest.mark.parametrize(("models", "prompts"), [(2, 8), (3, 10), (6, 10)])
def test_equal_models_differ_in_5_of_100_battles(kind: str, models: int, prompts: int) -> None:
    generator = np.random.default_rng([models, prompts])
    wrong = crowned = 0
    for _ in range(300):
        values = scores(generator, kind, (prompts, models))
        found = compare_pairs(values)
        wrong += bool(found.significant.any())
        first = first_at(values, low_is_best=True)
        assert first is not None
        others = np.delete(np.arange(models), first)
        crowned += max(sign_flip_test(values[:, at] - values[:, first]) for at in others) <= 0.05
    # Three standard errors of a rate of 5 % above it.
    assert wrong / 300 <= 0.088
    assert crowned / 300 <= 0.088


def scores(generator: np.random.Generator, kind: str, shape: tuple[int, int]) -> np.ndarray:
    """Scores of equal models: normal, exponential, or 1 in nine of ten games and else 0.5."""
    prompt = generator.normal(size=(shape[0], 1))
    if kind == "gaussian":
        return np.asarray(prompt + generator.normal(size=shape))
    if kind == "skewed":
        return np.asarray(prompt + generator.exponential(size=shape))
    return np.where(generator.random(shape) < 0.1, 0.5, 1.0)
