"""ClipCap (Mokady et al. 2021, arXiv 2111.09734) at pocket size: CLIP's one vector becomes a prefix for the words.

A mapper turns CLIP's view of a picture into a few vectors of the language model's width, which stand before the
words; CLIP never changes. There are two forms (section 3.3): a two-layer net (`mlp`), for a language model that is
tuned along with it, and a transformer that reads the view, spread over a few vectors, together with learned
constants and returns what becomes of the constants (`transformer`), for a language model that stays as it is. Our
language model knows one form of talk only, so the prefix stands where it expects an image (`nets/blip2.py`).

CLIP's view is the one vector that its queries have gathered, before the last projection: the paper takes the projected
one, but ours is made for comparing, and after it the kinds of things can hardly be told apart any more. The view is
whitened before it is mapped: twenty of its 1,120 directions have nine tenths of the variance, and kinds lie among the
rest, where no gradient finds them in the time there is.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.clip import AttentionPool, Clip
from telephone.nets.language_model import LanguageModel, LanguageModelConfig
from telephone.nets.layers import TransformerBlock, whitening

MAPPERS = ("mlp", "transformer")


@dataclass
class ClipPrefixConfig:
    """Everything that decides the shape of the weights."""

    mapper: str = "mlp"
    """One of `MAPPERS`."""
    prefix: int = 34
    """Vectors of the prefix."""
    view: int = 1120
    """Width of CLIP's view."""
    width: int = 96
    """Width of the vectors that the mapper makes; a last layer brings them to that of the language model."""
    language_width: int = 192
    spread: int = 10
    """Vectors over which the transformer spreads the view."""
    layers: int = 3
    heads: int = 4
    hidden: int = 1024
    """Width of the hidden layer of the two-layer net."""
    tuned: LanguageModelConfig | None = None
    """The shape of the language model if it is tuned and kept along; None if it is frozen."""

    @classmethod
    def from_dict(cls, values: dict) -> "ClipPrefixConfig":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        tuned = values["tuned"] and LanguageModelConfig.from_dict(values["tuned"])
        return cls(**{**values, "tuned": tuned})


class MlpMapper(nn.Module):
    """Two layers with a tanh between them (section 3.3)."""

    def __init__(self, config: ClipPrefixConfig) -> None:
        """Builds the layers."""
        super().__init__()
        self.prefix = config.prefix
        self.hidden = nn.Linear(config.view, config.hidden)
        self.out = nn.Linear(config.hidden, config.prefix * config.width)

    def forward(self, x: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix width"]:
        """Returns the prefix."""
        return self.out(self.hidden(x).tanh()).unflatten(1, (self.prefix, -1))


class TransformerMapper(nn.Module):
    """A transformer over the spread view and learned constants; the constants' places become the prefix."""

    def __init__(self, config: ClipPrefixConfig) -> None:
        """Builds the layers."""
        super().__init__()
        self.spread = config.spread
        self.enter = nn.Linear(config.view, config.spread * config.width)
        self.constants = nn.Parameter(torch.randn(config.prefix, config.width) * 0.2)
        self.blocks = nn.ModuleList(
            TransformerBlock(config.width, config.heads, expand=2) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix width"]:
        """Returns the prefix."""
        h = self.enter(x).unflatten(1, (self.spread, -1))
        h = torch.cat([h, self.constants.expand(len(x), -1, -1)], 1)
        for block in self.blocks:
            h = block(h)
        return self.norm(h[:, self.spread :])


class ClipPrefix(nn.Module):
    """The parts that learn: mapper, last layer, and the language model if it is tuned."""

    def __init__(self, config: ClipPrefixConfig) -> None:
        """Builds the parts with fresh weights.

        Raises:
            ValueError: there is no such mapper.
        """
        super().__init__()
        if config.mapper not in MAPPERS:
            raise ValueError(f"There is no mapper {config.mapper!r}: take one of {', '.join(MAPPERS)}.")
        self.config = config
        self.whiten = nn.Linear(config.view, config.view).requires_grad_(requires_grad=False)
        self.mapper = MlpMapper(config) if config.mapper == "mlp" else TransformerMapper(config)
        self.out = nn.Linear(config.width, config.language_width)
        self.language_model = LanguageModel(config.tuned) if config.tuned else None

    @torch.no_grad()
    def start_whitening(self, views: Float[Tensor, "n view"], floor: float = 1e-4) -> None:
        """Sets the whitening so that these views get mean 0, and variance 1 in every direction that has some.

        Args:
            views: CLIP's views of many pictures.
            floor: added to the variance of each direction, which is 1 on average.
        """
        weight, bias = whitening(_direction(views), floor)
        self.whiten.load_state_dict({"weight": weight, "bias": bias})

    def whitened(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch view"]:
        """Returns views of any length whitened; only their direction counts."""
        return self.whiten(_direction(view))

    def map(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix width"]:
        """Returns what the mapper makes of views."""
        return self.mapper(self.whitened(view))

    def forward(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix language"]:
        """Returns the prefix in the language model's own space."""
        return self.out(self.map(view))


def _direction(view: Float[Tensor, "n view"]) -> Float[Tensor, "n view"]:
    return F.normalize(view, dim=-1) * view.shape[-1] ** 0.5


def unprojected_features(clip: Clip, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch view"]:
    """Returns CLIP's view of pictures: what its queries gather, or its class token, before the last projection."""
    encoder = clip.image_encoder
    if not isinstance(encoder.projection, AttentionPool):
        return encoder.norm(encoder.sequence(x))[:, 0]
    return encoder.query_features(x).flatten(1)
