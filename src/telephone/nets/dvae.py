"""Discrete variational autoencoder (dVAE) of DALL-E (Ramesh et al. 2021, arXiv 2102.12092, section 2.1, appendix A).

The encoder gives each position of a grid a categorical distribution over K codes. While the net is trained, the codes
are relaxed by the Gumbel-softmax (Jang et al. 2016, arXiv 1611.01144; Maddison et al. 2016, arXiv 1611.00712): the
decoder sees a mixture of the vectors of all codes, which sharpens as the temperature falls. Afterwards the code of a
position is the most likely one.

The loss is the negative evidence lower bound with a weight beta on the divergence from the uniform prior. Both of its
parts are means over the values of an image, so the divergence of a position is divided by the number of values that
belong to it: 8 x 8 x 3 = 192 in the paper, 4 x 4 x 3 = 48 here.

Pixels follow the logit-Laplace distribution (appendix A.3), which lives on the open interval (0, 1).
Images are float32 NCHW in [-1, 1], as everywhere in this package.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.layers import ResBlock

EPSILON = 0.1
"""Pixels in [0, 1] are mapped into [0.1, 0.9] (appendix A.3), so that their logit is finite."""
START_SCALE = 4.0
"""Standard deviation of the logits at the start."""
PATCH = 4
"""Height and width in pixels of the square that belongs to a code."""


@dataclass(frozen=True)
class DvaeConfig:
    """Hyperparameters that determine the shapes of all weights."""

    codes: int = 1024
    """K, the number of codes."""
    channels: int = 64
    """Width of the vector of a code."""
    size: int = 16
    """Height and width of the grid of codes; the image's are four times as large."""
    encoder_width: int = 64
    decoder_width: int = 72
    blocks: int = 2
    """Residual blocks of encoder and decoder, each."""

    @property
    def values(self) -> int:
        """Values of an image that belong to one code."""
        return PATCH * PATCH * 3


@dataclass(frozen=True)
class DvaeLoss:
    """The parts of the negative evidence lower bound."""

    reconstruction: Float[Tensor, ""]
    """Negative log-likelihood, in nats a value."""
    divergence: Float[Tensor, ""]
    """From the uniform prior, in nats a code: 0 to ln K."""
    values: int
    """Values of an image a code."""

    def total(self, beta: float) -> Float[Tensor, ""]:
        """Returns the loss in nats a value (eq. 1 of the paper, with the weight beta)."""
        return self.reconstruction + beta * self.divergence / self.values


class Dvae(nn.Module):
    """Encoder, vectors of the codes, and decoder."""

    usage: Tensor

    def __init__(self, config: DvaeConfig) -> None:
        """Builds the parts; input and output use a pixel shuffle, which is cheap."""
        super().__init__()
        self.config = config
        e, d = config.encoder_width, config.decoder_width
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(PATCH), nn.Conv2d(config.values, e, 3, padding=1),
            *(ResBlock(e, e) for _ in range(config.blocks)),
            nn.GroupNorm(8, e), nn.SiLU(), nn.Conv2d(e, config.channels, 1),
            nn.GroupNorm(1, config.channels, affine=False), nn.Conv2d(config.channels, config.codes, 1),
        )  # fmt: skip
        self.book = nn.Parameter(F.normalize(torch.randn(config.codes, config.channels)) * config.channels**0.5)
        self._start_together()
        # Six channels a pixel: location and log scale of each colour.
        self.decoder = nn.Sequential(
            nn.Conv2d(config.channels, d, 3, padding=1), *(ResBlock(d, d) for _ in range(config.blocks)),
            nn.GroupNorm(8, d), nn.SiLU(), nn.Conv2d(d, 2 * d, 1),
            nn.PixelShuffle(2), nn.SiLU(), nn.Conv2d(d // 2, 24, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.register_buffer("usage", torch.zeros(config.codes))

    def _start_together(self) -> None:
        """Starts the logits as the products of the encoder's vectors with those that the decoder sees.

        From the first step on, a mixture is near the encoder's vector. With independent weights all mixtures are alike
        at first, so that few codes ever differ: 17.2 in place of 22.6 dB after 350 steps.
        """
        last = self.encoder[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.weight.copy_((START_SCALE * self.book / self.config.channels**0.5)[:, :, None, None])
            last.bias.zero_()

    def logits(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch codes h w"]:
        """Returns the logits of the codes of each position; h = H / 4, w = W / 4."""
        return self.encoder(x)

    def encode(self, x: Float[Tensor, "batch 3 H W"]) -> Int[Tensor, "batch h w"]:
        """Returns the most likely code of each position."""
        return self.logits(x).argmax(1)

    def decode(
        self, vectors: Float[Tensor, "batch c h w"]
    ) -> tuple[Float[Tensor, "batch 3 H W"], Float[Tensor, "batch 3 H W"]]:
        """Returns location and log scale of the pixels' distribution, from vectors of codes or mixtures of them."""
        location, log_scale = self.decoder(vectors).chunk(2, dim=1)
        # A scale below exp(-5) would explain a value far more exactly than the 8 bits in which it is known.
        return location, log_scale.clamp(-5, 2)

    def decode_codes(self, codes: Int[Tensor, "batch h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the images of grids of codes in [-1, 1]: the medians of the pixels' distributions."""
        location, _ = self.decode(F.embedding(codes, self.book).permute(0, 3, 1, 2))
        return from_unit_interval(location.sigmoid())

    def mix(
        self, logits: Float[Tensor, "batch codes h w"], tau: float, generator: torch.Generator | None = None
    ) -> Float[Tensor, "batch c h w"]:
        """Returns mixtures of the vectors of the codes, by weights from the Gumbel-softmax.

        Args:
            logits: of the codes.
            tau: temperature above 0; towards 0 a mixture is one code, drawn from the softmax of the logits.
            generator: draws the noise, on the CPU; None leaves it to PyTorch.
        """
        weights = gumbel_softmax(logits, tau, generator)
        return torch.einsum("bkhw,kc->bchw", weights, self.book)

    def loss(
        self,
        x: Float[Tensor, "batch 3 H W"],
        tau: float,
        weight: Float[Tensor, "batch 1 H W"] | None = None,
        generator: torch.Generator | None = None,
    ) -> tuple[DvaeLoss, Float[Tensor, "batch codes h w"]]:
        """Returns the parts of the loss, and the logits of the codes.

        Args:
            x: images in [-1, 1].
            tau: temperature of the relaxation.
            weight: of the pixels; None weighs all alike, as in the paper.
            generator: as in `mix`.
        """
        logits = self.logits(x).float()
        location, log_scale = self.decode(self.mix(logits, tau, generator))
        likelihood = logit_laplace(into_unit_interval(x), location.float(), log_scale.float())
        error = -likelihood if weight is None else -likelihood * weight / weight.mean()
        return DvaeLoss(error.mean(), divergence_from_uniform(logits), self.config.values), logits

    @torch.no_grad()
    def count(self, codes: Int[Tensor, "batch h w"], decay: float = 0.97) -> None:
        """Updates `usage`, the moving average of each code's share of positions, which sums to 1."""
        share = torch.bincount(codes.flatten(), minlength=len(self.usage)).to(self.usage) / codes.numel()
        self.usage.lerp_(share, 1 - decay)


# --- relaxation -----------------------------------------------------------------------------------------------------


def gumbel_softmax(
    logits: Float[Tensor, "batch codes h w"], tau: float, generator: torch.Generator | None = None
) -> Float[Tensor, "batch codes h w"]:
    """Returns softmax((logits + g) / tau) over the codes, with Gumbel noise g.

    Raises:
        ValueError: tau is not above 0.
    """
    if not tau > 0:
        raise ValueError(f"tau is {tau}: give a temperature above 0.")
    noise = torch.empty(logits.shape).exponential_(generator=generator).clamp(min=1e-20).log().neg()
    return ((logits + noise.to(logits)) / tau).softmax(1)


def divergence_from_uniform(logits: Float[Tensor, "batch codes h w"]) -> Float[Tensor, ""]:
    """Returns the mean divergence of the positions' distributions from the uniform one: ln K minus their entropy.

    It is that of the categorical distribution, not of the relaxed one, as in the authors' code.
    """
    log = logits.log_softmax(1)
    return (log.exp() * log).sum(1).mean() + math.log(logits.shape[1])


def temperature(progress: float, last: float = 1 / 16, share: float = 0.125) -> float:
    """Returns tau: it falls from 1 to `last` by a cosine over the first `share` of the steps (appendix A.2).

    Args:
        progress: of the training, 0 to 1.
        last: the final temperature.
        share: of the training after which it is reached.
    """
    done = min(1.0, progress / share)
    return last + (1 - last) * (1 + math.cos(math.pi * done)) / 2


# --- pixels ---------------------------------------------------------------------------------------------------------


def into_unit_interval(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Maps pixels from [-1, 1] into [eps, 1 - eps] (appendix A.3, eq. 3)."""
    return (1 - 2 * EPSILON) * (x + 1) / 2 + EPSILON


def from_unit_interval(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Maps pixels back; values outside of [eps, 1 - eps] are clamped."""
    return (2 * (x - EPSILON) / (1 - 2 * EPSILON) - 1).clamp(-1, 1)


def logit_laplace(
    x: Float[Tensor, "*shape"], location: Float[Tensor, "*shape"], log_scale: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """Returns the log-density of the logit-Laplace distribution at x (appendix A.3, eq. 2).

    Args:
        x: values in (0, 1).
        location: mu, of the logit of x.
        log_scale: ln b.
    """
    apart = (x.logit() - location).abs() * (-log_scale).exp()
    return -(math.log(2) + log_scale + x.log() + (1 - x).log() + apart)
