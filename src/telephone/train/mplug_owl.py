"""Recipe of `pocket/mplug-owl` (Ye et al. 2023, arXiv 2304.14178), in four stages. Needs `blip` and `language-model`.

The vision encoder starts as BLIP's, as the paper's starts as CLIP's. The first stage of the paper, with a frozen
language model (section 3.2), is split into three, because each makes the next one much cheaper:

1. `abstractor-facts`: the abstractor alone learns from cached image features. Each query learns one fact, which a
   linear head predicts from it; the heads are not part of the paper and are not shipped. Then the projection to the
   language model is fitted by ridge regression to the embeddings of the visual words, in the order of a sentence.
2. `abstractor`: abstractor and projection learn from the language model's loss on captions.
3. `vision`: the vision encoder learns, too, from newly rendered images. Most batches train the heads alone, which costs
   a fifth of a batch with the language model; some of their images are grey.

The second stage of the paper is one stage:

4. `instructions`: low-rank adapters on the language model learn to follow instructions (detailed, short, in Chinese,
   questions) about images and, in every fourth batch, about texts, as in the paper. Everything else is frozen.

The first stage needs no language model: without one the recipe stops after it, and resumes when there is one.

    telephone learn mplug-owl
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone.nets.blip import BlipImageEncoder
from telephone.nets.blip_2 import answer_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.language_model import LanguageModelConfig
from telephone.nets.layers import channels_last
from telephone.nets.mplug_owl import AbstractorConfig, InstructionModel, MplugOwl, MplugOwlConfig, VisualAbstractor
from telephone.train.common import data, feature_cache
from telephone.train.common.augmentation import augmented, grey_some
from telephone.train.common.feature_cache import ImageFeatures
from telephone.train.common.heads import QUERIES, FactHeads, FactTargets
from telephone.train.common.instruction_data import InstructionBatch, evaluate_instructions, instruction_batches
from telephone.train.common.instructions import ALL
from telephone.train.common.linear import ridge_regression, set_linear
from telephone.train.common.losses import facts_loss
from telephone.train.common.recipe import Recipe, StagePlan
from telephone.train.common.stage import Stage
from telephone.train.common.visual_words import word_embeddings

STAGES = {
    "abstractor-facts": StagePlan(960, 6),
    "abstractor": StagePlan(660, 12),
    "vision": StagePlan(1_900, 63),
    "instructions": StagePlan(2_270, 25),
}
BATCH = 32
"""Images a step."""
FACTS_WEIGHT = 0.1
"""Weight of the heads' loss beside the language model's."""
LANGUAGE_EVERY = 4
"""In stage 3, one step in so many trains on the language model's loss."""
FRESH = 0.6
"""Images rendered for the last two stages, as a share of those whose features are cached."""
CAPTIONS = ("detailed", "sentence")
"""Kinds of instructions in the first three stages."""


def main(recipe: Recipe) -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file.

    Raises:
        WeightsError: the weights that the recipe builds on are missing; the message names the recipe that comes first.
    """
    recipe.start()
    encoder = feature_cache.blip_encoder(recipe)
    images = feature_cache.blip_features(recipe, encoder, feature_cache.image_set(recipe), recipe.pictures)
    vision = VisionWithHeads(encoder)
    vision = channels_last(vision).to(recipe.device)
    train_abstractor_facts(recipe, vision, images)
    owl = with_language_model(recipe, vision)
    fit_projection(vision, images, owl)
    train_abstractor(recipe, vision, images, owl)
    pictures = data.paint(f"owl {recipe.seed}", max(BATCH, int(FRESH * recipe.pictures)))
    train_vision(recipe, vision, pictures, owl)
    train_adapters(recipe, pictures, owl)
    about = recipe.about("pocket/mplug-owl", "language-model")
    save_weights(recipe.weights, owl.net, owl.net.config, about, bits=8)
    return recipe.weights


class VisionWithHeads(nn.Module):
    """Vision encoder and abstractor with the fact heads on the abstractor's queries."""

    def __init__(self, encoder: BlipImageEncoder, language_width: int = LanguageModelConfig.width) -> None:
        """Builds an abstractor with fresh weights and one query a fact."""
        super().__init__()
        width, patches = encoder.config.width, len(encoder.position)
        self.encoder = encoder.requires_grad_(requires_grad=True)
        self.abstractor = VisualAbstractor(AbstractorConfig(queries=QUERIES), width, patches, language_width)
        self.heads = FactHeads(width)

    def without_encoder(self) -> nn.Module:
        """Returns the parts that learn from cached features."""
        return nn.ModuleDict({"abstractor": self.abstractor, "heads": self.heads})

    def queries(self, x: Tensor) -> Tensor:
        """Returns the abstractor's queries [batch, QUERIES, width] of images [batch, 3, 64, 64] in [-1, 1]."""
        return self.abstractor.query_features(self.encoder(x))


def with_language_model(recipe: Recipe, vision: VisionWithHeads) -> InstructionModel:
    """Returns encoder and abstractor with the frozen language model and its tokenizer.

    Raises:
        WeightsError: the recipe `language-model` has not been run.
    """
    model, tokenizer = feature_cache.language_model(recipe)
    config = MplugOwlConfig(vision.encoder.config, vision.abstractor.config, language_width=model.config.width)
    net = MplugOwl(config, model).to(recipe.device)
    net.image_encoder, net.abstractor = vision.encoder, vision.abstractor
    return InstructionModel(net, model, tokenizer)


def answers_loss(owl: InstructionModel, batch: InstructionBatch, image: Tensor | None) -> Tensor:
    """Returns the language model's loss on the answers of a batch.

    Args:
        owl: the model.
        batch: the instructions.
        image: visual tokens [batch, t, width], None if descriptions take the place of the images.
    """
    model = owl.language_model
    tokens, answers = (part.to(model.token.weight.device) for part in (batch.tokens, batch.answers))
    if image is None:
        return model.loss(model.embed(tokens[:, :-1]), answers[:, 1:])
    return answer_loss(model, image, tokens, answers)


# --- the first stage of the paper: the language model is frozen -----------------------------------------------------


def train_abstractor_facts(recipe: Recipe, vision: VisionWithHeads, images: ImageFeatures) -> None:
    """Trains the abstractor to predict facts from cached features."""
    stage = Stage(recipe, STAGES, "abstractor-facts", vision.without_encoder(), rate=1e-3)
    targets = FactTargets.of(images.scenes, recipe.device)
    for _ in stage:
        rows = stage.rng.integers(len(images.scenes), size=BATCH)
        loss, right = targets.loss(
            vision.heads(vision.abstractor.query_features(images.batch(rows).to(recipe.device))), rows
        )
        stage.update(loss, right=right)
    stage.finish()


@torch.no_grad()
def fit_projection(vision: VisionWithHeads, images: ImageFeatures, owl: InstructionModel, count: int = 2048) -> None:
    """Sets the projection to the ridge regression from the queries to the embeddings of the visual words."""
    device = owl.language_model.token.weight.device
    rows = np.arange(min(count, len(images.scenes)))
    chunks = np.array_split(rows, max(1, len(rows) // 128))
    queries = torch.cat([vision.abstractor.query_features(images.batch(part).to(device)).cpu() for part in chunks])
    words = word_embeddings(images.scenes[: len(rows)], owl.language_model, owl.tokenizer)
    set_linear(vision.abstractor.projection, *ridge_regression(queries.flatten(0, 1), words.flatten(0, 1)))


def train_abstractor(recipe: Recipe, vision: VisionWithHeads, images: ImageFeatures, owl: InstructionModel) -> None:
    """Trains abstractor and projection on the language model's loss on captions of cached features."""
    stage = Stage(recipe, STAGES, "abstractor", vision.without_encoder(), rate=6e-4)
    targets = FactTargets.of(images.scenes, recipe.device)
    for step, batch in zip(
        stage, instruction_batches(stage, images.scenes, owl.tokenizer, CAPTIONS, BATCH), strict=False
    ):
        queries = vision.abstractor.query_features(images.batch(batch.rows).to(recipe.device))
        facts, right = targets.loss(vision.heads(queries), batch.rows)
        text = answers_loss(owl, batch, vision.abstractor.projection(queries))
        stage.update(text + FACTS_WEIGHT * facts, text=text.item(), right=right)
        if step % 250 == 0:
            evaluate_instructions(recipe, owl, f"abstractor-{step}")
    stage.finish()
    evaluate_instructions(recipe, owl, "abstractor-last")


def train_vision(recipe: Recipe, vision: VisionWithHeads, pictures: data.ImageBatch, owl: InstructionModel) -> None:
    """Trains vision encoder and abstractor together."""
    stage = Stage(recipe, STAGES, "vision", vision, rate=3e-4)
    targets = FactTargets.of(pictures.scenes, recipe.device)
    batches = instruction_batches(stage, pictures.scenes, owl.tokenizer, CAPTIONS, BATCH)
    for step in stage:
        rng = stage.rng
        if step % LANGUAGE_EVERY:
            rows = rng.integers(len(pictures.scenes), size=BATCH)
            x, cells, whole = grey_some(augmented(pictures.pixels[rows], rng).to(recipe.device), *targets.rows(rows))
            facts, right = facts_loss(vision.heads(vision.queries(x)), cells, whole)
            stage.update(FACTS_WEIGHT * facts, facts=facts.item(), right=right)
            continue
        batch = next(batches)
        queries = vision.queries(augmented(pictures.pixels[batch.rows], rng).to(recipe.device))
        facts, right = targets.loss(vision.heads(queries), batch.rows)
        text = answers_loss(owl, batch, vision.abstractor.projection(queries))
        stage.update(text + FACTS_WEIGHT * facts, text=text.item(), facts=facts.item(), right=right)
        if step % 1000 == 0:
            evaluate_instructions(recipe, owl, f"vision-{step}")
    stage.finish()
    evaluate_instructions(recipe, owl, "vision-last")


# --- the second stage of the paper: adapters on the language model --------------------------------------------------


def train_adapters(recipe: Recipe, pictures: data.ImageBatch, owl: InstructionModel) -> None:
    """Trains the adapters on instructions about images and, in every fourth batch, about texts."""
    owl.net.adapters.attach(owl.language_model)
    stage = Stage(recipe, STAGES, "instructions", owl.net.adapters, rate=2e-3)
    tokens = None if stage.done else visual_tokens(recipe, pictures, owl)
    about_images = instruction_batches(stage, pictures.scenes, owl.tokenizer, ALL, BATCH)
    about_texts = instruction_batches(stage, pictures.scenes, owl.tokenizer, ALL, BATCH, as_text=True)
    for step in stage:
        assert tokens is not None
        if step % 4 == 3:
            loss = answers_loss(owl, next(about_texts), None)
        else:
            batch = next(about_images)
            loss = answers_loss(owl, batch, tokens[torch.from_numpy(batch.rows)].float().to(recipe.device))
        stage.update(loss)
        if step % 500 == 0:
            evaluate_instructions(recipe, owl, f"instructions-{step}")
    stage.finish()
    evaluate_instructions(recipe, owl, "instructions-last")


@torch.no_grad()
def visual_tokens(recipe: Recipe, pictures: data.ImageBatch, owl: InstructionModel) -> Tensor:
    """Returns the visual tokens of the images, float16 [n, t, width]; half of each chunk is augmented."""
    owl.net.eval()
    rng = np.random.default_rng(recipe.seed)
    starts = range(0, len(pictures.scenes), 128)
    parts = (augmented(pictures.pixels[start : start + 128], rng) for start in starts)
    return torch.cat([owl.net.visual_tokens(x.to(recipe.device)).half().cpu() for x in parts])
