"""Recipe of `pocket/blip` (Li et al. 2022, arXiv 2201.12086), in two stages.

1. `vision`: the image encoder is pre-trained to predict the facts of each cell of the image and of the whole scene,
   with linear heads that are not shipped. This stands in for the ImageNet pre-training of section 4.1.
2. `blip`: the whole model learns from the sum of the three losses of section 3.2: ITC, ITM and LM. Captions state what
   is visible, from left to right, in the `plain` wording: one sentence.

Half of the images are augmented (noise, blur, brightness), because in a game the model sees images that other nets have
drawn.

    telephone learn blip
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone import world
from telephone.nets.blip import Blip, BlipConfig, BlipImageEncoder, BlipTextConfig
from telephone.nets.checkpoint import save_weights
from telephone.nets.generation import Decoding
from telephone.nets.layers import TransformerBlock, channels_last
from telephone.nets.tokenizer import WordTokenizer
from telephone.train.common import data
from telephone.train.common.augmentation import augmented
from telephone.train.common.evaluation import evaluate_captions, evaluating
from telephone.train.common.heads import VECTORS, EncoderWithHeads, FactTargets
from telephone.train.common.recipe import Recipe, StagePlan, keep
from telephone.train.common.stage import Stage, length_sorted

STAGES = {"vision": StagePlan(1_700, 19), "blip": StagePlan(2_900, 43)}
WORDING = "plain"
BATCH = 32
"""Images a step."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file."""
    device = recipe.start()
    tokenizer = WordTokenizer(keep(recipe.folder / "words.json", learn_words))
    config = BlipConfig(text=BlipTextConfig(words=tokenizer.words[4:]))
    net = channels_last(Blip(config)).to(device)
    pictures = data.paint(f"describe {recipe.seed}", recipe.pictures)
    pretrain_vision(recipe, net.image_encoder, pictures)
    train_all(recipe, net, tokenizer, pictures)
    save_weights(recipe.weights, net, config, recipe.about("pocket/blip"))
    return recipe.weights


def learn_words(scenes: int = 8000) -> tuple[str, ...]:
    """Returns every word of the captions, in alphabetical order."""
    seen = (data.visible(data.train_scene("words", i)) for i in range(scenes))
    return WordTokenizer.learn(world.caption(scene, "en", WORDING) for scene in seen).words[4:]


# --- 1. vision ------------------------------------------------------------------------------------------------------


class PooledEncoder(nn.Module):
    """The image encoder, and seven queries that pool its patch features: one a cell, one for the whole."""

    def __init__(self, encoder: BlipImageEncoder) -> None:
        """Adds queries and one layer of cross-attention."""
        super().__init__()
        width = encoder.config.width
        self.encoder = encoder
        self.queries = nn.Parameter(torch.randn(VECTORS, width) * 0.2)
        self.pool = TransformerBlock(width, encoder.config.heads, width, expand=2)

    def forward(self, x: Tensor) -> Tensor:
        """Returns seven vectors [batch, 7, width] of images [batch, 3, 64, 64] in [-1, 1]."""
        pooled: Tensor = self.pool(self.queries.expand(len(x), -1, -1), self.encoder(x))
        return pooled


def pretrain_vision(recipe: Recipe, encoder: BlipImageEncoder, pictures: data.ImageBatch) -> None:
    """Trains the image encoder to predict facts."""
    net = channels_last(EncoderWithHeads(PooledEncoder(encoder), encoder.config.width)).to(recipe.device)
    stage = Stage(recipe, STAGES, "vision", net, rate=8e-4)
    targets = FactTargets.of(pictures.scenes, recipe.device)
    for _ in stage:
        rng = stage.rng
        rows = rng.integers(len(pictures.scenes), size=BATCH)
        loss, right = targets.loss(net(augmented(pictures.pixels[rows], rng).to(recipe.device)), rows)
        stage.update(loss, right=right)
    stage.finish()


# --- 2. all losses --------------------------------------------------------------------------------------------------


def train_all(recipe: Recipe, net: Blip, tokenizer: WordTokenizer, pictures: data.ImageBatch) -> None:
    """Trains all parts on 0.3 ITC + 0.3 ITM + LM; ITM, the costliest, on a quarter of each batch."""
    net.train()
    stage = Stage(recipe, STAGES, "blip", net, rate=7e-4)
    texts = [world.caption(data.visible(scene), "en", WORDING) for scene in pictures.scenes]
    limit = net.config.text.max_tokens

    def draw(rng: np.random.Generator, count: int) -> list[int]:
        return rng.integers(len(texts), size=count).tolist()

    for step, batch in zip(stage, length_sorted(stage, draw, lambda row: len(texts[row]), BATCH), strict=False):
        rng = stage.rng
        rows = rng.permutation(batch)
        tokens = tokenizer.batch([texts[row] for row in rows], limit).to(recipe.device)
        patches = net.image_encoder(augmented(pictures.pixels[rows], rng).to(recipe.device))
        itc, similarity = net.itc_loss(patches, tokens)
        some = len(rows) // 4
        itm = net.itm_loss(patches[:some], tokens[:some], similarity[:some, :some], stage.generator)
        lm = net.lm_loss(patches, tokens)
        stage.update(itc * 0.3 + itm * 0.3 + lm, itc=itc.item(), itm=itm.item(), lm=lm.item())
        if step % 500 == 0:
            evaluate(recipe, net, tokenizer, f"blip-{step}")
    stage.finish()
    evaluate(recipe, net, tokenizer, "blip-last")


def evaluate(recipe: Recipe, net: Blip, tokenizer: WordTokenizer, name: str) -> None:
    """Writes captions of held-out images beside the true ones, with the number of facts that are kept."""

    def caption(x: Tensor) -> list[str]:
        return [tokenizer.decode(row) for row in net.caption(x, list(range(len(x))), Decoding()).tolist()]

    with evaluating(net):
        evaluate_captions(recipe, name, caption, WORDING)
