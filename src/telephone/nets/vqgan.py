"""VQGAN (Esser et al. 2021, arXiv 2012.09841) at pocket size: images as a grid of codes from a learned codebook.

The parts of section 3.1: an encoder E, a quantisation q that replaces each vector by the nearest code of the
codebook Z (eq. 2), a decoder G, and a patch discriminator D. They are trained by the loss of a VQ-VAE
(van den Oord et al. 2017, arXiv 1711.00937; eq. 4) with a perceptual loss, and by D (eq. 5 and 6, here with the
hinge loss of the authors' code), balanced by the adaptive weight (eq. 7).

With `unit=False` the quantisation is the paper's, numerically equal to that of `diffusers`. The pocket one compares
directions only: vectors and codes are normalised (Yu et al. 2021, arXiv 2110.04627, section 3.2). Unused codes are
re-initialised, so that all codes of a small codebook are used.

Images are float32 NCHW in [-1, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.layers import ResBlock


@dataclass
class VqganConfig:
    """Hyperparameters that determine the shapes of all weights."""

    codes: int = 512
    """Number of codes."""
    channels: int = 32
    """Width of a code."""
    size: int = 16
    """Height and width of the grid of codes; the image's are four times as large."""
    encoder_width: int = 64
    decoder_width: int = 72
    blocks: int = 2
    """Residual blocks of encoder and decoder, each."""
    unit: bool = True
    """Vectors and codes are normalised to mean square 1 before they are compared; False is the paper's."""
    beta: float = 0.25
    """Weight of the commitment of the encoder to its codes (eq. 4)."""

    @classmethod
    def from_dict(cls, values: dict) -> "VqganConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(**values)


class Vqgan(nn.Module):
    """Encoder E, codebook Z and decoder G."""

    usage: Tensor

    def __init__(self, config: VqganConfig) -> None:
        """Builds the parts; input and output use a pixel shuffle, which is cheap."""
        super().__init__()
        self.config = config
        e, d, c = config.encoder_width, config.decoder_width, config.channels
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, e, 3, padding=1), *(ResBlock(e, e) for _ in range(config.blocks)),
            nn.GroupNorm(8, e), nn.SiLU(), nn.Conv2d(e, c, 3, padding=1),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.Conv2d(c, d, 3, padding=1), *(ResBlock(d, d) for _ in range(config.blocks)),
            nn.GroupNorm(8, d), nn.SiLU(), nn.Conv2d(d, 2 * d, 1),
            nn.PixelShuffle(2), nn.SiLU(), nn.Conv2d(d // 2, 12, 3, padding=1), nn.PixelShuffle(2),
        )  # fmt: skip
        self.book = nn.Parameter(torch.randn(config.codes, c))
        self.register_buffer("usage", torch.zeros(config.codes))

    @property
    def codebook(self) -> Float[Tensor, "codes c"]:
        """The codes as they are compared and decoded."""
        return _one_length(self.book) if self.config.unit else self.book

    @property
    def last_layer(self) -> Float[Tensor, "outputs inputs kh kw"]:
        """The weight of the decoder's last layer, G_L of eq. 7."""
        layer = self.decoder[-2]
        assert isinstance(layer, nn.Conv2d)
        return layer.weight

    def unquantised(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch c h w"]:
        """Returns the encoder's output before quantisation; h = H / 4, w = W / 4."""
        return self.encoder(x)

    def nearest(self, z: Float[Tensor, "batch c h w"]) -> Int[Tensor, "batch h w"]:
        """Returns the index of the code nearest to each vector (eq. 2), int64."""
        z, book = self._comparable(z.detach()), self.codebook.detach()
        rows = z.movedim(1, -1).flatten(0, 2)
        # |z - e|^2 without |z|^2, which is the same for all codes.
        apart = torch.addmm(book.square().sum(1), rows, book.T, alpha=-2)
        return apart.argmin(dim=1).view(z.shape[0], *z.shape[2:])

    def look_up(self, codes: Int[Tensor, "batch h w"]) -> Float[Tensor, "batch c h w"]:
        """Returns the vectors of a grid of codes, in channels-last layout."""
        return F.embedding(codes, self.codebook).permute(0, 3, 1, 2)

    def quantise(self, z: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """Returns the nearest codes; the gradient is copied to z (straight-through, eq. 3, section 3.1)."""
        return _straight(self._comparable(z), self.look_up(self.nearest(z)))

    def encode(
        self, x: Float[Tensor, "batch 3 H W"]
    ) -> tuple[Float[Tensor, "batch c h w"], Int[Tensor, "batch h w"], Float[Tensor, ""]]:
        """Returns quantised vectors of images, their codes, and the last two terms of eq. 4.

        The terms move codes to the vectors assigned to them, and, weighted by `beta`, vectors to their codes.
        """
        z = self.unquantised(x)
        codes = self.nearest(z)
        z, chosen = self._comparable(z), self.look_up(codes)
        loss = F.mse_loss(chosen, z.detach()) + self.config.beta * F.mse_loss(z, chosen.detach())
        return _straight(z, chosen), codes, loss

    def decode(self, z_q: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the images of quantised vectors, approximately in [-1, 1]."""
        return self.decoder(z_q)

    def decode_codes(self, codes: Int[Tensor, "batch h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the images of grids of codes, approximately in [-1, 1]."""
        return self.decode(self.look_up(codes))

    def _comparable(self, z: Tensor) -> Tensor:
        return _one_length(z, dim=1) if self.config.unit else z

    @torch.no_grad()
    def count(self, codes: Int[Tensor, "batch h w"], decay: float = 0.97) -> None:
        """Updates `usage`, the moving average of each code's share of positions, which sums to 1."""
        share = torch.bincount(codes.flatten(), minlength=len(self.usage)).to(self.usage) / codes.numel()
        self.usage.lerp_(share, 1 - decay)

    @torch.no_grad()
    def reinitialise_unused(
        self, z: Float[Tensor, "batch c h w"], generator: torch.Generator, below: float = 0.02
    ) -> Int[Tensor, " dead"]:
        """Re-initialises rarely used codes from vectors, and returns their indices.

        In an untrained net these are all codes. Vectors are drawn with probability proportional to their squared
        distance from their codes, as in k-means++.

        Args:
            z: the encoder's output for a batch.
            generator: draws the vectors.
            below: codes with less usage than this factor times 1 / codes are re-initialised.
        """
        fair = 1 / len(self.usage)
        dead = (self.usage < below * fair).nonzero()[:, 0]
        if not len(dead):
            return dead
        rows = self._comparable(z).movedim(1, -1).flatten(0, 2)
        if len(dead) == len(self.usage):
            apart = torch.ones(len(rows))
        else:
            apart = (rows - self.codebook[self.nearest(z).flatten()]).square().sum(1).cpu() + 1e-8
        chosen = apart.multinomial(len(dead), replacement=len(dead) > len(rows), generator=generator)
        self.book[dead] = rows[chosen.to(rows.device)]
        self.usage[dead] = fair
        return dead


def _one_length(x: Tensor, dim: int = -1) -> Tensor:
    """Returns vectors of mean square 1."""
    return F.normalize(x, dim=dim) * x.shape[dim] ** 0.5


def _straight(z: Tensor, chosen: Tensor) -> Tensor:
    """Returns the value of `chosen` with the gradient of `z`."""
    return z + (chosen - z).detach()


def perplexity(usage: Float[Tensor, " codes"]) -> float:
    """Returns the effective number of codes in use: the exponential of the entropy of `usage`, 1 to codes."""
    share = usage / usage.sum().clamp(min=1e-12)
    return float(torch.special.entr(share).sum().exp())


# --- losses ---------------------------------------------------------------------------------------------------------


class PatchDiscriminator(nn.Module):
    """D: classifies patches as true or generated (Isola et al. 2017, arXiv 1611.07004, section 3.2.2)."""

    def __init__(self, width: int = 32) -> None:
        """Builds two convolutions with stride 2 and one with stride 1; the first has no normalisation."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.GroupNorm(8, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.GroupNorm(8, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch 1 h w"]:
        """Returns a logit for each patch, above 0 if it looks true; h = H / 4, w = W / 4."""
        return self.layers(x)


def discriminator_loss(true: Float[Tensor, "batch 1 h w"], made: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, ""]:
    """Returns the hinge loss of D; logits beyond the margin of 1 do not contribute."""
    return (F.relu(1 - true).mean() + F.relu(1 + made).mean()) / 2


def generator_loss(made: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, ""]:
    """Returns the generator's adversarial loss, the negative mean logit."""
    return -made.mean()


def adaptive_weight(
    reconstruction: Float[Tensor, ""],
    adversarial: Float[Tensor, ""],
    last_layer: Float[Tensor, "..."],
    most: float = 1e4,
) -> Float[Tensor, ""]:
    """Returns lambda of eq. 7: it makes the gradients of both losses equally large at the decoder's last layer.

    Args:
        reconstruction: L_rec, perceptual loss included.
        adversarial: the generator's part of L_GAN.
        last_layer: the weight with respect to which both gradients are computed.
        most: upper bound, as in the authors' code.
    """
    wanted, other = (
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm() for loss in (reconstruction, adversarial)
    )
    return (wanted / (other + 1e-6)).clamp(max=most).detach()


def perceptual_loss(
    made: Sequence[Float[Tensor, "batch _ _ _"]], true: Sequence[Float[Tensor, "batch _ _ _"]]
) -> Float[Tensor, ""]:
    """Returns the mean squared distance of feature maps, normalised at each position; 0 to 4 a map.

    As LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1), but with equal weights of all channels.

    Args:
        made: maps of the reconstruction, as `Clip.image_features` returns them.
        true: maps of the image.
    """
    pairs = zip(made, true, strict=True)
    apart = [(F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(dim=1).mean() for a, b in pairs]
    return torch.stack(apart).mean()
