"""Our samplers, step by step, against the schedulers of diffusers: the same guesses lead to the same samples.

Their step `i` of 1,000 is our time (i + 1) / 1000, and their time before the first step is our 0. Their betas of the
cosine are cut at 0.999, which changes only the very last step of 1,000; our sampling starts before it.
"""

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler

from telephone.nets import diffusion
from telephone.nets.diffusion import Cosine, LinearBeta

CASES = {"linear": (LinearBeta(), 20, "linear"), "cosine": (Cosine(0.008), 12, "squaredcos_cap_v2")}
"""Schedule, number of steps (such that their step numbers are whole), and the schedule's name over there."""
KINDS = {"epsilon": "epsilon", "x0": "sample", "v": "v_prediction"}
SEEDS = [3, 4, 5]
EVERY_CASE = pytest.mark.parametrize(("schedule", "steps", "name"), CASES.values(), ids=CASES)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)


def toy(kind, schedule):
    """A net that bends what it sees, and says it in one of the three ways."""

    def predict(x, t):
        x0 = torch.tanh(x + t.reshape(-1, 1, 1)) * 0.8 + 0.1 * x.flip(1)
        if kind == "x0":
            return x0
        return (diffusion.noise_from_x0 if kind == "epsilon" else diffusion.v_from_x0)(x, x0, t, schedule)

    return predict


def theirs(scheduler, predict, noise, numbers, **options):
    """Returns the sample after each of their steps."""
    x, path = noise, []
    for number in numbers:
        guess = predict(x, torch.full((len(x),), (number + 1) / 1000))
        x = scheduler.step(guess, number, x, **options).prev_sample
        path.append(x)
    return torch.stack(path)


def ours(sampler, kind, schedule, steps, *extra, **options):
    """Returns the sample after each of our steps, and the last one's guess."""
    seen = []
    denoise = diffusion.x0_denoiser(toy(kind, schedule), kind, schedule)
    noise = diffusion.seeded_noise((2, 4), SEEDS)
    sampler(denoise, noise, *extra, steps=steps, callback=seen.append, schedule=schedule, **options)
    return torch.stack([row["x"] for row in seen]), seen[-1]["x0"]


def numbers_of(schedule, steps):
    times = [time * 1000 for time in diffusion.time_grid(steps, schedule)[:-1]]
    assert all(abs(time - round(time)) < 1e-6 for time in times)
    return [round(time) - 1 for time in times]


def generators():
    return [torch.Generator().manual_seed(seed + 1) for seed in SEEDS]


@EVERY_CASE
def test_rates(schedule, steps, name):
    alpha_bar = DDPMScheduler(beta_schedule=name).alphas_cumprod[:-1]
    alpha, _ = schedule.rates(torch.arange(1, 1000) / 1000)
    assert torch.allclose(alpha**2, alpha_bar, atol=2e-6, rtol=1e-4)


@EVERY_CASE
def test_noising(schedule, steps, name):
    x0, noise = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0)).unbind(0)
    scheduler, numbers = DDPMScheduler(beta_schedule=name), torch.tensor([0, 400, 998])
    t = (numbers + 1) / 1000
    assert torch.allclose(
        diffusion.add_noise(x0, noise, t, schedule), scheduler.add_noise(x0, noise, numbers), atol=1e-4
    )
    assert torch.allclose(
        diffusion.v_target(x0, noise, t, schedule), scheduler.get_velocity(x0, noise, numbers), atol=1e-4
    )


@EVERY_KIND
@EVERY_CASE
@pytest.mark.parametrize("variance", [0.0, 1.0])
def test_ddpm(variance, schedule, steps, name, kind):
    scheduler = DDPMScheduler(
        beta_schedule=name,
        prediction_type=KINDS[kind],
        clip_sample=False,
        variance_type="fixed_large" if variance else "fixed_small",
    )
    numbers = numbers_of(schedule, steps)
    scheduler.set_timesteps(timesteps=numbers)
    noise = diffusion.seeded_noise((2, 4), SEEDS)
    expected = theirs(scheduler, toy(kind, schedule), noise, numbers, generator=generators())
    path, guess = ours(diffusion.sample_ddpm, kind, schedule, steps, SEEDS, variance=variance)
    assert torch.allclose(path[:-1], expected[:-1], atol=1e-3)
    # When steps are left out theirs adds noise even after the last one; algorithm 2 does not.
    assert torch.allclose(path[-1], guess, atol=1e-5)
    if not variance:
        assert torch.allclose(path[-1], expected[-1], atol=1e-3)


@EVERY_KIND
@EVERY_CASE
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_ddim(eta, schedule, steps, name, kind):
    scheduler = DDIMScheduler(beta_schedule=name, prediction_type=KINDS[kind], clip_sample=False)
    scheduler.set_timesteps(steps)
    noise = diffusion.seeded_noise((2, 4), SEEDS)
    options = {"eta": eta, "generator": generators()}
    expected = theirs(scheduler, toy(kind, schedule), noise, numbers_of(schedule, steps), **options)
    path, _ = ours(diffusion.sample_ddim, kind, schedule, steps, eta=eta, seeds=SEEDS)
    assert torch.allclose(path, expected, atol=1e-3)


# Theirs hands a tensor to numpy.array, which numpy 2 dislikes.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@EVERY_KIND
@EVERY_CASE
def test_dpm_solver(schedule, steps, name, kind):
    scheduler = DPMSolverMultistepScheduler(
        beta_schedule=name, prediction_type=KINDS[kind], algorithm_type="dpmsolver++", solver_order=2
    )
    numbers = numbers_of(schedule, steps)
    scheduler.set_timesteps(timesteps=numbers)
    noise = diffusion.seeded_noise((2, 4), SEEDS)
    expected = theirs(scheduler, toy(kind, schedule), noise, numbers)
    path, _ = ours(diffusion.sample_dpmpp_2m, kind, schedule, steps)
    assert torch.allclose(path, expected, atol=1e-3)
