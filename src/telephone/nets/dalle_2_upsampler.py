"""The upsampler of unCLIP (Ramesh et al. 2022, arXiv 2204.06125, section 2.2): from 32 x 32 to 64 x 64 pixels.

Images are float32 NCHW in [-1, 1]; the large ones have twice the height and width of the small ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.layers import ResBlock
from telephone.nets.stable_diffusion import time_features


@dataclass
class UpsamplerConfig:
    """Shape of the upsampler."""

    widths: tuple[int, int] = (24, 48)
    """Channels at the resolution of the small image, and at half of it."""
    time_width: int = 64


class Upsampler(nn.Module):
    """Doubles height and width: a diffusion model conditioned on the small image (section 2.2).

    As in the paper it is fully convolutional, without text and guidance. The residual to the interpolated small image
    is predicted at the resolution of the small one: a pixel shuffle folds four fine pixels into one position.
    """

    def __init__(self, config: UpsamplerConfig) -> None:
        """Builds a net of two resolutions."""
        super().__init__()
        self.config = config
        fine, coarse = config.widths
        self.time = nn.Sequential(nn.Linear(64, config.time_width), nn.SiLU())
        self.conv_in = nn.Conv2d(12 + 3, fine, 3, padding=1)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.middle = ResBlock(coarse, coarse, config.time_width)
        self.up = nn.Sequential(nn.Conv2d(coarse, 4 * fine, 1), nn.PixelShuffle(2))
        self.mix = nn.Conv2d(fine, fine, 3, padding=1)
        self.out = nn.Conv2d(fine, 12, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def forward(
        self, x: Float[Tensor, "batch 3 H W"], t: Float[Tensor, " batch"], small: Float[Tensor, "batch 3 h w"]
    ) -> Float[Tensor, "batch 3 H W"]:
        """Returns x0 for noised large images at times in [0, 1], given the small ones; H = 2 h, W = 2 w."""
        inputs = torch.cat([F.pixel_unshuffle(x, 2), small], dim=1)
        return self._residual(inputs, self.time(time_features(t)), small)

    def _residual(self, inputs: Tensor, time: Tensor, small: Tensor) -> Tensor:
        """Returns the interpolated small images plus what the net adds, given all inputs at their resolution."""
        h = F.silu(self.conv_in(inputs))
        coarse = self.middle(self.down(h), time)
        h = h + self.up(F.silu(coarse))
        h = h + self.mix(F.silu(h))
        smooth = F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
        return smooth + F.pixel_shuffle(self.out(F.silu(h)), 2)

    @torch.no_grad()
    def enlarge(
        self,
        small: Float[Tensor, "batch 3 h w"],
        seeds: Sequence[int],
        steps: int = 2,
        callback: diffusion.Callback | None = None,
    ) -> Float[Tensor, "batch 3 H W"]:
        """Samples the large images by DDIM, in [-1, 1]; 0 steps interpolate without the net."""
        height, width = small.shape[2] * 2, small.shape[3] * 2
        if steps == 0:
            return F.interpolate(small, scale_factor=2.0, mode="bicubic", align_corners=False).clamp(-1, 1)
        noise = diffusion.seeded_noise((3, height, width), seeds).to(small.device)
        x = diffusion.sample_ddim(lambda x, t: self(x, t, small).clamp(-1, 1), noise, steps, callback=callback)
        return x.clamp(-1, 1)


def shrink(x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch 3 h w"]:
    """Returns images of half the height and width: each pixel is the mean of four."""
    return F.avg_pool2d(x, 2)


def corrupt(
    small: Float[Tensor, "batch 3 h w"], generator: torch.Generator, blur: float = 0.2, noise: float = 0.06
) -> Float[Tensor, "batch 3 h w"]:
    """Returns slightly corrupted small images, to be robust to the decoder's errors (section 2.2, appendix C).

    The paper blurs with a 3 x 3 Gaussian kernel. Here the strength is drawn for each sample: neighbours weigh from 0 to
    `blur` each in both directions, and the noise has a standard deviation from 0 to `noise`.
    """
    side = (len(small), 1, 1, 1)
    b = torch.rand(side, generator=generator).to(small.device) * blur
    for _ in range(2):  # along columns, then transposed along rows
        padded = F.pad(small, (0, 0, 1, 1), mode="replicate")
        small = ((1 - 2 * b) * small + b * (padded[:, :, 2:] + padded[:, :, :-2])).transpose(2, 3)
    strength = torch.rand(side, generator=generator) * noise
    return small + (strength * torch.randn(small.shape, generator=generator)).to(small.device)
