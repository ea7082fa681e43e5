"""First stage of `pocket/vqgan-clip`: the net learns to undo CLIP, from pictures without a word (Wang et al. 2022).

CLIP-GEN (arXiv 2203.00386, section 3.2): where pictures and sentences share a space, a net that draws a picture from
its own embedding can also draw from a sentence's. It is taught by pictures, which say for each square what would have
been right; CLIP's marks alone, which the second stage learns from, say only how good the whole is, and would need many
times the hours that there are. The two kinds of embeddings lie a little apart: a linear map, found on some pairs, takes
a sentence's to where its picture's would be. What a guess leaves between the two is drawn from these pairs, too, and
added as noise (Zhou et al. 2022, arXiv 2111.13792, section 3.1, add noise of all directions alike).

The vectors that an embedding is unpacked into are examined like CLIP's own queries; the heads are thrown away.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from telephone.nets.checkpoint import Ema
from telephone.nets.clip import Clip
from telephone.nets.layers import whitening
from telephone.nets.vqgan import Vqgan
from telephone.nets.vqgan_clip import FeedForward
from telephone.train.common import data
from telephone.train.common.recipe import Recipe, Stage
from telephone.train.common.visual_words import targets
from telephone.train.stable_diffusion import facts_loss, picture_weights

PICTURES = 0.6
"""Share of the recipe's pictures that are drawn ahead: each costs a look by CLIP and by the VQGAN."""
PAIRS = 6000
"""Pictures whose sentences are read, too, for the linear map and for what it leaves."""
SHARP = 14.0
"""Factor of the cosines of z and the codes in the softmax."""
EXAM = 0.3
"""How much the examination counts beside the codes."""


@dataclass
class Undone:
    """Pictures as the two frozen nets see them."""

    embeddings: Tensor
    """[n, embedding], of unit length."""
    codes: Tensor
    """int64 [n, 16, 16]"""
    weight: Tensor
    """[n, 16, 16]: 1 on the backdrop, more on things."""
    cells: Tensor
    """int64 [n, 6, 4]: the facts of the cells."""
    whole: Tensor
    """int64 [n, 4]: the facts of the whole."""

    def some(self, rows: Tensor) -> "Undone":
        """Returns the pictures of these rows."""
        return Undone(*(getattr(self, field.name)[rows] for field in fields(self)))


class Undoing(nn.Module):
    """The net, and the heads that examine the vectors it unpacks: one for each of six cells, one for the whole."""

    def __init__(self, net: FeedForward) -> None:
        """Builds the heads; the six cells share theirs."""
        super().__init__()
        self.net = net
        self.cells = nn.Linear(net.config.context, sum(data.CELL_FACTS.values()))
        self.whole = nn.Linear(net.config.context, sum(data.SCENE_FACTS.values()))

    def examine(self, embedding: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        vectors = self.net.unpack(embedding, noise)
        return self.cells(vectors[:, :6]), self.whole(vectors[:, 6])


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
    weight = picture_weights(pictures)[:, 0]
    return Undone(torch.cat(embeddings).cpu(), torch.cat(codes).cpu(), weight, *targets(pictures.scenes)), texts


@torch.no_grad()
def bridge(net: FeedForward, sentences: Tensor, pictures: Tensor) -> None:
    """Sets the map from sentences' embeddings to those of their pictures, both [n, embedding].

    The two are whitened, turned so that they agree best (canonical correlation, Hotelling 1936), and given the spread
    that pictures have. Least squares would shrink whatever pictures tell with little certainty, and so the things.
    """
    texts, seen = F.normalize(sentences, dim=-1), F.normalize(pictures, dim=-1).to(sentences.device)
    flat, _ = _roots(texts)
    flat_seen, spread = _roots(seen)
    mean, mean_seen = texts.mean(0), seen.mean(0)
    together = ((seen - mean_seen) @ flat_seen).T @ ((texts - mean) @ flat) / len(texts)
    left, _, right = torch.linalg.svd(together)
    matrix = spread @ left @ right @ flat
    net.bridge.weight.copy_(matrix)
    net.bridge.bias.copy_(mean_seen - matrix @ mean)


def _roots(rows: Tensor, floor: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Returns the covariance of rows [n, width] to the power of -1/2 and of 1/2."""
    apart = rows - rows.mean(0)
    variance, axes = torch.linalg.eigh(apart.T @ apart / len(rows))
    variance = variance + floor * variance.mean()
    return (axes / variance.sqrt()) @ axes.T, (axes * variance.sqrt()) @ axes.T


@torch.no_grad()
def left_over(sentences: Tensor, pictures: Tensor) -> Tensor:
    """Returns what the best linear guess at pictures' embeddings leaves of them, both [n, embedding]."""
    texts = F.normalize(sentences, dim=-1)
    padded = torch.cat([texts, torch.ones_like(texts[:, :1])], dim=1)
    square = padded.T @ padded + 1e-2 * torch.eye(padded.shape[1], device=padded.device)
    guess = padded @ torch.linalg.solve(square, padded.T @ pictures.to(padded.device))
    return F.normalize(guess, dim=-1).cpu() - pictures.cpu()


@torch.no_grad()
def whiten(net: FeedForward, embeddings: Tensor, floor: float = 1e-2) -> None:
    """Sets the map that makes embeddings [n, embedding] uncorrelated, with mean 0 and variance 1.

    Directions with less than `floor` of the mean variance are not enlarged further: they hold little but noise.
    """
    weight, bias = whitening(embeddings, floor)
    net.whiten.weight.copy_(weight)
    net.whiten.bias.copy_(bias)


def blurred(embeddings: Tensor, gaps: Tensor, generator: torch.Generator) -> Tensor:
    """Returns embeddings moved by a random share, from none to all, of what the guess left of random pairs."""
    share = torch.rand(len(embeddings), 1, generator=generator)
    away = gaps[torch.randint(len(gaps), (len(embeddings),), generator=generator)]
    return F.normalize(embeddings + share * away, dim=-1)


def undo_loss(
    undoing: Undoing, vqgan: Vqgan, rows: Undone, gaps: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Returns the mean cross-entropy of the codes, things weighted, with the examination; and what to tell of it."""
    net, device = undoing.net, vqgan.codebook.device
    noise = torch.randn(len(rows.codes), net.config.noise, generator=generator).to(device)
    embedding = blurred(rows.embeddings, gaps, generator).to(device)
    z = net(embedding, noise)
    book = F.normalize(vqgan.codebook.detach(), dim=-1)
    logits = SHARP * torch.einsum("bchw,kc->bkhw", F.normalize(z, dim=1), book)
    codes, weight = rows.codes.to(device), rows.weight.to(device)
    loss = (weight * F.cross_entropy(logits, codes, reduction="none")).mean()
    exam, known = facts_loss(undoing.examine(embedding, noise), rows.cells.to(device), rows.whole.to(device))
    right = float((logits.argmax(1) == codes).float().mean())
    return loss + EXAM * exam, {"codes": loss.item(), "exam": exam.item(), "right": right, "known": known}


def learn_to_undo(
    recipe: Recipe, net: FeedForward, read: Callable[[list[str]], Tensor], clip: Clip, vqgan: Vqgan, minutes: float
) -> None:
    """Trains the net on pictures; `read` gives sentences' embeddings."""
    net.bridge.requires_grad_(requires_grad=False)
    net.whiten.requires_grad_(requires_grad=False)
    undoing = Undoing(net).to(recipe.device)
    stage = Stage(recipe, "undo", minutes, undoing, rate=1e-3)
    if stage.used >= stage.seconds:
        stage.finish()
        return
    seen, texts = prepare(recipe, clip, vqgan)
    told = torch.cat([read(texts[start : start + 200]) for start in range(0, len(texts), 200)])
    if stage.step == 0:
        bridge(net, told, seen.embeddings[: len(texts)])
        whiten(net, seen.embeddings)
        stage.ema = Ema(undoing)
    gaps = left_over(told, seen.embeddings[: len(texts)])
    rng = np.random.default_rng(recipe.seed + stage.step)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    for _ in stage:
        rows = torch.from_numpy(rng.integers(len(seen.codes), size=32))
        loss, parts = undo_loss(undoing, vqgan, seen.some(rows), gaps, generator)
        stage.update(loss, **parts)
    stage.finish()
