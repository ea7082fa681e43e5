"""CLIP for noised images, and guidance by it (GLIDE: Nichol et al. 2021, arXiv 2112.10741, sections 2.4 and 4.3).

The gradient of CLIP's score steers diffusion towards a text (Dhariwal & Nichol 2021, arXiv 2105.05233, section 4.1,
with the score in place of a classifier). CLIP has to read the noised images of all times for that, so its image encoder
is trained on with noise and the time as a further input. The text encoder is that of `clip.py`, unchanged.

Images are those of GLIDE's base model: float32 NCHW, 32 x 32, noised from [-1, 1].
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.checkpoint import tuples
from telephone.nets.clip import ClipImageEncoder, VisionConfig
from telephone.nets.stable_diffusion import time_features

Score = Callable[[Float[Tensor, "batch 3 h w"], Float[Tensor, " batch"]], Float[Tensor, " batch"]]
"""Takes noised images and times, returns how well each fits its text."""


@dataclass
class NoisedClipConfig:
    """Hyperparameters that determine the shapes of all weights."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    embedding: int = 256

    @classmethod
    def from_dict(cls, values: dict) -> "NoisedClipConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(VisionConfig(**tuples(values["vision"])), values["embedding"])


class NoisedClip(nn.Module):
    """CLIP's image encoder with the time added to the vectors of all patches."""

    def __init__(self, config: NoisedClipConfig) -> None:
        """Builds the encoder; the time has no effect at first, so that it can start from an encoder of clean images."""
        super().__init__()
        self.config = config
        width = config.vision.width
        self.encoder = ClipImageEncoder(config.vision, config.embedding)
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.time = nn.Sequential(nn.Linear(64, width), nn.SiLU(), last)

    def forward(self, x: Float[Tensor, "batch 3 h w"], t: Float[Tensor, " batch"]) -> Float[Tensor, "batch embedding"]:
        """Returns the embeddings of noised images at times in [0, 1], not normalised; images of any size are scaled."""
        size = self.config.vision.image_size
        if x.shape[-1] != size:
            x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
        encoder = self.encoder
        h = encoder.features(x)[-1].flatten(2).transpose(1, 2) + self.time(time_features(t))[:, None]
        if encoder.class_token is not None:
            h = torch.cat([encoder.class_token.expand(len(x), 1, -1), h], dim=1)
        h = encoder.norm_before(h + encoder.position)
        for block in encoder.blocks:
            h = block(h)
        h = encoder.norm(h)
        found: Tensor = encoder.projection(h if encoder.class_token is None else h[:, 0])
        return found


def noised_score(net: NoisedClip, text: Float[Tensor, "batch embedding"]) -> Score:
    """Returns the cosine of noised images with texts, read by a CLIP that knows noise.

    Args:
        net: reads the images.
        text: embeddings of the texts.
    """
    goal = F.normalize(text, dim=-1)
    return lambda x, t: (F.normalize(net(x, t), dim=-1) * goal).sum(-1)


def clean_score(encoder: ClipImageEncoder, text: Float[Tensor, "batch embedding"]) -> Score:
    """Returns the same read by a CLIP that has never seen noise; the time is ignored.

    Args:
        encoder: reads the images, enlarged to its size.
        text: embeddings of the texts.
    """
    goal, size = F.normalize(text, dim=-1), encoder.config.image_size

    def score(x: Tensor, t: Tensor) -> Tensor:
        large = F.interpolate(x, (size, size), mode="bilinear", align_corners=False)
        return (F.normalize(encoder(large), dim=-1) * goal).sum(-1)

    return score


def clip_guided(denoise: diffusion.Denoiser, score: Score, scale: float) -> diffusion.Denoiser:
    """Returns a denoiser whose prediction is moved along the gradient of a score.

    The mean of a step moves by its variance times the gradient (Dhariwal & Nichol 2021, eq. 10); for the clean image
    that is sigma^2 / alpha times the gradient at the noised image.

    Args:
        denoise: the denoiser.
        score: of noised images.
        scale: of the gradient; 0 is no guidance.
    """
    if scale == 0:
        return denoise

    def guided(x: Tensor, t: Tensor) -> Tensor:
        with torch.enable_grad():
            moved = x.detach().requires_grad_()
            gradient = torch.autograd.grad(score(moved, t).sum(), moved)[0]
        alpha, sigma = diffusion.COSINE.rates(t.reshape(-1, 1, 1, 1))
        return denoise(x, t) + scale * sigma**2 / alpha.clamp(min=0.05) * gradient

    return guided
