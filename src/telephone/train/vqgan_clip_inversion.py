"""First stage of `pocket/vqgan-clip`: the net learns to invert CLIP, from images alone (CLIP-GEN, Wang et al. 2022).

CLIP-GEN (arXiv 2203.00386, section 3.2): images and captions share an embedding space, so a net that generates an image
from its own embedding can also generate one from a caption's. Images provide a target for every position, while CLIP's
similarity, from which the second stage learns, only scores the whole image.

The two kinds of embeddings differ systematically (the modality gap). A linear map, found on some pairs, takes a
caption's embedding to where its image's would be. The residuals of a ridge regression between the two are added as
noise (Zhou et al. 2022, arXiv 2111.13792, section 3.1, add isotropic noise).

The vectors that an embedding is unpacked into are trained to predict facts, like CLIP's own queries; the heads are not
shipped.
"""

from collections.abc import Callable, Mapping
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
from telephone.train.common.heads import VECTORS, FactHeads, fact_targets
from telephone.train.common.linear import covariance_roots, ridge_regression, set_linear
from telephone.train.common.losses import facts_loss
from telephone.train.common.recipe import Recipe, StagePlan
from telephone.train.common.stage import Stage
from telephone.train.stable_diffusion import position_weights

PICTURES = 0.6
"""Share of the recipe's images that are rendered ahead: each is encoded by CLIP and by the VQGAN."""
PAIRS = 6000
"""Images whose captions are encoded as well, for the linear map and its residuals."""
BATCH = 32
"""Images a step."""
SHARPNESS = 14.0
"""Factor on the cosines of z and the codes in the softmax."""
FACTS_WEIGHT = 0.3
"""Weight of the loss on facts beside that on codes."""


@dataclass
class EncodedImages:
    """Images as the two frozen nets encode them."""

    embeddings: Tensor
    """[n, embedding], of unit length."""
    codes: Tensor
    """int64 [n, 16, 16]"""
    weight: Tensor
    """[n, 16, 16]: 1 on the background, more on things."""
    cells: Tensor
    """int64 [n, 6, 4]: the facts of the cells."""
    whole: Tensor
    """int64 [n, 4]: the facts of the whole."""

    def some(self, rows: Tensor) -> "EncodedImages":
        """Returns the images of these rows."""
        return EncodedImages(*(getattr(self, field.name)[rows] for field in fields(self)))


class FeedForwardWithHeads(nn.Module):
    """The net with the fact heads on the vectors that an embedding is unpacked into."""

    def __init__(self, net: FeedForward) -> None:
        """Adds fresh heads."""
        super().__init__()
        self.net = net
        self.heads = FactHeads(net.config.context)

    def facts(self, embedding: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Returns logits of the cells [batch, 6, answers] and of the whole [batch, answers]."""
        logits: tuple[Tensor, Tensor] = self.heads(self.net.unpack(embedding, noise)[:, :VECTORS])
        return logits


@torch.no_grad()
def prepare(recipe: Recipe, clip: Clip, vqgan: Vqgan) -> tuple[EncodedImages, list[str]]:
    """Renders and encodes the training images; also returns a caption for each of the first `PAIRS`."""
    pictures = data.paint(f"undo {recipe.seed}", int(recipe.pictures * PICTURES), masks=True, still=True)
    embeddings, codes = [], []
    for start in range(0, len(pictures.pixels), 200):
        x = torch.from_numpy(data.to_unit(pictures.pixels[start : start + 200])).to(recipe.device)
        x = x.contiguous(memory_format=torch.channels_last)
        embeddings.append(F.normalize(clip.encode_image(x), dim=-1))
        codes.append(vqgan.nearest(vqgan.unquantised(x)))
    rng = np.random.default_rng(recipe.seed)
    texts = [data.any_caption(scene, rng) for scene in pictures.scenes[:PAIRS]]
    weight = position_weights(pictures)[:, 0]
    facts = fact_targets(pictures.scenes)
    return EncodedImages(torch.cat(embeddings).cpu(), torch.cat(codes).cpu(), weight, *facts), texts


@torch.no_grad()
def set_bridge(net: FeedForward, captions: Tensor, images: Tensor) -> None:
    """Sets the net's map from embeddings of captions to those of their images, both [n, embedding].

    The two are whitened, rotated so that they agree best (canonical correlation, Hotelling 1936), and given the spread
    of images. Least patches would shrink the directions that captions predict with little certainty, and so the things.
    """
    texts, seen = F.normalize(captions, dim=-1), F.normalize(images, dim=-1).to(captions.device)
    white_texts, _ = covariance_roots(texts)
    white_images, spread = covariance_roots(seen)
    mean, image_mean = texts.mean(0), seen.mean(0)
    correlation = ((seen - image_mean) @ white_images).T @ ((texts - mean) @ white_texts) / len(texts)
    left, _, right = torch.linalg.svd(correlation)
    matrix = spread @ left @ right @ white_texts
    set_linear(net.bridge, matrix, image_mean - matrix @ mean)


@torch.no_grad()
def residuals(captions: Tensor, images: Tensor) -> Tensor:
    """Returns the differences between predicted and true embeddings of images, both [n, embedding]."""
    texts = F.normalize(captions, dim=-1)
    weight, bias = ridge_regression(texts, images.to(texts.device), ridge=2e-4)
    return F.normalize(texts @ weight.T + bias, dim=-1).cpu() - images.cpu()


@torch.no_grad()
def set_whitening(net: FeedForward, embeddings: Tensor, floor: float = 1e-2) -> None:
    """Sets the net's map that makes embeddings [n, embedding] uncorrelated, with mean 0 and variance 1.

    Directions with less than `floor` of the mean variance are not enlarged further: they are mostly noise.
    """
    set_linear(net.whiten, *whitening(embeddings, floor))


def noisy(embeddings: Tensor, gaps: Tensor, generator: torch.Generator) -> Tensor:
    """Returns embeddings moved by a random share, from none to all, of the residual of a random pair."""
    share = torch.rand(len(embeddings), 1, generator=generator)
    away = gaps[torch.randint(len(gaps), (len(embeddings),), generator=generator)]
    return F.normalize(embeddings + share * away, dim=-1)


def inversion_loss(
    trained: FeedForwardWithHeads, vqgan: Vqgan, rows: EncodedImages, gaps: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Returns the weighted cross-entropy of the codes plus the loss on facts, and both for the log.

    Args:
        trained: the net with its heads.
        vqgan: whose codes are predicted.
        rows: the batch.
        gaps: residuals of the map from captions [m, embedding].
        generator: draws noise.
    """
    net, device = trained.net, vqgan.codebook.device
    noise = torch.randn(len(rows.codes), net.config.noise, generator=generator).to(device)
    embedding = noisy(rows.embeddings, gaps, generator).to(device)
    z = net(embedding, noise)
    book = F.normalize(vqgan.codebook.detach(), dim=-1)
    logits = SHARPNESS * torch.einsum("bchw,kc->bkhw", F.normalize(z, dim=1), book)
    codes, weight = rows.codes.to(device), rows.weight.to(device)
    loss = (weight * F.cross_entropy(logits, codes, reduction="none")).mean()
    facts, known = facts_loss(trained.facts(embedding, noise), rows.cells.to(device), rows.whole.to(device))
    right = float((logits.argmax(1) == codes).float().mean())
    return loss + FACTS_WEIGHT * facts, {"codes": loss.item(), "facts": facts.item(), "right": right, "known": known}


def train_inversion(
    recipe: Recipe,
    stages: Mapping[str, StagePlan],
    net: FeedForward,
    encode_texts: Callable[[list[str]], Tensor],
    clip: Clip,
    vqgan: Vqgan,
) -> None:
    """Trains the net on images; `encode_texts` gives CLIP's embeddings of captions."""
    net.bridge.requires_grad_(requires_grad=False)
    net.whiten.requires_grad_(requires_grad=False)
    trained = FeedForwardWithHeads(net).to(recipe.device)
    stage = Stage(recipe, stages, "invert-clip", trained, rate=1e-3)
    if stage.done:
        stage.finish()
        return
    images, texts = prepare(recipe, clip, vqgan)
    captions = torch.cat([encode_texts(texts[start : start + 200]) for start in range(0, len(texts), 200)])
    if stage.step == 0:
        set_bridge(net, captions, images.embeddings[: len(texts)])
        set_whitening(net, images.embeddings)
        stage.ema = Ema(trained)
    gaps = residuals(captions, images.embeddings[: len(texts)])
    for _ in stage:
        rows = torch.from_numpy(stage.rng.integers(len(images.codes), size=BATCH))
        loss, parts = inversion_loss(trained, vqgan, images.some(rows), gaps, stage.generator)
        stage.update(loss, **parts)
    stage.finish()
