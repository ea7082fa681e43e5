"""mPLUG-Owl (Ye et al. 2023, arXiv 2304.14178) at pocket size: vision encoder, visual abstractor, language model.

Three modules (section 3.1): a vision encoder maps an image to patch features; a *visual abstractor* summarises them in
a few visual tokens; a language model takes these in place of an image's description and answers an instruction. Two
stages of training (section 3.2): first the vision encoder and the abstractor, while the language model is frozen; then
low-rank adapters (LoRA, `nets/lora.py`) on the language model, the rest frozen.

In the abstractor the learned queries attend to patches and queries together, so no self-attention layer is needed; its
feed-forward net is gated (SwiGLU). The paper's vision encoder is CLIP's ViT-L/14; here it has the shape of
BLIP's (`nets/blip.py`) and starts from its weights. The language model is not a part of this module but an
argument, because several models share it and it has its own weight file.

Images are float32 NCHW in [-1, 1], 64 x 64.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.blip import BlipImageEncoder, ImageEncoderConfig
from telephone.nets.blip_2 import answer_instructions
from telephone.nets.checkpoint import tuples
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.layers import Attention
from telephone.nets.lora import Adapters
from telephone.nets.tokenizer import ChatTokenizer


@dataclass
class AbstractorConfig:
    """Shape of the visual abstractor."""

    queries: int = 34
    """Visual tokens; the recipe trains each to encode one fact: four of the scene, five of each of six cells."""
    layers: int = 3
    heads: int = 4
    inner: int = 432
    """Width of the gated feed-forward net: 8/3 of the encoder's, as many weights as an ungated net of 4."""


@dataclass
class AdapterConfig:
    """Layers of the language model with low-rank adapters, and their rank."""

    names: tuple[str, ...] = ("query", "value")
    rank: int = 8
    alpha: float = 16.0


@dataclass
class MplugOwlConfig:
    """Hyperparameters that determine the shapes of all weights."""

    image: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    abstractor: AbstractorConfig = field(default_factory=AbstractorConfig)
    adapters: AdapterConfig = field(default_factory=AdapterConfig)
    language_width: int = 192

    @classmethod
    def from_dict(cls, values: dict) -> "MplugOwlConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(
            ImageEncoderConfig(**tuples(values["image"])),
            AbstractorConfig(**values["abstractor"]),
            AdapterConfig(**tuples(values["adapters"])),
            values["language_width"],
        )


class AbstractorLayer(nn.Module):
    """Attention of the queries to patches and queries, then a gated feed-forward net."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        """Builds the layer; attention has biases, as in the paper's code."""
        super().__init__()
        self.norm_queries, self.norm_squares = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, None, heads, bias=True)
        self.norm = nn.LayerNorm(width)
        self.gate, self.grow = nn.Linear(width, inner), nn.Linear(width, inner)
        self.norm_inner = nn.LayerNorm(inner)
        self.shrink = nn.Linear(inner, width)

    def forward(
        self, x: Float[Tensor, "batch queries width"], patches: Float[Tensor, "batch patches width"]
    ) -> Float[Tensor, "batch queries width"]:
        """Returns the updated queries."""
        h = self.norm_queries(x)
        x = x + self.attention(h, torch.cat([self.norm_squares(patches), h], 1))
        h = self.norm(x)
        return x + self.shrink(self.norm_inner(F.silu(self.gate(h)) * self.grow(h)))


class VisualAbstractor(nn.Module):
    """Summarises the patches of an image in a few visual tokens of the language model's width."""

    def __init__(self, config: AbstractorConfig, width: int, patches: int, language_width: int) -> None:
        """Builds queries, layers and the projection.

        Args:
            config: number of queries, layers and heads.
            width: of the vision encoder's vectors, and of the queries.
            patches: number of vectors an image.
            language_width: of the language model.
        """
        super().__init__()
        self.config = config
        self.queries = nn.Parameter(torch.randn(config.queries, width) * 0.2)
        self.position = nn.Parameter(torch.randn(patches, width) * 0.02)
        self.layers = nn.ModuleList(AbstractorLayer(width, config.heads, config.inner) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, language_width)

    def query_features(self, patches: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch queries width"]:
        """Returns the queries' outputs before the projection to the language model's width."""
        x, keys = self.queries.expand(len(patches), -1, -1), patches + self.position
        for layer in self.layers:
            x = layer(x, keys)
        return self.norm(x)

    def forward(self, patches: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch tokens language"]:
        """Returns the visual tokens of the image, from its patch features."""
        return self.projection(self.query_features(patches))


class MplugOwl(nn.Module):
    """Vision encoder, visual abstractor, and the low-rank adapters of a separate language model."""

    def __init__(self, config: MplugOwlConfig, language_model: LanguageModel) -> None:
        """Builds the parts with fresh weights; of the language model only the shapes are used."""
        super().__init__()
        self.config = config
        self.image_encoder = BlipImageEncoder(config.image)
        patches = (config.image.image_size // 8) ** 2
        self.abstractor = VisualAbstractor(config.abstractor, config.image.width, patches, config.language_width)
        adapters = config.adapters
        self.adapters = Adapters(language_model, adapters.names, adapters.rank, adapters.alpha)

    def visual_tokens(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch tokens language"]:
        """Returns the visual tokens of each image in [-1, 1]."""
        return self.abstractor(self.image_encoder(x))


@dataclass(frozen=True)
class InstructionModel:
    """All parts for inference: the net, a language model with attached or merged adapters, and its tokenizer."""

    net: MplugOwl
    language_model: LanguageModel
    tokenizer: ChatTokenizer

    @torch.no_grad()
    def answer(
        self,
        x: Float[Tensor, "batch 3 H W"],
        instructions: Sequence[str],
        seeds: Sequence[int],
        how: Decoding | None = None,
    ) -> list[str]:
        """Returns the answer to each image's instruction.

        Args:
            x: images in [-1, 1].
            instructions: one an image, such as "What colour is the boat?".
            seeds: one an image.
            how: greedy by default.
        """
        tokens = self.net.visual_tokens(x)
        return answer_instructions(self.language_model, self.tokenizer, tokens, instructions, seeds, how or Decoding())
