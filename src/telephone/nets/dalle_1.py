"""DALL-E (Ramesh et al. 2021, arXiv 2102.12092) at pocket size: one transformer of text tokens and image codes.

A sequence is a start token, the byte pairs of a text, padded to a fixed length, and the codes of an image row by row.
The transformer predicts each token from those before it. Padding is learned: each text position has a padding token of
its own (section 2.2). Codes are those of a dVAE (`dvae.py`).

All positions attend to the text before them. What an image code attends to of the image depends on the layer (section
2.2, figure 11): the codes since the same column of the previous row, its column, or, in the last layer, a square of
11 x 11 codes. The masks are static and boolean, over dense attention: with 256 codes nothing is gained by sparse
kernels.

The blocks are GPT-2's, numerically equal to those of `transformers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.byte_pairs import BYTES, BytePairTokenizer
from telephone.nets.dvae import Dvae
from telephone.nets.layers import Attention, KeysValues, KeyValueCache

ROW, COLUMN, CONVOLUTION = "row", "column", "convolution"
KERNEL = 11
"""Height and width of the square of the convolutional attention."""


@dataclass(frozen=True)
class BytePairConfig:
    """The tokenizer, and the length of texts."""

    merges: tuple[tuple[int, int], ...] = ()
    max_tokens: int = 64
    """Tokens of a text; longer ones are cut, shorter ones padded."""

    @property
    def tokens(self) -> int:
        """Number of tokens: byte pairs, one padding token a position, and the start token."""
        return BYTES + len(self.merges) + self.max_tokens + 1


@dataclass(frozen=True)
class Dalle1Config:
    """Hyperparameters that determine the shapes of all weights."""

    text: BytePairConfig = field(default_factory=BytePairConfig)
    codes: int = 512
    """Number of codes of the dVAE."""
    size: int = 16
    """Height and width of the grid of codes."""
    width: int = 192
    heads: int = 4
    layers: int = 6
    expand: int = 4
    """Hidden width of the two-layer nets, in multiples of `width`."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Dalle1Config":
        """Returns the config from the plain values that JSON holds."""
        text = {**values["text"], "merges": tuple((left, right) for left, right in values["text"]["merges"])}
        return cls(BytePairConfig(**text), **{name: value for name, value in values.items() if name != "text"})


# --- attention masks ------------------------------------------------------------------------------------------------


def attention_kinds(layers: int) -> list[str]:
    """Returns the kind of each layer: row, column, row, row, and so on; the last is convolutional (section 2.2)."""
    pattern = (ROW, COLUMN, ROW, ROW)
    return [*(pattern[layer % 4] for layer in range(layers - 1)), CONVOLUTION]


def image_mask(kind: str, size: int, kernel: int = KERNEL) -> Bool[Tensor, "codes codes"]:
    """Returns which codes each code attends to: always itself and earlier ones in the order of rows.

    Args:
        kind: `row`, the last `size` codes, back to the one above; `column`, those above in the same column;
            `convolution`, a square of `kernel` x `kernel` around the code, which wraps around at the sides.
        size: height and width of the grid.
        kernel: an odd number.

    Raises:
        ValueError: there is no such kind.
    """
    position = torch.arange(size * size)
    back = position[:, None] - position[None, :]
    if kind == ROW:
        near = back <= size
    elif kind == COLUMN:
        near = back % size == 0
    elif kind == CONVOLUTION:
        # With wrapping, a place in the square is a distance in the order of rows: down rows and right columns.
        reach = kernel // 2
        places = {down * size + right for down in range(reach + 1) for right in range(-reach, reach + 1)}
        near = torch.isin(back, torch.tensor(sorted(places)))
    else:
        raise ValueError(f"There is no attention of kind {kind!r}.")
    return near & (back >= 0)


def sequence_mask(kind: str, text: int, size: int, kernel: int = KERNEL) -> Bool[Tensor, "n n"]:
    """Returns the mask of whole sequences: text is causal, and the image attends to all text and by `image_mask`.

    Args:
        kind: of the image's attention.
        text: number of tokens before the image, the start token included.
        size: height and width of the grid; the last code is no input, as nothing follows it.
        kernel: as in `image_mask`.
    """
    length = text + size * size - 1
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask[text:, text:] = image_mask(kind, size, kernel)[:-1, :-1]
    return mask


# --- the net --------------------------------------------------------------------------------------------------------


class GptBlock(nn.Module):
    """Self-attention by a mask and a two-layer net, each pre-normalised and residual (GPT-2)."""

    def __init__(self, config: Dalle1Config) -> None:
        """Builds the layer."""
        super().__init__()
        width = config.width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, None, config.heads, bias=True)
        self.grow, self.shrink = nn.Linear(width, config.expand * width), nn.Linear(config.expand * width, width)

    def forward(
        self, x: Float[Tensor, "batch n width"], mask: Bool[Tensor, "n m"], past: KeyValueCache | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Returns the outputs of the given positions.

        Args:
            x: all positions, or with `past` the newest ones.
            mask: true where a position (row) attends to another, earlier ones included.
            past: keys and values of earlier positions, extended by this call.
        """
        h = self.norm1(x)
        keys = self.attention.keys(h)
        if past is not None:
            keys = past.add(keys)
        x = x + self._attend(h, keys, mask)
        return x + self.shrink(F.gelu(self.grow(self.norm2(x))))

    def _attend(self, h: Tensor, keys: KeysValues, mask: Tensor) -> Tensor:
        query = self.attention.query(h).unflatten(-1, (self.attention.heads, -1)).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, *keys, attn_mask=mask)
        return self.attention.out(found.transpose(1, 2).flatten(2))


class Dalle1(nn.Module):
    """The transformer of texts and codes."""

    masks: Tensor

    def __init__(self, config: Dalle1Config) -> None:
        """Builds the parts with fresh weights; embeddings and outputs of tokens are separate."""
        super().__init__()
        self.config = config
        width, limit = config.width, config.text.max_tokens
        self.kinds = attention_kinds(config.layers)
        found = [sequence_mask(kind, limit + 1, config.size) for kind in self.kinds]
        self.register_buffer("masks", torch.stack(found), persistent=False)
        self.token = nn.Embedding(config.text.tokens, width)
        self.code = nn.Embedding(config.codes, width)
        self.text_position = nn.Parameter(torch.zeros(limit + 1, width))
        self.row = nn.Parameter(torch.zeros(config.size, width))
        self.column = nn.Parameter(torch.zeros(config.size, width))
        self.blocks = nn.ModuleList(GptBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.text_out = nn.Linear(width, config.text.tokens)
        self.code_out = nn.Linear(width, config.codes)
        for weight in (self.token.weight, self.code.weight, self.text_position, self.row, self.column):
            nn.init.normal_(weight, std=0.02)

    @property
    def grid(self) -> int:
        """Number of codes of an image."""
        return self.config.size**2

    def inputs(
        self, tokens: Int[Tensor, "batch text"], codes: Int[Tensor, "batch given"]
    ) -> Float[Tensor, "batch n width"]:
        """Returns the input vectors of a start token, a text and the first codes of an image."""
        places = (self.row[:, None] + self.column[None]).flatten(0, 1)
        start = tokens.new_full((len(tokens), 1), self.config.text.tokens - 1)
        text = self.token(torch.cat([start, tokens], dim=1)) + self.text_position
        return torch.cat([text, self.code(codes) + places[: codes.shape[1]]], dim=1)

    def forward(
        self, tokens: Int[Tensor, "batch text"], codes: Int[Tensor, "batch codes"]
    ) -> tuple[Float[Tensor, "batch text tokens"], Float[Tensor, "batch codes k"]]:
        """Returns the logits of each text token and of each code, given those before it.

        Args:
            tokens: padded texts, from `text_tokens`.
            codes: whole images.
        """
        x = self.inputs(tokens, codes[:, :-1])
        for block, mask in zip(self.blocks, self.masks, strict=True):
            x = block(x, mask)
        text, image = self.norm(x).split([tokens.shape[1], self.grid], dim=1)
        return self.text_out(text), self.code_out(image)

    @torch.no_grad()
    def sample(
        self,
        tokens: Int[Tensor, "batch text"],
        seeds: Sequence[int],
        how: "CodeDraws | None" = None,
        given: Int[Tensor, "batch known"] | None = None,
    ) -> Int[Tensor, "batch h w"]:
        """Draws the codes of one image a text; an image depends on its own seed, independent of the batch.

        Args:
            tokens: padded texts, from `text_tokens`.
            seeds: one a text.
            how: options.
            given: the first codes of each image, which are kept and completed; None draws all.

        Raises:
            ValueError: more codes are given than an image has.
        """
        how = how or CodeDraws()
        known = tokens.new_zeros(len(tokens), 0) if given is None else given
        if known.shape[1] > self.grid:
            raise ValueError(f"{known.shape[1]} codes are given, but an image has {self.grid}.")
        noise = gumbel_noise((self.grid, self.config.codes), seeds).to(self.code.weight.device)
        codes = torch.cat([known, known.new_zeros(len(known), self.grid - known.shape[1])], dim=1)
        step = _CachedSteps(self)
        # One code may be given too many: the last one predicts nothing.
        x = self.inputs(tokens, known[:, : self.grid - 1])
        for position in range(known.shape[1], self.grid):
            codes[:, position] = pick(step(x), noise[:, position], how)
            row, column = divmod(position, self.config.size)
            x = (self.code(codes[:, position]) + self.row[row] + self.column[column])[:, None]
        return codes.unflatten(1, (self.config.size, self.config.size))


class _CachedSteps:
    """Decoding steps with cached keys and values of earlier positions."""

    def __init__(self, net: Dalle1) -> None:
        """Starts without earlier positions."""
        self.net, self.length = net, 0
        self.pasts = [KeyValueCache() for _ in net.blocks]

    def __call__(self, x: Float[Tensor, "batch new width"]) -> Float[Tensor, "batch codes"]:
        """Returns the logits of the code after the newest positions."""
        end = self.length + x.shape[1]
        for block, mask, past in zip(self.net.blocks, self.net.masks, self.pasts, strict=True):
            x = block(x, mask[self.length : end, :end], past)
        self.length = end
        logits: Tensor = self.net.code_out(self.net.norm(x[:, -1]))
        return logits


# --- texts ----------------------------------------------------------------------------------------------------------


def text_tokens(
    tokenizer: BytePairTokenizer,
    texts: Sequence[str],
    limit: int,
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> Int[Tensor, "batch limit"]:
    """Returns the tokens of texts, cut to the limit; position i is padded with the token len(tokenizer) + i.

    Args:
        tokenizer: of byte pairs.
        texts: any texts.
        limit: `max_tokens` of the config.
        dropout: BPE dropout; 0.1 in training (section 2.2), 0 afterwards.
        rng: draws the dropout.
    """
    rows = np.tile(len(tokenizer) + np.arange(limit), (len(texts), 1))
    for row, text in zip(rows, texts, strict=True):
        tokens = tokenizer.encode(text, dropout, rng)[:limit]
        row[: len(tokens)] = tokens
    return torch.from_numpy(rows)


def sequence_losses(
    net: Dalle1,
    tokens: Int[Tensor, "batch text"],
    codes: Int[Tensor, "batch codes"],
    weight: Float[Tensor, "batch codes"] | None = None,
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Returns the mean cross-entropy of text tokens and of codes, in nats; the paper's loss is 1/8 and 7/8 of them.

    Text counts up to its first padding token, which ends it: further ones follow from their position.

    Args:
        net: predicts them.
        tokens: padded texts.
        codes: of whole images.
        weight: of the codes; None weighs all alike.
    """
    text, image = net(tokens, codes)
    padding = tokens >= net.config.text.tokens - 1 - net.config.text.max_tokens
    counted = (padding.cumsum(1) <= 1).flatten()
    text_loss = F.cross_entropy(text.float().flatten(0, 1)[counted], tokens.flatten()[counted])
    apart = F.cross_entropy(image.float().flatten(0, 1), codes.flatten(), reduction="none").view(codes.shape)
    return text_loss, apart.mean() if weight is None else (apart * weight).sum() / weight.sum()


# --- sampling -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CodeDraws:
    """Options of sampling."""

    temperature: float = 1.0
    """Divides the logits; 0 takes the most likely code."""
    top_k: int = 0
    """Only the k most likely codes are drawn; 0 allows all."""


def pick(
    logits: Float[Tensor, "batch codes"], noise: Float[Tensor, "batch codes"], how: CodeDraws
) -> Int[Tensor, " batch"]:
    """Draws one code a row with Gumbel noise, which is the same as drawing from the softmax (Gumbel 1954)."""
    if how.temperature <= 0:
        return logits.argmax(-1)
    if 0 < how.top_k < logits.shape[-1]:
        least = logits.topk(how.top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    return (logits / how.temperature + noise).argmax(-1)


def gumbel_noise(shape: tuple[int, ...], seeds: Sequence[int]) -> Float[Tensor, "batch ..."]:
    """Returns Gumbel noise [batch, *shape], each row from its own seed."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    uniform = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
    return -(-uniform.clamp(1e-7, 1 - 1e-7).log()).log()


@torch.no_grad()
def draw(
    net: Dalle1,
    dvae: Dvae,
    tokens: Int[Tensor, "batch text"],
    seeds: Sequence[int],
    how: CodeDraws | None = None,
    top: Int[Tensor, "batch rows w"] | None = None,
) -> Float[Tensor, "batch 3 H W"]:
    """Draws one image for each text, in [-1, 1].

    Args:
        net: draws the codes.
        dvae: decodes them.
        tokens: padded texts.
        seeds: one a text.
        how: options of sampling.
        top: the codes of the first rows of each image, which are kept.
    """
    return dvae.decode_codes(net.sample(tokens, seeds, how, None if top is None else top.flatten(1)))
