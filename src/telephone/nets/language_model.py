"""A small causal language model with the layers of LLaMA (Touvron et al. 2023, arXiv 2302.13971, section 2.2).

Pre-normalisation by root mean square (Zhang & Sennrich 2019), a gated two-layer net (SwiGLU, Shazeer 2020) and rotary
positions (RoFormer, Su et al. 2021, arXiv 2104.09864, section 3.2); input and output embeddings are tied. Its
inputs are embeddings, not only tokens, so that image features can be inserted. It is numerically equal to
`transformers.LlamaForCausalLM`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.checkpoint import tuples
from telephone.nets.generation import Decoding, generate
from telephone.nets.layers import KeyValueCache
from telephone.nets.tokenizer import CHAT, PAD, SPECIAL


@dataclass
class LanguageModelConfig:
    """Hyperparameters that determine the shapes of all weights."""

    words: tuple[str, ...] = ()
    """Vocabulary without special and marker tokens."""
    width: int = 192
    layers: int = 4
    heads: int = 4
    max_tokens: int = 256
    """Maximum number of tokens of instruction and answer together."""
    hidden: int = 384
    """Hidden width of the gated two-layer net."""

    @classmethod
    def from_dict(cls, values: dict) -> "LanguageModelConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(**tuples(values))


EPSILON = 1e-6
"""Added to the mean square, against division by zero."""


class RmsNorm(nn.Module):
    """Root mean square normalisation with a learned gain."""

    def __init__(self, width: int) -> None:
        """Starts with a gain of 1."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Returns vectors with mean square 1, times the gain."""
        return F.rms_norm(x, self.weight.shape, self.weight, EPSILON)


class GatedMlp(nn.Module):
    """SwiGLU: silu(gate) * up, projected back to the width."""

    def __init__(self, width: int, hidden: int) -> None:
        """Builds three linear layers without biases."""
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Returns outputs of the same shape."""
        return self.down(F.silu(self.gate(x)) * self.up(x))


Angles = tuple[Float[Tensor, "*n depth"], Float[Tensor, "*n depth"]]
"""Cosines and sines of the rotary angles of each position."""


def angles(start: int, count: int, depth: int, like: Float[Tensor, "..."]) -> Angles:
    """Returns the rotary angles of `count` positions from `start`, base 10000, for heads of a depth."""
    pace = 10000.0 ** -(torch.arange(0, depth, 2, device=like.device, dtype=torch.float32) / depth)
    rotary = torch.outer(torch.arange(start, start + count, device=like.device, dtype=torch.float32), pace).repeat(1, 2)
    return rotary.cos().to(like.dtype), rotary.sin().to(like.dtype)


def rotate(x: Float[Tensor, "*batch depth"], rotary: Angles) -> Float[Tensor, "*batch depth"]:
    """Rotates queries or keys by the angles of their positions; pairs are (i, i + depth / 2)."""
    first, second = x.chunk(2, dim=-1)
    return x * rotary[0] + torch.cat([-second, first], dim=-1) * rotary[1]


class LlamaBlock(nn.Module):
    """One layer: causal attention with rotary positions, then the gated net."""

    def __init__(self, config: LanguageModelConfig) -> None:
        """Builds the linear layers; none has a bias."""
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm1, self.norm2 = RmsNorm(width), RmsNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.mlp = GatedMlp(width, config.hidden)

    def forward(
        self, x: Float[Tensor, "batch n width"], rotary: Angles, past: KeyValueCache | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Returns the output sequence; each position attends to itself and earlier ones, `past` included."""
        h = self.norm1(x)
        q, k, v = (part(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self._maps())
        q, k = rotate(q, rotary), rotate(k, rotary)
        if past is not None:
            k, v = past.add((k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, **_mask_options(x.shape[1], k.shape[2], x.device))
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))

    def _maps(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        return self.query, self.key, self.value


def _mask_options(new: int, keys: int, device: torch.device) -> dict:
    """Returns the mask arguments of causal attention; a single newest position attends to all."""
    if new == 1:
        return {}
    if new == keys:
        return {"is_causal": True}
    return {"attn_mask": torch.ones(new, keys, dtype=torch.bool, device=device).tril(keys - new)}


class LanguageModel(nn.Module):
    """Embedding, layers, norm; logits by the tied embedding."""

    def __init__(self, config: LanguageModelConfig) -> None:
        """Builds the model with fresh weights."""
        super().__init__()
        self.config = config
        self.token = nn.Embedding(len(SPECIAL) + len(CHAT) + len(config.words), config.width)
        self.blocks = nn.ModuleList(LlamaBlock(config) for _ in range(config.layers))
        self.norm = RmsNorm(config.width)
        self._start()

    def _start(self) -> None:
        """Initialises the layers' outputs small, so that token embeddings dominate: copying is learned sooner."""
        nn.init.normal_(self.token.weight, std=0.03)
        for block in self.modules():
            if isinstance(block, LlamaBlock):
                for small in (block.out, block.mlp.down):
                    nn.init.normal_(small.weight, std=0.02 / (2 * self.config.layers) ** 0.5)

    def embed(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch n width"]:
        """Returns the embeddings of tokens."""
        return self.token(tokens)

    def forward(
        self, x: Float[Tensor, "batch n width"], pasts: list[KeyValueCache] | None = None
    ) -> Float[Tensor, "batch n words"]:
        """Returns the logits of the next token at each position.

        Args:
            x: embeddings of tokens, or other vectors in their place.
            pasts: one cache a layer; `x` continues it and is added to it.
        """
        return self.norm(self._mix(x, pasts)) @ self.token.weight.T

    def _mix(
        self, x: Float[Tensor, "batch n width"], pasts: list[KeyValueCache] | None
    ) -> Float[Tensor, "batch n width"]:
        start = pasts[0].length if pasts else 0
        rotary = angles(start, x.shape[1], self.config.width // self.config.heads, x)
        for index, block in enumerate(self.blocks):
            x = block(x, rotary, pasts[index] if pasts else None)
        return x

    def loss(self, x: Float[Tensor, "batch n width"], targets: Int[Tensor, "batch n"]) -> Float[Tensor, ""]:
        """Returns the mean cross-entropy of the token after each position; `<pad>` targets are ignored."""
        targeted = targets != PAD
        logits = self.norm(self._mix(x, None)[targeted]) @ self.token.weight.T
        return F.cross_entropy(logits, targets[targeted])

    @torch.no_grad()
    def generate(
        self, prompt: Float[Tensor, "batch m width"], seeds: Sequence[int], how: Decoding
    ) -> Int[Tensor, "batch k"]:
        """Continues prompts of one length; returns the tokens of the answers, padded after `<eos>`."""
        limit = max(1, min(how.limit, self.config.max_tokens - prompt.shape[1]))
        return generate(_CachedStep(self, prompt), seeds, replace(how, limit=limit))


class _FusedBlock:
    """A layer for one new position: fused linear layers that include gains and the scale of attention."""

    def __init__(self, block: LlamaBlock) -> None:
        """Evaluates each linear layer on the identity, so that adapters are included."""
        self.block = block
        gain1, gain2 = block.norm1.weight[:, None], block.norm2.weight[:, None]
        same = torch.eye(len(gain1), device=gain1.device, dtype=gain1.dtype)
        query, key, value = (part(same) for part in block._maps())
        depth = len(gain1) // block.heads
        self.query_key_value = gain1 * torch.cat([query * depth**-0.5, key, value], 1)
        self.gate_up = gain2 * torch.cat([block.mlp.gate(same), block.mlp.up(same)], 1)

    def __call__(
        self, x: Float[Tensor, "batch width"], rotary: Angles, past: KeyValueCache
    ) -> Float[Tensor, "batch width"]:
        """Returns the layer's output at the newest position, which is added to the cache."""
        targeted = (_unit(x) @ self.query_key_value).view(len(x), 3, self.block.heads, -1)
        rotated, value = rotate(targeted[:, :2], rotary), targeted[:, 2]
        keys, values = past.add((rotated[:, 1, :, None], value[:, :, None]))
        mixed = (rotated[:, 0, :, None] @ keys.transpose(2, 3)).softmax(-1) @ values
        x = x + self.block.out(mixed.flatten(1))
        gate, up = (_unit(x) @ self.gate_up).chunk(2, dim=1)
        return x + self.block.mlp.down(F.silu(gate) * up)


def _unit(x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
    return x * (x.square().mean(-1, keepdim=True) + EPSILON).rsqrt()


class _CachedStep:
    """One decoding step with a key-value cache; the first step processes the prompt instead of `<bos>`."""

    def __init__(self, model: LanguageModel, prompt: Float[Tensor, "batch m width"]) -> None:
        """Starts with empty caches."""
        self.model, self.prompt = model, prompt
        self.pasts = [KeyValueCache() for _ in model.blocks]
        self.layers = [_FusedBlock(block) for block in model.blocks if isinstance(block, LlamaBlock)]
        self.rotaries = angles(0, model.config.max_tokens, model.config.width // model.config.heads, prompt)

    def __call__(self, token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
        """Returns logits of the next token."""
        model = self.model
        last = model._mix(self.prompt, self.pasts)[:, -1] if position == 0 else self._newest(token)
        return (model.norm(last) @ model.token.weight.T).float().cpu()

    def _newest(self, token: Int[Tensor, " batch"]) -> Float[Tensor, "batch width"]:
        at = self.pasts[0].length
        rotary = self.rotaries[0][at], self.rotaries[1][at]
        x = self.model.embed(token.to(self.prompt.device)[:, None])[:, 0]
        for layer, past in zip(self.layers, self.pasts, strict=True):
            x = layer(x, rotary, past)
        return x

    def reorder(self, rows: Int[Tensor, " other"]) -> None:
        """Reorders the caches along the batch."""
        for past in self.pasts:
            past.reorder(rows)
