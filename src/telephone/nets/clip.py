"""CLIP (Radford et al. 2021, arXiv 2103.00020) at pocket size: embeddings of images and texts in one space.

Two encoders (section 2.4) are trained so that the embeddings of an image and its text have a large cosine: a vision
transformer with a class token, and a causal transformer whose output at `<eos>` represents the text. Both outputs are
projected without bias, and the cosine is multiplied by a learned temperature (figure 3).

With `stem=()`, `convolutions=0` and `queries=0` these are the paper's encoders, numerically equal to
`transformers.CLIPModel`. The pocket ones put a few convolutions before each transformer, which learn from fewer samples
(Xiao et al. 2021, arXiv 2106.14881), and pool their outputs by attention with several learned queries, as the paper's
ResNets do with one (section 2.4): a single class token does not hold six things with their colours.

Images are float32 NCHW in [-1, 1], 64 x 64.
"""

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.checkpoint import tuples
from telephone.nets.layers import Attention, ResBlock, TransformerBlock
from telephone.nets.tokenizer import EOS, PAD

MAX_SCALE = math.log(100)
"""The logarithm of the temperature is clipped here (section 2.5)."""


@dataclass
class VisionConfig:
    """Shape of the image encoder."""

    image_size: int = 64
    patch: int = 8
    stem: tuple[int, ...] = (32, 64, 128)
    """Channels of the convolutions at 1/2, 1/4 and 1/8 of the resolution; () is the paper's linear patch embedding."""
    width: int = 160
    layers: int = 2
    heads: int = 4
    queries: int = 7
    """Queries of the attention pooling over patches; 0 is the paper's class token."""


@dataclass
class ClipTextConfig:
    """Shape of the text encoder."""

    words: tuple[str, ...] = ()
    """Vocabulary without special tokens."""
    max_tokens: int = 72
    width: int = 160
    layers: int = 3
    heads: int = 4
    convolutions: int = 2
    """Causal convolutions over the tokens before the transformer; 0 is the paper's."""
    queries: int = 7
    """Queries of the attention pooling over tokens; 0 is the paper's `<eos>`."""


@dataclass
class ClipConfig:
    """Hyperparameters that determine the shapes of all weights."""

    vision: VisionConfig = field(default_factory=VisionConfig)
    text: ClipTextConfig = field(default_factory=ClipTextConfig)
    embedding: int = 256
    """Width of the shared embedding space."""

    @classmethod
    def from_dict(cls, values: dict) -> "ClipConfig":
        """Returns the config from the plain values that JSON holds."""
        vision, text = VisionConfig(**tuples(values["vision"])), ClipTextConfig(**tuples(values["text"]))
        return cls(vision, text, values["embedding"])


class ClipBlock(nn.Module):
    """A pre-norm transformer layer with the paper's activation, x * sigmoid(1.702 x)."""

    def __init__(self, width: int, heads: int) -> None:
        """Builds attention (with biases) and the two-layer net, four times as wide."""
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, None, heads, bias=True)
        self.grow, self.shrink = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "batch n width"], causal: bool = False) -> Float[Tensor, "batch n width"]:
        """Returns the output sequence; `causal` lets each position attend to itself and earlier ones only."""
        h = self.norm1(x)
        x = x + self.attention.attend(h, self.attention.keys(h), causal=causal)
        h = self.grow(self.norm2(x))
        return x + self.shrink(h * torch.sigmoid(1.702 * h))


class AttentionPool(nn.Module):
    """Attention pooling: learned queries attend to a sequence; all their outputs are projected to one embedding."""

    def __init__(self, width: int, heads: int, queries: int, embedding: int) -> None:
        """Builds queries, one layer of cross-attention and the projection."""
        super().__init__()
        self.queries = nn.Parameter(torch.randn(queries, width) * 0.2)
        self.block = TransformerBlock(width, heads, width)
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(queries * width, embedding, bias=False)

    def forward(
        self, x: Float[Tensor, "batch n width"], mask: Bool[Tensor, "batch n"] | None = None
    ) -> Float[Tensor, "batch embedding"]:
        """Returns one vector a sequence; `mask` is true at valid positions."""
        return self.projection(self.query_features(x, mask).flatten(1))

    def query_features(
        self, x: Float[Tensor, "batch n width"], mask: Bool[Tensor, "batch n"] | None = None
    ) -> Float[Tensor, "batch queries width"]:
        """Returns the outputs of the queries, before the projection."""
        return self.norm(self.block(self.queries.expand(len(x), -1, -1), x, context_mask=mask))


class ClipImageEncoder(nn.Module):
    """Maps an image to one embedding, from its class token or by attention pooling."""

    def __init__(self, config: VisionConfig, embedding: int) -> None:
        """Builds stem, transformer and projection."""
        super().__init__()
        self.config = config
        width = config.width
        self.stem = _stem(config)
        patches = (config.image_size // config.patch) ** 2
        self.class_token = None if config.queries else nn.Parameter(torch.randn(width) * 0.02)
        self.position = nn.Parameter(torch.randn(patches + (not config.queries), width) * 0.02)
        self.norm_before = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ClipBlock(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.projection = _pool(config, embedding)

    def features(self, x: Float[Tensor, "batch 3 H W"]) -> list[Float[Tensor, "batch c h w"]]:
        """Returns the feature maps of the stem's stages, the finest first."""
        maps = []
        for stage in self.stem:
            x = stage(x)
            maps.append(x)
        return maps

    def sequence(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch n width"]:
        """Returns the last layer's vectors: the class token if there is one, then the patches, row by row."""
        h = self.features(x)[-1].flatten(2).transpose(1, 2)
        if self.class_token is not None:
            h = torch.cat([self.class_token.expand(len(x), 1, -1), h], dim=1)
        h = self.norm_before(h + self.position)
        for block in self.blocks:
            h = block(h)
        return h

    def query_features(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch queries width"]:
        """Returns the outputs of the queries, before the projection.

        Raises:
            ValueError: this encoder has a class token instead of queries.
        """
        if not isinstance(self.projection, AttentionPool):
            raise ValueError("this encoder has no queries: set `queries` in its config")
        return self.projection.query_features(self.norm(self.sequence(x)))

    def forward(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch embedding"]:
        """Returns the embedding, not normalised."""
        sequence = self.norm(self.sequence(x))
        return self.projection(sequence if self.class_token is None else sequence[:, 0])


def _pool(config: VisionConfig | ClipTextConfig, embedding: int) -> nn.Module:
    if config.queries:
        return AttentionPool(config.width, config.heads, config.queries, embedding)
    return nn.Linear(config.width, embedding, bias=False)


def _stem(config: VisionConfig) -> nn.ModuleList:
    width, patch = config.width, config.patch
    if not config.stem:
        return nn.ModuleList([nn.Conv2d(3, width, patch, stride=patch, bias=False)])
    a, b, c = config.stem
    return nn.ModuleList(
        [
            nn.Sequential(nn.Conv2d(3, a, 4, stride=2, padding=1), nn.GroupNorm(8, a), nn.SiLU()),
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), ResBlock(b, b)),
            nn.Sequential(nn.Conv2d(b, c, 3, stride=2, padding=1), ResBlock(c, c), ResBlock(c, c)),
            nn.Conv2d(c, width, 1),
        ]
    )


class ClipTextEncoder(nn.Module):
    """Maps a text to one embedding, from its `<eos>` or by attention pooling."""

    def __init__(self, config: ClipTextConfig, embedding: int) -> None:
        """Builds embeddings, convolutions, the causal transformer and the projection."""
        super().__init__()
        self.config = config
        width = config.width
        self.token = nn.Embedding(len(config.words) + 4, width)
        nn.init.normal_(self.token.weight, std=0.1 if config.convolutions else 0.02)
        self.position = nn.Parameter(torch.randn(config.max_tokens, width) * 0.01)
        self.near = nn.ModuleList(nn.Conv1d(width, width, 5) for _ in range(config.convolutions))
        self.blocks = nn.ModuleList(ClipBlock(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.projection = _pool(config, embedding)

    def sequence(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch n width"]:
        """Returns one vector a token after the last norm; each depends on the tokens up to its own."""
        x = self.token(tokens)
        for near in self.near:
            x = x + F.gelu(near(F.pad(x.transpose(1, 2), (4, 0)))).transpose(1, 2)
        x = x + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, causal=True)
        return self.norm(x)

    def query_features(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch queries width"]:
        """Returns the outputs of the queries, before the projection.

        Raises:
            ValueError: this encoder uses its `<eos>` instead of queries.
        """
        if not isinstance(self.projection, AttentionPool):
            raise ValueError("an encoder that reads its <eos> gathers nothing: give it `queries`")
        return self.projection.query_features(self.sequence(tokens), tokens != PAD)

    def pool(
        self, sequence: Float[Tensor, "batch n width"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, "batch embedding"]:
        """Returns the embedding by attention pooling, or the projected vector of the first `<eos>`."""
        if self.config.queries:
            return self.projection(sequence, tokens != PAD)
        ends = (tokens == EOS).int().argmax(dim=1)
        return self.projection(sequence[torch.arange(len(tokens), device=tokens.device), ends])

    def forward(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch embedding"]:
        """Returns the embedding, not normalised."""
        return self.pool(self.sequence(tokens), tokens)


class Clip(nn.Module):
    """Both encoders and the temperature."""

    def __init__(self, config: ClipConfig) -> None:
        """Builds the encoders with fresh weights; the temperature starts at 0.07 (section 2.5)."""
        super().__init__()
        self.config = config
        self.image_encoder = ClipImageEncoder(config.vision, config.embedding)
        self.text_encoder = ClipTextEncoder(config.text, config.embedding)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def encode_image(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch embedding"]:
        """Returns embeddings of images in [-1, 1], not normalised."""
        return self.image_encoder(x)

    def encode_text(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch embedding"]:
        """Returns embeddings of texts, not normalised."""
        return self.text_encoder(tokens)

    def text_sequence(
        self, tokens: Int[Tensor, "batch n"]
    ) -> tuple[Float[Tensor, "batch n width"], Float[Tensor, "batch embedding"]]:
        """Returns a vector for each token, and the embedding of the text; unCLIP's priors use both."""
        sequence = self.text_encoder.sequence(tokens)
        return sequence, self.text_encoder.pool(sequence, tokens)

    def image_features(self, x: Float[Tensor, "batch 3 H W"]) -> list[Float[Tensor, "batch c h w"]]:
        """Returns the stem's maps at 1/2, 1/4 and 1/8 of the resolution, for perceptual losses."""
        return self.image_encoder.features(x)[: len(self.config.vision.stem)]

    def scale(self) -> Float[Tensor, ""]:
        """Returns the factor that cosines are multiplied by, at most 100."""
        return self.logit_scale.clamp(max=MAX_SCALE).exp()

    def forward(
        self, x: Float[Tensor, "images 3 H W"], tokens: Int[Tensor, "texts n"]
    ) -> Float[Tensor, "images texts"]:
        """Returns the scaled cosines of every image with every text (figure 3: `logits`)."""
        return similarity(self.encode_image(x), self.encode_text(tokens)) * self.scale()


def similarity(
    images: Float[Tensor, "images embedding"], texts: Float[Tensor, "texts embedding"]
) -> Float[Tensor, "images texts"]:
    """Returns the cosines in [-1, 1] of every image with every text."""
    return F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T


def contrastive_loss(logits: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    """Returns the symmetric cross-entropy with targets on the diagonal (figure 3: `loss`)."""
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def retrieval(logits: Float[Tensor, "n n"], k: int = 1) -> tuple[float, float]:
    """Returns R@k from images to texts and back, in [0, 1]: how often the right one is among the k nearest.

    Ties count against the right one, so a constant embedding scores 0.
    """

    def recall(rows: Tensor) -> float:
        right = rows.diagonal()[:, None]
        others = ~torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        above: Bool[Tensor, "n n"] = (rows >= right) & others
        return float((above.sum(1) < k).float().mean())

    return recall(logits), recall(logits.T)


@torch.no_grad()
def zero_shot(
    clip: Clip, x: Float[Tensor, "images 3 H W"], classes: list[Int[Tensor, "_ _"]]
) -> Float[Tensor, "images classes"]:
    """Returns the probability of each class for each image (section 3.1.2).

    Args:
        clip: the trained model.
        x: images.
        classes: for each class the tokens of its prompts, such as "a drawing of a cat."; the embeddings of several
            prompts are averaged (section 3.1.4).
    """
    texts = [F.normalize(clip.encode_text(tokens), dim=-1).mean(0) for tokens in classes]
    return (similarity(clip.encode_image(x), torch.stack(texts)) * clip.scale()).softmax(dim=-1)
