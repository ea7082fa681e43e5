"""VQGAN (Esser et al. 2021, arXiv 2012.09841) at pocket size: pictures as a grid of codes from a learned book.

The parts of section 3.1: an encoder E, a quantisation q that puts the nearest code of the codebook Z in the place of
each vector (eq. 2), a decoder G, and a discriminator D that looks at patches. They are trained by the loss of a VQ-VAE
(van den Oord et al. 2017, arXiv 1711.00937; eq. 4) with a perceptual loss in it, and by D (eq. 5 and 6, here with the
hinge loss of the authors' code), balanced by the adaptive weight (eq. 7).

With `unit=False` the quantisation is the paper's, number for number that of `diffusers`. The pocket one compares
directions only: vectors and codes are given one length (Yu et al. 2021, arXiv 2110.04627, section 3.2). Codes that
nothing is near to are moved to where a code is missed, so all of a small book are used.

Pictures are float32 NCHW in [-1, 1].
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
    """Everything that decides the shape of the weights."""

    codes: int = 512
    """Length of the codebook."""
    channels: int = 32
    """Width of a code."""
    size: int = 16
    """Side of the grid of codes; a picture's is four times as long."""
    encoder_width: int = 64
    decoder_width: int = 72
    blocks: int = 2
    """Residual blocks of either."""
    unit: bool = True
    """Vectors and codes are compared by direction, all brought to mean square 1; False is the paper's."""
    beta: float = 0.25
    """Weight of the commitment of the encoder to its codes (eq. 4)."""

    @classmethod
    def from_dict(cls, values: dict) -> "VqganConfig":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        return cls(**values)


class Vqgan(nn.Module):
    """Encoder E, codebook Z and decoder G."""

    usage: Tensor

    def __init__(self, config: VqganConfig) -> None:
        """Builds the parts; pictures enter and leave through a pixel shuffle, which is cheap."""
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
        """Returns what the encoder sees, before quantisation; sides are a quarter of the picture's."""
        return self.encoder(x)

    def nearest(self, z: Float[Tensor, "batch c h w"]) -> Int[Tensor, "batch h w"]:
        """Returns the number of the code nearest to each vector (eq. 2), int64."""
        z, book = self._comparable(z.detach()), self.codebook.detach()
        rows = z.movedim(1, -1).flatten(0, 2)
        # |z - e|^2 without |z|^2, which is the same for all codes.
        apart = torch.addmm(book.square().sum(1), rows, book.T, alpha=-2)
        return apart.argmin(dim=1).view(z.shape[0], *z.shape[2:])

    def look_up(self, codes: Int[Tensor, "batch h w"]) -> Float[Tensor, "batch c h w"]:
        """Returns the vectors of a grid of codes, laid out channels last."""
        return F.embedding(codes, self.codebook).permute(0, 3, 1, 2)

    def quantise(self, z: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """Returns the nearest codes; the gradient passes straight through to z (eq. 3, section 3.1)."""
        return _straight(self._comparable(z), self.look_up(self.nearest(z)))

    def encode(
        self, x: Float[Tensor, "batch 3 H W"]
    ) -> tuple[Float[Tensor, "batch c h w"], Int[Tensor, "batch h w"], Float[Tensor, ""]]:
        """Returns a picture's quantised vectors, their codes, and the last two terms of eq. 4.

        The terms pull codes to the vectors that chose them, and, `beta` as strongly, vectors to their codes.
        """
        z = self.unquantised(x)
        codes = self.nearest(z)
        z, chosen = self._comparable(z), self.look_up(codes)
        loss = F.mse_loss(chosen, z.detach()) + self.config.beta * F.mse_loss(z, chosen.detach())
        return _straight(z, chosen), codes, loss

    def decode(self, z_q: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the picture of quantised vectors, about in [-1, 1]."""
        return self.decoder(z_q)

    def decode_codes(self, codes: Int[Tensor, "batch h w"]) -> Float[Tensor, "batch 3 H W"]:
        """Returns the picture of a grid of codes, about in [-1, 1]."""
        return self.decode(self.look_up(codes))

    def _comparable(self, z: Tensor) -> Tensor:
        return _one_length(z, dim=1) if self.config.unit else z

    @torch.no_grad()
    def count(self, codes: Int[Tensor, "batch h w"], decay: float = 0.97) -> None:
        """Notes which codes were chosen: `usage` is the share of patches that each code has, and sums to 1."""
        share = torch.bincount(codes.flatten(), minlength=len(self.usage)).to(self.usage) / codes.numel()
        self.usage.lerp_(share, 1 - decay)

    @torch.no_grad()
    def reinitialise_unused(
        self, z: Float[Tensor, "batch c h w"], generator: torch.Generator, below: float = 0.02
    ) -> Int[Tensor, " dead"]:
        """Moves codes that are hardly used onto vectors, and returns their numbers.

        In a fresh net all codes are. Vectors far from their codes are preferred (the square of the distance is the
        chance, as in k-means++): there a code is missed, be it but a few pixels of a rare thing.

        Args:
            z: what the encoder sees in a batch.
            generator: chooses the vectors.
            below: codes with less than this part of their fair share, 1 / codes, are moved.
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
    """Returns vectors of mean square 1, so that the decoder's input has the usual size."""
    return F.normalize(x, dim=dim) * x.shape[dim] ** 0.5


def _straight(z: Tensor, chosen: Tensor) -> Tensor:
    """Returns the value of `chosen` with the gradient of `z`."""
    return z + (chosen - z).detach()


def perplexity(usage: Float[Tensor, " codes"]) -> float:
    """Returns how many codes are in use, as the exponential of the entropy of their shares: 1 to the length."""
    share = usage / usage.sum().clamp(min=1e-12)
    return float(torch.special.entr(share).sum().exp())


# --- losses ---------------------------------------------------------------------------------------------------------


class PatchDiscriminator(nn.Module):
    """D: tells true from made patches of a picture (Isola et al. 2017, arXiv 1611.07004, section 3.2.2)."""

    def __init__(self, width: int = 32) -> None:
        """Builds two convolutions that halve the sides and one that does not; the first is not normalised."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.GroupNorm(8, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1), nn.GroupNorm(8, 2 * width), nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch 1 h w"]:
        """Returns a number for each patch, above 0 if it looks true; sides are a quarter of the picture's."""
        return self.layers(x)


def discriminator_loss(true: Float[Tensor, "batch 1 h w"], made: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, ""]:
    """Returns the hinge loss of D: what is more than 1 on the right side is not asked to go further."""
    return (F.relu(1 - true).mean() + F.relu(1 + made).mean()) / 2


def generator_loss(made: Float[Tensor, "batch 1 h w"]) -> Float[Tensor, ""]:
    """Returns what G wants of D's verdict on its pictures."""
    return -made.mean()


def adaptive_weight(
    reconstruction: Float[Tensor, ""],
    adversarial: Float[Tensor, ""],
    last_layer: Float[Tensor, "..."],
    most: float = 1e4,
) -> Float[Tensor, ""]:
    """Returns lambda of eq. 7: it makes both losses pull alike at the decoder's last layer.

    Args:
        reconstruction: L_rec, perceptual loss included.
        adversarial: the generator's part of L_GAN.
        last_layer: the weight that both gradients are taken at.
        most: upper bound, as in the authors' code.
    """
    wanted, other = (
        torch.autograd.grad(loss, last_layer, retain_graph=True)[0].norm() for loss in (reconstruction, adversarial)
    )
    return (wanted / (other + 1e-6)).clamp(max=most).detach()


def perceptual_loss(
    made: Sequence[Float[Tensor, "batch _ _ _"]], true: Sequence[Float[Tensor, "batch _ _ _"]]
) -> Float[Tensor, ""]:
    """Returns the mean squared distance of feature maps, each position brought to length 1; 0 to 4 a map.

    As LPIPS (Zhang et al. 2018, arXiv 1801.03924, eq. 1), but all channels count alike.

    Args:
        made: maps of the reconstruction, as `Clip.image_features` returns them.
        true: maps of the picture.
    """
    pairs = zip(made, true, strict=True)
    apart = [(F.normalize(a, dim=1) - F.normalize(b, dim=1)).square().sum(dim=1).mean() for a, b in pairs]
    return torch.stack(apart).mean()
