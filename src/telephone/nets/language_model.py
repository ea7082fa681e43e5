"""A small causal language model with the layers of LLaMA (Touvron et al. 2023, arXiv 2302.13971, section 2.2).

Pre-normalisation by root mean square (Zhang & Sennrich 2019), a gated two-layer net (SwiGLU, Shazeer 2020) and rotary
positions (RoFormer, Su et al. 2021, arXiv 2104.09864, section 3.2); input and output embeddings are tied. It reads
vectors, not only tokens, so that a describer can put what it sees in between the words. Number for number this is
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
    """Everything that decides the shape of the weights."""

    words: tuple[str, ...] = ()
    """The vocabulary without special tokens and marks."""
    width: int = 192
    layers: int = 4
    heads: int = 4
    max_tokens: int = 256
    """Most tokens of a whole exchange."""
    hidden: int = 384
    """Width of the gated net inside a layer."""

    @classmethod
    def from_dict(cls, values: dict) -> "LanguageModelConfig":
        """Returns the config that `dataclasses.asdict` and JSON turned into plain values."""
        return cls(**tuples(values))


EPSILON = 1e-6
"""Keeps a vector of zeros from being divided by zero."""


class RmsNorm(nn.Module):
    """Divides a vector by its root mean square."""

    def __init__(self, width: int) -> None:
        """Starts with a gain of one."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Returns vectors of one length, times the gain."""
        return F.rms_norm(x, self.weight.shape, self.weight, EPSILON)


class GatedMlp(nn.Module):
    """SwiGLU: silu(gate) * up, brought back to the width."""

    def __init__(self, width: int, hidden: int) -> None:
        """Builds three maps without biases."""
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """Returns what each vector makes of itself."""
        return self.down(F.silu(self.gate(x)) * self.up(x))


Angles = tuple[Float[Tensor, "*n depth"], Float[Tensor, "*n depth"]]
"""Cosines and sines of the angles by which each position is turned."""


def angles(start: int, count: int, depth: int, like: Float[Tensor, "..."]) -> Angles:
    """Returns the rotary angles of `count` positions from `start`, base 10000, for heads of a depth."""
    pace = 10000.0 ** -(torch.arange(0, depth, 2, device=like.device, dtype=torch.float32) / depth)
    turn = torch.outer(torch.arange(start, start + count, device=like.device, dtype=torch.float32), pace).repeat(1, 2)
    return turn.cos().to(like.dtype), turn.sin().to(like.dtype)


def rotate(x: Float[Tensor, "*batch depth"], turn: Angles) -> Float[Tensor, "*batch depth"]:
    """Turns queries or keys by the angles of their positions, the first half of a vector against the second."""
    first, second = x.chunk(2, dim=-1)
    return x * turn[0] + torch.cat([-second, first], dim=-1) * turn[1]


class LlamaBlock(nn.Module):
    """One layer: causal attention with turned queries and keys, then the gated net."""

    def __init__(self, config: LanguageModelConfig) -> None:
        """Builds the maps; none has a bias."""
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
        self, x: Float[Tensor, "batch n width"], turn: Angles, past: KeyValueCache | None = None
    ) -> Float[Tensor, "batch n width"]:
        """Returns the sequence, mixed; each position sees itself and those before it, `past` included."""
        h = self.norm1(x)
        q, k, v = (part(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self._maps())
        q, k = rotate(q, turn), rotate(k, turn)
        if past is not None:
            k, v = past.add((k, v))
        seen = F.scaled_dot_product_attention(q, k, v, **_mask_options(x.shape[1], k.shape[2], x.device))
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))

    def _maps(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        return self.query, self.key, self.value


def _mask_options(new: int, keys: int, device: torch.device) -> dict:
    """Returns what tells attention who sees whom: a lone newest position sees all."""
    if new == 1:
        return {}
    if new == keys:
        return {"is_causal": True}
    return {"attn_mask": torch.ones(new, keys, dtype=torch.bool, device=device).tril(keys - new)}


class LanguageModel(nn.Module):
    """Embedding, layers, norm; the next word by likeness with the embedding."""

    def __init__(self, config: LanguageModelConfig) -> None:
        """Builds the model with fresh weights."""
        super().__init__()
        self.config = config
        self.token = nn.Embedding(len(SPECIAL) + len(CHAT) + len(config.words), config.width)
        self.blocks = nn.ModuleList(LlamaBlock(config) for _ in range(config.layers))
        self.norm = RmsNorm(config.width)
        self._start()

    def _start(self) -> None:
        """Keeps the layers quiet at first, so that a word's own vector is not drowned: copying is learned sooner."""
        nn.init.normal_(self.token.weight, std=0.03)
        for block in self.modules():
            if isinstance(block, LlamaBlock):
                for quiet in (block.out, block.mlp.down):
                    nn.init.normal_(quiet.weight, std=0.02 / (2 * self.config.layers) ** 0.5)

    def embed(self, tokens: Int[Tensor, "batch n"]) -> Float[Tensor, "batch n width"]:
        """Returns the vectors of words."""
        return self.token(tokens)

    def forward(
        self, x: Float[Tensor, "batch n width"], pasts: list[KeyValueCache] | None = None
    ) -> Float[Tensor, "batch n words"]:
        """Returns, at each position, logits of the next word.

        Args:
            x: vectors of words, or others in their place.
            pasts: one a layer, what came before; `x` goes on from there and is remembered too.
        """
        return self.norm(self._mix(x, pasts)) @ self.token.weight.T

    def _mix(
        self, x: Float[Tensor, "batch n width"], pasts: list[KeyValueCache] | None
    ) -> Float[Tensor, "batch n width"]:
        start = pasts[0].length if pasts else 0
        turn = angles(start, x.shape[1], self.config.width // self.config.heads, x)
        for index, block in enumerate(self.blocks):
            x = block(x, turn, pasts[index] if pasts else None)
        return x

    def loss(self, x: Float[Tensor, "batch n width"], targets: Int[Tensor, "batch n"]) -> Float[Tensor, ""]:
        """Returns the cross-entropy of the word after each position; where the target is `<pad>` nothing is asked."""
        asked = targets != PAD
        logits = self.norm(self._mix(x, None)[asked]) @ self.token.weight.T
        return F.cross_entropy(logits, targets[asked])

    @torch.no_grad()
    def generate(
        self, prompt: Float[Tensor, "batch m width"], seeds: Sequence[int], how: Decoding
    ) -> Int[Tensor, "batch k"]:
        """Goes on after prompts of one length; returns the tokens of the answers, padded after `<eos>`."""
        limit = max(1, min(how.limit, self.config.max_tokens - prompt.shape[1]))
        return generate(_CachedStep(self, prompt), seeds, replace(how, limit=limit))


class _FusedBlock:
    """A layer for one new position: its maps laid side by side, gains and the scale of attention worked into them."""

    def __init__(self, block: LlamaBlock) -> None:
        """Asks each map what it does, so that one with an adapter beside it counts whole."""
        self.block = block
        gain1, gain2 = block.norm1.weight[:, None], block.norm2.weight[:, None]
        same = torch.eye(len(gain1), device=gain1.device, dtype=gain1.dtype)
        query, key, value = (part(same) for part in block._maps())
        depth = len(gain1) // block.heads
        self.ask = gain1 * torch.cat([query * depth**-0.5, key, value], 1)
        self.think = gain2 * torch.cat([block.mlp.gate(same), block.mlp.up(same)], 1)

    def __call__(
        self, x: Float[Tensor, "batch width"], turn: Angles, past: KeyValueCache
    ) -> Float[Tensor, "batch width"]:
        """Returns what the layer makes of the newest position, which is remembered."""
        asked = (_unit(x) @ self.ask).view(len(x), 3, self.block.heads, -1)
        turned, value = rotate(asked[:, :2], turn), asked[:, 2]
        keys, values = past.add((turned[:, 1, :, None], value[:, :, None]))
        seen = (turned[:, 0, :, None] @ keys.transpose(2, 3)).softmax(-1) @ values
        x = x + self.block.out(seen.flatten(1))
        gate, up = (_unit(x) @ self.think).chunk(2, dim=1)
        return x + self.block.mlp.down(F.silu(gate) * up)


def _unit(x: Float[Tensor, "batch width"]) -> Float[Tensor, "batch width"]:
    return x * (x.square().mean(-1, keepdim=True) + EPSILON).rsqrt()


class _CachedStep:
    """The model, one word at a time; the first step reads the whole prompt instead of `<bos>`."""

    def __init__(self, model: LanguageModel, prompt: Float[Tensor, "batch m width"]) -> None:
        """Remembers nothing yet."""
        self.model, self.prompt = model, prompt
        self.pasts = [KeyValueCache() for _ in model.blocks]
        self.layers = [_FusedBlock(block) for block in model.blocks if isinstance(block, LlamaBlock)]
        self.turns = angles(0, model.config.max_tokens, model.config.width // model.config.heads, prompt)

    def __call__(self, token: Int[Tensor, " batch"], position: int) -> Float[Tensor, "batch words"]:
        """Returns logits of the next word."""
        model = self.model
        last = model._mix(self.prompt, self.pasts)[:, -1] if position == 0 else self._newest(token)
        return (model.norm(last) @ model.token.weight.T).float().cpu()

    def _newest(self, token: Int[Tensor, " batch"]) -> Float[Tensor, "batch width"]:
        at = self.pasts[0].length
        turn = self.turns[0][at], self.turns[1][at]
        x = self.model.embed(token.to(self.prompt.device)[:, None])[:, 0]
        for layer, past in zip(self.layers, self.pasts, strict=True):
            x = layer(x, turn, past)
        return x

    def reorder(self, rows: Int[Tensor, " other"]) -> None:
        """Puts what is remembered into another order."""
        for past in self.pasts:
            past.reorder(rows)
