"""Recipe of `pocket/vqgan-clip`, in two stages. Needs `clip` and `vqgan`, which stay frozen.

1. `invert-clip` (`vqgan_clip_inversion.py`): the feed-forward net learns to generate images from their own CLIP
   embeddings. This stage is not in the published recipe, whose net trains for GPU days.
2. `vqgan-clip`: the net learns from captions alone (Cherti et al. 2021, feed-forward VQGAN-CLIP): it generates images,
   and CLIP compares augmented views of them with the captions. The loss has four terms:

   - the spherical distance of each view from its caption, as published;
   - the contrast with the other captions of the batch, each of which has a hard negative that differs in one fact, so
     that the net learns the fact and not only what most captions have in common;
   - minus the diversity of images of one caption with two noises, as published, here on a quarter of the captions;
   - the distance of z from its codes, without which the straight-through gradient becomes wrong.

    telephone learn vqgan-clip
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig, similarity
from telephone.nets.cutouts import Cutouts, diversity, total_variation, view_contrast, view_distance
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.nets.vqgan_clip import FeedForward, FeedForwardConfig, generate, synthesise, within_codes
from telephone.train.common import data
from telephone.train.common.evaluation import evaluating, sheet_images, sheet_scenes, write_sheet
from telephone.train.common.hard_negatives import caption_pair
from telephone.train.common.recipe import Recipe, StagePlan, frozen
from telephone.train.common.stage import Stage, length_sorted
from telephone.train.vqgan_clip_inversion import train_inversion

STAGES = {"invert-clip": StagePlan(4_300, 42), "vqgan-clip": StagePlan(250, 6)}
BATCH = 24
"""Captions a step, hard negatives included."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of the loss, and the views that CLIP compares."""

    floor: float = 0.55
    """Spherical distance below which an image counts as near enough: that of true images."""
    contrast: float = 0.3
    diversity: float = 0.02
    commitment: float = 0.25
    smooth: float = 0.0
    cutouts: Cutouts = Cutouts(views=2, side=0.9, turn=3.0, blur=0.3)


def main(recipe: Recipe, weights: LossWeights | None = None) -> Path:
    """Trains the feed-forward net from where it was stopped, and writes the weight file."""
    recipe.start()
    nets = FrozenNets.load(recipe)
    net = channels_last(FeedForward(nets.shape())).to(recipe.device)
    train_inversion(recipe, STAGES, net, nets.encode_texts, nets.clip, nets.vqgan)
    show(recipe, net, nets, "invert-clip-last")
    train_on_captions(recipe, net, nets, weights or LossWeights())
    save_weights(recipe.weights, net, net.config, recipe.about("pocket/vqgan-clip", "clip", "vqgan"))
    return recipe.weights


@dataclass(frozen=True)
class FrozenNets:
    """The nets that the feed-forward net is trained against."""

    clip: Clip
    vqgan: Vqgan
    tokenizer: WordTokenizer

    @classmethod
    def load(cls, recipe: Recipe) -> "FrozenNets":
        """Returns both nets as their recipes have trained them."""
        clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
        vqgan: Vqgan = frozen(recipe, "vqgan", lambda config: Vqgan(VqganConfig.from_dict(config)))
        return cls(clip, vqgan, WordTokenizer(clip.config.text.words))

    def shape(self) -> FeedForwardConfig:
        """Returns the config of a net between the two."""
        codes = self.vqgan.codebook
        return FeedForwardConfig(embedding=self.clip.config.embedding, channels=codes.shape[1])

    @torch.no_grad()
    def encode_texts(self, texts: list[str]) -> Tensor:
        """Returns CLIP's embeddings of captions [n, embedding]."""
        tokens = self.tokenizer.batch(texts, self.clip.config.text.max_tokens)
        return self.clip.encode_text(tokens.to(self.clip.logit_scale.device))


# --- captions -------------------------------------------------------------------------------------------------------


def caption_batches(stage: Stage, size: int = BATCH) -> Iterator[list[str]]:
    """Yields captions of the present step of a stage, each followed by its hard negative; `size` texts in all."""

    def draw(rng: np.random.Generator, count: int) -> list[tuple[str, str]]:
        key = int(rng.integers(2**32))
        return [caption_pair(data.train_scene("please", key, i), rng) for i in range(count)]

    for pairs in length_sorted(stage, draw, lambda pair: len(pair[0]), size // 2):
        yield [text for pair in pairs for text in pair]


# --- training -------------------------------------------------------------------------------------------------------


def train_on_captions(recipe: Recipe, net: FeedForward, nets: FrozenNets, weights: LossWeights) -> None:
    """Trains the net on captions; writes a sheet every 400 steps."""
    stage = Stage(recipe, STAGES, "vqgan-clip", net, rate=2e-4)
    for step, texts in zip(stage, caption_batches(stage), strict=False):
        loss, parts = generation_loss(net, nets, texts, weights, stage.generator)
        stage.update(loss, **parts)
        if step % 400 == 0:
            show(recipe, net, nets, f"vqgan-clip-{step}")
    stage.finish()
    show(recipe, net, nets, "vqgan-clip-last")


def generation_loss(
    net: FeedForward, nets: FrozenNets, texts: list[str], weights: LossWeights, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Returns the loss of one batch of captions, and its parts for the log.

    Args:
        net: the feed-forward net.
        nets: CLIP, VQGAN and the tokenizer.
        texts: captions and hard negatives in turn.
        weights: of the terms.
        generator: draws noise and views.
    """
    clip, vqgan = nets.clip, nets.vqgan
    goal, twice = nets.encode_texts(texts), len(texts) // 4
    noise = torch.randn(len(texts) + twice, net.config.noise, generator=generator).to(goal.device)
    z = net(net.to_image_embedding(torch.cat([goal, goal[:twice]])), noise)
    x = synthesise(vqgan, z)
    views = clip.encode_image(weights.cutouts(x[: len(texts)], generator))
    terms = {"distance": view_distance(views, goal), "contrast": view_contrast(views, goal, clip.scale())}
    terms["commitment"] = commitment_loss(vqgan, z)
    # True images are that far from their captions, too; smaller distances are adversarial artefacts.
    loss = (
        (terms["distance"] - weights.floor).clamp(min=0)
        + weights.contrast * terms["contrast"]
        + weights.commitment * terms["commitment"]
    )
    if twice and weights.diversity and clip.config.vision.stem:
        maps = clip.image_features(torch.cat([x[:twice], x[len(texts) :]]))
        terms["diversity"] = diversity([a[:twice] for a in maps], [a[twice:] for a in maps])
        loss = loss - weights.diversity * terms["diversity"]
    if weights.smooth:
        loss = loss + weights.smooth * total_variation(x)
    right = similarity(views.detach(), goal).argmax(dim=1) == torch.arange(len(views), device=goal.device) % len(texts)
    return loss, {name: term.item() for name, term in terms.items()} | {"right": right.float().mean().item()}


def commitment_loss(vqgan: Vqgan, z: Tensor) -> Tensor:
    """Returns how far z is from its codes, in units of their variance (van den Oord et al. 2017, eq. 3, last term)."""
    z = within_codes(vqgan, z)
    codes = vqgan.quantise(z).detach()
    return F.mse_loss(z, codes) / vqgan.codebook.var()


def show(recipe: Recipe, net: FeedForward, nets: FrozenNets, name: str) -> None:
    """Writes a sheet of held-out scenes: true images, and generated ones below them."""
    _, texts = sheet_scenes()
    with evaluating(net):
        drawn = generate(net, nets.vqgan, nets.encode_texts(texts), list(range(len(texts))))
    write_sheet(recipe, name, sheet_images(), drawn)
