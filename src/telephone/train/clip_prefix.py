"""Recipe of `pocket/clip-prefix` (Mokady et al. 2021, arXiv 2111.09734), in two stages. Needs `clip`, `language-model`.

CLIP's features of all training images are computed once (`clip_prefix_data.py`).

1. `mapper-facts`: each vector of the prefix learns one fact, such as the colour of the thing at the top left, which a
   linear head predicts from it. The heads are not shipped; they stand in for the millions of captions of the paper. The
   last layer then starts as the ridge regression to the embeddings of the visual words.
2. `captioning`: mapper and language model learn from the loss on captions (eq. 2), plus a little of the heads' loss. A
   CLIP embedding does not hold all facts of a full image, so a caption states only those facts that the heads predict
   with some confidence; otherwise the model would learn to guess. If no thing is certain, it states setting and time.

The default is the two-layer mapper with a tuned language model (section 3.2); the transformer mapper with a frozen
language model (section 3.3) costs thirty times the work an image on a CPU.

    telephone learn clip-prefix --pictures 64000
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from telephone import world
from telephone.nets.blip_2 import answer_instructions, answer_loss
from telephone.nets.checkpoint import save_weights
from telephone.nets.clip import Clip, ClipConfig
from telephone.nets.clip_prefix import ClipPrefix, ClipPrefixConfig, unprojected_features
from telephone.nets.generation import Decoding
from telephone.nets.language_model import LanguageModel
from telephone.nets.tokenizer import ChatTokenizer
from telephone.train.clip_prefix_data import ClipFeatures, answer_probabilities, clip_features, confident_scene
from telephone.train.common import data, feature_cache
from telephone.train.common.evaluation import evaluate_captions, evaluating
from telephone.train.common.heads import QUERIES, FactHeads
from telephone.train.common.instruction_data import instruction_batches
from telephone.train.common.instructions import INSTRUCTIONS
from telephone.train.common.linear import ridge_regression, set_linear
from telephone.train.common.recipe import Recipe, StagePlan, frozen
from telephone.train.common.stage import Stage
from telephone.train.common.visual_words import word_embeddings
from telephone.world.facts import CELL_FACTS, SCENE_FACTS

STAGES = {"mapper-facts": StagePlan(8_600, 18), "captioning": StagePlan(600, 12)}
BATCH = 64
"""Captions a step; the first stage takes twice as many images."""
FACTS_WEIGHT = 0.1
"""Weight of the heads' loss beside the loss on captions."""
TASK = INSTRUCTIONS["sentence"][0]


@dataclass(frozen=True)
class FrozenParts:
    """The nets of other recipes: CLIP, the language model and its tokenizer."""

    clip: Clip
    model: LanguageModel
    tokenizer: ChatTokenizer


def main(recipe: Recipe, mapper: str = "mlp") -> Path:
    """Runs the stages, each from where it was stopped, and writes the weight file.

    Args:
        recipe: the options.
        mapper: `mlp` with a tuned language model, or `transformer` with a frozen one.
    """
    recipe.start()
    clip: Clip = frozen(recipe, "clip", lambda config: Clip(ClipConfig.from_dict(config)))
    parts = FrozenParts(clip, *feature_cache.language_model(recipe))
    net = ClipPrefix(config_of(parts, mapper))
    if net.language_model is not None:
        net.language_model.load_state_dict(parts.model.state_dict())
    trained = PrefixWithHeads(net).to(recipe.device)
    scenes = [data.train_scene(feature_cache.image_set(recipe), i) for i in range(recipe.pictures)]
    images = ClipFeatures(scenes, whitened(net, clip_features(recipe, clip)))
    train_mapper(recipe, trained, images, parts)
    train_captions(recipe, trained, images, parts, confident_scenes(trained, images, len(scenes)))
    about = recipe.about("pocket/clip-prefix", "clip", "language-model")
    save_weights(recipe.weights, net, net.config, about, bits=8)
    return recipe.weights


@torch.no_grad()
def whitened(net: ClipPrefix, features: Tensor) -> Tensor:
    """Sets the net's whitening from features [n, width], and returns the whitened features."""
    net.start_whitening(features)
    return torch.cat([net.whitened(part) for part in features.split(1000)])


def config_of(parts: FrozenParts, mapper: str) -> ClipPrefixConfig:
    """Returns the config that fits CLIP and the language model."""
    language = parts.model.config
    tuned = language if mapper == "mlp" else None
    view = unprojected_features(parts.clip, torch.zeros(1, 3, 64, 64, device=parts.model.token.weight.device)).shape[1]
    width = 96 if mapper == "mlp" else language.width
    return ClipPrefixConfig(mapper, QUERIES, view, width, language.width, tuned=tuned)


class PrefixWithHeads(nn.Module):
    """The net with the fact heads on its prefix."""

    def __init__(self, net: ClipPrefix) -> None:
        """Adds fresh heads."""
        super().__init__()
        self.net, self.heads = net, FactHeads(net.config.width)


# --- 1. facts -------------------------------------------------------------------------------------------------------


def train_mapper(recipe: Recipe, trained: PrefixWithHeads, images: ClipFeatures, parts: FrozenParts) -> None:
    """Trains the mapper to predict the facts one by one, then fits the last layer to the visual words."""
    trained.train()
    stage = Stage(recipe, STAGES, "mapper-facts", trained, rate=1e-3)
    resumed_at_end = stage.done
    for _ in stage:
        rows = stage.rng.integers(len(images.scenes), size=2 * BATCH)
        prefix = trained.net.mapper(images.noisy(rows, stage.generator).to(recipe.device))
        loss, right = images.targets.loss(trained.heads(prefix), rows)
        stage.update(loss, right=right)
    stage.finish()
    fit_last_layer(trained, images, parts)
    if not resumed_at_end:
        evaluate(recipe, trained.net, parts, "mapper-facts-last")


@torch.no_grad()
def fit_last_layer(trained: PrefixWithHeads, images: ClipFeatures, parts: FrozenParts, count: int = 4096) -> None:
    """Sets the last layer to the ridge regression to the embeddings of the visual words of confident facts."""
    net, device = trained.net, parts.model.token.weight.device
    prefix = torch.cat([net.mapper(part.to(device)).cpu() for part in images.features[:count].split(128)])
    words = word_embeddings(confident_scenes(trained, images, len(prefix)), parts.model, parts.tokenizer)
    set_linear(net.out, *ridge_regression(prefix.flatten(0, 1), words.flatten(0, 1)))


def confident_scenes(trained: PrefixWithHeads, images: ClipFeatures, count: int) -> list[world.Scene]:
    """Returns the first scenes reduced to the facts that the heads predict with confidence."""
    scenes: list[world.Scene] = []
    device = trained.net.out.weight.device
    with evaluating(trained):
        for start in range(0, count, 256):
            rows = np.arange(start, min(start + 256, count))
            cells, whole = trained.heads(trained.net.mapper(images.features[rows].to(device)))
            for row, cell_logits, whole_logits in zip(rows, cells.cpu(), whole.cpu(), strict=True):
                chances = (
                    answer_probabilities(cell_logits, CELL_FACTS),
                    answer_probabilities(whole_logits, SCENE_FACTS),
                )
                scenes.append(confident_scene(images.scenes[row], *chances))
    return scenes


# --- 2. captions ----------------------------------------------------------------------------------------------------


def train_captions(
    recipe: Recipe, trained: PrefixWithHeads, images: ClipFeatures, parts: FrozenParts, scenes: list[world.Scene]
) -> None:
    """Trains mapper and last layer (and a tuned language model) on captions of one sentence.

    Args:
        recipe: options.
        trained: the net with its heads.
        images: CLIP's features of the training images.
        parts: the frozen nets.
        scenes: what the captions state about each image.
    """
    trained.train()
    stage = Stage(recipe, STAGES, "captioning", trained, rate=5e-4)
    model = trained.net.language_model or parts.model
    batches = instruction_batches(stage, scenes, parts.tokenizer, ("sentence",), BATCH)
    for step, batch in zip(stage, batches, strict=False):
        prefix = trained.net.mapper(images.noisy(batch.rows, stage.generator).to(recipe.device))
        tokens, answers = batch.tokens.to(recipe.device), batch.answers.to(recipe.device)
        text = answer_loss(model, trained.net.out(prefix), tokens, answers)
        facts, right = images.targets.loss(trained.heads(prefix), batch.rows)
        stage.update(text + FACTS_WEIGHT * facts, text=text.item(), right=right)
        if step % 250 == 249:
            evaluate(recipe, trained.net, parts, f"captioning-{step + 1}")
    stage.finish()
    evaluate(recipe, trained.net, parts, "captioning-last")


def evaluate(recipe: Recipe, net: ClipPrefix, parts: FrozenParts, name: str) -> None:
    """Writes captions of held-out images beside the true ones, with the number of facts that are kept."""
    model = net.language_model or parts.model

    def caption(x: Tensor) -> list[str]:
        seeds = [0] * len(x)
        return answer_instructions(
            model, parts.tokenizer, net(unprojected_features(parts.clip, x)), [TASK] * len(x), seeds, Decoding(limit=90)
        )

    with evaluating(net):
        evaluate_captions(recipe, name, caption)
