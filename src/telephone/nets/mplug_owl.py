"""mPLUG-Owl (Ye et al. 2023, arXiv 2304.14178) at pocket size: a language model that is given eyes, module by module.

Three modules (section 3.1): a vision encoder makes a picture into vectors of its patches; a *visual abstractor* sums
them up in a few learned tokens; a language model reads these where words of an image's description might stand, and
answers an instruction. Two stages of training (section 3.2): first the vision encoder and the abstractor, while the
language model is frozen; then low-rank adapters (LoRA, `nets/lora.py`) on the language model, the rest frozen.

In the abstractor the learned queries look at patches and queries together, so that no layer of self-attention is
needed; its feed-forward net is gated (SwiGLU). The paper's vision encoder is CLIP's ViT-L/14; here it has the shape of
BLIP's (`nets/blip.py`) and starts from its weights. The language model is not a part of this module but is handed to
it, because it is shared with other players and kept in a file of its own.

Pictures are float32 NCHW in [-1, 1], 64 x 64.
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
    """Tokens that sum up a picture; the recipe asks each for one fact: four of the scene, five of each of six cells."""
    layers: int = 3
    heads: int = 4
    inner: int = 432
    """Width of the gated feed-forward net: 8/3 of the encoder's, so that it has as many weights as one of 4."""


@dataclass
class AdapterConfig:
    """Which layers of the language model are tuned, and how much they can change."""

    names: tuple[str, ...] = ("query", "value")
    rank: int = 8
    alpha: float = 16.0


@dataclass
class MplugOwlConfig:
    """Everything that decides the shape of the weights."""

    image: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    abstractor: AbstractorConfig = field(default_factory=AbstractorConfig)
    adapters: AdapterConfig = field(default_factory=AdapterConfig)
    language_width: int = 192

    @classmethod
    def from_dict(cls, values: dict) -> "MplugOwlConfig":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        return cls(
            ImageEncoderConfig(**tuples(values["image"])),
            AbstractorConfig(**values["abstractor"]),
            AdapterConfig(**tuples(values["adapters"])),
            values["language_width"],
        )


class AbstractorLayer(nn.Module):
    """The queries look at patches and queries, then each thinks for itself."""

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
        """Returns the queries, wiser."""
        h = self.norm_queries(x)
        x = x + self.attention(h, torch.cat([self.norm_squares(patches), h], 1))
        h = self.norm(x)
        return x + self.shrink(self.norm_inner(F.silu(self.gate(h)) * self.grow(h)))


class VisualAbstractor(nn.Module):
    """Sums up the patches of a picture in a few tokens of the language model's width."""

    def __init__(self, config: AbstractorConfig, width: int, patches: int, language_width: int) -> None:
        """Builds queries, layers and the projection.

        Args:
            config: number of queries, layers and heads.
            width: of the vision encoder's vectors, and of the queries.
            patches: number of vectors a picture.
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
        """Returns what the queries have gathered, before it is brought to the language model's width."""
        x, seen = self.queries.expand(len(patches), -1, -1), patches + self.position
        for layer in self.layers:
            x = layer(x, seen)
        return self.norm(x)

    def forward(self, patches: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch tokens language"]:
        """Returns the tokens that stand for the picture."""
        return self.projection(self.query_features(patches))


class MplugOwl(nn.Module):
    """Vision encoder, visual abstractor, and the low-rank adapters of a language model that is kept elsewhere."""

    def __init__(self, config: MplugOwlConfig, language_model: LanguageModel) -> None:
        """Builds the parts with fresh weights; of the language model only the shape is looked at."""
        super().__init__()
        self.config = config
        self.image_encoder = BlipImageEncoder(config.image)
        patches = (config.image.image_size // 8) ** 2
        self.abstractor = VisualAbstractor(config.abstractor, config.image.width, patches, config.language_width)
        adapters = config.adapters
        self.adapters = Adapters(language_model, adapters.names, adapters.rank, adapters.alpha)

    def visual_tokens(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch tokens language"]:
        """Returns the tokens that stand for each picture."""
        return self.abstractor(self.image_encoder(x))


@dataclass(frozen=True)
class InstructionModel:
    """All that it takes to answer: eyes, a language model that the adapters are attached to or merged into, words."""

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
        """Returns what is said to each picture's instruction.

        Args:
            x: pictures in [-1, 1].
            instructions: one a picture, such as "What colour is the boat?".
            seeds: one a picture.
            how: greedy by default.
        """
        seen = self.net.visual_tokens(x)
        return answer_instructions(self.language_model, self.tokenizer, seen, instructions, seeds, how or Decoding())
