"""The Q-Former of BLIP-2 (Li et al. 2023, arXiv 2301.12597, section 3): queries on image features.

A transformer as in BERT (post-norm) over two kinds of positions: learned queries, which attend to the frozen image
features by cross-attention, and tokens, which reach the image only through the queries. Both share the self-attention
and have separate two-layer nets. The attention mask differs between the three objectives (figure 2): queries and tokens
separate (contrastive, ITC), all to all (matching, ITM), and tokens to the queries and to earlier tokens (generation,
ITG). As in BLIP, hard negatives for ITM are drawn by similarity.

The image is a sequence of vectors, one for each 8 x 8 square of an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.checkpoint import tuples
from telephone.nets.generation import Decoding, generate
from telephone.nets.layers import Attention, KeysValues
from telephone.nets.tokenizer import PAD


@dataclass
class QFormerConfig:
    """Shape of the Q-Former."""

    words: tuple[str, ...] = ()
    """Vocabulary without special tokens; if empty, there are queries only, as for use with a language model."""
    queries: int = 34
    width: int = 160
    layers: int = 3
    heads: int = 4
    image_width: int = 160
    every: int = 1
    """Every n-th block has cross-attention to the image, beginning with the first."""
    max_tokens: int = 96
    embedding: int = 96
    """Width of the shared embedding space."""

    @classmethod
    def from_dict(cls, values: dict) -> "QFormerConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(**tuples(values))


class MaskedAttention(Attention):
    """Attention whose mask may differ from query to query; all projections have a bias, as in BERT."""

    def __init__(self, width: int, context_width: int | None, heads: int) -> None:
        """`context_width` None makes self-attention."""
        super().__init__(width, context_width, heads, bias=True)

    def attend_masked(
        self, x: Float[Tensor, "batch n width"], keys: KeysValues, mask: Bool[Tensor, "#batch #n m"] | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Returns the output of attention; `mask` is true where a position may attend."""
        q = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        h = F.scaled_dot_product_attention(q, *keys, attn_mask=None if mask is None else mask[:, None])
        return self.out(h.transpose(1, 2).flatten(2))


Image = tuple[Float[Tensor, "batch heads patches depth"], Float[Tensor, "batch heads patches depth"]]
"""Keys and values of the patches of an image."""
Before = tuple[Float[Tensor, "batch heads before depth"], Float[Tensor, "batch heads before depth"]]
"""Keys and values of the positions before a sequence."""
Known = tuple[Float[Tensor, "batch heads known depth"], Float[Tensor, "batch heads known depth"]]
"""The same including the sequence's own."""


class QBlock(nn.Module):
    """One block: self-attention of queries and tokens, cross-attention of the queries, a two-layer net for each."""

    def __init__(self, config: QFormerConfig, attends_image: bool) -> None:
        """`attends_image` is whether the block has cross-attention to the image."""
        super().__init__()
        width = config.width
        self.self_attention = MaskedAttention(width, None, config.heads)
        self.self_norm = nn.LayerNorm(width)
        self.cross_attention = MaskedAttention(width, config.image_width, config.heads) if attends_image else None
        self.cross_norm = nn.LayerNorm(width) if attends_image else None
        self.query_mlp, self.query_norm = _mlp(width), nn.LayerNorm(width)
        self.word_mlp = _mlp(width) if config.words else None
        self.word_norm = nn.LayerNorm(width) if config.words else None

    def forward(
        self,
        x: Float[Tensor, "batch n width"],
        queries: int,
        image: Image | None,
        mask: Bool[Tensor, "#batch #n known"] | None = None,
        past: Before | None = None,
    ) -> tuple[Float[Tensor, "batch n width"], Known]:
        """Returns the output sequence and its keys and values.

        Args:
            x: queries, then tokens; either may be missing.
            queries: number of queries among them.
            image: keys and values of the patches, if this block has cross-attention.
            mask: true where a position may attend, over past positions and then the sequence's own.
            past: keys and values of the positions before `x`.

        Returns:
            The output sequence, and keys and values of all positions so far.
        """
        keys = self.self_attention.keys(x)
        if past is not None:
            keys = torch.cat([past[0], keys[0]], 2), torch.cat([past[1], keys[1]], 2)
        x = self.self_norm(x + self.self_attention.attend_masked(x, keys, mask))
        query_states, words = x[:, :queries], x[:, queries:]
        parts = []
        if queries:
            if self.cross_attention is not None and self.cross_norm is not None and image is not None:
                query_states = self.cross_norm(query_states + self.cross_attention.attend_masked(query_states, image))
            parts.append(self.query_norm(query_states + self.query_mlp(query_states)))
        if words.shape[1] and self.word_mlp is not None and self.word_norm is not None:
            parts.append(self.word_norm(words + self.word_mlp(words)))
        return torch.cat(parts, 1), keys


def _mlp(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class QFormer(nn.Module):
    """Queries, and token embeddings unless the vocabulary is empty."""

    def __init__(self, config: QFormerConfig) -> None:
        """Builds the parts with fresh weights."""
        super().__init__()
        self.config = config
        self.queries = nn.Parameter(torch.randn(config.queries, config.width) * 0.5)
        self.norm = nn.LayerNorm(config.width)
        self.blocks = nn.ModuleList(QBlock(config, i % config.every == 0) for i in range(config.layers))
        if config.words:
            self.token = nn.Embedding(len(config.words) + 4, config.width)
            self.position = nn.Parameter(torch.randn(config.max_tokens, config.width) * 0.02)
            self.image_projection = nn.Linear(config.width, config.embedding)
            self.text_projection = nn.Linear(config.width, config.embedding)
            self.temperature = nn.Parameter(torch.tensor(0.07).log())
            self.match_head = nn.Linear(config.width, 2)
            nn.init.normal_(self.token.weight, std=0.05)

    def forward(
        self, patches: Float[Tensor, "batch patches image"]
    ) -> tuple[Float[Tensor, "batch queries width"], list[KeysValues]]:
        """Returns the queries' outputs, and their keys and values in each block."""
        x = self.norm(self.queries).expand(len(patches), -1, -1)
        pasts = []
        for block in self.blocks:
            x, keys = block(x, self.config.queries, _keys(block, patches))
            pasts.append(keys)
        return x, pasts

    def embed_words(self, tokens: Int[Tensor, "batch n"], start: int = 0) -> Float[Tensor, "batch n width"]:
        """Returns the embeddings of tokens that begin at position `start`."""
        return self.norm(self.token(tokens) + self.position[start : start + tokens.shape[1]])

    def encode_text(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch width"]:
        """Returns the vector of `<bos>` of a text encoded alone (the unimodal mask)."""
        x, mask = self.embed_words(tokens), (tokens != PAD)[:, None]
        for block in self.blocks:
            x, _ = block(x, 0, None, mask)
        return x[:, 0]

    def match(
        self, patches: Float[Tensor, "batch patches image"], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, "batch 2"]:
        """Returns logits of [other pair, true pair]: all positions attend to each other, queries are averaged."""
        count = self.config.queries
        x = torch.cat([self.norm(self.queries).expand(len(patches), -1, -1), self.embed_words(tokens)], 1)
        mask = F.pad(tokens != PAD, (count, 0), value=True)[:, None]
        for block in self.blocks:
            x, _ = block(x, count, _keys(block, patches), mask)
        return self.match_head(x[:, :count]).mean(1)

    def next_word_logits(
        self, pasts: list[KeysValues], tokens: Int[Tensor, "batch n"]
    ) -> Float[Tensor, "batch n words"]:
        """Returns logits of the next token at each position: tokens attend to the queries and to earlier tokens."""
        x, n = self.embed_words(tokens), tokens.shape[1]
        mask = torch.ones(n, n, dtype=torch.bool, device=tokens.device).tril()
        mask = F.pad(mask, (self.config.queries, 0), value=True)[None]
        for block, past in zip(self.blocks, pasts, strict=True):
            x, _ = block(x, 0, None, mask, past)
        return x @ self.token.weight.T

    def itc_loss(
        self, outputs: Float[Tensor, "batch queries width"], tokens: Int[Tensor, "batch n"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, "batch batch"]]:
        """Returns the contrastive loss and the similarities [images, texts], each the maximum over the queries."""
        query_embeddings = F.normalize(self.image_projection(outputs), dim=-1)
        texts = F.normalize(self.text_projection(self.encode_text(tokens)), dim=-1)
        scale = (-self.temperature).exp().clamp(max=100)
        similarity = torch.einsum("iqe,te->itq", query_embeddings, texts).amax(-1) * scale
        target = torch.arange(len(similarity), device=similarity.device)
        return (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2, similarity

    def itm_loss(
        self,
        patches: Float[Tensor, "batch patches image"],
        tokens: Int[Tensor, "batch n"],
        similarity: Float[Tensor, "batch batch"],
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """Returns the matching loss: true pairs against hard negatives, drawn by their similarity."""
        n = len(tokens)
        chances = (similarity.detach().softmax(1) + 1e-6).fill_diagonal_(0).cpu()
        wrong = torch.multinomial(chances, 1, generator=generator)[:, 0].to(tokens.device)
        logits = self.match(torch.cat([patches, patches]), torch.cat([tokens, tokens[wrong]]))
        return F.cross_entropy(logits, torch.arange(2 * n, device=tokens.device).lt(n).long())

    def itg_loss(self, pasts: list[KeysValues], tokens: Int[Tensor, "batch n"]) -> Float[Tensor, ""]:
        """Returns the mean cross-entropy of each token given the queries and earlier tokens."""
        logits = self.next_word_logits(pasts, tokens[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD)

    @torch.no_grad()
    def caption(
        self, patches: Float[Tensor, "batch patches image"], seeds: Sequence[int], how: Decoding | None = None
    ) -> Int[Tensor, "batch n"]:
        """Generates captions with the Q-Former alone; returns tokens without `<bos>`."""
        how = how or Decoding()
        pasts = self(patches)[1]

        def step(token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
            x = self.embed_words(token.to(patches.device)[:, None], position)
            for index, block in enumerate(self.blocks):
                x, pasts[index] = block(x, 0, None, None, pasts[index])
            return (x[:, 0] @ self.token.weight.T).cpu()

        return generate(step, seeds, replace(how, limit=min(how.limit, self.config.max_tokens - 1)))

    def without_words(self) -> "QFormer":
        """Returns a Q-Former without token embeddings, with these weights."""
        bare = QFormer(replace(self.config, words=()))
        own = self.state_dict()
        bare.load_state_dict({name: own[name] for name in bare.state_dict()})
        return bare


def _keys(block: nn.Module, patches: Float[Tensor, "batch patches image"]) -> KeysValues | None:
    return block.cross_attention.keys(patches) if block.cross_attention is not None else None
