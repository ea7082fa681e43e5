"""Reads the facts from an image: what is in each of six cells, and what the whole scene is like.

This net implements no paper. It is the instrument that measures generated images, so it shares no weights with the
models. It is a residual network (He et al. 2016, arXiv 1512.03385, section 3.3) with batch normalisation and one prior
about the world: things are in three columns and two rows. A trunk reduces the image to a quarter of its resolution; six
windows are cut out of its output, one a cell, and all go through the same layers. The windows overlap a little, and the
trunk's receptive field extends beyond them.

Images are float32 NCHW in [-1, 1], 64 x 64.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class ReaderConfig:
    """Shape of the reader, and the number of values of each fact."""

    stem: int = 32
    """Channels at half the resolution."""
    trunk: int = 64
    """Channels at a quarter of the resolution."""
    cell: int = 160
    """Channels within a cell, at an eighth of the resolution."""
    hidden: int = 256
    """Width of the final vector of a cell."""
    scene: int = 64
    """Channels of the branch for the whole scene."""
    blocks: int = 1
    """Residual blocks of the trunk."""
    cell_answers: tuple[int, ...] = (33, 11, 3, 4)
    """Numbers of values of a cell's facts: kind, colour, size, count."""
    scene_answers: tuple[int, ...] = (9, 3, 5, 4)
    """Numbers of values of the scene's facts: setting, time, weather, style."""

    @classmethod
    def from_dict(cls, values: dict) -> "ReaderConfig":
        """Returns the config from the plain values that JSON holds."""
        answers = {name: tuple(values[name]) for name in ("cell_answers", "scene_answers")}
        return cls(**{**values, **answers})


WINDOWS = tuple((row, column) for row in (8, 0) for column in (0, 5, 10))
"""Top and left edge of each cell's window of 8 x 6 patches in the trunk's 16 x 16; the lower row comes first."""


def conv(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """Returns a convolution that keeps (or halves) height and width, with batch normalisation."""
    layer = nn.Conv2d(inputs, outputs, size, stride, (size - 1) // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class ReaderBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (figure 5, left)."""

    def __init__(self, channels: int) -> None:
        """Builds the block; it starts as the identity."""
        super().__init__()
        self.first, self.second = conv(channels, channels, 3), conv(channels, channels, 3)
        for layer in self.second.children():
            if isinstance(layer, nn.BatchNorm2d):
                nn.init.zeros_(layer.weight)

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """Returns features of the same shape."""
        return F.relu(x + self.second(F.relu(self.first(x))))


class SceneReaderNet(nn.Module):
    """Trunk, a shared branch for the six windows, and a branch for the whole."""

    def __init__(self, config: ReaderConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        a, b, c, h = config.stem, config.trunk, config.cell, config.hidden
        self.trunk = nn.Sequential(
            conv(3, a, 4, 2), nn.ReLU(), conv(a, a, 3), nn.ReLU(),
            conv(a, b, 3, 2), nn.ReLU(), *(ReaderBlock(b) for _ in range(config.blocks)),
        )  # fmt: skip
        self.place = nn.Parameter(torch.zeros(len(WINDOWS), b, 1, 1))
        self.cell = nn.Sequential(
            conv(b, c, 3, 2), nn.ReLU(), ReaderBlock(c), nn.Flatten(),
            nn.Linear(c * 12, h), nn.LayerNorm(h), nn.ReLU(),
            nn.Linear(h, sum(config.cell_answers)),
        )  # fmt: skip
        self.scene = nn.Sequential(
            conv(b, config.scene, 3, 2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(config.scene * 16, h), nn.LayerNorm(h), nn.ReLU(),
            nn.Linear(h, sum(config.scene_answers)),
        )  # fmt: skip

    def windows(self, x: Float[Tensor, "batch c 16 16"]) -> Float[Tensor, "batch 6 c 8 6"]:
        """Cuts out the six cells, in the order left, middle, right of the lower and then of the upper row."""
        return torch.stack([x[:, :, top : top + 8, left : left + 6] for top, left in WINDOWS], dim=1)

    def forward(
        self, x: Float[Tensor, "batch 3 64 64"]
    ) -> tuple[Float[Tensor, "batch 6 cell_answers"], Float[Tensor, "batch scene_answers"]]:
        """Returns logits of all facts of each cell and of the whole, from images in [-1, 1]."""
        features = self.trunk(x)
        cells = (self.windows(features) + self.place).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        return self.cell(cells).unflatten(0, (-1, len(WINDOWS))), self.scene(features)
