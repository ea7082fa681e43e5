"""Intervals of shares: Wilson's by hand, coverage at the ceiling, and no interval of zero width."""

import numpy as np
import pytest
from scipy.stats import binomtest

from telephone.analysis.inference.share_interval import clustered_proportion, mean_share_bounds, wilson_bounds


def test_many_independent_prompts_give_wilsons_interval() -> None:
    events = np.array([1.0] * 300 + [0.0] * 100)
    share, low, high = clustered_proportion(events, np.ones(400), ["easy"] * 400)
    exact = binomtest(300, 400).proportion_ci(method="wilson")
    assert share == 0.75
    assert (low, high) == pytest.approx((exact.low, exact.high), abs=2e-3)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_an_interval_at_the_end_of_the_scale_is_not_a_point(share: float) -> None:
    low, high = mean_share_bounds(np.full((3, 1), share), np.full(3, 7.0), ["easy"] * 3)
    assert high[0] - low[0] > 0.2
    assert low[0] <= share <= high[0]


def test_one_prompt_has_no_interval_and_unscored_prompts_are_left_out() -> None:
    values = np.array([[0.5, 0.5, np.nan], [np.nan, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    low, high = mean_share_bounds(values, np.full(3, 5.0), ["hard"] * 3)
    assert np.isnan([low[0], high[0], low[2], high[2]]).all()
    assert 0 <= low[1] < 0.75 < high[1] <= 1


def test_uneven_prompts_widen_the_interval() -> None:
    alike, apart = (np.array([[0.5 - gap], [0.5 + gap]] * 10) for gap in (0.01, 0.4))
    widths = [
        np.subtract(*mean_share_bounds(each, np.full(20, 50.0), ["easy"] * 20)[::-1])[0] for each in (alike, apart)
    ]
    assert widths[1] > 3 * widths[0]


@pytest.mark.parametrize("kept", [0.98, 0.95, 0.90])
def test_the_interval_of_three_prompts_near_the_ceiling_covers_the_true_share(kept: float) -> None:
    """Facts of a prompt share a probability that varies between prompts; percentile intervals cover 51 to 80 %."""
    generator = np.random.default_rng(7)
    covered = 0
    for _ in range(500):
        chance = generator.beta(20 * kept, 20 * (1 - kept), size=3)
        shares = generator.binomial(21, chance) / 21
        low, high = mean_share_bounds(shares[:, None], np.full(3, 21.0), ["easy"] * 3)
        covered += int(low[0] <= kept <= high[0])
    assert covered / 500 >= 0.95


def test_bounds_contain_the_share_and_stay_on_the_scale() -> None:
    shares = np.linspace(0, 1, 101)
    low, high = wilson_bounds(shares, np.linspace(0, 0.3, 101), np.full(101, 9.0), 2)
    assert ((low <= shares + 1e-12) & (shares <= high + 1e-12) & (low >= 0) & (high <= 1)).all()
