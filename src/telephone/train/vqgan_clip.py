"""Recipe of `pocket/vqgan-clip`, in two stages: undo CLIP, and please it.

CLIP and the VQGAN are frozen and must be there before: `telephone learn clip`, `telephone learn vqgan`.

1. The net learns to draw pictures from their own CLIP embeddings (`vqgan_clip_undo.py`). This stage is not in the
   published recipe, whose net has GPU days to find out by itself how things look.
2. The net learns from sentences alone, marked by CLIP, and looks at no picture. Each step takes sentences, draws them,
   and CLIP compares augmented views of the drawings with the sentences (Cherti et al. 2021). The loss has four terms:

   - the spherical distance of each view from its sentence, as published;
   - the contrast with the other sentences of the batch, of which each has a twin that differs in one fact, so that the
     fact is drawn and not only what most sentences have in common;
   - less the diversity of drawings of one sentence with two noises, as published, here on a quarter of the sentences;
   - the distance of z from its codes, without which the straight-through gradient soon belongs to another place.

    telephone learn vqgan-clip --minutes 48
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from telephone import world
from telephone.core.records import Level
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig, similarity
from telephone.nets.cutouts import Cutouts, diversity, total_variation, view_contrast, view_distance
from telephone.nets.layers import channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.nets.vqgan import Vqgan, VqganConfig
from telephone.nets.vqgan_clip import FeedForward, FeedForwardConfig, generate, synthesise, within_codes
from telephone.train.common import data
from telephone.train.common.hard_negatives import pair
from telephone.train.common.recipe import Recipe, Stage, frozen
from telephone.train.vqgan_clip_undo import learn_to_undo
from telephone.world.render import render_array

MINUTES = 48.0
SHARES = {"undo": 0.88, "please": 0.12}
BATCH = 24
"""Sentences a step, twins included."""
SHEET: tuple[Level, ...] = ("easy", "medium", "hard")


@dataclass(frozen=True)
class LossWeights:
    """How much each term of the loss counts, and the views that CLIP sees."""

    floor: float = 0.55
    """Spherical distance below which a drawing is near enough: that of true pictures."""
    contrast: float = 0.3
    diversity: float = 0.02
    commitment: float = 0.25
    smooth: float = 0.0
    cutouts: Cutouts = Cutouts(views=2, side=0.9, turn=3.0, blur=0.3)


def main(recipe: Recipe, weights: LossWeights | None = None) -> Path:
    """Trains the feed-forward net from where it was stopped, and writes the weight file."""
    recipe.start()
    frame = FrozenNets.load(recipe)
    net = channels_last(FeedForward(frame.shape())).to(recipe.device)
    learn_to_undo(recipe, net, frame.read, frame.clip, frame.vqgan, SHARES["undo"] * recipe.minutes)
    show(recipe, net, frame, "undo-last")
    learn_to_please(recipe, net, frame, weights or LossWeights())
    about = {"player": "pocket/vqgan-clip", "seed": recipe.seed, "minutes": recipe.minutes}
    save_weights(recipe.weights, net, net.config, about)
    return recipe.weights


@dataclass(frozen=True)
class FrozenNets:
    """What the net is trained against."""

    clip: Clip
    vqgan: Vqgan
    tokenizer: WordTokenizer

    @classmethod
    def load(cls, recipe: Recipe) -> "FrozenNets":
        """Returns both nets as their recipes have left them."""
        clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
        vqgan: Vqgan = frozen(recipe, "vqgan", lambda config: Vqgan(VqganConfig.from_dict(config)))
        return cls(clip, vqgan, WordTokenizer(clip.config.text.words))

    def shape(self) -> FeedForwardConfig:
        """Returns the config of a net between the two."""
        codes = self.vqgan.codebook
        return FeedForwardConfig(embedding=self.clip.config.embedding, channels=codes.shape[1])

    @torch.no_grad()
    def read(self, texts: list[str]) -> Tensor:
        """Returns the embeddings of sentences [n, embedding]."""
        tokens = self.tokenizer.batch(texts, self.clip.config.text.max_tokens)
        return self.clip.encode_text(tokens.to(self.clip.logit_scale.device))


# --- sentences ------------------------------------------------------------------------------------------------------


def sentences(seed: int, batch: int = BATCH) -> Iterator[list[str]]:
    """Yields batches of sentences, each followed by its twin; sentences of like length share a batch."""
    rng = np.random.default_rng(seed)
    for draw in count():
        pairs = [pair(data.train_scene("please", seed, draw, i), rng) for i in range(4 * batch)]
        pairs.sort(key=lambda pair: len(pair[0]))
        for index in rng.permutation(8):
            yield [text for pair in pairs[index * batch // 2 : (index + 1) * batch // 2] for text in pair]


# --- learning -------------------------------------------------------------------------------------------------------


def learn_to_please(recipe: Recipe, net: FeedForward, frame: FrozenNets, weights: LossWeights) -> None:
    """Trains the net on sentences; a sheet is drawn now and then."""
    stage = Stage(recipe, "vqgan-clip", SHARES["please"] * recipe.minutes, net, rate=2e-4)
    generator = torch.Generator().manual_seed(recipe.seed + stage.step)
    batches = sentences(recipe.seed + stage.step)
    for step, texts in zip(stage, batches, strict=False):
        loss, parts = drawing_loss(net, frame, texts, weights, generator)
        stage.update(loss, **parts)
        if step % 400 == 0:
            show(recipe, net, frame, f"vqgan-clip-{step}")
    stage.finish()
    show(recipe, net, frame, "vqgan-clip-last")


def drawing_loss(
    net: FeedForward, frame: FrozenNets, texts: list[str], weights: LossWeights, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Returns the loss of one batch of sentences, and what the loss curve should tell about it."""
    clip, vqgan = frame.clip, frame.vqgan
    goal, again = frame.read(texts), len(texts) // 4
    noise = torch.randn(len(texts) + again, net.config.noise, generator=generator).to(goal.device)
    z = net(net.cross(torch.cat([goal, goal[:again]])), noise)
    x = synthesise(vqgan, z)
    views = clip.encode_image(weights.cutouts(x[: len(texts)], generator))
    terms = {"distance": view_distance(views, goal), "contrast": view_contrast(views, goal, clip.scale())}
    terms["commitment"] = commitment(vqgan, z)
    # True pictures are that far from their sentences, too: what comes nearer is flattery.
    loss = (
        (terms["distance"] - weights.floor).clamp(min=0)
        + weights.contrast * terms["contrast"]
        + weights.commitment * terms["commitment"]
    )
    if again and weights.diversity and clip.config.vision.stem:
        maps = clip.image_features(torch.cat([x[:again], x[len(texts) :]]))
        terms["diversity"] = diversity([a[:again] for a in maps], [a[again:] for a in maps])
        loss = loss - weights.diversity * terms["diversity"]
    if weights.smooth:
        loss = loss + weights.smooth * total_variation(x)
    right = similarity(views.detach(), goal).argmax(dim=1) == torch.arange(len(views), device=goal.device) % len(texts)
    return loss, {name: term.item() for name, term in terms.items()} | {"right": right.float().mean().item()}


def commitment(vqgan: Vqgan, z: Tensor) -> Tensor:
    """Returns how far z is from its codes, in units of their variance (van den Oord et al. 2017, eq. 3, last term)."""
    z = within_codes(vqgan, z)
    codes = vqgan.quantise(z).detach()
    return F.mse_loss(z, codes) / vqgan.codebook.var()


@torch.no_grad()
def show(recipe: Recipe, net: FeedForward, frame: FrozenNets, name: str) -> None:
    """Writes a sheet: true pictures of held-out scenes above the drawings of their sentences."""
    scenes = [world.sample(level, i, split="test") for level in SHEET for i in range(8)]
    goal = frame.read([world.caption(scene, "en", "plain") for scene in scenes])
    was = net.training
    drawn = generate(net.eval(), frame.vqgan, goal, list(range(len(scenes)))).cpu().numpy()
    net.train(was)
    truth = data.to_unit(render_array(scenes, list(range(len(scenes)))))
    rows = [half[i : i + 8] for i in range(0, len(scenes), 8) for half in (truth, drawn)]
    folder = recipe.folder / "samples"
    folder.mkdir(exist_ok=True)
    Image.fromarray(data.sheet(rows)).save(folder / f"{name}.png")
