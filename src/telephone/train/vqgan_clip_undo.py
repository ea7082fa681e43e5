"""First stage of `pocket/vqgan-clip`: the net learns to undo CLIP, from pictures without a word (Wang et al. 2022).

CLIP-GEN (arXiv 2203.00386, section 3.2): where pictures and sentences share a space, a net that draws a picture from
its own embedding can also draw from a sentence's. It is taught by pictures, which say for each square what would have
been right; CLIP's marks alone, which the second stage learns from, say only how good the whole is, and would need many
times the hours that there are. The two kinds of embeddings lie a little apart: a linear map, found by least squares on
some pairs, takes a sentence's to where its picture's would be, and a little noise makes up for the rest (Zhou et al.
2022, arXiv 2111.13792, section 3.1).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone.nets.checkpoint import Ema
from telephone.nets.clip import Clip
from telephone.nets.vqgan import Vqgan
from telephone.nets.vqgan_clip import FeedForward
from telephone.train import data
from telephone.train.common import Recipe, Stage
from telephone.train.stable_diffusion import picture_weights

PICTURES = 0.6
"""Share of the recipe's pictures that are drawn ahead: each costs a look by CLIP and by the VQGAN."""
NOISE = 0.2
PAIRS = 3000
"""Pictures whose sentences are read, too, for the linear map."""
"""Largest length of the noise, in lengths of an embedding."""
SHARP = 14.0
"""Factor of the cosines of z and the codes in the softmax."""


@dataclass
class Undone:
    """Pictures as the two frozen nets see them."""

    embeddings: Tensor
    """[n, embedding], of unit length."""
    codes: Tensor
    """int64 [n, 16, 16]"""
    weight: Tensor
    """[n, 16, 16]: 1 on the backdrop, more on things."""


@torch.no_grad()
def prepare(recipe: Recipe, clip: Clip, vqgan: Vqgan) -> tuple[Undone, list[str]]:
    """Draws pictures, embeds and encodes them; also returns a sentence for each of the first `PAIRS`."""
    pictures = data.paint(f"undo {recipe.seed}", int(recipe.pictures * PICTURES), masks=True, still=True)
    embeddings, codes = [], []
    for start in range(0, len(pictures.pixels), 200):
        x = torch.from_numpy(data.to_unit(pictures.pixels[start : start + 200])).to(recipe.device)
        x = x.contiguous(memory_format=torch.channels_last)
        embeddings.append(F.normalize(clip.encode_image(x), dim=-1))
        codes.append(vqgan.nearest(vqgan.vectors(x)))
    rng = np.random.default_rng(recipe.seed)
    texts = [data.any_caption(scene, rng) for scene in pictures.scenes[:PAIRS]]
    return Undone(torch.cat(embeddings).cpu(), torch.cat(codes).cpu(), picture_weights(pictures)[:, 0]), texts


@torch.no_grad()
def bridge(net: FeedForward, sentences: Tensor, pictures: Tensor) -> None:
    """Sets the map from sentences' embeddings to those of their pictures by ridge regression, both [n, embedding]."""
    texts = F.normalize(sentences, dim=-1)
    padded = torch.cat([texts, torch.ones_like(texts[:, :1])], dim=1)
    square = padded.T @ padded + 1e-2 * torch.eye(padded.shape[1], device=padded.device)
    solved = torch.linalg.solve(square, padded.T @ pictures.to(padded.device))
    net.bridge.weight.copy_(solved[:-1].T)
    net.bridge.bias.copy_(solved[-1])


def blurred(embeddings: Tensor, generator: torch.Generator) -> Tensor:
    """Returns embeddings with noise of random length, from none to `NOISE`, in random directions."""
    away = F.normalize(torch.randn(embeddings.shape, generator=generator), dim=-1)
    return F.normalize(embeddings + NOISE * torch.rand(len(embeddings), 1, generator=generator) * away, dim=-1)


def undo_loss(net: FeedForward, vqgan: Vqgan, rows: Undone, generator: torch.Generator) -> tuple[Tensor, float]:
    """Returns the mean cross-entropy of the codes, things weighted, and the share of squares with the right code."""
    device = vqgan.codebook.device
    noise = torch.randn(len(rows.codes), net.config.noise, generator=generator).to(device)
    z = net(blurred(rows.embeddings, generator).to(device), noise)
    book = F.normalize(vqgan.codebook.detach(), dim=-1)
    logits = SHARP * torch.einsum("bchw,kc->bkhw", F.normalize(z, dim=1), book)
    codes, weight = rows.codes.to(device), rows.weight.to(device)
    loss = (weight * F.cross_entropy(logits, codes, reduction="none")).mean()
    return loss, float((logits.argmax(1) == codes).float().mean())


def learn_to_undo(
    recipe: Recipe, net: FeedForward, read: Callable[[list[str]], Tensor], clip: Clip, vqgan: Vqgan, minutes: float
) -> None:
    """Trains the net on pictures; `read` gives sentences' embeddings."""
    net.bridge.requires_grad_(requires_grad=False)
    stage = Stage(recipe, "undo", minutes, net, rate=1e-3)
    seen, texts = prepare(recipe, clip, vqgan) if stage.used < stage.seconds else (None, [])
    if seen is not None and stage.step == 0:
        told = torch.cat([read(texts[start : start + 200]) for start in range(0, len(texts), 200)])
        bridge(net, told, seen.embeddings[: len(texts)])
        stage.ema = Ema(net)
    rng = np.random.default_rng(recipe.seed + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for _ in stage:
        assert seen is not None
        rows = torch.from_numpy(rng.integers(len(seen.codes), size=32))
        some = Undone(seen.embeddings[rows], seen.codes[rows], seen.weight[rows])
        loss, right = undo_loss(net, vqgan, some, generator)
        stage.update(loss, right=right)
    stage.finish()
