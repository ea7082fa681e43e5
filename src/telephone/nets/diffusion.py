"""The mathematics of diffusion, apart from any network: noise schedule, v-parameterisation, guidance and samplers.

A *denoiser* is any callable `denoise(x, t) -> x0`: it takes noised data and times and returns its guess of the clean
data. The samplers are plain functions over a denoiser. Times run from 0 (clean) to 1 (noise alone).

Papers: Ho et al. 2020 (DDPM), Song et al. 2021 (DDIM), Nichol & Dhariwal 2021 (cosine schedule), Salimans & Ho 2022
(v-parameterisation), Ho & Salimans 2022 (classifier-free guidance), Lu et al. 2022 (DPM-Solver++).
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
Callback = Callable[[dict[str, object]], None]
"""Called after each step with `step`, `steps`, `t`, `x` (noised) and `x0` (the present guess)."""

T_MAX = 0.996
"""Sampling starts just short of t = 1, where the signal is zero and v no longer tells the data."""


def alpha_sigma(t: Tensor) -> tuple[Tensor, Tensor]:
    """Returns signal and noise rates of the cosine schedule (Nichol & Dhariwal 2021, eq. 17, s = 0)."""
    return torch.cos(t * (math.pi / 2)), torch.sin(t * (math.pi / 2))


def _like(t: Tensor, x: Tensor) -> Tensor:
    return t.reshape(-1, *[1] * (x.ndim - 1))


def add_noise(x0: Float[Tensor, "batch ..."], noise: Tensor, t: Float[Tensor, " batch"]) -> Tensor:
    """Returns x_t = alpha x0 + sigma noise (DDPM, eq. 4)."""
    alpha, sigma = alpha_sigma(_like(t, x0))
    return alpha * x0 + sigma * noise


def v_target(x0: Float[Tensor, "batch ..."], noise: Tensor, t: Float[Tensor, " batch"]) -> Tensor:
    """Returns v = alpha noise - sigma x0 (Salimans & Ho 2022, section 4)."""
    alpha, sigma = alpha_sigma(_like(t, x0))
    return alpha * noise - sigma * x0


def x0_from_v(x: Float[Tensor, "batch ..."], v: Tensor, t: Float[Tensor, " batch"]) -> Tensor:
    """Returns the clean data that x_t and v imply: x0 = alpha x_t - sigma v."""
    alpha, sigma = alpha_sigma(_like(t, x))
    return alpha * x - sigma * v


def noise_from_x0(x: Float[Tensor, "batch ..."], x0: Tensor, t: Float[Tensor, " batch"]) -> Tensor:
    """Returns the noise that x_t and the clean data imply."""
    alpha, sigma = alpha_sigma(_like(t, x))
    return (x - alpha * x0) / sigma.clamp(min=1e-4)


def guided(conditional: Tensor, unconditional: Tensor, guidance: float) -> Tensor:
    """Returns the prediction pushed away from the unconditional one (Ho & Salimans 2022, eq. 6); 1 is no push."""
    return unconditional + guidance * (conditional - unconditional)


def seeded_noise(shape: Sequence[int], seeds: Sequence[int]) -> Float[Tensor, "batch ..."]:
    """Returns unit normal noise [len(seeds), *shape], each item from its own seed, whatever batch it is in."""
    rows = [torch.randn(tuple(shape), generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(rows)


def time_grid(steps: int) -> list[float]:
    """Returns steps + 1 times from `T_MAX` to 0, evenly spaced."""
    return [T_MAX * (1 - i / steps) for i in range(steps + 1)]


@torch.no_grad()
def sample_ddim(
    denoise: Denoiser,
    noise: Float[Tensor, "batch ..."],
    steps: int = 20,
    eta: float = 0.0,
    seeds: Sequence[int] | None = None,
    callback: Callback | None = None,
) -> Tensor:
    """Draws samples by DDIM (Song et al. 2021, eq. 12); eta = 0 is deterministic, eta = 1 is ancestral (DDPM).

    Args:
        denoise: the denoiser.
        noise: unit normal noise of the shape of the data.
        steps: number of calls of the denoiser.
        eta: how much fresh noise each step adds, 0 to 1.
        seeds: one a sample; needed where eta > 0, so that a sample does not depend on its batch.
        callback: told of each step.

    Returns:
        The clean data that the last step arrives at.
    """
    if eta > 0 and seeds is None:
        raise ValueError("eta above 0 adds noise at each step: give one seed a sample")
    generators = [torch.Generator().manual_seed(seed + 1) for seed in seeds or ()]
    x, times = noise, time_grid(steps)
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        t, s = _times(now, x), _times(then, x)
        x0 = denoise(x, t)
        (alpha, sigma), (alpha_s, sigma_s) = alpha_sigma(_like(t, x)), alpha_sigma(_like(s, x))
        fresh = eta * sigma_s / sigma * (1 - (alpha / alpha_s) ** 2).clamp(min=0).sqrt()
        x = alpha_s * x0 + (sigma_s**2 - fresh**2).clamp(min=0).sqrt() * noise_from_x0(x, x0, t)
        if eta > 0 and then > 0:
            x = x + fresh * torch.stack([torch.randn(x.shape[1:], generator=g) for g in generators]).to(x.device)
        if callback:
            callback({"step": step, "steps": steps, "t": now, "x": x, "x0": x0})
    return x


@torch.no_grad()
def sample_dpmpp_2m(
    denoise: Denoiser, noise: Float[Tensor, "batch ..."], steps: int = 12, callback: Callback | None = None
) -> Tensor:
    """Draws samples by the second-order multistep solver DPM-Solver++(2M) (Lu et al. 2022, algorithm 2).

    Args:
        denoise: the denoiser.
        noise: unit normal noise of the shape of the data.
        steps: number of calls of the denoiser.
        callback: told of each step.

    Returns:
        The clean data that the last step arrives at.
    """
    x, times = noise, time_grid(steps)
    previous: Tensor | None = None
    h_before = 0.0
    for step, (now, then) in enumerate(zip(times, times[1:], strict=False)):
        x0 = denoise(x, _times(now, x))
        if then == 0.0:
            x = x0  # the solver's limit for lambda -> infinity
        else:
            h = _log_snr(then) - _log_snr(now)
            guess = x0 if previous is None else x0 + (h / (2 * h_before)) * (x0 - previous)
            sigma, sigma_s = math.sin(now * math.pi / 2), math.sin(then * math.pi / 2)
            x = (sigma_s / sigma) * x - math.cos(then * math.pi / 2) * math.expm1(-h) * guess
            previous, h_before = x0, h
        if callback:
            callback({"step": step, "steps": steps, "t": now, "x": x, "x0": x0})
    return x


def _times(t: float, x: Tensor) -> Float[Tensor, " batch"]:
    return torch.full((len(x),), t, device=x.device)


def _log_snr(t: float) -> float:
    """Returns lambda = log(alpha / sigma)."""
    return math.log(math.cos(t * math.pi / 2) / math.sin(t * math.pi / 2))
