"""The two priors of unCLIP (Ramesh et al. 2022, arXiv 2204.06125, section 2.2): from a caption to an image embedding.

Many images match a caption, each with its own CLIP embedding; a prior samples one of them. Both priors are causal
transformers whose sequence starts with CLIP's token vectors and its embedding of the caption. Their keys and values do
not depend on what follows, so they are computed once, whatever the number of sampling steps.

- The diffusion prior continues with the time, the noised image embedding and a final query token, whose output is the
  predicted clean embedding. Of two samples the one nearer to the text embedding is kept.
- The autoregressive prior continues with the quantised cosine of text and image embedding, and then with the image
  embedding: its principal components, the largest first, each quantised to 64 bins.

Image embeddings are in the scale of `dalle_2.EmbeddingScale`: mean 0 and variance 1 in each dimension.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets import diffusion
from telephone.nets.layers import Attention
from telephone.nets.stable_diffusion import time_features

Keys = tuple[Float[Tensor, "batch heads m depth"], Float[Tensor, "batch heads m depth"]]
"""Keys and values of all positions so far."""
PastKeys = tuple[Float[Tensor, "batch heads before depth"], Float[Tensor, "batch heads before depth"]]
"""Keys and values of the positions before the new ones."""


@dataclass
class PriorConfig:
    """Shape of a prior."""

    text_width: int = 160
    """Width of CLIP's token vectors."""
    embedding: int = 256
    """Width of CLIP's embeddings."""
    max_tokens: int = 72
    """Maximum number of tokens of a caption, as CLIP's."""
    width: int = 160
    layers: int = 4
    heads: int = 4
    shortcut: bool = False
    """Whether a linear map of the text embedding is added to the diffusion prior's output; not in the paper."""


@dataclass
class CodesConfig:
    """How the autoregressive prior quantises an embedding."""

    components: int = 96
    """Number of principal components."""
    bins: int = 64
    """Bins of a component."""
    nearness: int = 16
    """Bins of the cosine of text and image embedding."""


@dataclass
class PriorCache:
    """Keys and values of an encoded caption in each layer, and the mask of its positions."""

    keys: list[Keys]
    visible: Bool[Tensor, "batch m"]
    sentence: Float[Tensor, "batch embedding"]
    """CLIP's text embeddings with mean square 1; the learned null embedding where the caption is dropped."""

    def repeat(self, times: int) -> "PriorCache":
        """Returns a cache in which each row is repeated so many times."""
        keys = [(k.repeat_interleave(times, 0), v.repeat_interleave(times, 0)) for k, v in self.keys]
        return PriorCache(keys, self.visible.repeat_interleave(times, 0), self.sentence.repeat_interleave(times, 0))


class PriorBlock(nn.Module):
    """A pre-norm transformer layer with cached keys and values of earlier positions."""

    def __init__(self, width: int, heads: int) -> None:
        """Builds attention with biases and a two-layer net, four times as wide."""
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, None, heads, bias=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(
        self, x: Float[Tensor, "batch n width"], allowed: Bool[Tensor, "batch n m"], past: PastKeys | None
    ) -> tuple[Float[Tensor, "batch n width"], Keys]:
        """Returns outputs of the new positions, and all keys and values; `allowed` is the attention mask."""
        h = self.norm1(x)
        k, v = self.attention.keys(h)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
        q = self.attention.query(h).unflatten(-1, (self.attention.heads, -1)).transpose(1, 2)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed[:, None])
        x = x + self.attention.out(h.transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x)), (k, v)


class CausalPrior(nn.Module):
    """Base of both priors: a causal transformer over an encoded caption."""

    def __init__(self, config: PriorConfig, after: int) -> None:
        """`after` is the number of positions that follow the caption and its embedding."""
        super().__init__()
        self.config = config
        width = config.width
        self.text = nn.Linear(config.text_width, width)
        self.text_embedding = nn.Linear(config.embedding, width)
        self.null_text = nn.Parameter(torch.randn(config.embedding) * 0.02)
        self.position = nn.Parameter(torch.randn(config.max_tokens + 1 + after, width) * 0.02)
        self.blocks = nn.ModuleList(PriorBlock(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)

    def encode_caption(
        self,
        words: Float[Tensor, "batch n text"],
        mask: Bool[Tensor, "batch n"],
        embedding: Float[Tensor, "batch embedding"],
        drop: Bool[Tensor, " batch"] | None = None,
    ) -> PriorCache:
        """Encodes captions; returns the cache.

        Args:
            words: CLIP's token vectors.
            mask: true at tokens, false at padding.
            embedding: CLIP's text embeddings; their norms do not matter.
            drop: true where the caption is dropped (classifier-free guidance).
        """
        n, size = words.shape[1], self.config.embedding
        unit = F.normalize(embedding, dim=-1) * size**0.5
        if drop is not None:
            unit, mask = torch.where(drop[:, None], self.null_text.expand_as(unit), unit), mask & ~drop[:, None]
        x = torch.cat([self.text(words), self.text_embedding(unit)[:, None]], dim=1)
        x = x + torch.cat([self.position[:n], self.position[self.config.max_tokens][None]])
        visible = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        order = torch.ones(n + 1, n + 1, dtype=torch.bool, device=words.device).tril()
        itself = torch.eye(n + 1, dtype=torch.bool, device=words.device)  # a padded position must attend to something
        x, keys = self._run(x, (order & visible[:, None]) | itself, [None] * len(self.blocks))
        return PriorCache(keys, visible, unit)

    def extend(
        self, x: Float[Tensor, "batch k width"], start: int, memory: PriorCache
    ) -> tuple[Float[Tensor, "batch k width"], PriorCache]:
        """Returns outputs of positions from `start` after the caption, and the extended cache."""
        k, first = x.shape[1], self.config.max_tokens + 1 + start
        order = torch.ones(k, k, dtype=torch.bool, device=x.device).tril().expand(len(x), -1, -1)
        allowed = torch.cat([memory.visible[:, None].expand(-1, k, -1), order], dim=2)
        visible = torch.cat([memory.visible, memory.visible.new_ones(len(x), k)], dim=1)
        x, keys = self._run(x + self.position[first : first + k], allowed, list(memory.keys))
        return x, PriorCache(keys, visible, memory.sentence)

    def _run(self, x: Tensor, allowed: Tensor, past: list[PastKeys | None]) -> tuple[Tensor, list[Keys]]:
        keys: list[Keys] = []
        for block, before in zip(self.blocks, past, strict=True):
            x, now = block(x, allowed, before)
            keys.append(now)
        return self.norm(x), keys


class DiffusionPrior(CausalPrior):
    """Predicts the clean image embedding (eq. 2), not the noise, from noised embedding, time and caption."""

    def __init__(self, config: PriorConfig) -> None:
        """Three positions follow the caption: time, noised embedding and the query token."""
        super().__init__(config, after=3)
        width = config.width
        self.time = nn.Sequential(nn.Linear(64, width), nn.SiLU(), nn.Linear(width, width))
        self.noised = nn.Linear(config.embedding, width)
        self.query = nn.Parameter(torch.randn(width) * 0.02)
        self.out = nn.Linear(width, config.embedding)
        self.direct = nn.Linear(config.embedding, config.embedding) if config.shortcut else None

    def forward(
        self, x: Float[Tensor, "batch embedding"], t: Float[Tensor, " batch"], memory: PriorCache
    ) -> Float[Tensor, "batch embedding"]:
        """Returns x0 for noised embeddings at times in [0, 1], given encoded captions."""
        rows = [self.time(time_features(t)), self.noised(x), self.query.expand(len(x), -1)]
        predicted = self.out(self.extend(torch.stack(rows, dim=1), 0, memory)[0][:, -1])
        return predicted if self.direct is None else predicted + self.direct(memory.sentence)

    @torch.no_grad()
    def sample(
        self,
        words: Float[Tensor, "batch n text"],
        mask: Bool[Tensor, "batch n"],
        embedding: Float[Tensor, "batch embedding"],
        seeds: Sequence[int],
        candidates: int = 2,
        steps: int = 16,
        guidance: float = 1.0,
    ) -> Float[Tensor, "batch candidates embedding"]:
        """Samples `candidates` image embeddings a caption; the first ones do not depend on their number."""
        memory = self.encode_caption(words, mask, embedding).repeat(candidates)
        empty = None
        if guidance != 1.0:
            empty = self.encode_caption(words, mask, embedding, torch.ones_like(mask[:, 0])).repeat(candidates)

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            x0 = self(x, t, memory)
            return x0 if empty is None else diffusion.guided(x0, self(x, t, empty), guidance)

        noise = diffusion.seeded_noise((candidates, self.config.embedding), seeds).to(words.device)
        return diffusion.sample_dpmpp_2m(denoise, noise.flatten(0, 1), steps).unflatten(0, (-1, candidates))


class ComponentCodes(nn.Module):
    """Image embeddings as quantised principal components (section 2.2)."""

    basis: Tensor
    spread: Tensor
    levels: Tensor

    def __init__(self, config: CodesConfig, embedding: int) -> None:
        """`measure` and `measure_nearness` set the buffers."""
        super().__init__()
        self.config = config
        self.register_buffer("basis", torch.eye(embedding)[:, : config.components])
        self.register_buffer("spread", torch.ones(config.components))
        self.register_buffer("levels", torch.linspace(-1, 1, config.nearness + 1)[1:-1])

    def measure(self, embeddings: Float[Tensor, "n embedding"]) -> float:
        """Sets the principal components of scaled embeddings; returns the share of the variance that they keep."""
        values, vectors = torch.linalg.eigh(embeddings.T @ embeddings / len(embeddings))
        self.basis.copy_(vectors.flip(1)[:, : self.config.components])
        self.spread.copy_(values.flip(0)[: self.config.components].clamp(min=1e-8).sqrt())
        return float(self.spread.square().sum() / values.sum())

    def measure_nearness(self, cosines: Float[Tensor, " n"]) -> None:
        """Sets the bins of the cosine so that all are equally frequent."""
        shares = torch.linspace(0, 1, self.config.nearness + 1, device=cosines.device)[1:-1]
        self.levels.copy_(torch.quantile(cosines, shares))

    def encode(self, embeddings: Float[Tensor, "n embedding"]) -> Int[Tensor, "n components"]:
        """Returns the bin, 0 to bins - 1, of each component; the bins cover three standard deviations."""
        parts = embeddings @ self.basis / self.spread
        return ((parts + 3) / 6 * self.config.bins).floor().clamp(0, self.config.bins - 1).long()

    def decode(self, codes: Int[Tensor, "n components"]) -> Float[Tensor, "n embedding"]:
        """Returns the embeddings at the centres of the bins."""
        parts = (codes + 0.5) / self.config.bins * 6 - 3
        return (parts * self.spread) @ self.basis.T

    def nearness(self, cosines: Float[Tensor, " n"]) -> Int[Tensor, " n"]:
        """Returns the bin, 0 to nearness - 1, of the cosine of image and text embedding."""
        return torch.bucketize(cosines, self.levels)


class AutoregressivePrior(CausalPrior):
    """Generates the image embedding component by component."""

    def __init__(self, config: PriorConfig, codes: CodesConfig) -> None:
        """One position for the cosine's bin follows the caption, then one for each component."""
        super().__init__(config, after=codes.components)
        self.codes = ComponentCodes(codes, config.embedding)
        self.near = nn.Embedding(codes.nearness, config.width)
        self.code = nn.Embedding(codes.bins, config.width)
        self.out = nn.Linear(config.width, codes.bins)

    def forward(
        self, codes: Int[Tensor, "batch components"], near: Int[Tensor, " batch"], memory: PriorCache
    ) -> Float[Tensor, "batch components bins"]:
        """Returns the logits of each component, given the cosine's bin and earlier components."""
        x = torch.cat([self.near(near)[:, None], self.code(codes[:, :-1])], dim=1)
        return self.out(self.extend(x, 0, memory)[0])

    @torch.no_grad()
    def sample(
        self,
        words: Float[Tensor, "batch n text"],
        mask: Bool[Tensor, "batch n"],
        embedding: Float[Tensor, "batch embedding"],
        seeds: Sequence[int],
    ) -> Float[Tensor, "batch embedding"]:
        """Samples one image embedding a caption; the cosine's bin is drawn from the upper half."""
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        steps = self.codes.config.nearness
        near = [int(torch.randint(steps // 2, steps, (1,), generator=g)) for g in generators]
        memory = self.encode_caption(words, mask, embedding)
        x, codes = self.near(torch.tensor(near, device=words.device)), []
        for position in range(self.codes.config.components):
            h, memory = self.extend(x[:, None], position, memory)
            chances = self.out(h[:, 0]).softmax(-1).cpu()
            picks = [torch.multinomial(row, 1, generator=g) for row, g in zip(chances, generators, strict=True)]
            codes.append(torch.cat(picks).to(words.device))
            x = self.code(codes[-1])
        return self.codes.decode(torch.stack(codes, dim=1))
