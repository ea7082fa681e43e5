"""Schedules against their formulas, and each way from one parameterisation to another."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from telephone.nets import schedules
from telephone.nets.schedules import COSINE, Cosine, LinearBeta, add_noise, alpha_sigma, v_target

SCHEDULES = [COSINE, Cosine(0.008), LinearBeta(), LinearBeta(1e-3, 0.2, 100)]
EVERY_SCHEDULE = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)


@EVERY_SCHEDULE
def test_rates_keep_the_variance_and_fall_from_signal_to_noise(schedule):
    alpha, sigma = alpha_sigma(torch.linspace(0, 1, 501, dtype=torch.float64), schedule)
    assert torch.allclose(alpha**2 + sigma**2, torch.ones_like(alpha))
    assert (alpha[0], sigma[0]) == (1, 0)
    assert alpha[-1].abs() < 0.01
    assert (alpha.diff() < 0).all()
    assert (sigma.diff() > 0).all()


@EVERY_SCHEDULE
def test_one_time_and_many_times_have_the_same_rates(schedule):
    times = [0.0, 0.001, 0.3337, 0.5, schedule.t_max]
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 2e-6)):
        many = torch.stack(schedule.rates(torch.tensor(times, dtype=dtype)), dim=1)
        assert many.dtype == dtype
        one = torch.tensor([schedule.at(t) for t in times], dtype=torch.float64)
        assert torch.allclose(many.double(), one, atol=tolerance, rtol=0)


@EVERY_SCHEDULE
def test_small_noise_loses_no_digits_in_single_precision(schedule):
    t = torch.tensor([1e-5, 1e-4, 1e-3])
    assert torch.allclose(schedule.rates(t)[1].double(), schedule.rates(t.double())[1], rtol=1e-5, atol=0)


def test_the_pocket_nets_schedule_is_a_quarter_circle_to_the_last_bit():
    """Weights were trained and results were stored with exactly these numbers."""
    t = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    alpha, sigma = alpha_sigma(t)
    assert torch.equal(alpha, torch.cos(t * (math.pi / 2)))
    assert torch.equal(sigma, torch.sin(t * (math.pi / 2)))
    for time in t[:50].tolist():
        assert COSINE.at(time) == (math.cos(time * math.pi / 2), math.sin(time * math.pi / 2))
    assert COSINE.t_max == schedules.T_MAX == 0.996


def test_the_cosine_with_an_offset_is_that_of_its_paper():
    """Nichol & Dhariwal 2021, eq. 17: alpha-bar = f(t) / f(0)."""

    def f(t):
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    for t in (0.0, 0.1, 0.5, 0.9, 0.99):
        assert math.isclose(Cosine(0.008).at(t)[0] ** 2, f(t) / f(0), rel_tol=1e-12)


def test_the_linear_betas_are_those_of_their_paper():
    """DDPM, section 4: T = 1000 and beta from 1e-4 to 0.02; alpha-bar is the product of 1 - beta (eq. 4)."""
    product = 1.0
    for n in range(1, 1001):
        product *= 1 - (1e-4 + (0.02 - 1e-4) * (n - 1) / 999)
        if n in (1, 2, 37, 500, 999, 1000):
            assert math.isclose(LinearBeta().at(n / 1000)[0] ** 2, product, rel_tol=1e-9)
    before, between, after = (math.log(LinearBeta().at(n / 1000)[0]) for n in (499, 499.25, 500))
    assert math.isclose(between, 0.75 * before + 0.25 * after, rel_tol=1e-9)


PLACES = [(a, b) for a in ("noise", "x0", "v") for b in ("noise", "x0", "v") if a != b]
numbers = st.lists(st.floats(-3, 3), min_size=4, max_size=4)


@pytest.mark.parametrize(("given_kind", "wanted"), PLACES, ids=lambda kind: kind)
@given(x0=numbers, noise=numbers, t=st.floats(0.02, 0.98), schedule=st.sampled_from(SCHEDULES[:3]))
def test_each_parameterisation_tells_the_others(given_kind, wanted, x0, noise, t, schedule):
    x0, noise = (torch.tensor(row, dtype=torch.float64).reshape(2, 2) for row in (x0, noise))
    times = torch.tensor([t, 1 - t], dtype=torch.float64)
    known = {"noise": noise, "x0": x0, "v": v_target(x0, noise, times, schedule)}
    x = add_noise(x0, noise, times, schedule)
    there = getattr(schedules, f"{wanted}_from_{given_kind}")(x, known[given_kind], times, schedule)
    assert torch.allclose(there, known[wanted], atol=1e-9)
    back = getattr(schedules, f"{given_kind}_from_{wanted}")(x, there, times, schedule)
    assert torch.allclose(back, known[given_kind], atol=1e-7)


def test_each_item_has_its_own_time():
    x0, noise = torch.ones(2, 3, 4), torch.full((2, 3, 4), 5.0)
    x = add_noise(x0, noise, torch.tensor([0.0, 1.0]))
    assert torch.equal(x[0], x0[0])
    assert torch.allclose(x[1], noise[1])


def test_nothing_is_divided_by_zero_at_the_ends():
    x, value, ends = torch.ones(2, 3), torch.full((2, 3), 0.5), torch.tensor([0.0, 1.0])
    for name in (f"{b}_from_{a}" for a, b in PLACES):
        assert getattr(schedules, name)(x, value, ends).isfinite().all(), name
