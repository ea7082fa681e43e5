"""BLIP (Li et al. 2022, arXiv 2201.12086) at pocket size: contrast, matching and captioning in one model.

An image encoder, and a *multimodal mixture of encoder-decoder* (section 3.1) that is used in three ways: as a text
encoder (contrastive loss, ITC), as an image-grounded text encoder (matching loss, ITM, with hard negatives) and as an
image-grounded text decoder (language modelling loss, LM). Encoder and decoder share everything but the self-attention
(section 3.2). Left out: the momentum encoder with its queue (batches here hold no false negatives to soften), and the
filter-and-caption bootstrapping of section 3.3 (training captions have no noise here). The image encoder starts with a
few convolutions, which learn faster from few small images than a linear patch embedding (Xiao et al. 2021, arXiv
2106.14881).

Images are float32 NCHW in [-1, 1], 64 x 64.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.checkpoint import tuples
from telephone.nets.generation import Decoding, generate
from telephone.nets.layers import Attention, KeysValues, KeyValueCache, ResBlock, TransformerBlock
from telephone.nets.tokenizer import PAD


@dataclass
class ImageEncoderConfig:
    """Shape of the image encoder."""

    image_size: int = 64
    stem: tuple[int, int, int] = (32, 64, 128)
    """Channels at a half, a quarter and an eighth of the resolution."""
    width: int = 160
    layers: int = 3
    heads: int = 4


@dataclass
class BlipTextConfig:
    """Shape of the mixture of encoder-decoder."""

    words: tuple[str, ...] = ()
    """Vocabulary without special tokens."""
    max_tokens: int = 72
    width: int = 160
    layers: int = 3
    heads: int = 4
    embedding: int = 96
    """Width of the shared embedding space."""


@dataclass
class BlipConfig:
    """Hyperparameters that determine the shapes of all weights."""

    image: ImageEncoderConfig = field(default_factory=ImageEncoderConfig)
    text: BlipTextConfig = field(default_factory=BlipTextConfig)

    @classmethod
    def from_dict(cls, values: dict) -> "BlipConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(ImageEncoderConfig(**tuples(values["image"])), BlipTextConfig(**tuples(values["text"])))


class BlipImageEncoder(nn.Module):
    """Maps an image to one vector for each 8 x 8 patch."""

    def __init__(self, config: ImageEncoderConfig) -> None:
        """Builds the convolutional stem and the transformer."""
        super().__init__()
        self.config = config
        a, b, c = config.stem
        self.stem = nn.Sequential(
            nn.Conv2d(3, a, 4, stride=2, padding=1), nn.GroupNorm(8, a), nn.SiLU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1), ResBlock(b, b), ResBlock(b, b),
            nn.Conv2d(b, c, 3, stride=2, padding=1), ResBlock(c, c),
            nn.Conv2d(c, config.width, 1),
        )  # fmt: skip
        patches = (config.image_size // 8) ** 2
        self.position = nn.Parameter(torch.randn(patches, config.width) * 0.02)
        self.blocks = nn.ModuleList(TransformerBlock(config.width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, x: Float[Tensor, "batch 3 H W"]) -> Float[Tensor, "batch patches width"]:
        """Returns one vector a patch, row by row, from images in [-1, 1]."""
        h = self.stem(x).flatten(2).transpose(1, 2) + self.position
        for block in self.blocks:
            h = block(h)
        return self.norm(h)


class MixtureBlock(nn.Module):
    """A layer of the mixture: a bidirectional and a causal self-attention; everything else is shared."""

    def __init__(self, config: BlipTextConfig, image_width: int) -> None:
        """Builds the layer."""
        super().__init__()
        width = config.width
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.bidirectional = Attention(width, None, config.heads)
        self.causal = Attention(width, None, config.heads)
        self.cross = Attention(width, image_width, config.heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def encode(
        self,
        x: Float[Tensor, "batch n width"],
        mask: Bool[Tensor, "batch n"],
        image: Float[Tensor, "batch patches image_width"] | None,
    ) -> Float[Tensor, "batch n width"]:
        """Encodes a whole text, with cross-attention to an image or without."""
        x = x + self.bidirectional(self.norm1(x), mask=mask)
        if image is not None:
            x = x + self.cross(self.norm2(x), image)
        return x + self.mlp(self.norm3(x))

    def decode(
        self, x: Float[Tensor, "batch n width"], image: KeysValues, past: KeyValueCache | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Decodes: each position attends to itself, earlier ones and the image; `past` caches earlier positions."""
        h = self.norm1(x)
        keys = self.causal.keys(h)
        if past is not None:
            keys = past.add(keys)
        x = x + self.causal.attend(h, keys, causal=past is None)
        x = x + self.cross.attend(self.norm2(x), image)
        return x + self.mlp(self.norm3(x))


class Blip(nn.Module):
    """Image encoder and mixture of encoder-decoder."""

    def __init__(self, config: BlipConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        text, image = config.text, config.image
        self.image_encoder = BlipImageEncoder(image)
        self.token = nn.Embedding(len(text.words) + 4, text.width)
        self.position = nn.Parameter(torch.randn(text.max_tokens, text.width) * 0.02)
        self.blocks = nn.ModuleList(MixtureBlock(text, image.width) for _ in range(text.layers))
        self.norm = nn.LayerNorm(text.width)
        self.image_projection = nn.Linear(image.width, text.embedding)
        self.text_projection = nn.Linear(text.width, text.embedding)
        self.temperature = nn.Parameter(torch.tensor(0.07).log())
        self.match_head = nn.Linear(text.width, 2)
        nn.init.normal_(self.token.weight, std=0.05)

    def embed_image(self, patches: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch embedding"]:
        """Returns unit-length embeddings of images from their patch features."""
        return F.normalize(self.image_projection(patches.mean(1)), dim=-1)

    def encode_text(
        self, tokens: Int[Tensor, "batch n"], image: Float[Tensor, "batch patches width"] | None = None
    ) -> Float[Tensor, "batch width"]:
        """Returns the vector of `<bos>` of an encoded text, grounded in the image if there is one."""
        mask = tokens != PAD
        x = self.token(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block.encode(x, mask, image)
        return self.norm(x[:, 0])

    def embed_text(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch embedding"]:
        """Returns unit-length embeddings of texts."""
        return F.normalize(self.text_projection(self.encode_text(tokens)), dim=-1)

    def itc_loss(
        self, patches: Float[Tensor, "batch patches width"], tokens: Int[Tensor, "batch n"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch batch"]]:
        """Returns the contrastive loss (section 3.2) and the similarities [images, texts]."""
        scale = (-self.temperature).exp().clamp(max=100)
        similarity = self.embed_image(patches) @ self.embed_text(tokens).T * scale
        target = torch.arange(len(similarity), device=similarity.device)
        return (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2, similarity

    def itm_loss(
        self,
        patches: Float[Tensor, "batch patches width"],
        tokens: Int[Tensor, "batch n"],
        similarity: Float[Tensor, "batch batch"],
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """Returns the matching loss: true pairs against hard negatives, drawn by their similarity (section 3.2)."""
        n = len(tokens)
        chances = (similarity.detach().softmax(1) + 1e-6).fill_diagonal_(0).cpu()
        wrong = torch.multinomial(chances, 1, generator=generator)[:, 0].to(tokens.device)
        grounded = self.encode_text(torch.cat([tokens, tokens[wrong]]), torch.cat([patches, patches]))
        target = torch.arange(2 * n, device=tokens.device).lt(n).long()
        return F.cross_entropy(self.match_head(grounded), target)

    def lm_loss(
        self, patches: Float[Tensor, "batch patches width"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, ""]:
        """Returns the cross-entropy of each word given the words before it and the image."""
        x = self.token(tokens[:, :-1]) + self.position[: tokens.shape[1] - 1]
        for block in self.blocks:
            x = block.decode(x, block.cross.keys(patches))
        logits = self.norm(x) @ self.token.weight.T
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD)

    @torch.no_grad()
    def caption(
        self, x: Float[Tensor, "batch 3 H W"], seeds: Sequence[int], how: Decoding | None = None
    ) -> Int[Tensor, "batch n"]:
        """Generates a caption of each image in [-1, 1]; returns its tokens without `<bos>`."""
        return self.caption_features(self.image_encoder(x), seeds, how)

    @torch.no_grad()
    def caption_features(
        self, patches: Float[Tensor, "batch patches width"], seeds: Sequence[int], how: Decoding | None = None
    ) -> Int[Tensor, "batch n"]:
        """Generates captions as `caption` does, from patch features of the image encoder."""
        how = how or Decoding()
        limit = min(how.limit, self.config.text.max_tokens - 1)
        return generate(_DecoderStep(self, patches), seeds, replace(how, limit=limit))


class _DecoderStep:
    """One decoding step, with cached keys and values of the image and of earlier tokens."""

    def __init__(self, net: Blip, patches: Float[Tensor, "batch patches width"]) -> None:
        """Computes keys and values of the image."""
        self.net = net
        self.images = [block.cross.keys(patches) for block in net.blocks]
        self.pasts = [KeyValueCache() for _ in net.blocks]

    def __call__(self, token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
        """Returns logits of the next token."""
        net = self.net
        h = net.token(token.to(net.position.device))[:, None] + net.position[position]
        for block, image, past in zip(net.blocks, self.images, self.pasts, strict=True):
            h = block.decode(h, image, past)
        return (net.norm(h[:, 0]) @ net.token.weight.T).cpu()

    def reorder(self, rows: Int[Tensor, " other"]) -> None:
        """Reorders the cache along the batch."""
        self.images = [(keys[rows], values[rows]) for keys, values in self.images]
        for past in self.pasts:
            past.reorder(rows)
