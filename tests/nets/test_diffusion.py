"""The samplers are tried on a problem whose answer is known: data from a Gaussian, with its exact denoiser."""

import inspect
import math

import pytest
import torch

from telephone.nets import diffusion
from telephone.nets.diffusion import COSINE, Cosine, LinearBeta

MEAN, DEVIATION = 1.5, 0.5
SCHEDULES = {"cosine": COSINE, "offset": Cosine(0.008), "linear": LinearBeta()}


def exact(schedule=COSINE):
    """E[x0 | x_t] for x0 ~ N(MEAN, DEVIATION^2)."""

    def denoise(x, t):
        alpha, sigma = schedule.rates(t.reshape(-1, *[1] * (x.ndim - 1)))
        gain = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
        return MEAN + gain * (x - alpha * MEAN)

    return denoise


def noise_of(samples=25, numbers=200):
    return diffusion.seeded_noise((numbers,), range(samples))


def ddpm(denoise, noise, steps, **options):
    return diffusion.sample_ddpm(denoise, noise, range(len(noise)), steps, **options)


def eta_one(denoise, noise, steps, **options):
    return diffusion.sample_ddim(denoise, noise, steps, 1.0, range(len(noise)), **options)


SAMPLERS = {
    "ddpm": (ddpm, 100),
    "ddim": (diffusion.sample_ddim, 50),
    "eta 1": (eta_one, 100),
    "dpm++": (diffusion.sample_dpmpp_2m, 20),
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize(("sampler", "steps"), SAMPLERS.values(), ids=SAMPLERS)
def test_samples_follow_the_data(sampler, steps, schedule):
    samples = sampler(exact(schedule), noise_of(), steps, schedule=schedule)
    assert abs(float(samples.mean()) - MEAN) < 0.04
    assert abs(float(samples.std()) - DEVIATION) < 0.05


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_the_second_order_solver_comes_closer_with_few_steps(schedule):
    """Without fresh noise each number has one right end, known in closed form for data from a Gaussian."""
    noise = noise_of(1, 500)
    alpha, sigma = schedule.at(schedule.t_max)
    end = MEAN + DEVIATION * (noise - alpha * MEAN) / math.sqrt(alpha**2 * DEVIATION**2 + sigma**2)

    def error(sampler, steps):
        return float((sampler(exact(schedule), noise, steps, schedule=schedule) - end).abs().mean())

    assert error(diffusion.sample_dpmpp_2m, 24) < error(diffusion.sample_ddim, 24) / 3
    assert error(diffusion.sample_dpmpp_2m, 200) < error(diffusion.sample_dpmpp_2m, 12) / 25  # the first order has 16
    assert error(diffusion.sample_ddim, 200) < 0.01


def test_ancestral_sampling_is_ddim_with_eta_one():
    """Song et al. 2021, section 4.1; both draw their fresh noise from the same seeds."""
    noise = noise_of(3, 4)
    assert torch.allclose(ddpm(exact(), noise, 30), eta_one(exact(), noise, 30), atol=1e-4)
    assert not torch.allclose(ddpm(exact(), noise, 30), diffusion.sample_ddim(exact(), noise, 30), atol=1e-2)


def test_the_larger_variance_spreads_more():
    """With few steps the bounds of DDPM, section 3.2, are far apart; eq. 15 of Nichol & Dhariwal lies between."""
    small, between, large = (float(ddpm(exact(), noise_of(), 10, variance=v).std()) for v in (0.0, 0.5, 1.0))
    assert small + 0.02 < between < large - 0.02


@pytest.mark.parametrize(("sampler", "steps"), SAMPLERS.values(), ids=SAMPLERS)
def test_one_step_is_one_guess(sampler, steps):
    noise = noise_of(2, 3)
    guess = exact()(noise, torch.full((2,), diffusion.T_MAX))
    assert torch.allclose(sampler(exact(), noise, 1), guess, atol=1e-6)


@pytest.mark.parametrize("kind", ["epsilon", "x0", "v"])
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_what_the_net_predicts_does_not_matter(kind, schedule):
    def predict(x, t):
        x0 = exact(schedule)(x, t)
        turn = {"epsilon": diffusion.noise_from_x0, "x0": lambda x, x0, t, schedule: x0, "v": diffusion.v_from_x0}
        return turn[kind](x, x0, t, schedule)

    noise = noise_of(2, 3)
    denoise = diffusion.x0_denoiser(predict, kind, schedule)
    drawn = diffusion.sample_dpmpp_2m(denoise, noise, schedule=schedule)
    assert torch.allclose(drawn, diffusion.sample_dpmpp_2m(exact(schedule), noise, schedule=schedule), atol=1e-3)


def test_an_unknown_prediction_is_refused():
    unchecked = inspect.unwrap(diffusion.x0_denoiser)  # as it is outside the tests, where no type is checked
    with pytest.raises(ValueError, match="choose one of these"):
        unchecked(exact(), "score")


@pytest.mark.parametrize("sampler", [ddpm, eta_one], ids=["ddpm", "eta 1"])
def test_a_sample_does_not_depend_on_its_batch(sampler):
    noise = diffusion.seeded_noise((4,), [0, 1, 2])
    together = sampler(exact(), noise, 5)
    assert torch.equal(together[0], sampler(exact(), noise[:1], 5)[0])
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_seeded_noise_does_not_depend_on_the_batch():
    alone = diffusion.seeded_noise((2, 3), [7])
    together = diffusion.seeded_noise((2, 3), [1, 7, 9])
    assert torch.equal(alone[0], together[1])
    assert not torch.equal(together[0], together[2])


def test_guidance_of_one_is_none():
    conditional, unconditional = torch.tensor([2.0]), torch.tensor([1.0])
    assert diffusion.guided(conditional, unconditional, 1.0) == 2.0
    assert diffusion.guided(conditional, unconditional, 3.0) == 4.0


def test_rescaled_guidance_keeps_the_contrast():
    """Lin et al. 2024, eq. 14 to 16: 0 leaves the push, 1 restores the deviation, 1/2 is between."""
    conditional, unconditional = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).unbind(0)
    plain = diffusion.guided(conditional, unconditional, 7.5)
    whole = diffusion.guided(conditional, unconditional, 7.5, rescale=1.0)
    half = diffusion.guided(conditional, unconditional, 7.5, rescale=0.5)
    assert torch.equal(diffusion.guided(conditional, unconditional, 7.5, rescale=0.0), plain)
    assert torch.allclose(whole.std((1, 2)), conditional.std((1, 2)))
    assert (plain.std((1, 2)) > 2 * conditional.std((1, 2))).all()
    assert torch.allclose(half, (plain + whole) / 2, atol=1e-6)


@pytest.mark.parametrize(("sampler", "steps"), SAMPLERS.values(), ids=SAMPLERS)
def test_callback_sees_every_step(sampler, steps):
    seen = []
    drawn = sampler(exact(), torch.zeros(1, 1), 5, callback=seen.append)
    assert [(row["step"], row["steps"]) for row in seen] == [(step, 5) for step in range(5)]
    assert math.isclose(seen[0]["t"], diffusion.T_MAX)
    assert [row["t"] for row in seen] == diffusion.time_grid(5)[:-1]
    assert torch.equal(seen[-1]["x"], drawn)
    assert all(row["x0"].shape == drawn.shape for row in seen)


def test_seeds_are_asked_for():
    with pytest.raises(ValueError, match="one seed a sample"):
        diffusion.sample_ddim(exact(), torch.zeros(1, 1), eta=0.5)
    with pytest.raises(ValueError, match="one seed a sample"):
        diffusion.sample_ddim(exact(), torch.zeros(2, 1), eta=0.5, seeds=[1])
    with pytest.raises(ValueError, match="one seed a sample"):
        diffusion.sample_ddpm(exact(), torch.zeros(2, 1), [1, 2, 3])


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused(steps):
    with pytest.raises(ValueError, match="at least one"):
        diffusion.sample_dpmpp_2m(exact(), torch.zeros(1, 1), steps)
