"""Augmentations of training images: in a game a model sees images that other nets have drawn, not clean renders."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from telephone.train.common import data
from telephone.train.common.losses import UNDEFINED
from telephone.world.facts import CELL_FACTS

GREY_EVERY = 8
"""One image in so many is made grey by `grey_some`."""


def augmented(pixels: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """Returns images [n, 3, 64, 64] in [-1, 1]; the first half of them is blurred, brightened or made noisy.

    Args:
        pixels: [n, 64, 64, 3]
        rng: draws kind and strength of each change.
    """
    x = torch.from_numpy(data.to_unit(pixels)).contiguous(memory_format=torch.channels_last)
    half = len(x) // 2
    x[:half] = _degraded(x[:half], rng)
    return x


def _degraded(x: Tensor, rng: np.random.Generator) -> Tensor:
    quarter = len(x) // 2
    share = torch.from_numpy(rng.uniform(0, 0.8, (quarter, 1, 1, 1)).astype(np.float32))
    x = torch.cat([x[:quarter].lerp(blurred(x[:quarter]), share), x[quarter:]])
    light = torch.from_numpy(rng.uniform(-0.1, 0.1, (len(x), 3, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(rng.normal(0, 1, x.shape).astype(np.float32))
    strength = torch.from_numpy(rng.uniform(0, 0.12, (len(x), 1, 1, 1)).astype(np.float32))
    return (x + light + noise * strength).clamp(-1, 1)


def blurred(x: Tensor) -> Tensor:
    """Returns images [n, c, h, w] smoothed by a 3 x 3 box filter."""
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def grey_some(x: Tensor, cells: Tensor, whole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Makes one image in `GREY_EVERY` grey, and leaves its colours and the facts of the whole out of the targets.

    Kinds and colours of training scenes are correlated, because some pairs are held out: a net that always sees colours
    takes the colour as evidence about the kind.

    Args:
        x: images [batch, 3, h, w], changed in place.
        cells: targets of the cells [batch, 6, 4], not changed.
        whole: targets of the whole [batch, 4], not changed.
    """
    grey, cells, whole = slice(None, None, GREY_EVERY), cells.clone(), whole.clone()
    x[grey] = x[grey].mean(dim=1, keepdim=True)
    cells[grey, :, list(CELL_FACTS).index("colour")] = UNDEFINED
    whole[grey] = UNDEFINED
    return x, cells, whole


# --- for the scene reader -------------------------------------------------------------------------------------------

ORDERS = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
"""The permutations of three channels; the first one changes nothing."""


def permuted_channels(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Returns images [n, 3, h, w] in [-1, 1] with permuted channels; in a third of them channels are also inverted.

    Args:
        x: the images.
        rng: draws how each of them is changed.
    """
    n = len(x)
    order = np.stack([ORDERS[i] for i in rng.integers(1, len(ORDERS), size=n)])
    sign = np.where(rng.random((n, 3)) < 0.5, -1.0, 1.0)
    sign[rng.random(n) > 1 / 3] = 1.0
    changed = torch.take_along_dim(x, torch.from_numpy(order)[:, :, None, None], dim=1)
    return changed * torch.from_numpy(sign.astype(np.float32))[:, :, None, None]


@dataclass
class ReaderAugmentation:
    """Strong augmentation of the scene reader: half of a batch with permuted channels, two thirds of all degraded."""

    rng: np.random.Generator

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Returns images [batch, 3, 64, 64] in [-1, 1] of pixels [batch, 64, 64, 3]; the first half is permuted."""
        x = torch.from_numpy(data.to_unit(pixels))
        half = len(x) // 2
        x[:half] = permuted_channels(x[:half], self.rng)
        some = torch.from_numpy(self.rng.permutation(len(x))[: len(x) * 2 // 3])
        x[some] = self._degraded(x[some])
        return x.contiguous(memory_format=torch.channels_last)

    def _degraded(self, x: Tensor) -> Tensor:
        """Shifts all; blurs a third, coarsens a third; changes contrast and brightness and adds noise."""
        x = self._shifted(x)
        third = len(x) // 3
        small = F.avg_pool2d(x[third : 2 * third], 2)
        coarse = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
        soft = blurred(blurred(x[:third]))
        x = torch.cat([self._mixed(x[:third], soft), self._mixed(x[third : 2 * third], coarse), x[2 * third :]])
        contrast = 1 + self._uniform(x, -0.12, 0.12)
        light = self._uniform(x, -0.08, 0.08, channels=3)
        return (x * contrast + light + self._noise(x)).clamp(-1, 1)

    def _noise(self, x: Tensor) -> Tensor:
        """Returns fine, coarse or striped noise, like the artefacts of generated images; many stay clean."""
        order = self.rng.permutation(len(x))
        fine, coarse, striped = (len(part) for part in np.array_split(order, 3))
        parts = [
            self._normal(fine, 64, 64) * 0.1,
            F.interpolate(self._normal(coarse, 24, 24) * 0.13, size=64, mode="bilinear", align_corners=False),
            (self._normal(striped, 64, 1) + self._normal(striped, 1, 64)) * 0.07,
        ]
        noise = torch.cat(parts)[torch.from_numpy(order)]
        return noise * self._uniform(x, -0.6, 1).clamp(min=0)

    def _normal(self, n: int, height: int, width: int) -> Tensor:
        return torch.from_numpy(self.rng.normal(0, 1, (n, 3, height, width)).astype(np.float32))

    def _shifted(self, x: Tensor) -> Tensor:
        across, down = self.rng.integers(0, 5, size=2).tolist()
        return F.pad(x, (2, 2, 2, 2), mode="replicate")[:, :, down : down + 64, across : across + 64]

    def _mixed(self, x: Tensor, other: Tensor) -> Tensor:
        return x.lerp(other, self._uniform(x, 0, 1))

    def _uniform(self, x: Tensor, low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(self.rng.uniform(low, high, (len(x), channels, 1, 1)).astype(np.float32))
