"""Noise schedules, and conversions between the three quantities that a net may predict.

A *schedule* gives the rates of signal (alpha) and noise (sigma) at a time from 0 (clean) to 1 (pure noise):
x_t = alpha x0 + sigma epsilon, with alpha^2 + sigma^2 = 1 (variance preserving). In DDPM's notation alpha is the square
root of alpha-bar. A net may predict the noise (`epsilon`, DDPM), the clean data (`x0`) or the velocity (`v`, Salimans &
Ho 2022); given x_t and t, each of them determines the other two.

Papers: Ho et al. 2020 (DDPM, linear betas), Nichol & Dhariwal 2021 (cosine), Salimans & Ho 2022 (v).
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

T_MAX = 0.996
"""Sampling with the cosine schedule starts just below t = 1, where the signal is 0 and v does not determine x0."""

SMALLEST = 1e-4
"""Lower bound of rates in denominators."""

Parameterisation = Literal["epsilon", "x0", "v"]
"""What a net predicts."""


@runtime_checkable
class Schedule(Protocol):
    """Rates of signal and noise as functions of the time in [0, 1]."""

    @property
    def t_max(self) -> float:
        """The time at which sampling starts, in (0, 1]."""

    def rates(self, t: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """Returns signal and noise rates, each in [0, 1], for times in [0, 1]."""

    def at(self, t: float) -> tuple[float, float]:
        """Returns both rates at one time, in double precision."""


@dataclass(frozen=True)
class Cosine:
    """The cosine schedule (Nichol & Dhariwal 2021, eq. 17): alpha-bar is a squared cosine."""

    s: float = 0.0
    """The offset s against too small first steps; 0.008 in the paper."""
    t_max: float = T_MAX
    """The time at which sampling starts."""

    def rates(self, t: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """Returns signal and noise rates, each in [0, 1], for times in [0, 1]."""
        rise = t / (1 + self.s) * (math.pi / 2)
        if self.s == 0:
            return torch.cos(rise), torch.sin(rise)
        # cos^2 b - cos^2 (b + rise) = sin(2b + rise) sin(rise) avoids cancellation where the noise is small
        b = self._offset
        return torch.cos(b + rise) / math.cos(b), (torch.sin(2 * b + rise) * torch.sin(rise)).sqrt() / math.cos(b)

    def at(self, t: float) -> tuple[float, float]:
        """Returns both rates at one time, in double precision."""
        rise = t / (1 + self.s) * (math.pi / 2)
        if self.s == 0:
            return math.cos(rise), math.sin(rise)
        b = self._offset
        return math.cos(b + rise) / math.cos(b), math.sqrt(math.sin(2 * b + rise) * math.sin(rise)) / math.cos(b)

    @property
    def _offset(self) -> float:
        return self.s / (1 + self.s) * (math.pi / 2)


@dataclass(frozen=True)
class LinearBeta:
    """The schedule of DDPM (Ho et al. 2020, section 4): the variance beta of a step grows linearly.

    Time t = n / steps is the paper's step n; log alpha-bar is interpolated linearly between steps.
    """

    first: float = 1e-4
    """beta_1."""
    last: float = 0.02
    """beta_T."""
    steps: int = 1000
    """T, the number of diffusion steps."""
    t_max: float = 1.0
    """The time at which sampling starts; some signal remains at t = 1, so no rate is 0."""

    def rates(self, t: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """Returns signal and noise rates, each in [0, 1], for times in [0, 1]."""
        table = _log_alpha_bar(self.first, self.last, self.steps).to(t.device)
        place = (t.double() * self.steps).clamp(0, self.steps)
        below = place.floor().clamp(max=self.steps - 1)
        step = below.long()
        log = torch.lerp(table[step], table[step + 1], place - below)
        return (log / 2).exp().to(t.dtype), (-torch.expm1(log)).sqrt().to(t.dtype)

    def at(self, t: float) -> tuple[float, float]:
        """Returns both rates at one time, in double precision."""
        alpha, sigma = self.rates(torch.tensor(t, dtype=torch.float64))
        return float(alpha), float(sigma)


@cache
def _log_alpha_bar(first: float, last: float, steps: int) -> Float[Tensor, " numbers"]:
    """Returns log alpha-bar (DDPM, eq. 4) of steps 0 to T; alpha-bar is the product of 1 - beta."""
    betas = torch.linspace(first, last, steps, dtype=torch.float64)
    return torch.cat([betas.new_zeros(1), torch.log1p(-betas).cumsum(0)])


COSINE = Cosine()
"""The schedule of the pocket nets."""


def alpha_sigma(
    t: Float[Tensor, "*shape"], schedule: Schedule = COSINE
) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
    """Returns signal and noise rates, each in [0, 1], for times in [0, 1]."""
    return schedule.rates(t)


def _rates(x: Float[Tensor, "batch *shape"], t: Float[Tensor, " batch"], schedule: Schedule) -> tuple[Tensor, Tensor]:
    """Returns the rates [batch, 1, ...], broadcastable to `x`."""
    return schedule.rates(t.reshape(-1, *[1] * (x.ndim - 1)))


def add_noise(
    x0: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns x_t = alpha x0 + sigma noise (DDPM, eq. 4)."""
    alpha, sigma = _rates(x0, t, schedule)
    return alpha * x0 + sigma * noise


def v_target(
    x0: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns v = alpha noise - sigma x0 (Salimans & Ho 2022, section 4)."""
    alpha, sigma = _rates(x0, t, schedule)
    return alpha * noise - sigma * x0


def x0_from_v(
    x: Float[Tensor, "batch *shape"],
    v: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the clean data that x_t and v imply: x0 = alpha x_t - sigma v."""
    alpha, sigma = _rates(x, t, schedule)
    return alpha * x - sigma * v


def x0_from_noise(
    x: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the clean data that x_t and the noise imply: x0 = (x_t - sigma noise) / alpha (DDPM, eq. 15)."""
    alpha, sigma = _rates(x, t, schedule)
    return (x - sigma * noise) / alpha.clamp(min=SMALLEST)


def noise_from_x0(
    x: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the noise that x_t and the clean data imply: (x_t - alpha x0) / sigma."""
    alpha, sigma = _rates(x, t, schedule)
    return (x - alpha * x0) / sigma.clamp(min=SMALLEST)


def noise_from_v(
    x: Float[Tensor, "batch *shape"],
    v: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the noise that x_t and v imply: sigma x_t + alpha v."""
    alpha, sigma = _rates(x, t, schedule)
    return sigma * x + alpha * v


def v_from_x0(
    x: Float[Tensor, "batch *shape"],
    x0: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the v that x_t and the clean data imply: (alpha x_t - x0) / sigma."""
    alpha, sigma = _rates(x, t, schedule)
    return (alpha * x - x0) / sigma.clamp(min=SMALLEST)


def v_from_noise(
    x: Float[Tensor, "batch *shape"],
    noise: Float[Tensor, "batch *shape"],
    t: Float[Tensor, " batch"],
    schedule: Schedule = COSINE,
) -> Float[Tensor, "batch *shape"]:
    """Returns the v that x_t and the noise imply: (noise - sigma x_t) / alpha."""
    alpha, sigma = _rates(x, t, schedule)
    return (noise - sigma * x) / alpha.clamp(min=SMALLEST)
