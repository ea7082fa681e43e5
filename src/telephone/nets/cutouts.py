"""CLIP's losses on generated images: augmented cut-outs, and their distance from a text.

Both forms of VQGAN-CLIP (`vqgan_clip.py`; Crowson et al. 2022, Cherti et al. 2021) use the gradient of these
losses. Images are float32 NCHW in [-1, 1], embeddings need not be of unit length.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from telephone.nets.clip import similarity
from telephone.nets.vqgan import perceptual_loss


@dataclass(frozen=True)
class Cutouts:
    """Augmented views of images, against adversarial patterns that only raise the score of a single view.

    Unlike in the paper, nothing is mirrored, erased or cropped strongly, because places are facts in the pocket world.
    """

    views: int = 4
    side: float = 0.75
    """Smallest side of a crop, as a share of the image's; the largest is 1."""
    turn: float = 5.0
    """Largest rotation, in degrees."""
    light: float = 0.1
    """Largest change of brightness, contrast and of each colour channel."""
    noise: float = 0.1
    """Largest standard deviation of the noise."""
    blur: float = 0.5
    """Share of views that are blurred."""

    def __call__(self, x: Float[Tensor, "batch 3 H W"], generator: torch.Generator) -> Float[Tensor, "more 3 H W"]:
        """Returns `views` views of each image, [views * batch, 3, H, W], all first views before all second ones."""
        many = x.repeat(self.views, 1, 1, 1)

        def draw(*shape: int) -> Tensor:
            return torch.rand(len(many), *shape, generator=generator).to(x.device) * 2 - 1

        grid = F.affine_grid(self._crops(draw(4)), list(many.shape), align_corners=False)
        view = F.grid_sample(many, grid, padding_mode="reflection", align_corners=False)
        soft = F.avg_pool2d(F.pad(view, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        view = torch.where((draw(1, 1, 1) + 1) / 2 < self.blur, soft, view)
        view = view * (1 + self.light * draw(1, 1, 1)) + self.light * (draw(1, 1, 1) + draw(3, 1, 1)) / 2
        grain = torch.randn(many.shape, generator=generator).to(x.device)
        return view + self.noise * draw(1, 1, 1).abs() * grain

    def _crops(self, chance: Float[Tensor, "n 4"]) -> Float[Tensor, "n 2 3"]:
        """Returns affine maps from a view to the image, both in [-1, 1], from random numbers in [-1, 1]."""
        side = 1 - (1 - self.side) * (chance[:, 0] + 1) / 2
        angle = chance[:, 1] * math.radians(self.turn)
        x, y = (1 - side) * chance[:, 2], (1 - side) * chance[:, 3]
        cos, sin = side * angle.cos(), side * angle.sin()
        return torch.stack([torch.stack([cos, -sin, x], 1), torch.stack([sin, cos, y], 1)], dim=1)


def spherical_distance(a: Float[Tensor, "*#n d"], b: Float[Tensor, "*#n d"]) -> Float[Tensor, "..."]:
    """Returns half the squared angle between vectors, in [0, pi^2 / 2]: the loss of the paper's code."""
    half_chord = (F.normalize(a, dim=-1) - F.normalize(b, dim=-1)).norm(dim=-1) / 2
    return 2 * half_chord.clamp(max=1 - 1e-6).arcsin() ** 2


def view_distance(views: Float[Tensor, "more embedding"], texts: Float[Tensor, "batch embedding"]) -> Float[Tensor, ""]:
    """Returns the mean spherical distance of each view (in the order of `Cutouts`) from its own text."""
    return spherical_distance(views, texts.repeat(len(views) // len(texts), 1)).mean()


def view_contrast(
    views: Float[Tensor, "more embedding"], texts: Float[Tensor, "batch embedding"], scale: Float[Tensor, ""]
) -> Float[Tensor, ""]:
    """Returns the cross-entropy of each view's own text among all texts of the batch: InfoNCE.

    The distance can be reduced by what all texts have in common, this loss only by what distinguishes them.
    """
    own = torch.arange(len(texts), device=texts.device).repeat(len(views) // len(texts))
    return F.cross_entropy(scale * similarity(views, texts), own)


def diversity(
    some: Sequence[Float[Tensor, "n _ _ _"]], others: Sequence[Float[Tensor, "n _ _ _"]]
) -> Float[Tensor, ""]:
    """Returns the mean squared distance of normalised feature maps of images of the same texts, 0 to 4 a map.

    Args:
        some: feature maps of images, as `Clip.image_features` returns them.
        others: those of images of the same texts with other noise.
    """
    return perceptual_loss(some, others)


def total_variation(x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, ""]:
    """Returns the mean absolute difference of neighbouring pixels."""
    return (x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()) / 2
