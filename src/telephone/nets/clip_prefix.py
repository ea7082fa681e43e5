"""ClipCap (Mokady et al. 2021, arXiv 2111.09734) at pocket size: CLIP's features become a prefix of the text.

A mapper turns CLIP's features of an image into a few vectors of the language model's width, which are put before the
text; CLIP is frozen. There are two forms (section 3.3): a two-layer net (`mlp`), with a language model that is tuned as
well, and a transformer (`transformer`), with a frozen language model. The transformer's input is the features, expanded
to a few vectors, followed by learned constants; its outputs at the constants are the prefix. The prefix is placed where
our language model expects an image (`nets/blip_2.py`).

The features are the outputs of CLIP's queries before the last projection. The paper uses the projected embedding; in
ours the kinds of things can hardly be distinguished any more. The features are whitened first: twenty of their 1,120
directions have nine tenths of the variance, and kinds lie among the rest, where gradient descent would find them late.
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
    """Hyperparameters that determine the shapes of all weights."""

    mapper: str = "mlp"
    """One of `MAPPERS`."""
    prefix: int = 34
    """Number of vectors of the prefix."""
    view: int = 1120
    """Width of CLIP's features."""
    width: int = 96
    """Width of the mapper's outputs; a last layer projects them to that of the language model."""
    language_width: int = 192
    spread: int = 10
    """Vectors to which the transformer expands the features."""
    layers: int = 3
    heads: int = 4
    hidden: int = 1024
    """Width of the hidden layer of the two-layer net."""
    tuned: LanguageModelConfig | None = None
    """Config of the language model if it is tuned and stored in the file; None if it is frozen."""

    @classmethod
    def from_dict(cls, values: dict) -> "ClipPrefixConfig":
        """Returns the config from the plain values that JSON holds."""
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
    """A transformer over expanded features and learned constants; its outputs at the constants are the prefix."""

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
    """The trained parts: mapper, last layer, and the language model if it is tuned."""

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
        """Sets the whitening so that these features get mean 0, and variance 1 in every direction with enough variance.

        Args:
            views: CLIP's features of many images.
            floor: added to the variance of each direction, which is 1 on average.
        """
        weight, bias = whitening(_direction(views), floor)
        self.whiten.load_state_dict({"weight": weight, "bias": bias})

    def whitened(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch view"]:
        """Returns whitened features; the norm of the input does not matter."""
        return self.whiten(_direction(view))

    def map(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix width"]:
        """Returns the mapper's outputs for features."""
        return self.mapper(self.whitened(view))

    def forward(self, view: Float[Tensor, "batch view"]) -> Float[Tensor, "batch prefix language"]:
        """Returns the prefix at the language model's width."""
        return self.out(self.map(view))


def _direction(view: Float[Tensor, "n view"]) -> Float[Tensor, "n view"]:
    return F.normalize(view, dim=-1) * view.shape[-1] ** 0.5


def unprojected_features(clip: Clip, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch view"]:
    """Returns CLIP's features of images in [-1, 1]: its queries' outputs, or class token, before the projection."""
    encoder = clip.image_encoder
    if not isinstance(encoder.projection, AttentionPool):
        return encoder.norm(encoder.sequence(x))[:, 0]
    return encoder.query_features(x).flatten(1)
