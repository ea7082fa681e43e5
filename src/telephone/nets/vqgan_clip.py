"""VQGAN-CLIP (Crowson et al. 2022, arXiv 2204.08583) at pocket size: images generated with CLIP's gradient.

A VQGAN decodes a grid of vectors z to an image; CLIP gives the distance of augmented cut-outs of that image from a
text; the gradient of this distance changes z. There are two forms:

- `optimise` is the paper's: z itself is optimised for each text.
- `FeedForward` (Cherti et al. 2021, "Feed forward VQGAN-CLIP") is the default of the model: a net predicts z from the
  text's CLIP embedding and noise, trained with the same distance and a term that rewards diversity.

Cut-outs and distances are in `cutouts.py`. Images are float32 NCHW in [-1, 1]; z is [batch, c, 16, 16] in the space
of the VQGAN's codes.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.clip import Clip
from telephone.nets.cutouts import Cutouts, spherical_distance
from telephone.nets.diffusion import seeded_noise
from telephone.nets.layers import ResBlock, TransformerBlock
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.vqgan import Vqgan


@dataclass
class FeedForwardConfig:
    """Shape of the feed-forward net."""

    embedding: int = 256
    """Width of CLIP's embeddings."""
    noise: int = 16
    """Width of the noise vector, which makes images of one text differ."""
    channels: int = 32
    """Width of the VQGAN's codes."""
    size: int = 16
    """Height and width of z."""
    tokens: int = 7
    """Number of context vectors that the embedding is mapped to."""
    context: int = 96
    """Width of the context vectors."""
    width: int = 160
    layers: int = 3
    heads: int = 4
    fine: int = 64
    """Channels at the full resolution of z."""

    @classmethod
    def from_dict(cls, values: dict) -> "FeedForwardConfig":
        """Returns the config from the plain values that JSON holds."""
        return cls(**values)


class FeedForward(nn.Module):
    """The feed-forward net, a transformer: predicts z from a text's CLIP embedding and noise.

    The published nets add the embedding to all positions. Here it is first mapped to a few context vectors, and each
    position attends to them, as in Stable Diffusion: places and appearances are then learned separately.
    """

    def __init__(self, config: FeedForwardConfig) -> None:
        """Builds the mapping of the embedding, the transformer at half the resolution of z, and the upsampling."""
        super().__init__()
        self.config = config
        side, width, fine = config.size // 2, config.width, config.fine
        self.bridge, self.whiten = _same(config.embedding), _same(config.embedding)
        # One layer: with a hidden one the net memorises which kinds and colours occur together.
        self.mapping = nn.Linear(config.embedding + config.noise, config.tokens * config.context)
        self.context_norm = nn.LayerNorm(config.context)
        self.position = nn.Parameter(torch.randn(side * side, width) * 0.1)
        self.blocks = nn.ModuleList(TransformerBlock(width, config.heads, config.context) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width)
        self.up = nn.Sequential(
            nn.Conv2d(width, 4 * fine, 1), nn.PixelShuffle(2), ResBlock(fine, fine), ResBlock(fine, fine)
        )
        self.out = nn.Sequential(nn.GroupNorm(8, fine), nn.SiLU(), nn.Conv2d(fine, config.channels, 1))

    def to_image_embedding(self, text: Float[Tensor, "batch embedding"]) -> Float[Tensor, "batch embedding"]:
        """Returns the expected image embeddings of text embeddings (the two differ systematically)."""
        return F.normalize(self.bridge(F.normalize(text, dim=-1)), dim=-1)

    def forward(
        self, embedding: Float[Tensor, "batch embedding"], noise: Float[Tensor, "batch noise"]
    ) -> Float[Tensor, "batch c h w"]:
        """Returns z; the norm of the embedding does not matter."""
        context = self.unpack(embedding, noise)
        x = self.position.expand(len(context), -1, -1)
        for block in self.blocks:
            x = block(x, context)
        side = self.config.size // 2
        x = self.norm(x).transpose(1, 2).unflatten(2, (side, side))
        return self.out(self.up(x.contiguous(memory_format=torch.channels_last)))

    def unpack(
        self, embedding: Float[Tensor, "batch embedding"], noise: Float[Tensor, "batch noise"]
    ) -> Float[Tensor, "batch tokens context"]:
        """Returns the context vectors of the normalised embedding and the noise."""
        # CLIP's embeddings fill a narrow cone; whitening enlarges their differences.
        direction = self.whiten(F.normalize(embedding, dim=-1))
        vectors = self.mapping(torch.cat([direction, noise], dim=-1))
        return self.context_norm(vectors.unflatten(1, (self.config.tokens, -1)))


def _same(width: int) -> nn.Linear:
    """Returns a linear layer that is the identity."""
    layer = nn.Linear(width, width)
    nn.init.eye_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


# --- from z to an image --------------------------------------------------------------------------------------------


class _ClampWithGrad(torch.autograd.Function):
    """Clamps; of values outside only gradients that lead back inside pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        inside = torch.minimum(torch.maximum(x, low), high)
        ctx.save_for_backward(x - inside)
        return inside

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        (outside,) = ctx.saved_tensors
        return slope * (slope * outside >= 0), None, None


def clamp_with_grad(
    x: Float[Tensor, "*shape"], low: Float[Tensor, "..."], high: Float[Tensor, "..."]
) -> Float[Tensor, "*shape"]:
    """Returns x within [low, high] (broadcast), with a gradient that leads values from outside back."""
    return _ClampWithGrad.apply(x, low, high)


def within_codes(vqgan: Vqgan, z: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
    """Returns z clamped to the range that the codes have in each channel."""
    codes = vqgan.codebook
    low, high = codes.amin(dim=0)[:, None, None], codes.amax(dim=0)[:, None, None]
    return clamp_with_grad(z, low, high)


def synthesise(vqgan: Vqgan, z: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch 3 H W"]:
    """Returns the images, in [-1, 1], of the codes nearest to z; the gradient is copied to z (straight-through)."""
    x = vqgan.decode(vqgan.quantise(within_codes(vqgan, z)))
    return clamp_with_grad(x, x.new_tensor(-1.0), x.new_tensor(1.0))


@torch.no_grad()
def generate(
    net: FeedForward, vqgan: Vqgan, embedding: Float[Tensor, "batch embedding"], seeds: Sequence[int]
) -> Float[Tensor, "batch 3 H W"]:
    """Generates one image for each text embedding; the same seed gives the same image in any batch."""
    noise = seeded_noise((net.config.noise,), seeds).to(embedding.device)
    return synthesise(vqgan, net(net.to_image_embedding(embedding), noise))


# --- the optimising form --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WeightedPrompt:
    """A text and its weight; a negative weight moves the image away from it."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class ImagePrompt:
    """An image whose CLIP embedding is a goal, beside the texts or in their place."""

    image: Float[Tensor, "3 H W"]
    """In [-1, 1], of the size that CLIP reads."""
    weight: float = 1.0
    """A negative weight moves the image away from it."""


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def parse_prompts(text: str) -> tuple[WeightedPrompt, ...]:
    """Reads prompts such as `a red cat | snow:0.5 | a dog:-1`: parts separated by bars, each with a weight or 1.

    The text after a part's last colon is its weight, unless it begins with a letter: then it belongs to the text.

    Raises:
        ValueError: a part is empty, a weight is no number, or all weights are 0.
    """
    prompts = tuple(_parse_prompt(part, number) for number, part in enumerate(text.split("|"), start=1))
    if not any(prompt.weight for prompt in prompts):
        raise ValueError("All prompts have weight 0: give at least one of them another.")
    return prompts


def _parse_prompt(part: str, number: int) -> WeightedPrompt:
    words, colon, tail = part.rpartition(":")
    tail = tail.strip()
    if not colon or tail[:1].isalpha():
        words, tail = part, "1"
    if not words.strip():
        raise ValueError(f"Prompt {number} is empty: write some words before, between and after the bars.")
    if not _NUMBER.fullmatch(tail) or not math.isfinite(float(tail)):
        raise ValueError(f"The weight {tail!r} of prompt {number} is no number: write it like `a red cat:0.5`.")
    return WeightedPrompt(words.strip(), float(tail))


@dataclass(frozen=True)
class OptimisationOptions:
    """Options of `optimise`."""

    steps: int = 200
    rate: float = 0.1
    """Learning rate of Adam, in units of the codes' standard deviation."""
    seed: int = 0
    cutouts: Cutouts = Cutouts(views=8)
    calm: float = 0.1
    """Weight of the mean square of z at the first step; it falls to 0 (the paper's regularised latent vector)."""
    every: int = 10
    """A frame is kept every so many steps, and at the end."""


Frame = Callable[[int, Float[Tensor, "3 H W"]], None]
"""Called after each step with its number, from 1, and the image [3, H, W] in [-1, 1]."""


def optimise(
    clip: Clip,
    vqgan: Vqgan,
    prompts: str | Sequence[WeightedPrompt],
    options: OptimisationOptions | None = None,
    start: Float[Tensor, "3 H W"] | None = None,
    callback: Frame | None = None,
    pictures: Sequence[ImagePrompt] = (),
) -> tuple[Float[Tensor, "3 H W"], list[Float[Tensor, "3 H W"]]]:
    """Generates an image for weighted prompts by optimising z.

    Args:
        clip: gives the distances.
        vqgan: decodes z.
        prompts: as `parse_prompts` reads or returns them.
        options: steps, step size, cut-outs, seed.
        start: the first image in [-1, 1]; without one, z starts from random codes.
        callback: called after each step.
        pictures: images as further prompts; with them there may be no text.

    Returns:
        The final image and the frames, from the one before the first step to the final one.

    Raises:
        ValueError: the prompts cannot be read, or there is none.
    """
    how = options or OptimisationOptions()
    parts = parse_prompts(prompts) if isinstance(prompts, str) else tuple(prompts)
    generator = torch.Generator().manual_seed(how.seed)
    goals, weights = _goals(clip, parts, pictures)
    z = _first_z(vqgan, start, generator).requires_grad_()
    optimizer = torch.optim.Adam([z], lr=how.rate * float(vqgan.codebook.std()))
    x = synthesise(vqgan, z)
    frames = [x[0].detach()]
    for step in range(how.steps):
        apart = spherical_distance(clip.encode_image(how.cutouts(x, generator))[:, None], goals).mean(dim=0)
        loss = (weights * apart).sum() + how.calm * (1 - step / how.steps) * z.square().mean()
        z.grad = torch.autograd.grad(loss, z)[0]
        optimizer.step()
        x = synthesise(vqgan, z)
        if (step + 1) % how.every == 0 or step + 1 == how.steps:
            frames.append(x[0].detach())
        if callback is not None:
            callback(step + 1, x[0].detach())
    return x[0].detach(), frames


@torch.no_grad()
def _goals(clip: Clip, prompts: Sequence[WeightedPrompt], pictures: Sequence[ImagePrompt]) -> tuple[Tensor, Tensor]:
    """Returns the embeddings of all prompts and their weights."""
    config, device, found = clip.config.text, clip.logit_scale.device, []
    if prompts:
        tokens = WordTokenizer(config.words).batch([prompt.text for prompt in prompts], config.max_tokens)
        found.append(clip.encode_text(tokens.to(device)))
    if pictures:
        found.append(clip.encode_image(torch.stack([prompt.image for prompt in pictures]).to(device)))
    if not found:
        raise ValueError("There is no prompt: give a text or an image.")
    weights = [prompt.weight for prompt in prompts] + [prompt.weight for prompt in pictures]
    return torch.cat(found), torch.tensor(weights, device=device)


@torch.no_grad()
def _first_z(vqgan: Vqgan, start: Tensor | None, generator: torch.Generator) -> Tensor:
    codes = vqgan.codebook
    if start is not None:
        return vqgan.encode(start[None].to(codes.device))[0].clone()
    side = vqgan.config.size
    rows = torch.randint(len(codes), (side * side,), generator=generator)
    return codes[rows.to(codes.device)].T.reshape(1, -1, side, side).clone()
