"""Diffusion independent of any network: guidance, and samplers that turn noise into data.

A *denoiser* is any callable `denoise(x, t) -> x0`: it takes noised data and times and returns the predicted clean data
(`x0_denoiser` makes one from a net that predicts noise or velocity). Samplers are functions of a denoiser. Times run
from 0 (clean) to 1 (pure noise); the schedule defines their noise levels, see `schedules`.

Papers: Ho et al. 2020 (DDPM), Song et al. 2021 (DDIM), Nichol & Dhariwal 2021 (the variance between two bounds),
Ho & Salimans 2022 (classifier-free guidance), Lin et al. 2024 (rescaled guidance), Lu et al. 2022 (DPM-Solver++).
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from telephone.nets.schedules import (
    COSINE,
    T_MAX,
    Cosine,
    LinearBeta,
    Parameterisation,
    Schedule,
    add_noise,
    alpha_sigma,
    noise_from_v,
    noise_from_x0,
    v_from_noise,
    v_from_x0,
    v_target,
    x0_from_noise,
    x0_from_v,
)

__all__ = [
    "COSINE",
    "T_MAX",
    "Callback",
    "Cosine",
    "Denoiser",
    "LinearBeta",
    "Parameterisation",
    "Schedule",
    "add_noise",
    "alpha_sigma",
    "guided",
    "invert_ddim",
    "noise_from_v",
    "noise_from_x0",
    "sample_ddim",
    "sample_ddpm",
    "sample_dpmpp_2m",
    "seeded_noise",
    "time_grid",
    "v_from_noise",
    "v_from_x0",
    "v_target",
    "with_skip",
    "x0_denoiser",
    "x0_from_noise",
    "x0_from_v",
]

Denoiser = Callable[[Float[Tensor, "batch *shape"], Float[Tensor, " batch"]], Float[Tensor, "batch *shape"]]
"""Takes noised data and times in [0, 1]; returns the predicted clean data."""
Callback = Callable[[dict[str, object]], None]
"""Called after each step with `step`, `steps`, `t`, `x` (noised) and `x0` (the present prediction)."""


def x0_denoiser(predict: Denoiser, kind: Parameterisation, schedule: Schedule = COSINE) -> Denoiser:
    """Returns a denoiser from a net that predicts something else.

    Args:
        predict: takes x_t and times, as a denoiser does.
        kind: what it returns: `epsilon` (the noise), `v`, or `x0`.
        schedule: the one that it was trained with.

    Raises:
        ValueError: there is no such kind.
    """
    if kind == "x0":
        return predict
    if kind not in ("epsilon", "v"):
        raise ValueError(f"a net predicts epsilon, x0 or v, not {kind!r}: choose one of these")
    to_x0 = x0_from_noise if kind == "epsilon" else x0_from_v
    return lambda x, t: to_x0(x, predict(x, t), t, schedule)


def guided(
    conditional: Float[Tensor, "batch *shape"],
    unconditional: Float[Tensor, "batch *shape"],
    guidance: float,
    rescale: float = 0.0,
) -> Float[Tensor, "batch *shape"]:
    """Returns the prediction with classifier-free guidance (Ho & Salimans 2022, eq. 6).

    Args:
        conditional: the prediction given the condition.
        unconditional: the prediction without it.
        guidance: guidance scale; 1 is none.
        rescale: how far the result is rescaled to the conditional prediction's standard deviation, 0 to 1: strong
            guidance raises the contrast too much (Lin et al. 2024, eq. 14 to 16).
    """
    pushed = unconditional + guidance * (conditional - unconditional)
    if rescale == 0:
        return pushed
    item = tuple(range(1, pushed.ndim))
    factor = conditional.std(item, keepdim=True) / pushed.std(item, keepdim=True)
    return pushed * (rescale * factor + (1 - rescale))


def with_skip(
    x0: Float[Tensor, "batch *shape"],
    x: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    error: float,
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the best linear combination of two estimates of the clean data: a net's, and the noised data themselves.

    The weight of x / alpha is error^2 / (error^2 + sigma^2 / alpha^2), so the net decides at high noise and the input
    at low noise; without it a net that predicts x0 through a bottleneck cannot be inverted (Karras et al. 2022,
    section 5, derive the same form from the variance of the data).

    Args:
        x0: the net's estimate.
        x: the noised data.
        t: times [batch].
        error: standard deviation of the net's error, above 0.
        schedule: of the noise.
    """
    alpha, sigma = schedule.rates(t.reshape(-1, *[1] * (x.ndim - 1)))
    alpha = alpha.clamp(min=1e-4)
    weight = error**2 / (error**2 + (sigma / alpha) ** 2)
    return (1 - weight) * x0 + weight * x / alpha


def seeded_noise(shape: Sequence[int], seeds: Sequence[int]) -> Float[Tensor, "batch ..."]:
    """Returns unit normal noise [len(seeds), *shape], each item from its own seed, independent of the batch."""
    rows = [torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def time_grid(steps: int, schedule: Schedule = COSINE) -> list[float]:
    """Returns steps + 1 times from the schedule's `t_max` to 0, evenly spaced.

    Raises:
        ValueError: `steps` is less than 1.
    """
    if steps < 1:
        raise ValueError(f"{steps} steps draw nothing: take at least one")
    return [schedule.t_max * (1 - i / steps) for i in range(steps + 1)]


@torch.no_grad()
def sample_ddpm(
    denoise: Denoiser,
    noise: Float[Tensor, "batch *shape"],
    seeds: Sequence[int],
    steps: int = 1000,
    variance: float = 0.0,
    callback: Callback | None = None,
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Draws samples by ancestral sampling (Ho et al. 2020, algorithm 2), also with fewer steps than in training.

    The mean of a step is that of eq. 7 with the predicted x0; with `variance` 0 this is DDIM with
    eta = 1.

    Args:
        denoise: the denoiser.
        noise: unit normal noise of the shape of the data.
        seeds: one a sample, so that a sample does not depend on its batch.
        steps: number of calls of the denoiser.
        variance: of the fresh noise: 0 is the posterior's (beta-tilde), 1 is beta, the bounds of DDPM, section
            3.2; between them it is interpolated as in Nichol & Dhariwal 2021, eq. 15.
        callback: called after each step.
        schedule: the one that the denoiser was trained with.

    Returns:
        The clean data after the last step.

    Raises:
        ValueError: the number of seeds is not that of the samples.
    """
    generators = _generators(seeds, len(noise))
    x, times = noise, time_grid(steps, schedule)
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        x0 = denoise(x, _times(now, x))
        (alpha, sigma), (alpha_s, sigma_s) = schedule.at(now), schedule.at(then)
        keep = alpha / alpha_s
        beta = 1 - keep**2
        x = (alpha_s * beta / sigma**2) * x0 + (keep * sigma_s**2 / sigma**2) * x
        if then > 0:
            x = x + math.sqrt(beta) * (sigma_s / sigma) ** (1 - variance) * _fresh(x, generators)
        if callback:
            callback({"step": step, "steps": steps, "t": now, "x": x, "x0": x0})
    return x


@torch.no_grad()
def sample_ddim(
    denoise: Denoiser,
    noise: Float[Tensor, "batch *shape"],
    steps: int = 20,
    eta: float = 0.0,
    seeds: Sequence[int] | None = None,
    callback: Callback | None = None,
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Draws samples by DDIM (Song et al. 2021, eq. 12); eta = 0 is deterministic, eta = 1 is ancestral (DDPM).

    Args:
        denoise: the denoiser.
        noise: unit normal noise of the shape of the data.
        steps: number of calls of the denoiser.
        eta: share of fresh noise in each step, 0 to 1.
        seeds: one a sample; required if eta > 0, so that a sample does not depend on its batch.
        callback: called after each step.
        schedule: the one that the denoiser was trained with.

    Returns:
        The clean data after the last step.

    Raises:
        ValueError: eta is above 0 and there are no seeds, or not one a sample.
    """
    if eta > 0 and seeds is None:
        raise ValueError("eta above 0 adds noise at each step: give one seed a sample")
    generators = _generators(seeds, len(noise)) if eta > 0 and seeds is not None else []
    x, times = noise, time_grid(steps, schedule)
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        t, s = _times(now, x), _times(then, x)
        x0 = denoise(x, t)
        (alpha, sigma), (alpha_s, sigma_s) = schedule.rates(_like(t, x)), schedule.rates(_like(s, x))
        fresh = eta * sigma_s / sigma * (1 - (alpha / alpha_s) ** 2).clamp(min=0).sqrt()
        x = alpha_s * x0 + (sigma_s**2 - fresh**2).clamp(min=0).sqrt() * noise_from_x0(x, x0, t, schedule)
        if eta > 0 and then > 0:
            x = x + fresh * _fresh(x, generators)
        if callback:
            callback({"step": step, "steps": steps, "t": now, "x": x, "x0": x0})
    return x


@torch.no_grad()
def invert_ddim(
    denoise: Denoiser,
    x0: Float[Tensor, "batch *shape"],
    steps: int = 50,
    corrections: int = 1,
    callback: Callback | None = None,
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the noise x_T from which `sample_ddim` with eta = 0 and as many steps draws the given data.

    Each step of DDIM (Song et al. 2021, eq. 13) is solved for its input. The explicit solution takes the prediction at
    the step's output in place of that at its input; each correction repeats it with the prediction at the input found
    so far (fixed-point iteration), which converges where the net is smooth and the steps are small.

    Args:
        denoise: the denoiser, without guidance: guidance makes the step expand, and the inversion diverges.
        x0: clean data.
        steps: number of steps, those of the sampling that is to draw the data again.
        corrections: fixed-point iterations of each step, 0 or more; each calls the denoiser once more.
        callback: called after each step.
        schedule: the one that the denoiser was trained with.

    Returns:
        x_T of the shape of the data, with a variance near 1 if the data are likely under the model.
    """
    x, times = x0, time_grid(steps, schedule)[::-1]
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        (alpha, sigma), (alpha_s, sigma_s) = schedule.at(now), schedule.at(then)
        y = alpha_s * x  # the last step of sampling returns the prediction whatever the noise: no noise is the start
        if now > 0:
            clean = denoise(x, _times(now, x))
            y = alpha_s * clean + (sigma_s / sigma) * (x - alpha * clean)
        for _ in range(corrections):
            clean = denoise(y, _times(then, x))
            y = alpha_s * clean + (sigma_s / sigma) * (x - alpha * clean) if now > 0 else y + alpha_s * (x - clean)
        x = y
        if callback:
            callback({"step": step, "steps": steps, "t": then, "x": x, "x0": x0})
    return x


@torch.no_grad()
def sample_dpmpp_2m(
    denoise: Denoiser,
    noise: Float[Tensor, "batch *shape"],
    steps: int = 12,
    callback: Callback | None = None,
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Draws samples by the second-order multistep solver DPM-Solver++(2M) (Lu et al. 2022, algorithm 2).

    Args:
        denoise: the denoiser.
        noise: unit normal noise of the shape of the data.
        steps: number of calls of the denoiser.
        callback: called after each step.
        schedule: the one that the denoiser was trained with.

    Returns:
        The clean data after the last step.
    """
    x, times = noise, time_grid(steps, schedule)
    previous: Tensor | None = None
    h_before = 0.0
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        x0 = denoise(x, _times(now, x))
        if then == 0.0:
            x = x0  # the solver's limit for lambda -> infinity
        else:
            (alpha, sigma), (alpha_s, sigma_s) = schedule.at(now), schedule.at(then)
            h = math.log(alpha_s / sigma_s) - math.log(alpha / sigma)  # lambda = log(alpha / sigma)
            guess = x0 if previous is None else x0 + (h / (2 * h_before)) * (x0 - previous)
            x = (sigma_s / sigma) * x - alpha_s * math.expm1(-h) * guess
            previous, h_before = x0, h
        if callback:
            callback({"step": step, "steps": steps, "t": now, "x": x, "x0": x0})
    return x


def _generators(seeds: Sequence[int], batch: int) -> list[torch.Generator]:
    """Returns one generator a sample for fresh noise, different from that of the initial noise."""
    if len(seeds) != batch:
        raise ValueError(f"{len(seeds)} seeds for {batch} samples: give one seed a sample")
    return [torch.Generator().manual_seed(seed + 1) for seed in seeds]


def _fresh(x: Float[Tensor, "batch *shape"], generators: Sequence[torch.Generator]) -> Float[Tensor, "batch *shape"]:
    return torch.stack([torch.randn(x.shape[1:], generator=g) for g in generators]).to(x.device)


def _times(t: float, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, " batch"]:
    return torch.full((len(x),), t, device=x.device)


def _like(t: Float[Tensor, " batch"], x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch ..."]:
    return t.reshape(-1, *[1] * (x.ndim - 1))
