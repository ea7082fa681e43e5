"""The samplers are tried on a problem whose answer is known: data from a Gaussian, with its exact denoiser."""

import math

import pytest
import torch

from telephone.nets import diffusion

MEAN, DEVIATION = 1.5, 0.5


def exact_denoiser(x, t):
    """E[x0 | x_t] for x0 ~ N(MEAN, DEVIATION^2)."""
    alpha, sigma = diffusion.alpha_sigma(t.reshape(-1, 1))
    gain = alpha * DEVIATION**2 / (alpha**2 * DEVIATION**2 + sigma**2)
    return MEAN + gain * (x - alpha * MEAN)


@pytest.mark.parametrize("t", [0.0, 0.25, 0.9])
def test_v_and_x0_undo_each_other(t):
    times = torch.full((3,), t)
    x0, noise = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).unbind(0)
    x = diffusion.add_noise(x0, noise, times)
    assert torch.allclose(diffusion.x0_from_v(x, diffusion.v_target(x0, noise, times), times), x0, atol=1e-6)
    if t > 0:
        assert torch.allclose(diffusion.noise_from_x0(x, x0, times), noise, atol=1e-4)


def test_rates_keep_the_variance():
    alpha, sigma = diffusion.alpha_sigma(torch.linspace(0, 1, 11))
    assert torch.allclose(alpha**2 + sigma**2, torch.ones(11))
    assert alpha[0] == 1
    assert alpha[-1].abs() < 1e-6


@pytest.mark.parametrize(
    ("sampler", "options"),
    [
        (diffusion.sample_ddim, {"steps": 50}),
        (diffusion.sample_ddim, {"steps": 50, "eta": 1.0, "seeds": range(4000)}),
        (diffusion.sample_dpmpp_2m, {"steps": 20}),
    ],
    ids=["ddim", "ancestral", "dpm++"],
)
def test_samples_follow_the_data(sampler, options):
    noise = diffusion.seeded_noise((1,), range(4000))
    samples = sampler(exact_denoiser, noise, **options)
    assert abs(float(samples.mean()) - MEAN) < 0.03
    assert abs(float(samples.std()) - DEVIATION) < 0.05


def test_second_order_needs_fewer_steps():
    noise = diffusion.seeded_noise((1,), range(500))
    fine = diffusion.sample_ddim(exact_denoiser, noise, steps=2000)
    first = (diffusion.sample_ddim(exact_denoiser, noise, steps=12) - fine).abs().mean()
    second = (diffusion.sample_dpmpp_2m(exact_denoiser, noise, steps=12) - fine).abs().mean()
    assert second < first / 2


def test_seeded_noise_does_not_depend_on_the_batch():
    alone = diffusion.seeded_noise((2, 3), [7])
    together = diffusion.seeded_noise((2, 3), [1, 7, 9])
    assert torch.equal(alone[0], together[1])
    assert not torch.equal(together[0], together[2])


def test_guidance_of_one_is_none():
    conditional, unconditional = torch.tensor([2.0]), torch.tensor([1.0])
    assert diffusion.guided(conditional, unconditional, 1.0) == 2.0
    assert diffusion.guided(conditional, unconditional, 3.0) == 4.0


def test_callback_sees_every_step():
    seen = []
    diffusion.sample_dpmpp_2m(exact_denoiser, torch.zeros(1, 1), steps=5, callback=seen.append)
    assert [row["step"] for row in seen] == [0, 1, 2, 3, 4]
    assert math.isclose(seen[0]["t"], diffusion.T_MAX)


def test_fresh_noise_without_seeds_is_refused():
    with pytest.raises(ValueError, match="one seed a sample"):
        diffusion.sample_ddim(exact_denoiser, torch.zeros(1, 1), eta=0.5)
